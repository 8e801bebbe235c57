//! The on-premises virtual machine of a machine: which one it is, and what is known of it.

use crate::model::overlay::blank_onprem_vm;
use crate::provider::vcenter::facts::known;
use crate::provider::vcenter::seen::Backing;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenDisk;
use crate::provider::vcenter::seen::SeenVm;
use crate::source::Spanned;
use crate::syntax::machine::Boot;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::Machine;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::OnpremVm;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;
use crate::syntax::nullable::Nullable;

/// What was found under a name or a UUID.
#[derive(Debug)]
pub(super) enum Found<'s> {
    /// Nothing.
    None,
    /// One virtual machine, in this vCenter.
    One(&'s Seen, &'s SeenVm),
    /// Several: the vCenters that have them, and what they have in common.
    Several(String, String),
}

/// Returns the virtual machines that are like something; templates are none.
fn like<'s>(seen: &'s [Seen], what: String, is_it: impl Fn(&SeenVm) -> bool) -> Found<'s> {
    let vms = seen.iter().flat_map(|seen| seen.vms.iter().map(move |vm| (seen, vm)));
    let found: Vec<(&Seen, &SeenVm)> = vms.filter(|(_, vm)| vm.template != Some(true) && is_it(vm)).collect();
    match found[..] {
        [] => Found::None,
        [(seen, vm)] => Found::One(seen, vm),
        _ => {
            let mut places: Vec<&str> = found.iter().map(|(seen, _)| seen.vcenter.as_str()).collect();
            places.dedup();
            Found::Several(places.join(", "), what)
        }
    }
}

fn by_uuid<'s>(seen: &'s [Seen], uuid: &str) -> Found<'s> {
    let uuid = uuid.to_ascii_lowercase();
    like(seen, format!("the UUID {uuid}"), |vm| vm.uuid.as_ref() == Some(&uuid))
}

/// Returns the virtual machine of a name; of the name that a guest has, where no virtual machine has it.
pub(super) fn by_name<'s>(seen: &'s [Seen], name: &str) -> Found<'s> {
    // vSphere doesn't tell letters apart.
    let same = |other: &Option<String>| {
        other.as_ref().is_some_and(|other| other.to_lowercase() == name.to_lowercase())
    };
    match like(seen, format!("the name {name}"), |vm| same(&vm.name)) {
        Found::None => {}
        found => return found,
    }
    let guest = |vm: &SeenVm| {
        let short = vm.guest_name.as_ref().and_then(|guest| guest.split('.').next().map(str::to_owned));
        same(&vm.guest_name) || same(&short)
    };
    like(seen, format!("guests of the name {name}"), guest)
}

/// Returns the virtual machine of a machine: the one that was protected, else the one that is in the documents, else the one
/// of its name.
pub(super) fn of_machine<'s>(seen: &'s [Seen], machine: &Machine) -> Found<'s> {
    let source = machine.asr.as_ref().and_then(|asr| asr.source_vm_uuid.as_ref());
    let written = machine.onprem_vm.as_ref().and_then(|vm| vm.uuid.as_ref());
    for uuid in [source, written].into_iter().flatten() {
        match by_uuid(seen, &uuid.value) {
            Found::None => {}
            found => return found,
        }
    }
    let named = machine.onprem_vm.as_ref().and_then(|vm| vm.name.as_ref());
    let name = named.unwrap_or(&machine.name);
    // A guest's name is its own matter: a copy of a machine has it too.
    let same =
        |vm: &SeenVm| vm.name.as_ref().is_some_and(|other| other.to_lowercase() == name.value.to_lowercase());
    like(seen, format!("the name {}", name.value), same)
}

/// Returns how a virtual machine boots.
pub(super) fn boot(vm: &SeenVm) -> Option<Boot> {
    let boot =
        Boot { firmware: vm.firmware.map(Spanned::bare), secure_boot: vm.secure_boot.map(Spanned::bare) };
    (boot.firmware.is_some() || boot.secure_boot.is_some()).then_some(boot)
}

/// Returns the facts about a virtual machine.
pub(super) fn onprem(seen: &Seen, vm: &SeenVm, machine: &Machine) -> OnpremVm {
    let before = machine.onprem_vm.as_ref();
    let disabled = before.and_then(|vm| vm.tools.as_deref()) == Some(&ToolsState::Disabled);
    // From outside, tools that were disabled look like tools that don't run, as those of a machine that is off never do.
    let tools = match vm.tools {
        Some(ToolsState::NotRunning) if disabled && vm.power != Some(PowerState::Running) => {
            Some(ToolsState::Disabled)
        }
        tools => tools,
    };
    OnpremVm {
        exists: known(true),
        name: vm.name.clone().map(Spanned::bare),
        uuid: vm.uuid.clone().map(Spanned::bare),
        template_id: Nullable::Unknown,
        vcenter: if seen.about.is_vcenter {
            Nullable::Some(Spanned::bare(seen.vcenter.clone()))
        } else if seen.hosts.iter().all(|host| host.managed == Some(false)) {
            Nullable::None
        } else {
            Nullable::Unknown
        },
        host: vm.host.clone().map(Spanned::bare),
        power_state: vm.power.map(Spanned::bare),
        snapshots: vm.snapshots.map(Spanned::bare),
        enable_uuid: vm.enable_uuid.map(Spanned::bare),
        tools: tools.map(Spanned::bare),
        booted_at: vm.booted_at.map(Spanned::bare),
        disks: vm.disks.as_ref().map(|disks| self::disks(disks, before)),
    }
}

/// Returns the facts about a virtual machine that is not there. Which disks it had is all that is left of it.
pub(super) fn gone(machine: &Machine) -> OnpremVm {
    let before = machine.onprem_vm.as_ref().and_then(|vm| vm.disks.as_ref());
    let disks = before.map(|disks| disks.iter().map(|disk| unknown(&disk.id.value)).collect());
    OnpremVm { exists: known(false), disks, ..blank_onprem_vm() }
}

/// Returns a disk of which nothing is known but its name.
fn unknown(id: &str) -> OnpremDisk {
    OnpremDisk {
        id: Spanned::bare(id.to_owned()),
        kind: None,
        datastore: Nullable::Unknown,
        exists: None,
        attached: None,
        size_gb: None,
        excluded: None,
    }
}

/// Returns the disks of a virtual machine, then those that it had before and has no more.
fn disks(seen: &[SeenDisk], before: Option<&OnpremVm>) -> Vec<OnpremDisk> {
    let mut disks: Vec<OnpremDisk> = Vec::with_capacity(seen.len());
    for one in seen {
        let mut id = id_of(&one.label);
        if disks.iter().any(|disk| disk.id.value == id) {
            id = format!("{id}-{}", one.key);
        }
        disks.push(disk(one, &id));
    }
    for old in before.and_then(|vm| vm.disks.as_ref()).into_iter().flatten() {
        if disks.iter().any(|disk| disk.id.value == old.id.value) {
            continue;
        }
        // What a guest reaches by itself is none of a vCenter's business.
        if old.kind.as_deref() == Some(&DiskKind::Iscsi) {
            disks.push(old.clone());
        } else {
            disks.push(OnpremDisk { attached: known(false), ..unknown(&old.id.value) });
        }
    }
    disks
}

/// Returns the id of a disk: vCenter counts from one, Site Recovery from zero.
pub(super) fn id_of(label: &str) -> String {
    let number = label.strip_prefix("Hard disk ").and_then(|number| number.parse::<u32>().ok());
    match number.and_then(|number| number.checked_sub(1)) {
        Some(number) => format!("disk{number}"),
        None => label.to_owned(),
    }
}

fn disk(seen: &SeenDisk, id: &str) -> OnpremDisk {
    let kind = match seen.backing {
        Backing::Flat | Backing::SeSparse => Some(DiskKind::Vmdk),
        Backing::Raw { .. } => Some(DiskKind::Rdm),
        Backing::Other(_) => None,
    };
    OnpremDisk {
        kind: kind.map(Spanned::bare),
        datastore: match &seen.datastore {
            Some(name) => Nullable::Some(Spanned::bare(name.clone())),
            None => Nullable::Unknown,
        },
        exists: known(true),
        attached: known(true),
        size_gb: seen.size.map(Spanned::bare),
        ..unknown(id)
    }
}
