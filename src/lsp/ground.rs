//! Which text a span points into: the document's own, that of its inventory, or that of a file that counts beside it.

use std::ops::Range;

use crate::source::Span;

/// Offsets that stay free for the text of a document, before those of all other files: enough for any plan that a person
/// types in.
const LEAST_ROOM: u32 = 1 << 24;

/// Offset of the first byte of a document's own text.
const OWN: usize = 1;

/// The text that a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The document itself.
    Own,
    /// The inventory of its plan.
    Facts,
    /// A policy or another plan, by its index among the files beside the document.
    Beside(usize),
}

/// A place in a document, or in a file that it has to do with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub home: Home,
    pub range: Range<usize>,
}

impl Spot {
    /// Returns a place in the document itself.
    pub(super) const fn own(range: Range<usize>) -> Self {
        Self { home: Home::Own, range }
    }

    /// Returns whether it is in the document itself.
    pub(super) fn is_own(&self) -> bool {
        self.home == Home::Own
    }
}

/// Where each text begins in the address space of spans.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    /// Offset of the first byte, in order.
    texts: Vec<(usize, Home)>,
}

impl Ground {
    /// Returns the ground on which there is the document alone.
    pub(super) const fn own() -> Self {
        Self { texts: Vec::new() }
    }

    /// Adds a text.
    pub(super) fn with(mut self, base: usize, home: Home) -> Self {
        let at = self.texts.partition_point(|(other, _)| *other < base);
        self.texts.insert(at, (base, home));
        self
    }

    /// Returns where a span is; `None` for one that no text holds.
    pub(super) fn spot(&self, span: Span) -> Option<Spot> {
        if span.is_none() {
            return None;
        }
        let (start, end) = (span.start as usize, (span.end as usize).max(span.start as usize));
        let behind = self.texts.partition_point(|(base, _)| *base <= start);
        let (base, home) = behind.checked_sub(1).map_or((OWN, Home::Own), |at| self.texts[at]);
        Some(Spot { home, range: start - base..end - base })
    }
}

/// The offsets that texts of files get, one behind the other, so that no span means two places.
#[derive(Debug)]
pub(super) struct Room {
    first: u32,
    next: u32,
}

impl Default for Room {
    fn default() -> Self {
        Self { first: LEAST_ROOM, next: LEAST_ROOM }
    }
}

impl Room {
    /// Returns whether a document of some bytes lies before all files, and there is as much room left as has been used.
    pub(super) fn suits(&self, length: usize) -> bool {
        OWN + length < self.first as usize && self.next < u32::MAX / 2
    }

    /// Gives all offsets back, and leaves those free that a document of some bytes needs.
    pub(super) fn clear(&mut self, length: usize) {
        let needed = u32::try_from(length).ok().and_then(u32::checked_next_power_of_two);
        self.first = needed.and_then(|needed| needed.checked_mul(2)).unwrap_or(u32::MAX).max(LEAST_ROOM);
        self.next = self.first;
    }

    /// Takes the offsets of a text; `None` if there are not as many.
    pub(super) fn take(&mut self, length: usize) -> Option<u32> {
        let base = self.next;
        // A byte lies between two texts, so that the end of one is not the beginning of the next.
        self.next = u32::try_from(length).ok()?.checked_add(base)?.checked_add(1)?;
        Some(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_in_the_text_that_begins_before_it() {
        let ground = Ground::own().with(500, Home::Beside(0)).with(100, Home::Facts);
        let spot = |start, end| ground.spot(Span::new(start, end));
        assert_eq!(spot(0, 0), None);
        assert_eq!(spot(1, 4), Some(Spot::own(0..3)));
        assert_eq!(spot(99, 99), Some(Spot::own(98..98)));
        assert_eq!(spot(100, 102), Some(Spot { home: Home::Facts, range: 0..2 }));
        assert_eq!(spot(510, 500), Some(Spot { home: Home::Beside(0), range: 10..10 }));
    }

    #[test]
    fn texts_lie_apart_and_behind_the_document() {
        let mut room = Room::default();
        let (one, other) = (room.take(10).expect("room"), room.take(0).expect("room"));
        assert!(one >= LEAST_ROOM && other > one + 10);
        assert!(room.suits(1000) && !room.suits(LEAST_ROOM as usize));
        room.clear(LEAST_ROOM as usize);
        assert!(room.suits(LEAST_ROOM as usize));
        assert!(room.take(u32::MAX as usize).is_none());
        assert!(room.take(3 << 30).is_some() && !room.suits(0));
    }
}
