//! Trees of tasks: what stands below a recovery plan's job, and the job that a reprotect begins.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::job::shown::Phase;
use crate::provider::emulator::http::job::shown::ShownJob;
use crate::provider::emulator::http::job::shown::ShownTask;
use crate::provider::emulator::http::job::world::Context;
use crate::provider::emulator::http::job::world::part_tasks;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::job::Job;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Part;

/// Returns the name of the job that a part of another one is.
#[must_use]
pub fn child_name(visit: &Visit<'_>, job: &Job, part: usize) -> String {
    let identity = visit.identity();
    guid::guid("child", &format!("{} {part}", identity.job_name(&job.id)))
}

/// Turns the last task of a reprotect into the group that it is once it runs, with the job that enables replication.
pub(super) fn enable(context: &Context<'_>, part: &Part, task: &mut ShownTask) {
    let Some(machine) = part.machine else { return };
    let visit = context.visit;
    let target = item::target(visit, machine);
    let name = target.name.clone().unwrap_or_default();
    let job = visit.identity().job_id(&child_name(visit, context.job, 0));
    let mut child = ShownTask::plain("EnableDr", &name, &name, task.phase);
    (child.begun, child.ended, child.errors) = (task.begun, task.ended, Vec::new());
    child.kind = (
        "JobTaskDetails",
        json!({ "instanceType": "JobTaskDetails", "jobTask": {
            "jobId": job, "jobFriendlyName": "Enable replication", "targetObjectId": target.id,
            "targetObjectName": target.name, "targetInstanceType": "Vm", "jobScenarioName": "EnableDr",
        } }),
        Value::Null,
    );
    task.words = format!("{} (1)", task.words);
    let group = json!({ "instanceType": "GroupTaskDetails", "childTasks": [child.json()] });
    task.kind = ("GroupTaskDetails", Value::Null, group);
}

/// Returns the job that enables replication for a reprotect, if it has come so far.
pub(super) fn enable_job(visit: &Visit<'_>, parent: &ShownJob, job: &Job) -> Option<ShownJob> {
    let task = parent.tasks.iter().find(|task| task.id == "ProtectReplicaTask")?;
    let begun = task.begun?;
    let ids = [
        (
            "EnableProtectionPreflightChecksTask",
            "EnableProtectionPrerequisitesCheck",
            "Prerequisites check for enabling protection",
        ),
        (
            "CreateProtectionTargetTask",
            "CreateProtectionTarget",
            "Installing Mobility Service and preparing target",
        ),
        ("EnableProtectionTask", "EnableProtection", "Enable replication"),
        ("StartInitialReplicationTask", "VmStartInitialReplication", "Starting initial replication"),
        ("UpdateDraStateTask", "UpdateDraState", "Updating the provider states"),
    ];
    // How its time is divided among its tasks was not recorded: the third takes all of it.
    let tasks = ids.iter().enumerate().map(|(at, (id, name, words))| {
        let phase = match (at, task.phase) {
            (0 | 1, _) => Phase::Succeeded,
            (2, phase) => phase,
            (_, Phase::Succeeded) => Phase::Succeeded,
            (_, Phase::InProgress | Phase::NotStarted) => Phase::NotStarted,
            _ => Phase::Skipped,
        };
        let mut shown = ShownTask::plain(*id, name, words, phase);
        (shown.begun, shown.ended) = match at {
            0 | 1 => (Some(begun), Some(begun)),
            2 => (task.begun, task.ended),
            _ => (task.ended.filter(|_| phase.is_over()), task.ended.filter(|_| phase.is_over())),
        };
        shown
    });
    let mut child = parent.clone();
    child.tasks = tasks.collect();
    child.name = child_name(visit, job, 0);
    child.scenario = "EnableDr".to_owned();
    child.friendly = "Enable replication".to_owned();
    child.phase = task.phase;
    child.begun = begun;
    child.ended = task.ended;
    child.details = json!({
        "instanceType": "AsrJobDetails", "affectedObjectDetails": parent.details["affectedObjectDetails"],
    });
    Some(child)
}

/// Returns the job of one machine of a recovery plan's job.
pub(super) fn member_job(visit: &Visit<'_>, parent: &ShownJob, job: &Job, part: usize) -> Option<ShownJob> {
    let of = job.parts.get(part)?;
    let context = Context { visit, job, activity: &parent.activity };
    let mut child = parent.clone();
    child.tasks = part_tasks(&context, of);
    child.errors = child.tasks.iter().flat_map(|task| task.errors.iter().cloned()).collect();
    child.error = of.failure.as_ref().map(|failure| (failure.code.clone(), failure.message.clone()));
    child.name = child_name(visit, job, part);
    child.target = item::target(visit, of.machine?);
    child.ended = of.ended;
    child.phase = match (&of.failure, of.ended) {
        (_, None) => parent.phase,
        (Some(failure), Some(_)) if failure.code == "Cancelled" => Phase::Cancelled,
        (Some(_), Some(_)) => Phase::Failed,
        (None, Some(_)) => Phase::Succeeded,
    };
    child.resource = visit.identity().item_id(visit.world().items[of.machine?].name.as_str());
    Some(child)
}

/// Which tasks of a machine stand in which group of a recovery plan's job.
fn group_of(kind: JobKind, name: &str) -> usize {
    match (kind, name) {
        (_, "RpSrsPrerequisitesCheck") => 0,
        (JobKind::Commit, _) => 2,
        (_, "VmFoStartVmOnSecondary") => 3,
        (_, "VmPrepareForUnPlannedFailover" | "VmPrepareProtectedEntitiesTask") => 2,
        // The word is that of the switch in classic and of the shutdown in modernized.
        (_, "VmFailover") => 2,
        _ => 1,
    }
}

/// Returns the tasks of a recovery plan's job.
pub(super) fn tasks(context: &Context<'_>, scenario: &str) -> Vec<ShownTask> {
    let job = context.job;
    let parts: Vec<Vec<ShownTask>> = job.parts.iter().map(|part| part_tasks(context, part)).collect();
    let all = || parts.iter().flatten();
    let name = context.visit.identity().job_name(&job.id);
    let mut check = ShownTask::plain(
        guid::guid("task", &format!("{name} check")),
        "RpSrsPrerequisitesCheck",
        "Prerequisites check for the recovery plan",
        Phase::InProgress,
    );
    let checks: Vec<&ShownTask> = all().filter(|task| task.name == "RpSrsPrerequisitesCheck").collect();
    merge(&mut check, &checks);
    check.errors =
        checks.iter().find(|task| !task.errors.is_empty()).map_or_else(Vec::new, |task| task.errors.clone());
    let count = parts.len();
    let mut tasks = vec![check];
    let group = |which: usize, id: &str, words: String, kind: &str, kind_of_task: &'static str| {
        let mut children = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let own: Vec<&ShownTask> =
                part.iter().filter(|task| group_of(job.kind, &task.name) == which).collect();
            if !own.is_empty() {
                children.push(member(context, scenario, at, which, &own));
            }
        }
        let mut shown = ShownTask::plain(id, "Unknown", &words, Phase::NotStarted);
        merge(&mut shown, &children.iter().collect::<Vec<_>>());
        let errors: Vec<Value> = children.iter().flat_map(|child| child.errors.iter().cloned()).collect();
        let below: Vec<Value> = children.iter().map(ShownTask::json).collect();
        shown.kind = (
            kind_of_task,
            Value::Null,
            json!({
                "name": id, "groupId": id, "rpGroupType": kind, "instanceType": kind_of_task, "childTasks": below,
            }),
        );
        (shown, errors)
    };
    let plain = "RecoveryPlanGroupTaskDetails";
    if job.kind == JobKind::Failover {
        let (inner, errors) = group(1, "Group1", format!("Shutdown: Group 1 ({count})"), "Shutdown", plain);
        let mut outer = inner.clone();
        outer.id = "ShutdownAllActionGroup".to_owned();
        outer.words = format!("All groups shutdown ({count})");
        outer.kind = (
            "RecoveryPlanShutdownGroupTaskDetails",
            Value::Null,
            json!({
                "name": outer.id, "groupId": outer.id, "rpGroupType": "Shutdown",
                "instanceType": "RecoveryPlanShutdownGroupTaskDetails", "childTasks": [inner.json()],
            }),
        );
        outer.errors = errors;
        tasks.push(outer);
    }
    let words = if job.kind == JobKind::Failover { "Recovery plan failover" } else { "Recovery plan commit" };
    let (mut failover, errors) =
        group(2, "FailoverAllActionGroup", words.to_owned(), "RpFailoverTask", plain);
    failover.errors = errors;
    tasks.push(failover);
    if job.kind == JobKind::Failover {
        let (mut boot, errors) = group(3, "Group1", format!("Group 1: Start ({count})"), "BootGroup", plain);
        boot.errors = errors;
        tasks.push(boot);
    }
    let over = job.open == 0;
    let mut end = ShownTask::plain(
        guid::guid("task", &format!("{name} end")),
        "EndRecoveryPlanTask",
        "Finalizing the recovery plan",
        if over { Phase::Succeeded } else { Phase::NotStarted },
    );
    let ended = job.parts.iter().filter_map(|part| part.ended).max().filter(|_| over);
    (end.begun, end.ended) = (ended, ended);
    tasks.push(end);
    tasks
}

fn member(context: &Context<'_>, scenario: &str, part: usize, group: usize, own: &[&ShownTask]) -> ShownTask {
    let (visit, job) = (context.visit, context.job);
    let machine = job.parts[part].machine.unwrap_or_default();
    let target = item::target(visit, machine);
    let child = child_name(visit, job, part);
    let friendly = match scenario {
        "UnplannedFailover" => "Failover",
        "PlannedFailover" => "Planned failover",
        _ => "Commit",
    };
    let words = target.name.clone().unwrap_or_default();
    let id = guid::guid("task", &format!("{child} {group}"));
    let mut shown = ShownTask::plain(id, "Unknown", &words, Phase::NotStarted);
    merge(&mut shown, own);
    shown.errors = own.iter().flat_map(|task| task.errors.iter().cloned()).collect();
    shown.kind = (
        "VirtualMachineTaskDetails",
        json!({
            "instanceType": "VirtualMachineTaskDetails", "skippedReason": "None", "skippedReasonString": null,
            "jobTask": {
                "jobId": visit.identity().job_id(&child), "jobFriendlyName": friendly,
                "targetObjectId": target.id, "targetObjectName": target.name, "targetInstanceType": "Vm",
                "jobScenarioName": scenario,
            },
        }),
        Value::Null,
    );
    shown
}

/// Writes the state and the times of several tasks on the one that stands for them.
fn merge(into: &mut ShownTask, of: &[&ShownTask]) {
    let any = |phase: Phase| of.iter().any(|task| task.phase == phase);
    let counted: Vec<&&ShownTask> = of.iter().filter(|task| task.phase != Phase::Skipped).collect();
    into.phase = if of.is_empty() || counted.is_empty() {
        if of.is_empty() { Phase::NotStarted } else { Phase::Skipped }
    } else if any(Phase::InProgress) {
        Phase::InProgress
    } else if any(Phase::NotStarted) {
        if counted.iter().any(|task| task.phase.is_over()) && !any(Phase::Failed) {
            Phase::InProgress
        } else {
            Phase::NotStarted
        }
    } else if counted.iter().all(|task| task.phase == Phase::Failed) {
        Phase::Failed
    } else if any(Phase::Failed) {
        Phase::PartiallySucceeded
    } else {
        Phase::Succeeded
    };
    let begun: Option<Timestamp> = of.iter().filter_map(|task| task.begun).min();
    let ended: Option<Timestamp> = of.iter().filter_map(|task| task.ended).max();
    into.begun = begun;
    into.ended = ended.filter(|_| into.phase.is_over());
}
