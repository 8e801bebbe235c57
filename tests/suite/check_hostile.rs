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
use failback::render::gitlab;
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
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// What an attacker writes where a name is asked for.
const HOSTILE: &str = "::error file=x::pwned ##[group]z##vso[task.x]%0A::warning::w | a | `b` <img src=x onerror=y> --><script>1</script> @team #1 [c](https://evil.example) {0} ]]> '\" end";
/// What the language refuses in names, and what other sources of messages might hold.
const CONTROLS: &str = "\u{1b}[31m\u{9b}2J\u{0}\u{8}\r\n::add-mask::x\n##[group]y\u{85}\u{ffff}\u{202e}\u{2066}\u{feff}\u{2028}\u{200b}\u{200d}\u{2060}";

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

/// Returns whether a character moves a cursor, turns text round, or hides in it.
fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// Panics if a terminal or a build service finds a command in an output.
fn assert_steers_nothing(format: &str, out: &str) {
    assert_eq!(out.chars().find(|letter| *letter != '\n' && steers(*letter)), None, "{format}: {out}");
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
fn written(hostile: &str) -> [(&'static str, String); 6] {
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
    let gate = Gate { fail_on: Severity::Error, strict: false, is_live: false };
    let places = Places::of(Path::new("/nowhere"));
    let fill = |mut sheet: Box<dyn Sheet + '_>| {
        for state in [State::Violated, State::Indeterminate, State::Unmeasured, State::Pending, State::Waived]
        {
            sheet.item(&item(state, About::Subject(&subject)), Some(hostile), &sources).expect("written");
        }
        let (counts, silent) = (Counts::default(), &[][..]);
        let outcome = Outcome {
            name: hostile,
            verdict: Verdict::Refused,
            counts,
            as_of: None,
            silent,
            recovery_points: &[],
        };
        sheet.plan(&outcome).expect("written");
        let mistake = Item { code: "code", ..item(State::Violated, About::Document(hostile)) };
        sheet.item(&mistake, None, &sources).expect("written");
        sheet.item(&Item { span: Span::NONE, ..mistake }, None, &sources).expect("written");
        sheet.close(&Closing::default()).expect("written");
    };
    let mut outs: [Vec<u8>; 6] = Default::default();
    let [json, sarif, github, junit, markdown, gitlab] = &mut outs;
    fill(Box::new(json::Findings::begin(json).expect("written")));
    fill(Box::new(sarif::Log::begin(sarif, places.clone()).expect("written")));
    fill(Box::new(github::Annotations::begin(github, places.clone(), gate, Verbosity::Verbose)));
    fill(Box::new(junit::Report::begin(junit, places.clone(), gate).expect("written")));
    fill(Box::new(markdown::Comment::begin(markdown, places.clone(), gate, Verbosity::Verbose)));
    fill(Box::new(gitlab::CodeQuality::begin(gitlab, places, gate, Verbosity::Verbose).expect("written")));
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
    let [(_, json), (_, sarif), (_, github), (_, junit), (_, comment), (_, gitlab)] = &all;

    let json: Value = serde_json::from_str(json).expect("JSON");
    let findings = json["findings"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["message"] == *hostile), "programs get names as they are");
    assert_eq!(findings[4]["waived_because"], *hostile);

    let sarif: Value = serde_json::from_str(sarif).expect("JSON");
    assert_is_sarif(&sarif);
    for result in sarif["runs"][0]["results"].as_array().expect("a run has results") {
        let text = result["message"]["text"].as_str().expect("a message");
        assert!(text.contains("pwned") && !text.contains("](") && text.contains("{{0}}"), "{text}");
    }

    assert_eq!(github.lines().count(), 7, "{github}");
    for line in github.lines() {
        let head = line.strip_prefix("::").and_then(|rest| rest.split("::").next()).expect("a command");
        let (_, properties) = head.split_once(' ').expect("a command has properties");
        let keys: Vec<&str> = properties.split(',').filter_map(|one| one.split('=').next()).collect();
        let placed = keys == ["file", "line", "endLine", "col", "endColumn", "title"];
        assert!(placed || keys == ["file", "title"], "{line}");
    }

    let violations: Value = serde_json::from_str(gitlab).expect("JSON");
    for violation in violations.as_array().expect("a list") {
        let text = violation["description"].as_str().expect("a text");
        assert!(text.contains("pwned") && !text.chars().any(steers), "{text}");
    }

    let report = roxmltree::Document::parse(junit).expect("it is well-formed");
    let elements = report.descendants().filter(roxmltree::Node::is_element);
    let tags: BTreeSet<&str> = elements.map(|node| node.tag_name().name()).collect();
    let known = ["error", "failure", "skipped", "testcase", "testsuite", "testsuites"];
    assert!(tags.into_iter().eq(known), "{junit}");

    let rows: Vec<&str> = comment.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 7, "{comment}");
    assert!(rows.iter().all(|row| row.matches('|').count() == 6), "{comment}");
    for markup in ["<img", "<script", "`b`", "@team", "](", "https://evil"] {
        assert!(!comment.contains(markup), "{markup}: {comment}");
    }
    assert_eq!(comment.matches("-->").count(), 1, "only our own comment ends: {comment}");
}

/// Returns a healthy world in which every name is an attacker's, as far as the language takes it.
fn hostile_world() -> Folder {
    let name = |letter: &str| Value::from(format!("{HOSTILE}\u{202e}\u{200b}{letter}")).to_string();
    let mut plan = CLASSIC_PLAN.replacen("name: classic", &format!("name: {}", name("p")), 1);
    let mut inventory = CLASSIC_INVENTORY.to_owned();
    for (old, new) in [("w1", name("1")), ("w2", name("2")), ("w3", name("3")), ("l1", name("4"))] {
        for text in [&mut plan, &mut inventory] {
            *text = text.replace(&format!("name: {old}\n"), &format!("name: {new}\n"));
            *text = text.replace(&format!("name: {old},"), &format!("name: {new},"));
        }
    }
    Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", &inventory)])
}

#[test]
fn no_command_prints_a_name_that_steers() {
    let folder = hostile_world();
    let commands: [&[&str]; 16] = [
        &["check", "."],
        &["check", ".", "-v"],
        &["plan", "p.plan.yaml"],
        &["plan", "p.plan.yaml", "-v"],
        &["plan", "p.plan.yaml", "--format", "json"],
        &["graph", "p.plan.yaml"],
        &["run", "p.plan.yaml", "--auto-approve", "--speed", "max", "-v"],
        &["run", "p.plan.yaml", "--auto-approve", "--speed", "max", "--format", "json"],
        &["runs"],
        &["runs", "--format", "json"],
        &["show"],
        &["show", "--format", "json"],
        &["logs"],
        &["logs", "--events"],
        &["run", "::error::x"],
        &["explain", "::error file=x::y\u{1b}[2J"],
    ];
    let mut told = 0;
    for command in commands {
        let ended = folder.run(command);
        told += usize::from(ended.out.contains("pwned"));
        for out in [&ended.out, &ended.err] {
            assert_steers_nothing(&command.join(" "), out);
        }
        if command.contains(&"json") || command.contains(&"--events") {
            for line in ended.out.lines() {
                let json: Value =
                    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
                // Programs get every name as it is.
                let text = json.to_string();
                assert!(!text.contains("pwned") || text.contains("##[group]"), "{command:?}: {text}");
            }
        }
    }
    assert!(told >= 11, "the names are printed by {told} commands");
}

#[test]
fn a_policy_of_a_stranger_steers_nothing_either() {
    // The language itself refuses the others.
    let controls = CONTROLS.chars().filter(|letter| !letter.is_control() && *letter != '\u{ffff}');
    let letters = HOSTILE.chars().chain(controls).map(|letter| match letter {
        '"' | '\\' => format!("\\{letter}"),
        ' '..='~' => letter.to_string(),
        _ => format!("\\u{:04x}", u32::from(letter)),
    });
    let text = format!("\"{}\"", letters.collect::<String>());
    let policy = format!(
        "kind: Policy\nversion: 1\nname: corp\nrules:\n  - {{id: ACME01, severity: error, scope: plan, assert: 'plan.owner == \"x\"', message: {}, help: {text}, source: {text}}}\n",
        text.replace("{0}", "0")
    );
    let folder = Folder::with(&[
        ("p.plan.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("corp.policy.yaml", &policy),
    ]);
    for format in FORMATS {
        for verbosity in ["-v", "--color=never"] {
            let ended = folder.run(&["check", ".", "--format", format, verbosity]);
            let out = format!("{}{}", ended.out, ended.err);
            assert!(ended.exit == 1 && out.contains("ACME01") && out.contains("pwned"), "{format}: {out}");
            assert_steers_nothing(format, &out);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_shows_no_file_from_outside_the_workspace() {
    let outside = Folder::with(&[
        ("secret", "kind: RecoveryPlan\npassword: hunter2\n"),
        ("folder/secret.plan.yaml", "kind: RecoveryPlan\npassword: hunter2\n"),
    ]);
    let folder = Folder::with(&[(".git/HEAD", ""), ("plans/a.plan.yaml", CLASSIC_PLAN)]);
    folder.write("plans/classic.inventory.yaml", CLASSIC_INVENTORY.as_bytes());
    folder.write("elsewhere/b.plan.yaml", CLASSIC_PLAN.replace("name: classic", "name: inside").as_bytes());
    folder.write("elsewhere/classic.inventory.yaml", CLASSIC_INVENTORY.as_bytes());
    let link = |to: &Path, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).expect("linked");
    };
    link(&outside.path().join("secret"), "plans/x.plan.yaml");
    link(&outside.path().join("folder"), "plans/y");
    link(Path::new("/dev/zero"), "plans/z.policy.yaml");
    link(Path::new("../elsewhere"), "plans/inside");
    link(Path::new("nowhere"), "plans/dangling.plan.yaml");
    link(Path::new("endless"), "plans/endless");
    for format in FORMATS {
        for flags in [&["--format", format][..], &["-v", "--format", format]] {
            let ended = folder.run(&[&["check"], flags].concat());
            let out = format!("{}{}", ended.out, ended.err);
            assert_eq!(ended.exit, 2, "{format}: {out}");
            assert!(!out.contains("hunter2"), "{format}: {out}");
        }
    }
    let told = folder.run(&["check"]);
    let told = format!("{}{}", told.out, told.err);
    for name in ["plans/x.plan.yaml", "plans/y", "plans/z.policy.yaml"] {
        assert!(told.contains(&format!("`{name}` is a link to a place outside the workspace")), "{told}");
    }
    assert!(told.contains("`plans/endless` is a link that leads to itself"), "{told}");
    assert!(told.contains("inside: "), "a link within the workspace is followed: {told}");
}

#[cfg(unix)]
#[test]
fn what_never_ends_is_not_read() {
    let folder = Folder::with(&[("plans/a.plan.yaml", CLASSIC_PLAN)]);
    let pipe = folder.path().join("plans/classic.inventory.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    for format in FORMATS {
        let ended = folder.run(&["check", "--format", format]);
        let out = format!("{}{}", ended.out, ended.err);
        assert!(ended.exit == 2 && out.contains("is a pipe, socket or device"), "{format}: {out}");
    }
    for path in ["/proc/self/mem", "../../../../../../etc/passwd", "/etc/passwd"] {
        let plan = CLASSIC_PLAN.replace("classic.inventory.yaml", path);
        folder.write("plans/a.plan.yaml", plan.as_bytes());
        let ended = folder.run(&["check", "plans/a.plan.yaml"]);
        let out = format!("{}{}", ended.out, ended.err);
        assert!(out.contains("outside-workspace") && !out.contains("root:"), "{path}: {out}");
    }
}
