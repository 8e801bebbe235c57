//! The way on from a run that failed: it is not looked up but taken, and counts if every machine comes home by it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::event::KnownAs;
use crate::event::Letter;
use crate::event::Order;
use crate::event::Outcome;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::RunId;
use crate::provider::emulator::Deed;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::World;
use crate::provider::emulator::scenario::FaultKind;
use crate::run::End;
use crate::run::order;
use crate::run::trial::attempt::PROGRAM;
use crate::run::trial::attempt::Rested;
use crate::run::trial::attempt::Subject;
use crate::run::trial::attempt::failures;
use crate::run::trial::law;
use crate::syntax::machine::State;

/// What goes on with a run.
const RETRY: &str = "failback retry";
/// What goes on where nothing of the run can be done again.
const AGAIN: &str = "failback run, which adopts what is done";

/// What a person does so that every machine comes home.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Way {
    /// What is done by hand first, in words; empty if nothing is.
    pub by_hand: Vec<String>,
    /// The command that goes on.
    pub command: &'static str,
}

impl Way {
    /// Returns the way in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut words = self.by_hand.clone();
        words.push(self.command.to_owned());
        words.join(", then ")
    }
}

/// Tries the ways on from a run that failed, the easiest first.
///
/// # Errors
///
/// What failed last on the last of them, in words.
pub(super) fn find(subject: &Subject, rested: &Rested, scenario: &Scenario) -> Result<Way, String> {
    let now = rested.events.last().map_or(subject.start, |event| event.at);
    let seed = scenario.drawn_from();
    // What went wrong may be over by itself.
    if goes_on(subject, rested, rested.world.clone(), now, seed).is_ok() {
        return Ok(Way { by_hand: Vec::new(), command: RETRY });
    }
    let mut world = rested.world.clone();
    world.heal(now);
    let mut by_hand = remedies(scenario);
    if goes_on(subject, rested, world.clone(), now, seed).is_ok() {
        return Ok(Way { by_hand, command: RETRY });
    }
    by_hand.extend(put_right(subject, &mut world, now));
    by_hand.dedup();
    if goes_on(subject, rested, world.clone(), now, seed).is_ok() {
        return Ok(Way { by_hand, command: RETRY });
    }
    let again = subject.run("trial-again", world, now, None, seed)?;
    is_home(subject, &again).map(|()| Way { by_hand, command: AGAIN })
}

/// Lets the run go on after what failed was opened again, and sees whether every machine comes home.
fn goes_on(
    subject: &Subject,
    rested: &Rested,
    world: World,
    now: Timestamp,
    seed: u64,
) -> Result<(), String> {
    let orders = reopened(&rested.state, now)?;
    let before = Some((rested.state.clone(), orders));
    is_home(subject, &subject.run("trial", world, now, before, seed)?)
}

/// Returns the events with which a person has everything done again that failed.
fn reopened(state: &RunState, now: Timestamp) -> Result<Vec<RunEventKind>, String> {
    let mut state = state.clone();
    let mut events = Vec::new();
    record(&mut state, &mut events, now, RunEventKind::Resumed { program: PROGRAM.into() })?;
    let steps = StepIndex::try_from(state.graph().steps().len()).unwrap_or(StepIndex::MAX);
    for index in 0..steps {
        if state.step(index).status != StepStatus::Failed {
            continue;
        }
        let mut again = index;
        // A failover that was taken back is made again, and verified then.
        if state.step(index).code.as_deref() == Some(TAKEN_BACK) {
            let kinds = |step: &StepIndex| state.graph().step(*step).kind == StepKind::Failover;
            again = state.graph().before(index).iter().copied().find(kinds).unwrap_or(index);
        }
        let order = Order::Retry { step: state.id(again).clone(), downstream: true };
        let (by, known_as) = ("trial".to_owned(), KnownAs::Simulated);
        let letter = Letter { id: state.last_letter() + 1, at: now, by, known_as, order };
        let verdict = order::judge(&state, &letter);
        if let Some(refused) = verdict.refused {
            return Err(refused);
        }
        for effect in verdict.effects {
            record(&mut state, &mut events, now, effect)?;
        }
    }
    Ok(events)
}

fn record(
    state: &mut RunState,
    events: &mut Vec<RunEventKind>,
    now: Timestamp,
    kind: RunEventKind,
) -> Result<(), String> {
    let event = RunEvent { run: RunId::new("trial"), seq: state.seq() + 1, at: now, kind };
    let legal = state.check(&event).map_err(|error| error.to_string())?;
    state.apply(&event, legal);
    events.push(event.kind);
    Ok(())
}

/// Sees whether every machine of the plan is home, and nothing was begun that must not be.
fn is_home(subject: &Subject, rested: &Rested) -> Result<(), String> {
    if let Some(breach) = law::breaches_of_site(&rested.world).first() {
        return Err(breach.what.clone());
    }
    if rested.end == Some(End::Finished(Outcome::Succeeded)) {
        return Ok(());
    }
    let failures = failures(&subject.graph, &rested.events);
    let first = failures
        .first()
        .map(|failure| format!("{} failed with {}: {}", failure.step, failure.code, failure.message));
    Err(first.unwrap_or_else(|| "it did not end".into()))
}

/// Puts right what no end of a fault puts right, as an administrator would; returns what was done.
fn put_right(subject: &Subject, world: &mut World, now: Timestamp) -> Vec<String> {
    let mut done = Vec::new();
    let machines: Vec<_> = world.machines().collect();
    for is in machines {
        if subject.graph.model().machine_named(is.machine.as_str()).is_none() {
            continue;
        }
        let machine = is.machine.clone();
        let is_back = match is.state {
            State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::ProtectedToAzure => true,
            State::FailedOver
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => false,
        };
        let deeds: &[(Deed, &str)] = &match (is.runs_in_azure, is.runs_onprem, is_back) {
            (true, _, true) => vec![(Deed::StopAzureVm { machine }, "stop the Azure VM")],
            (false, false, true) => vec![(Deed::StartOnpremVm { machine }, "start the on-premises VM")],
            (false, false, false) => vec![(Deed::StartAzureVm { machine }, "start the Azure VM")],
            (false, true, _) | (true, _, false) => Vec::new(),
        };
        for (deed, words) in deeds {
            if world.by_hand(now, deed).is_ok() {
                done.push(format!("{words} of {}", is.machine));
            }
        }
        let deed = Deed::AttachDisks { machine: is.machine.clone() };
        if world.disks_are_lost(&is.machine) && world.by_hand(now, &deed).is_ok() {
            done.push("attach the machines' disks to the server by hand".to_owned());
        }
    }
    done.sort();
    done
}

/// Returns how each kind of fault of a scenario is put right, in words.
fn remedies(scenario: &Scenario) -> Vec<String> {
    let kinds: BTreeSet<&str> = scenario.faults.iter().flatten().map(|fault| remedy(*fault.kind)).collect();
    kinds.into_iter().map(str::to_owned).collect()
}

const fn remedy(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::VcenterDisconnects => "connect the vCenter again",
        FaultKind::ConfigurationServerDisconnects => "connect the configuration server again",
        FaultKind::MasterTargetSnapshot => "delete the master target's snapshots",
        FaultKind::StorageVmotion => "leave the server where it is",
        FaultKind::ApplianceUnhealthy => "repair the appliance",
        FaultKind::ProcessServerUnhealthy => "repair the process server",
        FaultKind::DatastoreInaccessible => "give the hosts their datastore again",
        FaultKind::LinkSlow => "repair the line",
        FaultKind::AgentLate => "wait for the agent",
        FaultKind::JobFails => "mend what the job's error names",
        FaultKind::ResyncRequired => "resynchronise the machine",
        FaultKind::Health => "mend the machine's replication",
        FaultKind::AzureVmStopped => "start the Azure VM",
        FaultKind::AzureVmStaysOn => "stop the Azure VM",
        FaultKind::OnpremVmDoesNotBoot => "start the on-premises VM",
        FaultKind::Busy | FaultKind::NoAnswerBefore | FaultKind::NoAnswerAfter => {
            "wait until the service answers"
        }
    }
}
