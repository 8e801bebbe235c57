//! How many units have how many disks: the fewest waves that they need at least, and waves that are filled well.

use crate::rules::slots::SLOTS;

/// One more than the most disks of a unit that fits.
pub(super) const SIZES: usize = SLOTS as usize + 1;

/// Sums of disks that can be made, a bit each.
type Sums = u64;
const _: () = assert!(SLOTS < Sums::BITS, "each sum of disks on a server has its bit");

/// How many units have so many disks each; those without any take no room.
#[derive(Clone)]
pub(super) struct Sizes {
    room: u32,
    counts: [u32; SIZES],
}

impl Sizes {
    pub(super) fn of(room: u32, disks: &[u32]) -> Self {
        let mut counts = [0; SIZES];
        for disks in disks.iter().filter(|disks| **disks > 0) {
            counts[*disks as usize] += 1;
        }
        Self { room, counts }
    }

    /// Returns each size that there is with its count, the smallest first.
    fn each(&self) -> impl DoubleEndedIterator<Item = (u32, u32)> + use<> {
        (0..).zip(self.counts).filter(|(_, count)| *count > 0).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn descending(&self) -> Vec<u32> {
        self.each().rev().flat_map(|(size, count)| std::iter::repeat_n(size, count as usize)).collect()
    }

    /// Returns a lower bound of the waves: those of Martello and Toth, and of Fekete and Schepers.
    pub(super) fn at_least(&self) -> usize {
        let room = u64::from(self.room.max(1));
        let each: Vec<(u64, u64)> =
            self.each().map(|(size, count)| (u64::from(size), u64::from(count))).collect();
        // Units of more than `room - small` share no wave with one of `small` or more; two of more than a half share none.
        let by_halves = (0..=room / 2).map(|small| {
            let (mut alone, mut spare, mut others) = (0, 0, 0);
            for (size, count) in &each {
                if *size > room - small {
                    alone += count;
                } else if *size > room / 2 {
                    alone += count;
                    spare += count * (room - size);
                } else if *size >= small {
                    others += count * size;
                }
            }
            alone + others.saturating_sub(spare).div_ceil(room)
        });
        // What takes more than a part of k + 1 is in a wave at most k times, so it may weigh a part of k.
        let by_parts = (1..=room).map(|parts| {
            let weight = |size: u64| match (parts + 1) * size % room {
                0 => size * parts,
                _ => (parts + 1) * size / room * room,
            };
            each.iter().map(|(size, count)| count * weight(*size)).sum::<u64>().div_ceil(parts * room)
        });
        usize::try_from(by_halves.chain(by_parts).max().unwrap_or(0)).unwrap_or(usize::MAX)
    }

    /// Returns waves, each with the largest unit that is left and what fills it best.
    pub(super) fn filled(mut self) -> Vec<Vec<u32>> {
        let mut waves = Vec::new();
        while let Some((largest, _)) = self.each().next_back() {
            let wave = self.fullest(largest);
            let taken = Self::of(self.room, &wave);
            let times =
                taken.each().map(|(size, count)| self.counts[size as usize] / count).min().unwrap_or(0);
            for (size, count) in taken.each() {
                self.counts[size as usize] -= count * times;
            }
            waves.extend(std::iter::repeat_n(wave, times as usize));
        }
        waves
    }

    /// Returns a unit and others that leave as little room beside it as can be, large ones first: small ones fill gaps later.
    fn fullest(&self, largest: u32) -> Vec<u32> {
        let mut counts = self.counts;
        counts[largest as usize] -= 1;
        let beside = self.room - largest;
        // Sums that units of up to each size make.
        let mut reached: [Sums; SIZES] = [1; SIZES];
        for size in 1..=beside {
            let at = size as usize;
            let mut sums = reached[at - 1];
            for _ in 0..counts[at].min(beside / size) {
                sums |= sums << size;
            }
            reached[at] = sums & (Sums::MAX >> (Sums::BITS - 1 - beside));
        }
        let mut sum = Sums::BITS - 1 - reached[beside as usize].leading_zeros();
        let mut wave = vec![largest];
        for size in (1..=beside).rev() {
            let most = counts[size as usize].min(sum / size);
            let rest_is_reached = |taken: &u32| reached[size as usize - 1] >> (sum - taken * size) & 1 == 1;
            let taken = (0..=most).rev().find(rest_is_reached).expect("the sum was reached somehow");
            wave.extend(std::iter::repeat_n(size, taken as usize));
            sum -= taken * size;
        }
        wave
    }
}
