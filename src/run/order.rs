//! What an order of a person leads to, and which orders are refused. Pure: the state of the run decides.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::event::GuardFinding;
use crate::event::Letter;
use crate::event::Order;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::Shown;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::MachineName;
use crate::id::RunId;
use crate::id::StepId;
use crate::model::Machine;
use crate::run::approver;
use crate::run::guard;
use crate::run::signed;
use crate::run::skip;

/// What becomes of an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The events that carry it out, in their order.
    pub effects: Vec<RunEventKind>,
    /// Why it, or a part of it, is not followed.
    pub refused: Option<String>,
}

impl Verdict {
    fn of(result: Result<RunEventKind, String>) -> Self {
        match result {
            Ok(effect) => Self { effects: vec![effect], refused: None },
            Err(why) => Self { effects: Vec::new(), refused: Some(why) },
        }
    }
}

/// Returns whether an order may let a run go on that has ended with failures.
#[must_use]
pub const fn reopens(order: &Order) -> bool {
    match order {
        Order::SkipStep { .. } | Order::SkipMachine { .. } | Order::Retry { .. } => true,
        Order::Approve { .. } | Order::Deny { .. } | Order::Cancel { .. } | Order::Withdraw { .. } => false,
    }
}

/// Returns when an order counts as given, by the run's clock: when it is taken, or when it was sent, if the question that it
/// answers was open then and has ended since. Only a run whose clock is everybody's finds that.
#[must_use]
pub fn given_at(state: &RunState, letter: &Letter, now: Timestamp) -> Timestamp {
    let (Order::Approve { questions, .. } | Order::Deny { questions, .. }) = &letter.order else {
        return now;
    };
    let ended_since = questions.iter().any(|Shown { step, .. }| {
        let Some(step) = state.graph().find(step).map(|index| state.step(index)) else { return false };
        let was_open =
            |end: Timestamp| step.started_at.is_some_and(|began| began <= letter.at) && letter.at < end;
        step.answer_by.is_some_and(|end| end <= now && was_open(end))
    });
    if ended_since { letter.at } else { now }
}

/// Returns what an order leads to in this state; `at` of its letter is when it counts as given, by the run's clock.
#[must_use]
pub fn judge(state: &RunState, letter: &Letter) -> Verdict {
    if let Some(by) = &letter.withdrawn_by {
        return Verdict::of(Err(format!("{by} withdrew it")));
    }
    if let Order::Withdraw { letter } = letter.order {
        let refused = (!state.is_withdrawn(letter))
            .then(|| format!("order {letter} was taken already, or is none of this run"));
        return Verdict { effects: Vec::new(), refused };
    }
    let reopens = reopens(&letter.order);
    if let RunStatus::Finished(outcome) = state.status()
        && !(reopens && outcome == crate::event::Outcome::Failed)
    {
        return Verdict::of(Err(format!("the run has ended: it {}", state.status().said_of_it())));
    }
    if state.is_cancelling() && (reopens || matches!(letter.order, Order::Cancel { .. })) {
        return Verdict::of(Err("the run is cancelled already".into()));
    }
    // Whose an answer is, and with which roles, its signature shows and not its letter.
    let proven = match signed::signer(state, letter) {
        Ok(None) => Cow::Borrowed(letter),
        Ok(Some(person)) => Cow::Owned(Letter { roles: person.roles.clone(), ..letter.clone() }),
        Err(why) => return Verdict::of(Err(why)),
    };
    let letter = proven.as_ref();
    let by = letter.by.clone();
    match &letter.order {
        Order::Approve { questions, reason } => answers(state, letter, questions, reason.as_ref(), true),
        Order::Deny { questions, reason } => answers(state, letter, questions, reason.as_ref(), false),
        Order::SkipStep { step, reason } => skip_step(state, step, &format!("left out by {by}: {reason}")),
        Order::SkipMachine { machine, reason, release_dependents } => {
            Verdict::of(named(state, machine).and_then(|index| {
                skip::may_machine(state, index)?;
                Ok(RunEventKind::MachineTakenOut {
                    machine: machine.clone(),
                    by,
                    reason: reason.clone(),
                    release_dependents: *release_dependents,
                })
            }))
        }
        Order::Retry { step, downstream, disks_attached } => {
            Verdict::of(find(state, step).and_then(|index| {
                may_retry(state, index)?;
                if *disks_attached && state.reprotects_behind(index).next().is_none() {
                    return Err(format!(
                        "no server holds disks of what {step} is about: retry it without that"
                    ));
                }
                let (step, downstream, disks_attached) = (step.clone(), *downstream, *disks_attached);
                Ok(RunEventKind::StepReopened { step, by, downstream, disks_attached })
            }))
        }
        Order::Withdraw { .. } => Verdict::default(),
        Order::Cancel { reason, failovers } => cancel(state, by, reason.as_ref(), *failovers),
    }
}

/// Returns how a run stands once it has followed the orders that wait.
#[must_use]
pub fn after(mut state: RunState, run: &RunId, letters: &[Letter]) -> RunState {
    for letter in letters {
        // Whoever looks from outside knows no more of the run's clock than its last event.
        let given = Letter { at: state.last_at().unwrap_or(letter.at), ..letter.clone() };
        let Verdict { effects, refused } = judge(&state, &given);
        let Letter { id, by, known_as, roles, order, signed, withdrawn_by, .. } = letter.clone();
        let withdrawn = withdrawn_by.is_some();
        let taken = RunEventKind::OrderTaken {
            letter: id,
            by,
            known_as,
            roles,
            order,
            refused,
            sent_at: None,
            withdrawn,
            signed,
        };
        for kind in [taken].into_iter().chain(effects) {
            let at = state.last_at().map_or(letter.at, |last| last.max(letter.at));
            let event = RunEvent { run: run.clone(), seq: state.seq() + 1, at, kind };
            // What can't follow then is refused by whoever drives the run.
            if let Ok(legal) = state.check(&event) {
                state.apply(&event, legal);
            }
        }
    }
    state
}

fn find(state: &RunState, step: &StepId) -> Result<StepIndex, String> {
    state.graph().find(step).ok_or_else(|| format!("the run has no step {step}"))
}

fn named(state: &RunState, machine: &MachineName) -> Result<usize, String> {
    let found = state.graph().model().machine_named(machine.as_str()).map(Machine::index);
    found.ok_or_else(|| format!("the run has no machine {machine}"))
}

fn skip_step(state: &RunState, step: &StepId, reason: &str) -> Verdict {
    let allowed = find(state, step).and_then(|index| skip::may_step(state, index).map(|()| index));
    let index = match allowed {
        Ok(index) => index,
        Err(why) => return Verdict::of(Err(why)),
    };
    let skipped =
        |index| RunEventKind::StepSkipped { step: state.id(index).clone(), reason: reason.to_owned() };
    let mut effects = vec![skipped(index)];
    // What is not begun is not waited for.
    if state.graph().step(index).kind == StepKind::Forward {
        let awaited = state.sibling(index, StepKind::AwaitForward);
        effects.extend(awaited.filter(|awaited| !state.step(*awaited).status.is_good()).map(skipped));
    }
    Verdict { effects, refused: None }
}

fn answers(
    state: &RunState,
    letter: &Letter,
    questions: &[Shown],
    reason: Option<&String>,
    yes: bool,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut refused = Vec::new();
    for Shown { step, question } in questions {
        let index = match find(state, step).and_then(|index| may_answer(state, letter, index, *question)) {
            Ok(index) => index,
            Err(why) => {
                refused.push(why);
                continue;
            }
        };
        let (step, by, known_as) = (step.clone(), letter.by.clone(), letter.known_as);
        let roles = letter.roles.clone();
        let unproven_roles = approver::unproven(state, index, known_as);
        let (question, reason) = (Some(*question), reason.cloned());
        verdict.effects.push(if yes {
            RunEventKind::ApprovalGiven { step, by, known_as, roles, unproven_roles, question, reason }
        } else {
            RunEventKind::ApprovalDenied { step, by, known_as, roles, unproven_roles, question, reason }
        });
    }
    verdict.refused = (!refused.is_empty()).then(|| refused.join("; "));
    verdict
}

fn may_answer(
    state: &RunState,
    letter: &Letter,
    index: StepIndex,
    question: u64,
) -> Result<StepIndex, String> {
    let (id, step) = (state.id(index), state.step(index));
    if step.status != StepStatus::Asked {
        return Err(format!("{id} asks nothing: it is {}", step.status.as_str()));
    }
    if step.question != question {
        return Err(format!("{id} asks something else by now: {}", step.note.as_deref().unwrap_or("")));
    }
    if let Some(end) = step.answer_by.filter(|end| *end <= letter.at) {
        return Err(format!("{id}: the answer comes too late: the question ended at {end:.0}"));
    }
    if state.graph().model().plan.is_taken_back && state.graph().kind(index) == StepKind::ApproveCommit {
        return Err(format!("{id}: nothing is committed in this run: its failovers are taken back"));
    }
    match approver::counts(state, index, &letter.by, letter.known_as, &letter.roles) {
        Some(why) => Err(format!("{id}: {why}")),
        None => Ok(index),
    }
}

fn may_retry(state: &RunState, index: StepIndex) -> Result<(), String> {
    let (id, step, graph) = (state.id(index), state.step(index), state.graph());
    if let StepSubject::Machine(machine) = graph.step(index).subject
        && state.out().contains(&machine)
    {
        let name = graph.subject_name(index);
        return Err(match state.lost_in(machine) {
            Some(lost) => {
                let lost = state.id(lost);
                format!("{name} failed inside {lost}: retry that, which takes it in again")
            }
            None => format!("{name} is out of the run; run the plan again for it"),
        });
    }
    let was_taken_back = |verify: StepIndex| state.step(verify).code.as_deref() == Some(TAKEN_BACK);
    let may_repeat = graph.step(index).kind == StepKind::Failover
        && state.verifications(index).into_iter().any(was_taken_back)
        || state.lost_at(index).next().is_some();
    match step.status {
        StepStatus::Failed if graph.step(index).kind == StepKind::Verify && was_taken_back(index) => {
            return Err(match state.failover_of(index) {
                Some(failover) => {
                    let failover = state.id(failover);
                    format!("the failover before {id} was taken back: retry {failover}")
                }
                None => {
                    format!("the failover before {id} was taken back: run the plan again for this machine")
                }
            });
        }
        StepStatus::Failed => {}
        StepStatus::Blocked => {
            if let Some(cause) = state.held_back_by(index) {
                return Err(format!(
                    "{id} is held back by {}: retry that, with --downstream",
                    state.id(cause)
                ));
            }
        }
        StepStatus::Succeeded | StepStatus::Adopted if may_repeat => {}
        StepStatus::Waiting
        | StepStatus::Ready
        | StepStatus::Running
        | StepStatus::Asked
        | StepStatus::Succeeded
        | StepStatus::Adopted
        | StepStatus::Skipped => {
            return Err(format!(
                "{id} is {}: only what failed or was blocked is done again",
                step.status.as_str()
            ));
        }
    }
    tidying(state)
}

/// Returns why nothing may be done again just now: a recovery plan that would be needed is being deleted.
fn tidying(state: &RunState) -> Result<(), String> {
    let mut active = state.active();
    match active.find(|index| state.graph().step(*index).kind == StepKind::Cleanup) {
        Some(cleanup) => Err(format!("{} is under way: wait until it has ended", state.id(cleanup))),
        None => Ok(()),
    }
}

fn cancel(state: &RunState, by: String, reason: Option<&String>, failovers: bool) -> Verdict {
    if failovers && let Some(finding) = guard::cancellation(state.graph().model()) {
        let GuardFinding { rule, message, .. } = finding;
        return Verdict::of(Err(format!("{message} ({rule}): cancel without that")));
    }
    // Nobody is asked any more whether to send again what may have been lost.
    let lost = state.active().filter(|index| {
        let step = state.step(*index);
        step.status == StepStatus::Asked && step.is_in_flight()
    });
    let mut effects: Vec<RunEventKind> = lost
        .map(|index| RunEventKind::StepFailed {
            step: state.id(index).clone(),
            code: "outcome-unknown".into(),
            message: "the site knows nothing of the request, and the run is cancelled; look at the machines"
                .into(),
        })
        .collect();
    effects.push(RunEventKind::Cancelling { by, reason: reason.cloned(), failovers });
    Verdict { effects, refused: None }
}
