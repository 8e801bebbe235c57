//! When everything of a run happened, and what that says of its objectives: worked out from its events alone.
//!
//! RTO is measured as it is forecast: from the moment at which the first failover is asked for to the end of the last
//! verification, over what this run did; what was there before it began is not in it. RPO is the time from the recovery
//! point that the site reported to the moment at which the failover was asked for; where the site reports no point,
//! there is no figure.

mod measure;
mod path;
mod recording;

pub use recording::Recording;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::event::GuardFinding;
use crate::event::IllegalEvent;
use crate::event::KnownAs;
use crate::event::Order;
use crate::event::Outcome;
use crate::event::Parameter;
use crate::event::RunEvent;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::id::RunId;
use crate::id::StepId;
use crate::model::PointChoice;
use crate::provider::ReachedPoint;
use crate::report::phase::PhaseTime;
use crate::report::whereabouts::Place;
use crate::rules::Guard;

/// Returns when everything of a run happened.
///
/// # Errors
///
/// [`IllegalEvent`] if the events are not those of a run of this graph.
pub fn timeline(graph: &Arc<Graph>, events: &[RunEvent]) -> Result<Timeline, IllegalEvent> {
    let mut recording = Recording::new(graph);
    for event in events {
        recording.take(event)?;
    }
    Ok(recording.timeline())
}

/// When everything of a run happened. Times are those of the run's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The run; `None` before its first event.
    pub run: Option<RunId>,
    /// How it began.
    pub begin: Option<Begin>,
    /// `new`, `running`, `interrupted`, `succeeded`, `failed` or `cancelled`.
    pub status: String,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When its last event happened.
    pub last: Option<Timestamp>,
    /// From the one to the other, in seconds.
    pub took_s: u64,
    /// How many events it has.
    pub events: u64,
    /// Every step, in the order of the graph.
    pub steps: Vec<StepTime>,
    /// Phases of which something was done.
    pub phases: Vec<PhaseTime>,
    /// What was measured of the whole plan.
    pub plan: Measured,
    /// What was measured of each replication group, in the order of the plan.
    pub groups: Vec<GroupTime>,
    /// Every machine, in the order of the plan.
    pub machines: Vec<MachineTime>,
    /// Questions to persons, and their answers.
    pub approvals: Vec<ApprovalTime>,
    /// What went wrong, in order.
    pub faults: Vec<Fault>,
    /// What guards found, in order.
    pub guards: Vec<GuardTime>,
    /// Orders of persons, in order.
    pub orders: Vec<OrderTime>,
    /// When no process drove the run.
    pub pauses: Vec<Pause>,
    /// The steps that the end of the run waited for, one after another.
    pub critical_path: Vec<Spent>,
}

/// How a run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Name of the plan.
    pub plan: String,
    /// Digest of the resolved plan.
    pub plan_digest: String,
    /// Digest of the facts.
    pub facts_digest: String,
    /// The provider.
    pub provider: String,
    /// Version of the program.
    pub program: String,
    /// Whether actions and probes are simulated.
    pub simulated_actions: bool,
    /// Who began it, as the system knows that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Who had it begin in a session of the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered_by: Option<String>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTime {
    /// The step.
    pub step: StepId,
    /// What it does.
    pub kind: StepKind,
    /// Name of what it is about.
    pub subject: String,
    /// The slot batch of its machines; 0 for a step of the plan.
    pub wave: u16,
    /// How it stands.
    pub status: StepStatus,
    /// When the last of those that it waited for was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Timestamp>,
    /// When it first began; `None` if it never did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// From its begin to its end, or to the run's last event, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_s: Option<u64>,
    /// From the moment at which it might have begun to its begin, in seconds: for a slot, or for its turn.
    pub queued_s: u64,
    /// How long a person was asked, in seconds.
    pub asked_s: u64,
    /// Attempts.
    pub attempts: u32,
    /// How often it was begun: more than once if a person had it done again.
    pub begun: u32,
    /// Whether it can't be taken back.
    pub irreversible: bool,
    /// Whether the end of the run waited for it.
    pub critical: bool,
    /// What was seen, what it waits for, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The code with which it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A step and the part of a stretch of time that is its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The step.
    pub step: StepId,
    /// From the end of the step before it on the way, in seconds: what it waited for itself is in it.
    pub seconds: u64,
}

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// When the first failover was asked for.
    pub from: Option<Timestamp>,
    /// When the last verification ended; `None` as long as one is missing.
    pub to: Option<Timestamp>,
    /// Between both, in seconds.
    pub rto_s: Option<u64>,
    /// If a machine is not back: how long that had lasted at the run's last event, in seconds.
    pub at_least_s: Option<u64>,
    /// Data lost, as time in seconds, as far as points were reported: the worst.
    pub rpo_s: Option<u64>,
    /// Machines that failed over and of which no recovery point was reported.
    pub not_reported: usize,
    /// The step that took most of the time from `from` to `to`.
    pub spent: Option<Spent>,
}

/// What was measured of a replication group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTime {
    /// Its name.
    pub name: String,
    /// What was measured.
    pub measured: Measured,
}

/// How a machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Some of its steps are not settled.
    Open,
    /// Everything that the plan wants for it was done.
    Done,
    /// A step of it failed.
    Failed,
    /// It was not brought back, because of something that is not its own.
    Blocked,
    /// A person took it out.
    LeftOut,
}

/// What became of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineTime {
    /// Its name.
    pub name: String,
    /// Its replication group.
    pub group: Option<String>,
    /// Its slot batch, counted from 1.
    pub wave: u16,
    /// Its boot group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_group: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// The step that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<StepId>,
    /// Where it is, as far as the run saw.
    pub place: Place,
    /// The kind of recovery point that the plan chose.
    pub chosen: Option<PointChoice>,
    /// The recovery point that it went to, if the site reported it.
    pub point: Option<ReachedPoint>,
    /// Whether it was home before the run, so that nothing is measured of it.
    pub adopted: bool,
    /// Requests that were sent again for it.
    pub retries: u32,
    /// What was measured.
    pub measured: Measured,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalTime {
    /// The step that asks.
    pub step: StepId,
    /// What is asked.
    pub prompt: String,
    /// Roles that may answer; empty: anybody.
    pub roles: Vec<String>,
    /// When it was asked.
    pub asked: Timestamp,
    /// When it was answered, or nobody's answer was waited for any more.
    pub answered: Option<Timestamp>,
    /// Yes or no; `None` without an answer.
    pub approved: Option<bool>,
    /// Who answered.
    pub by: Option<String>,
    /// How that is known.
    pub known_as: Option<KnownAs>,
    /// Roles that a server attests the person to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attested_roles: Vec<String>,
    /// Roles that were asked for, and that nothing proves the person to have.
    pub unproven_roles: Vec<String>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// How long it waited, in seconds.
    pub waited_s: u64,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// An attempt ended without success, and another one follows.
    AttemptFailed,
    /// One of a step's machines failed for good.
    MemberFailed,
    /// A step failed for good.
    StepFailed,
    /// The site left a step to a person.
    HandedOver,
    /// Something that a person has to know at once.
    Alarm,
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: FaultKind,
    /// The step.
    pub step: StepId,
    /// The machine, if it is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineName>,
    /// The attempt, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The service's code, or ours.
    pub code: String,
    /// What was said.
    pub message: String,
    /// When the next attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// What a person was told to choose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
}

/// What a guard found; only guards that found something are listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardTime {
    /// When.
    pub at: Timestamp,
    /// The step that it guards.
    pub step: StepId,
    /// The moment.
    pub guard: Guard,
    /// Whether the step went on.
    pub passed: bool,
    /// What was found.
    pub findings: Vec<GuardFinding>,
}

/// An order of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTime {
    /// When it was taken.
    pub at: Timestamp,
    /// Who sent it.
    pub by: String,
    /// How that is known.
    pub known_as: KnownAs,
    /// What was ordered.
    pub order: Order,
    /// Why it was not followed, or which part of it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Whether it was withdrawn before it was taken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// A time in which no process drove the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// From when; of a process that was killed, its last event.
    pub from: Timestamp,
    /// Until when.
    pub to: Option<Timestamp>,
    /// Why, if it was said.
    pub reason: Option<String>,
}
