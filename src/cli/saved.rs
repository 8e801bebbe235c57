//! Saved plans: what `plan -o` writes and `run` takes, bound to what plan and facts said then.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::cli::args::Origin;
use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::plan;
use crate::cli::ready::Ready;
use crate::graph::Graph;
use crate::model::Model;
use crate::model::digest;
use crate::model::digest::Parts;
use crate::syntax::file;

/// What a saved plan is bound to; its other keys are for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Files of the policies that were given, relative to the same folder.
    #[serde(default)]
    pub policies: Vec<PathBuf>,
    /// Digests of the texts that policies were read from, whether they were given or lie around the plan; older programs did not
    /// keep them.
    #[serde(default)]
    pub policy_digests: Option<BTreeSet<String>>,
    /// Whether what could not be decided refused the plan (`--strict`).
    #[serde(default)]
    pub strict: bool,
    /// Which rules were evaluated (`--origin`).
    #[serde(default)]
    pub origin: Origin,
    /// Digest of the plan as it was resolved.
    pub digest: String,
    /// Digest of what comments accept, which the plan's digest holds too: it tells what changed.
    #[serde(default)]
    pub waivers_digest: Option<String>,
    /// Digest of the facts.
    pub facts_digest: String,
    /// Digests of the plan's parts, which tell what changed.
    #[serde(default)]
    pub plan_parts: Parts,
    /// Digests of the facts' parts, which tell what changed.
    #[serde(default)]
    pub facts_parts: Parts,
    /// Version of the program that saved it.
    #[serde(default)]
    pub program: Option<String>,
    /// The steps that it would have done, as they are shown.
    #[serde(default)]
    pub steps: Vec<serde_json::Value>,
}

/// What changed since a plan was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The plan, or what is merged into it.
    Plan,
    /// What comments of plan or inventory accept.
    Comments,
    /// The facts.
    Facts,
    /// The texts of the policies.
    Policies,
    /// What the program does for the same plan and facts.
    Steps,
}

/// Parts that are named when something changed; the others are counted.
const NAMED: usize = 5;

/// Returns names in words, in brackets; nothing if there are none.
fn in_brackets(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
    let shown = crate::escape::line(&shown.join(", ")).into_owned();
    match names.len() {
        0 => String::new(),
        count if count > NAMED => format!(" ({shown} and {} more)", count - NAMED),
        _ => format!(" ({shown})"),
    }
}

impl SavedPlan {
    /// The word of `kind`.
    pub const KIND: &'static str = "SavedPlan";

    /// Returns whether a text looks like a saved plan, so that it is not taken for a plan.
    #[must_use]
    pub fn is_it(text: &str) -> bool {
        // However it is laid out: some editors and tools lay JSON out anew.
        let says_so = |rest: &str| {
            let value = rest.trim_start().strip_prefix(':').map(str::trim_start);
            value
                .and_then(|value| value.strip_prefix('"'))
                .is_some_and(|value| value.strip_prefix(Self::KIND).is_some_and(|rest| rest.starts_with('"')))
        };
        text.trim_start().starts_with('{') && text.split(r#""kind""#).skip(1).any(says_so)
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
        let plan = (self.digest != digest::plan(model)).then(|| {
            let accepted = digest::waiver_comments(model);
            let same = self.waivers_digest.as_ref().is_none_or(|saved| *saved == accepted);
            if same { Change::Plan } else { Change::Comments }
        });
        let facts = (self.facts_digest != digest::facts(model)).then_some(Change::Facts);
        plan.into_iter().chain(facts).collect()
    }

    /// Returns the steps that this program would do otherwise than the one that saved the plan, or not at all, by their ids.
    fn other_steps(&self, steps: &[serde_json::Value]) -> Vec<String> {
        let by_id = |steps: &[serde_json::Value]| -> BTreeMap<String, serde_json::Value> {
            let without_estimate = |step: &serde_json::Value| {
                let mut step = step.clone();
                // How long it takes is no matter of what it does.
                step.as_object_mut().map(|step| step.remove("estimate"));
                (step["id"].as_str().unwrap_or_default().to_owned(), step)
            };
            steps.iter().map(without_estimate).collect()
        };
        let (then, now) = (by_id(&self.steps), by_id(steps));
        let ids: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        ids.into_iter().filter(|id| then.get(*id) != now.get(*id)).cloned().collect()
    }
}

/// The plan that a command line names: a plan's file, or a saved plan that leads to one.
#[derive(Clone, Debug)]
pub struct Named {
    /// File of the plan.
    pub path: PathBuf,
    /// How it is read and checked.
    pub args: PlanArgs,
    /// The saved plan, if one was named.
    pub saved: Option<SavedPlan>,
}

/// Finds out what a file is. One that can't be read is left to whoever reads plans.
///
/// # Errors
///
/// [`CliError`] if it is a saved plan that this program can't read.
pub fn named(path: &Path, args: &PlanArgs, env: &Env<'_>) -> Result<Named, CliError> {
    let as_given = || Named { path: path.to_owned(), args: args.clone(), saved: None };
    let Ok(read) = file::read_file(&env.path(path), args.max_file_size.0) else { return Ok(as_given()) };
    if !SavedPlan::is_it(&read.text) {
        return Ok(as_given());
    }
    let saved = SavedPlan::parse(&read.text).map_err(|message| {
        CliError::usage(format!("can't read the saved plan `{}`: {message}", path.display()))
            .hinted("save it again: failback plan PLAN -o FILE")
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut args = args.clone();
    args.inventory = args.inventory.or_else(|| saved.inventory.as_ref().map(|path| folder.join(path)));
    args.strict |= saved.strict;
    if args.origin == Origin::default() {
        args.origin = saved.origin;
    }
    args.policy.extend(saved.policies.iter().map(|path| folder.join(path)));
    Ok(Named { path: folder.join(&saved.path), args, saved: Some(saved) })
}

impl Named {
    /// Returns why a plan is not the one that was saved, and what to do about it; `None` if it is.
    #[must_use]
    pub fn refusal(&self, ready: &Ready, graph: &Graph) -> Option<CliError> {
        let saved = self.saved.as_ref()?;
        let model = ready.plan.model();
        let moved = |then: &Parts, now: &Parts| match then.is_empty() {
            true => String::new(),
            false => in_brackets(&digest::differing(then, now)),
        };
        let mut changes = saved.changes(model);
        let policies = ready.policy_digests();
        let moved_policies = saved.policy_digests.as_ref().is_some_and(|then| *then != policies);
        changes.extend(moved_policies.then_some(Change::Policies));
        let steps = if changes.is_empty() { saved.other_steps(&plan::steps(graph)) } else { Vec::new() };
        changes.extend((!steps.is_empty()).then_some(Change::Steps));
        let told: Vec<String> = changes
            .iter()
            .map(|change| match change {
                Change::Plan => {
                    format!("the plan{}", moved(&saved.plan_parts, &digest::parts_of_plan(model)))
                }
                Change::Comments => "what comments accept (`# failback: ignore`)".to_owned(),
                Change::Facts => {
                    format!("the facts{}", moved(&saved.facts_parts, &digest::parts_of_facts(model)))
                }
                Change::Policies => "the policies".to_owned(),
                Change::Steps => {
                    let names: Vec<&str> = steps.iter().map(String::as_str).collect();
                    let program = saved.program.as_deref().unwrap_or("another version");
                    format!(
                        "what this program does, which was {program} and is {},{}",
                        env!("CARGO_PKG_VERSION"),
                        in_brackets(&names)
                    )
                }
            })
            .collect();
        let plan = self.path.display();
        let have = match (told.len(), changes.first()) {
            (0, _) => return None,
            (1, Some(Change::Plan | Change::Comments | Change::Steps)) => "has",
            _ => "have",
        };
        let message =
            format!("{} {have} changed since the plan was saved: `{plan}` is not run", told.join(" and "));
        Some(
            CliError::new(Exit::Refused, message)
                .hinted(format!("look at it, and save it again: failback plan {plan} -o FILE")),
        )
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
        assert!(!SavedPlan::is_it(&text("SavedPlans", 1)) && !SavedPlan::is_it(&text("Plan", 1)));
    }

    #[test]
    fn a_saved_plan_that_was_laid_out_anew_is_still_one() {
        for text in [
            "{\n  \"version\": 1,\n  \"kind\": \"SavedPlan\"\n}",
            "\n{\"steps\":[{\"kind\":\"commit\"}],\"kind\" :\t\"SavedPlan\"}",
        ] {
            assert!(SavedPlan::is_it(text), "{text}");
        }
        assert!(!SavedPlan::is_it("{\"kind\": \"Inventory\", \"name\": \"SavedPlan\"}"));
    }
}
