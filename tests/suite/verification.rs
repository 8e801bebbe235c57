//! Machines that come back and are not right: who is told, who decides, and what can still be taken back.

use failback::event::KnownAs;
use failback::event::Outcome;
use failback::event::RunEventKind;
use failback::id::StepId;
use failback::provider::Request;
use failback::run::End;
use failback::run::approver::Approver;
use failback::run::approver::Question;
use failback::run::approver::Reply;
use failback::syntax::machine::State;
use jiff::SignedDuration;

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
use crate::lab::site::Site;
use crate::lab::world;
use crate::lab::world_of;
use crate::orders::refusals;
use crate::orders::retry;

const DOES_NOT_BOOT: &str = "{kind: onprem_vm_does_not_boot, of: w1}";

/// Says yes to everything, to the end of a failover too.
struct TakesBack;

#[async_trait::async_trait]
impl Approver for TakesBack {
    async fn ask(&self, _: &Question) -> Reply {
        Reply::Approved { by: "bob".into(), known_as: KnownAs::OsUser }
    }
}

fn drive(world: &World, process: Process) -> (Site, Ran) {
    let site = world.site();
    let ran = world.drive(&site, process);
    assert_lawful(&world.graph, &ran.events);
    (site, ran)
}

fn state(world: &World, site: &Site, name: &str) -> Option<State> {
    let facts = site.facts(&world.machines());
    let machine = facts.machines.iter().flatten().find(|machine| machine.name.value == name);
    machine.and_then(|machine| machine.state).map(|state| state.value)
}

fn cancels(site: &Site) -> usize {
    site.sent().iter().filter(|sent| matches!(sent.request, Request::CancelFailover { .. })).count()
}

#[test]
fn a_planned_failover_that_is_not_verified_is_taken_back_if_a_person_wants_it() {
    let world = world(MODERNIZED.0, MODERNIZED.1).with(&[DOES_NOT_BOOT]);
    let (site, ran) = drive(&world, Process::default().approved_by(TakesBack));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert_eq!(ran.failure("verify/w1"), Some("failover-cancelled"), "{}", ran.said());
    assert_eq!((cancels(&site), state(&world, &site, "w1")), (1, Some(State::ProtectedToOnprem)));
    let asked = |kind: &RunEventKind| {
        matches!(kind, RunEventKind::ApprovalAsked { step, prompt, .. }
            if step.as_str() == "verify/w1" && prompt.contains("on-premises VM stopped") && prompt.contains("Cancel its planned failover?"))
    };
    assert!(ran.has(asked), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "w1");
}

#[test]
fn a_failover_that_was_taken_back_is_begun_again_by_order() {
    let once = "{kind: onprem_vm_does_not_boot, of: w1, phase: failover, nth: 1}";
    let world = world(MODERNIZED.0, MODERNIZED.1).with(&[once]);
    let (site, before) = drive(&world, Process::default().approved_by(TakesBack));
    let retry = |step: &str| {
        let order = failback::event::Order::Retry {
            step: StepId::new(step),
            downstream: true,
            disks_attached: false,
        };
        ("bob".to_owned(), order)
    };
    let waiting = vec![retry("verify/w1"), retry("failover/w1")];
    let ran = world.drive(&site, Process { waiting, ..Process::after(&before.events) });
    let refused = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::OrderTaken { refused, .. } => refused.as_deref(),
        _ => None,
    });
    assert_eq!(refused, Some("the failover before verify/w1 was taken back: retry failover/w1"));
    assert_home(&world, &site, &ran);
    assert_eq!(cancels(&site), 1);
}

#[test]
fn a_member_whose_failover_was_taken_back_fails_over_again_alone() {
    let once = "{kind: onprem_vm_does_not_boot, of: g1, phase: failover, nth: 1}";
    let estate = Estate::modernized([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let world = world_of(&estate).with(&[once]);
    let (site, before) = drive(&world, Process::default().approved_by(TakesBack));
    assert_eq!(before.failure("verify/g1"), Some("failover-cancelled"), "{}", before.said());
    let waiting = ["verify/g1", "failover/db"].map(|step| ("bob".to_owned(), retry(step))).to_vec();
    let ran = world.drive(&site, Process { waiting, ..Process::after(&before.events) });
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(refusals(&ran), ["the failover before verify/g1 was taken back: retry failover/db"]);
    assert_home(&world, &site, &ran);
    let asked: Vec<usize> = site
        .sent()
        .iter()
        .filter(|sent| matches!(sent.request, Request::FailoverToOnprem { .. }))
        .map(|sent| sent.request.machines().len())
        .collect();
    assert_eq!(asked, [2, 1], "{}", ran.said());
}

#[test]
fn a_planned_failover_that_nobody_wants_back_stays_uncommitted() {
    let world = world(MODERNIZED.0, MODERNIZED.1).with(&[DOES_NOT_BOOT]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.failure("verify/w1"), Some("verification-failed"), "{}", ran.said());
    assert_eq!((cancels(&site), state(&world, &site, "w1")), (0, Some(State::FailedBack)));
    assert_eq!(ran.settled(), world.simulate().settled(), "both drivers agree");
}

#[test]
fn a_classic_failover_that_is_not_verified_is_left_to_its_owner() {
    let plan = CLASSIC.0.replace("name: classic\n", "name: classic\nowner: dr@corp.example\n");
    let world = world(&plan, CLASSIC.1).with(&[DOES_NOT_BOOT]);
    let (site, ran) = drive(&world, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    let told = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::StepFailed { step, message, .. } if step.as_str() == "verify/w1" => {
            Some(message.as_str())
        }
        _ => None,
    });
    let told = told.expect("it failed");
    for words in [
        "w1: on-premises VM stopped, Azure VM deallocated",
        "dr@corp.example has to decide",
        "a classic failover can't be cancelled",
        "do not commit",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!((cancels(&site), state(&world, &site, "w1")), (0, Some(State::FailedBack)));
    let alarms = ran.events.iter().filter_map(|event| match &event.kind {
        RunEventKind::Alarm { step, code, .. } => Some((step.as_str(), code.as_str())),
        _ => None,
    });
    assert_eq!(alarms.collect::<Vec<_>>(), [("verify/w1", "neither-side-runs")], "{}", ran.said());
}

#[test]
fn a_failover_is_taken_back_once_whenever_the_process_dies() {
    let world = world(MODERNIZED.0, MODERNIZED.1).with(&[DOES_NOT_BOOT]);
    let (_, whole) = drive(&world, Process::default().approved_by(TakesBack));
    let syncs = whole.events.len();
    let mut ended = 0;
    for sync in 0..syncs {
        let site = world.site();
        let cut = world.drive(&site, Process::default().approved_by(TakesBack).killed_at_sync(sync));
        if cut.end.is_ok() {
            break;
        }
        let ran = world.drive(&site, Process::after(&cut.events).approved_by(TakesBack));
        assert_lawful(&world.graph, &ran.events);
        assert_eq!(ran.failure("verify/w1"), Some("failover-cancelled"), "{sync}: {}", ran.said());
        assert_eq!(state(&world, &site, "w1"), Some(State::ProtectedToOnprem));
        let keys: std::collections::HashSet<_> = site
            .sent()
            .into_iter()
            .filter(|sent| matches!(sent.request, Request::CancelFailover { .. }))
            .map(|sent| sent.key.to_string())
            .collect();
        assert_eq!(keys.len(), 1, "{sync}: {keys:?}");
        ended += 1;
    }
    assert!(ended > 20, "{ended}");
}

#[test]
fn a_site_that_gives_no_answer_for_long_is_told_of_and_asked_again() {
    let outage = "{kind: no_answer_before, at: {after: 15m}, for: 40m}";
    let world = world(CLASSIC.0, CLASSIC.1).with(&[outage]);
    let (site, ran) = drive(&world, Process::default());
    assert_home(&world, &site, &ran);
    let alarms = ran.events.iter().filter(|event| matches!(&event.kind, RunEventKind::Alarm { code, message, .. } if code == "site-silent" && message.contains("since 2025-06-01T00:15")));
    assert_eq!(alarms.count(), 1, "{}", ran.said());
}

#[test]
fn a_site_that_only_asks_to_come_back_later_is_told_of_too() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let site = world.site();
    site.is_busy_until(world.start.saturating_add(SignedDuration::from_mins(35)).expect("in range"));
    let ran = world.drive(&site, Process::default());
    assert_home(&world, &site, &ran);
    let told = |kind: &&RunEventKind| {
        matches!(kind, RunEventKind::Alarm { code, message, .. }
            if code == "site-silent" && message.contains("has put off what it is asked since 2025-06-01T00:00"))
    };
    assert_eq!(ran.events.iter().map(|event| &event.kind).filter(told).count(), 1, "{}", ran.said());
}
