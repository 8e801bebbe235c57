//! `run`: executes a plan on the emulator, durably and with progress.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::args::PlanArgs;
use crate::cli::checkout;
use crate::cli::claim;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::load::Failure;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::ready::Ready;
use crate::cli::saved;
use crate::cli::session;
use crate::cli::session::Place;
use crate::cli::session::Session;
use crate::cli::session::SessionArgs;
use crate::clock::pace::WorldPace;
use crate::event::RunState;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::RunInbox;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::model::digest;
use crate::provider::emulator::Emulator;
use crate::provider::emulator::Scenario;
use crate::source::Sources;
use crate::source::Spanned;
use crate::syntax::file;

/// Run a plan: bring its machines home on the emulator
///
/// Ctrl-C stops beginning steps and leaves the run resumable. Exits with 0 if every machine is back, with 1 if the plan is
/// refused, with 3 if steps failed, with 4 if the run waits for an approval and nobody is there.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// Plan file, or a plan that was saved by `failback plan -o`: refused if plan or facts have changed since
    #[arg(value_name = "PLAN|SAVED")]
    pub path: PathBuf,
    /// Faults that befall the emulated site (a `kind: Scenario` document)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// How the run is executed.
    #[command(flatten)]
    pub session: SessionArgs,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Starts a run.
///
/// # Errors
///
/// [`CliError`] if something can't be read or written.
pub fn run(args: &RunArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let named = saved::named(&args.path, &args.plan, env)?;
    let plan = match ready::ready(&named.path, &named.args, Moment::Observed, env)? {
        Ok(plan) => plan,
        Err(exit) => return Ok(exit),
    };
    let graph = session::compile(&plan);
    if let Some(refusal) = named.refusal(plan.plan.model(), &graph) {
        return Err(refusal);
    }
    let scenario = match scenario(args.scenario.as_deref(), &args.plan, &plan, env)? {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let start = plan.plan.model().observed_at().unwrap_or_else(|_| env.clock.now());
    let options = named.args.options(start);
    let created_at = env.clock.now();
    let run = new_id(created_at);
    let dir = StateDir::create(&env.path(&args.session.state_dir)).map_err(unusable)?;
    let mut database = Database::open(&dir.database()).map_err(|error| no_database(&dir, error))?;
    let model = plan.plan.model();
    let (folder, lock) = claim::begin(&dir, &run, model)?;
    // A run may be taken over from another folder, and its commands lie beside its plan.
    let plan_path = env.path(&named.path);
    let plan_path = std::path::absolute(&plan_path).unwrap_or(plan_path);
    kept::keep_documents(&folder, &plan)?;
    let pace = Arc::new(WorldPace::new(start, args.session.speed.0));
    let world =
        Emulator::create(&folder.join("world"), model.inventory.clone(), scenario, start, pace.clone());
    let emulator = world.map_err(|error| CliError::usage("can't make the emulated world").because(error))?;
    // A run is entered when everything that resuming it needs is on disk.
    database
        .add_run(&RunRecord {
            id: run.clone(),
            plan: model.plan.name.value.clone(),
            plan_path: plan_path.display().to_string(),
            plan_digest: digest::plan(model),
            facts_digest: digest::facts(model),
            provider: "emulator".into(),
            options: kept::kept_options(&named.args, options.now),
            created_at,
            git_commit: plan_path.parent().and_then(checkout::commit),
            program: env!("CARGO_PKG_VERSION").into(),
            migrated_events: 0,
        })
        .map_err(|error| {
            // A folder without a record would look like a record that was lost.
            let _ = std::fs::remove_dir_all(&folder);
            no_database(&dir, error)
        })?;
    let inbox = RunInbox::open(&dir.database(), &run).map_err(|error| no_database(&dir, error))?;
    let journal = database.writer(&run).map_err(|error| no_database(&dir, error))?;
    let first = session::started(&plan, &graph, "emulator", &args.session, env);
    let session = Session {
        run,
        folder,
        options,
        state: RunState::new(Arc::clone(&graph)),
        graph,
        plan,
        place: Place::Emulated(Arc::new(emulator)),
        pace,
        journal,
        inbox,
        first,
        actions_in: plan_path.parent().unwrap_or(std::path::Path::new("/")).to_owned(),
        lock,
    };
    session::drive(session, &args.session, env)
}

/// Returns an id that says when the run was started and is its own.
fn new_id(now: Timestamp) -> RunId {
    let time = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
    RunId::new(format!("{time}-{:04x}", fastrand::u16(..)))
}

pub(crate) fn unusable(error: crate::journal::StateDirError) -> CliError {
    CliError::usage("can't use the state directory")
        .because(error)
        .hinted("choose another one with --state-dir")
}

pub(crate) fn no_database(dir: &StateDir, error: crate::journal::DatabaseError) -> CliError {
    let help = error.help();
    let told = CliError::usage(format!("can't use the runs in `{}`", dir.root().display())).because(error);
    help.into_iter().fold(told, CliError::hinted)
}

/// Reads the scenario, if one is named. What is wrong with it goes to standard error, with the exit code in its place.
pub(crate) fn scenario(
    path: Option<&Path>,
    args: &PlanArgs,
    plan: &Ready,
    env: &mut Env<'_>,
) -> Result<Result<Scenario, Exit>, CliError> {
    use std::io::Write as _;
    let Some(path) = path else {
        let baseline = Some(Spanned::bare(plan.plan.model().baseline()));
        return Ok(Ok(Scenario { baseline, ..Scenario::default() }));
    };
    let text = file::read_file(&env.path(path), args.max_file_size.0);
    let text = text.map_err(|error| {
        let failure = Failure::of(path, error);
        let error = CliError::usage(failure.message);
        failure.help.into_iter().fold(error, CliError::hinted)
    })?;
    let mut sources = Sources::new();
    let index = sources
        .add(path.display().to_string(), text.text)
        .map_err(|error| CliError::usage("can't read the scenario").because(error))?;
    let mut diagnostics = Vec::new();
    let scenario = match text.bad_utf8 {
        Some(at) => {
            diagnostics.push(file::bad_utf8(sources.get(index), at));
            None
        }
        None => Scenario::parse(sources.get(index), &mut diagnostics),
    };
    if let Some(scenario) = &scenario {
        for name in scenario.unknown_names(&plan.plan.model().inventory) {
            let message = format!("nothing in the inventory is named `{}`", name.value);
            diagnostics.push(
                crate::diagnostic::Diagnostic::error("unknown-name", name.span, message)
                    .help("name a machine or server of the inventory"),
            );
        }
    }
    let text = crate::cli::check::mistakes(&diagnostics, &sources, env.talk_style());
    env.err.write_all(text.as_bytes())?;
    match scenario.filter(|_| diagnostics.is_empty()) {
        Some(mut scenario) => {
            // The service follows the same state of the documentation as the plan, unless the scenario says otherwise.
            scenario.baseline.get_or_insert(Spanned::bare(plan.plan.model().baseline()));
            Ok(Ok(scenario))
        }
        None => Ok(Err(Exit::Refused)),
    }
}
