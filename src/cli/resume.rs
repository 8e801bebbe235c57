//! `resume`: takes a run over where another process left it, killed or interrupted.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::cli::claim;
use crate::cli::drill;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::past;
use crate::cli::past::Past;
use crate::cli::people;
use crate::cli::place;
use crate::cli::place::AZURE;
use crate::cli::place::EMULATOR;
use crate::cli::place::Place;
use crate::cli::place::RealSite;
use crate::cli::ready::Ready;
use crate::cli::runs;
use crate::cli::session;
use crate::cli::session::Answers;
use crate::cli::session::Driven;
use crate::cli::session::Manner;
use crate::cli::session::Session;
use crate::cli::session::SessionArgs;
use crate::cli::settings;
use crate::cli::settings::Kept;
use crate::cli::site;
use crate::cli::site::Connected;
use crate::cli::site::VaultArgs;
use crate::clock::pace::Pace;
use crate::clock::pace::WorldPace;
use crate::event::Inbox as _;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::RunInbox;
use crate::provider::azure::Automation;
use crate::provider::azure::AzureSite;
use crate::provider::azure::Consent;
use crate::provider::azure::WriteClient;
use crate::provider::emulator::Dormant;
use crate::run::Site;
use crate::run::approver::Approver;
use crate::run::order;
use crate::run::patient::Patient;

/// Go on with a run that was interrupted
///
/// What was under way is looked for at the site before anything is sent again. Questions are answered as they were, and the
/// emulator's time passes as it did, unless flags say otherwise. A drill whose run it is ends with it: the exit code is then that of its verdict.
#[derive(Clone, Debug, clap::Args)]
pub struct ResumeArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Run no commands but the `allowed_commands` of the settings, in their folder: what a service does that goes on with a run
    #[arg(long, requires = "settings")]
    pub allowed_only: bool,
    /// How the run is executed.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Which vault and vCenters are meant; what is left out is as the run began.
    #[command(flatten)]
    pub site: VaultArgs,
}

/// Takes a run over.
///
/// # Errors
///
/// [`CliError`] if there is no such run, another process holds it, it has ended, or its record can't be read.
pub fn run(args: &ResumeArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let dir = runs::state_dir(&args.session.state_dir, env)?;
    // Whether it is there is known before anything is made.
    runs::database(&dir)?;
    let database = Database::open(&dir.database()).map_err(|error| runs::unreadable(&dir, error))?;
    let record = runs::find(&dir, &database, &args.run)?;
    let folder = dir.run(&record.id);
    runs::has_its_folder(&dir, &record)?;
    let lock = claim::take_over(&dir, &record.id)?;
    database.check_entry(&record.id).map_err(|error| runs::unreadable(&dir, error))?;
    let plan = runs::pinned(&dir, &record, env)?;
    let (_, plan_args) = kept::kept_documents(&folder, &record.options);
    let graph = session::compile(&plan);
    let Past { state, first, broken } = past::read(&database, &graph, &record.id)?;
    // A record that is not what was written says nothing about what the site was asked for.
    if let Some(error) = broken {
        return Err(runs::unreadable(&dir, error));
    }
    let mut inbox =
        RunInbox::open(&dir.database(), &record.id).map_err(|error| runs::unreadable(&dir, error))?;
    if matches!(state.status(), RunStatus::Finished(_)) && !is_ordered_to_go_on(&state, &mut inbox)? {
        return Err(CliError::usage(format!(
            "run {} has ended: it {}",
            record.id,
            state.status().said_of_it()
        ))
        .hinted(format!(
            "look at it: failback show {}{}",
            record.id,
            session::of_state_dir(&args.session.state_dir)
        )));
    }
    // The speed of a site is its own, whatever a record says.
    let driven = kept::kept_driven(&record.options);
    let speed = driven.speed.filter(|_| record.provider == EMULATOR);
    let is_under_settings = driven.settings.is_some();
    let mut session_args = args.session.going_on(Driven { speed, ..driven });
    session_args.real_actions = real_actions(&record.id, first.as_ref(), args.session.real_actions)?;
    let drills = database.drills().map_err(|error| runs::unreadable(&dir, error))?;
    let is_of_drill = drills.iter().any(|drill| drill.run.as_ref() == Some(&record.id));
    let is_rehearsed = is_of_drill && record.provider == EMULATOR && !session_args.real_actions;
    claim::again(&dir, &record.id, &claim::of(plan.plan.model(), is_rehearsed))?;
    let kept = kept::kept_site(&record.options);
    let site = args.site.clone();
    let is_under_settings = is_under_settings || args.allowed_only;
    let args = &session_args;
    // A run goes on where it began, whatever the flags say.
    let (place, pace, from, connection) = match (record.provider.as_str(), kept) {
        (EMULATOR, _) => {
            let (place, pace, from) = emulated(&folder, &state, args)?;
            (place, pace, from, None)
        }
        (AZURE, kept) => {
            let site = site.or(&kept.unwrap_or_default());
            let (place, connection) = real(&site, &plan, args, env)?;
            let pace: Arc<dyn Pace> = connection.0.pace();
            let from = pace.now();
            (place, pace, from, Some(connection))
        }
        (other, _) => {
            return Err(CliError::usage(format!(
                "run {} is at `{other}`, which this version can't reach",
                record.id
            )));
        }
    };
    let first = match state.status() {
        RunStatus::New => {
            let people = match people::named(args.people(), env)? {
                Ok(people) => people,
                Err(exit) => return Ok(exit),
            };
            session::started(&plan, &graph, &place, args, people, env)
        }
        RunStatus::Running | RunStatus::Interrupted | RunStatus::Finished(_) => {
            RunEventKind::Resumed { program: env!("CARGO_PKG_VERSION").into() }
        }
    };
    let drill = drill::after_resume(&dir, &record.id, &plan, &graph, args, env)?;
    let journal = database.writer(&record.id).map_err(|error| runs::unreadable(&dir, error))?;
    let options = plan_args.options(plan.plan.model().observed_at().unwrap_or(from));
    let session = Session {
        run: record.id,
        folder,
        options,
        graph,
        state,
        plan,
        inbox,
        place,
        pace,
        journal,
        first,
        actions_in: env.path(std::path::Path::new(&record.plan_path).parent().unwrap_or(Path::new(""))),
        lock,
    };
    // What a service may run it may not run because a process died, whoever goes on for it.
    let allowed = match is_under_settings || drill.is_some() {
        true => match settings::read_named(args.settings.as_deref(), env)? {
            Ok(settings) => settings.as_ref().map(Kept::allowed_commands),
            Err(exit) => return Ok(exit),
        },
        false => None,
    };
    let manner = Manner { approver: answering(args, env), allowed, ..Manner::default() };
    let ended = match connection {
        None => session::drive(session, args, manner, env),
        Some((connected, runtime)) => {
            let ended = session::drive_on(&runtime, session, args, manner, env);
            connected.end(runtime);
            ended
        }
    };
    let verdict = drill.map(|drill| drill.end(env)).transpose()?.flatten();
    // A drill that ends by cancelling has passed, although its run was cancelled.
    ended.map(|exit| verdict.unwrap_or(exit))
}

/// Returns who answers from elsewhere, where the run waits for such people and nobody is at the terminal.
fn answering(args: &SessionArgs, env: &Env<'_>) -> Option<Arc<dyn Approver>> {
    let is_here = env.out.is_terminal() && env.input_is_terminal;
    let waits = args.answers == Some(Answers::Elsewhere) && !args.auto_approve && !is_here;
    waits.then(|| Arc::new(Patient::default()) as Arc<dyn Approver>)
}

/// Returns the real site of a run, and what it is reached by. That it may be changed was confirmed when the run began, unless that
/// was read-only.
fn real(
    site: &VaultArgs,
    plan: &Ready,
    args: &SessionArgs,
    env: &Env<'_>,
) -> Result<(Place, (Connected, Runtime)), CliError> {
    let facts = &plan.plan.model().inventory;
    let reached = site::reach(site, Some(facts), env)?;
    place::refuse_for_real(args, reached.is_local)?;
    let runtime = session::runtime()?;
    let connected = reached.connect(facts, &runtime)?;
    let view = connected.view(facts.clone());
    let is_local = connected.is_local;
    let place = if site.read_only {
        RealSite { site: Arc::new(site::ReadOnly::new(view)), automation: None, is_local }
    } else {
        let writer = WriteClient::new(connected.reader.clone(), Consent::to_change(connected.vault.clone()));
        let automation = Arc::new(Automation::new(writer.clone()));
        let site: Arc<dyn Site> = Arc::new(AzureSite::new(view, writer));
        let site = site::fenced(site, plan);
        RealSite { site, automation: Some(automation), is_local }
    };
    let place = Place::Real(place);
    Ok((place, (connected, runtime)))
}

/// Returns the emulated world of a run, its clock, and the moment at which it goes on.
fn emulated(
    folder: &Path,
    state: &RunState,
    args: &SessionArgs,
) -> Result<(Place, Arc<dyn Pace>, Timestamp), CliError> {
    let world = folder.join("world");
    let unreadable = |error| CliError::usage("can't go on with the emulated world").because(error);
    // The world's clock stood still while nobody held it, so it goes on at its last call or the journal's last event.
    let dormant = Dormant::of(&world).map_err(unreadable)?;
    let from = session::goes_on_at(state, dormant.last_call());
    let pace = Arc::new(WorldPace::new(from, args.speed()));
    let emulator = dormant.with_clock(pace.clone());
    Ok((Place::Emulated(Arc::new(emulator)), pace, from))
}

/// Returns whether somebody ordered a run that has ended with failures to do something again, or without something.
fn is_ordered_to_go_on(state: &RunState, inbox: &mut RunInbox) -> Result<bool, CliError> {
    let letters = inbox
        .since(state.last_letter())
        .map_err(|error| CliError::usage("can't read the orders to the run").because(error))?;
    Ok(letters.iter().any(|letter| !order::judge(state, letter).effects.is_empty()))
}

/// Returns whether a run's actions are real: as it began, so that it ends. Half of a run must not be simulated unnoticed.
fn real_actions(run: &RunId, first: Option<&RunEventKind>, wanted: bool) -> Result<bool, CliError> {
    match first {
        Some(RunEventKind::RunStarted { simulated_actions: true, .. }) if wanted => {
            Err(CliError::usage(format!("run {run} simulates its actions since it began"))
                .hinted("start another run with --real-actions, or resume this one without"))
        }
        Some(RunEventKind::RunStarted { simulated_actions, .. }) => Ok(!simulated_actions),
        Some(_) | None => Ok(wanted),
    }
}
