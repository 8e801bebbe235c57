//! Jobs beside the world as the service shows them.

use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::job::shown;
use crate::provider::emulator::http::job::shown::Phase;
use crate::provider::emulator::http::job::shown::ShownJob;
use crate::provider::emulator::http::job::shown::ShownTask;

/// How long a job is shown as one that was only taken on.
pub const TAKEN_ON: SignedDuration = SignedDuration::from_secs(1);

/// Returns a job beside the world as it is at `now`.
pub(super) fn shown(job: &ServiceJob, now: Timestamp) -> ShownJob {
    let ends = job.ends();
    let over = ends <= now;
    let phase = match (over, &job.failure, job.cancelled, &job.information) {
        (false, ..) if now.duration_since(job.begun) < TAKEN_ON => Phase::NotStarted,
        (false, ..) if job.is_suspended(now) => Phase::Suspended,
        (false, ..) => Phase::InProgress,
        (true, _, Some(_), _) => Phase::Cancelled,
        (true, Some(_), None, _) => Phase::Failed,
        (true, None, None, Some(_)) => Phase::CompletedWithInformation,
        (true, None, None, None) => Phase::Succeeded,
    };
    let activity = format!("{} ActivityId: {}", job.client_request_id, job.correlation_id);
    let mut errors = Vec::new();
    let mut tasks = Vec::with_capacity(job.tasks.len());
    for (at, (task, times)) in job.tasks.iter().zip(job.times()).enumerate() {
        let mut shown_task = ShownTask::plain(task.id, task.name, task.words, Phase::NotStarted);
        if let Some(manual) = &task.manual {
            shown_task.words.clone_from(&manual.name);
            let details = json!({
                "instanceType": "ManualActionTaskDetails", "name": manual.name,
                "instructions": manual.instructions, "observation": null,
            });
            shown_task.kind = ("ManualActionTaskDetails", details, Value::Null);
        }
        match times.filter(|(begun, _)| *begun <= now) {
            None if task.seconds.is_none() || (over && job.failure.is_some()) => {
                shown_task.phase = Phase::Skipped;
            }
            None => {}
            Some((begun, ended)) => {
                shown_task.begun = Some(begun);
                let failing = job.failure.as_ref().filter(|(failing, _)| *failing == at);
                shown_task.phase = match failing {
                    _ if ended > now && job.cancelled.is_none() && task.manual.is_some() => Phase::Suspended,
                    _ if ended > now && job.cancelled.is_none() => Phase::InProgress,
                    _ if ended > ends => Phase::Cancelled,
                    Some(_) => Phase::Failed,
                    None => Phase::Succeeded,
                };
                shown_task.ended = shown_task.phase.is_over().then_some(ended.min(ends));
                if let Some((_, trouble)) = failing.filter(|_| shown_task.phase == Phase::Failed) {
                    let id = guid::guid("error", &job.name);
                    shown_task.errors.push(shown::error(trouble, &activity, ended, Some(task.id), &id));
                }
            }
        }
        errors.extend(shown_task.errors.iter().cloned());
        tasks.push(shown_task);
    }
    let failed = job.failure.as_ref().map(|(_, trouble)| (trouble.code.clone(), trouble.message.clone()));
    ShownJob {
        name: job.name.clone(),
        scenario: job.scenario.to_owned(),
        friendly: job.friendly.to_owned(),
        phase,
        tasks,
        errors,
        error: failed.or_else(|| job.information.clone()),
        begun: job.begun,
        ended: over.then_some(ends),
        actions: actions(phase, job.scenario),
        target: job.target.clone(),
        details: details(&job.details),
        activity,
        resource: job.resource.clone(),
        removes: job.removes,
    }
}

fn details(more: &Value) -> Value {
    let mut details = json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": {} });
    if let (Some(into), Some(from)) = (details.as_object_mut(), more.as_object()) {
        into.extend(from.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    details
}

/// Returns what a person may do to a job of a scenario: a failed failover or commit is not begun again.
#[must_use]
pub(super) fn actions(phase: Phase, scenario: &str) -> Vec<&'static str> {
    match phase {
        Phase::InProgress => vec!["Cancel"],
        Phase::Suspended => vec!["Cancel", "Resume"],
        Phase::Failed | Phase::Cancelled
            if matches!(
                scenario,
                "SwitchReplicationGroupProtection"
                    | "EnableDr"
                    | "DisableDr"
                    | "AddProtectionProfile"
                    | "ModifyProtectionProfile"
                    | "AssociateProtectionProfile"
                    | "DissociateProtectionProfile"
            ) =>
        {
            vec!["Restart"]
        }
        Phase::NotStarted
        | Phase::Succeeded
        | Phase::CompletedWithInformation
        | Phase::PartiallySucceeded
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Skipped => Vec::new(),
    }
}
