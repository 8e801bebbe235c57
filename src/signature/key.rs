//! Keys that sign: ed25519, as PKCS#8 or as OpenSSH writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use ring::signature::KeyPair as _;
use secrecy::zeroize::Zeroizing;
use ssh_key::HashAlg;
use ssh_key::LineEnding;
use ssh_key::PrivateKey;
use ssh_key::Signature;
use ssh_key::SshSig;
use ssh_key::private::KeypairData;
use ssh_key::public::Ed25519PublicKey;
use ssh_key::public::KeyData;

/// The first line of a PKCS#8 key.
const PKCS8: &str = "-----BEGIN PRIVATE KEY-----";
/// The last line of a PKCS#8 key.
const PKCS8_END: &str = "-----END PRIVATE KEY-----";

/// A key can't be used. None of the messages holds anything of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is of no form that is known.
    #[error("it is no private key in PKCS#8 or OpenSSH form")]
    Foreign,
    /// It is locked with a passphrase.
    #[error("it is locked with a passphrase: sign with ssh-keygen -Y sign, or use a key without one")]
    Locked,
    /// It is of another kind.
    #[error("it is a key of the kind {kind}, and only ed25519 signs here")]
    Kind {
        /// Its kind.
        kind: String,
    },
    /// It is broken.
    #[error("the key is broken: {message}")]
    Broken {
        /// What is wrong.
        message: String,
    },
}

/// A key that signs.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public_line("")).finish_non_exhaustive()
    }
}

fn broken(message: impl ToString) -> KeyError {
    KeyError::Broken { message: message.to_string() }
}

impl SigningKey {
    /// Reads a private key from its text.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it is none that can sign.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix(PKCS8) {
            let body = rest.strip_suffix(PKCS8_END).ok_or_else(|| broken("its last line is missing"))?;
            let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
            let der = STANDARD.decode(body.as_bytes()).map_err(|_| broken("it is not written in base64"))?;
            let der = Zeroizing::new(der);
            // Those of OpenSSL leave the public half out.
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
                .map_err(|_| KeyError::Kind { kind: "another algorithm".into() })?;
            return Ok(Self { pair });
        }
        if text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err(KeyError::Locked);
        }
        if !text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
            return Err(KeyError::Foreign);
        }
        let key = PrivateKey::from_openssh(text).map_err(broken)?;
        if key.is_encrypted() {
            return Err(KeyError::Locked);
        }
        let KeypairData::Ed25519(pair) = key.key_data() else {
            return Err(KeyError::Kind { kind: key.algorithm().to_string() });
        };
        let seed = Zeroizing::new(pair.private.to_bytes());
        let pair = Ed25519KeyPair::from_seed_and_public_key(&*seed, &pair.public.0)
            .map_err(|_| broken("its halves do not fit"))?;
        Ok(Self { pair })
    }

    /// Makes a new key, and returns its private text in PKCS#8 form.
    ///
    /// # Errors
    ///
    /// [`KeyError::Broken`] if the system gives no random numbers.
    pub fn generate() -> Result<(Self, Zeroizing<String>), KeyError> {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|_| broken("the system gives no random numbers"))?;
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).map_err(broken)?;
        let body = Zeroizing::new(STANDARD.encode(der.as_ref()));
        let text = Zeroizing::new(format!("{PKCS8}\n{}\n{PKCS8_END}\n", *body));
        Ok((Self { pair }, text))
    }

    fn key_data(&self) -> KeyData {
        let mut public = [0; Ed25519PublicKey::BYTE_SIZE];
        public.copy_from_slice(self.pair.public_key().as_ref());
        KeyData::Ed25519(Ed25519PublicKey(public))
    }

    /// Returns the public half as OpenSSH writes it: `ssh-ed25519 AAAA… comment`.
    #[must_use]
    pub fn public_line(&self, comment: &str) -> String {
        let key = ssh_key::PublicKey::new(self.key_data(), comment);
        key.to_openssh().unwrap_or_default()
    }

    /// Signs a message for a purpose, in the form of `ssh-keygen -Y sign`.
    ///
    /// # Errors
    ///
    /// [`KeyError::Broken`] if the form can't hold it, which is a bug.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String, KeyError> {
        let data = SshSig::signed_data(namespace, HashAlg::Sha512, message).map_err(broken)?;
        let signature = Signature::new(ssh_key::Algorithm::Ed25519, self.pair.sign(&data).as_ref().to_vec())
            .map_err(broken)?;
        let signed = SshSig::new(self.key_data(), namespace, HashAlg::Sha512, signature).map_err(broken)?;
        signed.to_pem(LineEnding::LF).map_err(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_read_again_and_shows_only_its_public_half() {
        let (key, text) = SigningKey::generate().expect("random numbers");
        let again = SigningKey::parse(&text).expect("a key");
        assert_eq!(again.public_line("a"), key.public_line("a"));
        assert!(key.public_line("dr").starts_with("ssh-ed25519 AAAA"));
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        assert!(!format!("{key:?}").contains(&body));
    }

    #[test]
    fn what_is_no_key_or_another_kind_is_told_without_its_text() {
        assert_eq!(SigningKey::parse("hello").err(), Some(KeyError::Foreign));
        let rsa = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let error = SigningKey::parse(rsa).expect_err("it is none");
        assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----";
        assert_eq!(SigningKey::parse(locked).err(), Some(KeyError::Locked));
    }
}
