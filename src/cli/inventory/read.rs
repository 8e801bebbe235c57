//! Reads one inventory by itself.

use std::io::Write as _;
use std::path::Path;

use crate::cli::check;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load::Failure;
use crate::diagnostic::Diagnostic;
use crate::source::Sources;
use crate::source::Span;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::file;
use crate::syntax::inventory::Inventory;

/// Reads the one inventory of a file. What is wrong with it goes to standard error, with the exit code in its place.
///
/// # Errors
///
/// [`CliError`] if the file can't be read or the output can't be written.
pub(crate) fn read(path: &Path, limit: u64, env: &mut Env<'_>) -> Result<Result<Inventory, Exit>, CliError> {
    let text = file::read_file(&env.path(path), limit).map_err(|error| {
        let failure = Failure::of(path, error);
        let error = CliError::usage(failure.message);
        failure.help.into_iter().fold(error, CliError::hinted)
    })?;
    let mut sources = Sources::new();
    let index = sources
        .add(path.display().to_string(), text.text)
        .map_err(|error| CliError::usage("can't read the inventory").because(error))?;
    let mut diagnostics = Vec::new();
    let mut found: Vec<Inventory> = Vec::new();
    sources.set_lossy(index, text.bad_utf8);
    for document in syntax::parse(sources.get(index), &mut diagnostics) {
        match document {
            Document::Inventory(inventory) => found.push(*inventory),
            // Plans and policies beside the facts were not asked for.
            Document::Plan(_) | Document::Policy(_) | Document::Settings(_) => {}
        }
    }
    if found.len() != 1 && diagnostics.is_empty() {
        let several = if found.is_empty() { "no inventory" } else { "several inventories" };
        let message = format!("`{}` holds {several}", path.display());
        diagnostics.push(
            Diagnostic::error("no-inventory", Span::NONE, message)
                .help("name a file with one document of `kind: Inventory`"),
        );
    }
    let text = check::mistakes(&diagnostics, &sources, env.talk_style());
    env.err.write_all(text.as_bytes())?;
    Ok(found.pop().filter(|_| diagnostics.is_empty()).ok_or(Exit::Refused))
}
