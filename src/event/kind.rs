//! The kinds of events.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::event::GuardFinding;
use crate::event::KnownAs;
use crate::event::Order;
use crate::event::Outcome;
use crate::event::Parameter;
use crate::event::Person;
use crate::event::Seen;
use crate::event::Signed;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::id::StepId;
use crate::provider::ReachedPoint;
use crate::provider::Request;
use crate::rules::Guard;

/// Defines the kinds of events, and how the journal's own texts of them are decoded.
macro_rules! kinds {
    ($(#[doc = $doc:literal])* pub enum $name:ident { $($variants:tt)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event", rename_all = "snake_case")]
        pub enum $name { $($variants)* }

        /// The same kinds, decoded when the tag is known before the fields; see [`TagFirst`](crate::event::TagFirst).
        #[derive(Deserialize)]
        #[serde(remote = "RunEventKind", rename_all = "snake_case")]
        pub(super) enum Known { $($variants)* }
    };
}

kinds! {
/// What happened.
pub enum RunEventKind {
    /// The run began.
    RunStarted {
        /// Name of the plan.
        plan: String,
        /// Digest of the resolved plan.
        plan_digest: String,
        /// Digest of the facts.
        facts_digest: String,
        /// Provider: `emulator`.
        provider: String,
        /// Version of the program.
        program: String,
        /// Number of machines.
        machines: u32,
        /// Number of steps.
        steps: u32,
        /// Whether actions and probes are simulated.
        simulated_actions: bool,
        /// Who began it, as the system knows that; `None` where the system does not say, and in runs of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<String>,
        /// Who had it begin in a session of the dashboard.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ordered_by: Option<String>,
        /// Whom the settings named when it began: their signatures count, to the end of the run.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        people: Vec<Person>,
    },
    /// A process took the run over after another one ended.
    Resumed {
        /// Version of the program.
        program: String,
    },
    /// A step began.
    StepStarted {
        /// The step.
        step: StepId,
    },
    /// Disks were reserved on a master target or appliance.
    SlotsTaken {
        /// The step that needs them.
        step: StepId,
        /// The server.
        server: String,
        /// How many.
        disks: u32,
    },
    /// Disks came free on a master target or appliance.
    SlotsFreed {
        /// The step that reserved them.
        step: StepId,
        /// The server.
        server: String,
        /// How many.
        disks: u32,
    },
    /// Rules were evaluated on fresh facts.
    GuardEvaluated {
        /// The step that they guard.
        step: StepId,
        /// The moment.
        guard: Guard,
        /// Digest of the facts.
        facts_digest: String,
        /// When they were judged, if they are kept under their digest; `None` in runs of older versions, which kept none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judged_at: Option<Timestamp>,
        /// What was found; empty if everything holds.
        findings: Vec<GuardFinding>,
        /// Whether the step may go on.
        passed: bool,
    },
    /// The server that receives a machine's data was seen on a datastore, which it must not leave before the failover.
    ServerPlaced {
        /// The reprotect that goes through it.
        step: StepId,
        /// The master target or appliance.
        server: String,
        /// The datastore.
        datastore: String,
    },
    /// The site told to which recovery point a machine failed over.
    PointReported {
        /// The step that saw it.
        step: StepId,
        /// The machine.
        machine: MachineName,
        /// The point.
        point: ReachedPoint,
    },
    /// A machine was seen otherwise than the facts of the plan or the steps of the run tell.
    MachineSeen {
        /// The step that saw it.
        step: StepId,
        /// The machine.
        machine: MachineName,
        /// How it was seen.
        seen: Seen,
    },
    /// A request is about to be sent.
    IntentRecorded {
        /// The step.
        step: StepId,
        /// The attempt, counted from 1.
        attempt: u32,
        /// The key under which the request is found again.
        key: IdempotencyKey,
        /// The request.
        request: Request,
    },
    /// The site took the request on.
    OperationAccepted {
        /// The step.
        step: StepId,
        /// The operation.
        operation: OperationId,
    },
    /// An attempt ended without success, and is not the last.
    AttemptFailed {
        /// The step.
        step: StepId,
        /// The attempt.
        attempt: u32,
        /// The service's code, or ours.
        code: String,
        /// What was said.
        message: String,
        /// When the next attempt begins.
        retry_at: Timestamp,
    },
    /// A request did what it asked for, for some of its step's machines; the step goes on with the others.
    MembersDone {
        /// The step.
        step: StepId,
        /// The machines.
        machines: Vec<MachineName>,
    },
    /// One of a step's machines failed for good: the step goes on with the others, and nothing more is done about this one.
    MemberFailed {
        /// The step.
        step: StepId,
        /// The machine.
        machine: MachineName,
        /// The service's code, or ours.
        code: String,
        /// What was said.
        message: String,
    },
    /// The site leaves what the step asked for to a person; the step ends when its result is seen.
    HandedOver {
        /// The step.
        step: StepId,
        /// The service's code.
        code: String,
        /// What was said.
        message: String,
        /// What the person has to choose.
        parameters: Vec<Parameter>,
    },
    /// A step waits for something that it can only watch.
    StepWaiting {
        /// The step.
        step: StepId,
        /// What it waits for.
        reason: String,
        /// When it gives up.
        deadline: Option<Timestamp>,
    },
    /// An action is about to be run.
    ActionStarted {
        /// The step.
        step: StepId,
    },
    /// A person is asked.
    ApprovalAsked {
        /// The step.
        step: StepId,
        /// What is asked.
        prompt: String,
        /// Roles that may answer; empty: anybody.
        roles: Vec<String>,
        /// When the answer comes too late.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// What happens then: `stop` or `proceed`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_timeout: Option<String>,
    },
    /// A person answered yes.
    ApprovalGiven {
        /// The step.
        step: StepId,
        /// Who.
        by: String,
        /// How that is known.
        known_as: KnownAs,
        /// Roles that the server of a session attested, or that the settings give whoever signed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
        /// Roles that were asked for, and that nothing proves the person to have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unproven_roles: Vec<String>,
        /// Place of the event that asked what the person was shown; `None` in runs of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<u64>,
        /// Why, in the person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A person answered no.
    ApprovalDenied {
        /// The step.
        step: StepId,
        /// Who.
        by: String,
        /// How that is known.
        known_as: KnownAs,
        /// Roles that the server of a session attested, or that the settings give whoever signed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
        /// Roles that were asked for, and that nothing proves the person to have.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unproven_roles: Vec<String>,
        /// Place of the event that asked what the person was shown; `None` in runs of older versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<u64>,
        /// Why, in the person's words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The result of a step was there already.
    StepAdopted {
        /// The step.
        step: StepId,
        /// What shows it.
        because: String,
    },
    /// A step was done.
    StepSucceeded {
        /// The step.
        step: StepId,
        /// What was seen.
        note: Option<String>,
    },
    /// A step failed for good.
    StepFailed {
        /// The step.
        step: StepId,
        /// The service's code, or ours.
        code: String,
        /// What was said.
        message: String,
    },
    /// A step is not begun: the run stops at its first failure, or nothing will make room for it any more.
    StepBlocked {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// A step is left out.
    StepSkipped {
        /// The step.
        step: StepId,
        /// Why.
        reason: String,
    },
    /// An order that was sent from outside was taken; what it leads to follows.
    OrderTaken {
        /// Number of its letter.
        letter: u64,
        /// Who sent it.
        by: String,
        /// How that is known.
        known_as: KnownAs,
        /// Roles that the server of a session attested, or that the settings give whoever signed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
        /// What was ordered.
        order: Order,
        /// Why it is not followed, or which part of it is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
        /// When it was sent, where that counts: the question that it answers ended before it was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent_at: Option<Timestamp>,
        /// Whether it was withdrawn before it was taken.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        withdrawn: bool,
        /// The signature, of an answer that is known by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<Signed>,
    },
    /// A machine was taken out of the run: what is still to be done about it is left out, and the others no longer wait for it.
    MachineTakenOut {
        /// The machine.
        machine: MachineName,
        /// Who decided that.
        by: String,
        /// Why.
        reason: String,
        /// Whether what depends on the machine goes on without it.
        #[serde(default)]
        release_dependents: bool,
    },
    /// A step that failed or was blocked is done again.
    StepReopened {
        /// The step.
        step: StepId,
        /// Who ordered that.
        by: String,
        /// Whether the steps that it blocked go on, too.
        downstream: bool,
        /// Whether the disks of its machines were attached to their server again, after that was moved: where it stood at the
        /// reprotect counts no more, and where it is seen next does.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        disks_attached: bool,
    },
    /// The run is cancelled: nothing more is begun but what puts the site in order, and what is under way is settled.
    Cancelling {
        /// Who ordered that.
        by: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whether planned failovers that are not committed are taken back.
        failovers: bool,
    },
    /// Something that a person has to know at once.
    Alarm {
        /// The step that saw it.
        step: StepId,
        /// Our code for it: `both-sides-run`, `neither-side-runs`, `site-silent`, `information` and others.
        code: String,
        /// What was seen, and who decides.
        message: String,
    },
    /// Nothing is begun any more until the run is resumed.
    Interrupted {
        /// Why.
        reason: String,
    },
    /// The run ended.
    RunFinished {
        /// How.
        outcome: Outcome,
    },
}
}
