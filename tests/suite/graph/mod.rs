//! A checked plan as a graph: the order that the domain asks for, and nothing that it does not.

mod actions;
mod waves;

use std::collections::HashSet;

use failback::graph::Graph;
use failback::graph::StepIndex;
use failback::graph::StepKind;
use failback::graph::StepSubject;
use failback::graph::dot::dot;
use failback::id::StepId;

use crate::estate;
use crate::estate::Estate;
use crate::estate::Vm;
use proptest::prelude::*;

fn at(graph: &Graph, id: &str) -> StepIndex {
    graph.find(&StepId::new(id)).unwrap_or_else(|| panic!("no step {id}"))
}

fn has(graph: &Graph, id: &str) -> bool {
    graph.find(&StepId::new(id)).is_some()
}

/// Everything that must end before a step.
fn ancestors(graph: &Graph, of: StepIndex) -> HashSet<StepIndex> {
    let (mut seen, mut open) = (HashSet::new(), vec![of]);
    while let Some(step) = open.pop() {
        for before in graph.before(step) {
            if seen.insert(*before) {
                open.push(*before);
            }
        }
    }
    seen
}

#[track_caller]
fn assert_before(graph: &Graph, one: &str, other: &str) {
    let (from, to) = (at(graph, one), at(graph, other));
    assert!(ancestors(graph, to).contains(&from), "{one} must come before {other}");
}

#[track_caller]
fn assert_free(graph: &Graph, one: &str, other: &str) {
    let (from, to) = (at(graph, one), at(graph, other));
    assert!(!ancestors(graph, to).contains(&from), "{one} must not hold back {other}");
}

#[track_caller]
fn assert_apart(graph: &Graph, one: &str, other: &str) {
    assert_free(graph, one, other);
    assert_free(graph, other, one);
}

#[track_caller]
fn assert_chain(graph: &Graph, ids: &[&str]) {
    for pair in ids.windows(2) {
        assert_before(graph, pair[0], pair[1]);
    }
}

#[test]
fn a_classic_machine_goes_through_its_life_cycle_in_order() {
    let world = Estate::classic([Vm::new("a"), Vm::new("b")])
        .plan("defaults: {failover: on_approval, commit: on_approval, final_state: protected, failback: {master_target: mtw, process_server: ps-az, retention_volume: \"R:\", datastore: vmfs1}, forward: {process_server: ps-on}}");
    let graph = world.graph();
    assert_chain(
        &graph,
        &[
            "preflight",
            "prepare",
            "await_azure_agent/a",
            "reprotect/a",
            "await_protected/a",
            "barrier/1",
            "approve_failover/a",
            "recheck/a",
            "failover/a",
            "verify/a",
            "approve_commit/a",
            "commit/a",
            "await_agent/a",
            "forward/a",
            "await_forward/a",
        ],
    );
    // No machine fails over before every machine is protected; otherwise they don't wait for each other.
    assert_before(&graph, "await_protected/b", "failover/a");
    assert_apart(&graph, "reprotect/a", "reprotect/b");
    assert_apart(&graph, "failover/a", "failover/b");
    assert_apart(&graph, "verify/a", "commit/b");
    assert_eq!(graph.steps().len(), 2 + 1 + 2 * 12);
}

#[test]
fn modernized_has_no_policy_to_prepare() {
    let graph = Estate::modernized([Vm::new("a")]).graph();
    assert!(!has(&graph, "prepare"));
    assert_chain(
        &graph,
        &["preflight", "await_azure_agent/a", "reprotect/a", "barrier/1", "recheck/a", "failover/a"],
    );
}

#[test]
fn approvals_are_steps_only_where_the_plan_asks_for_them() {
    let graph = Estate::classic([Vm::new("a")]).graph();
    assert!(has(&graph, "approve_commit/a") && !has(&graph, "approve_failover/a"));
    let automatic = Estate::classic([Vm::new("a")])
        .entry("a", "commit: automatic, verify: [{name: ssh, tcp: {host: a, port: 22}}]");
    let graph = automatic.graph();
    assert!(!has(&graph, "approve_commit/a"));
    assert_before(&graph, "verify/a", "commit/a");
}

#[test]
fn a_machine_that_is_left_unprotected_has_no_way_forward() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b")]).entry("a", "final_state: unprotected").graph();
    assert!(!has(&graph, "forward/a") && !has(&graph, "await_agent/a"));
    assert!(has(&graph, "forward/b"));
}

#[test]
fn a_group_fails_over_and_commits_as_one_and_is_reprotected_member_by_member() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b"), Vm::new("c")]).group("g", &["a", "b"]).graph();
    assert_chain(&graph, &["reprotect/a", "barrier/1", "failover/g"]);
    assert_chain(
        &graph,
        &["prepare", "prepare/g", "recheck/a", "failover/g", "verify/a", "approve_commit/g"],
    );
    assert_chain(
        &graph,
        &["recheck/b", "failover/g", "verify/b", "approve_commit/g", "commit/g", "cleanup/g"],
    );
    assert_chain(&graph, &["commit/g", "await_agent/b", "forward/b", "await_forward/b"]);
    assert!(!has(&graph, "failover/a") && !has(&graph, "commit/b") && has(&graph, "failover/c"));
    assert_apart(&graph, "failover/g", "failover/c");
    let failover = at(&graph, "failover/g");
    let members: Vec<&str> =
        graph.machines_of(failover).iter().map(|machine| machine.name().value.as_str()).collect();
    assert_eq!(members, ["a", "b"]);
}

#[test]
fn a_dependency_is_back_and_verified_before_the_failover_and_holds_back_nothing_else() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b"), Vm::new("c")])
        .group("g", &["a", "b"])
        .entry("c", "depends_on: [g]")
        .graph();
    assert_before(&graph, "verify/a", "recheck/c");
    assert_before(&graph, "verify/b", "failover/c");
    assert_apart(&graph, "commit/g", "failover/c");
    assert_free(&graph, "failover/g", "reprotect/c");
}

#[test]
fn an_approval_is_asked_for_when_the_dependencies_are_back() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b")])
        .entry("b", "depends_on: [a], failover: on_approval")
        .graph();
    assert_chain(&graph, &["verify/a", "approve_failover/b", "recheck/b", "failover/b"]);
}

#[test]
fn boot_groups_follow_each_other() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b"), Vm::new("c"), Vm::new("d")])
        .plan("boot_groups:\n  - {name: data, members: [a]}\n  - {name: apps, members: [b, c]}")
        .graph();
    assert_chain(
        &graph,
        &["verify/a", "boot_group/data", "recheck/b", "failover/b", "verify/b", "boot_group/apps"],
    );
    assert_before(&graph, "boot_group/data", "failover/c");
    assert_apart(&graph, "failover/b", "failover/c");
    assert_apart(&graph, "boot_group/apps", "failover/d");
    assert_apart(&graph, "commit/a", "failover/b");
    assert_free(&graph, "failover/a", "reprotect/b");
}

#[test]
fn a_machine_is_deleted_by_a_person_before_reprotect() {
    let graph = Estate::classic([Vm::new("a"), Vm::new("b")])
        .entry("a", "failback: {delete_existing_vm: true}")
        .graph();
    assert_chain(&graph, &["await_azure_agent/a", "await_deletion/a", "reprotect/a"]);
    assert!(graph.needs_approval(at(&graph, "await_deletion/a")) && !has(&graph, "await_deletion/b"));
}

#[test]
fn what_is_there_already_is_adopted() {
    let adopted = |state| {
        let vm = Vm::new("a").state(state);
        let graph = Estate::classic([vm, Vm::new("b")]).graph();
        let last = graph
            .steps()
            .iter()
            .filter(|step| step.adopted)
            .max_by_key(|step| step.level)
            .map(|step| step.id.to_string());
        assert!(graph.steps().iter().all(|step| !step.adopted || step.id.as_str().ends_with("/a")));
        last
    };
    assert_eq!(adopted("failed_over_committed"), None);
    assert_eq!(adopted("reprotecting_to_onprem").as_deref(), Some("reprotect/a"));
    assert_eq!(adopted("protected_to_onprem").as_deref(), Some("await_protected/a"));
    assert_eq!(adopted("failed_back").as_deref(), Some("failover/a"));
}

#[test]
fn a_group_has_failed_over_when_its_last_member_has() {
    let vms = [Vm::new("a").state("failed_back"), Vm::new("b").state("protected_to_onprem")];
    let graph = Estate::classic(vms).group("g", &["a", "b"]).graph();
    assert!(!graph.step(at(&graph, "failover/g")).adopted);
}

#[test]
fn a_machine_has_no_way_back_from_its_failover_in_classic_and_from_its_commit_in_modernized() {
    let of = |estate: Estate| -> Vec<String> {
        let graph = estate.group("g", &["b"]).graph();
        let step = |machine| graph.step(graph.point_of_no_return(machine)).id.to_string();
        let mut steps: Vec<String> = (0..graph.model().machines().len()).map(step).collect();
        steps.sort();
        steps
    };
    let vms = || ["a", "b"].map(Vm::new);
    assert_eq!(of(Estate::classic(vms())), ["failover/a", "failover/g"]);
    assert_eq!(of(Estate::modernized(vms())), ["commit/a", "commit/g"]);
}

#[test]
fn irreversible_steps_are_marked_by_architecture() {
    let irreversible = |graph: &Graph| -> Vec<&str> {
        let mut kinds: Vec<&str> = (0..)
            .zip(graph.steps())
            .filter(|(step, _)| graph.is_irreversible(*step))
            .map(|(_, step)| step.kind.as_str())
            .collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(irreversible(&Estate::classic([Vm::new("a")]).graph()), ["commit", "failover", "reprotect"]);
    assert_eq!(irreversible(&Estate::modernized([Vm::new("a")]).graph()), ["commit", "reprotect"]);
}

#[test]
fn the_reference_worlds_compile() {
    for (plan, inventory, steps) in [
        (
            include_str!("../../worlds/classic.plan.yaml"),
            include_str!("../../worlds/classic.inventory.yaml"),
            3 + 4 * 11,
        ),
        (
            include_str!("../../worlds/modernized.plan.yaml"),
            include_str!("../../worlds/modernized.inventory.yaml"),
            2 + 2 * 11,
        ),
    ] {
        let graph = estate::graph(plan, inventory);
        assert_eq!(graph.steps().len(), steps);
        let text = dot(&graph);
        assert!(text.starts_with("digraph ") && text.contains("\"failover/w1\" -> \"verify/w1\";"), "{text}");
    }
}

#[test]
fn a_name_can_not_break_out_of_the_drawing() {
    let world = Estate::classic([Vm::new("\"a\\\"->b\"")]);
    let text = dot(&world.graph());
    assert!(text.contains(r#""failover/a\"->b""#), "{text}");
}

/// A random plan: groups, dependencies to earlier machines only, boot groups that agree with them, actions, states.
fn estates() -> impl Strategy<Value = Estate> {
    let states = prop_oneof![
        6 => Just("failed_over_committed"),
        1 => Just("reprotecting_to_onprem"),
        1 => Just("protected_to_onprem"),
        1 => Just("failed_back"),
    ];
    let vm = (1_u32..25, any::<bool>(), states);
    let choices =
        (any::<bool>(), prop::collection::vec(vm, 1..12), any::<[u8; 12]>(), 1_usize..4, any::<bool>());
    choices.prop_map(|(classic, vms, dice, servers, boot)| {
        let count = vms.len();
        let vms = vms.into_iter().enumerate().map(|(number, (disks, alternate, state))| {
            let vm = Vm::new(format!("m{number}")).disks(disks, 10).state(state);
            if alternate && state == "failed_over_committed" { vm.alternate() } else { vm }
        });
        let vms: Vec<Vm> = vms.collect();
        let mut world = if classic { Estate::classic(vms) } else { Estate::modernized(vms) };
        // Members of a group share a server, so groups come with one server only.
        let grouped = servers == 1 && count >= 4 && dice[0] % 2 == 0;
        world.servers = servers;
        if grouped {
            world = world.group("g", &["m1", "m2"]);
        }
        for number in 3..count {
            if dice[number % 12] % 3 == 0 {
                world = world.entry(&format!("m{number}"), &format!("depends_on: [m{}]", number - 3));
            }
        }
        if boot && count >= 4 {
            world = world.plan(&format!(
                "boot_groups:\n  - {{name: first, members: [m0]}}\n  - {{name: second, members: [m{}]}}",
                count - 1
            ));
        }
        if dice[1] % 2 == 0 {
            let phase = ["reprotect", "failover", "verify", "commit", "forward"][usize::from(dice[2]) % 5];
            let hook = if dice[3] % 2 == 0 { "before" } else { "after" };
            world = world.plan(&format!(
                "actions:\n  - {{name: x, {hook}: {{phase: {phase}, of: m0}}, run: {{command: [\"true\"]}}}}"
            ));
        }
        world
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_keeps_the_order_of_the_domain(world in estates()) {
        let report = estate::checked(world.model());
        // A machine with more disks than its server takes is refused, and rightly so.
        prop_assume!(report.checked.is_some());
        let graph = failback::graph::compile(report.checked.as_ref().expect("assumed"));
        let count = StepIndex::try_from(graph.steps().len()).expect("few");
        let mut ids = HashSet::new();
        for step in 0..count {
            prop_assert!(ids.insert(graph.step(step).id.clone()), "{} stands twice", graph.step(step).id);
            for after in graph.after(step) {
                prop_assert!(step < *after && graph.step(step).level < graph.step(*after).level);
                prop_assert!(graph.before(*after).contains(&step));
            }
            let before = ancestors(&graph, step);
            let of = graph.step(step);
            prop_assert!(of.kind == StepKind::Preflight || before.contains(&0), "{} comes from nowhere", of.id);
            if of.kind == StepKind::Failover {
                // Every machine of the wave is protected.
                for machine in graph.model().machines() {
                    if graph.waves().of_machine[machine.index()] <= of.wave {
                        let protected = at(&graph, &format!("await_protected/{}", machine.name().value));
                        prop_assert!(before.contains(&protected));
                    }
                }
            }
            if let (StepKind::Commit, StepSubject::Machine(_) | StepSubject::Group(_)) = (of.kind, of.subject) {
                for machine in graph.machines_of(step) {
                    let verified = at(&graph, &format!("verify/{}", machine.name().value));
                    prop_assert!(before.contains(&verified));
                }
            }
            if of.kind == StepKind::Forward {
                prop_assert!(before.iter().any(|before| graph.step(*before).kind == StepKind::Commit));
            }
        }
        prop_assert!(!dot(&graph).is_empty());
    }
}
