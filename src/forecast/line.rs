//! A line that transfers share: each gets an equal part of it, up to a ceiling of its own.

use std::cmp::Ordering;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A transfer, marked with what every transfer will have got when it ends.
#[derive(Debug)]
struct Flow {
    mark: f64,
    owner: u32,
}

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flow {}

impl Ord for Flow {
    fn cmp(&self, other: &Self) -> Ordering {
        self.mark.total_cmp(&other.mark).then(self.owner.cmp(&other.owner))
    }
}

impl PartialOrd for Flow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A shared line. One running total, "what each transfer got so far", serves all of them, since all run at the same
/// rate: beginning and ending a transfer costs O(log n).
#[derive(Debug)]
pub(super) struct Line {
    bytes_per_second: f64,
    ceiling: f64,
    got: f64,
    at: f64,
    flows: BinaryHeap<Reverse<Flow>>,
    /// Most transfers that ran at the same time.
    pub(super) peak: usize,
}

impl Line {
    /// Returns an idle line; one transfer gets `ceiling` bytes a second at most.
    pub(super) const fn new(bytes_per_second: f64, ceiling: f64) -> Self {
        Self { bytes_per_second, ceiling, got: 0.0, at: 0.0, flows: BinaryHeap::new(), peak: 0 }
    }

    fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the number of transfers is small")]
        let share = self.bytes_per_second / self.flows.len().max(1) as f64;
        // A line without bandwidth would never end; a byte a second is as long as never.
        share.min(self.ceiling).max(1.0)
    }

    fn settle(&mut self, now: f64) {
        if !self.flows.is_empty() {
            let seconds = (now - self.at).max(0.0);
            // Without a limit at all, every transfer is over at once.
            self.got =
                if self.rate().is_finite() { self.rate().mul_add(seconds, self.got) } else { f64::MAX };
        } else {
            // An idle line starts its total anew, so that sums stay small and exact.
            self.got = 0.0;
        }
        self.at = now;
    }

    /// Begins a transfer.
    pub(super) fn begin(&mut self, now: f64, owner: u32, bytes: f64) {
        self.settle(now);
        self.flows.push(Reverse(Flow { mark: self.got + bytes, owner }));
        self.peak = self.peak.max(self.flows.len());
    }

    /// Returns when the next transfer ends.
    pub(super) fn next_end(&self) -> Option<f64> {
        self.flows.peek().map(|Reverse(flow)| {
            let rate = self.rate();
            if rate.is_finite() { self.at + ((flow.mark - self.got) / rate).max(0.0) } else { self.at }
        })
    }

    /// Ends the transfer whose end is due at `now`, and returns its owner.
    pub(super) fn end_next(&mut self, now: f64) -> Option<u32> {
        self.settle(now);
        self.flows.pop().map(|Reverse(flow)| flow.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_transfers_share_and_the_one_left_speeds_up() {
        let mut line = Line::new(100.0, 100.0);
        line.begin(0.0, 1, 1_000.0);
        assert_eq!(line.next_end(), Some(10.0));
        line.begin(5.0, 2, 1_000.0);
        assert_eq!(line.next_end(), Some(15.0));
        assert_eq!(line.end_next(15.0), Some(1));
        assert_eq!(line.next_end(), Some(20.0));
        assert_eq!(line.end_next(20.0), Some(2));
        assert_eq!((line.next_end(), line.peak), (None, 2));
    }

    #[test]
    fn one_transfer_never_gets_more_than_its_ceiling() {
        let mut line = Line::new(1_000.0, 10.0);
        line.begin(0.0, 1, 100.0);
        assert_eq!(line.next_end(), Some(10.0));
    }

    #[test]
    fn a_line_without_limits_takes_no_time() {
        let mut line = Line::new(f64::INFINITY, f64::INFINITY);
        line.begin(3.0, 1, 1e12);
        assert_eq!(line.next_end(), Some(3.0));
    }
}
