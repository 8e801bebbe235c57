//! `show`: what became of each step of a run.

use std::io::Write as _;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order;
use crate::cli::past;
use crate::cli::past::Past;
use crate::cli::runs::LookArgs;
use crate::cli::runs::database;
use crate::cli::runs::find;
use crate::cli::runs::pinned;
use crate::cli::runs::state_dir;
use crate::cli::runs::status;
use crate::cli::runs::unreadable;
use crate::cli::session;
use crate::escape;
use crate::event::Outcome;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::journal::DatabaseError;
use crate::journal::RunRecord;
use crate::report;

/// Show what became of each step of a run
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Shows a run: as far as its record is intact, if it is not.
///
/// # Errors
///
/// [`CliError`] if there is no such run, or its record can't be read to its end.
pub fn show(args: &ShowArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let dir = state_dir(&args.look.state_dir, env)?;
    let database = database(&dir)?;
    let record = find(&dir, &database, &args.run)?;
    database.check_entry(&record.id).map_err(|error| unreadable(&dir, error))?;
    let plan = pinned(&dir, &record, env)?;
    let graph = session::compile(&plan);
    let Past { state, broken, .. } = past::read(&database, &graph, &record.id)?;
    let word = if broken.is_some() {
        "broken"
    } else {
        status(&dir, &database, &record.id).map_err(|error| unreadable(&dir, error))?.0
    };
    let head = database.head(&record.id).ok().map(|(_, head)| head);
    let waiting = order::waiting(&dir, &record.id, &state);
    if args.look.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let steps: Vec<_> = (0..)
            .zip(graph.steps())
            .map(|(index, step)| {
                let at = state.step(index);
                json!({
                    "id": step.id, "kind": step.kind, "subject": graph.subject_name(index), "state": at.status.as_str(),
                    "attempts": at.attempts, "started_at": at.started_at, "ended_at": at.ended_at, "note": at.note,
                })
            })
            .collect();
        let machines: Vec<_> = report::whereabouts(&state)
            .into_iter()
            .map(|(name, place)| json!({"name": name, "place": place}))
            .collect();
        let orders: Vec<_> = waiting
            .iter()
            .map(|letter| {
                json!({
                    "letter": letter.id, "at": letter.at, "by": letter.by, "order": letter.order,
                    "withdrawn_by": letter.withdrawn_by,
                })
            })
            .collect();
        let shown = json!({
            "version": 1, "run": record.id, "plan": record.plan, "state": word, "machines": machines, "plan_digest": record.plan_digest,
            "facts_digest": record.facts_digest, "events": state.seq(), "started_at": state.started_at(),
            "last_at": state.last_at(), "head": head, "steps": steps, "orders_waiting": orders,
            "broken": broken.as_ref().map(DatabaseError::in_words),
        });
        // In one piece: what is written is looked through as it comes.
        let text = shown.to_string();
        writeln!(env.out, "{text}")?;
    } else {
        show_steps(&record, word, &state, env)?;
        if let Some(head) = &head {
            writeln!(env.out, "head {head}")?;
        }
        for letter in &waiting {
            writeln!(env.out, "{}", order::in_words(letter))?;
        }
    }
    broken.map_or(Ok(Exit::Success), |error| Err(unreadable(&dir, error)))
}

fn show_steps(record: &RunRecord, word: &str, state: &RunState, env: &mut Env<'_>) -> Result<(), CliError> {
    let graph = state.graph();
    writeln!(env.out, "run {} of {}: {word}", record.id, escape::line(&record.plan))?;
    if let (Some(from), Some(to)) = (state.started_at(), state.last_at()) {
        let took = crate::quantity::Seconds(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0));
        writeln!(env.out, "from {from:.0} to {to:.0}: {took}, {} events", state.seq())?;
    }
    if state.status() != RunStatus::Finished(Outcome::Succeeded) {
        for place in report::places(state) {
            writeln!(env.out, "{}", escape::line(&place))?;
        }
    }
    let width = graph.steps().iter().map(|step| step.id.as_str().chars().count()).max().unwrap_or(4).min(60);
    for index in (0..).take(graph.steps().len()) {
        writeln!(env.out, "  {}", step_line(state, index, width))?;
    }
    Ok(())
}

fn step_line(state: &RunState, index: StepIndex, width: usize) -> String {
    let (step, at) = (state.graph().step(index), state.step(index));
    let sign = match at.status {
        StepStatus::Succeeded => "+",
        StepStatus::Adopted => "=",
        StepStatus::Skipped => "-",
        StepStatus::Failed => "!",
        StepStatus::Blocked => "x",
        StepStatus::Running => ">",
        StepStatus::Asked => "?",
        StepStatus::Waiting | StepStatus::Ready => ".",
    };
    let mut line = format!("{sign} {:<width$}  {:<9}", escape::line(step.id.as_str()), at.status.as_str());
    if let (Some(from), Some(to)) = (at.started_at, at.ended_at) {
        let took = u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0);
        line.push_str(&format!("  {:>8}", crate::quantity::Seconds(took).to_string()));
    }
    if at.attempts > 1 {
        line.push_str(&format!("  {} attempts", at.attempts));
    }
    if let Some(note) = &at.note {
        line.push_str(&format!("  {}", escape::line(note)));
    }
    line.trim_end().to_owned()
}
