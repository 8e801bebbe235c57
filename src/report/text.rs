//! What an event says, in words.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::event::GuardFinding;
use crate::event::KnownAs;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::MachineName;
use crate::id::RunId;
use crate::id::StepId;
use crate::report::Verbosity;
use crate::report::seconds_between;
use crate::report::some_of;
use crate::report::tally::Settled;
use crate::report::tally::Standing;
use crate::report::tally::Tally;
use crate::report::tally::is_back;
use crate::report::tally::standing;

/// Returns what an event says, and from which verbosity on it is said.
pub(super) fn of_event(event: &RunEvent, state: &RunState) -> (Verbosity, String) {
    let run = &event.run;
    match &event.kind {
        RunEventKind::RunStarted { plan, provider, machines, steps, simulated_actions, .. } => {
            let actions = if *simulated_actions { "; actions and probes are simulated" } else { "" };
            let text = format!(
                "run {run} of plan {plan} begins on {provider}: {} in {}{actions}",
                counted(*machines as usize, "machine"),
                counted(*steps as usize, "step"),
            );
            (Verbosity::Normal, text)
        }
        RunEventKind::Resumed { .. } => (Verbosity::Normal, format!("run {run} goes on")),
        RunEventKind::StepStarted { step } => {
            let shown = state.graph().find(step).is_some_and(|index| is_followed(state, index));
            (if shown { Verbosity::Normal } else { Verbosity::Verbose }, format!("{step} begins"))
        }
        RunEventKind::SlotsTaken { step, server, disks } => {
            (Verbosity::Verbose, format!("{step} takes {} on {server}", slots(*disks)))
        }
        RunEventKind::SlotsFreed { step, server, disks } => {
            (Verbosity::Verbose, format!("{step} gives {} on {server} back", slots(*disks)))
        }
        RunEventKind::ServerPlaced { step, server, datastore } => {
            (Verbosity::Verbose, format!("{step} goes through {server}, which stands on {datastore}"))
        }
        RunEventKind::PointReported { step, machine, point } => {
            let at = point.at.map_or("at a time not reported".into(), |at| format!("of {at:.0}"));
            (Verbosity::Normal, format!("{step}: {machine} went to the recovery point {at}"))
        }
        RunEventKind::MachineSeen { step, machine, seen } => {
            (Verbosity::Verbose, format!("{step}: {machine} is seen: {seen}"))
        }
        RunEventKind::GuardEvaluated { step, findings, passed: true, .. } => {
            let noted =
                if findings.is_empty() { String::new() } else { format!(", {} noted", findings.len()) };
            (Verbosity::Verbose, format!("{step}: its guard is open{noted}"))
        }
        RunEventKind::GuardEvaluated { step, findings, passed: false, .. } => {
            (Verbosity::Normal, format!("{step} is held back by {}", reason_of(findings)))
        }
        RunEventKind::IntentRecorded { step, attempt, .. } => {
            let level = if *attempt > 1 { Verbosity::Normal } else { Verbosity::Verbose };
            (level, format!("{step}: attempt {attempt}"))
        }
        RunEventKind::OperationAccepted { step, operation } => {
            (Verbosity::Verbose, format!("{step} runs as job {operation}"))
        }
        RunEventKind::AttemptFailed { step, attempt, code, message, retry_at } => (
            Verbosity::Normal,
            format!("{step}: attempt {attempt} failed: {message} ({code}); the next is at {retry_at:.0}"),
        ),
        RunEventKind::MembersDone { step, machines } => {
            let index = state.graph().find(step);
            let takes_back = index.is_some_and(|index| state.step(index).takes_back);
            let names = some_of(machines.iter().map(MachineName::as_str));
            let text = match takes_back {
                true => format!("{step}: the planned failover of {names} is taken back"),
                false => format!("{step} is done for {names}"),
            };
            (Verbosity::Normal, text)
        }
        RunEventKind::MemberFailed { step, machine, code, message } => {
            (Verbosity::Quiet, format!("{step} failed for {machine}: {message} ({code})"))
        }
        RunEventKind::HandedOver { step, code, message, .. } => {
            (Verbosity::Quiet, format!("{step} has to be done by hand: {message} ({code})"))
        }
        RunEventKind::StepWaiting { step, reason, deadline } => {
            let until = deadline.filter(|deadline| *deadline < Timestamp::MAX);
            let until = until.map(|until| format!(", at most until {until:.0}")).unwrap_or_default();
            (Verbosity::Normal, format!("{step} waits: {reason}{until}"))
        }
        RunEventKind::ActionStarted { step } => (Verbosity::Verbose, format!("{step} runs")),
        RunEventKind::ApprovalAsked { step, prompt, roles, deadline, on_timeout } => {
            let begun = state.begun();
            let began = begun.and_then(|begun| begun.ordered_by.as_ref().or(begun.author.as_ref()));
            let not_by = began.map(|began| format!("; not {began}, who began the run"));
            let roles = match roles.as_slice() {
                [] => String::new(),
                some => format!(" [{}{}]", some.join(", "), not_by.unwrap_or_default()),
            };
            let until = deadline.map(|deadline| until(&deadline, on_timeout.as_deref())).unwrap_or_default();
            (Verbosity::Quiet, format!("{step} asks{roles}: {prompt}{until}"))
        }
        RunEventKind::ApprovalGiven { step, by, known_as, roles, unproven_roles, reason, .. } => (
            Verbosity::Quiet,
            format!(
                "{step}: {by} said yes{}{}{}",
                known(*known_as, roles),
                unproven(unproven_roles),
                because(reason.as_deref())
            ),
        ),
        RunEventKind::ApprovalDenied { step, by, known_as, roles, unproven_roles, reason, .. } => (
            Verbosity::Quiet,
            format!(
                "{step}: {by} said no{}{}{}",
                known(*known_as, roles),
                unproven(unproven_roles),
                because(reason.as_deref())
            ),
        ),
        RunEventKind::StepAdopted { step, because } => {
            (Verbosity::Normal, format!("{step} was done already: {because}"))
        }
        RunEventKind::StepSucceeded { step, note } => succeeded(event, state, step, note.as_deref()),
        RunEventKind::StepFailed { step, code, message } => {
            (Verbosity::Quiet, format!("{step} failed: {message} ({code})"))
        }
        RunEventKind::StepBlocked { step, reason } => {
            (Verbosity::Verbose, format!("{step} is not begun: {reason}"))
        }
        RunEventKind::StepSkipped { step, reason } => {
            (Verbosity::Normal, format!("{step} is left out: {reason}"))
        }
        RunEventKind::OrderTaken { by, known_as, roles, order, refused, .. } => {
            let what = order.in_words();
            let refused = refused.as_ref().map(|why| format!(", and is refused: {why}")).unwrap_or_default();
            // What is followed is said by what follows.
            let level = if refused.is_empty() { Verbosity::Verbose } else { Verbosity::Quiet };
            (level, format!("{by}{} orders {what}{refused}", known(*known_as, roles)))
        }
        RunEventKind::MachineTakenOut { machine, by, reason, release_dependents } => {
            let others = if *release_dependents { "; what depends on it goes on" } else { "" };
            (Verbosity::Quiet, format!("{machine} is taken out by {by}: {reason}{others}"))
        }
        RunEventKind::StepReopened { step, by, downstream, disks_attached } => {
            let others = if *downstream { ", and what it blocked" } else { "" };
            let attached = if *disks_attached { "; its machines' disks are attached again" } else { "" };
            (Verbosity::Quiet, format!("{step} is done again{others}, as {by} ordered{attached}"))
        }
        RunEventKind::Cancelling { by, reason, failovers } => {
            let back =
                if *failovers { "; planned failovers that are not committed are taken back" } else { "" };
            let text = format!(
                "run {run} is cancelled by {by}{}: nothing more is begun{back}",
                because(reason.as_deref())
            );
            (Verbosity::Quiet, text)
        }
        RunEventKind::Alarm { step, code, message } => {
            (Verbosity::Quiet, format!("ALARM at {step}: {message} ({code})"))
        }
        RunEventKind::Interrupted { reason } => {
            (Verbosity::Quiet, format!("run {run} is interrupted: {reason}"))
        }
        RunEventKind::RunFinished { outcome } => {
            (Verbosity::Quiet, format!("run {run} {}", RunStatus::Finished(*outcome).said_of_it()))
        }
    }
}

fn succeeded(event: &RunEvent, state: &RunState, step: &StepId, note: Option<&str>) -> (Verbosity, String) {
    let index = state.graph().find(step);
    let took = index
        .and_then(|index| state.step(index).started_at)
        .map(|began| seconds_between(began, event.at))
        .filter(|took| took.0 > 0)
        .map(|took| format!(" after {took}"))
        .unwrap_or_default();
    let note = note.map(|note| format!(": {note}")).unwrap_or_default();
    // An answer was said when it was given.
    let answered = index.is_some_and(|index| state.graph().step(index).kind.is_approval());
    let level = if answered { Verbosity::Verbose } else { Verbosity::Normal };
    (level, format!("{step} is done{took}{note}"))
}

/// Returns whether the begin of a step is worth a line: it changes something, or what it waits for takes time.
fn is_followed(state: &RunState, step: StepIndex) -> bool {
    match state.graph().step(step).kind {
        StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected
        | StepKind::AwaitPoint
        | StepKind::Failover
        | StepKind::Verify
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::Forward
        | StepKind::AwaitForward
        | StepKind::Action => true,
        StepKind::Preflight
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::Recheck
        | StepKind::BootGroup
        | StepKind::ApproveCommit => false,
    }
}

fn slots(disks: u32) -> String {
    if disks == 1 { "1 slot".into() } else { format!("{disks} slots") }
}

/// Returns the finding that closes a guard, and how many more there are.
fn reason_of(findings: &[GuardFinding]) -> String {
    // What was waived closes nothing, what is known to be wrong comes before what is not known.
    let place = |finding: &&GuardFinding| match finding.state.as_str() {
        "violated" => 0,
        "indeterminate" => 1,
        "pending" => 2,
        _ => 3,
    };
    let severe = |finding: &&GuardFinding| finding.severity != "error";
    let Some(first) = findings.iter().min_by_key(|finding| (place(finding), severe(finding))) else {
        return "its guard".into();
    };
    let alike = findings.iter().filter(|finding| place(finding) == place(&first)).count() - 1;
    let more = if alike == 0 { String::new() } else { format!(" (and {alike} more)") };
    format!("{}: {}{more}", first.rule, first.message)
}

fn known(known_as: KnownAs, roles: &[String]) -> String {
    match known_as {
        KnownAs::Claimed => " (by a name that was given)".into(),
        KnownAs::OsUser => String::new(),
        KnownAs::Session if roles.is_empty() => " (signed in to the dashboard)".into(),
        KnownAs::Session => format!(" (signed in to the dashboard as {})", roles.join(", ")),
        KnownAs::Signed => format!(" (by signature, as {})", roles.join(", ")),
        KnownAs::Simulated => " (simulated)".into(),
    }
}

/// Returns which roles were asked for without anything that proves them.
fn unproven(roles: &[String]) -> String {
    if roles.is_empty() { String::new() } else { format!(" (not proven to be {})", roles.join(" or ")) }
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
}

/// Returns how a question is answered from another terminal.
pub(super) fn how_to_answer(run: &RunId, step: &StepId, flags: &str) -> String {
    format!("answer with: failback approve {run} {step}{flags}")
}

/// Returns until when a question waits, and what happens then.
pub(super) fn until(deadline: &Timestamp, on_timeout: Option<&str>) -> String {
    let then = match on_timeout {
        Some("proceed") => "then the run goes on without an answer",
        _ => "then it counts as no",
    };
    format!(" (until {deadline:.0}, {then})")
}

/// Returns what a failure keeps from being done; `None` if that is nothing.
pub(super) fn of_blocked(
    settled: &Settled,
    tally: &Tally,
    event: &RunEvent,
    state: &RunState,
) -> Option<String> {
    let failed = match &event.kind {
        RunEventKind::MemberFailed { machine, .. } => machine.as_str(),
        kind => kind.step()?.as_str(),
    };
    let machines: BTreeSet<usize> =
        settled.blocked.iter().flat_map(|step| tally.machines_of(*step)).collect();
    let model = state.graph().model();
    let names: Vec<&str> =
        machines.iter().map(|machine| model.machine(*machine).name().value.as_str()).collect();
    let count = counted(settled.blocked.len(), "step");
    let of = if names.is_empty() { String::new() } else { format!(" of {}", some_of(names.into_iter())) };
    let verb = if settled.blocked.len() == 1 { "is" } else { "are" };
    (!settled.blocked.is_empty()).then(|| format!("{count}{of} {verb} not done, since {failed} failed"))
}

/// Returns how a machine ended; `None` if something else already said so.
pub(super) fn of_machine(
    machine: usize,
    steps: &[StepIndex],
    state: &RunState,
) -> Option<(Verbosity, String)> {
    let name = &state.graph().model().machine(machine).name().value;
    let began = steps.iter().filter_map(|step| state.step(*step).started_at).min();
    let ended = steps.iter().filter_map(|step| state.step(*step).ended_at).max();
    let took = match (began, ended) {
        (Some(began), Some(ended)) => seconds_between(began, ended).to_string(),
        _ => return None,
    };
    match standing(state, steps) {
        Standing::Done => Some((Verbosity::Normal, format!("{name} is back on-premises after {took}"))),
        Standing::Failed(step) if is_back(state, steps) => Some((
            Verbosity::Quiet,
            format!("{name} is back on-premises after {took}, but {} failed", state.id(step)),
        )),
        Standing::LeftOut => Some((Verbosity::Normal, format!("{name} was left out"))),
        Standing::Failed(_) | Standing::Blocked | Standing::Open => None,
    }
}

/// Knows which events say nothing new after the one before them.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeats {
    /// The step that was last held back; that it now waits for what holds it back is no news.
    held_back: Option<StepId>,
    /// What was last left out, and why; a machine is left out step by step.
    left_out: Option<(StepSubject, String)>,
}

impl Repeats {
    /// Takes an event, and returns whether it says nothing new.
    pub fn take(&mut self, event: &RunEvent, state: &RunState) -> bool {
        match &event.kind {
            RunEventKind::GuardEvaluated { step, passed, .. } => {
                self.held_back = (!passed).then(|| step.clone());
                false
            }
            RunEventKind::StepWaiting { step, .. } => self.held_back.take().as_ref() == Some(step),
            RunEventKind::StepSkipped { step, reason } => {
                let Some(index) = state.graph().find(step) else { return false };
                let left_out = Some((state.graph().step(index).subject, reason.clone()));
                std::mem::replace(&mut self.left_out, left_out.clone()) == left_out
            }
            _ => false,
        }
    }
}

/// Returns what is said when a run is asked to stop.
pub(super) fn of_stopping(waits_for: usize) -> String {
    format!(
        "stops when {} ended; Ctrl-C again ends it at once",
        match waits_for {
            1 => "a call or an action has".to_owned(),
            count => format!("{count} calls and actions have"),
        }
    )
}

/// Returns a number of things.
pub(super) fn counted(count: usize, of: &str) -> String {
    if count == 1 { format!("1 {of}") } else { format!("{count} {of}s") }
}
