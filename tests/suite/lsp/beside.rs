//! The language server about what counts beside a plan: policies of the workspace, and other plans of the same machines.

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

const POLICY: &str = "\
kind: Policy
version: 1
name: corp
rules:
  - {id: ACME01, severity: error, scope: machine, message: \"{{ machine.name }} is moved\", assert: 'machine.name != \"w3\"'}
  - {id: ACME02, severity: warning, scope: plan, message: no owner, assert: plan.owner != null, waivable: false}
  - {id: ACME03, severity: error, scope: machine, message: churns, assert: machine.churn.gb_per_day < 100}
";

/// A repository with a healthy plan, its facts, and a policy in another folder of plans.
struct Repository {
    folder: Folder,
    root: std::path::PathBuf,
}

impl Repository {
    fn new(policy: &str) -> Self {
        let folder = Folder::with(&[
            (".git/HEAD", ""),
            ("plans/seoul/a.plan.yaml", CLASSIC_PLAN),
            ("plans/seoul/classic.inventory.yaml", CLASSIC_INVENTORY),
            ("plans/policies/corp.policy.yaml", policy),
        ]);
        let root = folder.path().canonicalize().expect("it is there");
        Self { folder, root }
    }

    fn uri(&self, name: &str) -> String {
        uri_of(&self.root.join(name))
    }

    fn editor(&self) -> Editor {
        Editor::of_folder(&self.root, &[])
    }
}

const PLAN: &str = "plans/seoul/a.plan.yaml";
const CORP: &str = "plans/policies/corp.policy.yaml";

/// Returns what was said with a code.
fn of<'d>(told: &'d [Value], code: &str) -> Vec<&'d Value> {
    told.iter().filter(|one| one["code"] == code).collect()
}

fn slice<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[offset(text, &range["start"])..offset(text, &range["end"])]
}

/// Reads until what is said about a document is as wanted.
fn until(editor: &mut Editor, uri: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let told = editor.until(|message| {
        let params = &message["params"];
        params["uri"] == uri && params["diagnostics"].as_array().is_some_and(|told| wanted(told))
    });
    told["params"]["diagnostics"].as_array().expect("a list").clone()
}

/// Tells an editor's server that files changed on disk.
fn changed(editor: &mut Editor, uri: &str) {
    editor.tell("workspace/didChangeWatchedFiles", json!({"changes": [{"uri": uri, "type": 2}]}));
}

#[test]
fn policies_of_the_workspace_count_in_an_editor_as_in_a_check() {
    let repository = Repository::new(POLICY);
    let mut editor = repository.editor();
    let plan = repository.uri(PLAN);
    editor.open(&plan, CLASSIC_PLAN);
    let told = editor.diagnostics(&plan, 1);
    let [broken] = of(&told, "ACME01")[..] else { panic!("{told:#?}") };
    assert_eq!((slice(CLASSIC_PLAN, &broken["range"]), &broken["severity"]), ("w3", &json!(1)));
    assert!(broken["message"].as_str().expect("a text").starts_with("w3 is moved\nhelp: make it so that"));
    let related = &broken["relatedInformation"][0]["location"];
    assert_eq!(related["uri"], repository.uri(CORP));
    assert_eq!(slice(POLICY, &related["range"]), "machine.name");
    let [warning] = of(&told, "ACME02")[..] else { panic!("{told:#?}") };
    assert_eq!(warning["severity"], 2);
    let [open] = of(&told, "ACME03")[..] else { panic!("{told:#?}") };
    assert!(open["message"].as_str().expect("a text").contains("`churn"), "{open}");
    let checked = repository.folder.run(&["check", "plans", "--format", "json"]).json();
    let findings = checked["findings"].as_array().expect("findings");
    assert_eq!(findings.iter().filter(|one| one["rule"] == "ACME01").count(), 1);
}

#[test]
fn a_policy_that_is_typed_counts_at_once_and_one_with_a_mistake_is_told_in_both() {
    let repository = Repository::new(POLICY);
    let mut editor = repository.editor();
    let (plan, corp) = (repository.uri(PLAN), repository.uri(CORP));
    editor.open(&plan, CLASSIC_PLAN);
    editor.diagnostics(&plan, 1);
    editor.open(&corp, POLICY);
    editor.diagnostics(&corp, 1);
    let milder = POLICY.replace("!= \"w3\"", "!= \"w9\"");
    editor.change(&corp, 2, None, &milder);
    until(&mut editor, &plan, |told| of(told, "ACME01").is_empty());
    let slip = POLICY.replace("plan.owner", "plan.ownr");
    editor.change(&corp, 3, None, &slip);
    let of_policy = editor.diagnostics(&corp, 3);
    assert_eq!(slice(&slip, &of_policy[0]["range"]), "ownr", "{of_policy:#?}");
    let told = until(&mut editor, &plan, |told| !of(told, "broken-policy").is_empty());
    let broken = of(&told, "broken-policy")[0];
    assert!(broken["message"].as_str().expect("a text").starts_with("`corp.policy.yaml` has a mistake"));
    assert_eq!(broken["relatedInformation"][0]["location"]["uri"], corp.as_str());
    assert_eq!(of(&told, "ACME01").len(), 1, "the other rules count");
    // What the rule does when it is evaluated is shown in the plan and where it is written.
    editor.change(&corp, 4, None, &POLICY.replace("plan.owner != null", "1 / (1 - size(\"x\")) == 1"));
    let there = until(&mut editor, &corp, |told| !of(told, "ACME02").is_empty());
    assert!(there[0]["message"].as_str().expect("a text").contains("divi"), "{there:#?}");
    until(&mut editor, &plan, |told| of(told, "ACME02").iter().any(|one| one["severity"] == 1));
    // Without the editor's text, the one on disk counts.
    editor.tell("textDocument/didClose", json!({"textDocument": {"uri": corp}}));
    until(&mut editor, &plan, |told| {
        of(told, "broken-policy").is_empty() && of(told, "ACME02").iter().all(|one| one["severity"] == 2)
    });
}

#[test]
fn a_policy_that_comes_or_goes_on_disk_is_noticed() {
    let repository = Repository::new(POLICY);
    let mut editor = repository.editor();
    let plan = repository.uri(PLAN);
    editor.open(&plan, CLASSIC_PLAN);
    editor.diagnostics(&plan, 1);
    std::fs::remove_file(repository.root.join(CORP)).expect("it was there");
    changed(&mut editor, &repository.uri(CORP));
    until(&mut editor, &plan, |told| of(told, "ACME01").is_empty());
    // A file of another name counts if it says that it is a policy.
    repository.folder.write("plans/rules.yaml", POLICY.as_bytes());
    changed(&mut editor, &repository.uri("plans/rules.yaml"));
    until(&mut editor, &plan, |told| of(told, "ACME01").len() == 1);
}

#[test]
fn a_policy_of_the_command_line_counts_wherever_it_is() {
    let repository = Repository::new("kind: Policy\nversion: 1\nname: none\nrules: []\n");
    let folder = Folder::with(&[("far/corp.policy.yaml", POLICY)]);
    let given = folder.path().join("far/corp.policy.yaml");
    let mut editor = Editor::of_folder(&repository.root, &["--policy", given.to_str().expect("it is text")]);
    let plan = repository.uri(PLAN);
    editor.open(&plan, CLASSIC_PLAN);
    assert_eq!(of(&editor.diagnostics(&plan, 1), "ACME01").len(), 1);
}

#[test]
fn a_waiver_knows_the_rules_of_policies() {
    let repository = Repository::new(POLICY);
    let mut editor = repository.editor();
    let plan = repository.uri(PLAN);
    let waived = |rule: &str| {
        format!(
            "{CLASSIC_PLAN}\nwaivers:\n  - {{rule: {rule}, of: [w3], reason: CAB-1, until: 2027-01-01}}\n"
        )
    };
    editor.open(&plan, &waived("ACME01"));
    let told = editor.diagnostics(&plan, 1);
    assert_eq!(of(&told, "ACME01")[0]["severity"], 4, "it is a hint: {told:#?}");
    assert!(of(&told, "FB527").is_empty(), "{told:#?}");

    let slip = waived("ACME11");
    editor.change(&plan, 2, None, &slip);
    let told = editor.diagnostics(&plan, 2);
    let [unknown] = of(&told, "FB527")[..] else { panic!("{told:#?}") };
    assert_eq!((slice(&slip, &unknown["range"]), &unknown["severity"]), ("ACME11", &json!(1)));
    let params = json!({
        "textDocument": {"uri": plan}, "range": unknown["range"], "context": {"diagnostics": [], "only": ["quickfix"]},
    });
    let actions = editor.ask("textDocument/codeAction", params)["result"].clone();
    assert_eq!(edited(&slip, &actions[0]["edit"]["changes"][&plan]), waived("ACME01"));

    editor.change(&plan, 3, None, &waived("ACME02").replace("[w3]", "[classic]"));
    let told = editor.diagnostics(&plan, 3);
    assert_eq!(of(&told, "FB528").len() + of(&told, "FB530").len(), 1, "it can't be accepted: {told:#?}");
}

#[test]
fn a_rule_of_a_policy_is_explained_proposed_and_found() {
    let repository = Repository::new(POLICY);
    let mut editor = repository.editor();
    let plan = repository.uri(PLAN);
    let (text, at) = cursor(&format!(
        "{CLASSIC_PLAN}\nwaivers:\n  - rule: ACM§E01\n    reason: x\n    until: 2030-01-01\n"
    ));
    editor.open(&plan, &text);
    let hover = editor.ask_at("textDocument/hover", &plan, at);
    let about = hover["contents"]["value"].as_str().expect("a text");
    assert!(about.contains("**ACME01**") && about.contains("assert machine.name != \"w3\""), "{about}");
    assert!(about.ends_with("policy corp"), "{about}");
    let defined = editor.ask_at("textDocument/definition", &plan, at);
    assert_eq!(defined[0]["uri"], repository.uri(CORP));
    assert_eq!(slice(POLICY, &defined[0]["range"]), "ACME01");
    let proposed = editor.ask_at("textDocument/completion", &plan, at);
    let items = proposed["items"].as_array().or(proposed.as_array()).expect("a list");
    let labels: Vec<&str> = items.iter().filter_map(|item| item["label"].as_str()).collect();
    assert!(labels.contains(&"ACME01") && labels.contains(&"FB606"), "{labels:?}");
    assert!(!labels.contains(&"ACME02"), "nobody may accept it: {labels:?}");
}

#[test]
fn a_machine_of_two_plans_is_noticed_while_they_are_typed() {
    let repository = Repository::new("kind: Policy\nversion: 1\nname: none\nrules: []\n");
    let other = "kind: RecoveryPlan\nversion: 1\nname: other\ninventory: ../seoul/classic.inventory.yaml\nmachines: [l1]\n";
    repository.folder.write("plans/busan/b.plan.yaml", other.as_bytes());
    // A machine of the same name that other facts are about is another one.
    let far =
        other.replace("../seoul/classic", "far").replace("name: other", "name: far").replace("[l1]", "[w1]");
    repository.folder.write("plans/busan/c.plan.yaml", far.as_bytes());
    let mut editor = repository.editor();
    let (plan, busan) = (repository.uri(PLAN), repository.uri("plans/busan/b.plan.yaml"));
    editor.open(&plan, CLASSIC_PLAN);
    let told = editor.diagnostics(&plan, 1);
    let [twice] = of(&told, "FB502")[..] else { panic!("{told:#?}") };
    assert_eq!(slice(CLASSIC_PLAN, &twice["range"]), "l1");
    let place = &twice["relatedInformation"][0]["location"];
    assert_eq!((&place["uri"], slice(other, &place["range"])), (&json!(busan), "l1"));

    // In the editor, the other plan brings home another machine, and is told of it in its turn.
    editor.open(&busan, other);
    assert_eq!(of(&editor.diagnostics(&busan, 1), "FB502").len(), 1);
    let typed = other.replace("[l1]", "[w2]");
    editor.change(&busan, 2, None, &typed);
    // Which of them is told first is nobody's matter.
    let is_about = |told: &[Value], text: &str, name: &str| {
        of(told, "FB502").iter().any(|one| slice(text, &one["range"]) == name)
    };
    let mut waited = (false, false);
    while waited != (true, true) {
        let told = editor.until(|message| message["method"] == "textDocument/publishDiagnostics");
        let (params, told) = (&told["params"], told["params"]["diagnostics"].as_array().expect("a list"));
        waited.0 |= params["uri"] == plan.as_str() && is_about(told, CLASSIC_PLAN, "w2");
        waited.1 |= params["version"] == 2 && is_about(told, &typed, "w2");
    }
}

#[test]
fn plans_of_one_text_are_compared_too() {
    let mut editor = Editor::new();
    let one = CLASSIC_PLAN.replace("inventory: classic.inventory.yaml\n", "");
    let other = one.replace("name: classic", "name: second");
    let text = format!("{one}---\n{other}---\n{CLASSIC_INVENTORY}");
    editor.open("untitled:both.yaml", &text);
    let told = editor.diagnostics("untitled:both.yaml", 1);
    assert_eq!(of(&told, "FB502").len(), 8, "{told:#?}");
}

#[test]
fn everything_that_is_sure_is_fixed_at_once() {
    let repository = Repository::new(POLICY);
    let mut editor = repository.editor();
    let plan = repository.uri(PLAN);
    let text = CLASSIC_PLAN.replace("machines:", "machnes:").replace("recovery_point:", "recoverypoint:");
    editor.open(&plan, &text);
    editor.diagnostics(&plan, 1);
    let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    for only in [json!(["source"]), json!(["source.fixAll"]), json!([""])] {
        let params = json!({"textDocument": {"uri": plan}, "range": whole, "context": {"diagnostics": [], "only": only}});
        let actions = editor.ask("textDocument/codeAction", params)["result"].clone();
        let all = actions.as_array().expect("a list").iter().find(|one| one["kind"] == "source.fixAll");
        let all = all.unwrap_or_else(|| panic!("{only}: {actions}"));
        assert_eq!(all["title"], "Fix what can only have been meant in one way (2 places)");
        assert_eq!(edited(&text, &all["edit"]["changes"][&plan]), CLASSIC_PLAN);
    }
    editor.change(&plan, 2, None, CLASSIC_PLAN);
    let params = json!({"textDocument": {"uri": plan}, "range": whole, "context": {"diagnostics": [], "only": ["source.fixAll"]}});
    assert_eq!(editor.ask("textDocument/codeAction", params)["result"], json!([]));
}

#[test]
fn nothing_that_a_stranger_wrote_is_markup_or_hides_in_an_editor() {
    let picture = "![x](https://evil.example/p.png) <img src=x> [c](command:x) `b` w\u{200b}1 \u{202e}";
    let written = Value::from(picture).to_string();
    let policy = format!(
        "kind: Policy\nversion: 1\nname: {written}\nrules:\n  - id: ACME01\n    severity: error\n    scope: plan\n    \
         message: {written}\n    help: {written}\n    source: {written}\n    assert: |\n      plan.owner == \"```\"\n      ||\n      plan.owner == \"````\"\n"
    );
    let repository = Repository::new(&policy);
    let hostile = |text: &str| text.replace("vmfs1", &written);
    repository.folder.write("plans/seoul/classic.inventory.yaml", hostile(CLASSIC_INVENTORY).as_bytes());
    let mut editor = repository.editor();
    let plan = repository.uri(PLAN);
    let marked = hostile(CLASSIC_PLAN).replacen("datastore: \"!", "datastore: \"§!", 1);
    let (text, datastore) = cursor(&marked);
    let waived = format!("{text}\nwaivers:\n  - {{rule: ACME01, of: [w1], reason: x, until: 2030-01-01}}\n");
    editor.open(&plan, &waived);
    let told = editor.diagnostics(&plan, 1);
    let messages = told.iter().map(|one| one["message"].as_str().expect("a text"));
    assert!(messages.clone().any(|message| message.contains("evil.example")), "{told:#?}");
    assert!(messages.clone().all(|message| !message.contains(['\u{200b}', '\u{202e}'])), "{told:#?}");
    let rule = waived.lines().position(|line| line.contains("ACME01")).expect("a line");
    for place in [datastore, (rule, 12)] {
        let hover = editor.ask_at("textDocument/hover", &plan, place);
        let about = hover["contents"]["value"].as_str().expect("a text");
        assert!(about.contains("evil.example"), "{place:?}: {about}");
        let of_document = about.split("\n---\n").next().expect("a part");
        for markup in ["![", "](", "<img", "`b`", "https://", "\u{200b}", "\u{202e}"] {
            assert!(!of_document.contains(markup), "{markup}: {about}");
        }
        if place == (rule, 12) {
            let fence = about.lines().find(|line| line.ends_with("cel")).expect("a fence");
            let fence = fence.trim_end_matches("cel");
            assert_eq!((fence, about.lines().filter(|line| *line == fence).count()), ("`````", 1), "{about}");
        }
    }
}
