//! Rules about the configuration server and the vCenter (FB300–FB339).

pub(crate) mod config_server_backup_missing;
pub(crate) mod config_server_not_onprem;
pub(crate) mod config_server_not_original;
pub(crate) mod config_server_restored_with_other_ip;
pub(crate) mod vcenter_not_connected;
pub(crate) mod vcenter_not_original;
pub(crate) mod vm_not_in_config_server_db;

use crate::model::Machine;
use crate::rules::Finding;
use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &config_server_not_onprem::RULE,
    &config_server_not_original::RULE,
    &vm_not_in_config_server_db::RULE,
    &config_server_backup_missing::RULE,
    &config_server_restored_with_other_ip::RULE,
    &vcenter_not_original::RULE,
    &vcenter_not_connected::RULE,
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
