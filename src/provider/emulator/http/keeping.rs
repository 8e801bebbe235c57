//! What the service keeps beside the world, in a file: a server that goes on with the world of a folder reads it again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::provider::emulator::http::desk::Desk;
use crate::provider::emulator::http::desk::Test;

/// What is kept of a desk: resources that clients wrote, test failovers that stand, what clients chose. Jobs beside the world are
/// not: one that runs ends with its server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    stored: BTreeMap<String, Value>,
    pending_plans: BTreeMap<usize, (String, Value)>,
    /// When the test of each machine succeeded.
    tests: BTreeMap<usize, Option<Timestamp>>,
    policies: Vec<(usize, bool, String)>,
    chosen_points: BTreeMap<usize, String>,
    resolved: BTreeMap<usize, BTreeSet<String>>,
}

impl Kept {
    fn of(desk: &Desk) -> Self {
        let mut policies: Vec<_> =
            desk.policies.iter().map(|((at, home), policy)| (*at, *home, policy.clone())).collect();
        policies.sort();
        Self {
            stored: desk.stored.clone(),
            pending_plans: desk.pending_plans.clone(),
            tests: desk.tests.iter().map(|(at, test)| (*at, test.succeeded)).collect(),
            policies,
            chosen_points: desk.chosen_points.iter().map(|(at, point)| (*at, point.clone())).collect(),
            resolved: desk.resolved.clone(),
        }
    }

    fn into_desk(self) -> Desk {
        Desk {
            stored: self.stored,
            pending_plans: self.pending_plans,
            tests: self.tests.into_iter().map(|(at, succeeded)| (at, Test::stands(succeeded))).collect(),
            policies: self.policies.into_iter().map(|(at, home, policy)| ((at, home), policy)).collect(),
            chosen_points: self.chosen_points.into_iter().collect(),
            resolved: self.resolved,
            ..Desk::default()
        }
    }
}

/// Keeps a desk in a file.
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    last: Mutex<Kept>,
}

impl Keeper {
    /// Reads what was kept in a file, if there is one, and goes on keeping it there.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub(super) fn open(path: PathBuf) -> io::Result<(Self, Desk)> {
        let kept: Kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", path.display()))
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(error) => return Err(error),
        };
        Ok((Self { path, last: Mutex::new(kept.clone()) }, kept.into_desk()))
    }

    /// Writes what has changed, beside the file and then in its place, so that nobody finds half of it.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub(super) fn keep(&self, desk: &Desk) -> io::Result<()> {
        let now = Kept::of(desk);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == now {
            return Ok(());
        }
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(&now)?)?;
        std::fs::rename(&beside, &self.path)?;
        *last = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("service.json");
        let (keeper, mut desk) = Keeper::open(path.clone()).expect("nothing is there yet");
        desk.stored.insert("/a/b".to_owned(), serde_json::json!({"name": "b"}));
        desk.pending_plans.insert(3, ("/a/p".to_owned(), Value::Null));
        desk.tests.insert(2, Test::stands(Some(Timestamp::UNIX_EPOCH)));
        desk.policies.insert((1, true), "home".to_owned());
        desk.chosen_points.insert(1, "p1".to_owned());
        desk.resolved.insert(1, BTreeSet::from(["2:1026".to_owned()]));
        keeper.keep(&desk).expect("it can be written");
        let (_, again) = Keeper::open(path.clone()).expect("it can be read");
        assert_eq!(Kept::of(&again), Kept::of(&desk));
        std::fs::write(&path, "no JSON").expect("it can be written");
        assert!(Keeper::open(path).is_err());
    }
}
