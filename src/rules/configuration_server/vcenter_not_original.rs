//! FB310: a machine comes back into the vCenter that it came from.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::machine::MachineKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB310",
    name: "vcenter-not-original",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S11"]),
    when: When::STATIC,
    awaited: false,
    summary: "the target's vCenter is not the original one",
    docs: "\
### What it checks
A VMware machine that a vCenter managed when it was protected: whether that registration is the one that it
comes back to. That is `target.vcenter`, else the vCenter of the host that runs the master target. Where the
plan names the original one, and the host is known to be under another, it does not come back to what the plan
names. The registration with Site Recovery counts, not its address.

### Why
Failback works only into the original vCenter. A new vCenter that is added to the configuration server can't
be failed back into.

### What to do
Assign a master target under the original vCenter, or leave `target.vcenter` out. If the vCenter moved, give
its existing registration the new address.
",
    help: "fail back into the original vCenter registration",
    article: "site-recovery-failback-azure-to-vmware, note before Original location recovery (2017-06-05); vmware-azure-manage-vcenter, Migrate all VMs to a new server; concepts-types-of-failback",
    fixture: include_str!("../../../tests/rules/vcenter-not-original.yaml"),
    facts: &[
        "master_targets",
        "machines",
        "kind",
        "asr",
        "asr.source_vcenter",
        "master_targets.host",
        "hosts",
        "hosts.vcenter",
    ],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let kind = machine.kind();
    if kind.as_ref().is_ok_and(|kind| *kind != MachineKind::VmwareVm) {
        return Ok(());
    }
    let Some(original) = machine.asr()?.source_vcenter.fact("asr.source_vcenter")? else { return Ok(()) };
    let Some(mut target) = target(machine)? else { return Ok(()) };
    if target.vcenter == Some(original) {
        // What the plan names no request carries: the machine comes to the vCenter of the host.
        match of_master_target(machine) {
            Ok(Some(actual)) if actual.vcenter != Some(original) => target = actual,
            // Where it is not even known which servers there are, nobody can tell what the host is under.
            Err(unknown) if matches!(unknown.field, "master_targets" | "hosts") => return Err(unknown),
            Ok(_) | Err(_) => return Ok(()),
        }
    }
    kind?;
    let name = machine.name();
    let (message, fact) = match target.vcenter {
        Some(vcenter) => (
            format!("{name}: the target's vCenter {vcenter} is not the original {original}"),
            "the target's vCenter",
        ),
        None => (
            format!("{name}: the target is under no vCenter, and the original is {original}"),
            "no vCenter manages the master target's host",
        ),
    };
    findings
        .at(target.chosen, message)
        .also(target.fact, fact)
        .also(original.span, format!("it was protected under {original}"));
    Ok(())
}

/// The vCenter that a machine comes back to.
struct Target<'m> {
    /// `None` if no vCenter manages the target.
    vcenter: Option<&'m Spanned<String>>,
    /// The line of the plan that chose it.
    chosen: Span,
    /// The fact that it follows from.
    fact: Span,
}

/// Returns the vCenter that a machine comes back to; `None` if the plan chooses nothing it could follow from.
fn target(machine: Machine<'_>) -> Fact<Option<Target<'_>>> {
    let settings = &machine.settings().failback;
    if let Some(vcenter) = &settings.vcenter {
        return Ok(Some(Target { vcenter: Some(vcenter), chosen: vcenter.span, fact: Span::NONE }));
    }
    of_master_target(machine)
}

/// Returns the vCenter of the host that runs the machine's master target; `None` if none is assigned.
fn of_master_target(machine: Machine<'_>) -> Fact<Option<Target<'_>>> {
    let settings = &machine.settings().failback;
    let (Some(assigned), Some(server)) = (&settings.master_target, machine.listed_master_target()?) else {
        return Ok(None);
    };
    let host = server.host()?;
    let vcenter = host.vcenter.fact_of("hosts.vcenter", &host.name)?;
    let fact = vcenter.map_or(host.name.span, |vcenter| vcenter.span);
    Ok(Some(Target { vcenter, chosen: assigned.span, fact }))
}
