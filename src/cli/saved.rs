//! Saved plans: what `plan -o` writes and `run` takes, bound to what plan and facts said then.

use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Model;
use crate::model::digest;

/// What a saved plan is bound to; its other keys are for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    /// Always `SavedPlan`.
    pub kind: String,
    /// Version of the format: 1.
    pub version: u8,
    /// Name of the plan.
    pub plan: String,
    /// File of the plan, relative to the folder of the saved plan.
    pub path: PathBuf,
    /// File of the inventory that was given instead of the plan's own, relative to the same folder.
    pub inventory: Option<PathBuf>,
    /// Digest of the plan as it was resolved.
    pub digest: String,
    /// Digest of the facts.
    pub facts_digest: String,
}

/// What changed since a plan was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The plan, or what is merged into it.
    Plan,
    /// The facts.
    Facts,
}

impl SavedPlan {
    /// The word of `kind`.
    pub const KIND: &'static str = "SavedPlan";

    /// Returns whether a text looks like a saved plan, so that it is not taken for a plan.
    #[must_use]
    pub fn is_it(text: &str) -> bool {
        text.trim_start().starts_with('{') && text.contains(r#""kind":"SavedPlan""#)
    }

    /// Reads a saved plan.
    ///
    /// # Errors
    ///
    /// The JSON reader's, or a sentence if it is of another kind or version.
    pub fn parse(text: &str) -> Result<Self, String> {
        let saved: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if saved.kind != Self::KIND || saved.version != 1 {
            return Err(format!(
                "it is a `{}` of version {}, not a saved plan of version 1",
                saved.kind, saved.version
            ));
        }
        Ok(saved)
    }

    /// Returns what is not as it was when the plan was saved.
    #[must_use]
    pub fn changes(&self, model: &Model) -> Vec<Change> {
        let plan = (self.digest != digest::plan(model)).then_some(Change::Plan);
        let facts = (self.facts_digest != digest::facts(model)).then_some(Change::Facts);
        plan.into_iter().chain(facts).collect()
    }
}

/// Returns `path` as seen from `folder`; both are absolute.
#[must_use]
pub fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = path.components().zip(folder.components()).take_while(|(one, other)| one == other).count();
    if shared == 0 {
        return path.to_owned();
    }
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_a_folder() {
        let seen =
            |path: &str, folder: &str| relative(Path::new(path), Path::new(folder)).display().to_string();
        assert_eq!(seen("/w/plans/a.plan.yaml", "/w"), "plans/a.plan.yaml");
        assert_eq!(seen("/w/plans/a.plan.yaml", "/w/saved/x"), "../../plans/a.plan.yaml");
        assert_eq!(seen("/w/a.plan.yaml", "/w"), "a.plan.yaml");
    }

    #[test]
    fn another_kind_or_version_is_refused() {
        let text = |kind: &str, version: u8| {
            format!(
                r#"{{"kind":"{kind}","version":{version},"plan":"p","path":"p.yaml","inventory":null,"digest":"d","facts_digest":"f"}}"#
            )
        };
        assert!(SavedPlan::parse(&text("SavedPlan", 1)).is_ok_and(|saved| saved.plan == "p"));
        assert!(SavedPlan::parse(&text("SavedPlan", 2)).is_err());
        assert!(SavedPlan::parse(&text("Plan", 1)).is_err());
        assert!(SavedPlan::is_it(&text("SavedPlan", 1)) && !SavedPlan::is_it("kind: RecoveryPlan"));
    }
}
