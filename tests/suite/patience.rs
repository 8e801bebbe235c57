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
use failback::run::hook::Hooks;
use failback::run::hook::Variables;
use failback::syntax::action::Action;
use failback::syntax::action::Probe;
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
use crate::orders::begins;
use crate::orders::cancel;
use crate::orders::once;
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

#[test]
fn a_job_that_a_scenario_lets_hang_is_told_of_and_waited_for() {
    let plain = world(CLASSIC.0, CLASSIC.1);
    let hangs = |kind: &RunEventKind| {
        matches!(kind, RunEventKind::StepWaiting { step, reason, .. }
            if step.as_str() == "reprotect/w1" && reason.contains("longer than any should"))
    };
    let end = |ran: &Ran| ran.events.last().expect("it has events").at;
    let site = plain.site();
    let usual = plain.drive(&site, Process::default());
    assert!(!usual.has(hangs), "{}", usual.said());
    let world = world(CLASSIC.0, CLASSIC.1).with(&["{kind: job_hangs, of: w1, phase: reprotect}"]);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_home(&world, &site, &ran);
    assert!(ran.has(hangs), "{}", ran.said());
    assert!(end(&ran).duration_since(end(&usual)) > SignedDuration::from_hours(2), "{}", ran.said());
}

/// Remembers how the run stood, as its actions were told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(String, String)>>>);

#[async_trait::async_trait]
impl Hooks for Told {
    async fn action(&self, action: &Action, variables: &Variables) -> Result<String, String> {
        let told = (action.name.value.clone(), variables.outcome.clone());
        self.0.lock().expect("no test panics here").push(told);
        Ok("done".into())
    }

    async fn probe(&self, _: &Probe) -> Result<String, String> {
        Ok("healthy".into())
    }
}

#[test]
fn an_action_is_told_how_the_run_ended_and_before_that_it_goes_on() {
    let actions = "actions:
  - {name: before, before: {phase: run}, run: {command: [x]}}
  - {name: between, after: {phase: failover, of: w1, outcome: [success, failure]}, run: {command: [x]}}
  - {name: after, after: {phase: run, outcome: [success, failure]}, run: {command: [x]}}
";
    let plan = format!("{}{actions}", CLASSIC.0);
    let fails = ["{kind: job_fails, of: w2, phase: reprotect, code: \"78052\"}"];
    for (faults, cancels, ends) in
        [(&[][..], false, "success"), (&fails[..], false, "failure"), (&[][..], true, "cancelled")]
    {
        let world = world(&plan, CLASSIC.1);
        let world = if faults.is_empty() { world } else { world.with(faults) };
        let told = Told::default();
        let mut process = Process { hooks: Arc::new(told.clone()), ..Process::default() };
        if cancels {
            process = process.ordered("bob", once(cancel(false), begins("commit/w1")));
        }
        let ran = world.drive(&world.site(), process);
        let told = told.0.lock().expect("no test panics here").clone();
        let of = |name: &str| told.iter().find(|(action, _)| action == name).map(|(_, how)| how.as_str());
        assert_eq!(of("before"), Some("running"), "{}", ran.said());
        assert_eq!(of("after"), Some(ends), "{}", ran.said());
        assert!(of("between").is_none_or(|how| how == "running"), "{told:?}");
    }
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
fn a_workload_is_not_stopped_before_the_window_of_its_failover_opens() {
    let estate = Estate::classic([Vm::new("a")]).plan(
        "execution: {window: {from: \"20:00\", to: \"23:00\"}}\n\
         actions:\n  - {name: stop, before: {phase: failover, of: a}, run: {command: [\"true\"]}}",
    );
    let world = world_of(&estate);
    let site = world.site();
    let ran = world.run_at(&site);
    assert_home(&world, &site, &ran);
    let began = |is_it: &dyn Fn(&RunEventKind) -> bool| {
        ran.events.iter().find(|event| is_it(&event.kind)).expect("it is begun").at
    };
    let stopped = began(&|kind| matches!(kind, RunEventKind::ActionStarted { .. }));
    let intended = |kind: &RunEventKind| matches!(kind, RunEventKind::IntentRecorded { step, .. } if step.as_str() == "failover/a");
    assert_eq!(stopped.strftime("%H").to_string(), "20", "{}", ran.said());
    assert!(began(&intended).duration_since(stopped) < SignedDuration::from_mins(30), "{}", ran.said());
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
