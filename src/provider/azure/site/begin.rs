//! Begins operations, each once: what was sent is remembered, and found again in the vault where the answer was lost.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;

use crate::clock::Clock as _;
use crate::clock::pace::Pace as _;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::AzureSite;
use crate::provider::azure::site::NO_PANIC;
use crate::provider::azure::site::directory::Directory;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::jobs;
use crate::provider::azure::site::key;
use crate::provider::azure::site::look::Seen;
use crate::provider::azure::site::order;
use crate::provider::azure::site::order::NOTHING_TO_DO;
use crate::provider::azure::site::order::Order;
use crate::provider::azure::site::prepare;
use crate::provider::azure::site::prepare::Policies;
use crate::provider::azure::site::state;
use crate::provider::azure::vault::escaped;
use crate::provider::azure::wire::around::Anything;
use crate::provider::azure::wire::job::Job;
use crate::provider::azure::wire::page::Resource;
use crate::provider::error::ProviderError;
use crate::provider::operation::OperationStatus;
use crate::provider::request::Request;

/// How long servers that were seen are good for names and ids.
const NAMES_GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// Pause between two looks at a job that another one waits for.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// How long such a job may take.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

impl AzureSite {
    /// Begins what a request asks for, unless the key began it already.
    pub(super) async fn begin_once(
        &self,
        request: &Request,
        key: &IdempotencyKey,
    ) -> Result<OperationId, ProviderError> {
        let sent = self.sent.lock().expect(NO_PANIC).get(key).cloned();
        match sent {
            Some(Some(operation)) => return Ok(operation),
            // It was sent, and nothing is known of it: it is never sent again before it was looked for.
            Some(None) => {
                if let Some(operation) = self.find_sent(key).await.map_err(AzureError::of_question)? {
                    return Ok(operation);
                }
            }
            None => {}
        }
        self.view.settle_clock().await.map_err(before_it_was_sent)?;
        let order = match self.order(request, key).await {
            Ok(Some(order)) => order,
            Ok(None) => return Ok(self.remember(key, OperationId::new(NOTHING_TO_DO))),
            Err(error) => return Err(before_it_was_sent(error)),
        };
        self.view.remember_points(request);
        self.send(&order, request.machines(), key, &key::request_id(key)).await.map_err(AzureError::of_order)
    }

    fn remember(&self, key: &IdempotencyKey, operation: OperationId) -> OperationId {
        self.sent.lock().expect(NO_PANIC).insert(key.clone(), Some(operation.clone()));
        operation
    }

    async fn send(
        &self,
        order: &Order,
        machines: &[MachineName],
        key: &IdempotencyKey,
        request_id: &str,
    ) -> Result<OperationId, AzureError> {
        let view = &self.view;
        let now = view.reader.pace().now();
        self.sent.lock().expect(NO_PANIC).insert(key.clone(), None);
        self.attempted.lock().expect(NO_PANIC).insert(key.clone(), machines.to_vec());
        let accepted =
            self.writer.order(order.method.clone(), &order.path, order.body.as_ref(), request_id).await;
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                let is_lost = matches!(
                    error,
                    AzureError::NoAnswer { .. } | AzureError::Broken { .. } | AzureError::Malformed { .. }
                );
                if !is_lost {
                    self.sent.lock().expect(NO_PANIC).remove(key);
                }
                return Err(error);
            }
        };
        let Some(job) = accepted.job else {
            // What is put or deleted may be done at once; anything else goes on somewhere, and has to be found.
            if order.method != Method::POST && !accepted.goes_on {
                return Ok(self.remember(key, OperationId::new(NOTHING_TO_DO)));
            }
            let message = "it was taken on, and does not say as what job".to_owned();
            return Err(AzureError::NoAnswer { what: format!("{} {}", order.method, order.path), message });
        };
        let operation = OperationId::new(job);
        view.shared.jobs.follow(&operation, &order.kind(), machines, now);
        view.touch(machines, now);
        let begun = (order.scenario.to_owned(), machines.to_vec());
        self.machines_of.lock().expect(NO_PANIC).insert(operation.clone(), begun);
        Ok(self.remember(key, operation))
    }

    /// Takes the end of an operation: what was seen of its machines before does not count any more.
    pub(super) fn settle(&self, operation: &OperationId, status: &OperationStatus) {
        let ended = match status {
            OperationStatus::Running(_) | OperationStatus::Unknown { .. } => false,
            OperationStatus::Succeeded
            | OperationStatus::SucceededWith { .. }
            | OperationStatus::PartiallySucceeded { .. }
            | OperationStatus::Failed(_) => true,
        };
        if ended {
            let now = self.view.reader.pace().now();
            let begun = self.machines_of.lock().expect(NO_PANIC).remove(operation);
            if let Some((scenario, machines)) = begun.filter(|(scenario, _)| !takes_its_time(scenario)) {
                tracing::trace!(%scenario, "what was seen before its end does not count");
                self.view.touch(&machines, now);
            }
        }
    }

    /// Returns the operation that was begun with a key, if the vault knows of one.
    pub(super) async fn find_sent(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, AzureError> {
        if let Some(Some(operation)) = self.sent.lock().expect(NO_PANIC).get(key) {
            return Ok(Some(operation.clone()));
        }
        let view = &self.view;
        view.settle_clock().await?;
        let id = key::request_id(key);
        let found = match view.shared.jobs.begun_by(&view.reader, &view.vault, &id).await? {
            Some(found) => Some(found),
            None => self.running_on(key, &id).await?,
        };
        let Some((operation, job)) = found else { return Ok(None) };
        let machines: Vec<MachineName> =
            job.target_object_name.get().map(MachineName::new).into_iter().collect();
        let since = job.start_time.get().unwrap_or_else(|| view.reader.pace().now());
        let begun = (job.scenario_name.or_empty().to_owned(), machines.clone());
        self.machines_of.lock().expect(NO_PANIC).insert(operation.clone(), begun);
        view.shared.jobs.follow(&operation, job.scenario_name.or_empty(), &machines, since);
        Ok(Some(self.remember(key, operation)))
    }

    /// Returns the job that runs on one of the machines of a request that was sent, if the request began it: a list of jobs may
    /// be cut short.
    async fn running_on(
        &self,
        key: &IdempotencyKey,
        request_id: &str,
    ) -> Result<Option<(OperationId, Job)>, AzureError> {
        let view = &self.view;
        let machines = self.attempted.lock().expect(NO_PANIC).get(key).cloned().unwrap_or_default();
        if machines.is_empty() {
            return Ok(None);
        }
        let directory = view.whole_directory().await?;
        for machine in &machines {
            let entry = directory.entry(machine.as_str());
            let Some((_, job)) = entry.and_then(|entry| state::running(&entry.item)) else { continue };
            if let Some(found) = jobs::begun_as(&view.reader, &view.vault, job, request_id).await? {
                return Ok(Some((OperationId::new(job), found)));
            }
        }
        Ok(None)
    }

    /// Returns the call that does what a request asks for; `None` if it is done already.
    async fn order(&self, request: &Request, key: &IdempotencyKey) -> Result<Option<Order>, AzureError> {
        let view = &self.view;
        let plan_path =
            |name: &str| format!("{}/replicationRecoveryPlans/{}", view.vault.path(), escaped(name));
        let directory = self.view.directory_with(request.machines()).await?;
        Ok(Some(match request {
            Request::Prepare => return self.prepare(key).await,
            Request::MakeRecoveryPlan { name, machines } => {
                let path = plan_path(name);
                let exists = match view.reader.get::<Resource<Anything>>(&path, "", SITE_RECOVERY).await {
                    Ok(_) => true,
                    Err(AzureError::NotFound { .. }) => false,
                    Err(error) => return Err(error),
                };
                let servers = view.servers(self.names_since()).await?;
                order::recovery_plan(path, exists, &entries(&directory, machines)?, &servers.value)?
            }
            Request::DeleteRecoveryPlan { name } => order::delete_plan(plan_path(name)),
            Request::ReprotectToOnprem { machine, target } => {
                let entry = one(&directory, machine)?;
                let policies = self.policies(entry).await?;
                let (servers, accounts) = self.names().await?;
                let site =
                    order::Site { servers: &servers.value, accounts: &accounts.value, policies: &policies };
                order::reprotect_to_onprem(entry, target, site)?
            }
            Request::FailoverToOnprem { machines, recovery_plan: Some(plan), point } => {
                // What a group is made of changes with each reprotect, so that it is not taken from an old list.
                let fresh = self.fresh(machines).await?;
                order::plan_failover(&plan_path(plan), &entries(&fresh, machines)?, *point)?
            }
            Request::FailoverToOnprem { machines, recovery_plan: None, point } => {
                let machine = alone(machines)?;
                let fresh = self.fresh(machines).await?;
                order::failover(one(&fresh, machine)?, *point)?
            }
            Request::CancelFailover { machine } => order::cancel(one(&directory, machine)?),
            Request::Commit { recovery_plan: Some(plan), .. } => order::commit(&plan_path(plan)),
            Request::Commit { machines, recovery_plan: None } => {
                order::commit(&one(&directory, alone(machines)?)?.id)
            }
            Request::ReprotectToAzure { machine, target } => {
                let entry = one(&directory, machine)?;
                view.read_whole(&[entry]).await?;
                let full = view.whole(&entry.name);
                let item = full.as_ref().map_or(&entry.item, |full| &*full.item);
                let policies = self.policies(entry).await?;
                let (servers, accounts) = self.names().await?;
                let site =
                    order::Site { servers: &servers.value, accounts: &accounts.value, policies: &policies };
                order::reprotect_to_azure(entry, item, target, site)?
            }
        }))
    }

    fn names_since(&self) -> jiff::Timestamp {
        let now = self.view.reader.pace().now();
        now.checked_sub(NAMES_GOOD_FOR).unwrap_or(now)
    }

    async fn names(
        &self,
    ) -> Result<
        (
            Seen<crate::provider::azure::site::infrastructure::Servers>,
            Seen<crate::provider::azure::site::infrastructure::Accounts>,
        ),
        AzureError,
    > {
        let servers = self.view.servers(self.names_since()).await?;
        let accounts = self.view.accounts(&servers.value, self.names_since()).await?;
        Ok((servers, accounts))
    }

    async fn policies(&self, entry: &Entry) -> Result<Arc<Policies>, AzureError> {
        let at = entry.id.to_ascii_lowercase().find("/replicationprotectioncontainers/");
        let fabric = at.and_then(|at| entry.id.get(..at)).unwrap_or(&entry.id);
        let names_since = self.names_since();
        let asked_at = self.view.reader.pace().now();
        // Where the policy for the way home was not associated, it may be meanwhile.
        let earliest = |seen: Option<&Seen<Policies>>| match seen {
            Some(seen) if seen.value.failback.is_some() => names_since,
            Some(_) | None => asked_at,
        };
        self.policies_of(fabric, earliest).await
    }

    async fn policies_of(
        &self,
        fabric: &str,
        earliest: impl FnOnce(Option<&Seen<Policies>>) -> jiff::Timestamp,
    ) -> Result<Arc<Policies>, AzureError> {
        let view = &self.view;
        let look = {
            let mut all = view.shared.policies.lock().expect(NO_PANIC);
            Arc::clone(all.entry(fabric.to_lowercase()).or_default())
        };
        let read = || prepare::read(&view.reader, &view.vault, fabric);
        Ok(look.since(&view.reader.pace(), earliest, read).await?.value)
    }

    /// Returns the vault's list, with the kinds that these machines have now.
    async fn fresh(&self, machines: &[MachineName]) -> Result<Seen<Directory>, AzureError> {
        let directory = self.view.directory_with(machines).await?;
        let entries: Vec<&Entry> = entries(&directory, machines)?;
        self.view.read_whole(&entries).await?;
        let is_stale = entries.iter().any(|entry| {
            let now = self.view.whole(&entry.name);
            now.is_none_or(|now| crate::provider::azure::site::state::Kind::of(&now.item) != Some(entry.kind))
        });
        if is_stale {
            let asked_at = self.view.reader.pace().now();
            return self.view.directory(|_| asked_at).await;
        }
        Ok(directory)
    }

    /// Makes the failback policy and associates it, as far as that is not done; the last call is left to the caller.
    async fn prepare(&self, key: &IdempotencyKey) -> Result<Option<Order>, AzureError> {
        let view = &self.view;
        let now = view.reader.pace().now();
        let servers = view.servers(now).await?;
        let Some((fabric, _)) = servers.value.of_kind("VMware") else {
            // Modernized vaults have a policy of their own.
            return Ok(None);
        };
        let fabric = fabric.id.or_empty().to_owned();
        let policies = self.policies_of(&fabric, |_| now).await?;
        let mut orders = policies.orders(&view.vault)?;
        let last = orders.pop();
        for order in orders {
            let id = key::part_id(key, order.scenario);
            let part = IdempotencyKey::new(format!("{key}#{}", order.scenario));
            let operation = self.send(&order, &[], &part, &id).await?;
            self.wait_for(&operation).await?;
        }
        Ok(last)
    }

    async fn wait_for(&self, operation: &OperationId) -> Result<(), AzureError> {
        let view = &self.view;
        let pace = view.reader.pace();
        let patience = pace.now().saturating_add(PATIENCE).unwrap_or(jiff::Timestamp::MAX);
        loop {
            match view.shared.jobs.status(view, operation).await? {
                OperationStatus::Succeeded | OperationStatus::SucceededWith { .. } => return Ok(()),
                OperationStatus::Running(_) | OperationStatus::Unknown { .. } if pace.now() < patience => {
                    let next = pace.now().saturating_add(PAUSE).unwrap_or(patience);
                    pace.until(next).await;
                }
                OperationStatus::Failed(failure) => {
                    return Err(AzureError::Refused {
                        what: "the failback policy".to_owned(),
                        status: 202,
                        code: failure.code,
                        message: failure.message,
                    });
                }
                OperationStatus::Running(_)
                | OperationStatus::Unknown { .. }
                | OperationStatus::PartiallySucceeded { .. } => {
                    return Err(AzureError::Busy {
                        what: "the failback policy".to_owned(),
                        message: "it is still being made".to_owned(),
                        retry_after: None,
                    });
                }
            }
        }
    }
}

/// Returns whether what comes after an operation takes minutes: a reprotect is followed by a replication, and a commit by the wait
/// for an agent. What was seen while it ran is good for a step that only waits for that.
fn takes_its_time(scenario: &str) -> bool {
    matches!(scenario, "SwitchReplicationGroupProtection" | "CommitFailover")
}

/// Returns what an error means that came before anything was sent: nothing was changed, whatever it is.
fn before_it_was_sent(error: AzureError) -> ProviderError {
    match error {
        AzureError::NotFound { code, message, .. } => ProviderError::Refused { code, message },
        error if error.is_transient() => {
            let retry_after = error.retry_after();
            ProviderError::Busy { message: error.to_string(), retry_after }
        }
        error => match error.of_question() {
            ProviderError::NoAnswer { message, retry_after } => ProviderError::Busy { message, retry_after },
            other => other,
        },
    }
}

fn one<'d>(directory: &'d Seen<Directory>, machine: &MachineName) -> Result<&'d Entry, AzureError> {
    let entry = directory.value.entry(machine.as_str());
    entry.ok_or_else(|| order::not_there(machine, directory.value.doubt(machine.as_str())))
}

fn entries<'d>(
    directory: &'d Seen<Directory>,
    machines: &[MachineName],
) -> Result<Vec<&'d Entry>, AzureError> {
    machines.iter().map(|machine| one(directory, machine)).collect()
}

fn alone(machines: &[MachineName]) -> Result<&MachineName, AzureError> {
    match machines {
        [machine] => Ok(machine),
        _ => Err(order::unresolved("several machines go through a recovery plan, or one by one".to_owned())),
    }
}
