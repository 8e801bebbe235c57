//! What a misspelt word can only have meant: the other spelling of a key, a word, a duration or a size.

use crate::diagnostic::Fix;
use crate::quantity::Bytes;
use crate::quantity::Seconds;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;
use crate::syntax::tree::Tree;

/// Letters that a word must have before one of them may be wrong, and before two may be.
const ONE_WRONG: usize = 4;
const TWO_WRONG: usize = 8;
/// Letters of a part of a word below which none may differ: units and the like, where `mb` is not `gb`.
const SHORT_PART: usize = 4;
/// Longer words are not a slip of the pen.
const LONGEST: usize = 64;

/// Returns the word of `known` that alone can be meant, or `None` if that would be a guess.
///
/// Case, `_` and `-` do not count. Digits, and short parts such as units, must be right; any other word of `known` must be
/// at least two letters further away.
pub(crate) fn meant<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    if word.len() > LONGEST {
        return None;
    }
    let folded = folded(word);
    let mut near: Vec<(usize, &'k str)> = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&folded, &self::folded(known)), *known))
        .collect();
    near.sort_unstable();
    let (distance, best) = *near.first()?;
    let next = near.get(1).map_or(usize::MAX, |(distance, _)| *distance);
    let letters = folded.chars().count().min(best.len());
    let is_slip = match distance {
        0 => next > 0,
        1 => letters >= ONE_WRONG && next >= 3,
        2 => letters >= TWO_WRONG && next >= 4,
        _ => false,
    };
    (is_slip && (distance == 0 || parts_agree(word, best))).then_some(best)
}

/// Returns the key of `known` that is meant: the one that is nearest, or the one that had an `_id` in its name.
pub(crate) fn meant_key<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let written = snake(key);
    let renamed = written.strip_suffix("_id").and_then(|stem| known.iter().find(|known| **known == stem));
    renamed.copied().or_else(|| meant(key, known))
}

fn folded(word: &str) -> String {
    word.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Returns a word in snake case.
fn snake(word: &str) -> String {
    let mut snake = String::new();
    let mut after_small = false;
    for letter in word.chars() {
        if letter.is_uppercase() && after_small {
            snake.push('_');
        }
        after_small = letter.is_lowercase() || letter.is_ascii_digit();
        match letter {
            '-' | ' ' => snake.push('_'),
            _ => snake.extend(letter.to_lowercase()),
        }
    }
    snake
}

/// Returns whether two words differ neither in digits nor in a short part.
fn parts_agree(word: &str, best: &str) -> bool {
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).collect::<String>();
    let (word, best) = (snake(word), snake(best));
    let (parts, others): (Vec<&str>, Vec<&str>) = (word.split('_').collect(), best.split('_').collect());
    digits(&word) == digits(&best)
        && parts.len() == others.len()
        && parts.iter().zip(&others).all(|(part, other)| {
            part == other
                || (part.chars().count().max(other.chars().count()) >= SHORT_PART && other.len() >= 3)
        })
}

/// Returns a duration in the spelling of the language: `90 min` is `90m`.
pub(crate) fn duration(text: &str) -> Option<String> {
    let iso = text.strip_prefix("PT").map(str::to_lowercase);
    let text = iso.as_deref().unwrap_or(text);
    let mut spelt = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let letter = match unit.to_ascii_lowercase().as_str() {
            "d" | "day" | "days" => 'd',
            "h" | "hr" | "hrs" | "hour" | "hours" => 'h',
            // A single `M` may stand for months.
            "m" if unit == "M" => return None,
            "m" | "min" | "mins" | "minute" | "minutes" => 'm',
            "s" | "sec" | "secs" | "second" | "seconds" => 's',
            _ => return None,
        };
        spelt.push_str(number);
        spelt.push(letter);
        rest = after.trim_start_matches([' ', ',']);
    }
    Seconds::parse(&spelt).ok().map(|_| spelt)
}

/// Returns a size in the spelling of the language: `100 gib` is `100 GiB`. What `gb` means is for its author to say.
pub(crate) fn size(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "kib" => "KiB",
        "mib" => "MiB",
        "gib" => "GiB",
        "tib" => "TiB",
        _ => return None,
    };
    let spelt = format!("{number} {unit}");
    Bytes::parse(&spelt).ok().map(|_| spelt)
}

/// Returns the digits of a whole number with leading zeros, if every reader of YAML takes it for the same number.
pub(crate) fn whole_number(text: &str) -> Option<&str> {
    let digits = text.trim_start_matches('0');
    match digits {
        "" => Some("0"),
        // Octal digits alone are another number to readers of YAML 1.1.
        _ if digits.len() > 1 && !digits.contains(['8', '9']) => None,
        _ => Some(digits),
    }
}

/// Returns the fix that puts a word into the place of a scalar, in its quotes; `None` for one that other places use too.
pub(crate) fn instead(tree: &Tree<'_>, node: NodeId, word: &str, verb: &str) -> Option<Fix> {
    let written = tree.slice(tree.node(node).span);
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
    let new = match quote {
        Some(quote) => format!("{quote}{word}{quote}"),
        None => word.to_owned(),
    };
    exactly(tree, node, &new, format!("{verb} `{word}`"))
}

/// Returns the fix that puts characters into the place of a scalar that is written in one line; `None` for one that other
/// places use too.
pub(crate) fn exactly(tree: &Tree<'_>, node: NodeId, new: &str, title: String) -> Option<Fix> {
    let Kind::Scalar { text, .. } = &tree.node(node).kind else { return None };
    let span = tree.node(node).span;
    let written = tree.slice(span);
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = quote.map_or(written, |quote| {
        written.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).unwrap_or("")
    });
    // What escapes or folds lines, and what is written as a block, is left to people.
    let is_simple = !inner.is_empty() && inner == text && !inner.contains(['\n', '\r']);
    let before = tree.written.get(..(span.start - tree.base) as usize).unwrap_or("");
    let before = before.trim_end_matches([' ', '\t']);
    let mark = before.rsplit([' ', '\t', '\n', '\r', ',', '[', '{']).next().unwrap_or("");
    let is_marked = mark.starts_with(['&', '!']);
    (is_simple && !is_marked).then(|| Fix::at(span, new, title))
}

/// Returns the fix that puts a plain scalar into quotes, which is the same text wherever it is used.
pub(crate) fn quote(tree: &Tree<'_>, node: NodeId, title: impl FnOnce(&str) -> String) -> Option<Fix> {
    let Kind::Scalar { text, plain: true } = &tree.node(node).kind else { return None };
    let span = tree.node(node).span;
    // A tag says what the value is, whatever it looks like.
    let is_written_so = tree.slice(span) == text && !text.contains(['"', '\\']);
    let new = format!("\"{text}\"");
    let title = title(&new);
    is_written_so.then(|| Fix::at(span, new, title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_put_right_and_another_meaning_is_not() {
        let known =
            ["size_gb", "max_parallel", "machines", "rto", "rpo", "master_target", "vcenter", "windows_2016"];
        for (word, key) in [
            ("machnes", "machines"),
            ("Machines", "machines"),
            ("masterTarget", "master_target"),
            ("master-target", "master_target"),
            ("mastre_target", "master_target"),
            ("vcenter_id", "vcenter"),
            ("vcenterId", "vcenter"),
            ("vcneter", "vcenter"),
            ("RTO", "rto"),
        ] {
            assert_eq!(meant_key(word, &known), Some(key), "{word}");
        }
        for word in
            ["size_mb", "sizemb", "min_parallel", "rt", "rtp", "windows_2012", "matches", "machine_name"]
        {
            assert_eq!(meant_key(word, &known), None, "{word}");
        }
        assert_eq!(meant("nprotected", &["protected", "unprotected"]), None);
        assert_eq!(meant("seed2017", &["seed-2017", "current"]), Some("seed-2017"));
        assert_eq!(meant("seed2018", &["seed-2017", "current"]), None);
        assert_eq!(meant("isabled", &["enabled", "disabled"]), None);
    }

    #[test]
    fn durations_and_sizes_change_their_spelling_and_not_their_meaning() {
        for (text, spelt) in [
            ("90 min", "90m"),
            ("1 h", "1h"),
            ("4H", "4h"),
            ("1 hour 30 minutes", "1h30m"),
            ("1h, 30m", "1h30m"),
            ("2 days", "2d"),
            ("PT4H30M", "4h30m"),
            ("45 secs", "45s"),
        ] {
            assert_eq!(duration(text).as_deref(), Some(spelt));
        }
        for text in ["90", "5M", "90 ms", "1.5h", "h", "", "30m 1h", "2 weeks", "PT", "1 mo"] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(size("100 gib").as_deref(), Some("100 GiB"));
        assert_eq!(size("2TIB").as_deref(), Some("2 TiB"));
        for text in ["100 gb", "100", "1.5 tib", "gib", "99999999999999999999 gib"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn a_leading_zero_goes_only_where_all_readers_agree() {
        assert_eq!(
            ["05", "00", "08", "019", "010"].map(whole_number),
            [Some("5"), Some("0"), Some("8"), Some("19"), None]
        );
    }
}
