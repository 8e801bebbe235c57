//! Answers of persons: what only a person may decide was decided by one who may, to the question that was asked.

use std::collections::HashMap;

use crate::event::KnownAs;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::syntax::action::Manual;
use crate::syntax::action::OnTimeout;

/// The word of records for an emulated site of a run's own.
const EMULATOR: &str = "emulator";

/// The question that a step asked last.
#[derive(Debug)]
struct Question {
    seq: u64,
    roles: Vec<String>,
    deadline: Option<jiff::Timestamp>,
    answer: Option<bool>,
}

/// Follows the questions of a run.
#[derive(Debug)]
pub struct Gates<'g> {
    graph: &'g Graph,
    questions: HashMap<StepIndex, Question>,
    /// Who began the run.
    author: Option<String>,
    provider: String,
}

impl<'g> Gates<'g> {
    /// Returns the gates before the first event.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        Self { graph, questions: HashMap::new(), author: None, provider: String::new() }
    }

    /// Takes the next event, and writes what it breaks.
    pub fn take(&mut self, event: &RunEvent, findings: &mut Findings) {
        if let RunEventKind::RunStarted { author, provider, .. } = &event.kind {
            self.author.clone_from(author);
            self.provider.clone_from(provider);
        }
        let Some(step) = event.kind.step().and_then(|id| self.graph.find(id)) else { return };
        match &event.kind {
            RunEventKind::StepStarted { .. } => {
                self.questions.remove(&step);
            }
            RunEventKind::ApprovalAsked { roles, deadline, .. } => {
                if self.wanted(step).is_some_and(|wanted| !wanted.iter().eq(roles)) {
                    let message = "it asked others than those whom the plan names";
                    findings.refuted(Matter::Approval, message).at(event);
                }
                let question =
                    Question { seq: event.seq, roles: roles.clone(), deadline: *deadline, answer: None };
                self.questions.insert(step, question);
            }
            RunEventKind::ApprovalGiven { by, known_as, roles, question, .. } => {
                self.answered(step, event, *question, true, findings);
                self.may_answer(step, event, (by, *known_as, roles), findings);
            }
            RunEventKind::ApprovalDenied { question, .. } => {
                self.answered(step, event, *question, false, findings);
            }
            RunEventKind::StepSucceeded { .. } => self.passed(step, event, findings),
            _ => {}
        }
    }

    fn manual(&self, step: StepIndex) -> Option<&'g Manual> {
        let StepSubject::Action(action) = self.graph.step(step).subject else { return None };
        self.graph.model().plan.actions[action].manual.as_ref()
    }

    /// Returns the roles that the plan leaves the question of a gate to; `None` of a step that is none.
    fn wanted(&self, step: StepIndex) -> Option<Vec<&'g str>> {
        let names = |roles: &'g [crate::source::Spanned<String>]| -> Vec<&'g str> {
            roles.iter().map(|role| role.value.as_str()).collect()
        };
        if let Some(manual) = self.manual(step) {
            return Some(names(&manual.approvers));
        }
        let execution = self.graph.model().plan.execution.as_ref();
        let approvals = execution.and_then(|execution| execution.approvals.as_ref());
        let is_gate = self.graph.step(step).kind.is_approval();
        is_gate.then(|| approvals.map_or_else(Vec::new, |approvals| names(&approvals.approvers)))
    }

    fn answered(
        &mut self,
        step: StepIndex,
        event: &RunEvent,
        shown: Option<u64>,
        answer: bool,
        findings: &mut Findings,
    ) {
        let Some(question) = self.questions.get_mut(&step) else {
            findings.refuted(Matter::Approval, "it was answered, and had asked nothing").at(event);
            return;
        };
        if shown.is_some_and(|shown| shown != question.seq) {
            let message = format!("the answer is to another question than that of event {}", question.seq);
            findings.refuted(Matter::Approval, message).at(event);
        }
        question.answer = Some(answer);
    }

    fn may_answer(
        &self,
        step: StepIndex,
        event: &RunEvent,
        (by, known_as, attested): (&str, KnownAs, &[String]),
        findings: &mut Findings,
    ) {
        let roles = self.questions.get(&step).map_or(&[][..], |question| &question.roles);
        let wanted = roles.join(" or ");
        let refusal = match known_as {
            KnownAs::Simulated if self.provider != EMULATOR => {
                let message =
                    "nobody answered: the run answered by itself, at a site that is not its own emulator";
                findings.open(Matter::Approval, message).at(event);
                None
            }
            KnownAs::Simulated => None,
            _ if roles.is_empty() => None,
            KnownAs::Claimed => Some(format!("the plan wants {wanted}, and nothing shows who {by} is")),
            KnownAs::OsUser if self.author.as_deref() == Some(by) => {
                Some(format!("the plan wants {wanted}, and {by} began the run"))
            }
            KnownAs::OsUser => {
                let message = format!("the plan wants {wanted}, and nothing proves that {by} is one");
                findings.open(Matter::Approval, message).at(event);
                None
            }
            KnownAs::Session => (!roles.iter().any(|role| attested.contains(role)))
                .then(|| format!("the plan wants {wanted}, and {by} had no such role")),
        };
        if let Some(refusal) = refusal {
            findings.refuted(Matter::Approval, refusal).at(event);
        }
    }

    /// What only a person may decide is done only after a yes.
    fn passed(&self, step: StepIndex, event: &RunEvent, findings: &mut Findings) {
        let manual = self.manual(step);
        let is_gate = self.graph.step(step).kind.is_approval() || manual.is_some();
        let question = self.questions.get(&step);
        if !is_gate {
            // What a person was asked about and refused is not done by asking nobody.
            let refused = question.is_some_and(|question| question.answer == Some(false));
            if refused && self.graph.step(step).kind != StepKind::Verify {
                findings.refuted(Matter::Approval, "it was done, and the answer was no").at(event);
            }
            return;
        }
        let wrong = match question.map(|question| (question.answer, question.deadline)) {
            None => "it passed, and nobody was asked",
            Some((Some(true), _)) => return,
            Some((Some(false), _)) => "it passed, and the answer was no",
            Some((None, deadline)) => {
                let proceeds = manual
                    .and_then(|manual| manual.on_timeout.as_ref())
                    .is_some_and(|choice| choice.value == OnTimeout::Proceed);
                if proceeds && deadline.is_some_and(|deadline| deadline <= event.at) {
                    return;
                }
                "it passed, and nobody answered"
            }
        };
        findings.refuted(Matter::Approval, wrong).at(event);
    }
}
