//! What a person does at the site while a run goes on, and what is under way when it begins.

use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::id::MachineName;
use failback::provider::FailbackPoint;
use failback::provider::ForwardTarget;
use failback::provider::OnpremTarget;
use failback::provider::Request;
use failback::provider::emulator::Deed;
use failback::run::End;
use failback::run::approver::Unattended;

use crate::crash::crash_everywhere;
use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::laws::assert_nothing_begun_twice;
use crate::lab::scenario_of;
use crate::lab::site::Site;
use crate::lab::world;
use crate::lab::world_of;

/// Drives the classic estate; a person does something at the site when an event comes.
fn run_with(deed: Deed, when: fn(&RunEventKind) -> bool) -> (World, Site, Ran) {
    let world = world(CLASSIC.0, CLASSIC.1);
    let site = world.site();
    let mut waiting = Some((site.clone(), deed));
    let act = move |event: &RunEvent| {
        if when(&event.kind)
            && let Some((site, deed)) = waiting.take()
        {
            site.by_hand(&deed);
        }
        false
    };
    let ran = world.drive(&site, Process::default().stopped_at(act));
    assert_lawful(&world.graph, &ran.events);
    (world, site, ran)
}

fn w1() -> MachineName {
    MachineName::new("w1")
}

fn send(request: Request) -> Deed {
    Deed::Send { request }
}

fn ends(kind: &RunEventKind, id: &str) -> bool {
    matches!(kind, RunEventKind::StepSucceeded { step, .. } if step.as_str() == id)
}

fn begins(kind: &RunEventKind, id: &str) -> bool {
    matches!(kind, RunEventKind::StepStarted { step } if step.as_str() == id)
}

/// Returns why a step was adopted.
fn because<'r>(ran: &'r Ran, id: &str) -> &'r str {
    let because = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::StepAdopted { step, because } if step.as_str() == id => Some(because.as_str()),
        _ => None,
    });
    because.unwrap_or_else(|| panic!("{id} was not adopted\n{}", ran.said()))
}

fn waited(ran: &Ran, id: &str, words: &str) -> bool {
    ran.has(|kind| {
        matches!(kind, RunEventKind::StepWaiting { step, reason, .. } if step.as_str() == id && reason.contains(words))
    })
}

fn sends(site: &Site, is_it: impl Fn(&Request) -> bool) -> usize {
    site.sent().iter().filter(|sent| is_it(&sent.request) && sent.request.machines() == [w1()]).count()
}

#[test]
fn a_reprotect_that_a_person_began_is_waited_for_and_adopted() {
    let target = OnpremTarget::Classic {
        master_target: "mtw".into(),
        process_server: "ps-az".into(),
        retention_volume: "R:".into(),
        datastore: "vmfs1".into(),
    };
    let deed = send(Request::ReprotectToOnprem { machine: w1(), target });
    let (world, site, ran) = run_with(deed, |kind| begins(kind, "await_azure_agent/w1"));
    assert_home(&world, &site, &ran);
    assert!(waited(&ran, "reprotect/w1", "that this run did not begin"), "{}", ran.said());
    assert!(because(&ran, "reprotect/w1").contains("it was not this run"), "{}", ran.said());
    assert_eq!(sends(&site, |request| matches!(request, Request::ReprotectToOnprem { .. })), 0);
}

#[test]
fn a_failover_that_a_person_began_is_waited_for_and_adopted() {
    let deed = send(Request::FailoverToOnprem {
        machines: vec![w1()],
        recovery_plan: None,
        point: FailbackPoint::Latest,
    });
    let (world, site, ran) = run_with(deed, |kind| ends(kind, "recheck/w1"));
    assert_home(&world, &site, &ran);
    assert!(waited(&ran, "failover/w1", "that this run did not begin"), "{}", ran.said());
    assert!(because(&ran, "failover/w1").contains("it was not this run"), "{}", ran.said());
    assert_eq!(sends(&site, |request| matches!(request, Request::FailoverToOnprem { .. })), 0);
}

#[test]
fn a_failover_that_overtakes_the_runs_own_is_adopted() {
    // The person is quicker than the request that was recorded already.
    let deed = send(Request::FailoverToOnprem {
        machines: vec![w1()],
        recovery_plan: None,
        point: FailbackPoint::Latest,
    });
    let recorded = |kind: &RunEventKind| matches!(kind, RunEventKind::IntentRecorded { step, .. } if step.as_str() == "failover/w1");
    let (world, site, ran) = run_with(deed, recorded);
    assert_home(&world, &site, &ran);
    let busy =
        |kind: &RunEventKind| matches!(kind, RunEventKind::AttemptFailed { code, .. } if code == "532");
    assert!(ran.has(busy), "{}", ran.said());
    assert_eq!(sends(&site, |request| matches!(request, Request::FailoverToOnprem { .. })), 1);
    assert_eq!(ran.settled()["failover/w1"], "adopted");
}

#[test]
fn a_commit_that_a_person_began_is_adopted() {
    let commit = || send(Request::Commit { machines: vec![w1()], recovery_plan: None });
    let recorded = |kind: &RunEventKind| matches!(kind, RunEventKind::IntentRecorded { step, .. } if step.as_str() == "commit/w1");
    for when in [recorded, |kind: &RunEventKind| ends(kind, "verify/w1")] {
        let (world, site, ran) = run_with(commit(), when);
        assert_home(&world, &site, &ran);
        assert_eq!(ran.settled()["commit/w1"], "adopted", "{}", ran.said());
    }
}

#[test]
fn a_way_to_azure_that_a_person_began_is_adopted() {
    let target = ForwardTarget::Classic { process_server: "ps-on".into() };
    let deed = send(Request::ReprotectToAzure { machine: w1(), target });
    let (world, site, ran) = run_with(deed, |kind| ends(kind, "await_agent/w1"));
    assert_home(&world, &site, &ran);
    assert!(because(&ran, "forward/w1").contains("it was not this run"), "{}", ran.said());
}

#[test]
fn a_machine_that_a_person_turns_on_on_premises_does_not_fail_over() {
    let (_, site, ran) = run_with(Deed::StartOnpremVm { machine: w1() }, |kind| ends(kind, "reprotect/w1"));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert!(waited(&ran, "await_protected/w1", "w1"), "{}", ran.said());
    assert_eq!(sends(&site, |request| matches!(request, Request::FailoverToOnprem { .. })), 0);
}

#[test]
fn a_planned_failover_that_a_person_takes_back_is_not_committed() {
    let world = world(MODERNIZED.0, MODERNIZED.1);
    let site = world.site();
    let mut waiting = Some(site.clone());
    let act = move |event: &RunEvent| {
        if ends(&event.kind, "failover/w1")
            && let Some(site) = waiting.take()
        {
            site.by_hand(&send(Request::CancelFailover { machine: w1() }));
        }
        false
    };
    let ran = world.drive(&site, Process::default().stopped_at(act));
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.failure("commit/w1"), Some("not-failed-back"), "{}", ran.said());
    assert_eq!(sends(&site, |request| matches!(request, Request::Commit { .. })), 0);
}

#[test]
fn a_failover_that_is_under_way_when_the_run_begins_is_waited_for() {
    for classic in [true, false] {
        let vms = [Vm::new("w1").state("failing_back"), Vm::new("w2")];
        let estate = if classic { Estate::classic(vms) } else { Estate::modernized(vms) };
        let world = world_of(&estate);
        let site = world.site();
        let ran = world.drive(&site, Process::default());
        assert_lawful(&world.graph, &ran.events);
        assert_home(&world, &site, &ran);
        assert_eq!(
            sends(&site, |request| matches!(request, Request::FailoverToOnprem { .. })),
            0,
            "{}",
            ran.said()
        );
        assert_eq!(ran.settled(), world.simulate().settled());
    }
}

/// A group that the service does not reprotect member by member.
fn refused(keys: &str) -> World {
    let estate = Estate::classic([Vm::new("w1"), Vm::new("w2"), Vm::new("w3")]).group("db", &["w1", "w2"]);
    let mut world = world_of(&estate);
    world.scenario = scenario_of(&format!("group_reprotect: refused\n{keys}"));
    world
}

#[test]
fn what_the_service_leaves_to_a_person_ends_when_it_is_seen() {
    let world = refused("done_by_hand_after: 10m\n");
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_nothing_begun_twice(&site, &ran);
    assert_home(&world, &site, &ran);
    for step in ["reprotect/w1", "reprotect/w2"] {
        assert_eq!(ran.settled()[step], "adopted", "{}", ran.said());
    }
    let told = |kind: &RunEventKind| match kind {
        RunEventKind::HandedOver { parameters, .. } => {
            let told: Vec<_> = parameters
                .iter()
                .map(|parameter| (parameter.name.as_str(), parameter.value.as_str()))
                .collect();
            told == [
                ("master target", "mtw"),
                ("process server", "ps-az"),
                ("retention volume", "R:"),
                ("datastore", "vmfs1"),
            ]
        }
        _ => false,
    };
    assert!(ran.has(told), "{}", ran.said());
    let asked = |kind: &RunEventKind| {
        matches!(kind, RunEventKind::ApprovalAsked { prompt, .. }
            if prompt.contains("replication group db") && prompt.contains("master target mtw"))
    };
    assert!(ran.has(asked), "{}", ran.said());
    let questions = |ran: &Ran| {
        let asked = |event: &&RunEvent| matches!(&event.kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str().starts_with("reprotect/"));
        ran.events.iter().filter(asked).count()
    };
    assert_eq!(questions(&ran), 1, "one question for the group: {}", ran.said());
    let simulated = world.simulate();
    assert_eq!((simulated.settled(), questions(&simulated)), (ran.settled(), 1));
}

/// Says no.
struct No;

#[async_trait::async_trait]
impl failback::run::approver::Approver for No {
    async fn ask(&self, _: &failback::run::approver::Question) -> failback::run::approver::Reply {
        let (by, known_as) = ("bob".to_owned(), failback::event::KnownAs::OsUser);
        failback::run::approver::Reply::Refused { by, known_as }
    }
}

#[test]
fn a_no_to_what_a_group_needs_is_one_for_all_its_members() {
    let world = refused("");
    let ran = world.drive(&world.site(), Process::default().approved_by(No));
    assert_lawful(&world.graph, &ran.events);
    for step in ["reprotect/w1", "reprotect/w2"] {
        assert_eq!(ran.failure(step), Some("refused"), "{}", ran.said());
    }
}

#[test]
fn a_yes_does_at_the_emulator_what_a_group_needs() {
    let world = refused("");
    let ran = world.simulate();
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    for step in ["reprotect/w1", "reprotect/w2"] {
        assert_eq!(ran.settled()[step], "adopted", "{}", ran.said());
    }
}

#[test]
fn what_nobody_does_by_hand_fails_and_says_what_was_waited_for() {
    let ran = crate::run::run(&refused(""), refused("").scenario);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)));
    assert_eq!(ran.failure("reprotect/w1"), Some("deadline"), "{}", ran.said());
}

#[test]
fn a_run_that_nobody_attends_waits_for_the_person_and_goes_on_when_it_is_done() {
    let world = refused("");
    let site = world.site();
    let ran = world.drive(&site, Process::default().approved_by(Unattended));
    assert_eq!(ran.end, Ok(End::WaitsForApproval), "{}", ran.said());
    for machine in ["w1", "w2"] {
        let target = OnpremTarget::Classic {
            master_target: "mtw".into(),
            process_server: "ps-az".into(),
            retention_volume: "R:".into(),
            datastore: "vmfs1".into(),
        };
        site.by_hand(&send(Request::ReprotectToOnprem { machine: MachineName::new(machine), target }));
    }
    let ran = world.drive(&site, Process::after(&ran.events));
    assert_lawful(&world.graph, &ran.events);
    assert_home(&world, &site, &ran);
    let answered = |kind: &RunEventKind| matches!(kind, RunEventKind::ApprovalGiven { step, .. } if step.as_str() == "reprotect/w1");
    assert!(!ran.has(answered), "what is seen needs no answer: {}", ran.said());
}

/// Does by hand at the site what a question asks for, once a yes to it is in the record.
struct Hands(Site);

#[async_trait::async_trait]
impl failback::run::approver::Approver for Hands {
    async fn ask(&self, question: &failback::run::approver::Question) -> failback::run::approver::Reply {
        failback::run::approver::AutoApprove.ask(question).await
    }

    fn approved_elsewhere(&self, question: &failback::run::approver::Question) {
        for request in &question.by_hand {
            self.0.by_hand(&send(request.clone()));
        }
    }
}

#[test]
fn what_a_process_said_yes_to_and_died_over_is_done_by_the_next_one() {
    let world = refused("");
    let site = world.site();
    let given = |event: &RunEvent| matches!(&event.kind, RunEventKind::ApprovalGiven { step, .. } if step.as_str() == "reprotect/w1");
    // The yes is recorded, and nothing is done.
    let ran = world.drive(&site, Process::default().stopped_at(given));
    assert_eq!(ran.end, Ok(End::Interrupted), "{}", ran.said());
    assert!(ran.events.iter().any(given), "{}", ran.said());
    let ran = world.drive(&site, Process::after(&ran.events).approved_by(Hands(site.clone())));
    assert_lawful(&world.graph, &ran.events);
    assert_home(&world, &site, &ran);
}

#[test]
fn a_run_with_a_gate_may_die_after_any_event() {
    let estate = Estate::classic([Vm::new("w1"), Vm::new("w2")]).group("db", &["w1", "w2"]);
    let mut world = world_of(&estate);
    world.scenario = scenario_of("group_reprotect: refused\ndone_by_hand_after: 10m\n");
    crash_everywhere(&world);
}
