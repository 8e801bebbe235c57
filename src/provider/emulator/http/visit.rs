//! One request's hold on the world: while it looks and acts, nothing else does.

use std::sync::MutexGuard;

use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::provider::emulator::Held;
use crate::provider::emulator::http::Shared;
use crate::provider::emulator::http::desk;
use crate::provider::emulator::http::desk::Desk;
use crate::provider::emulator::http::desk::JobRef;
use crate::provider::emulator::http::desk::Note;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::service::ServiceAct;
use crate::provider::emulator::store::Call;
use crate::provider::emulator::world::World;
use crate::provider::error::ProviderError;
use crate::provider::request::Request;
use crate::syntax::inventory::Inventory;

/// One request's hold on the world.
pub struct Visit<'s> {
    held: MutexGuard<'s, Held>,
    /// What the service keeps beside the world.
    pub desk: MutexGuard<'s, Desk>,
    /// The server.
    pub shared: &'s Shared,
    /// The moment of the visit.
    pub now: Timestamp,
}

impl<'s> Visit<'s> {
    /// Goes on to `now` and holds the world there.
    pub(super) fn begin(shared: &'s Shared, now: Timestamp) -> Self {
        // World first, desk second: everybody takes them in this order.
        let mut held = shared.emulator.held();
        let mut desk = shared.desk();
        desk.settle(&mut held, now);
        desk.index_jobs(&held.world, &shared.identity);
        desk.write_plans(&held.world);
        let now = held.world.now();
        Self { held, desk, shared, now }
    }

    /// Returns the world as it is now.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.held.world
    }

    /// Lets the service do what no run asked for.
    pub fn serve(&mut self, act: ServiceAct) {
        let now = self.now;
        self.held.serve(now, act);
    }

    /// Returns the names of things.
    #[must_use]
    pub fn identity(&self) -> &'s Identity {
        &self.shared.identity
    }

    /// Returns the facts about everything that serves machines, as they are now.
    #[must_use]
    pub fn facts(&self) -> Inventory {
        let mut facts = self.world().site.facts().clone();
        self.world().freshen(&mut facts);
        facts
    }

    /// Returns the place of the machine whose replicated item has this name, whatever its letters.
    #[must_use]
    pub fn item_named(&self, name: &str) -> Option<usize> {
        self.shared.items.get(&name.to_lowercase()).copied()
    }

    /// Returns the answer of a service that a fault of the scenario keeps from working, if one does.
    #[must_use]
    pub fn outage(&self) -> Option<Answer> {
        self.world().outage().err().map(|error| failed_call(&error))
    }

    /// Asks the world to begin something, and answers as the service does to what it takes on.
    ///
    /// # Errors
    ///
    /// What the world says if it does not take it on; a call that a fault keeps from working is answered.
    pub fn request(
        &mut self,
        asked: &Asked,
        request: &Request,
        resource: String,
    ) -> Result<Answer, ProviderError> {
        let (now, key) = (self.now, self.fresh_key(&asked.client_request_id()));
        let begun = self.held.change(
            |world| world.begin(now, request, &key),
            |at, operation| Call::begin(at, request, &key, operation),
        );
        self.desk.index_jobs(&self.held.world, &self.shared.identity);
        // A lost answer leaves a job behind all the same.
        let job = self.held.world.keys.get(&key).copied();
        if let Some(job) = job {
            self.desk.notes.insert(
                job,
                Note {
                    client_request_id: asked.client_request_id(),
                    correlation_id: asked.correlation_id(),
                    resource: resource.clone(),
                    again: false,
                    information: asked.information.clone(),
                },
            );
        }
        match begun {
            Ok(operation) => {
                let name = self.shared.identity.job_name(&operation);
                Ok(self.accepted(asked, &name, &resource))
            }
            Err(error @ (ProviderError::Busy { .. } | ProviderError::NoAnswer { .. })) => {
                Ok(failed_call(&error))
            }
            Err(error) => Err(error),
        }
    }

    /// Returns a key that the world has not seen: a request that comes twice is begun twice, as the service does it.
    fn fresh_key(&mut self, client_request_id: &str) -> IdempotencyKey {
        loop {
            let times = self.desk.repeats.entry(client_request_id.to_owned()).or_default();
            *times += 1;
            let text = match *times {
                1 => client_request_id.to_owned(),
                again => format!("{client_request_id}#{again}"),
            };
            let key = IdempotencyKey::new(text);
            if !self.held.world.keys.contains_key(&key) {
                return key;
            }
        }
    }

    /// Begins a job beside the world, and answers as the service does to what it takes on.
    pub fn start(&mut self, asked: &Asked, mut job: ServiceJob) -> Answer {
        let name = self.shared.identity.service_job_name(self.desk.jobs.len());
        job.name.clone_from(&name);
        job.client_request_id = asked.client_request_id();
        job.correlation_id = asked.correlation_id();
        job.begun = self.now;
        job.information = job.information.or_else(|| asked.information.clone());
        // A machine that is somebody else's already makes the job one that did nothing.
        let items = &self.held.world.items;
        if job.machines.iter().any(|at| items[*at].running.is_some() || items[*at].busy_elsewhere) {
            job = job.failing(0, "532", "The operation couldn't be completed.");
        }
        if job.failure.is_some() {
            job.machines.clear();
        }
        if !job.machines.is_empty() {
            let machines = desk::names(&self.held.world, &job.machines);
            self.serve(ServiceAct::Occupy { machines, occupied: true });
        }
        let resource = job.resource.clone();
        let at = self.desk.jobs.len();
        self.desk.index.insert(name.clone(), JobRef::Service(at));
        self.desk.jobs.push(job);
        self.accepted(asked, &name, &resource)
    }

    /// Returns the answer to what was taken on as a job.
    #[must_use]
    pub fn accepted(&self, asked: &Asked, job: &str, resource: &str) -> Answer {
        let (base, version, vault) = (&asked.base, asked.api_version(), self.identity().vault_id());
        let id = self.identity().job_id(job);
        Answer::empty(202)
            .with("Retry-After", self.shared.options.retry_after.to_string())
            .with("Location", format!("{base}{resource}/operationresults/{job}?api-version={version}"))
            .with(
                "Azure-AsyncOperation",
                format!("{base}{vault}/replicationOperationStatus/{job}?api-version={version}"),
            )
            .with("x-ms-request-id", id.clone())
            .with("x-ms-request-id", id)
    }
}

/// Returns what a client sees of a call that does not get through.
pub(super) fn failed_call(error: &ProviderError) -> Answer {
    match error {
        ProviderError::Busy { message, retry_after } => {
            let seconds = retry_after.map_or(30, |wait| wait.as_secs().max(1));
            Answer::arm_error(429, "TooManyRequests", message.clone())
                .with("Retry-After", seconds.to_string())
        }
        ProviderError::NoAnswer { .. } => Answer::lost(),
        ProviderError::Refused { code, message } => Answer::arm_error(400, code, message.clone()),
        ProviderError::NotFound { what } => Answer::arm_error(404, "NotFound", what.clone()),
        ProviderError::World { .. } => Answer::arm_error(500, "InternalServerError", error.to_string()),
    }
}
