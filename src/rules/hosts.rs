//! Hosts that machines have to do with when they come back, and why.

use crate::id::IdMap;
use crate::id::IdSet;
use crate::model::Fact;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Finding;
use crate::rules::labels::also_each;
use crate::syntax::inventory::Host;

/// Why a host matters to a machine that comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It runs the master target or appliance, which writes the disks, and makes a new VM there.
    Writes,
    /// The machine's own VM is there and is used again.
    Runs,
    /// The plan names it as the target. No request says so; it is what somebody expects.
    Named,
}

/// Returns the hosts that a machine has to do with, each once.
///
/// Where nobody knows whether the machine comes back into its own VM, the host of that VM leaves nothing open if it `is_fine`.
pub(super) fn hosts_of<'m>(
    machine: Machine<'m>,
    is_fine: impl Fn(&Host) -> bool,
) -> impl Iterator<Item = (Role, Fact<&'m Host>)> {
    let host = |name: &str| machine.model.host(name);
    let writes = machine.transfer_host().and_then(|name| name.map(host).transpose()).transpose();
    let own = machine.own_host();
    let runs = match machine.location_mode() {
        Ok(LocationMode::Original) => Some(own),
        Ok(LocationMode::Alternate) => None,
        Err(unknown) => (!own.is_ok_and(is_fine)).then_some(Err(unknown)),
    };
    let named = machine.settings().failback.host.as_ref().map(|name| host(&name.value));
    let all = [(Role::Writes, writes), (Role::Runs, runs), (Role::Named, named)];
    let mut seen: [Option<&str>; 3] = [None; 3];
    all.into_iter().enumerate().filter_map(move |(at, (role, host))| {
        let host = host?;
        if let Ok(host) = host {
            let name = Some(host.name.value.as_str());
            if seen.contains(&name) {
                return None;
            }
            seen[at] = name;
        }
        Some((role, host))
    })
}

/// A host that machines of a plan have to do with.
pub(super) struct TargetHost<'m> {
    /// The host.
    pub host: &'m Host,
    machines: Vec<(Machine<'m>, Role)>,
}

/// The hosts that machines of a plan have to do with.
#[derive(Default)]
pub(super) struct TargetHosts<'m> {
    /// Each once, in the order of the plan.
    pub hosts: Vec<TargetHost<'m>>,
    /// What would have to be known to name the others, each fact once for each thing that it is about.
    pub unknown: Vec<Unknown>,
}

/// Returns the hosts that machines of a plan have to do with; `is_fine` as in [`hosts_of`].
pub(super) fn target_hosts(model: &Model, is_fine: fn(&Host) -> bool) -> TargetHosts<'_> {
    let mut targets = TargetHosts::default();
    let mut places: IdMap<&str, usize> = IdMap::default();
    let mut told = IdSet::default();
    for machine in model.machines() {
        for (role, host) in hosts_of(machine, is_fine) {
            match host {
                Ok(host) => {
                    let place = *places.entry(&host.name.value).or_insert(targets.hosts.len());
                    if place == targets.hosts.len() {
                        targets.hosts.push(TargetHost { host, machines: Vec::new() });
                    }
                    targets.hosts[place].machines.push((machine, role));
                }
                Err(unknown) => {
                    let object = unknown.object.unwrap_or_else(|| machine.name().value.clone());
                    if told.insert((unknown.field, object.clone())) {
                        targets.unknown.push(Unknown::of(unknown.field, object));
                    }
                }
            }
        }
    }
    targets
}

impl TargetHost<'_> {
    /// Points at the machines that suffer from what was found about the host.
    pub(super) fn point_at_machines(&self, finding: &mut Finding) {
        let name = &self.host.name.value;
        also_each(finding, self.machines.iter().copied(), |role| match role {
            Role::Writes | Role::Runs => format!("comes back to {name}"),
            Role::Named => format!("the plan names {name} as its target"),
        });
    }
}
