//! `drills`: the drills of plans, when each is due next, and how it went the last time.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::runs;
use crate::cli::settings;
use crate::drill::listing;
use crate::drill::listing::Line;
use crate::drill::plans::Folder;
use crate::drill::plans::Found;
use crate::escape;
use crate::journal::DrillRow;
use crate::journal::StateDir;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::syntax::file;
use crate::syntax::file::DEFAULT_MAX_BYTES;

/// List the drills of plans: when each is due next, and how it went the last time
///
/// Without a path, lists those of the plans that `failback.yaml` names, or of the folder `plans` if there is none.
#[derive(Clone, Debug, clap::Args)]
pub struct DrillsArgs {
    /// Plan files, or folders that hold plans
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Settings that name the plans [default: failback.yaml, if it is there]
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub settings: Option<PathBuf>,
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Look for drills in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

/// Returns the plans of some files and folders.
///
/// # Errors
///
/// [`CliError`] if one can't be read: [`Exit::Usage`] for a path that was named, [`Exit::Refused`] for what it says.
pub(crate) fn plans(folder: &Path, paths: &[PathBuf]) -> Result<Found, CliError> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    for path in paths {
        let full = folder.join(path);
        if !full.is_dir() {
            file::read_file(&full, DEFAULT_MAX_BYTES).map_err(|error| error.with_path(path))?;
        }
    }
    let found = Folder::new(folder.clone(), folder, paths.to_vec(), DEFAULT_MAX_BYTES).changed();
    let found = found.unwrap_or_default();
    if let Some(mistake) = found.mistakes.first() {
        let message = format!("can't read `{}`: {}", mistake.path.display(), mistake.message);
        return Err(CliError::new(Exit::Refused, message).hinted("failback check says all that is wrong"));
    }
    Ok(found)
}

/// Lists drills.
///
/// # Errors
///
/// [`CliError`] if the plans or the state directory can't be read.
pub fn run(args: &DrillsArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let default = Path::new(settings::FILE);
    let settings = match &args.settings {
        Some(path) => Some(path.as_path()),
        None if args.paths.is_empty() && env.path(default).is_file() => Some(default),
        None => None,
    };
    let found = match settings {
        Some(path) => match settings::read(path, env)? {
            Ok(kept) => plans(&kept.folder, &kept.plans())?,
            Err(exit) => return Ok(exit),
        },
        None if args.paths.is_empty() => plans(&env.folder, &[PathBuf::from("plans")])?,
        None => plans(&env.folder, &args.paths)?,
    };
    let (state, rows) = kept(&args.state_dir, env)?;
    let lines = listing::of(&found, &rows, state.as_ref(), env.clock.now());
    if args.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let text = json!({"version": 1, "drills": lines}).to_string();
        writeln!(env.out, "{text}")?;
        return Ok(Exit::Success);
    }
    if lines.is_empty() {
        writeln!(env.out, "no plan has drills")?;
        return Ok(Exit::Success);
    }
    let style = env.style();
    let text = table(&lines, style);
    env.out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}

/// Returns the state directory and its drills, if it is there.
fn kept(path: &Path, env: &Env<'_>) -> Result<(Option<StateDir>, Vec<DrillRow>), CliError> {
    let unreadable =
        |error| CliError::usage(format!("can't look for drills in `{}`", path.display())).because(error);
    let Some(dir) = StateDir::existing(&env.path(path)).map_err(unreadable)? else {
        return Ok((None, Vec::new()));
    };
    let dir = dir.given_as(path);
    let rows = runs::database(&dir)?.drills().map_err(|error| runs::unreadable(&dir, error))?;
    Ok((Some(dir), rows))
}

fn table(lines: &[Line], style: Style) -> String {
    let head = ["plan", "drill", "kind", "next", "last", "verdict"].map(str::to_owned);
    let rows: Vec<[String; 6]> = lines.iter().map(cells).collect();
    let mut widths = [0; 6];
    for row in std::iter::once(&head).chain(&rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for (number, row) in std::iter::once(&head).chain(&rows).enumerate() {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            if at + 1 < row.len() {
                line.push_str(&format!("{cell:<width$}  "));
            } else {
                let tone = match cell.as_str() {
                    "passed" => Tone::Good,
                    "failed" | "died" => Tone::Error,
                    "degraded" => Tone::Warning,
                    _ => Tone::Faint,
                };
                line.push_str(&if number == 0 { cell.clone() } else { style.paint(tone, cell).to_string() });
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn cells(line: &Line) -> [String; 6] {
    let zone = line.timezone.as_deref().unwrap_or("UTC");
    let shown = |at: jiff::Timestamp| match at.in_tz(zone) {
        Ok(at) => at.strftime("%F %R %Z").to_string(),
        Err(_) => format!("{at:.0}"),
    };
    let next = match (&line.schedule, line.next_at) {
        (None, _) => "by hand".to_owned(),
        (Some(_), None) => "never".to_owned(),
        (Some(_), Some(at)) => shown(at),
    };
    [
        escape::line(&line.plan).into_owned(),
        escape::line(&line.drill).into_owned(),
        line.kind.clone(),
        next,
        line.last.as_ref().map_or_else(|| "never".to_owned(), |last| shown(last.began_at)),
        line.last
            .as_ref()
            .map_or_else(|| "not exercised".to_owned(), |last| escape::line(&last.state).into_owned()),
    ]
}
