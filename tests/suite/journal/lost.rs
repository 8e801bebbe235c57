//! Databases that are gone, empty or cut short.

use crate::journal::RUN;
use crate::journal::assert_left_alone;
use crate::journal::assert_log_is_shown;
use crate::journal::assert_says;
use crate::journal::calls;
use crate::journal::database;
use crate::journal::waiting;
use crate::support::Folder;

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
