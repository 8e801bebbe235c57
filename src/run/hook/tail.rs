//! The end of a command's output, kept in bounded memory.

/// What is kept of an output, in bytes: a screen or two of a log, small enough for a journal.
pub(super) const KEPT: usize = 16 * 1024;

/// The end of an output.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    cut: bool,
}

impl Tail {
    /// Adds what came next.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut only at twice the size: each byte is moved once at most.
        if self.bytes.len() > 2 * KEPT {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let over = self.bytes.len().saturating_sub(KEPT);
        if over > 0 {
            self.bytes.drain(..over);
            self.cut = true;
        }
    }

    /// Returns the text, without blank space at its end; it begins with `…` where something was cut off, with a whole line if
    /// there is one: half of a line may be half of a secret, which nobody recognises.
    pub(super) fn into_text(mut self) -> String {
        self.trim();
        // A cut may have gone through a letter: its other bytes go too.
        let split = self.bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
        let start = if self.cut { split } else { 0 };
        let text = String::from_utf8_lossy(&self.bytes[start..]);
        let whole = text.trim_end().split_once('\n').filter(|_| self.cut).map(|(_, rest)| rest);
        let text = whole.unwrap_or(&text);
        let mark = if self.cut { "…" } else { "" };
        format!("{mark}{}", text.trim_end())
    }
}

/// Returns the last line of a text that says something.
pub(super) fn last_line(text: &str) -> Option<&str> {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_the_cut_is_shown() {
        let mut tail = Tail::default();
        for _ in 0..10_000 {
            tail.push("서울".as_bytes());
            assert!(tail.bytes.len() <= 2 * KEPT);
        }
        tail.push(b" end\n");
        let text = tail.into_text();
        assert!(text.starts_with('…') && text.ends_with("서울 end"), "{text}");
        assert!(text.len() <= KEPT + '…'.len_utf8(), "{}", text.len());
        assert!(!text.contains(char::REPLACEMENT_CHARACTER));
    }

    #[test]
    fn a_short_output_is_kept_whole() {
        let mut tail = Tail::default();
        tail.push(b"one\n");
        tail.push(b"two\n\n");
        let text = tail.into_text();
        assert_eq!(text, "one\ntwo");
        assert_eq!(last_line(&text), Some("two"));
        assert_eq!(last_line(" \n"), None);
    }
}
