//! `check --fix` and `check --diff`: what can only have been meant in one way is put right, or shown.

use std::io::Write as _;
use std::path::Path;

use crate::cli::check;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load::Failure;
use crate::cli::load::Loaded;
use crate::cli::replace::replace;
use crate::escape;
use crate::render::diff;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::syntax::file;
use crate::syntax::repair::Repair;
use crate::syntax::repair::Repaired;
use crate::syntax::repair::repair;

/// Repairs of one file that are listed; the others are counted.
const LISTED: usize = 20;

/// A file that can be put right.
struct Change {
    file: String,
    before: String,
    after: Repaired,
}

/// Finds what can be put right in the files that were read; what can't be read again is left to the check itself.
fn changes(loaded: &Loaded, max_bytes: u64, env: &Env<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for source in loaded.sources.all() {
        // The bytes of the file decide, and not what was made of them: what is no text must not be written as text.
        let Ok(text) = file::read_file(&env.path(Path::new(source.name())), max_bytes) else { continue };
        if !text.bad_utf8
            && let Some(after) = repair(&text.text)
        {
            changes.push(Change { file: source.name().to_owned(), before: text.text, after });
        }
    }
    changes
}

/// What became of the files that could be put right.
pub(crate) struct Applied {
    /// Whether a file was written.
    pub any: bool,
    /// Files that could not be written.
    pub failures: Vec<Failure>,
}

/// Puts right what can only have been meant in one way, and says what that was.
///
/// # Errors
///
/// [`CliError`] if that can't be said. A file that can't be written is a [`Failure`].
pub(crate) fn apply(loaded: &Loaded, max_bytes: u64, env: &mut Env<'_>) -> Result<Applied, CliError> {
    let mut applied = Applied { any: false, failures: Vec::new() };
    let (mut places, mut files) = (0, 0);
    for Change { file, before, after } in changes(loaded, max_bytes, env) {
        match replace(&env.path(Path::new(&file)), &before, &after.text) {
            Ok(()) => {
                places += after.repairs.len();
                files += 1;
                tell(&file, &after.repairs, env)?;
            }
            Err(error) => {
                let error = error.about(Path::new(&file));
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                let message = format!("{error}{}", cause.unwrap_or_default());
                let help = Some("nothing was changed in it; see what would be with --diff".to_owned());
                applied.failures.push(Failure { file, message, help });
            }
        }
    }
    applied.any = files > 0;
    if applied.any && env.verbosity > Verbosity::Quiet {
        writeln!(env.err, "{} fixed", counted(places, files))?;
    }
    Ok(applied)
}

/// Shows what [`apply`] would change, and changes nothing.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub(crate) fn show(loaded: &Loaded, max_bytes: u64, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let style = env.style();
    let (mut places, mut files) = (0, 0);
    for Change { file, before, after } in changes(loaded, max_bytes, env) {
        let text = diff::unified(&file, &before, &after.text, style).unwrap_or_default();
        places += after.repairs.len();
        files += 1;
        env.out.write_all(text.as_bytes())?;
    }
    let failures = check::failures(&loaded.failures, env.talk_style());
    env.err.write_all(failures.as_bytes())?;
    if env.verbosity > Verbosity::Quiet {
        match files {
            0 => writeln!(env.err, "nothing to fix")?,
            _ => writeln!(env.err, "{} to fix", counted(places, files))?,
        }
    }
    Ok(match (loaded.failures.is_empty(), files) {
        (false, _) => Exit::Usage,
        (true, 0) => Exit::Success,
        (true, _) => Exit::Refused,
    })
}

fn tell(file: &str, repairs: &[Repair], env: &mut Env<'_>) -> Result<(), CliError> {
    if env.verbosity == Verbosity::Quiet {
        return Ok(());
    }
    let style = env.talk_style();
    let listed = if env.verbosity == Verbosity::Verbose { repairs.len() } else { LISTED };
    let mut text = String::new();
    for Repair { line, title } in repairs.iter().take(listed) {
        let (place, title) = (format!("{file}:{line}"), escape::line(title));
        text.push_str(&format!("{} {}: {title}\n", style.paint(Tone::Good, "fixed"), escape::line(&place)));
    }
    if repairs.len() > listed {
        let more = repairs.len() - listed;
        text.push_str(&format!("{} {}: {more} more\n", style.paint(Tone::Good, "fixed"), escape::line(file)));
    }
    env.err.write_all(text.as_bytes())?;
    Ok(())
}

fn counted(places: usize, files: usize) -> String {
    let files = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
    if places == 1 { format!("1 place in {files}") } else { format!("{places} places in {files}") }
}
