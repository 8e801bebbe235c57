//! What a run waits for, how long, in whose place, and what it says meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use failback::event::RunEventKind;
use failback::run::End;
use failback::run::approver::Approver;
use failback::run::approver::AutoApprove;
use failback::run::approver::Question;
use failback::run::approver::Reply;
use failback::run::approver::Unattended;
use jiff::SignedDuration;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::world;
use crate::lab::world_of;
use crate::worlds;

#[test]
fn a_job_that_hangs_is_told_of_and_waited_for() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let site = world.site();
    site.sticks("failover", world.start.saturating_add(SignedDuration::from_hours(5)).expect("in range"));
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_home(&world, &site, &ran);
    let told = |kind: &&RunEventKind| {
        matches!(kind, RunEventKind::StepWaiting { step, reason, .. }
            if step.as_str() == "failover/w1" && reason.contains("Start failover") && reason.contains("job failover-"))
    };
    assert_eq!(ran.events.iter().map(|event| &event.kind).filter(told).count(), 1, "{}", ran.said());
}

/// Says yes, and remembers what was asked of whom.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

#[async_trait::async_trait]
impl Approver for Listener {
    async fn ask(&self, question: &Question) -> Reply {
        let (step, roles) = (question.step.to_string(), question.roles.clone());
        self.0.lock().expect("no test panics here").insert(step, roles);
        AutoApprove.ask(question).await
    }
}

#[test]
fn a_question_is_put_to_the_same_roles_after_a_resume() {
    let action =
        "actions: [{name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}]";
    let world = world(&format!("{}{action}\n", CLASSIC.0), CLASSIC.1);
    let site = world.site();
    let ran = world.drive(&site, Process::default().approved_by(Unattended));
    assert_eq!(ran.end, Ok(End::WaitsForApproval), "{}", ran.said());
    let listener = Listener::default();
    let ran = world.drive(&site, Process::after(&ran.events).approved_by(listener.clone()));
    assert_home(&world, &site, &ran);
    assert_eq!(listener.0.lock().expect("no test panics here")["action/sign"], ["dba"]);
}

/// Returns the digests of a run's guards, by step.
fn digests(ran: &Ran) -> BTreeMap<String, String> {
    let digest = |kind: &RunEventKind| match kind {
        RunEventKind::GuardEvaluated { step, facts_digest, .. } => {
            Some((step.to_string(), facts_digest.clone()))
        }
        _ => None,
    };
    ran.events.iter().filter_map(|event| digest(&event.kind)).collect()
}

#[test]
fn the_digest_of_a_guard_covers_the_servers_that_it_read() {
    let with = |free: &str| {
        let inventory = CLASSIC.1.replacen("free_gb: 10240", free, 1);
        digests(&world(CLASSIC.0, &inventory).run())
    };
    let (before, after) = (with("free_gb: 10240"), with("free_gb: 10239"));
    assert!(before.len() > 8, "{before:?}");
    for (step, digest) in &before {
        assert_ne!(*digest, after[step], "{step} did not see the datastore");
    }
    assert_eq!(before, with("free_gb: 10240"));
}

#[test]
fn what_begins_inside_the_window_comes_before_what_can_begin_at_any_time() {
    // One operation at a time: ways to Azure in between would take the place from failovers until the window has closed.
    let estate = Estate::classic((1..=9).map(|at| Vm::new(format!("m{at}")).disks(1, 10)))
        .plan("execution: {max_parallel: 1, window: {from: \"22:00\", to: \"22:57\"}}");
    let world = world_of(&estate);
    let ran = world.run();
    let last = |word: &str| {
        let begins = |event: &&failback::event::RunEvent| matches!(&event.kind, RunEventKind::IntentRecorded { step, .. } if step.as_str().starts_with(word));
        ran.events.iter().rfind(begins).expect("it is begun").at.strftime("%d %H").to_string()
    };
    assert_eq!(
        (last("failover"), last("commit")),
        ("01 22".to_owned(), "01 22".to_owned()),
        "{}",
        ran.said()
    );
}

#[test]
fn a_run_with_a_short_window_takes_as_long_as_was_foretold() {
    let drawn = worlds::draw(1111, 60);
    let trial = drawn.trial();
    assert!(trial.is_inside(), "{}: {} to {}, took {}", drawn.words, trial.low, trial.high, trial.took);
}

/// Returns the pauses after the failed attempts of a step, in seconds, and their codes.
fn pauses(ran: &Ran, of: &str) -> Vec<(String, i64)> {
    let pause = |event: &failback::event::RunEvent| match &event.kind {
        RunEventKind::AttemptFailed { step, code, retry_at, .. } if step.as_str() == of => {
            Some((code.clone(), retry_at.duration_since(event.at).as_secs()))
        }
        _ => None,
    };
    ran.events.iter().filter_map(pause).collect()
}

#[test]
fn a_site_that_says_how_long_to_wait_is_obeyed() {
    let world =
        world(CLASSIC.0, CLASSIC.1).with(&["{kind: busy, of: w1, phase: commit, times: 2, for: 47s}"]);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_home(&world, &site, &ran);
    assert_eq!(
        pauses(&ran, "commit/w1"),
        [("busy".to_owned(), 47), ("busy".to_owned(), 47)],
        "{}",
        ran.said()
    );
}

#[test]
fn the_plan_says_how_often_and_how_soon_a_call_is_tried_again() {
    let plan = format!("{}execution: {{retry: {{attempts: 3, backoff: 10s}}}}\n", CLASSIC.0);
    let fails = "{kind: job_fails, of: w1, phase: reprotect, code: \"539\", times: 9}";
    let world = world(&plan, CLASSIC.1).with(&[fails]);
    let ran = world.drive(&world.site(), Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.failure("reprotect/w1"), Some("539"), "{}", ran.said());
    let pauses = pauses(&ran, "reprotect/w1");
    assert_eq!(pauses.len(), 2, "{pauses:?}");
    assert!((5..=10).contains(&pauses[0].1) && (10..=20).contains(&pauses[1].1), "{pauses:?}");
}
