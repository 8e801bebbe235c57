//! How many waves it takes to bring machines through a master target or appliance that takes a limited number of disks.

pub(crate) mod advice;
mod assign;
#[cfg(test)]
mod brute_force;
mod sentence;

use crate::id::IdMap;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::placement::Server;
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

/// Returns how units fit on a server that takes `free` disks of them at a time, each in the first wave that has room.
pub(crate) fn waves(free: u32, units: &[Unit<'_>]) -> Waves {
    if let Some(at) = units.iter().position(|unit| unit.disks > free) {
        return Waves::TooLarge(at);
    }
    let mut room: Vec<u32> = Vec::new();
    // Room only shrinks, so a wave that had none for a number of disks has none for it later.
    let mut first_with_room: IdMap<u32, usize> = IdMap::default();
    for unit in units {
        let from = first_with_room.entry(unit.disks).or_default();
        while room.get(*from).is_some_and(|room| *room < unit.disks) {
            *from += 1;
        }
        if *from == room.len() {
            room.push(free);
        }
        room[*from] -= unit.disks;
    }
    match u32::try_from(room.len()).unwrap_or(u32::MAX) {
        0 | 1 => Waves::Fits,
        count => Waves::Waves(count),
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
    /// The first fact that is missing; the machine that it is about is in no unit.
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
        let disks = match disks(machine) {
            Ok(disks) => disks,
            Err(missing) => {
                let name = machine.name().value.as_str();
                demand.unknown.get_or_insert_with(|| Unknown::of(missing.field, name));
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

/// Returns how many disks of a machine come back: those in Azure, else those that it had on-premises.
pub(crate) fn disks(machine: Machine<'_>) -> Fact<u32> {
    let in_azure = machine.azure_vm().and_then(|vm| vm.disks.fact("azure_vm.disks"));
    let count = match (in_azure, machine.onprem_disks()) {
        (Ok(disks), _) => disks
            .iter()
            .filter(|disk| {
                disk.replicated_from_onprem.is_none_or(|replicated| replicated.value)
                    && disk.temporary.is_none_or(|temporary| !temporary.value)
            })
            .count(),
        (Err(_), Ok(disks)) if !disks.is_empty() => {
            disks.iter().filter(|disk| disk.excluded.is_none_or(|excluded| !excluded.value)).count()
        }
        (Err(missing), _) => return Err(missing),
    };
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
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
    fn a_later_small_unit_fills_an_earlier_wave() {
        assert_eq!(waves(10, &units(&[6, 6, 4, 4])), Waves::Waves(2));
        assert_eq!(waves(10, &units(&[6, 6, 4, 4, 1])), Waves::Waves(3));
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
