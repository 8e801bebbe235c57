//! Texts to trees: places, mistakes, hostile texts, and agreement with another reader of YAML.

mod limits;
mod mistakes;
mod oracle;

use failback::diagnostic::Diagnostic;
use failback::source::Sources;
use failback::source::Span;
use failback::syntax::tree::Kind;
use failback::syntax::tree::NodeId;
use failback::syntax::tree::Tree;
use failback::syntax::yaml;
use failback::syntax::yaml::Limits;

/// Reads a text after another one, so that offsets do not begin at the text.
fn with<R>(text: &str, limits: &Limits, look: impl FnOnce(&Sources, &Tree<'_>, &[Diagnostic]) -> R) -> R {
    let mut sources = Sources::new();
    sources.add("before", "이전: 1\n".into()).expect("fits");
    let index = sources.add("text", text.into()).expect("fits");
    let mut diagnostics = Vec::new();
    let tree = yaml::read(sources.get(index), limits, &mut diagnostics);
    look(&sources, &tree, &diagnostics)
}

/// Returns the documents of a text in one line each; quoted scalars have quotes.
fn trees(text: &str) -> Vec<String> {
    with(text, &Limits::default(), |_, tree, _| tree.roots.iter().map(|root| drawn(tree, *root)).collect())
}

fn drawn(tree: &Tree<'_>, id: NodeId) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match &tree.node(id).kind {
        Kind::Scalar { .. } if yaml::is_stand_in(tree.node(id)) => "?".into(),
        Kind::Scalar { text, plain: true } => text.to_string(),
        Kind::Scalar { text, plain: false } => format!("{text:?}"),
        Kind::Sequence(items) => format!("[{}]", list(items.iter().map(|item| drawn(tree, *item)).collect())),
        Kind::Mapping(pairs) => {
            let pairs =
                pairs.iter().map(|(key, value)| format!("{}: {}", drawn(tree, *key), drawn(tree, *value)));
            format!("{{{}}}", list(pairs.collect()))
        }
        Kind::Alias(target) => format!("*{}", drawn(tree, *target)),
    }
}

/// Returns the characters of every node, in the order of the nodes.
fn written(text: &str) -> Vec<String> {
    with(text, &Limits::default(), |sources, tree, diagnostics| {
        assert_eq!(diagnostics, []);
        tree.nodes.iter().map(|node| sources.slice(node.span).to_owned()).collect()
    })
}

/// Returns `line:column-line:column code` and the message of every mistake.
fn mistakes(text: &str) -> Vec<String> {
    with(text, &Limits::default(), |sources, _, diagnostics| {
        let shown =
            |found: &Diagnostic| format!("{} {}: {}", place(sources, found.span), found.code, found.message);
        assert!(diagnostics.iter().all(|found| found.help.is_some()), "{diagnostics:?}");
        diagnostics.iter().map(shown).collect()
    })
}

fn place(sources: &Sources, span: Span) -> String {
    let found = sources.locate(span).expect("in a text");
    assert_eq!(&*found.file, "text");
    format!("{}:{}-{}:{}", found.start.line, found.start.column, found.end.line, found.end.column)
}

fn codes(text: &str) -> Vec<&'static str> {
    with(text, &Limits::default(), |_, _, diagnostics| diagnostics.iter().map(|found| found.code).collect())
}

fn first_help(text: &str) -> String {
    with(text, &Limits::default(), |_, _, found| found[0].help.clone().expect("a help"))
}

/// Returns the places and texts of the labels of the first mistake.
fn labels(text: &str) -> Vec<String> {
    with(text, &Limits::default(), |sources, _, diagnostics| {
        let labels = diagnostics[0].labels.iter();
        labels.map(|label| format!("{} {}", place(sources, label.span), label.text)).collect()
    })
}

#[test]
fn every_value_knows_its_characters() {
    let text = "이름: 서울 🚀 복구  # 주석\n\
                목록: [가나, \"다 \\\"라\\\"\", '마''바', {키: 값}]\n\
                기본: &b {x: 1}\n\
                사용: *b\n\
                병합: {<<: *b, y: 🦀}\n\
                긴글: |-  # 주석\n  첫 줄\n\n  둘째 줄\n\n\
                접힌: >\n  하나\n  둘\n\
                빈값:\n";
    #[rustfmt::skip]
    let expected = [
        text.trim_end(),
        "이름", "서울 🚀 복구",
        "목록", "[가나, \"다 \\\"라\\\"\", '마''바', {키: 값}]", "가나", "\"다 \\\"라\\\"\"", "'마''바'", "{키: 값}", "키", "값",
        "기본", "{x: 1}", "x", "1",
        "사용", "*b",
        "병합", "{<<: *b, y: 🦀}", "<<", "*b", "y", "🦀",
        "긴글", "|-  # 주석\n  첫 줄\n\n  둘째 줄",
        "접힌", ">\n  하나\n  둘",
        "빈값", "",
    ];
    assert_eq!(written(text), expected);
    assert_eq!(
        trees(text),
        [
            "{이름: 서울 🚀 복구, 목록: [가나, \"다 \\\"라\\\"\", \"마'바\", {키: 값}], 기본: {x: 1}, 사용: *{x: 1}, \
          병합: {<<: *{x: 1}, y: 🦀}, 긴글: \"첫 줄\\n\\n둘째 줄\", 접힌: \"하나 둘\\n\", 빈값: }"
        ]
    );
}

#[test]
fn blocks_end_with_their_last_value() {
    let text = "a:\n  - x: 1\n    y:\n  - - z\n    -\n\n# comment\nb: one\n   two\n\n? c\n: d\n";
    #[rustfmt::skip]
    let expected = [
        text.trim_end(),
        "a", "- x: 1\n    y:\n  - - z\n    -", "x: 1\n    y:", "x", "1", "y", "", "- z\n    -", "z", "",
        "b", "one\n   two", "c", "d",
    ];
    // The mapping begins at its first key, and `? c` has its `?` before that.
    assert_eq!(written(text), expected);
}

#[test]
fn blocks_of_text_begin_at_their_sign() {
    for (text, block) in [
        ("a: |\n  x\n", "|\n  x"),
        ("a: |+\n  x\n\n\nb: 1\n", "|+\n  x"),
        ("a: |2-\n    x\n", "|2-\n    x"),
        ("a: &x !!str >- # | #\n\n  x\n", ">- # | #\n\n  x"),
        ("a:\n  # c | c\n  |\n  x", "|\n  x"),
        ("- |\n x\n", "|\n x"),
        ("--- |\nx\n", "|\nx"),
        ("|\r\n  x\r\n  y\r\n", "|\r\n  x\r\n  y"),
        ("\"k | #\": |\n  x\n", "|\n  x"),
        ("a: |\nb: 1\n", "|"),
        ("a: |", "|"),
        ("a:\n- |\n  x\n- >\n  y\n", "|\n  x"),
    ] {
        assert!(written(text).iter().any(|found| found == block), "{text:?}: {:?}", written(text));
    }
}

#[test]
fn lines_and_columns_are_those_of_an_editor() {
    let text = "\u{feff}이름: 값\r\n🚀🚀: [가, *x]\r\nb: |\r\n  x\r\n  y\r\nc: *나\r\n";
    assert_eq!(
        mistakes(text),
        [
            "2:9-2:11 unknown-alias: no anchor `&x` before this alias in this document",
            "6:4-6:6 unknown-alias: no anchor `&나` before this alias in this document",
        ]
    );
    assert_eq!(
        mistakes("\u{feff}*x"),
        ["1:1-1:3 unknown-alias: no anchor `&x` before this alias in this document"]
    );
    assert_eq!(trees("a:\rb: 1\r"), ["{a: , b: 1}"]);
}

#[test]
fn a_byte_order_mark_is_not_part_of_a_text() {
    assert_eq!(trees("\u{feff}a:\n b: 1\nc: 2\n"), ["{a: {b: 1}, c: 2}"]);
    assert_eq!(written("\u{feff}a: 1"), ["a: 1", "a", "1"]);
    assert_eq!(trees("\u{feff}---\na: 1\n...\n\u{feff}---\nb: 2\n"), ["{a: 1}", "{b: 2}"]);
    assert_eq!(mistakes("a: 1\n\u{feff}b: 2\n"), ["2:1-2:2 yaml-syntax: a byte order mark inside the text"]);
}

#[test]
fn a_broken_document_hides_no_other() {
    let text = "a: 1\n---\nb: [1\n---\n- c\n---\nd: @\ne: \"\n---\nf: 2\n";
    assert_eq!(trees(text), ["{a: 1}", "{b: ?}", "[c]", "{d: ?}", "{f: 2}"]);
    assert_eq!(
        mistakes(text),
        [
            "3:4-3:5 unclosed-bracket: this `[` is never closed",
            "7:4-7:5 yaml-syntax: `@` cannot begin a value",
        ]
    );
    assert_eq!(trees("a: 1\n...\n@\n---\nb: 2\n"), ["{a: 1}", "{b: 2}"]);
}

#[test]
fn empty_documents_have_no_root() {
    for text in
        ["", "\n", "# comment\n", "---\n", "---\n---\n# x\n...\n", "\u{feff}", "--- &a\n", "%YAML 1.2\n---\n"]
    {
        assert_eq!((trees(text), codes(text)), (vec![], vec![]), "{text:?}");
    }
    assert_eq!(trees("---\n# none\n---\na: 1\n---\n"), ["{a: 1}"]);
    assert_eq!(trees("--- ~\n--- ''\n"), ["~", "\"\""]);
}

#[test]
fn directives_are_read_over() {
    assert_eq!(trees("%YAML 1.2\n%FOO bar\n---\na: 1\n"), ["{a: 1}"]);
    assert_eq!(codes("%YAML 1.2\n%FOO bar\n---\na: 1\n"), Vec::<&str>::new());
    assert_eq!(
        mistakes("%YAML 2.0\n---\na: 1\n"),
        ["1:1-1:2 yaml-syntax: this version of YAML cannot be read"]
    );
}

#[test]
fn mistakes_come_in_the_order_of_the_text_after_what_was_there() {
    let mut sources = Sources::new();
    let index = sources.add("text", "a: *x\nb: {c: 1, c: 2}\na: \u{1}\n".into()).expect("fits");
    let mut diagnostics = vec![Diagnostic::error("other", Span::new(99, 99), "from before")];
    yaml::read(sources.get(index), &Limits::default(), &mut diagnostics);
    let codes: Vec<_> = diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["other", "unknown-alias", "duplicate-key", "duplicate-key", "control-character"]);
}

/// Texts that both readers understand alike.
const CORPUS: &[&str] = &[
    "name: seoul-2024\nowner: 홍길동\nmachines:\n  - name: web-01\n    tier: 1\n    disks: [{size_gb: 40, boot: true}, {size_gb: 0x10}]\n  - name: db-01\n    tier: -3\n    after: [web-01]\n",
    "a: &x {k: 1, l: [1.5, .inf, -.inf, 1e3]}\nb: *x\nc: [*x, *x]\n",
    "text: |\n  하나\n   둘\n\n  셋\nfolded: >-\n  a\n  b\n\n  c\nkeep: |+\n  x\n\nend: ~\n",
    "- 'it''s'\n- \"tab\\t\\u00e9 \\U0001F680 \\x41\"\n- plain text with no\n",
    "country: no\nanswer: yes\non: off\nleading: 0755\nzeros: 007\nunder: 1_000\ntime: 12:30:45\ndate: 2026-08-21\nversion: 1.10\n",
    "? [a, b]\n: pair\n? {c: d}\n: map\n\"quoted key\": 1\n'': empty\n",
    "empty:\nlist:\n-\n- \n- null\nflow: {a, b: , c: [], d: {}}\n",
    "multi: one\n  two\n\n  three\nquoted: \"one\n  two\n\n  three\"\n",
    "a: {b: {c: {d: [1, [2, [3]]]}}}\nsingle: [a: 1, b]\njson: {\"x\":1,\"y\":[true,false,null]}\n",
    "# 주석\n---\n# 또\na: 1 # 끝\nb: a#b\nc: '#'\n...\n",
    "🚀: [🦀, '🚀']\n한글 키: 한글 값\nurl: https://example.test:8080/a?b=c#d\npath: C:\\Users\\x\n",
    "o: 0o17\nh: 0xFF\nn: -12\np: +5\nf: -0.5\nbig: 9223372036854775807\nlarger: 18446744073709551615\n",
];

const PIECES: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    ": ",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!t ",
    "!!str ",
    "|\n",
    ">-\n",
    "'",
    "\"",
    "\\",
    "#",
    " # 주석",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\u{feff}",
    "가",
    "🚀",
    "\0",
    "\u{1}",
    "\u{85}",
    "\u{2028}",
    "<<: ",
    "a: 1\n",
    "~",
    "@",
    "`",
    "\"\\x",
    "\\ud800",
    "|2+ # x\n",
];
