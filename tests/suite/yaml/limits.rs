//! What a text may ask for, and texts that ask for more.

use super::oracle::check_places;
use super::*;

#[test]
fn keys_that_stand_for_one_long_text_cost_no_more_than_their_aliases() {
    let mut text = format!("long: &l \"{}\"\nmany:\n", "x".repeat(200_000));
    text.push_str(&"  ? *l\n  : 1\n".repeat(20_000));
    assert_eq!(codes(&text).len(), 1001);
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
