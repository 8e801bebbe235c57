//! `evidence key`: makes a key that signs evidence.

use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::signature::SigningKey;

/// Make a key that signs evidence
///
/// Writes the private half, for its owner alone, and beside it the public half in the form of OpenSSH, which verifiers name with
/// --public-key. A key that is there is never replaced. An OpenSSH key of the kind ed25519 without a passphrase signs as well.
#[derive(Clone, Debug, clap::Args)]
pub struct KeyArgs {
    /// Write the private half to this file, and the public one beside it, with `.pub` at its end
    #[arg(short, long, value_name = "FILE", default_value = "failback-evidence.key")]
    pub output: PathBuf,
    /// Name in the public half, by which verifiers tell whose it is
    #[arg(long, value_name = "NAME", default_value = "failback-evidence")]
    pub comment: String,
}

pub(super) fn run(args: &KeyArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let failed = |path: &std::path::Path, error: std::io::Error| {
        CliError::usage(format!("can't make `{}`", path.display())).because(error)
    };
    if args.comment.chars().any(char::is_control) {
        return Err(CliError::usage("a name in a key is one line"));
    }
    let (key, text) =
        SigningKey::generate().map_err(|error| CliError::usage("can't make a key").because(error))?;
    let public = args.output.with_extension(match args.output.extension() {
        Some(ending) => format!("{}.pub", ending.to_string_lossy()),
        None => "pub".to_owned(),
    });
    let private = env.path(&args.output);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&private).map_err(|error| failed(&args.output, error))?;
    file.write_all(text.as_bytes()).map_err(|error| failed(&args.output, error))?;
    let line = format!("{}\n", key.public_line(&args.comment));
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).open(env.path(&public));
    opened.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|error| failed(&public, error))?;
    writeln!(env.out, "{}", args.output.display())?;
    writeln!(env.out, "{}", public.display())?;
    Ok(Exit::Success)
}
