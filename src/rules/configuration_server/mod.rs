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

use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::model::hypervisor;
use crate::model::version::Version;
use crate::rules::Rule;
use crate::rules::hosts::TargetHosts;
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

/// Says which machine an unknown fact is about, where the rule looks at the plan as a whole.
fn of_machine(unknown: Unknown, machine: Machine<'_>) -> Unknown {
    Unknown::of(unknown.field, unknown.object.unwrap_or_else(|| machine.name().value.clone()))
}

/// Returns whether a host runs ESXi; another one is the matter of other rules.
fn is_esxi(host: &Host) -> Fact<bool> {
    Ok(match hypervisor(host)? {
        Hypervisor::Esxi => true,
        Hypervisor::HyperV | Hypervisor::VmwareWorkstation | Hypervisor::Other => false,
    })
}

/// Returns the vCenters that machines come from, those that the plan names and those of the hosts and appliances that machines
/// come back to, each once; and what would have to be known to name the others.
fn vcenters<'m>(model: &'m Model, targets: &TargetHosts<'m>) -> (Vec<&'m Vcenter>, Vec<Unknown>) {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    let mut seen = IdSet::default();
    let mut add = |id: &'m str| {
        if seen.insert(id) {
            match model.vcenter(id) {
                Ok(vcenter) => found.push(vcenter),
                Err(fact) => unknown.push(fact),
            }
        }
    };
    let (mut nowhere, mut unlisted) = (None, None);
    for machine in model.machines() {
        let source = machine.asr().and_then(|asr| asr.source_vcenter.fact("asr.source_vcenter"));
        let target = machine.settings().failback.vcenter.as_ref();
        let appliance = match machine.listed_appliance() {
            Ok(appliance) => appliance.and_then(|appliance| appliance.facts.vcenter.as_ref()),
            Err(fact) => {
                unlisted.get_or_insert(fact);
                None
            }
        };
        let source = source.unwrap_or_else(|fact| {
            nowhere.get_or_insert_with(|| of_machine(fact, machine));
            None
        });
        for id in [source, target, appliance].into_iter().flatten() {
            add(&id.value);
        }
    }
    for target in &targets.hosts {
        if let Some(id) = target.host.vcenter.as_option() {
            add(&id.value);
        }
    }
    // Where hosts are looked at, the same list is missing for them too.
    unknown.extend(unlisted.filter(|fact| !targets.unknown.contains(fact)));
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
