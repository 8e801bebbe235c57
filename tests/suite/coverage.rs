//! Coverage: what counts as exercised, the gate, and the smallest drill that opens it.

use std::collections::BTreeSet;

use failback::drill::coverage;
use failback::drill::coverage::Counting;
use failback::drill::coverage::Done;
use failback::drill::coverage::Exercise;
use failback::drill::coverage::Standing;
use failback::drill::coverage::Where;
use failback::drill::coverage::contents;
use failback::graph::Graph;
use failback::graph::compile;
use failback::id::RunId;
use failback::model::Model;
use failback::model::resolve;
use failback::model::restrict::Part;
use failback::model::restrict::restrict;
use jiff::SignedDuration;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::drill::modernized;
use crate::estate;
use crate::estate::Estate;
use crate::estate::Vm;

#[test]
fn coverage_is_a_gate_that_a_rehearsal_passes_and_a_change_closes() {
    let folder = modernized("");
    let gate = ["coverage", "p.plan.yaml", "--max-age", "90d", "--min", "95%"];
    assert_eq!(folder.run(&gate).exit, 1, "nothing was exercised");
    assert_eq!(folder.run(&["drill", "p.plan.yaml", "--kind", "rehearsal"]).exit, 0);
    let open = folder.run(&gate);
    assert_eq!(open.exit, 0, "{}", open.said());
    let live = folder.run(&[&gate[..], &["--kind", "live"]].concat());
    assert_eq!(live.exit, 1, "a rehearsal is none");
    let text = std::fs::read_to_string(folder.path().join("p.plan.yaml")).expect("there");
    folder
        .write("p.plan.yaml", text.replace("final_state: protected", "final_state: unprotected").as_bytes());
    let changed = folder.run(&["coverage", "p.plan.yaml", "--format", "json"]).json();
    let states = changed["of_steps"].as_array().expect("a list");
    assert!(states.iter().any(|step| step["state"] == "changed"), "{changed}");
    assert_eq!(folder.run(&["coverage", "p.plan.yaml", "--min", "101%"]).exit, 2);
}

fn exercise(kind: Where, second: i64) -> Exercise {
    Exercise {
        run: RunId::new(format!("r{second}")),
        drill: None,
        kind,
        at: Timestamp::from_second(second).expect("a time"),
        plan_digest: "sha256:1".into(),
    }
}

/// Everything of a graph, as if a run had carried it out.
fn all_of(graph: &Graph, exercise: Exercise) -> Done {
    Done { exercise, steps: contents(graph).into_iter().collect() }
}

fn counting(second: i64, max_age: Option<i64>) -> Counting {
    let at = Timestamp::from_second(second).expect("a time");
    Counting { at, max_age: max_age.map(SignedDuration::from_secs), kind: None }
}

fn estate(plan: &str) -> Graph {
    Estate::modernized(["a", "b", "c"].map(Vm::new)).plan(plan).graph()
}

#[test]
fn a_step_is_stale_when_it_is_too_old_and_changed_when_its_settings_are() {
    let graph = estate("");
    let done = [all_of(&graph, exercise(Where::Rehearsal, 100))];
    let states = |graph: &Graph, counting| -> BTreeSet<String> {
        let coverage = coverage::coverage(graph, &done, counting);
        coverage.of_steps.iter().map(|step| format!("{:?}", step.state)).collect()
    };
    assert_eq!(states(&graph, counting(150, Some(50))), BTreeSet::from(["Exercised".to_owned()]));
    assert_eq!(states(&graph, counting(151, Some(50))), BTreeSet::from(["Stale".to_owned()]));
    assert_eq!(states(&graph, counting(10_000, None)), BTreeSet::from(["Exercised".to_owned()]));
    let probed = Estate::modernized(["a", "b", "c"].map(Vm::new))
        .entry("b", "verify: [{name: p, tcp: {host: b.example, port: 22}}]")
        .graph();
    let coverage = coverage::coverage(&probed, &done, counting(100, None));
    for step in &coverage.of_steps {
        let is_changed = step.state == Standing::Changed;
        assert_eq!(is_changed, step.subject == "b", "{}: {:?}", step.step, step.state);
    }
    assert_eq!((coverage.machines.exercised, coverage.machines.all), (2, 3));
}

#[test]
fn an_order_that_was_not_exercised_does_not_count() {
    let ordered = || Estate::modernized(["a", "b", "c"].map(Vm::new)).entry("b", "depends_on: [a]");
    let done = [all_of(&estate(""), exercise(Where::Live, 1))];
    let coverage = coverage::coverage(&ordered().graph(), &done, counting(1, None));
    let changed: Vec<&str> = coverage
        .of_steps
        .iter()
        .filter(|step| step.state != Standing::Exercised)
        .map(|step| step.step.as_str())
        .collect();
    assert_eq!(changed, ["failover/b"]);
    let suggestion = coverage::suggest(&ordered().graph(), &coverage).expect("something is open");
    assert_eq!(suggestion.machines, ["a", "b"], "b is exercised only after a");
}

#[test]
fn what_is_done_already_is_in_no_suggestion() {
    let vms = [Vm::new("a"), Vm::new("b").state("failed_back"), Vm::new("c").state("protected_to_onprem")];
    let graph = Estate::classic(vms).graph();
    let none = coverage::coverage(&graph, &[], counting(1, None));
    let suggestion = coverage::suggest(&graph, &none).expect("each has something before it");
    assert_eq!(suggestion.machines, ["a", "b", "c"]);
    let not_adopted = |content: &coverage::Content| {
        let mut steps = graph.steps().iter().zip(contents(&graph));
        steps.any(|(step, of)| !step.adopted && of == *content)
    };
    let mut done = all_of(&graph, exercise(Where::Rehearsal, 1));
    done.steps.retain(not_adopted);
    let drilled = coverage::coverage(&graph, &[done], counting(1, None));
    assert!(drilled.percent < 100.0, "what nobody exercised does not count");
    assert_eq!(coverage::suggest(&graph, &drilled), None);
    let adopted = graph.steps().iter().filter(|step| step.adopted).count();
    assert_eq!((coverage::out_of_reach(&graph, &drilled), adopted > 0), (adopted, true));
}

/// The graph of a part of a plan.
fn part_of(model: &Model, only: &[String]) -> Option<Graph> {
    let part = Part { only: only.to_vec(), ..Part::default() };
    let restricted = restrict(&model.plan, &part).ok()?;
    let report = estate::checked(resolve(restricted.plan, model.inventory.clone()));
    report.checked.as_ref().map(compile)
}

#[derive(Clone, Debug)]
struct Small {
    depends: Vec<(usize, usize)>,
    boot: Vec<usize>,
    group: bool,
    exercised: Vec<bool>,
}

fn small() -> impl Strategy<Value = Small> {
    let pairs = proptest::collection::vec((1..5_usize, 0..4_usize), 0..4);
    let boots = proptest::collection::vec(0..3_usize, 5);
    let done = proptest::collection::vec(any::<bool>(), 120);
    (pairs, boots, any::<bool>(), done).prop_map(|(depends, boot, group, exercised)| Small {
        // Only backwards, so that nothing goes in a circle.
        depends: depends.into_iter().filter(|(of, on)| on < of).collect(),
        boot,
        group,
        exercised,
    })
}

fn plan_of(small: &Small) -> Estate {
    let names = ["m0", "m1", "m2", "m3", "m4"];
    let mut estate = Estate::modernized(names.map(Vm::new));
    if small.group {
        estate = estate.group("g", &["m3", "m4"]);
    }
    for of in 0..5 {
        let on: BTreeSet<&str> =
            small.depends.iter().filter(|(one, _)| *one == of).map(|(_, on)| names[*on]).collect();
        if !(on.is_empty() || small.group && of >= 3) {
            let on: Vec<&str> = on.into_iter().collect();
            estate = estate.entry(names[of], &format!("depends_on: [{}]", on.join(", ")));
        }
    }
    let mut text = String::new();
    let mut groups: Vec<Vec<&str>> = vec![Vec::new(); 3];
    for (at, boot) in small.boot.iter().enumerate() {
        if !(small.group && at >= 3) {
            groups[*boot].push(names[at]);
        }
    }
    for (at, members) in groups.iter().enumerate().filter(|(_, members)| !members.is_empty()) {
        text.push_str(&format!("  - {{name: boot{at}, members: [{}]}}\n", members.join(", ")));
    }
    if text.is_empty() { estate } else { estate.plan(&format!("boot_groups:\n{text}")) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_suggested_drill_is_the_smallest_of_all_that_would_do(small in small()) {
        let model = plan_of(&small).model();
        let report = estate::checked(plan_of(&small).model());
        // An order that goes in a circle is another rule's matter.
        prop_assume!(report.checked.is_some());
        let graph = compile(report.checked.as_ref().expect("it was assumed"));
        let steps = contents(&graph).into_iter().zip(small.exercised.iter().cycle());
        let done = Done {
            exercise: exercise(Where::Rehearsal, 1),
            steps: steps.filter(|(_, is_done)| **is_done).map(|(content, _)| content).collect(),
        };
        let coverage = coverage::coverage(&graph, &[done], counting(1, None));
        let open: BTreeSet<usize> = (0..)
            .zip(&coverage.of_steps)
            .filter(|(_, step)| step.state != Standing::Exercised)
            .map(|(at, _)| at)
            .collect();
        let wanted: Vec<_> =
            contents(&graph).into_iter().enumerate().filter(|(at, _)| open.contains(at)).map(|(_, content)| content).collect();
        let units: Vec<(String, usize)> = if small.group {
            vec![("g".into(), 2), ("m0".into(), 1), ("m1".into(), 1), ("m2".into(), 1)]
        } else {
            (0..5).map(|at| (format!("m{at}"), 1)).collect()
        };
        let does = |only: &[String]| {
            part_of(&model, only).is_some_and(|part| {
                let there = contents(&part);
                wanted.iter().all(|content| there.contains(content))
            })
        };
        let choices = (1_u32..1 << units.len()).map(|bits| {
            units.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, unit)| unit.clone()).collect::<Vec<_>>()
        });
        let size = |choice: &[(String, usize)]| choice.iter().map(|(_, size)| size).sum::<usize>();
        let names = |choice: &[(String, usize)]| choice.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let smallest = choices.filter(|choice| does(&names(choice))).map(|choice| size(&choice)).min();
        match coverage::suggest(&graph, &coverage) {
            None => prop_assert!(open.is_empty()),
            Some(suggestion) => {
                prop_assert!(does(&suggestion.machines), "{:?} misses something", suggestion.machines);
                prop_assert_eq!(Some(suggestion.size), smallest, "{:?}", suggestion.machines);
                prop_assert!(suggestion.is_smallest);
            }
        }
    }
}
