//! Drills as the dashboard shows and starts them.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::cli::serve::dashboard::desk::CliDesk;
use crate::id::RunId;
use crate::journal::DrillRow;
use crate::web::NewDrill;
use crate::web::PlanRow;
use crate::web::Refusal;

/// Adds to plans what drills showed of them.
pub(super) fn add(desk: &CliDesk, rows: &mut [PlanRow]) {
    let Ok(drills) = desk
        .database()
        .and_then(|database| database.drills().map_err(|error| Refusal::unavailable(error.in_words())))
    else {
        return;
    };
    for row in rows {
        let last = drills.iter().find(|drill| drill.plan == row.name);
        row.last_drill = last.map(|drill| of(desk, drill));
    }
}

fn of(desk: &CliDesk, drill: &DrillRow) -> Value {
    json!({
        "id": drill.id, "plan": drill.plan, "drill": drill.name, "kind": drill.kind, "cause": drill.cause,
        "at": drill.began_at, "ended_at": drill.ended_at, "run": drill.run, "state": drill.state(&desk.dir),
    })
}

/// Lists drills.
pub(super) fn all(desk: &CliDesk, _rows: &[PlanRow], _now: Timestamp) -> Result<Value, Refusal> {
    let drills = desk.database()?.drills().map_err(|error| Refusal::unavailable(error.in_words()))?;
    let past: Vec<Value> = drills.iter().map(|drill| of(desk, drill)).collect();
    Ok(json!({"version": 1, "past": past, "due": []}))
}

pub(super) fn report(_: &CliDesk, run: &RunId) -> Result<Value, Refusal> {
    Ok(json!({"version": 1, "run": run}))
}

pub(super) fn report_page(_: &CliDesk, run: &RunId) -> Result<String, Refusal> {
    Err(Refusal::unavailable(format!("no report of {run} yet")))
}

/// Starts a drill in a process of its own.
pub(super) fn start(desk: &CliDesk, drill: &NewDrill, path: &Path, _by: &str) -> Result<Value, Refusal> {
    let mut command = program()?;
    command.arg("run").arg(format!("--state-dir={}", desk.dir.root().display()));
    if !drill.ask {
        command.arg("--auto-approve");
    }
    if let Some(speed) = &drill.speed {
        command.arg(format!("--speed={speed}"));
    }
    command.arg("--").arg(path);
    spawn(command)?;
    Ok(json!({"version": 1, "state": "started"}))
}

/// Goes on with a run.
pub(super) fn resume(desk: &CliDesk, run: &RunId, _by: &str) -> Result<(), Refusal> {
    let mut command = program()?;
    command
        .arg("resume")
        .arg(format!("--state-dir={}", desk.dir.root().display()))
        .arg("--")
        .arg(run.as_str());
    spawn(command)
}

fn program() -> Result<Command, Refusal> {
    let program = std::env::current_exe()
        .map_err(|error| Refusal::unavailable(format!("this program can't be found: {error}")))?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

fn spawn(mut command: Command) -> Result<(), Refusal> {
    // A signal to the group of the daemon is none to what it started.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    let mut child = command
        .spawn()
        .map_err(|error| Refusal::unavailable(format!("the process can't be started: {error}")))?;
    std::thread::spawn(move || child.wait());
    Ok(())
}
