//! `drill` at the command line: what it does, refuses, keeps and prints.

use std::collections::BTreeSet;

use crate::support::Folder;

const MODERNIZED_PLAN: &str = include_str!("../worlds/modernized.plan.yaml");
const MODERNIZED: &str = include_str!("../worlds/modernized.inventory.yaml");
const CLASSIC_PLAN: &str = include_str!("../worlds/classic.plan.yaml");
const CLASSIC: &str = include_str!("../worlds/classic.inventory.yaml");

pub fn modernized(drills: &str) -> Folder {
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
