//! FB814: an appliance must not fall more than four releases behind.

use crate::diagnostic::Severity;
use crate::model::Appliance;
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
use crate::rules::modernized::also_assigned;
use crate::source::Spanned;

pub(crate) static RULE: Rule = Rule {
    id: "FB814",
    name: "appliance-version",
    severity: Severity::Warning,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the appliance is outdated, or will be",
    docs: "\
### What it checks
An appliance that is more than four releases behind the newest version among the appliances and the agents of its machines, or
that does not update by itself.

### Why
Of the components of Site Recovery, a release works with those up to four before it. The parts of an appliance update by
themselves, unless that is switched off or the vault uses private endpoints; then somebody must do it.

### What to do
Update the appliance. Where automatic updates are off on purpose, have a process for it, and accept the finding with a waiver
that names it.
",
    help: "update it; where automatic updates are off on purpose, accept this with a waiver that names who updates it",
    article: "replication-appliance-support-matrix; service-updates-how-to; \
              hybrid-how-to-enable-replication-private-endpoints",
    fixture: include_str!("../../../tests/rules/appliance-version.yaml"),
    facts: &["machines", "appliances", "appliances.version", "appliances.auto_update"],
    check: Check::Appliance(check),
};

/// Releases by which a component may be behind (service-updates-how-to, Support statement).
const BEHIND: u32 = 4;

fn check(appliance: Appliance<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = appliance.name();
    let by_itself = appliance.facts.auto_update;
    let manual = by_itself.filter(|by_itself| !by_itself.value);
    let version = version_of(appliance);
    let mut reported = false;
    if let (Ok((written, own)), Some((newest, text))) = (&version, newest(appliance))
        && is_behind(own, &newest)
    {
        let message = format!("{name}: version {written} is more than {BEHIND} releases behind {text}");
        let finding = findings.at(written.span, message).also(text.span, "the newest version there is");
        if let Some(manual) = manual {
            finding.also(manual.span, "it does not update by itself");
        }
        also_assigned(finding, appliance);
        reported = true;
    }
    if let (Some(manual), false) = (manual, reported) {
        let finding = findings.at(manual.span, format!("{name}: it does not update by itself"));
        also_assigned(finding, appliance);
    }
    version?;
    if !reported {
        by_itself.fact_of("appliances.auto_update", name)?;
        // The newest agent may be one of which nothing is known.
        appliance.machines().try_for_each(|machine| machine.facts().map(|_| ()))?;
    }
    Ok(())
}

/// Returns an appliance's version, as it is written and as it compares.
fn version_of(appliance: Appliance<'_>) -> Fact<(&Spanned<String>, Version)> {
    let missing = || Unknown::of("appliances.version", appliance.name());
    let written = appliance.facts.version.as_ref().ok_or_else(missing)?;
    Ok((written, Version::parse(written).ok_or_else(missing)?))
}

/// Returns the newest version among the appliances and the agents of an appliance's machines; what is no version is left out.
fn newest(appliance: Appliance<'_>) -> Option<(Version, &Spanned<String>)> {
    let appliances = appliance.model.appliances().filter_map(|other| other.facts.version.as_ref());
    appliances
        .chain(appliance.machines().filter_map(agent_version))
        .filter_map(|written| Some((Version::parse(written)?, written)))
        .max_by(|one, other| one.0.cmp(&other.0))
}

fn agent_version(machine: Machine<'_>) -> Option<&Spanned<String>> {
    machine.asr().ok()?.agent_version.as_ref()
}

fn is_behind(own: &Version, newest: &Version) -> bool {
    own.major() < newest.major()
        || (own.major() == newest.major() && newest.minor().saturating_sub(own.minor()) > BEHIND)
}
