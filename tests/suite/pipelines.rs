//! The action and the hooks for pre-commit, run as a build service runs them: their scripts, with what a workflow hands over.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_yaml::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(name: &str) -> Value {
    let text = fs::read_to_string(root().join(name)).expect("it is there");
    serde_yaml::from_str(&text).expect("it is YAML")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// What became of a step.
struct Step {
    name: String,
    /// `None` if it was left out, or is the action of somebody else.
    output: Option<Output>,
}

impl Step {
    fn code(&self) -> Option<i32> {
        self.output.as_ref().and_then(|output| output.status.code())
    }

    fn said(&self) -> String {
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.output.as_ref().map_or_else(String::new, |output| said(&output.stdout) + &said(&output.stderr))
    }
}

/// A machine of a build service, on which the action runs in a folder.
struct Runner {
    folder: Folder,
    temp: tempfile::TempDir,
    inputs: BTreeMap<String, String>,
    /// Whether the cache has the program.
    is_cached: bool,
}

impl Runner {
    fn new(files: &[(&str, &str)], inputs: &[(&str, &str)]) -> Self {
        let action = yaml("action.yml");
        let defaults = action["inputs"].as_mapping().expect("there are inputs").iter();
        let mut given: BTreeMap<String, String> = defaults
            .map(|(name, input)| {
                (name.as_str().expect("a name").to_owned(), text(input, "default").to_owned())
            })
            .collect();
        for (name, value) in inputs {
            assert!(given.insert((*name).to_owned(), (*value).to_owned()).is_some(), "{name} is no input");
        }
        let temp = tempfile::tempdir().expect("a folder");
        // Building takes minutes: what is asked of cargo is noted, and the program that was built already is put in place.
        let cargo = format!(
            "#!/bin/bash\nprintf '%s\\n' \"$@\" >> '{0}/cargo.log'\n\
             while [ $# -gt 0 ]; do if [ \"$1\" = --root ]; then mkdir -p \"$2/bin\"; ln -sf '{1}' \"$2/bin/failback\"; fi; shift; done\n",
            temp.path().display(),
            env!("CARGO_BIN_EXE_failback")
        );
        fs::create_dir(temp.path().join("bin")).expect("made");
        fs::write(temp.path().join("bin/cargo"), cargo).expect("written");
        fs::set_permissions(temp.path().join("bin/cargo"), PermissionsExt::from_mode(0o755)).expect("set");
        Self { folder: Folder::with(files), temp, inputs: given, is_cached: false }
    }

    fn cargo(&self) -> Vec<String> {
        let log = fs::read_to_string(self.temp.path().join("cargo.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Returns the value of an expression of the kinds that the action uses.
    fn value(&self, expression: &str, outputs: &BTreeMap<String, String>) -> String {
        let expression = expression.trim();
        if let Some(input) = expression.strip_prefix("inputs.") {
            return self.inputs.get(input).unwrap_or_else(|| panic!("{input} is no input")).clone();
        }
        if expression.starts_with("steps.") {
            return outputs.get(expression).cloned().unwrap_or_default();
        }
        let temp = self.temp.path().display().to_string();
        match expression {
            "github.action_path" => root().display().to_string(),
            "github.server_url" => "https://git.example".to_owned(),
            "github.action_repository" => "owner/failback".to_owned(),
            "runner.temp" => temp,
            "runner.os" => "Linux".to_owned(),
            "runner.arch" => "X64".to_owned(),
            other => panic!("what is `{other}`?"),
        }
    }

    fn filled(&self, template: &str, outputs: &BTreeMap<String, String>) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").expect("an expression ends");
            filled.push_str(before);
            filled.push_str(&self.value(expression, outputs));
            rest = after;
        }
        filled + rest
    }

    /// Returns whether a step is run: `if` compares a value with a text.
    fn is_wanted(&self, step: &Value, outputs: &BTreeMap<String, String>) -> bool {
        let condition = text(step, "if");
        let Some((value, other)) = condition.split_once("!=") else {
            assert!(condition.is_empty(), "what does `{condition}` mean?");
            return true;
        };
        self.value(value, outputs) != other.trim().trim_matches('\'')
    }

    /// Runs the action's steps until one fails.
    fn run(&self) -> Vec<Step> {
        let action = yaml("action.yml");
        let mut outputs: BTreeMap<String, String> = BTreeMap::new();
        let mut path = format!("{}:/usr/bin:/bin", self.temp.path().join("bin").display());
        let mut done = Vec::new();
        for step in action["runs"]["steps"].as_sequence().expect("there are steps") {
            let name = text(step, "name").to_owned();
            if !self.is_wanted(step, &outputs) {
                done.push(Step { name, output: None });
                continue;
            }
            if step.get("uses").is_some() {
                if self.is_cached && text(step, "uses").starts_with("actions/cache@") {
                    outputs
                        .insert(format!("steps.{}.outputs.cache-hit", text(step, "id")), "true".to_owned());
                }
                done.push(Step { name, output: None });
                continue;
            }
            assert_eq!(text(step, "shell"), "bash");
            let script = text(step, "run");
            // What a workflow hands over would be code in a script.
            assert!(!script.contains("${{"), "{script}");
            let (out, paths) = (self.temp.path().join("output"), self.temp.path().join("path"));
            fs::write(&out, "").expect("written");
            fs::write(&paths, "").expect("written");
            let file = self.temp.path().join("script.sh");
            fs::write(&file, script).expect("written");
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file);
            command.current_dir(self.folder.path()).env_clear().env("PATH", &path);
            command.env("GITHUB_OUTPUT", &out).env("GITHUB_PATH", &paths);
            for (key, value) in step.get("env").and_then(Value::as_mapping).into_iter().flatten() {
                let value = self.filled(value.as_str().expect("a text"), &outputs);
                command.env(key.as_str().expect("a name"), value);
            }
            let output = command.output().expect("bash runs");
            for line in fs::read_to_string(&out).expect("there").lines() {
                let (key, value) = line.split_once('=').expect("an output is a name and a value");
                outputs.insert(format!("steps.{}.outputs.{key}", text(step, "id")), value.to_owned());
            }
            for line in fs::read_to_string(&paths).expect("there").lines() {
                path = format!("{line}:{path}");
            }
            let failed = !output.status.success();
            done.push(Step { name, output: Some(output) });
            if failed {
                break;
            }
        }
        done
    }
}

fn healthy() -> [(&'static str, &'static str); 2] {
    [("plans/classic.plan.yaml", CLASSIC_PLAN), ("plans/classic.inventory.yaml", CLASSIC_INVENTORY)]
}

const REFUSED: &str =
    "kind: RecoveryPlan\nversion: 1\nname: refused\nmachines: [{name: w1, depends_on: [nobody]}]\n";

#[test]
fn the_action_builds_the_program_once_and_checks() {
    let mut runner = Runner::new(&healthy(), &[]);
    let steps = runner.run();
    for step in &steps {
        assert!(matches!(step.code(), None | Some(0)), "{}: {}", step.name, step.said());
    }
    let check = steps.last().expect("it checks");
    assert_eq!((check.name.as_str(), check.code()), ("Check", Some(0)));
    let root = runner.temp.path().join("failback").display().to_string();
    let source = self::root().display().to_string();
    assert_eq!(runner.cargo(), ["install", "--locked", "--root", &root, "--path", &source]);

    // The second time it comes from the cache.
    fs::remove_file(runner.temp.path().join("cargo.log")).expect("it was there");
    runner.is_cached = true;
    assert_eq!(runner.run().last().expect("it checks").code(), Some(0));
    assert!(runner.cargo().is_empty());
}

#[test]
fn the_action_builds_the_version_that_is_asked_for() {
    let runner = Runner::new(&healthy(), &[("version", "v1.2.3"), ("format", "human")]);
    assert_eq!(runner.run().last().expect("it checks").code(), Some(0));
    let asked = runner.cargo();
    assert!(asked.windows(2).any(|two| two == ["--git", "https://git.example/owner/failback"]), "{asked:?}");
    assert!(asked.windows(2).any(|two| two == ["--tag", "v1.2.3"]), "{asked:?}");
}

#[test]
fn the_action_fails_for_what_refuses_and_has_written_its_report() {
    let files = [("plans/a b/refused.plan.yaml", REFUSED)];
    let runner = Runner::new(&files, &[("path", "plans/a b\n\n"), ("sarif", "out/x y.sarif")]);
    fs::create_dir(runner.folder.path().join("out")).expect("made");
    let steps = runner.run();
    let check = steps.last().expect("it checks");
    assert_eq!((check.name.as_str(), check.code()), ("Check", Some(1)), "{}", check.said());
    assert!(check.said().contains("::error file=plans/a b/refused.plan.yaml,line=4"), "{}", check.said());
    let sarif = fs::read_to_string(runner.folder.path().join("out/x y.sarif")).expect("it was written");
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    assert!(results.iter().any(|result| result["ruleId"] == "FB500"));
    // What can't be read fails before anything is uploaded.
    let lost = Runner::new(&files, &[("path", "nowhere"), ("sarif", "x.sarif")]).run();
    let last = lost.last().expect("a step");
    assert_eq!((last.name.as_str(), last.code()), ("Write SARIF", Some(1)), "{}", last.said());
}

#[test]
fn the_action_hands_its_flags_on() {
    let world = |inputs: &[(&str, &str)], files: &[(&str, &str)]| {
        let runner = Runner::new(&[&healthy()[..], files].concat(), inputs);
        runner.run().last().expect("it checks").code()
    };
    let warned =
        CLASSIC_PLAN.replace("  final_state: protected\n", "").replace("name: classic", "name: warned");
    let warned = warned.replace("  forward: {process_server: ps-on}\n", "");
    let files = [("plans/warned.plan.yaml", warned.as_str())];
    assert_eq!(world(&[], &files), Some(0));
    assert_eq!(world(&[("fail-on", "warning")], &files), Some(1));
    let blind = "kind: RecoveryPlan\nversion: 1\nname: blind\nmachines: [w1]\n";
    let blind = [("plans/blind.plan.yaml", blind)];
    assert_eq!((world(&[], &blind), world(&[("strict", "true")], &blind)), (Some(0), Some(1)));
    let known = Folder::with(&[("plans/refused.plan.yaml", REFUSED)]);
    let known = known.run(&["check", "--format", "json"]).out;
    let files = [("plans/refused.plan.yaml", REFUSED), ("known.json", known.as_str())];
    assert_eq!((world(&[], &files), world(&[("baseline", "known.json")], &files)), (Some(1), Some(0)));
}

#[test]
fn no_input_of_the_action_is_code() {
    let code = "\"; touch pwned; echo \"$(touch pwned)`touch pwned`";
    for input in ["path", "format", "fail-on", "strict", "baseline", "sarif", "version"] {
        let runner = Runner::new(&healthy(), &[(input, code)]);
        runner.run();
        assert!(!runner.folder.path().join("pwned").exists(), "{input}");
    }
    // A path is no flag, either.
    let runner = Runner::new(&healthy(), &[("path", "--help")]);
    let steps = runner.run();
    assert_eq!(steps.last().expect("it checks").code(), Some(2));
}

/// Runs a hook as pre-commit does when files were changed; `None` if it is about none of them.
fn hook(id: &str, folder: &Folder, changed: &[&str]) -> Option<Output> {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = hooks.as_sequence().expect("hooks").iter().find(|hook| text(hook, "id") == id).expect("there");
    assert_eq!(text(hook, "language"), "rust");
    // The pattern is one of Python's, whose few signs here mean the same.
    assert_eq!(text(hook, "files"), r"\.(plan|inventory|policy)\.ya?ml$");
    let endings =
        ["plan", "inventory", "policy"].map(|kind| [format!(".{kind}.yaml"), format!(".{kind}.yml")]);
    if !changed.iter().any(|file| endings.iter().flatten().any(|ending| file.ends_with(ending))) {
        return None;
    }
    assert_eq!(
        hook["pass_filenames"],
        Value::Bool(false),
        "plans, inventories and policies mean something together only"
    );
    let mut words = text(hook, "entry").split(' ');
    assert_eq!(words.next(), Some("failback"));
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_failback")));
    command.args(words).current_dir(folder.path());
    Some(command.output().expect("it runs"))
}

#[test]
fn hooks_check_and_fix_the_folder_of_a_commit() {
    let slip = CLASSIC_PLAN.replace("machines:", "machnes:");
    let folder =
        Folder::with(&[("plans/a.plan.yaml", &slip), ("plans/classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let code =
        |id: &str, changed: &str| hook(id, &folder, &[changed]).expect("it is about this file").status.code();
    assert_eq!(code("failback-check", "plans/a.plan.yaml"), Some(1));
    assert_eq!(code("failback-fix", "plans/a.plan.yaml"), Some(0));
    assert_eq!(fs::read_to_string(folder.path().join("plans/a.plan.yaml")).expect("there"), CLASSIC_PLAN);
    assert_eq!(code("failback-check", "plans/a.plan.yaml"), Some(0));
    assert!(hook("failback-check", &folder, &["README.md"]).is_none());
    // The plan did not change, and can't run on these facts.
    let inventory = CLASSIC_INVENTORY.replacen("name: w1", "name: w9", 1);
    folder.write("plans/classic.inventory.yaml", inventory.as_bytes());
    assert_eq!(code("failback-check", "plans/classic.inventory.yaml"), Some(1));
}
