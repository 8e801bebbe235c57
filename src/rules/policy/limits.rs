//! Limits of an expression's text, kept before any parser looks at it: what is larger or deeper is refused.

use crate::rules::policy::tree::Mistake;

/// Bytes of an expression. Those of people have a few hundred; the time and the stack of a parser grow with it.
pub(super) const MOST_BYTES: usize = 4096;
/// Brackets and conditionals inside each other. The parser needs about 100 KiB of stack for each.
pub(super) const DEEPEST: usize = 24;
/// Operators inside each other, such as the terms of a sum: what walks the tree calls itself.
pub(super) const DEEPEST_TREE: usize = 100;

/// Looks at quotes, brackets and sizes.
pub(super) fn check(text: &str) -> Result<(), Mistake> {
    if text.len() > MOST_BYTES {
        let message =
            format!("the expression has {} bytes, and at most {MOST_BYTES} are allowed", text.len());
        return Err(Mistake::new("too-complex", 0..text.len(), message)
            .help("split the rule into several, each about one thing"));
    }
    let bytes = text.as_bytes();
    let mut open: Vec<usize> = Vec::new();
    let (mut at, mut conditionals) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' | b'\'' => {
                at = after_text(text, at)?;
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at += text[at..].find('\n').unwrap_or(text.len() - at);
                continue;
            }
            b'(' | b'[' | b'{' => open.push(at),
            b')' | b']' | b'}' => close(text, &mut open, at)?,
            b'?' => conditionals += 1,
            _ => {}
        }
        if open.len() + conditionals > DEEPEST {
            let message = format!("the expression nests more than {DEEPEST} levels deep");
            return Err(Mistake::new("too-complex", at..at + 1, message)
                .help("split the rule into several, each about one thing"));
        }
        at += 1;
    }
    match open.last() {
        Some(at) => Err(mistake(*at..*at + 1, format!("nothing closes the `{}`", &text[*at..=*at]))),
        None => Ok(()),
    }
}

fn mistake(at: std::ops::Range<usize>, message: String) -> Mistake {
    Mistake::new("bad-expression", at, message)
}

fn close(text: &str, open: &mut Vec<usize>, at: usize) -> Result<(), Mistake> {
    let Some(begin) = open.pop() else {
        return Err(mistake(at..at + 1, format!("nothing opens the `{}`", &text[at..=at])));
    };
    let wanted = match &text[begin..=begin] {
        "(" => ")",
        "[" => "]",
        _ => "}",
    };
    if &text[at..=at] == wanted {
        return Ok(());
    }
    let message = format!("`{}` does not close the `{}`", &text[at..=at], &text[begin..=begin]);
    Err(mistake(at..at + 1, message).help(format!("write `{wanted}`")))
}

/// Returns where a text in quotes ends.
fn after_text(text: &str, begin: usize) -> Result<usize, Mistake> {
    let bytes = text.as_bytes();
    let quote = bytes[begin];
    // The letters in front of the quote say whether backslashes are escapes.
    let prefix =
        text[..begin].trim_end_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
    let prefix = &text[prefix.len()..begin];
    let raw = prefix.len() <= 2 && prefix.contains(['r', 'R']);
    let triple = bytes[begin..].starts_with(&[quote; 3]);
    let mut at = begin + if triple { 3 } else { 1 };
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if !raw => at += 1,
            b'\n' | b'\r' if !triple => break,
            byte if *byte == quote && !triple => return Ok(at + 1),
            byte if *byte == quote && bytes[at..].starts_with(&[quote; 3]) => return Ok(at + 3),
            _ => {}
        }
        at += 1;
    }
    Err(mistake(begin..begin + 1, "nothing closes the text in quotes".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(usize, String)> {
        check(text).err().map(|mistake| (mistake.at.start, mistake.message))
    }

    #[test]
    fn brackets_and_quotes_must_match() {
        for text in
            ["a", "(a[1] + {'x': 1}.x)", "'a)' + \"]\" + '''it's'''", "r'\\' + 'b'", "a // )\n+ b", "'\\''"]
        {
            assert_eq!(told(text), None, "{text}");
        }
        for (text, at, message) in [
            ("(a", 0, "nothing closes the `(`"),
            ("a)", 1, "nothing opens the `)`"),
            ("f(a]", 3, "`]` does not close the `(`"),
            ("a == 'b", 5, "nothing closes the text in quotes"),
            ("'\\", 0, "nothing closes the text in quotes"),
        ] {
            assert_eq!(told(text), Some((at, message.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_large_or_deep_is_refused() {
        assert_eq!(told(&"(".repeat(5000)).expect("refused").0, 0);
        assert_eq!(told(&"(".repeat(100)).expect("refused").0, DEEPEST);
        assert_eq!(told(&"a ? b : ".repeat(30)).map(|found| found.0), Some(8 * DEEPEST + 2));
        assert_eq!(told(&format!("{}1{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST))), None);
    }
}
