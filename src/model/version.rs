//! Version numbers of components, compared by their parts: 9.100 is later than 9.62.

use std::fmt;

/// A version such as `9.62`, `9.62.7246.1`, `8.0.2` or `6.7 U3`. Parts that are not written count as zero, so `9.62`
/// equals `9.62.0`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The first parts; those that are not written are zero. Rules compare versions for each machine, and few have more parts.
    parts: [u32; 4],
    /// The others, without zeros at the end.
    more: Vec<u32>,
}

impl Version {
    /// Reads a version: numbers with dots between them, and an update as vSphere writes it (`6.7 U3`, `7.0 Update 3c`),
    /// which counts as the third part, as in `8.0.2` for 8.0 U2.
    ///
    /// `None` if the text is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(version) = Self::dotted(text) {
            return Some(version);
        }
        let mut words = text.split_whitespace();
        let mut version = Self { parts: [0; 4], more: Vec::new() };
        for (at, part) in words.next()?.split('.').enumerate() {
            let part = number(part)?;
            match version.parts.get_mut(at) {
                Some(place) => *place = part,
                None => version.more.push(part),
            }
        }
        while version.more.last() == Some(&0) {
            version.more.pop();
        }
        let rest: String = words.collect();
        if !rest.is_empty() {
            // `6.7.0 U3` is the same as `6.7 U3`: the zero only fills the place of the update.
            if version.parts[2..] != [0, 0] || !version.more.is_empty() {
                return None;
            }
            version.parts[2..].copy_from_slice(&update(&rest)?);
        }
        Some(version)
    }

    /// Reads the first form alone, if it has no more than four parts, as nearly all have: rules read several for each machine.
    fn dotted(text: &str) -> Option<Self> {
        let (mut parts, mut at, mut part) = ([0; 4], 0, None);
        for byte in text.bytes() {
            if byte.is_ascii_digit() {
                let digits: u32 = part.unwrap_or(0);
                part = Some(digits.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?);
            } else if byte == b'.' {
                *parts.get_mut(at)? = part.take()?;
                at += 1;
            } else {
                return None;
            }
        }
        *parts.get_mut(at)? = part?;
        Some(Self { parts, more: Vec::new() })
    }

    /// Returns the first part.
    #[must_use]
    pub const fn major(&self) -> u32 {
        self.parts[0]
    }

    /// Returns the second part; zero if it is not written.
    #[must_use]
    pub const fn minor(&self) -> u32 {
        self.parts[1]
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.minor())?;
        let first = &self.parts[2..];
        let last = first.iter().rposition(|part| *part != 0).map_or(0, |last| last + 1);
        let written = if self.more.is_empty() { last } else { first.len() };
        first[..written].iter().chain(&self.more).try_for_each(|part| write!(f, ".{part}"))
    }
}

/// Reads digits alone: `u32::from_str` would take a sign too.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Reads `U3`, `Update3` and `U3c`: the number of the update and that of its letter.
fn update(text: &str) -> Option<[u32; 2]> {
    let text = text.to_ascii_lowercase();
    let rest = text.strip_prefix("update").or_else(|| text.strip_prefix('u'))?;
    let (digits, letter) = match rest.bytes().last()? {
        letter @ b'a'..=b'z' => (&rest[..rest.len() - 1], u32::from(letter - b'a') + 1),
        _ => (rest, 0),
    };
    Some([number(digits)?, letter])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect("the text is a version")
    }

    #[test]
    fn parts_are_compared_as_numbers() {
        let texts = [
            "6.0",
            "6.5 U3",
            "6.7",
            "6.7 U3",
            "7.0",
            "8.0 U1",
            "8.0.2",
            "9.30",
            "9.62",
            "9.62.7246.1",
            "9.100",
        ];
        for pair in texts.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{} is earlier than {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn a_part_that_is_not_written_is_zero() {
        assert_eq!(version("9.62"), version("9.62.0.0"));
        assert_eq!(version("9"), version("9.0"));
        assert_eq!(version("0").major(), 0);
    }

    #[test]
    fn an_update_is_the_third_part() {
        assert_eq!(version("8.0 U2"), version("8.0.2"));
        assert_eq!(version("6.7.0 Update 3"), version("6.7 U3"));
        assert_eq!(version("7 U1"), version("7.0.1"));
        assert!(version("7.0 U3c") > version("7.0 U3"));
        assert!(version("7.0 U3c") < version("7.0 U4"));
    }

    #[test]
    fn parts_are_read_and_written() {
        let release = version("9.62.7246.1");
        assert_eq!((release.major(), release.minor()), (9, 62));
        assert_eq!(release.to_string(), "9.62.7246.1");
        assert_eq!(version("8").to_string(), "8.0");
        assert_eq!(version("6.7 U3").to_string(), "6.7.3");
    }

    #[test]
    fn other_texts_are_no_versions() {
        for text in [
            "",
            " ",
            "latest",
            "9.",
            ".9",
            "9..1",
            "9.x",
            "-1",
            "+1.2",
            "9.62 beta",
            "6.7.1 U3",
            "9.99999999999",
            "6.7 U",
            "6.7 Uc",
        ] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }
}
