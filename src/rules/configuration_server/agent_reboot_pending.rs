//! FB331: an agent that was upgraded often needs a reboot.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::model::version::Version;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::configuration_server::releases_between;
use crate::rules::unmeasured::Measured;
use crate::rules::unmeasured::each_machine;

pub(crate) static RULE: Rule = Rule {
    id: "FB331",
    name: "agent-reboot-pending",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the machine was not rebooted for more than four releases of its agent",
    docs: "\
### What it checks
How many releases the Mobility agent has come on since the machine's last reboot, where the inventory says which version it
had then. A release is the second number of a version. Few know `asr.agent_version_at_last_reboot`: without it the rule is
undecided, and does not weigh.

### Why
An upgrade of the agent loads its new driver only at a reboot. The old driver works with the next four releases; after that
a reboot is mandatory.

### What to do
Reboot the machine in Azure before reprotect.
",
    help: "reboot the machine in Azure before reprotect",
    article: "service-updates-how-to, Reboot after Mobility service upgrade",
    fixture: include_str!("../../../tests/rules/agent-reboot-pending.yaml"),
    facts: &["machines", "asr.agent_version", "asr.agent_version_at_last_reboot"],
    check: Check::Plan(check),
};

/// Releases that may lie between two reboots (service-updates-how-to, Reboot after Mobility service upgrade).
const RELEASES: u32 = 4;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    each_machine(&RULE, model, findings, look);
    Ok(())
}

fn look(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<Measured> {
    machine.facts()?;
    let Some(booted) = machine.asr().ok().and_then(|asr| asr.agent_version_at_last_reboot.as_ref()) else {
        return Ok(Measured::LeftOut);
    };
    let now = machine.asr()?.agent_version.fact("asr.agent_version")?;
    let (now_version, booted_version) = (
        Version::parse(now).ok_or(Unknown::new("asr.agent_version"))?,
        Version::parse(booted).ok_or(Unknown::new("asr.agent_version_at_last_reboot"))?,
    );
    if releases_between(&booted_version, &now_version) > RELEASES {
        let name = machine.name();
        findings
            .at(
                now.span,
                format!("{name}: its agent is {now} and was {booted} at the last reboot; a reboot is due"),
            )
            .also(booted.span, "more than four releases before")
            .also(name.span, "the plan brings it back here");
    }
    Ok(Measured::Known)
}
