//! What keeps an item going, and what ends it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::field;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::Provider;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::service::ServiceAct;

fn job(
    visit: &Visit<'_>,
    machine: usize,
    words: (&'static str, &'static str),
    tasks: Vec<ServiceTask>,
) -> ServiceJob {
    let resource = visit.identity().item_id(visit.world().items[machine].name.as_str());
    let mut job = ServiceJob::new(words.0, words.1, item::target(visit, machine), tasks, resource);
    let to_onprem = item::provider(visit, machine).is_to_onprem();
    job.details = serde_json::json!({ "affectedObjectDetails": item::affected(visit, machine, to_onprem) });
    job.machines = vec![machine];
    job
}

/// Begins a resynchronisation.
pub(super) fn repair(visit: &mut Visit<'_>, asked: &Asked, machine: usize) -> Answer {
    // 38 s were recorded; what follows them goes on in the item.
    let words = "Starting resynchronization for the virtual machine";
    let tasks = vec![ServiceTask::new("RepairVmReplicationTask", words, 38)];
    let job = job(visit, machine, ("RepairVMReplication", "Resynchronize the virtual machine"), tasks);
    let name = visit.world().items[machine].name.clone();
    visit.start(asked, job.acting([ServiceAct::Resynchronise { machine: name }]))
}

/// Takes note of health errors that a person resolved.
pub(super) fn resolve_health_errors(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machine: usize,
    properties: &Value,
) -> Answer {
    let Some(named) = field(properties, "healthErrors").and_then(Value::as_array) else {
        return Answer::asr_error(asked, 400, "InvalidParameter", "The parameter 'healthErrors' is missing.");
    };
    let named: BTreeSet<String> =
        named.iter().filter_map(|error| Some(text(error, "healthErrorId")?.to_owned())).collect();
    let resolvable = item::resolvable_errors(visit, machine);
    let tasks = vec![ServiceTask::new("ResolveHealthErrorsTask", "Resolve health errors", 5)];
    let job = job(visit, machine, ("ResolveHealthErrors", "Resolve health errors"), tasks);
    // Only errors that a customer may resolve are resolved so.
    if named.is_empty() || !named.is_subset(&resolvable) {
        let message = "A health error isn't there, or can't be resolved by a customer.";
        return visit.start(asked, job.failing(0, "HealthErrorNotResolvable", message));
    }
    let job = job.then_at_desk(move |desk, _| {
        desk.resolved.entry(machine).or_default().extend(named);
    });
    visit.start(asked, job)
}

/// Brings the agent of a machine to the version of its server.
pub(super) fn update_mobility_service(visit: &mut Visit<'_>, asked: &Asked, machine: usize) -> Answer {
    let tasks = vec![ServiceTask::new("UpdateMobilityServiceTask", "Update the Mobility service", 300)];
    let job = job(visit, machine, ("UpdateMobilityService", "Update the Mobility service"), tasks);
    let name = visit.world().items[machine].name.clone();
    visit.start(asked, job.acting([ServiceAct::UpdateAgent { machine: name }]))
}

/// Moves a machine to another appliance: which one carries it is no fact of the world, so that the job only looks whether it is there.
pub(super) fn update_appliance(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machine: usize,
    properties: &Value,
) -> Answer {
    let (_, kind) = super::input(properties);
    let provider = item::provider(visit, machine);
    if provider != Provider::InMageRcm || !kind.eq_ignore_ascii_case(provider.word()) {
        return super::wrong_provider(asked, provider);
    }
    let Some(id) = text(properties, "targetApplianceId").map(str::to_owned) else {
        let message = "The parameter 'targetApplianceId' is missing.";
        return Answer::asr_error(asked, 400, "InvalidParameter", message);
    };
    let facts = visit.facts();
    let is_known = facts
        .appliances
        .iter()
        .flatten()
        .any(|appliance| visit.identity().appliance_id(&appliance.name).eq_ignore_ascii_case(&id));
    // How long it takes was not recorded.
    let tasks = vec![ServiceTask::new("UpdateApplianceTask", "Update the appliance of the machine", 30)];
    let job = job(visit, machine, ("UpdateAppliance", "Update appliance"), tasks);
    let job = if is_known {
        job
    } else {
        job.failing(0, "ApplianceNotFound", format!("The appliance '{id}' isn't registered."))
    };
    visit.start(asked, job)
}

/// Ends the replication of a machine; its item is gone afterwards.
pub(super) fn remove(visit: &mut Visit<'_>, asked: &Asked, machine: usize, purges: bool) -> Answer {
    // 1 min 8 s were recorded.
    let tasks = vec![
        ServiceTask {
            id: "DisableProtectionOnPrimaryTask",
            ..ServiceTask::new("DisableProtectionOnPrimary", "Disable replication on the source location", 34)
        },
        ServiceTask {
            id: "DisableProtectionOnSecondaryTask",
            ..ServiceTask::new(
                "DisableProtectionOnSecondary",
                "Disable replication on the target location",
                33,
            )
        },
        ServiceTask {
            id: "UpdateDraStateTask",
            ..ServiceTask::new("UpdateDraState", "Updating the provider states", 1)
        },
    ];
    let words =
        if purges { ("PurgeVm", "Delete the virtual machine") } else { ("DisableDr", "Disable replication") };
    let mut job = job(visit, machine, words, tasks);
    job.removes = true;
    let name = visit.world().items[machine].name.clone();
    let job = job.acting([ServiceAct::Disable { machine: name }]).then_at_desk(move |desk, _| {
        desk.tests.remove(&machine);
    });
    visit.start(asked, job)
}
