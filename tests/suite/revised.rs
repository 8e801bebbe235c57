//! What a person changed in a run stays so: what was left out, taken back or cancelled.

use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::event::StepStatus;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;
use failback::syntax::machine::State;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::site::Site;
use crate::lab::world;
use crate::lab::world_of;
use crate::orders::Forever;
use crate::orders::cancel;
use crate::orders::drive;
use crate::orders::once;
use crate::orders::refusals;
use crate::orders::request_of;
use crate::orders::resume;
use crate::orders::retry;
use crate::orders::skip;
use crate::orders::state_of;

fn asks(id: &'static str) -> impl Fn(&RunEventKind) -> bool {
    move |kind| matches!(kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == id)
}

fn is_everywhere_in_azure(world: &World, site: &Site, ran: &Ran) {
    for machine in site.facts(&world.machines()).machines.iter().flatten() {
        let state = machine.state.map(|state| state.value);
        assert_eq!(state, Some(State::ProtectedToOnprem), "{}: {}", machine.name, ran.said());
    }
}

#[test]
fn a_failover_that_is_not_verified_is_taken_back_with_the_run() {
    let world = world(MODERNIZED.0, MODERNIZED.1).with(&["{kind: onprem_vm_does_not_boot, of: w1}"]);
    let order = once(cancel(true), asks("verify/w1"));
    let (site, ran) = drive(&world, Process::default().approved_by(Forever).ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{}", ran.said());
    assert!(!ran.has(|kind| matches!(kind, RunEventKind::GuardEvaluated { step, .. } if step.as_str().starts_with("commit/"))));
    is_everywhere_in_azure(&world, &site, &ran);
}

#[test]
fn every_member_of_a_group_is_taken_back_with_the_run_and_none_is_said_to_be_committed() {
    let estate = Estate::modernized([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let world = world_of(&estate);
    let order = once(cancel(true), asks("approve_commit/db"));
    let (site, ran) = drive(&world, Process::default().approved_by(Forever).ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{}", ran.said());
    is_everywhere_in_azure(&world, &site, &ran);
    let said = failback::report::whereabouts(&state_of(&world, &ran));
    for (machine, place) in said {
        assert_eq!(place.to_string(), "in Azure, replicating to on-premises", "{machine}");
    }
}

#[test]
fn an_action_that_a_person_left_out_stays_out() {
    let plan = format!(
        "{}actions:\n  - {{name: never-this, after: {{phase: commit, of: w2}}, run: {{command: [x]}}}}\n",
        CLASSIC.0
    );
    let world = world(&plan, CLASSIC.1).with(&["{kind: job_fails, of: w2, phase: commit, code: \"78037\"}"]);
    let order = Order::SkipStep { step: StepId::new("action/never-this"), reason: "must not run".into() };
    let (site, ran) =
        drive(&world, Process::default().ordered("bob", once(order, asks("approve_commit/w2"))));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![retry("commit/w2")]);
    assert_home(&world, &site, &ran);
    assert!(!ran.has(|kind| matches!(kind, RunEventKind::ActionStarted { .. })), "{}", ran.said());
}

#[test]
fn a_run_that_stopped_at_a_failure_goes_on_when_that_is_done_again() {
    let plan = format!("{}execution: {{on_failure: stop}}\n", CLASSIC.0);
    let world =
        world(&plan, CLASSIC.1).with(&["{kind: job_fails, of: w2, phase: reprotect, code: \"78037\"}"]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![retry("reprotect/w2")]);
    assert_eq!(refusals(&ran), Vec::<&str>::new());
    assert_home(&world, &site, &ran);
}

#[test]
fn a_recovery_plan_is_deleted_whatever_a_person_says_before_its_group_has_ended() {
    let estate = Estate::classic([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let world = world_of(&estate);
    let order = Order::SkipStep { step: StepId::new("cleanup/db"), reason: "no".into() };
    let (site, ran) =
        drive(&world, Process::default().ordered("bob", once(order, asks("approve_commit/db"))));
    assert_home(&world, &site, &ran);
    assert!(refusals(&ran)[0].contains("its group has not come to its end"), "{:?}", refusals(&ran));
    let cleanup = world.graph.find(&StepId::new("cleanup/db")).expect("a step");
    assert_eq!(state_of(&world, &ran).step(cleanup).status, StepStatus::Succeeded);
}

#[test]
fn a_plan_that_is_made_again_is_deleted_again() {
    let estate = Estate::modernized([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let world = world_of(&estate).with(&["{kind: job_fails, of: g2, phase: reprotect, code: \"78037\"}"]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![skip("g1", false)]);
    let ran = resume(&world, &site, &ran, vec![skip("g2", false)]);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    let made = request_of(&site, |request| matches!(request, Request::MakeRecoveryPlan { .. })).len();
    let deleted = request_of(&site, |request| matches!(request, Request::DeleteRecoveryPlan { .. })).len();
    assert_eq!(made, deleted, "{}", ran.said());
}

#[test]
fn a_cancelled_run_runs_no_action_again_that_died_with_its_process() {
    for rerun in ["always", "ask"] {
        let plan = format!(
            "{}actions:\n  - {{name: quiet, before: {{phase: reprotect, of: w1}}, run: {{command: [x]}}, rerun: {rerun}}}\n",
            CLASSIC.0
        );
        let world = world(&plan, CLASSIC.1);
        let died = (0..).find_map(|syncs| {
            let site = world.site();
            let ran = world.drive(&site, Process::default().killed_at_sync(syncs));
            assert!(ran.end.is_err(), "no process died while the action ran");
            let last = ran.events.last().map(|event| &event.kind);
            let runs = ran.has(|kind| matches!(kind, RunEventKind::ActionStarted { .. }));
            let ended = ran.has(|kind| matches!(kind, RunEventKind::StepSucceeded { step, .. } if step.as_str() == "action/quiet"));
            (runs && !ended && last.is_some()).then_some((site, ran))
        });
        let (site, ran) = died.expect("the action runs at some time");
        let ran = resume(&world, &site, &ran, vec![cancel(false)]);
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{rerun}: {}", ran.said());
        let started =
            ran.events.iter().filter(|event| matches!(event.kind, RunEventKind::ActionStarted { .. }));
        assert_eq!(started.count(), 1, "{rerun}: {}", ran.said());
        assert_eq!(ran.failure("action/quiet"), Some("outcome-unknown"), "{rerun}: {}", ran.said());
    }
}
