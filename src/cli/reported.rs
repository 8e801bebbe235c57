//! The report of a run or a drill, gathered from what a state directory keeps.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::ready::Ready;
use crate::cli::runs;
use crate::cli::session;
use crate::event::IllegalEvent;
use crate::forecast;
use crate::graph::Graph;
use crate::id::DrillId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::DrillRow;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::report::assessment::assess;
use crate::report::document::About;
use crate::report::document::DrillPart;
use crate::report::document::FindingLine;
use crate::report::document::Record;
use crate::report::document::RunReport;
use crate::report::drawing::TrendPoint;
use crate::report::timeline::Recording;

/// What a word names.
pub(crate) enum Named {
    /// A run.
    Run(RunRecord),
    /// A drill.
    Drill(DrillRow),
}

/// Returns the run or the drill that a word names: `latest` is the latest run.
///
/// # Errors
///
/// [`CliError`] if there is neither.
pub(crate) fn named(dir: &StateDir, database: &Database, word: &str) -> Result<Named, CliError> {
    let drill = database.drill(&DrillId::new(word)).map_err(|error| runs::unreadable(dir, error))?;
    match drill {
        Some(drill) => Ok(Named::Drill(drill)),
        None => Ok(Named::Run(runs::find(dir, database, word)?)),
    }
}

/// Returns the report of what was named, with up to `earlier` runs of the plan before it, and what is wrong with its record.
///
/// # Errors
///
/// [`CliError`] if its plan or its record can't be read; the exit code if its plan is refused.
pub(crate) fn report(
    dir: &StateDir,
    database: &Database,
    named: Named,
    earlier: usize,
    env: &mut Env<'_>,
) -> Result<Result<(RunReport, Option<DatabaseError>), Exit>, CliError> {
    let (record, drill) = match named {
        Named::Run(record) => {
            let drills = database.drills().map_err(|error| runs::unreadable(dir, error))?;
            let drill = drills.into_iter().find(|drill| drill.run.as_ref() == Some(&record.id));
            (Some(record), drill)
        }
        Named::Drill(drill) => {
            let record = drill.run.as_ref().map(|run| runs::find(dir, database, run.as_str()));
            (record.transpose()?, Some(drill))
        }
    };
    let (mut report, broken) = match &record {
        Some(record) => match of_run(dir, database, record, env)? {
            Ok(found) => found,
            Err(exit) => return Ok(Err(exit)),
        },
        None => (RunReport::new(env.clock.now(), About::default()), None),
    };
    if let Some(row) = &drill {
        if record.is_none() {
            report.about.plan.clone_from(&row.plan);
            report.about.plan_path = Some(row.plan_path.clone());
            report.about.plan_digest.clone_from(&row.plan_digest);
        }
        report.about.git_commit = report.about.git_commit.or_else(|| row.git_commit.clone());
        report = report.of_drill(part(row));
    }
    if let Some(record) = record.filter(|_| earlier > 0) {
        let before = before(dir, database, &record, earlier, env)?;
        report = report.with_trend(before);
    }
    Ok(Ok((report, broken)))
}

/// Returns what is kept of a drill; of one that died, what was written when it began.
fn part(row: &DrillRow) -> DrillPart {
    let kept = row.result.as_deref().and_then(|text| serde_json::from_str::<DrillPart>(text).ok());
    let mut part = kept.unwrap_or_default();
    part.id = row.id.as_str().to_owned();
    part.kind.clone_from(&row.kind);
    part.name = part.name.or_else(|| row.name.clone());
    part.cause = part.cause.or_else(|| Some(row.cause.clone()));
    part.due_at = part.due_at.or(row.due_at);
    part.began_at = part.began_at.or(Some(row.began_at));
    part.ended_at = part.ended_at.or(row.ended_at);
    part
}

fn of_run(
    dir: &StateDir,
    database: &Database,
    record: &RunRecord,
    env: &mut Env<'_>,
) -> Result<Result<(RunReport, Option<DatabaseError>), Exit>, CliError> {
    database.check_entry(&record.id).map_err(|error| runs::unreadable(dir, error))?;
    let (path, args): (PathBuf, PlanArgs) = kept::kept_documents(&dir.run(&record.id), &record.options);
    let plan = match ready::ready(&path, &args, Moment::Observed, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(Err(exit)),
    };
    runs::is_pinned(record, &plan)?;
    let graph = session::compile(&plan);
    let (recording, broken) = recorded(database, &graph, record)?;
    let timeline = recording.timeline();
    let start = start(&args, &plan, env);
    let forecast = forecast::forecast(&graph, start);
    let assessment = assess(&graph, &timeline, Some(&forecast));
    let about = About {
        plan: record.plan.clone(),
        description: None,
        owner: None,
        plan_path: Some(record.plan_path.clone()),
        git_commit: record.git_commit.clone(),
        plan_digest: Some(record.plan_digest.clone()),
        facts_digest: Some(record.facts_digest.clone()),
        run: Some(record.id.to_string()),
        started_at: Some(record.created_at),
        provider: Some(record.provider.clone()),
        program: Some(record.program.clone()).filter(|program| !program.is_empty()),
    };
    let head = database.head(&record.id).ok();
    let mut report = RunReport::new(env.clock.now(), about).of_run(&graph, timeline, assessment);
    report.findings = plan.findings.iter().map(|finding| FindingLine::of(&finding)).collect();
    report.record = Some(Record {
        events: report.timeline.as_ref().map_or(0, |timeline| timeline.events),
        head: head.filter(|_| broken.is_none()).map(|(_, digest)| digest),
        broken: broken.as_ref().map(DatabaseError::in_words),
    });
    Ok(Ok((report, broken)))
}

fn start(args: &PlanArgs, plan: &Ready, env: &Env<'_>) -> jiff::Timestamp {
    let observed = plan.plan.model().observed_at().unwrap_or_else(|_| env.clock.now());
    args.options(observed).now
}

/// Takes the events of a run, as far as they are intact.
fn recorded(
    database: &Database,
    graph: &Arc<Graph>,
    record: &RunRecord,
) -> Result<(Recording, Option<DatabaseError>), CliError> {
    let mut recording = Recording::new(graph);
    let mut illegal: Option<IllegalEvent> = None;
    let read = database.each_event(&record.id, |event| {
        if illegal.is_none() {
            illegal = recording.take(&event).err();
        }
    });
    // What a changed record leads to says nothing about the plan.
    if let (Some(error), Ok(())) = (illegal, &read) {
        return Err(CliError::usage("the run's journal does not belong to its plan").because(error));
    }
    Ok((recording, read.err()))
}

/// Returns the runs of the plan before one that had its facts from the same kind of site, the oldest first. One that can't be read says nothing.
fn before(
    dir: &StateDir,
    database: &Database,
    record: &RunRecord,
    most: usize,
    env: &Env<'_>,
) -> Result<Vec<TrendPoint>, CliError> {
    let entries = database.runs().map_err(|error| runs::unreadable(dir, error))?;
    let earlier = entries
        .into_iter()
        .filter_map(|entry| entry.record.ok())
        .skip_while(|other| other.id != record.id)
        .skip(1)
        .filter(|other| other.plan == record.plan && other.provider == record.provider);
    let mut points = Vec::new();
    for other in earlier {
        if points.len() == most {
            break;
        }
        points.extend(point(dir, database, &other, env));
    }
    points.reverse();
    Ok(points)
}

fn point(dir: &StateDir, database: &Database, record: &RunRecord, env: &Env<'_>) -> Option<TrendPoint> {
    // What is wrong with an earlier run is told when that is reported.
    let (mut out, mut err) = (std::io::sink(), std::io::sink());
    let mut silent = Env::new(&mut out, &mut err, env.folder.clone(), Arc::clone(&env.clock));
    let (path, args) = kept::kept_documents(&dir.run(&record.id), &record.options);
    let plan = ready::ready(&path, &args, Moment::Observed, &mut silent).ok()?.ok()?;
    runs::is_pinned(record, &plan).ok()?;
    let graph = session::compile(&plan);
    let (recording, broken) = recorded(database, &graph, record).ok()?;
    let timeline = recording.timeline();
    if broken.is_some() || timeline.outcome.is_none() {
        return None;
    }
    let verdict = assess(&graph, &timeline, None).verdict;
    Some(TrendPoint::of(record.id.to_string(), record.created_at, &timeline, verdict))
}
