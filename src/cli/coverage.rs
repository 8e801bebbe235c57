//! `coverage`: what of a plan was exercised, and the smallest drill that refreshes it.

use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::cli::args::PlanArgs;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::past;
use crate::cli::place;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::runs;
use crate::cli::session;
use crate::drill::coverage;
use crate::drill::coverage::Counting;
use crate::drill::coverage::Coverage;
use crate::drill::coverage::Done;
use crate::drill::coverage::Exercise;
use crate::drill::coverage::Named;
use crate::drill::coverage::Share;
use crate::drill::coverage::Standing;
use crate::drill::coverage::Suggestion;
use crate::drill::coverage::Where;
use crate::escape;
use crate::graph::Graph;
use crate::journal::Database;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::quantity::Seconds;
use crate::render::style::Tone;

/// Steps that are listed; of more, how many there are.
const LISTED: usize = 20;

/// Say what of a plan was exercised: which steps, machines and ways home, when, and what changed since
///
/// Exits with 1 if fewer steps were exercised than --min asks for, so that it is a gate for a pipeline.
#[derive(Clone, Debug, clap::Args)]
pub struct CoverageArgs {
    /// Plan file
    #[arg(value_name = "PLAN")]
    pub path: PathBuf,
    /// What was exercised longer ago than this counts as stale, such as `90d`
    #[arg(long, value_name = "AGE", value_parser = Seconds::parse)]
    pub max_age: Option<Seconds>,
    /// Exit with 1 if fewer steps than this were exercised, such as `95%`
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub min: Option<f64>,
    /// Count only what was exercised like this
    #[arg(long, value_name = "KIND", value_enum)]
    pub kind: Option<Kind>,
    /// Print the smallest drill that exercises the rest, to be pasted into the plan
    #[arg(long)]
    pub suggest: bool,
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Folder that runs and drills are kept in
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Where steps were exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// On the emulator
    Rehearsal,
    /// On the real site
    Live,
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    let number: Option<f64> = number.parse().ok();
    number.filter(|number| (0.0..=100.0).contains(number)).ok_or_else(|| "write 0% to 100%".to_owned())
}

/// Says what was exercised.
///
/// # Errors
///
/// [`CliError`] if something can't be read, or the output can't be written.
pub fn run(args: &CoverageArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let plan = match ready::ready(&args.path, &args.plan, Moment::Observed, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let graph = session::compile(&plan);
    let done = done(
        &StateDir::existing(&env.path(&args.state_dir)).map_err(crate::cli::run::unusable)?,
        &graph,
        env,
    )?;
    let counting = Counting {
        at: args.plan.now.unwrap_or_else(|| env.clock.now()),
        max_age: args.max_age.map(|age| SignedDuration::from_secs(i64::try_from(age.0).unwrap_or(i64::MAX))),
        kind: args.kind.map(|kind| match kind {
            Kind::Rehearsal => Where::Rehearsal,
            Kind::Live => Where::Live,
        }),
    };
    let coverage = coverage::coverage(&graph, &done, counting);
    let suggestion = if args.suggest { coverage::suggest(&graph, &coverage) } else { None };
    let out_of_reach = coverage::out_of_reach(&graph, &coverage);
    let is_enough = args.min.is_none_or(|min| coverage.percent >= min);
    match args.format {
        Format::Json => {
            env.out.guarded(Guard::Json)?;
            let mut document = serde_json::to_value(&coverage).map_err(std::io::Error::from)?;
            if let Some(object) = document.as_object_mut() {
                let json = |value| serde_json::to_value(value).unwrap_or_default();
                object
                    .insert("min".into(), args.min.map_or(serde_json::Value::Null, serde_json::Value::from));
                object.insert("is_enough".into(), is_enough.into());
                object.insert("suggestion".into(), json(&suggestion));
                object.insert("out_of_reach".into(), out_of_reach.into());
            }
            let text = document.to_string();
            writeln!(env.out, "{text}")?;
        }
        Format::Human => {
            show(args, &coverage, suggestion.as_ref(), is_enough, env)?;
            if args.suggest && out_of_reach > 0 {
                let what = "are done already in these facts; no drill from them exercises that";
                writeln!(env.out, "# {out_of_reach} steps {what}")?;
            }
        }
    }
    Ok(if is_enough { Exit::Success } else { Exit::Refused })
}

/// Returns what the runs of a plan carried out, the newest first. One that can't be read is told of and counts for nothing.
///
/// # Errors
///
/// [`CliError`] if the database can't be read.
pub(crate) fn done(dir: &Option<StateDir>, graph: &Graph, env: &mut Env<'_>) -> Result<Vec<Done>, CliError> {
    let Some(dir) = dir else { return Ok(Vec::new()) };
    let database = runs::database(dir)?;
    let unreadable = |error| runs::unreadable(dir, error);
    let drills = database.drills().map_err(unreadable)?;
    let plan = &graph.model().plan.name.value;
    let mut done = Vec::new();
    for entry in database.runs().map_err(unreadable)? {
        let Ok(record) = entry.record else { continue };
        if record.plan != *plan {
            continue;
        }
        let drill = drills.iter().find(|drill| drill.run.as_ref() == Some(&record.id));
        let exercise = Exercise {
            run: record.id.clone(),
            drill: drill.map(|drill| drill.id.clone()),
            kind: place_of(&record),
            at: record.created_at,
            plan_digest: drill
                .and_then(|drill| drill.plan_digest.clone())
                .unwrap_or_else(|| record.plan_digest.clone()),
        };
        match of_run(dir, &database, &record, exercise, env) {
            Ok(of_run) => done.push(of_run),
            Err(error) => {
                writeln!(
                    env.err,
                    "warning: run {} counts for nothing: {error}",
                    escape::line(record.id.as_str())
                )?;
            }
        }
    }
    Ok(done)
}

fn of_run(
    dir: &StateDir,
    database: &Database,
    record: &RunRecord,
    exercise: Exercise,
    env: &mut Env<'_>,
) -> Result<Done, CliError> {
    let (path, plan_args) = kept::kept_documents(&dir.run(&record.id), &record.options);
    let Ok(plan) = ready::ready(&path, &plan_args, Moment::Observed, env)? else {
        return Err(CliError::usage("its plan can't be read any more"));
    };
    runs::is_pinned(record, &plan)?;
    let graph: Arc<Graph> = session::compile(&plan);
    let past = past::read(database, &graph, &record.id)?;
    match past.broken {
        Some(error) => Err(runs::unreadable(dir, error)),
        None => Ok(Done::of(exercise, &past.state)),
    }
}

/// Returns where a run acted: an emulator on this machine that stands in for a site is none.
fn place_of(record: &RunRecord) -> Where {
    let endpoint = kept::kept_site(&record.options).and_then(|site| site.endpoint);
    let host = endpoint.as_deref().and_then(|url| url.split("://").nth(1));
    let host = host.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_here = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if record.provider == place::AZURE && !is_here { Where::Live } else { Where::Rehearsal }
}

fn show(
    args: &CoverageArgs,
    coverage: &Coverage,
    suggestion: Option<&Suggestion>,
    is_enough: bool,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    let style = env.style();
    let tone = if is_enough { Tone::Good } else { Tone::Error };
    let figure = format!("{:.1} %", coverage.percent);
    let figure = style.paint(tone, &figure);
    let asked = args.min.map(|min| format!(", at least {min} % is asked for")).unwrap_or_default();
    let mut text = format!("{}: {figure} of its steps were exercised{asked}\n", escape::line(&coverage.plan));
    let rows = [
        ("steps", coverage.steps),
        ("machines", coverage.machines),
        ("groups", coverage.groups),
        ("approvals", coverage.approvals),
        ("actions", coverage.actions),
        ("modes", coverage.modes),
    ];
    for (what, Share { exercised, all }) in rows.into_iter().filter(|(_, share)| share.all > 0) {
        text.push_str(&format!("  {what:<10} {exercised:>5} of {all}\n"));
    }
    let modes: Vec<&Named> = coverage.of_modes.iter().filter(|mode| !mode.is_exercised).collect();
    for mode in modes {
        text.push_str(&format!("  never lately: {}\n", escape::line(&mode.name)));
    }
    let open: Vec<_> = coverage.of_steps.iter().filter(|step| step.state != Standing::Exercised).collect();
    for step in open.iter().take(LISTED) {
        let last = step.last.as_ref();
        let how = match (step.state, last) {
            (Standing::Never, _) | (_, None) => "never exercised".to_owned(),
            (Standing::Changed, Some(last)) => format!("changed since {:.0} (run {})", last.at, last.run),
            (Standing::Stale | Standing::Exercised, Some(last)) => {
                format!("last exercised {:.0} (run {}, {})", last.at, last.run, last.kind.as_str())
            }
        };
        text.push_str(&format!("  {}: {}\n", escape::line(step.step.as_str()), escape::line(&how)));
    }
    if open.len() > LISTED {
        text.push_str(&format!("  and {} more steps (--format json has all)\n", open.len() - LISTED));
    }
    if args.suggest {
        text.push_str(&suggested(coverage, suggestion));
    }
    env.out.write_all(text.as_bytes())?;
    Ok(())
}

/// Returns a suggestion as a drill to be pasted into the plan.
fn suggested(coverage: &Coverage, suggestion: Option<&Suggestion>) -> String {
    let Some(suggestion) = suggestion else {
        return "nothing is to be exercised anew\n".to_owned();
    };
    let kind = coverage.kind.unwrap_or(Where::Rehearsal).as_str();
    let how = if suggestion.is_smallest { "the smallest there is" } else { "found greedily" };
    let names: Vec<String> =
        suggestion.machines.iter().map(|name| serde_json::to_string(name).unwrap_or_default()).collect();
    // Names stand in quotes, so that YAML takes none of them for something else.
    let machines = match suggestion.is_whole && coverage.kind != Some(Where::Live) {
        true => String::new(),
        false => format!("\n    machines: [{}]", escape::line(&names.join(", "))),
    };
    format!(
        "# {} of {} machines; {how}\ndrills:\n  - name: refresh\n    kind: {kind}{machines}\n",
        suggestion.size, coverage.machines.all
    )
}
