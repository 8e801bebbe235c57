//! Tests of policies: small worlds, of which nothing is known but what the test gives.

use jiff::Timestamp;
use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use crate::model::Model;
use crate::model::resolve;
use crate::rules::findings::State;
use crate::rules::policy::BROKEN;
use crate::rules::policy::Policies;
use crate::rules::policy::finding;
use crate::source::Sources;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::Document;
use crate::syntax::parse;
use crate::syntax::policy::Expected;
use crate::syntax::policy::Given;
use crate::syntax::policy::Policy;
use crate::syntax::policy::PolicyTest;
use crate::syntax::policy::Scope;
use crate::syntax::value::Free;

/// What became of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The test's name.
    pub name: String,
    /// Id of its rule.
    pub rule: String,
    /// What it expects.
    pub expected: Expected,
    /// What the rule said; or why it could say nothing.
    pub got: Result<Expected, String>,
    /// Where the expectation is written.
    pub span: Span,
}

impl Outcome {
    /// Returns whether the rule said what was expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.got.as_ref() == Ok(&self.expected)
    }
}

/// The moment of tests whose world has no `observed_at`.
const MOMENT: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Runs the tests of a policy, each on its own world; `policies` are the compiled rules.
///
/// `now` of an expression is the world's `observed_at`, else the first moment of 2026.
#[must_use]
pub fn run(policy: &Policy, policies: &Policies) -> Vec<Outcome> {
    policy.tests.iter().map(|test| outcome(test, policies)).collect()
}

fn outcome(test: &PolicyTest, policies: &Policies) -> Outcome {
    Outcome {
        name: test.name.value.clone(),
        rule: test.rule.value.clone(),
        expected: test.expect.value,
        got: said(test, policies),
        span: test.expect.span,
    }
}

/// Returns what the rule says about a test's world.
fn said(test: &PolicyTest, policies: &Policies) -> Result<Expected, String> {
    let rule = policies.rules.iter().find(|rule| rule.id == test.rule.value);
    let rule = rule.ok_or_else(|| "the rule has mistakes, or does not exist".to_owned())?;
    let model = world(&test.given)?;
    if rule.scope == Scope::Group && model.groups().len() == 0 {
        return Err("the rule is about replication groups, and the world has none: add `group:`".to_owned());
    }
    let now = model.observed_at().unwrap_or(MOMENT);
    let found = finding::of(std::slice::from_ref(rule), &model, now);
    if let Some(broken) = found.iter().find(|finding| finding.name == BROKEN) {
        return Err(broken.message.clone());
    }
    let any = |state| found.iter().any(|finding| finding.state == state);
    Ok(match (any(State::Violated), any(State::Indeterminate)) {
        (true, _) => Expected::Violated,
        (false, true) => Expected::Indeterminate,
        (false, false) => Expected::Silent,
    })
}

/// Returns the world of a test, bound.
fn world(given: &Given) -> Result<Model, String> {
    let mut machines = Vec::new();
    let listed = given.machine.iter().chain(&given.machines);
    for (index, machine) in listed.enumerate() {
        let Json::Object(mut facts) = machine.value.0.clone() else {
            return Err("`given`: a machine is a mapping of facts".to_owned());
        };
        let name = if given.machine.is_some() && index == 0 {
            "machine".to_owned()
        } else {
            format!("machine{index}")
        };
        facts.entry("name").or_insert_with(|| name.into());
        machines.push(Json::Object(facts));
    }
    let names_machines = |free: &Option<Spanned<Free>>, keys: &[&str]| {
        free.as_ref().is_some_and(|free| keys.iter().any(|key| free.value.0.get(key).is_some()))
    };
    if machines.is_empty()
        && !names_machines(&given.plan, &["machines", "replication_groups"])
        && !names_machines(&given.inventory, &["machines"])
    {
        machines.push(json!({"name": "machine"}));
    }
    let names: Vec<Json> = machines.iter().map(|machine| machine["name"].clone()).collect();
    let mut plan = Map::new();
    if let Some(group) = &given.group {
        let mut group = object(group, "group")?;
        group.entry("name").or_insert_with(|| "group".into());
        group.entry("machines").or_insert_with(|| names.clone().into());
        plan.insert("replication_groups".to_owned(), json!([group]));
    } else if !names.is_empty() {
        plan.insert("machines".to_owned(), names.into());
    }
    let mut inventory = Map::new();
    if !machines.is_empty() {
        inventory.insert("machines".to_owned(), machines.into());
    }
    for (document, change, what) in
        [(&mut plan, &given.plan, "plan"), (&mut inventory, &given.inventory, "inventory")]
    {
        if let Some(change) = change {
            document.extend(object(change, what)?);
        }
    }
    bound(document("RecoveryPlan", plan), document("Inventory", inventory))
}

fn object(value: &Spanned<Free>, what: &str) -> Result<Map<String, Json>, String> {
    match &value.value.0 {
        Json::Object(object) => Ok(object.clone()),
        _ => Err(format!("`given`: `{what}` is a mapping")),
    }
}

fn document(kind: &str, keys: Map<String, Json>) -> Json {
    let mut document = Map::new();
    document.insert("kind".to_owned(), kind.into());
    document.insert("version".to_owned(), 1.into());
    document.insert("name".to_owned(), "test".into());
    document.extend(keys);
    Json::Object(document)
}

/// Reads the documents of a world as if somebody had written them, so that a slip in a test is no fact.
fn bound(plan: Json, inventory: Json) -> Result<Model, String> {
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let mut documents = Vec::new();
    for document in [plan, inventory] {
        let index = sources.add("given", document.to_string()).map_err(|error| error.to_string())?;
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    let model = match (diagnostics.is_empty(), <[Document; 2]>::try_from(documents)) {
        (true, Ok([Document::Plan(plan), Document::Inventory(inventory)])) => {
            Some(resolve(*plan, *inventory))
        }
        _ => None,
    };
    match (diagnostics.first(), model) {
        (None, Some(model)) => Ok(model),
        (Some(mistake), _) => {
            let at = if mistake.path.is_empty() { String::new() } else { format!(" at `{}`", mistake.path) };
            Err(format!("`given`{at}: {}", mistake.message))
        }
        (None, None) => Err("`given` can't be read".to_owned()),
    }
}
