//! Places of things in a list by what names them. At a guard there are one or two, and nothing is allocated for them.

use std::hash::Hash;

use crate::id::IdMap;

/// Names that are compared one by one before they are kept in a map.
const FEW: usize = 8;

/// The place of each name, in the order in which they came.
#[derive(Debug)]
pub(super) struct Places<K> {
    first: [Option<K>; FEW],
    count: usize,
    /// All names, once they are more than a few.
    all: IdMap<K, usize>,
}

impl<K: Copy + Eq + Hash> Places<K> {
    pub(super) fn new() -> Self {
        Self { first: [None; FEW], count: 0, all: IdMap::default() }
    }

    /// Returns the place of a name, and whether it is a new one.
    pub(super) fn of(&mut self, name: K) -> (usize, bool) {
        let new = self.count;
        if new <= FEW {
            if let Some(place) = self.first[..new].iter().position(|known| *known == Some(name)) {
                return (place, false);
            }
            if let Some(place) = self.first.get_mut(new) {
                *place = Some(name);
                self.count += 1;
                return (new, true);
            }
            self.all.extend(self.first.iter().flatten().copied().zip(0..));
        }
        let place = *self.all.entry(name).or_insert(new);
        if place == new {
            self.count += 1;
        }
        (place, place == new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_one_place_however_many_there_are() {
        for count in [1, FEW - 1, FEW, FEW + 1, 100] {
            let mut places = Places::new();
            for round in 0..2 {
                for name in 0..count {
                    assert_eq!(places.of(name), (name, round == 0), "{name} of {count}");
                }
            }
        }
    }
}
