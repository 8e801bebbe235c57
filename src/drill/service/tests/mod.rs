//! The scheduler over restarts, long drills and changed clocks, in paused time.

mod changed;
mod ending;
mod others;

use std::sync::Mutex;

use jiff::SignedDuration;
use tokio::sync::oneshot;

use super::*;
use crate::clock::pace::Speed;
use crate::clock::pace::WorldPace;
use crate::drill::due::LeftOut;
use crate::drill::launch::Ending;
use crate::drill::plans::Mistake;
use crate::source::Sources;
use crate::syntax::Document;

const START: &str = "2026-11-22T12:00:00Z";

/// A clock that somebody puts forward and back.
struct Hands {
    pace: WorldPace,
    moved: Mutex<SignedDuration>,
}

impl Hands {
    fn put(&self, by: SignedDuration) {
        *self.moved.lock().expect("no panic") += by;
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        self.pace.now().checked_add(*self.moved.lock().expect("no panic")).expect("a time")
    }
}

/// Begins nothing, and ends what it began when the test says so.
#[derive(Default)]
struct Fake {
    begun: Mutex<Vec<(Order, Option<oneshot::Sender<Ended>>)>>,
}

impl Fake {
    fn dues(&self) -> Vec<String> {
        self.begun.lock().expect("no panic").iter().map(|(order, _)| order.due.to_string()).collect()
    }

    fn end(&self, at: usize, code: i32) {
        let end = self.begun.lock().expect("no panic")[at].1.take().expect("it has not ended");
        let _ = end.send(Ended { code: Some(code), said: "error: it is only a test".into() });
    }
}

impl Launcher for Fake {
    fn launch(&self, order: &Order) -> std::io::Result<Ending> {
        let (end, ended) = oneshot::channel();
        self.begun.lock().expect("no panic").push((order.clone(), Some(end)));
        Ok(Box::pin(async move { ended.await.unwrap_or(Ended { code: None, said: String::new() }) }))
    }
}

/// Plans that the test changes.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Option<Found>>>);

#[async_trait::async_trait]
impl Plans for Shelf {
    async fn look(&mut self, _now: Timestamp, _running: &[String]) -> source::Looked {
        Ok(self.0.lock().expect("no panic").take())
    }
}

fn found(drills: &str) -> Found {
    let text = format!("kind: RecoveryPlan\nversion: 1\nname: erp\nmachines: [w1]\ndrills:\n{drills}");
    let mut sources = Sources::new();
    let index = sources.add("erp.plan.yaml", text).expect("fits");
    let mut mistakes = Vec::new();
    let documents = crate::syntax::parse(sources.get(index), &mut mistakes);
    let [Document::Plan(plan)] = &documents[..] else { panic!("{mistakes:?}") };
    let plan = PlanFile {
        name: plan.name.value.clone(),
        path: "/srv/plans/erp.plan.yaml".into(),
        known_as: "/srv/plans/erp.plan.yaml".into(),
        drills: plan.drills.clone(),
        notify: Vec::new(),
    };
    Found { plans: vec![plan], mistakes: Vec::new(), commit: Some("4f0c".into()) }
}

const DAILY: &str = "  - {name: daily, kind: readiness, schedule: \"0 3 * * *\"}\n";

/// A machine on which schedulers come and go.
struct Bench {
    _folder: tempfile::TempDir,
    state: StateDir,
    clock: Arc<Hands>,
    fake: Arc<Fake>,
    shelf: Shelf,
    told: Arc<Mutex<Vec<Happening>>>,
}

/// A scheduler that runs.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServiceError>>,
}

impl Running {
    async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("no panic").expect("it goes well");
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateDir::create(&folder.path().join("state")).expect("made");
        let pace = WorldPace::new(START.parse().expect("a time"), Speed::Times(1.0));
        crate::clock::pace::Pace::begin(&pace);
        let clock = Arc::new(Hands { pace, moved: Mutex::default() });
        Self {
            _folder: folder,
            state,
            clock,
            fake: Arc::default(),
            shelf: Shelf::default(),
            told: Arc::default(),
        }
    }

    fn shelve(&self, drills: &str) {
        *self.shelf.0.lock().expect("no panic") = Some(found(drills));
    }

    fn service(&self, at_once: usize) -> Result<Service, ServiceError> {
        let told = Arc::clone(&self.told);
        Service::new(Setup {
            state: self.state.clone(),
            clock: self.clock.clone(),
            plans: Box::new(self.shelf.clone()),
            launcher: self.fake.clone(),
            at_once,
            told: Box::new(move |happening| told.lock().expect("no panic").push(happening.clone())),
            shown: watch::channel(Arc::default()).0,
        })
    }

    fn run(&self, drills: &str) -> Running {
        self.run_with_patience(drills, std::future::ready(()))
    }

    /// Runs a scheduler that waits for its drills until its patience is over.
    fn run_with_patience(
        &self,
        drills: &str,
        patience: impl Future<Output = ()> + Send + 'static,
    ) -> Running {
        self.shelve(drills);
        begin(self.service(4).expect("nobody has it"), patience)
    }

    fn database(&self) -> Database {
        Database::open(&self.state.database()).expect("opened")
    }

    fn count(&self, is_it: impl Fn(&Happening) -> bool) -> usize {
        self.told.lock().expect("no panic").iter().filter(|told| is_it(told)).count()
    }
}

/// Has a scheduler run.
fn begin(service: Service, patience: impl Future<Output = ()> + Send + 'static) -> Running {
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    Running { stop, task: tokio::spawn(service.run(stopped, patience)) }
}

/// Returns what a drill that began enters of itself.
fn row(order: &Order) -> DrillRow {
    DrillRow {
        id: order.id.clone(),
        plan: "erp".into(),
        plan_path: order.known_as.clone(),
        name: Some("daily".into()),
        kind: "readiness".into(),
        cause: "schedule".into(),
        due_at: Some(order.due),
        began_at: order.due,
        ended_at: None,
        run: None,
        git_commit: None,
        plan_digest: None,
        verdict: None,
        result: None,
    }
}

async fn hours(hours: u64) {
    tokio::time::sleep(Duration::from_secs(hours * 3600)).await;
}

#[tokio::test(start_paused = true)]
async fn a_drill_begins_at_its_time_and_once() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(14).await;
    assert_eq!(bench.fake.dues(), [""; 0], "it is two o'clock");
    hours(2).await;
    bench.fake.end(0, 0);
    hours(24).await;
    assert_eq!(bench.fake.dues(), ["2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z"]);
    let order = bench.fake.begun.lock().expect("no panic")[0].0.clone();
    assert_eq!((order.known_as.as_str(), order.drill.as_str()), ("/srv/plans/erp.plan.yaml", "daily"));
    assert_eq!(order.commit.as_deref(), Some("4f0c"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_due_while_nothing_ran_is_run_once_or_left_out() {
    let bench = Bench::new();
    let skipping = "  - {name: other, kind: readiness, schedule: \"0 4 * * *\", missed: skip}\n";
    let both = format!("{DAILY}{skipping}");
    bench.run(&both).stop().await;
    let running = bench.run(&both);
    hours(1).await;
    running.stop().await;
    hours(71).await;
    let running = bench.run(&both);
    hours(1).await;
    assert_eq!(bench.fake.dues(), ["2026-11-25T03:00:00Z"], "once, for the last of three");
    let is_left_out = |told: &Happening| matches!(told, Happening::LeftOut { drill, why: LeftOut::Missed, others: 2, .. } if drill == "other");
    assert_eq!(bench.count(is_left_out), 1);
    running.stop().await;
    bench.run(&both).stop().await;
    assert_eq!(bench.fake.dues().len(), 1, "a restart repeats nothing");
}

#[tokio::test(start_paused = true)]
async fn a_crash_between_the_start_and_its_entry_begins_nothing_twice() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(16).await;
    running.stop().await;
    let order = bench.fake.begun.lock().expect("no panic")[0].0.clone();
    // The drill is in the database, and the calendar as it stood before.
    let mut database = bench.database();
    let handled = Handled { until: START.parse().expect("a time"), timetable: None };
    database.set_handled(&order.known_as, "daily", &handled).expect("written");
    let running = bench.run(DAILY);
    hours(1).await;
    running.stop().await;
    assert_eq!(bench.fake.dues().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_schedulers_have_no_state_directory_in_common() {
    let bench = Bench::new();
    let first = bench.service(1).expect("nobody has it");
    assert!(matches!(bench.service(1), Err(ServiceError::Held(_))));
    drop(first);
    assert!(bench.service(1).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_still_runs_keeps_the_next_out_or_waiting() {
    let bench = Bench::new();
    let queueing = "  - {name: queueing, kind: readiness, schedule: \"0 4 * * *\", overlap: queue}\n";
    let running = bench.run(&format!("{DAILY}{queueing}"));
    hours(41).await;
    // Both were due twice, and still run.
    assert_eq!(bench.fake.dues(), ["2026-11-23T03:00:00Z", "2026-11-23T04:00:00Z"]);
    assert_eq!(bench.count(|told| matches!(told, Happening::LeftOut { why: LeftOut::Overlap, .. })), 1);
    assert_eq!(bench.count(|told| matches!(told, Happening::Queued { .. })), 1);
    bench.fake.end(0, 0);
    bench.fake.end(1, 0);
    hours(1).await;
    let dues = bench.fake.dues();
    assert_eq!(dues[2..], ["2026-11-24T04:00:00Z"], "what waited begins, what was left out does not");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_drills_run_at_once_than_may() {
    let bench = Bench::new();
    let many: String = (0..5)
        .map(|n| format!("  - {{name: d{n}, kind: readiness, schedule: \"0 3 * * *\", missed: skip}}\n"))
        .collect();
    let running = bench.run(&many);
    hours(16).await;
    assert_eq!(bench.fake.dues().len(), 4);
    bench.fake.end(2, 0);
    hours(1).await;
    assert_eq!(bench.fake.dues().len(), 5, "the fifth waited for a place, and was not missed");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn clocks_that_are_put_forward_and_back_repeat_nothing() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(1).await;
    bench.clock.put(SignedDuration::from_hours(20));
    tokio::time::sleep(Duration::from_secs(16)).await;
    assert_eq!(bench.fake.dues(), ["2026-11-23T03:00:00Z"], "eight o'clock came suddenly");
    bench.fake.end(0, 0);
    bench.clock.put(SignedDuration::from_hours(-20));
    hours(16).await;
    assert_eq!(bench.fake.dues().len(), 1, "three o'clock came again");
    bench.clock.put(SignedDuration::from_hours(10 * 366 * 24));
    hours(1).await;
    bench.fake.end(1, 0);
    bench.clock.put(SignedDuration::from_hours(-10 * 366 * 24));
    hours(24).await;
    assert_eq!(bench.count(|told| matches!(told, Happening::PutBack { .. })), 1);
    assert_eq!(
        bench.fake.dues().len(),
        3,
        "after ten years that were none, it goes on: {:?}",
        bench.fake.dues()
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_without_an_outcome_is_entered_as_failed() {
    let bench = Bench::new();
    let running = bench.run(DAILY);
    hours(16).await;
    bench.fake.end(0, 2);
    hours(1).await;
    running.stop().await;
    let rows = bench.database().drills().expect("read");
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row.verdict.as_deref(), row.kind.as_str()), (Some("failed"), "readiness"));
    assert!(
        row.result.as_ref().is_some_and(|result| result.contains("exit code 2: error: it is only a test"))
    );
    assert_eq!(bench.count(|told| matches!(told, Happening::Ended { lost: Some(_), .. })), 1);
}

#[tokio::test(start_paused = true)]
async fn a_drill_whose_run_can_go_on_has_no_outcome_yet() {
    for (code, is_stopped) in [(4, true), (130, true), (70, false)] {
        let bench = Bench::new();
        let running = bench.run(DAILY);
        hours(16).await;
        let order = bench.fake.begun.lock().expect("no panic")[0].0.clone();
        bench.database().take_drill(&order.id, "sha256:1", None).expect("it has it");
        bench.fake.end(0, code);
        hours(1).await;
        running.stop().await;
        let rows = bench.database().drills().expect("read");
        assert_eq!((rows.len(), rows[0].ended_at), (1, None));
        assert_eq!(bench.count(|told| matches!(told, Happening::Stopped { .. })) == 1, is_stopped, "{code}");
        let is_lost = |told: &Happening| matches!(told, Happening::Ended { lost: Some(_), .. });
        assert_eq!(bench.count(is_lost) == 1, !is_stopped, "{code}");
    }
}
