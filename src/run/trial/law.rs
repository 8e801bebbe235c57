//! What holds in every run, whatever goes wrong: judged by the site's own record and by the journal, not by the engine's word.

use std::collections::HashMap;
use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::forecast::Hours;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::StepId;
use crate::provider::OperationStatus;
use crate::provider::Request;
use crate::provider::emulator::TakenOn;
use crate::provider::emulator::Whereabouts;
use crate::provider::emulator::World;
use crate::syntax::machine::State;

/// A law of every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Nothing is begun again that runs or was done.
    NothingTwice,
    /// A reprotect comes after the commit of the failover to Azure: it rewrites the disks on-premises.
    CommittedBeforeReprotect,
    /// A failover comes after the protection of every machine of its wave.
    ProtectedBeforeFailover,
    /// A commit comes after the verification of its machines, which then run on-premises and not in Azure.
    VerifiedBeforeCommit,
    /// The way to Azure comes after the commit was seen.
    CommittedBeforeForward,
    /// Whatever changes a machine is asked for after its rules were judged for just that, and held.
    Guarded,
    /// A failover or a commit is asked for inside the plan's window.
    InsideWindow,
    /// A machine that runs on both sides, or on neither, when nothing moves any more is told of.
    OneSide,
    /// A run ends, and ends by itself.
    Ends,
    /// What failed can be left: by trying again, or by something that a person can be told to do.
    WayOut,
}

impl Law {
    /// Returns the law in words.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NothingTwice => "nothing is begun twice",
            Self::CommittedBeforeReprotect => "no reprotect before the failover to Azure is committed",
            Self::ProtectedBeforeFailover => "no failover before its wave is protected",
            Self::VerifiedBeforeCommit => "no commit before verification",
            Self::CommittedBeforeForward => "no way to Azure before the commit",
            Self::Guarded => "nothing is asked for before its rules were judged for it",
            Self::InsideWindow => "no failover and no commit outside the window",
            Self::OneSide => "no machine is left on both sides or on neither without a word",
            Self::Ends => "a run ends",
            Self::WayOut => "every failure can be left",
        }
    }
}

/// One breach of a law.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Breach {
    /// The law.
    pub law: Law,
    /// What happened.
    pub what: String,
}

impl Breach {
    /// Returns the breach of a law.
    pub fn new(law: Law, what: impl Into<String>) -> Self {
        Self { law, what: what.into() }
    }
}

/// Returns the breaches that the site's own record shows.
#[must_use]
pub fn breaches_of_site(world: &World) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut last: HashMap<(&str, &str), TakenOn<'_>> = HashMap::new();
    // Of a request that reached the service twice, both operations are answers to one.
    let mut answers: HashMap<&IdempotencyKey, Vec<TakenOn<'_>>> = HashMap::new();
    for taken in world.taken_on() {
        if let Some(key) = taken.key {
            let answers = answers.entry(key).or_default();
            answers.push(taken.clone());
            // It was sent once.
            if answers.len() > 1 {
                continue;
            }
        }
        breaches.extend(unready(&taken));
        let word = word(taken.request);
        for subject in subjects(taken.request) {
            // What was taken back may be done again.
            if let Some(undone) = undoes(taken.request) {
                last.remove(&(subject, undone));
            }
            if let Some(before) = last.insert((subject, word), taken.clone())
                && let Some(key) = before.key
                && taken.key.is_some()
                && !answers[key].iter().any(|answer| failed_before(answer, subject, taken.at))
            {
                let what = format!(
                    "{word} of {subject} was begun as {} at {} and again as {} at {}",
                    before.operation, before.at, taken.operation, taken.at
                );
                breaches.push(Breach::new(Law::NothingTwice, what));
            }
        }
    }
    breaches
}

/// Returns whether an operation had failed for its subject by a moment.
fn failed_before(taken: &TakenOn<'_>, subject: &str, by: Timestamp) -> bool {
    if taken.ended.is_none_or(|ended| ended > by) {
        return false;
    }
    match &taken.status {
        OperationStatus::Failed(_) => true,
        OperationStatus::PartiallySucceeded { members } => {
            members.iter().any(|member| member.machine.as_str() == subject && member.failure.is_some())
        }
        OperationStatus::Running(_)
        | OperationStatus::Succeeded
        | OperationStatus::SucceededWith { .. }
        | OperationStatus::Unknown { .. } => false,
    }
}

/// Returns the breaches of a request that was taken on while a machine was not where it has to be.
fn unready(taken: &TakenOn<'_>) -> Vec<Breach> {
    // What a person sends is the person's own.
    if taken.key.is_none() {
        return Vec::new();
    }
    let breach = |found: &Whereabouts| {
        let law = match taken.request {
            Request::ReprotectToOnprem { .. } if found.state == State::FailedOver => {
                Law::CommittedBeforeReprotect
            }
            Request::Commit { .. } if found.state == State::FailedBack => {
                if found.runs_onprem && !found.runs_in_azure {
                    return None;
                }
                Law::VerifiedBeforeCommit
            }
            Request::Commit { .. } if found.state != State::FailedBackCommitted => Law::VerifiedBeforeCommit,
            Request::ReprotectToAzure { .. } if found.state == State::FailedBack => {
                Law::CommittedBeforeForward
            }
            Request::Prepare
            | Request::MakeRecoveryPlan { .. }
            | Request::DeleteRecoveryPlan { .. }
            | Request::ReprotectToOnprem { .. }
            | Request::FailoverToOnprem { .. }
            | Request::CancelFailover { .. }
            | Request::Commit { .. }
            | Request::ReprotectToAzure { .. } => return None,
        };
        let (state, side) = (found.state.as_str(), side(found));
        let what =
            format!("{} was begun at {} with {} {state}, {side}", taken.operation, taken.at, found.machine);
        Some(Breach::new(law, what))
    };
    // A commit may name members that an earlier one has committed; only those that it could move count.
    taken.found.iter().filter_map(breach).collect()
}

/// Returns on which sides a machine runs, in words.
#[must_use]
pub const fn side(found: &Whereabouts) -> &'static str {
    match (found.runs_in_azure, found.runs_onprem) {
        (true, true) => "running on both sides",
        (true, false) => "running in Azure",
        (false, true) => "running on-premises",
        (false, false) => "running on neither side",
    }
}

/// Returns the machines that run on both sides or on neither, and that nothing moves any more.
pub fn astray(world: &World) -> impl Iterator<Item = Whereabouts> {
    world.machines().filter(|found| !found.is_busy && found.runs_in_azure == found.runs_onprem)
}

/// Returns what a request is about: its machines, or the ASR recovery plan; the vault's policy may be made again at will.
fn subjects(request: &Request) -> Vec<&str> {
    match request {
        Request::Prepare => Vec::new(),
        Request::MakeRecoveryPlan { name, .. } | Request::DeleteRecoveryPlan { name } => vec![name],
        Request::ReprotectToOnprem { .. }
        | Request::FailoverToOnprem { .. }
        | Request::CancelFailover { .. }
        | Request::Commit { .. }
        | Request::ReprotectToAzure { .. } => request.machines().iter().map(MachineName::as_str).collect(),
    }
}

/// Returns what a request takes back.
const fn undoes(request: &Request) -> Option<&'static str> {
    match request {
        Request::CancelFailover { .. } => Some(FAILOVER),
        Request::DeleteRecoveryPlan { .. } => Some(MAKING),
        Request::MakeRecoveryPlan { .. } => Some(DELETING),
        Request::Prepare
        | Request::ReprotectToOnprem { .. }
        | Request::FailoverToOnprem { .. }
        | Request::Commit { .. }
        | Request::ReprotectToAzure { .. } => None,
    }
}

const FAILOVER: &str = "failover";
const MAKING: &str = "making the recovery plan";
const DELETING: &str = "deleting the recovery plan";

const fn word(request: &Request) -> &'static str {
    match request {
        Request::Prepare => "prepare",
        Request::MakeRecoveryPlan { .. } => MAKING,
        Request::DeleteRecoveryPlan { .. } => DELETING,
        Request::ReprotectToOnprem { .. } => "reprotect",
        Request::FailoverToOnprem { .. } => FAILOVER,
        Request::CancelFailover { .. } => "cancelling",
        Request::Commit { .. } => "commit",
        Request::ReprotectToAzure { .. } => "the way to Azure",
    }
}

/// Returns whether a request changes machines in the way that the plan wants; what takes a failover back is asked for whatever rules say.
const fn changes_machines(request: &Request) -> bool {
    match request {
        Request::ReprotectToOnprem { .. }
        | Request::FailoverToOnprem { .. }
        | Request::Commit { .. }
        | Request::ReprotectToAzure { .. } => true,
        Request::Prepare
        | Request::MakeRecoveryPlan { .. }
        | Request::DeleteRecoveryPlan { .. }
        | Request::CancelFailover { .. } => false,
    }
}

/// Returns the breach of a failover or a commit that is asked for while the plan's window is closed.
fn outside_window(graph: &Graph, id: &StepId, request: &Request, at: Timestamp) -> Option<Breach> {
    if !matches!(request, Request::FailoverToOnprem { .. } | Request::Commit { .. }) {
        return None;
    }
    let window = graph.model().plan.execution.as_ref()?.window.as_ref()?;
    let opens = Hours::of(window).opening(at)?.from;
    let what = || format!("{id} asked for {} at {at}, and the window opens at {opens}", word(request));
    (opens > at).then(|| Breach::new(Law::InsideWindow, what()))
}

/// Follows a journal, and finds what was asked for too early.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Steps that are done.
    good: HashSet<StepIndex>,
    /// Steps whose rules were judged since they began or asked last, and whether they held.
    judged: HashMap<StepIndex, bool>,
}

impl Order {
    /// Takes the next event; returns what it breaks.
    pub fn take(&mut self, graph: &Graph, event: &RunEvent) -> Vec<Breach> {
        match &event.kind {
            RunEventKind::IntentRecorded { step, request, .. } => {
                let mut breaches = self.early(graph, step, request);
                breaches.extend(self.unguarded(graph, step, request));
                breaches.extend(outside_window(graph, step, request, event.at));
                breaches
            }
            RunEventKind::GuardEvaluated { step, passed, .. } => {
                self.judged.extend(graph.find(step).map(|step| (step, *passed)));
                Vec::new()
            }
            RunEventKind::StepStarted { step, .. } => {
                graph.find(step).and_then(|step| self.judged.remove(&step));
                Vec::new()
            }
            kind => {
                if let RunEventKind::StepSucceeded { step, .. }
                | RunEventKind::StepAdopted { step, .. }
                | RunEventKind::StepSkipped { step, .. } = kind
                {
                    self.good.extend(graph.find(step));
                }
                Vec::new()
            }
        }
    }

    /// Returns the breach of a change whose rules did not hold, or were not judged since the step asked last.
    fn unguarded(&mut self, graph: &Graph, id: &StepId, request: &Request) -> Option<Breach> {
        let judged = graph.find(id).and_then(|step| self.judged.remove(&step));
        let how = match (changes_machines(request), judged) {
            (false, _) | (true, Some(true)) => return None,
            (true, Some(false)) => "although its rules did not hold",
            (true, None) => "and its rules were not judged before",
        };
        Some(Breach::new(Law::Guarded, format!("{id} asked for {} {how}", word(request))))
    }

    fn early(&self, graph: &Graph, id: &StepId, request: &Request) -> Vec<Breach> {
        let Some(at) = graph.find(id) else { return Vec::new() };
        let about = |step: StepIndex| {
            let mut machines = graph.machines_of(step).into_iter();
            machines.any(|machine| {
                request.machines().iter().any(|of| of.as_str() == machine.name().value.as_str())
            })
        };
        let steps = (0..).zip(graph.steps());
        let missing = |law: Law, kind: StepKind, of_wave: bool| {
            let wave = graph.step(at).wave;
            let concerned = steps.clone().filter(move |(index, step)| {
                step.kind == kind && if of_wave { step.wave == wave } else { about(*index) }
            });
            let open = concerned.filter(|(index, _)| !self.good.contains(index));
            open.map(|(_, step)| Breach::new(law, format!("{id} was asked for before {}", step.id))).collect()
        };
        match request {
            Request::FailoverToOnprem { .. } => {
                missing(Law::ProtectedBeforeFailover, StepKind::AwaitProtected, true)
            }
            Request::Commit { .. } => missing(Law::VerifiedBeforeCommit, StepKind::Verify, false),
            Request::ReprotectToAzure { .. } => missing(Law::CommittedBeforeForward, StepKind::Commit, false),
            Request::Prepare
            | Request::MakeRecoveryPlan { .. }
            | Request::DeleteRecoveryPlan { .. }
            | Request::ReprotectToOnprem { .. }
            | Request::CancelFailover { .. } => Vec::new(),
        }
    }
}
