//! A run that is taken over looks at the whole site before it does anything else, and does so once.

use std::collections::HashSet;

use failback::clock::Clock as _;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::run::End;
use failback::run::approver::Unattended;
use jiff::SignedDuration;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::world;
use crate::lab::world_of;

/// Returns how many steps were begun and not settled yet.
fn under_way(events: &[RunEvent]) -> usize {
    let mut open = HashSet::new();
    for event in events {
        match &event.kind {
            RunEventKind::StepStarted { step } => drop(open.insert(step)),
            RunEventKind::StepSucceeded { step, .. } | RunEventKind::StepAdopted { step, .. } => {
                open.remove(step);
            }
            _ => {}
        }
    }
    open.len()
}

#[test]
fn a_run_that_is_taken_over_looks_at_everything_once_however_much_is_under_way() {
    let world = world_of(&Estate::classic(["a1", "a2", "a3", "a4", "a5"].map(Vm::new)));
    let all = world.machines().len();
    let mut most = 0;
    for life in [4, 8, 16, 24, 32] {
        let site = world.site();
        let died = world.drive(&site, Process::default().killed_at_sync(life));
        assert!(died.end.is_err(), "{}", died.said());
        most = most.max(under_way(&died.events));
        let before = site.looked().len();
        let ran = world.drive(&site, Process::after(&died.events));
        assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
        let looked = site.looked().split_off(before);
        let (began, first) = looked[0];
        assert_eq!(first, all, "guards read what concerns other machines, too");
        let at_once = looked.iter().take_while(|(at, _)| *at == began);
        let whole = at_once.filter(|(_, machines)| *machines == all).count();
        assert_eq!(whole, 1, "with {} steps under way: {looked:?}", under_way(&died.events));
    }
    assert!(most >= 4, "at most {most} steps were under way when a process died");
}

#[test]
fn a_question_outlasts_a_site_that_is_busy_when_the_run_is_taken_over() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let site = world.site();
    let asked = world.drive(&site, Process::default().approved_by(Unattended));
    assert_eq!(asked.end, Ok(End::WaitsForApproval), "{}", asked.said());
    let until = site.pace().now() + SignedDuration::from_mins(20);
    site.is_busy_until(until);
    let ran = world.drive(&site, Process::after(&asked.events));
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    let mut given =
        ran.events.iter().filter(|event| matches!(event.kind, RunEventKind::ApprovalGiven { .. }));
    assert!(
        given.all(|event| event.at >= until),
        "nothing is answered before the site was seen: {}",
        ran.said()
    );
}
