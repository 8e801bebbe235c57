//! Amounts with their unit in the type: durations, sizes, bandwidths.

use std::fmt;

use serde::{Serialize, Serializer};

/// Bytes of one GiB. Azure and vSphere count the "GB" of a disk in powers of two.
pub const GIB: u64 = 1 << 30;

/// A length of time in whole seconds, written `90s`, `15m`, `4h`, `1h30m`, `7d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seconds(pub u64);

impl Seconds {
    /// Returns `minutes` as a length of time.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self(minutes * 60)
    }

    /// Returns `hours` as a length of time.
    #[must_use]
    pub const fn hours(hours: u64) -> Self {
        Self(hours * 3600)
    }

    /// Reads `90s`, `15m`, `4h`, `1h30m` or `7d`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong, for a diagnostic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not a duration", shortened(text));
        let units = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];
        let (mut rest, mut total, mut next_unit) = (text, 0_u64, 0);
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let number: u64 = number.parse().map_err(|_| wrong())?;
            let unit = tail.chars().next().ok_or_else(|| format!("{}: a unit is missing", wrong()))?;
            let index = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
            if index < next_unit {
                return Err(format!("{}: its units go from large to small", wrong()));
            }
            next_unit = index + 1;
            total = number
                .checked_mul(units[index].1)
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= MAX_SECONDS)
                .ok_or_else(|| format!("{}: it is longer than a hundred years", wrong()))?;
            rest = &tail[1..];
        }
        Ok(Self(total))
    }
}

/// A hundred years: what is longer is a slip, and sums of times stay inside what a clock can say.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(true, f)
    }
}

impl Seconds {
    /// Writes the duration; `17h29s` is soon read as `17h29m`, so people are told the minutes between hours and seconds, also none.
    fn write(self, with_no_minutes: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
        let mut left = self.0;
        if left == 0 {
            return f.write_str("0s");
        }
        // `24h` reads better than `1d`, `36h` better than `1d12h`: days only where they are whole and several.
        let skip_days = !left.is_multiple_of(86_400) || left < 2 * 86_400;
        for (size, unit) in parts.into_iter().skip(usize::from(skip_days)) {
            if left >= size {
                write!(f, "{}{unit}", left / size)?;
                left %= size;
            } else if with_no_minutes && unit == "m" && left > 0 && self.0 >= 3600 {
                f.write_str("0m")?;
            }
        }
        Ok(())
    }
}

/// A duration as documents and digests have it: shortest.
struct Shortest(Seconds);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(false, f)
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Shortest(*self))
    }
}

/// An amount of data in bytes, written `100 GiB`, `2 TiB`, `500 MB`; a bare number of a `_gb` field counts GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Returns `count` GiB.
    #[must_use]
    pub const fn gib(count: u64) -> Self {
        Self(count * GIB)
    }

    /// Returns the amount in GiB, rounded to the nearest whole one.
    #[must_use]
    pub const fn as_gib(self) -> u64 {
        (self.0 + GIB / 2) / GIB
    }

    /// Reads `100 GiB`, `2 TiB`, `500 MB`, with or without the space.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong, for a diagnostic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is not a size", shortened(text));
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let scale = match unit.trim_start() {
            "B" => 1,
            "KB" | "kB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            "TB" => 1_000_000_000_000,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => GIB,
            "TiB" => 1 << 40,
            "" => return Err(format!("{}: a unit is missing", wrong())),
            _ => return Err(wrong()),
        };
        number.checked_mul(scale).map(Self).ok_or_else(|| format!("{}: it is too large", wrong()))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (size, unit) in [(1_u64 << 40, "TiB"), (GIB, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if self.0 >= size {
                let tenths = (u128::from(self.0) * 10 + u128::from(size) / 2) / u128::from(size);
                return if tenths % 10 == 0 {
                    write!(f, "{} {unit}", tenths / 10)
                } else {
                    write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
                };
            }
        }
        write!(f, "{} B", self.0)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(GIB) {
            serializer.serialize_u64(self.0 / GIB)
        } else {
            serializer.collect_str(&format_args!("{} B", self.0))
        }
    }
}

/// Messages quote what was written, but not a megabyte of it.
fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print() {
        for (text, seconds) in
            [("90s", 90), ("15m", 900), ("4h", 14_400), ("1h30m", 5_400), ("7d", 604_800), ("24h", 86_400)]
        {
            assert_eq!(Seconds::parse(text), Ok(Seconds(seconds)), "{text}");
        }
        assert_eq!(Seconds(5_400).to_string(), "1h30m");
        assert_eq!(Seconds(62_429).to_string(), "17h20m29s");
        assert_eq!(Seconds(61_229).to_string(), "17h0m29s");
        assert_eq!(Seconds::parse("17h0m29s"), Ok(Seconds(61_229)));
        assert_eq!(serde_json::json!(Seconds(61_229)), "17h29s", "digests of plans stay what they were");
        assert_eq!(Seconds(86_400).to_string(), "24h");
        assert_eq!(Seconds(604_800).to_string(), "7d");
        assert_eq!(Seconds(129_600).to_string(), "36h");
        for text in
            ["", "90", "h", "1.5h", "30m1h", "1h1h", "-1h", "1 h", "99999999999d", "18446744073709551616s"]
        {
            assert!(Seconds::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_read_and_print() {
        assert_eq!(Bytes::parse("100 GiB"), Ok(Bytes::gib(100)));
        assert_eq!(Bytes::parse("2TiB"), Ok(Bytes(2 << 40)));
        assert_eq!(Bytes::parse("500 MB"), Ok(Bytes(500_000_000)));
        assert_eq!(Bytes::gib(1536).to_string(), "1.5 TiB");
        for text in ["", "100", "GiB", "100 gib", "-1 GiB", "1.5 TiB", "99999999999 TiB"] {
            assert!(Bytes::parse(text).is_err(), "{text}");
        }
    }
}
