//! `withdraw`: takes an order back that nobody has taken yet.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order;
use crate::cli::runs::LookArgs;

/// Take back an order that nobody has taken yet
///
/// An order waits while nobody drives the run. `failback show` tells the orders that wait, each with its number. What was taken already is in the record, and stays.
#[derive(Clone, Debug, clap::Args)]
pub struct WithdrawArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Number of the order
    #[arg(value_name = "ORDER")]
    pub order: u64,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Withdraws an order.
///
/// # Errors
///
/// [`CliError`] if no such order waits, or it can't be withdrawn.
pub fn run(args: &WithdrawArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let to = order::find(&args.run, &args.look, env)?;
    order::withdraw(&to, args.order, env)
}
