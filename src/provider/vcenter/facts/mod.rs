//! What was seen of vCenters, as facts of an inventory.

mod ground;
mod server;
mod vm;

use jiff::Timestamp;

use crate::model::overlay::blank_machine;
use crate::provider::vcenter::facts::vm::Found;
use crate::provider::vcenter::seen::Gap;
use crate::provider::vcenter::seen::Seen;
use crate::source::Spanned;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::Placement;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::Vcenter;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OnpremVm;
use crate::syntax::nullable::Nullable;

/// Where the facts about a thing come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The thing and its name: `hosts.esx1`, `machines.w1`.
    pub of: String,
    /// The vCenter that told.
    pub vcenter: String,
    /// When it was asked.
    pub at: Timestamp,
}

/// Facts that vCenters told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The facts; what no vCenter tells is unknown in it.
    pub inventory: Inventory,
    /// Where they come from.
    pub origins: Vec<Origin>,
    /// What could not be had, with the vCenter that did not tell it.
    pub gaps: Vec<(String, Gap)>,
}

impl Told {
    fn origin(&mut self, kind: &str, name: &str, seen: &Seen) {
        self.origins.push(Origin {
            of: format!("{kind}.{name}"),
            vcenter: seen.vcenter.clone(),
            at: seen.at,
        });
    }

    fn gap(&mut self, vcenter: &str, object: &str, property: &str, why: impl Into<String>) {
        let gap = Gap { object: object.into(), property: property.into(), privilege: None, why: why.into() };
        self.gaps.push((vcenter.to_owned(), gap));
    }
}

/// A fact that a service told: it stands in no document.
fn known<T>(value: T) -> Option<Spanned<T>> {
    Some(Spanned::bare(value))
}

/// Returns the facts about hosts, datastores, and about those servers and machines that `base` names.
///
/// What nobody who was asked can see, as it is on a host that no vCenter manages and that was not asked itself, is told as `base`
/// has it, but for what changes from one moment to the next: whether a virtual machine runs is unknown then.
///
/// `base` tells by which UUID a machine is found, and those few facts that refine what a vCenter sees: that a guest's tools
/// were disabled, which disks a guest reaches by itself, and which hosts outside these vCenters use a datastore. A virtual
/// machine is said not to exist only if all vCenters of `base` are among `seen`, and each shows its whole inventory.
#[must_use]
pub fn facts(seen: &[Seen], base: &Inventory) -> Told {
    let mut told = Told {
        inventory: Inventory::unknown(&base.name.value),
        origins: Vec::new(),
        gaps: seen
            .iter()
            .flat_map(|seen| seen.gaps.iter().map(|gap| (seen.vcenter.clone(), gap.clone())))
            .collect(),
    };
    let vcenters = || seen.iter().filter(|one| one.about.is_vcenter);
    for one in vcenters() {
        told.origin("vcenters", &one.vcenter, one);
    }
    told.inventory.vcenters = Some(vcenters().map(vcenter).collect());
    ground::hosts(seen, base, &mut told);
    ground::datastores(seen, base, &mut told);
    let servers = server::master_targets(seen, base, &mut told);
    told.inventory.master_targets = servers;
    let servers = server::appliances(seen, base, &mut told);
    told.inventory.appliances = servers;
    told.inventory.process_servers = process_servers(seen, base, &mut told);
    let machines = base.machines.iter().flatten().map(|machine| one_machine(seen, base, machine, &mut told));
    let machines: Vec<Machine> = machines.collect();
    told.inventory.machines = Some(machines);
    told
}

/// Returns whether what is in none of these vCenters exists nowhere at the site.
fn is_everything(seen: &[Seen], base: &Inventory) -> bool {
    let asked = |name: &str| seen.iter().any(|seen| seen.vcenter == name);
    !seen.is_empty()
        && seen.iter().all(|seen| seen.whole)
        && base.vcenters.iter().flatten().all(|vcenter| asked(&vcenter.id.value))
}

/// Returns whether a machine's virtual machine is, or was, where nobody who was asked sees it: on a host that no vCenter manages, and
/// that was not asked itself.
fn is_outside(seen: &[Seen], base: &Inventory, machine: &Machine) -> bool {
    let written = machine.onprem_vm.as_ref();
    let asked =
        |host: &Host| seen.iter().any(|seen| !seen.about.is_vcenter && seen.vcenter == host.name.value);
    let is_alone = |host: &&Host| host.vcenter == Nullable::None;
    let host = written.and_then(|vm| vm.host.as_ref());
    let host = host.and_then(|name| base.hosts.iter().flatten().find(|host| host.name.value == name.value));
    // Where it is not known which of them it is on, all have to be asked.
    let mut alone = base.hosts.iter().flatten().filter(is_alone).peekable();
    let all_asked = alone.peek().is_some() && alone.all(asked);
    if host.filter(is_alone).map_or(all_asked, asked) {
        return false;
    }
    // Of a physical server, too, it is said that it comes from no vCenter.
    let physical = machine.kind.as_deref().is_some_and(|kind| *kind != MachineKind::VmwareVm);
    let source = machine.asr.as_ref().is_some_and(|asr| asr.source_vcenter == Nullable::None);
    written.is_some_and(|vm| vm.vcenter == Nullable::None)
        || host.is_some_and(|host| is_alone(&host))
        || (source && !physical)
}

fn vcenter(seen: &Seen) -> Vcenter {
    Vcenter {
        id: Spanned::bare(seen.vcenter.clone()),
        connected: None,
        reachable: known(true),
        version: seen.about.version.clone().map(Spanned::bare),
        account: None,
    }
}

fn process_servers(seen: &[Seen], base: &Inventory, told: &mut Told) -> Option<Vec<ProcessServer>> {
    let servers = base.process_servers.as_ref()?;
    let mut found = Vec::new();
    for server in servers {
        let Found::One(place, _) = vm::by_name(seen, &server.name.value) else { continue };
        told.origin("process_servers", &server.name.value, place);
        found.push(ProcessServer {
            name: Spanned::bare(server.name.value.clone()),
            placement: known(Placement::Onprem),
            vnet: None,
            health: None,
            heartbeat_at: None,
            version: None,
            temporary: None,
        });
    }
    Some(found)
}

fn one_machine(seen: &[Seen], base: &Inventory, machine: &Machine, told: &mut Told) -> Machine {
    let name = &machine.name.value;
    let mut facts = blank_machine(name);
    match vm::of_machine(seen, machine) {
        Found::One(place, vm) => {
            told.origin("machines", name, place);
            facts.memory_gb = vm.memory.map(Spanned::bare);
            facts.boot = vm::boot(vm);
            facts.onprem_vm = Some(vm::onprem(place, vm, machine));
        }
        Found::None if is_outside(seen, base, machine) => {
            let why = "no vCenter manages its host, which was not asked itself: whether it runs is not known";
            told.gap("", name, "onprem_vm", why);
            facts.memory_gb.clone_from(&machine.memory_gb);
            facts.boot.clone_from(&machine.boot);
            // What was written of its state says nothing about now: it must not stand for an observation.
            facts.onprem_vm = machine.onprem_vm.as_ref().map(|written| OnpremVm {
                power_state: None,
                tools: None,
                snapshots: None,
                booted_at: None,
                ..written.clone()
            });
        }
        Found::None if is_everything(seen, base) => {
            for one in seen {
                told.origin("machines", name, one);
            }
            facts.onprem_vm = Some(vm::gone(machine));
        }
        Found::None => {
            let vcenters: Vec<&str> = seen.iter().map(|seen| seen.vcenter.as_str()).collect();
            told.gap(
                &vcenters.join(", "),
                name,
                "onprem_vm",
                "it is not among the virtual machines that the account sees",
            );
        }
        Found::Several(place, how) => {
            told.gap(&place, name, "onprem_vm", format!("several virtual machines have {how}"));
        }
    }
    facts
}
