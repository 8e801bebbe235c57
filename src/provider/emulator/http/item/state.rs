//! The state of an item in the service's words.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::JobRef;
use crate::provider::emulator::http::job;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::item::Item;
use crate::syntax::machine::State;

/// The replication providers between a VMware site and Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Classic, to Azure.
    InMageAzureV2,
    /// Classic, to the site.
    InMage,
    /// Modernized, to Azure.
    InMageRcm,
    /// Modernized, to the site.
    InMageRcmFailback,
}

impl Provider {
    /// Returns the service's word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InMageAzureV2 => "InMageAzureV2",
            Self::InMage => "InMage",
            Self::InMageRcm => "InMageRcm",
            Self::InMageRcmFailback => "InMageRcmFailback",
        }
    }

    /// Returns whether it replicates to the site.
    #[must_use]
    pub const fn is_to_onprem(self) -> bool {
        matches!(self, Self::InMage | Self::InMageRcmFailback)
    }
}

/// Returns the provider that a machine is replicated with.
#[must_use]
pub(in crate::provider::emulator::http) fn provider(visit: &Visit<'_>, machine: usize) -> Provider {
    let back = match visit.world().items[machine].settled {
        State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::FailedBackCommitted => true,
        State::ProtectedToAzure
        | State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToAzure
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    };
    match (visit.identity().classic, back) {
        (true, true) => Provider::InMage,
        (true, false) => Provider::InMageAzureV2,
        (false, true) => Provider::InMageRcmFailback,
        (false, false) => Provider::InMageRcm,
    }
}

/// Returns the protection state and what the service calls it for people.
pub(super) fn protection(item: &Item, classic: bool) -> (&'static str, &'static str) {
    let state = item.protection_state(classic);
    let words = match state {
        "InitialReplicationInProgress" => "Initial replication is in progress",
        "InitialReplicationRecoveryCompletionPending" => "Waiting for first recovery point",
        "UnplannedFailoverCommitPendingStatesBegin" => "Failover completed",
        "UnplannedFailoverCompletionFailed" => "Failover couldn't be completed",
        "UnplannedFailoverCommitted" => "Failover committed",
        "CommitPendingStatesBegin" => "Planned failover finished",
        "PlannedFailoverCommitted" => "Planned failover committed",
        other => other,
    };
    (state, words)
}

/// Returns on which side of its direction the workload runs.
pub(super) const fn active_location(item: &Item) -> &'static str {
    match item.settled {
        State::FailedOver
        | State::FailedOverCommitted
        | State::FailedBack
        | State::FailedBackCommitted
        | State::Migrated
        | State::AzureVmDeleted
        | State::AzureVmMoved => "Recovery",
        State::ProtectedToAzure
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::ReprotectingToAzure
        | State::ReplicationDisabled => "Primary",
    }
}

/// Returns what the service offers to do, in its order.
pub(in crate::provider::emulator::http) fn allowed(visit: &Visit<'_>, machine: usize) -> Vec<&'static str> {
    let item = &visit.world().items[machine];
    let classic = visit.identity().classic;
    if item.running.is_some() || item.busy_elsewhere {
        return Vec::new();
    }
    match item.settled {
        State::ReprotectingToOnprem | State::ReprotectingToAzure => vec!["DisableProtection"],
        State::ProtectedToAzure if visit.desk.tests.contains_key(&machine) => {
            vec!["UnplannedFailover", "DisableProtection", "TestFailoverCleanup"]
        }
        State::ProtectedToAzure => vec!["UnplannedFailover", "DisableProtection", "TestFailover"],
        State::FailedOver => {
            vec!["CompleteMigration", "Commit", "DisableProtection", "ChangePit", "SwitchProtection"]
        }
        State::FailedOverCommitted
        | State::FailedBackCommitted
        | State::AzureVmDeleted
        | State::AzureVmMoved => vec!["CompleteMigration", "DisableProtection", "SwitchProtection"],
        State::ProtectedToOnprem | State::FailingBack if classic && item.failover_failed => {
            vec!["RepairReplication", "UnplannedFailover", "DisableProtection"]
        }
        State::ProtectedToOnprem | State::FailingBack => {
            vec![if classic { "UnplannedFailover" } else { "PlannedFailover" }, "DisableProtection"]
        }
        State::FailedBack => {
            let mut all = vec!["CompleteMigration", "Commit", "DisableProtection", "SwitchProtection"];
            if !classic {
                all.push("CancelFailover");
            }
            all
        }
        State::Migrated | State::ReplicationDisabled => Vec::new(),
    }
}

/// Returns the operation that runs on an item.
pub(super) fn scenario(visit: &Visit<'_>, machine: usize) -> Value {
    let world = visit.world();
    let running = match world.items[machine].running {
        Some(at) => Some(JobRef::World(at)),
        None => {
            let jobs = visit.desk.jobs.iter();
            jobs.enumerate()
                .find(|(_, job)| !job.settled && job.machines.contains(&machine))
                .map(|(at, _)| JobRef::Service(at))
        }
    };
    match running.and_then(|job| job::show_thin(visit, job)) {
        Some(job) => json!({
            "scenarioName": job.scenario, "jobId": visit.identity().job_id(&job.name),
            "startTime": stamp(job.begun),
        }),
        None => json!({
            "scenarioName": "None", "jobId": visit.identity().job_id("None"),
            "startTime": "1753-01-01T01:01:01Z",
        }),
    }
}
