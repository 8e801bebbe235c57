//! Reprotect of a recovery plan's machines, which carries no input: only a replication group has some to go by.

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::verb::begin;
use crate::provider::emulator::http::verb::reprotect;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::latency;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;
use crate::provider::request::Request;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::State;

/// Returns the answer to `reProtect` of a plan. Microsoft's documentation asks for it where the machines are a replication group;
/// which servers the service takes for them then is our own conclusion: those that they went through last, else the first that the
/// site has. Machines that are no group are refused, since the input of their provider is missing.
pub(in crate::provider::emulator::http) fn reprotect_members(
    visit: &mut Visit<'_>,
    asked: &Asked,
    members: &[usize],
    target: Target,
    resource: String,
) -> Answer {
    let check = ServiceTask::new("SwitchReplicationGroupProtectionPreflightTask", "Prerequisite check", 1);
    let refuse = |visit: &mut Visit<'_>, target, resource, code: &str, message: &str| {
        let tasks = vec![check.clone()];
        let job = ServiceJob::new("SwitchReplicationGroupProtection", "Reprotect", target, tasks, resource);
        visit.start(asked, job.failing(0, code, message))
    };
    let items = &visit.world().items;
    let group = members.first().and_then(|at| items[*at].group.as_deref());
    if group.is_none() || members.iter().any(|at| items[*at].group.as_deref() != group) {
        let message =
            "The replication provider needs input that a recovery plan doesn't carry; reprotect the items.";
        return refuse(visit, target, resource, "ProviderInputRequired", message);
    }
    let requests: Vec<Option<Request>> = members.iter().map(|at| request(visit, *at)).collect();
    let Some(requests) = requests.into_iter().collect::<Option<Vec<Request>>>() else {
        let message = "A machine of the recovery plan isn't ready for reprotection.";
        return refuse(visit, target, resource, "InvalidStateForReprotect", message);
    };
    let to_onprem = matches!(requests.first(), Some(Request::ReprotectToOnprem { .. }));
    for (at, request) in members.iter().zip(&requests) {
        let own = visit.identity().item_id(visit.world().items[*at].name.as_str());
        let answer = begin(visit, asked, request, own);
        if answer.status != 202 {
            return answer;
        }
    }
    // The job of the plan is about the same as long as those of its machines, which go on beside it.
    let seconds = latency::reprotect_seconds(visit.identity().classic, !to_onprem);
    let words = "Reprotecting virtual machines";
    let tasks = vec![check, ServiceTask::new("ProtectReplicaTask", words, seconds)];
    let mut job = ServiceJob::new("SwitchReplicationGroupProtection", "Reprotect", target, tasks, resource);
    job.details = serde_json::json!({ "affectedObjectDetails": item::fabric_details(visit, to_onprem) });
    visit.start(asked, job)
}

/// Returns the reprotect that a machine is ready for, with the servers that it went through last.
fn request(visit: &Visit<'_>, at: usize) -> Option<Request> {
    let world = visit.world();
    let machine = world.items[at].name.clone();
    let facts = world.site.facts();
    let asked = world.jobs.iter().rev().map(|job| &job.request);
    match world.items[at].settled {
        State::FailedOver | State::FailedOverCommitted => {
            let before = asked.clone().find_map(|request| match request {
                Request::ReprotectToOnprem { machine: of, target } if *of == machine => Some(target.clone()),
                _ => None,
            });
            let target = before.or_else(|| {
                Some(if visit.identity().classic {
                    let server = facts.master_targets.iter().flatten().next()?;
                    let volume = server.retention_volumes.iter().flatten().next()?;
                    let azure = |one: &&crate::syntax::inventory::ProcessServer| {
                        one.placement.as_deref() == Some(&Placement::Azure)
                    };
                    OnpremTarget::Classic {
                        master_target: server.name.value.clone(),
                        process_server: facts
                            .process_servers
                            .iter()
                            .flatten()
                            .find(azure)?
                            .name
                            .value
                            .clone(),
                        retention_volume: volume.name.value.clone(),
                        datastore: reprotect::own_datastore(visit, at),
                    }
                } else {
                    OnpremTarget::Modernized {
                        appliance: facts.appliances.iter().flatten().next()?.name.value.clone(),
                        log_storage_account: facts.storage_accounts.iter().flatten().next()?.value.clone(),
                        datastore: reprotect::own_datastore(visit, at),
                    }
                })
            })?;
            Some(Request::ReprotectToOnprem { machine, target })
        }
        State::FailedBack | State::FailedBackCommitted => {
            let target = if visit.identity().classic {
                let onprem = |one: &&crate::syntax::inventory::ProcessServer| {
                    one.placement.as_deref() != Some(&Placement::Azure)
                };
                let server = facts.process_servers.iter().flatten().find(onprem)?;
                ForwardTarget::Classic { process_server: server.name.value.clone() }
            } else {
                ForwardTarget::Modernized {
                    appliance: facts.appliances.iter().flatten().next()?.name.value.clone(),
                    cache_storage_account: reprotect::cache_account(visit, at),
                }
            };
            Some(Request::ReprotectToAzure { machine, target })
        }
        State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::ReprotectingToAzure
        | State::ProtectedToAzure
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => None,
    }
}
