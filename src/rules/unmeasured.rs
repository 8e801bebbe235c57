//! Keys that an inventory may leave out altogether: the rules that need them are then undecided without weight, never passed.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::Findings;
use crate::rules::Rule;
use crate::rules::State;
use crate::rules::SubjectKind;

/// Rules, with the key that leaves them undecided without weight where an inventory has no word of it.
static KEYS: &[(&str, &str)] = &[
    ("FB020", "asr.failover_vault"),
    ("FB219", "network.reachable"),
    ("FB331", "asr.agent_version_at_last_reboot"),
    ("FB405", "network.reachable"),
    ("FB407", "churn"),
    ("FB408", "churn"),
    ("FB505", "replication_groups"),
    ("FB534", "asr.failover_vault"),
    ("FB815", "churn"),
];

/// Names that a finding lists; the others are counted.
const NAMES: usize = 5;

/// Returns the key without which a rule is undecided without weight; `None` if every fact that it lacks weighs.
#[must_use]
pub fn key(rule: &str) -> Option<&'static str> {
    KEYS.iter().find(|(id, _)| *id == rule).map(|(_, key)| *key)
}

/// Those of whom a key is left out.
#[derive(Default)]
pub(super) struct Lacking<'m> {
    named: Vec<&'m str>,
    count: usize,
}

impl<'m> Lacking<'m> {
    /// Counts one of them.
    pub(super) fn add(&mut self, name: &'m str) {
        if self.named.len() < NAMES {
            self.named.push(name);
        }
        self.count += 1;
    }

    /// Adds that a rule is undecided for want of its key, if any lacks it.
    pub(super) fn tell(&self, rule: &'static Rule, findings: &mut Findings<'_>) {
        if self.count == 0 {
            return;
        }
        let key = key(rule.id).expect("only a rule with such a key looks for those that lack it");
        debug_assert!(rule.facts.contains(&key), "{} does not declare the fact {key}", rule.id);
        let mut of = self.named.join(", ");
        if self.count > self.named.len() {
            of = format!("{of} and {} more", self.count - self.named.len());
        }
        let message =
            format!("can't be decided, since the inventory leaves out `{key}` of {of}: {}", rule.summary);
        let finding = findings.at(crate::source::Span::NONE, message);
        finding.state = State::Unmeasured;
        finding.fact = Some(key.into());
        finding.awaited(false);
        finding.severity(Severity::Info).help(format!("add `{key}` to the inventory, if somebody knows it"));
    }
}

/// What a rule needs to know of one thing.
pub(super) enum Measured {
    /// Enough to judge it.
    Known,
    /// Nothing: the key is left out.
    LeftOut,
}

/// Looks at each machine, and says in one finding of which ones a rule's key is left out.
pub(super) fn each_machine(
    rule: &'static Rule,
    model: &Model,
    findings: &mut Findings<'_>,
    look: fn(Machine<'_>, &mut Findings<'_>) -> Fact<Measured>,
) {
    let mut lacking = Lacking::default();
    for machine in findings.machines(model) {
        let name = machine.name();
        let mut of_machine = findings.about(SubjectKind::Machine, &name.value, name.span);
        match look(machine, &mut of_machine) {
            Ok(Measured::Known) => {}
            Ok(Measured::LeftOut) => lacking.add(&name.value),
            Err(unknown) => of_machine.unknown(&unknown),
        }
    }
    lacking.tell(rule, findings);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn each_key_is_a_fact_of_a_rule() {
        for (id, key) in KEYS {
            let rule = rules::find(id).expect("the rule exists");
            assert!(rule.facts.contains(key), "{id} does not declare `{key}`");
        }
    }

    #[test]
    fn of_many_only_some_are_named() {
        let mut lacking = Lacking::default();
        ["a", "b", "c", "d", "e", "f", "g"].into_iter().for_each(|name| lacking.add(name));
        assert_eq!((lacking.named.join(""), lacking.count), ("abcde".to_owned(), 7));
    }
}
