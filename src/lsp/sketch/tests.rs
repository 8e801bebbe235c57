//! Tests of the sketch: texts as they are while somebody types.

use super::*;

fn described(text: &str, offset: usize) -> String {
    let sketch = Sketch::of(text);
    let Some((index, part)) = sketch.at(offset) else { return "nothing".into() };
    let mut path = String::new();
    for step in sketch.path(text, index) {
        match step {
            Step::Key(key) => path.push_str(&format!(".{key}")),
            Step::Element => path.push_str("[]"),
        }
    }
    format!("{:?} {part:?} {path}", sketch.item(index).kind)
}

/// Describes the place that `|` marks in a text, which is taken out.
fn at(marked: &str) -> String {
    let offset = marked.find('§').expect("a mark");
    described(&marked.replacen('§', "", 1), offset)
}

#[test]
fn blocks_and_lists_lead_to_a_place() {
    assert_eq!(at("kind: Recovery§Plan\n"), "Key Value .kind");
    assert_eq!(at("defaults:\n  failback:\n    loc§ation: auto\n"), "Key Name .defaults.failback.location");
    assert_eq!(at("machines:\n  - name: app§1\n"), "Key Value .machines[].name");
    assert_eq!(
        at("machines:\n- name: a\n  failback:\n    host: e§\n"),
        "Key Value .machines[].failback.host"
    );
    assert_eq!(at("machines:\n  - a\n  - §b\nboot_groups: []\n"), "Element Value .machines[]");
    assert_eq!(at("machines:\n  - name: a\n    verify:\n      - n§: b\n"), "Key Name .machines[].verify[].n");
    assert_eq!(at("a:\n  - - x§\n"), "Element Value .a[][]");
}

#[test]
fn a_word_without_its_colon_is_in_the_mapping_that_its_indentation_says() {
    assert_eq!(
        at("defaults:\n  failback:\n    location: auto\n    mas§\nmachines: []\n"),
        "Word Name .defaults.failback"
    );
    assert_eq!(at("defaults:\n  failback:\n    location: auto\n  for§\n"), "Word Name .defaults");
    assert_eq!(at("machines:\n  - name: a\n    dep§\n  - b\n"), "Word Name .machines[]");
    assert_eq!(at("wai§"), "Word Name ");
}

#[test]
fn brackets_lead_to_a_place_also_while_they_are_open() {
    assert_eq!(at("window: {days: [SAT, S§UN], from: x}\n"), "Element Value .window.days[]");
    assert_eq!(at("window: {days: [SAT], fr§om: x}\n"), "Key Name .window.from");
    assert_eq!(at("window: {days: [SAT], fr§\n"), "Word Name .window");
    assert_eq!(
        at("boot_groups:\n  - {name: a, members: [x§\n  - {name: b}\n"),
        "Element Value .boot_groups[].members[]"
    );
    assert_eq!(
        at("boot_groups:\n  - {name: a, members: [x\n  - {nam§e: b}\n"),
        "Key Name .boot_groups[].name"
    );
    assert_eq!(at("window:\n  {days: [SAT],\n   from: §x}\n"), "Key Value .window.from");
    assert_eq!(at("a: {\"b\":§1}\n"), "Key Value .a.b");
    assert_eq!(at("a: [b: §c]\n"), "Key Value .a[].b");
    assert_eq!(at("a: [[x], [§y]]\n"), "Element Value .a[][]");
}

#[test]
fn what_is_no_structure_is_not_read_as_one() {
    assert_eq!(at("a: |\n  b: §c\nd: e\n"), "nothing");
    assert_eq!(at("a: |\n  b: c\nd: §e\n"), "Key Value .d");
    assert_eq!(at("# a: §b\n"), "nothing");
    assert_eq!(at("a: b # c: §d\n"), "nothing");
    assert_eq!(at("a: \"x: y # §z\" # w\n"), "Key Value .a");
    assert_eq!(at("a: \"one\n  b: §two\"\nc: d\n"), "Key Value .a");
    assert_eq!(at("a: \"one\nc: §d\n"), "Key Value .c");
    assert_eq!(at("a: 'it''s: §x'\n"), "Key Value .a");
    assert_eq!(at("a: http://x§/y\n"), "Key Value .a");
    assert_eq!(at("a: &anchor {b: §c}\n"), "Key Value .a.b");
    assert_eq!(at("a: &anchor\n  b: §c\n"), "Key Value .a.b");
    assert_eq!(at("- &anchor x: §1\n"), "Key Value [].x");
}

#[test]
fn each_document_begins_anew() {
    let text = "a:\n  b: 1\n---\n  c: 2\n";
    assert_eq!(described(text, text.find('2').expect("there")), "Key Value .c");
    let sketch = Sketch::of(text);
    assert_eq!(sketch.documents().count(), 2);
    assert_eq!(described("a:\r\n  이름: 값\r\n", 16), "Key Value .a.이름");
    assert_eq!(described("\u{feff}a: 1\nb: 2\n", 6), "Key Value .a");
}

#[test]
fn an_item_ends_with_what_it_holds() {
    let text = "waivers:\n  - rule: FB606\n    of: [a, b]\n\nx: 1\n";
    let sketch = Sketch::of(text);
    let root = sketch.documents().next().expect("one");
    let waivers = sketch.key(text, root, "waivers").expect("there");
    assert!(text[..sketch.item(waivers).end].ends_with("[a, b]"));
    let of = sketch.children(sketch.children(waivers).next().expect("an element")).nth(1).expect("of");
    let (open, close) = sketch.item(of).brackets.expect("a list");
    assert_eq!(&text[open..close.expect("closed")], "[a, b]");
}

#[test]
fn no_text_stops_the_reader() {
    let pieces = [
        "a", ":", " ", "\n", "-", "[", "]", "{", "}", ",", "\"", "'", "#", "|", "&x", "!", "가", "\r\n",
        "\t", "---", "  ",
    ];
    let mut random = fastrand::Rng::with_seed(2017);
    for _ in 0..20_000 {
        let text: String = (0..random.usize(0..40)).map(|_| pieces[random.usize(0..pieces.len())]).collect();
        let sketch = Sketch::of(&text);
        for offset in 0..=text.len() {
            if let Some((index, _)) = sketch.at(offset) {
                let _ = sketch.path(&text, index);
                assert!(sketch.item(index).end <= text.len(), "{text:?}");
            }
        }
    }
}
