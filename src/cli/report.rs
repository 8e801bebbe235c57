//! `report`: what happened in a run or a drill, and what it is worth; and the paper version of a plan. Touches no site.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::replace;
use crate::cli::reported;
use crate::cli::runs;
use crate::cli::session;
use crate::escape;
use crate::forecast;
use crate::model::digest;
use crate::render::style::Verbosity;
use crate::report::csv;
use crate::report::html;
use crate::report::junit;
use crate::report::markdown;
use crate::report::runbook;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One self-contained page
    Html,
    /// For a pull request or a wiki
    Markdown,
    /// Everything, for programs
    Json,
    /// A test case for each machine and objective
    Junit,
    /// A row for each machine
    Csv,
    /// The plan on paper, for the day on which no program runs: a page to print
    Runbook,
    /// The same as Markdown
    RunbookMarkdown,
}

/// Report on a run or a drill: verdict, objectives, timeline, machines, approvals, failures
///
/// Exits with 0 if the report was written, whatever it says. A run that goes on is reported as far as it came. With `--format
/// runbook`, the plan of a file as a check list on paper.
#[derive(Clone, Debug, clap::Args)]
pub struct ReportArgs {
    /// Id of the run or drill, or `latest` for the latest run; with `--format runbook`, a plan file
    #[arg(value_name = "RUN|DRILL|PLAN", default_value = "latest")]
    pub target: String,
    /// Write like this; without it, as the name of the output ends, or Markdown
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Compare with up to this many runs of the plan before it; 0 compares with none
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub trend: usize,
    /// Look for runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
    /// How a plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

impl ReportArgs {
    fn format(&self) -> Result<Format, CliError> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let ending = self.output.as_deref().and_then(Path::extension).map(|ending| ending.to_string_lossy());
        match ending.as_deref() {
            Some("html" | "htm") => Ok(Format::Html),
            Some("json") => Ok(Format::Json),
            Some("xml") => Ok(Format::Junit),
            Some("csv") => Ok(Format::Csv),
            Some("md" | "markdown" | "txt") | None => Ok(Format::Markdown),
            Some(other) => {
                let message = format!("no report is known by the ending `.{}`", escape::line(other));
                Err(CliError::usage(message)
                    .hinted("say which with --format, or end the name with .html, .md, .json, .xml or .csv"))
            }
        }
    }
}

/// Writes a report.
///
/// # Errors
///
/// [`CliError`] if there is no such run, its record can't be read to its end, or the output can't be written.
pub fn run(args: &ReportArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let format = args.format()?;
    if matches!(format, Format::Runbook | Format::RunbookMarkdown) {
        return on_paper(args, format, env);
    }
    if env.path(Path::new(&args.target)).is_file() {
        let message = format!("`{}` is a file, not a run", escape::line(&args.target));
        return Err(CliError::usage(message)
            .hinted("a plan is written with `--format runbook`; runs are listed by `failback runs`"));
    }
    let dir = runs::state_dir(&args.state_dir, env)?;
    let database = runs::database(&dir)?;
    let named = reported::named(&dir, &database, &args.target)?;
    let (report, broken) = match reported::report(&dir, &database, named, args.trend, env)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let text = match format {
        Format::Html => html::page(&report),
        Format::Markdown | Format::Runbook | Format::RunbookMarkdown => markdown::markdown(&report),
        Format::Json => serde_json::to_string(&report).map_err(std::io::Error::from)? + "\n",
        Format::Junit => junit::junit(&report),
        Format::Csv => csv::csv(&report),
    };
    write(&text, format, args, env)?;
    broken.map_or(Ok(Exit::Success), |error| Err(runs::unreadable(&dir, error)))
}

fn on_paper(args: &ReportArgs, format: Format, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let path = PathBuf::from(&args.target);
    if args.target == "latest" && !env.path(&path).exists() {
        return Err(CliError::usage("a runbook is of a plan, and none is named")
            .hinted("name its file: failback report plans/erp.plan.yaml --format runbook"));
    }
    let plan = match ready::ready(&path, &args.plan, Moment::Observed, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let graph = session::compile(&plan);
    let observed = plan.plan.model().observed_at().unwrap_or_else(|_| env.clock.now());
    let start = args.plan.options(observed).now;
    let forecast = forecast::forecast(&graph, start);
    let about = runbook::Paper {
        made_at: env.clock.now(),
        plan_path: path.display().to_string(),
        plan_digest: digest::plan(graph.model()),
        facts_digest: digest::facts(graph.model()),
        observed_at: graph.model().observed_at().ok(),
    };
    let runbook = runbook::runbook(&graph, &forecast, about);
    let text = match format {
        Format::RunbookMarkdown => runbook::markdown(&runbook),
        Format::Runbook | Format::Html | Format::Markdown | Format::Json | Format::Junit | Format::Csv => {
            runbook::page(&runbook)
        }
    };
    write(&text, format, args, env)?;
    Ok(Exit::Success)
}

fn write(text: &str, format: Format, args: &ReportArgs, env: &mut Env<'_>) -> Result<(), CliError> {
    let Some(output) = &args.output else {
        // Each format has its own way of making names harmless; a terminal is steered by none of them.
        env.out.guarded(match format {
            Format::Json => Guard::Json,
            Format::Html
            | Format::Markdown
            | Format::Junit
            | Format::Csv
            | Format::Runbook
            | Format::RunbookMarkdown => Guard::Text,
        })?;
        env.out.write_all(text.as_bytes())?;
        return Ok(());
    };
    replace::put(&env.path(output), text)
        .map_err(|error| CliError::usage("the report was not written").because(error.about(output)))?;
    if env.verbosity > Verbosity::Quiet {
        writeln!(env.err, "written to {}", escape::line(&output.display().to_string()))?;
    }
    Ok(())
}
