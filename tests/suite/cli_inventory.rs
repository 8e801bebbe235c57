//! `inventory`, from the command line to the exit code, and facts that are too old.

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const BEFORE: &str = "kind: Inventory
version: 1
name: gmh
observed_at: 2026-10-09T11:00:00Z
network: {bandwidth_mbps: 500}
datastores: [{name: ds1, type: vmfs}]
machines:
  - {name: w1, azure_vm: {power_state: running}}
";
const AFTER: &str = "kind: Inventory
version: 1
name: gmh
observed_at: 2026-10-10T11:00:00Z
network: {bandwidth_mbps: 200}
machines:
  - {name: w1, azure_vm: {power_state: deallocated}, asr: {health: warning}}
  - {name: w2}
";

fn two_looks() -> Folder {
    Folder::with(&[("before.yaml", BEFORE), ("after.yaml", AFTER)])
}

#[test]
fn drift_is_told_in_the_words_of_the_domain() {
    insta::assert_snapshot!(two_looks().run(&["inventory", "diff", "before.yaml", "after.yaml"]).said(), @r#"
exit 0
--- out
network
  ~ network: bandwidth in Mbit/s was 500, is 200 (a person wrote it)
datastore
  ? nothing is known of datastore `ds1` any more
machine
  ? machine `w1`: Site Recovery health is warning, and was unknown
  ~ machine `w1`: Azure VM power state was running, is deallocated
  + machine `w2` is new
5 facts differ between 2026-10-09T11:00:00Z and 2026-10-10T11:00:00Z
"#);
}

#[test]
fn drift_has_a_form_for_programs_and_an_exit_code() {
    let said = two_looks().run(&[
        "inventory",
        "diff",
        "before.yaml",
        "after.yaml",
        "--exit-code",
        "--format",
        "json",
    ]);
    assert_eq!(said.exit, 1);
    let record = said.json();
    let power = record["drift"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|drift| drift["key"] == "azure_vm.power_state");
    assert_eq!(
        power.expect("it changed"),
        &serde_json::json!({
            "kind": "machine", "name": "w1", "key": "azure_vm.power_state", "change": "changed",
            "before": "running", "after": "deallocated", "source": "azure",
        })
    );
    let same = two_looks().run(&["inventory", "diff", "before.yaml", "before.yaml", "--exit-code"]);
    assert_eq!(same.exit, 0);
}

#[test]
fn a_file_without_facts_is_refused() {
    let folder = Folder::with(&[
        ("plan.yaml", "kind: RecoveryPlan\nversion: 1\nname: small\n"),
        ("facts.yaml", BEFORE),
    ]);
    insta::assert_snapshot!(folder.run(&["inventory", "diff", "plan.yaml", "facts.yaml"]).said(), @r#"
exit 1
--- err
error[no-inventory]: `plan.yaml` holds no inventory
help: name a file with one document of `kind: Inventory`
"#);
}

#[test]
fn facts_that_are_too_old_are_unknown_and_never_passed() {
    let folder = Folder::with(&[
        ("plans/classic.plan.yaml", CLASSIC_PLAN),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    let check = |age: &str, now: &str| folder.run(&["check", "--strict", "--max-age", age, "--now", now]);
    let fresh = check("24h", "2025-06-01T20:00:00Z");
    assert!(!fresh.said().contains("--max-age"), "{}", fresh.said());
    let stale = check("24h", "2025-06-02T00:00:01Z");
    let said = stale.said();
    assert!(
        said.contains("the facts of `seoul` are 24h1s old") || said.contains("old, and --max-age is 24h"),
        "{said}"
    );
    assert!(said.contains("undecided: `state` of"), "{said}");
    assert_eq!(stale.exit, 1, "what nobody knows refuses under --strict: {said}");
}

#[test]
fn what_stands_under_x_observed_is_told_to_others_and_counts_for_nothing_here() {
    let reading =
        "x-observed:\n- source: Site Recovery\n  what: items, one by one\n  at: 2025-06-01T00:00:00Z\n";
    let odd = [
        String::new(),
        "x-observed:\n".to_owned(),
        "x-observed: 5\n".to_owned(),
        "x-observed: [null, text, {each: 5}, {each: [w1]}]\n".to_owned(),
        format!("{reading}  each:\n    w1: 2025-06-01T00:00:01Z\n    nobody: 2025-06-01T00:00:02Z\n"),
        format!("{reading}  each: {{w1: never, w2: null, w3: {{}}}}\n  until: 1999-01-01T00:00:00Z\n"),
    ];
    for text in odd {
        let facts = format!("{CLASSIC_INVENTORY}\n{text}");
        let folder = Folder::with(&[
            ("classic.plan.yaml", CLASSIC_PLAN),
            ("classic.inventory.yaml", &facts),
            ("plain.yaml", CLASSIC_INVENTORY),
        ]);
        let same = folder.run(&["inventory", "diff", "plain.yaml", "classic.inventory.yaml", "--exit-code"]);
        assert_eq!(same.exit, 0, "{text}: {}", same.said());
        let checked = folder.run(&["check", "classic.plan.yaml", "--now", "2025-06-01T00:00:00Z"]);
        assert_eq!(checked.exit, 0, "{text}: {}", checked.said());
    }
}
