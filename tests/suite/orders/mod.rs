//! What people order a run to do while it goes on, and after it has ended.

mod answered;
mod cancelled;
mod retried;
mod taken_out;

use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::Shown;
use failback::id::MachineName;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;
use failback::run::approver::Unattended;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
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

/// Is asked and never answers.
pub struct Forever;

#[async_trait::async_trait]
impl failback::run::approver::Approver for Forever {
    async fn ask(&self, _: &failback::run::approver::Question) -> failback::run::approver::Reply {
        std::future::pending().await
    }
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

pub fn state_of(world: &World, ran: &Ran) -> RunState {
    let mut state = RunState::new(std::sync::Arc::clone(&world.graph));
    for event in &ran.events {
        let legal = state.check(event).expect("the journal is lawful");
        state.apply(event, legal);
    }
    state
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
