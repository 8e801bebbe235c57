//! `init`: a folder with a plan, its facts, settings of the daemon, and what an editor and a build service need to check them.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::ToSpan as _;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::replace::replace;
use crate::cli::schema::SchemaKind;
use crate::escape;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::syntax::repair::is_ambiguous;
use crate::syntax::scalar::Plain;

/// The architecture of Site Recovery that the example describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Architecture {
    /// A configuration server, process servers and master targets; retired in March 2026
    Classic,
    /// A replication appliance
    #[default]
    Modernized,
}

/// A service that checks every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Ci {
    /// A workflow of GitHub Actions
    Github,
    /// A pipeline of GitLab
    Gitlab,
    /// No service
    None,
}

/// Make a plan with its facts, settings of the daemon, schemas, editor settings and a CI file
///
/// The plan and its facts are examples that may run as they are: `failback check`, `plan` and `run` work at once. A file
/// that exists is left as it is, unless --force says otherwise.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    /// Folder to make, or to add to
    #[arg(value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Name of the plan and of its files
    #[arg(long, default_value = "site", value_parser = name)]
    pub name: String,
    /// Architecture that the example describes: `modernized`, since the classic one was retired in March 2026
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    pub architecture: Architecture,
    /// Service that is to check every change [default: the one whose file is in the folder, else github]
    #[arg(long, value_name = "SERVICE", value_enum)]
    pub ci: Option<Ci>,
    /// Replace files that exist, which loses what is in them
    #[arg(long)]
    pub force: bool,
}

/// A line that keeps the records of runs out of git.
const IGNORED: &str = ".failback/";

/// The folder of the workflows of GitHub.
const GITHUB: &str = ".github/workflows";

/// The file of the pipeline of GitLab.
const GITLAB: &str = ".gitlab-ci.yml";

/// What became of a file.
enum Outcome {
    Made,
    Added,
    Same,
    Replaced,
    Kept,
}

/// Makes the files that there are not yet, and says what it did.
///
/// # Errors
///
/// [`CliError`] if a file can't be made.
pub fn run(args: &InitArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let ci = args.ci.unwrap_or_else(|| ci_of(&env.path(&args.folder)));
    let mut files = files(args, ci, env.clock.now());
    let mut kept = false;
    // The folder's own file, which a person may have written into.
    let ignored = (PathBuf::from(".gitignore"), format!("{IGNORED}\n"));
    files.push(ignored);
    for (name, text) in &files {
        let shown = if args.folder == Path::new(".") { name.clone() } else { args.folder.join(name) };
        let is_list = name == Path::new(".gitignore");
        let outcome = match put(&env.path(&shown), text, is_list) {
            Ok(Outcome::Kept) if args.force => overwrite(&env.path(&shown), text, &env.path(&args.folder)),
            other => other,
        };
        let outcome = outcome
            .map_err(|error| CliError::usage(format!("can't make `{}`", shown.display())).because(error))?;
        let style = env.style();
        let (word, tone) = match outcome {
            Outcome::Made => ("made", Tone::Good),
            Outcome::Added => ("added to", Tone::Good),
            Outcome::Same => ("unchanged", Tone::Faint),
            Outcome::Replaced => ("replaced", Tone::Warning),
            Outcome::Kept => ("exists, left as it is", Tone::Warning),
        };
        kept |= matches!(outcome, Outcome::Kept);
        if env.verbosity > Verbosity::Quiet || matches!(outcome, Outcome::Kept | Outcome::Replaced) {
            writeln!(env.out, "{}: {}", style.paint(tone, word), escape::line(&shown.to_string_lossy()))?;
        }
    }
    if env.verbosity > Verbosity::Quiet && !kept {
        let plan = format!("plans/{}.plan.yaml", args.name);
        if args.folder != Path::new(".") {
            writeln!(env.out, "\ncd {}", escape::line(&args.folder.to_string_lossy()))?;
        } else {
            writeln!(env.out)?;
        }
        writeln!(env.out, "failback check            # is anything wrong?")?;
        writeln!(env.out, "failback plan {plan}\nfailback run {plan} --speed max")?;
        writeln!(
            env.out,
            "failback drill {plan} --name weekly\nfailback serve            # drills when they are due, and the dashboard"
        )?;
        if ci != Ci::None {
            let note = "set the variable FAILBACK_SOURCE to the git URL of failback";
            writeln!(env.out, "\nfor the checks of changes, {note}")?;
        }
    }
    Ok(Exit::Success)
}

/// Returns the service that a folder is checked by already; GitHub, if nothing tells.
fn ci_of(folder: &Path) -> Ci {
    let is_gitlab = folder.join(GITLAB).exists() && !folder.join(GITHUB).exists();
    if is_gitlab { Ci::Gitlab } else { Ci::Github }
}

/// Returns the files to make, each a name below the folder and a text.
fn files(args: &InitArgs, ci: Ci, now: Timestamp) -> Vec<(PathBuf, String)> {
    let (plan, inventory) = match args.architecture {
        Architecture::Classic => (include_str!("classic.plan.yaml"), include_str!("classic.inventory.yaml")),
        Architecture::Modernized => {
            (include_str!("modernized.plan.yaml"), include_str!("modernized.inventory.yaml"))
        }
    };
    let name = &args.name;
    let mut files = vec![
        (PathBuf::from(format!("plans/{name}.plan.yaml")), filled(plan, name, now)),
        (PathBuf::from(format!("plans/{name}.inventory.yaml")), filled(inventory, name, now)),
        (PathBuf::from(crate::cli::settings::FILE), include_str!("settings.yaml").to_owned()),
        (PathBuf::from(".vscode/settings.json"), include_str!("vscode.json").to_owned()),
    ];
    let schemas =
        SchemaKind::ALL.into_iter().map(|kind| (Path::new("schemas").join(kind.file()), kind.text()));
    files.extend(schemas);
    match ci {
        Ci::Github => {
            files.push((Path::new(GITHUB).join("failback.yml"), include_str!("github.yml").to_owned()));
        }
        Ci::Gitlab => files.push((PathBuf::from(GITLAB), include_str!("gitlab.yml").to_owned())),
        Ci::None => {}
    }
    files
}

/// Returns a template with the plan's name and its dates, which are measured from now: facts age, and certificates end.
fn filled(template: &str, name: &str, now: Timestamp) -> String {
    let now = now.round(jiff::Unit::Second).unwrap_or(now);
    let day = 24;
    let at = |hours: i64| now.checked_add(hours.hours()).unwrap_or(now).to_string();
    [
        ("@name@", name.to_owned()),
        ("@observed_at@", at(0)),
        ("@heartbeat_at@", at(0)),
        ("@backup_at@", at(-day)),
        ("@booted_at@", at(-7 * day)),
        ("@certificate_until@", at(730 * day)),
    ]
    .iter()
    .fold(template.to_owned(), |text, (marker, value)| text.replace(marker, value))
}

/// Makes a file unless it exists; a list of lines gets those that it lacks.
fn put(path: &Path, text: &str, is_list: bool) -> io::Result<Outcome> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
            if written.is_err() {
                // Half a file would be left as it is from now on.
                let _ = fs::remove_file(path);
            }
            return written.map(|()| Outcome::Made);
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    // What can't be read, or is no text, is not ours.
    let Ok(there) = fs::read_to_string(path) else { return Ok(Outcome::Kept) };
    if there == text {
        return Ok(Outcome::Same);
    }
    if !is_list {
        return Ok(Outcome::Kept);
    }
    let is_there =
        |line: &str| there.lines().any(|other| other.trim().trim_start_matches("**/") == line.trim());
    let lacking: Vec<&str> = text.lines().filter(|line| !is_there(line)).collect();
    if lacking.is_empty() {
        return Ok(Outcome::Same);
    }
    let gap = if there.is_empty() || there.ends_with('\n') { "" } else { "\n" };
    let longer = format!("{there}{gap}{}\n", lacking.join("\n"));
    replace(path, &there, &longer).map_err(io::Error::other)?;
    Ok(Outcome::Added)
}

/// Replaces a file of the folder, in one step.
///
/// A link may lead anywhere, and what is no text is nothing that a person wrote here: both are refused.
fn overwrite(path: &Path, text: &str, folder: &Path) -> io::Result<Outcome> {
    if !path.canonicalize()?.starts_with(folder.canonicalize()?) {
        return Err(io::Error::other("it is a link to a place outside the folder"));
    }
    let there = fs::read_to_string(path)?;
    replace(path, &there, text).map_err(io::Error::other)?;
    Ok(Outcome::Replaced)
}

/// Reads the name of a plan, which is also the name of its files.
fn name(text: &str) -> Result<String, String> {
    let is_of_files = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let is_word =
        text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(is_of_files);
    if is_word && text.len() <= 64 && Plain::of(text) == Plain::Text && !is_ambiguous(text) {
        Ok(text.to_owned())
    } else {
        Err("write letters, digits, `-`, `_` and `.`, such as erp-failback".to_owned())
    }
}
