//! `simulate`: many virtual runs of a plan with faults: how long they take, which fault hurts most, and whether all can be left.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use serde::Serialize;

use crate::cli::args::PlanArgs;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::ready::Ready;
use crate::cli::scenario;
use crate::cli::session;
use crate::escape;
use crate::forecast::Range;
use crate::forecast::forecast;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::scenario::Fault;
use crate::quantity::Seconds;
use crate::render::style::Tone;
use crate::report::Count;
use crate::run::trial;
use crate::run::trial::Chosen;
use crate::run::trial::Durations;
use crate::run::trial::Smallest;
use crate::run::trial::Subject;
use crate::run::trial::Tally;

/// More rows than this of one table are told by their number.
const ROWS: usize = 12;

/// Run a plan many times on the emulator, with faults, and say what they do to it
///
/// Every run is virtual and takes milliseconds; actions and probes are simulated, and every question is answered with yes. Exits
/// with 0 if the laws of runs held in all of them, whatever failed; with 1 if the plan is refused; with 3 if a run broke a law.
#[derive(Clone, Debug, clap::Args)]
pub struct SimulateArgs {
    /// Plan file
    #[arg(value_name = "PLAN")]
    pub path: PathBuf,
    /// Faults to try: `all` that the emulator knows at every step, `none`, or those of a `kind: Scenario` document
    #[arg(long, value_name = "all|none|FILE", default_value = "all")]
    pub faults: PathBuf,
    /// How many runs to make: a tenth without faults, then each fault alone, then pairs
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub runs: u32,
    /// Draw everything that varies from this number: the same number gives the same output
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Let persons take up to this long for an answer, drawn for each question
    #[arg(long, value_name = "TIME", value_parser = Seconds::parse)]
    pub people: Option<Seconds>,
    /// Write the smallest scenario that fails into this file, for `failback run --scenario`
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    plan: &'a str,
    seed: u64,
    candidates: usize,
    #[serde(flatten)]
    tally: &'a Tally,
    forecast: Range,
    smallest: Option<&'a Scenario>,
}

/// Simulates a plan.
///
/// # Errors
///
/// [`CliError`] if something can't be read or written.
pub fn run(args: &SimulateArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let plan = match ready::ready(&args.path, &args.plan, Moment::Observed, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let named = match args.faults.to_str() {
        Some("all" | "none") => None,
        Some(_) | None => Some(args.faults.as_path()),
    };
    let model = plan.plan.model();
    let limit = args.plan.max_file_size.0;
    let base = match scenario::read(named, limit, &model.inventory, model.baseline(), env)? {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let subject = subject(args, &plan, env);
    let faults = faults(args, &subject, &base)?;
    let choices = trial::choose(&base, &faults, args.runs as usize, args.seed);
    let is_shown = args.format == Format::Human && env.out.is_terminal() && env.err.is_terminal();
    let count = Count::of(choices.len(), "runs", is_shown);
    let trials = trial::run_all(&subject, &choices, &|| count.one());
    count.end();
    let tally = Tally::of(&choices, &trials);
    let smallest = trial::smallest(&subject, &choices, &trials);
    if let Some(path) = &args.output {
        write_scenario(path, smallest.as_ref(), env)?;
    }
    let graph = &subject.graph;
    let foretold = forecast(graph, subject.start);
    let foretold = Range { low_s: foretold.low_s, high_s: foretold.high_s };
    let name = &plan.plan.model().plan.name.value;
    if args.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let document = Document {
            version: 1,
            plan: name,
            seed: args.seed,
            candidates: faults.len(),
            tally: &tally,
            forecast: foretold,
            smallest: smallest.as_ref().map(|smallest| &smallest.scenario),
        };
        let text = serde_json::to_string(&document).map_err(std::io::Error::from)?;
        writeln!(env.out, "{text}")?;
    } else {
        let style = env.style();
        let mut text = format!("{}: {} runs, seed {}\n", escape::line(name), tally.runs, args.seed);
        tell(&mut text, &tally, foretold, &choices)?;
        let (tone, verdict) = match tally.broken {
            0 => (Tone::Good, "every law of runs held".to_owned()),
            broken => (Tone::Error, format!("{broken} runs broke a law")),
        };
        writeln!(text, "\n{}", style.paint(tone, &verdict))?;
        for broke in &tally.breaches {
            let what = escape::line(&broke.what).into_owned();
            writeln!(text, "  {} ({} runs): {what}", broke.law.in_words(), broke.runs)?;
            writeln!(text, "         as with {}", escape::line(&broke.faults.join(", ")))?;
        }
        if let Some(smallest) = &smallest {
            tell_smallest(&mut text, smallest, args)?;
        }
        env.out.write_all(text.as_bytes())?;
    }
    Ok(if tally.broken == 0 { Exit::Success } else { Exit::Failed })
}

fn subject(args: &SimulateArgs, plan: &Ready, env: &Env<'_>) -> Subject {
    let start = plan.plan.model().observed_at().unwrap_or_else(|_| env.clock.now());
    let people = args.people.map_or(0, |people| i64::try_from(people.0).unwrap_or(i64::MAX));
    Subject {
        graph: Arc::clone(&session::compile(plan)),
        start,
        options: args.plan.options(start),
        people: SignedDuration::from_secs(people),
    }
}

fn faults(args: &SimulateArgs, subject: &Subject, base: &Scenario) -> Result<Vec<Fault>, CliError> {
    match args.faults.to_str() {
        Some("none") => Ok(Vec::new()),
        Some("all") => trial::fault::everywhere(subject, base)
            .map_err(|error| CliError::new(Exit::Bug, format!("can't simulate the plan: {error}"))),
        Some(_) | None => Ok(base.faults.clone().unwrap_or_default()),
    }
}

fn write_scenario(
    path: &std::path::Path,
    smallest: Option<&Smallest>,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    let Some(smallest) = smallest else {
        writeln!(env.err, "nothing failed: `{}` is not written", path.display())?;
        return Ok(());
    };
    let unwritable = || CliError::usage(format!("can't write `{}`", path.display()));
    let text = serde_yaml::to_string(&smallest.scenario).map_err(|error| unwritable().because(error))?;
    std::fs::write(env.path(path), text).map_err(|error| unwritable().because(error))
}

fn in_words(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    format!("{sign}{}", Seconds(seconds.unsigned_abs()))
}

fn tell(text: &mut String, tally: &Tally, foretold: Range, choices: &[Chosen]) -> std::fmt::Result {
    let faulted = choices.iter().filter(|choice| !choice.faults().is_empty()).count();
    writeln!(
        text,
        "{} succeeded, {} failed, {} broke a law; {faulted} had faults\n",
        tally.succeeded, tally.failed, tally.broken
    )?;
    writeln!(
        text,
        "{:<18} {:>5} {:>9} {:>9} {:>9} {:>9}",
        "took", "runs", "least", "median", "95 %", "most"
    )?;
    for (what, durations) in [("nothing wrong", tally.healthy), ("with faults", tally.faulted)] {
        let Durations { runs, min_s, median_s, p95_s, max_s } = durations;
        if runs > 0 {
            let [least, median, most_of, most] = [min_s, median_s, p95_s, max_s].map(in_words);
            writeln!(text, "{what:<18} {runs:>5} {least:>9} {median:>9} {most_of:>9} {most:>9}")?;
        }
    }
    let (low, high) = (Seconds(foretold.low_s), Seconds(foretold.high_s));
    writeln!(text, "{:<18} {:>5} {low:>9} {:>9} {:>9} {high:>9}", "forecast", "", "", "")?;
    if !tally.faults.is_empty() {
        writeln!(
            text,
            "\n{:<34} {:>5} {:>7} {:>12} {:>12}",
            "fault, alone", "runs", "failed", "adds", "at most"
        )?;
        for cost in &tally.faults {
            let (adds, most) = (in_words(cost.added_median_s), in_words(cost.added_max_s));
            let kind = cost.fault.as_str();
            writeln!(text, "{kind:<34} {:>5} {:>7} {adds:>12} {most:>12}", cost.runs, cost.failed)?;
        }
    }
    if !tally.failures.is_empty() {
        writeln!(text, "\nwhat failed first, and the way on that brought every machine home")?;
        for left in tally.failures.iter().take(ROWS) {
            let message = escape::line(&left.message).into_owned();
            writeln!(text, "  {:>4} × {} {}: {message}", left.runs, left.step, left.code)?;
            writeln!(text, "         as with {}", escape::line(&left.faults.join(", ")))?;
            let way = left.way.as_deref().unwrap_or("none was found");
            writeln!(text, "         way on: {}", escape::line(way))?;
        }
        if tally.failures.len() > ROWS {
            writeln!(text, "  and {} more kinds (--format json has all)", tally.failures.len() - ROWS)?;
        }
    }
    Ok(())
}

fn tell_smallest(text: &mut String, smallest: &Smallest, args: &SimulateArgs) -> std::fmt::Result {
    writeln!(text, "\nsmallest scenario that fails")?;
    for fault in smallest.scenario.faults.iter().flatten() {
        writeln!(text, "  - {}", escape::line(&trial::fault::in_words(fault)))?;
    }
    let path = args.path.display().to_string();
    let path = escape::line(&path);
    match &args.output {
        Some(output) => {
            let output = output.display().to_string();
            writeln!(
                text,
                "  try it: failback run {path} --scenario {} --auto-approve",
                escape::line(&output)
            )
        }
        None => writeln!(text, "  -o FILE writes it, for failback run {path} --scenario FILE"),
    }
}
