//! Drills beside the runs of others: what somebody else began is neither taken back nor touched.

use serde_json::Value;
use serde_json::json;

use crate::cli_site::Site;
use crate::drill;
use crate::drill_live::CANCEL;
use crate::drill_live::approved_to_its_end;
use crate::drill_live::assert_evidence;
use crate::drill_live::confirmed;
use crate::drill_live::last;
use crate::drill_live::modernized;
use crate::drill_live::seen;
use crate::drill_live::sent;
use crate::evidence;

/// Runs the plan until the commit of l1 waits for its answer, and returns the run.
fn waiting_for_its_commit(site: &Site) -> String {
    let begun = site.run(&["run", "p.plan.yaml", "--provider", "azure", "--confirm", "modernized"]);
    assert_eq!(begun.exit, 4, "{}", begun.said());
    let approved = site.run(&["approve", "latest", "approve_failover/l1"]);
    assert_eq!(approved.exit, 0, "{}", approved.said());
    let waits = site.run(&["resume", "latest"]);
    assert_eq!(waits.exit, 4, "{}", waits.said());
    let shown = site.run(&["show", "latest", "--format", "json"]).json();
    let mut steps = shown["steps"].as_array().expect("steps").iter();
    let asked = steps.find(|step| step["id"] == "approve_commit/l1").expect("it is there");
    assert_eq!(asked["state"], "asked");
    shown["run"].as_str().expect("an id").to_owned()
}

#[test]
fn a_live_drill_does_not_begin_while_a_run_of_its_machine_waits_for_somebody() {
    let site = modernized(CANCEL);
    let run = waiting_for_its_commit(&site);
    let before = site.orders();
    let refused = site.run(&confirmed("modernized"));
    assert_eq!(refused.exit, 5, "{}", refused.said());
    for told in [format!("run {run} has not ended, and has l1"), format!("failback resume {run}")] {
        assert!(refused.err.contains(&told), "{told}: {}", refused.said());
    }
    assert_eq!(site.orders(), before, "{:?}", site.handle.counts());
    let row = last(&site);
    assert_eq!((&row["state"], &row["run"]), (&"failed".into(), &Value::Null));
    let runs = site.run(&["runs", "--format", "json"]).json();
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1), "it left nothing behind");
    // What waited goes on, and its end lets the drill begin.
    let committed = site.run(&["approve", "latest", "approve_commit/l1"]);
    assert_eq!(committed.exit, 0, "{}", committed.said());
    assert_eq!(approved_to_its_end(&site).exit, 0);
    let begun = site.run(&confirmed("modernized"));
    assert_ne!(begun.exit, 5, "{}", begun.said());
}

#[test]
fn a_failover_that_a_drill_did_not_begin_is_not_taken_back() {
    let site = modernized(&CANCEL.replace("[l1]", "[l1, w1]"));
    waiting_for_its_commit(&site);
    let before = sent(&site);
    // Of another state directory nothing is known: the site alone tells.
    let drill = |more: &[&str]| site.run(&[more, &["--state-dir", "other"]].concat());
    let begun = drill(&confirmed("modernized"));
    assert_eq!(begun.exit, 4, "w1 waits for its answer: {}", begun.said());
    let approved = drill(&["approve", "latest", "approve_failover/w1"]);
    assert_eq!(approved.exit, 0, "{}", approved.said());
    let ended = drill(&["resume", "latest"]);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    let [reprotects, planned, _, cancelled, committed] = sent(&site);
    assert_eq!([reprotects, planned], [before[0], before[1] + 1], "it did what it was to do for w1 alone");
    assert_eq!([cancelled, committed], [1, 0], "and took that back: {:?}", site.handle.counts());
    let l1 = seen(&site, "l1");
    assert!(l1.contains("state: failed_back"), "it waits for its owner as before: {l1}");
    assert!(seen(&site, "w1").contains("state: protected_to_onprem"));
    let report = drill(&["report", "latest", "--format", "json"]).json();
    assert_eq!(report["drill"]["verdict"], "failed");
    let told = "l1 has failed over already, and not by this drill";
    assert!(report["reasons"].to_string().contains(told), "{:#}", report["reasons"]);
    // Its owner commits it.
    let committed = site.run(&["approve", "latest", "approve_commit/l1"]);
    assert_eq!(committed.exit, 0, "{}", committed.said());
    let _ = site.run(&["resume", "latest"]);
    assert_eq!(sent(&site)[4], 1);
}

#[test]
fn a_rehearsal_says_what_a_live_drill_would_do() {
    let folder = drill::modernized("drills:\n  - {name: taste, kind: rehearsal, finish: cancel}\n");
    let path = folder.path().join("modernized.inventory.yaml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let (others, l1) = text.split_once("  - name: l1\n").expect("it is there");
    let l1 = l1.replacen("state: failed_over_committed", "state: failed_back", 1);
    let l1 = l1.replacen("active_site: azure", "active_site: onprem", 1);
    let l1 = l1.replacen("      power_state: running", "      power_state: deallocated", 1);
    let l1 = l1.replacen("      power_state: stopped", "      power_state: running", 1);
    let changed = format!("{others}  - name: l1\n{l1}");
    assert_ne!(changed, text);
    folder.write("modernized.inventory.yaml", changed.as_bytes());
    let ended = folder.run(&["drill", "p.plan.yaml", "--format", "json"]);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    let result = ended.json();
    assert_eq!(result["verdict"], "failed");
    let reasons = result["reasons"].to_string();
    assert!(reasons.contains("l1 has failed over already, and not by this drill"), "{reasons}");
    let events = folder.run(&["logs", "latest", "--events"]).out;
    let cancelled: Vec<&str> = events.lines().filter(|line| line.contains("\"cancel_failover\"")).collect();
    assert!(!cancelled.is_empty(), "what it began itself is taken back");
    assert!(cancelled.iter().all(|line| !line.contains("\"l1\"")), "{cancelled:?}");
}

#[test]
fn evidence_in_which_a_drill_takes_back_what_it_did_not_begin_is_refuted() {
    let site = modernized(CANCEL);
    let begun = site.run(&confirmed("modernized"));
    assert_eq!(begun.exit, 4, "{}", begun.said());
    assert_eq!(approved_to_its_end(&site).exit, 0);
    assert_evidence(&site);
    let text = std::fs::read_to_string(site.folder.path().join("drill.jsonl")).expect("it is there");
    // As if the failover had been there already when the drill came to it.
    let instead = |text: &str, kind: &str, other: Value| {
        evidence::rewritten(text, kind, &|event| {
            if event["kind"]["step"] == "failover/l1" {
                event["kind"] = other.clone();
            }
        })
    };
    let step = "failover/l1";
    let waits = json!({"event": "step_waiting", "step": step, "reason": "it is looked at", "deadline": null});
    let adopted =
        json!({"event": "step_adopted", "step": step, "because": "the machine has failed back already"});
    let forged = instead(&text, "intent_recorded", waits.clone());
    let forged = instead(&forged, "operation_accepted", waits);
    let forged = instead(&forged, "step_succeeded", adopted);
    let refuted = |forged: &str, told: &str| {
        site.folder.write("forged.jsonl", forged.as_bytes());
        let verified = site.run(&["evidence", "verify", "forged.jsonl"]);
        assert!(verified.exit == 1 && verified.out.contains(told), "{told}: {}", verified.said());
    };
    refuted(&forged, "commit/l1: it can't follow");
    // And as if its verification had asked for that.
    let asked = evidence::rewritten(&forged, "step_succeeded", &|event| {
        if event["kind"]["step"] == "verify/l1" {
            event["kind"] = json!({
                "event": "intent_recorded", "step": "verify/l1", "attempt": 1, "key": "k",
                "request": {"request": "cancel_failover", "machine": "l1"},
            });
        }
    });
    refuted(&asked, "would take back the failover of l1, which the site never took on for this run");
}
