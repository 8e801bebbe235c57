//! Jobs of the world as the service shows them.

use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::job::service::TAKEN_ON;
use crate::provider::emulator::http::job::service::actions;
use crate::provider::emulator::http::job::shown;
use crate::provider::emulator::http::job::shown::Phase;
use crate::provider::emulator::http::job::shown::ShownJob;
use crate::provider::emulator::http::job::shown::ShownTask;
use crate::provider::emulator::http::job::tree;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::job::Job;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Part;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::latency::TaskKind;
use crate::provider::emulator::latency::TaskSpec;
use crate::provider::operation::Failure;
use crate::provider::request::Request;

/// Tasks of the job that maps a policy: the world has as many for making and mapping one.
const MAPPING: [(&str, &str, &str); 4] = [
    ("CloudPairingWfPreflightChecksTask", "CloudPairingPrerequisitesCheck", "Check protection prerequisites"),
    ("CloudPairingWfPrepareSiteTask", "CloudPairingPrepareSite", "Prepare the server"),
    (
        "CloudPairingWfPrepareCloudForPairingTask",
        "CloudPairingPrepareCloud",
        "Prepare for configuring protection",
    ),
    ("CloudPairingWfPairCloudsTask", "CloudPairingPairClouds", "Configure the protection settings"),
];

/// Returns a job of the world as it is now; a thin one has neither tasks nor details.
pub(super) fn shown(visit: &Visit<'_>, at: usize, thin: bool) -> ShownJob {
    let world = visit.world();
    let job = &world.jobs[at];
    let identity = visit.identity();
    let name = identity.job_name(&job.id);
    let (scenario, friendly) = scenario(visit, job, at);
    let note = visit.desk.notes.get(&at);
    // A server that was started again has no notes; the world's key still tells what the client called its request.
    let asked_as = job.key.as_ref().map(|key| {
        let key = key.as_str();
        key.rsplit_once('#').map_or(key, |(first, _)| first).to_owned()
    });
    let activity = note.map_or_else(
        || {
            let asked_as = asked_as.unwrap_or_else(|| guid::guid("portal", &name));
            format!("{asked_as} ActivityId: {}", guid::guid("activity", &name))
        },
        |note| format!("{} ActivityId: {}", note.client_request_id, note.correlation_id),
    );
    let information = note.and_then(|note| note.information.clone());
    let ended = job.parts.iter().map(|part| part.ended).max().flatten().filter(|_| job.open == 0);
    let failures = || job.parts.iter().filter_map(|part| part.failure.as_ref());
    let failed = failures().count();
    let phase = match ended {
        None if visit.now.duration_since(job.taken_at) < TAKEN_ON => Phase::NotStarted,
        None => Phase::InProgress,
        Some(_) if failed == 0 && information.is_some() => Phase::CompletedWithInformation,
        Some(_) if failed == 0 => Phase::Succeeded,
        Some(_) if failures().all(|failure| failure.code == "Cancelled") => Phase::Cancelled,
        Some(_) if failed == job.parts.len() => Phase::Failed,
        Some(_) => Phase::PartiallySucceeded,
    };
    let machine = job.parts.first().and_then(|part| part.machine);
    let plan = plan_of(&job.request);
    let target = match (plan, machine) {
        (Some(plan), _) => Target {
            id: Some(guid::guid("plan", &plan.to_lowercase())),
            name: Some(plan.to_owned()),
            kind: "RecoveryPlan",
        },
        (None, Some(machine)) => item::target(visit, machine),
        (None, None) => Target {
            id: Some(guid::guid("policy", identity.policy(true))),
            name: Some(identity.policy(true).to_owned()),
            kind: "ProtectionProfile",
        },
    };
    let context = Context { visit, job, activity: &activity };
    let tasks = if thin {
        Vec::new()
    } else if plan.is_some() && machine.is_some() {
        tree::tasks(&context, &scenario)
    } else {
        job.parts.first().map_or_else(Vec::new, |part| part_tasks(&context, part))
    };
    let mut errors: Vec<Value> = tasks.iter().flat_map(|task| task.errors.iter().cloned()).collect();
    if errors.is_empty() && !thin {
        for part in &job.parts {
            errors.extend(part_errors(&context, part, None));
        }
    }
    let error = failures().next().map(|failure| (failure.code.clone(), failure.message.clone()));
    ShownJob {
        details: if thin { Value::Null } else { details(visit, job, &scenario, machine, ended) },
        actions: actions(phase, &scenario),
        scenario,
        friendly,
        phase,
        tasks,
        errors,
        error: error.or(information),
        begun: job.taken_at,
        ended,
        target,
        activity,
        resource: note.map_or_else(
            || machine.map_or_else(String::new, |at| identity.item_id(world.items[at].name.as_str())),
            |note| note.resource.clone(),
        ),
        removes: job.kind == JobKind::DeletePlan,
        name,
    }
}

/// What is needed to show the parts of a job.
pub(super) struct Context<'a> {
    pub visit: &'a Visit<'a>,
    pub job: &'a Job,
    pub activity: &'a str,
}

fn plan_of(request: &Request) -> Option<&str> {
    match request {
        Request::MakeRecoveryPlan { name, .. } | Request::DeleteRecoveryPlan { name } => Some(name),
        Request::FailoverToOnprem { recovery_plan, .. } | Request::Commit { recovery_plan, .. } => {
            recovery_plan.as_deref()
        }
        Request::Prepare
        | Request::ReprotectToOnprem { .. }
        | Request::CancelFailover { .. }
        | Request::ReprotectToAzure { .. } => None,
    }
}

/// Returns the scenario of a job and the words for it.
fn scenario(visit: &Visit<'_>, job: &Job, at: usize) -> (String, String) {
    let own = |scenario: &str, friendly: &str| (scenario.to_owned(), friendly.to_owned());
    match job.kind {
        JobKind::Prepare => own("AssociateProtectionProfile", "Associate replication policy"),
        JobKind::SavePlan => {
            let again = visit.desk.notes.get(&at).is_some_and(|note| note.again);
            own(if again { "UpdateRecoveryPlan" } else { "SaveRecoveryPlan" }, "Save a recovery plan")
        }
        JobKind::DeletePlan => own("DeleteRecoveryPlan", "Delete a recovery plan"),
        JobKind::Reprotect | JobKind::Forward => own("SwitchReplicationGroupProtection", "Reprotect"),
        JobKind::Failover if visit.world().site.classic => own("UnplannedFailover", "Failover"),
        JobKind::Failover => own("PlannedFailover", "Planned failover"),
        JobKind::Cancel => own("CancelFailover", "Cancel failover and resume replication"),
        JobKind::Commit => {
            let refused = latency::COMMIT_REFUSED[0].name;
            let only_refused = job.parts.iter().all(|part| part.tasks[0].spec.name == refused);
            own(if only_refused { "FinalizeFailback" } else { "CommitFailover" }, "Commit")
        }
    }
}

/// Returns the tasks of one part, those included that never came.
pub(super) fn part_tasks(context: &Context<'_>, part: &Part) -> Vec<ShownTask> {
    let job = context.job;
    // A part that was refused has one task in the world, the service shows all of them.
    let refused = part.tasks.len() == 1 && part.tasks[0].spec.kind == TaskKind::Refuse;
    let all: &[TaskSpec] = match job.kind {
        _ if !refused => &[],
        JobKind::Reprotect | JobKind::Forward => latency::REPROTECT,
        JobKind::Failover if context.visit.world().site.classic => latency::CLASSIC_FAILOVER,
        JobKind::Failover => latency::MODERNIZED_FAILOVER,
        JobKind::Cancel => latency::CANCEL,
        JobKind::Commit if part.tasks[0].spec.name == latency::COMMIT_REFUSED[0].name => {
            latency::COMMIT_REFUSED
        }
        JobKind::Commit => latency::COMMIT,
        JobKind::Prepare | JobKind::SavePlan | JobKind::DeletePlan => &[],
    };
    let name = context.visit.identity().job_name(&job.id);
    let busy = part.failure.as_ref().is_some_and(|failure| failure.code == "532");
    let mut tasks = Vec::new();
    let mut begin = job.taken_at;
    for (at, task) in part.tasks.iter().enumerate() {
        let end = plus(begin, task.seconds);
        let (id, task_name, words) = match job.kind {
            JobKind::Prepare => MAPPING[at.min(3)],
            _ => (task_id(task.spec.name), task.spec.name, task.spec.words),
        };
        let id = if id.is_empty() { guid::guid("task", &format!("{name} {at}")) } else { id.to_owned() };
        let mut shown = ShownTask::plain(id, task_name, words, Phase::NotStarted);
        let failed_here = part.failure.is_some() && at == part.running;
        let done = at < part.running || (part.ended.is_some() && part.failure.is_none());
        let left_out = task.spec.kind == TaskKind::Shutdown && job.leaves_azure;
        if (done && (task.seconds == 0 || left_out))
            || (busy && failed_here)
            || (part.failure.is_some() && at > part.running)
        {
            shown.phase = Phase::Skipped;
        } else if done {
            (shown.phase, shown.begun, shown.ended) = (Phase::Succeeded, Some(begin), Some(end));
        } else if failed_here {
            (shown.phase, shown.begun, shown.ended) = (Phase::Failed, Some(begin), part.ended);
            shown.errors = part_errors(context, part, Some(&shown.id));
        } else if at == part.running {
            (shown.phase, shown.begun) = (Phase::InProgress, Some(begin));
        }
        if task.spec.kind == TaskKind::Protect && (shown.begun.is_some()) {
            tree::enable(context, part, &mut shown);
        }
        tasks.push(shown);
        begin = end;
    }
    let shown_names: Vec<String> = tasks.iter().map(|task| task.name.clone()).collect();
    let never = if busy { Phase::Skipped } else { Phase::NotStarted };
    for spec in all.iter().filter(|spec| !shown_names.iter().any(|name| name == spec.name)) {
        let id = task_id(spec.name);
        let id =
            if id.is_empty() { guid::guid("task", &format!("{name} {}", spec.name)) } else { id.to_owned() };
        tasks.push(ShownTask::plain(id, spec.name, spec.words, never));
    }
    tasks
}

/// Returns the errors of a part that failed, the particular one first.
pub(super) fn part_errors(context: &Context<'_>, part: &Part, task: Option<&str>) -> Vec<Value> {
    let (Some(Failure { code, message, .. }), Some(ended)) = (&part.failure, part.ended) else {
        return Vec::new();
    };
    let name = context.visit.identity().job_name(&context.job.id);
    let error = |code: &str, message: &str, which: &str| {
        let id = guid::guid("error", &format!("{name} {which}"));
        shown::error(&Trouble::new(code, message), context.activity, ended, task, &id)
    };
    let mut errors = vec![error(code, message, code)];
    if shown::is_of_provider(code) {
        let provider = part.machine.map_or("InMage", |at| item::provider(context.visit, at).word());
        let general =
            format!("The requested action couldn't be performed by the '{provider}' Replication Provider.");
        errors.push(error("539", &general, "539"));
    }
    errors
}

/// Returns to which points the machines of a failover went that have ended: a job of a recovery plan was recorded to tell, and one
/// of a machine alone not to.
fn failed_over(visit: &Visit<'_>, job: &Job) -> Vec<Value> {
    let Request::FailoverToOnprem { recovery_plan: Some(_), .. } = &job.request else { return Vec::new() };
    let is_over = |part: &&Part| part.ended.is_some() && part.failure.is_none();
    let items = job.parts.iter().filter(is_over).filter_map(|part| part.machine);
    let items = items.filter_map(|at| {
        let item = &visit.world().items[at];
        let point = item.reached.as_ref()?;
        Some(json!({
            "name": guid::guid("item", item.name.as_str()), "friendlyName": item.name,
            "testVmName": null, "testVmFriendlyName": null, "networkConnectionStatus": null,
            "networkFriendlyName": null, "subnet": null,
            "recoveryPointId": point.id, "recoveryPointTime": point.at.map(shown::stamp),
        }))
    });
    items.collect()
}

fn details(
    visit: &Visit<'_>,
    job: &Job,
    scenario: &str,
    machine: Option<usize>,
    ended: Option<Timestamp>,
) -> Value {
    let affected = machine.map_or_else(
        || item::fabric_details(visit, true),
        |machine| item::affected(visit, machine, !matches!(job.kind, JobKind::Forward)),
    );
    match scenario {
        "UnplannedFailover" | "PlannedFailover" => json!({
            "instanceType": "FailoverJobDetails", "protectedItemDetails": failed_over(visit, job),
            "affectedObjectDetails": affected,
        }),
        "SwitchReplicationGroupProtection" => {
            let protects = job.parts.first().is_some_and(|part| part.running >= 4);
            let item = machine.map(|at| visit.identity().item_id(visit.world().items[at].name.as_str()));
            json!({
                "instanceType": "SwitchProtectionJobDetails", "affectedObjectDetails": affected,
                "newReplicationProtectedItemId": item.filter(|_| protects || ended.is_some()),
            })
        }
        _ => json!({ "instanceType": "AsrJobDetails", "affectedObjectDetails": affected }),
    }
}

/// Returns the id of a task where it is not its name; nothing where it is made up.
fn task_id(name: &'static str) -> &'static str {
    match name {
        "VmUfoPrerequisitesCheck" => "UnplannedFailoverPreflightChecksTask",
        "VmShutdownVmOnPrimary" => "ShutdownVmOnPrimaryForUFO",
        "VmPrepareForUnPlannedFailover" => "PrepareForUnPlannedFailoverTask",
        "VmFailover" => "FailoverTask",
        "VmFoStartVmOnSecondary" => "StartVmOnSecondary",
        "VmPfoPrerequisitesCheck" => "PlannedFailoverPreflightChecksTask",
        "VmPrepareForFailover" => "PrepareForFailoverTask",
        "VmPrepareProtectedEntitiesTask" => "PrepareProtectedEntitiesTask",
        "VmCommitFailover" => "CommitFailoverTask",
        "CancelFailoverPrimaryTask" => "CancelFailoverPrimary",
        "VmCommitPrerequisitesCheck"
        | "VmCommit"
        | "RpSrsPrerequisitesCheck"
        | "SaveRecoveryPlanTask"
        | "DeleteRecoveryPlanTask" => "",
        other => other,
    }
}

/// Returns `seconds` after `at`.
pub(super) fn plus(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
