//! Whole runs on the emulator, on a clock that jumps.

use std::collections::HashSet;

use failback::event::KnownAs;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::id::StepId;
use failback::provider::Request;
use failback::provider::emulator::Scenario;
use failback::run::End;
use failback::run::approver::Approver;
use failback::run::approver::Question;
use failback::run::approver::Reply;
use failback::run::approver::Unattended;

use crate::estate::Estate;
use crate::estate::Vm;
pub use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::laws::assert_machines_home;
use crate::lab::laws::assert_nothing_begun_twice;
use crate::lab::site::Site;
pub use crate::lab::world;
use crate::lab::world_of;

/// Runs a plan to its end while a scenario goes on.
pub fn run(world: &World, scenario: Scenario) -> Ran {
    let site = world.site_in(scenario);
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    ran
}

#[test]
fn a_classic_estate_comes_home() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_home(&world, &site, &ran);
    assert_lawful(&world.graph, &ran.events);
}

#[test]
fn a_modernized_estate_comes_home() {
    let world = world(MODERNIZED.0, MODERNIZED.1);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_home(&world, &site, &ran);
    assert_lawful(&world.graph, &ran.events);
}

#[test]
fn the_same_run_gives_the_same_events() {
    let world = world(CLASSIC.0, CLASSIC.1);
    assert_eq!(world.run().events, world.run().events);
}

#[test]
fn every_request_was_recorded_before_it_was_accepted() {
    let ran = world(CLASSIC.0, CLASSIC.1).run();
    let mut intended = HashSet::new();
    for event in &ran.events {
        match &event.kind {
            RunEventKind::IntentRecorded { step, .. } => {
                intended.insert(step.clone());
            }
            RunEventKind::OperationAccepted { step, .. } => assert!(intended.contains(step), "{step}"),
            _ => {}
        }
    }
    assert!(intended.len() >= 16, "{intended:?}");
}

/// Runs the classic estate with faults; whatever they do, nothing is done twice or out of order.
fn classic_with(faults: &[&str]) -> (World, Site, Ran) {
    let world = world(CLASSIC.0, CLASSIC.1).with(faults);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_nothing_begun_twice(&site, &ran);
    (world, site, ran)
}

const FAILED: Result<End, String> = Ok(End::Finished(Outcome::Failed));

fn count(ran: &Ran, is_it: impl Fn(&RunEventKind) -> bool) -> usize {
    ran.events.iter().filter(|event| is_it(&event.kind)).count()
}

fn waited(ran: &Ran, word: &str) -> bool {
    ran.has(|kind| matches!(kind, RunEventKind::StepWaiting { reason, .. } if reason.contains(word)))
}

fn guard_closed(ran: &Ran, rule: &str) -> bool {
    ran.has(|kind| {
        matches!(kind, RunEventKind::GuardEvaluated { passed: false, findings, .. }
            if findings.iter().any(|finding| finding.rule == rule))
    })
}

#[test]
fn a_vcenter_that_is_lost_holds_the_failover_back_until_it_returns() {
    let (world, site, ran) =
        classic_with(&["{kind: vcenter_disconnects, of: vc1, at: {after: 20m}, for: 90m}"]);
    assert!(guard_closed(&ran, "FB311"), "{}", ran.said());
    assert!(site.sent().iter().all(|sent| {
        !matches!(sent.request, Request::FailoverToOnprem { .. })
            || sent.at.duration_since(world.start) >= jiff::SignedDuration::from_mins(110)
    }));
    assert_home(&world, &site, &ran);
}

#[test]
fn a_vcenter_that_stays_away_stops_the_run_before_the_failover() {
    let (_, site, ran) = classic_with(&["{kind: vcenter_disconnects, of: vc1, at: {after: 20m}}"]);
    assert_eq!(ran.end, FAILED);
    assert!(!site.sent().iter().any(|sent| matches!(sent.request, Request::FailoverToOnprem { .. })));
}

#[test]
fn a_snapshot_of_the_master_target_is_waited_out() {
    let (world, site, ran) =
        classic_with(&["{kind: master_target_snapshot, of: mtw, at: {after: 20m}, for: 70m}"]);
    assert!(guard_closed(&ran, "FB205"), "{}", ran.said());
    assert_home(&world, &site, &ran);
}

#[test]
fn an_agent_that_registers_late_is_asked_again() {
    let (world, site, ran) = classic_with(&["{kind: agent_late, of: w1, phase: forward, for: 10m}"]);
    assert!(waited(&ran, "agent of w1"), "{}", ran.said());
    assert_home(&world, &site, &ran);
    let plan = format!("{}execution: {{retry: {{attempts: 2}}}}\n", CLASSIC.0);
    let refused = "{kind: job_fails, of: w1, phase: forward, code: \"95226\", times: 3}";
    let world = self::world(&plan, CLASSIC.1).with(&[refused]);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    let tried_again = |kind: &RunEventKind| {
        matches!(kind, RunEventKind::AttemptFailed { step, code, .. }
            if step.as_str() == "forward/w1" && code == "95226")
    };
    assert_eq!(count(&ran, tried_again), 3, "more often than the plan allows for other failures");
    assert_home(&world, &site, &ran);
}

#[test]
fn a_job_that_fails_keeps_its_machine_back_and_no_other() {
    let (world, site, ran) = classic_with(&["{kind: job_fails, of: w2, phase: reprotect, code: \"78052\"}"]);
    assert_eq!(ran.end, FAILED, "{}", ran.said());
    assert_eq!(ran.failure("reprotect/w2"), Some("78052"));
    // No machine fails over before every machine is protected.
    assert!(!site.sent().iter().any(|sent| matches!(sent.request, Request::FailoverToOnprem { .. })));
    let (world, site, ran) = {
        drop((world, site));
        classic_with(&["{kind: job_fails, of: w2, phase: failover, code: \"78052\"}"])
    };
    assert_eq!((ran.end.clone(), ran.failure("failover/w2")), (FAILED, Some("78052")));
    assert_machines_home(&world, &site, |name| name != "w2");
    assert!(!site.sent().iter().any(|sent| {
        matches!(&sent.request, Request::Commit { machines, .. } if machines[0].as_str() == "w2")
    }));
}

#[test]
fn a_job_that_another_try_mends_is_tried_again() {
    let (world, site, ran) = classic_with(&["{kind: job_fails, of: w2, phase: reprotect, code: \"539\"}"]);
    assert_eq!(count(&ran, |kind| matches!(kind, RunEventKind::AttemptFailed { .. })), 1, "{}", ran.said());
    assert_home(&world, &site, &ran);
}

#[test]
fn a_busy_site_is_asked_again() {
    for phase in ["prepare", "reprotect", "failover", "commit", "forward"] {
        let (world, site, ran) =
            classic_with(&[&format!("{{kind: busy, phase: {phase}, times: 2, for: 40s}}")]);
        assert!(ran.has(|kind| matches!(kind, RunEventKind::AttemptFailed { code, .. } if code == "busy")));
        assert_home(&world, &site, &ran);
    }
}

#[test]
fn a_lost_answer_is_looked_for_and_nothing_is_begun_twice() {
    for phase in ["prepare", "reprotect", "failover", "commit", "forward"] {
        let (world, site, ran) = classic_with(&[&format!("{{kind: no_answer_after, phase: {phase}}}")]);
        assert!(waited(&ran, "no answer"), "{}", ran.said());
        assert!(!ran.has(|kind| matches!(kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str().starts_with("failover"))));
        assert_home(&world, &site, &ran);
    }
}

#[test]
fn a_lost_reprotect_is_sent_again_after_five_minutes() {
    let (world, site, ran) = classic_with(&["{kind: no_answer_before, of: w1, phase: reprotect}"]);
    let times: Vec<_> =
        site.sent().into_iter().filter(|sent| sent.key.as_str() == "r1/reprotect/w1/1").collect();
    assert_eq!(times.len(), 2, "{}", ran.said());
    assert_eq!(times[1].at.duration_since(times[0].at), jiff::SignedDuration::from_mins(5));
    assert_home(&world, &site, &ran);
}

#[test]
fn a_lost_failover_is_sent_again_only_if_a_person_says_so() {
    for (phase, step) in [("failover", "failover/w1"), ("commit", "commit/w1")] {
        let (world, site, ran) =
            classic_with(&[&format!("{{kind: no_answer_before, of: w1, phase: {phase}}}")]);
        let asked = |kind: &RunEventKind| matches!(kind, RunEventKind::ApprovalAsked { step: asked, .. } if asked.as_str() == step);
        assert!(ran.has(asked), "{}", ran.said());
        assert_home(&world, &site, &ran);
        let site = world.site();
        let ran = world.drive(&site, Process::default().approved_by(AllBut(step)));
        assert_eq!(ran.end, Ok(End::WaitsForApproval), "{}", ran.said());
        let sent = site.sent();
        assert_eq!(sent.iter().filter(|sent| sent.key.as_str() == format!("r1/{step}/1")).count(), 1);
        let ran = world.drive(&site, Process::after(&ran.events));
        assert_lawful(&world.graph, &ran.events);
        assert_nothing_begun_twice(&site, &ran);
        assert_home(&world, &site, &ran);
    }
}

/// Approves everything but this step.
struct AllBut(&'static str);

#[async_trait::async_trait]
impl failback::run::approver::Approver for AllBut {
    async fn ask(&self, question: &failback::run::approver::Question) -> failback::run::approver::Reply {
        if question.step.as_str() == self.0 {
            return Unattended.ask(question).await;
        }
        failback::run::approver::AutoApprove.ask(question).await
    }
}

#[test]
fn an_azure_vm_that_stays_on_is_never_committed() {
    let (world, site, ran) = classic_with(&["{kind: azure_vm_stays_on, of: w1}"]);
    assert_eq!(ran.end, FAILED, "{}", ran.said());
    assert_eq!(ran.failure("verify/w1"), Some("verification-failed"));
    let alarm = |kind: &RunEventKind| matches!(kind, RunEventKind::Alarm { step, code, .. } if step.as_str() == "verify/w1" && code == "both-sides-run");
    assert_eq!(ran.events.iter().filter(|event| alarm(&event.kind)).count(), 1, "{}", ran.said());
    let w1 = |request: &Request| matches!(request, Request::Commit { machines, .. } if machines[0].as_str() == "w1");
    assert!(!site.sent().iter().any(|sent| w1(&sent.request)));
    assert_machines_home(&world, &site, |name| name != "w1");
}

#[test]
fn a_run_that_stops_at_its_first_failure_begins_nothing_more() {
    let plan = format!("{}execution: {{on_failure: stop}}\n", CLASSIC.0);
    let world = world(&plan, CLASSIC.1)
        .with(&["{kind: job_fails, of: w2, phase: failover, task: Start, code: \"78052\"}"]);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.end, FAILED, "{}", ran.said());
    let failed = ran.events.iter().position(|event| matches!(event.kind, RunEventKind::StepFailed { .. }));
    let after = &ran.events[failed.expect("a step failed")..];
    assert!(
        !after.iter().any(|event| {
            matches!(event.kind, RunEventKind::StepStarted { .. } | RunEventKind::IntentRecorded { .. })
        }),
        "{}",
        ran.said()
    );
}

#[test]
fn an_interrupted_run_goes_on_where_it_was() {
    let words = ["reprotect/w2", "failover/w1", "commit/l1", "forward/w3"];
    for word in words {
        let world = world(CLASSIC.0, CLASSIC.1);
        let site = world.site();
        let begun = move |event: &failback::event::RunEvent| matches!(&event.kind, RunEventKind::IntentRecorded { step, .. } if step.as_str() == word);
        let ran = world.drive(&site, Process::default().stopped_at(begun));
        assert_eq!(ran.end, Ok(End::Interrupted), "{}", ran.said());
        // What was under way is answered and recorded; nothing else is begun.
        let last = ran.events.iter().rposition(begun).expect("it was begun");
        let after = &ran.events[last + 1..];
        assert!(
            !after.iter().any(|event| matches!(event.kind, RunEventKind::StepStarted { .. })),
            "{}",
            ran.said()
        );
        assert!(
            after.iter().any(|event| {
                matches!(&event.kind, RunEventKind::OperationAccepted { step, .. } if step.as_str() == word)
            }),
            "{}",
            ran.said()
        );
        let ran = world.drive(&site, Process::after(&ran.events));
        assert_lawful(&world.graph, &ran.events);
        assert_nothing_begun_twice(&site, &ran);
        assert_home(&world, &site, &ran);
    }
}

#[test]
fn a_failure_keeps_what_waits_at_a_guard_from_being_sent() {
    let plan = format!("{}execution: {{on_failure: stop, max_parallel: 1}}\n", CLASSIC.0);
    let plan = plan.replace("  commit: on_approval", "  failover: on_approval\n  commit: on_approval");
    let world =
        world(&plan, CLASSIC.1).with(&["{kind: job_fails, of: w1, phase: failover, code: \"78052\"}"]);
    let site = world.site();
    let ran = world.drive(&site, Process::default().approved_by(AllBut("approve_failover/l1")));
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.end, FAILED, "nobody is asked in vain: {}", ran.said());
    assert_eq!(ran.settled()["approve_failover/l1"], "blocked");
}

#[test]
fn a_question_that_nobody_answers_in_time_does_what_the_plan_says() {
    for (on_timeout, end) in [("stop", FAILED), ("proceed", Ok(End::Finished(Outcome::Succeeded)))] {
        let action = format!(
            "{}actions:\n  - {{name: sign, before: {{phase: commit, of: w1}}, timeout: 2h, manual: {{prompt: Fine, on_timeout: {on_timeout}}}}}\n",
            CLASSIC.0
        );
        let world = world(&action, CLASSIC.1);
        let site = world.site();
        let ran = world.drive(&site, Process::default().approved_by(AllBut("action/sign")));
        assert_lawful(&world.graph, &ran.events);
        assert_eq!(ran.end, end, "{}", ran.said());
        let at = |is_it: fn(&RunEventKind) -> bool| {
            let step = |event: &&failback::event::RunEvent| {
                event.kind.step().is_some_and(|step| step.as_str() == "action/sign") && is_it(&event.kind)
            };
            ran.events.iter().find(step).expect("it is there").at
        };
        let asked = at(|kind| matches!(kind, RunEventKind::ApprovalAsked { .. }));
        let ended =
            at(|kind| matches!(kind, RunEventKind::StepSucceeded { .. } | RunEventKind::StepFailed { .. }));
        assert_eq!(ended.duration_since(asked), jiff::SignedDuration::from_hours(2));
        assert_eq!(ran.failure("action/sign"), (on_timeout == "stop").then_some("timeout"));
    }
}

#[test]
fn an_approval_that_nobody_gives_in_time_fails_and_is_asked_again() {
    let plan = format!("{}execution: {{approvals: {{approvers: [dr-lead], timeout: 3h}}}}\n", CLASSIC.0);
    let world = world(&plan, CLASSIC.1);
    let site = world.site();
    let ran = world.drive(&site, Process::default().approved_by(AllBut("approve_commit/w1")));
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.failure("approve_commit/w1"), Some("timeout"), "{}", ran.said());
    let asked = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::ApprovalAsked { step, roles, deadline, on_timeout, .. }
            if step.as_str() == "approve_commit/w1" =>
        {
            Some((event.at, roles.clone(), *deadline, on_timeout.clone()))
        }
        _ => None,
    });
    let (at, roles, deadline, on_timeout) = asked.expect("it was asked");
    assert_eq!((roles, on_timeout.as_deref()), (vec!["dr-lead".to_owned()], Some("stop")));
    assert_eq!(deadline.map(|end| end.duration_since(at)), Some(jiff::SignedDuration::from_hours(3)));
}

/// Asks one question at a time, as a terminal does, and never gets an answer about one step.
#[derive(Default)]
struct OneAtATime {
    turn: tokio::sync::Mutex<()>,
    taken_back: tokio::sync::Notify,
}

#[async_trait::async_trait]
impl Approver for OneAtATime {
    async fn ask(&self, question: &Question) -> Reply {
        let _turn = self.turn.lock().await;
        if question.step.as_str() == "action/sign" {
            self.taken_back.notified().await;
            return Reply::Nobody;
        }
        Reply::Approved { by: "somebody".into(), known_as: KnownAs::OsUser }
    }

    fn withdraw(&self, step: &StepId) {
        assert_eq!(step.as_str(), "action/sign");
        self.taken_back.notify_one();
    }
}

#[test]
fn a_question_whose_time_is_over_lets_others_be_asked() {
    let plan = format!(
        "{}actions:\n  - {{name: sign, before: {{phase: commit, of: w1}}, timeout: 2h, manual: {{prompt: Fine, on_timeout: proceed}}}}\n",
        CLASSIC.0
    );
    let world = world(&plan, CLASSIC.1);
    let ran = world.drive(&world.site(), Process::default().approved_by(OneAtATime::default()));
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
}

#[test]
fn what_finds_no_room_any_more_is_blocked_and_says_why() {
    // Two machines of twenty disks fit at once; the one that fails keeps its disks attached.
    let estate = Estate::classic((0..4).map(|number| Vm::new(format!("vm{number:02}")).disks(20, 10)));
    let world = world_of(&estate).with(&["{kind: job_fails, of: vm00, phase: failover, code: \"78037\"}"]);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert_machines_home(&world, &site, |machine| machine == "vm01");
    let told = ran.has(|kind| {
        matches!(kind, RunEventKind::StepBlocked { reason, .. } if reason.contains("keep theirs attached"))
    });
    assert!(told, "{}", ran.said());
}
