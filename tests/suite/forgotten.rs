//! A fact that is forgotten never makes a rule pass: what it found is still found, or is undecided.

use std::fmt::Write as _;

use failback::rules;
use failback::rules::Rule;
use failback::rules::fixture;
use failback::rules::fixture::Case;
use serde_yaml::Value;

/// Takes what a path leads to out of a document, through every item of the lists on its way; returns whether it was there.
fn take_out(value: &mut Value, path: &[&str]) -> bool {
    match value {
        Value::Sequence(items) => {
            let mut found = false;
            for item in items {
                found |= take_out(item, path);
            }
            found
        }
        Value::Mapping(mapping) => match path {
            [] => false,
            [last] => mapping.remove(*last).is_some(),
            [first, rest @ ..] => mapping.get_mut(*first).is_some_and(|inner| take_out(inner, rest)),
        },
        _ => false,
    }
}

/// Returns an inventory without a fact, of whatever has it; `None` if nothing has it.
fn without(inventory: &str, fact: &str) -> Option<String> {
    let mut document: Value = serde_yaml::from_str(inventory).ok()?;
    document.apply_merge().ok()?;
    let path: Vec<&str> = fact.split('.').collect();
    let was_there = take_out(&mut document, &path)
        || document.get_mut("machines").is_some_and(|machines| take_out(machines, &path));
    was_there.then(|| serde_yaml::to_string(&document).expect("a document can be written"))
}

/// Returns the facts without which a rule that finds something finds nothing.
fn silenced(rule: &'static Rule, case: &Case) -> Vec<&'static str> {
    let (plan, inventory) = fixture::texts(case).expect("a fixture is readable");
    let finds = |inventory: String| {
        let outcome = fixture::run_on(rule, case, (plan.clone(), inventory)).expect("the world is readable");
        // A document that can't do without a key is no world.
        !outcome.diagnostics.is_empty() || !outcome.findings.is_empty()
    };
    let facts = rule.facts.iter().copied();
    facts.filter(|fact| without(&inventory, fact).is_some_and(|inventory| !finds(inventory))).collect()
}

#[test]
fn a_forgotten_fact_makes_no_rule_pass() {
    let mut passed = String::new();
    for rule in rules::all() {
        let cases = fixture::of(rule).expect("a fixture is readable").cases;
        for case in cases.iter().filter(|case| !case.expect.is_empty()).take(MOST_CASES) {
            let facts = silenced(rule, case);
            for fact in facts.into_iter().filter(|fact| !MAY_PASS.contains(&(rule.id, fact))) {
                writeln!(passed, "{} without `{fact}`: {}", rule.id, case.name).expect("it fits");
            }
        }
    }
    assert!(passed.is_empty(), "{passed}");
}

/// Cases of a rule that are tried.
const MOST_CASES: usize = 3;

/// Rules that say nothing without a fact, each with why.
const MAY_PASS: &[(&str, &str)] = &[
    // That a copy was moved is told by its resource groups; who knows that it was moved back says so beside them.
    ("FB002", "azure_vm.moved"),
    // Of a VM that is gone, its target is judged where nobody knows which of its disks were raw.
    ("FB124", "onprem_vm.disks"),
    ("FB124", "onprem_vm.disks.kind"),
    // Whether replication is enabled is told by itself.
    ("FB717", "state"),
];
