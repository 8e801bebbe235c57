//! Real processes that die by SIGKILL, and the ones that take their runs over: what `crash` shows for every event, shown for
//! disks and locks at some.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::lab::MODERNIZED;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

fn folder(classic: bool) -> Folder {
    let (plan, inventory) = if classic { (CLASSIC_PLAN, CLASSIC_INVENTORY) } else { MODERNIZED };
    let name = if classic { "classic.inventory.yaml" } else { "modernized.inventory.yaml" };
    Folder::with(&[("p.plan.yaml", plan), (name, inventory)])
}

/// Starts a process, kills it when its output shows a word, and returns whether it did.
fn kill_at(folder: &Folder, arguments: &[&str], word: &str) -> bool {
    let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(arguments)
        .args(["--auto-approve", "--speed", "20000", "--format", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let found = output.lines().map_while(Result::ok).any(|line| line.contains(word));
    child.kill().expect("it can be killed, or is gone");
    child.wait().expect("it is gone");
    found
}

/// Returns the requests that the emulated site took on, in words without the attempt.
fn taken_on(folder: &Folder) -> Vec<(String, String)> {
    let runs = std::fs::read_dir(folder.path().join(".failback/runs")).expect("there are runs");
    let run = runs.map(|run| run.expect("it can be listed").path()).next().expect("there is one");
    let calls = std::fs::read_to_string(run.join("world/calls.jsonl")).expect("the site keeps its calls");
    let calls = calls.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let taken = calls.filter_map(|call| {
        let begin = &call["call"]["begin"];
        let operation = begin["operation"].as_str()?.to_owned();
        Some((begin["request"].to_string(), operation))
    });
    taken.collect()
}

/// Lets processes die one after the other, each when it says its word, and the last one finish.
fn killed(classic: bool, words: &[&str]) {
    let folder = folder(classic);
    for (at, word) in words.iter().enumerate() {
        let arguments: &[&str] = if at == 0 { &["run", "p.plan.yaml"] } else { &["resume"] };
        assert!(kill_at(&folder, arguments, word), "process {at} never said {word}");
    }
    let ended = folder.run(&["resume", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{words:?}: {}", ended.said());
    let taken = taken_on(&folder);
    for (at, (request, operation)) in taken.iter().enumerate() {
        let twice = taken[..at].iter().find(|(before, _)| before == request);
        assert!(twice.is_none(), "{words:?}: {request} was begun as {twice:?} and as {operation}");
    }
    let shown = folder.run(&["show", "--format", "json"]).json();
    assert_eq!(shown["state"], "succeeded", "{words:?}: {shown}");
}

#[test]
fn a_classic_run_goes_on_wherever_its_process_is_killed() {
    // A key is said when the intent is on disk, before the request is sent; an operation when its reply is.
    for word in
        ["run_started", "prepare/1", "reprotect/w1/1", "reprotect-", "barrier/1", "failover-", "commit/w2/1"]
    {
        killed(true, &[word]);
    }
}

#[test]
fn a_modernized_run_goes_on_wherever_its_process_is_killed() {
    for word in ["reprotect/", "failover/", "failover-", "approval_given", "commit/", "forward/"] {
        killed(false, &[word]);
    }
}

#[test]
fn one_process_after_the_other_may_be_killed() {
    killed(true, &["reprotect/w1/1", "resumed", "failover/", "resumed", "commit/", "forward/"]);
}

/// Returns how many events the latest run has; none as long as there is no run.
fn events(folder: &Folder) -> u64 {
    let shown = folder.run(&["show", "latest", "--format", "json"]);
    let shown: Option<Value> = serde_json::from_str(&shown.out).ok();
    shown.and_then(|shown| shown["events"].as_u64()).unwrap_or(0)
}

fn last_drill(folder: &Folder) -> Value {
    folder.run(&["drills", "p.plan.yaml", "--format", "json"]).json()["drills"][0]["last"].clone()
}

#[test]
fn a_drill_whose_process_is_killed_ends_with_its_run_and_asks_no_more_than_it_did() {
    let drills = "drills: [{name: monthly, kind: rehearsal}]\n";
    for (plan, facts) in [(CLASSIC_PLAN, CLASSIC_INVENTORY), MODERNIZED] {
        let name = if plan == CLASSIC_PLAN { "classic" } else { "modernized" };
        let plan = format!("{plan}\n{drills}");
        let inventory = format!("{name}.inventory.yaml");
        let folder = Folder::with(&[("p.plan.yaml", &plan), (&inventory, facts)]);
        let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
            .args(["drill", "p.plan.yaml", "--by", "kim", "--speed", "200", "--format", "json"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        while events(&folder) < 8 {
            assert!(child.try_wait().expect("it is there").is_none(), "it ended before it was killed");
            std::thread::yield_now();
        }
        child.kill().expect("it can be killed");
        child.wait().expect("it is gone");
        assert_eq!(last_drill(&folder)["state"], "died");
        let ended = folder.run(&["resume", "latest", "--speed", "max"]);
        assert_eq!(ended.exit, 0, "it answers itself as it did: {}", ended.said());
        assert!(ended.err.contains("ended with the run: passed"), "{}", ended.said());
        let last = last_drill(&folder);
        assert_eq!(last["state"], "passed", "{last}");
        let report = folder.run(&["report", last["id"].as_str().expect("an id"), "--format", "json"]).json();
        assert_eq!((&report["drill"]["by"], &report["drill"]["verdict"]), (&"kim".into(), &"passed".into()));
    }
}

#[test]
fn a_rehearsal_that_asks_people_goes_on_asking_when_it_was_killed() {
    let plan = format!("{CLASSIC_PLAN}\ndrills: [{{name: monthly, kind: rehearsal}}]\n");
    let folder = Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let begin = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failback"));
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
    };
    let asks = || folder.run(&["approve", "latest", "--all"]).exit == 0;
    let mut child = begin(&["drill", "p.plan.yaml", "--ask", "--speed", "600", "--format", "json"]);
    while events(&folder) < 4 {
        assert!(child.try_wait().expect("it is there").is_none(), "it ended before it was killed");
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
    let mut child = begin(&["resume", "latest"]);
    let mut answered = 0;
    let status = loop {
        answered += usize::from(asks());
        if let Some(status) = child.try_wait().expect("it is there") {
            break status;
        }
    };
    assert_eq!(status.code(), Some(0), "it waited for answers from elsewhere");
    assert!(answered > 0);
    let state = last_drill(&folder)["state"].clone();
    assert!(state == "passed" || state == "degraded", "people and this machine may be slow: {state}");
}

/// Starts the run, kills it once its action runs, and returns whether that happened.
fn killed_while_acting(folder: &Folder) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(["run", "p.plan.yaml", "--real-actions", "--auto-approve", "--speed", "max"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while !folder.path().join("begun").exists() {
        assert!(child.try_wait().expect("it is there").is_none(), "it ended before its action began");
        std::thread::yield_now();
    }
    // Its process is noted when it has begun, which may be after what it does first.
    while !is_noted(&folder.path().join(".failback/runs")) {
        assert!(child.try_wait().expect("it is there").is_none(), "it ended before its action was noted");
        std::thread::yield_now();
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it is gone");
}

/// Returns whether a file somewhere in a folder names the process of an action.
fn is_noted(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.into_iter().any(|path| {
        let is_note = path.extension().is_some_and(|ending| ending == "pid");
        is_noted(&path) || is_note && std::fs::metadata(&path).is_ok_and(|note| note.len() > 0)
    })
}

#[test]
#[cfg(unix)]
fn an_action_that_outlives_its_process_is_told_of_and_not_begun_beside_itself() {
    let command = "echo begin >> log; touch begun; while ! [ -e go ]; do sleep 0.02; done; echo end >> log";
    let action = format!(
        "actions:\n  - {{name: quiet, before: {{phase: reprotect, of: w1}}, run: {{command: [sh, -c, \"{command}\"]}}, timeout: 10m, rerun: always}}\n"
    );
    let plan = format!("{CLASSIC_PLAN}{action}");
    let folder = Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    killed_while_acting(&folder);
    let mut child = Command::new(env!("CARGO_BIN_EXE_failback"))
        .args(["resume", "--real-actions", "--auto-approve", "--speed", "max", "--format", "json"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    let mut told = None;
    for line in output.lines().map_while(Result::ok) {
        if line.contains("action-still-runs") {
            told = Some(line);
            std::fs::write(folder.path().join("go"), "").expect("it can be written");
        }
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{told:?}");
    assert!(told.is_some_and(|told| told.contains("process group ")));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("the action wrote it");
    assert_eq!(log, "begin\nend\nbegin\nend\n", "one after the other");
}
