//! Cuts of a run: the run is forked wherever its process may die, and another process goes on from there.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::mpsc::SyncSender;

use failback::event::Journal;
use failback::event::JournalError;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::id::OperationId;
use failback::id::RunId;
use failback::provider::Freshness;
use failback::provider::Observation;
use failback::provider::Observe;
use failback::provider::Operate;
use failback::provider::OperationStatus;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::World as EmulatedWorld;
use failback::run::trial::law::Breach;
use failback::run::trial::law::Order;

use crate::crash::everywhere::Which;

/// Where a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cut {
    /// The journal has just kept an event.
    AfterEvent,
    /// A request is recorded, and not sent.
    BeforeSend,
    /// The site took the request on, and its answer is on the way.
    AfterSend,
    /// The answer is there, and the journal has not kept it.
    BeforeRecord,
}

/// What a process leaves behind when it dies.
pub struct Fork {
    pub cut: Cut,
    /// Number of the cut, counted from 0.
    pub number: usize,
    pub state: RunState,
    pub order: Order,
    pub world: EmulatedWorld,
    /// The last event that the journal kept.
    pub last: Option<Arc<RunEvent>>,
}

/// How far a journal is.
#[derive(Clone)]
struct Kept {
    state: RunState,
    order: Order,
    last: Option<Arc<RunEvent>>,
}

impl Kept {
    fn take(&mut self, event: &Arc<RunEvent>) -> Vec<Breach> {
        let legal = self.state.check(event).expect("the run makes lawful events");
        self.state.apply(event, legal);
        self.last = Some(Arc::clone(event));
        self.order.take(&Arc::clone(self.state.graph()), event)
    }
}

struct Inner {
    /// What would be there after a sync.
    taken: Kept,
    /// What is there.
    kept: Kept,
    /// Events between the two.
    between: Vec<Arc<RunEvent>>,
    /// Whether the site answered a request since the last sync.
    answered: bool,
    cuts: usize,
    which: Which,
    breaches: Vec<Breach>,
    forks: SyncSender<Fork>,
}

/// Journal and site of a process that may die at every step; forks are sent to whoever goes on.
#[derive(Clone)]
pub struct Tape {
    inner: Arc<Mutex<Inner>>,
    emulator: Arc<Emulator>,
}

impl Tape {
    /// Returns the tape of a run that begins, and which of its cuts are tried.
    pub fn new(state: RunState, emulator: Arc<Emulator>, which: Which, forks: SyncSender<Fork>) -> Self {
        let kept = Kept { state, order: Order::default(), last: None };
        let inner = Inner {
            taken: kept.clone(),
            kept,
            between: Vec::new(),
            answered: false,
            cuts: 0,
            which,
            breaches: Vec::new(),
            forks,
        };
        Self { inner: Arc::new(Mutex::new(inner)), emulator }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no thread panics while it holds the tape")
    }

    /// Returns how many cuts there were, tried or not.
    pub fn cuts(&self) -> usize {
        self.inner().cuts
    }

    /// Returns the state at the end, and the breaches of order on the way.
    pub fn ended(&self) -> (RunState, Vec<Breach>) {
        let inner = self.inner();
        (inner.taken.state.clone(), inner.breaches.clone())
    }

    fn cut(&self, inner: &mut Inner, cut: Cut) {
        let number = inner.cuts;
        inner.cuts += 1;
        if !inner.which.has(number) {
            return;
        }
        // An event that the journal was given may be there after the process died, synced or not.
        let kept = if cut == Cut::AfterEvent { &inner.taken } else { &inner.kept };
        let Kept { state, order, last } = kept.clone();
        let fork = Fork { cut, number, state, order, world: self.emulator.fork(), last };
        inner.forks.send(fork).expect("somebody goes on");
    }
}

impl Journal for Tape {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        let event = Arc::new(event.clone());
        let mut inner = self.inner();
        let breaches = inner.taken.take(&event);
        inner.breaches.extend(breaches);
        // The last event leaves nothing to go on with.
        let is_last = matches!(event.kind, RunEventKind::RunFinished { .. });
        inner.between.push(event);
        if !is_last {
            self.cut(&mut inner, Cut::AfterEvent);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        let mut inner = self.inner();
        if std::mem::take(&mut inner.answered) {
            self.cut(&mut inner, Cut::BeforeRecord);
        }
        for event in std::mem::take(&mut inner.between) {
            inner.kept.take(&event);
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Observe for Tape {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.emulator.observe(machines).await
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        self.emulator.observe_since(machines, mark, freshness).await
    }
}

#[async_trait::async_trait]
impl Operate for Tape {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        self.cut(&mut self.inner(), Cut::BeforeSend);
        let answer = self.emulator.begin(request, key).await;
        let mut inner = self.inner();
        self.cut(&mut inner, Cut::AfterSend);
        inner.answered = true;
        answer
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        self.emulator.poll(operation).await
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.emulator.find(key).await
    }
}

/// The name of every run of these tests.
pub fn run() -> RunId {
    RunId::new("r1")
}
