//! Azure Automation (`Microsoft.Automation`): accounts, and runbooks that run by the world's clock.

use std::collections::BTreeMap;

use hyper::Method;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::field;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::syntax::inventory::AutomationAccount;

/// The provider and type of accounts.
const KIND: &str = "Microsoft.Automation/automationAccounts";

/// Seconds before a job runs, in which the service looks for a worker: what the articles call a minute or so.
const QUEUED: i64 = 30;

/// Accounts or jobs on a page.
const PAGE: usize = 100;

/// What an emulated runbook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// Seconds of the world that it runs.
    pub seconds: u32,
    /// What it throws at its end, if it fails.
    pub failure: Option<String>,
    /// What it writes.
    pub output: String,
}

impl Default for Runbook {
    /// One that runs for a minute, says so, and succeeds.
    fn default() -> Self {
        Self { seconds: 60, failure: None, output: "done".to_owned() }
    }
}

/// Runbooks by name; one that is not listed is the default one.
pub type Runbooks = BTreeMap<String, Runbook>;

/// Answers what is asked about Automation; `path` is the whole path.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let ["subscriptions", subscription, rest @ ..] = path else { return None };
    let (group, rest) = match rest {
        ["resourcegroups", group, "providers", "microsoft.automation", "automationaccounts", rest @ ..] => {
            (Some(*group), rest)
        }
        ["providers", "microsoft.automation", "automationaccounts", rest @ ..] => (None, rest),
        _ => return None,
    };
    let facts = visit.facts();
    let here = |account: &&AutomationAccount| {
        let id = account_id(visit, account);
        let mut parts = id.split('/').skip(2);
        parts.next().is_some_and(|own| own.eq_ignore_ascii_case(subscription))
            && group.is_none_or(|group| parts.nth(1).is_some_and(|own| own.eq_ignore_ascii_case(group)))
    };
    let [name, rest @ ..] = rest else {
        let listed = facts.automation_accounts.iter().flatten().filter(here);
        return Some(page(asked, listed.map(|account| account_body(visit, account)).collect(), PAGE));
    };
    let found = facts.automation_accounts.iter().flatten().filter(here);
    let found = found.into_iter().find(|account| account.name.value.eq_ignore_ascii_case(name));
    let Some(account) = found else {
        return Some(Answer::gateway_missing(KIND, name, group.unwrap_or_default()));
    };
    let id = account_id(visit, account);
    match (asked.method.clone(), rest) {
        (Method::GET, []) => Some(Answer::ok(account_body(visit, account))),
        (Method::GET, ["runbooks", runbook]) => Some(Answer::ok(json!({
            "id": format!("{id}/runbooks/{runbook}"),
            "name": asked.segments.last(),
            "type": "Microsoft.Automation/AutomationAccounts/Runbooks",
            "location": visit.identity().location,
            "properties": {"runbookType": "PowerShell72", "state": "Published", "provisioningState": "Succeeded"},
        }))),
        (_, ["jobs", rest @ ..]) => job(visit, asked, &id, rest),
        _ => None,
    }
}

fn account_id(visit: &Visit<'_>, account: &AutomationAccount) -> String {
    let identity = visit.identity();
    let subscription = words::text_of(&account.subscription_id).unwrap_or(&identity.subscription);
    format!(
        "/subscriptions/{subscription}/resourceGroups/{}/providers/{KIND}/{}",
        identity.resource_group, account.name.value
    )
}

fn account_body(visit: &Visit<'_>, account: &AutomationAccount) -> Value {
    json!({
        "id": account_id(visit, account),
        "name": account.name.value,
        "type": KIND,
        "location": visit.identity().location,
        "tags": {},
        "properties": {"state": "Ok", "publicNetworkAccess": true},
    })
}

fn job(visit: &mut Visit<'_>, asked: &Asked, account: &str, path: &[&str]) -> Option<Answer> {
    let Some((name, path)) = path.split_first() else {
        let prefix = format!("{account}/jobs/").to_lowercase();
        let stored = visit.desk.stored.range(prefix.clone()..).take_while(|(id, _)| id.starts_with(&prefix));
        let listed = stored.map(|(_, job)| Job::read(job).body(visit.now, true)).collect();
        return Some(page(asked, listed, PAGE));
    };
    let key = format!("{account}/jobs/{name}").to_lowercase();
    let known = visit.desk.stored.get(&key).map(Job::read);
    let answer = match (asked.method.clone(), path, known) {
        (Method::PUT, [], known) => create(visit, asked, account, &key, known),
        (_, _, None) => {
            Answer::arm_error(404, "NotFound", format!("The job '{name}' was not found in this account."))
        }
        (Method::GET, [], Some(job)) => Answer::ok(job.body(visit.now, false)),
        (Method::GET, ["output"], Some(job)) => Answer::raw(200, "text/plain", job.output(visit.now)),
        (Method::GET, ["streams"], Some(job)) => Answer::ok(json!({"value": job.streams(visit.now)})),
        (Method::POST, ["stop"], Some(job)) => stop(visit, &key, &job),
        _ => return None,
    };
    Some(answer)
}

fn create(visit: &mut Visit<'_>, asked: &Asked, account: &str, key: &str, known: Option<Job>) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    let runbook = field(&properties, "runbook").and_then(|runbook| text(runbook, "name"));
    let Some(runbook) = runbook.map(str::to_owned) else {
        return Answer::arm_error(400, "BadRequest", "The property 'runbook.name' is missing.");
    };
    let parameters = field(&properties, "parameters").cloned().unwrap_or_else(|| json!({}));
    if let Some(known) = known {
        // The name of a job is its client's choice: the same order again is the same job.
        if known.runbook == runbook && known.parameters == parameters {
            return Answer::ok(known.body(visit.now, false));
        }
        let message = format!("A job with the name '{}' exists already.", known.name);
        return Answer::arm_error(409, "Conflict", message);
    }
    let name = asked.segments.last().cloned().unwrap_or_default();
    let scripts = &visit.shared.options.runbooks;
    let script =
        scripts.iter().find(|(own, _)| own.eq_ignore_ascii_case(&runbook)).map(|(_, script)| script.clone());
    let job = Job {
        id: format!("{account}/jobs/{name}"),
        name,
        runbook,
        parameters,
        script: script.unwrap_or_default(),
        created: visit.now,
        stopped: None,
    };
    visit.desk.stored.insert(key.to_owned(), job.written());
    Answer::json(201, job.body(visit.now, false))
}

fn stop(visit: &mut Visit<'_>, key: &str, job: &Job) -> Answer {
    if job.is_over(visit.now) {
        let message = format!("The job '{}' has ended and can't be stopped.", job.name);
        return Answer::arm_error(400, "BadRequest", message);
    }
    let job = Job { stopped: Some(visit.now), ..job.clone() };
    visit.desk.stored.insert(key.to_owned(), job.written());
    Answer::empty(200)
}

/// A runbook that runs, ran, or was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Job {
    id: String,
    name: String,
    runbook: String,
    parameters: Value,
    script: Runbook,
    created: Timestamp,
    stopped: Option<Timestamp>,
}

impl Job {
    /// Returns the job as the desk keeps it.
    fn written(&self) -> Value {
        json!({
            "id": self.id, "name": self.name, "runbook": self.runbook, "parameters": self.parameters,
            "seconds": self.script.seconds, "failure": self.script.failure, "output": self.script.output,
            "created": self.created, "stopped": self.stopped,
        })
    }

    /// Returns the job that the desk keeps.
    fn read(value: &Value) -> Self {
        let own = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let moment = |name: &str| value[name].as_str().and_then(|at| at.parse().ok());
        Self {
            id: own("id"),
            name: own("name"),
            runbook: own("runbook"),
            parameters: value["parameters"].clone(),
            script: Runbook {
                seconds: value["seconds"]
                    .as_u64()
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .unwrap_or(0),
                failure: value["failure"].as_str().map(str::to_owned),
                output: own("output"),
            },
            created: moment("created").unwrap_or_default(),
            stopped: moment("stopped"),
        }
    }

    fn starts(&self) -> Timestamp {
        self.created.saturating_add(SignedDuration::from_secs(QUEUED)).unwrap_or(Timestamp::MAX)
    }

    fn ends(&self) -> Timestamp {
        let runs = SignedDuration::from_secs(i64::from(self.script.seconds));
        self.stopped.unwrap_or_else(|| self.starts().saturating_add(runs).unwrap_or(Timestamp::MAX))
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.stopped.is_some() || now >= self.ends()
    }

    fn status(&self, now: Timestamp) -> &'static str {
        match () {
            () if self.stopped.is_some() => "Stopped",
            () if self.is_over(now) && self.script.failure.is_some() => "Failed",
            () if self.is_over(now) => "Completed",
            () if now >= self.starts() => "Running",
            () if now > self.created => "Activating",
            () => "New",
        }
    }

    fn exception(&self, now: Timestamp) -> Option<&str> {
        self.script.failure.as_deref().filter(|_| self.status(now) == "Failed")
    }

    fn output(&self, now: Timestamp) -> String {
        if self.status(now) == "Completed" { self.script.output.clone() } else { String::new() }
    }

    fn streams(&self, now: Timestamp) -> Vec<Value> {
        let stream = |kind: &str, text: &str| {
            let id = guid::guid("stream", &format!("{} {kind}", self.name));
            json!({
                "id": format!("{}/streams/{id}", self.id),
                "properties": {"jobStreamId": id, "time": self.ends(), "streamType": kind, "summary": text},
            })
        };
        let output = self.output(now);
        let mut streams: Vec<Value> =
            self.exception(now).map(|text| stream("Error", text)).into_iter().collect();
        if !output.is_empty() {
            streams.push(stream("Output", &output));
        }
        streams
    }

    fn body(&self, now: Timestamp, thin: bool) -> Value {
        let over = self.is_over(now);
        let started = (now >= self.starts()).then(|| self.starts());
        let mut properties = json!({
            "jobId": guid::guid("automation job", &self.id.to_lowercase()),
            "creationTime": self.created,
            "provisioningState": match self.status(now) {
                "Failed" => "Failed",
                "Completed" | "Stopped" => "Succeeded",
                _ => "Processing",
            },
            "status": self.status(now),
            "startTime": started,
            "endTime": over.then(|| self.ends()),
            "lastModifiedTime": if over { self.ends() } else { started.unwrap_or(self.created) },
            "runbook": {"name": self.runbook},
            "runOn": "",
        });
        if !thin {
            properties["statusDetails"] = "None".into();
            properties["lastStatusModifiedTime"] = properties["lastModifiedTime"].clone();
            properties["exception"] = json!(self.exception(now));
            properties["parameters"] = self.parameters.clone();
        }
        json!({
            "id": self.id,
            "name": self.name,
            "type": "Microsoft.Automation/AutomationAccounts/Jobs",
            "properties": properties,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(failure: Option<&str>) -> Job {
        let script = Runbook { seconds: 100, failure: failure.map(str::to_owned), output: "warm".to_owned() };
        Job {
            id: "/a/jobs/j".to_owned(),
            name: "j".to_owned(),
            runbook: "Warm-Cache".to_owned(),
            parameters: json!({"site": "seoul"}),
            script,
            created: Timestamp::UNIX_EPOCH,
            stopped: None,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a moment")
    }

    #[test]
    fn a_runbook_waits_runs_and_completes_by_the_worlds_clock() {
        let job = job(None);
        let seen: Vec<&str> = [0, 1, 30, 129, 130].iter().map(|second| job.status(at(*second))).collect();
        assert_eq!(seen, ["New", "Activating", "Running", "Running", "Completed"]);
        assert_eq!(job.output(at(129)), "");
        assert_eq!(job.output(at(130)), "warm");
    }

    #[test]
    fn a_runbook_that_throws_fails_with_what_it_threw() {
        let job = job(Some("no such cache"));
        assert_eq!(job.body(at(129), false)["properties"]["exception"], Value::Null);
        let body = job.body(at(130), false);
        assert_eq!(body["properties"]["status"], "Failed");
        assert_eq!(body["properties"]["exception"], "no such cache");
    }

    #[test]
    fn a_stopped_job_stays_stopped_and_is_kept_as_it_is() {
        let job = Job { stopped: Some(at(40)), ..job(None) };
        assert_eq!(job.status(at(500)), "Stopped");
        assert_eq!(Job::read(&job.written()), job);
    }
}
