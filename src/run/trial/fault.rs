//! Every fault that the emulator knows, at every step of a run.

use jiff::SignedDuration;

use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::graph::StepKind;
use crate::model::Machine;
use crate::provider::emulator::Scenario;
use crate::provider::emulator::World;
use crate::provider::emulator::scenario::Fault;
use crate::provider::emulator::scenario::FaultKind;
use crate::provider::emulator::scenario::FaultPhase;
use crate::provider::emulator::scenario::Moment;
use crate::quantity::Seconds;
use crate::run::trial::attempt::Subject;
use crate::source::Spanned;

/// How long a fault lasts that is over before the engine's patience is.
const A_WHILE: u64 = 20 * 60;
/// How long an agent takes that comes after the fifteen minutes which the service gives it.
const LATE: u64 = 40 * 60;
/// More requests in a row than any plan tries again.
const ALWAYS: u32 = 99;

/// Every kind of fault, in the order of the scenario's language.
pub const KINDS: [FaultKind; 20] = [
    FaultKind::VcenterDisconnects,
    FaultKind::ConfigurationServerDisconnects,
    FaultKind::MasterTargetSnapshot,
    FaultKind::StorageVmotion,
    FaultKind::ApplianceUnhealthy,
    FaultKind::ProcessServerUnhealthy,
    FaultKind::DatastoreInaccessible,
    FaultKind::LinkSlow,
    FaultKind::AgentLate,
    FaultKind::JobFails,
    FaultKind::JobHangs,
    FaultKind::ResyncRequired,
    FaultKind::Health,
    FaultKind::AzureVmStopped,
    FaultKind::AzureVmStaysOn,
    FaultKind::OnpremVmDoesNotBoot,
    FaultKind::Busy,
    FaultKind::NoAnswerBefore,
    FaultKind::NoAnswerAfter,
    FaultKind::AnswerTwice,
];

/// A step of a run in which nothing went wrong, and when it began.
struct Begun<'g> {
    kind: StepKind,
    machines: Vec<Machine<'g>>,
    after: u64,
}

/// Returns every fault at every step: for each step of a run in which nothing goes wrong, what can befall its machines, the
/// servers that they need and its requests, for a while and for good.
///
/// # Errors
///
/// In words, if the run in which nothing goes wrong can't be made.
pub fn everywhere(subject: &Subject, scenario: &Scenario) -> Result<Vec<Fault>, String> {
    let healthy = Scenario { faults: None, ..scenario.clone() };
    let world = World::new(subject.inventory(), healthy, subject.start);
    let rested = subject.run("trial", world, subject.start, None, scenario.drawn_from())?;
    let begun = rested.events.iter().filter_map(|event| begun(subject, event));
    let mut faults: Vec<Fault> = Vec::new();
    for step in begun {
        for kind in KINDS {
            for fault in at_step(kind, &step) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
        }
    }
    Ok(faults)
}

fn begun<'g>(subject: &'g Subject, event: &RunEvent) -> Option<Begun<'g>> {
    let RunEventKind::StepStarted { step } = &event.kind else { return None };
    let index = subject.graph.find(step)?;
    let machines = subject.graph.machines_of(index);
    let after = event.at.duration_since(subject.start).max(SignedDuration::ZERO).as_secs();
    let after = u64::try_from(after).unwrap_or(0);
    Some(Begun { kind: subject.graph.step(index).kind, machines, after })
}

/// Returns what a kind of fault can do to a step.
fn at_step(kind: FaultKind, step: &Begun<'_>) -> Vec<Fault> {
    let phase = phase_of(step.kind);
    let names = |of: fn(Machine<'_>) -> Option<&str>| {
        let mut names: Vec<String> =
            step.machines.iter().filter_map(|machine| of(*machine).map(str::to_owned)).collect();
        names.sort();
        names.dedup();
        names
    };
    let machines = || names_of(&step.machines);
    // A standing fault begins with the step, and is over after a while or never.
    let standing = |of: Vec<String>| -> Vec<Fault> {
        let of = of.into_iter().map(Some);
        of.flat_map(|of| {
            [begins(kind, of.clone(), step.after, Some(A_WHILE)), begins(kind, of, step.after, None)]
        })
        .collect()
    };
    let everywhere = || [Some(A_WHILE), None].map(|lasting| begins(kind, None, step.after, lasting)).to_vec();
    match kind {
        FaultKind::VcenterDisconnects | FaultKind::ConfigurationServerDisconnects
            if !step.machines.is_empty() =>
        {
            everywhere()
        }
        FaultKind::LinkSlow if is_transfer(step.kind) => everywhere(),
        FaultKind::MasterTargetSnapshot => standing(names(master_target)),
        FaultKind::StorageVmotion => {
            let servers = names(master_target).into_iter().chain(names(appliance));
            servers.map(|server| begins(kind, Some(server), step.after, None)).collect()
        }
        FaultKind::ApplianceUnhealthy => standing(names(appliance)),
        FaultKind::ProcessServerUnhealthy => standing(names(process_server)),
        FaultKind::DatastoreInaccessible => standing(names(datastore)),
        FaultKind::ResyncRequired | FaultKind::Health | FaultKind::AzureVmStopped => {
            if behind_commit(step.kind) { Vec::new() } else { standing(machines()) }
        }
        FaultKind::AgentLate => {
            let phase = phase.filter(|phase| matches!(phase, FaultPhase::Reprotect | FaultPhase::Forward));
            let Some(phase) = phase else { return Vec::new() };
            let late = |machine| Fault { lasting: Some(seconds(LATE)), ..of_phase(kind, machine, phase) };
            machines().into_iter().map(late).collect()
        }
        FaultKind::JobFails => with_phase(phase, machines(), |machine, phase| {
            let fails = Fault { code: Some(Spanned::bare("539".into())), ..of_phase(kind, machine, phase) };
            let refuses = Fault { code: Some(Spanned::bare("78037".into())), ..fails.clone() };
            vec![Fault { times: Some(Spanned::bare(ALWAYS)), ..fails.clone() }, fails, refuses]
        }),
        FaultKind::JobHangs | FaultKind::AnswerTwice => {
            with_phase(phase, machines(), |machine, phase| vec![of_phase(kind, machine, phase)])
        }
        FaultKind::AzureVmStaysOn | FaultKind::OnpremVmDoesNotBoot => {
            if step.kind != StepKind::Failover {
                return Vec::new();
            }
            let late = kind == FaultKind::OnpremVmDoesNotBoot;
            machines()
                .into_iter()
                .flat_map(|machine| {
                    let for_good = bare(kind, Some(machine));
                    let passing = Fault { lasting: Some(seconds(A_WHILE)), ..for_good.clone() };
                    if late { vec![passing, for_good] } else { vec![for_good] }
                })
                .collect()
        }
        FaultKind::Busy | FaultKind::NoAnswerBefore | FaultKind::NoAnswerAfter => {
            // A call of the step, and all calls from its beginning on.
            let outage = begins(kind, None, step.after, Some(A_WHILE));
            let calls = with_phase(phase, machines(), |machine, phase| {
                let once = of_phase(kind, machine, phase);
                let thrice = Fault { times: Some(Spanned::bare(3)), ..once.clone() };
                vec![once, thrice]
            });
            calls.into_iter().chain([outage]).collect()
        }
        FaultKind::VcenterDisconnects | FaultKind::ConfigurationServerDisconnects | FaultKind::LinkSlow => {
            Vec::new()
        }
    }
}

fn with_phase(
    phase: Option<FaultPhase>,
    machines: Vec<String>,
    make: impl Fn(String, FaultPhase) -> Vec<Fault>,
) -> Vec<Fault> {
    let Some(phase) = phase else { return Vec::new() };
    machines.into_iter().flat_map(|machine| make(machine, phase)).collect()
}

fn names_of(machines: &[Machine<'_>]) -> Vec<String> {
    machines.iter().map(|machine| machine.name().value.clone()).collect()
}

fn master_target(machine: Machine<'_>) -> Option<&str> {
    Some(machine.settings().failback.master_target.as_ref()?.value.as_str())
}

fn appliance(machine: Machine<'_>) -> Option<&str> {
    Some(machine.settings().failback.appliance.as_ref()?.value.as_str())
}

fn process_server(machine: Machine<'_>) -> Option<&str> {
    Some(machine.settings().failback.process_server.as_ref()?.value.as_str())
}

fn datastore(machine: Machine<'_>) -> Option<&str> {
    Some(machine.settings().failback.datastore.as_ref()?.value.as_str())
}

/// Returns the phase of the requests that a kind of step sends about machines.
const fn phase_of(kind: StepKind) -> Option<FaultPhase> {
    match kind {
        StepKind::Prepare | StepKind::Cleanup => Some(FaultPhase::Prepare),
        StepKind::Reprotect => Some(FaultPhase::Reprotect),
        StepKind::Failover => Some(FaultPhase::Failover),
        StepKind::Commit => Some(FaultPhase::Commit),
        StepKind::Forward => Some(FaultPhase::Forward),
        StepKind::Preflight
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => None,
    }
}

/// Returns whether data moves while a kind of step runs.
const fn is_transfer(kind: StepKind) -> bool {
    matches!(
        kind,
        StepKind::Reprotect | StepKind::AwaitProtected | StepKind::Forward | StepKind::AwaitForward
    )
}

/// Returns whether the Azure VM is gone when a kind of step runs.
const fn behind_commit(kind: StepKind) -> bool {
    matches!(kind, StepKind::Cleanup | StepKind::AwaitAgent | StepKind::Forward | StepKind::AwaitForward)
}

const fn seconds(seconds: u64) -> Spanned<Seconds> {
    Spanned::bare(Seconds(seconds))
}

fn bare(kind: FaultKind, of: Option<String>) -> Fault {
    Fault {
        kind: Spanned::bare(kind),
        of: of.map(Spanned::bare),
        at: None,
        phase: None,
        nth: None,
        times: None,
        lasting: None,
        code: None,
        task: None,
        health: None,
        factor: None,
    }
}

fn begins(kind: FaultKind, of: Option<String>, after: u64, lasting: Option<u64>) -> Fault {
    let at = Some(Moment { after: seconds(after) });
    Fault { at, lasting: lasting.map(seconds), ..bare(kind, of) }
}

fn of_phase(kind: FaultKind, machine: String, phase: FaultPhase) -> Fault {
    Fault { phase: Some(Spanned::bare(phase)), ..bare(kind, Some(machine)) }
}

/// Returns a fault as a scenario writes it.
#[must_use]
pub fn in_words(fault: &Fault) -> String {
    let mut words = vec![format!("kind: {}", *fault.kind)];
    let mut say =
        |key: &str, value: Option<String>| words.extend(value.map(|value| format!("{key}: {value}")));
    say("of", fault.of.as_ref().map(|of| of.value.clone()));
    say("at", fault.at.as_ref().map(|at| format!("{{after: {}}}", at.after.value)));
    say("phase", fault.phase.map(|phase| phase.value.to_string()));
    say("nth", fault.nth.map(|nth| nth.value.to_string()));
    say("times", fault.times.map(|times| times.value.to_string()));
    say("for", fault.lasting.map(|lasting| lasting.value.to_string()));
    say("code", fault.code.as_ref().map(|code| format!("\"{}\"", code.value)));
    say("task", fault.task.as_ref().map(|task| task.value.clone()));
    say("health", fault.health.map(|health| health.value.to_string()));
    say("factor", fault.factor.map(|factor| factor.value.to_string()));
    format!("{{{}}}", words.join(", "))
}

/// Returns a fault for tests of this folder.
#[cfg(test)]
pub(super) fn tests_only(kind: FaultKind, of: String) -> Fault {
    bare(kind, Some(of))
}
