//! `graph`: draws the steps of a plan. Touches no site.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::forecast;
use crate::graph::compile;
use crate::graph::dot;
use crate::report::drawing;
use crate::report::drawing::Colour;

/// How a graph is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for Graphviz
    #[default]
    Dot,
    /// A picture that asks nothing of any other file
    Svg,
    /// A flowchart that wikis and pull requests draw
    Mermaid,
}

/// Draw the steps of a plan and what each waits for
///
/// Diamonds, or boxes with slanted ends, are persons' answers; red frames can't be taken back, dashed ones are done already.
/// In a picture and in a flowchart of more than a thousand steps, those of a kind and a wave count as one.
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
    let graph = compile(&ready.plan);
    let text = match args.format {
        Format::Dot => dot::dot(&graph),
        Format::Svg => {
            let observed = ready.plan.model().observed_at().unwrap_or_else(|_| env.clock.now());
            let forecast = forecast::forecast(&graph, args.plan.options(observed).now);
            drawing::graph(&graph, Colour { status: None, critical: &forecast.critical_path })
        }
        Format::Mermaid => drawing::mermaid(&graph),
    };
    env.out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}
