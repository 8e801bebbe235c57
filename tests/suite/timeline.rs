//! What the events of a run come to: measured times, losses, waits, and a verdict.

use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::event::StepStatus;
use failback::forecast;
use failback::report::assessment::Assessment;
use failback::report::assessment::Kept;
use failback::report::assessment::Verdict;
use failback::report::assessment::assess;
use failback::report::timeline::FaultKind;
use failback::report::timeline::Recording;
use failback::report::timeline::Standing;
use failback::report::timeline::StepTime;
use failback::report::timeline::Timeline;
use failback::report::timeline::timeline;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;

fn of(world: &World, ran: &Ran) -> (Timeline, Assessment) {
    let timeline = timeline(&world.graph, &ran.events).expect("the run is of this plan");
    let forecast = forecast::forecast(&world.graph, world.start);
    let assessment = assess(&world.graph, &timeline, Some(&forecast));
    (timeline, assessment)
}

fn step<'t>(timeline: &'t Timeline, id: &str) -> &'t StepTime {
    timeline.steps.iter().find(|step| step.step.as_str() == id).unwrap_or_else(|| panic!("{id}"))
}

fn codes(assessment: &Assessment) -> Vec<&str> {
    assessment.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn the_times_of_both_example_plans_follow_from_their_events() {
    for name in ["branch-office", "enterprise"] {
        let world = lab::example(name);
        for ran in [world.run(), world.simulate()] {
            let (timeline, assessment) = of(&world, &ran);
            assert_eq!(timeline.outcome, Some(Outcome::Succeeded), "{name}");
            assert_eq!(timeline.events, ran.events.len() as u64);
            let at = |is_it: &dyn Fn(&RunEventKind, &str) -> bool, kind: &str| {
                let mut events = ran.events.iter().filter(|event| {
                    let id = event.kind.step().map_or("", |step| step.as_str());
                    id.starts_with(kind) && is_it(&event.kind, id)
                });
                let first = events.next().expect("it happened").at;
                (first, events.next_back().map_or(first, |event| event.at))
            };
            let first = at(&|kind, _| matches!(kind, RunEventKind::IntentRecorded { .. }), "failover/").0;
            let last = at(&|kind, _| matches!(kind, RunEventKind::StepSucceeded { .. }), "verify/").1;
            assert_eq!((timeline.plan.from, timeline.plan.to), (Some(first), Some(last)), "{name}");
            assert_eq!(
                timeline.plan.rto_s,
                u64::try_from(last.duration_since(first).as_secs()).ok(),
                "{name}: {:?}",
                timeline.plan
            );
            // Each machine's outage lies within the plan's.
            for machine in &timeline.machines {
                assert_eq!(machine.standing, Standing::Done, "{machine:?}");
                assert!(machine.measured.rto_s <= timeline.plan.rto_s, "{machine:?}");
                assert!(machine.measured.rto_s > Some(0), "{machine:?}");
                assert!(machine.point.is_some(), "the emulator reports points: {machine:?}");
            }
            assert_ne!(assessment.verdict, None);
            assert_ne!(codes(&assessment).first(), Some(&"run-failed"), "{assessment:?}");
        }
    }
}

#[test]
fn the_measured_critical_path_covers_the_whole_run_without_gaps() {
    let world = lab::example("enterprise");
    let (timeline, _) = of(&world, &world.run());
    let path = &timeline.critical_path;
    let total: u64 = path.iter().map(|spent| spent.seconds).sum();
    let last = path.last().expect("something ran");
    // Whole seconds of each part are told.
    let ended = step(&timeline, last.step.as_str()).ended.expect("it ended");
    let whole =
        u64::try_from(ended.duration_since(timeline.began.expect("it began")).as_secs()).expect("forward");
    assert!(whole - total <= path.len() as u64, "{total} of {whole} s in {path:#?}");
    for pair in path.windows(2) {
        let (one, next) = (&pair[0], &pair[1]);
        let graph = &world.graph;
        let next = graph.find(&next.step).expect("a step");
        let one_index = graph.find(&one.step).expect("a step");
        let reachable = |from| graph.before(next).contains(&from);
        let through = graph.before(next).iter().any(|middle| graph.before(*middle).contains(&one_index));
        assert!(reachable(one_index) || through, "{} does not lead on", one.step);
    }
    let marked = timeline.steps.iter().filter(|step| step.critical).count();
    assert_eq!(marked, path.len());
}

#[test]
fn events_that_come_one_by_one_give_the_same_in_the_end() {
    let world = lab::example("branch-office");
    let ran = world.run();
    let mut recording = Recording::new(&world.graph);
    for event in &ran.events {
        recording.take(event).expect("lawful");
        let so_far = recording.timeline();
        assert_eq!(so_far.events, event.seq);
        assert!(so_far.outcome.is_none() || event.seq as usize == ran.events.len());
    }
    assert_eq!(recording.timeline(), timeline(&world.graph, &ran.events).expect("lawful"));
    let text = serde_json::to_string(&recording.timeline()).expect("it has a JSON form");
    let read: Timeline = serde_json::from_str(&text).expect("it is read again");
    assert_eq!(read, recording.timeline());
}

#[test]
fn an_objective_that_was_missed_names_the_step_that_spent_the_time() {
    let estate =
        Estate::classic((1..=2).map(|at| Vm::new(format!("m{at}")))).plan("objectives: {rto: 3m, rpo: 1h}\n");
    let world = lab::world_of(&estate);
    let (timeline, assessment) = of(&world, &world.run());
    assert_eq!(assessment.plan.rto.kept, Some(Kept::Missed), "{:?}", timeline.plan);
    assert_eq!(assessment.plan.rpo.kept, Some(Kept::Kept), "{:?}", timeline.plan);
    assert_eq!(assessment.verdict, Some(Verdict::Failed));
    let missed = assessment.reasons.iter().find(|reason| reason.code == "rto-missed").expect("it is told");
    let named = missed.step.as_ref().expect("a step spent the time");
    assert!(named.as_str().starts_with("failover/") || named.as_str().starts_with("verify/"), "{named}");
    assert!(missed.message.contains("3m"), "{}", missed.message);
}

#[test]
fn a_machine_that_does_not_come_back_fails_the_run_and_leaves_its_rto_open() {
    let estate =
        Estate::classic((1..=2).map(|at| Vm::new(format!("m{at}")))).plan("objectives: {rto: 12h}\n");
    let world = lab::world_of(&estate).with(&["{kind: onprem_vm_does_not_boot, of: m2}"]);
    let (timeline, assessment) = of(&world, &world.run());
    assert_eq!(assessment.verdict, Some(Verdict::Failed));
    assert_eq!(timeline.plan.rto_s, None);
    assert!(timeline.plan.at_least_s > Some(0), "{:?}", timeline.plan);
    assert_eq!(assessment.plan.rto.kept, Some(Kept::Missed), "what ended without coming back never will");
    let [m1, m2] = timeline.machines.as_slice() else { panic!("two machines") };
    assert_eq!((m1.standing, m2.standing), (Standing::Done, Standing::Failed));
    assert_eq!(m2.failed.as_ref().map(|step| step.as_str()), Some("verify/m2"));
    assert!(m1.measured.rto_s.is_some() && m2.measured.rto_s.is_none());
    assert!(timeline.faults.iter().any(|fault| fault.kind == FaultKind::StepFailed));
    assert!(codes(&assessment).contains(&"machine-failed"), "{assessment:?}");
}

#[test]
fn an_attempt_that_failed_is_a_fault_and_no_verdict() {
    let estate = Estate::classic((1..=2).map(|at| Vm::new(format!("m{at}"))));
    let world = lab::world_of(&estate).with(&["{kind: agent_late, phase: reprotect, for: 5m, times: 1}"]);
    let world = World { scenario: lab::scenario(&["{kind: busy, phase: failover}"]), ..world };
    let (timeline, assessment) = of(&world, &world.run());
    assert!(
        timeline
            .faults
            .iter()
            .any(|fault| fault.kind == FaultKind::AttemptFailed && fault.retry_at.is_some())
    );
    assert!(timeline.machines.iter().any(|machine| machine.retries > 0));
    assert_eq!(assessment.verdict, Some(Verdict::Passed), "{assessment:?}");
}

#[test]
fn a_run_that_was_interrupted_has_a_pause_and_no_verdict_until_it_ends() {
    let world = lab::example("branch-office");
    let site = world.site();
    let stop = |event: &failback::event::RunEvent| event.seq == 60;
    let cut = world.drive(&site, Process::default().stopped_at(stop));
    let (timeline, assessment) = of(&world, &cut);
    assert_eq!((timeline.status.as_str(), assessment.verdict), ("interrupted", None));
    assert!(timeline.steps.iter().any(|step| step.status == StepStatus::Running && step.took_s.is_some()));
    let whole = world.drive(&site, Process::after(&cut.events));
    let (timeline, assessment) = of(&world, &whole);
    assert_eq!(timeline.pauses.len(), 1);
    assert!(timeline.pauses[0].to.is_some());
    assert_eq!(assessment.verdict, Some(Verdict::Passed), "{assessment:?}");
}

#[test]
fn an_approval_says_who_answered_and_how_long_the_run_waited() {
    let world = lab::world_of(&Estate::classic([Vm::new("m1")]));
    let (timeline, _) = of(&world, &world.run());
    let approval = timeline.approvals.iter().find(|asked| asked.step.as_str() == "approve_commit/m1");
    let approval = approval.expect("a person was asked");
    assert_eq!(approval.approved, Some(true));
    assert!(approval.by.is_some() && approval.known_as.is_some() && approval.answered.is_some());
}
