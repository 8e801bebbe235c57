//! A run on an emulated site of its own.

use std::sync::Arc;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::people;
use crate::cli::place;
use crate::cli::place::Place;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::run::Beginning;
use crate::cli::run::RunArgs;
use crate::cli::saved;
use crate::cli::scenario;
use crate::cli::session;
use crate::cli::session::Manner;
use crate::cli::session::Session;
use crate::clock::pace::WorldPace;
use crate::provider::emulator::Emulator;

/// Runs a plan on a site that is made for it.
///
/// # Errors
///
/// [`CliError`] if something can't be read or written, or a flag is for real sites only.
pub(super) fn run(args: &RunArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    match begin(args, env)? {
        Ok(session) => session::drive(session, &args.session, Manner::default(), env),
        Err(exit) => Ok(exit),
    }
}

/// Begins a run on a site that is made for it. What refuses the plan goes to standard error, with the exit code in its place.
///
/// # Errors
///
/// Those of [`run`].
pub(crate) fn begin(args: &RunArgs, env: &mut Env<'_>) -> Result<Result<Session, Exit>, CliError> {
    let real = [
        ("--confirm", args.confirm.is_some()),
        ("--read-only", args.read_only),
        ("--live", args.live),
        ("--vault", args.site.vault.is_some()),
    ];
    if let Some((flag, _)) = real.iter().find(|(_, is_given)| *is_given) {
        return Err(CliError::usage(format!("{flag} is about a real site, and the emulator is none"))
            .hinted("name it: --provider azure"));
    }
    let people = match people::named(args.session.people(), env)? {
        Ok(people) => people,
        Err(exit) => return Ok(Err(exit)),
    };
    let named = saved::named(&args.path, &args.plan, env)?;
    let plan = match ready::ready_telling(
        &named.path,
        &named.args,
        Moment::Observed,
        args.session.format.into(),
        env,
    )? {
        Ok(plan) => plan,
        Err(exit) => return Ok(Err(exit)),
    };
    let graph = session::compile(&plan);
    if let Some(refusal) = named.refusal(&plan, &graph) {
        return Err(refusal);
    }
    let model = plan.plan.model();
    let limit = args.plan.max_file_size.0;
    let scenario =
        match scenario::read(args.scenario.as_deref(), limit, &model.inventory, model.baseline(), env)? {
            Ok(scenario) => scenario,
            Err(exit) => return Ok(Err(exit)),
        };
    let start = model.observed_at().unwrap_or_else(|_| env.clock.now());
    let facts = model.inventory.clone();
    let options = named.args.options(start);
    let pace = Arc::new(WorldPace::new(start, args.session.speed()));
    let beginning = Beginning {
        plan,
        graph,
        path: &named.path,
        plan_args: &named.args,
        now: options.now,
        people,
        site: None,
    };
    let (begun, emulator) = beginning.enter(&args.session, place::EMULATOR, env, |folder| {
        Emulator::create(&folder.join("world"), facts, scenario, start, pace.clone())
            .map_err(|error| CliError::usage("can't make the emulated world").because(error))
    })?;
    let place = Place::Emulated(Arc::new(emulator));
    Ok(Ok(beginning.session(begun, place, pace, options, &args.session, env)))
}
