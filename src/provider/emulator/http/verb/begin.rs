//! How a request is begun: what the world refuses, the service takes on and lets fail.

use crate::id::OperationId;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::visit::failed_call;
use crate::provider::emulator::latency;
use crate::provider::emulator::latency::TaskSpec;
use crate::provider::emulator::service::ServiceAct;
use crate::provider::error::ProviderError;
use crate::provider::request::Request;

/// Begins a request of the world, or answers as the service does to what it does not take on.
pub(in crate::provider::emulator::http) fn begin(
    visit: &mut Visit<'_>,
    asked: &Asked,
    request: &Request,
    resource: String,
) -> Answer {
    match visit.request(asked, request, resource.clone()) {
        Ok(answer) => answer,
        Err(ProviderError::Refused { code, message }) => match code.as_str() {
            "ArmResourceDoesNotExist" => Answer::asr_error(asked, 404, &code, message),
            "InvalidFailoverDirection" => super::wrong_direction(asked),
            "InvalidParameter" => Answer::asr_error(asked, 400, &code, message),
            _ => {
                let job = refused_job(visit, request, resource).failing(0, &code, message);
                visit.start(asked, job)
            }
        },
        Err(error) => failed_call(&error),
    }
}

/// Begins a failover from Azure, which shuts down what runs there only if it is asked to.
pub(in crate::provider::emulator::http) fn begin_failover(
    visit: &mut Visit<'_>,
    asked: &Asked,
    request: &Request,
    resource: String,
    shuts_down: bool,
) -> Answer {
    let before = visit.world().jobs.len();
    let answer = begin(visit, asked, request, resource);
    let begun: Vec<OperationId> = visit.world().jobs[before..].iter().map(|job| job.id.clone()).collect();
    if !shuts_down {
        for operation in begun {
            visit.serve(ServiceAct::LeaveRunning { operation });
        }
    }
    answer
}

/// Returns the job that a refused request becomes.
fn refused_job(visit: &Visit<'_>, request: &Request, resource: String) -> ServiceJob {
    let classic = visit.identity().classic;
    let (scenario, friendly, tasks): (_, _, &[TaskSpec]) = match request {
        Request::Prepare => ("AssociateProtectionProfile", "Associate replication policy", latency::PREPARE),
        Request::MakeRecoveryPlan { .. } => ("SaveRecoveryPlan", "Save a recovery plan", latency::SAVE_PLAN),
        Request::DeleteRecoveryPlan { .. } => {
            ("DeleteRecoveryPlan", "Delete a recovery plan", latency::DELETE_PLAN)
        }
        Request::ReprotectToOnprem { .. } | Request::ReprotectToAzure { .. } => {
            ("SwitchReplicationGroupProtection", "Reprotect", latency::REPROTECT)
        }
        Request::FailoverToOnprem { .. } if classic => {
            ("UnplannedFailover", "Failover", latency::CLASSIC_FAILOVER)
        }
        Request::FailoverToOnprem { .. } => {
            ("PlannedFailover", "Planned failover", latency::MODERNIZED_FAILOVER)
        }
        Request::CancelFailover { .. } => {
            ("CancelFailover", "Cancel failover and resume replication", latency::CANCEL)
        }
        Request::Commit { .. } => ("CommitFailover", "Commit", latency::COMMIT),
    };
    let tasks = tasks.iter().map(|task| ServiceTask::new(task.name, task.words, task.seconds.clamp(1, 2)));
    let machine = match request.machines() {
        [machine] => visit.world().index.get(machine).copied(),
        _ => None,
    };
    let target = match (machine, request) {
        (Some(machine), _) => item::target(visit, machine),
        (
            None,
            Request::MakeRecoveryPlan { name, .. }
            | Request::DeleteRecoveryPlan { name }
            | Request::FailoverToOnprem { recovery_plan: Some(name), .. }
            | Request::Commit { recovery_plan: Some(name), .. },
        ) => Target {
            id: Some(guid::guid("plan", &name.to_lowercase())),
            name: Some(name.clone()),
            kind: "RecoveryPlan",
        },
        (
            None,
            Request::Prepare
            | Request::ReprotectToOnprem { .. }
            | Request::FailoverToOnprem { .. }
            | Request::CancelFailover { .. }
            | Request::Commit { .. }
            | Request::ReprotectToAzure { .. },
        ) => Target { id: None, name: None, kind: "ProtectionEntity" },
    };
    ServiceJob::new(scenario, friendly, target, tasks.collect(), resource)
}
