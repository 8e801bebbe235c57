//! Checks a bundle: offline, and without taking the word of whoever made it.

mod finding;
mod gates;
mod guards;
mod lines;
mod order;
mod orders;
mod requests;

pub use finding::Finding;
pub use finding::Findings;
pub use finding::Matter;
pub use finding::Weight;
pub use lines::NotABundle;

use std::convert::Infallible;
use std::sync::Arc;

use serde::Serialize;

use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::evidence::bundle;
use crate::evidence::check::gates::Gates;
use crate::evidence::check::guards::Guards;
use crate::evidence::check::lines::Lines;
use crate::evidence::check::order::Order;
use crate::evidence::check::orders::Orders;
use crate::evidence::check::requests::Requests;
use crate::evidence::documents;
use crate::evidence::documents::Compiled;
use crate::evidence::documents::DocumentsError;
use crate::evidence::figures;
use crate::evidence::signature;
use crate::evidence::signature::Trusted;
use crate::graph::Graph;
use crate::model::Model;
use crate::model::digest;

/// What a bundle is held against.
#[derive(Debug, Default)]
pub struct Ask<'a> {
    /// The signature beside it.
    pub signature: Option<&'a str>,
    /// Who may have signed it; `None` if nobody was named.
    pub trusted: Option<&'a Trusted>,
    /// The hash of its last event, as somebody was told it.
    pub head: Option<&'a str>,
    /// The commit that it has to be of, or its beginning.
    pub commit: Option<&'a str>,
}

/// How a bundle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everything was checked and holds.
    Verified,
    /// Nothing contradicts it, and something can't be decided.
    Indeterminate,
    /// Something contradicts it.
    Refuted,
}

impl Standing {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Indeterminate => "indeterminate",
            Self::Refuted => "refuted",
        }
    }
}

/// What came of checking a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// How it stands.
    pub standing: Standing,
    /// The run.
    pub run: String,
    /// Its plan.
    pub plan: String,
    /// The commit of the plan.
    pub commit: Option<String>,
    /// Hash of the last event.
    pub head: String,
    /// How many events it has.
    pub events: usize,
    /// How many guards were judged again.
    pub guards: usize,
    /// Guards that can't be judged again, because what they judged was not kept.
    pub guards_unrecorded: usize,
    /// Who signed it, if that is known and trusted.
    pub signed_by: Option<String>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Checks a bundle.
///
/// # Errors
///
/// [`NotABundle`] if the file is none.
pub fn verify(bytes: &[u8], ask: &Ask<'_>) -> Result<Verdict, NotABundle> {
    let mut findings = Findings::default();
    let lines = lines::read(bytes, &mut findings)?;
    let signed_by = signature::check(bytes, ask.signature, ask.trusted, &mut findings);
    expected(&lines, ask, &mut findings);
    let (mut guards, mut guards_unrecorded) = (0, 0);
    if let Some(compiled) = compiled(&lines, &mut findings) {
        begun(&lines, &compiled.graph, &mut findings);
        (guards, guards_unrecorded) = followed(&lines, &compiled, &mut findings);
        figured(&lines, &compiled.graph, &mut findings);
    }
    let findings = findings.0;
    let has = |weight| findings.iter().any(|finding| finding.weight == weight);
    let standing = match (has(Weight::Refuted), has(Weight::Indeterminate)) {
        (true, _) => Standing::Refuted,
        (false, true) => Standing::Indeterminate,
        (false, false) => Standing::Verified,
    };
    let record = &lines.manifest.record;
    Ok(Verdict {
        standing,
        run: record.id.as_str().to_owned(),
        plan: record.plan.clone(),
        commit: record.git_commit.clone(),
        head: lines.head,
        events: lines.events.len(),
        guards,
        guards_unrecorded,
        signed_by,
        findings,
    })
}

/// Compares the bundle with what somebody was told of the run elsewhere.
fn expected(lines: &Lines, ask: &Ask<'_>, findings: &mut Findings) {
    if let Some(head) = ask.head {
        let head = head.strip_prefix("sha256:").unwrap_or(head);
        if !head.eq_ignore_ascii_case(&lines.head) {
            let message = format!("its last event has the hash {}, and {head} is expected", lines.head);
            findings.refuted(Matter::Chain, message);
        }
    }
    let commit = lines.manifest.record.git_commit.as_deref();
    match (ask.commit, commit) {
        (Some(expected), Some(commit))
            if expected.len() >= 7 && commit.starts_with(&expected.to_lowercase()) => {}
        (Some(expected), commit) => {
            let commit = commit.unwrap_or("no commit");
            findings.refuted(Matter::Commit, format!("the run is of {commit}, and {expected} is expected"));
        }
        (None, _) => {}
    }
    if lines.manifest.record.migrated_events > 0 {
        let message = format!(
            "its first {} events were chained only when an older program's record was brought to this one's",
            lines.manifest.record.migrated_events
        );
        findings.open(Matter::Chain, message);
    }
}

/// Compiles the plan again.
fn compiled(lines: &Lines, findings: &mut Findings) -> Option<Compiled> {
    let record = &lines.manifest.record;
    for message in documents::other_policies(&lines.texts, record) {
        findings.refuted(Matter::Plan, message);
    }
    let documents = match documents::read(&lines.texts, record) {
        Ok(documents) => documents,
        Err(error) => {
            findings.refuted(Matter::Plan, error.to_string());
            return None;
        }
    };
    pinned(&documents.model, lines, findings);
    match documents.compile() {
        Ok(compiled) => Some(compiled),
        Err(error @ DocumentsError::Unreadable { .. }) => {
            findings.refuted(Matter::Plan, error.to_string());
            None
        }
        // Another version may know more rules.
        Err(error @ DocumentsError::Refused { .. }) if is_same_program(lines) => {
            findings.refuted(Matter::Plan, error.to_string());
            None
        }
        Err(error @ DocumentsError::Refused { .. }) => {
            let message = format!(
                "{error}; {} ran it, and nothing more can be checked with this version",
                record.program
            );
            findings.open(Matter::Plan, message);
            None
        }
    }
}

fn is_same_program(lines: &Lines) -> bool {
    lines.manifest.record.program == env!("CARGO_PKG_VERSION")
}

/// Compares the texts with the digests that the run began with.
fn pinned(model: &Model, lines: &Lines, findings: &mut Findings) {
    let record = &lines.manifest.record;
    let mut compare = |what: &str, found: String, entered: &str| {
        if found != entered {
            findings.refuted(
                Matter::Plan,
                format!("the {what} has the digest {found}, and the run is of {entered}"),
            );
        }
    };
    compare("plan", digest::plan(model), &record.plan_digest);
    compare("inventory", digest::facts(model), &record.facts_digest);
    if model.plan.name.value != record.plan {
        findings.refuted(
            Matter::Plan,
            format!("the plan is {}, and the run is of {}", model.plan.name, record.plan),
        );
    }
}

/// Compares the run's first event with its entry and its plan.
fn begun(lines: &Lines, graph: &Graph, findings: &mut Findings) {
    let record = &lines.manifest.record;
    let Some(first) = lines.events.first() else {
        findings.open(Matter::Order, "the run has no event");
        return;
    };
    let RunEventKind::RunStarted {
        plan, plan_digest, facts_digest, provider, program, machines, steps, ..
    } = &first.kind
    else {
        findings.refuted(Matter::Order, "its first event is not the begin of a run").at(first);
        return;
    };
    let mut compare = |what: &str, said: &str, entered: &str| {
        if said != entered {
            let message = format!("the run began with the {what} {said}, and its entry says {entered}");
            findings.refuted(Matter::Plan, message).at(first);
        }
    };
    compare("plan", plan, &record.plan);
    compare("plan digest", plan_digest, &record.plan_digest);
    compare("facts digest", facts_digest, &record.facts_digest);
    compare("provider", provider, &record.provider);
    compare("program", program, &record.program);
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    if (*machines, *steps) != (count(graph.model().machines().len()), count(graph.steps().len())) {
        let message = format!(
            "the run began with {steps} steps for {machines} machines, and its plan has {} for {}",
            graph.steps().len(),
            graph.model().machines().len()
        );
        findings.refuted(Matter::Plan, message).at(first);
    }
}

/// Follows the events: with the rules of the engine, and beside them. Returns how many guards were judged again, and how many can't
/// be.
fn followed(lines: &Lines, compiled: &Compiled, findings: &mut Findings) -> (usize, usize) {
    let graph = &compiled.graph;
    let mut state = Some(RunState::new(Arc::clone(graph)));
    let mut order = Order::new(graph);
    let mut gates = Gates::new(graph);
    let (policies, options) = (&compiled.policies, compiled.options);
    let first = RunState::new(Arc::clone(graph));
    nobody_judged(lines, findings);
    let mut guards = Guards::new(&first, &lines.facts, policies, options, is_same_program(lines));
    let (mut requests, mut orders) = (Requests::new(graph), Orders::new(is_same_program(lines)));
    for event in &lines.events {
        order.take(event, findings);
        gates.take(event, findings);
        requests.take(event, findings);
        let Some(now) = &mut state else { continue };
        guards.take(now, event, findings);
        orders.take(now, event, findings);
        if let RunEventKind::RunFinished { outcome: Outcome::Succeeded } = event.kind
            && (now.failed() > 0 || now.settled() < graph.steps().len())
        {
            let message = format!(
                "the run is said to have succeeded with {} of {} steps settled, and {} failed or blocked",
                now.settled(),
                graph.steps().len(),
                now.failed()
            );
            findings.refuted(Matter::Order, message).at(event);
        }
        match now.check(event) {
            Ok(legal) => now.apply(event, legal),
            Err(error) => {
                let message = format!("it can't follow: {}; guards after it can't be judged", error.reason);
                findings.refuted(Matter::Order, message).at(event);
                state = None;
            }
        }
    }
    if state.is_some() {
        orders.end(findings);
    }
    if let Some(RunStatus::New | RunStatus::Running | RunStatus::Interrupted) =
        state.map(|state| state.status())
    {
        findings.open(Matter::Order, "the run had not ended when the bundle was written");
    }
    (guards.judged, guards.unrecorded)
}

/// Facts that no guard judged are none of the run's.
fn nobody_judged(lines: &Lines, findings: &mut Findings) {
    let kept = |digest: &str| Ok::<_, Infallible>(lines.facts.get(digest).cloned());
    let Ok(judged) = bundle::facts_of(&lines.events, kept);
    if let Some(other) = lines.facts.keys().find(|digest| !judged.contains_key(*digest)) {
        findings.refuted(Matter::Bundle, format!("it holds facts that no guard judged: {other}"));
    }
}

/// Works the figures out anew.
fn figured(lines: &Lines, graph: &Arc<Graph>, findings: &mut Findings) {
    let Some(said) = &lines.figures else {
        // Whoever exports a run says none only of one from which none follow.
        let follows = is_same_program(lines) && figures::figures(graph, &lines.events).is_ok();
        let message = "it says no figures";
        if follows {
            findings.refuted(Matter::Figures, format!("{message}, and some follow from its events"));
        } else {
            findings.open(Matter::Figures, message);
        }
        return;
    };
    let follow = match figures::figures(graph, &lines.events) {
        Ok(follow) => follow,
        // What can't follow was told where it stands.
        Err(error) => {
            findings.refuted(Matter::Figures, format!("they follow from no run: {error}")).at_seq(error.seq);
            return;
        }
    };
    if (said.steps, &said.graph) != (follow.steps, &follow.graph) {
        findings.refuted(Matter::Plan, "the plan compiles to another graph than the one that is said");
    }
    if let Some(difference) = figures::difference(&follow.timeline, &said.timeline) {
        findings.refuted(Matter::Figures, format!("they do not follow from the events: {difference}"));
    }
}

/// Checks events against a graph alone: the order of steps, the requests, the answers and the orders of persons.
#[must_use]
pub fn order(graph: &Arc<Graph>, events: &[RunEvent]) -> Vec<Finding> {
    let mut findings = Findings::default();
    let (mut order, mut gates, mut requests) = (Order::new(graph), Gates::new(graph), Requests::new(graph));
    let (mut orders, mut state) = (Orders::new(true), RunState::new(Arc::clone(graph)));
    for event in events {
        order.take(event, &mut findings);
        gates.take(event, &mut findings);
        requests.take(event, &mut findings);
        orders.take(&state, event, &mut findings);
        match state.check(event) {
            Ok(legal) => state.apply(event, legal),
            Err(error) => {
                findings.refuted(Matter::Order, format!("it can't follow: {}", error.reason)).at(event);
                return findings.0;
            }
        }
    }
    findings.0
}
