//! Figures between two bounds, drawn so that the same plan and facts give the same forecast everywhere.

/// Where figures of one simulated run come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    /// The middle of every range.
    Middle,
    /// A figure for each name, from this seed.
    Seed(u64),
}

/// What is drawn for a step; each is its own figure.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Task(u32),
    Bytes,
    Phase,
    Agent,
    Look,
    Seen,
}

impl What {
    const fn number(self) -> u64 {
        match self {
            Self::Bytes => 1,
            Self::Phase => 2,
            Self::Agent => 3,
            Self::Look => 4,
            Self::Seen => 5,
            Self::Task(task) => 16 + task as u64,
        }
    }
}

impl Draw {
    /// Returns a number from 0 to 1 (excluded) for one thing; `of` is the number of a step or a machine.
    pub(super) fn part(self, of: u64, what: What) -> f64 {
        let Self::Seed(seed) = self else { return 0.5 };
        let mixed = mix(mix(seed).wrapping_add(of)).wrapping_add(what.number());
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let part = (mix(mixed) >> 11) as f64 / (1_u64 << 53) as f64;
        part
    }

    /// Returns a number between two bounds.
    pub(super) fn between(self, of: u64, what: What, (least, most): (f64, f64)) -> f64 {
        self.part(of, what).mul_add(most - least, least)
    }
}

/// The finaliser of splitmix64: neighbouring numbers give unlike ones.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_fill_their_range_and_repeat() {
        let drawn: Vec<f64> =
            (0..1_000).map(|of| Draw::Seed(7).between(of, What::Bytes, (10.0, 20.0))).collect();
        let least = drawn.iter().copied().fold(f64::MAX, f64::min);
        let most = drawn.iter().copied().fold(f64::MIN, f64::max);
        assert!((10.0..10.1).contains(&least) && (19.9..20.0).contains(&most), "{least} {most}");
        assert_eq!(drawn[3], Draw::Seed(7).between(3, What::Bytes, (10.0, 20.0)));
        assert_ne!(drawn[3], Draw::Seed(8).between(3, What::Bytes, (10.0, 20.0)));
        assert_eq!(Draw::Middle.between(3, What::Bytes, (10.0, 20.0)), 15.0);
    }
}
