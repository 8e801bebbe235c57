//! How many waves it takes to bring machines through a master target or appliance that takes a limited number of disks.

pub(crate) mod advice;
mod assign;
#[cfg(test)]
mod brute_force;
pub(crate) mod packing;
mod sentence;
mod sizes;

use crate::id::IdMap;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::placement::Server;
use crate::rules::slots::packing::Load;
use crate::rules::slots::packing::pack;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::State;

/// Disks that a master target or an appliance takes, its own included (vmware-azure-prepare-failback;
/// failover-failback-overview-modernized, Reprotection/planned failover).
pub(crate) const SLOTS: u32 = 60;

/// What comes through a server in one wave or not at all: a machine, or the members of a replication group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'m> {
    /// Name of the replication group; `None` for a machine alone.
    pub(crate) group: Option<&'m str>,
    /// Indexes of its machines in the model.
    pub(crate) machines: Vec<usize>,
    /// Disks of all of them.
    pub(crate) disks: u32,
    /// Whether some of them are attached.
    pub(crate) held: bool,
}

/// How units fit on a server.
#[expect(clippy::enum_variant_names, reason = "a number of waves is what the glossary calls it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waves {
    /// All at once.
    Fits,
    /// One batch after another: so many of them.
    Waves(u32),
    /// This unit, by its place among the given ones, never fits.
    TooLarge(usize),
}

/// Returns how units fit on a server that takes `free` disks of them at a time.
pub(crate) fn waves(free: u32, units: &[Unit<'_>]) -> Waves {
    let loads: Vec<Load> = units.iter().map(Unit::load).collect();
    match pack(free, &loads) {
        None => Waves::TooLarge(units.iter().position(|unit| unit.disks > free).unwrap_or(0)),
        Some(packing) => match u32::try_from(packing.count()).unwrap_or(u32::MAX) {
            0 | 1 => Waves::Fits,
            count => Waves::Waves(count),
        },
    }
}

impl Unit<'_> {
    fn load(&self) -> Load {
        Load { disks: self.disks, attached: self.held }
    }
}

/// Units of a server, and what is known of them.
#[derive(Debug)]
pub(crate) struct Demand<'m> {
    /// The units whose disks are still to be attached, or are attached now; in the order of the plan.
    pub(crate) units: Vec<Unit<'m>>,
    /// Disks of all units.
    pub(crate) disks: u32,
    /// Those of them that are attached now, and so among the attached disks of the server.
    pub(crate) held: u32,
    /// The first fact that is missing; a machine of which nothing is known is in no unit.
    pub(crate) unknown: Option<Unknown>,
}

impl Demand<'_> {
    /// Returns how many disks of the units the server takes at a time, given how many are attached to it now.
    pub(crate) const fn room(&self, attached: u32) -> u32 {
        SLOTS.saturating_sub(attached.saturating_sub(self.held))
    }
}

/// Returns the units of the machines that come through one server; `machines`, `azure_vm` or `azure_vm.disks` may be missing.
pub(crate) fn demand<'m>(machines: impl Iterator<Item = Machine<'m>>) -> Demand<'m> {
    let mut demand = Demand { units: Vec::new(), disks: 0, held: 0, unknown: None };
    let mut of_group: IdMap<usize, usize> = IdMap::default();
    for machine in machines {
        let hold = hold(machine);
        if hold == Hold::Done {
            continue;
        }
        let mut missing = |missing: Unknown| {
            let name = machine.name().value.as_str();
            demand.unknown.get_or_insert_with(|| Unknown::of(missing.field, name));
        };
        let disks = match machine.returning_disks() {
            Ok(disks) => {
                let count = disks.count();
                disks.more.into_iter().for_each(&mut missing);
                count
            }
            Err(unknown) => {
                missing(unknown);
                continue;
            }
        };
        demand.disks = demand.disks.saturating_add(disks);
        if hold == Hold::Held {
            demand.held = demand.held.saturating_add(disks);
        }
        let group = machine.group();
        let at = match group {
            Some(group) => *of_group.entry(group.index()).or_insert(demand.units.len()),
            None => demand.units.len(),
        };
        if at == demand.units.len() {
            let group = group.map(|group| group.name().value.as_str());
            demand.units.push(Unit { group, machines: Vec::new(), disks: 0, held: false });
        }
        let unit = &mut demand.units[at];
        unit.machines.push(machine.index());
        unit.disks = unit.disks.saturating_add(disks);
        unit.held |= hold == Hold::Held;
    }
    demand
}

/// Returns the units of the machines that come through a server of the plan.
pub(crate) fn demand_of(server: Server<'_>) -> Demand<'_> {
    match server {
        Server::MasterTarget(server) => demand(server.machines()),
        Server::Appliance(appliance) => demand(appliance.machines()),
    }
}

/// How the disks of a machine stand to its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// To be attached.
    Needed,
    /// Attached.
    Held,
    /// Not to be attached any more.
    Done,
}

/// Classic detaches the disks with the failover, modernized with the commit.
fn hold(machine: Machine<'_>) -> Hold {
    match machine.state() {
        Ok(State::ReprotectingToOnprem | State::ProtectedToOnprem | State::FailingBack) => Hold::Held,
        Ok(State::FailedBack) => match machine.model.experience() {
            Ok(Experience::Classic) => Hold::Done,
            Ok(Experience::Modernized) | Err(_) => Hold::Held,
        },
        Ok(State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure) => Hold::Done,
        Ok(
            State::FailedOver
            | State::FailedOverCommitted
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => Hold::Needed,
    }
}

/// Returns how many disks of a machine come back.
pub(crate) fn disks(machine: Machine<'_>) -> Fact<u32> {
    machine.returning_disks().map(|disks| disks.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(disks: &[u32]) -> Vec<Unit<'static>> {
        disks
            .iter()
            .map(|disks| Unit { group: None, machines: Vec::new(), disks: *disks, held: false })
            .collect()
    }

    #[test]
    fn what_fits_together_comes_at_once() {
        assert_eq!(waves(57, &units(&[])), Waves::Fits);
        assert_eq!(waves(57, &units(&[50, 7])), Waves::Fits);
    }

    #[test]
    fn one_disk_too_many_makes_a_second_wave() {
        assert_eq!(waves(57, &units(&[50, 8])), Waves::Waves(2));
    }

    #[test]
    fn the_waves_are_as_few_as_there_can_be_whatever_the_order() {
        assert_eq!(waves(10, &units(&[6, 6, 4, 4])), Waves::Waves(2));
        assert_eq!(waves(10, &units(&[6, 6, 4, 4, 1])), Waves::Waves(3));
        assert_eq!(waves(10, &units(&[4, 4, 3, 3, 3, 3])), Waves::Waves(2));
    }

    #[test]
    fn a_unit_larger_than_the_server_never_fits() {
        assert_eq!(waves(57, &units(&[50, 58, 59])), Waves::TooLarge(1));
        assert_eq!(waves(0, &units(&[1])), Waves::TooLarge(0));
    }

    #[test]
    fn units_without_disks_need_no_room() {
        assert_eq!(waves(0, &units(&[0, 0])), Waves::Fits);
    }
}
