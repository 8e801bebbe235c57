//! Signatures in the form of `ssh-keygen -Y sign`: ed25519, each for one purpose.

mod key;

pub use key::KeyError;
pub use key::SigningKey;

use ring::signature::ED25519;
use ring::signature::UnparsedPublicKey;
use ssh_key::HashAlg;
use ssh_key::SshSig;
use ssh_key::public::KeyData;

/// A public ed25519 key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(KeyData);

impl PublicKey {
    /// Reads a key as OpenSSH writes it, `ssh-ed25519 AAAA… comment`, and returns it with its comment.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<(Self, String), String> {
        let key = ssh_key::PublicKey::from_openssh(text.trim())
            .map_err(|error| format!("its key can't be read: {error}"))?;
        match key.key_data() {
            KeyData::Ed25519(_) => Ok((Self(key.key_data().clone()), key.comment().to_owned())),
            other => {
                Err(format!("its key is of the kind {}, and only ed25519 counts here", other.algorithm()))
            }
        }
    }

    /// Returns the key as OpenSSH writes it, without a comment: equal keys have equal lines.
    #[must_use]
    pub fn line(&self) -> String {
        ssh_key::PublicKey::new(self.0.clone(), "").to_openssh().unwrap_or_default()
    }

    /// Returns the fingerprint that OpenSSH shows: `SHA256:…`.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// Checks a signature of a message for a purpose, and returns the key that made it.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn signer(signature: &str, namespace: &str, message: &[u8]) -> Result<PublicKey, String> {
    let signed = SshSig::from_pem(signature.trim_end())
        .map_err(|error| format!("the signature can't be read: {error}"))?;
    if signed.namespace() != namespace {
        return Err(format!("the signature is for `{}`, not for `{namespace}`", signed.namespace()));
    }
    let KeyData::Ed25519(key) = signed.public_key() else {
        return Err(format!(
            "the signature is of the kind {}, and only ed25519 counts here",
            signed.algorithm()
        ));
    };
    let data =
        SshSig::signed_data(namespace, signed.hash_alg(), message).map_err(|error| error.to_string())?;
    UnparsedPublicKey::new(&ED25519, key.0).verify(&data, signed.signature_bytes()).map_err(|_| {
        "the signature is not one of these bytes: they were changed after they were signed".to_owned()
    })?;
    Ok(PublicKey(signed.public_key().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_key_one_purpose_and_these_bytes() {
        let (key, _) = SigningKey::generate().expect("random numbers");
        let signature = key.sign("one", b"yes").expect("signed");
        let by = signer(&signature, "one", b"yes").expect("it is");
        assert_eq!(by, PublicKey::parse(&key.public_line("kim")).expect("a key").0);
        assert_eq!((by.line(), by.fingerprint().starts_with("SHA256:")), (key.public_line(""), true));
        assert!(signer(&signature, "other", b"yes").is_err_and(|why| why.contains("is for `one`")));
        assert!(signer(&signature, "one", b"no").is_err_and(|why| why.contains("changed")));
        assert!(signer("yes", "one", b"yes").is_err());
    }
}
