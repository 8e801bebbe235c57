//! `run`: executes a plan, durably and with progress.

pub(crate) mod azure;
pub(crate) mod emulated;

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
use crate::cli::lost;
use crate::cli::place;
use crate::cli::place::Place;
use crate::cli::ready::Ready;
use crate::cli::session;
use crate::cli::session::Session;
use crate::cli::session::SessionArgs;
use crate::cli::site::VaultArgs;
use crate::cli::traces;
use crate::clock::pace::Pace;
use crate::event::Person;
use crate::event::RunState;
use crate::graph::Graph;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::Lock;
use crate::journal::RunInbox;
use crate::journal::RunRecord;
use crate::journal::RunWriter;
use crate::journal::StateDir;
use crate::model::digest;
use crate::rules::Options;

/// Run a plan: bring its machines home, on the emulator unless Azure is named
///
/// Ctrl-C stops beginning steps and leaves the run resumable. Exits with 0 if every machine is back, with 1 if the plan is
/// refused, with 3 if steps failed, with 4 if the run waits for an approval and nobody is there.
#[derive(Clone, Debug, clap::Args)]
pub struct RunArgs {
    /// Plan file, or a plan that was saved by `failback plan -o`: refused if plan or facts have changed since
    #[arg(value_name = "PLAN|SAVED")]
    pub path: PathBuf,
    /// Where the plan is run; Azure has to be named
    #[arg(long, value_name = "PROVIDER", value_enum, default_value_t)]
    pub provider: Provider,
    /// Faults that befall the emulated site (a `kind: Scenario` document)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Azure: the plan's name, for want of somebody who types it
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Azure: take what the site shows just now instead of what the inventory says; what only a person knows stays as it is there
    #[arg(long)]
    pub live: bool,
    /// Azure: look at the site and judge the plan by what is seen, and refuse to change anything
    #[arg(long)]
    pub read_only: bool,
    /// Which vault and vCenters are meant.
    #[command(flatten)]
    pub site: VaultArgs,
    /// How the run is executed.
    #[command(flatten)]
    pub session: SessionArgs,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Where a plan is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Provider {
    /// A built-in emulated site
    #[default]
    Emulator,
    /// Azure Site Recovery and vCenter, over the network
    Azure,
}

/// Starts a run.
///
/// # Errors
///
/// [`CliError`] if something can't be read or written.
pub fn run(args: &RunArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    match args.provider {
        Provider::Emulator => emulated::run(args, env),
        Provider::Azure => azure::run(args, env),
    }
}

/// A plan that may run, and what its run begins with.
pub(crate) struct Beginning<'a> {
    plan: Ready,
    graph: Arc<Graph>,
    /// The file that was named, and the flags that hold for it.
    path: &'a Path,
    plan_args: &'a PlanArgs,
    /// The moment at which its dates are measured.
    now: Timestamp,
    /// Whom it knows.
    people: Vec<Person>,
    /// What reaches the site again.
    site: Option<&'a VaultArgs>,
}

/// A run that is on disk.
struct Begun {
    id: RunId,
    folder: PathBuf,
    journal: RunWriter,
    inbox: RunInbox,
    lock: Lock,
    actions_in: PathBuf,
}

impl Beginning<'_> {
    /// Makes the run's folder and enters it, after `prepare` has put into the folder what resuming it needs.
    fn enter<T>(
        &self,
        args: &SessionArgs,
        provider: &str,
        env: &mut Env<'_>,
        prepare: impl FnOnce(&Path) -> Result<T, CliError>,
    ) -> Result<(Begun, T), CliError> {
        // What would stop the run as soon as it is entered is told before.
        traces::collector(args, env)?;
        let created_at = env.clock.now();
        let id = RunId::new(new_id(created_at));
        let dir = StateDir::create(&env.path(&args.state_dir)).map_err(unusable)?;
        lost::refuse_emptied(&dir)?;
        let mut database = Database::open(&dir.database()).map_err(|error| no_database(&dir, error))?;
        lost::tell_before_a_run(&dir, &database, env)?;
        let model = self.plan.plan.model();
        // A run of a person goes on from where another one left its machines; a drill must not touch what waits for somebody.
        let can_go_on = match args.drill.is_some() && provider == place::AZURE {
            true => claim::unfinished(&database).map_err(|error| no_database(&dir, error))?,
            false => Vec::new(),
        };
        let is_rehearsed = args.drill.is_some() && provider == place::EMULATOR && !args.real_actions;
        let claimed = claim::of(model, is_rehearsed);
        let (folder, lock) = claim::begin(&dir.clone().given_as(&args.state_dir), &id, &claimed, &can_go_on)?;
        // A run may be taken over from another folder, and its commands lie beside its plan.
        let plan_path = env.path(self.path);
        let plan_path = std::path::absolute(&plan_path).unwrap_or(plan_path);
        kept::keep_documents(&folder, &self.plan)?;
        let prepared = prepare(&folder)?;
        kept::settle(&dir, &folder)?;
        // A run is entered when everything that resuming it needs is on disk.
        let record = RunRecord {
            id: id.clone(),
            plan: model.plan.name.value.clone(),
            plan_path: plan_path.display().to_string(),
            plan_digest: digest::plan(model),
            facts_digest: digest::facts(model),
            provider: provider.into(),
            options: kept::kept_options(
                self.plan_args,
                self.now,
                self.site,
                self.plan.policy_digests(),
                args.driven(),
            ),
            created_at,
            git_commit: plan_path.parent().and_then(checkout::commit),
            program: env!("CARGO_PKG_VERSION").into(),
            migrated_events: 0,
        };
        let entered = match &args.drill {
            Some(drill) => database.add_run_of_drill(&record, drill),
            None => database.add_run(&record),
        };
        entered.map_err(|error| {
            // A folder without a record would look like a record that was lost.
            let _ = std::fs::remove_dir_all(&folder);
            no_database(&dir, error)
        })?;
        let inbox = RunInbox::open(&dir.database(), &id).map_err(|error| no_database(&dir, error))?;
        let journal = database.writer(&id).map_err(|error| no_database(&dir, error))?;
        let actions_in = plan_path.parent().unwrap_or(Path::new("/")).to_owned();
        Ok((Begun { id, folder, journal, inbox, lock, actions_in }, prepared))
    }

    /// Returns the session of a run that was entered.
    fn session(
        self,
        begun: Begun,
        place: Place,
        pace: Arc<dyn Pace>,
        options: Options,
        args: &SessionArgs,
        env: &Env<'_>,
    ) -> Session {
        let first = session::started(&self.plan, &self.graph, &place, args, self.people, env);
        Session {
            run: begun.id,
            folder: begun.folder,
            options,
            state: RunState::new(Arc::clone(&self.graph)),
            graph: self.graph,
            plan: self.plan,
            place,
            pace,
            journal: begun.journal,
            inbox: begun.inbox,
            first,
            actions_in: begun.actions_in,
            lock: begun.lock,
        }
    }
}

/// Returns an id that says when the run was started and is its own.
pub(crate) fn new_id(now: Timestamp) -> String {
    let time = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S");
    format!("{time}-{:04x}", fastrand::u16(..))
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
