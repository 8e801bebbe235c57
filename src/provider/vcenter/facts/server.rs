//! Virtual machines that serve machines: master targets and appliances.

use crate::provider::vcenter::facts::Told;
use crate::provider::vcenter::facts::known;
use crate::provider::vcenter::facts::vm::Found;
use crate::provider::vcenter::facts::vm::by_name;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenVm;
use crate::source::Spanned;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::machine::ToolsState;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Form;

/// Finds a server, and notes where, or why not.
fn find<'s>(seen: &'s [Seen], kind: &str, name: &str, told: &mut Told) -> Option<(&'s Seen, &'s SeenVm)> {
    match by_name(seen, name) {
        Found::One(place, vm) => {
            told.origin(kind, name, place);
            Some((place, vm))
        }
        Found::None => {
            let vcenters: Vec<&str> = seen.iter().map(|seen| seen.vcenter.as_str()).collect();
            told.gap(&vcenters.join(", "), name, kind, "no virtual machine has its name");
            None
        }
        Found::Several(place, how) => {
            told.gap(&place, name, kind, format!("several virtual machines have {how}"));
            None
        }
    }
}

fn disks(vm: &SeenVm) -> Option<u32> {
    vm.disks.as_ref().and_then(|disks| u32::try_from(disks.len()).ok())
}

/// Returns the facts about master targets; those that no vCenter has are left out.
pub(super) fn master_targets(seen: &[Seen], base: &Inventory, told: &mut Told) -> Option<Vec<MasterTarget>> {
    let servers = base.master_targets.as_ref()?;
    let found = servers.iter().filter_map(|server| {
        let name = &server.name.value;
        find(seen, "master_targets", name, told).map(|(_, vm)| master_target(name, vm))
    });
    Some(found.collect())
}

fn master_target(name: &str, vm: &SeenVm) -> MasterTarget {
    let first = vm.disks.as_ref().and_then(|disks| disks.first());
    let kinds = |kinds: &Vec<String>| kinds.iter().cloned().map(Spanned::bare).collect();
    MasterTarget {
        name: Spanned::bare(name.to_owned()),
        os: None,
        form: known(Form::VmwareVm),
        host: vm.host.clone().map(Spanned::bare),
        datastore: vm.datastore.clone().map(Spanned::bare),
        registered: None,
        discovered: None,
        snapshots: vm.snapshots.map(Spanned::bare),
        scsi_controllers: vm.scsi_controllers.as_ref().map(kinds),
        attached_disks: disks(vm).map(Spanned::bare),
        vmware_tools_installed: vm.tools.map(|tools| Spanned::bare(tools != ToolsState::Uninstalled)),
        enable_uuid: vm.enable_uuid.map(Spanned::bare),
        retention_volumes: None,
        version: None,
        lvm: None,
        uuid: vm.uuid.clone().map(Spanned::bare),
        template_id: Nullable::Unknown,
        ram_gb: vm.memory.map(Spanned::bare),
        cpu: vm.cpus.map(Spanned::bare),
        os_disk_gb: first.and_then(|disk| disk.size).map(Spanned::bare),
        storage_vmotion_excluded: None,
        kernel_auto_update: None,
    }
}

/// Returns the facts about appliances; those that no vCenter has are left out.
pub(super) fn appliances(seen: &[Seen], base: &Inventory, told: &mut Told) -> Option<Vec<Appliance>> {
    let servers = base.appliances.as_ref()?;
    let found = servers.iter().filter_map(|server| {
        let name = &server.name.value;
        find(seen, "appliances", name, told).map(|(place, vm)| appliance(name, place, vm))
    });
    Some(found.collect())
}

fn appliance(name: &str, seen: &Seen, vm: &SeenVm) -> Appliance {
    Appliance {
        name: Spanned::bare(name.to_owned()),
        vault: None,
        vcenter: seen.about.is_vcenter.then(|| Spanned::bare(seen.vcenter.clone())),
        host: vm.host.clone().map(Spanned::bare),
        datastore: vm.datastore.clone().map(Spanned::bare),
        health: None,
        components: None,
        attached_disks: disks(vm).map(Spanned::bare),
        version: None,
        cloned: None,
        storage_vmotion_excluded: None,
        auto_update: None,
        time_in_sync: None,
    }
}
