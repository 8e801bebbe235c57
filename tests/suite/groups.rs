//! Replication groups whose members don't all come through, or are not all at the same place.

use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::id::MachineName;
use failback::provider::Request;
use failback::provider::emulator::Deed;
use failback::run::End;
use failback::syntax::machine::State;

use crate::crash::crash_everywhere;
use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::laws::assert_machines_home;
use crate::lab::laws::assert_nothing_begun_twice;
use crate::lab::site::Site;
use crate::lab::world_of;

/// Three members of a group, one of which is in the state, and a machine that waits for the group.
fn estate(state: &'static str) -> Estate {
    let third = Vm::new("g3").state(state);
    Estate::classic([Vm::new("a1"), Vm::new("g1"), Vm::new("g2"), third])
        .group("db", &["g1", "g2", "g3"])
        .entry("a1", "depends_on: [db]")
}

fn run(world: &World) -> (Site, Ran) {
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    assert_nothing_begun_twice(&site, &ran);
    let simulated = world.simulate();
    assert_eq!((&ran.end, ran.settled()), (&simulated.end, simulated.settled()), "both drivers agree");
    (site, ran)
}

/// Returns the machines that each request of a kind was about, and whether it went through the recovery plan.
fn sent(site: &Site, commits: bool) -> Vec<(String, bool)> {
    let of = |request: &Request| {
        let names = request.machines().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        match request {
            Request::FailoverToOnprem { recovery_plan, .. } if !commits => {
                Some((names, recovery_plan.is_some()))
            }
            Request::Commit { recovery_plan, .. } if commits => Some((names, recovery_plan.is_some())),
            _ => None,
        }
    };
    site.sent().iter().filter_map(|sent| of(&sent.request)).filter(|(names, _)| names != "a1").collect()
}

fn state(world: &World, site: &Site, name: &str) -> Option<State> {
    let facts = site.facts(&world.machines());
    let machine = facts.machines.iter().flatten().find(|machine| machine.name.value == name);
    machine.and_then(|machine| machine.state).map(|state| state.value)
}

#[test]
fn a_member_that_another_try_mends_follows_the_others() {
    let check = "{kind: job_fails, of: g2, phase: failover, code: \"539\", task: VmUfoPrerequisitesCheck}";
    let world = world_of(&estate("failed_over_committed")).with(&[check]);
    let (site, ran) = run(&world);
    assert_home(&world, &site, &ran);
    assert_eq!(
        sent(&site, false),
        [("g1 g2 g3".to_owned(), true), ("g2".to_owned(), true)],
        "{}",
        ran.said()
    );
    assert_eq!(sent(&site, true), [("g1 g2 g3".to_owned(), true)]);
}

#[test]
fn members_that_came_home_go_on_without_one_that_did_not() {
    let world = world_of(&estate("failed_over_committed"))
        .with(&["{kind: job_fails, of: g2, phase: failover, code: \"78037\"}"]);
    let (site, ran) = run(&world);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name == "g1" || name == "g3");
    assert_eq!(state(&world, &site, "g2"), Some(State::ProtectedToOnprem));
    let lost = |kind: &RunEventKind| matches!(kind, RunEventKind::MemberFailed { machine, code, .. } if machine.as_str() == "g2" && code == "78037");
    assert!(ran.has(lost), "{}", ran.said());
    // The plan would commit g2 too, should it have come home since.
    assert_eq!(sent(&site, true), [("g1".to_owned(), false), ("g3".to_owned(), false)]);
    let settled = ran.settled();
    assert_eq!(settled["failover/db"], "succeeded");
    assert_eq!(settled["cleanup/db"], "succeeded");
    // What depends on the group waits for all of it.
    assert!(!settled.contains_key("failover/a1"), "{settled:?}");
}

#[test]
fn a_member_whose_commit_fails_keeps_no_other_from_going_on() {
    let world = world_of(&estate("failed_over_committed"))
        .with(&["{kind: job_fails, of: g2, phase: commit, code: \"78037\"}"]);
    let (site, ran) = run(&world);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Failed)), "{}", ran.said());
    assert_machines_home(&world, &site, |name| name != "g2");
    assert_eq!(state(&world, &site, "g2"), Some(State::FailedBack));
}

#[test]
fn a_group_that_fails_whole_leaves_no_recovery_plan_behind() {
    let faults = ["g1", "g2", "g3"]
        .map(|name| format!("{{kind: job_fails, of: {name}, phase: failover, code: \"78037\"}}"));
    let world = world_of(&estate("failed_over_committed")).with(&faults.each_ref().map(String::as_str));
    let (site, ran) = run(&world);
    assert_eq!(ran.failure("failover/db"), Some("78037"), "{}", ran.said());
    assert!(!ran.has(|kind| matches!(kind, RunEventKind::MemberFailed { .. })), "{}", ran.said());
    assert_eq!(ran.settled()["cleanup/db"], "succeeded", "{}", ran.said());
    assert!(sent(&site, true).is_empty());
}

#[test]
fn a_member_that_is_home_already_is_not_sent_again() {
    let world = world_of(&estate("failed_back"));
    let (site, ran) = run(&world);
    assert_home(&world, &site, &ran);
    assert_eq!(sent(&site, false), [("g1 g2".to_owned(), true)]);
    assert_eq!(sent(&site, true), [("g1 g2 g3".to_owned(), true)]);
}

#[test]
fn a_member_that_a_person_commits_is_taken_for_committed() {
    let world = world_of(&Estate::classic([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]));
    let site = world.site();
    let mut waiting = Some(site.clone());
    let act = move |event: &RunEvent| {
        let verified =
            matches!(&event.kind, RunEventKind::StepSucceeded { step, .. } if step.as_str() == "verify/g2");
        if let Some(site) = waiting.take_if(|_| verified) {
            let request = Request::Commit { machines: vec![MachineName::new("g2")], recovery_plan: None };
            site.by_hand(&Deed::Send { request });
        }
        false
    };
    let ran = world.drive(&site, Process::default().stopped_at(act));
    assert_lawful(&world.graph, &ran.events);
    assert_home(&world, &site, &ran);
}

#[test]
fn a_run_whose_group_comes_through_in_parts_may_die_after_any_event() {
    let estate = Estate::classic([Vm::new("g1"), Vm::new("g2")]).group("db", &["g1", "g2"]);
    let check = "{kind: job_fails, of: g2, phase: failover, code: \"539\", task: VmUfoPrerequisitesCheck}";
    crash_everywhere(&world_of(&estate).with(&[check]));
}
