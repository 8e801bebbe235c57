//! Mistakes of syntax hide no other mistake before them, nor in other documents, and nothing false follows from them.

use std::collections::BTreeSet;

use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::read;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const HEAD: &str = "kind: RecoveryPlan\nversion: 1\nname: p\n";

/// Codes that say what is wrong with the text itself.
const OF_SYNTAX: [&str; 6] =
    ["yaml-syntax", "unclosed-quote", "unclosed-bracket", "bad-escape", "tab-indent", "bad-utf8"];

/// Returns the mistakes of bytes, each with its line and column, and the names of the documents without any.
fn told(bytes: &[u8]) -> (Vec<String>, Vec<String>) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut sources = Sources::new();
    let index = sources.add("p.plan.yaml", text).expect("fits");
    sources.set_lossy(index, std::str::from_utf8(bytes).is_err());
    let mut mistakes = Vec::new();
    let reading = read(sources.get(index), &mut mistakes);
    let place = |mistake: &failback::diagnostic::Diagnostic| {
        let start = sources.locate(mistake.span).expect("a place").start;
        format!("{}:{}:{}", start.line, start.column, mistake.code)
    };
    let names = reading.documents.iter().filter_map(Document::name).map(|name| name.value.clone());
    (mistakes.iter().map(place).collect(), names.collect())
}

#[test]
fn bytes_that_are_not_utf_8_hide_nothing() {
    let mut bytes = b"kind: RecoveryPlan\nversion: 1\nname: first\nmachines: [w1]\n---\n".to_vec();
    bytes.extend_from_slice(b"kind: RecoveryPlan\nversion: 1\nname: \xb1\xb8\nmachines: [w1]\nownr: \xff\n");
    bytes.extend_from_slice(
        b"actions:\n- {name: a, timeout: 10x, befre\xff: {phase: run}, run: {command: [x]}}\n",
    );
    let (mistakes, whole) = told(&bytes);
    assert_eq!(
        mistakes,
        ["8:7:bad-utf8", "10:1:unknown-key", "10:7:bad-utf8", "12:22:bad-unit", "12:32:bad-utf8"]
    );
    assert_eq!(whole, ["first"]);
}

#[test]
fn a_file_with_bad_bytes_still_has_its_whole_documents_checked() {
    let folder = Folder::with(&[("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let mut bytes = CLASSIC_PLAN.as_bytes().to_vec();
    bytes.extend_from_slice(
        b"---\nkind: RecoveryPlan\nversion: 1\nname: q\nownr: x\nowner: \xff\nmachines: [w1]\n",
    );
    folder.write("p.plan.yaml", &bytes);
    let ended = folder.run(&["check", "p.plan.yaml", "--format", "json"]);
    let json = ended.json();
    let codes: BTreeSet<&str> =
        json["findings"].as_array().expect("a list").iter().filter_map(|one| one["rule"].as_str()).collect();
    assert!(codes.contains("bad-utf8") && codes.contains("unknown-key"), "{codes:?}");
    assert!(json["findings"].to_string().contains("\"plan\":\"classic\""), "{json}");
    assert_eq!(ended.exit, 1);
}

#[test]
fn tabs_hide_nothing_that_does_not_depend_on_their_width() {
    let text = format!(
        "{HEAD}ownr: x\nexecution:\n\tmax_paralel: 3\n\tapproval:\n\t\twithin: 3\nmachines: [w1, w1]\n"
    );
    let (mistakes, _) = told(text.as_bytes());
    let expected = ["4:1:unknown-key", "6:1:tab-indent", "6:2:unknown-key"];
    assert_eq!(mistakes[..3], expected, "{mistakes:?}");
    assert_eq!(mistakes.last().map(String::as_str), Some("9:16:duplicate-name"), "{mistakes:?}");
    // Only one width makes a document of this.
    let text = format!("{HEAD}machines:\n  - name: w1\n\tdepends_on: [x]\n    ownr: y\nownr: z\n");
    let (mistakes, _) = told(text.as_bytes());
    assert_eq!(mistakes, ["6:1:tab-indent", "7:5:unknown-key", "8:1:unknown-key"]);
    // What this tab stands for is not known, and what stands behind its entry is.
    let text = format!("{HEAD}execution:\n  approvals:\n\tmax_parallel: 3\nownr: z\n");
    let (mistakes, _) = told(text.as_bytes());
    assert_eq!(mistakes, ["6:1:tab-indent", "7:1:unknown-key"]);
}

#[test]
fn what_stands_before_a_mistake_of_syntax_is_looked_at() {
    let text = format!(
        "{HEAD}ownr: x\nmachines: [w1, w1]\nactions:\n- {{name: a, timeout: often}}\n\
         - name: b\n  timeout: 3\n  run:\n    command: [\"x]\n---\n{HEAD}ownr: y\nmachines: [w1]\n"
    );
    let (mistakes, _) = told(text.as_bytes());
    let expected = [
        "4:1:unknown-key",
        "5:16:duplicate-name",
        "7:10:bad-action",
        "7:10:bad-action",
        "7:22:bad-unit",
        "9:12:bad-unit",
        "11:15:unclosed-quote",
    ];
    assert_eq!(mistakes[..7], expected, "{mistakes:?}");
    // The document after it is read, and the name is taken.
    assert!(mistakes.contains(&"16:1:unknown-key".to_owned()), "{mistakes:?}");
    assert!(mistakes.contains(&"15:7:duplicate-name".to_owned()), "{mistakes:?}");
}

#[test]
fn all_kinds_of_mistakes_of_syntax_are_told_in_one_pass() {
    let mut bytes = format!("{HEAD}ownr: x\nmachines:\n\t- w1\ntimezone: \"Asia\n---\n").into_bytes();
    bytes.extend_from_slice(b"kind: RecoveryPlan\nversion: 2\nname: \xff\nmachines: [w1\n---\n");
    bytes.extend_from_slice(b"kind: RecoveryPlan\nversion: 1\nname: q\nmachines: [w1]\n");
    let (mistakes, whole) = told(&bytes);
    let codes: BTreeSet<&str> = mistakes.iter().map(|one| one.rsplit(':').next().expect("a code")).collect();
    for code in ["unknown-key", "tab-indent", "unclosed-quote", "unknown-version", "bad-utf8"] {
        assert!(codes.contains(code), "{code}: {mistakes:?}");
    }
    assert!(mistakes.iter().any(|one| one.starts_with("11:") || one.starts_with("12:")), "{mistakes:?}");
    assert_eq!(whole, ["q"]);
}

#[test]
fn nothing_false_follows_from_a_mistake_of_syntax() {
    let text = CLASSIC_PLAN.trim_end();
    let is_of_syntax = |one: &String| OF_SYNTAX.iter().any(|code| one.ends_with(&format!(":{code}")));
    let mut cuts = 0;
    for breaker in ["\"", "'", "[", "{", "]", "}"] {
        for at in text.char_indices().map(|(at, _)| at).step_by(3) {
            let broken = format!("{}{breaker}{}", &text[..at], &text[at..]);
            let (mistakes, _) = told(broken.as_bytes());
            if mistakes.iter().any(is_of_syntax) {
                cuts += 1;
                assert!(mistakes.iter().all(is_of_syntax), "{breaker:?} at {at}: {mistakes:?}\n{broken}");
            }
        }
    }
    assert!(cuts > 200, "{cuts}");
}

#[test]
fn what_stands_behind_a_mistake_of_syntax_is_looked_at() {
    for (text, expected) in [
        // A bracket that is left open, and what follows from it.
        (
            "machines: [w1, w2\nownr: x\nobjectives: {rto: 4h}\nexecution: {max_parallel: 3, mod: attended}\n",
            vec!["4:11:unclosed-bracket", "5:1:unknown-key", "7:30:unknown-key"],
        ),
        // Quotes, one after the other.
        (
            "owner: \"me\nmachines: [w1]\ndescription: 'it\nownr: x\nexecution:\n  mod: attended\n",
            vec!["4:8:unclosed-quote", "6:14:unclosed-quote", "7:1:unknown-key", "9:3:unknown-key"],
        ),
        // A bracket, a quote and a tab.
        (
            "machines: [w1\nowner: \"me\nexecution:\n\tmax_parallel: 3\nownr: x\n",
            vec!["4:11:unclosed-bracket", "5:8:unclosed-quote", "7:1:tab-indent", "8:1:unknown-key"],
        ),
        // A second colon, and a key that continues the value above.
        (
            "machines: [w1]\nowner: a: b\nobjectives:\n  rto: 4h\n   rpo: 15m\nownr: x\n",
            vec!["5:9:yaml-syntax", "8:7:yaml-syntax", "9:1:unknown-key"],
        ),
    ] {
        let (mistakes, whole) = told(format!("{HEAD}{text}").as_bytes());
        let mut told = mistakes.clone();
        told.sort();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(told, expected, "{text}");
        assert!(whole.is_empty());
    }
}

#[test]
fn bytes_that_are_not_utf_8_hide_nothing_behind_an_open_bracket() {
    let mut bytes = format!("{HEAD}machines: [w1\nowner: ").into_bytes();
    bytes.extend_from_slice(b"\xb1\xb8\nownr: x\n");
    let (mistakes, _) = told(&bytes);
    assert_eq!(mistakes, ["4:11:unclosed-bracket", "5:8:bad-utf8", "6:1:unknown-key"]);
}

#[test]
fn what_a_broken_entry_may_have_said_is_not_missed_behind_it() {
    for text in [
        // The anchor is in the bracket, and so are the key that is needed and the name that is meant.
        "x-a: [&a w1\nmachines: [*a]\n",
        "actions:\n- name: \"a\n  before: {phase: run}\n- {name: b, before: {phase: run}, run: {command: [x]}}\nmachines: [w1]\n",
        "machines:\n- {name: w1\n- {name: w2, depends_on: [w1]}\n",
        "objectives: {rto: 4h}\ndrills:\n- name: 'd\n  kind: rehearsal\nmachines: [w1]\n",
        "objectives:\n  rto: \"4h\nmachines: [w1]\nexecution:\n  mode: 'attended\n",
    ] {
        let (mistakes, _) = told(format!("{HEAD}{text}").as_bytes());
        let is_of_syntax = |one: &String| OF_SYNTAX.iter().any(|code| one.ends_with(&format!(":{code}")));
        assert!(!mistakes.is_empty() && mistakes.iter().all(is_of_syntax), "{mistakes:?}\n{text}");
    }
}

#[test]
fn a_text_of_nothing_but_open_brackets_is_refused_soon() {
    let text = format!("{HEAD}{}", "a: [\n".repeat(100_000));
    let (mistakes, _) = told(text.as_bytes());
    assert!(!mistakes.is_empty() && mistakes.len() < 2000, "{}", mistakes.len());
}
