//! FB129: a new virtual machine needs a name that its host does not have yet.

use std::cell::LazyCell;
use std::ops::Deref;

use crate::diagnostic::Severity;
use crate::id::IdMap;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::alternate_location::is_original;
use crate::rules::alternate_location::is_transferring_or_back;
use crate::rules::alternate_location::reason;
use crate::source::Span;
use crate::syntax::inventory::Host;
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB129",
    name: "vm-name-collision-on-target",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "the target host has another VM of the machine's name",
    docs: "\
### What it checks
A machine that comes back as a new virtual machine, to a host that has another one of the same name: among the names
that `vms` of the host lists, a rebuilt VM that is not the one that was protected, or the VM of another machine of the plan,
which is there or comes there too. An own VM that is to be deleted first does not count.

### Why
The new VM gets the machine's name. Where that is taken on the host, the protection can't be completed: job error
78052.

### What to do
Rename the VM that stands in the way, or remove it; or use a master target or appliance on another host.
",
    help: "rename the VM that stands in the way, or come back through a master target or appliance on another host",
    article: "vmware-azure-troubleshoot-failback-reprotect, Error code 78052",
    fixture: include_str!("../../../tests/rules/vm-name-collision-on-target.yaml"),
    facts: &["appliances", "master_targets", "machines", "kind", "onprem_vm", "onprem_vm.exists", "onprem_vm.host", "hosts", "hosts.vms", "master_targets.host", "appliances.host", "vault.experience"],
    check: Check::Plan(check),
};

// Looking at the plan as a whole finds machines that take a name from each other.
fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let places = LazyCell::new(|| {
        let mut places = Places::default();
        for machine in model.machines() {
            for (stay, host) in stays(machine) {
                places.entry((host, vm_name(machine).to_lowercase())).or_default().push((machine, stay));
            }
        }
        places
    });
    for machine in findings.machines(model) {
        let name = machine.name();
        let mut findings = findings.about(SubjectKind::Machine, &name.value, name.span);
        if let Err(unknown) = check_machine(machine, &places, &mut findings) {
            findings.unknown(&unknown);
        }
    }
    Ok(())
}

/// The machines of the plan whose VM has a name on a host, by the host and the name in small letters: vSphere doesn't tell
/// letters apart.
type Places<'m> = IdMap<(&'m str, String), Vec<(Machine<'m>, Stay)>>;

/// How a machine's VM is on a host.
#[derive(Clone, Copy)]
enum Stay {
    /// It is there now.
    There,
    /// It is there until a person deletes it, before the first reprotect.
    Leaves,
    /// It is made there anew.
    Comes,
}

fn check_machine<'m>(
    machine: Machine<'m>,
    places: &impl Deref<Target = Places<'m>>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    // Once the transfer has begun, the VM of that name is the machine's own new one.
    if is_original(machine) || is_transferring_or_back(machine) {
        return Ok(());
    }
    let Some(host) = machine.transfer_host()? else { return Ok(()) };
    // Of what nothing is known, the name of its VM is not either.
    machine.facts()?;
    let mates = places.get(&(host, vm_name(machine).to_lowercase())).into_iter().flatten();
    let mates = mates.filter(|(mate, _)| mate.index() != machine.index());
    let (leaving, staying): (Vec<_>, Vec<_>) = mates.partition(|(_, stay)| match stay {
        Stay::Leaves => true,
        Stay::There | Stay::Comes => false,
    });
    if let (Some((mate, stay)), Ok(LocationMode::Alternate)) = (staying.first(), machine.location_mode()) {
        let ((why, text), name, vm) = (reason(machine), machine.name(), vm_name(machine));
        let mate = mate.name();
        let message = match stay {
            Stay::There | Stay::Leaves => {
                format!("{name}: {host} has a VM named {vm} already, that of {mate}")
            }
            Stay::Comes => format!("{name}: {mate} comes back to {host} too, as a VM of the same name, {vm}"),
        };
        findings
            .at(name.span, message)
            .also(mate.span, format!("its VM has that name on {host}"))
            .also(why, text)
            .help("rename one of the VMs, or come back through a master target or appliance on another host");
        return Ok(());
    }
    let host = machine.model.host(host)?;
    let other = other_of_its_name(machine, host);
    if other == Ok(None) || !leaving.is_empty() {
        return Ok(());
    }
    machine.location_mode()?;
    if let Some(span) = other? {
        let (why, text) = reason(machine);
        findings
            .at(
                span,
                format!("{}: {} has a VM named {} already", machine.name(), host.name, vm_name(machine)),
            )
            .also(machine.name().span, format!("comes back to {}", host.name))
            .also(why, text);
    }
    Ok(())
}

/// Returns the name of the machine's VM, old or new.
fn vm_name(machine: Machine<'_>) -> &str {
    let name = machine.onprem_vm().ok().and_then(|vm| vm.name.as_ref());
    name.map_or(machine.name().value.as_str(), |name| name.value.as_str())
}

/// Returns the hosts that a machine's VM is on or comes to, as far as anybody knows.
fn stays(machine: Machine<'_>) -> impl Iterator<Item = (Stay, &str)> {
    let is_back = is_transferring_or_back(machine);
    let is_new = machine.location_mode() == Ok(LocationMode::Alternate) && !is_back;
    let comes = if is_new { machine.transfer_host().ok().flatten() } else { None };
    let vm = machine.onprem_vm().ok().filter(|vm| vm.exists.is_some_and(|exists| exists.value));
    // What is known of a physical server's old body is no VM.
    let is_vm = machine.kind() == Ok(MachineKind::VmwareVm) || is_back;
    let there = vm.filter(|_| is_vm).and_then(|vm| vm.host.as_ref()).map(|host| host.value.as_str());
    let stay = if machine.deletes_existing_vm() && !is_back { Stay::Leaves } else { Stay::There };
    [(stay, there), (Stay::Comes, comes)].into_iter().filter_map(|(stay, host)| Some((stay, host?)))
}

/// Returns where it is written that a host has another VM of the machine's name; `None` if it has none.
fn other_of_its_name(machine: Machine<'_>, host: &Host) -> Fact<Option<Span>> {
    let vm = machine.onprem_vm().ok().filter(|vm| vm.exists.is_some_and(|exists| exists.value));
    let on_host = vm.and_then(|vm| vm.host.as_ref()).map(|own| (own.value == host.name.value, own.span));
    let is_vmware = machine
        .facts()
        .ok()
        .and_then(|facts| facts.kind)
        .is_some_and(|kind| kind.value == MachineKind::VmwareVm);
    if let (Some((true, span)), true) = (on_host, is_vmware) {
        // Its own VM is gone when the new one is made; a rebuilt one that stays is in the way.
        return Ok((!machine.deletes_existing_vm()).then_some(span));
    }
    let vms = host.vms.fact_of("hosts.vms", &host.name)?;
    let Some(listed) = vms.iter().find(|listed| listed.value.eq_ignore_ascii_case(vm_name(machine))) else {
        return Ok(None);
    };
    if machine.deletes_existing_vm() && vm.is_some() && on_host.is_none() {
        return Err(Unknown::new("onprem_vm.host"));
    }
    Ok(Some(listed.span))
}
