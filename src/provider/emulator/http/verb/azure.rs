//! The direction to Azure: failover, test failover, and another recovery point while the failover is not committed.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk;
use crate::provider::emulator::http::desk::Manual;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::desk::Test;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::service::ServiceAct;
use crate::syntax::machine::State;

pub(super) fn fail_item_over(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machine: usize,
    properties: &Value,
    details: &Value,
) -> Answer {
    let shuts_down = super::shuts_down(properties)
        || text(details, "performShutdown").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let point = text(details, "recoveryPointId").and_then(|id| id.rsplit('/').next()).map(str::to_owned);
    let target = item::target(visit, machine);
    let resource = visit.identity().item_id(visit.world().items[machine].name.as_str());
    let answer =
        fail_over_to_azure(visit, asked, vec![machine], (target, Pauses::default()), resource, shuts_down);
    if let Some(point) = point {
        visit.desk.chosen_points.insert(machine, point);
    }
    answer
}

/// What people do during a job: before the machines' own tasks, and after them.
#[derive(Clone, Debug, Default)]
pub(in crate::provider::emulator::http) struct Pauses {
    pub(in crate::provider::emulator::http) before: Vec<Manual>,
    pub(in crate::provider::emulator::http) after: Vec<Manual>,
}

impl Pauses {
    /// Puts the tasks of people around those that follow the check.
    fn around(self, tasks: &mut Vec<ServiceTask>) {
        let checked = tasks.len().min(1);
        drop(tasks.splice(checked..checked, self.before.into_iter().map(ServiceTask::of_person)));
        tasks.extend(self.after.into_iter().map(ServiceTask::of_person));
    }
}

/// Fails machines over to Azure.
pub(in crate::provider::emulator::http) fn fail_over_to_azure(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machines: Vec<usize>,
    (target, pauses): (Target, Pauses),
    resource: String,
    shuts_down: bool,
) -> Answer {
    let classic = visit.identity().classic;
    let check = ServiceTask {
        id: "UnplannedFailoverPreflightChecksTask",
        ..ServiceTask::new("VmUfoPrerequisitesCheck", "Prerequisites check for failover", 1)
    };
    let shutdown = ServiceTask {
        id: "ShutdownVmOnPrimaryForUFO",
        seconds: shuts_down.then_some(30),
        ..ServiceTask::new("VmShutdownVmOnPrimary", "Shut down the virtual machine", 0)
    };
    let mut tasks = vec![check, shutdown];
    if classic {
        tasks.push(ServiceTask {
            id: "PrepareForUnPlannedFailoverTask",
            ..ServiceTask::skipped("VmPrepareForUnPlannedFailover", "Synchronizing the latest changes")
        });
    }
    // 2 min 16 s in classic and 7 min 48 s in modernized were recorded.
    let (switch, words) = if classic {
        (120, "Start the replica virtual machine")
    } else {
        (450, "Starting Azure virtual machine")
    };
    tasks
        .push(ServiceTask { id: "FailoverTask", ..ServiceTask::new("VmFailover", "Start failover", switch) });
    tasks.push(ServiceTask {
        id: "StartVmOnSecondary",
        ..ServiceTask::new("VmFoStartVmOnSecondary", words, 15)
    });
    pauses.around(&mut tasks);
    let ready = machines.iter().all(|at| visit.world().items[*at].settled == State::ProtectedToAzure);
    let mut job = ServiceJob::new("UnplannedFailover", "Failover", target, tasks, resource);
    let affected = machines.first().map(|at| item::affected(visit, *at, false));
    job.details = json!({
        "instanceType": "FailoverJobDetails", "protectedItemDetails": [], "affectedObjectDetails": affected,
    });
    job.machines.clone_from(&machines);
    if !ready {
        job = job.failing(0, "InvalidStateForFailover", "The virtual machine isn't ready for a failover.");
        return visit.start(asked, job);
    }
    let names = desk::names(visit.world(), &machines);
    let job = job.acting(names.into_iter().map(|machine| ServiceAct::ArriveInAzure { machine, shuts_down }));
    visit.start(asked, job)
}

pub(super) fn test_item(visit: &mut Visit<'_>, asked: &Asked, machine: usize, properties: &Value) -> Answer {
    if !super::direction_is(properties, "PrimaryToRecovery") {
        return super::wrong_direction(asked);
    }
    let target = item::target(visit, machine);
    let resource = visit.identity().item_id(visit.world().items[machine].name.as_str());
    test_failover(visit, asked, vec![machine], (target, Pauses::default()), resource, properties)
}

/// Begins a test failover of machines.
pub(in crate::provider::emulator::http) fn test_failover(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machines: Vec<usize>,
    (target, pauses): (Target, Pauses),
    resource: String,
    properties: &Value,
) -> Answer {
    // 4 min were recorded.
    let mut tasks = vec![
        ServiceTask {
            id: "TestFailoverPreflightChecksTask",
            ..ServiceTask::new("VmTfoPrerequisitesCheck", "Prerequisites check for test failover", 1)
        },
        ServiceTask {
            id: "BeginTestFailoverTask",
            ..ServiceTask::new("VmTfoInitiateFailover", "Starting test failover", 97)
        },
        ServiceTask {
            id: "PrepareTestProtectedEntitiesTask",
            ..ServiceTask::new("VmTfoPrepareTestVm", "Creating test virtual machine", 139)
        },
        ServiceTask {
            id: "BootTestProtectedEntitiesTask",
            ..ServiceTask::new("VmTfoBootTestVm", "Start the virtual machine", 1)
        },
    ];
    pauses.around(&mut tasks);
    let ready = machines.iter().all(|at| {
        visit.world().items[*at].settled == State::ProtectedToAzure && !visit.desk.tests.contains_key(at)
    });
    let network = text(properties, "networkId").and_then(|id| id.rsplit('/').next());
    let mut job = ServiceJob::new("TestFailover", "Test failover", target, tasks, resource);
    let affected = machines.first().map(|at| item::affected(visit, *at, false));
    job.details = json!({
        "instanceType": "TestFailoverJobDetails", "testFailoverStatus": "Active", "comments": null,
        "networkName": network, "networkFriendlyName": network,
        "networkType": text(properties, "networkType"), "protectedItemDetails": [],
        "affectedObjectDetails": affected,
    });
    job.machines.clone_from(&machines);
    if !ready {
        job = job.failing(
            0,
            "InvalidStateForTestFailover",
            "The virtual machine isn't ready for a test failover.",
        );
        return visit.start(asked, job);
    }
    let job = job.then_at_desk(move |desk, at| {
        for machine in machines {
            desk.tests.insert(machine, Test::stands(Some(at)));
        }
    });
    visit.start(asked, job)
}

pub(super) fn clean_item(visit: &mut Visit<'_>, asked: &Asked, machine: usize, properties: &Value) -> Answer {
    let target = item::target(visit, machine);
    let resource = visit.identity().item_id(visit.world().items[machine].name.as_str());
    test_failover_cleanup(visit, asked, vec![machine], target, resource, properties)
}

/// Ends a test failover of machines.
pub(in crate::provider::emulator::http) fn test_failover_cleanup(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machines: Vec<usize>,
    target: Target,
    resource: String,
    properties: &Value,
) -> Answer {
    // 34 s to 2 min 44 s were recorded.
    let tasks = vec![
        ServiceTask {
            id: "TestFailoverCleanupPreflightChecksTask",
            ..ServiceTask::new(
                "VmTfoCleanupPreflightsCheck",
                "Prerequisites check for test failover cleanup",
                1,
            )
        },
        ServiceTask {
            id: "EndTestFailoverTask",
            ..ServiceTask::new("VmTfoEndFailover", "Ending test failover", 1)
        },
        ServiceTask {
            id: "CleanupTestProtectedEntitiesTask",
            ..ServiceTask::new("VmTfoDeleteTestVm", "Clean up the test virtual machine", 32)
        },
    ];
    let ready = machines.iter().any(|at| visit.desk.tests.contains_key(at));
    let mut job = ServiceJob::new("TestFailoverCleanup", "Test failover cleanup", target, tasks, resource);
    let affected = machines.first().map(|at| item::affected(visit, *at, false));
    job.details = json!({
        "instanceType": "TestFailoverJobDetails", "testFailoverStatus": null,
        "comments": text(properties, "comments"), "networkName": null, "networkFriendlyName": null,
        "networkType": null, "protectedItemDetails": [], "affectedObjectDetails": affected,
    });
    job.machines.clone_from(&machines);
    if !ready {
        job = job.failing(0, "NoTestFailover", "There is no test failover to clean up.");
        return visit.start(asked, job);
    }
    let job = job.then_at_desk(move |desk, _| {
        for machine in machines {
            desk.tests.remove(&machine);
        }
    });
    visit.start(asked, job)
}

/// Takes another recovery point while the failover to Azure is not committed.
pub(super) fn apply_recovery_point(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machine: usize,
    properties: &Value,
) -> Answer {
    let (details, _) = super::input(properties);
    let point = text(properties, "recoveryPointId").or_else(|| text(&details, "recoveryPointId"));
    let Some(point) = point.and_then(|id| id.rsplit('/').next()).map(str::to_owned) else {
        return Answer::asr_error(
            asked,
            400,
            "InvalidParameter",
            "The parameter 'recoveryPointId' is missing.",
        );
    };
    let target = item::target(visit, machine);
    let resource = visit.identity().item_id(visit.world().items[machine].name.as_str());
    // Its tasks were not recorded.
    let tasks = vec![ServiceTask::new("ChangePitTask", "Change the recovery point", 120)];
    let mut job = ServiceJob::new("ChangePit", "Change the recovery point", target, tasks, resource);
    job.machines = vec![machine];
    if visit.world().items[machine].settled != State::FailedOver {
        let message = "The recovery point can't be changed: no failover waits for its commit.";
        return visit.start(asked, job.failing(0, "InvalidStateForChangePit", message));
    }
    let job = job.then_at_desk(move |desk, _| {
        desk.chosen_points.insert(machine, point);
    });
    visit.start(asked, job)
}
