//! What a site may be asked to do. The direction of each request is in its name.

use serde::Deserialize;
use serde::Serialize;

use crate::id::MachineName;

/// Which recovery point a failback is to go to; the service chooses the point, the plan only its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailbackPoint {
    /// Classic: each machine's own newest point.
    Latest,
    /// Modernized: a crash-consistent point, made after the planned failover started.
    CrashConsistent,
    /// The newest app-consistent point: a machine's own, or the one that a replication group has in common.
    AppConsistent,
}

/// Where a machine's data goes when it replicates from Azure to on-premises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnpremTarget {
    /// Classic.
    Classic {
        /// Master target that receives the data.
        master_target: String,
        /// Process server that carries it.
        process_server: String,
        /// Volume that keeps recovery points.
        retention_volume: String,
        /// Datastore of the disks; used for an alternate location only, but always given.
        datastore: String,
    },
    /// Modernized.
    Modernized {
        /// Replication appliance that receives the data.
        appliance: String,
        /// Storage account that stages it.
        log_storage_account: String,
        /// Datastore of the disks.
        datastore: String,
    },
}

/// How a machine's data goes to Azure again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardTarget {
    /// Classic.
    Classic {
        /// Process server that sends the data.
        process_server: String,
    },
    /// Modernized.
    Modernized {
        /// Replication appliance that sends the data.
        appliance: String,
        /// Storage account that caches it.
        cache_storage_account: String,
    },
}

/// One thing that a site is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Classic: make sure that the failback policy exists and is mapped.
    Prepare,
    /// Make an ASR recovery plan for a replication group, so that its members fail over together; one that is there already gets
    /// these machines instead of its own.
    MakeRecoveryPlan {
        /// Name of the ASR recovery plan.
        name: String,
        /// Its machines.
        machines: Vec<MachineName>,
    },
    /// Delete an ASR recovery plan that was made for a run.
    DeleteRecoveryPlan {
        /// Name of the ASR recovery plan.
        name: String,
    },
    /// Replicate from Azure to on-premises: powers the on-premises VM off and rewrites its disks.
    ReprotectToOnprem {
        /// The machine.
        machine: MachineName,
        /// Where the data goes.
        target: OnpremTarget,
    },
    /// Switch over from Azure to on-premises: an unplanned failover in classic, a planned one in modernized.
    FailoverToOnprem {
        /// The machines: one, or all of an ASR recovery plan.
        machines: Vec<MachineName>,
        /// The ASR recovery plan, for a replication group.
        recovery_plan: Option<String>,
        /// The kind of recovery point.
        point: FailbackPoint,
    },
    /// Modernized: take back a planned failover that is not committed.
    CancelFailover {
        /// The machine.
        machine: MachineName,
    },
    /// Make the failover final: deletes the Azure VM.
    Commit {
        /// The machines: one, or all of an ASR recovery plan.
        machines: Vec<MachineName>,
        /// The ASR recovery plan, for a replication group.
        recovery_plan: Option<String>,
    },
    /// Replicate from on-premises to Azure again.
    ReprotectToAzure {
        /// The machine.
        machine: MachineName,
        /// How the data goes.
        target: ForwardTarget,
    },
}

impl Request {
    /// Returns the machines that the request changes.
    #[must_use]
    pub fn machines(&self) -> &[MachineName] {
        match self {
            Self::Prepare | Self::DeleteRecoveryPlan { .. } => &[],
            Self::MakeRecoveryPlan { machines, .. }
            | Self::FailoverToOnprem { machines, .. }
            | Self::Commit { machines, .. } => machines,
            Self::ReprotectToOnprem { machine, .. }
            | Self::CancelFailover { machine }
            | Self::ReprotectToAzure { machine, .. } => std::slice::from_ref(machine),
        }
    }
}
