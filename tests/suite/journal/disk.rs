//! Disks that are full, replaced or not to be written.

use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::journal::RESUME;
use crate::journal::RUN;
use crate::journal::assert_says;
use crate::journal::calls;
use crate::journal::classic;
use crate::journal::database;
use crate::journal::events;
use crate::journal::lines;
use crate::journal::waiting;
use crate::support::Folder;

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
