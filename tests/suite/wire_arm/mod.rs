//! The emulator over real HTTP on the loopback, driven by calls that are written by hand.

mod access;
mod care;
mod classic;
mod faults;
mod jobs;
mod kept;
mod modernized;
mod people;
mod plans;
mod updates;
mod walk;

use std::sync::Arc;

use failback::clock::Clock as _;
use failback::clock::pace::Pace as _;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::Names;
use failback::provider::emulator::http::Server;
use failback::provider::emulator::http::ServerHandle;
use failback::provider::emulator::http::ServerOptions;
use failback::source::Sources;
use failback::syntax;
use failback::syntax::Document;
use failback::syntax::inventory::Inventory;
use jiff::SignedDuration;
use reqwest::Client;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use serde_json::json;
use tokio::sync::oneshot;

pub const CLASSIC: &str = include_str!("../../worlds/classic.inventory.yaml");
pub const MODERNIZED: &str = include_str!("../../worlds/modernized.inventory.yaml");

/// Reads an inventory that has no mistakes.
pub fn inventory_of(text: &str) -> Inventory {
    let mut sources = Sources::new();
    let index = sources.add("inventory.yaml", text.to_owned()).expect("the text fits");
    let mut diagnostics = Vec::new();
    let documents = syntax::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    match documents.into_iter().next() {
        Some(Document::Inventory(inventory)) => *inventory,
        other => panic!("no inventory: {other:?}"),
    }
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A server with its world, and a client with a token.
pub struct Site {
    pub emulator: Arc<Emulator>,
    pub pace: Arc<WorldPace>,
    pub handle: ServerHandle,
    pub names: Names,
    pub client: Client,
    token: String,
    _stop: oneshot::Sender<()>,
}

impl Site {
    pub async fn classic() -> Self {
        Self::of(CLASSIC, Scenario::default(), ServerOptions::default()).await
    }

    pub async fn modernized() -> Self {
        Self::of(MODERNIZED, Scenario::default(), ServerOptions::default()).await
    }

    pub async fn of(inventory: &str, scenario: Scenario, options: ServerOptions) -> Self {
        let inventory: Inventory = inventory_of(inventory);
        let start = **inventory.observed_at.as_ref().expect("the world says when it is");
        let pace = Arc::new(WorldPace::new(start, Speed::Max));
        let emulator = Emulator::in_memory(inventory, scenario, start, Arc::clone(&pace) as _);
        Self::serving(emulator, pace, options).await
    }

    pub async fn serving(emulator: Emulator, pace: Arc<WorldPace>, options: ServerOptions) -> Self {
        let emulator = Arc::new(emulator);
        let server = Server::bind(Arc::clone(&emulator), Arc::clone(&pace), options).await;
        let server = server.expect("a port of the loopback is free");
        let handle = server.handle();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server.serve(async {
            drop(stopped.await);
        }));
        let token = handle.options().access.token.as_ref().map(|token| token.expose_secret().to_owned());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).build().expect("a client can be built");
        let names = handle.names();
        Self { emulator, pace, handle, names, client, token: token.unwrap_or_default(), _stop: stop }
    }

    /// Returns the path of something in the vault.
    pub fn vault(&self, path: &str) -> String {
        let Names { subscription, resource_group, vault, .. } = &self.names;
        format!(
            "/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/Microsoft.RecoveryServices/vaults/{vault}{path}"
        )
    }

    /// Returns the path of a machine's item, and of something below it.
    pub fn item(&self, machine: &str, below: &str) -> String {
        let (_, item) = self.names.items.iter().find(|(name, _)| name == machine).expect("a known machine");
        let Names { fabric, container, .. } = &self.names;
        self.vault(&format!(
            "/replicationFabrics/{fabric}/replicationProtectionContainers/{container}/replicationProtectedItems/{item}{below}"
        ))
    }

    /// Returns the id by which requests name a server.
    pub fn server(&self, name: &str) -> &str {
        let found = self.names.servers.iter().find(|(own, _)| own == name);
        &found.expect("a known server").1
    }

    pub async fn send(&self, method: Method, target: &str, body: Option<Value>) -> Got {
        let url = if target.starts_with("http") {
            target.to_owned()
        } else {
            format!("{}{target}", self.handle.url())
        };
        let url = if url.contains("api-version=") {
            url
        } else {
            let joint = if url.contains('?') { '&' } else { '?' };
            format!("{url}{joint}api-version=2025-08-01")
        };
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.expect("a whole answer");
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
        Got { status, headers, body }
    }

    pub async fn get(&self, target: &str) -> Value {
        let got = self.send(Method::GET, target, None).await;
        assert_eq!(got.status, 200, "{target}: {}", got.body);
        got.body
    }

    /// Posts, and returns the job's name.
    pub async fn begin(&self, target: &str, body: Option<Value>) -> String {
        let got = self.send(Method::POST, target, body).await;
        assert_eq!(got.status, 202, "{target}: {}", got.body);
        assert_eq!(got.body, Value::Null);
        job_of(&got)
    }

    pub async fn job(&self, name: &str) -> Value {
        self.get(&self.vault(&format!("/replicationJobs/{name}"))).await
    }

    pub async fn state(&self, machine: &str) -> Value {
        self.get(&self.item(machine, "")).await["properties"].clone()
    }

    /// Lets time pass.
    pub async fn pass(&self, seconds: i64) {
        let then = self.pace.now() + SignedDuration::from_secs(seconds);
        self.pace.until(then).await;
    }

    /// Lets time pass until a job is over, and returns it.
    pub async fn end(&self, name: &str) -> Value {
        for _ in 0..2_000 {
            let job = self.job(name).await;
            let state = job["properties"]["state"].as_str().unwrap_or_default();
            if !matches!(state, "NotStarted" | "InProgress") {
                return job;
            }
            self.jump().await;
        }
        panic!("the job {name} does not end");
    }

    /// Begins, waits for the end, and expects it to be good.
    pub async fn done(&self, target: &str, body: Option<Value>) -> Value {
        let job = self.begin(target, body).await;
        let ended = self.end(&job).await;
        assert_eq!(ended["properties"]["state"], "Succeeded", "{ended:#}");
        ended
    }

    /// Lets time pass until a machine is in a state.
    pub async fn until_state(&self, machine: &str, state: &str) {
        for _ in 0..2_000 {
            if self.state(machine).await["protectionState"] == state {
                return;
            }
            self.jump().await;
        }
        panic!("{machine} never gets `{state}`: {:#}", self.state(machine).await);
    }

    /// Goes on to the next moment at which something happens.
    pub async fn jump(&self) {
        let next = self.handle.next_change().expect("something is going to happen");
        self.pace.until(next.max(self.pace.now() + SignedDuration::from_secs(1))).await;
    }
}

/// Returns the name of the job that an answer names.
pub fn job_of(got: &Got) -> String {
    let location = got.header("location").split('?').next().unwrap_or_default();
    location.rsplit('/').next().unwrap_or_default().to_owned()
}

pub fn properties(value: Value) -> Option<Value> {
    Some(json!({ "properties": value }))
}
