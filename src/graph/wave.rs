//! Waves: a master target or appliance takes 60 disks, so machines that don't fit together come one batch after another.

use std::collections::HashMap;

use crate::model::Machine;
use crate::model::Model;
use crate::model::order;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::State;

/// Disks that a master target or an appliance takes, its own included (vmware-azure-prepare-failback; modernized overview).
pub const SLOTS: u32 = 60;

/// The waves of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waves {
    /// The wave of each machine of the model, counted from 1.
    pub of_machine: Vec<u16>,
    /// How many waves there are; at least 1.
    pub count: u16,
}

/// Returns how many disks of a machine a master target or appliance has to take: those that are replicated.
///
/// The disks in Azure are counted, since they are what comes back; a machine whose disks nobody knows counts as one.
#[must_use]
pub fn disks(machine: Machine<'_>) -> u32 {
    let azure = machine.azure_vm().ok().and_then(|vm| vm.disks.as_ref()).map(|disks| {
        let replicated = |known: Option<bool>, default| known.unwrap_or(default);
        disks
            .iter()
            .filter(|disk| {
                replicated(disk.replicated_from_onprem.map(|from| from.value), true)
                    && !replicated(disk.temporary.map(|temporary| temporary.value), false)
            })
            .count()
    });
    let onprem = || {
        let disks = machine.onprem_disks().ok()?;
        Some(disks.iter().filter(|disk| !disk.excluded.is_some_and(|excluded| excluded.value)).count())
    };
    let count = azure.or_else(onprem).unwrap_or(1);
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Returns the name of the master target or appliance that takes a machine's disks, if the plan names one.
#[must_use]
pub fn slot_server(machine: Machine<'_>) -> Option<&str> {
    let failback = &machine.settings().failback;
    failback.master_target.as_ref().or(failback.appliance.as_ref()).map(|name| name.value.as_str())
}

/// Returns how many disks a server can still take.
#[must_use]
pub fn free_slots(model: &Model, server: &str) -> u32 {
    let attached = model
        .master_target_named(server)
        .and_then(|server| server.facts.attached_disks)
        .or_else(|| model.appliance_named(server).and_then(|appliance| appliance.facts.attached_disks));
    SLOTS.saturating_sub(attached.map_or(0, |disks| disks.value))
}

/// How a machine's disks stand to the slots of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotUse {
    /// They are to be attached by its reprotect.
    Needed,
    /// They are attached, and counted among the server's attached disks.
    Held,
    /// The machine is home, and its disks need no server any more.
    Done,
}

/// Returns how a machine's disks stand to the slots of its server, as far as the facts tell.
///
/// In classic they are detached by the failover, in modernized by the commit.
#[must_use]
pub fn slot_use(machine: Machine<'_>) -> SlotUse {
    let classic = machine.model.experience() == Ok(Experience::Classic);
    match machine.state() {
        Ok(State::ReprotectingToOnprem | State::ProtectedToOnprem | State::FailingBack) => SlotUse::Held,
        Ok(State::FailedBack) if classic => SlotUse::Done,
        Ok(State::FailedBack) => SlotUse::Held,
        Ok(State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure) => SlotUse::Done,
        Ok(
            State::FailedOver
            | State::FailedOverCommitted
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => SlotUse::Needed,
    }
}

/// Assigns the waves: replication groups whole, no machine before what it depends on, each as early as it fits.
#[must_use]
pub fn assign(model: &Model) -> Waves {
    let units = units_in_order(model);
    let mut wave_of: Vec<u16> = vec![1; model.machines().len()];
    // Disks taken on a server in a wave.
    let mut taken: HashMap<(&str, u16), u32> = HashMap::new();
    let mut count = 1;
    // The latest wave of each boot group so far; units of earlier boot groups come first.
    let mut wave_of_group: Vec<u16> = vec![1; model.plan.boot_groups.len()];
    for unit in units {
        let depends = unit.after.iter().map(|machine| wave_of[*machine]).max().unwrap_or(1);
        let groups_before = unit.boot_group.map_or(&[][..], |group| &wave_of_group[..group]);
        let earliest = groups_before.iter().copied().max().unwrap_or(1).max(depends);
        let mut needs: HashMap<&str, u32> = HashMap::new();
        for index in &unit.machines {
            let machine = model.machine(*index);
            if let Some(server) = slot_server(machine)
                && slot_use(machine) == SlotUse::Needed
            {
                *needs.entry(server).or_default() += disks(machine);
            }
        }
        let mut wave = earliest;
        // A unit that can never fit stands alone in its wave: the rules refuse it, so that no run comes here.
        let fits = |wave: u16, taken: &HashMap<(&str, u16), u32>| {
            needs.iter().all(|(server, disks)| {
                let used = taken.get(&(*server, wave)).copied().unwrap_or(0);
                used == 0 || used + disks <= free_slots(model, server)
            })
        };
        while !fits(wave, &taken) {
            wave += 1;
        }
        for (server, disks) in needs {
            *taken.entry((server, wave)).or_default() += disks;
        }
        for machine in unit.machines {
            wave_of[machine] = wave;
        }
        if let Some(group) = unit.boot_group {
            wave_of_group[group] = wave_of_group[group].max(wave);
        }
        count = count.max(wave);
    }
    Waves { of_machine: wave_of, count }
}

/// Machines that share a wave, and those that must not come later.
#[derive(Default)]
struct Unit {
    machines: Vec<usize>,
    /// Units that it directly depends on.
    before: Vec<usize>,
    /// A machine of each of those.
    after: Vec<usize>,
    boot_group: Option<usize>,
}

/// Returns the units so that each comes after what it depends on, else in the order of the plan.
fn units_in_order(model: &Model) -> Vec<Unit> {
    let mut unit_of: HashMap<order::Subject, usize> = HashMap::new();
    let mut units: Vec<Unit> = Vec::new();
    for machine in model.machines() {
        let at = *unit_of.entry(order::switch_subject(machine)).or_insert_with(|| {
            units.push(Unit::default());
            units.len() - 1
        });
        units[at].machines.push(machine.index());
    }
    let unit_of_machine = |index: usize| unit_of[&order::switch_subject(model.machine(index))];
    // Boot groups order whole groups of units through one joint each.
    let mut graph = petgraph::graph::DiGraph::<Option<usize>, ()>::new();
    let nodes: Vec<_> = (0..units.len()).map(|unit| graph.add_node(Some(unit))).collect();
    let joints: Vec<_> = model.plan.boot_groups.iter().map(|_| graph.add_node(None)).collect();
    let mut direct: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for edge in order::edges(model) {
        let node = |point: order::Point| match point {
            order::Point::Phase(_, order::Subject::Machine(machine)) => Some(nodes[unit_of_machine(machine)]),
            order::Point::Phase(_, subject @ order::Subject::Group(_)) => unit_of.get(&subject).map(|unit| nodes[*unit]),
            order::Point::BootGroupDone(group) => Some(joints[group]),
            order::Point::Action(_) => None,
        };
        let (Some(from), Some(to)) = (node(edge.from), node(edge.to)) else { continue };
        if from != to {
            graph.add_edge(from, to, ());
            if let (Some(before), Some(after)) = (graph[from], graph[to]) {
                direct[after].push(before);
            }
        }
    }
    let sorted = petgraph::algo::toposort(&graph, None).expect("a checked plan has no cycle");
    for (unit, before) in units.iter_mut().zip(direct) {
        unit.before = before;
    }
    let machines: Vec<usize> = units.iter().filter_map(|unit| unit.machines.first().copied()).collect();
    for unit in &mut units {
        // One machine stands for its unit, since a unit's machines share their wave.
        unit.after = unit.before.iter().map(|before| machines[*before]).collect();
        unit.boot_group = unit.machines.first().and_then(|machine| model.machine(*machine).boot_group());
    }
    let mut slots: Vec<Option<Unit>> = units.into_iter().map(Some).collect();
    sorted.into_iter().filter_map(|node| graph[node]).filter_map(|unit| slots[unit].take()).collect()
}
