//! Waivers: findings that are accepted, with a reason and an end.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::diagnostic::Severity;
use crate::model::Model;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::syntax::plan::Acknowledgement;
use crate::syntax::plan::Waiver;

/// Errors that may be accepted.
const WAIVABLE_ERRORS: [&str; 1] = ["FB014"];

/// Findings that are never accepted.
const NEVER: [&str; 15] = [
    "FB001", "FB002", "FB003", "FB004", "FB011", "FB124", "FB205", "FB301", "FB302", "FB310", "FB600",
    "FB601", "FB700", "FB704", "FB705",
];

/// Returns whether a finding of a rule may be accepted: warnings and infos, and the errors that the catalogue lists.
#[must_use]
pub fn is_waivable(rule: &str, severity: Severity) -> bool {
    if NEVER.contains(&rule) {
        return false;
    }
    match severity {
        Severity::Error => WAIVABLE_ERRORS.contains(&rule),
        Severity::Warning | Severity::Info => true,
    }
}

/// Marks the findings that the plan accepts. A waiver counts through its last day, in UTC.
pub(crate) fn apply(findings: &mut [Finding], model: &Model, now: Timestamp) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let waivers: Vec<&Waiver> = model
        .plan
        .waivers
        .iter()
        .filter(|waiver| {
            waiver.until.is_none_or(|until| today <= until.value) && !waiver.reason.value.is_empty()
        })
        .collect();
    for finding in findings.iter_mut().filter(|finding| finding.state == State::Violated) {
        if !is_waivable(finding.rule, finding.severity) {
            continue;
        }
        let covers = |waiver: &&&Waiver| {
            waiver.rule.value == finding.rule
                && (waiver.of.is_empty() || waiver.of.iter().any(|name| name.value == finding.subject.name))
        };
        if let Some(waiver) = waivers.iter().find(covers) {
            finding.state = State::Waived;
            finding.waived_because = Some(waiver.reason.value.clone());
            finding.also(waiver.rule.span, "accepted here");
        } else if let Some(acknowledged) = acknowledgement(finding.rule)
            .and_then(|word| model.plan.acknowledge.iter().find(|given| given.value == word))
        {
            finding.state = State::Waived;
            finding.waived_because = Some(format!("acknowledged: {}", acknowledged.value));
            finding.also(acknowledged.span, "acknowledged here");
        }
    }
}

/// Returns the acknowledgement that accepts a rule's findings for the whole plan.
fn acknowledgement(rule: &str) -> Option<Acknowledgement> {
    match rule {
        "FB018" => Some(Acknowledgement::ClassicRetired),
        "FB603" => Some(Acknowledgement::DataLoss),
        _ => None,
    }
}
