//! The scheduler: begins the drills that are due, one scheduler for a state directory, and forgets nothing over a restart.
//!
//! It drives no run itself. A drill is a process of its own, and what the scheduler knows is in the database: when it ends, however it
//! ends, the next one goes on where it stood.

mod attend;
mod children;
mod happening;
mod others;
mod source;
#[cfg(test)]
mod tests;

pub use self::happening::Happening;
pub use self::source::Looked;
pub use self::source::Plans;
pub use self::source::Source;
pub use self::source::Taken;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::drill::due::Standing;
use crate::drill::launch::Ended;
use crate::drill::launch::Launcher;
use crate::drill::launch::Order;
use crate::drill::plans::Found;
use crate::drill::plans::PlanFile;
use crate::drill::timetable::Timetable;
use crate::id::DrillId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::DrillRow;
use crate::journal::Handled;
use crate::journal::Lock;
use crate::journal::LockError;
use crate::journal::StateDir;
use crate::journal::StateDirError;
use crate::syntax::drill::Drill;

/// How long the scheduler sleeps at most: so late it notices that a clock was changed, or a file.
const LOOK: Duration = Duration::from_secs(15);

/// The scheduler can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Another scheduler has the state directory.
    #[error("another scheduler has the state directory `{0}`")]
    Held(String),
    /// Its lock can't be taken.
    #[error(transparent)]
    Lock(LockError),
    /// The state directory can't be used.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// The database can't be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// A drill, by the file that its plan is known by and its name.
type Key = (String, String);

/// A drill that is looked after.
#[derive(Clone, Debug)]
struct Entry {
    plan: PlanFile,
    drill: Drill,
    timetable: Timetable,
    /// Digest of what the plan says about when it is due.
    digest: String,
    standing: Standing,
    /// When it was found that there is nothing to do, and until when that holds.
    idle: Option<(Timestamp, Timestamp)>,
}

/// What the scheduler is given.
pub struct Setup {
    /// The state directory.
    pub state: StateDir,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Where plans come from.
    pub plans: Box<dyn Plans>,
    /// What begins drills.
    pub launcher: Arc<dyn Launcher>,
    /// How many drills may run at the same time.
    pub at_once: usize,
    /// Told of everything that happens.
    pub told: Box<dyn FnMut(&Happening) + Send>,
    /// Shown the plans as they were read last; those with mistakes as they were before.
    pub shown: watch::Sender<Arc<Found>>,
}

/// The scheduler of a state directory.
pub struct Service {
    setup: Parts,
    plans: Option<Box<dyn Plans>>,
    looking: Option<JoinHandle<(Box<dyn Plans>, source::Looked)>>,
    database: Database,
    entries: BTreeMap<Key, Entry>,
    children: JoinSet<(Key, Order, Ended)>,
    /// The drills of the present children.
    running: BTreeMap<Key, Order>,
    /// Drills that go on and that this scheduler did not begin: one before it did, or a person.
    others: Vec<DrillRow>,
    /// Those of them that went on when it was told of them last.
    followed: BTreeSet<DrillId>,
    /// Whether the plans were looked at.
    has_looked: bool,
    next_look: Instant,
    commit: Option<String>,
    kept_at: Timestamp,
    nudge: Arc<Notify>,
    _lock: Lock,
}

/// What stays of a [`Setup`].
struct Parts {
    state: StateDir,
    clock: Arc<dyn Clock>,
    launcher: Arc<dyn Launcher>,
    at_once: usize,
    told: Box<dyn FnMut(&Happening) + Send>,
    shown: watch::Sender<Arc<Found>>,
}

impl Service {
    /// Takes the state directory.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Held`] if another scheduler has it; else what keeps it from being used.
    pub fn new(setup: Setup) -> Result<Self, ServiceError> {
        let Setup { state, clock, plans, launcher, at_once, told, shown } = setup;
        let folder = state.root().join("scheduler");
        std::fs::create_dir_all(&folder).map_err(|source| StateDirError {
            path: folder.clone(),
            action: "made",
            source,
        })?;
        let lock = Lock::take(&folder).map_err(|error| match error {
            LockError::Held => ServiceError::Held(state.given().display().to_string()),
            other @ LockError::Io { .. } => ServiceError::Lock(other),
        })?;
        let database = Database::open(&state.database())?;
        let mut others = database.open_drills()?;
        others.retain(|row| !row.has_died(&state));
        let followed = others.iter().map(|row| row.id.clone()).collect();
        let kept_at = clock.now();
        Ok(Self {
            setup: Parts { state, clock, launcher, at_once: at_once.max(1), told, shown },
            plans: Some(plans),
            looking: None,
            database,
            entries: BTreeMap::new(),
            children: JoinSet::new(),
            running: BTreeMap::new(),
            others,
            followed,
            has_looked: false,
            next_look: Instant::now(),
            commit: None,
            kept_at,
            nudge: Arc::new(Notify::new()),
            _lock: lock,
        })
    }

    /// Returns what makes the scheduler look at once.
    #[must_use]
    pub fn nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.nudge)
    }

    /// Begins drills until `stop` is over, and then waits until those that it began have ended or `patience` is over. Drills that run then
    /// go on.
    ///
    /// # Errors
    ///
    /// [`ServiceError`] if the database can't be read or written: then no drill is begun that might be begun again.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        patience: impl Future<Output = ()>,
    ) -> Result<(), ServiceError> {
        let mut stop = std::pin::pin!(stop);
        loop {
            self.look();
            let sleep = self.tick()?;
            tokio::select! {
                () = &mut stop => break,
                Some(ended) = self.children.join_next() => {
                    if let Ok((key, order, ended)) = ended {
                        self.ended(&key, &order, &ended)?;
                    }
                }
                looked = looked(&mut self.looking) => self.take(looked)?,
                () = self.nudge.notified() => self.next_look = Instant::now(),
                () = tokio::time::sleep(sleep) => {}
            }
        }
        if let Some(looking) = self.looking.take() {
            looking.abort();
        }
        self.wait(patience).await?;
        let now = self.setup.clock.now();
        self.keep(now)?;
        // A process that nobody waits for goes on all the same.
        self.children.detach_all();
        Ok(())
    }

    /// Begins nothing more, and waits for the drills that it began.
    async fn wait(&mut self, patience: impl Future<Output = ()>) -> Result<(), ServiceError> {
        let mut patience = std::pin::pin!(patience);
        let is_over = tokio::select! {
            biased;
            () = &mut patience => true,
            () = std::future::ready(()) => self.children.is_empty(),
        };
        if is_over {
            return Ok(());
        }
        (self.setup.told)(&Happening::Waiting { drills: self.children.len() });
        while let Some(ended) = tokio::select! {
            biased;
            () = &mut patience => None,
            ended = self.children.join_next() => ended,
        } {
            if let Ok((key, order, ended)) = ended {
                self.ended(&key, &order, &ended)?;
            }
        }
        Ok(())
    }

    /// Has the plans looked at, if nobody looks at them.
    fn look(&mut self) {
        if self.next_look > Instant::now() {
            return;
        }
        if let Some(mut plans) = self.plans.take() {
            self.next_look = Instant::now() + LOOK;
            let needed = self.commits();
            let now = self.setup.clock.now();
            self.looking = Some(tokio::spawn(async move {
                let looked = plans.look(now, &needed).await;
                (plans, looked)
            }));
        }
    }

    /// Returns the commits whose drills run.
    fn commits(&self) -> Vec<String> {
        let others = self.others.iter().filter_map(|row| row.git_commit.clone());
        others.chain(self.running.values().filter_map(|order| order.commit.clone())).collect()
    }

    fn take(&mut self, looked: Option<(Box<dyn Plans>, source::Looked)>) -> Result<(), ServiceError> {
        let Some((plans, looked)) = looked else { return Ok(()) };
        self.plans = Some(plans);
        self.has_looked = true;
        match looked {
            Ok(None) => Ok(()),
            Ok(Some(found)) => self.read(found),
            Err(message) => {
                (self.setup.told)(&Happening::Unreachable { message });
                Ok(())
            }
        }
    }

    /// Takes what was read of the plans.
    fn read(&mut self, found: Found) -> Result<(), ServiceError> {
        let now = self.setup.clock.now();
        let Found { mut plans, mistakes, commit } = found;
        for mistake in &mistakes {
            // A plan that can't be read at the moment is no plan without drills.
            let is_it = |plan: &&PlanFile| plan.known_as == mistake.known_as;
            if !plans.iter().any(|plan| is_it(&plan)) {
                let known = self.setup.shown.borrow();
                plans.extend(known.plans.iter().filter(is_it).cloned());
            }
            (self.setup.told)(&Happening::Mistaken(mistake.clone()));
        }
        let mut entries = BTreeMap::new();
        for plan in &plans {
            for drill in &plan.drills {
                let Some(timetable) = plan.timetable(drill) else { continue };
                let key = (plan.known_as.clone(), drill.name.value.clone());
                let digest = Timetable::digest(&plan.name, drill);
                let known = self.entries.get(&key);
                let handled_until = match known {
                    Some(known) if known.timetable == timetable => Some(known.standing.handled_until),
                    Some(_) => None,
                    None => self.kept(&key, &digest)?,
                };
                let handled_until = match handled_until {
                    Some(until) => until,
                    // What a new schedule would have meant before is past.
                    None => self.handled(&key, &digest, now)?,
                };
                let is_queued = self.entries.get(&key).is_some_and(|known| known.standing.is_queued);
                let standing = Standing { handled_until, is_running: false, is_queued };
                entries.insert(
                    key,
                    Entry {
                        plan: plan.clone(),
                        drill: drill.clone(),
                        timetable,
                        digest,
                        standing,
                        idle: None,
                    },
                );
            }
        }
        self.entries = entries;
        // A drill that was taken out and comes back is a new one: nothing was missed of it meanwhile. Of a plan with mistakes it is
        // not known which drills it has.
        let (entries, mistaken) = (&self.entries, &mistakes);
        self.database.forget_calendars(|plan, drill| {
            entries.contains_key(&(plan.to_owned(), drill.to_owned()))
                || mistaken.iter().any(|mistake| mistake.known_as == plan)
        })?;
        self.commit.clone_from(&commit);
        let count = plans.len();
        (self.setup.told)(&Happening::Read {
            plans: count,
            drills: self.entries.len(),
            commit: commit.clone(),
        });
        self.setup.shown.send_replace(Arc::new(Found { plans, mistakes, commit }));
        Ok(())
    }
}

impl Service {
    /// Returns up to when the calendar of a drill was dealt with by a scheduler before this one, if the drill was due then as it
    /// is now.
    fn kept(&self, key: &Key, digest: &str) -> Result<Option<Timestamp>, ServiceError> {
        let handled = self.database.handled(&key.0, &key.1)?;
        let is_same = |handled: &Handled| handled.timetable.as_deref().is_none_or(|known| known == digest);
        Ok(handled.filter(is_same).map(|handled| handled.until))
    }
}

/// Waits until the plans were looked at; for ever, if nobody looks at them.
async fn looked(
    looking: &mut Option<JoinHandle<(Box<dyn Plans>, source::Looked)>>,
) -> Option<(Box<dyn Plans>, source::Looked)> {
    match looking {
        Some(handle) => {
            let looked = handle.await;
            *looking = None;
            looked.ok()
        }
        None => std::future::pending().await,
    }
}
