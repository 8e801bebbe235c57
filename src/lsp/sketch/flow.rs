//! The part of a sketch that is written between brackets, over one line or several.

use super::Kind;
use super::Parser;
use super::scalar;

/// An open bracket.
#[derive(Debug)]
pub(super) struct Frame {
    mapping: bool,
    /// The item whose value it is.
    pub holder: usize,
    /// The key or element that is being read.
    entry: Option<usize>,
}

impl Parser<'_> {
    pub(super) fn open(&mut self, holder: usize, at: usize) {
        let mapping = self.text[at..].starts_with('{');
        if self.items[holder].brackets.is_none() {
            self.items[holder].brackets = Some((at, None));
        }
        self.touch(holder, at + 1);
        self.frames.push(Frame { mapping, holder, entry: None });
    }

    /// Reads what stands between brackets in the rest of a line.
    pub(super) fn flow(&mut self, mut at: usize, end: usize) {
        let text = self.text;
        loop {
            at = scalar::skip_blanks(text, at, end);
            let Some(character) = text[at..end].chars().next() else { return };
            match character {
                '#' if at == self.line || text[..at].ends_with([' ', '\t']) => return,
                '[' | '{' => {
                    let holder = self.slot(at);
                    self.open(holder, at);
                    at += 1;
                }
                ']' | '}' => {
                    at += 1;
                    self.shut(character == '}', at);
                    if self.frames.is_empty() {
                        return;
                    }
                }
                ',' => {
                    self.frame().entry = None;
                    at += 1;
                }
                ':' if scalar::is_colon(&text[at + 1..end]) => at += 1,
                '&' | '!' => at = scalar::skip_properties(text, at, end),
                _ => at = self.flow_scalar(at, end),
            }
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a line of brackets is read while one is open")
    }

    /// Closes brackets up to the one that `at` is behind the end of; an end without a beginning closes nothing.
    fn shut(&mut self, mapping: bool, at: usize) {
        let Some(open) = self.frames.iter().rposition(|frame| frame.mapping == mapping) else { return };
        let holder = self.frames[open].holder;
        self.frames.truncate(open);
        if let Some((_, close)) = &mut self.items[holder].brackets {
            *close = Some(at);
        }
        self.touch(holder, at);
    }

    /// Returns the item that a bracket at `at` is the value of.
    fn slot(&mut self, at: usize) -> usize {
        let Frame { holder, entry, .. } = *self.frame();
        entry.unwrap_or_else(|| {
            let element = self.push(Kind::Element, holder, at..at, true);
            self.frame().entry = Some(element);
            element
        })
    }

    fn flow_scalar(&mut self, at: usize, end: usize) -> usize {
        let token = scalar::flow(self.text, at, end);
        let after = scalar::skip_blanks(self.text, token.end, end);
        // In JSON's manner, no blank is needed between a quoted key's `:` and its value.
        let quoted = self.text[at..].starts_with(['"', '\'']);
        let colon = self.text[after..end].strip_prefix(':');
        let colon = colon.is_some_and(|rest| quoted || scalar::is_colon(rest));
        let next = if colon { after + 1 } else { token.end.max(at + 1) };
        let Frame { mapping, holder, entry } = *self.frame();
        match entry {
            Some(entry) => {
                self.touch(entry, token.end);
                self.items[entry].value.get_or_insert(token);
            }
            None if colon => {
                let parent = if mapping { holder } else { self.push(Kind::Element, holder, at..at, true) };
                let key = self.push(Kind::Key, parent, token, true);
                self.items[key].colon = true;
                self.frame().entry = Some(key);
            }
            None if mapping => {
                let word = self.push(Kind::Word, holder, token, true);
                self.frame().entry = Some(word);
            }
            None => {
                let element = self.push(Kind::Element, holder, at..at, true);
                self.touch(element, token.end);
                self.items[element].value = Some(token);
                self.frame().entry = Some(element);
            }
        }
        next
    }
}
