//! What tests of the emulator's wire need: a server on the loopback whose time the test moves, and a client that says nothing but
//! what a test tells it.

use std::sync::Arc;

use failback::clock::Clock as _;
use failback::clock::pace::Pace as _;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::Server;
use failback::provider::emulator::http::ServerHandle;
use failback::provider::emulator::http::ServerOptions;
use jiff::SignedDuration;
use reqwest::Client;
use reqwest::Method;
use reqwest::Response;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::lab::World;

/// A server that serves until it is dropped.
pub struct Wire {
    pub handle: ServerHandle,
    pub pace: Arc<WorldPace>,
    pub client: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Returns options under which a test need not wait: no limits, and operations that may be asked about at once.
pub fn options() -> ServerOptions {
    ServerOptions { limits: None, retry_after: 0, ..ServerOptions::default() }
}

impl Wire {
    /// Serves a world.
    pub async fn of(world: &World, options: ServerOptions) -> Self {
        Self::with(world, Scenario::default(), options).await
    }

    /// Serves a world in which something goes wrong.
    pub async fn with(world: &World, scenario: Scenario, options: ServerOptions) -> Self {
        let pace = Arc::new(WorldPace::new(world.start, Speed::Max));
        let emulator = Emulator::in_memory(world.inventory.clone(), scenario, world.start, pace.clone());
        let server = Server::bind(Arc::new(emulator), pace.clone(), options).await.expect("a port is free");
        let handle = server.handle();
        let server = tokio::spawn(server.serve(std::future::pending()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().expect("a client can be made");
        Self { handle, pace, client, server }
    }

    /// Lets the world's time pass.
    pub async fn pass(&self, seconds: i64) {
        let moment = self.pace.now() + SignedDuration::from_secs(seconds);
        self.pace.until(moment).await;
    }

    /// Returns the token that is always good.
    pub fn token(&self) -> String {
        let token = self.handle.options().access.token.as_ref();
        token.expect("the server has a token").expose_secret().to_owned()
    }

    /// Returns the path of the vault.
    pub fn vault(&self) -> String {
        let names = self.handle.names();
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
            names.subscription, names.resource_group, names.vault
        )
    }

    /// Returns the path of the fabric.
    pub fn fabric(&self) -> String {
        format!("{}/replicationFabrics/{}", self.vault(), self.handle.names().fabric)
    }

    /// Returns the path of the container.
    pub fn container(&self) -> String {
        format!("{}/replicationProtectionContainers/{}", self.fabric(), self.handle.names().container)
    }

    /// Asks, with the token.
    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.handle.url()) };
        let url = if url.contains("api-version") {
            url
        } else {
            let joint = if url.contains('?') { '&' } else { '?' };
            format!("{url}{joint}api-version=2025-08-01")
        };
        let mut asking = self.client.request(method, url).bearer_auth(self.token());
        if let Some(body) = body {
            asking = asking.json(&body);
        }
        asking.send().await.expect("the server answers")
    }

    /// Returns the JSON that a path has.
    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, None).await;
        let status = answer.status();
        let body: Value = answer.json().await.expect("an answer is JSON");
        assert_eq!(status, 200, "{path}: {body:#}");
        body
    }

    /// Returns all entries of a list, page after page.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let (mut found, mut next) = (Vec::new(), Some(path.to_owned()));
        while let Some(page) = next {
            let body = self.get(&page).await;
            found.extend(body["value"].as_array().cloned().unwrap_or_default());
            next = body["nextLink"].as_str().map(str::to_owned);
        }
        found
    }

    /// Begins an operation, lets its time pass, and returns its job as it ended.
    pub async fn done(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.ask(method, path, body).await;
        assert_eq!(answer.status(), 202, "{path}: {}", answer.text().await.unwrap_or_default());
        let location = answer.headers()["location"].to_str().expect("an address").to_owned();
        let name =
            location.split('?').next().and_then(|path| path.rsplit('/').next()).expect("a name").to_owned();
        for _ in 0..10_000 {
            let job = self.get(&format!("{}/replicationJobs/{name}", self.vault())).await;
            if !matches!(job["properties"]["state"].as_str(), Some("NotStarted" | "InProgress")) {
                return job;
            }
            self.pass(30).await;
        }
        panic!("{path}: the job does not end");
    }
}
