//! A rehearsal: the plan is run on an emulated site of its own, by the engine that runs it for real.

use std::path::Path;
use std::sync::Arc;

use crate::cli::check::Format;
use crate::cli::drill::Came;
use crate::cli::drill::DrillArgs;
use crate::cli::drill::entry::Entry;
use crate::cli::drill::exit_of;
use crate::cli::drill::readiness as look;
use crate::cli::drill::show;
use crate::cli::drill::subject::Subject;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::run::Provider;
use crate::cli::run::RunArgs;
use crate::cli::run::emulated;
use crate::cli::session;
use crate::cli::session::Answers;
use crate::cli::session::Manner;
use crate::cli::session::SessionArgs;
use crate::cli::session::SpeedChoice;
use crate::cli::settings::Kept;
use crate::cli::site::VaultArgs;
use crate::clock::pace::Speed;
use crate::drill::readiness;
use crate::event::RunEventKind;
use crate::render::style::Verbosity;
use crate::report::drill::DrillResult;
use crate::run::End;
use crate::run::approver::Approver;
use crate::run::patient::Patient;

/// Carries the drill out.
///
/// # Errors
///
/// [`CliError`] if something can't be read, written or reached.
pub(super) fn run(
    args: &DrillArgs,
    subject: &Subject,
    settings: Option<&Kept>,
    entry: &mut Entry,
    env: &mut Env<'_>,
) -> Result<Came, CliError> {
    let asks_here = args.ask && args.format == Format::Human && DrillArgs::can_ask_here(env);
    if args.ask && !asks_here && args.speed.is_some_and(|speed| speed.0 == Speed::Max) {
        return Err(CliError::usage("--ask leaves no time for answers at --speed max")
            .hinted("give a factor: --speed 60"));
    }
    let flags = look::observed(&args.site, &args.plan, subject, env)?;
    let speed = args.speed.unwrap_or(SpeedChoice(if args.ask { Speed::Times(60.0) } else { Speed::Max }));
    let allowed = settings.map(Kept::allowed_commands);
    let run_args = RunArgs {
        path: args.path.clone(),
        provider: Provider::Emulator,
        scenario: args.scenario.clone(),
        confirm: None,
        live: false,
        read_only: false,
        site: VaultArgs::default(),
        session: SessionArgs {
            format: session::Format::Human,
            speed: Some(speed),
            auto_approve: !args.ask,
            real_actions: args.real_actions,
            settings: None,
            people: settings.map(|kept| kept.file.clone()),
            ordered_by: args.origin.by.clone(),
            otlp: None,
            drill: Some(entry.id()),
            state_dir: args.state_dir.clone(),
            answers: args.ask.then_some(Answers::Elsewhere),
        },
        plan: flags,
    };
    let session = match emulated::begin(&run_args, env)? {
        Ok(session) => session,
        Err(exit) => {
            let (checked, _, _) = look::checked(args, &run_args.plan, env)?;
            let reasons = readiness::of_findings(&checked.findings).collect();
            let result = entry.result(env).not_carried_out(reasons);
            return Ok(Came::Ended(Box::new(result), exit));
        }
    };
    entry.made(&session.run);
    let mut result = entry.result(env);
    result.facts = Some(entry.facts(session.plan.plan.model(), Some(subject.is_observed)));
    result.left_out = session.plan.left_out.iter().map(ToString::to_string).collect();
    result.simulated_actions = simulates(&session.first);
    show::left_out(args.format, &result.left_out, env)?;
    let graph = Arc::clone(&session.graph);
    let is_shown = args.format == Format::Human
        && (args.ask || env.out.is_terminal() || env.style().verbosity == Verbosity::Verbose);
    let approver: Option<Arc<dyn Approver>> =
        (args.ask && !asks_here).then(|| Arc::new(Patient::default()) as Arc<dyn Approver>);
    let manner = Manner { approver, is_silent: !is_shown, allowed: allowed.filter(|_| args.real_actions) };
    let runtime = session::runtime()?;
    let end = session::drive_to_end(&runtime, session, &run_args.session, manner, env);
    runtime.shutdown_background();
    ended(end?, entry, &graph, result, &args.state_dir, env)
}

/// Returns whether a run that begins like this simulates its actions.
pub(super) const fn simulates(first: &RunEventKind) -> Option<bool> {
    match first {
        RunEventKind::RunStarted { simulated_actions, .. } => Some(*simulated_actions),
        _ => None,
    }
}

/// Returns what came of a drill whose run is driven no more.
pub(super) fn ended(
    end: End,
    entry: &Entry,
    graph: &Arc<crate::graph::Graph>,
    result: DrillResult,
    state_dir: &Path,
    env: &mut Env<'_>,
) -> Result<Came, CliError> {
    match end {
        End::Finished(_) => {
            let assessment = entry.judged(graph)?;
            let mut result = result.assessed(assessment);
            result.ended_at = env.clock.now();
            let exit = exit_of(result.verdict);
            Ok(Came::Ended(Box::new(result), exit))
        }
        End::Interrupted => {
            show::goes_on("interrupted", &result, state_dir, env)?;
            Ok(Came::Stopped(Exit::Interrupted))
        }
        End::WaitsForApproval => {
            show::goes_on("it waits for an approval and nobody is there", &result, state_dir, env)?;
            Ok(Came::Stopped(Exit::Waiting))
        }
    }
}
