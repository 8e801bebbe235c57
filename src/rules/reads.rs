//! Which machines' facts the rules of a guard read: what has to be kept of an observation, so that the guard can be judged again.

use std::collections::BTreeSet;

use crate::model::Model;
use crate::rules::Guard;

/// Returns the machines whose facts the rules of a guard of some machines can read: theirs, those of their replication groups, and
/// before the way to Azure those that share a process server with them. Facts about servers are read by all guards.
#[must_use]
pub fn reads(model: &Model, machines: &[usize], guard: Guard) -> BTreeSet<usize> {
    let mut read: BTreeSet<usize> = machines.iter().copied().collect();
    for machine in machines.iter().map(|machine| model.machine(*machine)) {
        if let Some(group) = machine.group() {
            read.extend(group.members().map(|member| member.index()));
        }
        match guard {
            // A temporary process server is left over once the last of its machines is committed.
            Guard::Forward => {
                if let Some(server) = machine.process_server() {
                    let sharing = model.machines_of_process_server(&server.name.value);
                    read.extend(sharing.map(|machine| machine.index()));
                }
            }
            Guard::Reprotect | Guard::Failover | Guard::Commit => {}
        }
    }
    read
}

/// Returns whether the rules of a guard of one machine can read the facts of no other; see [`reads`].
#[must_use]
pub fn reads_no_other(model: &Model, machine: usize, guard: Guard) -> bool {
    guard != Guard::Forward && model.machine(machine).group().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resolve;
    use crate::rules;
    use crate::rules::Finding;
    use crate::rules::Options;
    use crate::rules::OriginFilter;
    use crate::rules::fixture;
    use crate::source::Sources;
    use crate::syntax;
    use crate::syntax::Document;

    fn model(case: &fixture::Case) -> Option<Model> {
        let (plan, inventory) = fixture::texts(case).expect("a good fixture");
        let (mut sources, mut mistakes) = (Sources::new(), Vec::new());
        let mut documents = Vec::new();
        for text in [plan, inventory] {
            let index = sources.add("world", text).expect("it fits");
            documents.extend(syntax::parse(sources.get(index), &mut mistakes));
        }
        match documents.as_slice() {
            [Document::Plan(plan), Document::Inventory(inventory)] => {
                let mut model = resolve((**plan).clone(), (**inventory).clone());
                for (machine, datastore) in &case.at_reprotect {
                    model.remember_placement(machine, datastore);
                }
                Some(model)
            }
            _ => None,
        }
    }

    fn told(findings: &[Finding]) -> Vec<(String, &'static str, &'static str, String)> {
        let words = |finding: &Finding| {
            let message = finding.message.clone();
            (finding.rule.to_string(), finding.state.as_str(), finding.severity.as_str(), message)
        };
        findings.iter().map(words).collect()
    }

    #[test]
    fn no_rule_of_a_guard_reads_the_facts_of_other_machines() {
        let (mut compared, mut found) = (0, 0);
        for rule in rules::all().filter(|rule| !rule.when.guards.is_empty()) {
            for case in fixture::of(rule).expect("a good fixture").cases {
                let now = case.now.unwrap_or_else(|| case.world.healthy_at());
                let options = Options { origin: OriginFilter::All, strict: false, now };
                let Some(mut model) = model(&case) else { continue };
                let count = model.machines().len();
                for guard in rule.when.guards {
                    for machine in 0..count {
                        let read = reads(&model, &[machine], *guard);
                        if reads_no_other(&model, machine, *guard) {
                            assert_eq!(read, BTreeSet::from([machine]), "{}: {}", rule.id, case.name);
                        }
                        let with_all = rules::check_guard(&model, &[machine], *guard, &options);
                        let known: Vec<Option<usize>> =
                            model.machines.iter().map(|machine| machine.facts).collect();
                        for (index, other) in model.machines.iter_mut().enumerate() {
                            other.facts = other.facts.filter(|_| read.contains(&index));
                        }
                        let with_part = rules::check_guard(&model, &[machine], *guard, &options);
                        for (machine, facts) in model.machines.iter_mut().zip(known) {
                            machine.facts = facts;
                        }
                        assert_eq!(told(&with_part), told(&with_all), "{}: {}", rule.id, case.name);
                        (compared, found) = (compared + 1, found + with_all.len());
                    }
                }
            }
        }
        assert!(compared > 1000 && found > 1000, "{compared} guards with {found} findings");
    }
}
