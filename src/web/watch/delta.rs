//! What changed in a run since somebody looked, as JSON: small while a run goes on, bounded for a whole one.

use std::collections::BTreeMap;
use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::event::RunState;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::journal::RunRecord;
use crate::report;
use crate::web::watch::view::View;

/// Lines of the log that are sent to somebody who has none.
const LINES: usize = 200;

/// Characters of a note that are sent: a service may say much.
const NOTE: usize = 400;

/// Failures and questions that are sent each; the others are counted.
const LISTED: usize = 200;

/// The words of statuses, which steps name by their places.
const STATUSES: [StepStatus; 9] = [
    StepStatus::Waiting,
    StepStatus::Ready,
    StepStatus::Running,
    StepStatus::Asked,
    StepStatus::Succeeded,
    StepStatus::Adopted,
    StepStatus::Skipped,
    StepStatus::Failed,
    StepStatus::Blocked,
];

/// Returns what changed after the event at a place.
pub(super) fn of(view: &View, after: u64) -> Value {
    let state = view.state();
    // Whoever saw more than there is saw another run's.
    let after = if after > state.seq() { 0 } else { after };
    let mut texts = Texts::default();
    let steps: Vec<Value> = (0..)
        .take(state.graph().steps().len())
        .filter(|step| view.changed_at(*step) > after)
        .map(|step| of_step(step, state, &mut texts))
        .collect();
    let new = view.log().iter().filter(|line| line.seq > after);
    let skipped = new.clone().count().saturating_sub(LINES);
    let log: Vec<Value> = new.skip(skipped).map(|line| json!([line.seq, line.tone, line.text])).collect();
    let mut places: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (_, place) in report::whereabouts(state) {
        *places.entry(word_of(place)).or_default() += 1;
    }
    let (questions, asked) = questions(state);
    let (failures, failed) = failures(state);
    let orders: Vec<Value> = view
        .letters()
        .iter()
        .map(|letter| {
            json!({
                "letter": letter.id, "at": letter.at, "by": letter.by, "order": letter.order,
                "words": letter.order.in_words(), "withdrawn_by": letter.withdrawn_by,
            })
        })
        .collect();
    json!({
        "version": 1,
        "run": view.kept().record.id,
        "seq": state.seq(),
        "state": state.status().as_str(),
        "driven": view.is_driven(),
        "cancelling": state.is_cancelling(),
        "broken": view.trouble(),
        "started_at": state.started_at(),
        "last_at": state.last_at(),
        "pace": pace(&view.kept().record),
        "seconds_left": view.seconds_left().map(f64::round),
        "settled": state.settled(),
        "failed": state.failed(),
        "steps_total": state.graph().steps().len(),
        "places": places,
        "questions": questions,
        "questions_total": asked,
        "failures": failures,
        "failures_total": failed,
        "alarms": view.alarms().iter().map(|(seq, text)| json!([seq, text])).collect::<Vec<_>>(),
        "orders_waiting": orders,
        "texts": texts.list,
        "steps": steps,
        "log": log,
        "log_skipped": skipped,
    })
}

/// Returns how fast a run's time passes beside that of whoever watches; `None` if it goes from event to event.
fn pace(record: &RunRecord) -> Option<f64> {
    if record.provider != "emulator" {
        return Some(1.0);
    }
    let options: Value = serde_json::from_str(&record.options).ok()?;
    match options["speed"].as_str() {
        Some(speed) => speed.parse().ok(),
        None => Some(60.0),
    }
}

const fn word_of(place: report::Place) -> &'static str {
    match place {
        report::Place::Azure => "azure",
        report::Place::AzureReplicating => "azure_replicating",
        report::Place::OnpremUncommitted => "onprem_uncommitted",
        report::Place::OnpremCommitted => "onprem_committed",
        report::Place::BothSides => "both_sides",
        report::Place::NeitherSide => "neither_side",
        report::Place::Unknown => "unknown",
    }
}

/// Texts that several steps share: of a failure, a thousand steps may tell the same.
#[derive(Default)]
struct Texts {
    list: Vec<String>,
    places: HashMap<String, usize>,
}

impl Texts {
    fn of(&mut self, text: &str) -> usize {
        let short: String = text.chars().take(NOTE).collect();
        if let Some(place) = self.places.get(&short) {
            return *place;
        }
        let place = self.list.len();
        self.list.push(short.clone());
        self.places.insert(short, place);
        place
    }
}

/// Returns a step: its place, the place of its status among [`STATUSES`], when it began and ended (seconds after the run did),
/// its attempts, and the place of its note.
fn of_step(index: StepIndex, state: &RunState, texts: &mut Texts) -> Value {
    let step = state.step(index);
    let told = match step.status {
        // What was seen of a thousand steps that are done is told when one is looked at.
        StepStatus::Succeeded | StepStatus::Waiting | StepStatus::Ready => None,
        StepStatus::Running
        | StepStatus::Asked
        | StepStatus::Adopted
        | StepStatus::Skipped
        | StepStatus::Failed
        | StepStatus::Blocked => step.note.as_deref().map(|note| texts.of(note)),
    };
    let began = state.started_at();
    let passed = |at: Option<Timestamp>| Some(at?.duration_since(began?).as_secs());
    let status = STATUSES.iter().position(|status| *status == step.status);
    let mut fields = vec![
        json!(index),
        json!(status),
        json!(passed(step.started_at)),
        json!(passed(step.ended_at)),
        json!(step.attempts),
    ];
    fields.extend(told.map(Value::from));
    Value::from(fields)
}

/// Returns the questions that are open, and how many there are.
fn questions(state: &RunState) -> (Vec<Value>, usize) {
    let open: Vec<StepIndex> =
        state.active().filter(|step| state.step(*step).status == StepStatus::Asked).collect();
    let listed = open.iter().take(LISTED).map(|index| {
        let step = state.step(*index);
        json!({
            "index": index, "step": state.id(*index), "kind": state.graph().step(*index).kind,
            "subject": state.graph().subject_name(*index), "question": step.question, "prompt": step.note,
            "roles": step.roles, "until": step.answer_by,
            "irreversible": state.graph().after(*index).iter().any(|next| state.graph().is_irreversible(*next)),
        })
    });
    (listed.collect(), open.len())
}

/// Returns the steps that failed, and how many there are.
fn failures(state: &RunState) -> (Vec<Value>, usize) {
    let failed: Vec<StepIndex> = (0..)
        .take(state.graph().steps().len())
        .filter(|step| state.step(*step).status == StepStatus::Failed)
        .collect();
    let listed = failed.iter().take(LISTED).map(|index| {
        let step = state.step(*index);
        json!({
            "index": index, "step": state.id(*index), "subject": state.graph().subject_name(*index),
            "code": step.code, "note": step.note, "attempts": step.attempts,
        })
    });
    (listed.collect(), failed.len())
}
