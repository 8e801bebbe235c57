//! Plans that are judged by what a site shows, instead of what a file says about it.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::cli::args::PlanArgs;
use crate::cli::check;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::pin;
use crate::cli::session;
use crate::cli::site;
use crate::cli::site::Connected;
use crate::cli::site::VaultArgs;
use crate::clock::Clock as _;
use crate::escape;
use crate::model::Model;
use crate::model::age;
use crate::provider::azure::Missing;
use crate::provider::azure::Pulled;
use crate::quantity::Seconds;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::syntax::inventory::Inventory;

/// How old the facts of a run on a real site may be, unless the plan says otherwise.
const OLDEST: Seconds = Seconds(24 * 60 * 60);

/// Returns the facts that a plan names, whatever rules say about it. Mistakes go to standard error, with the exit code in their place.
///
/// # Errors
///
/// [`CliError`] if the file does not hold exactly one plan, or the output can't be written.
pub(crate) fn base(
    path: &Path,
    args: &PlanArgs,
    env: &mut Env<'_>,
) -> Result<Result<Inventory, Exit>, CliError> {
    Ok(planned(path, args, env)?.map(|model| model.inventory))
}

/// Returns the flags with which a plan is judged by what its site shows just now, and the site's time. Nothing is changed there.
///
/// Mistakes go to standard error, with the exit code in place of the flags.
///
/// # Errors
///
/// [`CliError`] if the file does not hold exactly one plan, the site can't be asked, or what it shows is too old.
pub(crate) fn looked(
    path: &Path,
    args: &PlanArgs,
    site: &VaultArgs,
    env: &mut Env<'_>,
) -> Result<Result<PlanArgs, Exit>, CliError> {
    let model = match planned(path, args, env)? {
        Ok(model) => model,
        Err(exit) => return Ok(Err(exit)),
    };
    let reached = site::reach(site, Some(&model.inventory), env)?;
    let runtime = session::runtime()?;
    let connected = reached.connect(&model.inventory, &runtime)?;
    let pulled = connected.pull(&model.inventory, &runtime);
    let now = connected.pace().now();
    let vault = connected.vault.name.clone();
    connected.end(runtime);
    let pulled = pulled?;
    refuse_older(&pulled.inventory, limit_of(&model), now)?;
    let args = in_place(args, &vault, &pulled, env)?;
    Ok(Ok(PlanArgs { now: Some(args.now.unwrap_or(now)), ..args }))
}

/// Refuses flags about a site where none is asked.
///
/// # Errors
///
/// [`CliError`] if there are any.
pub(crate) fn refuse_site(site: &VaultArgs) -> Result<(), CliError> {
    if *site == VaultArgs::default() {
        return Ok(());
    }
    Err(CliError::usage("no site is asked: flags about one are for --live").hinted("add --live"))
}

fn planned(path: &Path, args: &PlanArgs, env: &mut Env<'_>) -> Result<Result<Model, Exit>, CliError> {
    let mut loaded = load::load(&[path.to_owned()], args, env);
    let style = env.talk_style();
    let mut text = check::failures(&loaded.failures, style);
    text.push_str(&check::mistakes(&loaded.diagnostics, &loaded.sources, style));
    env.err.write_all(text.as_bytes())?;
    if !text.is_empty() {
        return Ok(Err(check::exit(&loaded, true)));
    }
    let (1, Some(plan)) = (loaded.plans_left(), loaded.next_plan()) else {
        return Err(CliError::usage(format!("`{}` does not hold one plan", path.display()))
            .hinted("name a file with one document of `kind: RecoveryPlan`"));
    };
    if let Some(model) = &plan.model {
        pin::refuse_another(args, model)?;
    }
    Ok(plan.model.ok_or(Exit::Refused))
}

/// Returns the flags with what the site shows just now in place of the plan's inventory.
///
/// # Errors
///
/// [`CliError`] if the site can't be asked, or the output can't be written.
pub(crate) fn observed(
    args: &PlanArgs,
    connected: &Connected,
    base: &Inventory,
    runtime: &Runtime,
    env: &mut Env<'_>,
) -> Result<PlanArgs, CliError> {
    let pulled = connected.pull(base, runtime)?;
    in_place(args, &connected.vault.name, &pulled, env)
}

fn in_place(args: &PlanArgs, vault: &str, pulled: &Pulled, env: &mut Env<'_>) -> Result<PlanArgs, CliError> {
    tell_missing(&pulled.missing, env)?;
    let text = serde_yaml::to_string(&pulled.inventory)
        .map_err(|error| CliError::new(Exit::Bug, "what was observed has no YAML form").because(error))?;
    let name = format!("observed:{vault}");
    Ok(PlanArgs { observed: Some(Arc::new((name, text))), inventory: None, ..args.clone() })
}

/// Says what could not be observed, and why.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub(crate) fn tell_missing(missing: &[Missing], env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.talk_style();
    for missing in missing.iter().filter(|_| style.verbosity > Verbosity::Quiet) {
        let (facts, why) = (escape::line(&missing.facts), escape::line(&missing.why));
        writeln!(env.err, "{}: not observed: {facts}: {why}", style.paint(Tone::Warning, "warning"))?;
    }
    Ok(())
}

/// Refuses facts that are too old to change a site by.
///
/// # Errors
///
/// [`CliError`] if they are older than the plan's `thresholds.facts_max_age`, or don't say when they were observed.
pub(crate) fn refuse_old(model: &Model, now: Timestamp) -> Result<(), CliError> {
    refuse_older(&model.inventory, limit_of(model), now)
}

/// Returns how old the facts of a plan may be.
fn limit_of(model: &Model) -> Seconds {
    let stated = model.plan.thresholds.as_ref().and_then(|thresholds| thresholds.facts_max_age.as_deref());
    stated.copied().unwrap_or(OLDEST)
}

fn refuse_older(facts: &Inventory, limit: Seconds, now: Timestamp) -> Result<(), CliError> {
    let name = &facts.name.value;
    let what = match age::age(facts, now) {
        Some(old) if old.as_secs() <= i64::try_from(limit.0).unwrap_or(i64::MAX) => return Ok(()),
        Some(old) => format!(
            "the facts of `{name}` are {} old, and {limit} is the most for a run on a real site",
            Seconds(old.as_secs().unsigned_abs())
        ),
        None => format!("the facts of `{name}` do not say when they were observed"),
    };
    Err(CliError::new(Exit::Refused, what)
        .hinted("observe them anew: failback inventory pull, or give --live")
        .hinted("`thresholds: {facts_max_age: …}` of the plan states another limit"))
}
