//! FB011: a physical server with Windows Server 2008 R2 SP1 can't be failed back.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::model::release::WindowsServer;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::Os;
use crate::syntax::machine::OsFamily;

pub(crate) static RULE: Rule = Rule {
    id: "FB011",
    name: "physical-2008r2-sp1",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S22"]),
    when: When::STATIC,
    awaited: false,
    summary: "the machine was a physical server with Windows Server 2008 R2 SP1",
    docs: "\
### What it checks
A physical server that runs Windows Server 2008 R2 with service pack 1. If the service pack is not known, the rule takes
it to be 1.

### Why
Such a server can be protected and failed over to Azure, but there is no failback for it. A VMware virtual machine with
the same release is not affected.

### What to do
Leave the machine in Azure, upgrade it, or build it anew on-premises.
",
    help: "leave the machine in Azure, or upgrade or rebuild it; take it out of the plan",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); vmware-azure-reprotect, Before you begin",
    fixture: include_str!("../../../tests/rules/physical-2008r2-sp1.yaml"),
    facts: &["machines", "kind", "os", "os.release"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let facts = machine.facts()?;
    let kind = facts.kind.fact("kind");
    let is_excluded = facts.os.fact("os").and_then(is_excluded);
    match (&kind, &is_excluded) {
        // One fact that speaks against it is enough.
        (_, Ok(false)) => return Ok(()),
        (Ok(kind), _) => match kind.value {
            MachineKind::Physical => {}
            MachineKind::VmwareVm
            | MachineKind::HypervVm
            | MachineKind::AzureVm
            | MachineKind::AwsInstance => {
                return Ok(());
            }
        },
        (Err(_), _) => {}
    }
    kind?;
    is_excluded?;
    let os = machine.os()?;
    let release = os.release.fact("os.release")?;
    let name = machine.name();
    let finding = findings.at(
        release.span,
        format!("{name}: a physical server with Windows Server 2008 R2 SP1 can't be failed back"),
    );
    finding.also(name.span, "the plan brings it back here");
    match &os.service_pack {
        Some(service_pack) => {
            finding.also(service_pack.span, format!("it has service pack {service_pack}"));
        }
        None if WindowsServer::from_release(release).is_some_and(|(_, pack)| pack.is_some()) => {}
        None => {
            finding.message.push_str("; its service pack is not known and is taken to be 1");
            finding.help(
                "add `os.service_pack` to the inventory if the server has none (0); else take it out of the plan",
            );
        }
    }
    Ok(())
}

/// Returns whether the operating system is Windows Server 2008 R2 SP1; a service pack that is not known counts as 1.
fn is_excluded(os: &Os) -> Fact<bool> {
    match os.family.map(|family| family.value) {
        Some(OsFamily::Linux) => return Ok(false),
        Some(OsFamily::Windows) | None => {}
    }
    let release = os.release.as_ref().ok_or(Unknown::new("os.release"))?;
    let Some((version, in_word)) = WindowsServer::from_release(release) else {
        // A word that is not understood decides only if it can't stand for the release in question.
        return if release.contains("2008") { Err(Unknown::new("os.release")) } else { Ok(false) };
    };
    let service_pack = os.service_pack.map(|pack| pack.value).or(in_word).unwrap_or(1);
    Ok(version == WindowsServer::V2008R2 && service_pack != 0)
}
