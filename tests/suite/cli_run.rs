//! `run` and its kin, from the command line to the exit code.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use failback::journal::Lock;
use serde_json::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

const RUN: [&str; 4] = ["run", "classic.plan.yaml", "--speed", "max"];
const APPROVED: [&str; 5] = ["run", "classic.plan.yaml", "--auto-approve", "--speed", "max"];

fn classic() -> Folder {
    Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

/// Returns the events of the latest run.
fn events(folder: &Folder) -> Vec<Value> {
    let ended = folder.run(&["logs", "--events"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    lines(&ended.out)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// Returns the one folder of a run.
fn run_folder(folder: &Folder) -> PathBuf {
    let runs = std::fs::read_dir(folder.path().join(".failback/runs")).expect("there are runs");
    let runs: Vec<PathBuf> = runs.map(|run| run.expect("it can be read").path()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.into_iter().next().expect("there is one")
}

/// Returns the states of steps, as `show` tells them.
fn states(folder: &Folder) -> HashMap<String, String> {
    let shown = folder.run(&["show", "--format", "json"]).json();
    let steps = shown["steps"].as_array().expect("there are steps");
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    steps.iter().map(|step| (text(&step["id"]), text(&step["state"]))).collect()
}

fn assert_usage(ended: &Ended, message: &str) {
    assert_eq!(ended.exit, 2, "{}", ended.said());
    assert!(ended.err.contains(message), "{}", ended.said());
}

/// Asserts that no request of a run was taken on twice, by its machines and kind, as the emulator kept its calls.
fn assert_no_call_twice(folder: &Folder) {
    let calls =
        std::fs::read_to_string(run_folder(folder).join("world/calls.jsonl")).expect("calls are kept");
    let mut seen: HashMap<String, Value> = HashMap::new();
    for call in lines(&calls) {
        let begin = &call["call"]["begin"];
        assert!(begin["operation"].is_string(), "{call}");
        let request = &begin["request"];
        let of = format!("{} {} {}", request["request"], request["machine"], request["machines"]);
        if let Some(before) = seen.insert(of, call.clone()) {
            panic!("sent twice: {before} and {call}");
        }
    }
    assert_eq!(seen.len(), 17, "prepare, and four requests for each of four machines: {seen:?}");
}

#[test]
fn a_run_that_everybody_approves_ends_well() {
    let folder = classic();
    let ended = folder.run(&APPROVED);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_eq!(ended.err, "");
    let last: Vec<&str> = ended.out.lines().rev().take(20).collect();
    assert!(last[0].contains("failback show"), "{last:#?}");
    assert!(last.iter().any(|line| line.starts_with("phases")), "{last:#?}");
    assert_no_call_twice(&folder);
    let show = folder.run(&["show", "latest"]);
    assert!(show.out.contains(": succeeded") && show.out.contains("+ forward/w1"), "{}", show.said());
    let runs = folder.run(&["runs"]);
    assert!(runs.out.contains("classic") && runs.out.contains("succeeded"), "{}", runs.said());
    let log = folder.run(&["logs"]);
    assert!(log.exit == 0 && log.out.contains("RunFinished"), "{}", log.said());
}

#[test]
fn json_lines_are_the_events_of_the_journal() {
    let folder = classic();
    let ended =
        folder.run(&["run", "classic.plan.yaml", "--auto-approve", "--speed", "max", "--format", "json"]);
    assert_eq!((ended.exit, ended.err.as_str()), (0, ""), "{}", ended.said());
    let told = lines(&ended.out);
    assert_eq!(told, events(&folder));
    assert_eq!(told[0]["kind"]["event"], "run_started");
    assert_eq!(told[told.len() - 1]["kind"]["outcome"], "succeeded");
    let places: Vec<u64> = told.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert!(places.iter().copied().eq(1..=told.len() as u64));
}

#[test]
fn runs_and_show_have_their_json() {
    let folder = classic();
    assert_eq!(folder.run(&RUN).exit, 4);
    let runs = folder.run(&["runs", "--format", "json"]).json();
    let run = &runs["runs"][0];
    assert_eq!(
        (&runs["version"], &run["plan"], &run["state"]),
        (&1.into(), &"classic".into(), &"interrupted".into())
    );
    let shown = folder.run(&["show", run["run"].as_str().expect("an id"), "--format", "json"]).json();
    assert_eq!(shown["run"], run["run"]);
    assert_eq!(shown["plan_digest"], run["plan_digest"]);
    assert_eq!(shown["events"], run["events"]);
    let states = states(&folder);
    assert_eq!(states["approve_commit/w1"], "asked");
    assert_eq!(states["verify/w1"], "succeeded");
    assert_eq!(states["commit/w1"], "waiting");
}

#[test]
fn a_run_without_anybody_to_approve_waits_and_is_taken_up_again() {
    let folder = classic();
    let ended = folder.run(&RUN);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    assert!(ended.err.contains("failback resume"), "{}", ended.said());
    let ended = folder.run(&["resume", "--speed", "max"]);
    assert_eq!(ended.exit, 4, "still nobody: {}", ended.said());
    let ended = folder.run(&["resume", "latest", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_no_call_twice(&folder);
    assert!(states(&folder).values().all(|state| state == "succeeded"));
}

#[test]
fn a_plan_that_is_refused_leaves_nothing_behind() {
    let folder = classic();
    folder.write("classic.plan.yaml", CLASSIC_PLAN.replace("mtw", "nowhere").as_bytes());
    let ended = folder.run(&APPROVED);
    assert_eq!((ended.exit, ended.out.as_str()), (1, ""), "{}", ended.said());
    assert!(!folder.path().join(".failback").exists());
}

#[test]
fn what_is_not_there_is_said() {
    let folder = classic();
    let ended = folder.run(&["run", "nowhere.plan.yaml"]);
    assert_usage(&ended, "nowhere.plan.yaml");
    assert_usage(&folder.run(&["show"]), "there are no runs");
    let ended = folder.run(&["run", "classic.plan.yaml", "--scenario", "nowhere.yaml"]);
    assert_usage(&ended, "nowhere.yaml");
    assert!(!folder.path().join(".failback").exists());
    assert_eq!(folder.run(&APPROVED).exit, 0);
    for command in ["show", "resume", "logs"] {
        assert_usage(&folder.run(&[command, "1999"]), "there is no run 1999");
    }
    assert_usage(&folder.run(&["resume"]), "it succeeded");
}

#[test]
fn one_failed_machine_keeps_no_other_from_coming_home() {
    let folder = classic();
    folder.write(
        "bad.yaml",
        b"kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {kind: job_fails, of: w2, phase: failover, code: \"78037\"}\n",
    );
    let ended = folder.run(&[
        "run",
        "classic.plan.yaml",
        "--auto-approve",
        "--speed",
        "max",
        "--scenario",
        "bad.yaml",
    ]);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.err.contains("failback show"), "{}", ended.said());
    let states = states(&folder);
    for machine in ["w1", "w3", "l1"] {
        assert_eq!(states[&format!("await_forward/{machine}")], "succeeded");
    }
    assert_eq!(states["failover/w2"], "failed");
    for step in ["verify/w2", "commit/w2", "forward/w2"] {
        assert_eq!(states[step], "blocked");
    }
    let show = folder.run(&["show"]);
    assert!(show.out.contains("! failover/w2") && show.out.contains("78037"), "{}", show.said());
    assert!(show.out.contains("x commit/w2"), "{}", show.said());
    assert_usage(&folder.run(&["resume"]), "it failed");
}

#[test]
fn one_process_holds_a_run() {
    let folder = classic();
    assert_eq!(folder.run(&RUN).exit, 4);
    let lock = Lock::take(&run_folder(&folder)).expect("nobody holds it");
    let ended = folder.run(&["resume", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 5, "{}", ended.said());
    assert_eq!(folder.run(&["runs", "--format", "json"]).json()["runs"][0]["state"], "running");
    drop(lock);
    assert_eq!(folder.run(&["resume", "--auto-approve", "--speed", "max"]).exit, 0);
}

#[test]
fn a_run_keeps_the_texts_that_it_began_with() {
    let folder = classic();
    assert_eq!(folder.run(&RUN).exit, 4);
    folder.write("classic.plan.yaml", b"kind: RecoveryPlan\n");
    folder.write("classic.inventory.yaml", b"gone");
    let ended = folder.run(&["resume", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
}

#[test]
fn simulated_actions_stay_simulated() {
    let folder = classic();
    assert_eq!(folder.run(&RUN).exit, 4);
    let ended = folder.run(&["resume", "--auto-approve", "--speed", "max", "--real-actions"]);
    assert_usage(&ended, "simulates its actions");
}

#[test]
fn a_saved_plan_runs() {
    let folder = classic();
    std::fs::create_dir(folder.path().join("saved")).expect("a folder can be made");
    assert_eq!(folder.run(&["plan", "classic.plan.yaml", "-o", "saved/now.json"]).exit, 0);
    let ended = folder.run(&["run", "saved/now.json", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
}

#[test]
fn a_saved_plan_is_refused_when_something_moved() {
    let folder = classic();
    assert_eq!(folder.run(&["plan", "classic.plan.yaml", "-o", "now.json"]).exit, 0);
    let refused = |what: &str| {
        let ended = folder.run(&["run", "now.json", "--auto-approve", "--speed", "max"]);
        assert_eq!((ended.exit, ended.out.as_str()), (1, ""), "{}", ended.said());
        assert!(ended.err.contains(&format!("{what} changed since the plan was saved")), "{}", ended.said());
        assert!(!folder.path().join(".failback").exists());
    };
    folder.write(
        "classic.inventory.yaml",
        CLASSIC_INVENTORY.replace("bandwidth_mbps: 1000", "bandwidth_mbps: 900").as_bytes(),
    );
    refused("the facts (network) have");
    folder.write(
        "classic.plan.yaml",
        CLASSIC_PLAN.replace("commit: on_approval", "failover: on_approval").as_bytes(),
    );
    refused(
        "the plan (defaults, machine l1, machine w1, machine w2, machine w3) and the facts (network) have",
    );
    folder.write("classic.inventory.yaml", CLASSIC_INVENTORY.as_bytes());
    refused("the plan (defaults, machine l1, machine w1, machine w2, machine w3) has");
    folder.write("classic.plan.yaml", CLASSIC_PLAN.as_bytes());
    assert_eq!(folder.run(&["run", "now.json", "--auto-approve", "--speed", "max"]).exit, 0);
}

#[test]
fn a_saved_plan_is_refused_by_a_program_that_does_other_steps() {
    let folder = classic();
    assert_eq!(folder.run(&["plan", "classic.plan.yaml", "-o", "now.json"]).exit, 0);
    let text = std::fs::read_to_string(folder.path().join("now.json")).expect("it was saved");
    let mut saved: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let steps = saved["steps"].as_array_mut().expect("a list");
    steps.retain(|step| step["id"] != "recheck/w1");
    saved["program"] = "0.0.1".into();
    folder.write("now.json", saved.to_string().as_bytes());
    let ended = folder.run(&["run", "now.json", "--auto-approve", "--speed", "max"]);
    assert_eq!((ended.exit, ended.out.as_str()), (1, ""), "{}", ended.said());
    assert!(ended.err.contains("what this program does, which was 0.0.1"), "{}", ended.said());
    assert!(ended.err.contains("(recheck/w1)"), "{}", ended.said());
}

#[test]
fn a_saved_plan_is_bound_to_what_comments_accept() {
    let folder = classic();
    let comment = |reason: &str| format!("  - name: w1   # failback: ignore[FB606] {reason}\n");
    let plan = |reason: &str| CLASSIC_PLAN.replace("  - name: w1\n", &comment(reason));
    folder.write("classic.plan.yaml", plan("agreed").as_bytes());
    assert_eq!(folder.run(&["plan", "classic.plan.yaml", "-o", "now.json"]).exit, 0);
    let run = || folder.run(&["run", "now.json", "--auto-approve", "--speed", "max"]);
    let says = "what comments accept (`# failback: ignore`) has changed since the plan was saved";
    let moved = CLASSIC_PLAN.replace("  - name: w2\n", &comment("agreed").replace("w1", "w2"));
    for changed in
        [plan("agreed by others"), moved, CLASSIC_PLAN.to_owned(), plan("agreed").replace("FB606", "FB607")]
    {
        folder.write("classic.plan.yaml", changed.as_bytes());
        let ended = run();
        assert_eq!(ended.exit, 1, "{}", ended.said());
        assert!(ended.err.contains(says), "{}", ended.said());
    }
    let facts = CLASSIC_INVENTORY.replacen("name: w1\n", "name: w1 # failback: ignore[FB606] agreed\n", 1);
    folder.write("classic.plan.yaml", plan("agreed").as_bytes());
    folder.write("classic.inventory.yaml", facts.as_bytes());
    assert!(run().err.contains(says), "those of the inventory count, too");
    // Another place for the same comment about the same line is layout, and so are other comments.
    let above = CLASSIC_PLAN.replace(
        "  - name: w1\n",
        "  # failback: ignore[FB606] agreed\n  -   name:   w1   # the first one\n",
    );
    folder.write("classic.plan.yaml", above.as_bytes());
    folder.write("classic.inventory.yaml", CLASSIC_INVENTORY.as_bytes());
    let ended = run();
    assert_eq!(ended.exit, 0, "{}", ended.said());
}

#[test]
fn a_saved_plan_of_another_version_is_not_run() {
    let folder = classic();
    assert_eq!(folder.run(&["plan", "classic.plan.yaml", "-o", "now.json"]).exit, 0);
    let text = std::fs::read_to_string(folder.path().join("now.json")).expect("it was saved");
    folder.write("now.json", text.replacen("\"version\":1", "\"version\":2", 1).as_bytes());
    assert_usage(&folder.run(&["run", "now.json"]), "version 2");
}

/// Kills a real process with SIGKILL when its output shows a word, and lets the next one take its run up.
fn killed_at(word: &str) {
    let folder = classic();
    let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(["run", "classic.plan.yaml", "--auto-approve", "--speed", "20000", "--format", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let found = output.lines().map_while(Result::ok).any(|line| line.contains(word));
    assert!(found, "the run never said {word}");
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    let before = events(&folder).len();
    let ended = folder.run(&["resume", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_no_call_twice(&folder);
    let events = events(&folder);
    assert_eq!(events[before]["kind"]["event"], "resumed");
    assert!(states(&folder).values().all(|state| state == "succeeded" || state == "adopted"));
}

#[test]
fn a_process_killed_while_it_replicates_loses_nothing() {
    killed_at("reprotect/w2/1");
}

#[test]
fn a_process_killed_while_it_fails_over_loses_nothing() {
    killed_at("failover/w3/1");
}

#[test]
fn a_process_killed_while_it_commits_loses_nothing() {
    killed_at("commit-");
}

#[test]
fn a_database_that_was_cut_short_does_not_hide_its_runs() {
    let folder = classic();
    assert_eq!(folder.run(&APPROVED).exit, 0);
    let database = folder.path().join(".failback/failback.db");
    for name in ["failback.db-wal", "failback.db-shm"] {
        let _ = std::fs::remove_file(database.with_file_name(name));
    }
    std::fs::write(&database, b"").expect("it can be written");
    let listed = folder.run(&["runs"]);
    assert!(listed.err.contains("the database was replaced or cut short"), "{}", listed.said());
}

#[test]
fn a_hint_names_the_folder_of_the_run() {
    let folder = classic();
    let mut arguments = RUN.to_vec();
    arguments.extend(["--state-dir", "state of runs"]);
    let waits = folder.run(&arguments);
    assert_eq!(waits.exit, 4, "{}", waits.said());
    assert!(waits.err.contains(" --state-dir 'state of runs'"), "{}", waits.said());
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_is_full_is_told_and_stops_nothing() {
    let folder = classic();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let ended = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(APPROVED)
        .args(["--format", "json"])
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .expect("it can be run");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains("the output could not be written") && told.contains("failback logs"), "{told}");
    assert_eq!(ended.status.code(), Some(0), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_told() {
    for flag in ["--help", "--version"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let ended = Command::new(env!("CARGO_BIN_EXE_failback")).arg(flag).stdout(full).output();
        let ended = ended.expect("it can be run");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(told.contains("can't write the output"), "{flag}: {told}");
        assert_eq!(ended.status.code(), Some(2), "{flag}: {told}");
    }
}

#[test]
fn a_vm_that_the_plan_wants_deleted_first_is_asked_for_and_the_run_goes_on_when_it_is_gone() {
    let plan = CLASSIC_PLAN.replace("  - name: w2", "  - {name: w2, failback: {delete_existing_vm: true}}");
    let folder = Folder::with(&[("classic.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let unattended = folder.run(&RUN);
    assert_eq!(unattended.exit, 4, "{}", unattended.said());
    assert!(unattended.out.contains("Delete the on-premises VM of w2 in vCenter"), "{}", unattended.said());
    let approved = folder.run(&["resume", "latest", "--auto-approve", "--speed", "max"]);
    assert_eq!(approved.exit, 0, "{}", approved.said());
    let mut kinds = events(&folder).into_iter().map(|event| event["kind"].clone());
    let done = kinds.find(|kind| kind["event"] == "step_succeeded" && kind["step"] == "await_deletion/w2");
    assert_eq!(done.expect("the step is done")["note"], "the on-premises VM was seen to be gone");
}
