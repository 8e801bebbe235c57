//! How long each thing was seen to take, and where each figure comes from. All times are in seconds.

/// Tasks of an unplanned failover of a classic machine from Azure: 3 min 35 s in the recording of 2021-04-06 (check
/// 58 s, shutdown 1 s, failover 2 min 20 s, start 16 s).
pub(super) const CLASSIC_FAILOVER: &[u32] = &[58, 1, 140, 16];

/// Tasks of a planned failover of a modernized machine from Azure: 21 min 15 s in the recording of 2021-08-26. Only
/// the total was recorded; how it is divided is ours.
pub(super) const MODERNIZED_FAILOVER: &[u32] = &[30, 480, 180, 465, 120];

/// What an ASR recovery plan does before its machines: 3.3 s in the recording of 2022-10-11.
pub(super) const PLAN_CHECK: u32 = 3;

/// Tasks of the commit after a failback: 1 min 51 s in the recording of 2021-04-06; modernized was not recorded.
pub(super) const COMMIT: &[u32] = &[1, 110];

/// Reprotect from Azure to on-premises, as a job: 12 min 2 s (modernized, 2023); classic was not recorded.
pub(super) const REPROTECT: &[u32] = &[1, 1, 1, 719];

/// Reprotect of a classic machine from on-premises to Azure, as a job: 2 min 9 s in the recording of 2021-04-06.
pub(super) const CLASSIC_FORWARD: &[u32] = &[1, 1, 1, 126];

/// Reprotect of a modernized machine from on-premises to Azure was not recorded; the other direction stands in for it.
pub(super) const MODERNIZED_FORWARD: &[u32] = REPROTECT;

/// Making the failback policy and mapping it: the tasks were recorded in 2021, their duration is ours.
pub(super) const PREPARE: &[u32] = &[5, 25, 15, 15];

/// Writing or deleting an ASR recovery plan; the duration was not recorded and is ours.
pub(super) const RECOVERY_PLAN: &[u32] = &[10];

/// From the last byte of an initial replication to the first recovery point: the recordings of 2023 show 15 to 20 min
/// for the whole initial replication of a small machine, so that this is its fixed part.
pub(super) const FIRST_POINT: &[u32] = &[15 * 60];

/// Part by which a task takes more or less time than the recording; ours, since each was recorded once or twice.
pub(super) const SPREAD: f64 = 0.1;

/// Bytes a second that one machine gets at most: four download threads (site-recovery-plan-capacity-vmware,
/// `DownloadThreadsPerVM`) at 15 MB/s each. The share of a thread is ours; no article states it.
pub(super) const MACHINE_CEILING: f64 = 60e6;

/// Bandwidth in Mbit/s that is assumed where the inventory states none; ours.
pub(super) const DEFAULT_BANDWIDTH_MBPS: f64 = 1_000.0;

/// Bytes a second of one Mbit/s.
pub(super) const BYTES_PER_MBIT: f64 = 125_000.0;

/// Part of a machine's data that changed, at least and at most, where facts about churn don't tell. Ours: the article
/// (vmware-azure-reprotect, 2021) says only that it is anything from nothing to the size of the disks.
pub(super) const CHANGED_PART: (f64, f64) = (0.02, 0.15);

/// Size in GiB of a disk whose size nobody knows; ours.
pub(super) const UNKNOWN_DISK_GIB: u64 = 100;

/// From a boot until the agent is registered: up to 15 min (site-recovery-failback-azure-to-vmware, 2017-06-05); the
/// least, and that nobody was seen to wait for the last minute, are ours.
pub(super) const AGENT_REGISTERS: (f64, f64) = (180.0, 840.0);

/// Until a registration that is missing for no known reason shows: up to 15 min, as above.
pub(super) const AGENT_MISSING: (f64, f64) = (0.0, 900.0);

/// Between two crash-consistent points: 5 min (vmware-azure-architecture).
pub(super) const CRASH_CONSISTENT_EVERY: f64 = 300.0;

/// Between two app-consistent points: 60 min, as the failback policy has it (vmware-azure-prepare-failback).
pub(super) const APP_CONSISTENT_EVERY: f64 = 3_600.0;

/// One look at the site, for a preflight or a guard; ours.
pub(super) const LOOK: (f64, f64) = (0.0, 5.0);

/// Until a machine that was switched on is seen to be back: VMware Tools run a minute after the boot, if they are known
/// to be there at all, and a run looks twice a minute; ours.
pub(super) const VERIFY: (f64, f64) = (0.0, 90.0);

/// From the end of a job or of an initial replication until a run sees it: it asks again when the service expects the
/// end; ours.
pub(super) const POLLED_AFTER: (f64, f64) = (0.0, 5.0);

/// From something's happening until a run sees it that looks twice a minute; ours.
pub(super) const LOOKED_AFTER: (f64, f64) = (0.0, 30.0);

/// Longest time of an action that states none: 10 min, as the language has it.
pub(super) const ACTION_TIMEOUT: f64 = 600.0;

/// Mutating operations at once where the plan states no other number, as the language has it.
pub(super) const MAX_PARALLEL: u32 = 20;
