//! `cancel`: ends a run early.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order;
use crate::cli::runs::LookArgs;
use crate::event::Order;

/// End a run early: begin nothing more, settle what is under way, and put the site in order
///
/// No operation that runs is cancelled. Then recovery plans that the run made are deleted, and the actions at the end of the run
/// come. The run ends with exit code 3; `failback show` tells where each machine is.
#[derive(Clone, Debug, clap::Args)]
pub struct CancelArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = order::reason)]
    pub reason: Option<String>,
    /// Modernized: take planned failovers back that are not committed, so that their machines run in Azure again
    #[arg(long)]
    pub failovers: bool,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Orders a run to end.
///
/// # Errors
///
/// [`CliError`] if it has ended, or the order can't be sent.
pub fn run(args: &CancelArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let to = order::find(&args.run, &args.look, env)?;
    order::give(&to, Order::Cancel { reason: args.reason.clone(), failovers: args.failovers }, env)
}
