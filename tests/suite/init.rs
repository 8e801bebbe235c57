//! `init` and what surrounds a plan: shells, manual pages, build services.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_yaml::Value;

use crate::support::Ended;
use crate::support::Folder;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn done(ended: Ended) -> Ended {
    assert_eq!(ended.exit, 0, "{}", ended.said());
    ended
}

/// Returns the files of a folder and the folders in it.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).expect("listed") {
            let path = entry.expect("listed").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below").to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_new_folder_can_be_checked_planned_and_run_at_once() {
    for architecture in ["modernized", "classic"] {
        let folder = Folder::with(&[]);
        done(folder.run(&["init", "--architecture", architecture, "--name", "erp"]));
        let checked = done(folder.run(&["check", "--strict"]));
        assert!(
            !checked.out.contains("undecided") && checked.out.contains("erp: may run"),
            "{}",
            checked.out
        );
        assert_eq!(checked.out.contains("warning["), architecture == "classic", "{}", checked.out);
        assert_eq!(folder.run(&["check", "--diff"]).said(), "exit 0\n--- err\nnothing to fix\n");
        let planned = done(folder.run(&["plan", "plans/erp.plan.yaml"]));
        assert!(planned.out.starts_with("erp: 4 machines in 1 replication group"), "{}", planned.out);
        let ran = done(folder.run(&["run", "plans/erp.plan.yaml", "--speed", "max", "--auto-approve"]));
        assert!(ran.out.contains("erp"), "{}", ran.said());
    }
}

#[test]
fn the_files_of_a_new_folder_are_told() {
    let folder = Folder::with(&[]);
    insta::assert_snapshot!(folder.run(&["init", "home"]).said(), @r#"
exit 0
--- out
made: home/plans/site.plan.yaml
made: home/plans/site.inventory.yaml
made: home/failback.yaml
made: home/.vscode/settings.json
made: home/schemas/recovery-plan.schema.json
made: home/schemas/inventory.schema.json
made: home/schemas/policy.schema.json
made: home/schemas/settings.schema.json
made: home/.github/workflows/failback.yml
made: home/.gitignore

cd home
failback check            # is anything wrong?
failback plan plans/site.plan.yaml
failback run plans/site.plan.yaml --speed max
failback drill plans/site.plan.yaml --name weekly
failback serve            # drills when they are due, and the dashboard

for the checks of changes, set the variable FAILBACK_SOURCE to the git URL of failback
"#);
    assert_eq!(
        files(folder.path()),
        [
            "home/.github/workflows/failback.yml",
            "home/.gitignore",
            "home/.vscode/settings.json",
            "home/failback.yaml",
            "home/plans/site.inventory.yaml",
            "home/plans/site.plan.yaml",
            "home/schemas/inventory.schema.json",
            "home/schemas/policy.schema.json",
            "home/schemas/recovery-plan.schema.json",
            "home/schemas/settings.schema.json",
        ]
    );
    for (schema, kind) in
        [("recovery-plan", "recovery-plan"), ("inventory", "inventory"), ("policy", "policy")]
    {
        let made = fs::read_to_string(folder.path().join(format!("home/schemas/{schema}.schema.json")));
        assert_eq!(made.expect("made"), folder.run(&["schema", kind]).out);
    }
    let again = done(folder.run(&["init", "home"]));
    assert_eq!(again.out.matches("unchanged: ").count(), 10, "{}", again.out);
}

#[test]
fn what_exists_is_replaced_only_by_force() {
    let folder = Folder::with(&[
        ("plans/site.plan.yaml", "# mine\n"),
        (".gitignore", "/target"),
        ("schemas/policy.schema.json", "{}\n"),
    ]);
    let forced = done(folder.run(&["init", "--force", "-q"]));
    assert_eq!(forced.out, "replaced: plans/site.plan.yaml\nreplaced: schemas/policy.schema.json\n");
    assert_eq!(
        fs::read_to_string(folder.path().join(".gitignore")).expect("there"),
        "/target\n.failback/\n",
        "a list keeps its lines"
    );
    done(folder.run(&["check", "--strict"]));
    let again = done(folder.run(&["init", "--force"]));
    assert_eq!(again.out.matches("unchanged: ").count(), 10, "{}", again.out);
    assert!(again.out.contains("failback check"), "{}", again.out);
}

#[cfg(unix)]
#[test]
fn force_leads_through_no_link_out_of_the_folder() {
    let outside = Folder::with(&[("profile", "mine\n")]);
    let folder = Folder::with(&[("plans/a.txt", "")]);
    let file = outside.path().join("profile");
    std::os::unix::fs::symlink(&file, folder.path().join("plans/site.plan.yaml")).expect("linked");
    let ended = folder.run(&["init", "--force"]);
    assert_eq!(ended.exit, 2, "{}", ended.said());
    assert!(ended.err.contains("a link to a place outside the folder"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine\n");
}

#[test]
fn what_exists_is_left_as_it_is() {
    let folder = Folder::with(&[
        ("plans/site.plan.yaml", "# mine\n"),
        (".vscode/settings.json", "{}\n"),
        (".gitignore", "/target"),
    ]);
    let ended = done(folder.run(&["init", "--ci", "none", "-q"]));
    assert_eq!(
        ended.out,
        "exists, left as it is: plans/site.plan.yaml\nexists, left as it is: .vscode/settings.json\n"
    );
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
    assert_eq!(text("plans/site.plan.yaml"), "# mine\n");
    assert_eq!(text(".gitignore"), "/target\n.failback/\n");
    assert!(!folder.path().join(".github").exists());
    done(folder.run(&["init", "--ci", "none"]));
    assert_eq!(text(".gitignore"), "/target\n.failback/\n");
}

#[test]
fn a_name_is_one_of_files_and_plans() {
    let folder = Folder::with(&[]);
    for name in ["", "../x", "a b", "-x", "no", "12", "1e3", "0x1", "null", "a/b", "서울", ".x"] {
        let ended = folder.run(&["init", &format!("--name={name}")]);
        assert_eq!(ended.exit, 2, "{name}");
    }
    assert!(files(folder.path()).is_empty());
}

#[test]
fn every_shell_gets_completions_that_know_every_command() {
    let folder = Folder::with(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = done(folder.run(&["completions", shell])).out;
        for word in ["check", "completions", "init", "resume", "fix", "architecture"] {
            assert!(text.contains(word), "{shell} does not know {word}");
        }
    }
    let zsh = folder.run(&["completions", "zsh"]).out;
    for argument in ["':path -- Plan file:_files'", "'::folder -- Folder to make, or to add to:_files -/'"] {
        assert!(zsh.contains(argument), "{argument} is not completed");
    }
    let bash = folder.run(&["completions", "bash"]).out;
    folder.write("failback.bash", bash.as_bytes());
    let checked = Command::new("bash").arg("-n").arg(folder.path().join("failback.bash")).status();
    assert!(checked.expect("bash runs").success());
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::with(&[]);
    let page = done(folder.run(&["man"])).out;
    assert!(page.contains(".TH failback 1"), "{page}");
    done(folder.run(&["man", "--out", "share/man1"]));
    let help = folder.run(&["--help"]).out;
    let commands = help.split("Commands:\n").nth(1).expect("there are commands");
    let made = files(&folder.path().join("share/man1"));
    let mut count = 1;
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        if let Some(command) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            let name = format!("failback-{}.1", command.split(' ').next().expect("a word"));
            assert!(made.contains(&name), "{name} is missing: {made:?}");
            count += 1;
        }
    }
    assert_eq!(made.len(), count);
    let check = fs::read_to_string(folder.path().join("share/man1/failback-check.1")).expect("made");
    assert!(check.contains(".TH failback-check 1") && check.contains("\\-\\-fix"), "{check}");
}

/// Files for build services, each with the schema that an independent validator has for it.
fn pipelines() -> Vec<(PathBuf, &'static str)> {
    let mut found = vec![
        (root().join("action.yml"), "vendor.github-actions"),
        (root().join(".pre-commit-hooks.yaml"), ""),
        (root().join("src/cli/init/github.yml"), "vendor.github-workflows"),
        (root().join("src/cli/init/gitlab.yml"), "vendor.gitlab-ci"),
    ];
    found.retain(|(path, _)| path.exists());
    assert_eq!(found.len(), 4);
    found
}

/// Returns the YAML examples of a page.
fn examples(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).expect("there is such a page");
    let blocks = text.split("```yaml\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block ends").to_owned()).collect()
}

#[test]
fn files_for_build_services_are_yaml() {
    for (path, _) in pipelines() {
        let text = fs::read_to_string(&path).expect("it is text");
        let value: Value =
            serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(value.is_mapping() || value.is_sequence());
    }
    assert_eq!(examples("docs/ci.md").len(), 3);
    for example in examples("docs/ci.md") {
        let value: Result<Value, _> = serde_yaml::from_str(&example);
        assert!(value.is_ok(), "{example}: {value:?}");
    }
}

#[test]
fn what_build_services_run_is_a_command_line_of_ours() {
    let folder = Folder::with(&[]);
    done(folder.run(&["init"]));
    let mut seen = 0;
    let mut texts: Vec<String> =
        pipelines().iter().map(|(path, _)| fs::read_to_string(path).expect("it is text")).collect();
    texts.extend(examples("docs/ci.md"));
    for text in texts {
        for line in text.lines() {
            let Some((before, after)) = line.split_once("failback check") else { continue };
            // Names and sentences are no command lines.
            let command = before.trim_end_matches(".cargo/bin/").trim_end();
            if !(command.is_empty()
                || command.ends_with("run:")
                || command.ends_with('-')
                || command.ends_with("entry:"))
            {
                continue;
            }
            let words = after.split(" > ").next().expect("a part");
            let words: Vec<&str> =
                words.split(' ').filter(|word| !word.is_empty() && !word.starts_with('"')).collect();
            let ended = folder.run(&[&["check"], words.as_slice()].concat());
            assert_eq!(ended.exit, 0, "{line}: {}", ended.said());
            seen += 1;
        }
    }
    assert!(seen >= 7, "only {seen} command lines were looked at");
}

#[test]
fn an_action_hands_nothing_of_a_workflow_to_a_shell_as_code() {
    for (path, _) in pipelines() {
        let text = fs::read_to_string(&path).expect("it is text");
        let value: Value = serde_yaml::from_str(&text).expect("YAML");
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            match value {
                Value::Mapping(mapping) => {
                    if let Some(script) = mapping.get("run").and_then(Value::as_str) {
                        assert!(!script.contains("${{"), "{}: {script}", path.display());
                    }
                    open.extend(mapping.into_iter().map(|(_, value)| value));
                }
                Value::Sequence(items) => open.extend(items),
                _ => {}
            }
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that looks at nothing must say so")]
#[expect(
    clippy::disallowed_methods,
    reason = "the script that runs the tests says where it put the validator"
)]
#[test]
fn files_for_build_services_pass_an_independent_validator() {
    let Some(validator) = std::env::var_os("FAILBACK_CHECK_JSONSCHEMA") else {
        eprintln!(
            "NOT CHECKED: CI files, since FAILBACK_CHECK_JSONSCHEMA names no validator; run scripts/test"
        );
        return;
    };
    let folder = Folder::with(&[]);
    let mut all: Vec<(PathBuf, &str)> =
        pipelines().into_iter().filter(|(_, schema)| !schema.is_empty()).collect();
    for (number, example) in examples("docs/ci.md").iter().enumerate() {
        let name = format!("{number}.yml");
        folder.write(&name, example.as_bytes());
        let schema = if example.contains("jobs:") {
            "vendor.github-workflows"
        } else if example.contains("script:") {
            "vendor.gitlab-ci"
        } else {
            continue;
        };
        all.push((folder.path().join(name), schema));
    }
    assert_eq!(all.len(), 5);
    for (path, schema) in all {
        let output = Command::new(&validator).args(["--builtin-schema", schema]).arg(&path).output();
        let output = output.expect("the validator runs");
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stdout));
    }
}
