//! What a job says of the operation that it is.

use jiff::Timestamp;

use crate::id::MachineName;
use crate::provider::azure::http::redact;
use crate::provider::azure::site::duration;
use crate::provider::azure::wire::job::Job;
use crate::provider::azure::wire::job::Task;
use crate::provider::azure::wire::job::Trouble;
use crate::provider::azure::wire::scalar::List;
use crate::provider::operation::Failure;
use crate::provider::operation::MemberOutcome;
use crate::provider::operation::OperationStatus;
use crate::provider::operation::Progress;

/// How a job is, without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Runs,
    Succeeded,
    /// It ended, and its details say how.
    EndedBadly,
    Unknown,
}

/// Returns how a job is; lists tell this much.
pub(super) fn stage(job: &Job) -> Stage {
    let Some(state) = job.state.get() else { return Stage::Unknown };
    match state.to_ascii_lowercase().as_str() {
        "notstarted" | "inprogress" | "cancelling" => Stage::Runs,
        "succeeded" | "completedwithinformation" => Stage::Succeeded,
        "failed" | "partiallysucceeded" | "cancelled" | "canceled" => Stage::EndedBadly,
        _ => Stage::Unknown,
    }
}

/// Returns what a job says of its operation; `machines` are those that were asked for, if it is known.
pub(super) fn status(
    job: &Job,
    machines: &[MachineName],
    expected_end: Option<Timestamp>,
    now: Timestamp,
) -> OperationStatus {
    match stage(job) {
        Stage::Runs => OperationStatus::Running(progress(job, expected_end, now)),
        Stage::Succeeded => OperationStatus::Succeeded,
        Stage::Unknown => OperationStatus::Unknown { state: redact::words(job.state.or_empty()) },
        Stage::EndedBadly => ended_badly(job, machines),
    }
}

fn progress(job: &Job, expected_end: Option<Timestamp>, now: Timestamp) -> Progress {
    let title = |task: &Task| task.friendly_name.or(&task.name).unwrap_or_default().to_owned();
    let is = |task: &Task, word: &str| task.state.is(word);
    let task = job.tasks.iter().find(|task| is(task, "InProgress")).map(title);
    let task =
        task.or_else(|| job.friendly_name.or(&job.scenario_name).map(str::to_owned)).unwrap_or_default();
    let done = if job.tasks.is_empty() {
        // Of a list: by the time that such jobs take.
        let whole = job.start_time.get().zip(expected_end).map(|(start, end)| end.duration_since(start));
        let passed = job.start_time.get().map(|start| now.duration_since(start).as_secs_f64());
        match (passed, whole.map(|whole| whole.as_secs_f64())) {
            (Some(passed), Some(whole)) if whole > 0.0 => (passed / whole).clamp(0.0, 0.99),
            _ => 0.0,
        }
    } else {
        let weight = |task: &Task| duration::of_task(task.name.or_empty());
        let whole: f64 = job.tasks.iter().map(weight).sum();
        let is_over =
            |task: &&Task| is(task, "Succeeded") || is(task, "Other") || is(task, "CompletedWithInformation");
        let over: f64 = job.tasks.iter().filter(is_over).map(weight).sum();
        if whole > 0.0 { (over / whole).clamp(0.0, 1.0) } else { 0.0 }
    };
    Progress { done, task: redact::words(&task), expected_end }
}

fn ended_badly(job: &Job, machines: &[MachineName]) -> OperationStatus {
    let is_cancelled = job.state.is("Cancelled") || job.state.is("Canceled");
    let mut failure = failure_of(&job.errors, &job.tasks).unwrap_or_else(|| Failure {
        code: if is_cancelled { "Cancelled".to_owned() } else { "unexplained".to_owned() },
        message: format!("the job is {} and says nothing more", job.state.or_empty()),
        task: String::new(),
    });
    if is_cancelled && failure.message.is_empty() {
        failure.message = "the job was cancelled".to_owned();
    }
    let mut members = Vec::new();
    of_members(&job.tasks, machines, &mut members);
    let some_came_through = members.iter().any(|member| member.failure.is_none());
    let is_partial = job.state.is("PartiallySucceeded") || (members.len() > 1 && some_came_through);
    if !is_partial {
        return OperationStatus::Failed(failure);
    }
    // A machine that the job does not speak of is looked at like one that failed.
    for machine in machines {
        if members.iter().all(|member| member.machine != *machine) {
            members.push(MemberOutcome { machine: machine.clone(), failure: Some(failure.clone()) });
        }
    }
    OperationStatus::PartiallySucceeded { members }
}

/// Collects how a job ended for each of its machines; where it speaks of one several times, what failed counts.
fn of_members(tasks: &List<Task>, machines: &[MachineName], members: &mut Vec<MemberOutcome>) {
    for task in tasks.iter() {
        if let Some(group) = task.group_task_custom_details.get() {
            of_members(&group.child_tasks, machines, members);
        }
        if !task.task_type.is("VirtualMachineTaskDetails") {
            continue;
        }
        let target =
            task.custom_details.get().and_then(|details| details.job_task.get()?.target_object_name.get());
        let Some(name) = target.or_else(|| task.friendly_name.get()) else { continue };
        let known = machines.iter().find(|machine| machine.as_str().eq_ignore_ascii_case(name));
        let machine = known.cloned().unwrap_or_else(|| MachineName::new(name));
        let failed = task.state.is("Failed") || task.state.is("Cancelled");
        let failure = failed.then(|| {
            failure_of(&task.errors, &List::default()).unwrap_or_else(|| Failure {
                code: "unexplained".to_owned(),
                message: redact::words(&format!("its part of the job is {}", task.state.or_empty())),
                task: redact::words(task.friendly_name.or_empty()),
            })
        });
        match members.iter_mut().find(|member| member.machine == machine) {
            Some(member) => member.failure = member.failure.take().or(failure),
            None => members.push(MemberOutcome { machine, failure }),
        }
    }
}

/// Codes that only say that something else went wrong.
fn is_general(code: &str) -> bool {
    matches!(code, "539" | "559")
}

/// Returns why something failed, from what it says itself, else from its tasks.
fn failure_of(errors: &List<Trouble>, tasks: &List<Task>) -> Option<Failure> {
    told(errors, tasks).or_else(|| in_tasks(tasks))
}

fn in_tasks(tasks: &List<Task>) -> Option<Failure> {
    tasks.iter().find_map(|task| {
        let inside = || in_tasks(&task.group_task_custom_details.get()?.child_tasks);
        told(&task.errors, tasks).or_else(inside)
    })
}

/// Returns the most specific of what is told; several entries can describe one failure.
fn told(errors: &List<Trouble>, tasks: &List<Task>) -> Option<Failure> {
    let task_name = |id: &str| {
        let task = tasks.iter().find(|task| task.task_id.is(id));
        task.and_then(|task| task.friendly_name.or(&task.name)).unwrap_or(id).to_owned()
    };
    let read = |trouble: &Trouble| {
        let service = trouble.service_error_details.get();
        let provider = trouble.provider_error_details.get();
        let code = service.and_then(|service| service.code.get());
        let number = provider.and_then(|provider| provider.error_code.whole()).filter(|number| *number != 0);
        let message = service.and_then(|service| service.message.get());
        let theirs = provider.and_then(|provider| provider.error_message.get());
        // A general code stands before the provider's own.
        let (code, message) = match (code, number) {
            (Some(code), Some(number)) if is_general(code) => (number.to_string(), theirs.or(message)),
            (Some(code), _) => (code.to_owned(), message.or(theirs)),
            (None, Some(number)) => (number.to_string(), theirs.or(message)),
            (None, None) => return None,
        };
        Some(Failure {
            code: redact::words(&code),
            message: redact::words(message.unwrap_or_default()),
            task: redact::words(&task_name(trouble.task_id.or_empty())),
        })
    };
    let is_error = |trouble: &&Trouble| {
        trouble.error_level.get().is_none_or(|level| level.eq_ignore_ascii_case("Error"))
    };
    let own: Vec<Failure> = errors.iter().filter(is_error).filter_map(read).collect();
    own.iter().find(|failure| !is_general(&failure.code)).or_else(|| own.first()).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(value: serde_json::Value) -> Job {
        serde_json::from_value(value).expect("it can be read")
    }

    fn error(code: &str, number: i64) -> serde_json::Value {
        json!({"serviceErrorDetails": {"code": code, "message": format!("m{code}")},
            "providerErrorDetails": {"errorCode": number, "errorMessage": if number == 0 { None } else { Some("theirs") }},
            "errorLevel": "Error", "taskId": "FailoverTask"})
    }

    #[test]
    fn the_specific_error_is_told_before_the_general_one() {
        let tasks = json!([{"taskId": "FailoverTask", "friendlyName": "Start failover", "state": "Failed"}]);
        let failed =
            job(json!({"state": "Failed", "errors": [error("539", 0), error("28031", 0)], "tasks": tasks}));
        let failure =
            Failure { code: "28031".into(), message: "m28031".into(), task: "Start failover".into() };
        assert_eq!(status(&failed, &[], None, Timestamp::UNIX_EPOCH), OperationStatus::Failed(failure));
        let theirs = job(json!({"state": "Failed", "errors": [error("539", 78037)]}));
        match status(&theirs, &[], None, Timestamp::UNIX_EPOCH) {
            OperationStatus::Failed(failure) => {
                assert_eq!((failure.code.as_str(), failure.message.as_str()), ("78037", "theirs"))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_of_several_machines_tells_how_it_ended_for_each() {
        let vm = |name: &str, state: &str, errors: serde_json::Value| {
            json!({"taskType": "VirtualMachineTaskDetails", "friendlyName": name, "state": state, "errors": errors,
                "customDetails": {"jobTask": {"targetObjectName": name}}})
        };
        let tree = json!([{"taskType": "RecoveryPlanGroupTaskDetails", "state": "Failed", "groupTaskCustomDetails":
            {"childTasks": [vm("a", "Succeeded", json!([])), vm("b", "Failed", json!([error("8061", 0)]))]}}]);
        let partly = job(json!({"state": "PartiallySucceeded", "tasks": tree}));
        let machines = [MachineName::new("a"), MachineName::new("B"), MachineName::new("c")];
        match status(&partly, &machines, None, Timestamp::UNIX_EPOCH) {
            OperationStatus::PartiallySucceeded { members } => {
                let told: Vec<_> = members
                    .iter()
                    .map(|member| {
                        (
                            member.machine.as_str(),
                            member.failure.as_ref().map(|failure| failure.code.as_str()),
                        )
                    })
                    .collect();
                assert_eq!(told, [("a", None), ("B", Some("8061")), ("c", Some("8061"))]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_job_that_repeats_a_secret_gives_nothing_away() {
        let canary = "opaque-canary-9c-4";
        let _held = crate::secret::hold(canary.to_owned().into());
        let failed = json!({"state": "Failed", "errors": [error(canary, 0)],
            "tasks": [{"taskId": "FailoverTask", "friendlyName": canary}]});
        let member = json!({"taskType": "VirtualMachineTaskDetails", "friendlyName": "a", "state": "Failed"});
        let partly = json!({"state": "PartiallySucceeded", "tasks": [member]});
        for told in
            [failed, partly, json!({"state": canary}), json!({"state": "InProgress", "friendlyName": canary})]
        {
            let shown = format!("{:?}", status(&job(told), &[], None, Timestamp::UNIX_EPOCH));
            assert!(!shown.contains(canary), "{shown}");
        }
    }

    #[test]
    fn information_is_no_failure_and_a_new_word_is_shown() {
        assert_eq!(stage(&job(json!({"state": "CompletedWithInformation"}))), Stage::Succeeded);
        let suspended = status(&job(json!({"state": "Suspended"})), &[], None, Timestamp::UNIX_EPOCH);
        assert_eq!(suspended, OperationStatus::Unknown { state: "Suspended".into() });
    }
}
