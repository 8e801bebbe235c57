//! Runbooks of an action: begun under the key of the attempt, followed to their end, and stopped when they take too long.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;

use crate::clock::pace::Pace;
use crate::id::IdempotencyKey;
use crate::provider::Automate;
use crate::provider::ProviderError;
use crate::provider::RunbookJob;
use crate::provider::RunbookOrder;
use crate::provider::RunbookStatus;
use crate::quantity::Seconds;
use crate::run::hook::Hooks;
use crate::run::hook::Left;
use crate::run::hook::Variables;
use crate::run::hook::mask::Mask;
use crate::run::hook::real::LONGEST;
use crate::run::hook::tail::last_line;
use crate::syntax::action::Action;
use crate::syntax::action::Probe;
use crate::syntax::action::Runbook;

/// Pause between two questions about a job in its first minute; the service takes as long to find a worker.
const SOON: SignedDuration = SignedDuration::from_secs(5);
/// Pause between two questions about a job after that.
const LATER: SignedDuration = SignedDuration::from_secs(30);
/// How long a job that was begun may not be shown yet.
const UNSEEN: SignedDuration = SignedDuration::from_mins(2);
/// How long it is waited for a job that was asked to stop.
const STOPPING: SignedDuration = SignedDuration::from_mins(5);

/// Hooks whose runbooks run at the site; everything else is as in the hooks that they stand around.
pub struct RunbookHooks {
    inner: Arc<dyn Hooks>,
    automation: Arc<dyn Automate>,
    pace: Arc<dyn Pace>,
    mask: Mask,
}

impl RunbookHooks {
    /// Returns hooks that run runbooks by `automation` and by the clock `pace`; secrets of `environment` stay out of what is kept.
    #[must_use]
    pub fn new(
        inner: Arc<dyn Hooks>,
        automation: Arc<dyn Automate>,
        pace: Arc<dyn Pace>,
        environment: &BTreeMap<String, String>,
    ) -> Self {
        Self { inner, automation, pace, mask: Mask::of(environment) }
    }

    async fn run(&self, runbook: &Runbook, longest: Seconds, key: &IdempotencyKey) -> Result<String, String> {
        let limit = SignedDuration::from_secs(i64::try_from(longest.0).unwrap_or(i64::MAX));
        let after = |at: Timestamp| at.saturating_add(limit).unwrap_or(Timestamp::MAX);
        let asked_at = self.pace.now();
        let mut deadline = after(asked_at);
        let job = self.begin(&order_of(runbook), key, deadline).await?;
        tracing::info!(runbook = %runbook.name.value, job = %job.name, "a runbook was begun, or found again");
        let mut trouble = None;
        loop {
            match self.automation.status(&job).await {
                Ok(Some(seen)) => {
                    trouble = None;
                    // A job that was found again has had its time since it was begun.
                    deadline = seen.created_at.map_or(deadline, after);
                    if let Some(end) = self.ended(&job, &seen.status).await {
                        return end;
                    }
                }
                Ok(None) if self.pace.now().duration_since(asked_at) > UNSEEN => {
                    return Err(format!("job {} was begun, and the account does not know it", job.name));
                }
                Ok(None) => {}
                // What became of the job is not known until somebody tells.
                Err(error) => trouble = Some(error),
            }
            if self.pace.now() >= deadline {
                return self.stop(&job, longest, trouble).await;
            }
            self.pause(asked_at, deadline).await;
        }
    }

    /// Begins a job; asks again under the same key where it is not known whether the order arrived.
    async fn begin(
        &self,
        order: &RunbookOrder,
        key: &IdempotencyKey,
        deadline: Timestamp,
    ) -> Result<RunbookJob, String> {
        let asked_at = self.pace.now();
        loop {
            match self.automation.begin(order, key).await {
                Ok(job) => return Ok(job),
                Err(error) if error.is_transient() && self.pace.now() < deadline => {
                    self.pause(asked_at, deadline).await;
                }
                Err(error) => return Err(self.said(&format!("{} was not begun", order.runbook), &error)),
            }
        }
    }

    /// Returns how a job ended, if it has.
    async fn ended(&self, job: &RunbookJob, status: &RunbookStatus) -> Option<Result<String, String>> {
        match status {
            RunbookStatus::Running(_) => None,
            RunbookStatus::Completed => {
                let done = format!("job {} completed", job.name);
                Some(Ok(match self.automation.output(job).await {
                    Ok(output) if output.trim().is_empty() => done,
                    Ok(output) => format!("{done}: {}", self.mask.apply(output.trim())),
                    Err(error) => self.said(&format!("{done}; what it wrote can't be read"), &error),
                }))
            }
            RunbookStatus::Failed { state, message } => {
                let wrote = self.automation.output(job).await.unwrap_or_default();
                let wrote = self.mask.apply(&wrote);
                let last = last_line(&wrote).map(|line| format!("; it wrote: {line}")).unwrap_or_default();
                let message = self.mask.apply(message);
                Some(Err(format!("job {} ended as {state}: {message}{last}", job.name)))
            }
        }
    }

    /// Stops a job that took too long, and waits until it has ended.
    async fn stop(
        &self,
        job: &RunbookJob,
        longest: Seconds,
        trouble: Option<ProviderError>,
    ) -> Result<String, String> {
        let late = format!("job {} took longer than {longest}", job.name);
        let began = self.pace.now();
        let deadline = began.saturating_add(STOPPING).unwrap_or(Timestamp::MAX);
        let mut is_asked = false;
        let mut trouble = trouble;
        while self.pace.now() < deadline {
            if !is_asked {
                match self.automation.stop(job).await {
                    Ok(()) => is_asked = true,
                    // It may have ended meanwhile: what is seen next says so.
                    Err(error) => trouble = Some(error),
                }
            }
            match self.automation.status(job).await {
                Ok(Some(seen)) => match seen.status {
                    RunbookStatus::Running(_) => {}
                    RunbookStatus::Failed { .. } if is_asked => {
                        return Err(format!("{late} and was stopped"));
                    }
                    status @ (RunbookStatus::Completed | RunbookStatus::Failed { .. }) => {
                        if let Some(end) = self.ended(job, &status).await {
                            return end;
                        }
                    }
                },
                Ok(None) => {}
                Err(error) => trouble = Some(error),
            }
            self.pause(began, deadline).await;
        }
        let what = if is_asked { "was asked to stop" } else { "could not be stopped" };
        let told = format!("{late}, {what}, and may still run");
        Err(trouble.map_or(told.clone(), |error| self.said(&told, &error)))
    }

    async fn pause(&self, since: Timestamp, deadline: Timestamp) {
        let now = self.pace.now();
        let is_new = now.duration_since(since) < SignedDuration::from_mins(1);
        let next = now.saturating_add(if is_new { SOON } else { LATER }).unwrap_or(Timestamp::MAX);
        // At the deadline itself there is nothing to wait for: time has to pass all the same.
        self.pace.until(if deadline > now { next.min(deadline) } else { next }).await;
    }

    fn said(&self, what: &str, error: &ProviderError) -> String {
        format!("{what}: {}", self.mask.apply(&error.to_string()))
    }
}

fn order_of(runbook: &Runbook) -> RunbookOrder {
    let parameters = runbook.parameters.iter().flat_map(|parameters| &parameters.0);
    RunbookOrder {
        account: runbook.automation_account.value.clone(),
        runbook: runbook.name.value.clone(),
        parameters: parameters.map(|(name, value)| (name.value.clone(), text_of(&value.0))).collect(),
    }
}

/// Returns a parameter as the service takes it: a text as it is, anything else in JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

#[async_trait]
impl Hooks for RunbookHooks {
    async fn action(&self, action: &Action, variables: &Variables) -> Result<String, String> {
        let Some(runbook) = &action.runbook else { return self.inner.action(action, variables).await };
        let longest = action.timeout.as_ref().map_or(LONGEST, |timeout| timeout.value);
        self.run(runbook, longest, &variables.key).await
    }

    fn leftover(&self, action: &Action) -> Left {
        if action.runbook.is_some() { Left::Findable } else { self.inner.leftover(action) }
    }

    async fn leftover_ends(&self, action: &Action) {
        self.inner.leftover_ends(action).await;
    }

    async fn probe(&self, probe: &Probe) -> Result<String, String> {
        self.inner.probe(probe).await
    }
}
