//! The way on from a run that failed: it is not looked up but taken, and counts if every machine comes home by it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
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
use crate::id::MachineName;
use crate::id::RunId;
use crate::provider::emulator::Deed;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::Whereabouts;
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
/// What goes on with a run once the disks that a moved server took along are attached again.
const ATTACHED: &str = "failback retry --disks-attached";
/// What goes on where nothing of the run can be done again.
const AGAIN: &str = "failback run, which adopts what is done";
/// What leaves machines behind that nothing in the run brings home.
const SKIP: &str = "failback skip MACHINE, and bring it home by a plan of its own";

/// What is done about a server that was moved.
const ATTACH: &str = "attach the machines' disks to the server by hand";

/// How long it takes until somebody has put right what went wrong.
const REPAIR: SignedDuration = SignedDuration::from_hours(1);
/// How often machines are taken out, or what failed is done again with disks that were attached, before that counts as no way.
const ROUNDS: usize = 8;

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
    if goes_on(subject, rested, rested.world.clone(), now, seed, RETRY).is_ok() {
        return Ok(Way { by_hand: Vec::new(), command: RETRY });
    }
    let mut world = rested.world.clone();
    let now = now.saturating_add(REPAIR).unwrap_or(now);
    world.heal(now);
    let mut by_hand = remedies(scenario);
    if goes_on(subject, rested, world.clone(), now, seed, RETRY).is_ok() {
        return Ok(Way { by_hand, command: RETRY });
    }
    let done = put_right(subject, &mut world, now);
    let command = if done.iter().any(|done| done == ATTACH) { ATTACHED } else { RETRY };
    by_hand.extend(done);
    by_hand.dedup();
    let retry = match goes_on(subject, rested, world.clone(), now, seed, command) {
        Ok(()) => return Ok(Way { by_hand, command }),
        Err(retry) => retry,
    };
    let again = subject.run_again(world.clone(), now, seed)?;
    let again = match is_home(subject, &again) {
        Ok(()) => return Ok(Way { by_hand, command: AGAIN }),
        Err(again) => again,
    };
    match goes_on_without(subject, rested, world, now, seed) {
        Ok(()) => Ok(Way { by_hand, command: SKIP }),
        Err(skip) => Err(format!("retry: {retry}; run: {again}; skip: {skip}")),
    }
}

/// Lets the run go on after what failed was opened again, and sees whether every machine comes home. That disks were attached is
/// said of each machine when it is found to lack them, so that this is done again and again.
fn goes_on(
    subject: &Subject,
    rested: &Rested,
    world: World,
    now: Timestamp,
    seed: u64,
    command: &str,
) -> Result<(), String> {
    let attached = command == ATTACHED;
    let (mut state, mut world, mut now) = (rested.state.clone(), world, now);
    let mut home = Err("nothing failed".into());
    for _ in 0..if attached { ROUNDS } else { 1 } {
        let orders = reopened(&state, now, attached)?;
        let after = subject.run("trial", world, now, Some((state, orders)), seed)?;
        home = is_home(subject, &after);
        if home.is_ok() || after.end != Some(End::Finished(Outcome::Failed)) {
            return home;
        }
        now = after.events.last().map_or(now, |event| event.at);
        (state, world) = (after.state, after.world);
    }
    home
}

/// Takes the machines out whose steps failed, and lets the others go on, until none fails; sees whether these come home, and
/// whether those are on one side.
fn goes_on_without(
    subject: &Subject,
    rested: &Rested,
    world: World,
    now: Timestamp,
    seed: u64,
) -> Result<(), String> {
    let (mut state, mut world, mut now) = (rested.state.clone(), world, now);
    for _ in 0..ROUNDS {
        let mut events = Vec::new();
        let before = state.clone();
        record(&mut state, &mut events, now, RunEventKind::Resumed { program: PROGRAM.into() })?;
        let (failed, before) = (failed(&before).into_iter(), &before);
        let of_steps =
            failed.filter(|step| before.step(*step).status == StepStatus::Failed).flat_map(|step| {
                let done = move |machine: &usize| before.step(step).is_done_for(*machine);
                subject.graph.indexes_of(step).filter(move |machine| !done(machine))
            });
        let mut out: BTreeSet<usize> = of_steps.collect();
        // Members that failed inside a step of several, which went on without them.
        out.extend(before.out());
        for machine in out.into_iter().filter(|machine| !before.is_taken_out(*machine)) {
            let machine = MachineName::new(subject.graph.model().machine(machine).name().value.as_str());
            let order = Order::SkipMachine { machine, reason: "it failed".into(), release_dependents: true };
            follow(&mut state, &mut events, now, order)?;
        }
        events.extend(reopened_steps(&mut state, now, false)?);
        let after = subject.run("trial", world, now, Some((before.clone(), events)), seed)?;
        let home = is_home(subject, &after);
        let of_plan = |is: &Whereabouts| subject.graph.model().machine_named(is.machine.as_str()).is_some();
        if home.is_ok() {
            return match law::astray(&after.world).find(of_plan) {
                Some(is) => Err(format!("{} is left {}", is.machine, law::side(&is))),
                None => Ok(()),
            };
        }
        if after.end != Some(End::Finished(Outcome::Failed)) {
            return home;
        }
        now = after.events.last().map_or(now, |event| event.at);
        (state, world) = (after.state, after.world);
    }
    Err("machine after machine fails".into())
}

/// Returns the steps that failed, wholly or for a member of a replication group.
fn failed(state: &RunState) -> Vec<StepIndex> {
    let steps = (0..).zip(state.graph().steps()).map(|(step, _)| step);
    steps.filter(|step| has_failed(state, *step)).collect()
}

fn has_failed(state: &RunState, step: StepIndex) -> bool {
    state.step(step).status == StepStatus::Failed || state.lost_at(step).next().is_some()
}

/// Returns the events with which a person has everything done again that failed.
fn reopened(state: &RunState, now: Timestamp, attached: bool) -> Result<Vec<RunEventKind>, String> {
    let mut state = state.clone();
    let mut events = Vec::new();
    record(&mut state, &mut events, now, RunEventKind::Resumed { program: PROGRAM.into() })?;
    events.extend(reopened_steps(&mut state, now, attached)?);
    Ok(events)
}

fn reopened_steps(state: &mut RunState, now: Timestamp, attached: bool) -> Result<Vec<RunEventKind>, String> {
    let mut events = Vec::new();
    for index in failed(state) {
        // One that is done again may have opened others.
        if !has_failed(state, index) {
            continue;
        }
        let mut again = index;
        // A failover that was taken back is made again, and verified then.
        if state.step(index).code.as_deref() == Some(TAKEN_BACK) {
            again = state.failover_of(index).unwrap_or(index);
        }
        let disks_attached = attached && state.reprotects_behind(again).next().is_some();
        let order = Order::Retry { step: state.id(again).clone(), downstream: true, disks_attached };
        follow(state, &mut events, now, order)?;
    }
    Ok(events)
}

/// Does what an order leads to.
fn follow(
    state: &mut RunState,
    events: &mut Vec<RunEventKind>,
    now: Timestamp,
    order: Order,
) -> Result<(), String> {
    let (by, known_as) = ("trial".to_owned(), KnownAs::Simulated);
    let id = state.last_letter() + 1;
    let verdict = order::judge(
        state,
        &Letter { id, at: now, by, known_as, roles: Vec::new(), order, signed: None, withdrawn_by: None },
    );
    if let Some(refused) = verdict.refused {
        return Err(refused);
    }
    verdict.effects.into_iter().try_for_each(|effect| record(state, events, now, effect))
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
    Err(first.unwrap_or_else(|| match rested.end {
        Some(End::Finished(_)) => "nothing fails any more, but what failed is not done".into(),
        Some(End::Interrupted | End::WaitsForApproval) => "it waits for a person".into(),
        None => "it does not end".into(),
    }))
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
            done.push(ATTACH.to_owned());
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
