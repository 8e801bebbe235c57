//! What programs read where a command can't go on: the findings that refuse a plan, and lists that are empty.

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

fn folder(plan: &str) -> Folder {
    Folder::with(&[("classic.plan.yaml", plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

#[test]
fn a_refused_plan_is_told_to_programs_as_check_tells_it() {
    let folder =
        folder(&CLASSIC_PLAN.replace("  - name: w1", "  - {name: w1, failback: {master_target: mtl}}"));
    for command in [&["plan"][..], &["run", "--speed", "max"]] {
        let ended = folder.run(&[command, &["classic.plan.yaml", "--format", "json"]].concat());
        assert_eq!(ended.exit, 1, "{command:?}: {}", ended.err);
        let told = ended.json();
        assert_eq!(told["version"], 1, "{command:?}");
        let rules: Vec<_> =
            told["findings"].as_array().expect("a list").iter().map(|of| &of["rule"]).collect();
        assert!(rules.contains(&&"FB201".into()), "{command:?}: {rules:?}");
        assert!(told["summary"]["errors"].as_u64() >= Some(1), "{command:?}");
        assert!(ended.err.contains("FB201"), "a person reads it too");
    }
}

#[test]
fn mistakes_of_a_plan_are_told_to_programs_as_check_tells_them() {
    let folder = folder(&CLASSIC_PLAN.replace("defaults:", "default:"));
    let ended = folder.run(&["plan", "classic.plan.yaml", "--format", "json"]);
    assert_eq!(ended.exit, 1, "{}", ended.err);
    assert_eq!(ended.json()["findings"][0]["rule"], "unknown-key");
}

#[test]
fn a_list_of_no_runs_is_a_list_and_a_file_is_no_state_directory() {
    let folder = folder(CLASSIC_PLAN);
    let none = folder.run(&["runs", "--format", "json"]);
    assert_eq!((none.exit, none.json()), (0, serde_json::json!({"version": 1, "runs": []})));
    assert_eq!(folder.run(&["runs"]).exit, 2, "a person is told where they would be");
    let file = folder.run(&["runs", "--format", "json", "--state-dir", "classic.plan.yaml"]);
    assert_eq!(file.exit, 2);
    assert!(file.err.contains("`classic.plan.yaml` is no folder"), "{}", file.err);
}

#[test]
fn tests_of_policies_are_no_matter_of_a_plan_with_mistakes_beside_them() {
    let tested = "kind: Policy\nversion: 1\nname: corp\nrules:\n  \
        - {id: ACME01, severity: error, scope: machine, message: no w3, assert: 'machine.name != \"w3\"'}\n\
        tests:\n  - {name: it holds, rule: ACME01, given: {machine: {name: w3}}, expect: violated}\n";
    let files = [("p/bad.plan.yaml", "kind: RecoveryPlan\nbogus: 1\n"), ("p/corp.policy.yaml", tested)];
    let folder = Folder::with(&files);
    let ended = folder.run(&["check", "--test-policies", "p"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.out, ended.err);
    assert!(!ended.err.contains("bogus"), "{}", ended.err);
    let broken = Folder::with(&[("p/corp.policy.yaml", &tested.replace("severity: error", "severity: bad"))]);
    assert_eq!(broken.run(&["check", "--test-policies", "p"]).exit, 1, "its own mistakes count");
}

#[test]
fn a_folder_that_gitlab_checks_gets_no_workflow_of_github() {
    let folder = Folder::with(&[(".gitlab-ci.yml", "test: {script: [make]}\n")]);
    let ended = folder.run(&["init"]);
    assert_eq!(ended.exit, 0, "{}", ended.err);
    assert!(!folder.path().join(".github").exists(), "{}", ended.out);
    let asked = folder.run(&["init", "--ci", "github"]);
    assert_eq!(asked.exit, 0, "{}", asked.err);
    assert!(folder.path().join(".github/workflows/failback.yml").exists(), "who asks for it gets it");
}
