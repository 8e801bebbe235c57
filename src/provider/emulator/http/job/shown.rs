//! A job as the service shows it, whoever runs it.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::job::Trouble;

/// The time of what has none.
pub const NO_TIME: &str = "0001-01-01T00:00:00";

/// Returns a time as the service writes it: to a tenth of a microsecond.
#[must_use]
pub fn stamp(at: Timestamp) -> String {
    let nanos = at.subsec_nanosecond().rem_euclid(100);
    let cut = at.checked_sub(jiff::SignedDuration::from_nanos(i64::from(nanos))).unwrap_or(at);
    cut.to_string()
}

/// How far a job or a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was taken on.
    NotStarted,
    /// It runs.
    InProgress,
    /// It waits for a person.
    Suspended,
    /// It did what was asked.
    Succeeded,
    /// It did, and has something to say.
    CompletedWithInformation,
    /// It did it for some.
    PartiallySucceeded,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// A task that was left out.
    Skipped,
}

impl Phase {
    /// Returns the words for it: state and description.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotStarted => ("NotStarted", "NotStarted"),
            Self::InProgress => ("InProgress", "InProgress"),
            // The state is the service's; which description a manual action has was never seen.
            Self::Suspended => ("Suspended", "WaitingForManualAction"),
            Self::Succeeded => ("Succeeded", "Completed"),
            Self::CompletedWithInformation => ("CompletedWithInformation", "CompletedWithInformation"),
            Self::PartiallySucceeded => ("PartiallySucceeded", "PartiallySucceeded"),
            Self::Failed => ("Failed", "Failed"),
            Self::Cancelled => ("Cancelled", "Cancelled"),
            Self::Skipped => ("Other", "Skipped"),
        }
    }

    /// Returns whether nothing follows.
    #[must_use]
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::NotStarted | Self::InProgress | Self::Suspended)
    }
}

/// A task as the service shows it.
#[derive(Clone, Debug)]
pub struct ShownTask {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The service's words for it.
    pub words: String,
    /// How far it is.
    pub phase: Phase,
    /// When it began.
    pub begun: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Why it failed.
    pub errors: Vec<Value>,
    /// What kind of task it is, with `customDetails` and `groupTaskCustomDetails`.
    pub kind: (&'static str, Value, Value),
}

impl ShownTask {
    /// Returns a plain task that has not begun.
    #[must_use]
    pub fn plain(id: impl Into<String>, name: &str, words: &str, phase: Phase) -> Self {
        Self {
            id: id.into(),
            name: name.to_owned(),
            words: words.to_owned(),
            phase,
            begun: None,
            ended: None,
            errors: Vec::new(),
            kind: ("TaskDetails", json!({ "instanceType": "TaskDetails" }), Value::Null),
        }
    }

    /// Returns the task as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let time = |at: Option<Timestamp>| at.map_or_else(|| NO_TIME.to_owned(), stamp);
        let (state, description) = self.phase.words();
        json!({
            "taskId": self.id, "name": self.name, "startTime": time(self.begun), "endTime": time(self.ended),
            "allowedActions": [], "friendlyName": self.words, "state": state, "stateDescription": description,
            "taskType": self.kind.0, "customDetails": self.kind.1, "groupTaskCustomDetails": self.kind.2,
            "errors": self.errors,
        })
    }
}

/// A job as the service shows it.
#[derive(Clone, Debug)]
pub struct ShownJob {
    /// Its name.
    pub name: String,
    /// Its scenario.
    pub scenario: String,
    /// The same for people.
    pub friendly: String,
    /// How far it is.
    pub phase: Phase,
    /// Its tasks.
    pub tasks: Vec<ShownTask>,
    /// Why it failed: code and message, the first that says something first.
    pub errors: Vec<Value>,
    /// The error of its operation: what it failed with, or what it has to say.
    pub error: Option<(String, String)>,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What a person may do to it.
    pub actions: Vec<&'static str>,
    /// What it is about.
    pub target: Target,
    /// `customDetails`.
    pub details: Value,
    /// Its activity id.
    pub activity: String,
    /// The resource that it changes.
    pub resource: String,
    /// Whether that resource is gone afterwards.
    pub removes: bool,
}

impl ShownJob {
    /// Returns the job as JSON; in lists it is thin.
    #[must_use]
    pub fn json(&self, identity: &Identity, thin: bool) -> Value {
        let started = self.phase != Phase::NotStarted;
        let (state, description) = self.phase.words();
        let tasks: Vec<Value> =
            if thin || !started { Vec::new() } else { self.tasks.iter().map(ShownTask::json).collect() };
        let details = match (started, thin) {
            (false, _) => json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": {} }),
            (true, true) => Value::Null,
            (true, false) => self.details.clone(),
        };
        let mut properties = json!({
            "activityId": self.activity,
            "scenarioName": started.then_some(&self.scenario),
            "friendlyName": started.then_some(&self.friendly),
            "state": state, "stateDescription": description, "tasks": tasks,
            "errors": if thin { &[][..] } else { &self.errors[..] },
            "allowedActions": if started { &self.actions[..] } else { &[][..] },
            "targetObjectId": started.then_some(self.target.id.as_ref()).flatten(),
            "targetObjectName": started.then_some(self.target.name.as_ref()).flatten(),
            "targetInstanceType": self.target.kind, "customDetails": details,
        });
        if started {
            properties["startTime"] = json!(stamp(self.begun));
        }
        if let Some(ended) = self.ended.filter(|_| started) {
            // Ends are told in whole seconds.
            properties["endTime"] = json!(ended.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
        json!({
            "id": identity.job_id(&self.name), "name": self.name,
            "type": "Microsoft.RecoveryServices/vaults/replicationJobs", "properties": properties,
        })
    }

    /// Returns the status of the job's operation.
    #[must_use]
    pub fn status(&self) -> Value {
        let status = match self.phase {
            Phase::NotStarted => "NotStarted",
            Phase::InProgress | Phase::Suspended => "InProgress",
            Phase::Succeeded | Phase::CompletedWithInformation | Phase::Skipped => "Succeeded",
            Phase::Failed | Phase::PartiallySucceeded => "Failed",
            Phase::Cancelled => "Canceled",
        };
        let error = self.error.as_ref().filter(|_| self.phase.is_over());
        let error = error.map(|(code, message)| json!({ "code": code, "message": message, "details": null }));
        let begun = (self.phase != Phase::NotStarted).then(|| stamp(self.begun));
        let ended = self.ended.map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string());
        json!({
            "error": error, "id": null, "name": self.name, "properties": null, "status": status,
            "startTime": begun, "endTime": ended, "percentComplete": null,
        })
    }
}

/// Returns an error as jobs and tasks hold it.
#[must_use]
pub fn error(trouble: &Trouble, activity: &str, at: Timestamp, task: Option<&str>, id: &str) -> Value {
    json!({
        "serviceErrorDetails": {
            "code": trouble.code, "message": trouble.message,
            "possibleCauses": "Check the message for more information.",
            "recommendedAction": "Resolve the issue and retry the operation.", "activityId": activity,
        },
        "providerErrorDetails": {
            "errorCode": 0, "errorMessage": null, "errorId": id, "possibleCauses": "", "recommendedAction": "",
        },
        "errorLevel": "Error", "creationTime": stamp(at), "taskId": task,
    })
}

/// Returns whether a code names a failure of the replication provider, which the service reports with a second, general entry.
#[must_use]
pub fn is_of_provider(code: &str) -> bool {
    !matches!(code, "532" | "25037" | "25038" | "Cancelled")
}
