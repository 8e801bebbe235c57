//! FB216: a master target and its machines don't share a UUID.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::master_target::of_machine;
use crate::source::Span;
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB216",
    name: "mt-uuid-clash",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a machine and its master target share a UUID",
    docs: "\
### What it checks
The UUID of the on-premises VM of each machine against that of its master target. Where one of them is not known:
whether both were made from the same template. A VM that is gone, or is deleted first, can't clash.

### Why
Disks and machines are told apart by these UUIDs. Copies of one template may share them, and then the reprotection
fails.

### What to do
Deploy a master target that does not come from the template of the machine.
",
    help: "deploy a master target that does not come from the template of the machine",
    article: "vmware-azure-reprotect, Before you begin, item 8",
    fixture: include_str!("../../../tests/rules/mt-uuid-clash.yaml"),
    facts: &["master_targets", "machines", "onprem_vm", "onprem_vm.uuid", "master_targets.uuid", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let mut clashes = Vec::new();
    let mut unknown = Ok(());
    for machine in server.machines() {
        match shared(machine, server) {
            Ok(Some(shared)) => clashes.push((machine, shared)),
            Ok(None) => {}
            Err(missing) => unknown = unknown.and(Err(of_machine(missing, machine))),
        }
    }
    if let Some((machine, Shared { what, theirs, own })) = clashes.first() {
        let finding = findings.at(*own, format!("{}: {what}", server.name()));
        finding.also(*theirs, format!("that of {}", machine.name()));
        also_machines(finding, clashes.iter().map(|(machine, _)| *machine), "its reprotection fails");
    }
    unknown
}

/// What a machine and its master target have in common.
struct Shared {
    /// In words, of the master target.
    what: String,
    /// Where it is written of the machine.
    theirs: Span,
    /// Where it is written of the master target.
    own: Span,
}

/// Returns what a machine and its master target have in common.
fn shared(machine: Machine<'_>, server: MasterTarget<'_>) -> Fact<Option<Shared>> {
    let kind = machine.facts()?.kind;
    // Only a VMware VM has a UUID of that kind; one that is gone when reprotect begins has none any more.
    if kind.is_some_and(|kind| kind.value != MachineKind::VmwareVm) || machine.deletes_existing_vm() {
        return Ok(None);
    }
    let vm = machine.onprem_vm()?;
    if vm.exists.is_some_and(|exists| !exists.value) {
        return Ok(None);
    }
    if let (Some(theirs), Some(own)) = (&vm.uuid, &server.facts.uuid) {
        let is_same = digits(theirs) == digits(own);
        let what = || format!("has the UUID of {}, {own}", machine.name());
        return Ok(is_same.then(|| Shared { what: what(), theirs: theirs.span, own: own.span }));
    }
    if let (Some(theirs), Some(own)) = (vm.template_id.as_option(), server.facts.template_id.as_option())
        && theirs.value == own.value
    {
        let what =
            format!("was made from {own} as {} was, and their UUIDs are not both known", machine.name());
        return Ok(Some(Shared { what, theirs: theirs.span, own: own.span }));
    }
    server.facts.uuid.fact_of("master_targets.uuid", server.name())?;
    vm.uuid.fact("onprem_vm.uuid")?;
    Ok(None)
}

/// Returns the digits of a UUID: VMware parts them in several ways.
fn digits(uuid: &str) -> String {
    uuid.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect()
}
