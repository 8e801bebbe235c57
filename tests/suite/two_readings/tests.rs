//! The tests of continuous integration; the bench `two_readings` draws more worlds.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use failback::diagnostic::Severity;
use failback::rules;

use super::readings::Stance;
use super::*;

/// Worlds that are drawn here.
const WORLDS: u64 = 2_000;

fn assert_alike(summary: &Summary) {
    assert!(summary.new.is_empty(), "{}", summary.explain());
}

#[test]
fn the_table_says_of_each_rule_once_what_the_service_does_about_it() {
    let all: Vec<&str> = rules::all().map(|rule| rule.id).collect();
    let table: Vec<&str> = readings::TABLE.iter().map(|(rule, _)| *rule).collect();
    let missing: Vec<_> = all.iter().filter(|rule| !table.contains(rule)).collect();
    assert!(missing.is_empty(), "say in readings.rs what the service does about {missing:?}");
    assert_eq!(table, all);
    for rule in rules::all().filter(|rule| rule.severity != Severity::Error) {
        let stance = readings::stance(rule.id).expect("it is in the table");
        let is_free = matches!(stance, Stance::Advised(_) | Stance::Exempt(_));
        assert!(is_free, "{} refuses nothing, so the service need not either", rule.id);
    }
}

#[test]
fn worlds_without_faults_break_no_rule() {
    for seed in 0..300 {
        let mut random = Rng::with_seed(seed);
        let classic = random.bool();
        let world = generate::draw(&mut random, classic, &BTreeSet::new());
        let mut errors = compare::errors(&world).unwrap_or_else(|mistake| panic!("seed {seed}: {mistake}"));
        errors.retain(|error| !error.contains(" pending "));
        assert!(errors.is_empty(), "seed {seed}: {errors:#?}\n{}", shrink::described(&world));
    }
}

#[test]
fn the_readings_agree_on_what_fixtures_change_and_the_service_enforces_each_rule() {
    let summary = Summary::of(fixtures());
    assert_alike(&summary);
    let mut unseen = Vec::new();
    for (rule, stance) in readings::TABLE {
        let enforced = matches!(
            stance,
            Stance::Enforced(..) | Stance::EnforcedOfFacts(..) | Stance::EnforcedBothWays(..)
        );
        let is_open = known::is_known(&format!("unenforced {rule}"));
        if enforced && !is_open && !summary.enforced.contains_key(*rule) {
            unseen.push(*rule);
        }
    }
    assert!(unseen.is_empty(), "no fixture shows that the service enforces {unseen:?}");
}

#[test]
fn the_readings_agree_on_drawn_worlds() {
    assert_alike(&Summary::of_seeds(0, WORLDS));
}

#[test]
fn most_drawn_worlds_can_be_compared_and_many_are_faulty() {
    let summary = Summary::of((0..200).map(trial));
    assert!(summary.apart() * 3 < 200, "{:#?}", summary.apart);
    assert!(summary.enforced.values().sum::<usize>() > 30, "{:#?}", summary.enforced);
}

#[test]
fn each_known_difference_still_stands() {
    let mut settled = Vec::new();
    for known in known::KNOWN.iter() {
        let world = known.shown_by.world();
        if !shows(&world, &known.difference) {
            settled.push(format!("{} ({}): {:?}", known.difference, known.reason, differences(&world)));
        }
    }
    assert!(settled.is_empty(), "take them out of known.yaml:\n{}", settled.join("\n"));
}

#[test]
fn each_rule_that_no_fixture_shows_is_enforced_in_a_world_by_hand() {
    for shown in known::SHOWN.iter() {
        match differences(&shown.shown_by.world()) {
            Ok(Comparison::Agree { enforced }) => {
                assert!(enforced.contains(&shown.rule), "{}: {enforced:?}", shown.rule);
            }
            other => panic!("{}: {other:#?}", shown.rule),
        }
    }
}

#[test]
fn a_world_shrinks_to_what_shows_the_fault() {
    let mut random = Rng::with_seed(7);
    let mut world = generate::draw(&mut random, true, &BTreeSet::from(["w1".to_owned(), "w2".to_owned()]));
    let fault = serde_yaml::from_str("{master_targets: {mtw: {snapshots: 1, cpu: 16}}}").expect("YAML");
    patch::apply(&mut world.inventory, &fault);
    let is_broken = |world: &World| {
        compare::errors(world).is_ok_and(|errors| errors.iter().any(|error| error.starts_with("FB205")))
    };
    assert!(is_broken(&world));
    let smallest = shrink::shrink(&world, is_broken);
    assert_eq!(smallest.machines().len(), 1);
    let expected = "master_targets:\n    mtw:\n      snapshots: 1\n  machines:";
    assert!(shrink::described(&smallest).contains(expected), "{}", shrink::described(&smallest));
}

#[test]
fn the_difference_of_two_documents_turns_one_into_the_other() {
    for seed in 0..50 {
        let mut random = Rng::with_seed(seed);
        let classic = random.bool();
        let world = generate::draw(&mut random, classic, &BTreeSet::new());
        let reference = World::reference(classic);
        let mut rebuilt = reference.clone();
        patch::apply(&mut rebuilt.plan, &patch::difference(&reference.plan, &world.plan));
        patch::apply(&mut rebuilt.inventory, &patch::difference(&reference.inventory, &world.inventory));
        assert_eq!(rebuilt, world, "seed {seed}");
    }
}

#[test]
fn nothing_in_the_product_runs_without_guards() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut named: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src can be listed") {
            let path = entry.expect("src can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source file is text");
            if text.contains("without_guards()") || text.contains("CheckedPlan::unjudged(") {
                named.push(path);
            }
        }
    }
    assert!(named.is_empty(), "{named:?}");
}
