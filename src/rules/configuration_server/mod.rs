//! Rules about the configuration server and the vCenter (FB300–FB339).

pub(crate) mod agent_reboot_pending;
pub(crate) mod component_version_skew;
pub(crate) mod config_server_backup_missing;
pub(crate) mod config_server_certificate_expired;
pub(crate) mod config_server_not_connected;
pub(crate) mod config_server_not_onprem;
pub(crate) mod config_server_not_original;
pub(crate) mod config_server_restored_with_other_ip;
pub(crate) mod config_server_single_nic_with_retained_ip;
pub(crate) mod esxi_free_edition;
pub(crate) mod vcenter_account_read_only;
pub(crate) mod vcenter_not_connected;
pub(crate) mod vcenter_not_original;
pub(crate) mod vm_not_in_config_server_db;
pub(crate) mod vsphere_version_unsupported;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::model::version::Version;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Vcenter;
use crate::syntax::plan::Hypervisor;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &config_server_not_onprem::RULE,
    &config_server_not_original::RULE,
    &vm_not_in_config_server_db::RULE,
    &config_server_backup_missing::RULE,
    &config_server_restored_with_other_ip::RULE,
    &config_server_not_connected::RULE,
    &config_server_single_nic_with_retained_ip::RULE,
    &config_server_certificate_expired::RULE,
    &vcenter_not_original::RULE,
    &vcenter_not_connected::RULE,
    &vcenter_account_read_only::RULE,
    &esxi_free_edition::RULE,
    &vsphere_version_unsupported::RULE,
    &component_version_skew::RULE,
    &agent_reboot_pending::RULE,
];

/// Machines that a finding points at; the rest are counted, so that a large plan gives a readable message.
const LABELS: usize = 10;

/// Points at the machines that suffer from what was found.
fn point_at_machines(finding: &mut Finding, machines: Vec<Machine<'_>>, text: &str) {
    for machine in machines.iter().take(LABELS) {
        finding.also(machine.name().span, text);
    }
    if let Some(next) = machines.get(LABELS) {
        finding.also(next.name().span, format!("and {} more", machines.len() - LABELS));
    }
}

/// Says which machine an unknown fact is about, where the rule looks at the plan as a whole.
fn of_machine(unknown: Unknown, machine: Machine<'_>) -> Unknown {
    Unknown::of(unknown.field, unknown.object.unwrap_or_else(|| machine.name().value.clone()))
}

/// Returns whether a host runs ESXi, as far as anybody says; another one is the matter of other rules.
fn is_esxi(host: &Host) -> bool {
    match host.hypervisor.map(|hypervisor| hypervisor.value) {
        Some(Hypervisor::Esxi) | None => true,
        Some(Hypervisor::HyperV | Hypervisor::VmwareWorkstation | Hypervisor::Other) => false,
    }
}

/// Hosts that machines of the plan come back to.
#[derive(Default)]
struct Targets<'m> {
    /// The hosts, each once, with these machines.
    hosts: Vec<(&'m Host, Vec<Machine<'m>>)>,
    /// What would have to be known to name the others, each fact once for each thing that it is about.
    unknown: Vec<Unknown>,
}

/// Returns the hosts that machines come back to: the one that the plan names, else that of the master target or appliance, and
/// that of the original VM where it is written again. Where nobody knows whether it is, a host that `is_fine` leaves
/// nothing open.
fn targets(model: &Model, is_fine: fn(&Host) -> bool) -> Targets<'_> {
    let mut targets = Targets::default();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut told = HashSet::new();
    for machine in model.machines() {
        for host in [machine.target_host().transpose(), original_host(machine, is_fine).transpose()] {
            match host {
                Some(Ok(host)) => {
                    let place = *places.entry(&host.name.value).or_insert(targets.hosts.len());
                    if place == targets.hosts.len() {
                        targets.hosts.push((host, Vec::new()));
                    }
                    let machines = &mut targets.hosts[place].1;
                    if machines.last().is_none_or(|last| last.index() != machine.index()) {
                        machines.push(machine);
                    }
                }
                Some(Err(unknown)) => {
                    let unknown = of_machine(unknown, machine);
                    if told.insert((unknown.field, unknown.object.clone())) {
                        targets.unknown.push(unknown);
                    }
                }
                None => {}
            }
        }
    }
    targets
}

/// Returns the host of the original VM, unless the plan names another or the machine comes back elsewhere.
fn original_host<'m>(machine: Machine<'m>, is_fine: fn(&Host) -> bool) -> Fact<Option<&'m Host>> {
    if machine.settings().failback.host.is_some() {
        return Ok(None);
    }
    let host = machine
        .onprem_vm()
        .and_then(|onprem_vm| onprem_vm.host.fact("onprem_vm.host"))
        .and_then(|name| machine.model.host(name));
    match machine.location_mode() {
        Ok(LocationMode::Original) => host.map(Some),
        Ok(LocationMode::Alternate) => Ok(None),
        Err(unknown) => {
            if host.is_ok_and(is_fine) {
                Ok(None)
            } else {
                Err(unknown)
            }
        }
    }
}

/// Returns the vCenters that machines come from, those that the plan names and those of the hosts and appliances that machines
/// come back to, each once; and what would have to be known to name the others.
fn vcenters<'m>(model: &'m Model, targets: &Targets<'m>) -> (Vec<&'m Vcenter>, Vec<Unknown>) {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |id: &'m str| {
        if seen.insert(id) {
            match model.vcenter(id) {
                Ok(vcenter) => found.push(vcenter),
                Err(fact) => unknown.push(fact),
            }
        }
    };
    let mut nowhere = None;
    for machine in model.machines() {
        let source = machine.asr().and_then(|asr| asr.source_vcenter.fact("asr.source_vcenter"));
        let target = machine.settings().failback.vcenter.as_ref();
        let appliance = machine.appliance().and_then(|appliance| appliance.facts.vcenter.as_ref());
        let source = source.unwrap_or_else(|fact| {
            nowhere.get_or_insert_with(|| of_machine(fact, machine));
            None
        });
        for id in [source, target, appliance].into_iter().flatten() {
            add(&id.value);
        }
    }
    for (host, _) in &targets.hosts {
        if let Some(id) = host.vcenter.as_option() {
            add(&id.value);
        }
    }
    unknown.extend(nowhere);
    (found, unknown)
}

/// Returns how many releases a version is behind a later one: the second number counts them, and no release of an earlier
/// first number is near.
fn releases_between(version: &Version, later: &Version) -> u32 {
    match later.major().cmp(&version.major()) {
        Ordering::Greater => u32::MAX,
        Ordering::Equal => later.minor().saturating_sub(version.minor()),
        Ordering::Less => 0,
    }
}
