//! Guards that have just found nothing: the same rules find the same as long as the moment and the facts that they read are the
//! same. A machine that is looked at once more before it fails over need not be judged twice then.

use jiff::Timestamp;

use crate::model::Model;
use crate::model::Revision;
use crate::rules;
use crate::rules::Guard;

/// What was judged last of each machine, where its guard found nothing.
#[derive(Debug)]
pub(super) struct Judged {
    /// By machine.
    of: Vec<Option<Clean>>,
}

/// A guard that found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clean {
    guard: Guard,
    at: Timestamp,
    facts: Revision,
}

impl Judged {
    /// Returns that nothing was judged, for so many machines.
    pub(super) fn new(machines: usize) -> Self {
        Self { of: vec![None; machines] }
    }

    /// Returns whether a guard of some machines found nothing at this moment and on these facts already.
    pub(super) fn is_clean(&self, model: &Model, machines: &[usize], guard: Guard, at: Timestamp) -> bool {
        let judged = alone(model, machines, guard);
        judged.is_some_and(|machine| {
            let facts = model.revision_of(machine);
            self.of[machine] == Some(Clean { guard, at, facts })
        })
    }

    /// Notes that a guard of some machines found nothing.
    pub(super) fn found_nothing(&mut self, model: &Model, machines: &[usize], guard: Guard, at: Timestamp) {
        if let Some(machine) = alone(model, machines, guard) {
            self.of[machine] = Some(Clean { guard, at, facts: model.revision_of(machine) });
        }
    }
}

/// Returns the machine that a guard is about, if it is one and the guard reads the facts about no other.
fn alone(model: &Model, machines: &[usize], guard: Guard) -> Option<usize> {
    match machines {
        [machine] if rules::reads_no_other(model, *machine, guard) => Some(*machine),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resolve;
    use crate::source::Sources;
    use crate::syntax;
    use crate::syntax::Document;
    use crate::syntax::inventory::Inventory;

    const PLAN: &str = "kind: RecoveryPlan\nversion: 1\nname: p\nreplication_groups:\n- {name: g, machines: [a, b]}\nmachines: [c, d]\n";
    const INVENTORY: &str =
        "kind: Inventory\nversion: 1\nname: i\nmachines:\n- name: a\n- name: c\n- name: d\n";

    fn model() -> Model {
        let (mut sources, mut mistakes) = (Sources::new(), Vec::new());
        let mut documents = Vec::new();
        for text in [PLAN, INVENTORY] {
            let index = sources.add("world", text.to_owned()).expect("it fits");
            documents.extend(syntax::parse(sources.get(index), &mut mistakes));
        }
        match documents.as_slice() {
            [Document::Plan(plan), Document::Inventory(inventory)] => {
                resolve((**plan).clone(), (**inventory).clone())
            }
            _ => panic!("{mistakes:?}"),
        }
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn what_was_judged_counts_for_its_guard_its_moment_and_its_machine() {
        let model = model();
        let machine = |name: &str| model.machine_named(name).expect("a machine of the plan").index();
        let (c, d) = (machine("c"), machine("d"));
        let mut judged = Judged::new(4);
        judged.found_nothing(&model, &[c], Guard::Failover, NOW);
        assert!(judged.is_clean(&model, &[c], Guard::Failover, NOW));
        assert!(!judged.is_clean(&model, &[d], Guard::Failover, NOW));
        assert!(!judged.is_clean(&model, &[c, d], Guard::Failover, NOW));
        assert!(!judged.is_clean(&model, &[c], Guard::Commit, NOW));
        assert!(!judged.is_clean(&model, &[c], Guard::Failover, Timestamp::MAX));
    }

    #[test]
    fn what_was_judged_counts_no_more_once_facts_are_replaced() {
        type Change = fn(&mut Model, usize, usize);
        let counts_no_more: [(&str, Change); 4] = [
            ("its own facts", |model, c, _| model.facts_mut(c).expect("it has facts").kind = None),
            ("where its server stood", |model, _, _| model.remember_placement("c", "ds1")),
            ("anything", |model, _, _| model.observe(Inventory::unknown("i"))),
            ("some servers", |model, _, _| model.observe_changes(Inventory::unknown("i"))),
        ];
        let mut model = model();
        let machine = |name: &str| model.machine_named(name).expect("a machine of the plan").index();
        let (c, d) = (machine("c"), machine("d"));
        let mut judged = Judged::new(4);
        for (what, change) in counts_no_more {
            judged.found_nothing(&model, &[c], Guard::Failover, NOW);
            change(&mut model, c, d);
            assert!(!judged.is_clean(&model, &[c], Guard::Failover, NOW), "{what}");
        }
        judged.found_nothing(&model, &[c], Guard::Failover, NOW);
        assert!(model.facts_mut(d).is_some());
        assert!(judged.is_clean(&model, &[c], Guard::Failover, NOW), "the facts about another machine");
    }

    #[test]
    fn guards_that_read_the_facts_of_others_are_judged_again() {
        let model = model();
        let machine = |name: &str| model.machine_named(name).expect("a machine of the plan").index();
        let mut judged = Judged::new(4);
        for (name, guard) in [("a", Guard::Failover), ("c", Guard::Forward)] {
            judged.found_nothing(&model, &[machine(name)], guard, NOW);
            assert!(!judged.is_clean(&model, &[machine(name)], guard, NOW), "{name}");
        }
    }
}
