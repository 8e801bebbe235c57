//! Texts to trees: places, mistakes, hostile texts, and agreement with another reader of YAML.

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
    assert_eq!(trees(text), ["{a: 1}", "[c]", "{f: 2}"]);
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
fn tabs_that_indent_are_shown() {
    for (text, at) in [
        ("a:\n\tb: 1\n", "2:1-2:2"),
        ("a:\n  b: 1\n\tc: 2\n", "3:1-3:2"),
        ("a:\n  - x\n\t- y\n", "3:1-3:2"),
        ("\ta: 1\n", "1:1-1:2"),
        ("a:\n  \tb: 1\n", "2:3-2:4"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3-3:4"),
        ("a: |\n\ttext\n", "2:1-2:2"),
        ("a:\n \t - x\n", "2:2-2:3"),
        ("가:\r\n\t나: 1\r\n", "2:1-2:2"),
        ("\"a\": \"1\"\n\t\"b\": 2\n", "2:1-2:2"),
    ] {
        let expected = format!("{at} tab-indent: tabs can't indent YAML");
        assert_eq!(mistakes(text).first(), Some(&expected), "{text:?}");
        assert_eq!(first_help(text), "use spaces");
    }
}

#[test]
fn tabs_elsewhere_are_no_mistake() {
    for text in [
        "a:\tb\n",
        "a: b\t\n",
        "a: |\n  x\n  \ty\n",
        "[\n\t1,\n\t2\n]\n",
        "a: 1\n\t\nb: 2\n",
        "a: 1\n\t# c\nb: 2\n",
        "a: \"x\n\ty\"\n",
    ] {
        assert_eq!(codes(text), Vec::<&str>::new(), "{text:?}");
    }
}

#[test]
fn quotes_that_stay_open_are_shown_where_they_open() {
    assert_eq!(mistakes("a: \"b\nc: d\n"), ["1:4-1:5 unclosed-quote: this quote is never closed"]);
    assert_eq!(mistakes("a: 'b\n---\nc: d\n"), ["1:4-1:5 unclosed-quote: this quote is never closed"]);
    assert_eq!(first_help("a: 'b\n"), "write `'` at the end of the quoted text");
    let text = "이름: \"b\nc: \"d\"\n";
    assert_eq!(mistakes(text), ["2:5-2:6 yaml-syntax: `d` after the closing quote"]);
    assert_eq!(labels(text), ["1:5-1:6 the quoted text begins here"]);
    assert_eq!(first_help(text), "close the quote where its text ends");
    for (text, help, quote) in [
        ("a: 'it's'\n", "write a quote inside single quotes twice: `''`", "1:4-1:5"),
        ("a: '''it'''s'\n", "write a quote inside single quotes twice: `''`", "1:4-1:5"),
        ("a: \"x \\\" \"y\"\n", "write a quote inside double quotes as `\\\"`", "1:4-1:5"),
        ("a: \"\\\\\" b\n", "write a quote inside double quotes as `\\\"`", "1:4-1:5"),
    ] {
        assert_eq!(first_help(text), help, "{text:?}");
        assert_eq!(labels(text), [format!("{quote} the quoted text begins here")], "{text:?}");
    }
}

#[test]
fn escapes_that_mean_nothing_are_shown() {
    for (text, expected) in [
        ("p: \"C:\\\\data\\Users\"\n", "1:13-1:15 bad-escape: `\\U` is not an escape of double quotes"),
        ("p: \"a\\qb\"\n", "1:6-1:8 bad-escape: `\\q` is not an escape of double quotes"),
        ("p: \"\\x4\"\n", "1:5-1:8 bad-escape: `\\x4` is not an escape of double quotes"),
        ("p: \"가\\ud800\"\n", "1:6-1:12 bad-escape: `\\ud800` is not an escape of double quotes"),
        ("p: \"\\가\"\n", "1:5-1:7 bad-escape: `\\가` is not an escape of double quotes"),
    ] {
        assert_eq!(mistakes(text), [expected], "{text:?}");
    }
    assert_eq!(trees("p: 'C:\\data\\Users'\n"), ["{p: \"C:\\\\data\\\\Users\"}"]);
}

#[test]
fn mistakes_of_syntax_say_where_and_what() {
    for (text, expected) in [
        ("a: b: c\n", "1:5-1:6 yaml-syntax: a second `:` in one line"),
        (
            "- a: 1\n  b: 2\n   c: 3\n",
            "3:5-3:6 yaml-syntax: this line continues the value of a line above, so it cannot be a key",
        ),
        (
            "a:b\nc: d\n",
            "2:2-2:3 yaml-syntax: this line continues the value of a line above, so it cannot be a key",
        ),
        ("a: 1\nkey\nb: 2\n", "2:1-2:2 yaml-syntax: this is not followed by `:`, as a key must be"),
        ("a:\n  b: 1\n c: 2\n", "3:2-3:3 yaml-syntax: expected a key of the mapping, found `c`"),
        ("b: 1\n- a\n", "2:1-2:2 yaml-syntax: expected a key of the mapping, found `-`"),
        ("- a\nb: 1\n", "2:1-2:2 yaml-syntax: expected `- ` and an item of the list, found `b`"),
        ("a: - x\n", "1:4-1:5 yaml-syntax: a list cannot begin here"),
        ("a: `x`\n", "1:4-1:5 yaml-syntax: ``` cannot begin a value"),
        ("a: ,x\n", "1:4-1:5 yaml-syntax: expected a value, found `,`"),
        ("a: [1, 2]]\n", "1:10-1:11 yaml-syntax: `]` closes nothing"),
        ("a: [1}\n", "1:4-1:5 unclosed-bracket: this `[` is closed by `}`"),
        ("a: [1, 2", "1:4-1:5 unclosed-bracket: this `[` is never closed"),
        ("a: |x\n  y\n", "1:4-1:5 yaml-syntax: text after the `|` or `>` of a block"),
        ("a: x # c\n  y\n", "1:6-1:7 yaml-syntax: a comment between the lines of one text"),
        ("a: \"x\"#c\n", "1:7-1:8 yaml-syntax: `#` right after other text"),
        ("a: & x\n", "1:4-1:5 yaml-syntax: `&` without a name"),
        ("%x: 1\n", "1:6-1:6 yaml-syntax: expected `---` and a new document, found the end of the text"),
        ("a: 1\n... x\n", "2:5-2:6 yaml-syntax: text after `...`"),
        ("a: 1\n%YAML 1.2\n", "2:1-2:2 yaml-syntax: a `%` line inside a document"),
    ] {
        assert_eq!(mistakes(text).first().map(String::as_str), Some(expected), "{text:?}");
        assert_eq!(mistakes(text).len(), 1, "{text:?}");
    }
    let long = format!("{}: 1\n", "k".repeat(1100));
    assert_eq!(mistakes(&long), ["1:1101-1:1102 yaml-syntax: the key before this `:` is too long"]);
}

#[test]
fn a_mistake_inside_brackets_points_at_the_bracket() {
    let text = "a: 1\nk: [가, b\nc: d\n";
    assert_eq!(mistakes(text), ["3:2-3:3 yaml-syntax: `:` cannot stand here"]);
    assert_eq!(labels(text), ["2:4-2:5 inside this bracket, which is still open"]);
}

#[test]
fn control_characters_are_reported_once() {
    assert_eq!(mistakes("a: x\u{1}y\n"), ["1:5-1:6 control-character: control character U+0001"]);
    assert_eq!(mistakes("# \u{7f}\na: \"\u{9f}\"\n").len(), 2);
    assert_eq!(mistakes("a: \0\nb: \0\n"), ["1:4-1:5 control-character: control character U+0000"]);
    assert_eq!(codes(&"a: \u{1}\n".repeat(1000)).len(), 20);
    assert_eq!(
        codes("a: \u{85}\u{a0}\u{2028}\u{fffd}\u{e000}🚀 \"\\x01\"\nb: \"\\0\"\n"),
        Vec::<&str>::new()
    );
}

#[test]
fn unknown_aliases_suggest_anchors_of_their_document() {
    let text = "a: &기본값 {x: 1}\nb: *기본깂\n---\nc: *기본값\n";
    assert_eq!(
        mistakes(text),
        [
            "2:4-2:8 unknown-alias: no anchor `&기본깂` before this alias in this document",
            "4:4-4:8 unknown-alias: no anchor `&기본값` before this alias in this document",
        ]
    );
    assert_eq!(first_help(text), "did you mean `기본값`?");
    assert_eq!(trees(text), ["{a: {x: 1}, b: ?}", "{c: ?}"]);
    assert!(first_help("a: *.log\n").contains("in quotes"));
}

#[test]
fn an_alias_inside_its_own_anchor_is_refused() {
    let text = "a: &r\n  b: [*r]\n  c: &s [1, *s]\n  d: *s\n";
    assert_eq!(
        mistakes(text),
        [
            "2:7-2:9 recursive-alias: `*r` is inside the value that it stands for",
            "3:13-3:15 recursive-alias: `*s` is inside the value that it stands for",
        ]
    );
    assert_eq!(labels(text), ["2:3-2:4 that value begins here"]);
    assert_eq!(trees(text), ["{a: {b: [?], c: [1, ?], d: *[1, ?]}}"]);
}

#[test]
fn an_anchor_written_again_counts_from_there() {
    assert_eq!(trees("- &a 1\n- *a\n- &a 2\n- *a\n"), ["[1, *1, 2, *2]"]);
}

#[test]
fn repeated_keys_show_both_places() {
    let text = "name: a\n이름: b\n\"name\": c\nname: d\n";
    assert_eq!(
        mistakes(text),
        [
            "3:1-3:7 duplicate-key: key `\"name\"` is written twice in this mapping",
            "4:1-4:5 duplicate-key: key `name` is written twice in this mapping",
        ]
    );
    assert_eq!(labels(text), ["1:1-1:5 first written here"]);
    assert_eq!(trees(text), ["{name: a, 이름: b, \"name\": c, name: d}"]);
}

#[test]
fn keys_of_every_kind_can_be_repeated() {
    for text in [
        "{.nan: 1, .nan: 2}",
        "{1: a, 1: b}",
        "{true: a, true: b}",
        "{? [a, b] : 1, ? [a, b] : 2}",
        "{&k a: 1, *k : 2}",
        "{? , ? }",
        "{<<: {a: 1}, <<: {b: 1}}",
    ] {
        assert_eq!(codes(text), ["duplicate-key"], "{text}");
    }
    for text in
        ["{a: 1, A: 2}", "{[a]: 1, '[a]': 2}", "{a: {a: {a: 1}}}", "[{a: 1}, {a: 1}]", "{a: 1, ' a': 2}"]
    {
        assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
    }
    assert!(first_help("<<: {a: 1}\n<<: {b: 1}\n").contains("<<: ["));
}

#[test]
fn repeated_keys_of_a_large_mapping_are_found() {
    let mut text: String = (0..50_000).map(|at| format!("vm-{at}: x\n")).collect();
    text.push_str("vm-49999: y\nvm-7: z\n");
    let found = mistakes(&text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[1], "50002:1-50002:5 duplicate-key: key `vm-7` is written twice in this mapping");
    assert_eq!(labels(&text), ["50000:1-50000:9 first written here"]);
}

#[test]
fn keys_that_stand_for_one_long_text_cost_no_more_than_their_aliases() {
    let mut text = format!("long: &l \"{}\"\nmany:\n", "x".repeat(200_000));
    text.push_str(&"  ? *l\n  : 1\n".repeat(20_000));
    assert_eq!(codes(&text).len(), 1001);
}

#[test]
fn tags_other_than_those_of_yaml_are_refused() {
    let text = "a: !secret 비밀\nb: !Ref [x]\nc: !!binary aGk=\nd: !e!x y\n";
    assert_eq!(
        mistakes(text),
        [
            "1:4-1:11 unsupported-tag: tag `!secret` is not supported",
            "2:4-2:8 unsupported-tag: tag `!Ref` is not supported",
            "3:4-3:12 unsupported-tag: tag `!!binary` is not supported",
            "4:4-4:8 unsupported-tag: tag `!e!x` is not supported",
        ]
    );
    assert_eq!(trees("a: !secret 비밀\nb: !Ref [x]\n"), ["{a: ?, b: [x]}"]);
    let text = "- !!str 12\n- ! 12\n- !!int '12'\n- !!map {a: 1}\n- !!seq [1]\n- !!null ''\n- !!str\n- !!null\n- !!float 1\n";
    assert_eq!(trees(text), ["[\"12\", \"12\", 12, {a: 1}, [1], null, \"\", null, 1]"]);
    assert_eq!(codes(text), Vec::<&str>::new());
}

#[test]
fn depth_is_limited_exactly_and_aliases_do_not_count() {
    let limits = Limits { max_depth: 4, ..Limits::default() };
    let found = |text: &str| {
        with(text, &limits, |sources, tree, found| {
            (
                tree.roots.len(),
                found
                    .iter()
                    .map(|one| format!("{} {}", place(sources, one.span), one.code))
                    .collect::<Vec<_>>(),
            )
        })
    };
    for text in
        ["[[[[1]]]]", "- - - - 1", "a: {b: [{c: 1}]}", "a:\n b:\n  c:\n   d: 1", "a: &a [[[1]]]\nb: [[*a]]"]
    {
        assert_eq!(found(text), (1, vec![]), "{text}");
    }
    for (text, at) in [
        ("[[[[[1]]]]]", "1:5-1:6"),
        ("- - - - - 1", "1:9-1:9"),
        ("a: {b: [{c: [1]}]}", "1:13-1:14"),
        ("a:\n b:\n  c:\n   d:\n    e: 1", "5:5-5:5"),
    ] {
        let (roots, mistakes) = found(&format!("{text}\n---\nnext: 1\n"));
        assert_eq!(roots, 1, "{text}");
        assert_eq!(mistakes.len(), 1, "{text}");
        assert!(mistakes[0].ends_with("too-deep"), "{mistakes:?}");
        assert_eq!(
            mistakes[0].split(' ').next().map(|place| place.split('-').next()),
            Some(at.split('-').next()),
            "{text}"
        );
    }
}

#[test]
fn hostile_nesting_is_refused() {
    for part in ["[", "{a: ", "- ", "? ", "[{a: ", "- a: ", "{? ", "&a [", "!t [", "{", "[a: ["] {
        let text = part.repeat(100_000);
        let codes = codes(&text);
        assert!(
            codes.last().is_some_and(|code| ["too-deep", "yaml-syntax"].contains(code)),
            "{part}: {codes:?}"
        );
        assert_eq!(
            trees(&format!("{text}\n---\nnext: 1\n")).last().map(String::as_str),
            Some("{next: 1}"),
            "{part}"
        );
    }
    let stairs: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(codes(&stairs), ["too-deep"]);
}

#[test]
fn hostile_texts_without_nesting_are_read_in_one_go() {
    for part in [
        "]",
        "}",
        ",",
        ": ",
        "&a ",
        "*a ",
        "!t ",
        "!",
        "'",
        "\"",
        "|",
        "%",
        "\u{feff}",
        "---\n",
        "...\n",
        "--- [\n",
        "--- @\n",
        "# c\n",
        "a: @\n---\n",
        "\"\\",
        "''",
        "a ",
        "a\n",
        "\n",
        "\t\n",
        "\ta: 1\n",
        "- \t",
        "? a\n",
        "- |\n",
        "<<: 1\n",
        "a: 'x'y'\n---\n",
        "\u{1}",
    ] {
        let text = part.repeat(50_000);
        with(&text, &Limits::default(), |sources, tree, diagnostics| {
            check_places(&text, sources, tree, diagnostics)
        });
    }
}

#[test]
fn aliases_are_never_expanded() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for at in 1..20_000 {
        let before = at - 1;
        text.push_str(&format!("a{at}: &a{at} [*a{before}, *a{before}, *a{before}, *a{before}]\n"));
    }
    with(&text, &Limits::default(), |_, tree, diagnostics| {
        assert_eq!(diagnostics, []);
        assert_eq!(tree.nodes.len(), 1 + 12 + 19_999 * 6);
    });
    let merges: String = (1..1000).map(|at| format!("m{at}: &m{at}\n  <<: [*m0, *m0]\n")).collect();
    assert_eq!(codes(&format!("m0: &m0 {{a: 1}}\n{merges}")), Vec::<&str>::new());
    let harmless: String = (0..40_000).map(|at| format!("- &n{at} x\n- *n{at}\n")).collect();
    assert_eq!(codes(&harmless), Vec::<&str>::new());
    let unknown: String = (0..40_000).map(|at| format!("- &n{at} x\n- *m{at}\n")).collect();
    assert_eq!(codes(&unknown).len(), 1001);
}

#[test]
fn a_text_of_one_long_scalar_is_read() {
    for text in [format!("a: {}\n", "가나 ".repeat(300_000)), format!("a: |\n{}", "  줄\n".repeat(100_000))]
    {
        assert_eq!(codes(&text), Vec::<&str>::new());
    }
}

#[test]
fn too_many_values_and_too_many_mistakes_are_cut_off() {
    let limits = Limits { max_nodes: 10, max_mistakes: 3, ..Limits::default() };
    with("[1,2,3,4,5,6,7,8,9]", &limits, |_, tree, found| {
        assert_eq!((tree.roots.len(), found.len()), (1, 0));
    });
    with("[1,2,3,4,5,6,7,8,9,10]", &limits, |_, _, found| {
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), ["too-many-values"]);
    });
    with("[*a, *b, *c, *d, *e]", &limits, |_, tree, found| {
        let codes: Vec<_> = found.iter().map(|one| one.code).collect();
        assert_eq!(codes, ["unknown-alias", "unknown-alias", "unknown-alias", "too-many-mistakes"]);
        assert_eq!(tree.roots.len(), 1);
    });
}

#[test]
fn mistakes_come_in_the_order_of_the_text_after_what_was_there() {
    let mut sources = Sources::new();
    let index = sources.add("text", "a: *x\nb: {c: 1, c: 2}\na: \u{1}\n".into()).expect("fits");
    let mut diagnostics = vec![Diagnostic::error("other", Span::new(99, 99), "from before")];
    yaml::read(sources.get(index), &Limits::default(), &mut diagnostics);
    let codes: Vec<_> = diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["other", "unknown-alias", "duplicate-key", "control-character"]);
}

/// Asserts that every span is a place in the text and that every value is inside the one that holds it.
fn check_places(text: &str, sources: &Sources, tree: &Tree<'_>, diagnostics: &[Diagnostic]) {
    let base = sources.all()[1].base();
    let inside = |span: Span| {
        let (start, end) = ((span.start.wrapping_sub(base)) as usize, (span.end.wrapping_sub(base)) as usize);
        assert!(start <= end && end <= text.len(), "{text:?}: {start}..{end}");
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{text:?}: {start}..{end}");
    };
    for found in diagnostics {
        inside(found.span);
        found.labels.iter().for_each(|label| inside(label.span));
        assert!(!found.message.is_empty() && found.help.is_some(), "{text:?}: {found:?}");
    }
    for (id, node) in tree.nodes.iter().enumerate() {
        inside(node.span);
        assert!(!yaml::is_stand_in(node) || !diagnostics.is_empty(), "{text:?}: {node:?}");
        let holds = |child: NodeId| {
            let span = tree.node(child).span;
            assert!(child as usize > id, "{text:?}");
            assert!(
                node.span.start <= span.start && span.end <= node.span.end,
                "{text:?}: {node:?} {span:?}"
            );
        };
        match &node.kind {
            Kind::Scalar { .. } => {}
            Kind::Alias(target) => assert!((*target as usize) < id, "{text:?}"),
            Kind::Sequence(items) => items.iter().copied().for_each(holds),
            Kind::Mapping(pairs) => pairs.iter().for_each(|(key, value)| {
                holds(*key);
                holds(*value);
            }),
        }
    }
    assert!(tree.roots.iter().all(|root| (*root as usize) < tree.nodes.len()), "{text:?}");
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

fn oracle(text: &str) -> Option<serde_yaml::Value> {
    serde_yaml::from_str(text).ok()
}

fn value(tree: &Tree<'_>, id: NodeId) -> serde_yaml::Value {
    use serde_yaml::Value;
    match &tree.node(id).kind {
        Kind::Scalar { text, plain: false } => Value::String(text.to_string()),
        Kind::Scalar { text, plain: true } => plain(text),
        Kind::Sequence(items) => Value::Sequence(items.iter().map(|item| value(tree, *item)).collect()),
        Kind::Mapping(pairs) => Value::Mapping(
            pairs.iter().map(|(key, found)| (value(tree, *key), value(tree, *found))).collect(),
        ),
        Kind::Alias(target) => value(tree, *target),
    }
}

/// Returns the meaning of a plain scalar in the core schema of YAML 1.2; numbers with a leading zero are text.
fn plain(text: &str) -> serde_yaml::Value {
    use serde_yaml::Value;
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    let zero =
        number.len() > 1 && number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        ".inf" => return f64::INFINITY.into(),
        "-.inf" => return f64::NEG_INFINITY.into(),
        _ if zero || !number.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {}
        _ => {
            for (prefix, radix) in [("0x", 16), ("0o", 8)] {
                if let Some(Ok(found)) =
                    text.strip_prefix(prefix).map(|digits| u64::from_str_radix(digits, radix))
                {
                    return found.into();
                }
            }
            if let Ok(found) = text.parse::<u64>() {
                return found.into();
            }
            if let Ok(found) = text.parse::<i64>() {
                return found.into();
            }
            if let Ok(found) = text.parse::<f64>() {
                return found.into();
            }
        }
    }
    text.into()
}

#[test]
fn another_reader_understands_the_same() {
    for text in CORPUS {
        for text in [text.to_string(), text.replace('\n', "\r\n")] {
            with(&text, &Limits::default(), |_, tree, diagnostics| {
                assert_eq!(diagnostics, [], "{text}");
                assert_eq!(tree.roots.len(), 1, "{text}");
                let expected = oracle(&text).expect("the other reader reads it");
                assert_eq!(value(tree, tree.roots[0]), expected, "{text}");
            });
        }
    }
}

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

/// Returns a text of the corpus with a few random changes.
fn mutated(random: &mut fastrand::Rng) -> String {
    let mut text: Vec<char> = CORPUS[random.usize(..CORPUS.len())].chars().collect();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=text.len());
        let end = (at + random.usize(..12)).min(text.len());
        match random.u8(..4) {
            0 => drop(text.drain(at..end)),
            1 => {
                let copy: Vec<char> = text[at..end].to_vec();
                let to = random.usize(..=text.len());
                text.splice(to..to, copy);
            }
            _ => drop(text.splice(at..at, PIECES[random.usize(..PIECES.len())].chars())),
        }
    }
    text.into_iter().collect()
}

#[test]
fn changed_texts_never_panic_and_every_place_is_in_the_text() {
    let mut random = fastrand::Rng::with_seed(20_260_821);
    let (mut broken, mut whole) = (0, 0);
    for _ in 0..20_000 {
        let text = mutated(&mut random);
        with(&text, &Limits::default(), |sources, tree, diagnostics| {
            check_places(&text, sources, tree, diagnostics);
            if diagnostics.is_empty() { whole += 1 } else { broken += 1 }
        });
    }
    assert!(broken > 2000 && whole > 2000, "{broken} broken, {whole} whole");
}
