//! How long the service takes for each task, and where each figure comes from.

use crate::provider::emulator::chance;
use crate::provider::emulator::scenario::DurationModel;

/// A task of a job, as the service shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TaskSpec {
    /// What the emulator does when it ends.
    pub kind: TaskKind,
    /// The service's name of it.
    pub name: &'static str,
    /// The service's words for it.
    pub words: &'static str,
    /// Seconds that it was seen to take.
    pub seconds: i64,
}

/// What a task stands for in the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskKind {
    /// Prerequisites of an ASR recovery plan.
    PlanCheck,
    /// Prerequisites of the machine.
    Check,
    /// A failover that is pending is committed, if one is.
    CommitPending,
    /// The other side's copy is found.
    Discover,
    /// What the switch of direction needs is put together; at its end on-premises disks are touched.
    Requirements,
    /// Protection is configured.
    Protect,
    /// Changes that are pending are sent, and modernized makes its recovery point.
    Prepare,
    /// The Azure VM is shut down.
    Shutdown,
    /// Disks go from the server that received the data to the on-premises VM.
    Switch,
    /// The on-premises VM starts.
    Start,
    /// The failover becomes final.
    Commit,
    /// A planned failover is taken back.
    Cancel,
    /// The Azure VM starts again.
    StartAzure,
    /// A thing of the vault is written or removed.
    Vault,
    /// A task of a job that only ever fails.
    Refuse,
}

const fn task(kind: TaskKind, name: &'static str, words: &'static str, seconds: i64) -> TaskSpec {
    TaskSpec { kind, name, words, seconds }
}

/// Unplanned failover of a classic machine from Azure: 3 min 35 s in the recording of 2021-04-06 (check 58 s,
/// failover 2 min 20 s, start 16 s). The recording skipped the shutdown; it is given the second that is left.
pub(super) const CLASSIC_FAILOVER: &[TaskSpec] = &[
    task(TaskKind::Check, "VmUfoPrerequisitesCheck", "Prerequisites check for failover", 58),
    task(TaskKind::Shutdown, "VmShutdownVmOnPrimary", "Shut down the virtual machine", 1),
    task(TaskKind::Prepare, "VmPrepareForUnPlannedFailover", "Synchronizing the latest changes", 0),
    task(TaskKind::Switch, "VmFailover", "Start failover", 140),
    task(TaskKind::Start, "VmFoStartVmOnSecondary", "Start the replica virtual machine", 16),
];

/// Planned failover of a modernized machine from Azure: 21 min 15 s in the recording of 2021-08-26. Only the total
/// was recorded; how it is divided among the tasks is ours.
pub(super) const MODERNIZED_FAILOVER: &[TaskSpec] = &[
    task(TaskKind::Check, "VmPfoPrerequisitesCheck", "Prerequisites check for planned failover", 30),
    task(TaskKind::Prepare, "VmPrepareForFailover", "Start failover", 480),
    task(TaskKind::Shutdown, "VmFailover", "Shut down the Azure virtual machine", 180),
    task(TaskKind::Switch, "VmPrepareProtectedEntitiesTask", "Preparing on-premise virtual machine", 465),
    task(TaskKind::Start, "VmFoStartVmOnSecondary", "Starting on-premise virtual machine", 120),
];

/// What an ASR recovery plan does before its machines: 3.3 s in the recording of 2022-10-11.
pub(super) const PLAN_CHECK: TaskSpec =
    task(TaskKind::PlanCheck, "RpSrsPrerequisitesCheck", "Prerequisites check for the recovery plan", 3);

/// Commit after a failback: 1 min 51 s in the recording of 2021-04-06; modernized was not recorded.
pub(super) const COMMIT: &[TaskSpec] = &[
    task(TaskKind::Check, "VmCommitPrerequisitesCheck", "Prerequisite check", 1),
    task(TaskKind::Commit, "VmCommit", "Commit", 110),
];

/// Commit after a failover to Azure: 1 to 2 s in the recordings of 2017 and 2021.
pub(super) const COMMIT_TO_AZURE: &[TaskSpec] = &[
    task(TaskKind::Check, "VmCommitPrerequisitesCheck", "Prerequisite check", 1),
    task(TaskKind::Commit, "VmCommit", "Commit", 1),
];

/// Commit of an item whose commit is not pending: the tasks of the recording, which fails with 25037.
pub(super) const COMMIT_REFUSED: &[TaskSpec] = &[
    task(
        TaskKind::Refuse,
        "FinalizeRestoreOnRecovery",
        "Finalizing restore on the recovery virtual machine",
        1,
    ),
    task(
        TaskKind::Refuse,
        "FinalizeRestoreOnPrimary",
        "Finalizing restore on the primary virtual machine",
        1,
    ),
];

/// Taking a planned failover back: the tasks are recorded (2021-08-26), their duration is not; five minutes are ours.
pub(super) const CANCEL: &[TaskSpec] = &[
    task(TaskKind::Check, "CancelFailoverPreflightChecksTask", "Prerequisites check for cancel failover", 10),
    task(TaskKind::Cancel, "CancelFailoverRecovery", "Cancel failover recovery", 120),
    task(TaskKind::Vault, "CancelFailoverPrimaryTask", "Cancel failover primary", 50),
    task(TaskKind::StartAzure, "StartVmOnPrimary", "Starting the virtual machine", 120),
];

/// Reprotect, every direction. The last task is [`reprotect_seconds`] minus the others; the committing task takes
/// [`COMMIT`]'s time when something is pending, else none.
pub(super) const REPROTECT: &[TaskSpec] = &[
    task(TaskKind::Check, "SwitchReplicationGroupProtectionPreflightTask", "Prerequisite check", 1),
    task(TaskKind::CommitPending, "VmCommitFailover", "Committing failover", 0),
    task(TaskKind::Discover, "DiscoverReplicaTask", "Discovering replica virtual machine", 1),
    task(
        TaskKind::Requirements,
        "GetSwitchProtectionRequirementsTask",
        "Getting reprotection requirements",
        1,
    ),
    task(TaskKind::Protect, "ProtectReplicaTask", "Reprotecting virtual machine", 0),
];

/// Returns how long a reprotect job takes in seconds: classic to Azure 2 min 9 s (2021-04-06), modernized to
/// on-premises 12 min 2 s (2023). The other two were not recorded; the longer figure stands in for them.
pub(super) const fn reprotect_seconds(classic: bool, to_azure: bool) -> i64 {
    if classic && to_azure { 129 } else { 722 }
}

/// Making the failback policy and mapping it: tasks recorded in 2021, their duration is ours.
pub(super) const PREPARE: &[TaskSpec] = &[
    task(
        TaskKind::Check,
        "AddProtectionProfilePreflightsCheckTask",
        "Prerequisites check for creating the replication policy",
        5,
    ),
    task(TaskKind::Vault, "AddProtectionProfileTask", "Creating the replication policy", 25),
    task(TaskKind::Vault, "CloudPairingPrepareSite", "Prepare the server", 15),
    task(TaskKind::Vault, "CloudPairingPairClouds", "Configure the protection settings", 15),
];

/// Writing an ASR recovery plan: its tasks and duration were not recorded.
pub(super) const SAVE_PLAN: &[TaskSpec] =
    &[task(TaskKind::Vault, "SaveRecoveryPlanTask", "Save a recovery plan task", 10)];

/// Deleting an ASR recovery plan: the task is recorded, its duration is not.
pub(super) const DELETE_PLAN: &[TaskSpec] =
    &[task(TaskKind::Vault, "DeleteRecoveryPlanTask", "Delete a recovery plan task", 10)];

/// Seconds between the last byte of an initial replication and the first recovery point: the fixed part of the
/// estimate "15 min + bytes / rate"; the recordings of 2023 show 15 to 20 min for a small machine.
pub(super) const FIRST_POINT_AFTER: i64 = 15 * 60;

/// Bytes a second that one machine gets at most: four download threads (`DownloadThreadsPerVM`, capacity planning for
/// VMware replication) at 15 MB/s each. The share of a thread is ours; no article states it.
pub(super) const MACHINE_CEILING: f64 = 60e6;

/// Bandwidth in Mbit/s of an inventory that states none.
pub(super) const DEFAULT_BANDWIDTH_MBPS: f64 = 1_000.0;

/// Part of a machine's data that changed, at least and at most, when nothing tells: the article on reprotect
/// (`vmware-azure-reprotect`, 2021) says that it cannot be calculated in advance.
pub(super) const CHANGED_PART: (f64, f64) = (0.02, 0.15);

/// Seconds between two crash-consistent points (`vmware-azure-architecture`: every 5 min).
pub(super) const CRASH_CONSISTENT_EVERY: i64 = 5 * 60;

/// Seconds between two app-consistent points (`vmware-azure-prepare-failback`: the failback policy's 60 min).
pub(super) const APP_CONSISTENT_EVERY: i64 = 60 * 60;

/// Seconds for which a point is kept (`vmware-azure-prepare-failback`: 24 h).
pub(super) const RETENTION: i64 = 24 * 60 * 60;

/// Seconds within which an agent registers after a boot (the 2017 article's note: up to 15 min); the least is ours.
pub(super) const AGENT_REGISTERS: (i64, i64) = (3 * 60, 14 * 60);

/// Seconds by which a late agent is late when the scenario does not say.
pub(super) const LATE_AGENT: i64 = 40 * 60;

/// Seconds without a word after which a process server counts as lost (`vmware-physical-azure-monitor-process-server`).
pub(super) const HEARTBEAT_LOST_AFTER: i64 = 15 * 60;

/// Seconds after the boot at which VMware Tools run again; no article states it.
pub(super) const TOOLS_RUN_AFTER: i64 = 60;

/// Disks that a master target or an appliance takes, its own included (`vmware-azure-prepare-failback`).
pub(super) const DISK_SLOTS: u32 = 60;

/// Machines that an ASR recovery plan takes (`recovery-plan-overview`).
pub(super) const PLAN_MACHINES: usize = 100;

/// Returns the seconds that a task takes: as recorded, or up to a tenth more or less for each machine and task.
pub(super) fn varied(model: DurationModel, seed: u64, of: &str, what: &str, seconds: i64) -> i64 {
    match model {
        DurationModel::Fixed => seconds,
        DurationModel::Recorded => {
            let tenth = seconds / 10;
            if tenth == 0 {
                seconds
            } else {
                chance::between(seed, of, what, seconds - tenth, seconds + tenth)
            }
        }
    }
}
