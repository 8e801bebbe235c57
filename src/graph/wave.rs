//! Waves: a master target or appliance takes 60 disks, so machines that don't fit together come one batch after another.

use std::collections::BTreeSet;
use std::collections::HashMap;

use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;

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

/// Returns how many disks of a machine a master target or appliance has to take: those that come back; a machine whose disks
/// nobody knows counts as one.
#[must_use]
pub fn disks(machine: Machine<'_>) -> u32 {
    machine.returning_disks().map_or(1, |disks| disks.count())
}

/// Returns the name of the master target or appliance that takes a machine's disks, if the plan names one.
#[must_use]
pub fn slot_server(machine: Machine<'_>) -> Option<&str> {
    let failback = &machine.settings().failback;
    failback.master_target.as_ref().or(failback.appliance.as_ref()).map(|name| name.value.as_str())
}

/// Returns how many disks a server can still take; one whose attached disks are not known is taken to have none.
#[must_use]
pub fn free_slots(model: &Model, server: &str) -> u32 {
    SLOTS.saturating_sub(attached_disks(model, server).unwrap_or(0))
}

/// Returns whether the inventory tells how many disks a server has.
#[must_use]
pub fn knows_attached_disks(model: &Model, server: &str) -> bool {
    attached_disks(model, server).is_some()
}

fn attached_disks(model: &Model, server: &str) -> Option<u32> {
    let of_master_target = model.master_target_named(server).and_then(|server| server.facts.attached_disks);
    let attached = of_master_target
        .or_else(|| model.appliance_named(server).and_then(|appliance| appliance.facts.attached_disks))?;
    Some(attached.value)
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
        Ok(State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure) => {
            SlotUse::Done
        }
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
    let mut wave_of_unit: Vec<u16> = Vec::with_capacity(units.len());
    for unit in &units {
        let earliest = unit.after.iter().map(|before| wave_of_unit[*before]).max().unwrap_or(1);
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
        for machine in &unit.machines {
            wave_of[*machine] = wave;
        }
        wave_of_unit.push(wave);
    }
    Waves { of_machine: wave_of, count: wave_of_unit.into_iter().max().unwrap_or(1) }
}

/// Machines that share a wave. One without machines only hands on what it comes after: a boot group, an action.
#[derive(Default)]
struct Unit {
    machines: Vec<usize>,
    /// Places of the units that must not come later.
    after: Vec<usize>,
}

/// Returns the units so that each comes after what it depends on, else in the order of the plan.
fn units_in_order(model: &Model) -> Vec<Unit> {
    let mut node_of: HashMap<order::Subject, usize> = HashMap::new();
    let mut machines_of: Vec<Vec<usize>> = Vec::new();
    for machine in model.machines() {
        let at = *node_of.entry(order::switch_subject(machine)).or_insert_with(|| {
            machines_of.push(Vec::new());
            machines_of.len() - 1
        });
        machines_of[at].push(machine.index());
    }
    let (boot_groups, actions) = (machines_of.len(), machines_of.len() + model.plan.boot_groups.len());
    machines_of.resize_with(actions + model.plan.actions.len(), Vec::new);
    let node = |point: order::Point| match point {
        order::Point::Phase(_, order::Subject::Machine(machine)) => {
            Some(node_of[&order::switch_subject(model.machine(machine))])
        }
        order::Point::Phase(_, subject @ order::Subject::Group(_)) => node_of.get(&subject).copied(),
        order::Point::BootGroupDone(group) => Some(boot_groups + group),
        order::Point::Action(action) => Some(actions + action),
        // Each wave has a barrier of its own.
        order::Point::Barrier => None,
    };
    let mut graph = DiGraph::<(), ()>::new();
    for _ in &machines_of {
        graph.add_node(());
    }
    for edge in order::edges(model) {
        if let (Some(from), Some(to)) = (node(edge.from), node(edge.to))
            && from != to
        {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
        }
    }
    // Phases of two machines may wait for each other through actions without a cycle: such machines share a wave.
    let components = petgraph::algo::kosaraju_scc(&graph);
    let mut component_of = vec![0; machines_of.len()];
    for (at, nodes) in components.iter().enumerate() {
        for node in nodes {
            component_of[node.index()] = at;
        }
    }
    let mut after: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); components.len()];
    let mut before: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); components.len()];
    for edge in graph.raw_edges() {
        let (from, to) = (component_of[edge.source().index()], component_of[edge.target().index()]);
        if from != to {
            after[to].insert(from);
            before[from].insert(to);
        }
    }
    let first = |component: usize| components[component].iter().min().map_or(0, |node| node.index());
    let mut waits: Vec<usize> = after.iter().map(BTreeSet::len).collect();
    let mut ready: BTreeSet<(usize, usize)> =
        (0..components.len()).filter(|at| waits[*at] == 0).map(|at| (first(at), at)).collect();
    let mut place = vec![0; components.len()];
    let mut units = Vec::with_capacity(components.len());
    while let Some((_, component)) = ready.pop_first() {
        place[component] = units.len();
        let mut machines: Vec<usize> =
            components[component].iter().flat_map(|node| machines_of[node.index()].iter().copied()).collect();
        machines.sort_unstable();
        units.push(Unit { machines, after: after[component].iter().map(|before| place[*before]).collect() });
        for next in &before[component] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                ready.insert((first(*next), *next));
            }
        }
    }
    units
}
