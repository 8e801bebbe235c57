//! What the service does about each rule, in the words of the emulator and of the steps of a run.

/// What stands behind a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Whoever violates it does not come home: a job, a call or a step of this moment, or of one before it, ends with one of
    /// these codes.
    Enforced(Moment, &'static [&'static str]),
    /// So where the plan does not say what the target is: no request carries that, and the service goes where it goes.
    EnforcedOfFacts(Moment, &'static [&'static str]),
    /// So for a server of the way home; where a machine is protected again through it, the way to Azure is the last moment.
    EnforcedBothWays(Moment, &'static [&'static str]),
    /// It may come to one of these codes, or to nothing: it is advice, or the run waits for it and it comes.
    Advised(&'static [&'static str]),
    /// The service does not look at it, for this reason.
    Exempt(&'static str),
}

/// The last moment of a run at which the service looks at something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    Reprotect,
    Failover,
    Commit,
    Forward,
}

/// Returns what stands behind a rule.
pub fn stance(rule: &str) -> Option<Stance> {
    TABLE.iter().find(|(id, _)| *id == rule).map(|(_, stance)| *stance)
}

/// Returns the codes to which a rule's violation may come.
pub fn codes(rule: &str) -> &'static [&'static str] {
    match stance(rule) {
        Some(
            Stance::Enforced(_, codes)
            | Stance::EnforcedOfFacts(_, codes)
            | Stance::EnforcedBothWays(_, codes)
            | Stance::Advised(codes),
        ) => codes,
        Some(Stance::Exempt(_)) | None => &[],
    }
}

use Moment::Commit;
use Moment::Failover;
use Moment::Forward;
use Moment::Reprotect;
use Stance::Advised;
use Stance::Enforced;
use Stance::EnforcedBothWays;
use Stance::EnforcedOfFacts;
use Stance::Exempt;

const ADVICE: Stance = Exempt("advice: the service goes on");
const NEWS: Stance = Exempt("it only tells");
const STEPS: Stance = Exempt("no plan of ours can break it");
const STATED: Stance = Exempt("a statement of the plan, which no request carries");
const PRODUCT: Stance =
    Exempt("a rule of the product: the plan can't be compiled, or says nothing that could be run");

/// What a machine comes to that is said to have failed back, and neither is home nor can be sent again.
const AT_HOME: &[&str] = &["verification-failed", "failover-cancelled", "InvalidFailoverDirection"];

/// Every rule.
pub static TABLE: &[(&str, Stance)] = &[
    ("FB001", Enforced(Reprotect, &["ArmResourceDoesNotExist", "out-of-cycle"])),
    ("FB002", Enforced(Reprotect, &["AzureVmNotFound", "out-of-cycle"])),
    (
        "FB003",
        Enforced(Failover, &["AzureVmNotFound", "out-of-cycle", "deadline", "verification-failed", "78093"]),
    ),
    ("FB004", EnforcedOfFacts(Reprotect, &["TargetNotEsxi"])),
    ("FB005", EnforcedOfFacts(Reprotect, &["TargetNotEsxi"])),
    ("FB006", Enforced(Reprotect, &["ArmResourceDoesNotExist", "out-of-cycle"])),
    ("FB007", Enforced(Reprotect, &["AzureVmNotFound"])),
    ("FB008", Exempt("a machine that is home is adopted as it is: nothing is asked of the service")),
    ("FB009", Exempt("the service commits by itself, as was recorded; the caution is ours")),
    ("FB010", Enforced(Reprotect, &["SourceNotSupported"])),
    ("FB011", Enforced(Reprotect, &["OperatingSystemNotSupported"])),
    ("FB012", STATED),
    ("FB013", STATED),
    ("FB014", Enforced(Reprotect, &["PhysicalNotSupported"])),
    ("FB015", Enforced(Reprotect, &["OperatingSystemNotSupported"])),
    ("FB016", Enforced(Reprotect, &["78148"])),
    ("FB017", Enforced(Reprotect, &["SecureBootNotSupported", "78148"])),
    ("FB018", ADVICE),
    ("FB019", STEPS),
    ("FB020", Enforced(Reprotect, &["ArmResourceDoesNotExist"])),
    ("FB021", PRODUCT),
    ("FB100", STATED),
    ("FB101", Enforced(Reprotect, &["8061"])),
    ("FB102", Enforced(Reprotect, &["8061"])),
    ("FB103", Enforced(Reprotect, &["HostNotDiscovered"])),
    ("FB104", Enforced(Reprotect, &["DiskNotAttached"])),
    ("FB105", Enforced(Reprotect, &["8061"])),
    ("FB106", ADVICE),
    ("FB107", ADVICE),
    ("FB108", ADVICE),
    ("FB109", ADVICE),
    ("FB110", ADVICE),
    ("FB111", ADVICE),
    ("FB112", Advised(&["8038"])),
    ("FB113", Enforced(Failover, &["8061"])),
    ("FB120", STATED),
    ("FB121", Enforced(Reprotect, &["reprotect-parameters"])),
    ("FB122", Enforced(Reprotect, &["8061"])),
    ("FB123", Enforced(Reprotect, &["DatastoreNotSupported"])),
    ("FB124", Enforced(Reprotect, &["DatastoreNotSupported"])),
    ("FB125", Enforced(Reprotect, &["DatastoreNotSupported"])),
    ("FB126", ADVICE),
    ("FB127", Enforced(Reprotect, &["DatastoreFull"])),
    ("FB128", NEWS),
    ("FB129", Enforced(Reprotect, &["78052"])),
    ("FB130", Enforced(Reprotect, &["DatastoreNotOffered"])),
    ("FB131", Enforced(Reprotect, &["DatastoreNotOffered"])),
    ("FB200", Enforced(Reprotect, &["reprotect-parameters"])),
    ("FB201", Enforced(Reprotect, &["MasterTargetOsMismatch"])),
    ("FB202", ADVICE),
    ("FB203", Enforced(Reprotect, &["MasterTargetNotFound"])),
    ("FB204", EnforcedOfFacts(Reprotect, &["HostNotDiscovered"])),
    ("FB205", Enforced(Failover, &["78158"])),
    ("FB206", Enforced(Reprotect, &["MasterTargetNotFound"])),
    ("FB207", Enforced(Reprotect, &["78150", "78151"])),
    ("FB208", Enforced(Reprotect, &["no-room", "TooManyDisks"])),
    ("FB209", Enforced(Reprotect, &["MasterTargetTools"])),
    ("FB210", Enforced(Reprotect, &["78152"])),
    ("FB211", Enforced(Reprotect, &["RetentionVolume"])),
    ("FB212", Enforced(Reprotect, &["deadline"])),
    ("FB213", Enforced(Reprotect, &["MasterTargetLvm"])),
    ("FB214", ADVICE),
    ("FB215", Enforced(Failover, &["ServerMoved"])),
    ("FB216", Enforced(Reprotect, &["MasterTargetSameUuid"])),
    ("FB217", ADVICE),
    ("FB218", ADVICE),
    ("FB219", Enforced(Reprotect, &["806", "808", "MasterTargetNotReached", "95226"])),
    ("FB220", Enforced(Reprotect, &["VcenterNotRegistered"])),
    ("FB300", Enforced(Reprotect, &["ConfigurationServerNotOnprem"])),
    ("FB301", Enforced(Reprotect, &["ConfigurationServerNotOriginal"])),
    ("FB302", Enforced(Reprotect, &["MachineNotInDatabase"])),
    ("FB303", ADVICE),
    ("FB304", Enforced(Reprotect, &["95226"])),
    ("FB305", Enforced(Failover, &["583"])),
    ("FB306", ADVICE),
    ("FB307", Enforced(Failover, &["CertificateExpired"])),
    ("FB310", EnforcedOfFacts(Reprotect, &["VcenterNotOriginal"])),
    ("FB311", Enforced(Failover, &["811", "VcenterNotRegistered"])),
    ("FB312", Enforced(Reprotect, &["VcenterPrivileges"])),
    ("FB313", EnforcedOfFacts(Reprotect, &["HostLicense"])),
    ("FB314", ADVICE),
    ("FB330", ADVICE),
    ("FB331", NEWS),
    ("FB400", Enforced(Reprotect, &["95226"])),
    ("FB401", Enforced(Reprotect, &["reprotect-parameters"])),
    ("FB402", ADVICE),
    ("FB403", Enforced(Reprotect, &["ProcessServerNotReached"])),
    ("FB404", Enforced(Reprotect, &["ProcessServerNotReached"])),
    (
        "FB405",
        Enforced(
            Reprotect,
            &[
                "95226",
                "806",
                "ProcessServerNotReached",
                "MasterTargetNotReached",
                "ReplicationGroupNotConnected",
            ],
        ),
    ),
    ("FB406", EnforcedBothWays(Reprotect, &["806"])),
    ("FB407", ADVICE),
    ("FB408", ADVICE),
    ("FB409", STEPS),
    ("FB410", NEWS),
    ("FB500", PRODUCT),
    ("FB501", PRODUCT),
    ("FB502", NEWS),
    ("FB503", Advised(&["InvalidParameter"])),
    ("FB504", NEWS),
    ("FB505", Exempt("the service takes each member by itself, and knows of a group what a request names")),
    ("FB506", STEPS),
    ("FB507", Enforced(Reprotect, &["ReplicationGroupMixed", "MasterTargetOsMismatch"])),
    ("FB508", Advised(&["NoCommonRecoveryPoint"])),
    ("FB509", Enforced(Reprotect, &["reprotect-parameters"])),
    ("FB510", Advised(&["RecoveryPlanMixedSources"])),
    ("FB511", Advised(&["RecoveryPlanMixedSubscriptions"])),
    ("FB512", STEPS),
    ("FB513", PRODUCT),
    ("FB514", ADVICE),
    ("FB515", Enforced(Forward, &["forward-parameters", "ProcessServerNotFound"])),
    ("FB516", ADVICE),
    ("FB517", ADVICE),
    ("FB518", ADVICE),
    ("FB519", Exempt("no request names the account: the engine has the runbook started by itself")),
    ("FB520", ADVICE),
    ("FB521", NEWS),
    ("FB522", ADVICE),
    ("FB523", PRODUCT),
    ("FB524", PRODUCT),
    ("FB525", PRODUCT),
    ("FB526", ADVICE),
    ("FB527", PRODUCT),
    ("FB528", PRODUCT),
    ("FB529", ADVICE),
    ("FB530", ADVICE),
    ("FB531", NEWS),
    ("FB532", Advised(&[])),
    ("FB533", Enforced(Reprotect, &["onprem-vm-running"])),
    ("FB534", Enforced(Commit, &["ArmResourceDoesNotExist"])),
    ("FB535", STATED),
    ("FB536", ADVICE),
    ("FB600", Advised(&["NoRecoveryPoint", "deadline"])),
    ("FB601", Advised(&["NoRecoveryPoint"])),
    ("FB602", Advised(&["recovery-point", "InvalidParameter"])),
    ("FB603", ADVICE),
    ("FB604", Enforced(Failover, &["NoAppConsistentRecoveryPoint"])),
    ("FB605", Enforced(Failover, &["NoCommonRecoveryPoint", "NoAppConsistentRecoveryPoint"])),
    ("FB606", ADVICE),
    ("FB607", NEWS),
    ("FB608", ADVICE),
    ("FB609", STEPS),
    ("FB610", Enforced(Failover, &["78024", "deadline"])),
    ("FB700", Advised(&["NoRecoveryPoint", "deadline"])),
    ("FB701", Enforced(Failover, &["deadline"])),
    ("FB702", STEPS),
    ("FB703", STEPS),
    ("FB704", Enforced(Commit, AT_HOME)),
    ("FB705", Enforced(Commit, AT_HOME)),
    ("FB706", STEPS),
    ("FB707", ADVICE),
    ("FB708", Advised(&["95226", "AgentNotRegistered", "deadline"])),
    ("FB709", Exempt("what it forbids spoils the disks, and no job says so")),
    ("FB710", Enforced(Failover, &["78093"])),
    ("FB711", Enforced(Reprotect, &["95226", "AgentNotRegistered", "deadline"])),
    ("FB712", NEWS),
    ("FB713", ADVICE),
    ("FB714", NEWS),
    ("FB715", STEPS),
    ("FB716", ADVICE),
    ("FB717", NEWS),
    ("FB718", Enforced(Failover, &["78037", "DiskNotAttached"])),
    ("FB800", EnforcedBothWays(Failover, &["ApplianceUnhealthy"])),
    ("FB801", Enforced(Reprotect, &["ApplianceNotFound"])),
    ("FB802", Enforced(Reprotect, &["8061"])),
    ("FB803", Enforced(Reprotect, &["no-room", "TooManyDisks"])),
    ("FB804", Enforced(Failover, &["ServerMoved"])),
    ("FB805", Enforced(Reprotect, &["reprotect-parameters", "StorageAccountNotFound"])),
    ("FB806", ADVICE),
    ("FB807", NEWS),
    ("FB808", NEWS),
    ("FB809", STEPS),
    ("FB810", Enforced(Reprotect, &["AgentNotRegistered", "deadline"])),
    ("FB811", Enforced(Failover, &["AgentNotRegistered", "deadline"])),
    ("FB812", STEPS),
    ("FB813", EnforcedBothWays(Failover, &["ApplianceCloned"])),
    ("FB814", ADVICE),
    ("FB815", ADVICE),
    ("FB816", ADVICE),
    (
        "FB817",
        Enforced(
            Forward,
            &["forward-parameters", "InvalidParameter", "ApplianceNotFound", "StorageAccountNotFound"],
        ),
    ),
    ("FB818", NEWS),
];
