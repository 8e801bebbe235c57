//! How long jobs and their tasks take: as recorded, until jobs of the same kind have shown how long they take here.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::SignedDuration;

/// How much of the time that such jobs took must have passed before one is looked for: some end earlier than others.
const EARLIEST: f64 = 0.93;

/// Returns how long a kind of job was seen to take, in seconds; the shorter of the two architectures and of the two ways, so that
/// the end is not missed.
fn recorded(kind: &str) -> i64 {
    match kind.split(' ').next().unwrap_or_default() {
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
    pub(super) fn learn(&self, kind: &str, took: SignedDuration) {
        let mut learned = self.learned.lock().expect("no thread panics while it holds the durations");
        let seconds = took.as_secs_f64().max(1.0);
        let known = learned.entry(kind.to_owned()).or_insert(seconds);
        *known = 0.7 * *known + 0.3 * seconds;
    }

    /// Returns how long a job of this kind takes at least, as far as such jobs have shown.
    pub(super) fn of(&self, kind: &str) -> SignedDuration {
        let learned = self.learned.lock().expect("no thread panics while it holds the durations");
        match learned.get(kind) {
            Some(seconds) => SignedDuration::from_secs_f64(*seconds * EARLIEST),
            None => SignedDuration::from_secs(recorded(kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jobs_of_one_kind_take_says_nothing_about_another_of_the_same_scenario() {
        let (home, back) =
            ("SwitchReplicationGroupProtection InMage", "SwitchReplicationGroupProtection InMageAzureV2");
        let durations = Durations::default();
        assert_eq!(durations.of(home), durations.of(back), "nothing is known yet");
        for _ in 0..20 {
            durations.learn(home, SignedDuration::from_secs(722));
            durations.learn(back, SignedDuration::from_secs(129));
        }
        assert!((600..722).contains(&durations.of(home).as_secs()), "{:?}", durations.of(home));
        assert!((110..129).contains(&durations.of(back).as_secs()), "{:?}", durations.of(back));
    }
}
