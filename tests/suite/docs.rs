//! Prose goes stale: what documentation names must be there.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use crate::support::Folder;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            found.push(path);
        }
    }
}

fn all_pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    pages(&root().join("docs"), &mut found);
    pages(&root().join("plans"), &mut found);
    found
}

/// Places that a page links to, and files of the project that it names in code.
fn named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    for part in text.split("](").skip(1) {
        named.extend(part.split(')').next().map(|link| link.split('#').next().unwrap_or(link).to_owned()));
    }
    for word in text.split('`').skip(1).step_by(2) {
        let of_project = ["src/", "docs/", "plans/", "tests/", "schemas/", "benches/"]
            .iter()
            .any(|top| word.starts_with(top));
        if of_project && !word.contains(['<', '*', ' ', '…']) {
            named.push(format!("/{word}"));
        }
    }
    named.retain(|name| !name.is_empty() && !name.starts_with("http"));
    named
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let (_, sample) = readme.split_once("$ failback check ").expect("there is a sample");
    let (arguments, sample) = sample.split_once('\n').expect("it has an output");
    let (sample, _) = sample.split_once("```").expect("it ends");
    let ended = Command::new(env!("CARGO_BIN_EXE_failback"))
        .arg("check")
        .args(arguments.split(' '))
        .current_dir(root())
        .output()
        .expect("it can be run");
    assert_eq!(String::from_utf8_lossy(&ended.stdout).trim_end(), sample.trim_end());
}

#[test]
fn what_documentation_names_is_there() {
    let mut missing = Vec::new();
    for page in all_pages() {
        let text = fs::read_to_string(&page).expect("a page is text");
        for name in named(&text) {
            let path = match name.strip_prefix('/') {
                Some(name) => root().join(name),
                None => page.parent().expect("a page is in a folder").join(&name),
            };
            if !path.exists() {
                missing.push(format!("{} names {name}", page.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
    let help = Folder::with(&[]).run(&["--help"]).out;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        // What is further to the right goes on with the line before.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert!(commands.len() > 15, "{help}");
    for command in commands {
        assert!(
            readme.contains(&format!("failback {command}")) || readme.contains(&format!("`{command} [")),
            "{command}"
        );
    }
}

#[test]
fn the_scenario_of_the_documentation_is_one() {
    let text = fs::read_to_string(root().join("docs/emulator.md")).expect("there is such a page");
    let block = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let mut sources = failback::source::Sources::new();
    let index = sources.add("example", block.to_owned()).expect("small");
    let mut diagnostics = Vec::new();
    let scenario = failback::provider::emulator::Scenario::parse(sources.get(index), &mut diagnostics);
    assert!(scenario.is_some() && diagnostics.is_empty(), "{diagnostics:#?}");
    for kind in failback::provider::emulator::scenario::FaultKind::WORDS {
        assert!(text.contains(&format!("`{kind}`")), "{kind} is not described");
    }
}
