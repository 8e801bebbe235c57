//! Live drills from the command line to their evidence, at a site on the loopback whose time stands still.

use failback::journal::Database;
use failback::journal::StateDir;
use serde_json::Value;

use crate::cli_site::Site;
use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::support::Ended;
use crate::support::Folder;
use crate::support::inventory;

pub const CANCEL: &str = "drills:\n  - {name: taste, kind: live, machines: [l1], finish: cancel}\n";
const DRILL: [&str; 6] = ["drill", "p.plan.yaml", "--provider", "azure", "--format", "json"];

/// The modernized site, and its plan with what a test adds.
pub fn modernized(more: &str) -> Site {
    let plan =
        MODERNIZED.0.replace("  commit: on_approval", "  failover: on_approval\n  commit: on_approval");
    assert_ne!(plan, MODERNIZED.0);
    let facts = MODERNIZED.1.replace("observed_at: 2026-11-01T", "observed_at: 2025-06-01T");
    let plan = format!("{plan}\n{more}");
    let files = [("p.plan.yaml", plan.as_str()), ("modernized.inventory.yaml", &facts)];
    Site::in_folder(Folder::with(&files), inventory(&facts))
}

pub fn confirmed(name: &str) -> Vec<&str> {
    [&DRILL[..], &["--confirm", name]].concat()
}

/// Answers every question of the latest run with yes and goes on, until it waits for no answer.
pub fn approved_to_its_end(site: &Site) -> Ended {
    for _ in 0..12 {
        let approved = site.run(&["approve", "latest", "--all"]);
        assert_eq!(approved.exit, 0, "{}", approved.said());
        let ended = site.run(&["resume", "latest"]);
        if ended.exit != 4 {
            return ended;
        }
    }
    panic!("it asks and asks");
}

/// Returns how many requests of each verb were sent: reprotect, either failover, its cancellation, commit.
pub fn sent(site: &Site) -> [u64; 5] {
    let counts = site.handle.counts();
    let verbs =
        ["/reProtect", "/plannedFailover", "/unplannedFailover", "/failoverCancel", "/failoverCommit"];
    verbs.map(|verb| {
        let of_verb = counts.iter().filter(|(kind, _)| kind.starts_with("POST") && kind.ends_with(verb));
        of_verb.map(|(_, count)| count).sum()
    })
}

/// Returns the last drill as it is listed.
pub fn last(site: &Site) -> Value {
    let listed = site.run(&["drills", "p.plan.yaml", "--format", "json"]);
    assert_eq!(listed.exit, 0, "{}", listed.said());
    listed.json()["drills"][0]["last"].clone()
}

/// Returns the last drill as it is listed, and its report.
fn result(site: &Site) -> Value {
    let last = last(site);
    let id = last["id"].as_str().expect("there was one");
    let report = site.run(&["report", id, "--format", "json"]);
    assert_eq!(report.exit, 0, "{}", report.said());
    serde_json::json!({"last": last, "report": report.json()})
}

/// Returns what the vault tells of a machine.
pub fn seen(site: &Site, machine: &str) -> String {
    let base =
        if site.folder.path().join("classic.inventory.yaml").exists() { "classic" } else { "modernized" };
    let pulled = site.run(&["inventory", "pull", "--base", &format!("{base}.inventory.yaml")]);
    assert_eq!(pulled.exit, 0, "{}", pulled.said());
    let text = pulled.out.split(&format!("- name: {machine}\n")).nth(1).expect("it is told");
    text.split("\n- name: ").next().unwrap_or(text).to_owned()
}

/// Exports the evidence of the latest run, and verifies it.
pub fn assert_evidence(site: &Site) {
    let exported = site.run(&["evidence", "export", "latest", "-o", "drill.jsonl"]);
    assert_eq!(exported.exit, 0, "{}", exported.said());
    let verified = site.run(&["evidence", "verify", "drill.jsonl", "--format", "json"]);
    assert_eq!(verified.exit, 0, "{}", verified.said());
    let text = std::fs::read_to_string(site.folder.path().join("drill.jsonl")).expect("it is there");
    let changed = text.replacen("approval_given", "approval_refused", 1);
    assert_ne!(changed, text, "somebody approved");
    site.folder.write("changed.jsonl", changed.as_bytes());
    assert_eq!(site.run(&["evidence", "verify", "changed.jsonl"]).exit, 1);
}

#[test]
fn a_live_drill_that_ends_by_cancelling_moves_its_machine_alone_and_leaves_it_in_azure() {
    let site = modernized(CANCEL);
    let before = seen(&site, "w1");
    let begun = site.run(&confirmed("modernized"));
    assert_eq!(begun.exit, 4, "{}", begun.said());
    assert!(begun.err.contains("machines      1: l1\n"), "{}", begun.said());
    assert!(begun.err.contains("failback resume"), "{}", begun.said());
    assert_eq!(sent(&site)[1], 0, "nobody has approved the failover");
    let ended = approved_to_its_end(&site);
    assert_eq!(ended.exit, 0, "the drill has passed, although its run was cancelled: {}", ended.said());
    assert_eq!(sent(&site), [1, 1, 0, 1, 0], "{:?}", site.handle.counts());
    let l1 = seen(&site, "l1");
    assert!(l1.contains("state: protected_to_onprem") && l1.contains("active_site: azure"), "{l1}");
    let azure = l1.split("azure_vm:").nth(1).expect("it is told");
    assert!(azure.contains("power_state: running"), "it runs in Azure: {l1}");
    assert_eq!(seen(&site, "w1"), before, "it is not in the drill");
    let shown = site.run(&["show", "latest", "--format", "json"]).json();
    assert_eq!(shown["state"], "cancelled");
    let of = |kind: &str| {
        let steps = shown["steps"].as_array().expect("steps").iter();
        steps.filter(|step| step["kind"] == kind).map(|step| step["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("verify"), ["succeeded"], "it was verified before it was taken back");
    let result = result(&site);
    assert_eq!(
        (&result["last"]["state"], &result["report"]["drill"]["verdict"]),
        (&"passed".into(), &"passed".into())
    );
    assert_eq!(result["report"]["objectives"]["rpo"]["measured_s"], 0, "the planned failover lost nothing");
    assert_evidence(&site);
    let coverage = site.run(&["coverage", "p.plan.yaml", "--kind", "rehearsal", "--format", "json"]).json();
    let step = |name: &str| {
        let mut steps = coverage["of_steps"].as_array().expect("steps").iter();
        steps.find(|step| step["step"] == name).expect("it is there")["state"].clone()
    };
    assert_eq!((step("failover/l1"), step("failover/w1")), ("exercised".into(), "never".into()));
}

/// When it dies once more, that is news to whoever was told of the first time.
#[test]
fn whoever_goes_on_with_a_drill_takes_away_that_its_stop_was_told() {
    let site = modernized(CANCEL);
    let begun = site.run(&confirmed("modernized"));
    assert_eq!(begun.exit, 4, "{}", begun.said());
    let state = StateDir::create(&site.folder.path().join(".failback")).expect("it is there");
    let mut database = Database::open(&state.database()).expect("it is there");
    let drill = database.drills().expect("read").remove(0);
    database.stop_was_told(&drill.id, drill.began_at).expect("it is there");
    let again = site.run(&["resume", "latest"]);
    assert_eq!(again.exit, 4, "nobody has answered: {}", again.said());
    assert!(database.told_stops().expect("read").is_empty());
}

#[test]
fn nobody_has_a_machine_committed_whose_failover_is_to_be_taken_back() {
    let site = modernized(&CANCEL.replace("[l1]", "[l1, w1]"));
    let begun = site.run(&confirmed("modernized"));
    assert_eq!(begun.exit, 4, "{}", begun.said());
    assert!(begun.err.contains("nothing is committed, and the failovers are taken back"), "{}", begun.said());
    let one = site.run(&["approve", "latest", "approve_failover/l1"]);
    assert_eq!(one.exit, 0, "{}", one.said());
    // The one that is verified asks nothing, and holds nobody who waits for the other.
    let waits = site.run(&["resume", "latest"]);
    assert_eq!(waits.exit, 4, "{}", waits.said());
    let shown = site.run(&["show", "latest", "--format", "json"]).json();
    let state = |name: &str| {
        let mut steps = shown["steps"].as_array().expect("steps").iter();
        steps.find(|step| step["id"] == name).expect("it is there")["state"].clone()
    };
    assert_eq!((state("verify/l1"), state("approve_commit/l1")), ("succeeded".into(), "running".into()));
    assert_eq!(state("approve_failover/w1"), "asked");
    let committed = site.run(&["approve", "latest", "approve_commit/l1"]);
    assert_ne!(committed.exit, 0, "{}", committed.said());
    let ended = approved_to_its_end(&site);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_eq!(sent(&site), [2, 2, 0, 2, 0], "{:?}", site.handle.counts());
    assert!(ended.said().contains("2 taken back: w1, l1"), "{}", ended.said());
    let report = site.run(&["report", "latest", "--format", "markdown"]).out;
    assert!(
        report.contains("2 of 2 machines came up on-premises, were verified, and were taken back;"),
        "{report}"
    );
    assert_evidence(&site);
    // Evidence in which one was committed all the same is none of such a run.
    let text = std::fs::read_to_string(site.folder.path().join("drill.jsonl")).expect("it is there");
    let forged = crate::evidence::rewritten(&text, "intent_recorded", &|event| {
        let request = &mut event["kind"]["request"];
        if request["request"] == "cancel_failover" {
            *request = serde_json::json!({"request": "commit", "machines": [request["machine"]], "recovery_plan": null});
        }
    });
    site.folder.write("forged.jsonl", forged.as_bytes());
    let verified = site.run(&["evidence", "verify", "forged.jsonl"]);
    assert!(verified.exit == 1 && verified.out.contains("would commit"), "{}", verified.said());
}

#[test]
fn a_classic_live_drill_brings_exactly_its_machines_home() {
    let plan = CLASSIC.0.replace("defaults:\n", "defaults:\n  failover: on_approval\n");
    assert_ne!(plan, CLASSIC.0);
    let plan = format!("{plan}\ndrills:\n  - {{name: taste, kind: live, machines: [w2]}}\n");
    let files = [("p.plan.yaml", plan.as_str()), ("classic.inventory.yaml", CLASSIC.1)];
    let site = Site::in_folder(Folder::with(&files), inventory(CLASSIC.1));
    let before = seen(&site, "w1");
    let begun = site.run(&confirmed("classic"));
    assert_eq!(begun.exit, 4, "{}", begun.said());
    let ended = approved_to_its_end(&site);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_eq!(sent(&site), [2, 0, 1, 0, 1], "{:?}", site.handle.counts());
    assert!(seen(&site, "w2").contains("state: protected_to_azure"));
    assert_eq!(seen(&site, "w1"), before, "it is not in the drill");
    let result = result(&site);
    assert_eq!(result["last"]["state"], "passed", "{result}");
    let machines = result["report"]["machines"].as_array().expect("a list");
    assert_eq!(machines.iter().map(|of| of["subject"].clone()).collect::<Vec<_>>(), ["w2"]);
    assert_evidence(&site);
}

#[test]
fn without_an_approval_or_the_plans_name_nothing_is_changed() {
    let site = modernized(CANCEL);
    let ended = site.run(&DRILL);
    assert_eq!(ended.exit, 2, "{}", ended.said());
    assert!(ended.err.contains("--confirm 'modernized'"), "{}", ended.said());
    let text = std::fs::read_to_string(site.folder.path().join("p.plan.yaml")).expect("it is there");
    site.folder.write("p.plan.yaml", text.replace("failover: on_approval", "failover: automatic").as_bytes());
    let ended = site.run(&DRILL);
    assert_eq!(ended.exit, 1, "{}", ended.said());
    assert!(ended.err.contains("nobody would be asked before l1 is moved"), "{}", ended.said());
    assert_eq!(site.orders(), 0);
    assert_eq!(last(&site)["state"], "failed", "that it could not be carried out is kept");
}

/// Runs the whole plan at a site over HTTP, and returns the report of that.
fn report_of(site: &Site, name: &str) -> Value {
    let run = ["run", "p.plan.yaml", "--provider", "azure", "--auto-approve", "--confirm", name];
    let ended = site.run(&run);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let report = site.run(&["report", "latest", "--format", "json"]);
    assert_eq!(report.exit, 0, "{}", report.said());
    report.json()
}

/// Returns the points that machines went to, as the report of a run tells them.
fn points(report: &Value) -> Vec<Value> {
    let machines = report["timeline"]["machines"].as_array().expect("a list");
    machines.iter().map(|machine| machine["point"].clone()).collect()
}

#[test]
fn a_planned_failover_over_http_lost_nothing_and_the_objective_is_told() {
    let site = modernized("objectives: {rto: 8h, rpo: 15m}\n");
    let report = report_of(&site, "modernized");
    let rpo = &report["objectives"]["rpo"];
    assert_eq!((&rpo["measured_s"], &rpo["kept"]), (&0.into(), &"kept".into()), "{report:#}");
    assert!(points(&report).iter().all(|point| point["at"].is_string()), "{report:#}");
    assert_eq!(report["verdict"], "passed", "{:#}", report["reasons"]);
}

#[test]
fn what_a_classic_failover_over_http_lost_is_at_most_what_its_item_told() {
    let plan = format!("{}\nobjectives: {{rto: 8h, rpo: 15m}}\n", CLASSIC.0);
    let files = [("p.plan.yaml", plan.as_str()), ("classic.inventory.yaml", CLASSIC.1)];
    let site = Site::in_folder(Folder::with(&files), inventory(CLASSIC.1));
    let report = report_of(&site, "classic");
    let rpo = &report["objectives"]["rpo"];
    // Points are made every five minutes.
    assert!(rpo["measured_s"].as_u64().is_some_and(|seconds| (1..=330).contains(&seconds)), "{rpo}");
    assert_eq!(rpo["kept"], "kept");
    assert!(points(&report).iter().all(|point| point["at"].is_string()), "{report:#}");
}

#[test]
fn the_job_of_a_recovery_plan_tells_to_which_points_a_group_went() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plans").join(name);
        std::fs::read_to_string(path).expect("the example is there")
    };
    let (plan, facts) = (read("branch-office.plan.yaml"), read("branch-office.inventory.yaml"));
    let files = [("p.plan.yaml", plan.as_str()), ("branch-office.inventory.yaml", &facts)];
    let site = Site::in_folder(Folder::with(&files), inventory(&facts));
    let report = report_of(&site, "branch-office");
    assert_eq!(report["objectives"]["rpo"]["kept"], "kept", "{:#}", report["objectives"]);
    let told = points(&report);
    assert!(told.iter().all(|point| point["at"].is_string()), "{told:#?}");
    let by_job = told.iter().filter(|point| point["id"].is_string()).count();
    assert_eq!(by_job, 2, "the two members of the group: {told:#?}");
}
