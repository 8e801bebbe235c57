//! The chain of a run's events: each is bound to all before it by a hash, and the first to the run's entry.
//!
//! The hash of an event is the SHA-256 of the hash before it, in hexadecimal digits, a line feed, and the event's text as it is
//! stored. Before the first event stands the head: the SHA-256 of the run's entry as a JSON array.

use sha2::Digest as _;
use sha2::Sha256;

use crate::journal::RunRecord;

/// Number of hexadecimal digits of a hash.
const DIGITS: usize = 64;

/// The end of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link([u8; DIGITS]);

impl Link {
    /// Returns what stands before the first event of a run.
    ///
    /// # Panics
    ///
    /// If the entry has no JSON form, which texts and numbers have.
    #[must_use]
    pub fn head(run: &RunRecord) -> Self {
        let entry = (
            run.id.as_str(),
            &run.plan,
            &run.plan_path,
            &run.plan_digest,
            &run.facts_digest,
            &run.provider,
            &run.options,
            run.created_at.to_string(),
            &run.git_commit,
            &run.program,
            run.migrated_events,
        );
        let text = serde_json::to_vec(&entry).expect("texts and numbers have a JSON form");
        Self::of(&Sha256::digest(text))
    }

    /// Returns what stands after an event that follows this.
    #[must_use]
    pub fn then(&self, event: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(b"\n");
        hash.update(event);
        Self::of(&hash.finalize())
    }

    /// Returns the link that a text gives, if it is one.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        Some(Self(text.try_into().ok()?))
    }

    /// Returns it as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    /// Returns whether it is stored as `text`.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        self.0 == *text
    }

    fn of(hash: &[u8]) -> Self {
        const SIGNS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
            pair[0] = SIGNS[usize::from(byte >> 4)];
            pair[1] = SIGNS[usize::from(byte & 15)];
        }
        Self(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_hash_of_the_one_before_and_the_text() {
        let head = Link::of(&Sha256::digest(b"head"));
        let text = [head.as_str(), "\n", "{\"seq\":1}"].concat();
        assert_eq!(head.then(b"{\"seq\":1}"), Link::of(&Sha256::digest(text)));
        // printf abc | sha256sum
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let link = Link::of(&Sha256::digest(b"abc"));
        assert_eq!(link.as_str(), known);
        assert_eq!(Link::parse(known.as_bytes()), Some(link));
        assert_eq!(Link::parse(b"abc"), None);
    }
}
