//! `lsp`: serves an editor over standard input and output.

use std::io::BufReader;
use std::path::PathBuf;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::lsp;
use crate::lsp::Ended;
use crate::lsp::Settings;
use crate::syntax::file;

/// Serve an editor: findings, documentation and completion as one types
///
/// Speaks the Language Server Protocol over standard input and output, until the editor ends the session.
#[derive(Clone, Debug, clap::Args)]
pub struct LspArgs {
    /// Use standard input and output, as is done anyway: editors like to say so
    #[arg(long)]
    pub stdio: bool,
    /// Flags about how plans are read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Serves an editor.
///
/// # Errors
///
/// [`CliError`] if a policy that was given can't be read, or the output can't be written.
pub fn run(args: &LspArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let options = args.plan.options(env.clock.now());
    let max_bytes = args.plan.max_file_size.0;
    let policies: Vec<PathBuf> = args.plan.policy.iter().map(|path| env.path(path)).collect();
    for (path, shown) in policies.iter().zip(&args.plan.policy) {
        // An editor has no place to show that a file of the command line is missing.
        file::read_file(path, max_bytes).map_err(|error| error.with_path(shown))?;
    }
    let settings = Settings {
        origin: options.origin,
        strict: options.strict,
        now: args.plan.now,
        clock: std::sync::Arc::clone(&env.clock),
        inventory: args.plan.inventory.as_deref().map(|path| env.path(path)),
        policies,
        max_bytes,
    };
    env.out.guarded(Guard::Nothing)?;
    // The code that the protocol asks for when an editor goes away without a word is that of a refused plan.
    Ok(match lsp::serve(BufReader::new(std::io::stdin()), &mut env.out, settings)? {
        Ended::Orderly => Exit::Success,
        Ended::Abruptly => Exit::Refused,
    })
}
