//! FB016: a machine with UEFI comes back only with a Mobility agent of 9.30 or later.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::model::version::Version;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::eligibility::uefi;

/// First version of the Mobility agent that fails UEFI machines back; the earlier ones only migrate them
/// (vmware-physical-azure-support-matrix, Storage, EFI/UEFI, 2020; Update Rollup 42).
const FIRST: &str = "9.30";

pub(crate) static RULE: Rule = Rule {
    id: "FB016",
    name: "uefi-agent-too-old",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a UEFI machine has a Mobility agent before 9.30",
    docs: "\
### What it checks
A machine that boots with UEFI and whose Mobility agent is older than 9.30.

### Why
Until 9.30 a UEFI machine could only be migrated to Azure: its disks were changed to boot with BIOS, and there was no way
back. From 9.30 on such machines are failed over and failed back like others.

### What to do
Upgrade the agent before a failover. A machine that was already failed over with an older agent may not be able to come
back: ask Microsoft Support before you touch it.
",
    help: "ask Microsoft Support about a machine that was failed over with this agent; upgrade the agents of the others",
    article: "vmware-physical-azure-support-matrix, Storage, EFI/UEFI (2019-10, 2020); MicrosoftDocs/azure-docs issue 52382",
    fixture: include_str!("../../../tests/rules/uefi-agent-too-old.yaml"),
    facts: &["machines", "boot", "boot.firmware", "asr", "asr.agent_version"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let firmware = machine.facts()?.boot.fact("boot").and_then(uefi);
    if firmware == Ok(None) {
        return Ok(());
    }
    let agent = machine.asr()?.agent_version.fact("asr.agent_version")?;
    let version = Version::parse(agent).ok_or(Unknown::new("asr.agent_version"))?;
    if Version::parse(FIRST).is_some_and(|first| version >= first) {
        return Ok(());
    }
    if let Some(firmware) = firmware? {
        let name = machine.name();
        findings
            .at(
                agent.span,
                format!("{name}: a UEFI machine with Mobility agent {agent}; before {FIRST} such machines could only be migrated"),
            )
            .also(firmware.span, "it boots with UEFI")
            .also(name.span, "the plan brings it back here");
    }
    Ok(())
}
