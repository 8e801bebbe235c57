//! A run on a real site.

use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::live;
use crate::cli::people;
use crate::cli::place;
use crate::cli::place::Place;
use crate::cli::place::RealSite;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::run::Beginning;
use crate::cli::run::RunArgs;
use crate::cli::saved;
use crate::cli::session;
use crate::cli::session::Manner;
use crate::cli::session::Session;
use crate::cli::site;
use crate::cli::site::Connected;
use crate::cli::site::VaultArgs;
use crate::clock::Clock as _;
use crate::provider::Automate;
use crate::provider::azure::Automation;
use crate::provider::azure::AzureSite;
use crate::provider::azure::WriteClient;
use crate::run::Site;

/// Runs a plan on a real site.
///
/// # Errors
///
/// [`CliError`] if something can't be read, the site can't be asked, nobody confirms, or a flag is for the emulator only.
pub(super) fn run(args: &RunArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let Begun { session, runtime, connected } = match begin(args, env)? {
        Ok(begun) => begun,
        Err(exit) => return Ok(exit),
    };
    let ended = session::drive_on(&runtime, session, &args.session, Manner::default(), env);
    connected.end(runtime);
    ended
}

/// A run on a real site that has begun, and what it is reached by.
pub(crate) struct Begun {
    /// The run.
    pub session: Session,
    /// What its calls run on.
    pub runtime: Runtime,
    /// Its connections, to be ended after it.
    pub connected: Connected,
}

/// Begins a run on a real site. What refuses the plan goes to standard error, with the exit code in its place.
///
/// # Errors
///
/// Those of [`run`].
pub(crate) fn begin(args: &RunArgs, env: &mut Env<'_>) -> Result<Result<Begun, Exit>, CliError> {
    if args.scenario.is_some() {
        return Err(CliError::usage(
            "--scenario is for the emulator: nothing goes wrong at a real site on purpose",
        ));
    }
    let people = match people::named(args.session.people(), env)? {
        Ok(people) => people,
        Err(exit) => return Ok(Err(exit)),
    };
    let mut named = saved::named(&args.path, &args.plan, env)?;
    let facts = match live::base(&named.path, &named.args, env)? {
        Ok(facts) => facts,
        Err(exit) => return Ok(Err(exit)),
    };
    let reached = site::reach(&args.site, Some(&facts), env)?;
    place::refuse_for_real(&args.session, reached.is_local)?;
    let runtime = session::runtime()?;
    let connected = reached.connect(&facts, &runtime)?;
    let now = connected.pace().now();
    named.args.now = Some(named.args.now.unwrap_or(now));
    if args.live {
        named.args = live::observed(&named.args, &connected, &facts, &runtime, env)?;
    }
    let plan =
        match ready::ready_telling(&named.path, &named.args, Moment::Clock, args.session.format.into(), env)?
        {
            Ok(plan) => plan,
            Err(exit) => return Ok(Err(exit)),
        };
    live::refuse_old(plan.plan.model(), now)?;
    let graph = session::compile(&plan);
    if let Some(refusal) = named.refusal(&plan, &graph) {
        return Err(refusal);
    }
    let options = named.args.options(now);
    let view = connected.view(plan.plan.model().inventory.clone());
    let (site, automation): (Arc<dyn Site>, Option<Arc<dyn Automate>>) = if args.read_only {
        (Arc::new(site::ReadOnly::new(view)), None)
    } else {
        let model = plan.plan.model();
        let consent = site::consent(&connected.vault, model, &graph, args.confirm.as_deref(), env)?;
        let writer = WriteClient::new(connected.reader.clone(), consent);
        (Arc::new(AzureSite::new(view, writer.clone())), Some(Arc::new(Automation::new(writer))))
    };
    let site = site::fenced(site, &plan);
    let kept = VaultArgs { read_only: args.read_only, ..args.site.with_variables(env) };
    let beginning = Beginning {
        plan,
        graph,
        path: &named.path,
        plan_args: &named.args,
        now: options.now,
        people,
        site: Some(&kept),
    };
    let (begun, ()) = beginning.enter(&args.session, place::AZURE, env, |_| Ok(()))?;
    let place = Place::Real(RealSite { site, automation, is_local: connected.is_local });
    let pace = connected.pace();
    let session = beginning.session(begun, place, pace, options, &args.session, env);
    Ok(Ok(Begun { session, runtime, connected }))
}
