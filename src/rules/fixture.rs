//! Fixtures of rules: small changes to a healthy reference world, and what the rule must say about each.
//!
//! Tests, `explain` and the documentation read the same fixtures, so that an example shown is an example tested.
//!
//! A change is a merge patch: `null` takes a key out, `"!null"` writes a null. A list of things with names is
//! changed by a mapping from names to changes; a name that is new adds a thing, and `null` takes one out.
//!
//! Beside `plan` and `inventory`, a case may give `now`, `guard`, `at_reprotect: {machine: datastore}` and
//! `other_plans: {name: [machine, …]}`, plans of the same workspace. Rules that no plan of ours can break are shown on
//! `steps` that somebody else put together, each a mapping of
//! - `machine`: its machine, or the server that it is about;
//! - `phase`, `direction` (`azure_to_onprem`, `onprem_to_azure`) and `kind` (`planned`, `unplanned`) of a step of a life cycle;
//! - `request`: `upgrade_to_modernized`, `switch_appliance`, `reprotect_alone`, `cancel_failover`, `disable_replication`,
//!   `deploy_process_server` with `within_quota: true` or `false`, or `set_failback_policy` with `policy: {rpo_threshold: 15m,
//!   retention: 24h, app_consistent_every: 1h}`, of which any may be left out.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Deserializer;
use serde_yaml::Mapping;
use serde_yaml::Value;

use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::OtherPlan;
use crate::model::resolve;
use crate::quantity::Seconds;
use crate::rules::evaluate;
use crate::rules::findings::Finding;
use crate::rules::rule::Check;
use crate::rules::rule::Guard;
use crate::rules::rule::Rule;
use crate::rules::steps::Direction;
use crate::rules::steps::FailbackPolicy;
use crate::rules::steps::FailoverKind;
use crate::rules::steps::PlannedStep;
use crate::rules::steps::Request;
use crate::source::Sources;
use crate::source::Span;
use crate::syntax::Document;
use crate::syntax::action::Phase;
use crate::syntax::parse;

const CLASSIC_PLAN: &str = include_str!("../../tests/worlds/classic.plan.yaml");
const CLASSIC_INVENTORY: &str = include_str!("../../tests/worlds/classic.inventory.yaml");
const MODERNIZED_PLAN: &str = include_str!("../../tests/worlds/modernized.plan.yaml");
const MODERNIZED_INVENTORY: &str = include_str!("../../tests/worlds/modernized.inventory.yaml");

/// A fixture: the cases of one rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// Id of the rule.
    pub rule: String,
    /// Its cases; the first one is the example that documentation shows.
    pub cases: Vec<Case>,
}

/// A healthy reference world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// The classic one.
    Classic,
    /// The modernized one.
    Modernized,
}

impl World {
    /// Returns the moment at which the world is healthy.
    ///
    /// # Panics
    ///
    /// Never: the moments are constants.
    #[must_use]
    pub fn healthy_at(self) -> Timestamp {
        let text = match self {
            Self::Classic => "2025-06-01T00:00:00Z",
            Self::Modernized => "2026-11-01T00:00:00Z",
        };
        text.parse().expect("the constant is a moment")
    }
}

/// A change to a reference world, and what the rule must say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    pub name: String,
    /// The world that is changed.
    pub world: World,
    /// The change to its plan.
    #[serde(default)]
    pub plan: Value,
    /// The change to its inventory.
    #[serde(default)]
    pub inventory: Value,
    /// The moment of a run at which the rule is asked; left out: before a run.
    pub guard: Option<Guard>,
    /// The moment at which dates are measured; left out: the one at which the world is healthy.
    pub now: Option<Timestamp>,
    /// Datastore of the master target or appliance of a machine when the machine was reprotected, by the machine's name.
    #[serde(default)]
    pub at_reprotect: BTreeMap<String, String>,
    /// Machines of the other plans of the workspace, by the plan's name.
    #[serde(default)]
    pub other_plans: BTreeMap<String, Vec<String>>,
    /// Steps that somebody else put together, for rules that ours can't break.
    pub steps: Option<Vec<MadeUpStep>>,
    /// What the rule must say, in order; empty: nothing.
    pub expect: Vec<Expectation>,
}

/// A step that no plan of ours would hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeUpStep {
    machine: String,
    phase: Option<Phase>,
    direction: Option<MadeUpDirection>,
    kind: Option<MadeUpKind>,
    request: Option<MadeUpRequest>,
    /// Of `deploy_process_server`.
    within_quota: Option<bool>,
    /// Of `set_failback_policy`.
    #[serde(default)]
    policy: MadeUpPolicy,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MadeUpDirection {
    AzureToOnprem,
    OnpremToAzure,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MadeUpKind {
    Planned,
    Unplanned,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MadeUpRequest {
    UpgradeToModernized,
    SwitchAppliance,
    ReprotectAlone,
    SetFailbackPolicy,
    DeployProcessServer,
    CancelFailover,
    DisableReplication,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MadeUpPolicy {
    #[serde(deserialize_with = "duration")]
    rpo_threshold: Option<Seconds>,
    #[serde(deserialize_with = "duration")]
    retention: Option<Seconds>,
    #[serde(deserialize_with = "duration")]
    app_consistent_every: Option<Seconds>,
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Seconds::parse(&text).map(Some).map_err(serde::de::Error::custom)
}

/// A finding that must be made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// How it stands: `violated`, `indeterminate`, `unmeasured` (undecided without weight), `pending` (violated, and the run
    /// waits for it).
    pub state: String,
    /// Name of its subject.
    pub of: String,
    /// Its severity, where it is not the rule's.
    pub severity: Option<String>,
}

/// What a case gave.
#[derive(Debug)]
pub struct Outcome {
    /// The changed world's texts, for excerpts.
    pub sources: Sources,
    /// Mistakes of the changed documents; a good fixture makes none.
    pub diagnostics: Vec<Diagnostic>,
    /// What the rule found.
    pub findings: Vec<Finding>,
}

/// Returns the fixture of a rule.
///
/// # Errors
///
/// A sentence that says what is wrong with the fixture's text.
pub fn of(rule: &Rule) -> Result<Fixture, String> {
    serde_yaml::from_str(rule.fixture).map_err(|error| format!("fixture of {}: {error}", rule.name))
}

/// Returns the texts of a world with a case's change: plan, inventory.
///
/// # Errors
///
/// A sentence that says what can't be changed.
pub fn texts(case: &Case) -> Result<(String, String), String> {
    let (plan, inventory) = match case.world {
        World::Classic => (CLASSIC_PLAN, CLASSIC_INVENTORY),
        World::Modernized => (MODERNIZED_PLAN, MODERNIZED_INVENTORY),
    };
    Ok((changed(plan, &case.plan)?, changed(inventory, &case.inventory)?))
}

/// Runs a rule alone on a case.
///
/// # Errors
///
/// A sentence that says what is wrong with the case.
pub fn run(rule: &'static Rule, case: &Case) -> Result<Outcome, String> {
    let (plan, inventory) = texts(case)?;
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let mut documents = Vec::new();
    for (name, text) in [("plan.yaml", plan), ("inventory.yaml", inventory)] {
        let index = sources.add(name, text).map_err(|error| error.to_string())?;
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    let mut findings = Vec::new();
    if let [Document::Plan(plan), Document::Inventory(inventory)] = documents.as_slice() {
        let mut model = resolve((**plan).clone(), (**inventory).clone());
        for (machine, datastore) in &case.at_reprotect {
            model.remember_placement(machine, datastore);
        }
        let spanless = |machine: &String| (machine.clone(), Span::NONE);
        let other_plans = case.other_plans.iter().map(|(name, machines)| OtherPlan {
            name: name.clone(),
            machines: machines.iter().map(spanless).collect(),
        });
        model.know_other_plans(other_plans.collect());
        findings = found(rule, &model, case);
    }
    Ok(Outcome { sources, diagnostics, findings })
}

fn found(rule: &'static Rule, model: &Model, case: &Case) -> Vec<Finding> {
    match (&rule.check, &case.steps) {
        (Check::Steps(_), Some(steps)) => {
            let steps: Vec<PlannedStep> = steps.iter().map(MadeUpStep::planned).collect();
            let mut found = evaluate::check_steps(model, &steps);
            found.retain(|finding| finding.rule == rule.id);
            found
        }
        _ => evaluate::run_rule(rule, model, case.guard, case.now.unwrap_or_else(|| case.world.healthy_at())),
    }
}

impl MadeUpStep {
    fn planned(&self) -> PlannedStep {
        PlannedStep {
            machine: self.machine.clone(),
            phase: self.phase.unwrap_or(Phase::Run),
            direction: self.direction.map(|direction| match direction {
                MadeUpDirection::AzureToOnprem => Direction::AzureToOnprem,
                MadeUpDirection::OnpremToAzure => Direction::OnpremToAzure,
            }),
            kind: self.kind.map(|kind| match kind {
                MadeUpKind::Planned => FailoverKind::Planned,
                MadeUpKind::Unplanned => FailoverKind::Unplanned,
            }),
            request: self.request.map(|request| match request {
                MadeUpRequest::UpgradeToModernized => Request::UpgradeToModernized,
                MadeUpRequest::SwitchAppliance => Request::SwitchAppliance,
                MadeUpRequest::ReprotectAlone => Request::ReprotectAlone,
                MadeUpRequest::SetFailbackPolicy => Request::SetFailbackPolicy(self.policy.policy()),
                MadeUpRequest::DeployProcessServer => {
                    Request::DeployProcessServer { within_quota: self.within_quota }
                }
                MadeUpRequest::CancelFailover => Request::CancelFailover,
                MadeUpRequest::DisableReplication => Request::DisableReplication,
            }),
            span: Span::NONE,
        }
    }
}

impl MadeUpPolicy {
    fn policy(self) -> FailbackPolicy {
        let Self { rpo_threshold, retention, app_consistent_every } = self;
        FailbackPolicy { rpo_threshold, retention, app_consistent_every }
    }
}

impl MadeUpRequest {
    const fn words(self) -> &'static str {
        match self {
            Self::UpgradeToModernized => "upgrade to modernized",
            Self::SwitchAppliance => "switch the appliance",
            Self::ReprotectAlone => "alone",
            Self::SetFailbackPolicy => "set the failback policy",
            Self::DeployProcessServer => "deploy this process server",
            Self::CancelFailover => "cancel the running failover",
            Self::DisableReplication => "disable replication",
        }
    }
}

impl fmt::Display for MadeUpStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.phase.map(Phase::as_str);
        let direction = self.direction.map(|direction| match direction {
            MadeUpDirection::AzureToOnprem => "azure_to_onprem",
            MadeUpDirection::OnpremToAzure => "onprem_to_azure",
        });
        let kind = self.kind.map(|kind| match kind {
            MadeUpKind::Planned => "planned",
            MadeUpKind::Unplanned => "unplanned",
        });
        let words: Vec<&str> =
            [phase, direction, kind, self.request.map(MadeUpRequest::words)].into_iter().flatten().collect();
        write!(f, "{}: {}", self.machine, words.join(", "))?;
        if let Some(within) = self.within_quota {
            write!(f, ", {} quota", if within { "within the" } else { "without" })?;
        }
        let policy = [
            ("RPO threshold", self.policy.rpo_threshold),
            ("retention", self.policy.retention),
            ("app-consistent every", self.policy.app_consistent_every),
        ];
        for (what, value) in policy {
            if let Some(value) = value {
                write!(f, ", {what} {value}")?;
            }
        }
        Ok(())
    }
}

/// Returns the text of a document with a change; the text itself, if there is none.
fn changed(text: &str, patch: &Value) -> Result<String, String> {
    if patch.is_null() {
        return Ok(text.to_owned());
    }
    let mut document: Value = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    document.apply_merge().map_err(|error| error.to_string())?;
    apply(&mut document, patch)?;
    serde_yaml::to_string(&document).map_err(|error| error.to_string())
}

fn apply(target: &mut Value, patch: &Value) -> Result<(), String> {
    match (target, patch) {
        (Value::Mapping(target), Value::Mapping(patch)) => {
            for (key, change) in patch {
                if change.is_null() {
                    target.remove(key);
                } else {
                    apply(target.entry(key.clone()).or_insert(Value::Null), change)?;
                }
            }
            Ok(())
        }
        (Value::Sequence(items), Value::Mapping(patch)) => {
            for (name, change) in patch {
                apply_to_item(items, name, change)?;
            }
            Ok(())
        }
        (target, Value::Mapping(patch)) => {
            // A new mapping: changes inside it still take keys out and write nulls.
            *target = Value::Mapping(Mapping::new());
            apply(target, &Value::Mapping(patch.clone()))
        }
        (target, change) => {
            *target = if change.as_str() == Some("!null") { Value::Null } else { change.clone() };
            Ok(())
        }
    }
}

fn apply_to_item(items: &mut Vec<Value>, name: &Value, change: &Value) -> Result<(), String> {
    let is_it = |item: &Value| ["name", "id"].iter().any(|key| item.get(key) == Some(name)) || item == name;
    let at = items.iter().position(is_it);
    match (at, change) {
        (Some(at), Value::Null) => {
            items.remove(at);
            Ok(())
        }
        (Some(at), change) => apply(&mut items[at], change),
        (None, Value::Null) => Err(format!("there is no {name:?} to take out")),
        (None, change) => {
            let mut item = Value::Mapping(Mapping::from_iter([(Value::from("name"), name.clone())]));
            apply(&mut item, change)?;
            // Things that are known by an id have no name.
            if let Value::Mapping(item) = &mut item
                && item.contains_key("id")
            {
                item.remove("name");
            }
            items.push(item);
            Ok(())
        }
    }
}
