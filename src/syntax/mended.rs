//! What stands behind a mistake of syntax: read with the broken entry blanked out, so that every place stays where it is.

use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::source::Sources;
use crate::source::Span;
use crate::syntax::tree::Break;
use crate::syntax::tree::Tree;
use crate::syntax::yaml;

/// Bytes that are read again, over all rounds: each round takes a reading of the whole text.
const MOST_BYTES: usize = 32 << 20;
/// Mistakes of syntax in one text that are looked behind.
const MOST_ROUNDS: usize = 100;

/// An entry that is blanked out, as offsets in the text.
#[derive(Clone, Copy)]
struct Entry {
    from: usize,
    to: usize,
}

/// Adds the mistakes behind those of syntax; `diagnostics` from `before` on are the mistakes of the text found already.
pub(super) fn look_behind(
    source: &Source,
    tree: &Tree<'_>,
    before: usize,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let rounds = MOST_ROUNDS.min(MOST_BYTES / source.text().len().max(1));
    let mut text = source.text().to_owned();
    let mut entries: Vec<Entry> = Vec::new();
    let mut breaks = tree.breaks.clone();
    for _ in 0..rounds {
        let found: Vec<Entry> = breaks.iter().map(|broken| entry(&text, source.base(), *broken)).collect();
        for (broken, entry) in breaks.iter().zip(&found) {
            tell_bracket(source, *broken, *entry, before, diagnostics);
        }
        let length = entries.len();
        entries.extend(found.into_iter().filter(|entry| !is_blank(&text[entry.from..entry.to])));
        if entries.len() == length {
            return;
        }
        for entry in &entries[length..] {
            blank(&mut text, *entry);
        }
        let mut sources = Sources::new();
        let Ok(index) = sources.add_at(source.base(), source.name(), text.clone()) else { return };
        sources.set_lossy(index, source.is_lossy());
        let mut mistakes = Vec::new();
        let mut tree = yaml::read(sources.get(index), &yaml::Limits::default(), &mut mistakes);
        breaks = std::mem::take(&mut tree.breaks);
        cut_around(&mut tree, &entries);
        super::read_documents(sources.get(index), &tree, 0, &mut mistakes);
        let text = source.text();
        let known = &diagnostics[before..];
        let new =
            mistakes.into_iter().filter(|mistake| is_new(mistake, source.base(), text, &entries, known));
        let new: Vec<Diagnostic> = new.collect();
        diagnostics.extend(new);
        if breaks.is_empty() {
            return;
        }
    }
}

/// Returns whether a mistake of a mended text is one of the text as it is, and not told yet.
fn is_new(mistake: &Diagnostic, base: u32, text: &str, entries: &[Entry], known: &[Diagnostic]) -> bool {
    let at = (mistake.span.start - base) as usize;
    let first = entries.iter().map(|entry| entry.to).min().unwrap_or(0);
    let is_known = |one: &Diagnostic| (one.code, one.span) == (mistake.code, mistake.span);
    // The anchor may be in what was blanked out.
    let may_be_anchored = mistake.code == "unknown-alias"
        && entries.iter().any(|entry| text[entry.from..entry.to].contains('&'));
    at >= first
        && !entries.iter().any(|entry| (entry.from..entry.to).contains(&at))
        && !may_be_anchored
        && !known.iter().any(is_known)
}

/// Tells the bracket that an entry leaves open, in the place of a mistake that only follows from it.
fn tell_bracket(
    source: &Source,
    broken: Break,
    entry: Entry,
    before: usize,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(bracket) = broken.bracket else { return };
    let offset = |at: u32| (at - source.base()) as usize;
    let written = &source.text()[offset(bracket)..entry.to.max(offset(bracket))];
    let Some(open) = yaml::still_open(written) else { return };
    let at = bracket + u32::try_from(open).unwrap_or(0);
    let place = Span::new(at, at + 1);
    // Whatever cannot stand in the bracket once it has swallowed the entries that follow is no mistake of theirs.
    if offset(broken.at) >= entry.to {
        let follows = |mistake: &Diagnostic| mistake.code == "yaml-syntax" && mistake.span.start == broken.at;
        if let Some(at) = diagnostics[before..].iter().position(follows) {
            diagnostics.remove(before + at);
        }
    }
    let is_told = |mistake: &Diagnostic| mistake.code == "unclosed-bracket" && mistake.span.start == at;
    if !diagnostics[before..].iter().any(is_told) {
        diagnostics.push(yaml::unclosed(place, written[open..].starts_with('[')));
    }
}

/// Returns the entry that a mistake of syntax is in: from the line where it begins to the next line that can begin another one,
/// and is not indented deeper.
fn entry(text: &str, base: u32, broken: Break) -> Entry {
    let begin = text.floor_char_boundary((broken.begin - base) as usize);
    let from = text[..begin].rfind('\n').map_or(0, |end| end + 1);
    let mut lines = text[from..].split_inclusive('\n');
    let first = lines.next().unwrap_or("");
    let (indent, mut to, mut next) = (indent(first), from + first.len(), from + first.len());
    for line in lines {
        if begins_entry(line) && self::indent(line) <= indent {
            break;
        }
        next += line.len();
        // What stands between two entries belongs to neither.
        let is_between = line.trim().is_empty() || line.trim_start().starts_with('#');
        to = if is_between { to } else { next };
    }
    Entry { from, to }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Returns whether a line can begin an entry of a mapping or of a list that is written without brackets.
fn begins_entry(line: &str) -> bool {
    let mut rest = line.trim_start_matches(' ').trim_end();
    if line.starts_with("---") || line.starts_with("...") {
        return true;
    }
    let is_item = rest == "-" || rest.starts_with("- ");
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    let colon = rest
        .match_indices(':')
        .map(|(at, _)| at)
        .find(|at| matches!(rest.as_bytes().get(at + 1), None | Some(b' ')));
    let is_of_key = |letter: char| letter.is_alphanumeric() || "_-.<\"'".contains(letter);
    let has_key = colon.is_some_and(|at| at > 0 && rest[..at].chars().all(is_of_key));
    // A line inside brackets ends with a comma, or closes more of them than it opens.
    let mut depth = 0_i32;
    let closes_more = rest.chars().any(|letter| {
        depth += match letter {
            '[' | '{' => 1,
            ']' | '}' => -1,
            _ => 0,
        };
        depth < 0
    });
    (is_item || has_key) && !closes_more && !rest.ends_with(',')
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

/// Puts blanks into the place of an entry; lines stay lines, and no other byte moves.
fn blank(text: &mut String, entry: Entry) {
    let blanks: String = text[entry.from..entry.to]
        .chars()
        .flat_map(|letter| {
            let is_end = matches!(letter, '\n' | '\r');
            std::iter::repeat_n(if is_end { letter } else { ' ' }, letter.len_utf8())
        })
        .collect();
    text.replace_range(entry.from..entry.to, &blanks);
}

/// Notes that the collections around what was blanked out lack something.
fn cut_around(tree: &mut Tree<'_>, entries: &[Entry]) {
    let mut gaps: Vec<(usize, usize)> =
        entries.iter().map(|entry| (end_before(&tree.written[..entry.from]), entry.from)).collect();
    gaps.sort_unstable();
    let base = tree.base;
    for id in 0..tree.nodes.len() {
        let span = tree.nodes[id].span;
        let (start, end) = ((span.start - base) as usize, (span.end - base) as usize);
        let next = gaps.partition_point(|(_, from)| *from < start);
        if gaps.get(next).is_some_and(|(before, _)| *before <= end) {
            yaml::cut_short(tree, id);
        }
    }
}

/// Returns where a text ends without blanks and comments on lines of their own.
fn end_before(text: &str) -> usize {
    let mut text = text.trim_end();
    while let Some(line) = text.lines().next_back().filter(|line| line.trim_start().starts_with('#')) {
        text = text[..text.len() - line.len()].trim_end();
    }
    text.len()
}
