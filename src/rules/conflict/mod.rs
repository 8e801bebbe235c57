//! Lines of a plan that can't hold together, and what they explain (FB532).

mod choice;
pub(crate) mod conflicting_lines;
mod constraint;
mod correction;
#[cfg(test)]
mod oracle;
mod site;
mod solve;
mod unit;
mod words;

use std::collections::BTreeMap;
use std::collections::HashMap;

use jiff::Timestamp;

use crate::diagnostic::Severity;
use crate::model::Model;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::State;
use crate::rules::Subject;
use crate::rules::SubjectKind;
use crate::rules::findings::Explanation;
use crate::source::Span;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[&conflicting_lines::RULE];

/// Conflicts that are looked for; a plan with more has one mistake that makes them all.
const MOST: usize = 50;

/// Marks what each conflict explains, and says so in the finding about it.
pub(crate) fn explain(findings: &mut [Finding], model: &Model, now: Timestamp) {
    let is_conflict =
        |finding: &Finding| finding.rule == conflicting_lines::RULE.id && finding.state == State::Violated;
    if !findings.iter().any(is_conflict) {
        return;
    }
    let conflicts = solve::conflicts(model, now, MOST).unwrap_or_default();
    // The conflict that explains a symptom, by the symptom's rule and subject.
    let mut explained: HashMap<(&str, Subject), usize> = HashMap::new();
    for (number, conflict) in conflicts.iter().enumerate() {
        for (rule, at) in &conflict.symptoms {
            explained.insert((rule, conflict.subject_of(*at)), number);
        }
    }
    let mut counts: Vec<BTreeMap<String, usize>> = vec![BTreeMap::new(); conflicts.len()];
    for finding in findings.iter_mut().filter(|finding| finding.state == State::Violated) {
        let number = match &*finding.rule {
            // Reported about a server, which other machines may have to do with.
            "FB208" | "FB211" | "FB803" => conflicts.iter().position(|conflict| conflict.is_all_of(finding)),
            rule => explained.get(&(rule, finding.subject.clone())).copied(),
        };
        if let Some(number) = number {
            *counts[number].entry(finding.rule.to_string()).or_default() += 1;
            finding.explanation = Some(Explanation::ExplainedBy(conflicts[number].subject_of(None)));
        }
    }
    // They were reported in this order.
    for (finding, count) in findings.iter_mut().filter(|finding| is_conflict(finding)).zip(counts) {
        finding.explanation = Some(Explanation::Explains(count));
    }
}

impl solve::Conflict<'_> {
    /// Returns under which subject a symptom of a member, or of the whole unit, is reported.
    fn subject_of(&self, at: Option<usize>) -> Subject {
        let (kind, name) = match at {
            Some(at) => (SubjectKind::Machine, self.unit.members[at].machine.name().value.as_str()),
            None => self.unit.subject(),
        };
        Subject { kind, name: name.to_owned() }
    }

    /// Returns whether a finding about a server is one of the symptoms, and about no machines but those of the unit.
    fn is_all_of(&self, finding: &Finding) -> bool {
        let machines = self.unit.members.iter().map(|member| member.machine.name().span);
        let spans: Vec<Span> = machines.collect();
        let named = finding.related.iter().filter(|label| !label.text.starts_with("the plan selects"));
        let mut named = named.peekable();
        self.symptoms.iter().any(|(rule, _)| *rule == finding.rule)
            && finding.severity == Severity::Error
            && named.peek().is_some()
            && named.all(|label| spans.contains(&label.span) && !label.text.starts_with("and "))
    }
}
