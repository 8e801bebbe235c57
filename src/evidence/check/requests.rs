//! Requests to the site: nothing that changes it is said to be done without one, nor asked for past a gate that nobody kept.

use std::collections::BTreeSet;
use std::collections::HashSet;

use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::provider::Request;

/// Follows the requests of a run.
#[derive(Debug)]
pub struct Requests<'g> {
    graph: &'g Graph,
    /// Steps that asked the site for something.
    asked: HashSet<StepIndex>,
    /// Steps of which the site took a request on.
    accepted: HashSet<StepIndex>,
    /// Steps whose result was seen, however it came about.
    came_through: HashSet<StepIndex>,
    /// Steps that were last taken as done because their result was seen.
    adopted: HashSet<StepIndex>,
}

impl<'g> Requests<'g> {
    /// Returns the requests before the first event.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            asked: HashSet::new(),
            accepted: HashSet::new(),
            came_through: HashSet::new(),
            adopted: HashSet::new(),
        }
    }

    /// Takes the next event, and writes what it breaks.
    pub fn take(&mut self, event: &RunEvent, findings: &mut Findings) {
        let Some(step) = event.kind.step().and_then(|id| self.graph.find(id)) else { return };
        match &event.kind {
            RunEventKind::StepStarted { .. } => {
                self.adopted.remove(&step);
            }
            RunEventKind::IntentRecorded { request, .. } => {
                if !matches!(request, Request::CancelFailover { .. }) {
                    self.passes(step, event, findings);
                }
                self.asked.insert(step);
            }
            RunEventKind::OperationAccepted { .. } => {
                self.accepted.insert(step);
            }
            RunEventKind::StepSucceeded { .. } => {
                if changes(self.graph.step(step).kind) {
                    let wrong = match (self.asked.contains(&step), self.accepted.contains(&step)) {
                        (true, true) => None,
                        (true, false) => Some("it was done, and the site never took its request on"),
                        (false, _) => Some("it was done, and the site was never asked for it"),
                    };
                    if let Some(wrong) = wrong {
                        findings.refuted(Matter::Order, wrong).at(event);
                    }
                }
                self.came_through.insert(step);
            }
            RunEventKind::StepAdopted { .. } => {
                if self.graph.step(step).kind == StepKind::Preflight {
                    let message =
                        "everything is looked at before a run changes anything, and that was taken as done";
                    findings.refuted(Matter::Guard, message).at(event);
                }
                self.adopted.insert(step);
                self.came_through.insert(step);
            }
            _ => {}
        }
    }

    /// A gate is taken as done only because what lies behind it is; whoever asks for that has to pass the gate itself.
    fn passes(&self, step: StepIndex, event: &RunEvent, findings: &mut Findings) {
        // What was done once, and was taken back, is asked for anew behind a gate that had become needless.
        if self.came_through.contains(&step) {
            return;
        }
        let unkept = self.gates(step).into_iter().find(|gate| self.adopted.contains(gate));
        if let Some(gate) = unkept {
            let gate = self.graph.step(gate);
            let matter = if gate.kind.is_approval() { Matter::Approval } else { Matter::Guard };
            let message =
                format!("it asked the site for what lies behind {}, which was taken as done", gate.id);
            findings.refuted(matter, message).at(event);
        }
    }

    /// Returns the gates between a step and the requests before it. Behind the barrier stand all machines, and it is one itself.
    fn gates(&self, step: StepIndex) -> Vec<StepIndex> {
        let mut seen = BTreeSet::from([step]);
        let (mut open, mut gates) = (vec![step], Vec::new());
        while let Some(next) = open.pop() {
            for before in self.graph.before(next).iter().copied() {
                let kind = self.graph.step(before).kind;
                if changes(kind) || !seen.insert(before) {
                    continue;
                }
                if is_gate(kind) {
                    gates.push(before);
                }
                if kind != StepKind::Barrier {
                    open.push(before);
                }
            }
        }
        gates
    }
}

/// Returns whether a step of this kind is done by asking the site to change a machine.
const fn changes(kind: StepKind) -> bool {
    match kind {
        StepKind::Reprotect | StepKind::Failover | StepKind::Commit | StepKind::Forward => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::Recheck
        | StepKind::AwaitPoint
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => false,
    }
}

/// Returns whether a step of this kind holds back what comes after it until a person or a rule lets it pass.
const fn is_gate(kind: StepKind) -> bool {
    match kind {
        StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::Recheck
        | StepKind::Verify
        | StepKind::ApproveCommit => true,
        // An on-premises VM that is seen to be gone was deleted, whoever was asked; an action is never taken as done.
        StepKind::AwaitDeletion
        | StepKind::Action
        | StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::AwaitPoint
        | StepKind::Failover
        | StepKind::BootGroup
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward => false,
    }
}
