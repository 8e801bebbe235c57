//! Requests whose answer or operation is lost: what is sent again passes what every request passes, and what is under way is
//! watched whatever the site says of it.

use std::time::Duration;

use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::provider::ProviderError;
use failback::provider::emulator::Deed;
use failback::run::End;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::laws::assert_lawful;
use crate::lab::laws::assert_nothing_begun_twice;
use crate::lab::site::Site;
use crate::lab::world;

/// Returns when requests of a step's first attempt reached the site.
fn sent(site: &Site, step: &str) -> Vec<Timestamp> {
    let key = format!("r1/{step}/1");
    site.sent().into_iter().filter(|sent| sent.key.as_str() == key).map(|sent| sent.at).collect()
}

fn lost(phase: &str) -> String {
    format!("{{kind: no_answer_before, of: w1, phase: {phase}}}")
}

fn driven(world: &World) -> (Site, Ran) {
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_lawful(&world.graph, &ran.events);
    (site, ran)
}

/// Returns when the guard of a step was evaluated, and whether it held.
fn guarded(ran: &Ran, of: &str) -> Vec<(Timestamp, bool)> {
    let guard = |event: &RunEvent| match &event.kind {
        RunEventKind::GuardEvaluated { step, passed, .. } if step.as_str() == of => Some((event.at, *passed)),
        _ => None,
    };
    ran.events.iter().filter_map(guard).collect()
}

#[test]
fn a_lost_reprotect_passes_its_guard_again_before_it_is_sent_again() {
    let plain = world(CLASSIC.0, CLASSIC.1).with(&[&lost("reprotect")]);
    let (site, ran) = driven(&plain);
    let first = sent(&site, "reprotect/w1")[0];
    // The link of the configuration server goes down right after the request was lost.
    let after = first.duration_since(plain.start).as_secs() + 60;
    let down = format!("{{kind: vcenter_disconnects, at: {{after: {after}s}}, for: 1h}}");
    let world = world(CLASSIC.0, CLASSIC.1).with(&[&lost("reprotect"), &down]);
    let (site, closed) = driven(&world);
    let sent = sent(&site, "reprotect/w1");
    assert_eq!(sent.len(), 2, "{}", closed.said());
    assert!(sent[1].duration_since(sent[0]) >= SignedDuration::from_hours(1), "{}", closed.said());
    let guard = guarded(&closed, "reprotect/w1");
    assert!(guard.iter().any(|(at, passed)| !passed && *at > sent[0]), "{guard:?}");
    assert!(guard.last().is_some_and(|(at, passed)| *passed && *at > sent[0]), "{guard:?}");
    assert_home(&world, &site, &closed);
    assert_eq!(guarded(&ran, "reprotect/w1").len(), 2, "{}", ran.said());
}

#[test]
fn what_may_have_been_done_is_looked_for_when_the_site_says_that_it_can_be_asked() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[&lost("reprotect")]);
    let site = world.site();
    site.asks_to_come_back_after(Duration::from_mins(8));
    let ran = world.drive(&site, Process::default());
    assert_home(&world, &site, &ran);
    let sent = sent(&site, "reprotect/w1");
    assert_eq!(sent.len(), 2, "{}", ran.said());
    // Eight minutes of silence, and five of a search.
    assert!(sent[1].duration_since(sent[0]) >= SignedDuration::from_mins(13), "{}", ran.said());
}

#[test]
fn a_lost_reprotect_is_not_sent_again_once_the_machine_on_premises_runs() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&[&lost("reprotect")]);
    let site = world.site();
    let is_lost = |event: &RunEvent| matches!(&event.kind, RunEventKind::StepWaiting { step, .. } if step.as_str() == "reprotect/w1");
    let ran = world.drive(&site, Process::default().stopped_at(is_lost));
    assert_eq!(ran.end, Ok(End::Interrupted), "{}", ran.said());
    site.by_hand(&Deed::StartOnpremVm { machine: world.machines()[0].clone() });
    let ran = world.drive(&site, Process::after(&ran.events));
    assert_lawful(&world.graph, &ran.events);
    assert_eq!(ran.failure("reprotect/w1"), Some("onprem-vm-running"), "{}", ran.said());
    assert_eq!(sent(&site, "reprotect/w1").len(), 1, "{}", ran.said());
}

#[test]
fn a_lost_failover_is_sent_again_inside_the_window_only() {
    let plain = world(CLASSIC.0, CLASSIC.1).with(&[&lost("failover")]);
    let (site, _) = driven(&plain);
    let first = sent(&site, "failover/w1")[0];
    let zoned = |at: Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC);
    let to = zoned(first.checked_add(SignedDuration::from_mins(2)).expect("in range"));
    let from = zoned(first.checked_sub(SignedDuration::from_hours(2)).expect("in range"));
    let plan = format!(
        "{}execution: {{window: {{from: \"{}\", to: \"{}\", timezone: UTC}}}}\n",
        CLASSIC.0,
        from.strftime("%H:%M"),
        to.strftime("%H:%M"),
    );
    let world = world(&plan, CLASSIC.1).with(&[&lost("failover")]);
    let (site, ran) = driven(&world);
    let sent = sent(&site, "failover/w1");
    assert_eq!(sent.len(), 2, "{}", ran.said());
    // The yes came when the window had closed: it opens again on the next day.
    assert!(sent[1].duration_since(sent[0]) > SignedDuration::from_hours(20), "{}", ran.said());
    assert_eq!(zoned(sent[1]).strftime("%H:%M").to_string(), from.strftime("%H:%M").to_string());
    assert_home(&world, &site, &ran);
    let asked = |kind: &RunEventKind| matches!(kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == "failover/w1");
    assert_eq!(ran.events.iter().filter(|event| asked(&event.kind)).count(), 1, "{}", ran.said());
}

#[test]
fn whoever_approves_a_failover_says_whether_a_lost_one_is_sent_again() {
    let plan = format!("{}execution: {{approvals: {{approvers: [ops]}}}}\n", CLASSIC.0);
    let world = world(&plan, CLASSIC.1).with(&[&lost("failover")]);
    let (_, ran) = driven(&world);
    let asked = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::ApprovalAsked { step, roles, .. } if step.as_str() == "failover/w1" => {
            Some(roles.clone())
        }
        _ => None,
    });
    assert_eq!(asked, Some(vec!["ops".to_owned()]), "{}", ran.said());
}

#[test]
fn what_was_sent_is_watched_although_the_site_refuses_to_tell_of_it() {
    for word in ["reprotect", "failover", "commit"] {
        let world = world(CLASSIC.0, CLASSIC.1);
        let site = world.site();
        let until = world.start.saturating_add(SignedDuration::from_hours(12)).expect("in range");
        site.hides(word, until, || ProviderError::Refused {
            code: "AuthorizationFailed".into(),
            message: "no right to read jobs".into(),
        });
        let ran = world.drive(&site, Process::default());
        assert_lawful(&world.graph, &ran.events);
        assert_nothing_begun_twice(&site, &ran);
        assert_home(&world, &site, &ran);
        let told = |kind: &RunEventKind| matches!(kind, RunEventKind::Alarm { step, code, .. } if step.as_str() == format!("{word}/w1") && code == "look-refused");
        assert_eq!(ran.events.iter().filter(|event| told(&event.kind)).count(), 1, "{}", ran.said());
    }
}

#[test]
fn an_operation_that_the_site_forgets_is_known_by_what_it_did() {
    for word in ["reprotect", "failover", "commit"] {
        let world = world(CLASSIC.0, CLASSIC.1);
        let site = world.site();
        let until = world.start.saturating_add(SignedDuration::from_hours(96)).expect("in range");
        site.hides(word, until, || ProviderError::NotFound { what: "the job".into() });
        let ran = world.drive(&site, Process::default());
        assert_lawful(&world.graph, &ran.events);
        assert_nothing_begun_twice(&site, &ran);
        assert_home(&world, &site, &ran);
        let asked = |kind: &RunEventKind| matches!(kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == format!("{word}/w1"));
        assert!(!ran.has(asked), "{}", ran.said());
    }
}

#[test]
fn a_site_that_puts_a_request_off_is_not_given_up_after_a_few_times() {
    let world =
        world(CLASSIC.0, CLASSIC.1).with(&["{kind: busy, of: w1, phase: reprotect, times: 15, for: 11s}"]);
    let (site, ran) = driven(&world);
    assert_home(&world, &site, &ran);
    let world = crate::lab::world(CLASSIC.0, CLASSIC.1)
        .with(&["{kind: busy, of: w1, phase: reprotect, times: 4000, for: 11s}"]);
    let (_, ran) = driven(&world);
    assert_eq!(ran.failure("reprotect/w1"), Some("busy"), "{}", ran.said());
}

#[test]
fn what_was_put_off_uses_up_no_attempt() {
    let faults = [
        "{kind: busy, of: w1, phase: reprotect, times: 9, for: 11s}",
        "{kind: job_fails, of: w1, phase: reprotect, code: \"539\", times: 3}",
    ];
    let world = world(CLASSIC.0, CLASSIC.1).with(&faults);
    let (site, ran) = driven(&world);
    assert_home(&world, &site, &ran);
}
