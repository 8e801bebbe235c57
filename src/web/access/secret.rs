//! Random tokens, and comparing what was sent with what is kept without telling by the time it takes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SecureRandom as _;
use ring::rand::SystemRandom;
use sha2::Digest as _;
use sha2::Sha256;

/// Bytes of a token: 256 bits.
const TOKEN: usize = 32;

/// Returns a new token of 256 random bits, as text; `None` if the system has no randomness.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0; TOKEN];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

/// Returns under what a secret is kept: whoever reads the memory of a table of these can't send any of them.
pub(crate) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Compares secrets under a key of this process alone, so that the time which that takes tells nothing.
#[derive(Clone, Debug)]
pub(crate) struct Comparer(hmac::Key);

impl Comparer {
    /// Returns one with a new key; `None` if the system has no randomness.
    pub fn new() -> Option<Self> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?;
        Some(Self(key))
    }

    /// Returns what is kept of a secret.
    pub fn keep(&self, secret: &str) -> hmac::Tag {
        hmac::sign(&self.0, secret.as_bytes())
    }

    /// Returns whether what was sent is the secret that was kept.
    pub fn is(&self, sent: &str, kept: &hmac::Tag) -> bool {
        hmac::verify(&self.0, sent.as_bytes(), kept.as_ref()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_256_bits_and_differ() {
        let (one, other) = (random().expect("random"), random().expect("random"));
        assert_ne!(one, other);
        assert_eq!(URL_SAFE_NO_PAD.decode(one).expect("text of bytes").len(), 32);
    }

    #[test]
    fn a_secret_is_known_again_and_no_other_one_is() {
        let comparer = Comparer::new().expect("random");
        let kept = comparer.keep("a token of kim");
        assert!(comparer.is("a token of kim", &kept));
        for other in ["", "a token of ki", "a token of kim ", "A token of kim"] {
            assert!(!comparer.is(other, &kept), "{other}");
        }
    }
}
