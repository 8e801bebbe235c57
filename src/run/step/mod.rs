//! What each kind of step makes of what it sees: pure functions from facts to decisions. One file for each kind.

mod agent;
mod approval;
mod commit;
mod context;
mod cycle;
mod failover;
mod forward;
mod gate;
mod nature;
mod prepare;
mod protection;
mod reprotect;
mod sides;
mod verify;

pub use approval::approvers;
pub use context::Context;
pub use context::LOOK_AGAIN;
pub use cycle::is_done;
pub use cycle::is_failing_back;
pub use cycle::is_unmoved;
pub use cycle::remember_placements;
pub use failover::of_others;
pub use gate::Gate;
pub use nature::goes_by_states;
pub use nature::guard_of;
pub use nature::is_left_to_people;
pub use nature::looks;
pub use nature::only_waits;
pub use prepare::is_recovery_plan_of;
pub use protection::newest;
pub use reprotect::handed_over;
pub use reprotect::left_to_people;
pub use sides::after_failover;
pub use sides::alarm;
pub use verify::not_verified;
pub use verify::probe_deadline;
pub use verify::taken_back;

use jiff::Timestamp;

use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::provider::Request;

/// What a step does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is done.
    Succeed(Option<String>),
    /// Its result was there already.
    Adopt(String),
    /// It failed for good.
    Fail {
        /// Our code.
        code: &'static str,
        /// What was seen.
        message: String,
    },
    /// It asks the site to change something, if its guard passes.
    Send(Request),
    /// It looks again.
    Wait(Wait),
    /// It asks a person.
    Ask {
        /// What is asked.
        prompt: String,
        /// Roles that may answer.
        roles: Vec<String>,
    },
    /// It waits for the answer to what another step asks, for this reason.
    Await(String),
    /// It runs the probes of its machine, and is done when they pass.
    Probe,
    /// It runs its action.
    Act,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// When it looks again.
    pub until: Timestamp,
    /// What it waits for.
    pub reason: String,
    /// When it gives up.
    pub deadline: Timestamp,
    /// Part that is done, if that can be told.
    pub done: Option<f64>,
    /// Moment before which nothing ends it but a change at the site, where a site tells of its changes; `None` if only looking
    /// again shows its end.
    pub told_until: Option<Timestamp>,
}

impl Wait {
    /// Returns a wait that nothing ends but looking again at some moment.
    #[must_use]
    pub const fn to_look(until: Timestamp, reason: String) -> Self {
        Self { until, reason, deadline: Timestamp::MAX, done: None, told_until: None }
    }
}

/// Nobody is asked for a commit in a run whose failovers are taken back, and none is made: it waits until that is ordered.
fn taken_back_instead() -> Decision {
    Decision::Await(
        "nothing is committed: the failovers are taken back when everything is verified".to_owned(),
    )
}

/// Decides what a step does next, from facts that were just observed.
#[must_use]
pub fn decide(context: &Context<'_>) -> Decision {
    let is_of_machines =
        matches!(context.graph.step(context.step).subject, StepSubject::Machine(_) | StepSubject::Group(_));
    if is_of_machines && context.kind() != StepKind::Cleanup && context.machines().next().is_none() {
        let message = "nothing more is done about machines that are out of the run".to_owned();
        return Decision::Fail { code: "out-of-run", message };
    }
    match context.kind() {
        StepKind::Preflight => Decision::Succeed(None),
        StepKind::Prepare => prepare::decide(context),
        StepKind::Cleanup => prepare::clean_up(context),
        StepKind::AwaitAzureAgent => agent::in_azure(context),
        StepKind::AwaitAgent => agent::onprem(context),
        StepKind::AwaitDeletion => approval::deletion(context),
        StepKind::Reprotect => reprotect::decide(context),
        StepKind::AwaitProtected => protection::to_onprem(context),
        StepKind::AwaitForward => protection::to_azure(context),
        StepKind::AwaitPoint => protection::point(context),
        StepKind::Barrier | StepKind::BootGroup | StepKind::Recheck => Decision::Succeed(None),
        StepKind::ApproveFailover => approval::failover(context),
        StepKind::ApproveCommit => approval::commit(context),
        StepKind::Failover => failover::decide(context),
        StepKind::Verify => verify::decide(context),
        StepKind::Commit => commit::decide(context),
        StepKind::Forward => forward::decide(context),
        StepKind::Action => action(context),
    }
}

/// What is done to a workload before its failover waits for the window as the failover does: else it would stand still until then.
fn action(context: &Context<'_>) -> Decision {
    let is_held = !context.state.acted && context.graph.begins_inside_window(context.step);
    is_held.then(|| failover::outside_window(context)).flatten().unwrap_or(Decision::Act)
}
