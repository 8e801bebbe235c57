//! `plan` and `graph`, from the command line to the exit code.

use std::collections::HashSet;

use failback::cli::saved::Change;
use failback::cli::saved::SavedPlan;
use serde_json::Value;

use crate::estate;
use crate::estate::Estate;
use crate::estate::Vm;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

fn classic() -> Folder {
    Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)])
}

fn folder(world: &Estate) -> Folder {
    Folder::with(&[("p.plan.yaml", &world.plan_text()), ("estate.inventory.yaml", &world.inventory_text())])
}

fn json(folder: &Folder, plan: &str) -> Value {
    let ended = folder.run(&["plan", plan, "--format", "json"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    ended.json()
}

/// Digests differ with every change of the language, so they are not part of what is said here.
fn without_digest(ended: &Ended) -> String {
    let mut text = String::new();
    for line in ended.said().lines() {
        let line = line.find("sha256:").map_or(line, |at| &line[..at + 7]);
        text.push_str(line);
        text.push('\n');
    }
    text
}

#[test]
fn a_plan_is_told_in_ten_lines() {
    insta::assert_snapshot!(without_digest(&classic().run(&["plan", "classic.plan.yaml"])));
}

#[test]
fn verbose_lists_every_step_in_an_order_in_which_it_can_be_done() {
    let ended = classic().run(&["-v", "plan", "classic.plan.yaml"]);
    let (_, table) = ended.out.split_once("level").expect("there is a table");
    let rows: Vec<Vec<&str>> =
        table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(rows.len(), 47);
    let levels: Vec<u32> = rows.iter().map(|row| row[0].parse().expect("a level")).collect();
    assert!(levels.is_sorted());
    let row = |id: &str| {
        table.lines().find(|line| line.split_whitespace().nth(2) == Some(id)).expect("every step has a row")
    };
    assert!(row("reprotect/w1").ends_with("irreversible"));
    assert!(row("approve_commit/w1").ends_with("asks a person"));
    assert!(row("await_agent/w1").ends_with('m'), "{}", row("await_agent/w1"));
}

#[test]
fn what_a_plan_takes_for_granted_is_told() {
    let without = |keys: &[&str]| {
        let mut inventory = CLASSIC_INVENTORY.to_owned();
        for key in keys {
            assert!(inventory.contains(key), "{key}");
            inventory = inventory.replace(key, "");
        }
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", &inventory)])
    };
    let line = |folder: &Folder, head: &str| {
        let ended = folder.run(&["plan", "classic.plan.yaml"]);
        assert_eq!(ended.exit, 0, "{}", ended.said());
        let found = ended.out.lines().find(|line| line.trim_start().starts_with(head));
        found.unwrap_or_else(|| panic!("no {head}: {}", ended.out)).to_owned()
    };
    for head in ["classic", "data", "waves"] {
        assert!(!line(&classic(), head).contains("assumed"), "every fact is known");
    }
    let folder = without(&[", size_gb: 100", "    attached_disks: 3\n"]);
    let data = line(&folder, "data");
    let told = "(assumed: 8 disks have no size in the inventory, 100 GiB for each)";
    assert!(data.ends_with(told), "{data}");
    let waves = line(&folder, "waves");
    assert!(
        waves.ends_with("(assumed: nobody knows the disks attached to mtl, mtw, none are counted)"),
        "{waves}"
    );
    let assumed = &json(&folder, "classic.plan.yaml")["forecast"]["assumed"];
    assert_eq!(
        *assumed,
        serde_json::json!({
            "experience": false, "disks_without_size": 8, "machines_without_disks": 0, "disk_gib": 100,
            "servers_without_disks": ["mtl", "mtw"],
        })
    );
    // On paper, and in a drill that only looks whether the plan could be run.
    let lines = ["8 disks have no size in the inventory", "nobody knows the disks attached to mtl, mtw"];
    for format in ["runbook", "runbook-markdown"] {
        let paper = folder.run(&["report", "classic.plan.yaml", "--format", format]);
        for line in lines {
            assert!(paper.out.contains(line), "{}", paper.said());
        }
    }
    let promised = format!("{CLASSIC_PLAN}\nobjectives: {{rto: 100h}}\n");
    folder.write("classic.plan.yaml", promised.as_bytes());
    let drill = folder.run(&["drill", "classic.plan.yaml", "--kind", "readiness", "--format", "json"]);
    let result = drill.json();
    let reasons = result["reasons"].as_array().expect("a list");
    let reason = reasons.iter().find(|reason| reason["code"] == "forecast-assumed").expect("it is told");
    for line in lines {
        assert!(reason["message"].as_str().expect("a text").contains(line), "{reason}");
    }
}

#[test]
fn a_plan_without_facts_says_that_it_has_none() {
    let plan = "kind: RecoveryPlan\nversion: 1\nname: bare\nmachines: [lost1]\n";
    let ended = Folder::with(&[("p.plan.yaml", plan)]).run(&["plan", "p.plan.yaml"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    for told in [
        "classic (assumed: the vault's experience isn't known)",
        "100 GiB (assumed: 1 machine has no disks in the inventory, 100 GiB for each)",
        "1: all disks fit at once (assumed: 1 machine counted as one disk)",
        "with 100 GiB (assumed)",
    ] {
        assert!(ended.out.contains(told), "{told}: {}", ended.out);
    }
}

#[test]
fn a_vm_that_is_to_be_deleted_first_is_told_among_what_cannot_be_taken_back() {
    let plan = CLASSIC_PLAN.replace("  - name: w2", "  - {name: w2, failback: {delete_existing_vm: true}}");
    let folder = Folder::with(&[("classic.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["plan", "classic.plan.yaml"]);
    let told = "1 await_deletion (a person deletes the on-premises VM)";
    assert!(ended.out.contains(told), "{}", ended.said());
    let record = json(&folder, "classic.plan.yaml");
    let steps = record["steps"].as_array().expect("a list");
    let deletion = steps.iter().find(|step| step["kind"] == "await_deletion").expect("there is one");
    assert_eq!(deletion["irreversible"], true);
}

#[test]
fn the_json_has_the_shape_that_is_promised() {
    let record = json(&classic(), "classic.plan.yaml");
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().expect("a mapping").keys().cloned().collect() };
    assert_eq!(
        keys(&record),
        ["digest", "facts_digest", "forecast", "machines", "plan", "recovery_points", "steps", "version"]
    );
    assert_eq!((record["version"].as_u64(), record["plan"].as_str()), (Some(1), Some("classic")));
    let machine = &record["machines"][0];
    assert_eq!(machine["name"], "w1");
    assert_eq!(machine["location_mode"], "original");
    assert_eq!(machine["recovery_point"], serde_json::json!({"kind": "latest", "id": null, "at": null}));
    assert_eq!(machine["wave"], 1);
    let no_return = &machine["point_of_no_return"];
    assert_eq!(
        (&no_return["step"], &no_return["passed"]),
        (&Value::from("failover/w1"), &Value::from(false))
    );
    assert!(no_return["after"]["low_s"].as_u64() < no_return["after"]["high_s"].as_u64());
    assert!(machine["bytes"]["low"].as_u64() < machine["bytes"]["high"].as_u64());
    let step = record["steps"].as_array().expect("a list").iter().find(|step| step["id"] == "failover/w1");
    let step = step.expect("there is a failover");
    assert_eq!(
        keys(step),
        [
            "adopted",
            "after",
            "estimate",
            "id",
            "irreversible",
            "kind",
            "level",
            "needs_approval",
            "subject",
            "wave"
        ]
    );
    assert_eq!(step["after"], serde_json::json!(["recheck/w1"]));
    assert_eq!((&step["kind"], &step["subject"]), (&Value::from("failover"), &Value::from("w1")));
    let forecast = &record["forecast"];
    assert!(forecast["low_s"].as_u64() < forecast["high_s"].as_u64());
    assert_eq!(forecast["binding"]["kind"], "bandwidth");
    let ids: HashSet<&str> =
        record["steps"].as_array().expect("a list").iter().filter_map(|step| step["id"].as_str()).collect();
    for step in forecast["critical_path"].as_array().expect("a list") {
        assert!(ids.contains(step.as_str().expect("an id")));
    }
}

#[test]
fn a_digest_is_of_what_the_plan_says_and_not_of_how_it_is_written() {
    let digests = |plan: &str, inventory: &str| {
        let folder = Folder::with(&[("classic.plan.yaml", plan), ("classic.inventory.yaml", inventory)]);
        let record = json(&folder, "classic.plan.yaml");
        let digest = |key: &str| record[key].as_str().expect("a digest").to_owned();
        assert!(digest("digest").starts_with("sha256:") && digest("digest").len() == 71);
        (digest("digest"), digest("facts_digest"))
    };
    let plain = digests(CLASSIC_PLAN, CLASSIC_INVENTORY);
    let written_otherwise = CLASSIC_PLAN.replace("  - name: w1", "  # a comment\n  - {\"name\": \"w1\"}");
    assert_eq!(digests(&written_otherwise, CLASSIC_INVENTORY), plain);
    let other_plan = digests(
        &CLASSIC_PLAN.replace("commit: on_approval", "commit: on_approval\n  failover: on_approval"),
        CLASSIC_INVENTORY,
    );
    assert!(other_plan.0 != plain.0 && other_plan.1 == plain.1);
    let other_facts =
        digests(CLASSIC_PLAN, &CLASSIC_INVENTORY.replace("bandwidth_mbps: 1000", "bandwidth_mbps: 500"));
    assert!(other_facts.0 == plain.0 && other_facts.1 != plain.1);
}

#[test]
fn a_refused_plan_is_not_planned() {
    let world = Estate::classic([Vm::new("a")]).plan("waivers: [{rule: FB001, reason: because}]");
    let inventory = world.inventory_text().replace("migration_completed: false", "migration_completed: true");
    let folder = Folder::with(&[("p.plan.yaml", &world.plan_text()), ("estate.inventory.yaml", &inventory)]);
    for command in ["plan", "graph"] {
        let ended = folder.run(&[command, "p.plan.yaml"]);
        assert_eq!((ended.exit, ended.out.as_str()), (1, ""));
        assert!(ended.err.contains("error[FB001]"), "{}", ended.err);
    }
}

#[test]
fn a_file_must_hold_exactly_one_plan() {
    let folder = classic();
    let second = CLASSIC_PLAN.replace("name: classic", "name: other");
    folder.write("two.plan.yaml", format!("{CLASSIC_PLAN}---\n{second}").as_bytes());
    for (plan, says) in
        [("two.plan.yaml", "several plans"), ("classic.inventory.yaml", "no plan"), (".", "a folder")]
    {
        let ended = folder.run(&["plan", plan]);
        assert_eq!(ended.exit, 2, "{}", ended.said());
        assert!(ended.err.contains(says), "{}", ended.err);
    }
}

#[test]
fn a_saved_plan_is_bound_to_plan_and_facts() {
    let folder = classic();
    std::fs::create_dir(folder.path().join("saved")).expect("a folder can be made");
    let ended = folder.run(&["plan", "classic.plan.yaml", "-o", "saved/monday.json"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(ended.err.contains("failback run saved/monday.json"), "{}", ended.err);
    let text = std::fs::read_to_string(folder.path().join("saved/monday.json")).expect("it was saved");
    assert!(SavedPlan::is_it(&text));
    let saved = SavedPlan::parse(&text).expect("it is a saved plan");
    assert_eq!(saved.path.to_str(), Some("../classic.plan.yaml"));
    assert_eq!(saved.inventory, None);
    let whole: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(whole["steps"].as_array().map(Vec::len), Some(47));
    let model = |plan: &str, inventory: &str| estate::model(plan, inventory);
    assert_eq!(saved.changes(&model(CLASSIC_PLAN, CLASSIC_INVENTORY)), []);
    let plan = CLASSIC_PLAN.replace("recovery_point: latest", "recovery_point: app_consistent");
    assert_eq!(saved.changes(&model(&plan, CLASSIC_INVENTORY)), [Change::Plan]);
    let facts = CLASSIC_INVENTORY.replace("attached_disks: 3", "attached_disks: 4");
    assert_eq!(saved.changes(&model(CLASSIC_PLAN, &facts)), [Change::Facts]);
    assert_eq!(
        std::fs::read_dir(folder.path().join("saved")).expect("a folder").count(),
        1,
        "nothing else is left"
    );
    assert_eq!(folder.run(&["plan", "classic.plan.yaml", "-o", "nowhere/x.json"]).exit, 2);
}

#[test]
fn a_plan_that_is_under_way_says_what_is_done_already() {
    let world =
        Estate::classic([Vm::new("a").state("failed_back"), Vm::new("b").state("reprotecting_to_onprem")]);
    let ended = folder(&world).run(&["plan", "p.plan.yaml"]);
    assert!(
        ended.out.contains("2 reprotected, 1 protected to on-premises, 1 failed back"),
        "{}",
        ended.said()
    );
}

#[test]
fn waves_groups_and_objectives_are_told() {
    let mut world = Estate::classic((0..5).map(|number| Vm::new(format!("m{number}")).disks(20, 50)));
    world.group_keys = ", recovery_point: app_consistent".into();
    let world = world.group("db", &["m0", "m1"]).plan("objectives: {rto: 1m, rpo: 2h}");
    let text = folder(&world).run(&["plan", "p.plan.yaml"]).out;
    for says in [
        "5 machines in 1 replication group, classic",
        "db: app_consistent, loses up to 1h; 3 other machines: latest, loses up to 5m",
        "objective rpo 2h: kept",
        "objective rto 1m: missed",
        "3, one after another",
    ] {
        assert!(text.contains(says), "{says} is missing in\n{text}");
    }
}

#[test]
fn names_of_a_document_do_not_steer_the_terminal() {
    let world = Estate::classic([Vm::new("a")]);
    let plan = world.plan_text().replace("name: estate", "name: \"e\\u202etxt\"");
    let folder = Folder::with(&[("p.plan.yaml", &plan), ("estate.inventory.yaml", &world.inventory_text())]);
    let ended = folder.run(&["plan", "-v", "p.plan.yaml"]);
    assert!(ended.exit == 0 && !ended.out.contains('\u{202e}'), "{}", ended.said());
}

#[test]
fn a_graph_is_drawn_for_graphviz() {
    let ended = classic().run(&["graph", "classic.plan.yaml", "--format", "dot"]);
    assert_eq!(ended.exit, 0);
    assert!(ended.out.starts_with("digraph \"classic\" {") && ended.out.ends_with("}\n"), "{}", ended.out);
    assert!(ended.out.contains("\"reprotect/w1\" -> \"await_protected/w1\";"));
}

#[test]
fn each_machine_has_its_point_of_no_return_with_verbose() {
    let folder =
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["plan", "classic.plan.yaml", "-v"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let (_, list) = ended.out.split_once("no way back  from").expect("it is listed");
    for name in ["w1", "w2", "w3", "l1"] {
        let line = list.lines().find(|line| line.starts_with(name)).expect("each machine has a line");
        assert!(line.contains(&format!("failover/{name}  ")), "{line}");
    }
    let brief = folder.run(&["plan", "classic.plan.yaml"]);
    assert!(!brief.out.contains("no way back  from"), "{}", brief.said());
}

#[test]
fn a_saved_plan_replaces_nothing_but_a_saved_plan() {
    let folder = classic();
    let refused = folder.run(&["plan", "classic.plan.yaml", "-o", "classic.plan.yaml"]);
    assert_eq!(refused.exit, 2, "{}", refused.said());
    assert!(refused.err.contains("is no saved plan"), "{}", refused.err);
    for _ in 0..2 {
        let saved = folder.run(&["plan", "classic.plan.yaml", "-o", "saved.json"]);
        assert_eq!(saved.exit, 0, "{}", saved.said());
    }
}

#[test]
fn a_deadline_that_replication_cannot_keep_is_told_by_check_and_by_plan() {
    let told = |deadline: &str| {
        let plan = format!("{CLASSIC_PLAN}\nthresholds: {{reprotect_deadline: {deadline}}}\n");
        let folder = Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
        let checked = folder.run(&["check", "p.plan.yaml", "--format", "json"]).json();
        let findings = checked["findings"].as_array().expect("a list").clone();
        let found = findings.into_iter().find(|finding| finding["rule"] == "reprotect-deadline");
        let planned = folder.run(&["plan", "p.plan.yaml"]).out;
        let line = planned.lines().find(|line| line.contains("reprotect_deadline"));
        (found, line.map(|line| line.trim().to_owned()))
    };
    let (found, line) = told("10m");
    let found = found.expect("check tells of it");
    assert_eq!((&found["severity"], &found["state"]), (&"warning".into(), &"violated".into()));
    assert_eq!(found["location"]["column"], 34, "it points at what the plan says");
    let (message, line) = (found["message"].as_str().expect("a text"), line.expect("plan tells of it"));
    assert!(line.starts_with("expected time") && line.contains(message), "{line}: {message}");
    assert_eq!(told("48h"), (None, None));
    let plan = format!("{CLASSIC_PLAN}\nthresholds: {{reprotect_deadline: 10m}}\n");
    let folder = Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let heavy = ["check", "p.plan.yaml", "--fail-on", "warning", "--now", "2025-06-01T00:00:00Z"];
    assert_eq!(folder.run(&heavy).exit, 1);
    assert_eq!(folder.run(&heavy[..2]).exit, 0);
}
