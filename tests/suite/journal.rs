//! The record of a run as its users meet it: read by everybody, changed by nobody unnoticed, and clear about bad days.

use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use failback::event::RunEvent;
use failback::event::RunEventKind;
use rusqlite::Connection;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

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

/// Changes the record as somebody would who hides something.
fn change(folder: &Folder, query: &str) {
    let unlocked = "DROP TRIGGER events_stay; DROP TRIGGER events_stand;";
    sqlite(folder).execute_batch(&format!("{unlocked} {query}")).expect("it can be changed");
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

#[test]
fn a_changed_record_is_shown_as_far_as_it_is_intact_and_not_gone_on_with() {
    let folder = waiting();
    let all = events(&folder);
    let lie = "UPDATE events SET event = replace(event, '\"step\":\"', '\"step\":\"not-') WHERE seq = 40";
    change(&folder, lie);
    let words = ["is broken at event 40", "does not follow", "put back a copy"];
    let logs = folder.run(&["logs", "--events"]);
    assert_says(&logs, 2, &words);
    assert_eq!(lines(&logs.out), all[..39], "what is before the change is told");
    let shown = folder.run(&["show"]);
    assert_says(&shown, 2, &words);
    assert!(shown.out.contains(": broken") && shown.out.contains("39 events"), "{}", shown.said());
    let shown = folder.run(&["show", "--format", "json"]);
    assert!(shown.json()["broken"].as_str().is_some_and(|why| why.contains("event 40")), "{}", shown.said());
    let runs = folder.run(&["runs"]);
    assert_says(&runs, 2, &words);
    assert!(runs.out.contains("broken"), "{}", runs.said());
    assert_eq!(folder.run(&["runs", "--format", "json"]).json()["runs"][0]["state"], "broken");
    assert_left_alone(&folder, &words);
}

#[test]
fn a_changed_time_beside_an_event_breaks_the_record_like_a_changed_event() {
    let folder = waiting();
    let all = events(&folder);
    change(&folder, "UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE seq = 5");
    let words = ["is broken at event 5", "the time beside it is not its own", "put back a copy"];
    let logs = folder.run(&["logs", "--events"]);
    assert_says(&logs, 2, &words);
    assert_eq!(lines(&logs.out), all[..4], "what is before the change is told");
    for command in [vec!["show"], vec!["runs"], vec!["approve", "--all"]] {
        assert_says(&folder.run(&command), 2, &words);
    }
    assert_left_alone(&folder, &words);
}

#[test]
fn a_changed_entry_hides_no_events_and_is_not_gone_on_with() {
    let folder = waiting();
    let all = events(&folder);
    change(&folder, "UPDATE runs SET options = replace(options, 'false', 'true')");
    let words = ["is broken at its beginning", "its entry was changed", "--events"];
    let shown = folder.run(&["show"]);
    assert_says(&shown, 2, &words);
    assert_eq!(shown.out, "", "how it began is not known");
    let logs = folder.run(&["logs", "--events"]);
    assert_says(&logs, 2, &words);
    assert_eq!(lines(&logs.out), all, "its events follow from the head that is kept");
    assert_says(&folder.run(&["approve", "--all"]), 2, &words);
    assert_left_alone(&folder, &words);
}

#[test]
fn an_entry_that_cant_be_read_hides_no_other_run() {
    let folder = waiting();
    let good = folder.run(&["runs", "--format", "json"]).json()["runs"][0]["run"].clone();
    let good = good.as_str().expect("an id");
    let all = events(&folder);
    let copy = "INSERT INTO runs SELECT 'bad-one', plan, plan_path, plan_digest, facts_digest, provider, options, 'soon',
                git_commit, program, migrated_events, head FROM runs;
         INSERT INTO events SELECT 'bad-one', seq, at, event, hash FROM events;";
    sqlite(&folder).execute_batch(copy).expect("it can be changed");
    let words = ["bad-one is broken at its beginning", "its entry can't be read"];
    let runs = folder.run(&["runs"]);
    assert_says(&runs, 2, &words);
    for (run, state) in [(good, "interrupted"), ("bad-one", "broken")] {
        let line = runs.out.lines().find(|line| line.starts_with(run)).expect("it is listed");
        assert!(line.contains(state), "{}", runs.said());
    }
    let listed = folder.run(&["runs", "--format", "json"]).json();
    assert_eq!(
        (&listed["runs"][0]["run"], &listed["runs"][0]["state"]),
        (&"bad-one".into(), &"broken".into())
    );
    assert!(listed["runs"][1]["broken"].is_null(), "{listed}");
    assert_says(&folder.run(&["show", "bad-one"]), 2, &words);
    // An order must not go to another run than the latest because that can't be told.
    for command in [vec!["show"], vec!["cancel", "latest"], RESUME.to_vec()] {
        let told = ["which run is the latest can't be told", "bad-one", "name the run"];
        assert_says(&folder.run(&command), 2, &told);
    }
    let shown = folder.run(&["show", good]);
    assert_eq!(shown.exit, 0, "{}", shown.said());
    assert_eq!(lines(&folder.run(&["logs", good, "--events"]).out), all);
    let ended = folder.run(&["resume", good, "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
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

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn anybody_can_compute_the_chain_as_the_docs_say() {
    let folder = waiting();
    let sqlite = sqlite(&folder);
    let entry = "SELECT json_array(id, plan, plan_path, plan_digest, facts_digest, provider, options,
            created_at, git_commit, program, migrated_events), head FROM runs";
    let (entry, head): (String, String) =
        sqlite.query_row(entry, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("the run is entered");
    let mut hash = sha256(&entry);
    assert_eq!(hash, head);
    let mut query = sqlite.prepare("SELECT event, hash FROM events ORDER BY seq").expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
    let mut count = 0;
    for row in rows {
        let (event, stored): (String, String) = row.expect("read");
        hash = sha256(&format!("{hash}\n{event}"));
        assert_eq!(hash, stored);
        count += 1;
    }
    assert_eq!(count, events(&folder).len());
}

/// Returns the fenced blocks of a language in the guide to the journal.
fn blocks(language: &str) -> Vec<String> {
    let text = include_str!("../../docs/journal.md");
    let fence = format!("```{language}\n");
    let blocks: Vec<String> = text
        .split(fence.as_str())
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect();
    assert!(!blocks.is_empty(), "the guide has {language}");
    blocks
}

#[test]
fn the_queries_of_the_guide_find_something_in_a_real_run() {
    let folder = classic();
    folder.write(
        "bad.yaml",
        b"kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {kind: job_fails, of: w2, phase: failover, code: \"78037\"}\n",
    );
    let mut arguments = RUN.to_vec();
    arguments.extend(["--auto-approve", "--scenario", "bad.yaml"]);
    assert_eq!(folder.run(&arguments).exit, 3);
    let sqlite = sqlite(&folder);
    for block in blocks("sql") {
        let mut query = sqlite.prepare(&block).unwrap_or_else(|error| panic!("{error} in {block}"));
        let mut rows = query.query([]).unwrap_or_else(|error| panic!("{error} in {block}"));
        assert!(rows.next().expect("it can be read").is_some(), "nothing is found by {block}");
    }
}

#[test]
fn the_guide_names_the_tables_as_they_are() {
    let folder = waiting();
    let sqlite = sqlite(&folder);
    let guide = include_str!("../../docs/journal.md");
    let mut query = sqlite
        .prepare(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
        )
        .expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
    let columns: Vec<(String, String)> = rows.collect::<Result<_, _>>().expect("read");
    assert!(columns.len() > 15, "{columns:?}");
    for (table, column) in columns {
        let row = format!("| `{table}` | `{column}` |");
        assert!(guide.contains(&row), "{row} is not in the guide");
    }
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

#[test]
fn a_database_that_was_cut_short_is_told_and_nothing_is_asked_for() {
    let folder = waiting();
    let text = std::fs::read(database(&folder)).expect("there");
    std::fs::write(database(&folder), &text[..text.len() / 2]).expect("cut short");
    for command in [vec!["runs"], vec!["show"], vec!["logs", "--events"]] {
        assert_says(&folder.run(&command), 2, &["damaged"]);
    }
    assert_log_is_shown(&folder, &["damaged"]);
    assert_left_alone(&folder, &["damaged"]);
}

#[test]
fn a_run_that_the_database_does_not_know_is_not_a_run_that_never_was() {
    let folder = waiting();
    let runs = folder.run(&["runs", "--format", "json"]).json();
    let run = runs["runs"][0]["run"].as_str().expect("an id").to_owned();
    for name in ["failback.db", "failback.db-wal", "failback.db-shm"] {
        let _ = std::fs::remove_file(database(&folder).with_file_name(name));
    }
    let mut arguments = RUN.to_vec();
    arguments.extend(["--auto-approve", "--state-dir", "other"]);
    assert_eq!(folder.run(&arguments).exit, 0);
    std::fs::copy(folder.path().join("other/failback.db"), database(&folder))
        .expect("another takes its place");
    let before = calls(&folder);
    for command in ["resume", "show", "logs"] {
        let ended = folder.run(&[command, &run]);
        assert_says(&ended, 2, &["has no record of run", "replaced or cut short", "put back a copy"]);
    }
    let log = folder.run(&["logs", &run]);
    assert_says(&log, 2, &["this is the log of run", "which proves nothing"]);
    assert!(log.out.contains("RunStarted"), "{}", log.said());
    assert_eq!(folder.run(&["logs", &run, "--events"]).out, "", "the log is no journal");
    assert_eq!(calls(&folder), before);
}

#[test]
fn a_database_that_is_gone_leaves_the_logs_of_its_runs() {
    let folder = waiting();
    let runs = folder.run(&["runs", "--format", "json"]).json();
    let run = runs["runs"][0]["run"].as_str().expect("an id").to_owned();
    lose(&folder, false);
    let words = ["failback.db` is gone: there is no record of", run.as_str(), "put back a copy"];
    let commands = [
        vec!["runs"],
        vec!["runs", "--format", "json"],
        vec!["show"],
        vec!["resume"],
        vec!["cancel", "latest"],
    ];
    for command in commands {
        assert_says(&folder.run(&command), 2, &words);
    }
    for word in ["latest", run.as_str(), &run[..10]] {
        let log = folder.run(&["logs", word]);
        assert_says(&log, 2, &words);
        assert_says(&log, 2, &["the journal can't be read; this is the log of run"]);
        assert!(log.out.contains("RunStarted"), "{}", log.said());
    }
    assert_eq!(folder.run(&["logs", "--events"]).out, "", "the log is no journal");
    assert!(!database(&folder).exists(), "nothing was made");
}

/// Takes the database away, and leaves an empty one if that is wanted.
fn lose(folder: &Folder, leaves_empty: bool) {
    for name in ["failback.db", "failback.db-wal", "failback.db-shm"] {
        let _ = std::fs::remove_file(database(folder).with_file_name(name));
    }
    if leaves_empty {
        std::fs::write(database(folder), b"").expect("it can be written");
    }
}

#[test]
fn no_record_is_begun_anew_in_a_database_that_was_emptied() {
    let folder = waiting();
    lose(&folder, true);
    let before = std::fs::read_dir(folder.path().join(".failback/runs")).expect("listed").count();
    let refused = folder.run(&RUN);
    assert_says(&refused, 2, &["was emptied", "put back a copy of the database", "--state-dir"]);
    assert_eq!(std::fs::read(database(&folder)).expect("there"), b"", "nothing was made in it");
    let after = std::fs::read_dir(folder.path().join(".failback/runs")).expect("listed").count();
    assert_eq!(after, before);
}

#[test]
fn a_run_beside_runs_without_a_record_says_so_first() {
    let folder = waiting();
    lose(&folder, false);
    let ended = folder.run(&RUN);
    assert_says(&ended, 4, &["has no record of", "put back a copy of the database if there is one"]);
    let other = folder.run(&["run", "classic.plan.yaml", "--speed", "max", "--state-dir", "fresh"]);
    assert!(!other.err.contains("no record"), "{}", other.said());
}

#[test]
fn a_process_killed_while_it_made_the_first_database_lost_nothing() {
    let folder = classic();
    // What is there when it dies after the file was made, and when it dies before its run is entered.
    folder.write(".failback/failback.db", b"");
    assert_says(&folder.run(&["runs"]), 2, &["there are no runs in"]);
    folder.write(".failback/runs/20250601-000000-0000/plan.yaml", b"");
    let listed = folder.run(&["runs"]);
    assert_says(&listed, 2, &["there are no runs in"]);
    let ended = folder.run(&RUN);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    for said in [listed.said(), ended.said(), folder.run(&["runs"]).said()] {
        assert!(!said.contains("replaced or cut short") && !said.contains("emptied"), "{said}");
    }
}

/// Runs the program itself, in a shell that prepares its process.
#[cfg(unix)]
fn program(folder: &Folder, prepared: &str, arguments: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{prepared} exec \"$0\" {arguments}"), env!("CARGO_BIN_EXE_failback")])
        .current_dir(folder.path());
    command
}

/// Asserts that a journal holds the intent of every request that the site was sent, and goes on to a good end.
#[cfg(unix)]
fn assert_nothing_unrecorded_and_resumable(folder: &Folder) {
    let sent = |calls: &[Value]| -> Vec<String> {
        calls.iter().filter_map(|call| Some(call["call"]["begin"]["key"].as_str()?.to_owned())).collect()
    };
    let intents: Vec<Value> =
        events(folder).iter().map(|event| event["kind"]["key"].clone()).filter(Value::is_string).collect();
    for key in sent(&calls(folder)) {
        assert!(intents.iter().any(|intent| *intent == key), "{key} was sent and is not in the journal");
    }
    let ended = folder.run(&RESUME);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let keys = sent(&calls(folder));
    let once: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!((keys.len(), once.len()), (17, 17), "prepare, and four requests for each of four machines");
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_in_the_middle_of_a_run_stops_it_and_loses_nothing() {
    let folder = classic();
    // No file may grow beyond this; the journal's own log is the first that wants to.
    let output = program(
        &folder,
        "trap '' XFSZ; ulimit -f 300;",
        "run classic.plan.yaml --auto-approve --speed max --format json",
    )
    .output()
    .expect("it can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    for word in ["stopped before the site was touched again", "make room", "failback resume"] {
        assert!(said.contains(word), "`{word}` is not in {said}");
    }
    let told = lines(&String::from_utf8_lossy(&output.stdout));
    let kept = events(&folder);
    assert!(told.len() > 10 && told.len() <= kept.len(), "{} told, {} kept", told.len(), kept.len());
    assert_eq!(told, kept[..told.len()], "nothing was told that is not kept");
    assert_nothing_unrecorded_and_resumable(&folder);
}

#[cfg(unix)]
#[test]
fn a_database_that_is_replaced_in_the_middle_of_a_run_stops_it() {
    use std::io::BufRead as _;
    let folder = classic();
    let mut child = program(&folder, "", "run classic.plan.yaml --auto-approve --speed 20000 --format json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it can be run");
    let mut output = std::io::BufReader::new(child.stdout.take().expect("it is piped")).lines();
    assert!(output.by_ref().map_while(Result::ok).any(|line| line.contains("reprotect/w2/1")));
    let away = database(&folder).with_file_name("away.db");
    std::fs::rename(database(&folder), &away).expect("moved");
    std::fs::write(database(&folder), b"").expect("another takes its place");
    output.for_each(drop);
    let ended = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("moved, deleted or replaced"), "{said}");
    std::fs::rename(&away, database(&folder)).expect("moved back");
    assert_nothing_unrecorded_and_resumable(&folder);
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_told_and_can_still_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = waiting();
    let state = folder.path().join(".failback");
    let mode = |mode| {
        let set = |path: &PathBuf, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
        };
        set(&database(&folder), mode & 0o600);
        set(&state, mode);
    };
    mode(0o500);
    let is_bound = std::fs::write(state.join("probe"), b"").is_err();
    let ended = (folder.run(&RUN), folder.run(&RESUME), folder.run(&["show"]), folder.run(&["runs"]));
    mode(0o700);
    // Whoever may write everywhere finds no such folder.
    if is_bound {
        assert_eq!((ended.0.exit, ended.1.exit), (2, 2), "{} {}", ended.0.said(), ended.1.said());
        assert!(ended.1.err.contains("writable for this user"), "{}", ended.1.said());
        assert!(!ended.0.err.is_empty(), "{}", ended.0.said());
    }
    assert_eq!((ended.2.exit, ended.3.exit), (0, 0), "{} {}", ended.2.said(), ended.3.said());
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
