//! `approve`, `skip`, `retry` and `cancel`, from the command line to the exit code, to a run that somebody drives and to one that
//! nobody does.

use std::io::BufRead as _;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

const RUN: [&str; 4] = ["run", "classic.plan.yaml", "--speed", "max"];
const RESUME: [&str; 3] = ["resume", "--speed", "max"];

fn folder(plan: &str) -> Folder {
    Folder::with(&[("classic.plan.yaml", plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

/// Returns the events of the latest run.
fn events(folder: &Folder) -> Vec<Value> {
    let ended = folder.run(&["logs", "--events"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    ended.out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn assert_refused(ended: &Ended, message: &str) {
    assert_eq!((ended.exit, ended.out.as_str()), (2, ""), "{}", ended.said());
    assert!(ended.err.contains(message), "{}", ended.said());
}

#[test]
fn a_run_that_waits_for_answers_goes_on_when_they_have_come() {
    let folder = folder(CLASSIC_PLAN);
    let ended = folder.run(&RUN);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    assert!(ended.out.contains("answer with: failback approve"), "{}", ended.said());
    assert!(ended.err.contains("failback approve"), "{}", ended.said());
    let nothing = folder.run(&["approve"]);
    assert_refused(&nothing, "nothing that it asks was chosen");
    assert!(nothing.err.contains("approve_commit/w1 asks: Commit w1?"), "{}", nothing.said());
    let other = folder.run(&["approve", "latest", "approve_commit/w9"]);
    assert_refused(&other, "approve_commit/w9 asks nothing");
    assert_refused(&folder.run(&["approve", "--phase", "failover"]), "nothing that it asks was chosen");
    assert_refused(&folder.run(&["approve", "--group", "nosuch"]), "its plan has no group nosuch");
    assert_refused(&folder.run(&["approve", "--wave", "9"]), "its plan has no wave 9, only wave 1");
    assert_refused(&folder.run(&["approve", "--phase", "sometime"]), "write one of run, reprotect");
    for order in ["approve", "cancel", "resume", "show"] {
        assert_refused(&folder.run(&[order, ""]), "no run is named");
    }
    let one = folder.run(&["approve", "latest", "approve_commit/w1", "--reason", "CAB-1182"]);
    assert_eq!(one.exit, 0, "{}", one.said());
    assert!(one.out.contains("nobody drives run") && one.out.contains("failback resume"), "{}", one.said());
    let all =
        folder.run(&["approve", "latest", "--wave", "1", "--phase", "commit", "--format", "json"]).json();
    assert_eq!((&all["state"], &all["order"]["order"]), (&"waiting".into(), &"approve".into()), "{all}");
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let events = events(&folder);
    let taken: Vec<&Value> = events.iter().filter(|event| event["kind"]["event"] == "order_taken").collect();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[1]["kind"]["letter"], all["letter"]);
    assert_eq!(taken[1]["kind"]["refused"], Value::Null, "what waits to be answered is not answered twice");
    let given = events.iter().find(|event| event["kind"]["event"] == "approval_given").expect("answered");
    let asked = given["kind"]["question"].as_u64().expect("it says to what");
    let asked = events.iter().find(|event| event["seq"] == asked).expect("it was asked");
    assert_eq!(asked["kind"]["step"], given["kind"]["step"]);
    assert_eq!(given["kind"]["reason"], "CAB-1182");
    assert_refused(&folder.run(&["approve", "--all"]), "it asks nothing");
    assert_refused(&folder.run(&["cancel", "latest"]), "the run has ended: it succeeded");
}

#[test]
fn orders_that_wait_are_told_and_not_contradicted() {
    let folder = folder(CLASSIC_PLAN);
    assert_eq!(folder.run(&RUN).exit, 4);
    assert_eq!(folder.run(&["cancel", "latest", "--reason", "oops"]).exit, 0);
    let shown = folder.run(&["show", "latest"]);
    assert!(
        shown.out.contains("waits since") && shown.out.contains("the run to be cancelled (oops)"),
        "{}",
        shown.out
    );
    let shown = folder.run(&["show", "latest", "--format", "json"]).json();
    assert_eq!(shown["orders_waiting"][0]["order"]["order"], "cancel", "{shown}");
    for more in [&["cancel", "latest"][..], &["approve", "latest", "--all"]] {
        let refused = folder.run(more);
        assert_eq!((refused.exit, refused.out.as_str()), (2, ""), "{}", refused.said());
    }
    let again = folder.run(&["cancel", "latest"]);
    assert!(again.err.contains("the run to be cancelled (oops)"), "{}", again.said());
    assert_eq!(folder.run(&RESUME).exit, 3);
    let shown = folder.run(&["show", "latest", "--format", "json"]).json();
    assert_eq!(shown["orders_waiting"], serde_json::json!([]));
    assert_refused(&folder.run(&RESUME), "has ended: it was cancelled");
    assert_refused(&folder.run(&["approve", "latest", "--all"]), "it asks nothing");
    let late = folder.run(&["skip", "latest", "w1", "--reason", "late"]);
    assert_refused(&late, "the run has ended: it was cancelled");
}

#[test]
fn a_run_whose_folder_is_gone_says_what_to_do() {
    let folder = folder(CLASSIC_PLAN);
    assert_eq!(folder.run(&RUN).exit, 4);
    std::fs::remove_dir_all(folder.path().join(".failback/runs")).expect("it was there");
    for command in [&RESUME[..], &["show"], &["approve", "latest", "--all"], &["cancel", "latest"]] {
        let refused = folder.run(command);
        assert_refused(&refused, "what run");
        for words in ["is pinned to is gone", "put the folder back from a copy", "start another run"] {
            assert!(refused.err.contains(words), "{}", refused.said());
        }
    }
}

#[test]
fn a_kept_plan_that_was_changed_is_told_as_that_also_where_it_is_refused() {
    let folder = folder(CLASSIC_PLAN);
    assert_eq!(folder.run(&RUN).exit, 4);
    let runs = folder.path().join(".failback/runs");
    let run = std::fs::read_dir(&runs).expect("it is there").next().expect("one run").expect("it is read");
    let plan = run.path().join("plan.yaml");
    let text = std::fs::read_to_string(&plan).expect("it is kept");
    std::fs::write(&plan, text.replace("w1", "nobody")).expect("written");
    for command in [&RESUME[..], &["show"], &["approve", "latest", "--all"]] {
        let refused = folder.run(command);
        assert_eq!(refused.exit, 1, "{}", refused.said());
        assert!(refused.err.contains("is pinned to its plan"), "{}", refused.said());
    }
    std::fs::remove_file(&plan).expect("it was there");
    let gone = folder.run(&["show"]);
    assert!(gone.err.contains("plan.yaml`"), "{}", gone.said());
}

#[test]
fn an_order_that_waits_is_withdrawn_and_not_followed() {
    let folder = folder(CLASSIC_PLAN);
    assert_eq!(folder.run(&RUN).exit, 4);
    let cancel = folder.run(&["cancel", "latest", "--reason", "oops", "--format", "json"]).json();
    let number = cancel["letter"].to_string();
    let other = folder.run(&["withdraw", "latest", "4711"]);
    assert_refused(&other, "order 4711 does not wait");
    assert!(other.err.contains(&format!("order {number} of")), "{}", other.said());
    let back = folder.run(&["withdraw", "latest", &number]);
    assert_eq!(back.exit, 0, "{}", back.said());
    assert!(back.out.contains(&format!("order {number} to be withdrawn")), "{}", back.said());
    assert_refused(&folder.run(&["withdraw", "latest", &number]), "does not wait");
    let shown = folder.run(&["show", "latest"]);
    assert!(shown.out.contains("was withdrawn by") && !shown.out.contains("waits since"), "{}", shown.out);
    // What was withdrawn stands in nobody's way.
    assert_eq!(folder.run(&["approve", "latest", "--all"]).exit, 0);
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let events = events(&folder);
    let taken: Vec<&Value> = events.iter().filter(|event| event["kind"]["event"] == "order_taken").collect();
    assert_eq!(taken.len(), 3, "{taken:?}");
    assert_eq!(taken[0]["kind"]["withdrawn"], true, "{taken:?}");
    assert!(taken[1..].iter().all(|event| event["kind"]["refused"] == Value::Null), "{taken:?}");
    assert!(!events.iter().any(|event| event["kind"]["event"] == "cancelling"));
    assert_refused(&folder.run(&["withdraw", "latest", &number]), "does not wait");
}

#[test]
fn a_no_from_another_terminal_fails_what_was_asked() {
    let folder = folder(CLASSIC_PLAN);
    assert_eq!(folder.run(&RUN).exit, 4);
    assert_eq!(
        folder.run(&["approve", "latest", "approve_commit/w1", "--deny", "--reason", "not yet"]).exit,
        0
    );
    assert_eq!(folder.run(&["approve", "--phase", "commit"]).exit, 0);
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.out.contains("said no (not yet)"), "{}", ended.said());
    assert!(ended.out.contains("on-premises, not committed: w1"), "{}", ended.said());
    // A no is no end: the question is put once more.
    assert_eq!(folder.run(&["retry", "latest", "approve_commit/w1", "--downstream"]).exit, 0);
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    assert_eq!(folder.run(&["approve", "--all"]).exit, 0);
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 0, "{}", ended.said());
}

#[test]
fn whoever_began_a_run_does_not_answer_for_those_whom_the_plan_names() {
    let action = "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
    let folder = folder(&format!("{CLASSIC_PLAN}{action}"));
    let ended = folder.run(&RUN);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    if cfg!(target_os = "linux") {
        assert!(ended.out.contains("who began the run"), "{}", ended.said());
        let own = folder.run(&["approve", "latest", "action/sign"]);
        assert_refused(&own, "began the run; the plan wants somebody else to answer: dba");
    }
    assert_refused(
        &folder.run(&["skip", "latest", "action/sign", "--reason", "no time"]),
        "the plan says who has to answer",
    );
}

#[test]
fn what_can_not_be_ordered_is_said() {
    let folder = folder(CLASSIC_PLAN);
    assert_refused(&folder.run(&["approve", "--all"]), "there are no runs");
    assert_eq!(folder.run(&RUN).exit, 4);
    let skip = |what: &str| folder.run(&["skip", "latest", what, "--reason", "why"]);
    assert_refused(&skip("verify/w1"), "verify/w1 is succeeded already");
    assert_refused(&skip("commit/w1"), "commit/w1 can't be left out");
    assert_refused(&skip("approve_commit/w1"), "answer it with failback approve");
    assert_refused(&skip("w1"), "w1 has failed over and is not committed");
    assert_refused(&skip("w9"), "no step and no machine w9");
    assert_refused(&folder.run(&["skip", "latest", "w1"]), "--reason");
    assert_refused(&folder.run(&["skip", "latest", "w1", "--reason", " "]), "write why");
    assert_refused(
        &folder.run(&["retry", "latest", "verify/w1"]),
        "only what failed or was blocked is done again",
    );
    assert_refused(&folder.run(&["cancel", "latest", "--failovers"]), "FB715");
    assert_refused(&folder.run(&["resume", "nothing"]), "there is no run nothing");
}

#[test]
fn a_run_that_failed_goes_on_without_a_machine() {
    let scenario = "kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {kind: job_fails, of: w2, phase: reprotect, code: \"78037\"}\n";
    let folder = folder(CLASSIC_PLAN);
    folder.write("bad.yaml", scenario.as_bytes());
    let run = [RUN.as_slice(), &["--auto-approve", "--scenario", "bad.yaml"]].concat();
    let ended = folder.run(&run);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.out.contains("failback skip"), "{}", ended.said());
    assert_refused(&folder.run(&RESUME), "has ended: it failed");
    let skip =
        folder.run(&["skip", "latest", "w2", "--reason", "its disks are gone", "--release-dependents"]);
    assert_eq!(skip.exit, 0, "{}", skip.said());
    let ended = folder.run(&[RESUME.as_slice(), &["--auto-approve"]].concat());
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(ended.out.contains("3 of 4 machines back on-premises; 1 left out: w2"), "{}", ended.said());
}

#[test]
fn a_run_that_was_cancelled_says_where_its_machines_are() {
    let folder = folder(CLASSIC_PLAN);
    assert_eq!(folder.run(&RUN).exit, 4);
    assert_eq!(folder.run(&["cancel", "latest", "--reason", "the window is over"]).exit, 0);
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.out.contains("cancelled by"), "{}", ended.said());
    let show = folder.run(&["show"]);
    assert!(show.out.contains("on-premises, not committed: w1, w2, w3, l1"), "{}", show.said());
    let shown = folder.run(&["show", "--format", "json"]).json();
    assert_eq!(shown["state"], "cancelled");
    assert_eq!(shown["machines"][0], serde_json::json!({"name": "w1", "place": "onprem_uncommitted"}));
}

/// Ends the process if a test fails before it ends by itself.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_run_that_goes_on_takes_orders_from_another_process() {
    // A command that lasts keeps the run busy until the orders have been given.
    let plan = format!(
        "{CLASSIC_PLAN}actions:\n  - {{name: stay, before: {{phase: run}}, timeout: 2m, run: {{command: [cat, gate]}}}}\n"
    );
    let folder = folder(&plan);
    let made = Command::new("mkfifo").arg(folder.path().join("gate")).status().expect("mkfifo runs");
    assert!(made.success());
    let child = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(["run", "classic.plan.yaml", "--speed", "max", "--real-actions", "--format", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut child = Running(child);
    let mut out = BufReader::new(child.0.stdout.take().expect("it is piped")).lines();
    let mut until = |event: &str| loop {
        let line = out.next().expect("the run goes on").expect("text");
        let told: Value = serde_json::from_str(&line).expect("each line is JSON");
        if told["kind"]["event"] == event {
            return told;
        }
    };
    until("action_started");
    let refused = folder.run(&["skip", "latest", "action/stay", "--reason", "it hangs"]);
    assert_refused(&refused, "action/stay runs: wait until it has ended");
    let taken = folder.run(&["skip", "latest", "w2", "--reason", "its disks are gone"]);
    assert_eq!(taken.exit, 0, "{}", taken.said());
    assert!(taken.out.contains("follows"), "{}", taken.said());
    let told = until("order_taken");
    assert_eq!(told["kind"]["order"]["machine"], "w2");
    let cancel = folder.run(&["cancel", "latest", "--format", "json"]).json();
    assert_eq!((&cancel["state"], &cancel["refused"]), (&"taken".into(), &Value::Null), "{cancel}");
    // What runs is settled; then the run ends.
    drop(std::fs::OpenOptions::new().write(true).open(folder.path().join("gate")).expect("it is read"));
    let end = until("run_finished");
    assert_eq!(end["kind"]["outcome"], "cancelled");
    assert_eq!(child.0.wait().expect("it ends").code(), Some(3));
}
