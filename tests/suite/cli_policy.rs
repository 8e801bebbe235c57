//! How the command line takes policies: beside plans, by a flag, and alone with their tests.

use serde_json::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const POLICY: &str = "\
kind: Policy
version: 1
name: corp
rules:
  - {id: ACME01, severity: error, scope: machine, message: \"{{ machine.name }} is no l1\", assert: 'machine.name != \"w3\"'}
  - {id: ACME02, severity: error, scope: plan, message: no owner, assert: plan.owner != null, waivable: false}
  - {id: ACME03, severity: error, scope: machine, message: churns, assert: machine.churn.gb_per_day < 100}
";

fn folder(policy: &str, plan: &str) -> Folder {
    Folder::with(&[
        ("plans/classic.plan.yaml", plan),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("plans/corp.policy.yaml", policy),
    ])
}

/// Returns the findings of policies as `id state subject`.
fn own(output: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let findings = output["findings"].as_array().expect("findings").iter();
    let own = findings.filter(|finding| !text(&finding["rule"]).starts_with("FB"));
    own.map(|finding| {
        format!(
            "{} {} {}",
            text(&finding["rule"]),
            text(&finding["state"]),
            text(&finding["subject"]["name"])
        )
    })
    .collect()
}

#[test]
fn a_policy_in_the_folder_refuses_a_plan() {
    let folder = folder(POLICY, CLASSIC_PLAN);
    let ended = folder.run(&["check", "--format", "json"]);
    let output = ended.json();
    assert_eq!(ended.exit, 1);
    let expected = [
        "ACME02 violated classic",
        "ACME01 violated w3",
        "ACME03 indeterminate w1",
        "ACME03 indeterminate w2",
    ];
    let found = own(&output);
    assert!(expected.iter().all(|expected| found.contains(&(*expected).to_owned())), "{found:?}");
    assert_eq!(found.len(), 6);
    let broken = output["findings"].as_array().expect("findings").iter().find(|one| one["rule"] == "ACME01");
    let broken = broken.expect("it was found");
    assert_eq!(
        (&broken["message"], &broken["source"], &broken["severity"]),
        (&"w3 is no l1".into(), &"policy corp".into(), &"error".into())
    );
    assert_eq!(broken["location"]["file"], "plans/classic.plan.yaml");
    assert_eq!(broken["related"][0]["location"]["file"], "plans/corp.policy.yaml");
    let people = folder.run(&["check"]);
    assert!(people.out.contains("error[ACME01]: w3 is no l1"), "{}", people.out);
}

#[test]
fn a_policy_is_given_by_a_flag_and_then_only_its_rules_count() {
    let plans = format!("{POLICY}---\n{}", CLASSIC_PLAN.replace("name: classic", "name: beside"));
    let folder = folder(&plans, CLASSIC_PLAN);
    let alone = folder.run(&["check", "plans/classic.plan.yaml", "--format", "json"]);
    assert_eq!((alone.exit, own(&alone.json()).len()), (0, 0));
    let flag = ["check", "plans/classic.plan.yaml", "--format", "json", "--policy", "plans/corp.policy.yaml"];
    let given = folder.run(&flag);
    assert_eq!((given.exit, own(&given.json()).len()), (1, 6), "{}", given.out);
    let planned = folder.run(&["plan", "plans/classic.plan.yaml", "--policy", "plans/corp.policy.yaml"]);
    assert_eq!(planned.exit, 1, "{}", planned.out);
    assert!(planned.err.contains("ACME02"), "{}", planned.err);
    let none = folder.run(&["check", "plans/classic.plan.yaml", "--policy", "plans/classic.inventory.yaml"]);
    assert_eq!(none.exit, 1);
}

#[test]
fn a_plan_accepts_what_the_policy_lets_it_accept() {
    let waivers = "\nwaivers:\n  - {rule: ACME01, of: [w3], reason: CAB-1, until: 2025-06-02}\n  - {rule: ACME02, reason: CAB-2}\n";
    let folder = folder(POLICY, &format!("{CLASSIC_PLAN}{waivers}"));
    let output = folder.run(&["check", "--format", "json"]).json();
    let found = own(&output);
    assert!(found.contains(&"ACME01 waived w3".to_owned()), "{found:?}");
    assert!(found.contains(&"ACME02 violated classic".to_owned()), "{found:?}");
    let later = folder.run(&["check", "--format", "json", "--now", "2025-06-03T00:00:00Z"]).json();
    assert!(own(&later).contains(&"ACME01 violated w3".to_owned()));
}

#[test]
fn what_can_not_be_decided_refuses_only_strictly() {
    let policy = POLICY.lines().filter(|line| !line.contains("ACME01") && !line.contains("ACME02"));
    let policy = policy.fold(String::new(), |text, line| text + line + "\n");
    let folder = folder(&policy, CLASSIC_PLAN);
    assert_eq!(folder.run(&["check"]).exit, 0);
    let strict = folder.run(&["check", "--strict"]);
    assert_eq!(strict.exit, 1);
    assert!(strict.out.contains("`churn` of"), "{}", strict.out);
}

#[test]
fn a_broken_policy_can_not_be_accepted() {
    let policy =
        POLICY.replace("assert: plan.owner != null, waivable: false", "assert: 1 / (1 - size(\"x\")) == 1");
    let plan = format!("{CLASSIC_PLAN}\nwaivers:\n  - {{rule: ACME02, reason: CAB-2}}\n");
    let ended = folder(&policy, &plan).run(&["check", "--format", "json"]);
    assert_eq!(ended.exit, 1);
    let output = ended.json();
    let findings = output["findings"].as_array().expect("findings");
    let broken = findings.iter().find(|one| one["name"] == "policy-error").expect("it is told");
    assert_eq!((&broken["state"], &broken["location"]["line"]), (&"violated".into(), &6.into()));
}

#[test]
fn a_mistake_in_a_policy_refuses_like_one_in_a_plan() {
    let folder = folder(&POLICY.replace("plan.owner", "plan.ownr"), CLASSIC_PLAN);
    let ended = folder.run(&["check"]);
    assert_eq!(ended.exit, 1);
    assert!(ended.out.contains("plans/corp.policy.yaml:6:"), "{}", ended.out);
    assert!(ended.out.contains("did you mean `owner`?"), "{}", ended.out);
    // An object of a cluster that has a policy's name is none of ours.
    let other = "apiVersion: kyverno.io/v1\nkind: Policy\nspec: {rules: []}\n";
    let quiet = Folder::with(&[("plans/kyverno.yaml", other), ("plans/a.inventory.yaml", CLASSIC_INVENTORY)]);
    assert_eq!(quiet.run(&["check"]).exit, 0);
}

#[test]
fn tests_of_policies_run_alone() {
    let test = |given: &str, expect: &str| {
        format!("{POLICY}tests:\n  - {{name: it holds, rule: ACME01, given: {given}, expect: {expect}}}\n")
    };
    let run = |text: &str, more: &[&str]| {
        let folder = Folder::with(&[("corp.policy.yaml", text)]);
        folder.run(&[&["check", "--test-policies", "corp.policy.yaml"], more].concat())
    };
    let good = run(&test("{machine: {name: w3}}", "violated"), &[]);
    assert_eq!((good.exit, good.out.as_str()), (0, "ok      ACME01  it holds\n1 of 1 test passed\n"));
    let bad = run(&test("{machine: {name: w3}}", "silent"), &[]);
    assert_eq!(bad.exit, 1);
    assert!(bad.out.contains("corp.policy.yaml:9: expected silent, got violated"), "{}", bad.out);
    let slip = run(&test("{machine: {naem: w3}}", "silent"), &["--format", "json"]);
    assert_eq!(slip.exit, 1);
    assert_eq!(slip.json()["tests"][0]["problem"], "`given` at `machines[0]`: unknown key `naem`");
    let unknown = run(&test("{}", "silent").replace("rule: ACME01", "rule: ACME1"), &[]);
    assert_eq!(unknown.exit, 1);
    assert!(unknown.err.contains("did you mean `ACME01`?"), "{}", unknown.err);
    assert_eq!(run(POLICY, &[]).exit, 2);
}
