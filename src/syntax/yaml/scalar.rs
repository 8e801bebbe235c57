//! Scalars: their text, where they are written, and what their tags say.

use std::borrow::Cow;

use granit_parser::ScalarStyle;
use granit_parser::Tag;

use crate::source::Span;
use crate::syntax::tree::Kind;
use crate::syntax::tree::Node;

use super::BLANKS;
use super::LINE_ENDS;
use super::Reader;
use super::SPACES;
use super::is_bare;
use super::stand_in;

impl<'s> Reader<'s, '_> {
    /// Returns the node of a scalar, or what stands in for one that could not be read.
    pub(super) fn scalar(
        &mut self,
        mut text: Cow<'s, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &granit_parser::Span,
    ) -> Node<'s> {
        let mut place = self.span(span);
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            place = self.block(place);
        }
        let mut plain = style == ScalarStyle::Plain;
        if plain && place.start == place.end {
            // The parser reads an empty value as `~`, in front of the `:`.
            text = Cow::Borrowed("");
            place = self.after_colon(place);
        }
        // What a byte that is not UTF-8 was meant to be is not known.
        if self.lossy && text.contains(char::REPLACEMENT_CHARACTER) {
            return stand_in(place);
        }
        if let Some(tag) = tag {
            match tag.core_suffix() {
                Some("str") => plain = false,
                Some(name @ ("null" | "bool" | "int" | "float")) => {
                    plain = true;
                    if text.is_empty() {
                        text = Cow::Borrowed("null");
                    } else if !self.fits_tag(name, &text, place) {
                        return stand_in(place);
                    }
                }
                Some(_) => {}
                // `!` alone says that the text is no number and no boolean.
                None if is_bare(tag) => plain = false,
                None => {
                    let tag = self.unsupported_tag(span);
                    return stand_in(Span::new(tag.start, place.end.max(tag.end)));
                }
            }
        }
        Node { span: place, kind: Kind::Scalar { text, plain } }
    }

    /// Returns the place after the `:` that an empty value was found in front of.
    fn after_colon(&self, place: Span) -> Span {
        let is_value =
            self.open.last().is_some_and(|open| open.mapping && (self.pending.len() - open.first) % 2 == 1);
        let rest = &self.text[(place.start - self.base) as usize..];
        let colon = rest.trim_start_matches(BLANKS);
        if is_value && colon.starts_with(':') {
            let at = self.offset(self.text.len() - colon.len() + 1);
            return Span::new(at, at);
        }
        place
    }

    /// Returns the place of a block scalar with its `|` or `>` and without the line breaks after it.
    fn block(&self, content: Span) -> Span {
        let (from, to) = ((self.last.end - self.base) as usize, (content.start - self.base) as usize);
        let head = self.text.get(from..to).unwrap_or("").trim_end_matches(SPACES);
        let line = &head[head.rfind(LINE_ENDS).map_or(0, |at| at + 1)..];
        let indicator = line.match_indices(['|', '>']).map(|(at, _)| at).find(|at| {
            let rest =
                line[at + 1..].trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
            let after = rest.trim_start_matches(BLANKS);
            (*at == 0 || line[..*at].ends_with(BLANKS))
                && (after.is_empty() || (after.starts_with('#') && after.len() < rest.len()))
        });
        let start = indicator.map_or(to, |at| from + (head.len() - line.len()) + at);
        let end = self.text[..(content.end - self.base) as usize].trim_end_matches(SPACES).len();
        Span::new(self.offset(start), self.offset(end.max(start)))
    }
}
