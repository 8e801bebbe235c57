//! `simulate`, from the command line to the exit code, and what its runs are judged by.

use std::sync::Arc;

use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::id::RunId;
use failback::id::StepId;
use failback::provider::Request;
use failback::provider::emulator::Deed;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::World;
use failback::rules::Guard;
use failback::run::trial;
use failback::run::trial::Subject;
use failback::run::trial::law;
use failback::run::trial::law::Law;
use jiff::SignedDuration;
use serde_json::Value;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab;
use crate::lab::MODERNIZED;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

fn classic() -> Folder {
    Folder::with(&[("p.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

fn simulate(folder: &Folder, flags: &[&str]) -> Ended {
    folder.run(&[["simulate", "p.plan.yaml"].as_slice(), flags].concat())
}

fn json(folder: &Folder, flags: &[&str]) -> Value {
    let ended = simulate(folder, &[flags, &["--format", "json"]].concat());
    assert!(matches!(ended.exit, 0 | 3), "{}", ended.said());
    ended.json()
}

fn scenario(faults: &str) -> String {
    format!("kind: Scenario\nversion: 1\nname: mine\nfaults:\n{faults}")
}

#[test]
fn runs_without_faults_take_as_long_as_was_foretold() {
    let said = json(&classic(), &["--faults", "none", "--runs", "60"]);
    assert_eq!((&said["runs"], &said["succeeded"], &said["broken"]), (&60.into(), &60.into(), &0.into()));
    let of = |name: &str| said["healthy"][name].as_i64().expect("seconds");
    let (low, high) = (said["forecast"]["low_s"].as_i64(), said["forecast"]["high_s"].as_i64());
    assert!(of("min_s") <= of("median_s") && of("median_s") <= of("p95_s") && of("p95_s") <= of("max_s"));
    assert!(low <= Some(of("median_s")) && Some(of("median_s")) <= high, "{said}");
    assert!(said["smallest"].is_null() && said["candidates"] == 0, "{said}");
}

#[test]
fn the_same_seed_says_the_same() {
    let folder = classic();
    let flags = ["--runs", "40", "--seed", "7", "--people", "45m"];
    let (first, second) = (simulate(&folder, &flags), simulate(&folder, &flags));
    assert_eq!(first.said(), second.said());
    let other = simulate(&folder, &["--runs", "40", "--seed", "8", "--people", "45m"]);
    assert_ne!(first.said(), other.said());
}

#[test]
fn faults_of_every_kind_are_tried_on_a_classic_plan() {
    let said = json(&classic(), &["--runs", "150", "--seed", "3"]);
    let kinds = said["faults"].as_array().expect("a list").len();
    assert!(kinds >= 12, "{kinds} kinds");
    assert_eq!(said["broken"], 0, "{:#}", said["breaches"]);
    for failure in said["failures"].as_array().expect("a list") {
        assert!(failure["way"].is_string(), "{failure}");
    }
}

#[test]
fn the_smallest_scenario_that_fails_can_be_run() {
    let folder = classic();
    let slow = "  - {kind: link_slow, at: {after: 10m}, for: 20m}\n";
    let faults = format!("{slow}  - {{kind: onprem_vm_does_not_boot, of: w1}}\n");
    folder.write("mine.yaml", scenario(&faults).as_bytes());
    let ended = simulate(&folder, &["--faults", "mine.yaml", "--runs", "30", "-o", "least.yaml"]);
    assert!(ended.out.contains("try it: failback run p.plan.yaml --scenario least.yaml"), "{}", ended.said());
    let least = std::fs::read_to_string(folder.path().join("least.yaml")).expect("it was written");
    assert!(least.contains("onprem_vm_does_not_boot") && !least.contains("link_slow"), "{least}");
    let run = ["run", "p.plan.yaml", "--scenario", "least.yaml", "--auto-approve", "--speed", "max"];
    assert_eq!(folder.run(&run).exit, 3);
}

#[test]
fn persons_who_take_their_time_make_runs_longer() {
    let folder = classic();
    let median = |flags: &[&str]| {
        let said = json(&folder, &[flags, &["--faults", "none", "--runs", "20"]].concat());
        said["healthy"]["median_s"].as_i64().expect("seconds")
    };
    let (at_once, later) = (median(&[]), median(&["--people", "3h"]));
    assert!(later > at_once + 600, "{later} after {at_once}");
}

#[test]
fn what_is_wrong_with_a_command_line_or_its_files_is_told() {
    let folder = classic();
    assert_eq!(simulate(&folder, &["--runs", "0"]).exit, 2);
    assert_eq!(simulate(&folder, &["--faults", "nowhere.yaml"]).exit, 2);
    assert_eq!(folder.run(&["simulate", "nowhere.plan.yaml"]).exit, 2);
    folder.write("wrong.yaml", scenario("  - {kind: busy, of: nobody}\n").as_bytes());
    let wrong = simulate(&folder, &["--faults", "wrong.yaml"]);
    assert_eq!(wrong.exit, 1);
    assert!(wrong.err.contains("nothing in the inventory is named `nobody`"), "{}", wrong.said());
    folder.write("p.plan.yaml", CLASSIC_PLAN.replace("retention_volume", "retention_volumes").as_bytes());
    assert_eq!(simulate(&folder, &[]).exit, 1);
}

#[test]
fn nothing_is_written_where_nothing_fails() {
    let folder = classic();
    let ended = simulate(&folder, &["--faults", "none", "--runs", "3", "-o", "least.yaml"]);
    assert_eq!(ended.exit, 0);
    assert!(ended.err.contains("nothing failed: `least.yaml` is not written"), "{}", ended.said());
    assert!(!folder.path().join("least.yaml").exists());
}

#[test]
fn faults_of_every_kind_are_tried_on_a_modernized_plan() {
    let world = lab::world(MODERNIZED.0, MODERNIZED.1);
    let subject = Subject {
        graph: Arc::clone(&world.graph),
        start: world.start,
        options: world.options,
        people: SignedDuration::ZERO,
    };
    let faults = trial::fault::everywhere(&subject, &Scenario::default()).expect("it runs");
    let choices = trial::choose(&Scenario::default(), &faults, 120, 5);
    let trials = trial::run_all(&subject, &choices, &|| {});
    for (choice, trial) in choices.iter().zip(&trials) {
        assert_eq!(trial.breaches, [], "{:?}", choice.faults());
    }
}

#[test]
fn the_laws_notice_what_no_run_may_do() {
    let estate = Estate::classic([Vm::new("w1").state("failed_back")]);
    let inventory = lab::world_of(&estate).inventory;
    let start = "2025-06-01T00:00:00Z".parse().expect("a time");
    let mut site = World::new(inventory, Scenario::default(), start);
    let w1 = || MachineName::new("w1");
    site.by_hand(start, &Deed::StartAzureVm { machine: w1() }).expect("it may");
    assert_eq!(law::astray(&site).map(|is| is.machine).collect::<Vec<_>>(), [w1()], "it runs on both sides");
    let commit = Request::Commit { machines: vec![w1()], recovery_plan: None };
    for key in ["r/commit/w1/1", "r/commit/w1/2"] {
        site.begin(start, &commit, &IdempotencyKey::new(key)).expect("the service takes it on");
    }
    let laws: Vec<Law> = law::breaches_of_site(&site).into_iter().map(|breach| breach.law).collect();
    assert_eq!(laws, [Law::VerifiedBeforeCommit, Law::VerifiedBeforeCommit, Law::NothingTwice]);
    assert_eq!(law::astray(&site).count(), 0, "a machine that is worked on is not at rest");
}

#[test]
fn the_laws_notice_what_is_asked_for_unjudged_or_outside_the_window() {
    let at = |text: &str| -> jiff::Timestamp { text.parse().expect("a time") };
    let graph = windowed().graph;
    let w1 = MachineName::new("w1");
    let step = || StepId::new("commit/w1");
    assert!(graph.find(&step()).is_some());
    let commit = || RunEventKind::IntentRecorded {
        step: step(),
        attempt: 1,
        key: IdempotencyKey::new("r/commit/w1/1"),
        request: Request::Commit { machines: vec![w1.clone()], recovery_plan: None },
    };
    let judged = |passed| RunEventKind::GuardEvaluated {
        step: step(),
        guard: Guard::Commit,
        facts_digest: String::new(),
        judged_at: None,
        findings: Vec::new(),
        passed,
    };
    let laws = |at, events: Vec<RunEventKind>| -> Vec<Law> {
        let mut order = law::Order::default();
        let verified = RunEventKind::StepSucceeded { step: StepId::new("verify/w1"), note: None };
        let events = std::iter::once(verified).chain(events);
        let events = events.map(|kind| RunEvent { run: RunId::new("r"), seq: 1, at, kind });
        events.flat_map(|event| order.take(&graph, &event)).map(|breach| breach.law).collect()
    };
    let inside = at("2025-06-01T23:00:00Z");
    assert_eq!(laws(inside, vec![judged(true), commit()]), []);
    assert_eq!(laws(inside, vec![commit()]), [Law::Guarded], "no rule was judged");
    assert_eq!(laws(inside, vec![judged(false), commit()]), [Law::Guarded], "they did not hold");
    assert_eq!(
        laws(inside, vec![judged(true), commit(), commit()]),
        [Law::Guarded],
        "they held for the first"
    );
    assert_eq!(laws(at("2025-06-01T12:00:00Z"), vec![judged(true), commit()]), [Law::InsideWindow]);
    assert_eq!(laws(at("2025-06-02T06:00:00Z"), vec![judged(true), commit()]), [Law::InsideWindow]);
}

#[test]
fn a_plan_with_a_window_keeps_it_whatever_goes_wrong() {
    let world = windowed();
    let subject = Subject {
        graph: Arc::clone(&world.graph),
        start: world.start,
        options: world.options,
        people: SignedDuration::ZERO,
    };
    let faults = trial::fault::everywhere(&subject, &Scenario::default()).expect("it runs");
    let choices = trial::choose(&Scenario::default(), &faults, 120, 9);
    let trials = trial::run_all(&subject, &choices, &|| {});
    for (choice, trial) in choices.iter().zip(&trials) {
        assert_eq!(trial.breaches, [], "{:?}", choice.faults());
    }
    assert!(trials.iter().any(|trial| trial.outcome == Some(Outcome::Succeeded)));
}

/// A plan of one machine that fails over and is committed at night.
fn windowed() -> lab::World {
    let window = "execution:\n  window: { from: \"22:00\", to: \"06:00\" }\n";
    lab::world_of(&Estate::classic([Vm::new("w1")]).plan(window))
}
