//! A run: begun or taken over, driven to its end, shown while it goes.

mod args;
mod show;
mod take_back;

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::cli;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::hooks;
use crate::cli::hooks::Folders;
use crate::cli::keyboard;
use crate::cli::notices::OfRun;
use crate::cli::place::Place;
use crate::cli::ready::Ready;
use crate::cli::settings::AllowedCommands;
use crate::cli::terminal::Below;
use crate::cli::terminal::Terminal;
use crate::cli::traces;
use crate::cli::watch::Watch;
use crate::clock::Clock;
use crate::clock::pace::Pace;
use crate::event::Person;
use crate::event::Reporter;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::forecast;
use crate::graph;
use crate::graph::Graph;
use crate::id::RunId;
use crate::journal::Lock;
use crate::journal::LockError;
use crate::journal::RunInbox;
use crate::journal::RunWriter;
use crate::model::Model;
use crate::model::digest;
use crate::model::resolve;
use crate::report;
use crate::rules::Options;
use crate::run::Driver;
use crate::run::End;
use crate::run::Parts;
use crate::run::Recorder;
use crate::run::approver::Approver;
use crate::run::approver::AtEmulator;
use crate::run::approver::AutoApprove;
use crate::run::approver::Unattended;
use crate::run::hook::Allowed;
use crate::run::hook::Hooks;

pub use self::args::Answers;
pub use self::args::Driven;
pub use self::args::Format;
pub use self::args::SessionArgs;
pub use self::args::SpeedChoice;
use self::take_back::Errand;

/// Everything that is needed to drive a run.
pub struct Session {
    /// The run.
    pub run: RunId,
    /// Its folder.
    pub folder: PathBuf,
    /// The plan as it is executed.
    pub plan: Ready,
    /// How its guards are evaluated.
    pub options: Options,
    /// Its graph.
    pub graph: Arc<Graph>,
    /// Where it acts.
    pub place: Place,
    /// The run's clock.
    pub pace: Arc<dyn Pace>,
    /// Its state so far.
    pub state: RunState,
    /// Its journal.
    pub journal: RunWriter,
    /// What other processes order.
    pub inbox: RunInbox,
    /// The events that come before anything else.
    pub first: RunEventKind,
    /// The folder of the plan, in which its commands run.
    pub actions_in: PathBuf,
    /// Ownership of the run.
    pub lock: Lock,
}

/// Takes the lock of a run's folder.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another process has it.
pub fn take_lock(folder: &Path, run: &RunId) -> Result<Lock, CliError> {
    Lock::take(folder).map_err(|error| match error {
        LockError::Held => CliError::new(Exit::Busy, format!("another process holds run {run}"))
            .hinted("wait until it ends, or end it"),
        LockError::Io { .. } => CliError::usage(format!("can't take run {run}")).because(error),
    })
}

/// Compiles the plan of a session.
#[must_use]
pub fn compile(plan: &Ready) -> Arc<Graph> {
    Arc::new(forecast::ranked(graph::compile(&plan.plan)))
}

/// Returns the event with which a run begins.
#[must_use]
pub fn started(
    plan: &Ready,
    graph: &Graph,
    place: &Place,
    args: &SessionArgs,
    people: Vec<Person>,
    env: &Env<'_>,
) -> RunEventKind {
    let model = plan.plan.model();
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    RunEventKind::RunStarted {
        plan: model.plan.name.value.clone(),
        plan_digest: digest::plan(model),
        facts_digest: digest::facts(model),
        provider: place.provider().into(),
        program: env!("CARGO_PKG_VERSION").into(),
        machines: count(model.machines().len()),
        steps: count(graph.steps().len()),
        simulated_actions: !args.real_actions && place.is_emulated(),
        author: cli::person::Person::of(&env.variables).proven(),
        ordered_by: args.ordered_by.clone(),
        people,
    }
}

/// How a run is driven, where its flags don't say it: what a drill adds.
#[derive(Default)]
pub(crate) struct Manner {
    /// Who answers, instead of whom the flags name.
    pub approver: Option<Arc<dyn Approver>>,
    /// Whether nothing is shown while it goes, nor said of its end.
    pub is_silent: bool,
    /// The commands that its actions may run, and where; without a list all, in the folder of the plan.
    pub allowed: Option<AllowedCommands>,
}

/// Drives a run until it ends or has to stop, and says what came of it.
///
/// # Errors
///
/// [`CliError`] if the run's folder or journal can't be used.
pub(crate) fn drive(
    session: Session,
    args: &SessionArgs,
    manner: Manner,
    env: &mut Env<'_>,
) -> Result<Exit, CliError> {
    let runtime = runtime()?;
    let ended = drive_on(&runtime, session, args, manner, env);
    // A question that nobody answered must not keep the process.
    runtime.shutdown_background();
    ended
}

/// Drives a run whose connections are there already; see [`drive`].
///
/// # Errors
///
/// Those of [`drive`].
pub(crate) fn drive_on(
    runtime: &Runtime,
    session: Session,
    args: &SessionArgs,
    manner: Manner,
    env: &mut Env<'_>,
) -> Result<Exit, CliError> {
    let run = session.run.clone();
    let end = drive_to_end(runtime, session, args, manner, env)?;
    Ok(show::exit(end, &run, args, env))
}

/// Drives a run whose connections are there already, and returns how that ended.
///
/// # Errors
///
/// Those of [`drive`].
pub(crate) fn drive_to_end(
    runtime: &Runtime,
    session: Session,
    args: &SessionArgs,
    manner: Manner,
    env: &mut Env<'_>,
) -> Result<End, CliError> {
    let log_path = session.folder.join("log");
    let log = File::options().create(true).append(true).open(&log_path);
    let log =
        log.map_err(|error| CliError::usage(format!("can't write `{}`", log_path.display())).because(error))?;
    let subscriber = tracing_subscriber::fmt().with_writer(log).with_ansi(false).with_target(false).finish();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(drive_here(session, args, manner, env)))
}

/// Returns what a run's calls and waits run on.
///
/// # Errors
///
/// [`CliError`] if the system gives nothing for it.
pub(crate) fn runtime() -> Result<Runtime, CliError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::usage("can't start the run's threads").because(error))
}

async fn drive_here(
    session: Session,
    args: &SessionArgs,
    manner: Manner,
    env: &mut Env<'_>,
) -> Result<End, CliError> {
    let Session {
        run,
        folder,
        plan,
        options,
        graph,
        place,
        pace,
        state,
        mut journal,
        inbox,
        first,
        actions_in,
        lock,
    } = session;
    // On the emulator nothing happens that anybody has to be told of, and of a rehearsal its end alone is.
    let told = match !place.is_emulated() || args.real_actions && !manner.is_silent {
        true => Some(OfRun::begin(&plan.plan.model().plan, args.settings.as_deref(), env)?),
        false => None,
    };
    let terminal = env.out.is_terminal();
    let below = Below::default();
    let approver: Arc<dyn Approver> = match manner.approver {
        Some(approver) => approver,
        None if args.auto_approve => Arc::new(AutoApprove),
        None if terminal && env.input_is_terminal => {
            Arc::new(Terminal::of(cli::person::Person::of(&env.variables), Arc::clone(&below)))
        }
        None => Arc::new(Unattended),
    };
    let is_taken_back = plan.part.as_ref().is_some_and(|part| part.is_taken_back);
    let approver: Arc<dyn Approver> = match &place {
        Place::Emulated(emulator) => Arc::new(AtEmulator { approver, site: Arc::clone(emulator) }),
        Place::Real(_) => approver,
    };
    let (stop_now, stop) = watch::channel(false);
    let (end_now, ends) = tokio::sync::oneshot::channel();
    let interrupts = tokio::spawn(async move {
        // A second interrupt ends the run at once, with the processes of its actions: the journal is in order at every moment.
        if interrupted().await.is_ok() {
            let _ = stop_now.send(true);
            if interrupted().await.is_ok() {
                let _ = end_now.send(());
                if interrupted().await.is_ok() {
                    keyboard::restore();
                    std::process::exit(i32::from(Exit::Interrupted.code()));
                }
            }
        }
        std::future::pending::<()>().await;
    });
    let actions = manner.allowed.as_ref().map_or(&actions_in, |allowed| &allowed.folder);
    let folders = Folders { actions, run: &folder };
    let hooks: Arc<dyn Hooks> = hooks::of(&place, args.real_actions, &pace, &folders, env);
    let hooks: Arc<dyn Hooks> = match manner.allowed {
        Some(allowed) => Arc::new(Allowed::new(hooks, allowed.commands)),
        None => hooks,
    };
    let expected = show::expected(&graph, pace.now());
    let lost = report::Lost::default();
    let clock: Arc<dyn Clock> = pace.clone();
    let errand = Errand {
        database: inbox.path().to_owned(),
        run: run.clone(),
        person: cli::person::Person::of(&env.variables),
        clock: Arc::clone(&env.clock),
    };
    let (take_back, courier) = is_taken_back
        .then(|| errand.begin())
        .transpose()
        .map_err(|error| CliError::usage("can't start the run's threads").because(error))?
        .unzip();
    let traces = traces::begin(args, env)?;
    let (mut reporters, _quiet) = match manner.is_silent {
        true => (Vec::new(), None),
        false => {
            let asks_here = approver.is_at_terminal().then_some(&below);
            show::reporters(args, &state, expected, &lost, asks_here, env)
        }
    };
    reporters.extend(take_back.map(|take_back| Box::new(take_back) as Box<dyn Reporter>));
    reporters.extend(traces.as_ref().map(|traces| traces.reporter(&run, &state)));
    reporters.extend(told.as_ref().map(|told| told.reporter(inbox.path(), &run)));
    let (watch, orders) = Watch::begin(inbox, state.last_letter())?;
    let mut recorder = Recorder::new(run.clone(), clock, &mut journal, reporters, state);
    let go_on =
        format!("when that is mended, go on with: failback resume {run}{}", of_state_dir(&args.state_dir));
    let broken = |error| {
        CliError::new(Exit::Failed, "the run was stopped before the site was touched again")
            .because(error)
            .hinted(go_on.clone())
    };
    recorder.record(first).map_err(broken)?;
    pace.begin();
    let policies = Arc::clone(&plan.policies);
    let parts =
        Parts { site: place.site(), pace, hooks, approver, model: observed_model(&plan), options, stop };
    let end = tokio::select! {
        end = Driver::new(recorder, parts).judged_by(policies).ordered_by(orders).drive() => end.map_err(broken),
        Ok(()) = ends => Ok(End::Interrupted),
    };
    interrupts.abort();
    // Whoever was asked and did not answer is still waited for by a thread that ends with the process.
    keyboard::restore();
    // Whoever closes the database last leaves it in one file; that is the journal.
    watch.end();
    if let Some(courier) = courier {
        courier.end();
    }
    drop(lock);
    if let Some(told) = told {
        told.end(env).await;
    }
    if let Some(traces) = traces {
        traces.end(env).await;
    }
    let end = end?;
    if let Some(cause) = lost.get() {
        // Nobody is left to be told that this can't be told.
        let _ = writeln!(
            env.err,
            "warning: the output could not be written ({cause}); every event is in: failback logs {run} --events{}",
            of_state_dir(&args.state_dir)
        );
    }
    Ok(end)
}

/// Waits until the process is asked to end: by Ctrl-C, by a service manager, or by a terminal that goes away.
#[cfg(unix)]
pub(crate) async fn interrupted() -> std::io::Result<()> {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let (mut terminate, mut hang_up) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed,
        _ = terminate.recv() => Ok(()),
        _ = hang_up.recv() => Ok(()),
    }
}

/// Waits until the process is asked to end.
#[cfg(not(unix))]
pub(crate) async fn interrupted() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// Returns a model of the plan's own, whose facts the run replaces by what it observes.
fn observed_model(plan: &Ready) -> Model {
    let model = plan.plan.model();
    resolve(model.plan.clone(), model.inventory.clone())
}

/// Returns the flag that names a folder of runs, for a hint that can be typed as it stands; empty for the usual folder.
pub(crate) fn of_state_dir(dir: &Path) -> String {
    if dir == Path::new(".failback") {
        return String::new();
    }
    let text = dir.display().to_string();
    let plain = |character: char| character.is_alphanumeric() || "/._-".contains(character);
    if text.chars().all(plain) {
        format!(" --state-dir {text}")
    } else {
        format!(" --state-dir '{}'", crate::escape::line(&text).replace('\'', "'\\''"))
    }
}

/// Returns the moment at which a run's clock goes on: never before what its journal and its world have seen.
#[must_use]
pub fn goes_on_at(state: &RunState, world: Timestamp) -> Timestamp {
    state.last_at().map_or(world, |last| last.max(world))
}
