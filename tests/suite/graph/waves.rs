//! Machines that come one wave after another.

use failback::graph::Graph;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::graph::assert_before;
use crate::graph::assert_chain;

#[test]
fn machines_that_do_not_fit_come_in_waves() {
    // The master target has three disks of its own: 57 are free, and a machine has 20.
    let vms = (0..5).map(|number| Vm::new(format!("m{number}")).disks(20, 10));
    let graph = Estate::classic(vms).group("g", &["m1", "m2"]).graph();
    assert_eq!(graph.waves().count, 3);
    let wave = |name: &str| {
        let index = graph.model().machine_named(name).expect("it is in the plan").index();
        graph.waves().of_machine[index]
    };
    assert_eq!(wave("m1"), wave("m2"), "a group stays whole");
    assert_chain(&graph, &["barrier/1", "barrier/2", "barrier/3"]);
    for machine in ["m0", "m1", "m2", "m3", "m4"] {
        let own = wave(machine);
        assert_before(&graph, &format!("await_protected/{machine}"), &format!("barrier/{own}"));
        if own > 1 {
            assert_before(&graph, &format!("barrier/{}", own - 1), &format!("await_azure_agent/{machine}"));
        }
        for other in 1..=3 {
            let (disks, most) =
                (graph.waves().of_machine.iter().filter(|wave| **wave == other).count() * 20, 57);
            assert!(disks <= most, "wave {other} takes {disks} disks");
        }
    }
}

#[test]
fn waves_are_as_few_as_fit_whatever_the_order_of_the_plan() {
    let vms = || {
        let disks = [24, 24, 16, 16, 16, 16].into_iter().enumerate();
        disks.map(|(number, disks)| Vm::new(format!("m{number}")).disks(disks, 10))
    };
    assert_eq!(Estate::classic(vms()).graph().waves().of_machine, [1, 2, 1, 1, 2, 2]);
    let after = Estate::classic(vms()).entry("m0", "depends_on: [m1]").graph();
    assert_eq!(after.waves().of_machine, [2, 1, 1, 1, 2, 2]);
}

#[test]
fn what_is_attached_already_comes_first_and_what_fits_not_beside_it_later() {
    let vm = |name: &str, state| Vm::new(name).disks(40, 10).state(state);
    let graph = Estate::classic([vm("a", "failed_over_committed"), vm("b", "protected_to_onprem")]).graph();
    assert_eq!(graph.waves().of_machine, [2, 1]);
}

#[test]
fn a_machine_is_in_no_earlier_wave_than_what_it_depends_on() {
    let vms = (0..4).map(|number| Vm::new(format!("m{number}")).disks(20, 10));
    let graph = Estate::classic(vms).entry("m0", "depends_on: [m3]").entry("m1", "depends_on: [m0]").graph();
    let wave = |number: usize| graph.waves().of_machine[number];
    assert!(wave(0) >= wave(3) && wave(1) >= wave(0), "{:?}", graph.waves());
}

#[test]
fn machines_that_wait_for_each_other_through_actions_come_in_an_order_that_can_be_done() {
    let vms = || (0..4).map(|number| Vm::new(format!("m{number}")).disks(20, 10));
    let wave = |graph: &Graph, number: usize| graph.waves().of_machine[number];
    // The failover of m0 waits for that of m3: m0 must not hold slots that m3 needs.
    let graph = Estate::classic(vms())
        .plan("actions:\n  - {name: x, after: {phase: failover, of: m3}, before: {phase: failover, of: m0}, run: {command: [\"true\"]}}")
        .graph();
    assert_chain(&graph, &["failover/m3", "action/x", "recheck/m0"]);
    assert!(wave(&graph, 0) >= wave(&graph, 3), "{:?}", graph.waves());
    // Here each waits for a phase of the other, and yet it can be done, in one wave.
    let graph = Estate::classic(vms())
        .entry("m3", "depends_on: [m0]")
        .plan("actions:\n  - {name: x, after: {phase: reprotect, of: m3}, before: {phase: failover, of: m0}, run: {command: [\"true\"]}}")
        .graph();
    assert_chain(&graph, &["await_protected/m3", "action/x", "failover/m0", "verify/m0", "failover/m3"]);
    assert_eq!(wave(&graph, 0), wave(&graph, 3));
}

#[test]
fn a_classic_machine_that_has_failed_back_needs_no_slot() {
    let vm = |name: &str, state| Vm::new(name).disks(40, 10).state(state);
    let graph = Estate::classic([vm("a", "failed_back"), vm("b", "failed_over_committed")]).graph();
    assert_eq!(graph.waves().count, 1);
}
