//! The way through a failback on which each recorded exchange is made again.

use std::collections::BTreeMap;
use std::path::Path;

use failback::provider::emulator::http::ServerOptions;
use reqwest::Method;
use serde_json::Value;

use crate::lab::World;
use crate::recordings::exchange::Exchange;
use crate::recordings::exchange::renamed;
use crate::wire_lab::Wire;
use crate::wire_lab::options;

/// An answer of the emulator.
pub struct Taken {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: Value,
}

/// A journey: a server, and what it answered to each exchange.
pub struct Journey<'f> {
    pub wire: Wire,
    folder: &'f Path,
    pub taken: BTreeMap<String, Taken>,
}

impl<'f> Journey<'f> {
    pub async fn begin(world: &World, folder: &'f Path) -> Self {
        Self::with(world, options(), folder).await
    }

    pub async fn with(world: &World, options: ServerOptions, folder: &'f Path) -> Self {
        Self { wire: Wire::of(world, options).await, folder, taken: BTreeMap::new() }
    }

    async fn ask(
        &mut self,
        files: &[&str],
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (Option<String>, Value) {
        let answer = self.wire.ask(method, path, body).await;
        let status = answer.status().as_u16();
        let headers: Vec<String> = answer.headers().keys().map(|name| name.as_str().to_owned()).collect();
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let job = location.and_then(|place| place.split('?').next()?.rsplit('/').next()).map(str::to_owned);
        let bytes = answer.bytes().await.expect("an answer has an end");
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        for file in files {
            let taken = Taken { status, headers: headers.clone(), body: body.clone() };
            self.taken.insert((*file).to_owned(), taken);
        }
        (job, body)
    }

    /// Makes recorded reads again, all of them at this place.
    pub async fn get(&mut self, files: &[&str], path: &str) -> Value {
        self.ask(files, Method::GET, path, None).await.1
    }

    /// Sends what was sent, with what is called otherwise here, and returns the job that it began.
    pub async fn send(&mut self, file: &str, path: &str, names: &[(&str, Value)]) -> Option<String> {
        let exchange = Exchange::read(self.folder, file);
        let method = Method::from_bytes(exchange.method.as_bytes()).expect("a method");
        let body = exchange.sent.map(|body| renamed(&body, names));
        self.ask(&[file], method, path, body).await.0
    }

    /// Sends what was sent, which the emulator has to take on.
    pub async fn begin_job(&mut self, file: &str, path: &str, names: &[(&str, Value)]) -> String {
        let job = self.send(file, path, names).await;
        job.unwrap_or_else(|| panic!("{file}: {} {:#}", self.taken[file].status, self.taken[file].body))
    }

    /// Returns the path of a job.
    pub fn job_path(&self, job: &str) -> String {
        format!("{}/replicationJobs/{job}", self.wire.vault())
    }

    /// Reads a job.
    pub async fn job(&mut self, files: &[&str], job: &str) -> Value {
        let path = self.job_path(job);
        self.get(files, &path).await
    }

    /// Reads how an operation is.
    pub async fn operation(&mut self, files: &[&str], job: &str) -> Value {
        let path = format!("{}/replicationOperationStatus/{job}", self.wire.vault());
        self.get(files, &path).await
    }

    /// Lets a job come to its end, and reads it then.
    pub async fn ended(&mut self, files: &[&str], job: &str) -> Value {
        for _ in 0..10_000 {
            let seen = self.job(&[], job).await;
            if !matches!(seen["properties"]["state"].as_str(), Some("NotStarted" | "InProgress")) {
                return self.job(files, job).await;
            }
            self.wire.pass(10).await;
        }
        panic!("{job} does not end");
    }

    /// Returns the path of a machine's item.
    pub fn item(&self, machine: &str) -> String {
        let names = self.wire.handle.names();
        let item = names.items.iter().find(|(name, _)| name == machine).expect("the machine is there");
        format!("{}/replicationProtectedItems/{}", self.wire.container(), item.1)
    }

    /// Waits until an item is protected by a provider.
    pub async fn protected(&mut self, machine: &str, provider: &str) {
        let path = self.item(machine);
        for _ in 0..1_000 {
            let item = self.get(&[], &path).await;
            let properties = &item["properties"];
            let by = &properties["providerSpecificDetails"]["instanceType"];
            if properties["protectionState"] == "Protected" && by == provider {
                self.wire.pass(600).await;
                return;
            }
            self.wire.pass(60).await;
        }
        let item = self.get(&[], &path).await;
        panic!("{machine} is not protected by {provider}: {item:#}");
    }
}
