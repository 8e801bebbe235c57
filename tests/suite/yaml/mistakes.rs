//! Mistakes of syntax: where they are, and what to do.

use super::*;

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
    let long = format!("a: 1\n{long}b: 1\n");
    assert_eq!(mistakes(&long), ["2:1-2:2 yaml-syntax: the key that begins here is too long"]);
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
fn a_value_that_is_not_what_its_tag_says_is_refused() {
    assert_eq!(
        mistakes("a: !!int p1\nb: !!bool 'yes'\nc: !!float 1.x\nd: !!null x\ne: !!int 1.5\n"),
        [
            "1:10-1:12 wrong-type: `p1` is not a whole number, as its tag `!!int` says",
            "2:11-2:16 wrong-type: `yes` is not true or false, as its tag `!!bool` says",
            "3:12-3:15 wrong-type: `1.x` is not a number, as its tag `!!float` says",
            "4:11-4:12 wrong-type: `x` is not nothing, as its tag `!!null` says",
            "5:10-5:13 wrong-type: `1.5` is not a whole number, as its tag `!!int` says",
        ]
    );
    assert_eq!(
        codes("a: !!int 0x1f\nb: !!bool True\nc: !!float 2\nd: !!null ~\ne: !!int\n"),
        Vec::<&str>::new()
    );
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
