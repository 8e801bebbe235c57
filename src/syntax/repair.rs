//! Puts right what can only have been meant in one way, and changes not one other byte of a text.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Edit;
use crate::diagnostic::Fix;
use crate::source::Source;
use crate::source::Sources;
use crate::source::Span;
use crate::syntax::parse_if_ours;
use crate::syntax::respell;
use crate::syntax::scalar::Plain;
use crate::syntax::tree::Kind;
use crate::syntax::tree::Node;
use crate::syntax::tree::Tree;
use crate::syntax::yaml;

/// Rounds of repairs: what is put right may show more of the document, which may have mistakes of its own.
const MOST_ROUNDS: usize = 1000;
/// Bytes of a text in which tabs are replaced: each width that a tab may have takes a reading of the text.
pub(super) const LARGEST_WITH_TABS: usize = 1 << 20;
/// Columns that a tab may stand for.
pub(super) const TAB_WIDTHS: [usize; 3] = [2, 4, 8];

/// One thing that was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// Line, counted from 1: the same before and after.
    pub line: usize,
    /// What was done, as a fragment that begins with a verb.
    pub title: String,
}

/// A text that was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The text; it has as many lines as before.
    pub text: String,
    /// What was done, in the order of the lines.
    pub repairs: Vec<Repair>,
}

/// Puts a text right; `None` if there is nothing to do, or no document of it is or seems meant to be one of ours.
#[must_use]
pub fn repair(text: &str) -> Option<Repaired> {
    let mut repaired = Repaired { text: text.to_owned(), repairs: Vec::new() };
    for _ in 0..MOST_ROUNDS {
        let mut sources = Sources::new();
        let index = sources.add("", repaired.text.clone()).ok()?;
        let source = sources.get(index);
        let fixes = fixes(source);
        let Some((text, applied)) = apply(source, &fixes) else { break };
        for fix in applied {
            let line = sources.locate(fix.edits[0].span).map_or(1, |place| place.start.line);
            repaired.repairs.push(Repair { line, title: fix.title.clone() });
        }
        repaired.text = text;
    }
    repaired.repairs.sort_by_key(|repair| repair.line);
    (repaired.text != text).then_some(repaired)
}

/// Returns what puts a text right: its mistakes, and once it has none, what other readers of YAML would take for
/// something else.
fn fixes(source: &Source) -> Vec<Fix> {
    let mut mistakes = Vec::new();
    if parse_if_ours(source, &mut mistakes).is_none() {
        return Vec::new();
    }
    if mistakes.is_empty() {
        let tree = yaml::read(source, &yaml::Limits::default(), &mut mistakes);
        return ambiguous(&tree);
    }
    mistakes.into_iter().filter_map(|mistake| mistake.fix.map(|fix| *fix)).collect()
}

/// Returns the text with the fixes that do not touch one another, and those; `None` if there are none.
fn apply<'f>(source: &Source, fixes: &'f [Fix]) -> Option<(String, Vec<&'f Fix>)> {
    let text = source.text();
    let mut ordered: Vec<&Fix> = fixes.iter().filter(|fix| !fix.edits.is_empty()).collect();
    ordered.sort_by_key(|fix| fix.edits[0].span);
    let (mut applied, mut edits): (Vec<&Fix>, Vec<(usize, usize, &str)>) = (Vec::new(), Vec::new());
    for fix in ordered {
        let places: Option<Vec<_>> = fix.edits.iter().map(|edit| place(source, edit)).collect();
        let Some(places) = places else { continue };
        // What touches a fix before it waits for the next round.
        let after = edits.last().map_or(0, |(_, end, _)| *end);
        if places.first().is_some_and(|(from, ..)| *from >= after) {
            edits.extend(places);
            applied.push(fix);
        }
    }
    let mut new = String::with_capacity(text.len() + edits.len() * 8);
    let mut at = 0;
    for (from, to, with) in edits {
        new.push_str(&text[at..from]);
        new.push_str(with);
        at = to;
    }
    new.push_str(&text[at..]);
    (new != text).then_some((new, applied))
}

/// Returns what an edit replaces, if that is within one line of the text.
fn place<'e>(source: &Source, edit: &'e Edit) -> Option<(usize, usize, &'e str)> {
    let offset = |at: u32| at.checked_sub(source.base()).map(|at| at as usize);
    let (from, to) = (offset(edit.span.start)?, offset(edit.span.end)?);
    let is_break = |text: &str| text.contains(['\n', '\r']);
    let old = source.text().get(from..to)?;
    (!is_break(old) && !is_break(&edit.text)).then_some((from, to, edit.text.as_str()))
}

/// Returns the fixes that put into quotes what is text here, and something else to readers of YAML 1.1.
fn ambiguous(tree: &Tree<'_>) -> Vec<Fix> {
    let title = |new: &str| format!("write {new} in quotes: it is not text to every reader of YAML");
    let scalars = (0..).zip(&tree.nodes).filter(|(_, node)| match &node.kind {
        Kind::Scalar { text, plain } => *plain && Plain::of(text) == Plain::Text && is_ambiguous(text),
        Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => false,
    });
    scalars.filter_map(|(id, _)| respell::quote(tree, id, title)).collect()
}

/// Returns whether text without quotes is a boolean or a number to readers of YAML 1.1, such as `no`, `22:00` or `010`.
#[must_use]
pub fn is_ambiguous(text: &str) -> bool {
    const BOOLEANS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    let is_cased = |word: &str| {
        let mut capital = word.to_owned();
        capital[..1].make_ascii_uppercase();
        text == word || text == capital || text == word.to_ascii_uppercase()
    };
    if BOOLEANS.iter().any(|word| is_cased(word)) {
        return true;
    }
    let number = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !number.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let digits = |text: &str, is_digit: fn(char) -> bool| !text.is_empty() && text.chars().all(is_digit);
    let decimal = |letter: char| letter.is_ascii_digit() || letter == '_';
    if let Some(bits) = number.strip_prefix("0b") {
        return digits(bits, |letter| matches!(letter, '0' | '1' | '_'));
    }
    if let Some(hexadecimal) = number.strip_prefix("0x") {
        return digits(hexadecimal, |letter| letter.is_ascii_hexdigit() || letter == '_');
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or("");
    // Minutes and seconds of a number to the base of 60.
    let is_sixtieth = |part: &str| part.len() <= 2 && part.parse::<u8>().is_ok_and(|part| part < 60);
    digits(first, decimal) && parts.all(is_sixtieth) && (fraction.is_empty() || digits(fraction, decimal))
}

/// Gives the first mistake of indentation by tabs the fix for all of them, if it does not matter how wide a tab is.
pub(crate) fn indent_by_spaces(source: &Source, mistakes: &mut [Diagnostic]) {
    let Some(mistake) = mistakes.iter_mut().find(|mistake| mistake.code == "tab-indent") else { return };
    if source.text().len() <= LARGEST_WITH_TABS {
        mistake.fix = spaces(source).map(Box::new);
    }
}

fn spaces(source: &Source) -> Option<Fix> {
    let mut chosen: Option<(Fix, Sources)> = None;
    for width in TAB_WIDTHS {
        let (lines, edits) = expanded(source, width);
        let fix = Fix { title: "indent with spaces".to_owned(), edits };
        let (text, _) = apply(source, std::slice::from_ref(&fix))?;
        let mut sources = Sources::new();
        let index = sources.add("", text).ok()?;
        let mut mistakes = Vec::new();
        let tree = yaml::read(sources.get(index), &yaml::Limits::default(), &mut mistakes);
        let is_broken = |mistake: &Diagnostic| matches!(mistake.code, "yaml-syntax" | "tab-indent");
        if mistakes.iter().any(is_broken) || tree.roots.is_empty() || !tree.cut.is_empty() {
            continue;
        }
        if touches_block(&lines, &tree, &sources) {
            return None;
        }
        match &chosen {
            Some((_, first)) => {
                let first = yaml::read(first.get(0), &yaml::Limits::default(), &mut mistakes);
                if !are_same(&first, &tree) {
                    return None;
                }
            }
            None => chosen = Some((fix, sources)),
        }
    }
    chosen.map(|(fix, _)| fix)
}

/// Returns the lines that begin with tabs, and the edits that put spaces into the place of what they begin with.
pub(super) fn expanded(source: &Source, width: usize) -> (Vec<usize>, Vec<Edit>) {
    let offset = |at: usize| source.base() + u32::try_from(at).unwrap_or(u32::MAX);
    let (mut lines, mut edits) = (Vec::new(), Vec::new());
    for number in 1..=source.line_count() {
        let range = source.line_range(number);
        let line = &source.text()[range.clone()];
        let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        if !blanks.contains('\t') || blanks.len() == line.len() {
            continue;
        }
        let columns = blanks.chars().fold(0, |column, letter| match letter {
            '\t' => (column / width + 1) * width,
            _ => column + 1,
        });
        let span = Span::new(offset(range.start), offset(range.start + blanks.len()));
        lines.push(number);
        edits.push(Edit { span, text: " ".repeat(columns) });
    }
    (lines, edits)
}

/// Returns whether one of the lines is part of a text that keeps its blanks.
fn touches_block(lines: &[usize], tree: &Tree<'_>, sources: &Sources) -> bool {
    let is_block = |node: &Node<'_>| {
        matches!(node.kind, Kind::Scalar { plain: false, .. })
            && tree.slice(node.span).starts_with(['|', '>'])
    };
    tree.nodes.iter().filter(|node| is_block(node)).filter_map(|node| sources.locate(node.span)).any(
        |place| {
            // The line of the `|` or `>` itself is one like any other.
            let next = lines.partition_point(|line| *line <= place.start.line);
            lines.get(next).is_some_and(|line| *line <= place.end.line)
        },
    )
}

/// Returns whether two trees hold the same values.
fn are_same(one: &Tree<'_>, other: &Tree<'_>) -> bool {
    one.roots == other.roots
        && one.nodes.len() == other.nodes.len()
        && one.nodes.iter().zip(&other.nodes).all(|(one, other)| match (&one.kind, &other.kind) {
            (Kind::Scalar { text, plain }, Kind::Scalar { text: others, plain: is_plain }) => {
                text == others && plain == is_plain
            }
            (Kind::Sequence(items), Kind::Sequence(others)) => items == others,
            (Kind::Mapping(pairs), Kind::Mapping(others)) => pairs == others,
            (Kind::Alias(target), Kind::Alias(others)) => target == others,
            (Kind::Scalar { .. } | Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_), _) => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_readers_disagree_about_are_known() {
        for text in [
            "yes", "No", "ON", "y", "22:00", "06:00", "1:30:00", "010", "09", "1_000", "0b11", "0x_1",
            "1:30.5",
        ] {
            assert!(is_ambiguous(text), "{text}");
        }
        for text in [
            "yEs",
            "yesterday",
            "2026-12-24",
            "2026-12-24T00:00:00Z",
            "15m",
            "10.0.0.1",
            "22:75",
            "a:1",
            "R:",
            "0xg",
            "-",
        ] {
            assert!(!is_ambiguous(text), "{text}");
        }
    }
}
