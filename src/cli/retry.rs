//! `retry`: has a failed step done again.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order;
use crate::cli::runs::LookArgs;
use crate::event::Order;
use crate::id::StepId;

/// Have a step that failed or was blocked done again, also in a run that has ended with failures
///
/// What is there already is seen and not asked for twice. With `--downstream` the steps that it blocked go on, too. A master target
/// or appliance that was moved after the reprotect took the disks of its machines along: `--disks-attached` says that a person
/// found them and attached them again, so that the server counts where it stands now.
#[derive(Clone, Debug, clap::Args)]
pub struct RetryArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// The step, such as reprotect/app1
    #[arg(value_name = "STEP")]
    pub step: String,
    /// Let the steps that it blocked go on, too
    #[arg(long)]
    pub downstream: bool,
    /// Say that the disks of its machines were attached by hand to their master target or appliance, after that was moved
    #[arg(long)]
    pub disks_attached: bool,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Orders a step to be done again.
///
/// # Errors
///
/// [`CliError`] if it can't be done again, or the order can't be sent.
pub fn run(args: &RetryArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let to = order::find(&args.run, &args.look, env)?;
    let order = Order::Retry {
        step: StepId::new(args.step.as_str()),
        downstream: args.downstream,
        disks_attached: args.disks_attached,
    };
    order::give(&to, order, env)
}
