//! Rules about master targets of the classic architecture (FB200–FB229).

pub(crate) mod mt_disk_capacity;
pub(crate) mod mt_enableuuid_missing;
pub(crate) mod mt_has_snapshots;
pub(crate) mod mt_linux_platform;
pub(crate) mod mt_missing;
pub(crate) mod mt_moved_after_reprotect;
pub(crate) mod mt_network;
pub(crate) mod mt_not_discovered;
pub(crate) mod mt_not_in_vcenter_inventory;
pub(crate) mod mt_not_vmware_vm;
pub(crate) mod mt_on_lvm;
pub(crate) mod mt_os_family_mismatch;
pub(crate) mod mt_os_version_lower;
pub(crate) mod mt_paravirtual_scsi;
pub(crate) mod mt_retention_volume_invalid;
pub(crate) mod mt_storage_vmotion_allowed;
pub(crate) mod mt_tools_missing;
pub(crate) mod mt_undersized;
pub(crate) mod mt_uuid_clash;
pub(crate) mod mt_version_newer;
pub(crate) mod target_host_not_discovered;

use std::collections::HashSet;

use crate::model::Fact;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Unknown;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::labels::also_machines;
use crate::syntax::inventory::ProcessServer;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &mt_missing::RULE,
    &mt_os_family_mismatch::RULE,
    &mt_os_version_lower::RULE,
    &mt_not_discovered::RULE,
    &target_host_not_discovered::RULE,
    &mt_has_snapshots::RULE,
    &mt_not_vmware_vm::RULE,
    &mt_paravirtual_scsi::RULE,
    &mt_disk_capacity::RULE,
    &mt_tools_missing::RULE,
    &mt_enableuuid_missing::RULE,
    &mt_retention_volume_invalid::RULE,
    &mt_version_newer::RULE,
    &mt_on_lvm::RULE,
    &mt_storage_vmotion_allowed::RULE,
    &mt_moved_after_reprotect::RULE,
    &mt_uuid_clash::RULE,
    &mt_linux_platform::RULE,
    &mt_undersized::RULE,
    &mt_network::RULE,
    &mt_not_in_vcenter_inventory::RULE,
];

/// Points at the machines of the plan that are assigned to a master target.
fn also_assigned(finding: &mut Finding, server: MasterTarget<'_>) {
    also_machines(finding, server.machines(), &format!("is assigned to {}", server.name()));
}

/// Names the machine that lacks a fact, where the subject of the rule is its master target.
fn of_machine(unknown: Unknown, machine: Machine<'_>) -> Unknown {
    Unknown { object: unknown.object.or_else(|| Some(machine.name().value.clone())), ..unknown }
}

/// Returns the process servers that carry data of a master target's machines, each once.
fn process_servers_of<'m>(server: MasterTarget<'m>) -> impl Iterator<Item = &'m ProcessServer> {
    let mut seen = HashSet::new();
    server.machines().filter_map(Machine::process_server).filter(move |found| seen.insert(&found.name.value))
}

/// Returns that the process servers of a master target's machines can't be looked up, if they can't.
fn are_process_servers_listed(server: MasterTarget<'_>) -> Fact<()> {
    server.machines().try_for_each(|machine| machine.listed_process_server().map(|_| ()))
}

#[cfg(test)]
mod tests {
    use crate::rules::fixture;
    use crate::rules::fixture::Case;

    #[test]
    fn a_finding_points_at_ten_machines_and_counts_the_others() {
        let more: String = (0..12).map(|number| format!("m{number}: {{}}, ")).collect();
        let case: Case = serde_yaml::from_str(&format!(
            "{{name: many, world: classic, plan: {{machines: {{{more}}}}}, \
             inventory: {{master_targets: {{mtw: {{snapshots: 1}}}}}}, expect: []}}"
        ))
        .expect("the case is a case");
        let outcome = fixture::run(&super::mt_has_snapshots::RULE, &case).expect("the world can be changed");
        let texts: Vec<&str> = outcome.findings[0].related.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(texts.len(), 11);
        assert_eq!(texts[0], "is assigned to mtw");
        // w1, w2, w3 and twelve more are assigned.
        assert_eq!(texts[10], "and 5 more");
    }
}
