//! The scheduler: begins the drills that are due, one scheduler for a state directory, and forgets nothing over a restart.
//!
//! It drives no run itself. A drill is a process of its own, and what the scheduler knows is in the database: when it ends, however it
//! ends, the next one goes on where it stood.

mod source;
#[cfg(test)]
mod tests;

pub use self::source::Plans;
pub use self::source::Source;
pub use self::source::Taken;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use sha2::Digest as _;
use sha2::Sha256;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::drill::due::Cause;
use crate::drill::due::Decision;
use crate::drill::due::LeftOut;
use crate::drill::due::Standing;
use crate::drill::due::Timetable;
use crate::drill::launch::Ended;
use crate::drill::launch::Launcher;
use crate::drill::launch::Order;
use crate::drill::plans::Found;
use crate::drill::plans::Mistake;
use crate::drill::plans::PlanFile;
use crate::id::DrillId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::DrillEnd;
use crate::journal::DrillRow;
use crate::journal::Lock;
use crate::journal::LockError;
use crate::journal::StateDir;
use crate::journal::StateDirError;
use crate::syntax::drill::Drill;

/// How long the scheduler sleeps at most: so late it notices that a clock was changed, or a file.
const LOOK: Duration = Duration::from_secs(15);

/// How often it is kept up to when all calendars are dealt with, although nothing was due: what a schedule that is changed while
/// nothing runs would have meant before that is then not run.
const KEPT: SignedDuration = SignedDuration::from_mins(15);

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

/// What the scheduler did or saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// The plans were read, for the first time or since they changed.
    Read {
        /// How many plans there are.
        plans: usize,
        /// How many of their drills have a schedule.
        drills: usize,
        /// The commit that they are of, if they were taken from one.
        commit: Option<String>,
    },
    /// A plan can't be read, and keeps the drills that it had.
    Mistaken(Mistake),
    /// The plans can't be looked at; those that were read before go on to count.
    Unreachable {
        /// Why.
        message: String,
    },
    /// A drill began.
    Began {
        /// What was begun.
        order: Order,
        /// Name of its plan.
        plan: String,
        /// Why.
        cause: Cause,
        /// How many times before it stands for, too.
        others: u64,
    },
    /// A drill waits for the one before it, or for a place.
    Queued {
        /// Name of its plan.
        plan: String,
        /// Its name.
        drill: String,
        /// The time that it waits for.
        due: Timestamp,
    },
    /// A drill was left out.
    LeftOut {
        /// Name of its plan.
        plan: String,
        /// Its name.
        drill: String,
        /// The last time that was left out.
        due: Timestamp,
        /// Why.
        why: LeftOut,
        /// How many times before that one were left out, too.
        others: u64,
    },
    /// A drill ended.
    Ended {
        /// What is kept about it.
        row: Box<DrillRow>,
        /// Why it has no outcome of its own: it never began, or its process died.
        lost: Option<String>,
    },
    /// The clock was put back by far, and a calendar counts on from there.
    PutBack {
        /// Name of the plan.
        plan: String,
        /// Name of the drill.
        drill: String,
    },
}

/// A drill, by the file that its plan is known by and its name.
type Key = (String, String);

/// A drill that is looked after.
#[derive(Clone, Debug)]
struct Entry {
    plan: PlanFile,
    drill: Drill,
    timetable: Timetable,
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
    /// Drills of a scheduler before this one that go on.
    orphans: Vec<DrillRow>,
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
}

impl Service {
    /// Takes the state directory.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Held`] if another scheduler has it; else what keeps it from being used.
    pub fn new(setup: Setup) -> Result<Self, ServiceError> {
        let Setup { state, clock, plans, launcher, at_once, told } = setup;
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
        let is_ours = |row: &DrillRow| row.cause == "schedule" && row.ended_at.is_none();
        let orphans = database.drills()?.into_iter().filter(is_ours).collect();
        let kept_at = clock.now();
        Ok(Self {
            setup: Parts { state, clock, launcher, at_once: at_once.max(1), told },
            plans: Some(plans),
            looking: None,
            database,
            entries: BTreeMap::new(),
            children: JoinSet::new(),
            running: BTreeMap::new(),
            orphans,
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

    /// Begins drills until `stop` is over. Drills that run then go on.
    ///
    /// # Errors
    ///
    /// [`ServiceError`] if the database can't be read or written: then no drill is begun that might be begun again.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), ServiceError> {
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
        let now = self.setup.clock.now();
        self.keep(now)?;
        // A process that nobody waits for goes on all the same.
        self.children.detach_all();
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
        let orphans = self.orphans.iter().filter_map(|row| row.git_commit.clone());
        orphans.chain(self.running.values().filter_map(|order| order.commit.clone())).collect()
    }

    fn take(&mut self, looked: Option<(Box<dyn Plans>, source::Looked)>) -> Result<(), ServiceError> {
        let Some((plans, looked)) = looked else { return Ok(()) };
        self.plans = Some(plans);
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
        let Found { plans, mistakes, commit } = found;
        let mut entries = BTreeMap::new();
        let count = plans.len();
        for plan in plans {
            for drill in &plan.drills {
                let Some(timetable) = plan.timetable(drill) else { continue };
                let key = (plan.known_as.clone(), drill.name.value.clone());
                let handled_until = match self.entries.get(&key) {
                    Some(known) if known.timetable == timetable => known.standing.handled_until,
                    // What the new schedule would have meant before is past.
                    Some(_) => self.handled(&key, now)?,
                    None => match self.database.handled_until(&key.0, &key.1)? {
                        Some(until) => until,
                        None => self.handled(&key, now)?,
                    },
                };
                let is_queued = self.entries.get(&key).is_some_and(|known| known.standing.is_queued);
                let standing = Standing { handled_until, is_running: false, is_queued };
                entries.insert(
                    key,
                    Entry { plan: plan.clone(), drill: drill.clone(), timetable, standing, idle: None },
                );
            }
        }
        for mistake in mistakes {
            // A plan that can't be read at the moment is no plan without drills.
            let kept = self.entries.iter().filter(|((plan, _), _)| *plan == mistake.known_as);
            for (key, entry) in kept {
                entries.entry(key.clone()).or_insert_with(|| entry.clone());
            }
            (self.setup.told)(&Happening::Mistaken(mistake));
        }
        self.entries = entries;
        self.commit.clone_from(&commit);
        (self.setup.told)(&Happening::Read { plans: count, drills: self.entries.len(), commit });
        Ok(())
    }

    fn handled(&mut self, key: &Key, until: Timestamp) -> Result<Timestamp, ServiceError> {
        self.database.set_handled_until(&key.0, &key.1, until)?;
        Ok(until)
    }

    /// Does what is to be done now, and returns how long nothing is.
    fn tick(&mut self) -> Result<Duration, ServiceError> {
        let now = self.setup.clock.now();
        self.orphans.retain(|row| !row.has_died(&self.setup.state));
        if !self.orphans.is_empty() {
            let rows = self.database.drills()?;
            self.orphans.retain(|row| rows.iter().any(|now| now.id == row.id && now.ended_at.is_none()));
        }
        let mut next =
            now.saturating_add(SignedDuration::try_from(LOOK).unwrap_or(SignedDuration::MAX)).unwrap_or(now);
        let keys: Vec<Key> = self.entries.keys().cloned().collect();
        for key in keys {
            if let Some(until) = self.attend(&key, now)? {
                next = next.min(until);
            }
        }
        if now.duration_since(self.kept_at).abs() >= KEPT {
            self.keep(now)?;
        }
        let left = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        Ok(left.clamp(Duration::from_millis(100), LOOK))
    }

    /// Does what is to be done about a drill, and returns when there is something next.
    fn attend(&mut self, key: &Key, now: Timestamp) -> Result<Option<Timestamp>, ServiceError> {
        let is_running = self.running.contains_key(key)
            || self
                .orphans
                .iter()
                .any(|row| row.plan_path == key.0 && row.name.as_deref() == Some(key.1.as_str()));
        let is_full = self.running.len() + self.orphans.len() >= self.setup.at_once;
        let Some(entry) = self.entries.get_mut(key) else { return Ok(None) };
        if let Some((from, until)) = entry.idle
            && from <= now
            && now < until
        {
            return Ok(Some(until));
        }
        entry.idle = None;
        entry.standing.is_running = is_running;
        let (plan, drill) = (entry.plan.name.clone(), key.1.clone());
        match entry.timetable.decide(&entry.standing, now) {
            Decision::Wait { until } => {
                entry.idle = Some((now, until.unwrap_or(Timestamp::MAX)));
                Ok(until)
            }
            Decision::Begin { due, .. } if is_full => {
                if !std::mem::replace(&mut entry.standing.is_queued, true) {
                    (self.setup.told)(&Happening::Queued { plan, drill, due });
                }
                Ok(None)
            }
            Decision::Queue { due } => {
                if !std::mem::replace(&mut entry.standing.is_queued, true) {
                    (self.setup.told)(&Happening::Queued { plan, drill, due });
                }
                Ok(None)
            }
            Decision::LeaveOut { due, why, others } => {
                self.dealt_with(key, due)?;
                (self.setup.told)(&Happening::LeftOut { plan, drill, due, why, others });
                Ok(Some(now))
            }
            Decision::PutBack => {
                self.dealt_with(key, now)?;
                (self.setup.told)(&Happening::PutBack { plan, drill });
                Ok(Some(now))
            }
            Decision::Begin { due, cause, others } => {
                let order = Order {
                    id: id_of(key, due),
                    plan: entry.plan.path.clone(),
                    known_as: key.0.clone(),
                    drill,
                    due,
                    commit: self.commit.clone(),
                };
                self.begin(key, order, plan, cause, others)?;
                Ok(Some(now))
            }
        }
    }

    /// Enters up to when a calendar is dealt with.
    fn dealt_with(&mut self, key: &Key, until: Timestamp) -> Result<(), ServiceError> {
        self.handled(key, until)?;
        if let Some(entry) = self.entries.get_mut(key) {
            entry.standing.handled_until = until;
            entry.standing.is_queued = false;
            entry.idle = None;
        }
        Ok(())
    }

    fn begin(
        &mut self,
        key: &Key,
        order: Order,
        plan: String,
        cause: Cause,
        others: u64,
    ) -> Result<(), ServiceError> {
        let due = order.due;
        // Its id is that of its time: if this process ends before the time is entered as dealt with, the next one begins nothing twice.
        if self.database.drill(&order.id)?.is_some() {
            return self.dealt_with(key, due);
        }
        match self.setup.launcher.launch(&order) {
            Ok(ending) => {
                self.running.insert(key.clone(), order.clone());
                let (of, begun) = (key.clone(), order.clone());
                self.children.spawn(async move { (of, begun, ending.await) });
                self.dealt_with(key, due)?;
                (self.setup.told)(&Happening::Began { order, plan, cause, others });
            }
            Err(error) => {
                self.dealt_with(key, due)?;
                let said = format!("it can't be started: {error}");
                self.lost(key, &order, &plan, said)?;
            }
        }
        Ok(())
    }

    /// Takes note of a drill's end.
    fn ended(&mut self, key: &Key, order: &Order, ended: &Ended) -> Result<(), ServiceError> {
        self.running.remove(key);
        let plan = self.entries.get(key).map(|entry| entry.plan.name.clone());
        let how = match ended.code {
            Some(code) => format!("its process ended with exit code {code}"),
            None => "its process was killed".to_owned(),
        };
        let said = if ended.said.is_empty() { how } else { format!("{how}: {}", ended.said) };
        match self.database.drill(&order.id)? {
            Some(row) if row.ended_at.is_some() => {
                (self.setup.told)(&Happening::Ended { row: Box::new(row), lost: None });
                Ok(())
            }
            Some(row) => self.lost(key, order, &row.plan.clone(), said),
            None => self.lost(key, order, &plan.unwrap_or_default(), said),
        }
    }

    /// Enters a drill that has no outcome of its own as failed, so that its failure is seen where all others are.
    fn lost(&mut self, key: &Key, order: &Order, plan: &str, said: String) -> Result<(), ServiceError> {
        let now = self.setup.clock.now();
        let kind = self.entries.get(key).map_or("rehearsal", |entry| entry.drill.kind.value.as_str());
        let row = match self.database.drill(&order.id)? {
            Some(row) => row,
            None => {
                let row = DrillRow {
                    id: order.id.clone(),
                    plan: plan.to_owned(),
                    plan_path: order.known_as.clone(),
                    name: Some(order.drill.clone()),
                    kind: kind.to_owned(),
                    cause: "schedule".to_owned(),
                    due_at: Some(order.due),
                    began_at: now,
                    ended_at: None,
                    run: None,
                    git_commit: order.commit.clone(),
                    plan_digest: None,
                    verdict: None,
                    result: None,
                };
                self.database.add_drill(&row)?;
                row
            }
        };
        let reasons = serde_json::json!({"reasons": [{"code": "drill-lost", "message": said}]});
        let end = DrillEnd { ended_at: now, verdict: "failed".to_owned(), result: reasons.to_string() };
        self.database.end_drill(&order.id, &end)?;
        let row = DrillRow {
            ended_at: Some(end.ended_at),
            verdict: Some(end.verdict),
            result: Some(end.result),
            ..row
        };
        (self.setup.told)(&Happening::Ended { row: Box::new(row), lost: Some(said) });
        Ok(())
    }

    /// Enters for each drill of which nothing is due that its calendar is dealt with up to now.
    fn keep(&mut self, now: Timestamp) -> Result<(), ServiceError> {
        self.kept_at = now;
        let is_idle = |entry: &Entry| {
            let until = entry.standing.handled_until;
            until < now && entry.timetable.calendar.next_after(until).is_none_or(|due| due > now)
        };
        let idle: Vec<Key> =
            self.entries.iter().filter(|(_, entry)| is_idle(entry)).map(|(key, _)| key.clone()).collect();
        for key in idle {
            self.handled(&key, now)?;
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.standing.handled_until = now;
            }
        }
        Ok(())
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

/// Returns the id of the drill that begins for a time: always the same.
fn id_of((plan, drill): &Key, due: Timestamp) -> DrillId {
    let mut digest = Sha256::new();
    for part in [plan, drill] {
        digest.update(part);
        digest.update([0]);
    }
    let short: String = digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    DrillId::new(format!("{}-{short}", due.strftime("%Y%m%dT%H%M%SZ")))
}
