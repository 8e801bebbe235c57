//! What failed and is done again.

use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::laws::assert_home;
use crate::lab::world;
use crate::lab::world_of;
use crate::orders::W1_FAILS;
use crate::orders::drive;
use crate::orders::refusals;
use crate::orders::request_of;
use crate::orders::resume;
use crate::orders::retry;
use crate::orders::state_of;

#[test]
fn what_failed_is_done_again_in_a_run_that_has_ended() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[W1_FAILS]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![retry("reprotect/w1")]);
    assert_home(&world, &site, &ran);
    assert!(ran.has(|kind| matches!(kind, RunEventKind::IntentRecorded { step, attempt: 2, .. } if step.as_str() == "reprotect/w1")));
}

#[test]
fn the_recovery_plan_of_a_group_that_failed_is_made_again_for_another_try() {
    let estate = Estate::classic([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let fault = |name: &str| {
        format!(
            "{{kind: job_fails, of: {name}, phase: failover, code: \"78037\", task: VmUfoPrerequisitesCheck}}"
        )
    };
    let world = world_of(&estate).with(&[&fault("g1"), &fault("g2")]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let deleted = |request: &Request| matches!(request, Request::DeleteRecoveryPlan { .. });
    assert_eq!(request_of(&site, deleted).len(), 1);
    let ran = resume(&world, &site, &ran, vec![retry("failover/db")]);
    assert_home(&world, &site, &ran);
    assert_eq!(request_of(&site, deleted).len(), 2, "{}", ran.said());
}

#[test]
fn what_is_held_back_by_something_else_is_not_retried_alone() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[W1_FAILS]);
    let (site, ran) = drive(&world, Process::default());
    let ran =
        resume(&world, &site, &ran, vec![retry("failover/w1"), retry("commit/w9"), retry("reprotect/w2")]);
    assert_eq!(
        refusals(&ran),
        [
            "failover/w1 is held back by recheck/w1: retry that, with --downstream",
            "the run has no step commit/w9",
            "reprotect/w2 is succeeded: only what failed or was blocked is done again",
        ]
    );
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)));
}

#[test]
fn what_is_done_again_by_itself_is_no_longer_told_to_have_failed() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[W1_FAILS]);
    let (site, ran) = drive(&world, Process::default());
    let note = |ran: &Ran| {
        let state = state_of(&world, ran);
        let step = world.graph.find(&StepId::new("commit/w1")).expect("it is there");
        (state.step(step).status.as_str(), state.step(step).note.clone().unwrap_or_default())
    };
    assert_eq!(note(&ran), ("blocked", "reprotect/w1 failed".into()), "{}", ran.said());
    let alone = Order::Retry { step: StepId::new("reprotect/w1"), downstream: false, disks_attached: false };
    let ran = resume(&world, &site, &ran, vec![alone]);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let (status, told) = note(&ran);
    assert!(status == "blocked" && told.contains("reprotect/w1 is done again, by itself"), "{told}");
    let ran = resume(&world, &site, &ran, vec![retry("await_protected/w1")]);
    assert_home(&world, &site, &ran);
}
