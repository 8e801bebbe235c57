//! Waivers: findings that are accepted, with a reason and an end, by the plan's list or by a comment beside them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::diagnostic::Severity;
use crate::id::IdMap;
use crate::model::Model;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::source::Span;
use crate::syntax::plan::Acknowledgement;
use crate::syntax::plan::Waiver;
use crate::syntax::remark::Remark;

/// Errors that may be accepted.
const WAIVABLE_ERRORS: [&str; 1] = ["FB014"];

/// Errors that are warnings where something makes up for them, and may be accepted then.
const MILDER_ERRORS: [&str; 8] = ["FB021", "FB208", "FB215", "FB307", "FB406", "FB803", "FB804", "FB805"];

/// Infos that are errors where nothing makes up for them, and are not accepted then.
const STERNER: [&str; 2] = ["FB503", "FB708"];

/// Findings that are never accepted. What is wrong with a waiver is put right there.
const NEVER: [&str; 23] = [
    "FB001", "FB002", "FB003", "FB004", "FB011", "FB124", "FB205", "FB301", "FB302", "FB310", "FB525",
    "FB526", "FB527", "FB528", "FB529", "FB530", "FB531", "FB536", "FB600", "FB601", "FB700", "FB704",
    "FB705",
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

/// Returns whether any finding of a rule of this severity may be accepted.
#[must_use]
pub fn is_ever_waivable(rule: &str, severity: Severity) -> bool {
    is_waivable(rule, severity) || MILDER_ERRORS.contains(&rule)
}

/// Returns which findings of a rule of this severity a plan may accept, in a few words.
#[must_use]
pub fn acceptance(rule: &str, severity: Severity) -> &'static str {
    let is_waivable = is_waivable(rule, severity);
    if is_waivable && STERNER.contains(&rule) {
        "info: a plan may accept it, with a reason; error: never accepted"
    } else if is_waivable {
        "a plan may accept it, with a reason"
    } else if MILDER_ERRORS.contains(&rule) {
        "error: never accepted; warning: a plan may accept it, with a reason"
    } else {
        "never accepted"
    }
}

/// Returns the day at which the ends of waivers are measured.
pub(crate) fn today(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// Returns whether a reason says anything: a dash or dots don't.
pub(crate) fn is_reason(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Returns whether a waiver has not ended: it counts through its last day, in UTC.
pub(crate) fn is_open(waiver: &Waiver, today: Date) -> bool {
    waiver.until.is_none_or(|until| today <= until.value)
}

/// Returns whether a finding stands at the line that a comment is about.
pub(crate) fn stands_beside(remark: &Remark, finding: &Finding) -> bool {
    let line = remark.line.0;
    let is_inside = |at: u32| at != 0 && (line.start..=line.end).contains(&at);
    is_inside(finding.span.start) || is_inside(finding.span.via)
}

/// Returns whether a finding has no line of its own, as those on facts that a run observed, and is about what the comment
/// of an inventory is written at.
pub(crate) fn is_about(remark: &Remark, finding: &Finding, model: &Model) -> bool {
    remark.of.as_ref() == Some(&finding.subject.name) && has_no_line(finding, model)
}

fn has_no_line(finding: &Finding, model: &Model) -> bool {
    let name = || model.machine_named(&finding.subject.name).map(|machine| machine.name().span);
    finding.span.is_none() || name() == Some(finding.span)
}

/// Returns the rule whose findings an acknowledgement accepts for the whole plan.
pub(crate) const fn acknowledged(word: Acknowledgement) -> &'static str {
    match word {
        Acknowledgement::ClassicRetired => "FB018",
        Acknowledgement::DataLoss => "FB603",
    }
}

/// Returns whether neither a plan nor its inventory accepts anything, as most don't: then nobody has to look for it.
const fn accepts_nothing(model: &Model) -> bool {
    let (plan, inventory) = (&model.plan, &model.inventory);
    plan.waivers.is_empty()
        && plan.acknowledge.is_empty()
        && plan.remarks.is_empty()
        && inventory.remarks.is_empty()
}

/// What a plan and its inventory accept.
struct Accepted<'m> {
    /// By rule.
    everywhere: IdMap<&'m str, &'m Waiver>,
    /// By rule and subject.
    of: IdMap<(&'m str, &'m str), &'m Waiver>,
    /// By rule and where the line begins that a comment is about.
    lines: BTreeMap<(&'m str, u32), &'m Remark>,
    /// Comments of the inventory, by rule and the name of what they are written at.
    facts: IdMap<(&'m str, &'m str), &'m Remark>,
    model: &'m Model,
}

impl<'m> Accepted<'m> {
    fn by(model: &'m Model, today: Date) -> Self {
        let (mut everywhere, mut of) = (IdMap::default(), IdMap::default());
        let count = |waiver: &&Waiver| is_open(waiver, today) && is_reason(&waiver.reason.value);
        for waiver in model.plan.waivers.iter().filter(count) {
            let rule = waiver.rule.value.as_str();
            if waiver.of.is_empty() {
                everywhere.entry(rule).or_insert(waiver);
            }
            for name in &waiver.of {
                of.entry((rule, name.value.as_str())).or_insert(waiver);
            }
        }
        let (mut lines, mut facts) = (BTreeMap::new(), IdMap::default());
        let here = model.plan.remarks.iter().map(|remark| (remark, false));
        let remarks = here.chain(model.inventory.remarks.iter().map(|remark| (remark, true)));
        for (remark, is_fact) in remarks.filter(|(remark, _)| is_reason(&remark.reason)) {
            for rule in &remark.rules {
                let rule = rule.value.as_str();
                lines.entry((rule, remark.line.0.start)).or_insert(remark);
                if let Some(of) = remark.of.as_deref().filter(|_| is_fact) {
                    facts.entry((rule, of)).or_insert(remark);
                }
            }
        }
        Self { everywhere, of, lines, facts, model }
    }

    /// Returns why a finding is accepted, and where that is written.
    fn reason(&self, finding: &Finding) -> Option<(String, Span, &'static str)> {
        let rule: &str = &finding.rule;
        let waiver =
            self.of.get(&(rule, finding.subject.name.as_str())).or_else(|| self.everywhere.get(rule));
        if let Some(waiver) = waiver {
            return Some((waiver.reason.value.clone(), waiver.rule.span, "accepted here"));
        }
        let beside = |at: u32| {
            let (_, remark) = self.lines.range((rule, 0)..=(rule, at)).next_back()?;
            stands_beside(remark, finding).then_some(remark)
        };
        let about = || {
            let remark = self.facts.get(&(rule, finding.subject.name.as_str()))?;
            has_no_line(finding, self.model).then_some(remark)
        };
        let remark = beside(finding.span.start).or_else(|| beside(finding.span.via)).or_else(about);
        if let Some(remark) = remark {
            return Some((remark.reason.clone(), remark.comment.0, "accepted here"));
        }
        let mut acknowledge = self.model.plan.acknowledge.iter();
        let given = acknowledge.find(|given| acknowledged(given.value) == rule)?;
        Some((format!("acknowledged: {}", given.value), given.span, "acknowledged here"))
    }
}

/// Marks the findings of built-in rules that the plan accepts.
pub(crate) fn apply(findings: &mut [Finding], model: &Model, now: Timestamp) {
    apply_where(findings, model, now, |finding| is_waivable(&finding.rule, finding.severity));
}

/// Marks the findings that the plan accepts and that may be accepted.
pub(crate) fn apply_where(
    findings: &mut [Finding],
    model: &Model,
    now: Timestamp,
    may_be_accepted: impl Fn(&Finding) -> bool,
) {
    if accepts_nothing(model) {
        return;
    }
    let may_be = |finding: &Finding| finding.state == State::Violated && may_be_accepted(finding);
    let mut open = findings.iter_mut().filter(|finding| may_be(finding)).peekable();
    // Guards find nothing most of the time.
    if open.peek().is_none() {
        return;
    }
    let accepted = Accepted::by(model, today(now));
    for finding in open {
        if let Some((reason, place, label)) = accepted.reason(finding) {
            finding.state = State::Waived;
            finding.waived_because = Some(reason);
            finding.also(place, label);
        }
    }
}
