//! Answers of persons: what only a person may decide was decided by one who may, to the question that was asked.

use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::event::APPROVALS;
use crate::event::Asked;
use crate::event::Begun;
use crate::event::KnownAs;
use crate::event::Order;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::Signed;
use crate::event::Statement;
use crate::event::Word;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::StepId;
use crate::signature;
use crate::syntax::action::Manual;
use crate::syntax::action::OnTimeout;

/// The word of records for an emulated site of a run's own.
const EMULATOR: &str = "emulator";

/// The question that a step asked last.
#[derive(Debug)]
struct Question {
    seq: u64,
    prompt: String,
    roles: Vec<String>,
    deadline: Option<jiff::Timestamp>,
    answer: Option<bool>,
}

/// An answer whose signature is valid.
#[derive(Debug)]
struct Answered {
    steps: BTreeSet<StepId>,
    answer: Word,
    by: String,
    /// The text that was signed.
    text: String,
}

/// Follows the questions of a run.
#[derive(Debug)]
pub struct Gates<'g> {
    graph: &'g Graph,
    questions: HashMap<StepIndex, Question>,
    /// How the run began.
    begun: Option<Begun>,
    provider: String,
    /// What the letter that was taken last answers by a valid signature.
    signed: Option<Answered>,
    /// Statements that were taken.
    taken: BTreeSet<String>,
}

impl<'g> Gates<'g> {
    /// Returns the gates before the first event.
    #[must_use]
    pub fn new(graph: &'g Graph) -> Self {
        Self {
            graph,
            questions: HashMap::new(),
            begun: None,
            provider: String::new(),
            signed: None,
            taken: BTreeSet::new(),
        }
    }

    /// Takes the next event, and writes what it breaks.
    pub fn take(&mut self, event: &RunEvent, findings: &mut Findings) {
        match &event.kind {
            RunEventKind::RunStarted {
                provider,
                plan_digest,
                facts_digest,
                author,
                ordered_by,
                people,
                ..
            } => {
                self.provider.clone_from(provider);
                self.begun = Some(Begun {
                    run: event.run.clone(),
                    plan_digest: plan_digest.clone(),
                    facts_digest: facts_digest.clone(),
                    author: author.clone(),
                    ordered_by: ordered_by.clone(),
                    people: people.clone(),
                });
            }
            RunEventKind::OrderTaken { by, known_as, order, refused, withdrawn, signed, .. } => {
                self.signed = None;
                if *known_as == KnownAs::Signed && refused.is_none() && !withdrawn {
                    self.signed(event, by, order, signed.as_ref(), findings);
                }
            }
            _ => {}
        }
        let Some(step) = event.kind.step().and_then(|id| self.graph.find(id)) else { return };
        match &event.kind {
            RunEventKind::StepStarted { .. } => {
                self.questions.remove(&step);
            }
            RunEventKind::ApprovalAsked { prompt, roles, deadline, .. } => {
                if self.wanted(step).is_some_and(|wanted| !wanted.iter().eq(roles)) {
                    let message = "it asked others than those whom the plan names";
                    findings.refuted(Matter::Approval, message).at(event);
                }
                let question = Question {
                    seq: event.seq,
                    prompt: prompt.clone(),
                    roles: roles.clone(),
                    deadline: *deadline,
                    answer: None,
                };
                self.questions.insert(step, question);
            }
            RunEventKind::ApprovalGiven { by, known_as, roles, question, .. } => {
                self.answered(step, event, *question, true, findings);
                self.may_answer(step, event, (by, *known_as, roles), findings);
            }
            RunEventKind::ApprovalDenied { by, known_as, question, .. } => {
                self.answered(step, event, *question, false, findings);
                if *known_as == KnownAs::Signed {
                    self.is_signed(event, by, findings);
                }
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
            KnownAs::Signed if !self.is_signed(event, by, findings) => None,
            _ if roles.is_empty() => None,
            _ if self.begun.as_ref().is_some_and(|begun| begun.is_by(by)) => {
                Some(format!("the plan wants {wanted}, and {by} began the run"))
            }
            KnownAs::Claimed => Some(format!("the plan wants {wanted}, and nothing shows who {by} is")),
            KnownAs::OsUser => {
                let message = format!("the plan wants {wanted}, and nothing proves that {by} is one");
                findings.open(Matter::Approval, message).at(event);
                None
            }
            KnownAs::Session => (!roles.iter().any(|role| attested.contains(role)))
                .then(|| format!("the plan wants {wanted}, and {by} had no such role")),
            // The roles are those that the run began with, whatever the answer says.
            KnownAs::Signed => (!self.roles_of(by).iter().any(|role| roles.contains(role)))
                .then(|| format!("the plan wants {wanted}, and {by} had no such role")),
        };
        if let Some(refusal) = refusal {
            findings.refuted(Matter::Approval, refusal).at(event);
        }
    }

    fn roles_of(&self, name: &str) -> &[String] {
        let people = self.begun.iter().flat_map(|begun| &begun.people);
        people.into_iter().find(|person| person.name == name).map_or(&[], |person| &person.roles)
    }

    /// Checks the signature of an answer: of what was asked, in this run, with the key of whoever is said to have answered.
    fn signed(
        &mut self,
        event: &RunEvent,
        by: &str,
        order: &Order,
        signed: Option<&Signed>,
        findings: &mut Findings,
    ) {
        match self.signer(order, signed) {
            Ok(answered) if answered.by == by => {
                if !self.taken.insert(answered.text.clone()) {
                    let message = "the very same signed answer was taken before";
                    findings.refuted(Matter::Approval, message).at(event);
                }
                self.signed = Some(answered);
            }
            Ok(answered) => {
                let message = format!("it is signed by {}, and is told to be of {by}", answered.by);
                findings.refuted(Matter::Approval, message).at(event);
            }
            Err(why) => {
                findings.refuted(Matter::Approval, format!("the answer of {by}: {why}")).at(event);
            }
        }
    }

    /// Returns what an order answers, and who signed it.
    fn signer(&self, order: &Order, signed: Option<&Signed>) -> Result<Answered, String> {
        let (answer, questions, reason) = match order {
            Order::Approve { questions, reason } => (Word::Yes, questions, reason),
            Order::Deny { questions, reason } => (Word::No, questions, reason),
            _ => return Err("nothing but an answer is signed".to_owned()),
        };
        let signed = signed.ok_or_else(|| "it is told to be signed, and is not".to_owned())?;
        let begun = self.begun.as_ref().ok_or_else(|| "the run had not begun".to_owned())?;
        let asked = questions.iter().map(|shown| {
            let index = self.graph.find(&shown.step);
            let question = index.and_then(|index| self.questions.get(&index));
            let question = question.filter(|question| question.seq == shown.question);
            let question = question.ok_or_else(|| format!("{} did not ask that", shown.step))?;
            Ok::<_, String>(Asked {
                step: shown.step.clone(),
                question: question.seq,
                prompt: question.prompt.clone(),
                roles: question.roles.clone(),
            })
        });
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        let steps = asked.iter().map(|asked| asked.step.clone()).collect();
        let text = Statement::of(begun, answer, asked, reason.clone(), signed.at).text();
        let key = signature::signer(&signed.signature, APPROVALS, text.as_bytes())?;
        let person = begun.person_with(&key.line()).ok_or_else(|| {
            format!("it is signed with {}, which is the key of nobody whom the run knew", key.fingerprint())
        })?;
        Ok(Answered { steps, answer, by: person.name.clone(), text })
    }

    /// Returns whether an answer is one that the letter before it is signed for.
    fn is_signed(&self, event: &RunEvent, by: &str, findings: &mut Findings) -> bool {
        let answer = match event.kind {
            RunEventKind::ApprovalDenied { .. } => Word::No,
            _ => Word::Yes,
        };
        let is = self.signed.as_ref().is_some_and(|signed| {
            let step = event.kind.step();
            signed.by == by && signed.answer == answer && step.is_some_and(|step| signed.steps.contains(step))
        });
        if !is {
            let message = format!("nothing shows that {by} signed it");
            findings.refuted(Matter::Approval, message).at(event);
        }
        is
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
