//! The record of a run as its users meet it: read by everybody, changed by nobody unnoticed, and clear about bad days.

mod altered;
mod disk;
mod guide;
mod lost;

use std::path::PathBuf;

use failback::event::RunEvent;
use failback::event::RunEventKind;
use rusqlite::Connection;
use serde_json::Value;

use crate::lab;
use crate::lab::Process;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

const RUN: [&str; 4] = ["run", "classic.plan.yaml", "--speed", "max"];

const RESUME: [&str; 4] = ["resume", "--auto-approve", "--speed", "max"];

fn classic() -> Folder {
    Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

/// Returns a folder with a run that waits for an approval.
fn waiting() -> Folder {
    let folder = classic();
    assert_eq!(folder.run(&RUN).exit, 4);
    folder
}

fn database(folder: &Folder) -> PathBuf {
    folder.path().join(".failback/failback.db")
}

/// Opens the database as SQLite's own program would.
fn sqlite(folder: &Folder) -> Connection {
    Connection::open(database(folder)).expect("it can be opened")
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn events(folder: &Folder) -> Vec<Value> {
    let ended = folder.run(&["logs", "--events"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    lines(&ended.out)
}

/// Returns what the emulated site was asked for.
fn calls(folder: &Folder) -> Vec<Value> {
    let runs = std::fs::read_dir(folder.path().join(".failback/runs")).expect("there are runs");
    let run = runs.map(|run| run.expect("it can be read").path()).next().expect("there is one");
    lines(&std::fs::read_to_string(run.join("world/calls.jsonl")).unwrap_or_default())
}

fn assert_says(ended: &Ended, exit: u8, words: &[&str]) {
    assert_eq!(ended.exit, exit, "{}", ended.said());
    for word in words {
        assert!(ended.err.contains(word), "`{word}` is not in {}", ended.said());
    }
}

/// Asserts that a run is not taken over and its site is not asked for anything.
fn assert_left_alone(folder: &Folder, words: &[&str]) {
    let before = calls(folder);
    assert_says(&folder.run(&RESUME), 2, words);
    assert_eq!(calls(folder), before, "the site is not touched");
}

/// Changes the record as somebody would who hides something.
fn change(folder: &Folder, query: &str) {
    let unlocked = "DROP TRIGGER events_stay; DROP TRIGGER events_stand;";
    sqlite(folder).execute_batch(&format!("{unlocked} {query}")).expect("it can be changed");
}

#[test]
fn the_commands_of_a_hint_find_the_folder_that_was_named() {
    let folder = waiting();
    change(&folder, "UPDATE events SET at = '' WHERE seq = 5");
    std::fs::rename(folder.path().join(".failback"), folder.path().join("state")).expect("moved");
    let shown = folder.run(&["show", "--state-dir", "state"]);
    assert_says(&shown, 2, &["--events --state-dir state;"]);
    assert_says(
        &folder.run(&["show", "none", "--state-dir", "state"]),
        2,
        &["failback runs --state-dir state"],
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_cant_be_looked_into_is_not_one_without_runs() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = waiting();
    assert_says(&folder.run(&["runs", "--state-dir", "none"]), 2, &["there are no runs in `none`"]);
    // A link to itself leads nowhere for everybody, also for those who may look everywhere.
    std::os::unix::fs::symlink("loop", folder.path().join("loop")).expect("made");
    let state = folder.path().join(".failback");
    let mode = |mode| {
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(0);
    let is_bound = std::fs::metadata(database(&folder)).is_err();
    let closed = folder.run(&["approve", "--all"]);
    mode(0o700);
    let looped = folder.run(&["approve", "--all", "--state-dir", "loop"]);
    assert_says(&looped, 2, &["can't look for runs in `loop`"]);
    assert!(!looped.err.contains("there are no runs"), "{}", looped.said());
    if is_bound {
        assert_says(&closed, 2, &["can't look for runs", "ermission denied", "ask its owner"]);
        assert!(!closed.err.contains("there are no runs"), "{}", closed.said());
    }
}

#[test]
fn a_record_is_bound_to_what_began_it() {
    let folder = classic();
    let commit = "0123456789abcdef0123456789abcdef01234567";
    folder.write(".git/HEAD", b"ref: refs/heads/main\n");
    folder.write(".git/refs/heads/main", format!("{commit}\n").as_bytes());
    assert_eq!(folder.run(&RUN).exit, 4);
    let sqlite = sqlite(&folder);
    let query = "SELECT plan_digest, facts_digest, git_commit, program, migrated_events FROM runs";
    let found: (String, String, String, String, i64) = sqlite
        .query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
        .expect("the run is entered");
    let events = events(&folder);
    assert_eq!(events[0]["kind"]["plan_digest"], found.0.as_str());
    assert_eq!(events[0]["kind"]["facts_digest"], found.1.as_str());
    assert_eq!((found.2.as_str(), found.3.as_str(), found.4), (commit, env!("CARGO_PKG_VERSION"), 0));
}

/// Turns the database into one that version 1 would have written.
fn as_first(folder: &Folder) {
    change(
        folder,
        "DROP TRIGGER inbox_stays; DROP TRIGGER inbox_stands; DROP TABLE inbox;
         DROP TABLE stops; DROP TABLE facts; DROP TABLE drills; DROP TABLE schedule;
         ALTER TABLE events DROP COLUMN hash;
         ALTER TABLE runs DROP COLUMN head;
         ALTER TABLE runs DROP COLUMN migrated_events;
         ALTER TABLE runs DROP COLUMN program;
         ALTER TABLE runs DROP COLUMN git_commit;
         PRAGMA application_id = 0; PRAGMA user_version = 1;",
    );
}

#[test]
fn a_run_of_the_first_version_is_read_and_taken_over() {
    let folder = waiting();
    let before = events(&folder);
    as_first(&folder);
    assert_eq!(events(&folder), before);
    assert_eq!(folder.run(&["show"]).exit, 0);
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let after = events(&folder);
    assert_eq!(after[..before.len()], before);
    let query = "SELECT migrated_events, program FROM runs";
    let (chained, program): (isize, String) =
        sqlite(&folder).query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
    assert_eq!((chained.unsigned_abs(), program.as_str()), (before.len(), env!("CARGO_PKG_VERSION")));
}

/// Asserts that a run's log is shown where its journal can't be read, and that this is said.
fn assert_log_is_shown(folder: &Folder, words: &[&str]) {
    let log = folder.run(&["logs", "latest"]);
    assert_says(&log, 2, words);
    assert_says(&log, 2, &["the journal can't be read; this is the log of run"]);
    assert!(log.out.contains("RunStarted"), "{}", log.said());
}

#[test]
fn a_newer_database_is_left_to_a_newer_program() {
    let folder = waiting();
    sqlite(&folder).pragma_update(None, "user_version", 99).expect("written");
    let words = ["has version 99", "use the newer program"];
    for command in [vec!["runs"], vec!["show"], vec!["logs", "--events"], RUN.to_vec()] {
        assert_says(&folder.run(&command), 2, &words);
    }
    assert_log_is_shown(&folder, &words);
    assert_left_alone(&folder, &words);
}

/// Returns how many events of a run are kept when its process dies at each sync, up to the one after which it ends.
fn kept_at_syncs() -> Vec<Vec<RunEvent>> {
    let world = lab::world(lab::CLASSIC.0, lab::CLASSIC.1);
    let killed = |syncs| world.drive(&world.site(), Process::default().killed_at_sync(syncs));
    let all = (1..).map(killed);
    all.take_while(|ran| ran.end.is_err()).map(|ran| ran.events).collect()
}

#[test]
fn what_begins_in_one_turn_is_kept_by_one_sync() {
    let kept = kept_at_syncs();
    let intents = |events: &[RunEvent]| {
        let intent = |event: &&RunEvent| matches!(event.kind, RunEventKind::IntentRecorded { .. });
        events.iter().filter(intent).count()
    };
    let groups = kept.windows(2).map(|pair| intents(&pair[1][pair[0].len()..]));
    assert_eq!(groups.max(), Some(4), "four machines are reprotected at once, and none depends on another");
}
