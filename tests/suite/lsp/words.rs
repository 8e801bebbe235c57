//! What an editor is told about a word: documentation, proposals, where it is written, the outline.

use super::*;

fn labels(completion: &Value) -> Vec<&str> {
    let items = completion.as_array().expect("a list").iter();
    items.map(|item| item["label"].as_str().expect("a label")).collect()
}

#[test]
fn keys_words_rules_and_names_are_explained() {
    let site = site();
    let mut editor = Editor::new();
    let waiver = "waivers:\n  - {rule: FB6§03, of: [w1], reason: x}\n";
    for (marked, wanted) in [
        (
            CLASSIC_PLAN.replace("location: auto", "loc§ation: auto"),
            "Where the machine is expected to come back",
        ),
        (CLASSIC_PLAN.replace("location: auto", "location: au§to"), "Whatever follows from the facts"),
        (CLASSIC_PLAN.replace("datastore: vmfs1", "datastore: vm§fs1"), "file system: vmfs"),
        (CLASSIC_PLAN.replace("name: w2", "name: w§2"), "operating system: windows"),
        (format!("{CLASSIC_PLAN}{waiver}"), "FB603"),
        // What a finding is about is told where it is shown, beside what the word means.
        (
            CLASSIC_PLAN.replace("name: w2", "name: w2\n    failback: {master_target: m§tl}"),
            "**FB201 mt-os-family-mismatch**",
        ),
        (
            CLASSIC_PLAN.replace("name: w2", "name: w2\n    failback: {master_target: m§tl}"),
            "operating system: linux",
        ),
        // A half-written line above does not keep anybody from reading.
        (
            CLASSIC_PLAN.replace("defaults:", "defaul: [\ndefaults:").replace("failback: {", "fail§back: {"),
            "**failback**",
        ),
    ] {
        let (text, place) = cursor(&marked);
        editor.open(&site.plan, &text);
        let hover = editor.ask_at("textDocument/hover", &site.plan, place);
        let value = hover["contents"]["value"].as_str().unwrap_or("nothing");
        assert!(value.contains(wanted), "{wanted}: {value}");
    }
    let (text, place) = cursor(&CLASSIC_PLAN.replace("version: 1", "version: 1 §"));
    editor.open(&site.plan, &text);
    assert_eq!(editor.ask_at("textDocument/hover", &site.plan, place), Value::Null);
    assert_eq!(editor.ask_at("textDocument/hover", "file:///not/open.yaml", (0, 0)), Value::Null);
    assert_eq!(editor.ask_at("textDocument/hover", &site.plan, (9999, 9999)), Value::Null);
}

#[test]
fn what_may_be_written_is_proposed_also_in_a_text_that_does_not_parse() {
    let site = site();
    let mut editor = Editor::new();
    let machines = |line: &str| CLASSIC_PLAN.replace("  - name: w3\n", &format!("  - name: w3\n{line}\n"));
    for (marked, wanted, unwanted) in [
        (machines("    dep§"), &["depends_on", "verify"][..], &["name", "machines"][..]),
        (machines("    §"), &["depends_on"], &["name"]),
        (machines("    failback: {mas§"), &["master_target", "datastore"], &["name"]),
        (machines("    failback:\n      location:§"), &["auto", "original"], &["mtw"]),
        (machines("    failback: {master_target: §"), &["mtw", "mtl"], &["vmfs1", "w1"]),
        (machines("    failback:\n      datastore: \"§"), &["vmfs1", "vsan1"], &["mtw"]),
        (machines("    depends_on: [w1, §"), &["w2", "l1"], &["w1", "mtw"]),
        (CLASSIC_PLAN.replace("  - name: l1\n", "  - §\n"), &["l1", "name"], &["w1", "mtw"]),
        (machines("  -§"), &["name"], &[]),
        (
            CLASSIC_PLAN.replace("inventory: classic.inventory.yaml", "inventory: §"),
            &["classic.inventory.yaml"],
            &[],
        ),
        (format!("{CLASSIC_PLAN}waivers:\n  - rule: FB§"), &["FB606", "FB208", "FB803"], &["FB001", "FB205"]),
        (format!("{CLASSIC_PLAN}exec§"), &["execution", "drills"], &["machines"]),
        (format!("{CLASSIC_PLAN}execution: {{mode: §"), &["attended", "unattended"], &[]),
        ("ki§".to_owned(), &["kind"], &["datastore"]),
        ("kind: §".to_owned(), &["RecoveryPlan", "Inventory", "Policy", "Settings"], &[]),
    ] {
        let (text, place) = cursor(&marked);
        editor.open(&site.plan, &text);
        let proposed = editor.ask_at("textDocument/completion", &site.plan, place);
        let labels = labels(&proposed);
        for label in wanted {
            assert!(labels.contains(label), "{label} at {place:?} in\n{text}\n{labels:?}");
        }
        for label in unwanted {
            assert!(!labels.contains(label), "{label} at {place:?} in\n{text}\n{labels:?}");
        }
    }
    let (text, place) = cursor(&CLASSIC_PLAN.replace("version: 1", "version: 1 # no §"));
    editor.open(&site.plan, &text);
    assert_eq!(editor.ask_at("textDocument/completion", &site.plan, place), json!([]));
}

#[test]
fn a_proposal_takes_the_place_of_what_was_begun() {
    let site = site();
    let mut editor = Editor::new();
    for (marked, label, wanted) in [
        ("x-메모: \"서울 🐟\"\nmach§", "machines", "x-메모: \"서울 🐟\"\nmachines:"),
        ("defaults: {failback: {location:§}}", "auto", "defaults: {failback: {location: auto}}"),
        (
            "defaults: {failback: {datastore: \"vm§\"}}",
            "vmfs1",
            "defaults: {failback: {datastore: \"vmfs1\"}}",
        ),
        ("defaults: {failback: {datastore: \"vm§", "vmfs1", "defaults: {failback: {datastore: \"vmfs1\""),
        ("ow§ner: x", "owner", "owner: x"),
    ] {
        let start = "kind: RecoveryPlan\ninventory: classic.inventory.yaml\n";
        let (text, place) = cursor(&format!("{start}{marked}\n"));
        editor.open(&site.plan, &text);
        let proposed = editor.ask_at("textDocument/completion", &site.plan, place);
        let item = proposed
            .as_array()
            .expect("a list")
            .iter()
            .find(|item| item["label"] == label)
            .expect("proposed");
        assert_eq!(edited(&text, &json!([item["textEdit"]])), format!("{start}{wanted}\n"));
    }
}

#[test]
fn a_name_leads_to_what_has_it() {
    let site = site();
    let mut editor = Editor::new();
    let group = "replication_groups:\n  - {name: wg, machines: [w1, w2]}\n";
    let plan = format!("{CLASSIC_PLAN}{group}");
    for (from, to, wanted) in [
        ("datastore: vm§fs1", "datastore: vmfs1", Some((&site.inventory, "vmfs1"))),
        ("  - name: w§3", "  - name: w3", Some((&site.inventory, "w3"))),
        ("inventory: cla§ssic", "inventory: classic", Some((&site.inventory, ""))),
        ("location: au§to", "location: auto", None),
    ] {
        let (text, place) = cursor(&plan.replace(to, from));
        editor.open(&site.plan, &text);
        let found = editor.ask_at("textDocument/definition", &site.plan, place);
        match wanted {
            None => assert_eq!(found, json!([])),
            Some((uri, name)) => {
                assert_eq!(found[0]["uri"], **uri);
                assert_eq!(slice(CLASSIC_INVENTORY, &found[0]["range"]), name);
            }
        }
    }
    let depends = "  - {name: w3, depends_on: [w§g]}\n";
    let (text, place) = cursor(&plan.replace("  - name: w3\n", depends));
    editor.open(&site.plan, &text);
    let found = editor.ask_at("textDocument/definition", &site.plan, place);
    assert_eq!(found[0]["uri"], site.plan);
    assert!(text[offset(&text, &found[0]["range"]["start"])..].starts_with("wg, machines"));
}

#[test]
fn an_outline_names_what_lists_hold() {
    let site = site();
    let mut editor = Editor::new();
    editor.open(&site.plan, CLASSIC_PLAN);
    let symbols = editor.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": site.plan}}));
    let machines =
        symbols["result"].as_array().expect("a list").iter().find(|symbol| symbol["name"] == "machines");
    let names: Vec<&Value> = machines.expect("there")["children"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|child| &child["name"])
        .collect();
    assert_eq!(names, ["w1", "w2", "w3", "l1"]);
}
