//! `evidence`: what a run leaves, in one file that anyone can check.

mod export;
mod key;
mod verify;

pub use export::ExportArgs;
pub use key::KeyArgs;
pub use verify::VerifyArgs;

use std::path::Path;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;

/// Write what a run leaves into a file, and check such files offline
#[derive(Clone, Debug, clap::Args)]
pub struct EvidenceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: EvidenceCommand,
}

/// What can be done with evidence.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum EvidenceCommand {
    /// Write the evidence of a run into a file, and sign it
    Export(ExportArgs),
    /// Check a file of evidence: offline, and without taking anybody's word
    Verify(VerifyArgs),
    /// Make a key that signs evidence
    Key(KeyArgs),
}

/// Does what is asked with evidence.
///
/// # Errors
///
/// [`CliError`] if something can't be read or written.
pub fn run(args: &EvidenceArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    match &args.command {
        EvidenceCommand::Export(args) => export::run(args, env),
        EvidenceCommand::Verify(args) => verify::run(args, env),
        EvidenceCommand::Key(args) => key::run(args, env),
    }
}

/// Returns the file beside a bundle that holds its signature.
fn signature_of(bundle: &Path) -> PathBuf {
    let mut name = bundle.as_os_str().to_owned();
    name.push(".sig");
    PathBuf::from(name)
}
