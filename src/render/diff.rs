//! A change of a text as a unified diff, for texts that have as many lines after as before.

use crate::render::style::Style;
use crate::render::style::Tone;

/// Lines around a change that are shown with it.
const AROUND: usize = 3;

/// Returns the lines that differ between two texts with as many lines each, in the form that `patch -p0` reads; `None` for
/// texts with different numbers of lines.
#[must_use]
pub fn unified(name: &str, before: &str, after: &str, style: Style) -> Option<String> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    if old.len() != new.len() {
        return None;
    }
    let changed: Vec<usize> = (0..old.len()).filter(|at| old[*at] != new[*at]).collect();
    if changed.is_empty() {
        return Some(String::new());
    }
    let mut text = String::new();
    for (sign, name) in [("---", name), ("+++", name)] {
        text.push_str(&format!("{}\n", style.paint(Tone::Strong, format_args!("{sign} {name}"))));
    }
    // Changes whose surroundings meet stand in one piece.
    for piece in changed.chunk_by(|one, next| next - one <= 2 * AROUND) {
        let (first, last) = (piece[0], piece[piece.len() - 1]);
        let from = first.saturating_sub(AROUND);
        let to = (last + AROUND + 1).min(old.len());
        let range = format!("@@ -{},{count} +{},{count} @@", from + 1, from + 1, count = to - from);
        text.push_str(&format!("{}\n", style.paint(Tone::Open, range)));
        let mut at = from;
        while at < to {
            if old[at] == new[at] {
                line(&mut text, ' ', old[at], style);
                at += 1;
                continue;
            }
            let end = (at..to).find(|at| old[*at] == new[*at]).unwrap_or(to);
            old[at..end].iter().for_each(|old| line(&mut text, '-', old, style));
            new[at..end].iter().for_each(|new| line(&mut text, '+', new, style));
            at = end;
        }
    }
    Some(text)
}

fn line(text: &mut String, sign: char, line: &str, style: Style) {
    let (line, ends) = line.strip_suffix('\n').map_or((line, false), |line| (line, true));
    match sign {
        '-' => text.push_str(&format!("{}\n", style.paint(Tone::Error, format_args!("{sign}{line}")))),
        '+' => text.push_str(&format!("{}\n", style.paint(Tone::Good, format_args!("{sign}{line}")))),
        _ => text.push_str(&format!("{sign}{line}\n")),
    }
    if !ends {
        text.push_str("\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_are_near_stand_together_and_others_apart() {
        let before: String = (1..=20).map(|number| format!("{number}\n")).collect::<String>() + "end";
        let after = before.replace("\n4\n", "\nfour\n").replace("\n6\n", "\nsix\n").replace("end", "END");
        let diff = unified("a.yaml", &before, &after, Style::default()).expect("as many lines");
        let expected = "--- a.yaml\n+++ a.yaml\n@@ -1,9 +1,9 @@\n 1\n 2\n 3\n-4\n+four\n 5\n-6\n+six\n 7\n 8\n 9\n\
            @@ -18,4 +18,4 @@\n 18\n 19\n 20\n-end\n\\ No newline at end of file\n+END\n\\ No newline at end of file\n";
        assert_eq!(diff, expected);
        assert_eq!(unified("a", "x\n", "x\n", Style::default()).as_deref(), Some(""));
        assert_eq!(unified("a", "x\n", "x\ny\n", Style::default()), None);
        let coloured =
            unified("a", "x\r\n", "y\r\n", Style { color: true, ..Style::default() }).expect("one line");
        assert!(coloured.contains("\u{1b}[") && coloured.contains("-x\r"), "{coloured:?}");
    }
}
