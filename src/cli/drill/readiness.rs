//! A readiness drill: rules, the age of the facts and the forecast, and nothing that changes anything.

use std::io::Write as _;

use crate::cli::args::PlanArgs;
use crate::cli::check;
use crate::cli::check::Checked;
use crate::cli::drill::Came;
use crate::cli::drill::DrillArgs;
use crate::cli::drill::entry::Entry;
use crate::cli::drill::exit_of;
use crate::cli::drill::subject::Subject;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::live;
use crate::cli::load;
use crate::cli::load::Loaded;
use crate::cli::pin;
use crate::cli::ready;
use crate::cli::session;
use crate::cli::site;
use crate::cli::site::VaultArgs;
use crate::drill::readiness;
use crate::forecast;
use crate::graph;
use crate::model::age;
use crate::model::restrict::LeftOut;
use crate::render::style::Verbosity;

/// Carries the drill out.
///
/// # Errors
///
/// [`CliError`] if something can't be read, or the site can't be asked.
pub(super) fn run(
    args: &DrillArgs,
    subject: &Subject,
    entry: &Entry,
    env: &mut Env<'_>,
) -> Result<Came, CliError> {
    let flags = observed(&args.site, &args.plan, subject, env)?;
    let (checked, loaded, left_out) = checked(args, &flags, env)?;
    let result = entry.result(env);
    let Some(plan) = &checked.plan else {
        tell(&checked, &loaded, env)?;
        let reasons = readiness::of_findings(&checked.findings).collect();
        return Ok(Came::Ended(Box::new(result.not_carried_out(reasons)), Exit::Refused));
    };
    let now = flags.now.unwrap_or_else(|| env.clock.now());
    let graph = forecast::ranked(graph::compile(plan));
    let model = plan.model();
    let age = age::age(&model.inventory, now);
    let foretold = forecast::forecast(&graph, now);
    let assessment = readiness::assess(&graph, &foretold, &checked.findings, age);
    let mut result = result.assessed(assessment);
    result.facts = Some(entry.facts(model, Some(subject.is_observed)));
    result.left_out = left_out.iter().map(ToString::to_string).collect();
    let exit = exit_of(result.verdict);
    Ok(Came::Ended(Box::new(result), exit))
}

/// Returns the flags of a drill: with its part of the plan, and with what the site shows just now if that is wanted.
///
/// # Errors
///
/// [`CliError`] if the site can't be asked.
pub(super) fn observed(
    site: &VaultArgs,
    plan: &PlanArgs,
    subject: &Subject,
    env: &mut Env<'_>,
) -> Result<PlanArgs, CliError> {
    let flags = subject.flags(plan);
    if !subject.is_observed {
        return Ok(flags);
    }
    let reached = site::reach(site, Some(&subject.model.inventory), env)?;
    let runtime = session::runtime()?;
    let connected = reached.connect(&subject.model.inventory, &runtime)?;
    let observed = live::observed(&flags, &connected, &subject.model.inventory, &runtime, env);
    connected.end(runtime);
    observed
}

/// Returns what rules find about the drill's part of the plan.
///
/// # Errors
///
/// [`CliError`] if the plan can't be read any more, or has no such part.
pub(super) fn checked(
    args: &DrillArgs,
    flags: &PlanArgs,
    env: &Env<'_>,
) -> Result<(Checked, Loaded, Vec<LeftOut>), CliError> {
    let mut loaded = load::load(std::slice::from_ref(&args.path), flags, env);
    let plan = loaded.next_plan().filter(|_| loaded.diagnostics.is_empty() && loaded.failures.is_empty());
    let plan = plan.ok_or_else(|| CliError::usage(format!("can't read `{}`", args.path.display())))?;
    if let Some(model) = &plan.model {
        pin::refuse_another(flags, model)?;
    }
    let (plan, left_out) = ready::in_part(plan, flags.part.as_ref())?;
    let checked = check::evaluate(plan, &flags.options(env.clock.now()));
    Ok((checked, loaded, left_out))
}

/// Says what refuses the plan.
fn tell(checked: &Checked, loaded: &Loaded, env: &mut Env<'_>) -> Result<(), CliError> {
    let mut style = env.talk_style();
    style.verbosity = style.verbosity.min(Verbosity::Normal);
    env.err.write_all(check::outcome(checked, &loaded.sources, style).as_bytes())?;
    Ok(())
}
