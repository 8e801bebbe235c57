//! FB100: the facts decide where a machine comes back, and the plan expects otherwise.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::original_location::reprotect_has_begun;
use crate::source::Span;
use crate::syntax::machine::MachineKind;
use crate::syntax::plan::LocationChoice;

pub(crate) static RULE: Rule = Rule {
    id: "FB100",
    name: "location-mode-mismatch",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S09", "S10", "S16"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the plan expects another location than the facts lead to",
    docs: "\
### What it checks
A machine whose `location` says `original` although its on-premises VM does not exist or is to be deleted, or `alternate`
although its on-premises VM exists and is to be kept. A VM that was rebuilt under the same name, with another UUID than the
protected one, is not the machine's own.

### Why
Nobody chooses the location: Site Recovery writes into the on-premises VM if it exists when reprotect begins, and copies
changes only; else it makes a new VM and copies all data. Where the plan expects the other way, its times, its datastore
and its space are wrong.

### What to do
Write `location: auto`, or what the facts lead to. To force an alternate location, write `delete_existing_vm: true`: a
person deletes the VM before reprotect, and all data is copied.
",
    help: "write `location: auto`; to force an alternate location, add `delete_existing_vm: true` (all data is copied)",
    article: "site-recovery-failback-azure-to-vmware, Fail back to the original or alternate location (2017-06-05); vmware-azure-prepare-failback, Deploy a separate master target server",
    fixture: include_str!("../../../tests/rules/location-mode-mismatch.yaml"),
    facts: &["machines", "kind", "onprem_vm", "onprem_vm.exists"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(location) = machine.settings().failback.location else { return Ok(()) };
    match location.value {
        LocationChoice::Auto => Ok(()),
        LocationChoice::Original => expects_original(machine, location.span, findings),
        LocationChoice::Alternate => expects_alternate(machine, location.span, findings),
    }
}

fn expects_original(machine: Machine<'_>, expected: Span, findings: &mut Findings<'_>) -> Fact<()> {
    let name = machine.name();
    if let Some(delete) = machine.settings().failback.delete_existing_vm.filter(|delete| delete.value) {
        let message = format!(
            "{name}: the plan says original, but has the on-premises VM deleted, so the machine comes back to an alternate location"
        );
        findings
            .at(expected, message)
            .also(delete.span, "the on-premises VM is to be deleted before reprotect")
            .also(name.span, "this machine")
            .help("write `location: auto`, or take `delete_existing_vm` out");
        return Ok(());
    }
    let exists = machine.onprem_vm().and_then(|vm| vm.exists.fact("onprem_vm.exists"));
    // That a physical server never has an original location is another rule's matter.
    if exists.is_err() && machine.kind() == Ok(MachineKind::Physical) {
        return Ok(());
    }
    let exists = exists?;
    if !exists.value {
        let message = format!(
            "{name}: the plan says original, but the on-premises VM does not exist, so Site Recovery will make a new one at an alternate location"
        );
        findings
            .at(expected, message)
            .also(exists.span, "the on-premises VM does not exist")
            .also(name.span, "this machine")
            .help("write `location: auto` or `location: alternate`, and plan for a copy of all data");
    } else if is_rebuilt(machine) {
        let uuid = machine.onprem_vm()?.uuid.as_ref().map_or(exists.span, |uuid| uuid.span);
        let message = format!(
            "{name}: the plan says original, but the on-premises VM is not the one that was protected, so Site Recovery will make a new one at an alternate location"
        );
        findings
            .at(expected, message)
            .also(uuid, "another VM than the one that was protected")
            .also(name.span, "this machine")
            .help("write `location: auto` or `location: alternate`, and plan for a copy of all data");
    }
    Ok(())
}

/// Returns whether it is known that the on-premises VM of a VMware machine is another than the one that was protected.
fn is_rebuilt(machine: Machine<'_>) -> bool {
    machine.kind() == Ok(MachineKind::VmwareVm) && machine.location_mode() == Ok(LocationMode::Alternate)
}

fn expects_alternate(machine: Machine<'_>, expected: Span, findings: &mut Findings<'_>) -> Fact<()> {
    let name = machine.name();
    if machine.deletes_existing_vm() || reprotect_has_begun(machine) {
        return Ok(());
    }
    let kind = machine.kind();
    match kind {
        Ok(
            MachineKind::Physical | MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance,
        ) => return Ok(()),
        Ok(MachineKind::VmwareVm) | Err(_) => {}
    }
    let exists = machine.onprem_vm()?.exists.fact("onprem_vm.exists")?;
    if exists.value && !is_rebuilt(machine) {
        kind?;
        let message = format!(
            "{name}: the plan says alternate, but the on-premises VM exists, so Site Recovery will write into it"
        );
        findings
            .at(expected, message)
            .also(exists.span, "the on-premises VM exists")
            .also(name.span, "this machine");
    }
    Ok(())
}
