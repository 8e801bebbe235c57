//! Spans of a run from its events and the state after each: run, machine, step, attempt.
//!
//! Each is told when it ends. What has begun is in the run's state, so that a process which takes a run over tells the same spans with
//! the same ids as the one before it would have.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::event::Outcome;
use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepProgress;
use crate::graph::StepIndex;
use crate::id::RunId;
use crate::trace::export::Queue;
use crate::trace::span::Span;
use crate::trace::span::id_of;
use crate::trace::span::trace_of;

/// A request that is under way: its number, and when it was sent.
type Open = BTreeMap<StepIndex, (u32, Timestamp)>;

/// Makes spans.
#[derive(Clone, Debug)]
pub struct Tracer {
    run: RunId,
    trace: String,
    open: Open,
}

impl Tracer {
    /// Returns what goes on to tell of a run that stands like this.
    #[must_use]
    pub fn new(run: RunId, state: &RunState) -> Self {
        let in_flight = state.active().filter(|step| state.step(*step).is_in_flight());
        let open = in_flight.filter_map(|step| {
            let sent = state.step(step);
            Some((step, (sent.attempts, sent.sent_at?)))
        });
        Self { trace: trace_of(&run), open: open.collect(), run }
    }

    /// Returns the spans that an event ends; `state` is the one after it.
    pub fn take(&mut self, event: &RunEvent, state: &RunState) -> Vec<Span> {
        let index = event.kind.step().and_then(|step| state.graph().find(step));
        let mut spans = Vec::new();
        match (&event.kind, index) {
            (RunEventKind::IntentRecorded { attempt, .. }, Some(step)) => {
                self.open.insert(step, (*attempt, event.at));
            }
            (RunEventKind::AttemptFailed { code, .. }, Some(step)) => {
                spans.extend(self.attempt(step, state, event.at, Some(Err(code.clone()))));
            }
            (RunEventKind::MembersDone { .. }, Some(step)) => {
                spans.extend(self.attempt(step, state, event.at, Some(Ok(()))));
            }
            (RunEventKind::HandedOver { code, .. }, Some(step)) => {
                spans.extend(self.attempt(step, state, event.at, Some(Err(code.clone()))));
            }
            (RunEventKind::StepSucceeded { .. } | RunEventKind::StepAdopted { .. }, Some(step)) => {
                spans.extend(self.attempt(step, state, event.at, Some(Ok(()))));
                spans.extend(self.step(step, state, event.at, Some(Ok(()))));
            }
            (RunEventKind::StepFailed { code, .. }, Some(step)) => {
                spans.extend(self.attempt(step, state, event.at, Some(Err(code.clone()))));
                spans.extend(self.step(step, state, event.at, Some(Err(code.clone()))));
            }
            (RunEventKind::StepBlocked { .. } | RunEventKind::StepSkipped { .. }, Some(step)) => {
                spans.extend(self.attempt(step, state, event.at, None));
                spans.extend(self.step(step, state, event.at, None));
            }
            (RunEventKind::RunFinished { outcome }, _) => {
                spans.extend(self.machines(state));
                spans.extend(self.whole(state, event.at, *outcome));
            }
            _ => {}
        }
        spans
    }

    fn span(&self, part: &[&str], parent: Option<String>, began: Timestamp, ended: Timestamp) -> Span {
        Span {
            trace: self.trace.clone(),
            id: id_of(&self.run, part),
            parent,
            name: String::new(),
            is_request: false,
            began,
            ended,
            outcome: None,
            attributes: Vec::new(),
        }
    }

    fn root(&self) -> String {
        id_of(&self.run, &["run"])
    }

    fn machine_id(&self, name: &str) -> String {
        id_of(&self.run, &["machine", name])
    }

    /// Returns the id of a step as it was begun then: one that is done again is another one.
    fn step_id(&self, step: &str, began: Timestamp) -> String {
        id_of(&self.run, &["step", step, &began.to_string()])
    }

    fn attempt(
        &mut self,
        step: StepIndex,
        state: &RunState,
        ended: Timestamp,
        outcome: Option<Result<(), String>>,
    ) -> Option<Span> {
        let (attempt, sent) = self.open.remove(&step)?;
        let (id, number) = (state.id(step).as_str(), attempt.to_string());
        let parent = self.step_id(id, state.step(step).started_at?);
        let mut span = self.span(&["attempt", id, &number], Some(parent), sent, ended);
        span.name = format!("request {}", state.graph().step(step).kind.as_str());
        span.is_request = true;
        span.outcome = outcome;
        span.attributes = vec![("failback.step", id.to_owned()), ("failback.attempt", number)];
        Some(span)
    }

    fn step(
        &self,
        step: StepIndex,
        state: &RunState,
        ended: Timestamp,
        outcome: Option<Result<(), String>>,
    ) -> Option<Span> {
        // What never began took no time.
        let began = state.step(step).started_at?;
        let graph = state.graph();
        let machine = match graph.machines_of(step).as_slice() {
            [one] => Some(one.name().value.clone()),
            _ => None,
        };
        let id = state.id(step).as_str();
        let parent = machine.as_ref().map_or_else(|| self.root(), |name| self.machine_id(name));
        let mut span = self.span(&["step", id, &began.to_string()], Some(parent), began, ended);
        span.name = graph.step(step).kind.as_str().to_owned();
        span.outcome = outcome;
        span.attributes = vec![
            ("failback.step", id.to_owned()),
            ("failback.status", state.step(step).status.as_str().to_owned()),
        ];
        span.attributes.extend(machine.map(|name| ("failback.machine", name)));
        Some(span)
    }

    /// Returns a span for each machine: from the begin of its first step to the end of its last one.
    fn machines(&self, state: &RunState) -> Vec<Span> {
        let graph = state.graph();
        let mut spans: BTreeMap<usize, (Timestamp, Timestamp, Option<String>)> = BTreeMap::new();
        for index in (0..).take(graph.steps().len()) {
            let [machine] = graph.machines_of(index)[..] else { continue };
            let step = state.step(index);
            let (Some(began), Some(ended)) = (step.started_at, step.ended_at) else { continue };
            let span = spans.entry(machine.index()).or_insert((began, ended, None));
            *span = (span.0.min(began), span.1.max(ended), span.2.take().or_else(|| step.code.clone()));
        }
        let model = graph.model();
        let told = spans.into_iter().map(|(machine, (began, ended, code))| {
            let name = model.machine(machine).name().value.clone();
            let mut span = self.span(&["machine", &name], Some(self.root()), began, ended);
            span.name = "machine".to_owned();
            span.outcome = code.map(Err);
            span.attributes = vec![("failback.machine", name)];
            span
        });
        told.collect()
    }

    fn whole(&self, state: &RunState, ended: Timestamp, outcome: Outcome) -> Option<Span> {
        let mut span = self.span(&["run"], None, state.started_at()?, ended);
        let plan = state.graph().model().plan.name.value.clone();
        span.name = format!("run {plan}");
        span.outcome = match outcome {
            Outcome::Succeeded => Some(Ok(())),
            Outcome::Failed => Some(Err("failed".to_owned())),
            Outcome::Cancelled => None,
        };
        span.attributes = vec![("failback.run", self.run.as_str().to_owned()), ("failback.plan", plan)];
        span.attributes
            .extend(state.begun().map(|begun| ("failback.plan_digest", begun.plan_digest.clone())));
        Some(span)
    }
}

/// Hands the spans of a run to the queue of an exporter, and waits for nobody.
pub struct RunTracer {
    tracer: Tracer,
    queue: Queue,
}

impl RunTracer {
    /// Returns what tells of a run that stands like this.
    #[must_use]
    pub fn new(run: RunId, state: &RunState, queue: Queue) -> Self {
        Self { tracer: Tracer::new(run, state), queue }
    }
}

impl Reporter for RunTracer {
    fn event(&mut self, event: &RunEvent, state: &RunState) -> std::io::Result<()> {
        for span in self.tracer.take(event, state) {
            self.queue.put(span);
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> std::io::Result<()> {
        Ok(())
    }
}
