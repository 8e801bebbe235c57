//! The order of steps, followed in the graph alone: nothing begins before what it waits for was done, nor is a run said to have
//! ended otherwise than its steps.

use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::StepId;
use crate::provider::Request;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Begun,
    Good,
    Bad,
}

/// Follows the events of a run.
#[derive(Debug)]
pub struct Order<'g> {
    graph: &'g Graph,
    stand: HashMap<StepIndex, Stand>,
    /// Machines about which nothing more is done.
    out: BTreeSet<usize>,
    is_cancelling: bool,
    /// Whether anything was ever done again by order of a person.
    is_revised: bool,
    /// Steps that a cancelled run began although something before them was not done.
    early: BTreeSet<StepIndex>,
    failures: BTreeSet<StepIndex>,
    lost: BTreeSet<usize>,
    last_at: Option<jiff::Timestamp>,
}

impl<'g> Order<'g> {
    /// Returns the order before the first event.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            stand: HashMap::new(),
            out: BTreeSet::new(),
            is_cancelling: false,
            is_revised: false,
            early: BTreeSet::new(),
            failures: BTreeSet::new(),
            lost: BTreeSet::new(),
            last_at: None,
        }
    }

    /// Takes the next event, and writes what it breaks.
    pub fn take(&mut self, event: &RunEvent, findings: &mut Findings) {
        if self.last_at.is_some_and(|last| event.at < last) {
            findings.refuted(Matter::Order, "it happened before the event before it").at(event);
        }
        self.last_at = Some(event.at);
        let named = event.kind.step().map(|id| self.graph.find(id));
        if named == Some(None) {
            findings.refuted(Matter::Order, "the plan has no such step").at(event);
            return;
        }
        let step = named.flatten();
        self.machines(&event.kind);
        let Some(step) = step else { return self.ended(event, findings) };
        self.step(step, event, findings);
    }

    fn machines(&mut self, kind: &RunEventKind) {
        let model = self.graph.model();
        let index = |name: &str| model.machine_named(name).map(|machine| machine.index());
        match kind {
            RunEventKind::MachineTakenOut { machine, .. } => {
                let machine = index(machine.as_str());
                self.out.extend(machine);
                self.is_revised = true;
                if let Some(machine) = machine {
                    self.lost.remove(&machine);
                    self.failures
                        .retain(|step| self.graph.step(*step).subject != StepSubject::Machine(machine));
                }
            }
            RunEventKind::MemberFailed { machine, .. } => {
                let machine = index(machine.as_str());
                self.out.extend(machine);
                self.lost.extend(machine);
            }
            RunEventKind::Cancelling { .. } => self.is_cancelling = true,
            _ => {}
        }
    }

    fn step(&mut self, step: StepIndex, event: &RunEvent, findings: &mut Findings) {
        match &event.kind {
            RunEventKind::StepStarted { .. } => {
                if self.stand.get(&step) == Some(&Stand::Begun) {
                    findings.refuted(Matter::Order, "it began, and had begun already").at(event);
                }
                self.begins(step, event, findings);
                self.stand.insert(step, Stand::Begun);
            }
            RunEventKind::StepSucceeded { .. } | RunEventKind::StepAdopted { .. } => {
                if self.stand.get(&step) != Some(&Stand::Begun) {
                    findings.refuted(Matter::Order, "it ended, and had not begun").at(event);
                }
                self.stand.insert(step, Stand::Good);
            }
            RunEventKind::StepSkipped { .. } => {
                self.failures.remove(&step);
                self.stand.insert(step, Stand::Good);
            }
            RunEventKind::StepFailed { .. } => {
                self.failures.insert(step);
                self.stand.insert(step, Stand::Bad);
            }
            RunEventKind::StepBlocked { .. } => {
                self.stand.insert(step, Stand::Bad);
            }
            RunEventKind::StepReopened { .. } => {
                self.is_revised = true;
                self.failures.clear();
                self.lost.clear();
                self.stand.retain(|_, stand| *stand != Stand::Bad);
                self.stand.remove(&step);
            }
            RunEventKind::IntentRecorded { request, .. } => self.asks(step, request, event, findings),
            _ => {}
        }
    }

    /// A step begins only after what it waits for was done, taken as done, or left out.
    fn begins(&mut self, step: StepIndex, event: &RunEvent, findings: &mut Findings) {
        let open = self.graph.before(step).iter().copied();
        let open: Vec<StepIndex> = open.filter(|before| !self.lets_begin(*before, step)).collect();
        let Some(first) = open.first() else { return };
        if self.is_cancelling {
            // What puts the site in order is begun all the same; what can't be taken back is not.
            self.early.insert(step);
            return;
        }
        let before = &self.graph.step(*first).id;
        findings
            .refuted(Matter::Order, format!("it began before {before}, which it waits for, was done"))
            .at(event);
    }

    fn lets_begin(&self, before: StepIndex, step: StepIndex) -> bool {
        let stand = self.stand.get(&before).copied();
        if stand == Some(Stand::Good) {
            return true;
        }
        let has_settled = stand != Some(Stand::Begun);
        let about: Vec<usize> = self.graph.indexes_of(before).collect();
        let is_out = !about.is_empty() && about.iter().all(|machine| self.out.contains(machine));
        // What follows a phase looks at how that ended, and an action that was not called for is never begun.
        let is_hook = |step: StepIndex| {
            let StepSubject::Action(action) = self.graph.step(step).subject else { return false };
            self.graph.model().plan.actions[action].after.is_some()
        };
        let tidies = self.graph.step(step).kind == StepKind::Cleanup;
        is_out || tidies || (has_settled && is_hook(step)) || (stand.is_none() && is_hook(before))
    }

    fn asks(&self, step: StepIndex, request: &Request, event: &RunEvent, findings: &mut Findings) {
        if self.stand.get(&step) != Some(&Stand::Begun) {
            findings.refuted(Matter::Order, "it asked the site for something, and had not begun").at(event);
        }
        let takes_back = matches!(request, Request::CancelFailover { .. });
        if self.early.contains(&step) && self.graph.is_irreversible(step) && !takes_back {
            let message = "it asked for what can't be taken back before what it waits for was done";
            findings.refuted(Matter::Order, message).at(event);
        }
        if !is_of(self.graph.step(step).kind, request) {
            findings.refuted(Matter::Order, "it asked for what is another step's").at(event);
        }
        let own: Vec<&str> =
            self.graph.machines_of(step).iter().map(|machine| machine.name().value.as_str()).collect();
        if let Some(other) = request.machines().iter().find(|machine| !own.contains(&machine.as_str())) {
            findings.refuted(Matter::Order, format!("it asked for {other}, which it is not about")).at(event);
        }
    }

    fn ended(&self, event: &RunEvent, findings: &mut Findings) {
        let RunEventKind::RunFinished { outcome } = &event.kind else { return };
        let mut wrong = |message: String| {
            findings.refuted(Matter::Order, message).at(event);
        };
        match outcome {
            Outcome::Cancelled if !self.is_cancelling => {
                wrong("the run is said to be cancelled, and nobody cancelled it".into());
            }
            Outcome::Cancelled => {}
            Outcome::Succeeded => {
                if let Some(failed) = self.failures.first() {
                    let failed = &self.graph.step(*failed).id;
                    wrong(format!("the run is said to have succeeded, and {failed} failed"));
                } else if let Some(open) = self.never_done() {
                    wrong(format!("the run is said to have succeeded, and {open} was never done"));
                }
            }
            Outcome::Failed => {
                let failed = !self.failures.is_empty() || !self.lost.is_empty() || self.is_revised;
                if !failed && self.never_done().is_none() {
                    wrong("the run is said to have failed, and nothing failed".into());
                }
            }
        }
    }

    /// Returns a step that was neither done nor left out.
    fn never_done(&self) -> Option<&'g StepId> {
        let excused = |step: StepIndex| {
            let about: Vec<usize> = self.graph.indexes_of(step).collect();
            let is_out = !about.is_empty() && about.iter().all(|machine| self.out.contains(machine));
            is_out || self.graph.step(step).kind == StepKind::Action
        };
        let mut steps = (0..).take(self.graph.steps().len());
        let open = steps.find(|step| self.stand.get(step) != Some(&Stand::Good) && !excused(*step));
        open.map(|step| &self.graph.step(step).id)
    }
}

/// Returns whether a request is one that a kind of step makes.
const fn is_of(kind: StepKind, request: &Request) -> bool {
    match request {
        Request::Prepare | Request::MakeRecoveryPlan { .. } => matches!(kind, StepKind::Prepare),
        Request::DeleteRecoveryPlan { .. } => matches!(kind, StepKind::Cleanup),
        Request::ReprotectToOnprem { .. } => matches!(kind, StepKind::Reprotect),
        Request::FailoverToOnprem { .. } => matches!(kind, StepKind::Failover),
        Request::CancelFailover { .. } => matches!(kind, StepKind::Commit | StepKind::Verify),
        Request::Commit { .. } => matches!(kind, StepKind::Commit),
        Request::ReprotectToAzure { .. } => matches!(kind, StepKind::Forward),
    }
}
