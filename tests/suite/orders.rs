//! What people order a run to do while it goes on, and after it has ended.

use failback::event::KnownAs;
use failback::event::Letter;
use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::Shown;
use failback::id::MachineName;
use failback::id::RunId;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;
use failback::run::approver::Approver;
use failback::run::approver::Question;
use failback::run::approver::Reply;
use failback::run::approver::Unattended;
use failback::run::order;
use failback::syntax::machine::State;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::laws::assert_machines_home;
use crate::lab::laws::assert_nothing_begun_twice;
use crate::lab::site::Site;
use crate::lab::world;
use crate::lab::world_of;

/// The first reprotect of w1 fails for good.
const W1_FAILS: &str = "{kind: job_fails, of: w1, phase: reprotect, code: \"78037\"}";

pub fn skip(machine: &str, release_dependents: bool) -> Order {
    let (machine, reason) = (MachineName::new(machine), "its disks are gone".to_owned());
    Order::SkipMachine { machine, reason, release_dependents }
}

pub fn retry(step: &str) -> Order {
    Order::Retry { step: StepId::new(step), downstream: true, disks_attached: false }
}

pub fn cancel(failovers: bool) -> Order {
    Order::Cancel { reason: Some("enough".into()), failovers }
}

/// Returns a yes to whatever an event asks.
pub fn yes(event: &RunEvent) -> Vec<Order> {
    match &event.kind {
        RunEventKind::ApprovalAsked { step, .. } => {
            let questions = vec![Shown { step: step.clone(), question: event.seq }];
            vec![Order::Approve { questions, reason: None }]
        }
        _ => Vec::new(),
    }
}

/// Orders something once, when an event is the one.
pub fn once(
    order: Order,
    is_it: impl Fn(&RunEventKind) -> bool + 'static,
) -> impl FnMut(&RunEvent) -> Vec<Order> {
    let mut order = Some(order);
    move |event| if is_it(&event.kind) { order.take().into_iter().collect() } else { Vec::new() }
}

pub fn fails(id: &'static str) -> impl Fn(&RunEventKind) -> bool {
    move |kind| matches!(kind, RunEventKind::StepFailed { step, .. } if step.as_str() == id)
}

pub fn begins(id: &'static str) -> impl Fn(&RunEventKind) -> bool {
    move |kind| matches!(kind, RunEventKind::StepStarted { step } if step.as_str() == id)
}

pub fn sent(id: &'static str) -> impl Fn(&RunEventKind) -> bool {
    move |kind| matches!(kind, RunEventKind::OperationAccepted { step, .. } if step.as_str() == id)
}

pub fn drive(world: &World, process: Process) -> (Site, Ran) {
    let site = world.site();
    let ran = world.drive(&site, process);
    assert_lawful(&world.graph, &ran.events);
    assert_nothing_begun_twice(&site, &ran);
    (site, ran)
}

/// Lets another process take the run over, which has orders before it begins.
pub fn resume(world: &World, site: &Site, before: &Ran, orders: Vec<Order>) -> Ran {
    let waiting = orders.into_iter().map(|order| ("bob".to_owned(), order)).collect();
    let ran = world.drive(site, Process { waiting, ..Process::after(&before.events) });
    assert_lawful(&world.graph, &ran.events);
    assert_nothing_begun_twice(site, &ran);
    ran
}

pub fn refusals(ran: &Ran) -> Vec<&str> {
    let refused = ran.events.iter().filter_map(|event| match &event.kind {
        RunEventKind::OrderTaken { refused, .. } => refused.as_deref(),
        _ => None,
    });
    refused.collect()
}

#[test]
fn answers_from_another_process_lead_a_run_to_its_end() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let process = Process::default().approved_by(Forever).ordered("bob", yes);
    let (site, ran) = drive(&world, process);
    assert_home(&world, &site, &ran);
    assert!(ran.has(
        |kind| matches!(kind, RunEventKind::ApprovalGiven { by, question: Some(_), .. } if by == "bob")
    ));
    assert_eq!(refusals(&ran), Vec::<&str>::new());
}

/// Is asked and never answers.
pub struct Forever;

#[async_trait::async_trait]
impl failback::run::approver::Approver for Forever {
    async fn ask(&self, _: &failback::run::approver::Question) -> failback::run::approver::Reply {
        std::future::pending().await
    }
}

#[test]
fn an_answer_to_what_is_not_asked_any_more_counts_for_nothing() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let late = |event: &RunEvent| match &event.kind {
        RunEventKind::ApprovalAsked { step, .. } if step.as_str() == "approve_commit/w1" => {
            let shown = |question| vec![Shown { step: step.clone(), question }];
            vec![
                Order::Deny { questions: shown(event.seq - 1), reason: None },
                Order::Approve { questions: shown(event.seq), reason: None },
                Order::Deny { questions: shown(event.seq), reason: None },
            ]
        }
        _ => yes(event),
    };
    let (site, ran) = drive(&world, Process::default().approved_by(Forever).ordered("bob", late));
    assert_home(&world, &site, &ran);
    let refused = refusals(&ran);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].starts_with("approve_commit/w1 asks something else"), "{refused:?}");
    assert!(refused[1].starts_with("approve_commit/w1 asks nothing"), "{refused:?}");
}

#[test]
fn orders_are_taken_once_whoever_has_the_run() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let (site, ran) = drive(&world, Process::default().approved_by(Unattended));
    assert_eq!(ran.end, Ok(End::WaitsForApproval));
    let questions: Vec<Shown> = ran
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            RunEventKind::ApprovalAsked { step, .. } => {
                Some(Shown { step: step.clone(), question: event.seq })
            }
            _ => None,
        })
        .collect();
    let ran =
        resume(&world, &site, &ran, vec![Order::Approve { questions, reason: Some("CAB-1182".into()) }]);
    assert_home(&world, &site, &ran);
}

#[test]
fn a_machine_that_can_not_get_there_is_taken_out_and_the_others_go_on() {
    for at_once in [true, false] {
        let world = world(CLASSIC.0, CLASSIC.1).with(&[W1_FAILS]);
        let order = skip("w1", false);
        let process = if at_once {
            Process::default().ordered("bob", once(order.clone(), fails("reprotect/w1")))
        } else {
            Process::default()
        };
        let (site, mut ran) = drive(&world, process);
        if !at_once {
            assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
            assert!(!ran.has(|kind| matches!(kind, RunEventKind::StepStarted { step } if step.as_str().starts_with("failover/"))));
            ran = resume(&world, &site, &ran, vec![order]);
        }
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
        assert_machines_home(&world, &site, |name| name != "w1");
    }
}

/// A group of three, one member of which can't be reprotected, and a machine that waits for the group.
pub fn group() -> World {
    let estate = Estate::classic([Vm::new("a1"), Vm::new("g1"), Vm::new("g2"), Vm::new("g3")])
        .group("db", &["g1", "g2", "g3"])
        .entry("a1", "depends_on: [db]");
    world_of(&estate).with(&["{kind: job_fails, of: g2, phase: reprotect, code: \"78037\"}"])
}

pub fn request_of(site: &Site, is_it: impl Fn(&Request) -> bool) -> Vec<String> {
    let names =
        |request: &Request| request.machines().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    site.sent().iter().filter(|sent| is_it(&sent.request)).map(|sent| names(&sent.request)).collect()
}

#[test]
fn a_group_goes_on_without_a_member_that_was_taken_out() {
    let world = group();
    let order = once(skip("g2", true), fails("reprotect/g2"));
    let (site, ran) = drive(&world, Process::default().ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "g2");
    let made = request_of(&site, |request| matches!(request, Request::MakeRecoveryPlan { .. }));
    assert_eq!(made, ["g1 g2 g3", "g1 g3"], "the recovery plan would move every member that it has");
    let moved = request_of(&site, |request| {
        matches!(request, Request::FailoverToOnprem { recovery_plan: Some(_), .. })
    });
    assert_eq!(moved, ["g1 g3"]);
}

#[test]
fn what_depends_on_a_machine_that_is_out_waits_for_a_word() {
    let world = group();
    let order = once(skip("g2", false), fails("reprotect/g2"));
    let (site, ran) = drive(&world, Process::default().ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name.starts_with('g') && name != "g2");
    assert!(!ran.has(begins("failover/a1")));
    let state = state_of(&world, &ran);
    let blocked = world.graph.find(&StepId::new("failover/a1")).expect("it is there");
    assert_eq!(
        state.step(blocked).note.as_deref().expect("its cause is told").split(" (").next(),
        Some("g2: taken out by bob: its disks are gone")
    );
}

pub fn state_of(world: &World, ran: &Ran) -> RunState {
    let mut state = RunState::new(std::sync::Arc::clone(&world.graph));
    for event in &ran.events {
        let legal = state.check(event).expect("the journal is lawful");
        state.apply(event, legal);
    }
    state
}

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

/// Whoever began the run sits before it, and answers nothing.
struct Author;

#[async_trait::async_trait]
impl Approver for Author {
    async fn ask(&self, _: &Question) -> Reply {
        Reply::Nobody
    }

    fn person(&self) -> Option<String> {
        Some("kim".into())
    }
}

#[test]
fn a_question_for_others_that_was_answered_keeps_no_process_waiting() {
    let action = "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
    let world = world(&format!("{}{action}", CLASSIC.0), CLASSIC.1);
    let mut kind = world.started();
    if let RunEventKind::RunStarted { author, .. } = &mut kind {
        *author = Some("kim".into());
    }
    let started = RunEvent { run: RunId::new("r1"), seq: 1, at: world.start, kind };
    let signs = |event: &RunEvent| {
        let asks = |step: &StepId| step.as_str() == "action/sign";
        if matches!(&event.kind, RunEventKind::ApprovalAsked { step, .. } if asks(step)) {
            yes(event)
        } else {
            Vec::new()
        }
    };
    let process = Process::after(&[started]).approved_by(Author).ordered("bob", signs);
    let ran = world.drive(&world.site(), process);
    assert_eq!(ran.end, Ok(End::WaitsForApproval), "{}", ran.said());
    assert_eq!(ran.settled()["action/sign"], "succeeded", "{}", ran.said());
}

#[test]
fn an_answer_counts_until_its_question_has_ended() {
    let limit = "execution: {approvals: {timeout: 30m}}\n";
    let world = world(&format!("{}{limit}", CLASSIC.0), CLASSIC.1);
    let asks = |event: &RunEvent| matches!(&event.kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == "approve_commit/w1");
    let site = world.site();
    let process = Process::default()
        .approved_by(Forever)
        .ordered("bob", move |event| if asks(event) { Vec::new() } else { yes(event) });
    let cut = world.drive(&site, process.stopped_at(asks));
    let asked = cut.events.iter().find(|event| asks(event)).expect("it is asked").clone();
    let RunEventKind::ApprovalAsked { deadline: Some(end), .. } = asked.kind else {
        panic!("the plan limits it")
    };
    let state = state_of(&world, &cut);
    let letter = |at| {
        let [order] = yes(&asked).try_into().expect("one question, one answer");
        let (by, known_as) = ("bob".to_owned(), KnownAs::OsUser);
        Letter { id: 99, at, by, known_as, roles: Vec::new(), order, signed: None, withdrawn_by: None }
    };
    let second = jiff::SignedDuration::from_secs(1);
    let before = end.saturating_sub(second).expect("in range");
    assert_eq!(order::judge(&state, &letter(before)).refused, None);
    let late = order::judge(&state, &letter(end));
    let why = format!("approve_commit/w1: the answer comes too late: the question ended at {end:.0}");
    assert_eq!((late.effects.len(), late.refused), (0, Some(why)));
    // What was sent in time counts when it is taken late; what was sent late, or by another clock, does not.
    let taken = end.saturating_add(second).expect("in range");
    assert_eq!(order::given_at(&state, &letter(before), taken), before);
    assert_eq!(order::given_at(&state, &letter(end), taken), taken);
    assert_eq!(order::given_at(&state, &letter(jiff::Timestamp::UNIX_EPOCH), taken), taken);
    // The next process finds a yes that was sent after the end, as this site's clock tells.
    site.pace().reach(taken);
    let ran = resume(&world, &site, &cut, yes(&asked));
    assert_eq!(ran.failure("approve_commit/w1"), Some("timeout"), "{}", ran.said());
    assert_eq!(refusals(&ran).len(), 1, "{:?}", refusals(&ran));
}

#[test]
fn a_question_for_a_role_is_answered_by_a_session_that_has_it_and_by_no_other() {
    let action = "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
    let world = world(&format!("{}{action}", CLASSIC.0), CLASSIC.1);
    let asks = |event: &RunEvent| match &event.kind {
        RunEventKind::ApprovalAsked { step, .. } => step.as_str() == "action/sign",
        _ => false,
    };
    let ran = world.drive(&world.site(), Process::default());
    let asked = ran.events.iter().position(asks).expect("it is asked");
    let mut state = RunState::new(std::sync::Arc::clone(&world.graph));
    for event in &ran.events[..=asked] {
        let legal = state.check(event).expect("the journal is lawful");
        state.apply(event, legal);
    }
    let verdict = |roles: &[&str]| {
        let [order] = yes(&ran.events[asked]).try_into().expect("one question, one answer");
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let (at, by, known_as) = (world.start, "kim".to_owned(), KnownAs::Session);
        order::judge(
            &state,
            &Letter { id: 1, at, by, known_as, roles, order, signed: None, withdrawn_by: None },
        )
    };
    let refused = verdict(&["operator", "approver"]);
    let why = "action/sign: the plan wants dba, and kim has no such role";
    assert_eq!((refused.effects.len(), refused.refused.as_deref()), (0, Some(why)));
    let taken = verdict(&["operator", "dba"]);
    assert_eq!(taken.refused, None);
    let [RunEventKind::ApprovalGiven { known_as, roles, unproven_roles, .. }] = taken.effects.as_slice()
    else {
        panic!("{:?}", taken.effects);
    };
    assert_eq!((*known_as, roles.len(), unproven_roles.len()), (KnownAs::Session, 2, 0));
}

#[test]
fn a_person_leaves_out_only_what_a_person_can_vouch_for() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let steps = [
        ("preflight", false),
        ("prepare", true),
        ("await_azure_agent/w1", true),
        ("reprotect/w1", false),
        ("await_protected/w1", false),
        ("barrier/1", false),
        ("recheck/w1", false),
        ("failover/w1", false),
        ("verify/w1", false),
        ("approve_commit/w1", false),
        ("commit/w1", false),
        ("await_agent/w1", true),
        ("forward/w1", true),
        ("await_forward/w1", true),
    ];
    let state = RunState::new(std::sync::Arc::clone(&world.graph));
    for (step, may) in steps {
        let index = world.graph.find(&StepId::new(step)).expect(step);
        assert_eq!(failback::run::skip::may_step(&state, index).is_ok(), may, "{step}");
    }
}

#[test]
fn a_machine_whose_way_forward_is_left_out_ends_unprotected() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let order =
        Order::SkipStep { step: StepId::new("forward/w1"), reason: "it goes to another vault".into() };
    let (site, ran) = drive(&world, Process::default().ordered("bob", once(order, begins("failover/w1"))));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "w1");
    assert_eq!((ran.settled()["forward/w1"], ran.settled()["await_forward/w1"]), ("skipped", "skipped"));
}

#[test]
fn a_machine_is_not_taken_out_in_between() {
    let world = world(CLASSIC.0, CLASSIC.1);
    for (when, why) in [
        ("reprotect/w1", "reprotect/w1 is under way at the site"),
        ("failover/w1", "failover/w1 is under way at the site"),
        ("commit/w1", "commit/w1 is under way at the site"),
        ("forward/w1", "forward/w1 is under way at the site"),
    ] {
        let (site, ran) =
            drive(&world, Process::default().ordered("bob", once(skip("w1", false), sent(when))));
        assert!(refusals(&ran)[0].starts_with(why), "{:?}", refusals(&ran));
        assert_home(&world, &site, &ran);
    }
    for (when, why) in [
        ("verify/w1", "w1 has failed over and is not committed: verify and commit it"),
        ("await_agent/w1", "w1 is back on-premises for good"),
    ] {
        let (site, ran) =
            drive(&world, Process::default().ordered("bob", once(skip("w1", false), begins(when))));
        assert!(refusals(&ran)[0].starts_with(why), "{:?}", refusals(&ran));
        assert_home(&world, &site, &ran);
    }
}

#[test]
fn a_cancelled_run_settles_what_is_under_way_and_begins_nothing() {
    let world = world(CLASSIC.0, CLASSIC.1);
    for at in ["reprotect/w1", "failover/w1", "commit/w1", "forward/w1"] {
        let (site, ran) = drive(&world, Process::default().ordered("bob", once(cancel(false), sent(at))));
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{at}: {}", ran.said());
        assert_eq!(ran.settled()[at], "succeeded", "{}", ran.said());
        let cancelled =
            ran.events.iter().position(|event| matches!(event.kind, RunEventKind::Cancelling { .. }));
        let later = &ran.events[cancelled.expect("it was cancelled")..];
        assert!(
            !later.iter().any(|event| matches!(event.kind, RunEventKind::IntentRecorded { .. })),
            "{}",
            ran.said()
        );
        assert_eq!(request_of(&site, |request| matches!(request, Request::CancelFailover { .. })).len(), 0);
    }
    let (_, ran) = drive(&world, Process::default().ordered("bob", once(cancel(true), sent("failover/w1"))));
    assert!(refusals(&ran)[0].contains("FB715"), "{:?}", refusals(&ran));
}

#[test]
fn a_cancelled_run_takes_planned_failovers_back_if_that_is_wanted() {
    let world = world(MODERNIZED.0, MODERNIZED.1);
    for (at, machines) in [("failover/w1", 1), ("approve_commit/w1", 1)] {
        let order = once(cancel(true), move |kind| {
            sent("failover/w1")(kind) && at == "failover/w1" || begins(at)(kind) && at != "failover/w1"
        });
        let (site, ran) = drive(&world, Process::default().approved_by(Forever).ordered("bob", order));
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{at}: {}", ran.said());
        let taken_back = request_of(&site, |request| matches!(request, Request::CancelFailover { .. }));
        assert!(
            taken_back.len() >= machines && taken_back.contains(&"w1".to_owned()),
            "{taken_back:?} {}",
            ran.said()
        );
        assert_eq!(ran.failure("commit/w1"), Some("failover-cancelled"));
        let facts = site.facts(&world.machines());
        for machine in facts.machines.iter().flatten() {
            assert_eq!(
                machine.state.map(|state| state.value),
                Some(State::ProtectedToOnprem),
                "{}",
                machine.name
            );
        }
    }
}

#[test]
fn the_recovery_plan_of_a_cancelled_run_is_deleted() {
    let estate = Estate::classic([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let world = world_of(&estate);
    for at in ["prepare/db", "reprotect/g1", "failover/db"] {
        let (site, ran) = drive(&world, Process::default().ordered("bob", once(cancel(false), sent(at))));
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{at}: {}", ran.said());
        let made = request_of(&site, |request| matches!(request, Request::MakeRecoveryPlan { .. })).len();
        let deleted =
            request_of(&site, |request| matches!(request, Request::DeleteRecoveryPlan { .. })).len();
        assert_eq!((made, deleted), (1, 1), "{at}: {}", ran.said());
    }
}

#[test]
fn a_boot_group_goes_on_without_a_machine_that_was_taken_out() {
    let groups = "boot_groups:\n  - {name: data, members: [w1, w2]}\n  - {name: apps, members: [w3, l1]}\n";
    let world = world(&format!("{}{groups}", CLASSIC.0), CLASSIC.1).with(&[W1_FAILS]);
    let order = once(skip("w1", false), fails("reprotect/w1"));
    let (site, ran) = drive(&world, Process::default().ordered("bob", order));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "w1");
}

#[test]
fn an_order_is_followed_once_whenever_the_process_dies() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[W1_FAILS]);
    let (site, failed) = drive(&world, Process::default());
    let orders = [retry("reprotect/w1"), cancel(false)];
    drop(site);
    let last_letter = |ran: &Ran| state_of(&world, ran).last_letter();
    let mut cuts = 0;
    for syncs in 0.. {
        let site = world.site();
        let before = world.drive(&site, Process::default());
        assert_eq!(before.events.len(), failed.events.len());
        // Letters that were taken are not sent again; those that were not wait for the next process.
        let waiting = |taken: u64| {
            let left = orders.iter().skip(usize::try_from(taken).expect("few"));
            left.map(|order| ("bob".to_owned(), order.clone())).collect::<Vec<_>>()
        };
        let first = Process { waiting: waiting(0), ..Process::after(&before.events) };
        let cut = world.drive(&site, first.killed_at_sync(syncs));
        if cut.end.is_ok() {
            break;
        }
        cuts += 1;
        // A run that had ended, and whose order is not kept, is as it was.
        let next = Process { waiting: waiting(last_letter(&cut)), ..Process::after(&cut.events) };
        let ran = world.drive(&site, next);
        assert_lawful(&world.graph, &ran.events);
        assert_nothing_begun_twice(&site, &ran);
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Cancelled)), "{syncs}: {}", ran.said());
        for is_it in [
            (|kind: &RunEventKind| matches!(kind, RunEventKind::StepReopened { .. }))
                as fn(&RunEventKind) -> bool,
            |kind| matches!(kind, RunEventKind::Cancelling { .. }),
        ] {
            assert_eq!(
                ran.events.iter().filter(|event| is_it(&event.kind)).count(),
                1,
                "{syncs}: {}",
                ran.said()
            );
        }
    }
    assert!(cuts > 0, "no process died");
}

#[test]
fn what_goes_on_again_leaves_alone_a_member_that_failed() {
    let estate = Estate::classic([Vm::new("a1"), Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let fault = |name: &str| format!("{{kind: job_fails, of: {name}, phase: failover, code: \"78037\"}}");
    let world = world_of(&estate).with(&[&fault("a1"), &fault("g2")]);
    let (site, ran) = drive(&world, Process::default());
    assert!(ran.has(|kind| matches!(kind, RunEventKind::MemberFailed { .. })), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![skip("a1", false)]);
    assert_eq!(refusals(&ran), Vec::<&str>::new());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert!(!ran.has(begins("verify/g2")), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name == "g1");
    // Once it is out, too, nothing is left that failed.
    let ran = resume(&world, &site, &ran, vec![skip("g2", false)]);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
}
