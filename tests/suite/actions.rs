//! Actions, probes and names that contradict themselves are refused at their line.

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// Checks the classic plan with more lines, and returns what was said and the exit code.
fn checked(more: &str) -> (String, u8) {
    let plan = format!("{CLASSIC_PLAN}\n{more}\n");
    let folder = Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["check", "p.plan.yaml", "--now", "2025-06-01T00:00:00Z"]);
    (ended.said(), ended.exit)
}

#[test]
fn an_action_of_the_whole_run_stands_at_one_end_of_it() {
    for action in [
        "{name: b, after: {phase: run}, before: {phase: failover, of: w1}, run: {command: [x]}}",
        "{name: b, after: {phase: forward, of: w1}, before: {phase: run}, run: {command: [x]}}",
        "{name: b, after: {phase: run}, before: {phase: run}, run: {command: [x]}}",
    ] {
        let (said, exit) = checked(&format!("actions: [{action}]"));
        assert_eq!(exit, 1, "{said}");
        assert!(said.contains("error[bad-action]"), "{said}");
    }
    for does in ["run: {command: [x, \"{{ run.id }}\"]}", "tcp: {host: db1.corp.example, port: 22}"] {
        let (said, exit) = checked(&format!("actions: [{{name: b, after: {{phase: run}}, {does}}}]"));
        assert_eq!(exit, 0, "{said}");
    }
}

#[test]
fn an_action_does_one_thing_at_one_place() {
    for action in [
        "{name: b, after: {phase: run}}",
        "{name: b, after: {phase: run}, run: {command: [x]}, manual: {prompt: y}}",
        "{name: b, run: {command: [x]}}",
        "{name: b, before: {phase: failover}, run: {command: [x]}}",
        "{name: b, before: {phase: run, of: w1}, run: {command: [x]}}",
        "{name: b, before: {phase: failover, of: w1, outcome: [failure]}, run: {command: [x]}}",
        "{name: b, after: {phase: run}, http: {url: \"https://x.example\", body: {text: \"{{ plan.nmae }}\"}}}",
        "{name: b, after: {phase: run}, run: {command: [x, \"--of={{ plan.nmae }}\"]}}",
        "{name: b, after: {phase: run}, tcp: {host: db1.corp.example, port: 22}, manual: {prompt: y}}",
    ] {
        let (said, exit) = checked(&format!("actions: [{action}]"));
        assert_eq!(exit, 1, "{action}: {said}");
        assert!(said.contains("error[bad-action]"), "{action}: {said}");
    }
}

#[test]
fn names_that_must_be_their_own_are() {
    for more in [
        "replication_groups: [{name: g, machines: [w1]}, {name: h, machines: [w1]}]",
        "replication_groups: [{name: w1, machines: [w2]}]",
        "boot_groups: [{name: g, members: [w1]}, {name: g, members: [w2]}]",
    ] {
        let (said, exit) = checked(more);
        assert_eq!(exit, 1, "{more}: {said}");
        assert!(said.contains("error[duplicate-name]"), "{more}: {said}");
    }
}
