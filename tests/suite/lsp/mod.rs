//! The language server: whole sessions over pipes, with right and wrong input.

#[cfg(feature = "cel")]
mod beside;
mod session;
mod words;

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
fn a_line_that_many_machines_share_is_one_problem_and_one_waiver() {
    let mut editor = Editor::new();
    let text = |count: usize| {
        let machines: String = (0..count).map(|at| format!("  - m{at}\n")).collect();
        format!(
            "kind: RecoveryPlan\nversion: 1\nname: many\ndefaults: {{commit: automatic}}\nmachines:\n{machines}"
        )
    };
    let uri = "untitled:many.plan.yaml";
    editor.open(uri, &text(5));
    let of_rule = |told: &[Value]| -> Vec<String> {
        let of_rule = told.iter().filter(|found| found["code"] == "FB516");
        of_rule.map(|found| found["message"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(of_rule(&editor.diagnostics(uri, 1)).len(), 5, "a few are told one by one");
    let many = text(40);
    editor.change(uri, 2, None, &many);
    let told = of_rule(&editor.diagnostics(uri, 2));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("(and 39 more: m1, m10, m11, m12, m13 and 34 more)"), "{told:?}");

    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
    let params = json!({"textDocument": {"uri": uri}, "range": whole, "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", params)["result"].clone();
    let is_it = |action: &&Value| {
        action["title"].as_str().is_some_and(|title| title.starts_with("Waive FB516 for m0 and 39 more"))
    };
    let waive = actions.as_array().expect("a list").iter().find(is_it).expect("it may be accepted");
    let accepted = edited(&many, &waive["edit"]["changes"][uri]).replace("reason: \"\"", "reason: CAB-1182");
    editor.change(uri, 3, None, &accepted);
    let told = of_rule(&editor.diagnostics(uri, 3));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("waived: ") && told[0].ends_with("CAB-1182"), "{told:?}");
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
