//! What holds in every run and every journal.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::graph::Graph;
use failback::graph::StepKind;
use failback::id::MachineName;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::State;

use crate::lab::Ran;
use crate::lab::World;
use crate::lab::site::Site;

/// Asserts that a run succeeded and that every machine runs on-premises, protected in Azure, its Azure VM gone.
pub fn assert_home(world: &World, site: &Site, ran: &Ran) {
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(world, site, |_| true);
}

/// Asserts that these machines are home.
pub fn assert_machines_home(world: &World, site: &Site, which: impl Fn(&str) -> bool) {
    let facts = site.facts(&world.machines());
    for machine in facts.machines.iter().flatten().filter(|machine| which(&machine.name)) {
        assert_eq!(machine.state.map(|state| state.value), Some(State::ProtectedToAzure), "{}", machine.name);
        let onprem = machine.onprem_vm.as_ref().expect("it is back");
        assert_eq!(onprem.power_state.map(|state| state.value), Some(PowerState::Running));
        let azure = machine.azure_vm.as_ref().expect("what became of it is known");
        assert_eq!(azure.exists.map(|exists| exists.value), Some(false));
    }
}

/// Asserts that the emulator took nothing on twice for one machine and phase, except after a failure that the journal saw.
pub fn assert_nothing_begun_twice(site: &Site, ran: &Ran) {
    let mut begun: HashMap<(String, &'static str), usize> = HashMap::new();
    let mut seen_to_fail: HashMap<(String, &'static str), usize> = HashMap::new();
    for (_, sent) in site.begun() {
        for machine in sent.request.machines() {
            *begun.entry((machine.to_string(), word(&sent.request))).or_default() += 1;
        }
    }
    let mut open: HashMap<&StepId, &Request> = HashMap::new();
    // A person may order what changes the members of a recovery plan, or needs it again.
    let orders = ran.events.iter().filter(|event| {
        matches!(event.kind, RunEventKind::StepReopened { .. } | RunEventKind::MachineTakenOut { .. })
    });
    let again = orders.count();
    for event in &ran.events {
        match &event.kind {
            RunEventKind::IntentRecorded { step, request, .. } => drop(open.insert(step, request)),
            RunEventKind::MemberFailed { step, machine, .. } => {
                let Some(request) = open.get(step) else { continue };
                *seen_to_fail.entry((machine.to_string(), word(request))).or_default() += 1;
            }
            RunEventKind::AttemptFailed { step, .. } | RunEventKind::StepFailed { step, .. } => {
                let Some(request) = open.remove(step) else { continue };
                for machine in request.machines() {
                    *seen_to_fail.entry((machine.to_string(), word(request))).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    for (of, count) in begun {
        let failed = seen_to_fail.get(&of).copied().unwrap_or(0);
        let again = if of.1.ends_with("_plan") { again } else { 0 };
        assert!(count <= 1 + failed + again, "{of:?} was begun {count} times\n{}", ran.said());
    }
}

const fn word(request: &Request) -> &'static str {
    match request {
        Request::Prepare => "prepare",
        Request::MakeRecoveryPlan { .. } => "make_recovery_plan",
        Request::DeleteRecoveryPlan { .. } => "delete_recovery_plan",
        Request::ReprotectToOnprem { .. } => "reprotect",
        Request::FailoverToOnprem { .. } => "failover",
        Request::CancelFailover { .. } => "cancel",
        Request::Commit { .. } => "commit",
        Request::ReprotectToAzure { .. } => "forward",
    }
}

/// Asserts what holds in every journal, whatever went wrong:
/// a failover comes after the barrier of its wave and the recheck of its machines, a commit after the verification of all its
/// machines, the way to Azure after the commit; a step begins after the steps before it; a request is sent after its guard
/// passed, and not while an earlier one of the step is open; `CompleteMigration` is never sent.
pub fn assert_lawful(graph: &Arc<Graph>, events: &[RunEvent]) {
    let refuted: Vec<_> = failback::evidence::check::order(graph, events)
        .into_iter()
        .filter(|finding| finding.weight == failback::evidence::check::Weight::Refuted)
        .collect();
    assert!(refuted.is_empty(), "{refuted:#?}\n{events:#?}");
    let mut state = RunState::new(Arc::clone(graph));
    let mut passed: HashSet<StepId> = HashSet::new();
    for event in events {
        let legal = state.check(event).unwrap_or_else(|error| panic!("{error}: {event:?}"));
        let good = |id: &str| {
            let step = graph.find(&StepId::new(id));
            step.is_none_or(|step| state.step(step).status.is_good())
        };
        let assert_each = |machines: &[MachineName], kind: &str| {
            for machine in machines {
                assert!(good(&format!("{kind}/{machine}")), "{kind}/{machine} before {event:?}");
            }
        };
        let text = serde_json::to_string(event).expect("an event has a JSON form").to_lowercase();
        assert!(!text.contains("completemigration") && !text.contains("complete_migration"), "{text}");
        match &event.kind {
            RunEventKind::StepStarted { step } => {
                let step = graph.find(step).expect("it is in the graph");
                let settled = |before: &u32| state.step(*before).status.is_settled();
                let good = |before: &u32| state.step(*before).status.is_good();
                assert!(graph.before(step).iter().all(settled), "{event:?}");
                // Only an action may look at how what it follows ended, a recovery plan is deleted however its group ended, and
                // a group goes on without a member that failed.
                let kind = graph.step(step).kind;
                let action = matches!(kind, StepKind::Action | StepKind::Cleanup)
                    || !state.out().is_empty()
                    || state.step(step).takes_back;
                assert!(action || graph.before(step).iter().all(good), "{event:?}");
            }
            RunEventKind::GuardEvaluated { step, passed: true, .. } => drop(passed.insert(step.clone())),
            RunEventKind::GuardEvaluated { step, passed: false, .. } => drop(passed.remove(step)),
            RunEventKind::IntentRecorded { step: id, request, .. } => {
                match request {
                    Request::ReprotectToOnprem { .. } => assert!(good("preflight"), "{event:?}"),
                    Request::FailoverToOnprem { machines, .. } => {
                        let step = graph.find(id).expect("it is in the graph");
                        assert!(good(&format!("barrier/{}", graph.step(step).wave)), "{event:?}");
                        assert_each(machines, "await_protected");
                        assert_each(machines, "recheck");
                    }
                    Request::Commit { machines, .. } => assert_each(machines, "verify"),
                    Request::ReprotectToAzure { machine, .. } => {
                        let model = graph.model();
                        let commits = (0..).zip(graph.steps()).filter(|(at, step)| {
                            step.kind == StepKind::Commit
                                && graph.machines_of(*at).iter().any(|of| of.name().value == machine.as_str())
                        });
                        let mut commits = commits.map(|(_, step)| step.id.as_str());
                        assert!(commits.all(good), "{event:?} in {}", model.plan.name);
                    }
                    Request::Prepare
                    | Request::MakeRecoveryPlan { .. }
                    | Request::DeleteRecoveryPlan { .. }
                    | Request::CancelFailover { .. } => {}
                }
                let guarded = matches!(
                    request,
                    Request::ReprotectToOnprem { .. }
                        | Request::FailoverToOnprem { .. }
                        | Request::Commit { .. }
                        | Request::ReprotectToAzure { .. }
                );
                assert!(!guarded || passed.remove(id), "{event:?} without a guard");
            }
            _ => {}
        }
        state.apply(event, legal);
    }
}
