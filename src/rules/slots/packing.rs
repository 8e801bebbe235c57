//! How few waves units need on one server, and which comes in which: bin packing with small numbers. Rules and the run ask
//! the same function, so that what a finding says of the waves is what a plan does.

use std::collections::VecDeque;

use crate::rules::slots::SLOTS;
use crate::rules::slots::sizes::SIZES;
use crate::rules::slots::sizes::Sizes;

/// Up to this many units everything is looked at where the quicker ways need more waves than the lower bound.
const EXACT: usize = 60;
/// Choices that are looked at before that search gives up: a few milliseconds.
const MOST_STEPS: u32 = 10_000;
/// What comes through a server in one wave or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Its disks.
    pub(crate) disks: u32,
    /// Whether they are attached now, so that it is in the first wave.
    pub(crate) attached: bool,
}

/// The waves of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    /// The wave of each unit, counted from 0.
    pub(crate) wave_of: Vec<usize>,
    /// The room that is left in each wave.
    pub(crate) left: Vec<u32>,
    /// No other way takes fewer waves than this.
    pub(crate) at_least: usize,
}

impl Packing {
    /// Returns how many waves there are.
    pub(crate) const fn count(&self) -> usize {
        self.left.len()
    }
}

/// Returns the waves of units on a server that takes the disks of `room` at a time; `None` if one of them never fits.
///
/// Where it takes no more waves, each unit comes in the first one with room, in the order of the units.
pub(crate) fn pack(room: u32, units: &[Load]) -> Option<Packing> {
    let room = room.min(SLOTS);
    if units.iter().any(|unit| unit.disks > room) {
        return None;
    }
    let attached =
        units.iter().filter(|unit| unit.attached).fold(0, |sum: u32, unit| sum.saturating_add(unit.disks));
    // What is attached now is together already, unless the facts contradict each other.
    let together = attached <= room;
    let is_apart = |unit: &&Load| !(together && unit.attached);
    let mut disks = vec![if together { attached } else { 0 }];
    disks.extend(units.iter().filter(is_apart).map(|unit| unit.disks));
    let packing = pack_apart(room, &disks);
    let mut apart = packing.wave_of.iter().skip(1);
    let wave_of = units.iter().map(|unit| match is_apart(&unit) {
        true => *apart.next().expect("there is one for each"),
        false => 0,
    });
    Some(Packing { wave_of: wave_of.collect(), ..packing })
}

/// Packs units of which the first one comes in the first wave, and each fits.
fn pack_apart(room: u32, disks: &[u32]) -> Packing {
    let sizes = Sizes::of(room, disks);
    let mut at_least = sizes.at_least().max(1);
    let in_order = Bins::filled(room, disks);
    if in_order.0.left.len() <= at_least {
        return Packing { wave_of: in_order.1, left: in_order.0.left, at_least };
    }
    let mut waves = sizes.clone().filled();
    let mut least = waves.len().min(in_order.0.left.len());
    let descending = sizes.descending();
    let mut steps = if descending.len() <= EXACT { MOST_STEPS } else { 0 };
    // Counted upwards, the first number of waves for which there is a way is the least.
    while at_least < least {
        match Search::new(room, at_least, &descending).run(&mut steps) {
            Ok(Some(found)) => (waves, least) = (found, at_least),
            Ok(None) => at_least += 1,
            Err(GaveUp) => break,
        }
    }
    if in_order.0.left.len() <= least {
        return Packing { wave_of: in_order.1, left: in_order.0.left, at_least };
    }
    let (wave_of, left) = dealt(room, disks, &waves);
    Packing { wave_of, left, at_least }
}

/// Waves to which units are added where there is room first.
pub(super) struct Bins {
    room: u32,
    /// What is left of each.
    pub(super) left: Vec<u32>,
    /// For each number of disks, the first wave that may have room: room only shrinks, so those before never have it again.
    from: Vec<usize>,
}

impl Bins {
    pub(super) fn new(room: u32) -> Self {
        Self { room, left: Vec::new(), from: vec![0; room as usize + 1] }
    }

    /// Returns the waves of units that fit, in their order, and who is in which.
    fn filled(room: u32, disks: &[u32]) -> (Self, Vec<usize>) {
        let mut bins = Self::new(room);
        let wave_of = disks.iter().map(|disks| bins.add(*disks).expect("each fits alone")).collect();
        (bins, wave_of)
    }

    /// Returns the first wave that has room, which may be one more than there are; `None` if none ever has.
    pub(super) fn place(&mut self, disks: u32) -> Option<usize> {
        let from = self.from.get_mut(disks as usize)?;
        while self.left.get(*from).is_some_and(|left| *left < disks) {
            *from += 1;
        }
        Some(*from)
    }

    /// Adds a unit to the first wave that has room, and returns it; `None` if none ever has.
    pub(super) fn add(&mut self, disks: u32) -> Option<usize> {
        let at = self.place(disks)?;
        if at == self.left.len() {
            self.left.push(self.room);
        }
        self.left[at] -= disks;
        Some(at)
    }
}

/// Gives units to waves of such sizes in their order: to the first wave begun that lacks one of their size, else a new one is
/// begun. Returns who is in which, and what is left of each.
fn dealt(room: u32, disks: &[u32], waves: &[Vec<u32>]) -> (Vec<usize>, Vec<u32>) {
    let mut with_size: Vec<VecDeque<usize>> = vec![VecDeque::new(); SIZES];
    for (at, wave) in waves.iter().enumerate() {
        for size in wave {
            with_size[*size as usize].push_back(at);
        }
    }
    let mut is_begun = vec![false; waves.len()];
    let mut lacking: Vec<VecDeque<usize>> = vec![VecDeque::new(); SIZES];
    let mut left = Vec::with_capacity(waves.len());
    let wave_of = disks.iter().map(|disks| {
        if *disks == 0 {
            return 0;
        }
        let size = *disks as usize;
        if lacking[size].is_empty() {
            let wave = loop {
                let at = with_size[size].pop_front().expect("the waves have a place for each unit");
                if !std::mem::replace(&mut is_begun[at], true) {
                    break &waves[at];
                }
            };
            for size in wave {
                lacking[*size as usize].push_back(left.len());
            }
            left.push(room - wave.iter().sum::<u32>());
        }
        lacking[size].pop_front().expect("one was just begun")
    });
    let wave_of = wave_of.collect();
    (wave_of, left)
}

/// A search has no steps left.
struct GaveUp;

/// A search through all ways to put units into so many waves.
struct Search<'d> {
    /// The disks of the units, the most first.
    disks: &'d [u32],
    /// Disks of each unit and those after it.
    rest: Vec<u32>,
    left: Vec<u32>,
    wave_of: Vec<usize>,
}

impl<'d> Search<'d> {
    fn new(room: u32, waves: usize, disks: &'d [u32]) -> Self {
        let mut rest: Vec<u32> = disks
            .iter()
            .rev()
            .scan(0, |sum, disks| {
                *sum += disks;
                Some(*sum)
            })
            .collect();
        rest.reverse();
        Self { disks, rest, left: vec![room; waves], wave_of: vec![0; disks.len()] }
    }

    /// Returns the sizes in each wave; `None` if there is no way.
    fn run(mut self, steps: &mut u32) -> Result<Option<Vec<Vec<u32>>>, GaveUp> {
        if !self.descend(0, steps)? {
            return Ok(None);
        }
        let mut waves = vec![Vec::new(); self.left.len()];
        for (disks, wave) in self.disks.iter().zip(&self.wave_of) {
            waves[*wave].push(*disks);
        }
        Ok(Some(waves))
    }

    fn descend(&mut self, at: usize, steps: &mut u32) -> Result<bool, GaveUp> {
        let Some(disks) = self.disks.get(at).copied() else { return Ok(true) };
        *steps = steps.checked_sub(1).ok_or(GaveUp)?;
        let smallest = self.disks.last().copied().unwrap_or(0);
        if self.left.iter().filter(|left| **left >= smallest).sum::<u32>() < self.rest[at] {
            return Ok(false);
        }
        // Units of one size are alike, so the next one comes in no earlier wave.
        let from = if at > 0 && self.disks[at - 1] == disks { self.wave_of[at - 1] } else { 0 };
        for wave in from..self.left.len() {
            let left = self.left[wave];
            // Waves with the same room are the same.
            if left < disks || self.left[from..wave].contains(&left) {
                continue;
            }
            self.left[wave] -= disks;
            self.wave_of[at] = wave;
            if self.descend(at + 1, steps)? {
                return Ok(true);
            }
            self.left[wave] = left;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(room: u32, disks: &[u32]) -> (usize, usize) {
        let loads: Vec<Load> = disks.iter().map(|disks| Load { disks: *disks, attached: false }).collect();
        let packing = pack(room, &loads).expect("each fits");
        let mut left = vec![room; packing.count()];
        for (load, wave) in loads.iter().zip(&packing.wave_of) {
            left[*wave] = left[*wave].checked_sub(load.disks).expect("no wave has too many");
        }
        assert_eq!(left, packing.left);
        (packing.count(), packing.at_least)
    }

    #[test]
    fn the_order_of_the_plan_makes_no_wave_more() {
        assert_eq!(packed(10, &[4, 4, 3, 3, 3, 3]), (2, 2));
        assert_eq!(packed(10, &[4, 3, 3, 4, 3, 3]), (2, 2));
        assert_eq!(packed(10, &[5, 5, 4, 4, 3, 3, 3, 3]), (3, 3));
        let mut many: Vec<u32> = [8].repeat(57);
        assert_eq!(packed(57, &many), (9, 9), "seven fit at a time");
        many.truncate(56);
        assert_eq!(packed(57, &many), (8, 8));
    }

    #[test]
    fn where_it_takes_no_more_waves_each_unit_is_in_the_first_with_room() {
        let of = |disks: &[u32]| {
            let loads: Vec<Load> =
                disks.iter().map(|disks| Load { disks: *disks, attached: false }).collect();
            pack(10, &loads).expect("each fits").wave_of
        };
        assert_eq!(of(&[6, 6, 4, 0, 4]), [0, 1, 0, 0, 1]);
        // Otherwise the first ones still come early.
        assert_eq!(of(&[4, 4, 3, 3, 3, 3]), [0, 1, 0, 0, 1, 1]);
        assert_eq!(of(&[]), Vec::<usize>::new());
    }

    #[test]
    fn what_is_attached_comes_first_and_together() {
        let load = |disks, attached| Load { disks, attached };
        let units = [load(4, false), load(3, true), load(4, false), load(3, true)];
        assert_eq!(pack(10, &units).expect("each fits").wave_of, [0, 0, 1, 0]);
        let too_many = [load(8, true), load(8, true)];
        assert_eq!(pack(10, &too_many).expect("each fits").wave_of, [0, 1]);
        assert_eq!(pack(10, &[load(11, false)]), None);
    }

    #[test]
    fn ten_thousand_units_on_one_server_are_quick_and_close_to_the_bound() {
        let disks: Vec<u32> = (0_u32..10_000).map(|at| 1 + at * 7919 % 23).collect();
        let (count, at_least) = packed(57, &disks);
        assert_eq!(count, at_least);
    }

    /// Returns the fewest waves by looking at every set of units: who is in the last wave, and the fewest of the others.
    fn fewest(room: u32, disks: &[u32]) -> usize {
        let sum =
            |set: usize| (0..disks.len()).filter(|at| set >> at & 1 == 1).map(|at| disks[at]).sum::<u32>();
        let mut least = vec![0; 1 << disks.len()];
        for set in 1..least.len() {
            let mut part = set;
            least[set] = usize::MAX;
            while part > 0 {
                if sum(part) <= room {
                    least[set] = least[set].min(1 + least[set & !part]);
                }
                part = (part - 1) & set;
            }
        }
        least[least.len() - 1].max(1)
    }

    proptest::proptest! {
        #[test]
        fn few_units_take_as_few_waves_as_there_can_be(
            room in 6_u32..20,
            disks in proptest::collection::vec(0_u32..7, 0..9),
        ) {
            let fewest = fewest(room, &disks);
            proptest::prop_assert_eq!(packed(room, &disks), (fewest, fewest));
        }
    }
}
