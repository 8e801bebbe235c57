//! `import`: plans from what a vault holds.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::replace;
use crate::cli::session;
use crate::cli::site;
use crate::cli::site::VaultArgs;
use crate::escape;
use crate::import;
use crate::import::Imported;
use crate::import::LeftOut;
use crate::import::Made;
use crate::import::Wish;
use crate::provider::azure;
use crate::quantity::Bytes;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::workspace::Workspace;

/// Letters of a plan's name in the name of its file: file systems take 255 bytes, and a letter can have four.
const LONGEST_FILE: usize = 50;

/// Make plans from what a vault holds
///
/// One for each recovery plan of the vault and one for the machines that none holds, with what could not be carried over at the
/// head of each. Asks only, and changes nothing in the vault.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportArgs {
    /// Inventory of the vault, as `failback inventory pull` wrote it; the plans name it
    #[arg(long, value_name = "FILE")]
    pub inventory: PathBuf,
    /// Folder for the plans; without it they are printed
    #[arg(short, long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Take over this recovery plan of the vault alone
    #[arg(long, value_name = "NAME")]
    pub recovery_plan: Option<String>,
    /// Name of the plan for machines that no recovery plan holds
    #[arg(long, value_name = "NAME", default_value = "others")]
    pub name: String,
    /// Replace plans that exist, which loses what is in them
    #[arg(long)]
    pub force: bool,
    /// Which vault is meant.
    #[command(flatten)]
    pub site: VaultArgs,
    /// Read files up to this size, such as `512 MiB`
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse, default_value_t = Bytes(DEFAULT_MAX_BYTES))]
    pub max_file_size: Bytes,
}

/// Makes plans.
///
/// # Errors
///
/// [`CliError`] if the vault can't be asked, or a file can't be read or written.
pub fn run(args: &ImportArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let facts = match inventory::read(&args.inventory, args.max_file_size.0, env)? {
        Ok(facts) => facts,
        Err(exit) => return Ok(exit),
    };
    let reached = site::reach(&args.site, Some(&facts), env)?;
    let runtime = session::runtime()?;
    let connected = reached.connect(&facts, &runtime)?;
    let seen =
        runtime.block_on(azure::recovery_plans(&connected.reader, &connected.vault)).map_err(|error| {
            let told = CliError::usage("can't read the recovery plans of the vault");
            let help = error.help();
            help.into_iter().fold(told.because(error), CliError::hinted)
        })?;
    connected.end(runtime);
    if let Some(only) =
        args.recovery_plan.as_deref().filter(|only| seen.iter().all(|plan| plan.name != **only))
    {
        let names: Vec<&str> = seen.iter().map(|plan| plan.name.as_str()).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(CliError::usage(format!("the vault has no recovery plan `{}`", escape::line(only)))
            .hinted(format!("it has: {}", escape::line(&names))));
    }
    if let Some(folder) = &args.output {
        std::fs::create_dir_all(env.path(folder))
            .map_err(|error| CliError::usage(format!("can't make `{}`", folder.display())).because(error))?;
    }
    let named = named_from(args.output.as_deref(), &args.inventory, env);
    let wish = Wish { name: &args.name, inventory: named.as_deref(), only: args.recovery_plan.as_deref() };
    let Made { plans: made, left_out } = import::plans(&facts, &seen, &wish);
    tell_left_out(&left_out, env)?;
    if made.is_empty() {
        return Err(CliError::usage("there is nothing to bring home")
            .hinted("every machine of the inventory runs on-premises, or can't come back"));
    }
    put(args, &made, named.is_some(), env)?;
    Ok(Exit::Success)
}

/// Tells of the recovery plans that no plan takes over, and what is lost with each.
fn tell_left_out(left_out: &[LeftOut], env: &mut Env<'_>) -> Result<(), CliError> {
    for plan in left_out {
        let (name, reason) = (escape::line(&plan.name), escape::line(&plan.reason));
        writeln!(env.err, "left out: recovery plan `{name}`: {reason}")?;
        for note in plan.notes.iter().filter(|_| env.verbosity > Verbosity::Quiet) {
            writeln!(env.err, "  * {}", escape::line(note))?;
        }
    }
    Ok(())
}

/// Returns how a plan in the folder names the inventory: relative to itself; `None` if it may not, because the inventory lies
/// outside of its workspace.
fn named_from(folder: Option<&Path>, inventory: &Path, env: &Env<'_>) -> Option<String> {
    let full = |path: &Path| env.path(path).canonicalize().unwrap_or_else(|_| env.path(path));
    let folder = full(folder.unwrap_or(Path::new("")));
    let inventory = full(inventory);
    let common =
        folder.components().zip(inventory.components()).take_while(|(one, other)| one == other).count();
    let mut path = PathBuf::new();
    for _ in folder.components().skip(common) {
        path.push("..");
    }
    path.extend(inventory.components().skip(common));
    Workspace::of(&folder).holds(&inventory).then(|| path.display().to_string())
}

fn put(args: &ImportArgs, made: &[Imported], is_named: bool, env: &mut Env<'_>) -> Result<(), CliError> {
    let Some(folder) = &args.output else {
        for (number, plan) in made.iter().enumerate() {
            if number > 0 {
                writeln!(env.out, "---")?;
            }
            env.out.write_all(plan.text.as_bytes())?;
        }
        return Ok(());
    };
    let paths = paths(folder, made);
    if let Some(path) = paths.iter().find(|path| !args.force && env.path(path).exists()) {
        return Err(CliError::usage(format!("`{}` exists, and nothing was written", path.display()))
            .hinted("take another folder with -o, or replace it with --force, which loses what is in it"));
    }
    let style = env.style();
    for (plan, path) in made.iter().zip(&paths) {
        replace::put(&env.path(path), &plan.text).map_err(|error| {
            CliError::usage(format!("the plan `{}` was not written", plan.name)).because(error.about(path))
        })?;
        let shown = escape::line(&path.display().to_string()).into_owned();
        writeln!(env.out, "{}: {shown}: {} machines", style.paint(Tone::Good, "made"), plan.machines)?;
        for note in plan.notes.iter().filter(|_| env.verbosity > Verbosity::Quiet) {
            writeln!(env.out, "  * {}", escape::line(note))?;
        }
    }
    let facts = if is_named { String::new() } else { format!(" --inventory {}", args.inventory.display()) };
    let check = format!("failback check {}{facts}", folder.display());
    writeln!(env.out, "\n{}", escape::line(&check))?;
    Ok(())
}

/// Returns the file of each plan: its name, as far as every file system takes it, and none twice.
fn paths(folder: &Path, made: &[Imported]) -> Vec<PathBuf> {
    let mut taken = BTreeSet::new();
    let path = |plan: &Imported| {
        let plain: String = plan
            .name
            .chars()
            .map(|letter| if letter.is_alphanumeric() || "-_".contains(letter) { letter } else { '-' })
            .take(LONGEST_FILE)
            .collect();
        let mut name = plain.clone();
        let mut number = 2;
        while !taken.insert(name.to_lowercase()) {
            name = format!("{plain}-{number}");
            number += 1;
        }
        folder.join(format!("{name}.plan.yaml"))
    };
    made.iter().map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_plan_is_written_over_another() {
        let plan = |name: &str| Imported {
            name: name.to_owned(),
            text: String::new(),
            notes: Vec::new(),
            machines: 1,
        };
        let made = [plan("a/b"), plan("a b"), plan("A-B"), plan("../x"), plan(&"y".repeat(300))];
        let paths: Vec<String> =
            paths(Path::new("d"), &made).iter().map(|path| path.display().to_string()).collect();
        assert_eq!(
            paths[..4],
            ["d/a-b.plan.yaml", "d/a-b-2.plan.yaml", "d/A-B-3.plan.yaml", "d/---x.plan.yaml"]
        );
        assert!(paths[4].len() < 200, "no file system takes a name of more than 255 bytes: {}", paths[4]);
    }
}
