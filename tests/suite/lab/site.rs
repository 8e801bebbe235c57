//! The emulated site that several processes drive one after another, and what reached it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use failback::clock::Clock as _;
use failback::clock::pace::WorldPace;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::id::OperationId;
use failback::provider::Freshness;
use failback::provider::Observation;
use failback::provider::Observe;
use failback::provider::Operate;
use failback::provider::OperationStatus;
use failback::provider::Progress;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::provider::emulator::Deed;
use failback::provider::emulator::Emulator;
use failback::source::Spanned;
use failback::syntax::inventory::Inventory;
use failback::syntax::machine::State;
use jiff::Timestamp;

/// A request that reached the emulator.
#[derive(Clone, Debug)]
pub struct Sent {
    pub at: Timestamp,
    pub request: Request,
    pub key: IdempotencyKey,
}

/// Operations whose id begins with a word are not told of before a moment.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    word: &'static str,
    until: Timestamp,
    because: fn() -> ProviderError,
}

/// A site, whoever drives it.
#[derive(Clone)]
pub struct Site(pub Arc<Watched>);

pub struct Watched {
    pub emulator: Emulator,
    pub pace: Arc<WorldPace>,
    pub sent: Mutex<Vec<Sent>>,
    /// When it was looked at, and at how many machines.
    pub looked: Mutex<Vec<(Timestamp, usize)>>,
    /// Operations whose id begins with this word are shown as running until then.
    pub stuck: Mutex<Option<(&'static str, Timestamp)>>,
    /// Who asks for operations whose id begins with this word gets this answer until then.
    pub hidden: Mutex<Option<Hidden>>,
    /// Whoever looks before then is asked to come back later.
    pub busy: Mutex<Option<Timestamp>>,
    /// A machine that is shown failing back once its failover was sent, whatever became of it.
    pub halfway: Mutex<Option<&'static str>>,
    /// A machine whose Azure VM is shown as there, or as not known, once its commit was sent.
    pub remaining: Mutex<Option<(&'static str, Option<bool>)>>,
    /// An answer to a request that is none says to come back after so long.
    pub comes_back: Mutex<Option<Duration>>,
}

#[async_trait::async_trait]
impl Observe for Watched {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.observe_since(machines, None, Freshness::Now).await
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        if self.busy.lock().expect("no test panics here").is_some_and(|until| self.pace.now() < until) {
            let retry_after = Some(Duration::from_secs(60));
            return Err(ProviderError::Busy { message: "come back later".into(), retry_after });
        }
        self.looked.lock().expect("no test panics here").push((self.pace.now(), machines.len()));
        let mut observation = self.emulator.observe_since(machines, mark, freshness).await?;
        let halfway = *self.halfway.lock().expect("no test panics here");
        let is_sent = |name: &str, is_it: fn(&Request) -> bool| {
            let sent = self.sent.lock().expect("no test panics here");
            sent.iter().any(|sent| {
                is_it(&sent.request) && sent.request.machines().iter().any(|machine| machine.as_str() == name)
            })
        };
        let is_failover = |request: &Request| matches!(request, Request::FailoverToOnprem { .. });
        let is_commit = |request: &Request| matches!(request, Request::Commit { .. });
        if let Some(name) = halfway.filter(|name| is_sent(name, is_failover)) {
            for machine in observation.facts.machines.iter_mut().flatten().filter(|it| it.name.value == name)
            {
                machine.state = Some(Spanned::bare(State::FailingBack));
            }
        }
        let remaining = *self.remaining.lock().expect("no test panics here");
        if let Some((name, exists)) = remaining.filter(|(name, _)| is_sent(name, is_commit)) {
            for machine in observation.facts.machines.iter_mut().flatten().filter(|it| it.name.value == name)
            {
                machine.azure_vm.as_mut().expect("it has one").exists = exists.map(Spanned::bare);
            }
        }
        Ok(observation)
    }
}

#[async_trait::async_trait]
impl Operate for Watched {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        let sent = Sent { at: self.pace.now(), request: request.clone(), key: key.clone() };
        self.sent.lock().expect("no test panics here").push(sent);
        let comes_back = *self.comes_back.lock().expect("no test panics here");
        self.emulator.begin(request, key).await.map_err(|error| match error {
            ProviderError::NoAnswer { message, .. } => {
                ProviderError::NoAnswer { message, retry_after: comes_back }
            }
            other => other,
        })
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        let stuck = *self.stuck.lock().expect("no test panics here");
        if stuck.is_some_and(|(word, until)| operation.as_str().starts_with(word) && self.pace.now() < until)
        {
            let task = "Start failover".to_owned();
            return Ok(OperationStatus::Running(Progress { done: 0.5, task, expected_end: None }));
        }
        let hidden = *self.hidden.lock().expect("no test panics here");
        if let Some(hidden) = hidden
            && operation.as_str().starts_with(hidden.word)
            && self.pace.now() < hidden.until
        {
            return Err((hidden.because)());
        }
        self.emulator.poll(operation).await
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.emulator.find(key).await
    }
}

impl Site {
    /// Returns the site's clock.
    pub fn pace(&self) -> Arc<WorldPace> {
        Arc::clone(&self.0.pace)
    }

    /// Returns what was sent, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.0.sent.lock().expect("no test panics here").clone()
    }

    /// Returns when it was looked at and at how many machines, in order.
    pub fn looked(&self) -> Vec<(Timestamp, usize)> {
        self.0.looked.lock().expect("no test panics here").clone()
    }

    /// Asks whoever looks before a moment to come back later.
    pub fn is_busy_until(&self, until: Timestamp) {
        *self.0.busy.lock().expect("no test panics here") = Some(until);
    }

    /// Answers whoever asks for operations whose id begins with a word with an error, until a moment.
    pub fn hides(&self, word: &'static str, until: Timestamp, because: fn() -> ProviderError) {
        *self.0.hidden.lock().expect("no test panics here") = Some(Hidden { word, until, because });
    }

    /// Has what is said of a request whose answer is lost name a time to come back.
    pub fn asks_to_come_back_after(&self, wait: Duration) {
        *self.0.comes_back.lock().expect("no test panics here") = Some(wait);
    }

    /// Shows operations whose id begins with a word as running until a moment.
    pub fn sticks(&self, word: &'static str, until: Timestamp) {
        *self.0.stuck.lock().expect("no test panics here") = Some((word, until));
    }

    /// Shows a machine as failing back once its failover was sent.
    pub fn stands_halfway(&self, name: &'static str) {
        *self.0.halfway.lock().expect("no test panics here") = Some(name);
    }

    /// Shows the Azure VM of a machine as there, or as not known, once its commit was sent.
    pub fn keeps_azure_vm(&self, name: &'static str, exists: Option<bool>) {
        *self.0.remaining.lock().expect("no test panics here") = Some((name, exists));
    }

    /// Does what a person does to the site.
    pub fn by_hand(&self, deed: &Deed) {
        self.0.emulator.by_hand(deed).expect("a person may do it");
    }

    /// Returns the facts of machines as they are now.
    pub fn facts(&self, machines: &[MachineName]) -> Inventory {
        block(async { self.0.emulator.observe(machines).await.expect("the emulator answers").facts })
    }

    /// Returns the facts of a machine as they are now.
    pub fn machine(&self, name: &MachineName) -> failback::syntax::machine::Machine {
        self.0.emulator.machine_facts(name).expect("it is there")
    }

    /// Returns the requests that the emulator took on, once for each operation.
    pub fn begun(&self) -> Vec<(OperationId, Sent)> {
        let mut begun = BTreeMap::new();
        for sent in self.sent() {
            if let Some(operation) = block(self.0.emulator.find(&sent.key)).expect("the emulator answers") {
                begun.entry(operation.to_string()).or_insert((operation, sent));
            }
        }
        begun.into_values().collect()
    }
}

pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}
