//! `inventory`: facts from a site, and what has changed about it.

mod diff;
mod pull;
mod read;

pub use diff::DiffArgs;
pub use pull::PullArgs;
pub(crate) use read::read;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Observe a site, or compare two looks at it
#[derive(Clone, Debug, clap::Args)]
pub struct InventoryArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: InventoryCommand,
}

/// What can be done with facts.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum InventoryCommand {
    /// Observe a vault and its vCenters, and write down what they show
    Pull(PullArgs),
    /// Show what differs between two inventories, in the words of the domain
    Diff(DiffArgs),
}

/// Does what is asked with facts.
///
/// # Errors
///
/// [`CliError`] if something can't be read or written.
pub fn run(args: &InventoryArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    match &args.command {
        InventoryCommand::Pull(args) => pull::run(args, env),
        InventoryCommand::Diff(args) => diff::run(args, env),
    }
}
