//! How long jobs and their tasks take: as recorded, until jobs of the same kind have shown how long they take here.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::SignedDuration;

/// Returns how long a kind of job was seen to take, in seconds; the shorter of the two architectures, so that the end is not
/// missed.
fn recorded(scenario: &str) -> i64 {
    match scenario {
        "UnplannedFailover" => 215,
        "PlannedFailover" => 1275,
        "SwitchReplicationGroupProtection" => 129,
        "CommitFailover" => 30,
        "CancelFailover" => 120,
        "AddProtectionProfile" | "AssociateProtectionProfile" => 20,
        _ => 15,
    }
}

/// Returns the weight of a task: how many seconds such tasks were seen to take.
pub(super) fn of_task(name: &str) -> f64 {
    match name {
        "VmFailover" => 300.0,
        "VmFoStartVmOnSecondary" | "VmPrepareForFailover" => 60.0,
        "VmPrepareProtectedEntitiesTask" => 200.0,
        "VmUfoPrerequisitesCheck" | "VmPfoPrerequisitesCheck" => 58.0,
        "ProtectReplicaTask" => 600.0,
        "VmCommit" => 100.0,
        _ => 5.0,
    }
}

/// What was learned of how long jobs take.
#[derive(Debug, Default)]
pub(super) struct Durations {
    learned: Mutex<HashMap<String, f64>>,
}

impl Durations {
    /// Takes how long a job took.
    pub(super) fn learn(&self, scenario: &str, took: SignedDuration) {
        let mut learned = self.learned.lock().expect("no thread panics while it holds the durations");
        let seconds = took.as_secs_f64().max(1.0);
        let known = learned.entry(scenario.to_owned()).or_insert(seconds);
        *known = 0.7 * *known + 0.3 * seconds;
    }

    /// Returns how long a job of this kind takes.
    pub(super) fn of(&self, scenario: &str) -> SignedDuration {
        let learned = self.learned.lock().expect("no thread panics while it holds the durations");
        match learned.get(scenario) {
            Some(seconds) => SignedDuration::from_secs_f64(*seconds),
            None => SignedDuration::from_secs(recorded(scenario)),
        }
    }
}
