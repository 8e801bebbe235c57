//! What a run keeps of its documents and flags, so that it is taken over as it began.

use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::Origin;
use crate::cli::args::PlanArgs;
use crate::cli::error::CliError;
use crate::cli::ready::Ready;
use crate::cli::session::Driven;
use crate::cli::site::VaultArgs;
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
    /// How it is driven.
    #[serde(flatten)]
    driven: Driven,
}

/// Returns the flags of a run that decide how its rules are evaluated, and how it goes on, as JSON.
#[must_use]
pub fn kept_options(args: &PlanArgs, now: Timestamp, site: Option<&VaultArgs>, driven: Driven) -> String {
    let origin = match args.origin {
        Origin::Seed => "seed",
        Origin::All => "all",
    };
    let (strict, part) = (args.strict, args.part.clone());
    let kept = KeptOptions { now, origin: origin.into(), strict, site: site.cloned(), part, driven };
    serde_json::to_string(&kept).expect("flags have a JSON form")
}

/// Keeps the texts that a run executes: it is pinned to them, whatever becomes of the files.
///
/// # Errors
///
/// [`CliError`] if they can't be written.
pub fn keep_documents(folder: &Path, plan: &Ready) -> Result<(), CliError> {
    let texts = &plan.texts;
    let mut kept = vec![(PathBuf::from("plan.yaml"), texts.plan)];
    kept.extend(texts.inventory.map(|index| (PathBuf::from("inventory.yaml"), index)));
    kept.extend((1..).map(policy_file).zip(texts.policies.iter().copied()));
    for (name, index) in kept {
        let path = folder.join(name);
        std::fs::write(&path, plan.sources.get(index).text())
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
        alone: true,
    };
    (folder.join("plan.yaml"), args)
}
