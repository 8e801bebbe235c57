//! Faults that can never happen are told, and those that can are not.

use super::*;

fn told(world: &Inventory, keys: &str) -> Vec<String> {
    fault(keys)
        .impossible(world)
        .into_iter()
        .map(|found| format!("{}: {}", found.code, found.message))
        .collect()
}

#[test]
fn a_fault_needs_something_of_its_kind_to_happen_to() {
    let (classic, modernized) = (classic(&[]), modernized(&[]));
    for (keys, message) in [
        ("kind: vcenter_disconnects, of: vc9", "unknown-name: nothing in the inventory is named `vc9`"),
        (
            "kind: vcenter_disconnects, of: w1",
            "impossible-fault: `w1` is a machine: `vcenter_disconnects` happens to a vCenter",
        ),
        (
            "kind: storage_vmotion, of: ps-az",
            "impossible-fault: `ps-az` is a process server: `storage_vmotion` happens to a master target or appliance",
        ),
        (
            "kind: appliance_unhealthy",
            "impossible-fault: `appliance_unhealthy` can't happen: the inventory has no appliance",
        ),
    ] {
        assert_eq!(told(&classic, keys), [message], "{keys}");
    }
    for kind in ["master_target_snapshot", "configuration_server_disconnects"] {
        assert_eq!(told(&modernized, &format!("kind: {kind}")).len(), 1, "{kind}");
        assert!(told(&classic, &format!("kind: {kind}")).is_empty(), "{kind}");
    }
    for keys in
        ["kind: vcenter_disconnects, of: vc1", "kind: busy, of: mtw", "kind: storage_vmotion, of: mtw"]
    {
        assert!(told(&classic, keys).is_empty(), "{keys}");
    }
}

#[test]
fn numbers_that_hit_nothing_are_told() {
    let world = classic(&[]);
    for keys in [
        "kind: busy, phase: reprotect, times: 0",
        "kind: busy, phase: reprotect, nth: 0",
        "kind: link_slow, factor: 2",
    ] {
        let told = told(&world, keys);
        assert!(told.len() == 1 && told[0].starts_with("out-of-range"), "{keys}: {told:?}");
    }
    for factor in ["0", "0.5", "1"] {
        assert!(told(&world, &format!("kind: link_slow, factor: {factor}")).is_empty(), "{factor}");
    }
}

#[test]
fn keys_that_mean_nothing_for_the_kind_are_told() {
    let world = classic(&[]);
    for (keys, key) in [
        ("kind: busy, phase: reprotect, factor: 3", "factor"),
        ("kind: link_slow, of: w1", "of"),
        ("kind: job_hangs, of: w1, code: \"539\"", "code"),
        ("kind: agent_late, at: {after: 1h}", "at"),
        ("kind: azure_vm_stays_on, for: 1h", "for"),
        ("kind: job_fails, for: 1h", "for"),
        ("kind: resync_required, nth: 2", "nth"),
        ("kind: busy, health: warning", "health"),
        ("kind: busy, task: VmFailover", "task"),
    ] {
        let told = told(&world, keys);
        let of_key = told.iter().any(|told| told.contains(&format!("does not read `{key}`")));
        assert!(of_key, "{keys}: {told:?}");
    }
    for keys in [
        "kind: resync_required, of: w1, phase: failover, nth: 2, times: 2, for: 1h",
        "kind: job_fails, at: {after: 1h}, for: 1h, code: \"539\"",
        "kind: busy, phase: commit, times: 2, for: 47s",
        "kind: onprem_vm_does_not_boot, of: w1, phase: failover, nth: 1, for: 1h",
        "kind: agent_late, of: w3, for: 14m",
        "kind: health, health: warning, at: {after: 1h}, for: 20m",
    ] {
        assert!(told(&world, keys).is_empty(), "{keys}: {:?}", told(&world, keys));
    }
}

#[test]
fn a_phase_and_a_task_have_to_be_those_of_the_fault() {
    let world = classic(&[]);
    for keys in [
        "kind: agent_late, phase: commit",
        "kind: azure_vm_stays_on, phase: reprotect",
        "kind: job_fails, of: w1, phase: prepare",
        "kind: job_fails, of: w1, phase: failover, task: NoSuchTask",
        "kind: job_hangs, task: NoSuchTask",
        // A task of the other architecture.
        "kind: job_fails, phase: failover, task: VmPrepareForFailover",
    ] {
        let told = told(&world, keys);
        assert!(told.len() == 1 && told[0].starts_with("impossible-fault"), "{keys}: {told:?}");
    }
    for keys in [
        "kind: agent_late, phase: forward",
        "kind: job_fails, phase: prepare, task: SaveRecoveryPlanTask",
        "kind: job_fails, of: w1, phase: failover, task: VmUfoPrerequisitesCheck",
        "kind: job_hangs, task: VmCommit",
    ] {
        assert!(told(&world, keys).is_empty(), "{keys}: {:?}", told(&world, keys));
    }
}
