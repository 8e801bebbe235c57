//! Runbooks of Azure Automation: begun once, followed, stopped.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock as _;
use crate::id::IdempotencyKey;
use crate::provider::Automate;
use crate::provider::RunbookJob;
use crate::provider::RunbookOrder;
use crate::provider::RunbookSeen;
use crate::provider::RunbookStatus;
use crate::provider::azure::client::WriteClient;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::Asked;
use crate::provider::azure::http::redact;
use crate::provider::azure::site::guid;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::escaped;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::vault::part_after;
use crate::provider::azure::wire::around::Anything;
use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::azure::wire::scalar::Time;
use crate::provider::error::ProviderError;
use crate::secret;

/// Version of the API of Automation.
const AUTOMATION: &str = "2023-11-01";
/// The longest output that is shown.
const LONGEST_OUTPUT: usize = 4000;

/// An Automation account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomationAccountId(String);

/// Why a text names no Automation account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no Automation account: write its resource id")]
pub struct AutomationAccountIdError(String);

impl AutomationAccountId {
    /// Returns the account that an Azure resource id names.
    ///
    /// # Errors
    ///
    /// [`AutomationAccountIdError`] if the id is not that of an Automation account.
    pub fn parse(id: &str) -> Result<Self, AutomationAccountIdError> {
        let parts: Vec<&str> = id.trim().trim_matches('/').split('/').collect();
        let is = |at: usize, word: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
        let fits = parts.len() == 8
            && is(0, "subscriptions")
            && is(2, "resourceGroups")
            && is(4, "providers")
            && is(5, "Microsoft.Automation")
            && is(6, "automationAccounts");
        if !fits || parts.iter().any(|part| part.is_empty() || *part == "..") {
            return Err(AutomationAccountIdError(id.to_owned()));
        }
        let parts: Vec<String> = parts.into_iter().map(escaped).collect();
        Ok(Self(format!("/{}", parts.join("/"))))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Job {
    status: Text,
    exception: Text,
    creation_time: Time,
}

/// Runs runbooks of one account.
#[derive(Clone, Debug)]
pub struct Runbooks {
    writer: WriteClient,
    account: AutomationAccountId,
}

impl Runbooks {
    /// Returns what runs the runbooks of an account; whoever has a writer was told to change things.
    #[must_use]
    pub const fn new(writer: WriteClient, account: AutomationAccountId) -> Self {
        Self { writer, account }
    }

    /// Returns what runs the runbooks of the account of this name in the vault's subscription.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the accounts can't be read, or not exactly one has the name.
    pub async fn named(writer: WriteClient, vault: &VaultId, account: &str) -> Result<Self, AzureError> {
        let path = format!("{}/providers/Microsoft.Automation/automationAccounts", vault.subscription_path());
        let listed = writer.reader().list::<Resource<Anything>>(&path, "", AUTOMATION).await?;
        let ids: Vec<String> = listed.values.into_iter().filter_map(|one| one.id.into_option()).collect();
        let same: Vec<&String> =
            ids.iter().filter(|id| last_part(id).eq_ignore_ascii_case(account)).collect();
        let message = match same.as_slice() {
            [id] => match AutomationAccountId::parse(id) {
                Ok(account) => return Ok(Self::new(writer, account)),
                Err(error) => error.to_string(),
            },
            [] => {
                let there: Vec<&str> = ids.iter().map(|id| last_part(id)).collect();
                let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
                format!("the subscription has no Automation account `{account}`; it has {there}")
            }
            several => {
                let groups: Vec<&str> =
                    several.iter().filter_map(|id| part_after(id, "resourceGroups")).collect();
                format!("several Automation accounts are called `{account}`, in {}", groups.join(" and "))
            }
        };
        Err(AzureError::Unresolved { message })
    }

    fn job_path(&self, job: &str) -> String {
        format!("{}/jobs/{}", self.account.0, escaped(job))
    }

    /// Begins a runbook and returns the name of its job. The name follows from the key: asking again with the same key begins
    /// nothing a second time.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the job is not taken on, or it is not known whether it was.
    pub async fn start(
        &self,
        runbook: &str,
        parameters: &[(String, String)],
        key: &IdempotencyKey,
    ) -> Result<String, AzureError> {
        let job = guid(key.as_str());
        let path = self.job_path(&job);
        let parameters: serde_json::Map<String, Value> =
            parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let body = json!({"properties": {"runbook": {"name": runbook}, "parameters": parameters}});
        match self.writer.send(Method::PUT, &path, AUTOMATION, Some(&body), &job).await {
            Ok(_) => Ok(job),
            // A job of this name is there already: an earlier request got through.
            Err(AzureError::Refused { status: 409, .. }) => Ok(job),
            Err(error) => Err(error),
        }
    }

    /// Returns how a job is; `None` if the account has no such job.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if it can't be asked.
    pub async fn status(&self, job: &str) -> Result<Option<RunbookSeen>, AzureError> {
        let found = self.writer.reader().get::<Resource<Job>>(&self.job_path(job), "", AUTOMATION).await;
        let told = match found {
            Ok(found) => found.properties,
            Err(AzureError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let state = redact::words(told.status.or_empty());
        let is = |word: &str| state.eq_ignore_ascii_case(word);
        let status = if is("Completed") {
            RunbookStatus::Completed
        } else if is("Failed") || is("Stopped") || is("Suspended") || is("Removing") || is("Blocked") {
            let message = redact::words(told.exception.get().unwrap_or("it says nothing more"));
            RunbookStatus::Failed { state, message }
        } else {
            RunbookStatus::Running(state)
        };
        Ok(Some(RunbookSeen { created_at: told.creation_time.get(), status }))
    }

    /// Returns what a job has written, its end if it is long.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if it can't be asked.
    pub async fn output(&self, job: &str) -> Result<String, AzureError> {
        let reader = self.writer.reader();
        let asked = Asked::get(reader.address(&format!("{}/output", self.job_path(job)), "", AUTOMATION)?);
        let text = reader
            .transport()
            .ask(&asked, |answer| Ok(secret::strike(&String::from_utf8_lossy(&answer.body)).into_owned()))
            .await?;
        let skipped = text.chars().count().saturating_sub(LONGEST_OUTPUT);
        Ok(text.chars().skip(skipped).collect())
    }

    /// Asks a job to stop.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if it is not taken on.
    pub async fn stop(&self, job: &str) -> Result<(), AzureError> {
        let path = format!("{}/stop", self.job_path(job));
        let id = guid(&format!("{path} {}", self.writer.reader().pace().now()));
        self.writer.send(Method::POST, &path, AUTOMATION, None, &id).await.map(drop)
    }
}

/// The Automation accounts of a vault's subscription, found by name and run with whatever a run asks for.
#[derive(Debug)]
pub struct Automation {
    writer: WriteClient,
    accounts: Mutex<HashMap<String, AutomationAccountId>>,
}

impl Automation {
    /// Returns what runs the runbooks of the accounts beside the vault that the writer may change.
    #[must_use]
    pub fn new(writer: WriteClient) -> Self {
        Self { writer, accounts: Mutex::default() }
    }

    async fn account(&self, name: &str) -> Result<Runbooks, AzureError> {
        let key = name.to_lowercase();
        let known = self.accounts.lock().expect(NO_PANIC).get(&key).cloned();
        if let Some(account) = known {
            return Ok(Runbooks::new(self.writer.clone(), account));
        }
        let found = Runbooks::named(self.writer.clone(), self.writer.vault(), name).await?;
        self.accounts.lock().expect(NO_PANIC).insert(key, found.account.clone());
        Ok(found)
    }

    fn of(&self, job: &RunbookJob) -> Result<Runbooks, ProviderError> {
        let account = AutomationAccountId::parse(&job.account)
            .map_err(|error| AzureError::Unresolved { message: error.to_string() }.of_question())?;
        Ok(Runbooks::new(self.writer.clone(), account))
    }
}

const NO_PANIC: &str = "no thread panics while it holds the accounts";

#[async_trait]
impl Automate for Automation {
    async fn begin(&self, order: &RunbookOrder, key: &IdempotencyKey) -> Result<RunbookJob, ProviderError> {
        let runbooks = self.account(&order.account).await.map_err(AzureError::of_question)?;
        let name = runbooks.start(&order.runbook, &order.parameters, key).await;
        let name = name.map_err(AzureError::of_order)?;
        Ok(RunbookJob { account: runbooks.account.0, name })
    }

    async fn status(&self, job: &RunbookJob) -> Result<Option<RunbookSeen>, ProviderError> {
        self.of(job)?.status(&job.name).await.map_err(AzureError::of_question)
    }

    async fn output(&self, job: &RunbookJob) -> Result<String, ProviderError> {
        self.of(job)?.output(&job.name).await.map_err(AzureError::of_question)
    }

    async fn stop(&self, job: &RunbookJob) -> Result<(), ProviderError> {
        self.of(job)?.stop(&job.name).await.map_err(AzureError::of_order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_by_its_whole_id() {
        let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Automation/automationAccounts/aa";
        assert!(AutomationAccountId::parse(id).is_ok());
        assert!(AutomationAccountId::parse("aa").is_err());
        assert!(AutomationAccountId::parse(&id.replace("/rg/", "/../")).is_err());
    }
}
