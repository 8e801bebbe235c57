//! When something's turn comes: what is kept in order of time is compared at every step, so that both parts are one number.

use jiff::Timestamp;

/// Bits of the number that tells apart what comes at one moment.
const NUMBER: u32 = 57;
/// Bits of the nanoseconds of a second, and of the second before: a moment before 1970 has negative ones.
const NANOSECONDS: u32 = 31;
/// What makes nanoseconds positive.
const BIAS: i32 = 1_000_000_000;

/// A moment, and the number of what comes then: in the order of time, and of the numbers where the time is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn(u128);

impl Turn {
    /// Returns the turn of `number` at `at`.
    ///
    /// # Panics
    ///
    /// If the number has more than 57 bits.
    #[must_use]
    pub fn new(at: Timestamp, number: u64) -> Self {
        assert!(number >> NUMBER == 0, "nobody counts that far");
        let since = at.as_second().wrapping_sub(Timestamp::MIN.as_second());
        let second = u128::from(since.cast_unsigned()) << (NUMBER + NANOSECONDS);
        let nanoseconds = u128::from((at.subsec_nanosecond() + BIAS).cast_unsigned()) << NUMBER;
        Self(second | nanoseconds | u128::from(number))
    }

    /// Returns its moment.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the other bits are masked or shifted out")]
    pub fn at(self) -> Timestamp {
        let since = (self.0 >> (NUMBER + NANOSECONDS)) as u64;
        let nanoseconds = (self.0 >> NUMBER) as u32 & ((1 << NANOSECONDS) - 1);
        let second = since.cast_signed().wrapping_add(Timestamp::MIN.as_second());
        Timestamp::new(second, nanoseconds.cast_signed() - BIAS).expect("both are of one moment")
    }

    /// Returns the number of what comes.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the moment is masked out")]
    pub const fn number(self) -> u64 {
        self.0 as u64 & ((1 << NUMBER) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_in_the_order_of_their_moments_and_then_of_their_numbers() {
        let moments = [
            Timestamp::MIN,
            Timestamp::new(-2, -999_999_999).expect("a time"),
            Timestamp::new(-1, -5).expect("a time"),
            Timestamp::new(-1, 0).expect("a time"),
            Timestamp::new(0, -1).expect("a time"),
            Timestamp::UNIX_EPOCH,
            Timestamp::new(0, 1).expect("a time"),
            Timestamp::new(1_764_000_000, 999_999_999).expect("a time"),
            Timestamp::new(1_764_000_001, 0).expect("a time"),
            Timestamp::MAX,
        ];
        let numbers = [0, 1, 77, u64::from(u32::MAX), (1 << NUMBER) - 1];
        let all: Vec<(Timestamp, u64)> =
            moments.into_iter().flat_map(|at| numbers.map(|number| (at, number))).collect();
        let turns: Vec<Turn> = all.iter().map(|(at, number)| Turn::new(*at, *number)).collect();
        assert!(turns.is_sorted_by(|one, other| one < other), "{turns:?}");
        assert_eq!(turns.iter().map(|turn| (turn.at(), turn.number())).collect::<Vec<_>>(), all);
    }
}
