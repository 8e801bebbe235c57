//! Waves: a master target or appliance takes 60 disks, so machines that don't fit together come one batch after another.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;

use crate::model::Machine;
use crate::model::Model;
use crate::model::order;
use crate::rules::slots;
use crate::rules::slots::packing::Load;
use crate::rules::slots::packing::pack;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::State;

/// Disks that a master target or an appliance takes, its own included (vmware-azure-prepare-failback; modernized overview).
pub const SLOTS: u32 = slots::SLOTS;

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

/// Returns how many disks of a plan's machines a server takes, those `held` that are attached to it from the start among them.
#[must_use]
pub fn room(model: &Model, server: &str, held: u32) -> u32 {
    let attached = attached_disks(model, server).unwrap_or(held);
    SLOTS.saturating_sub(attached.saturating_sub(held))
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

/// Assigns the waves: replication groups whole, no machine before what it depends on, as few as fit on each server.
///
/// As far as no machine has to come after another, the waves of a server are those that the rules tell. Where that order
/// breaks them, each unit comes as early as it fits, if that makes no more waves in all.
#[must_use]
pub fn assign(model: &Model) -> Waves {
    let units = units_in_order(model);
    let site = Site::of(model, &units);
    let (mut waves, as_wanted) = site.placed(&units, &site.wanted(&units));
    if !as_wanted {
        let (early, _) = site.placed(&units, &vec![0; units.len()]);
        if early.iter().max() <= waves.iter().max() {
            waves = early;
        }
    }
    let mut of_machine: Vec<u16> = vec![1; model.machines().len()];
    for (unit, wave) in units.iter().zip(&waves) {
        for machine in &unit.machines {
            of_machine[*machine] = counted(*wave);
        }
    }
    Waves { of_machine, count: waves.into_iter().max().map_or(1, counted) }
}

/// Returns the number of a wave, of which the first is 1.
fn counted(wave: usize) -> u16 {
    u16::try_from(wave + 1).unwrap_or(u16::MAX)
}

/// The servers that machines come back through, and what each unit takes of them.
struct Site {
    /// Disks that each server takes at a time.
    rooms: Vec<u32>,
    /// Disks that are attached to each server now, of machines that leave it with the first wave.
    held: Vec<u32>,
    /// Disks that each unit is to attach, by server.
    needs: Vec<Vec<(usize, u32)>>,
}

impl Site {
    fn of(model: &Model, units: &[Unit]) -> Self {
        let mut places: HashMap<&str, usize> = HashMap::new();
        // What is attached at first, and all of it that belongs to machines of the plan.
        let (mut held, mut all_held): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut names: Vec<&str> = Vec::new();
        let mut needs = Vec::with_capacity(units.len());
        let mut leaves_first: Vec<bool> = Vec::with_capacity(units.len());
        for unit in units {
            let mut needed: BTreeMap<usize, u32> = BTreeMap::new();
            let mut own: BTreeMap<usize, u32> = BTreeMap::new();
            for index in &unit.machines {
                let machine = model.machine(*index);
                let Some(name) = slot_server(machine) else { continue };
                let server = *places.entry(name).or_insert_with(|| {
                    names.push(name);
                    held.push(0);
                    all_held.push(0);
                    names.len() - 1
                });
                match slot_use(machine) {
                    SlotUse::Needed => *needed.entry(server).or_default() += disks(machine),
                    SlotUse::Held => *own.entry(server).or_default() += disks(machine),
                    SlotUse::Done => {}
                }
            }
            // What comes after a machine that is still to be attached keeps its disks attached until then.
            let first = needed.is_empty() && unit.after.iter().all(|before| leaves_first[*before]);
            for (server, disks) in own {
                all_held[server] += disks;
                held[server] += if first { disks } else { 0 };
            }
            leaves_first.push(first);
            needs.push(needed.into_iter().collect());
        }
        let room = |(at, name): (usize, &&str)| {
            let attached = attached_disks(model, name).unwrap_or(all_held[at]);
            // A server without any room takes nothing; its units stand alone, and the rules refuse them.
            SLOTS.saturating_sub(attached.saturating_sub(held[at])).max(1)
        };
        let rooms: Vec<u32> = names.iter().enumerate().map(room).collect();
        let held = held.into_iter().zip(&rooms).map(|(held, room)| held.min(*room)).collect();
        Self { rooms, held, needs }
    }

    /// Returns the disks that a unit attaches to a server. One that can never fit takes all room: the rules refuse it, so that
    /// no run comes here.
    fn taken(&self, (server, disks): (usize, u32)) -> u32 {
        disks.min(self.rooms[server])
    }

    /// Returns the wave of each unit, counted from 0, if it needed not come after any other: the latest of its servers'.
    fn wanted(&self, units: &[Unit]) -> Vec<usize> {
        let mut of_server: Vec<Vec<usize>> = vec![Vec::new(); self.rooms.len()];
        let mut loads: Vec<Vec<Load>> =
            self.held.iter().map(|held| vec![Load { disks: *held, attached: true }]).collect();
        for at in 0..units.len() {
            for need in &self.needs[at] {
                of_server[need.0].push(at);
                loads[need.0].push(Load { disks: self.taken(*need), attached: false });
            }
        }
        let mut wanted = vec![0; units.len()];
        for (server, units) in of_server.iter().enumerate() {
            let packing = pack(self.rooms[server], &loads[server]).expect("no unit takes more than the room");
            for (at, wave) in units.iter().zip(packing.wave_of.iter().skip(1)) {
                wanted[*at] = wanted[*at].max(*wave);
            }
        }
        wanted
    }

    /// Puts each unit into the wave that is wanted, or else into the first after those that it depends on in which it fits.
    /// Returns the waves, counted from 0, and whether all are as wanted.
    fn placed(&self, units: &[Unit], wanted: &[usize]) -> (Vec<usize>, bool) {
        let mut left: Vec<Vec<u32>> = Vec::with_capacity(self.rooms.len());
        left.extend(self.rooms.iter().zip(&self.held).map(|(room, held)| vec![room - held]));
        // Room only shrinks, so a wave that had none for so many disks has none for them later.
        let mut full_before: HashMap<(usize, u32), usize> = HashMap::new();
        let mut waves: Vec<usize> = Vec::with_capacity(units.len());
        let mut as_wanted = true;
        for (at, unit) in units.iter().enumerate() {
            let needs = &self.needs[at];
            let earliest = unit.after.iter().map(|before| waves[*before]).max().unwrap_or(0);
            let fits = |wave: usize, left: &[Vec<u32>]| {
                needs.iter().all(|need| left[need.0].get(wave).is_none_or(|left| self.taken(*need) <= *left))
            };
            let mut wave = wanted[at];
            if wave < earliest || !fits(wave, &left) {
                as_wanted = false;
                let full = |need: &(usize, u32)| full_before.get(need).copied().unwrap_or(0);
                let known = needs.iter().map(full).max().unwrap_or(0);
                wave = earliest.max(known);
                while !fits(wave, &left) {
                    wave += 1;
                }
                if let ([need], true) = (needs.as_slice(), earliest <= known) {
                    full_before.insert(*need, wave);
                }
            }
            for need in needs {
                let left = &mut left[need.0];
                if left.len() <= wave {
                    left.resize(wave + 1, self.rooms[need.0]);
                }
                left[wave] -= self.taken(*need);
            }
            waves.push(wave);
        }
        (waves, as_wanted)
    }
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
