//! Drills as the dashboard shows and starts them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::PoisonError;

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::rand::SecureRandom as _;
use serde_json::Value;
use serde_json::json;

use crate::cli::serve::dashboard::desk::CliDesk;
use crate::cli::session::SpeedChoice;
use crate::drill::listing;
use crate::drill::timetable::Timetable;
use crate::id::RunId;
use crate::journal::DrillRow;
use crate::syntax::drill::DrillKind;
use crate::web::NewDrill;
use crate::web::PlanRow;
use crate::web::Refusal;
use crate::web::RefusalKind;

/// Adds to plans what drills showed of them.
pub(super) fn add(desk: &CliDesk, rows: &mut [PlanRow]) {
    let unreadable = |error: crate::journal::DatabaseError| Refusal::unavailable(error.in_words());
    let read = desk.database().and_then(|database| {
        let runs = database.runs().map_err(unreadable)?.len();
        Ok((database.drills().map_err(unreadable)?, runs))
    });
    let Ok((drills, runs)) = read else { return };
    let lines = listing::of(&desk.found(), &drills, Some(&desk.dir), desk.clock.now());
    let ended = drills.iter().filter(|drill| drill.verdict.is_some()).count();
    let record = format!("{runs} {} {ended}", drills.len());
    for row in rows {
        let last = drills.iter().find(|drill| drill.plan == row.name);
        row.last_drill = last.map(|drill| of(desk, drill));
        let measured = drills.iter().filter(|drill| drill.plan == row.name).find_map(measured);
        if let Some(measured) = measured {
            row.objective = Some(measured.kept.to_owned());
            row.objective_by = Some("drill");
            row.rto_measured_s = measured.seconds;
            row.measured_at = Some(measured.at);
        }
        let next = lines.iter().filter(|line| line.plan == row.name && line.next_at.is_some());
        let next = next.min_by_key(|line| line.next_at);
        row.next_drill = next.map(|line| json!({"at": line.next_at, "drill": line.drill}));
        if row.state == "ready" && runs > 0 {
            row.coverage =
                desk.plans.file(desk, &row.key).ok().and_then(|plan| known_coverage(desk, &record, &plan));
        }
    }
}

/// What a drill showed of the plan's objective.
#[derive(Debug, PartialEq, Eq)]
struct Measured {
    kept: &'static str,
    seconds: Option<u64>,
    at: String,
}

/// Returns whether a drill of the whole plan kept the plan's objective, and what it took; `None` of one that could not tell, and of one
/// that exercised a part: others say nothing of the whole.
fn measured(drill: &DrillRow) -> Option<Measured> {
    let result: Value = serde_json::from_str(drill.result.as_deref()?).ok()?;
    let rto = &result["objectives"]["rto"];
    let is_whole = result["left_out"].as_array().is_none_or(Vec::is_empty);
    let kept = match rto["kept"].as_str()? {
        "kept" => "kept",
        "missed" => "missed",
        _ => return None,
    };
    is_whole.then(|| Measured { kept, seconds: rto["measured_s"].as_u64(), at: drill.began_at.to_string() })
}

/// Returns how much of a plan was exercised; counted once for each change of the record.
fn known_coverage(desk: &CliDesk, record: &str, plan: &Path) -> Option<f64> {
    let known = || desk.coverage.lock().unwrap_or_else(PoisonError::into_inner);
    let found = Some(known()).filter(|known| known.0 == record).and_then(|known| known.1.get(plan).copied());
    if let Some(found) = found {
        return found;
    }
    // It reads every run of the plan: nobody else waits for that.
    let counted = coverage(desk, &desk.base, plan);
    let mut known = known();
    if known.0 != record {
        *known = (record.to_owned(), HashMap::new());
    }
    known.1.insert(plan.to_owned(), counted);
    counted
}

fn of(desk: &CliDesk, drill: &DrillRow) -> Value {
    json!({
        "id": drill.id, "plan": drill.plan, "drill": drill.name, "kind": drill.kind, "cause": drill.cause,
        "at": drill.began_at, "ended_at": drill.ended_at, "run": drill.run, "state": drill.state(&desk.dir),
    })
}

/// How far ahead the calendar tells of drills.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 92);

/// How many begins of one drill are told of one day, in UTC: a drill that comes more often hides no other, and ends no earlier.
const A_DAY: usize = 24;

/// Returns when the drills of plans are due.
fn due(desk: &CliDesk, rows: &[PlanRow], now: Timestamp) -> Vec<Value> {
    let found = desk.found();
    let until = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let mut all = Vec::new();
    for plan in &found.plans {
        let row = rows.iter().find(|row| row.name == plan.name);
        for drill in &plan.drills {
            let Some(timetable) = plan.timetable(drill) else { continue };
            for (at, has_more) in begins(&timetable, now, until) {
                all.push(json!({
                    "plan": plan.name, "key": row.map(|row| &row.key), "drill": drill.name.value, "at": at,
                    "state": "due", "kind": drill.kind.value.as_str(), "more_that_day": has_more,
                }));
            }
        }
    }
    all.sort_by(|one, other| one["at"].as_str().cmp(&other["at"].as_str()));
    all
}

/// Returns when a drill begins, and of the last that is told of a day whether more follow on it.
fn begins(timetable: &Timetable, now: Timestamp, until: Timestamp) -> Vec<(Timestamp, bool)> {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let (mut all, mut of_day) = (Vec::<(Timestamp, bool)>::new(), 0);
    let mut next = timetable.next_after(now);
    while let Some(at) = next.filter(|at| *at <= until) {
        let is_same_day = all.last().is_some_and(|(last, _)| day(*last) == day(at));
        of_day = if is_same_day { of_day + 1 } else { 1 };
        if of_day <= A_DAY {
            all.push((at, false));
            next = timetable.next_after(at);
            continue;
        }
        if let Some((_, has_more)) = all.last_mut() {
            *has_more = true;
        }
        let midnight = day(at).tomorrow().and_then(|day| day.to_zoned(TimeZone::UTC));
        let Ok(midnight) = midnight else { break };
        next = timetable
            .next_after(midnight.timestamp().saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(at));
    }
    all
}

/// Lists drills.
///
/// # Errors
///
/// [`Refusal`] if they can't be read.
pub(super) fn all(desk: &CliDesk, rows: &[PlanRow], now: Timestamp) -> Result<Value, Refusal> {
    let kept = desk.database()?.drills().map_err(|error| Refusal::unavailable(error.in_words()))?;
    let past: Vec<Value> = kept.iter().map(|drill| of(desk, drill)).collect();
    let lines = listing::of(&desk.found(), &kept, Some(&desk.dir), now);
    Ok(json!({"version": 1, "drills": lines, "past": past, "due": due(desk, rows, now)}))
}

/// Returns the report of a run.
///
/// # Errors
///
/// [`Refusal`] if the run can't be read.
pub(super) fn report(desk: &CliDesk, run: &RunId, format: &str) -> Result<Vec<u8>, Refusal> {
    let (format, dir) = (format!("--format={format}"), flag("state-dir", desk.dir.root()));
    let words = ["report", &format, "--", run.as_str()].map(OsStr::new);
    desk.printed(&desk.folder, &[words[0], words[1], &dir, words[2], words[3]])
}

/// Returns the part of a plan that was exercised, from 0 to 1; `None` if that can't be told.
fn coverage(desk: &CliDesk, base: &Path, plan: &Path) -> Option<f64> {
    let dir = flag("state-dir", desk.dir.root());
    let words = ["coverage", "--format=json", "--"].map(OsStr::new);
    let told = desk.printed(base, &[words[0], words[1], &dir, words[2], plan.as_os_str()]).ok()?;
    let told: Value = serde_json::from_slice(&told).ok()?;
    Some(told["percent"].as_f64()? / 100.0)
}

/// Returns the file of the plan whose drill is to be started, if it has it: nobody is told that something begins which can't.
fn allowed(desk: &CliDesk, drill: &NewDrill) -> Result<PathBuf, Refusal> {
    let invalid = |message: String| Err(Refusal { kind: RefusalKind::Invalid, message });
    let names = [Some(&drill.plan), drill.drill.as_ref()];
    if names.into_iter().flatten().any(|name| name.contains(char::is_control)) {
        return invalid("a name holds no control characters".to_owned());
    }
    let path = desk.plans.file(desk, &drill.plan)?;
    let Some(name) = &drill.drill else { return Ok(path) };
    if !desk.plans.detail(desk, &drill.plan)?.row.drills.contains(name) {
        return Err(Refusal::missing(format!("the plan has no drill `{name}`")));
    }
    let found = desk.found();
    let plans = found.plans.iter().filter(|plan| plan.path == path);
    let named = plans.flat_map(|plan| &plan.drills).find(|known| known.name.value == *name);
    // What the scheduler has not read yet is told by the drill itself.
    let Some(kind) = named.map(|named| named.kind.value) else { return Ok(path) };
    let of_rehearsals = [("`speed`", drill.speed.is_some()), ("`ask`", drill.ask && kind != DrillKind::Live)];
    match of_rehearsals.into_iter().find(|(_, is_given)| *is_given && kind != DrillKind::Rehearsal) {
        Some((what, _)) => {
            invalid(format!("{what} is about rehearsals, and `{name}` is a {} drill", kind.as_str()))
        }
        None => Ok(path),
    }
}

/// Starts a drill in a process of its own.
///
/// # Errors
///
/// [`Refusal`] if there is no process, or the words for it are none.
pub(super) fn start(desk: &CliDesk, drill: &NewDrill, by: &str) -> Result<Value, Refusal> {
    let path = &allowed(desk, drill)?;
    if drill.ask && drill.speed.as_deref() == Some("max") {
        let message = "people have no time to answer at the speed `max`".to_owned();
        return Err(Refusal { kind: RefusalKind::Invalid, message });
    }
    let id = new_id(desk)?;
    let mut command = program()?;
    command.arg("drill");
    match &drill.drill {
        Some(name) => command.arg(format!("--name={name}")),
        None => command.arg("--kind=rehearsal"),
    };
    command.arg(format!("--id={id}")).arg("--cause=person").arg(format!("--by={by}"));
    command.arg(flag("plan-path", &known_as(desk, path)));
    common(desk, &mut command);
    if drill.ask {
        command.arg("--ask");
    }
    if let Some(speed) = &drill.speed {
        SpeedChoice::parse(speed).map_err(|message| Refusal { kind: RefusalKind::Invalid, message })?;
        command.arg(format!("--speed={speed}"));
    }
    command.arg("--format=json").arg("--").arg(path);
    spawn(desk, command, &id)?;
    Ok(json!({"version": 1, "drill": id, "state": "started"}))
}

/// Goes on with a run.
///
/// # Errors
///
/// [`Refusal`] if there is no process.
pub(super) fn resume(desk: &CliDesk, run: &RunId) -> Result<(), Refusal> {
    let id = new_id(desk)?;
    spawn(desk, resuming(desk, run)?, &id)
}

/// Returns the process that goes on with a run: under the settings of the service, whoever began it.
fn resuming(desk: &CliDesk, run: &RunId) -> Result<Command, Refusal> {
    let mut command = program()?;
    command.arg("resume");
    common(desk, &mut command);
    if desk.settings.is_some() {
        command.arg("--allowed-only");
    }
    command.arg("--").arg(run.as_str());
    Ok(command)
}

/// Adds what every process is told.
fn common(desk: &CliDesk, command: &mut Command) {
    command.arg(flag("state-dir", desk.dir.root()));
    if let Some(settings) = &desk.settings {
        command.arg(flag("settings", settings));
    }
}

/// Returns a flag in one word, so that no name is taken for another flag.
fn flag(name: &str, value: &Path) -> OsString {
    let mut word = OsString::from(format!("--{name}="));
    word.push(value);
    word
}

/// Returns the file that a plan is known by, wherever it was copied from.
fn known_as(desk: &CliDesk, path: &Path) -> PathBuf {
    let found = desk.found();
    let plan = found.plans.iter().find(|plan| plan.path == path);
    plan.map_or_else(|| path.to_owned(), |plan| PathBuf::from(&plan.known_as))
}

/// Returns an id of a drill that nobody has yet.
fn new_id(desk: &CliDesk) -> Result<String, Refusal> {
    let mut bytes = [0_u8; 4];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Refusal::unavailable("the system gives no random numbers"))?;
    let ending: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{}-{ending}", desk.clock.now().strftime("%Y%m%dT%H%M%SZ")))
}

fn program() -> Result<Command, Refusal> {
    let program = std::env::current_exe()
        .map_err(|error| Refusal::unavailable(format!("this program can't be found: {error}")))?;
    Ok(Command::new(program))
}

/// Begins a process that goes on when this one ends; what it says is kept beside the drills.
fn spawn(desk: &CliDesk, mut command: Command, id: &str) -> Result<(), Refusal> {
    let cant = |error: std::io::Error| Refusal::unavailable(format!("the process can't be started: {error}"));
    let folder = desk.dir.root().join("drills");
    std::fs::create_dir_all(&folder).map_err(cant)?;
    let log = std::fs::File::create(folder.join(format!("{id}.log"))).map_err(cant)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // A signal to the group of the daemon is none to what it started.
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    let begun = desk.begun.spawn(&mut command).map_err(cant)?;
    begun.ok_or_else(|| Refusal::unavailable("the service is about to end, and begins nothing more"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::env::Env;
    use crate::cli::serve::dashboard::Options;
    use crate::clock::FixedClock;
    use crate::id::DrillId;
    use crate::journal::StateDir;

    fn drill(result: Option<Value>) -> DrillRow {
        DrillRow {
            id: DrillId::new("d1"),
            plan: "erp".into(),
            plan_path: "erp.plan.yaml".into(),
            name: None,
            kind: "rehearsal".into(),
            cause: "person".into(),
            due_at: None,
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: Some(Timestamp::UNIX_EPOCH),
            run: None,
            git_commit: None,
            plan_digest: None,
            verdict: Some("passed".into()),
            result: result.map(|result| result.to_string()),
        }
    }

    #[test]
    fn a_run_is_gone_on_with_under_the_settings_of_the_service() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = StateDir::create(&folder.path().join("state")).expect("made");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
        let env = Env::new(&mut out, &mut err, folder.path(), clock);
        let options = Options {
            serve: None,
            base: folder.path().to_owned(),
            listen: None,
            plans: Vec::new(),
            settings: Some("/etc/failback.yaml".into()),
            found: tokio::sync::watch::channel(Arc::default()).1,
        };
        let desk = CliDesk::new(&options, &dir, &env);
        let command = resuming(&desk, &RunId::new("r1")).expect("there is a program");
        let words: Vec<&OsStr> = command.get_args().collect();
        for word in ["--settings=/etc/failback.yaml", "--allowed-only"] {
            assert!(words.contains(&OsStr::new(word)), "{word} in {words:?}");
        }
    }

    #[test]
    fn a_drill_of_the_whole_plan_that_measured_the_objective_tells_of_it_and_no_other() {
        let of = |kept: &str, left_out: Value| {
            let rto = json!({"objective_s": 60, "measured_s": 70, "kept": kept});
            measured(&drill(Some(json!({"objectives": {"rto": rto}, "left_out": left_out}))))
        };
        let at = Timestamp::UNIX_EPOCH.to_string();
        assert_eq!(of("missed", json!([])), Some(Measured { kept: "missed", seconds: Some(70), at }));
        assert_eq!(of("kept", json!([])).map(|measured| measured.kept), Some("kept"));
        assert_eq!(of("unknown", json!([])), None, "it measured nothing");
        assert_eq!(of("kept", json!(["machine w2"])), None, "it exercised a part");
        assert_eq!(measured(&drill(None)), None, "it has not ended");
    }
}
