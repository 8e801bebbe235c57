//! The plan of a run, read and compiled from the texts that the run kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::diagnostic::Diagnostic;
use crate::evidence::line::Role;
use crate::evidence::line::Text;
use crate::forecast;
use crate::graph;
use crate::graph::Graph;
use crate::journal::RunRecord;
use crate::model::Model;
use crate::model::resolve;
use crate::model::restrict::Part;
use crate::model::restrict::restrict;
use crate::rules;
use crate::rules::Options;
use crate::rules::OriginFilter;
use crate::rules::Policies;
use crate::source::Sources;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::policy::Policy;

/// What is kept of a run's flags that decides how its rules are evaluated.
#[derive(Deserialize)]
struct Flags {
    now: Timestamp,
    origin: String,
    strict: bool,
    /// Which part of the plan was run; without it, the whole.
    #[serde(default)]
    part: Option<Part>,
}

/// What is kept of a run's flags about its policies.
#[derive(Deserialize)]
struct PolicyFlags {
    /// Digests of the texts that its policies were read from; runs of older programs do not tell.
    policies: Option<BTreeSet<String>>,
}

/// Returns what is wrong with the policies among the texts of a run: those that it did not begin with, and those that are missing.
///
/// Of a run of an older program, which did not keep what its policies were, nothing can be said.
#[must_use]
pub fn other_policies(texts: &[Text], record: &RunRecord) -> Vec<String> {
    let flags: Option<PolicyFlags> = serde_json::from_str(&record.options).ok();
    let Some(pinned) = flags.and_then(|flags| flags.policies) else { return Vec::new() };
    let others = texts.iter().filter(|text| text.role == Role::Policy && !pinned.contains(&text.digest));
    let others = others.map(|text| {
        format!("the policy {} has the digest {}, and the run began with none such", text.name, text.digest)
    });
    let is_there = |digest: &&String| texts.iter().any(|text| text.digest == **digest);
    let missing = pinned.iter().filter(|digest| !is_there(digest));
    let missing = missing.map(|digest| format!("a policy that the run began with is missing: {digest}"));
    others.chain(missing).collect()
}

/// The plan of a run, compiled.
pub struct Compiled {
    /// Its steps.
    pub graph: Arc<Graph>,
    /// Its organisation's own rules.
    pub policies: Policies,
    /// How its rules were evaluated.
    pub options: Options,
}

/// What the texts of a run say, before any rule.
#[derive(Debug)]
pub struct Documents {
    /// The plan, bound to its facts.
    pub model: Model,
    policies: Policies,
    options: Options,
}

/// The texts of a run make no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentsError {
    /// A text, or the run's flags, can't be read.
    #[error("{name} can't be read: {message}")]
    Unreadable {
        /// Its name.
        name: String,
        /// Why not.
        message: String,
    },
    /// A rule refuses the plan.
    #[error("{rule} refuses the plan: {message}")]
    Refused {
        /// The rule.
        rule: String,
        /// What it found.
        message: String,
    },
}

#[derive(Default)]
struct Found {
    plans: Vec<RecoveryPlan>,
    inventories: Vec<Inventory>,
    policies: Vec<Policy>,
}

fn unreadable(name: &str, message: impl Into<String>) -> DocumentsError {
    DocumentsError::Unreadable { name: name.to_owned(), message: message.into() }
}

fn parse(sources: &mut Sources, text: &Text) -> Result<Found, DocumentsError> {
    let index = sources
        .add(text.name.clone(), text.text.clone())
        .map_err(|error| unreadable(&text.name, error.to_string()))?;
    let mut mistakes = Vec::new();
    let documents = syntax::parse(sources.get(index), &mut mistakes);
    refuse(&text.name, &mistakes)?;
    let mut found = Found::default();
    for document in documents {
        match document {
            Document::Plan(plan) => found.plans.push(*plan),
            Document::Inventory(inventory) => found.inventories.push(*inventory),
            Document::Policy(policy) => found.policies.push(*policy),
            Document::Settings(_) => {}
        }
    }
    Ok(found)
}

fn refuse(name: &str, mistakes: &[Diagnostic]) -> Result<(), DocumentsError> {
    let wrong = mistakes.iter().find(|mistake| mistake.severity == crate::diagnostic::Severity::Error);
    wrong.map_or(Ok(()), |mistake| Err(unreadable(name, mistake.message.clone())))
}

/// Returns the one thing of a list.
fn one<T>(name: &str, what: &str, mut list: Vec<T>) -> Result<Option<T>, DocumentsError> {
    match list.len() {
        0 | 1 => Ok(list.pop()),
        count => Err(unreadable(name, format!("it holds {count} {what}"))),
    }
}

/// Reads the texts that a run kept.
///
/// # Errors
///
/// [`DocumentsError::Unreadable`] if one is missing or can't be read.
pub fn read(texts: &[Text], record: &RunRecord) -> Result<Documents, DocumentsError> {
    let mut sources = Sources::default();
    let of = |role| texts.iter().filter(move |text| text.role == role);
    if let Some(second) = [Role::Plan, Role::Inventory].into_iter().find_map(|role| of(role).nth(1)) {
        return Err(unreadable(
            &second.name,
            "a run has one plan and one inventory, and this is another one",
        ));
    }
    let plan_text = of(Role::Plan).next().ok_or_else(|| unreadable("the plan", "it is not there"))?;
    let Found { plans, inventories, mut policies } = parse(&mut sources, plan_text)?;
    let plan = one(&plan_text.name, "plans", plans)?
        .ok_or_else(|| unreadable(&plan_text.name, "it holds no plan"))?;
    let beside = one(&plan_text.name, "inventories", inventories)?;
    let inventory = match of(Role::Inventory).next() {
        Some(text) => one(&text.name, "inventories", parse(&mut sources, text)?.inventories)?
            .ok_or_else(|| unreadable(&text.name, "it holds no inventory"))?,
        None => beside.unwrap_or_else(|| Inventory::unknown("none")),
    };
    for text in of(Role::Policy) {
        policies.append(&mut parse(&mut sources, text)?.policies);
    }
    let mut mistakes = Vec::new();
    let policies = Policies::compile(&policies, &sources, &mut mistakes);
    refuse("a policy", &mistakes)?;
    let flags: Flags = serde_json::from_str(&record.options)
        .map_err(|error| unreadable("the run's flags", error.to_string()))?;
    let origin = if flags.origin == "seed" { OriginFilter::Seed } else { OriginFilter::All };
    let options = Options { origin, strict: flags.strict, now: flags.now };
    let plan = match &flags.part {
        Some(part) => {
            restrict(&plan, part)
                .map_err(|errors| {
                    let first = errors.first().map_or_else(String::new, ToString::to_string);
                    unreadable("the part of the plan that was run", first)
                })?
                .plan
        }
        None => plan,
    };
    Ok(Documents { model: resolve(plan, inventory), policies, options })
}

impl Documents {
    /// Compiles the plan, if no rule refuses it.
    ///
    /// # Errors
    ///
    /// [`DocumentsError::Refused`] if one does.
    pub fn compile(self) -> Result<Compiled, DocumentsError> {
        let Self { model, policies, options } = self;
        let report = rules::check_with(model, &policies, &options);
        let Some(plan) = report.checked else {
            let first = report.findings.into_iter().next();
            let (rule, message) =
                first.map_or_else(Default::default, |first| (first.rule.into_owned(), first.message));
            return Err(DocumentsError::Refused { rule, message });
        };
        Ok(Compiled { graph: Arc::new(forecast::ranked(graph::compile(&plan))), policies, options })
    }
}
