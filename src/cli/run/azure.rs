//! A run on a real site.

use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::live;
use crate::cli::place;
use crate::cli::place::Place;
use crate::cli::place::RealSite;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::run::Beginning;
use crate::cli::run::RunArgs;
use crate::cli::saved;
use crate::cli::session;
use crate::cli::session::Session;
use crate::cli::site;
use crate::cli::site::Connected;
use crate::clock::Clock as _;
use crate::escape;
use crate::model::Model;
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
    let ended = session::drive_on(&runtime, session, &args.session, env);
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
    let plan = match ready::ready(&named.path, &named.args, Moment::Clock, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(Err(exit)),
    };
    live::refuse_old(plan.plan.model(), now)?;
    if !connected.is_local {
        refuse_runbooks(plan.plan.model())?;
    }
    let graph = session::compile(&plan);
    if let Some(refusal) = named.refusal(plan.plan.model(), &graph) {
        return Err(refusal);
    }
    let options = named.args.options(now);
    let view = connected.view(plan.plan.model().inventory.clone());
    let site: Arc<dyn Site> = if args.read_only {
        Arc::new(site::ReadOnly::new(view))
    } else {
        let model = plan.plan.model();
        let consent = site::consent(&connected.vault, model, &graph, args.confirm.as_deref(), env)?;
        Arc::new(AzureSite::new(view, WriteClient::new(connected.reader.clone(), consent)))
    };
    let site: Arc<dyn Site> = match plan.part {
        Some(_) => Arc::new(site::Fenced::new(site, plan.plan.model())),
        None => site,
    };
    let kept = args.site.with_variables(env);
    let beginning = Beginning {
        plan,
        graph,
        path: &named.path,
        plan_args: &named.args,
        now: options.now,
        site: Some(&kept),
    };
    let (begun, ()) = beginning.enter(&args.session.state_dir, place::AZURE, env, |_| Ok(()))?;
    let place = Place::Real(RealSite { site, is_local: connected.is_local });
    let pace = connected.pace();
    let session = beginning.session(begun, place, pace, options, &args.session, env);
    Ok(Ok(Begun { session, runtime, connected }))
}

/// Refuses a plan whose runbooks would have to run: this version can't begin them, and must not say that they were done.
fn refuse_runbooks(model: &Model) -> Result<(), CliError> {
    let runbooks = model.plan.actions.iter().filter(|action| action.runbook.is_some());
    let names: Vec<&str> = runbooks.map(|action| action.name.value.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = escape::line(&names.join(", ")).into_owned();
    Err(CliError::usage(format!("this version does not run runbooks at a real site: {names}"))
        .hinted("begin the runbook by its webhook with an `http:` action, or have a person run it with a `manual:` one"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resolve;
    use crate::source::Sources;
    use crate::syntax::Document;
    use crate::syntax::inventory::Inventory;

    fn model(action: &str) -> Model {
        let text = format!(
            "kind: RecoveryPlan\nversion: 1\nname: p\nmachines: [w1]\nactions:\n  - {{name: warm, after: {{phase: run}}, {action}}}\n"
        );
        let mut sources = Sources::new();
        let index = sources.add("p.yaml", text).expect("short");
        let mut diagnostics = Vec::new();
        match crate::syntax::parse(sources.get(index), &mut diagnostics).into_iter().next() {
            Some(Document::Plan(plan)) => resolve(*plan, Inventory::unknown("none")),
            other => panic!("a plan was written: {other:?} {diagnostics:?}"),
        }
    }

    #[test]
    fn a_runbook_that_can_not_be_begun_is_not_said_to_be_done() {
        let refused = refuse_runbooks(&model("runbook: {automation_account: aa, name: Warm}"));
        assert!(refused.expect_err("it is refused").to_string().contains("warm"));
        assert!(refuse_runbooks(&model("http: {url: \"https://x.example/\"}")).is_ok());
    }
}
