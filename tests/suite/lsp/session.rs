//! The protocol itself: positions, wrong messages, the end of a session.

use super::*;

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
