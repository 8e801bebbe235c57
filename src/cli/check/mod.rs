//! `check`: reads plans and says what is wrong with them. Touches no site.

mod args;
mod evaluate;
mod show;

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::args::PlanArgs;
use crate::cli::baseline::Baseline;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::fix;
use crate::cli::judge::Checks;
use crate::cli::live;
use crate::cli::load;
use crate::cli::load::Loaded;
use crate::cli::policies;
use crate::diagnostic::Severity;
use crate::escape;
use crate::render::Sheet;
use crate::render::gate::Gate;
use crate::render::github;
use crate::render::gitlab;
use crate::render::json;
use crate::render::junit;
use crate::render::markdown;
use crate::render::place::Places;
use crate::render::sarif;
use crate::render::style::Tone;
use crate::render::style::Verbosity;

pub use self::args::CheckArgs;
pub use self::args::FailOn;
pub use self::args::FindingsFormat;
pub use self::args::Format;
pub use self::evaluate::Checked;
pub use self::evaluate::evaluate;
pub use self::show::failures;
pub use self::show::mistakes;
pub use self::show::outcome;
pub(crate) use self::show::print_json;

/// Checks plans.
///
/// # Errors
///
/// [`CliError`] if there is no plan to check, the baseline can't be read, or the output can't be written.
pub fn run(args: &CheckArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if !args.test_policies.is_empty() {
        return policies::run(&args.test_policies, args.format, &args.plan, env);
    }
    if args.paths == [Path::new("plans")] && !env.path(Path::new("plans")).exists() {
        return Err(CliError::usage("there is no folder `plans` here")
            .hinted("name what to check: failback check PATH…"));
    }
    let limit = args.plan.max_file_size.0;
    let baseline = args.baseline.as_deref().map(|path| Baseline::read(path, limit, env)).transpose()?;
    let mut plan = PlanArgs { max_age: args.max_age, ..args.plan.clone() };
    if args.live {
        plan = match live::looked(only_path(&args.paths)?, &plan, &args.site, env)? {
            Ok(plan) => plan,
            Err(exit) => return Ok(exit),
        };
    } else {
        live::refuse_site(&args.site)?;
    }
    let mut loaded = load::load(&args.paths, &plan, env);
    let nothing = loaded.plans_left() == 0
        && loaded.inventories == 0
        && loaded.policies.is_empty()
        && loaded.settings.is_empty()
        && loaded.diagnostics.is_empty()
        && loaded.failures.is_empty();
    if nothing {
        let paths: Vec<String> = args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(CliError::usage(format!("no plan in {}", paths.join(", ")))
            .hinted("a plan is a YAML file that begins with `kind: RecoveryPlan`"));
    }
    if args.diff {
        return fix::show(&loaded, limit, env);
    }
    if args.fix {
        let applied = fix::apply(&loaded, limit, env)?;
        if applied.any {
            loaded = load::load(&args.paths, &plan, env);
        }
        loaded.failures.extend(applied.failures);
    }
    tell_stale(&loaded, env)?;
    let fail_on = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
    };
    let gate = Gate { fail_on, strict: plan.strict, is_live: args.live };
    let mut checks = Checks { options: plan.options(env.clock.now()), gate, baseline, now: plan.now };
    let places = Places::of(&env.folder);
    let verbosity = env.verbosity;
    if args.format == FindingsFormat::Human {
        return show::human(&mut loaded, &mut checks, env);
    }
    // Each of these formats sees to it by itself what its readers take for a command.
    env.out.guarded(Guard::Nothing)?;
    let mut out = std::io::BufWriter::new(&mut env.out);
    let sheet: Box<dyn Sheet + '_> = match args.format {
        FindingsFormat::Human | FindingsFormat::Json => Box::new(json::Findings::begin(&mut out)?),
        FindingsFormat::Sarif => Box::new(sarif::Log::begin(&mut out, places)?),
        FindingsFormat::Github => Box::new(github::Annotations::begin(&mut out, places, gate, verbosity)),
        FindingsFormat::Gitlab => Box::new(gitlab::CodeQuality::begin(&mut out, places, gate, verbosity)?),
        FindingsFormat::Junit => Box::new(junit::Report::begin(&mut out, places, gate)?),
        FindingsFormat::Markdown => Box::new(markdown::Comment::begin(&mut out, places, gate, verbosity)),
    };
    let exit = show::fill(sheet, &mut loaded, &mut checks)?;
    out.flush()?;
    drop(out);
    if let Some(known) = checks.baseline.as_ref().map(Baseline::counts)
        && matches!(
            args.format,
            FindingsFormat::Sarif | FindingsFormat::Github | FindingsFormat::Gitlab | FindingsFormat::Junit
        )
        && verbosity > Verbosity::Quiet
    {
        writeln!(env.err, "{}", known.in_words())?;
    }
    Ok(exit)
}

/// Says what was forgotten because it is too old.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub(crate) fn tell_stale(loaded: &Loaded, env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.talk_style();
    for stale in loaded.stale.iter().filter(|_| style.verbosity > Verbosity::Quiet) {
        writeln!(env.err, "{}: {}", style.paint(Tone::Warning, "warning"), escape::line(stale))?;
    }
    Ok(())
}
/// Returns the path of the plan whose site is looked at.
fn only_path(paths: &[PathBuf]) -> Result<&Path, CliError> {
    match paths {
        [path] => Ok(path),
        _ => {
            Err(CliError::usage("--live looks at the site of one plan").hinted("name one file with one plan"))
        }
    }
}

/// Returns the exit code for what was read and checked.
pub(crate) fn exit(loaded: &Loaded, refused: bool) -> Exit {
    if !loaded.failures.is_empty() || loaded.lacks_inventory {
        Exit::Usage
    } else if refused || !loaded.diagnostics.is_empty() {
        Exit::Refused
    } else {
        Exit::Success
    }
}
