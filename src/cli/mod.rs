//! The command line: arguments in, an exit code out. One file for each command.

mod ahead;
pub mod approve;
pub mod args;
mod baseline;
pub mod cancel;
pub mod check;
mod checkout;
mod claim;
pub mod commands;
pub mod completions;
pub mod coverage;
mod deadline;
pub mod doctor;
pub mod drill;
pub mod drills;
pub mod emulator;
pub mod env;
pub mod error;
pub mod evidence;
pub mod exit;
pub mod explain;
mod fix;
pub mod graph;
mod hooks;
pub mod import;
pub mod init;
pub mod inventory;
mod judge;
mod kept;
mod keyboard;
pub mod language;
mod live;
pub mod load;
mod lost;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod man;
pub mod notices;
mod order;
pub mod outline;
mod past;
mod people;
mod person;
pub mod pin;
pub mod place;
pub mod plan;
pub mod points;
mod policies;
pub mod ready;
mod replace;
pub mod report;
mod reported;
pub mod resume;
pub mod retry;
pub mod run;
pub mod runs;
pub mod saved;
pub(crate) mod scenario;
pub mod schedule;
pub mod schema;
pub mod serve;
pub mod session;
pub mod settings;
mod shared;
mod sign;
pub mod simulate;
pub mod site;
pub mod skip;
mod terminal;
mod traces;
mod watch;
pub mod withdraw;

use std::error::Error as _;
use std::ffi::OsString;
use std::io::Write as _;

use clap::CommandFactory as _;
use clap::FromArgMatches as _;

use crate::cli::env::ColorChoice;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::escape;
use crate::render::style::Tone;
use crate::render::style::Verbosity;

/// Bring machines home from Azure: checked, planned, rehearsed and run from plans kept in git
#[derive(Debug, clap::Parser)]
#[command(
    name = "failback",
    bin_name = "failback",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Write colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    color: ColorChoice,
    /// Say only what refuses
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say everything
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Plan(plan::DryRunArgs),
    Graph(graph::GraphArgs),
    Inventory(inventory::InventoryArgs),
    Import(import::ImportArgs),
    Explain(explain::ExplainArgs),
    Schema(schema::SchemaArgs),
    Init(init::InitArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[cfg(feature = "lsp")]
    Lsp(lsp::LspArgs),
    Run(run::RunArgs),
    Simulate(simulate::SimulateArgs),
    Emulator(emulator::EmulatorArgs),
    Doctor(doctor::DoctorArgs),
    Drill(Box<drill::DrillArgs>),
    Coverage(Box<coverage::CoverageArgs>),
    Drills(drills::DrillsArgs),
    Schedule(schedule::ScheduleArgs),
    Serve(serve::ServeArgs),
    Resume(resume::ResumeArgs),
    Approve(approve::ApproveArgs),
    Skip(skip::SkipArgs),
    Retry(retry::RetryArgs),
    Cancel(cancel::CancelArgs),
    Withdraw(withdraw::WithdrawArgs),
    Report(report::ReportArgs),
    Runs(runs::RunsArgs),
    Show(runs::ShowArgs),
    Logs(runs::LogsArgs),
    Evidence(evidence::EvidenceArgs),
}

/// Runs a command line, the name of the program first, and returns how it ended.
pub fn run<I>(arguments: I, env: &mut Env<'_>) -> Exit
where
    I: IntoIterator,
    I::Item: Into<OsString> + Clone,
{
    let matches = command().try_get_matches_from(arguments);
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error, env),
    };
    env.color = arguments.color;
    env.verbosity = match (arguments.quiet, arguments.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, true) => Verbosity::Verbose,
        (false, false) => Verbosity::Normal,
    };
    let ended = match &arguments.command {
        Command::Check(args) => check::run(args, env),
        Command::Plan(args) => plan::run(args, env),
        Command::Graph(args) => graph::run(args, env),
        Command::Inventory(args) => inventory::run(args, env),
        Command::Import(args) => import::run(args, env),
        Command::Explain(args) => explain::run(args, env),
        Command::Schema(args) => schema::run(args, env),
        Command::Init(args) => init::run(args, env),
        Command::Completions(args) => completions::run(args, env),
        Command::Man(args) => man::run(args, env),
        #[cfg(feature = "lsp")]
        Command::Lsp(args) => lsp::run(args, env),
        Command::Run(args) => run::run(args, env),
        Command::Simulate(args) => simulate::run(args, env),
        Command::Emulator(args) => emulator::run(args, env),
        Command::Doctor(args) => doctor::run(args, env),
        Command::Drill(args) => drill::run(args, env),
        Command::Coverage(args) => coverage::run(args, env),
        Command::Drills(args) => drills::run(args, env),
        Command::Schedule(args) => schedule::run(args, env),
        Command::Serve(args) => serve::run(args, env),
        Command::Resume(args) => resume::run(args, env),
        Command::Approve(args) => approve::run(args, env),
        Command::Skip(args) => skip::run(args, env),
        Command::Retry(args) => retry::run(args, env),
        Command::Cancel(args) => cancel::run(args, env),
        Command::Withdraw(args) => withdraw::run(args, env),
        Command::Report(args) => report::run(args, env),
        Command::Runs(args) => runs::list(args, env),
        Command::Show(args) => runs::show(args, env),
        Command::Logs(args) => runs::logs(args, env),
        Command::Evidence(args) => evidence::run(args, env),
    };
    let ended = ended.and_then(|exit| {
        env.out.flush()?;
        Ok(exit)
    });
    let exit = match ended {
        Ok(exit) => exit,
        Err(error) => {
            tell(&error, env);
            error.exit()
        }
    };
    // Nobody is left to be told that talk can't be written.
    let _ = env.err.flush();
    exit
}

/// Returns the whole command line.
fn command() -> clap::Command {
    Arguments::command().mut_subcommands(|command| {
        let silent = silent(command.get_name());
        silent.iter().fold(command, |command, (name, letter)| {
            // An argument of the command's own stands in for the one of all, so that every command goes on taking it.
            let flag = clap::Arg::new(*name).short(*letter).long(*name);
            command.arg(flag.action(clap::ArgAction::SetTrue).hide(true))
        })
    })
}

/// Returns the flags that change nothing about what a command says, so that its help does not list them.
fn silent(command: &str) -> &'static [(&'static str, char)] {
    const QUIET: (&str, char) = ("quiet", 'q');
    const VERBOSE: (&str, char) = ("verbose", 'v');
    match command {
        "check" | "plan" | "run" | "resume" | "drill" => &[],
        "graph" | "init" | "man" | "schedule" | "serve" => &[VERBOSE],
        _ => &[QUIET, VERBOSE],
    }
}

/// Prints help, or why the command line can't be understood.
fn refused(error: &clap::Error, env: &mut Env<'_>) -> Exit {
    let text = error.render();
    let is_help = !error.use_stderr();
    let (style, output) =
        if is_help { (env.style(), &mut env.out) } else { (env.talk_style(), &mut env.err) };
    let written = if style.color { write!(output, "{}", text.ansi()) } else { write!(output, "{text}") };
    match written.and_then(|()| output.flush()) {
        Ok(()) if is_help => Exit::Success,
        Ok(()) => Exit::Usage,
        Err(error) => {
            tell(&CliError::from(error), env);
            Exit::Usage
        }
    }
}

/// Prints an error, what caused it, and what to do next.
fn tell(error: &CliError, env: &mut Env<'_>) {
    let style = env.talk_style();
    let mut text = format!("{}: {}", style.paint(Tone::Error, "error"), escape::line(&error.to_string()));
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {}", escape::line(&cause.to_string())));
        source = cause.source();
    }
    text.push('\n');
    for hint in error.hints() {
        text.push_str(&format!("{}: {}\n", style.paint(Tone::Open, "help"), escape::line(hint)));
    }
    // What was printed comes first, and nobody is left to be told that the error can't be told.
    let _ = env.out.flush();
    let _ = env.err.write_all(text.as_bytes());
}

/// Runs the command line of this process.
#[must_use]
pub fn run_process() -> Exit {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    // The hook has told of the panic when it comes here.
    std::panic::catch_unwind(move || {
        let mut env = Env::of_process(&mut out, &mut err);
        run(std::env::args_os(), &mut env)
    })
    .unwrap_or(Exit::Bug)
}
