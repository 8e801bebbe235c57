//! Figures that look random and are the same in every run: drawn from a seed and names, never in a sequence.

/// Returns a number from 0 (included) to 1 (excluded) that depends on nothing but its arguments.
pub(super) fn draw(seed: u64, of: &str, what: &str) -> f64 {
    // FNV-1a over both names, then a splitmix64 finaliser, because FNV alone leaves the high bits of short names alike.
    let mut hash = seed ^ 0xcbf2_9ce4_8422_2325;
    for byte in of.bytes().chain([0xff]).chain(what.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let part = (hash >> 11) as f64 / (1_u64 << 53) as f64;
    part
}

/// Returns a whole number from `least` to `most`, both included.
pub(super) fn between(seed: u64, of: &str, what: &str, least: i64, most: i64) -> i64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "spans of seconds are small"
    )]
    let offset = (draw(seed, of, what) * (most - least + 1) as f64) as i64;
    least + offset.min(most - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_the_seed_and_on_both_names() {
        let drawn = draw(1, "w1", "boot");
        assert_eq!(drawn, draw(1, "w1", "boot"));
        for other in
            [draw(2, "w1", "boot"), draw(1, "w2", "boot"), draw(1, "w1", "bytes"), draw(1, "w1b", "oot")]
        {
            assert_ne!(drawn, other);
        }
    }

    #[test]
    fn draws_fill_their_range() {
        let drawn: Vec<i64> = (0..1_000).map(|n| between(7, &format!("m{n}"), "agent", 3, 14)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&14)));
    }
}
