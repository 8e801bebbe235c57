//! Another reader of YAML beside ours, and texts changed at random.

use super::*;

/// Asserts that every span is a place in the text and that every value is inside the one that holds it.
pub(super) fn check_places(text: &str, sources: &Sources, tree: &Tree<'_>, diagnostics: &[Diagnostic]) {
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
