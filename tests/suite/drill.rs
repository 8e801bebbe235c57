//! `drill` and `coverage` at the command line: what they do, refuse, keep and print.

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

use crate::estate;
use crate::estate::Estate;
use crate::estate::Vm;
use crate::support::Folder;

const MODERNIZED_PLAN: &str = include_str!("../worlds/modernized.plan.yaml");
const MODERNIZED: &str = include_str!("../worlds/modernized.inventory.yaml");
const CLASSIC_PLAN: &str = include_str!("../worlds/classic.plan.yaml");
const CLASSIC: &str = include_str!("../worlds/classic.inventory.yaml");

fn modernized(drills: &str) -> Folder {
    let plan = format!("{MODERNIZED_PLAN}\n{drills}");
    Folder::with(&[("p.plan.yaml", &plan), ("modernized.inventory.yaml", MODERNIZED)])
}

fn classic(drills: &str) -> Folder {
    let plan = format!("{CLASSIC_PLAN}\n{drills}");
    Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC)])
}

#[test]
fn a_rehearsal_of_either_architecture_is_measured_and_kept() {
    for folder in [modernized(""), classic("")] {
        let ended = folder.run(&["drill", "p.plan.yaml", "--kind", "rehearsal", "--format", "json"]);
        assert_eq!(ended.exit, 0, "{}", ended.said());
        let result = ended.json();
        assert_eq!(result["version"], 1);
        assert_eq!(result["kind"], "rehearsal");
        assert!(["passed", "degraded"].contains(&result["verdict"].as_str().expect("a word")), "{result}");
        assert!(result["objectives"]["rto"]["measured_s"].as_u64().is_some_and(|seconds| seconds > 0));
        assert!(result["objectives"]["rto"]["forecast"]["high_s"].is_u64());
        assert!(!result["machines"].as_array().expect("a list").is_empty());
        assert_eq!(result["simulated_actions"], true);
        let runs = folder.run(&["runs", "--format", "json"]).json();
        assert_eq!(runs["runs"][0]["run"], result["run"]);
    }
}

#[test]
fn a_machine_that_does_not_come_home_fails_the_drill() {
    let folder = modernized("");
    let name = first_machine(&folder);
    let scenario = format!(
        "kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {{kind: job_fails, of: {name}, phase: reprotect, code: \"78037\"}}\n"
    );
    folder.write("s.yaml", scenario.as_bytes());
    let arguments =
        ["drill", "p.plan.yaml", "--kind", "rehearsal", "--scenario", "s.yaml", "--format", "json"];
    let ended = folder.run(&arguments);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    let result = ended.json();
    assert_eq!(result["verdict"], "failed");
    assert!(result["reasons"].to_string().contains(&name), "{result}");
}

/// Rehearses the classic plan with a fault, and returns the exit code and the result.
fn rehearsed_with(fault: &str, flags: &[&str]) -> (u8, serde_json::Value) {
    let folder = classic("objectives: {rto: 4h}\n");
    let scenario = format!("kind: Scenario\nversion: 1\nname: bad\nfaults: [{{{fault}}}]\n");
    folder.write("s.yaml", scenario.as_bytes());
    let drill = ["drill", "p.plan.yaml", "--kind", "rehearsal", "--scenario", "s.yaml", "--format", "json"];
    let ended = folder.run(&[&drill[..], flags].concat());
    (ended.exit, ended.json())
}

#[test]
fn a_fault_that_delays_degrades_a_rehearsal_and_one_that_stops_it_fails_it() {
    let (exit, result) = rehearsed_with("kind: busy, phase: failover, for: 20m", &[]);
    assert_eq!((exit, &result["verdict"]), (0, &"degraded".into()), "{result:#}");
    assert_eq!(result["objectives"]["rto"]["kept"], "kept", "it was late, and in time: {result:#}");
    let codes: Vec<&str> = result["reasons"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|reason| reason["code"].as_str())
        .collect();
    assert!(codes.contains(&"slower-than-forecast"), "{codes:?}");
    let (exit, result) = rehearsed_with("kind: busy, phase: failover, for: 1m", &[]);
    assert_eq!((exit, &result["verdict"]), (0, &"passed".into()), "a little later is none: {result:#}");
    let (exit, result) =
        rehearsed_with("kind: master_target_snapshot, of: mtw, phase: failover, for: 20m", &[]);
    assert_eq!((exit, &result["verdict"]), (3, &"failed".into()), "{result:#}");
}

/// Answers every question of the latest run with yes until the drill, which runs beside it, has ended.
fn approved_beside(folder: &Folder, drill: &[&str]) -> crate::support::Ended {
    std::thread::scope(|threads| {
        let drill = threads.spawn(|| folder.run(drill));
        while !drill.is_finished() {
            // Until it asks there is nothing to approve, and at first no run.
            let _ = folder.run(&["approve", "latest", "--all", "--reason", "as agreed"]);
        }
        drill.join().expect("it ends")
    })
}

#[test]
fn people_answer_the_questions_of_a_rehearsal_from_another_process() {
    let folder = classic("");
    let drill =
        ["drill", "p.plan.yaml", "--kind", "rehearsal", "--ask", "--speed", "600", "--format", "json"];
    let ended = approved_beside(&folder, &drill);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_ne!(ended.json()["verdict"], "failed", "{}", ended.said());
    let shown = folder.run(&["logs", "--events"]).out;
    let given: Vec<&str> = shown.lines().filter(|line| line.contains("approval_given")).collect();
    assert!(!given.is_empty(), "the plan asks before commits");
    for line in given {
        assert!(line.contains("as agreed") && !line.contains("simulated"), "a person answered: {line}");
    }
}

fn first_machine(folder: &Folder) -> String {
    let plan = folder.run(&["plan", "p.plan.yaml", "--format", "json"]).json();
    plan["machines"][0]["name"].as_str().expect("a name").to_owned()
}

#[test]
fn an_objective_that_is_missed_fails_the_drill_and_names_the_step() {
    let folder = modernized("objectives: {rto: 1s, rpo: 15m}\n");
    let ended = folder.run(&["drill", "p.plan.yaml", "--kind", "rehearsal", "--format", "json"]);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    let result = ended.json();
    assert_eq!(result["verdict"], "failed");
    let reasons = result["reasons"].as_array().expect("a list");
    let missed = reasons.iter().find(|reason| reason["code"] == "rto-missed").expect("it was missed");
    assert!(missed["step"].is_string(), "{missed}");
}

#[test]
fn readiness_makes_no_run_and_knows_how_old_its_facts_are() {
    let folder = modernized("");
    let arguments = ["drill", "p.plan.yaml", "--kind", "readiness", "--format", "json"];
    let ended = folder.run(&[&arguments[..], &["--now", "2026-11-01T00:00:00Z"]].concat());
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(ended.json()["run"].is_null());
    let ended = folder.run(&[&arguments[..], &["--now", "2026-12-24T00:00:00Z"]].concat());
    let result = ended.json();
    let codes: Vec<&str> = result["reasons"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|reason| reason["code"].as_str())
        .collect();
    assert!(codes.contains(&"facts-old"), "{codes:?}");
    assert_ne!(result["verdict"], "passed");
}

#[test]
fn a_refused_plan_fails_its_drill_and_that_is_kept() {
    let folder = modernized("");
    folder.run(&["drill", "p.plan.yaml", "--kind", "rehearsal"]);
    let text = std::fs::read_to_string(folder.path().join("p.plan.yaml")).expect("there");
    let broken = text.replace("datastore: vmfs1", "datastore: nowhere");
    folder.write("p.plan.yaml", broken.as_bytes());
    for kind in ["readiness", "rehearsal"] {
        let ended = folder.run(&["drill", "p.plan.yaml", "--kind", kind, "--format", "json"]);
        assert_eq!(ended.exit, 1, "{}", ended.said());
        assert_eq!(ended.json()["verdict"], "failed");
        assert!(!ended.json()["reasons"].as_array().expect("a list").is_empty());
    }
}

#[test]
fn a_drill_is_found_by_its_name_and_refused_where_it_can_not_be() {
    let drills = "drills:\n  - {name: a, kind: rehearsal}\n  - {name: b, kind: live, machines: [nobody]}\n";
    let folder = modernized(drills);
    assert_eq!(folder.run(&["drill", "p.plan.yaml"]).exit, 2, "there are two");
    assert_eq!(folder.run(&["drill", "p.plan.yaml", "--name", "c"]).exit, 2);
    assert_eq!(folder.run(&["drill", "p.plan.yaml", "--name", "a", "--kind", "rehearsal"]).exit, 2);
    assert_eq!(folder.run(&["drill", "p.plan.yaml", "--name", "a", "--confirm", "x"]).exit, 2);
    let twice = ["drill", "p.plan.yaml", "--name", "a", "--id", "d-1"];
    assert_eq!(folder.run(&twice).exit, 0);
    assert_eq!(folder.run(&twice).exit, 2, "a second drill of the same id is none");
    assert_eq!(folder.run(&["drill", "p.plan.yaml", "--name", "a", "--id", "../x"]).exit, 2);
    let ask = ["drill", "p.plan.yaml", "--name", "a", "--ask", "--speed", "max"];
    assert_eq!(folder.run(&ask).exit, 2, "nobody could answer in time");
}

#[test]
fn a_live_drill_is_refused_unless_it_is_asked_for_in_so_many_words() {
    let folder = modernized("");
    let name = first_machine(&folder);
    let with = |drill: &str| modernized(&format!("drills:\n  - {drill}\n"));
    let all = with("{name: live, kind: live}").run(&["drill", "p.plan.yaml", "--provider", "azure"]);
    assert_eq!(all.exit, 1, "it names no machine: {}", all.said());
    let lone = format!("{{name: live, kind: live, machines: [{name}]}}");
    let unnamed = with(&lone).run(&["drill", "p.plan.yaml"]);
    assert_ne!(unnamed.exit, 0, "{}", unnamed.said());
    let classic = classic("drills:\n  - {name: live, kind: live, machines: [nobody], finish: cancel}\n");
    let refused = classic.run(&["drill", "p.plan.yaml", "--provider", "azure"]);
    assert_eq!(refused.exit, 1, "{}", refused.said());
    assert!(refused.said().contains("FB715"), "{}", refused.said());
}

#[test]
fn a_rehearsal_that_ends_by_cancelling_commits_nothing_and_passes() {
    let folder = modernized("drills:\n  - {name: taste, kind: rehearsal, finish: cancel}\n");
    let ended = folder.run(&["drill", "p.plan.yaml", "--format", "json"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let result = ended.json();
    assert_eq!(result["is_taken_back"], true);
    let run = result["run"].as_str().expect("it made one").to_owned();
    let shown = folder.run(&["show", &run, "--format", "json"]).json();
    assert_eq!(shown["state"], "cancelled");
    for step in shown["steps"].as_array().expect("a list") {
        if step["kind"] == "commit" {
            assert_ne!(step["state"], "succeeded", "{step}");
        }
    }
    for machine in shown["machines"].as_array().expect("a list") {
        assert!(!machine["place"].to_string().contains("committed"), "{machine}");
    }
    let events = folder.run(&["logs", &run, "--format", "json"]).out;
    assert!(!events.contains("approve_commit/l1\",\"prompt"), "nobody is asked for a commit: {events}");
    let report = folder.run(&["report", &run, "--format", "markdown"]).out;
    assert!(report.contains("came up on-premises, were verified, and were taken back"), "{report}");
    assert!(!report.contains(" failed; ") && !report.contains("taken back, "), "{report}");
    let coverage = folder.run(&["coverage", "p.plan.yaml", "--format", "json"]).json();
    let steps = coverage["of_steps"].as_array().expect("a list");
    let state = |kind: &str| {
        let of: BTreeSet<&str> = steps
            .iter()
            .filter(|step| step["kind"] == kind)
            .filter_map(|step| step["state"].as_str())
            .collect();
        of
    };
    assert_eq!(state("failover"), BTreeSet::from(["exercised"]));
    assert_eq!(state("commit"), BTreeSet::from(["never"]));
}

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
