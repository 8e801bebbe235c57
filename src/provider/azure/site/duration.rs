//! How long jobs and their tasks take: as recorded, until jobs of the same kind have shown how long they take here.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::SignedDuration;

/// How far apart jobs of a kind are taken to be after the first of them, as part of the time that it took.
const SPREAD: f64 = 0.05;
/// How many times as far as they are apart on average one is looked for before its time: some end earlier than others.
const EARLY: f64 = 2.0;
/// What the last job counts of what is known.
const WEIGHT: f64 = 0.3;

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

/// How long jobs of a kind take, and how far apart they are, in seconds.
#[derive(Clone, Copy, Debug)]
struct Learned {
    mean: f64,
    spread: f64,
}

/// What was learned of how long jobs take.
#[derive(Debug, Default)]
pub(super) struct Durations {
    learned: Mutex<HashMap<String, Learned>>,
}

impl Durations {
    /// Takes how long a job took.
    pub(super) fn learn(&self, kind: &str, took: SignedDuration) {
        let mut learned = self.learned.lock().expect("no thread panics while it holds the durations");
        let seconds = took.as_secs_f64().max(1.0);
        let first = Learned { mean: seconds, spread: seconds * SPREAD };
        let known = learned.entry(kind.to_owned()).or_insert(first);
        let apart = (seconds - known.mean).abs();
        known.mean = WEIGHT.mul_add(seconds - known.mean, known.mean);
        known.spread = WEIGHT.mul_add(apart - known.spread, known.spread);
    }

    /// Returns how long a job of this kind takes at least, as far as such jobs have shown.
    pub(super) fn of(&self, kind: &str) -> SignedDuration {
        let learned = self.learned.lock().expect("no thread panics while it holds the durations");
        match learned.get(kind) {
            Some(known) => {
                let earliest = EARLY.mul_add(-known.spread, known.mean).max(known.mean / 2.0);
                SignedDuration::from_secs_f64(earliest)
            }
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
        assert!((720..=722).contains(&durations.of(home).as_secs()), "{:?}", durations.of(home));
        assert!((128..=129).contains(&durations.of(back).as_secs()), "{:?}", durations.of(back));
    }

    #[test]
    fn the_further_apart_jobs_are_the_earlier_one_is_looked_for() {
        let durations = Durations::default();
        for seconds in [150, 250].repeat(20) {
            durations.learn("CommitFailover", SignedDuration::from_secs(seconds));
        }
        let earliest = durations.of("CommitFailover").as_secs();
        assert!((90..150).contains(&earliest), "before the shortest of them: {earliest}");
    }
}
