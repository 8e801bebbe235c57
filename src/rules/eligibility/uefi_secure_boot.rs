//! FB017: Secure Boot, and UEFI on Windows Server 2008 R2, are outside the support matrix.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::release::WindowsServer;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::eligibility::uefi;
use crate::rules::eligibility::windows_server;
use crate::source::Span;
use crate::syntax::machine::Boot;
use crate::syntax::machine::Os;

pub(crate) static RULE: Rule = Rule {
    id: "FB017",
    name: "uefi-secure-boot",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "a UEFI machine has Secure Boot, or Windows Server 2008 R2",
    docs: "\
### What it checks
A machine that boots with UEFI and either has Secure Boot on or runs Windows Server 2008 R2.

### Why
Both are outside what Site Recovery replicates from VMware and physical servers. A machine in this state should never
have been protected; whether it boots at home is not known.

### What to do
Turn Secure Boot off at the source. Move Windows Server 2008 R2 to BIOS or to a later release. Until then take the machine
out of the plan.
",
    help: "turn Secure Boot off at the source (2008 R2: use BIOS or a later release), or take the machine out of the plan",
    article: "vmware-physical-azure-support-matrix, Storage, EFI/UEFI (2023-09)",
    fixture: include_str!("../../../tests/rules/uefi-secure-boot.yaml"),
    facts: &["machines", "boot", "boot.firmware", "boot.secure_boot", "os", "os.release"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let facts = machine.facts()?;
    let boot = facts.boot.fact("boot");
    let firmware = boot.clone().and_then(uefi);
    if firmware == Ok(None) {
        return Ok(());
    }
    let causes = [boot.and_then(secure_boot), facts.os.fact("os").and_then(old_release)];
    if causes.iter().all(|cause| *cause == Ok(None)) {
        return Ok(());
    }
    let name = machine.name();
    let mut unknown = None;
    for cause in causes {
        match (cause, &firmware) {
            (Ok(None), _) => {}
            (Ok(Some((span, what))), Ok(Some(firmware))) => {
                findings
                    .at(span, format!("{name}: {what}, which is outside the support matrix"))
                    .also(firmware.span, "it boots with UEFI")
                    .also(name.span, "the plan brings it back here");
            }
            (_, Ok(None)) => {}
            (Ok(Some(_)), Err(missing)) => unknown = unknown.or(Some(missing.clone())),
            (Err(missing), _) => unknown = unknown.or(Some(missing)),
        }
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns where Secure Boot is on; `None` if it is off.
fn secure_boot(boot: &Boot) -> Fact<Option<(Span, &'static str)>> {
    let secure = boot.secure_boot.fact("boot.secure_boot")?;
    Ok(secure.value.then_some((secure.span, "Secure Boot is on")))
}

/// Returns where the release is written if it is Windows Server 2008 R2.
fn old_release(os: &Os) -> Fact<Option<(Span, &'static str)>> {
    Ok(match windows_server(os)? {
        Some((WindowsServer::V2008R2, span)) => Some((span, "UEFI on Windows Server 2008 R2")),
        Some(_) | None => None,
    })
}
