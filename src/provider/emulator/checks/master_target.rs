//! What the service looks at in a master target.

use crate::model::version::Version;
use crate::provider::emulator::checks::Look;
use crate::provider::emulator::checks::first_of;
use crate::provider::emulator::checks::source;
use crate::provider::emulator::checks::trouble;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::site::Site;
use crate::syntax::inventory::Known;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::machine::OsFamily;
use crate::syntax::plan::Form;

/// Returns what is wrong with a master target for a machine.
pub(super) fn suits(look: &Look<'_>, name: &str, retention_volume: &str) -> Option<Trouble> {
    let site = look.site;
    let Some(target) = site.master_target(name) else {
        return trouble("MasterTargetNotFound", format!("The master target '{name}' isn't registered."));
    };
    if is_false(&target.registered) || is_false(&target.discovered) {
        return trouble(
            "MasterTargetNotFound",
            format!("The master target '{name}' isn't registered, or wasn't discovered."),
        );
    }
    if target.form.as_deref() == Some(&Form::Physical) {
        return trouble(
            "MasterTargetNotFound",
            format!("The master target '{name}' isn't a VMware virtual machine."),
        );
    }
    let (theirs, ours) = (family(target), source::family(look.item));
    if theirs.is_some() && ours.is_some() && theirs != ours {
        return trouble(
            "MasterTargetOsMismatch",
            format!("The master target '{name}' is of another family of operating systems."),
        );
    }
    first_of![
        parts(target),
        same_template(look.item, target),
        snapshots(target),
        retention(target, retention_volume),
    ]
}

fn family(target: &MasterTarget) -> Option<OsFamily> {
    target.os.as_ref().and_then(|os| os.family.as_deref().copied())
}

/// Returns what is wrong with the hardware and the software of a master target.
fn parts(target: &MasterTarget) -> Option<Trouble> {
    if let Some(controllers) = &target.scsi_controllers {
        let letters = |kind: &str| kind.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let kinds: Vec<String> =
            controllers.iter().map(|kind| letters(&kind.value).to_ascii_lowercase()).collect();
        let foreign = kinds.iter().any(|kind| kind.contains("paravirtual") || kind.contains("pvscsi"));
        if foreign || !kinds.iter().any(|kind| kind.contains("lsilogic")) {
            return trouble("78151", "Mastertarget having unsupported SCSI controller type");
        }
        if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
            return trouble("78150", "Mastertarget having different SCSI controller types.");
        }
    }
    if is_false(&target.enable_uuid) {
        return trouble("78152", "VM property Disk enable uuid is not set to True");
    }
    if is_false(&target.vmware_tools_installed) {
        return trouble("MasterTargetTools", "VMware Tools aren't installed on the master target.");
    }
    if is_true(&target.lvm) && family(target) == Some(OsFamily::Linux) {
        return trouble("MasterTargetLvm", "The disks of the master target are under LVM.");
    }
    None
}

/// Returns whether machine and master target come from one template, so that their disks have the same UUIDs.
fn same_template(item: &Item, target: &MasterTarget) -> Option<Trouble> {
    // A physical server has no VM of its own that could have come from a template.
    if item.is_physical_server() {
        return None;
    }
    let vm = item.facts.onprem_vm.as_ref().filter(|vm| !is_false(&vm.exists))?;
    let clash = match (vm.uuid.as_deref(), target.uuid.as_deref()) {
        (Some(ours), Some(theirs)) => digits(ours).eq(digits(theirs)),
        (None, _) | (_, None) => {
            let (ours, theirs) = (vm.template_id.as_option(), target.template_id.as_option());
            ours.zip(theirs).is_some_and(|(ours, theirs)| ours.value == theirs.value)
        }
    };
    if clash {
        return trouble(
            "MasterTargetSameUuid",
            format!("'{}' and the master target '{}' share a UUID.", item.name, target.name.value),
        );
    }
    None
}

/// Returns the digits of a UUID: vSphere writes one and the same with dashes, with spaces, and in letters of either case.
fn digits(uuid: &str) -> impl Iterator<Item = char> {
    uuid.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase())
}

/// Returns whether a master target has snapshots.
pub(super) fn snapshots(target: &MasterTarget) -> Option<Trouble> {
    let some = target.snapshots.as_deref().is_some_and(|count| *count > 0);
    if some { trouble("78158", "VM having the snapshots.") } else { None }
}

/// Returns what is wrong with the retention volume.
fn retention(target: &MasterTarget, name: &str) -> Option<Trouble> {
    let volumes = target.retention_volumes.as_ref()?;
    let is_drive = name.len() == 2 && name.ends_with(':');
    let is_named = |volume: &&RetentionVolume| {
        volume.name.value == name || is_drive && volume.name.eq_ignore_ascii_case(name)
    };
    let good = volumes.iter().filter(is_named).any(|volume| {
        let fat = volume
            .fs
            .as_deref()
            .is_some_and(|fs| fs.eq_ignore_ascii_case("fat") || fs.eq_ignore_ascii_case("fat32"));
        let empty = volume.capacity_gb.as_deref().is_some_and(|capacity| capacity.0 == 0);
        !is_true(&volume.in_use) && !is_true(&volume.locked) && !fat && !empty
    });
    if good {
        None
    } else {
        trouble("RetentionVolume", format!("The retention volume '{name}' can't be used."))
    }
}

/// Returns whether the host of a master target offers no datastore that could be chosen, not even one that is not used.
pub(super) fn no_vmfs(site: &Site, master_target: &str) -> Option<Trouble> {
    let host = site.host_of(master_target)?;
    if site.may_have_vmfs(host) {
        return None;
    }
    trouble("DatastoreNotOffered", format!("No VMFS datastore is attached to the ESXi host '{host}'."))
}

/// Returns whether the data of a reprotected machine never arrives: a master target that is newer than the servers which
/// send to it doesn't understand them.
pub(in crate::provider::emulator) fn never_replicates(
    site: &Site,
    master_target: &str,
    process_server: &str,
) -> bool {
    let version = |version: &Known<String>| version.as_deref().and_then(|version| Version::parse(version));
    let target = site.master_target(master_target).and_then(|target| version(&target.version));
    let Some(target) = target else { return false };
    let configuration_server = site.facts().configuration_server.as_option();
    let senders = [
        configuration_server.and_then(|server| version(&server.version)),
        site.process_server(process_server).and_then(|server| version(&server.version)),
    ];
    senders.into_iter().flatten().any(|sender| target > sender)
}
