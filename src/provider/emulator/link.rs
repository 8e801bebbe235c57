//! A line that several transfers share: each gets an equal part of it, up to a ceiling of its own.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::SignedDuration;
use jiff::Timestamp;

/// A transfer, marked with the amount that every transfer will have got when it ends.
#[derive(Clone, Debug, PartialEq)]
struct Flow {
    mark: f64,
    sequence: u64,
    owner: usize,
}

impl Eq for Flow {}

impl Ord for Flow {
    fn cmp(&self, other: &Self) -> Ordering {
        self.mark.total_cmp(&other.mark).then(self.sequence.cmp(&other.sequence))
    }
}

impl PartialOrd for Flow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A shared line.
///
/// All transfers run at the same rate, so one running total, "what each transfer got so far", serves all of them:
/// beginning and ending one costs O(log n), whatever their number. The total is brought forward only when a
/// transfer begins or ends, never when somebody looks, so that looking changes no rounding.
#[derive(Clone, Debug)]
pub(super) struct Link {
    bytes_per_second: f64,
    ceiling: f64,
    got: f64,
    at: Timestamp,
    flows: BinaryHeap<Reverse<Flow>>,
    sequence: u64,
    next_end: Option<Timestamp>,
}

impl Link {
    /// Returns an idle line of `bytes_per_second`; one transfer gets `ceiling` of them at most.
    pub(super) fn new(bytes_per_second: f64, ceiling: f64, at: Timestamp) -> Self {
        Self {
            bytes_per_second,
            ceiling,
            got: 0.0,
            at,
            flows: BinaryHeap::new(),
            sequence: 0,
            next_end: None,
        }
    }

    /// Returns the bytes a second that a transfer gets.
    pub(super) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the number of transfers is small")]
        let share = self.bytes_per_second / self.flows.len().max(1) as f64;
        share.min(self.ceiling).max(1.0)
    }

    fn got_at(&self, now: Timestamp) -> f64 {
        if self.flows.is_empty() {
            return self.got;
        }
        self.rate().mul_add(now.duration_since(self.at).as_secs_f64().max(0.0), self.got)
    }

    fn settle(&mut self, now: Timestamp) {
        self.got = self.got_at(now);
        self.at = now;
    }

    fn reschedule(&mut self) {
        self.next_end = self.flows.peek().map(|Reverse(flow)| {
            let seconds = ((flow.mark - self.got) / self.rate()).max(0.0).ceil();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "bounded by the longest transfer of an inventory"
            )]
            let seconds = seconds.min(4e9) as i64;
            self.at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
        });
    }

    /// Begins a transfer and returns its mark, with which [`Link::left`] tells how much is left.
    pub(super) fn begin(&mut self, now: Timestamp, owner: usize, bytes: u64) -> f64 {
        self.settle(now);
        #[expect(clippy::cast_precision_loss, reason = "a byte in a petabyte does not matter")]
        let mark = self.got + bytes as f64;
        self.sequence += 1;
        self.flows.push(Reverse(Flow { mark, sequence: self.sequence, owner }));
        self.reschedule();
        mark
    }

    /// Returns when the next transfer ends.
    pub(super) const fn next_end(&self) -> Option<Timestamp> {
        self.next_end
    }

    /// Ends the transfer whose end is due, and returns its owner.
    pub(super) fn end_next(&mut self) -> Option<usize> {
        let now = self.next_end?;
        self.settle(now);
        let Reverse(flow) = self.flows.pop()?;
        self.reschedule();
        Some(flow.owner)
    }

    /// Returns the bytes that a transfer has still to carry.
    pub(super) fn left(&self, now: Timestamp, mark: f64) -> f64 {
        (mark - self.got_at(now)).max(0.0)
    }

    /// Changes what the line carries.
    pub(super) fn set_bandwidth(&mut self, now: Timestamp, bytes_per_second: f64) {
        self.settle(now);
        self.bytes_per_second = bytes_per_second;
        self.reschedule();
    }

    /// Returns what the line carries, in bytes a second.
    pub(super) const fn bandwidth(&self) -> f64 {
        self.bytes_per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn two_transfers_share_and_the_one_left_speeds_up() {
        let mut link = Link::new(100.0, 100.0, at(0));
        link.begin(at(0), 1, 1_000);
        assert_eq!(link.next_end(), Some(at(10)));
        link.begin(at(5), 2, 1_000);
        assert_eq!(link.next_end(), Some(at(15)));
        assert_eq!(link.end_next(), Some(1));
        assert_eq!(link.next_end(), Some(at(20)));
        assert_eq!(link.end_next(), Some(2));
        assert_eq!(link.next_end(), None);
    }

    #[test]
    fn one_transfer_never_gets_more_than_its_ceiling() {
        let mut link = Link::new(1_000.0, 10.0, at(0));
        let mark = link.begin(at(0), 1, 100);
        assert_eq!(link.next_end(), Some(at(10)));
        assert_eq!(link.left(at(4), mark), 60.0);
    }
}
