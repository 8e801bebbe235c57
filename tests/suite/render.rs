//! Findings as text: only what lies around a place is shown, and a document never steers the terminal.

use failback::diagnostic::Diagnostic;
use failback::diagnostic::Severity;
use failback::render::Item;
use failback::render::json;
use failback::render::style::Style;
use failback::render::text;
use failback::source::Sources;
use failback::source::Span;

struct Text {
    sources: Sources,
}

impl Text {
    fn of(files: &[(&str, &str)]) -> Self {
        let mut sources = Sources::new();
        for (name, text) in files {
            sources.add(*name, (*text).to_owned()).expect("fits");
        }
        Self { sources }
    }

    /// Returns the place of the first `word` in file `index`.
    fn place(&self, index: usize, word: &str) -> Span {
        let source = self.sources.get(index);
        let at = source.text().find(word).expect("the word is there");
        let start = source.base() + u32::try_from(at).expect("fits");
        Span::new(start, start + u32::try_from(word.len()).expect("fits"))
    }

    fn shown(&self, diagnostic: &Diagnostic, style: Style) -> String {
        let mut out = String::new();
        text::item(&mut out, &Item::of_diagnostic(diagnostic, &self.sources), &self.sources, style);
        out
    }

    fn plain(&self, diagnostic: &Diagnostic) -> String {
        self.shown(diagnostic, Style::default())
    }
}

#[test]
fn near_places_share_an_excerpt_and_far_ones_and_other_files_have_their_own() {
    let lines: String = (1..60).map(|line| format!("key{line}: value{line}\n")).collect();
    let text = Text::of(&[("plan.yaml", &lines), ("facts.yaml", "이름: 값\n")]);
    let diagnostic = Diagnostic::error("code", text.place(0, "value30"), "something is wrong")
        .label(text.place(0, "key33"), "near below")
        .label(text.place(0, "key5:"), "far above")
        .label(text.place(1, "값"), "elsewhere")
        .help("change it");
    insta::assert_snapshot!(text.plain(&diagnostic), @r#"
error[code]: something is wrong
  --> plan.yaml:30:8
   |
30 | key30: value30
   |        ^^^^^^^
...
33 | key33: value33
   | ----- near below
   |
  ::: plan.yaml:5:1
   |
 5 | key5: value5
   | ----- far above
   |
  ::: facts.yaml:1:5
   |
 1 | 이름: 값
   |       -- elsewhere
   |
   = help: change it
"#);
}

#[test]
fn only_the_surroundings_of_a_place_on_a_long_line_are_shown_with_the_right_column() {
    let line = format!("{{{}이름: 값, {}}}", "가나다: 1, ".repeat(4000), "x: y, ".repeat(4000));
    let text = Text::of(&[("long.yaml", &line)]);
    let diagnostic =
        Diagnostic::error("code", text.place(0, "값"), "here").label(text.place(0, "이름"), "its name");
    let shown = text.plain(&diagnostic);
    assert!(shown.len() < 1500, "{shown}");
    // 1 for the bracket, 8 for each pair before, 4 for the key.
    assert!(shown.contains(&format!("--> long.yaml:1:{}\n", 1 + 8 * 4000 + 4 + 1)), "{shown}");
    assert!(shown.contains('값') && shown.contains("its name"), "{shown}");
}

#[test]
fn a_place_of_several_lines_is_shown_by_its_first() {
    let text = Text::of(&[("p.yaml", "a: |\n  one\n  two\n  three\nb: 1\n")]);
    let span = Span::new(text.place(0, "|").start, text.place(0, "three").end);
    insta::assert_snapshot!(text.plain(&Diagnostic::error("code", span, "long")), @r#"
error[code]: long
 --> p.yaml:1:4
  |
1 | a: |
  |    ^
"#);
}

#[test]
fn lines_end_and_begin_as_in_an_editor() {
    let text = Text::of(&[("p.yaml", "\u{feff}a: 1\r\nb: 2\rc: 3\r\n")]);
    for (word, place) in
        [("a", "p.yaml:1:1\n"), ("1", "p.yaml:1:4\n"), ("2", "p.yaml:2:4\n"), ("3", "p.yaml:3:4\n")]
    {
        let shown = text.plain(&Diagnostic::error("code", text.place(0, word), "here"));
        assert!(shown.contains(place), "{word}: {shown}");
        assert!(!shown.contains(['\r', '\u{feff}']), "{shown:?}");
    }
}

#[test]
fn a_document_does_not_steer_the_terminal() {
    let text = Text::of(&[("p\u{1b}[2J.yaml", "a: \u{1b}]0;x\u{7} \u{202e}b: \u{9b}31m c\n")]);
    let diagnostic = Diagnostic::error("code", text.place(0, "c\n"), "bad\u{1b}[31m\nname")
        .label(text.place(0, "b:"), "label\u{1b}c")
        .help("help\u{9b}2J");
    let shown = text.plain(&diagnostic);
    let steering =
        |letter: char| letter.is_control() && letter != '\n' || ('\u{202a}'..='\u{202e}').contains(&letter);
    assert!(!shown.contains(steering), "{shown:?}");
    insta::assert_snapshot!(shown, @r#"
error[code]: bad␛[31m␊name
 --> p␛[2J.yaml:1:20
  |
1 | a: ␛]0;x␇ �b: �31m c
  |            --      ^
  |            |
  |            label␛c
  |
  = help: help�2J
"#);
}

#[test]
fn an_alias_is_mentioned_where_it_is_used() {
    let text = Text::of(&[("p.yaml", "x: &a\n  location: nowhere\nuse: *a\n")]);
    let mut span = text.place(0, "nowhere");
    span.via = text.place(0, "*a").start;
    let shown = text.plain(&Diagnostic::error("code", span, "not a place"));
    assert!(shown.contains("--> p.yaml:2:13") && shown.contains("used in line 3 of p.yaml"), "{shown}");
}

#[test]
fn what_no_text_holds_is_told_without_an_excerpt() {
    let text = Text::of(&[]);
    let diagnostic = Diagnostic::error("code", Span::NONE, "nowhere").help("do this");
    assert_eq!(text.plain(&diagnostic), "error[code]: nowhere\nhelp: do this\n\n");
}

#[test]
fn colours_come_only_when_asked_for() {
    let text = Text::of(&[("p.yaml", "a: 1\n")]);
    let diagnostic = Diagnostic::error("code", text.place(0, "1"), "here");
    assert!(!text.plain(&diagnostic).contains('\u{1b}'));
    assert!(text.shown(&diagnostic, Style { color: true, ..Style::default() }).contains('\u{1b}'));
}

#[test]
fn of_many_similar_ones_fifty_are_shown() {
    let text = Text::of(&[("p.yaml", "a: 1\n")]);
    let diagnostics: Vec<Diagnostic> = (0..120)
        .map(|index| {
            let code = if index < 60 { "first" } else { "second" };
            let mut made = Diagnostic::error(code, text.place(0, "1"), format!("message {index}"));
            made.severity = if index % 2 == 0 { Severity::Error } else { Severity::Warning };
            made
        })
        .collect();
    let items: Vec<Item<'_>> =
        diagnostics.iter().map(|made| Item::of_diagnostic(made, &text.sources)).collect();
    let mut out = String::new();
    text::items(&mut out, &items, &text.sources, Style::default());
    assert!(!out.contains("more of"), "thirty of each are few: {out}");
    let mut out = String::new();
    let many: Vec<Item<'_>> = items.iter().chain(&items).cloned().collect();
    text::items(&mut out, &many, &text.sources, Style::default());
    assert_eq!(out.matches("message").count(), 200);
    assert_eq!(out.matches("… and 10 more of first").count(), 2);
}

#[test]
fn places_are_found_in_one_go_on_a_line_as_long_as_its_file() {
    // Looking at the whole line for each of these would take minutes.
    let line = format!("[{}]", "가: 나, ".repeat(300_000));
    let text = Text::of(&[("p.yaml", &line)]);
    let diagnostics: Vec<Diagnostic> = (0..20_000_u32)
        .map(|index| Diagnostic::error("code", Span::new(2 + index * 150, 5 + index * 150), "here"))
        .collect();
    let mut out = Vec::new();
    let mut findings = json::Findings::begin(&mut out).expect("written");
    for diagnostic in &diagnostics {
        let item = Item::of_diagnostic(diagnostic, &text.sources);
        findings.item(&item, None, &text.sources).expect("written");
    }
    findings.end().expect("written");
    let json: serde_json::Value = serde_json::from_slice(&out).expect("it is JSON");
    assert_eq!(json["summary"]["errors"], 20_000);
    assert_eq!(json["findings"][0]["location"]["column"], 2);
    let mut shown = String::new();
    let items: Vec<Item<'_>> =
        diagnostics.iter().map(|made| Item::of_diagnostic(made, &text.sources)).collect();
    text::items(&mut shown, &items, &text.sources, Style::default());
    assert!(shown.ends_with("… and 19950 more of code\n\n"));
}
