//! `graph`: draws the steps of a plan. Touches no site.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::graph::compile;
use crate::graph::dot;

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for Graphviz
    #[default]
    Dot,
}

/// Draw the steps of a plan and what each waits for
///
/// Diamonds are persons' answers, red boxes can't be taken back, dashed ones are done already.
#[derive(Clone, Debug, clap::Args)]
pub struct GraphArgs {
    /// Plan file
    #[arg(value_name = "PLAN")]
    pub path: PathBuf,
    /// Draw like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Draws a plan.
///
/// # Errors
///
/// [`CliError`] if the file does not hold exactly one plan, or the output can't be written.
pub fn run(args: &GraphArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let ready = match ready::ready(&args.path, &args.plan, Moment::Observed, env)? {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let text = match args.format {
        Format::Dot => dot::dot(&compile(&ready.plan)),
    };
    env.out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}
