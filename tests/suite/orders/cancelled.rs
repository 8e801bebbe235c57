//! Runs that are cancelled.

use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::provider::Request;
use failback::run::End;
use failback::syntax::machine::State;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::Process;
use crate::lab::world;
use crate::lab::world_of;
use crate::orders::Forever;
use crate::orders::begins;
use crate::orders::cancel;
use crate::orders::drive;
use crate::orders::once;
use crate::orders::refusals;
use crate::orders::request_of;
use crate::orders::sent;

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
