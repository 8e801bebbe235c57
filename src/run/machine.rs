//! What happens next in a run as far as the run itself decides it: which steps begin, which disks are reserved, when it ends.
//!
//! Pure: no clock, no waiting, no site. The same events give the same decisions, so that a replayed journal proves them.

use crate::event::Outcome;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::vcenter;
use crate::graph::vcenter::Lane;
use crate::run::claims::Claims;
use crate::syntax::execution::OnFailure;

/// Mutating operations at once, if the plan says nothing.
const MAX_PARALLEL: u16 = 20;

/// Returns the event that the run itself makes next; `None` if it waits for something from outside.
#[must_use]
pub fn next(state: &RunState) -> Option<RunEventKind> {
    next_beside(state, &Claims::default()).map(|next| next.kind)
}

/// An event that the run itself makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The step that it is about, so that nobody has to look for it.
    pub step: Option<StepIndex>,
    /// What happens.
    pub kind: RunEventKind,
}

impl Next {
    const fn of(step: StepIndex, kind: RunEventKind) -> Self {
        Self { step: Some(step), kind }
    }

    fn starts(state: &RunState, step: StepIndex) -> Self {
        Self::of(step, RunEventKind::StepStarted { step: state.id(step).clone() })
    }
}

/// Returns the same where places are kept for steps that have begun and want to change something now.
#[must_use]
pub fn next_beside(state: &RunState, claims: &Claims) -> Option<Next> {
    if state.status() != RunStatus::Running {
        return None;
    }
    if let Some((step, server, disks)) = state.freeable() {
        let id = state.id(step).clone();
        return Some(Next::of(step, RunEventKind::SlotsFreed { step: id, server: server.to_owned(), disks }));
    }
    let execution = state.graph().model().plan.execution.as_ref();
    let stops = execution
        .and_then(|execution| execution.on_failure)
        .is_some_and(|choice| choice.value == OnFailure::Stop);
    if stops && state.has_failed() && !state.is_cancelling() {
        if let Some(blocked) = begin_nothing(state) {
            return Some(blocked);
        }
    } else if let Some(step) = state.ready().next() {
        return Some(Next::starts(state, step));
    } else if free_places(state) > claims.kept(state)
        && let Some(event) = begin_changes(state, claims)
    {
        return Some(event);
    }
    if state.active().next().is_some() {
        return None;
    }
    if let Some(blocked) = begin_without_room(state) {
        return Some(blocked);
    }
    let outcome = if state.is_cancelling() {
        Outcome::Cancelled
    } else if state.failed() > 0 || state.settled() < state.graph().steps().len() {
        Outcome::Failed
    } else {
        Outcome::Succeeded
    };
    Some(Next { step: None, kind: RunEventKind::RunFinished { outcome } })
}

/// Returns the event with which the most urgent step that finds room begins to change something.
fn begin_changes(state: &RunState, claims: &Claims) -> Option<Next> {
    let execution = state.graph().model().plan.execution.as_ref();
    if state.graph().lanes() == 1 && state.ready_to_change(vcenter::FREE).next().is_none() {
        return None;
    }
    let open = |lane: &Lane| state.room_in(*lane) > claims.kept_in(state, *lane);
    let lanes: Vec<Lane> = (1..state.graph().lanes()).filter(open).collect();
    let first = |may: &dyn Fn(StepIndex) -> bool| {
        let firsts = std::iter::once(&vcenter::FREE).chain(&lanes).filter_map(|lane| {
            let mut steps = state.ready_to_change(*lane).filter(|step| may(*step));
            steps.find_map(|step| Some((state.graph().rank(step), begin_change(state, step)?)))
        });
        firsts.min_by_key(|(rank, _)| *rank).map(|(_, event)| event)
    };
    // A window closes again: what has to begin inside it comes before what can begin at any time.
    if execution.is_some_and(|execution| execution.window.is_some())
        && let Some(event) = first(&|step| needs_window(state, step))
    {
        return Some(event);
    }
    first(&|_| true)
}

/// Returns whether every vCenter that a step makes work takes one more operation, as far as the plan limits them.
#[must_use]
pub fn has_room(state: &RunState, step: StepIndex) -> bool {
    state.graph().lanes_of(step).iter().all(|lane| state.room_in(*lane) > 0)
}

/// Returns how many more steps may change something now: the plan limits how many do at once, and waits don't count.
#[must_use]
pub fn free_places(state: &RunState) -> usize {
    let execution = state.graph().model().plan.execution.as_ref();
    let limit =
        execution.and_then(|execution| execution.max_parallel).map_or(MAX_PARALLEL, |limit| limit.value);
    usize::from(limit.max(1)).saturating_sub(state.changing())
}

/// Returns whether a step begins inside the plan's window only.
fn needs_window(state: &RunState, step: StepIndex) -> bool {
    matches!(state.graph().kind(step), StepKind::Failover | StepKind::Commit)
}

/// Under `on_failure: stop`: what may begin is blocked, except actions that run when everything else has ended.
fn begin_nothing(state: &RunState) -> Option<Next> {
    let last = state.ready().find(|step| state.graph().runs_last(*step));
    if let Some(step) = last {
        return Some(Next::starts(state, step));
    }
    let first = state.ready().next().or_else(|| state.first_to_change());
    // A recovery plan that was made is deleted even so, when its group has come to its end.
    if let Some(step) = first.filter(|step| state.leaves_a_recovery_plan(*step)) {
        return if free_places(state) > 0 { begin_change(state, step) } else { None };
    }
    // A step that began and asked nothing of the site yet asks nothing any more, nor does it keep a person.
    let idle = |step: &StepIndex| {
        let at = state.step(*step);
        let kind = state.graph().kind(*step);
        at.intent.is_none()
            && (at.status == StepStatus::Asked || kind.is_mutating())
            && !state.graph().runs_last(*step)
            && !state.leaves_a_recovery_plan(*step)
    };
    let step = first.or_else(|| state.active().find(idle))?;
    let reason = "the run stops at its first failure".to_owned();
    Some(Next::of(step, RunEventKind::StepBlocked { step: state.id(step).clone(), reason }))
}

/// When nothing runs any more, a step that still finds no room on its server never will: disks of machines that failed stay
/// attached until a person detaches them.
fn begin_without_room(state: &RunState) -> Option<Next> {
    let step = state.first_to_change()?;
    let reason = state.slots_needed(step).map_or_else(
        || "nothing leads to it any more".to_owned(),
        |(server, disks)| {
            let free = state.slots_free(server);
            format!("{server} has room for {free} disks and {disks} are needed; machines that failed keep theirs attached")
        },
    );
    Some(Next::of(step, RunEventKind::StepBlocked { step: state.id(step).clone(), reason }))
}

/// Returns the event with which a changing step begins, or `None` if its server or one of its vCenters has no room.
fn begin_change(state: &RunState, step: StepIndex) -> Option<Next> {
    if !has_room(state, step) {
        return None;
    }
    let Some((server, disks)) = state.slots_needed(step) else { return Some(Next::starts(state, step)) };
    if disks > state.slots_free(server) {
        return None;
    }
    let (id, server) = (state.id(step).clone(), server.to_owned());
    Some(Next::of(step, RunEventKind::SlotsTaken { step: id, server, disks }))
}
