//! What a run keeps of its documents and flags, so that it is taken over as it began.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::Origin;
use crate::cli::args::PlanArgs;
use crate::cli::error::CliError;
use crate::cli::ready::Ready;
use crate::cli::session::Driven;
use crate::cli::site::VaultArgs;
use crate::journal::StateDir;
use crate::model::restrict::Part;

/// What is kept of a run's flags, so that it is taken over under the same ones.
#[derive(serde::Serialize, serde::Deserialize)]
struct KeptOptions {
    now: Timestamp,
    origin: String,
    strict: bool,
    /// How a real site is reached; what is secret comes from the environment each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    site: Option<VaultArgs>,
    /// Which part of the plan is run; without it, the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    /// Digests of the texts that its policies were read from; runs of older programs do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policies: Option<BTreeSet<String>>,
    /// How it is driven.
    #[serde(flatten)]
    driven: Driven,
}

/// Returns the flags of a run that decide how its rules are evaluated, and how it goes on, as JSON.
#[must_use]
pub fn kept_options(
    args: &PlanArgs,
    now: Timestamp,
    site: Option<&VaultArgs>,
    policies: BTreeSet<String>,
    driven: Driven,
) -> String {
    let origin = match args.origin {
        Origin::Seed => "seed",
        Origin::All => "all",
    };
    let (strict, part) = (args.strict, args.part.clone());
    let (site, policies) = (site.cloned(), Some(policies));
    let kept = KeptOptions { now, origin: origin.into(), strict, site, part, policies, driven };
    serde_json::to_string(&kept).expect("flags have a JSON form")
}

/// Where a run's texts are kept so that they outlast a crash of the machine.
trait Disk {
    /// Writes a text that is there when this returns, under a name that may not be.
    fn write(&mut self, path: &Path, text: &str) -> io::Result<()>;

    /// Has the names in a folder outlast a crash.
    fn keep_names(&mut self, folder: &Path) -> io::Result<()>;
}

/// The system's own.
struct System;

impl Disk for System {
    fn write(&mut self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    #[cfg(unix)]
    fn keep_names(&mut self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    /// Elsewhere a folder can't be opened like a file, and the system keeps its names.
    #[cfg(not(unix))]
    fn keep_names(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps the texts that a run executes: it is pinned to them, whatever becomes of the files.
///
/// # Errors
///
/// [`CliError`] if they can't be written.
pub fn keep_documents(folder: &Path, plan: &Ready) -> Result<(), CliError> {
    keep_on(&mut System, folder, plan)
}

/// Has everything in the folder of a run, and the folder itself, outlast a crash of the machine: the run may then be entered.
///
/// # Errors
///
/// [`CliError`] if the system can't do that.
pub fn settle(dir: &StateDir, folder: &Path) -> Result<(), CliError> {
    settle_on(&mut System, dir, folder)
}

fn settle_on(disk: &mut impl Disk, dir: &StateDir, folder: &Path) -> Result<(), CliError> {
    let above = folder.parent().into_iter().chain([dir.root()]);
    for folder in std::iter::once(folder).chain(above) {
        disk.keep_names(folder).map_err(|error| {
            CliError::usage(format!("can't keep what is in `{}`", folder.display())).because(error)
        })?;
    }
    Ok(())
}

fn keep_on(disk: &mut impl Disk, folder: &Path, plan: &Ready) -> Result<(), CliError> {
    let texts = &plan.texts;
    let mut kept = vec![(PathBuf::from("plan.yaml"), texts.plan)];
    kept.extend(texts.inventory.map(|index| (PathBuf::from("inventory.yaml"), index)));
    kept.extend((1..).map(policy_file).zip(texts.policies.iter().copied()));
    for (name, index) in kept {
        let path = folder.join(name);
        disk.write(&path, plan.sources.get(index).text())
            .map_err(|error| CliError::usage(format!("can't write `{}`", path.display())).because(error))?;
    }
    Ok(())
}

/// Returns the name under which a run keeps its policy of a number.
fn policy_file(number: usize) -> PathBuf {
    PathBuf::from(format!("policy-{number}.yaml"))
}

/// Returns how the real site of a run is reached; `None` of a run on an emulated site of its own.
#[must_use]
pub fn kept_site(options: &str) -> Option<VaultArgs> {
    serde_json::from_str::<KeptOptions>(options).ok()?.site
}

/// Returns the digests of the texts that the policies of a run were read from; `None` of a run of an older program, which did not
/// keep them.
#[must_use]
pub fn kept_policies(options: &str) -> Option<BTreeSet<String>> {
    serde_json::from_str::<KeptOptions>(options).ok()?.policies
}

/// Returns how a run was driven; of one that says nothing about it, as flags say.
#[must_use]
pub fn kept_driven(options: &str) -> Driven {
    serde_json::from_str::<KeptOptions>(options).map(|kept| kept.driven).unwrap_or_default()
}

/// Returns the plan that a run executes, and the flags under which it was checked.
#[must_use]
pub fn kept_documents(folder: &Path, options: &str) -> (PathBuf, PlanArgs) {
    let inventory = Some(folder.join("inventory.yaml")).filter(|path| path.exists());
    let policies = (1..).map(|number| folder.join(policy_file(number)));
    let policy = policies.take_while(|path| path.exists()).collect();
    let kept: Option<KeptOptions> = serde_json::from_str(options).ok();
    let origin = match kept.as_ref().map(|kept| kept.origin.as_str()) {
        Some("seed") => Origin::Seed,
        Some(_) | None => Origin::All,
    };
    let args = PlanArgs {
        inventory,
        policy,
        now: kept.as_ref().map(|kept| kept.now),
        origin,
        strict: kept.as_ref().is_some_and(|kept| kept.strict),
        part: kept.and_then(|kept| kept.part),
        max_file_size: crate::quantity::Bytes(u64::MAX),
        max_age: None,
        observed: None,
        pin: None,
        alone: true,
    };
    (folder.join("plan.yaml"), args)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cli::env::Env;
    use crate::cli::ready;
    use crate::cli::ready::Moment;
    use crate::clock::FixedClock;

    /// Tells what is asked of it, and fails at one thing.
    #[derive(Default)]
    struct Told {
        asked: Vec<String>,
        fails_at: Option<&'static str>,
    }

    impl Told {
        fn take(&mut self, what: &str, path: &Path) -> io::Result<()> {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let fails = self.fails_at == Some(name.as_str());
            self.asked.push(format!("{what} {name}"));
            if fails { Err(io::Error::other("the disk fails")) } else { Ok(()) }
        }
    }

    impl Disk for Told {
        fn write(&mut self, path: &Path, _: &str) -> io::Result<()> {
            self.take("text", path)
        }
        fn keep_names(&mut self, folder: &Path) -> io::Result<()> {
            self.take("names", folder)
        }
    }

    const PLAN: &str = include_str!("../../tests/worlds/classic.plan.yaml");
    const INVENTORY: &str = include_str!("../../tests/worlds/classic.inventory.yaml");
    const POLICY: &str = "kind: Policy\nversion: 1\nname: corp\nrules:\n  - {id: ACME01, severity: error, scope: machine, message: m, assert: 'true'}\n";

    #[test]
    fn what_a_run_is_pinned_to_is_on_disk_before_it_is_entered() {
        let place = tempfile::tempdir().expect("a folder");
        for (name, text) in
            [("p.plan.yaml", PLAN), ("classic.inventory.yaml", INVENTORY), ("c.policy.yaml", POLICY)]
        {
            std::fs::write(place.path().join(name), text).expect("written");
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = FixedClock("2025-06-01T00:00:00Z".parse().expect("a time"));
        let mut env = Env::new(&mut out, &mut err, place.path().to_owned(), Arc::new(clock));
        let args = PlanArgs {
            policy: vec!["c.policy.yaml".into()],
            alone: true,
            max_file_size: crate::quantity::Bytes(1 << 20),
            ..PlanArgs::default()
        };
        let plan = ready::ready(Path::new("p.plan.yaml"), &args, Moment::Observed, &mut env)
            .expect("it is read")
            .expect("nothing refuses it");
        let dir = StateDir::create(&place.path().join(".failback")).expect("made");
        let folder = dir.make_run(&crate::id::RunId::new("r1")).expect("made");
        let mut disk = Told::default();
        keep_on(&mut disk, &folder, &plan).expect("kept");
        settle_on(&mut disk, &dir, &folder).expect("kept");
        let told = ["text plan.yaml", "text inventory.yaml", "text policy-1.yaml"];
        let names = ["names r1", "names runs", "names .failback"];
        assert_eq!(disk.asked, [told, names].concat());
        for name in ["plan.yaml", "policy-1.yaml"] {
            let mut disk = Told { fails_at: Some(name), ..Told::default() };
            assert!(keep_on(&mut disk, &folder, &plan).is_err(), "{name}");
        }
        for name in ["r1", "runs"] {
            let mut disk = Told { fails_at: Some(name), ..Told::default() };
            assert!(settle_on(&mut disk, &dir, &folder).is_err(), "{name}");
        }
        keep_documents(&folder, &plan).expect("kept");
        settle(&dir, &folder).expect("kept");
        let kept = std::fs::read_to_string(folder.join("policy-1.yaml")).expect("it is there");
        assert_eq!(kept, POLICY);
    }

    #[test]
    fn a_run_of_an_older_program_says_nothing_of_its_policies() {
        let args = PlanArgs::default();
        let digests = BTreeSet::from(["sha256:1".to_owned()]);
        let now = "2025-06-01T00:00:00Z".parse().expect("a time");
        let options = kept_options(&args, now, None, digests.clone(), Driven::default());
        assert_eq!(kept_policies(&options), Some(digests));
        let old = r#"{"now":"2025-06-01T00:00:00Z","origin":"all","strict":false}"#;
        assert_eq!(kept_policies(old), None);
        assert_eq!(kept_documents(Path::new("/r1"), old).1.now, Some(now));
    }
}
