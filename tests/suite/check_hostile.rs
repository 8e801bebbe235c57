//! Plans of strangers: nothing in a name steers a terminal, a build service or a page, in any format.

use std::collections::BTreeSet;
use std::path::Path;

use failback::diagnostic::Fix;
use failback::diagnostic::Label;
use failback::diagnostic::Severity;
use failback::render::About;
use failback::render::Closing;
use failback::render::Item;
use failback::render::Outcome;
use failback::render::Sheet;
use failback::render::gate::Gate;
use failback::render::github;
use failback::render::json;
use failback::render::junit;
use failback::render::markdown;
use failback::render::place::Places;
use failback::render::sarif;
use failback::render::style::Verbosity;
use failback::render::summary::Counts;
use failback::render::summary::Verdict;
use failback::rules::State;
use failback::rules::Subject;
use failback::rules::SubjectKind;
use failback::source::Sources;
use failback::source::Span;
use serde_json::Value;

use crate::check_formats::FORMATS;
use crate::check_formats::assert_is_sarif;
use crate::support::Folder;

/// What an attacker writes where a name is asked for.
const HOSTILE: &str = "::error file=x::pwned ##[group]z##vso[task.x]%0A::warning::w | a | `b` <img src=x onerror=y> --><script>1</script> @team #1 [c](https://evil.example) {0} ]]> '\" end";
/// What the language refuses in names, and what other sources of messages might hold.
const CONTROLS: &str =
    "\u{1b}[31m\u{9b}2J\u{0}\u{8}\r\n::add-mask::x\n##[group]y\u{85}\u{ffff}\u{202e}\u{2066}\u{feff}\u{2028}";

/// Returns plans that an attacker wrote.
pub fn hostile() -> Folder {
    // A JSON string is one of YAML, too.
    let name = Value::from(HOSTILE).to_string();
    let text = format!(
        "kind: RecoveryPlan\nversion: 1\nname: {name}\nmachines:\n  - {{name: {name}, depends_on: [{name}, nobody]}}\n  - v1\nwaivers:\n  - {{rule: FB514, of: [v1], reason: {name}}}\n"
    );
    let controls = Value::from(format!("{HOSTILE}{CONTROLS}")).to_string();
    Folder::with(&[
        ("a ##[x]::,%0A`|<b>.plan.yaml", &text),
        ("typo.plan.yaml", &text.replace("waivers", &name)),
        ("wrong.plan.yaml", &text.replace(&name, &controls)),
    ])
}

/// Panics if a terminal or a build service finds a command in an output.
fn assert_steers_nothing(format: &str, out: &str) {
    let steers = |letter: char| {
        letter.is_control() && letter != '\n'
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{feff}')
    };
    assert_eq!(out.chars().find(|letter| steers(*letter)), None, "{format}: {out}");
    for line in out.lines() {
        let begins = line.trim_start().strip_prefix("::").filter(|rest| rest.contains("::"));
        let words = ["error ", "warning ", "notice "];
        let ours =
            format == "github" && words.iter().any(|word| begins.is_some_and(|rest| rest.starts_with(word)));
        assert!(begins.is_none() || ours, "{format}: {line}");
        // Where a line is a command of ours, GitHub looks for no other in it.
        assert!(ours || (!line.contains("##[") && !line.contains("##vso[")), "{format}: {line}");
    }
}

#[test]
fn a_hostile_name_steers_nothing_in_any_format() {
    let folder = hostile();
    for format in FORMATS {
        for verbosity in ["-v", "--color=never"] {
            let ended = folder.run(&["check", ".", "--format", format, verbosity]);
            assert_eq!(ended.exit, 1, "{format}");
            let out = format!("{}{}", ended.out, ended.err);
            assert!(
                out.contains("FB500") && out.contains("pwned"),
                "{format}: the name is not there at all: {out}"
            );
            assert_steers_nothing(format, &out);
        }
    }
}

/// Returns what each format for programs and services makes of an item, in each state that it may be in.
fn written(hostile: &str) -> [(&'static str, String); 5] {
    let mut sources = Sources::new();
    sources.add(format!("a{hostile}.yaml"), "key: value\n".to_owned()).expect("fits");
    let subject = Subject { kind: SubjectKind::Machine, name: hostile.to_owned() };
    let related = [Label { span: Span::new(6, 10), text: hostile.to_owned() }];
    let fix = Fix::at(Span::new(6, 10), hostile, hostile);
    let item = |state: State, about| Item {
        code: "FB514",
        name: "forward-reprotect-missing",
        severity: Severity::Error,
        state,
        about,
        message: hostile,
        help: Some(hostile),
        article: None,
        span: Span::new(1, 4),
        related: &related,
        fact: None,
        waived_because: (state == State::Waived).then_some(hostile),
        path: hostile,
        fix: Some(&fix),
        explanation: None,
    };
    let gate = Gate { fail_on: Severity::Error, strict: false };
    let places = Places::of(Path::new("/nowhere"));
    let fill = |mut sheet: Box<dyn Sheet + '_>| {
        for state in [State::Violated, State::Indeterminate, State::Pending, State::Waived] {
            sheet.item(&item(state, About::Subject(&subject)), Some(hostile), &sources).expect("written");
        }
        let (counts, silent) = (Counts::default(), &[][..]);
        let outcome = Outcome { name: hostile, verdict: Verdict::Refused, counts, as_of: None, silent };
        sheet.plan(&outcome).expect("written");
        let mistake = Item { code: "code", ..item(State::Violated, About::Document(hostile)) };
        sheet.item(&mistake, None, &sources).expect("written");
        sheet.item(&Item { span: Span::NONE, ..mistake }, None, &sources).expect("written");
        sheet.close(&Closing::default()).expect("written");
    };
    let mut outs: [Vec<u8>; 5] = Default::default();
    let [json, sarif, github, junit, markdown] = &mut outs;
    fill(Box::new(json::Findings::begin(json).expect("written")));
    fill(Box::new(sarif::Log::begin(sarif, places.clone()).expect("written")));
    fill(Box::new(github::Annotations::begin(github, places.clone(), gate, Verbosity::Verbose)));
    fill(Box::new(junit::Report::begin(junit, places.clone(), gate).expect("written")));
    fill(Box::new(markdown::Comment::begin(markdown, places, gate, Verbosity::Verbose)));
    let mut names = FORMATS[1..].iter();
    outs.map(|out| (*names.next().expect("a format"), String::from_utf8(out).expect("text")))
}

#[test]
fn whatever_a_message_holds_stays_in_its_place() {
    let hostile = format!("{HOSTILE}{CONTROLS}");
    let all = written(&hostile);
    for (format, out) in &all {
        assert_steers_nothing(format, out);
    }
    let [(_, json), (_, sarif), (_, github), (_, junit), (_, comment)] = &all;

    let json: Value = serde_json::from_str(json).expect("JSON");
    let findings = json["findings"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["message"] == *hostile), "programs get names as they are");
    assert_eq!(findings[3]["waived_because"], *hostile);

    let sarif: Value = serde_json::from_str(sarif).expect("JSON");
    assert_is_sarif(&sarif);
    for result in sarif["runs"][0]["results"].as_array().expect("a run has results") {
        let text = result["message"]["text"].as_str().expect("a message");
        assert!(text.contains("pwned") && !text.contains("](") && text.contains("{{0}}"), "{text}");
    }

    assert_eq!(github.lines().count(), 6, "{github}");
    for line in github.lines() {
        let head = line.strip_prefix("::").and_then(|rest| rest.split("::").next()).expect("a command");
        let (_, properties) = head.split_once(' ').expect("a command has properties");
        let keys: Vec<&str> = properties.split(',').filter_map(|one| one.split('=').next()).collect();
        let placed = keys == ["file", "line", "endLine", "col", "endColumn", "title"];
        assert!(placed || keys == ["file", "title"], "{line}");
    }

    let report = roxmltree::Document::parse(junit).expect("it is well-formed");
    let elements = report.descendants().filter(roxmltree::Node::is_element);
    let tags: BTreeSet<&str> = elements.map(|node| node.tag_name().name()).collect();
    let known = ["error", "failure", "skipped", "testcase", "testsuite", "testsuites"];
    assert!(tags.into_iter().eq(known), "{junit}");

    let rows: Vec<&str> = comment.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 6, "{comment}");
    assert!(rows.iter().all(|row| row.matches('|').count() == 6), "{comment}");
    for markup in ["<img", "<script", "`b`", "@team", "](", "https://evil"] {
        assert!(!comment.contains(markup), "{markup}: {comment}");
    }
    assert_eq!(comment.matches("-->").count(), 1, "only our own comment ends: {comment}");
}
