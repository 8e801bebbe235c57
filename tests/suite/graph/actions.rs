//! Actions between the steps.

use failback::graph::Graph;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::graph::assert_apart;
use crate::graph::assert_before;
use crate::graph::assert_chain;
use crate::graph::at;
use crate::graph::has;

fn with_action(action: &str) -> Graph {
    Estate::classic([Vm::new("a"), Vm::new("b")])
        .plan(&format!("actions:\n  - {{name: x, {action}}}"))
        .graph()
}

#[test]
fn an_action_stands_between_a_phase_and_what_comes_before_it() {
    let run = "run: {command: [\"true\"]}";
    let graph = with_action(&format!("before: {{phase: failover, of: a}}, {run}"));
    assert_chain(&graph, &["barrier/1", "action/x", "recheck/a", "failover/a"]);
    assert_apart(&graph, "action/x", "failover/b");
    let graph = with_action(&format!("before: {{phase: reprotect, of: a}}, {run}"));
    assert_chain(&graph, &["await_azure_agent/a", "action/x", "reprotect/a"]);
    assert_apart(&graph, "action/x", "reprotect/b");
    let graph = with_action(&format!("before: {{phase: verify, of: a}}, {run}"));
    assert_chain(&graph, &["failover/a", "action/x", "verify/a"]);
    let graph = with_action(&format!("before: {{phase: commit, of: a}}, {run}"));
    assert_chain(&graph, &["verify/a", "action/x", "approve_commit/a", "commit/a"]);
    let graph = with_action(&format!("before: {{phase: forward, of: a}}, {run}"));
    assert_chain(&graph, &["commit/a", "action/x", "await_agent/a", "forward/a"]);
}

#[test]
fn what_followed_a_phase_follows_the_action_after_it() {
    let run = "run: {command: [\"true\"]}";
    let graph = with_action(&format!("after: {{phase: failover, of: a}}, {run}"));
    assert_chain(&graph, &["failover/a", "action/x", "verify/a"]);
    let graph = with_action(&format!("after: {{phase: reprotect, of: a}}, {run}"));
    assert_chain(&graph, &["await_protected/a", "action/x", "barrier/1", "failover/b"]);
    let graph = with_action(&format!("after: {{phase: commit, of: a}}, {run}"));
    assert_chain(&graph, &["commit/a", "action/x", "await_agent/a"]);
    let graph = with_action(&format!("after: {{phase: verify, of: a, outcome: [failure]}}, {run}"));
    assert_before(&graph, "verify/a", "action/x");
    assert_apart(&graph, "action/x", "commit/a");
}

#[test]
fn actions_of_the_run_come_first_and_last() {
    let run = "run: {command: [\"true\"]}";
    let graph = with_action(&format!("before: {{phase: run}}, {run}"));
    assert_chain(&graph, &["preflight", "action/x", "prepare", "reprotect/a"]);
    let graph = Estate::classic([Vm::new("a"), Vm::new("b")])
        .plan(&format!(
            "actions:\n  - {{name: x, after: {{phase: run, outcome: [success, failure]}}, {run}}}\n  - {{name: y, after: {{phase: forward, of: a}}, {run}}}"
        ))
        .graph();
    assert_before(&graph, "await_forward/b", "action/x");
    assert_before(&graph, "action/y", "action/x");
    assert!(graph.runs_last(at(&graph, "action/x")) && !graph.runs_last(at(&graph, "action/y")));
}

#[test]
fn an_action_of_a_phase_that_does_not_happen_is_left_out() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b")])
        .entry("a", "final_state: unprotected")
        .plan("actions:\n  - {name: x, after: {phase: forward, of: a}, run: {command: [\"true\"]}}")
        .graph();
    assert!(!has(&graph, "action/x"), "nothing of the run would ever lead to it");
}

#[test]
fn a_group_is_quiet_before_the_point_that_it_goes_to() {
    let world = Estate {
        group_keys: ", recovery_point: app_consistent, quiesce: q, failover: on_approval".into(),
        ..Estate::classic([Vm::new("a"), Vm::new("b")])
    };
    let graph = world
        .group("g", &["a", "b"])
        .plan("actions:\n  - {name: q, before: {phase: failover, of: g}, run: {command: [\"true\"]}}")
        .graph();
    assert_chain(
        &graph,
        &["barrier/1", "approve_failover/g", "action/q", "await_point/g", "recheck/a", "failover/g"],
    );
    assert_before(&graph, "await_point/g", "recheck/b");
}
