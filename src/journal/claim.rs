//! Which machines a run has: two runs that are driven at once have none in common, whichever processes drive them.
//!
//! A run tells its machines in a file beside its lock. The file counts as long as somebody holds that lock, which the system
//! gives back when its holder dies; so nobody has to tidy up.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::id::RunId;
use crate::journal::Lock;
use crate::journal::StateDir;

/// The file of a run's folder that tells its machines.
const FILE: &str = "machines.json";

/// The machines of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Name of the run's plan.
    pub plan: String,
    /// Name of the vault, if it is known: machines of one name in two vaults are two machines.
    pub vault: Option<String>,
    /// Names of the machines.
    pub machines: Vec<String>,
}

impl Claim {
    /// Returns the machines that another run has, too.
    fn shared_with(&self, other: &Self) -> Vec<String> {
        if self.vault.is_some() && other.vault.is_some() && self.vault != other.vault {
            return Vec::new();
        }
        let wanted: HashSet<&str> = self.machines.iter().map(String::as_str).collect();
        other.machines.iter().filter(|name| wanted.contains(name.as_str())).cloned().collect()
    }
}

/// Machines can't be claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another run has some of them, and a process drives it.
    #[error("run {run} of plan {plan} is under way and has {}", listed(machines))]
    Taken {
        /// The other run.
        run: String,
        /// The plan of the other run.
        plan: String,
        /// The machines that both want; at least one.
        machines: Vec<String>,
    },
    /// Another run has some of them, and can go on.
    #[error("run {run} has not ended, and has {}", listed(machines))]
    Unfinished {
        /// The other run.
        run: String,
        /// The machines that both want, or may both want; at least one.
        machines: Vec<String>,
    },
    /// A file can't be used.
    #[error("`{}` can't be used", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Machines that are named one by one; the others are counted.
const NAMED: usize = 3;

fn listed(machines: &[String]) -> String {
    let named: Vec<String> =
        machines.iter().take(NAMED).map(|name| crate::escape::line(name).into_owned()).collect();
    match machines.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more machines", named.join(", ")),
    }
}

/// The right to look at claims and to make one; one process at a time has it.
#[derive(Debug)]
pub struct Claims<'d> {
    dir: &'d StateDir,
    _turn: File,
}

impl<'d> Claims<'d> {
    /// Waits until nobody else looks at claims.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Io`] if the file that is locked for that can't be used.
    pub fn of(dir: &'d StateDir) -> Result<Self, ClaimError> {
        let path = dir.root().join("machines.lock");
        let io = |source| ClaimError::Io { path: path.clone(), source };
        let turn = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        turn.lock().map_err(io)?;
        Ok(Self { dir, _turn: turn })
    }

    /// Refuses machines that a run other than `own` has while a process drives it.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Taken`] with the first such run.
    pub fn check(&self, own: Option<&RunId>, claim: &Claim) -> Result<(), ClaimError> {
        for run in self.dir.folders().into_iter().filter(|run| own.is_none_or(|own| own.as_str() != run)) {
            let id = RunId::new(run.clone());
            // A folder without one is of a run that has not claimed anything yet, and will look here before it does.
            let Some(other) = self.of_run(&id) else { continue };
            let machines = claim.shared_with(&other);
            if !machines.is_empty() && Lock::is_held(&self.dir.run(&id)) {
                return Err(ClaimError::Taken { run, plan: other.plan, machines });
            }
        }
        Ok(())
    }

    /// Refuses machines that a run has which can go on, whether a process drives it or not; `can_go_on` are such runs.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Unfinished`] with the first such run.
    pub fn check_unfinished(&self, can_go_on: &[RunId], claim: &Claim) -> Result<(), ClaimError> {
        for run in can_go_on {
            let unfinished = |machines| Err(ClaimError::Unfinished { run: run.to_string(), machines });
            match self.of_run(run) {
                Some(other) => match claim.shared_with(&other) {
                    shared if shared.is_empty() => {}
                    shared => return unfinished(shared),
                },
                // Without its folder nobody can go on with it; with it, it may have any machine.
                None if !self.dir.run(run).exists() => {}
                None => return unfinished(claim.machines.clone()),
            }
        }
        Ok(())
    }

    /// Returns the machines that a run told; `None` if it told none, or they can't be read.
    fn of_run(&self, run: &RunId) -> Option<Claim> {
        serde_json::from_str(&std::fs::read_to_string(self.dir.run(run).join(FILE)).ok()?).ok()
    }

    /// Tells the machines of a run whose lock the caller holds.
    ///
    /// # Errors
    ///
    /// [`ClaimError::Taken`] if another run has some of them, [`ClaimError::Io`] if they can't be told.
    pub fn make(self, run: &RunId, claim: &Claim) -> Result<(), ClaimError> {
        self.check(Some(run), claim)?;
        let path = self.dir.run(run).join(FILE);
        let text = serde_json::to_string(claim).expect("names have a JSON form");
        std::fs::write(&path, text).map_err(|source| ClaimError::Io { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(vault: Option<&str>, machines: &[&str]) -> Claim {
        let machines = machines.iter().map(|name| (*name).to_owned()).collect();
        Claim { plan: "erp".into(), vault: vault.map(str::to_owned), machines }
    }

    #[test]
    fn a_machine_is_in_one_run_as_long_as_somebody_drives_that() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = StateDir::create(folder.path()).expect("made");
        let (first, second) = (RunId::new("r1"), RunId::new("r2"));
        for run in [&first, &second] {
            dir.make_run(run).expect("made");
        }
        let lock = Lock::take(&dir.run(&first)).expect("free");
        let claims = || Claims::of(&dir).expect("free");
        claims().make(&first, &claim(Some("seoul"), &["w1", "w2"])).expect("free");
        for vault in [Some("seoul"), None] {
            let error = claims().make(&second, &claim(vault, &["w2", "w3"])).expect_err("w2 is taken");
            assert_eq!(error.to_string(), "run r1 of plan erp is under way and has w2");
        }
        claims().make(&second, &claim(Some("busan"), &["w2"])).expect("another machine of this name");
        claims().make(&second, &claim(Some("seoul"), &["w3"])).expect("nobody has it");
        claims().make(&first, &claim(Some("seoul"), &["w1", "w2"])).expect("it has them already");
        drop(lock);
        claims().make(&second, &claim(None, &["w1", "w2"])).expect("nobody drives the first run any more");
    }

    #[test]
    fn a_run_that_can_go_on_keeps_its_machines_although_nobody_drives_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = StateDir::create(folder.path()).expect("made");
        let run = RunId::new("r1");
        dir.make_run(&run).expect("made");
        let claims = || Claims::of(&dir).expect("free");
        let runs = [run.clone()];
        let refused = |vault, machine| claims().check_unfinished(&runs, &claim(vault, &[machine])).is_err();
        assert!(refused(Some("seoul"), "w9"), "what it has is not known");
        claims().make(&run, &claim(Some("seoul"), &["w1", "w2"])).expect("free");
        let error = claims().check_unfinished(&runs, &claim(None, &["w2", "w3"])).expect_err("r1 has w2");
        assert_eq!(error.to_string(), "run r1 has not ended, and has w2");
        assert!(!refused(Some("busan"), "w2") && !refused(Some("seoul"), "w3"));
        assert!(claims().check_unfinished(&[], &claim(None, &["w1"])).is_ok(), "it has ended");
        std::fs::remove_dir_all(dir.run(&run)).expect("removed");
        assert!(!refused(None, "w1"), "nobody can go on with it");
    }
}
