//! Who signed a bundle: signatures in the form of `ssh-keygen -Y sign`, and the keys that are trusted.

use ring::signature::ED25519;
use ring::signature::UnparsedPublicKey;
use ssh_key::HashAlg;
use ssh_key::PublicKey;
use ssh_key::SshSig;
use ssh_key::public::KeyData;

use crate::evidence::check::Findings;
use crate::evidence::check::Matter;

/// What signatures of bundles are for, so that none for anything else counts.
pub const NAMESPACE: &str = "failback-evidence";

/// Keys that are trusted, each with the name of whose it is.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    keys: Vec<(String, KeyData)>,
}

/// A file of trusted keys can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TrustError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Trusted {
    /// Reads a file of public keys as OpenSSH writes them, one a line.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if a line is no ed25519 key.
    pub fn public_keys(text: &str) -> Result<Self, TrustError> {
        if text.trim_start().starts_with("-----BEGIN") {
            let message = "it is a private key: name the public half, whose file ends in `.pub`".to_owned();
            return Err(TrustError { line: 1, message });
        }
        let mut keys = Vec::new();
        for (line, text) in lines(text) {
            let key = key(text).map_err(|message| TrustError { line, message })?;
            let name = match key.comment() {
                "" => key.fingerprint(HashAlg::Sha256).to_string(),
                comment => comment.to_owned(),
            };
            keys.push((name, key.key_data().clone()));
        }
        Self::of(keys)
    }

    /// Reads a file of signers as `ssh-keygen -Y verify` does: names, options, and a key a line. A line whose `namespaces` does not
    /// hold ours counts for nothing.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if a line can't be read, or limits its key in time or to a certificate's authority, which is not looked at
    /// here.
    pub fn allowed_signers(text: &str) -> Result<Self, TrustError> {
        let mut keys = Vec::new();
        for (line, text) in lines(text) {
            let failed = |message: &str| TrustError { line, message: message.to_owned() };
            let (names, rest) = text.split_once([' ', '\t']).ok_or_else(|| failed("it has no key"))?;
            let rest = rest.trim_start();
            let (options, key_text) = if is_kind(rest) { ("", rest) } else { options(rest) };
            if options.contains("cert-authority") || options.contains("valid-") {
                return Err(failed("authorities and spans of time are not looked at: name the key alone"));
            }
            let limit = options.split_once("namespaces=").map(|(_, rest)| rest.trim_start_matches('"'));
            let limit = limit.map(|rest| rest.split('"').next().unwrap_or(rest));
            let is_for_us = limit.is_none_or(|limit| limit.split(',').any(|one| one.trim() == NAMESPACE));
            let key = key(key_text).map_err(|message| TrustError { line, message })?;
            if is_for_us {
                keys.push((names.to_owned(), key.key_data().clone()));
            }
        }
        Self::of(keys)
    }

    fn of(keys: Vec<(String, KeyData)>) -> Result<Self, TrustError> {
        if keys.is_empty() {
            return Err(TrustError { line: 1, message: "it names no key that may sign evidence".to_owned() });
        }
        Ok(Self { keys })
    }

    fn name(&self, key: &KeyData) -> Option<&str> {
        self.keys.iter().find(|(_, known)| known == key).map(|(name, _)| name.as_str())
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn is_kind(text: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| text.starts_with(kind))
}

/// Returns the options of a line, and what follows them; a space in quotes ends none.
fn options(text: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = text.find(|letter: char| {
        quoted ^= letter == '"';
        letter.is_whitespace() && !quoted
    });
    end.map_or((text, ""), |end| (&text[..end], text[end..].trim_start()))
}

fn key(text: &str) -> Result<PublicKey, String> {
    let key = PublicKey::from_openssh(text).map_err(|error| format!("its key can't be read: {error}"))?;
    match key.key_data() {
        KeyData::Ed25519(_) => Ok(key),
        other => Err(format!("its key is of the kind {}, and only ed25519 counts here", other.algorithm())),
    }
}

/// Checks a signature of a message for a purpose, and returns the key that made it.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn signer(signature: &str, namespace: &str, message: &[u8]) -> Result<KeyData, String> {
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
    Ok(signed.public_key().clone())
}

/// Checks who signed a bundle; returns the name of a signer who is trusted.
pub(crate) fn check(
    bytes: &[u8],
    signature: Option<&str>,
    trusted: Option<&Trusted>,
    findings: &mut Findings,
) -> Option<String> {
    let Some(signature) = signature else {
        match trusted {
            Some(_) => findings.refuted(Matter::Signature, "it is not signed"),
            None => findings.open(Matter::Signature, "it is not signed, so that nothing shows who made it"),
        };
        return None;
    };
    let key = match signer(signature, NAMESPACE, bytes) {
        Ok(key) => key,
        Err(message) => {
            findings.refuted(Matter::Signature, message);
            return None;
        }
    };
    let shown = key.fingerprint(HashAlg::Sha256);
    match trusted.map(|trusted| trusted.name(&key)) {
        Some(Some(name)) => Some(name.to_owned()),
        Some(None) => {
            findings.refuted(Matter::Signature, format!("it is signed with {shown}, which is not trusted"));
            None
        }
        None => {
            let message = format!("it is signed with {shown}, and no key was named that is trusted");
            findings.open(Matter::Signature, message);
            None
        }
    }
}
