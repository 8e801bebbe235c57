//! What was changed in a bundle by somebody who has no key is found and named.

use failback::evidence::Ask;
use failback::evidence::check::Matter;
use failback::evidence::check::Standing;
use failback::evidence::line::Role;
use failback::evidence::verify;
use failback::model::digest;
use serde_json::Value;
use serde_json::json;

use super::Forged;
use super::assert_found;
use super::checked;
use super::failed;
use super::honest;
use super::rearranged;
use super::refuted;

#[test]
fn a_flipped_byte_is_found() {
    let text = honest().as_bytes();
    for at in (0..40).map(|part| (part * 7919 * 31) % text.len()) {
        let mut changed = text.to_vec();
        changed[at] ^= 1;
        match verify(&changed, &Ask::default()) {
            Err(_) => assert!(at < text.iter().position(|byte| *byte == b'\n').expect("it has lines")),
            Ok(verdict) => {
                assert_eq!(verdict.standing, Standing::Refuted, "byte {at}");
                let line = text[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                let near = refuted(&verdict).into_iter().any(|finding| {
                    finding.line.is_some_and(|found| found == line || found == line + 1) || line == 1
                });
                assert!(near, "byte {at} in line {line}: {:#?}", refuted(&verdict));
            }
        }
    }
}

#[test]
fn an_end_that_is_cut_or_added_to_is_found() {
    let whole = honest();
    let last = whole.trim_end().rfind('\n').expect("it has lines") + 1;
    assert_found(&whole[..last], Matter::Bundle, None, "it has no end");
    let half = whole[..whole.len() / 2].rfind('\n').expect("it has lines") + 1;
    assert_found(&whole[..half], Matter::Bundle, None, "it has no end");
    assert_found(&format!("{whole}{}", &whole[last..]), Matter::Bundle, None, "added after the end");
    // One that ends earlier, with an end of its own, is not the one that was told of.
    let forged = Forged::of(whole);
    let mut events = forged.events();
    let head = checked(whole).head;
    events.truncate(events.len() - 1);
    let shorter = forged.written(events);
    assert!(refuted(&checked(&shorter)).is_empty(), "it is the evidence of a run that goes on");
    let verdict = verify(shorter.as_bytes(), &Ask { head: Some(&head), ..Ask::default() }).expect("a bundle");
    assert_eq!(verdict.standing, Standing::Refuted);
    assert!(refuted(&verdict)[0].in_words().contains("is expected"), "{verdict:#?}");
    let verdict = verify(whole.as_bytes(), &Ask { head: Some(&head), ..Ask::default() }).expect("a bundle");
    assert!(refuted(&verdict).is_empty(), "{verdict:#?}");
}

#[test]
fn two_steps_that_were_swapped_are_found() {
    let forged = Forged::of(honest());
    let reprotect = forged.find("intent_recorded", "reprotect/w1");
    let commit = forged.find("intent_recorded", "commit/w1");
    // As they stand in the file.
    let mut lines: Vec<&str> = honest().lines().collect();
    let line = |seq: usize, lines: &[&str]| {
        let first =
            lines.iter().position(|line| line.starts_with("{\"is\":\"event\"")).expect("it has events");
        first + seq
    };
    let (one, other) = (line(reprotect, &lines), line(commit, &lines));
    lines.swap(one, other);
    let swapped = format!("{}\n", lines.join("\n"));
    assert_found(&swapped, Matter::Chain, Some(commit as u64 + 1), "does not follow");
    assert_found(&swapped, Matter::Order, None, "commit/w1");
    // With numbers, times and chain made anew.
    let mut events = forged.events();
    let began = forged.find("step_started", "commit/w1");
    let before = forged.find("step_started", "verify/w1");
    let at = (events[before]["at"].clone(), events[began]["at"].clone());
    events.swap(before, began);
    (events[before]["at"], events[began]["at"]) = at;
    let swapped = forged.written(events);
    assert_found(&swapped, Matter::Order, Some(before as u64 + 1), "commit/w1: it began before");
}

#[test]
fn a_failure_that_was_dropped_is_found() {
    let forged = Forged::of(failed());
    let at = forged.find("step_failed", "reprotect/w2");
    let lines: Vec<&str> = failed().lines().collect();
    let first = lines.iter().position(|line| line.starts_with("{\"is\":\"event\"")).expect("it has events");
    let without: Vec<&str> = [&lines[..first + at], &lines[first + at + 1..]].concat();
    assert_found(&format!("{}\n", without.join("\n")), Matter::Chain, Some(at as u64 + 2), "does not follow");
    // Made anew, with an end that says that all went well.
    let mut events = forged.events();
    events.remove(at);
    let last = events.len() - 1;
    events[last]["kind"]["outcome"] = json!("succeeded");
    assert_found(&forged.written(events), Matter::Order, Some(last as u64 + 1), "said to have succeeded");
}

#[test]
fn a_time_that_was_changed_is_found() {
    let forged = Forged::of(honest());
    let at = forged.find("step_succeeded", "verify/w1");
    let mut events = forged.events();
    let earlier = events[at - 1]["at"].clone();
    // In the text alone.
    let line = honest()
        .lines()
        .find(|line| line.contains("step_succeeded") && line.contains("verify/w1"))
        .expect("there");
    let time = events[at]["at"].as_str().expect("a time");
    let changed = honest().replacen(line, &line.replacen(time, "2025-06-01T00:00:01Z", 1), 1);
    assert_found(&changed, Matter::Chain, Some(at as u64 + 1), "verify/w1");
    // With the chain made anew, and the figures as they were.
    let figures = Forged::of(honest()).0.figures;
    let was = events[at]["at"].clone();
    events[at]["at"] = earlier;
    assert_ne!(was, events[at]["at"], "the time differs");
    let mut written = Forged::of(&forged.written(events));
    written.0.figures = figures;
    assert_found(&written.0.written(), Matter::Figures, None, "do not follow from the events");
    // Time does not run backwards.
    let forged = Forged::of(honest());
    let mut events = forged.events();
    events[at]["at"] = json!("2020-01-01T00:00:00Z");
    assert_found(&forged.written(events), Matter::Order, Some(at as u64 + 1), "before the event before it");
}

#[test]
fn an_approval_that_was_dropped_is_found() {
    let forged = Forged::of(honest());
    let at = forged.find("approval_given", "approve_commit/w1");
    let mut events = forged.events();
    events.remove(at);
    assert_found(
        &forged.written(events),
        Matter::Approval,
        None,
        "approve_commit/w1: it passed, and nobody answered",
    );
    // The question, too.
    let forged = Forged::of(honest());
    let mut events = forged.events();
    events.remove(at);
    events.remove(forged.find("approval_asked", "approve_commit/w1"));
    assert_found(
        &forged.written(events),
        Matter::Approval,
        None,
        "approve_commit/w1: it passed, and nobody was asked",
    );
    // A no that was made a yes is one to whoever signed; a yes to another question is none.
    let forged = Forged::of(honest());
    let mut events = forged.events();
    events[at]["kind"]["question"] = json!(1);
    assert_found(&forged.written(events), Matter::Approval, Some(at as u64 + 1), "another question");
}

#[test]
fn a_fact_that_was_changed_is_found() {
    // In the text alone.
    let line = honest().lines().find(|line| line.contains("\"is\":\"facts\"") && line.contains("azure_vm"));
    let line = line.expect("facts about a machine are there");
    let changed = honest().replacen(line, &line.replacen("running", "stopped", 1), 1);
    assert_ne!(changed, honest());
    assert_found(&changed, Matter::Guard, None, "not those of their digest");
    // With every digest and the chain made anew: the verdict does not follow any more.
    let mut forged = Forged::of(honest());
    let at = forged.find("guard_evaluated", "failover/w1");
    let mut events = forged.events();
    let mut event = events[at].clone();
    forged.change_facts(&mut event, "w1", |facts| facts["state"] = json!("reprotecting_to_onprem"));
    events[at] = event;
    assert_found(
        &forged.written(events),
        Matter::Guard,
        Some(at as u64 + 1),
        "said to have let its step pass, and the facts that it judged do not",
    );
    // Facts that were taken out.
    let mut forged = Forged::of(honest());
    let digest = forged.events()[at]["kind"]["facts_digest"].as_str().expect("a digest").to_owned();
    forged.0.facts.remove(&digest);
    let events = forged.events();
    assert_found(&forged.written(events), Matter::Guard, Some(at as u64 + 1), "can't be judged again");
}

#[test]
fn a_forged_verdict_of_a_guard_is_found() {
    let forged = Forged::of(honest());
    let at = forged.find("guard_evaluated", "failover/w1");
    let mut events = forged.events();
    events[at]["kind"]["passed"] = json!(false);
    assert_found(
        &forged.written(events),
        Matter::Guard,
        Some(at as u64 + 1),
        "said to have stopped its step",
    );
    let forged = Forged::of(honest());
    let mut events = forged.events();
    let invented = json!([{"rule": "FB305", "state": "waived", "severity": "warning", "subject": "vc1", "message": "no"}]);
    events[at]["kind"]["findings"] = invented;
    assert_found(&forged.written(events), Matter::Guard, Some(at as u64 + 1), "what its facts do not show");
    // A guard that was taken out.
    let forged = Forged::of(honest());
    let mut events = forged.events();
    events.remove(at);
    assert_found(&forged.written(events), Matter::Guard, None, "failover/w1: it asked the site");
    // One that says that what it judged was not kept was changed, unless an older program ran it.
    let mut forged = Forged::of(honest());
    let mut events = forged.events();
    events[at]["kind"]["judged_at"] = Value::Null;
    assert_found(
        &Forged::of(honest()).written(events.clone()),
        Matter::Guard,
        Some(at as u64 + 1),
        "was not recorded",
    );
    forged.0.record.program = "0.0.1".to_owned();
    events[0]["kind"]["program"] = json!("0.0.1");
    let verdict = checked(&forged.written(events));
    assert_eq!((verdict.standing, verdict.guards_unrecorded), (Standing::Indeterminate, 1), "{verdict:#?}");
}

#[test]
fn a_plan_that_was_changed_is_found() {
    let mut forged = Forged::of(honest());
    let events = forged.events();
    let plan = forged.0.texts.iter_mut().find(|text| text.role == Role::Plan).expect("it has a plan");
    plan.text = plan.text.replacen("commit: on_approval", "commit: automatic", 1).replacen(
        "name: classic",
        "name: classics",
        1,
    );
    plan.digest = digest::of_text(&plan.text);
    assert_found(&forged.written(events), Matter::Plan, None, "the plan has the digest");
}

/// Returns events without those that a test is about, told by their kind and step.
fn without(events: Vec<Value>, is_it: impl Fn(&str, &str) -> bool) -> Vec<Value> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let stays = |event: &Value| !is_it(&text(&event["kind"]["event"]), &text(&event["kind"]["step"]));
    events.into_iter().filter(stays).collect()
}

/// Has steps taken as done that were done.
fn adopt(events: &mut [Value], is_it: impl Fn(&str) -> bool) {
    for event in events {
        let kind = &mut event["kind"];
        if kind["event"] == "step_succeeded" && kind["step"].as_str().is_some_and(&is_it) {
            *kind = json!({"event": "step_adopted", "step": kind["step"], "because": "seen"});
        }
    }
}

#[test]
fn a_gate_that_is_said_to_be_needless_is_found() {
    for (gate, matter) in [
        ("approve_commit/", Matter::Approval),
        ("recheck/", Matter::Guard),
        ("barrier/", Matter::Guard),
        ("verify/", Matter::Guard),
    ] {
        let forged = Forged::of(honest());
        let is_gate = |step: &str| step.starts_with(gate);
        let mut events = without(forged.events(), |event, step| {
            is_gate(step) && ["guard_evaluated", "approval_asked", "approval_given"].contains(&event)
        });
        adopt(&mut events, is_gate);
        assert_found(&forged.written(events), matter, None, "which was taken as done");
    }
    let forged = Forged::of(honest());
    let is_preflight = |step: &str| step.starts_with("preflight");
    let mut events = without(forged.events(), |event, step| is_preflight(step) && event == "guard_evaluated");
    adopt(&mut events, is_preflight);
    assert_found(&forged.written(events), Matter::Guard, None, "was taken as done");
}

#[test]
fn what_is_said_to_be_done_without_a_request_is_found() {
    for (left_out, words) in [
        (
            &["guard_evaluated", "intent_recorded", "operation_accepted", "server_placed"][..],
            "never asked for it",
        ),
        (&["operation_accepted"][..], "never took its request on"),
    ] {
        for kind in ["reprotect/", "failover/", "commit/", "forward/"] {
            let forged = Forged::of(honest());
            let events =
                without(forged.events(), |event, step| step.starts_with(kind) && left_out.contains(&event));
            assert_found(&forged.written(events), Matter::Order, None, words);
        }
    }
}

#[test]
fn a_guard_of_another_moment_is_found() {
    let forged = Forged::of(honest());
    let (earlier, at) =
        (forged.find("guard_evaluated", "reprotect/w1"), forged.find("guard_evaluated", "failover/w1"));
    let mut events = forged.events();
    for key in ["guard", "facts_digest", "judged_at", "findings"] {
        events[at]["kind"][key] = events[earlier]["kind"][key].clone();
    }
    let text = forged.written(events);
    assert_found(&text, Matter::Guard, Some(at as u64 + 1), "the rules of another moment");
    let verdict = checked(&text);
    assert!(
        verdict.findings.iter().any(|finding| finding.message.contains("judged before its step began")),
        "{verdict:#?}"
    );
}

#[test]
fn what_nobody_ordered_is_found() {
    let (text, order) = (rearranged(), "order_taken");
    let forged = Forged::of(text);
    let events = forged.events();
    let orders: Vec<usize> = (0..events.len()).filter(|at| events[*at]["kind"]["event"] == order).collect();
    assert!(!orders.is_empty(), "a person ordered something");
    let without_orders = without(events.clone(), |event, _| event == order);
    assert_found(
        &forged.written(without_orders),
        Matter::Order,
        None,
        "a person orders that, and nobody did",
    );
    let forged = Forged::of(text);
    let mut refused = events;
    for at in orders {
        refused[at]["kind"]["refused"] = json!("no");
    }
    assert_found(&forged.written(refused), Matter::Order, None, "said to have been refused");
}

#[test]
fn texts_and_facts_that_are_none_of_the_runs_are_found() {
    let mut forged = Forged::of(honest());
    let mut second = forged.0.texts[0].clone();
    second.text.push_str("# another one\n");
    second.digest = digest::of_text(&second.text);
    forged.0.texts.push(second);
    let events = forged.events();
    assert_found(&forged.written(events), Matter::Plan, None, "this is another one");
    let mut forged = Forged::of(honest());
    forged.0.facts.insert(digest::of_text("{}"), "{}".to_owned());
    let events = forged.events();
    assert_found(&forged.written(events), Matter::Bundle, None, "facts that no guard judged");
    // Figures that were left out.
    let mut forged = Forged::of(honest());
    forged.0.figures = None;
    assert_found(&forged.0.written(), Matter::Figures, None, "it says no figures, and some follow");
}
