//! Long walks of random requests: nothing breaks, and the same calls give the same world.

use super::*;
use crate::provider::emulator::Deed;

pub(super) const FAULTS: [&str; 8] = [
    "",
    "kind: vcenter_disconnects, phase: failover, nth: 2, for: 20m",
    "kind: master_target_snapshot, at: {after: 3h}, for: 1h",
    "kind: azure_vm_stopped, of: w1, at: {after: 2h}, for: 30m",
    "kind: no_answer_after, phase: reprotect, times: 3",
    "kind: job_fails, nth: 2",
    "kind: resync_required, at: {after: 2h}, for: 2h",
    "kind: onprem_vm_does_not_boot, of: w1, for: 30m",
];

pub(super) enum Step {
    Ask(Request),
    ByHand(Deed),
}

pub(super) fn pick(random: &mut fastrand::Rng, classic: bool) -> Step {
    let machine =
        if classic { ["w1", "w2", "l1"][random.usize(..3)] } else { ["w1", "l1"][random.usize(..2)] };
    let plan = random.bool().then(|| "rp".to_owned());
    let machines = match &plan {
        Some(_) => vec![name("w1"), name("l1")],
        None => vec![name(machine)],
    };
    let point = [FailbackPoint::Latest, FailbackPoint::AppConsistent][random.usize(..2)];
    Step::Ask(match random.u8(..12) {
        0 => Request::Prepare,
        1 => Request::MakeRecoveryPlan { name: "rp".to_owned(), machines: vec![name("w1"), name("l1")] },
        2 => Request::DeleteRecoveryPlan { name: "rp".to_owned() },
        3 if !classic => Request::CancelFailover { machine: name(machine) },
        4 => return Step::ByHand(Deed::StartAzureVm { machine: name(machine) }),
        5 => return Step::ByHand(Deed::StartOnpremVm { machine: name(machine) }),
        6 | 7 if classic => reprotect(machine),
        6 | 7 => reprotect_modernized(machine),
        8 | 9 => Request::FailoverToOnprem { machines, recovery_plan: plan, point },
        10 => Request::Commit { machines, recovery_plan: plan },
        _ if classic => forward(machine),
        _ => forward_modernized(machine),
    })
}

/// What must hold at any time.
fn check(site: &mut Site, machines: &[MachineName], begin: u32, server: &[&str]) {
    let seen = site.world.observe(site.now, machines).unwrap();
    let mut held = 0;
    for machine in seen.facts.machines.unwrap() {
        let state = machine.state.unwrap().value;
        let item = seen.items.iter().find(|item| item.machine.as_str() == machine.name.value).unwrap();
        assert!(item.running.is_none() || item.allowed.is_empty(), "{item:?}");
        let azure_exists = machine.azure_vm.as_ref().unwrap().exists.unwrap().value;
        let home_for_good = matches!(
            state,
            State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure
        );
        assert!(azure_exists || home_for_good, "{state} without an Azure VM");
        if state == State::ProtectedToAzure {
            assert!(machine.asr.unwrap().recovery_points.unwrap().is_empty());
        }
        let at = site.world.index[&item.machine];
        held += site.world.items[at].holder.as_ref().map_or(0, |holder| holder.disks);
    }
    let attached: u32 = server.iter().map(|server| site.attached(server)).sum();
    assert_eq!(attached, begin + held);
}

fn walk(seed: u64, classic_world: bool, look: bool) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let fault_text = FAULTS[random.usize(..FAULTS.len())];
    let scenario =
        if fault_text.is_empty() { Scenario::default() } else { fault(fault_text) }.with_seed(seed);
    let group = [("\nmachines:\n", "\nreplication_groups: [{name: g, members: [w1, l1]}]\n\nmachines:\n")];
    let inventory = if classic_world { classic(&group) } else { modernized(&group) };
    let (machines, servers): (Vec<MachineName>, Vec<&str>) = if classic_world {
        (["w1", "w2", "w3", "l1"].map(name).to_vec(), vec!["mtw", "mtl"])
    } else {
        (["w1", "l1"].map(name).to_vec(), vec!["ra1"])
    };
    let mut site = Site::new(inventory, scenario);
    let begin = servers.iter().map(|server| site.attached(server)).sum();
    let mut log = String::new();
    for _ in 0..60 {
        site.wait(random.i64(0..2_400));
        let outcome = match pick(&mut random, classic_world) {
            Step::Ask(request) => format!("{:?}", site.begin(&request)),
            Step::ByHand(deed) => format!("{:?}", site.world.by_hand(site.now, &deed)),
        };
        log.push_str(&outcome);
        if look {
            check(&mut site, &machines, begin, &servers);
        }
    }
    site.wait(48 * 3_600);
    check(&mut site, &machines, begin, &servers);
    let seen = site.world.observe(site.now, &machines).unwrap();
    assert!(seen.items.iter().all(|item| item.running.is_none()), "a job never ends");
    log + &serde_json::to_string(&seen).unwrap()
}

#[test]
fn random_walks_keep_the_world_whole_and_looking_changes_nothing() {
    let mut ends = std::collections::HashSet::new();
    for seed in 0..60 {
        for classic_world in [true, false] {
            let looked = walk(seed, classic_world, true);
            assert_eq!(looked, walk(seed, classic_world, false), "seed {seed}");
            ends.insert(looked);
        }
    }
    assert_eq!(ends.len(), 120, "walks differ");
    for state in
        [State::ProtectedToOnprem, State::FailedBack, State::FailedBackCommitted, State::ProtectedToAzure]
    {
        let word = format!("\"state\":\"{state}\"");
        assert!(ends.iter().any(|end| end.contains(&word)), "no walk ends in {state}");
    }
}
