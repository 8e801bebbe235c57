//! `lsp`: serves an editor over standard input and output.

use std::io::BufReader;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::lsp;
use crate::lsp::Ended;
use crate::lsp::Settings;

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
/// [`CliError`] if a policy was given, or the output can't be written.
pub fn run(args: &LspArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if !args.plan.policy.is_empty() {
        return Err(CliError::usage("policies are not evaluated in an editor")
            .hinted("evaluate them with `failback check --policy`"));
    }
    let options = args.plan.options(env.clock.now());
    let settings = Settings {
        origin: options.origin,
        strict: options.strict,
        now: args.plan.now,
        clock: std::sync::Arc::clone(&env.clock),
        inventory: args.plan.inventory.as_deref().map(|path| env.path(path)),
        max_bytes: args.plan.max_file_size.0,
    };
    // The code that the protocol asks for when an editor goes away without a word is that of a refused plan.
    Ok(match lsp::serve(BufReader::new(std::io::stdin()), &mut env.out, settings)? {
        Ended::Orderly => Exit::Success,
        Ended::Abruptly => Exit::Refused,
    })
}
