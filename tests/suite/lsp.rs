//! The language server: whole sessions over pipes, with right and wrong input.

use failback::lsp::Encoding;
use failback::lsp::Settings;
use failback::lsp::Workspace;
use serde_json::Value;
use serde_json::json;

use crate::editor::Editor;
use crate::editor::cursor;
use crate::editor::edited;
use crate::editor::offset;
use crate::editor::uri_of;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// A folder whose name needs escapes, with a healthy plan and its inventory.
struct Site {
    folder: Folder,
    plan: String,
    inventory: String,
}

const PLAN: &str = "서울 복구/a plan.plan.yaml";
const INVENTORY: &str = "서울 복구/classic.inventory.yaml";

fn site() -> Site {
    let folder = Folder::with(&[(PLAN, CLASSIC_PLAN), (INVENTORY, CLASSIC_INVENTORY)]);
    let path = folder.path().canonicalize().expect("it is there");
    Site { plan: uri_of(&path.join(PLAN)), inventory: uri_of(&path.join(INVENTORY)), folder }
}

fn codes(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|diagnostic| diagnostic["code"].as_str().expect("a code")).collect()
}

fn errors(diagnostics: &[Value]) -> Vec<&Value> {
    diagnostics.iter().filter(|diagnostic| diagnostic["severity"] == 1).collect()
}

fn slice<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[offset(text, &range["start"])..offset(text, &range["end"])]
}

fn labels(completion: &Value) -> Vec<&str> {
    let items = completion.as_array().expect("a list").iter();
    items.map(|item| item["label"].as_str().expect("a label")).collect()
}

#[test]
fn a_typing_mistake_is_shown_while_it_is_there_and_a_fix_is_offered() {
    let site = site();
    let mut editor = Editor::new();
    editor.open(&site.plan, CLASSIC_PLAN);
    assert!(errors(&editor.diagnostics(&site.plan, 1)).is_empty());

    let text =
        CLASSIC_PLAN.replace("  - name: w3\n", "  - {name: w3, x-메모: \"서울 🐟\", depend_on: [w1]}\r\n");
    editor.change(&site.plan, 2, None, &text);
    let told = editor.diagnostics(&site.plan, 2);
    assert_eq!(codes(&told), ["unknown-key"]);
    let range = &told[0]["range"];
    assert_eq!(slice(&text, range), "depend_on");
    assert!(told[0]["message"].as_str().expect("a text").contains("did you mean `depends_on`?"));

    let params =
        json!({"textDocument": {"uri": site.plan}, "range": range, "context": {"diagnostics": told}});
    let actions = editor.ask("textDocument/codeAction", params)["result"].clone();
    assert_eq!(actions[0]["title"], "Change to `depends_on`");
    let context = json!({"diagnostics": told, "only": ["source.organizeImports"]});
    let params = json!({"textDocument": {"uri": site.plan}, "range": range, "context": context});
    assert_eq!(editor.ask("textDocument/codeAction", params)["result"], json!([]));
    let fixed = edited(&text, &actions[0]["edit"]["changes"][&site.plan]);
    assert_eq!(fixed, text.replace("depend_on", "depends_on"));

    // The same change, made where the letters are.
    editor.change(&site.plan, 3, Some(range.clone()), "depends_on");
    assert!(errors(&editor.diagnostics(&site.plan, 3)).is_empty());
    editor.tell("textDocument/didClose", json!({"textDocument": {"uri": site.plan}}));
    let cleared = editor.until(|message| message["params"]["uri"] == site.plan.as_str());
    assert_eq!(cleared["params"]["diagnostics"], json!([]));
}

#[test]
fn columns_count_bytes_for_an_editor_that_offers_it() {
    for (encodings, agreed, column) in
        [(&["utf-16"][..], "utf-16", 10), (&["utf-16", "utf-8"], "utf-8", 12), (&[], "utf-16", 10)]
    {
        let (mut editor, begun) = Editor::with_encodings(encodings);
        assert_eq!(begun["capabilities"]["positionEncoding"], agreed);
        editor.open("untitled:a.plan.yaml", "x-a: 1\n서울🐟: {}\nkind: RecoveryPlan\n\"x-\": [가, *b]\n");
        let told = editor.diagnostics("untitled:a.plan.yaml", 1);
        let alias = told.iter().find(|found| found["code"] == "unknown-alias").expect("reported");
        let start = &alias["range"]["start"];
        assert_eq!((&start["line"], &start["character"]), (&json!(3), &json!(column)));
    }
}

#[test]
fn places_are_right_behind_a_mark_and_with_any_line_ending() {
    for (mark, ending) in [("", "\n"), ("", "\r\n"), ("\u{feff}", "\r\n")] {
        let mut editor = Editor::new();
        let text =
            format!("{mark}kind: RecoveryPlan\nversion: 1\nname: 서울\n가나: [1]\n").replace('\n', ending);
        editor.open("untitled:a.plan.yaml", &text);
        let told = editor.diagnostics("untitled:a.plan.yaml", 1);
        assert_eq!(codes(&told), ["unknown-key"], "{told:?}");
        assert_eq!(
            told[0]["range"],
            json!({"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 2}})
        );
        let hover = editor.ask_at("textDocument/hover", "untitled:a.plan.yaml", (0, mark.len() / 3 + 2));
        assert_eq!(hover["range"]["start"], json!({"line": 0, "character": mark.len() / 3}));
    }
}

#[test]
fn names_that_nothing_has_are_reported_with_the_name_that_was_meant() {
    let site = site();
    let mut editor = Editor::new();
    let text = CLASSIC_PLAN.replace("datastore: vmfs1", "datastore: \"vmsf1\"");
    editor.open(&site.plan, &text);
    let told = editor.diagnostics(&site.plan, 1);
    let unknown = told.iter().find(|found| found["code"] == "FB500").expect("reported");
    assert_eq!(slice(&text, &unknown["range"]), "\"vmsf1\"");
    let params = json!({"textDocument": {"uri": site.plan}, "range": unknown["range"], "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", params)["result"].clone();
    let fixed = edited(&text, &actions[0]["edit"]["changes"][&site.plan]);
    assert_eq!(fixed, text.replace("\"vmsf1\"", "\"vmfs1\""));
}

#[test]
fn a_waiver_that_is_inserted_asks_for_its_reason_and_counts_once_it_has_one() {
    let site = site();
    let mut editor = Editor::new();
    let text = CLASSIC_PLAN.replace("recovery_point: latest", "recovery_point: app_consistent");
    editor.open(&site.plan, &text);
    editor.diagnostics(&site.plan, 1);
    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let params = json!({"textDocument": {"uri": site.plan}, "range": whole, "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", params)["result"].clone();
    let actions = actions.as_array().expect("a list");
    let waive = actions
        .iter()
        .find(|action| action["title"].as_str().is_some_and(|title| title.starts_with("Waive")));
    let waive = waive.expect("something may be accepted");
    let rule = waive["diagnostics"][0]["code"].as_str().expect("a rule").to_owned();
    let place = waive["diagnostics"][0]["range"].clone();

    let text = edited(&text, &waive["edit"]["changes"][&site.plan]);
    assert!(text.contains(&format!("waivers:\n  - rule: {rule}\n    of: [")), "{text}");
    editor.change(&site.plan, 2, None, &text);
    let told = editor.diagnostics(&site.plan, 2);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(slice(&text, &told[0]["range"]), "\"\"");

    let text = text.replace("reason: \"\"", "reason: CAB-1182");
    editor.change(&site.plan, 3, None, &text);
    let told = editor.diagnostics(&site.plan, 3);
    let waived = told
        .iter()
        .find(|found| found["code"] == rule.as_str() && found["range"] == place)
        .expect("still told");
    assert_eq!(waived["severity"], 4);
    assert!(waived["message"].as_str().expect("a text").contains("CAB-1182"));
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
        (format!("{CLASSIC_PLAN}waivers:\n  - rule: FB§"), &["FB606"], &["FB001"]),
        (format!("{CLASSIC_PLAN}exec§"), &["execution", "drills"], &["machines"]),
        (format!("{CLASSIC_PLAN}execution: {{mode: §"), &["attended", "unattended"], &[]),
        ("ki§".to_owned(), &["kind"], &["datastore"]),
        ("kind: §".to_owned(), &["RecoveryPlan", "Inventory", "Policy"], &[]),
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
fn the_inventory_in_the_editor_counts_before_that_on_disk() {
    let site = site();
    let mut editor = Editor::new();
    editor.open(&site.plan, CLASSIC_PLAN);
    assert!(errors(&editor.diagnostics(&site.plan, 1)).is_empty());
    let renamed = CLASSIC_INVENTORY.replace("name: vmfs1", "name: vmfs9");
    editor.open(&site.inventory, &renamed);
    let told = editor.diagnostics(&site.plan, 1);
    assert!(codes(&told).contains(&"FB500"), "{told:?}");

    editor.change(
        &site.inventory,
        2,
        None,
        &CLASSIC_INVENTORY.replace("kind: Inventory", "kind: Inventory\nnmae: x"),
    );
    let told = editor.diagnostics(&site.plan, 1);
    assert_eq!(codes(&told), ["broken-inventory"]);
    assert_eq!(told[0]["relatedInformation"][0]["location"]["uri"], site.inventory);

    editor.tell("textDocument/didClose", json!({"textDocument": {"uri": site.inventory}}));
    assert!(errors(&editor.diagnostics(&site.plan, 1)).is_empty());
    site.folder.write(INVENTORY, renamed.as_bytes());
    editor.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    assert!(codes(&editor.diagnostics(&site.plan, 1)).contains(&"FB500"));
}

#[test]
fn what_is_wrong_in_an_inventory_is_shown_there_and_in_the_plan() {
    let site = site();
    let mut editor = Editor::new();
    let text = CLASSIC_INVENTORY.replacen("snapshots: 0", "snapshots: 2", 1);
    editor.open(&site.plan, CLASSIC_PLAN);
    editor.diagnostics(&site.plan, 1);
    editor.open(&site.inventory, &text);
    let of_inventory = editor.until(|message| {
        message["params"]["uri"] == site.inventory.as_str() && message["params"]["diagnostics"] != json!([])
    });
    let there = &of_inventory["params"]["diagnostics"][0];
    assert_eq!(slice(&text, &there["range"]), "2");
    assert_eq!(there["relatedInformation"][0]["location"]["uri"], site.plan);
}

#[test]
fn an_inventory_outside_the_workspace_is_refused_as_check_refuses_it() {
    let folder = Folder::with(&[
        ("plans/a.plan.yaml", &CLASSIC_PLAN.replace("classic.inventory.yaml", "../other.inventory.yaml")),
        ("other.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    let uri = uri_of(&folder.path().canonicalize().expect("it is there").join("plans/a.plan.yaml"));
    let mut editor = Editor::new();
    editor.open(&uri, &CLASSIC_PLAN.replace("classic.inventory.yaml", "../other.inventory.yaml"));
    let told = editor.diagnostics(&uri, 1);
    let checked = folder.run(&["check", "--format", "json", "plans"]).json();
    let refused = &checked["findings"][0];
    assert_eq!(codes(&told), ["outside-workspace"]);
    assert_eq!(refused["rule"], "outside-workspace");
    assert!(
        told[0]["message"]
            .as_str()
            .expect("a text")
            .starts_with(refused["message"].as_str().expect("a text"))
    );
    assert_eq!(
        told[0]["range"]["start"]["line"],
        json!(refused["location"]["line"].as_u64().expect("a line") - 1)
    );

    editor.change(&uri, 2, None, &CLASSIC_PLAN.replace("classic.inventory.yaml", "none.inventory.yaml"));
    assert_eq!(codes(&editor.diagnostics(&uri, 2)), ["unreadable-inventory"]);
}

#[test]
fn what_is_wrong_with_a_policy_is_shown_and_its_keys_are_known() {
    let mut editor = Editor::new();
    let (text, place) = cursor(
        "kind: Policy\nversion: 1\nname: corp\nrules:\n  - id: FB123\n    seve§rity: error\n    scope: plan\n    \
         assert: \"true\"\n    message: x\n",
    );
    editor.open("untitled:corp.policy.yaml", &text);
    let told = editor.diagnostics("untitled:corp.policy.yaml", 1);
    assert_eq!(codes(&told), ["bad-rule-id"]);
    assert_eq!(slice(&text, &told[0]["range"]), "FB123");
    let hover = editor.ask_at("textDocument/hover", "untitled:corp.policy.yaml", place);
    assert!(hover["contents"]["value"].as_str().expect("a text").contains("How much a finding weighs"));
}

#[test]
fn more_problems_than_anybody_reads_are_cut_off_and_said_so() {
    let mut editor = Editor::new();
    let machines: String = (0..1500).map(|at| format!("  - {{name: m{at}, x: 1}}\n")).collect();
    let text = format!("kind: RecoveryPlan\nversion: 1\nname: many\nmachines:\n{machines}");
    editor.open("untitled:many.plan.yaml", &text);
    let told = editor.diagnostics("untitled:many.plan.yaml", 1);
    assert_eq!(told.len(), 1001);
    assert_eq!(told[1000]["code"], "too-many-mistakes");
}

#[test]
fn a_document_without_a_file_is_checked_as_far_as_that_goes() {
    let mut editor = Editor::new();
    editor.open("untitled:Untitled-1", CLASSIC_PLAN);
    assert_eq!(codes(&editor.diagnostics("untitled:Untitled-1", 1)), ["no-inventory"]);
    let both = format!(
        "{}---\n{CLASSIC_INVENTORY}",
        CLASSIC_PLAN.replace("inventory: classic.inventory.yaml\n", "")
    );
    editor.change("untitled:Untitled-1", 2, None, &both);
    assert!(errors(&editor.diagnostics("untitled:Untitled-1", 2)).is_empty());
    editor.open("file:///somewhere/values.yaml", "image: nginx\nport: [\n");
    assert!(editor.diagnostics("file:///somewhere/values.yaml", 1).is_empty());
}

#[test]
fn many_changes_at_once_end_in_the_last() {
    let site = site();
    let mut editor = Editor::new();
    editor.open(&site.plan, CLASSIC_PLAN);
    let at = |character: usize| json!({"line": 3, "character": character});
    for version in 0..200 {
        let range = json!({"start": at(0), "end": at(0)});
        editor.change(&site.plan, version + 2, Some(range), "x");
    }
    let told = editor.diagnostics(&site.plan, 201);
    let unknown = told.iter().find(|found| found["code"] == "unknown-key").expect("reported");
    assert_eq!(unknown["range"], json!({"start": at(0), "end": at(204)}));
}

#[test]
fn an_editor_shows_what_check_refuses_and_where() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let now = "2026-11-22T00:00:00Z";
    let (mut plans, mut compared) = (0, 0);
    for entry in root.join("plans/refused").read_dir().expect("there are plans").flatten() {
        let path = entry.path();
        let Some(name) = path.to_str().filter(|name| name.ends_with(".plan.yaml")) else { continue };
        let checked = Folder::with(&[]).run(&["check", "--format", "json", "--now", now, name]).json();
        let settings = Settings { now: Some(now.parse().expect("a time")), ..Settings::default() };
        let mut workspace = Workspace::new(settings, Encoding::Utf16);
        let uri = uri_of(&path).parse().expect("a URI");
        workspace.open(&uri, 1, std::fs::read_to_string(&path).expect("a plan is text"));
        let shown: Vec<Value> = workspace.diagnostics(&uri).iter().map(|shown| json!(shown)).collect();
        plans += 1;
        for finding in checked["findings"].as_array().expect("a list") {
            if finding["state"] != "violated" {
                continue;
            }
            compared += 1;
            let line = finding["location"]["line"].as_u64().expect("a line") - 1;
            let in_plan =
                finding["location"]["file"].as_str().is_some_and(|file| file.ends_with(".plan.yaml"));
            let is_it = |shown: &&Value| {
                let text = shown["message"].as_str().expect("a text");
                let place = match in_plan {
                    true => &shown["range"],
                    false => &shown["relatedInformation"][0]["location"]["range"],
                };
                shown["code"] == finding["rule"]
                    && text.starts_with(finding["message"].as_str().expect("a text"))
                    && place["start"]["line"] == line
            };
            assert!(shown.iter().any(|shown| is_it(&shown)), "{name}: {finding:#}\n{shown:#?}");
        }
    }
    assert!(plans >= 10 && compared >= plans, "{plans} plans, {compared} findings");
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

#[test]
fn wrong_messages_are_answered_with_errors() {
    let site = site();
    let mut editor = Editor::silent();
    let code = |answer: &Value| answer["error"]["code"].as_i64().expect("an error");
    assert_eq!(code(&editor.ask("textDocument/hover", json!({}))), -32002);
    editor.tell("textDocument/didOpen", json!({"not": "yet"}));
    assert!(editor.ask("initialize", json!({"capabilities": "none"}))["result"]["capabilities"].is_object());
    assert_eq!(code(&editor.ask("initialize", json!({}))), -32600);
    assert_eq!(code(&editor.ask("textDocument/rename", json!({}))), -32601);
    assert_eq!(code(&editor.ask("textDocument/hover", json!({"position": 3}))), -32602);
    assert_eq!(code(&editor.ask("textDocument/completion", Value::Null)), -32602);
    for body in ["{", "[]", "\"x\"", ""] {
        editor.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        let answer = editor.until(|message| message["id"].is_null() && message["error"].is_object());
        assert!(matches!(code(&answer), -32700 | -32600), "{answer}");
    }
    editor.send_bytes(b"Content-Length: x\r\n\r\n");
    assert_eq!(code(&editor.until(|message| message["error"].is_object())), -32700);
    editor.tell("textDocument/didChange", json!({"contentChanges": 3}));
    let said = editor.until(|message| message["method"] == "window/logMessage");
    assert!(said["params"]["message"].as_str().expect("a text").starts_with("textDocument/didChange can't"));
    editor.tell("$/cancelRequest", json!({"id": 1}));
    // Changes of what is not open, and a range that is nowhere.
    editor.change("file:///not/open.yaml", 2, None, "x");
    editor.open(&site.plan, CLASSIC_PLAN);
    let nowhere = json!({"start": {"line": 900, "character": 9}, "end": {"line": 3, "character": 4_000_000}});
    editor.change(&site.plan, 2, Some(nowhere), "가");
    editor.diagnostics(&site.plan, 2);
}

#[test]
fn a_session_ends_as_the_protocol_says() {
    let code = Editor::new().end(|editor| {
        assert_eq!(editor.ask("shutdown", Value::Null)["result"], Value::Null);
        assert_eq!(editor.ask("textDocument/hover", json!({}))["error"]["code"], -32600);
        editor.tell("exit", Value::Null);
    });
    assert_eq!(code, Some(0));
    assert_eq!(Editor::new().end(|editor| editor.tell("exit", Value::Null)), Some(1));
    assert_eq!(Editor::new().end(|_| {}), Some(1));
    assert_eq!(Editor::silent().end(|editor| editor.send_bytes(b"Content-Length: 5\r\n\r\n{")), Some(1));
}

#[test]
fn a_policy_that_is_not_there_is_refused() {
    let ended = Folder::with(&[]).run(&["lsp", "--policy", "corp.policy.yaml"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.err.contains("`corp.policy.yaml` does not exist"), "{}", ended.err);
}

#[test]
fn letters_that_an_editor_did_not_escape_are_no_obstacle() {
    let site = site();
    let mut editor = Editor::new();
    let path = site.folder.path().canonicalize().expect("it is there").join(PLAN);
    editor.open(&format!("file://{}", path.display()), CLASSIC_PLAN);
    assert!(errors(&editor.diagnostics(&site.plan, 1)).is_empty());
}
