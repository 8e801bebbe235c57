//! Reads the settings of a daemon.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

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
use crate::syntax::settings::Settings;

/// The file that settings are looked for in.
pub const FILE: &str = "failback.yaml";

/// Bytes that the file may hold.
const MOST: u64 = 16 * 1024 * 1024;

/// Settings with the place that their files and folders are named from.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The settings.
    pub settings: Settings,
    /// Their file, absolute.
    pub file: PathBuf,
    /// The folder of the file, absolute.
    pub folder: PathBuf,
}

/// Reads the one settings document of a file. What is wrong with it goes to standard error, with the exit code in its place.
///
/// # Errors
///
/// [`CliError`] if the file can't be read or the output can't be written.
pub fn read(path: &Path, env: &mut Env<'_>) -> Result<Result<Kept, Exit>, CliError> {
    let full = std::path::absolute(env.path(path)).unwrap_or_else(|_| env.path(path));
    let text = file::read_file(&full, MOST).map_err(|error| {
        let failure = Failure::of(path, error);
        let error = CliError::usage(failure.message);
        let error = failure.help.into_iter().fold(error, CliError::hinted);
        error.hinted("name the settings with --settings FILE: a document that begins with `kind: Settings`")
    })?;
    let mut sources = Sources::new();
    let index = sources
        .add(path.display().to_string(), text.text)
        .map_err(|error| CliError::usage("can't read the settings").because(error))?;
    let mut mistakes = Vec::new();
    let mut found: Vec<Settings> = Vec::new();
    sources.set_lossy(index, text.bad_utf8);
    for document in syntax::parse(sources.get(index), &mut mistakes) {
        match document {
            Document::Settings(settings) => found.push(*settings),
            // What lies beside the settings was not asked for.
            Document::Plan(_) | Document::Policy(_) | Document::Inventory(_) => {}
        }
    }
    if found.len() != 1 && mistakes.is_empty() {
        let count = if found.is_empty() { "no settings" } else { "several settings" };
        let message = format!("`{}` holds {count}", path.display());
        mistakes.push(
            Diagnostic::error("no-settings", Span::NONE, message)
                .help("name a file with one document of `kind: Settings`"),
        );
    }
    let text = check::mistakes(&mistakes, &sources, env.talk_style());
    env.err.write_all(text.as_bytes())?;
    let folder = full.parent().unwrap_or(Path::new("/")).to_owned();
    let settings = found.pop().filter(|_| mistakes.is_empty());
    Ok(settings.map(|settings| Kept { settings, file: full, folder }).ok_or(Exit::Refused))
}

/// Reads the settings that a flag names, if it does.
///
/// # Errors
///
/// Those of [`read`].
pub fn read_named(path: Option<&Path>, env: &mut Env<'_>) -> Result<Result<Option<Kept>, Exit>, CliError> {
    match path {
        Some(path) => Ok(read(path, env)?.map(Some)),
        None => Ok(Ok(None)),
    }
}

/// The commands that plans may run on this machine, and where they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedCommands {
    /// Program and arguments of each.
    pub commands: Vec<Vec<String>>,
    /// The folder from which their relative paths are meant: that of whoever allows them, since a list says nothing about files that
    /// come with a plan.
    pub folder: PathBuf,
}

impl Kept {
    /// Returns the commands that plans may run.
    #[must_use]
    pub fn allowed_commands(&self) -> AllowedCommands {
        let commands = self.settings.allowed_commands.iter().map(|command| command.0.clone()).collect();
        AllowedCommands { commands, folder: self.folder.clone() }
    }

    /// Returns the files and folders of plans, from the folder of the settings.
    pub fn plans(&self) -> Vec<PathBuf> {
        let named: Vec<PathBuf> = self.settings.plans.iter().map(|path| PathBuf::from(&path.value)).collect();
        if named.is_empty() { vec![PathBuf::from("plans")] } else { named }
    }
}
