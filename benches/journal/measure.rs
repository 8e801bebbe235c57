//! What is measured: each in a process of its own.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Instant;

use async_trait::async_trait;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::event::Journal as _;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::id::OperationId;
use failback::id::RunId;
use failback::journal::Database;
use failback::journal::RunRecord;
use failback::provider::Observation;
use failback::provider::Observe;
use failback::provider::Operate;
use failback::provider::OperationStatus;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::run::Driver;
use failback::run::Parts;
use failback::run::Recorder;
use failback::run::approver::AutoApprove;
use failback::run::hook::Simulated;
use rusqlite::Connection;
use rusqlite::params;
use sha2::Digest as _;
use sha2::Sha256;
use tokio::sync::Notify;

use crate::sample;

/// Figures of a measurement, by name.
pub type Figures = Vec<(&'static str, f64)>;

/// Events of the large run that are read again.
const EVENTS: usize = 1_000_000;

/// Returns the CPU seconds that this process has used; it has one thread.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux tells it");
    let nanoseconds: f64 =
        text.split(' ').next().and_then(|word| word.parse().ok()).expect("a number comes first");
    nanoseconds / 1e9
}

/// Returns the most memory that this process has had, in MB.
fn peak() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = text.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells it");
    let kibibytes: f64 =
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number follows");
    kibibytes * 1024.0 / 1e6
}

/// Measures one thing on the documents in `folder`.
pub fn measure(what: &str, folder: &Path) -> Figures {
    match what {
        "groups" => written(folder, 100, 2_000, 80_000),
        "steps" => written(folder, 4, 80, 16_000),
        "record" => record(folder),
        "resume" => resume(folder),
        "read" => read(folder),
        other => panic!("nothing is called {other}"),
    }
}

fn entry() -> RunRecord {
    RunRecord {
        id: RunId::new(sample::RUN),
        plan: "scale".into(),
        plan_path: "plan.yaml".into(),
        plan_digest: String::new(),
        facts_digest: String::new(),
        provider: "emulator".into(),
        options: "{}".into(),
        created_at: sample::start(),
        git_commit: None,
        program: "bench".into(),
        migrated_events: 0,
    }
}

/// Returns a database of its own with the run entered.
fn entered(path: &Path) -> Database {
    let mut database = Database::open(path).expect("a new database");
    database.add_run(&entry()).expect("room on the disk");
    database
}

/// Something that takes a group of events.
type Taker<'t> = Box<dyn FnMut(std::ops::Range<usize>) + 't>;

/// Events into the journal, and the same rows into the same table in the same groups with nothing to be made of events first:
/// in turn, a block of groups each, so that both meet the same disk. Returns what the middle block of each costs an event.
fn written(folder: &Path, batch: usize, block: usize, events: usize) -> Figures {
    let mut sample = sample::events(&sample::graph(folder));
    sample.truncate(events);
    let own = tempfile::tempdir_in(folder).expect("a folder");
    let mut takers = [ours(&sample, &own.path().join("a.db")), bare(&sample, &own.path().join("b.db"))];
    let mut costs: [[Vec<f64>; 2]; 2] = Default::default();
    for (turn, from) in (0..sample.len() / block).map(|turn| (turn, turn * block)) {
        // Each is first as often as the other.
        for which in [turn % 2, 1 - turn % 2] {
            let (cpu_before, wall) = (cpu(), Instant::now());
            for from in (from..from + block).step_by(batch) {
                takers[which](from..from + batch);
            }
            costs[which][0].push(cpu() - cpu_before);
            costs[which][1].push(wall.elapsed().as_secs_f64());
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a block has few events")]
    let mut middle = |which: usize, what: usize| {
        let costs = &mut costs[which][what];
        costs.sort_unstable_by(f64::total_cmp);
        costs[costs.len() / 2] / block as f64 * 1e6
    };
    vec![
        ("cpu_us", middle(0, 0)),
        ("bare_cpu_us", middle(1, 0)),
        ("wall_us", middle(0, 1)),
        ("bare_wall_us", middle(1, 1)),
    ]
}

fn ours<'t>(events: &'t [RunEvent], path: &Path) -> Taker<'t> {
    let mut writer = entered(path).writer(&RunId::new(sample::RUN)).expect("it is entered");
    Box::new(move |group| {
        for event in &events[group] {
            writer.append(event).expect("it is the next one");
        }
        writer.sync().expect("room on the disk");
    })
}

fn bare<'t>(events: &'t [RunEvent], path: &Path) -> Taker<'t> {
    drop(entered(path));
    let hash = "0".repeat(64);
    let rows: Vec<(i64, String, String)> = events
        .iter()
        .map(|event| {
            let text = serde_json::to_string(event).expect("an event has a JSON form");
            (i64::try_from(event.seq).expect("a small number"), event.at.to_string(), text)
        })
        .collect();
    let connection = Connection::open(path).expect("it was made");
    connection.set_prepared_statement_cache_capacity(8);
    connection.pragma_update(None, "synchronous", "full").expect("it is known");
    connection.pragma_update(None, "foreign_keys", true).expect("it is known");
    Box::new(move |group| {
        let query = |text| connection.prepare_cached(text).expect("a query");
        query("BEGIN IMMEDIATE").execute([]).expect("nobody else writes");
        let mut insert = query("INSERT INTO events (run, seq, at, event, hash) VALUES (?1, ?2, ?3, ?4, ?5)");
        for (seq, at, event) in &rows[group] {
            insert.execute(params![sample::RUN, seq, at, event, hash]).expect("room on the disk");
        }
        drop(insert);
        query("COMMIT").execute([]).expect("room on the disk");
    })
}

/// The large run, as far as it is read again.
fn record(folder: &Path) -> Figures {
    let mut events = sample::events(&sample::graph(folder));
    // In the middle of a run there is something to go on with.
    events.truncate((events.len() * 24 / 25).min(EVENTS));
    let mut writer = entered(&folder.join("a.db")).writer(&RunId::new(sample::RUN)).expect("it is entered");
    for batch in events.chunks(1_000) {
        for event in batch {
            writer.append(event).expect("it is the next one");
        }
        writer.sync().expect("room on the disk");
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of events is small")]
    let count = events.len() as f64;
    vec![("events", count), ("peak", peak())]
}

/// Rows to events, checked against their chain, with SQLite, serde_json and SHA-256 alone.
fn read(folder: &Path) -> Figures {
    let connection = Connection::open(folder.join("a.db")).expect("it was made");
    let began = cpu();
    let mut link: String =
        connection.query_row("SELECT head FROM runs", [], |row| row.get(0)).expect("it is entered");
    let mut query =
        connection.prepare("SELECT event, hash FROM events WHERE run = ?1 ORDER BY seq").expect("a query");
    let mut rows = query.query([sample::RUN]).expect("a query");
    let mut last = None;
    while let Some(row) = rows.next().expect("it can be read") {
        let text = row.get_ref(0).and_then(|text| Ok(text.as_str()?)).expect("a text");
        let mut hash = Sha256::new();
        hash.update(&link);
        hash.update("\n");
        hash.update(text);
        link.clear();
        for byte in hash.finalize() {
            for digit in [byte >> 4, byte & 15] {
                link.push(char::from_digit(u32::from(digit), 16).expect("half a byte is one digit"));
            }
        }
        assert_eq!(row.get_ref(1).and_then(|text| Ok(text.as_str()?)).expect("a text"), link);
        last = Some(black_box(serde_json::from_str::<RunEvent>(text).expect("an event")));
    }
    black_box(last);
    vec![("cpu", cpu() - began), ("peak", peak())]
}

/// A site that tells when it is asked for the first time, and never answers.
#[derive(Default)]
struct Silent {
    asked: Notify,
    /// When it was asked first, and what CPU the process had used then: to give a driver up takes time, too.
    first: OnceLock<(Instant, f64)>,
}

impl Silent {
    async fn pend<T>(&self) -> T {
        self.first.get_or_init(|| (Instant::now(), cpu()));
        self.asked.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl Observe for Silent {
    async fn observe(&self, _: &[MachineName]) -> Result<Observation, ProviderError> {
        self.pend().await
    }
}

#[async_trait]
impl Operate for Silent {
    async fn begin(&self, _: &Request, _: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        self.pend().await
    }

    async fn poll(&self, _: &OperationId) -> Result<OperationStatus, ProviderError> {
        self.pend().await
    }

    async fn find(&self, _: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.pend().await
    }
}

/// The same rows to a run that goes on: its state, and the first call to its site.
fn resume(folder: &Path) -> Figures {
    let graph = sample::graph(folder);
    let model = sample::model(&graph);
    let copy = tempfile::tempdir_in(folder).expect("a folder");
    let path = copy.path().join("a.db");
    std::fs::copy(folder.join("a.db"), &path).expect("room on the disk");
    let run = RunId::new(sample::RUN);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let began = cpu();
    let database = Database::open(&path).expect("it was made");
    let mut state = RunState::new(graph);
    database
        .each_event(&run, |event| {
            let legal = state.check(&event).expect("it was legal");
            state.take(event, legal);
        })
        .expect("it is intact");
    let (read, since) = (cpu(), Instant::now());
    let mut journal = database.writer(&run).expect("it is entered");
    let pace = Arc::new(WorldPace::new(state.last_at().expect("it began"), Speed::Max));
    let mut recorder = Recorder::new(run, pace.clone(), &mut journal, Vec::new(), state);
    recorder.record(RunEventKind::Resumed { program: "bench".into() }).expect("it has not ended");
    let site = Arc::new(Silent::default());
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let parts = Parts {
        site: site.clone(),
        pace,
        hooks: Arc::new(Simulated),
        approver: Arc::new(AutoApprove),
        model,
        options: sample::options(),
        stop,
    };
    runtime.block_on(async {
        tokio::select! {
            end = Driver::new(recorder, parts).drive() => panic!("the site never answers: {end:?}"),
            () = site.asked.notified() => {}
        }
    });
    let (first, done) = *site.first.get().expect("it was asked");
    vec![
        ("cpu", done - began),
        ("read", read - began),
        ("next_ms", first.duration_since(since).as_secs_f64() * 1e3),
        ("peak", peak()),
    ]
}
