//! Who signed a bundle: signatures in the form of `ssh-keygen -Y sign`, and the keys that are trusted.

use crate::evidence::check::Findings;
use crate::evidence::check::Matter;
use crate::signature::PublicKey;
use crate::signature::signer;

/// What signatures of bundles are for, so that none for anything else counts.
pub const NAMESPACE: &str = "failback-evidence";

/// Keys that are trusted, each with the name of whose it is.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    keys: Vec<(String, PublicKey)>,
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
            let (key, comment) = PublicKey::parse(text).map_err(|message| TrustError { line, message })?;
            let name = if comment.is_empty() { key.fingerprint() } else { comment };
            keys.push((name, key));
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
            let (key, _) = PublicKey::parse(key_text).map_err(|message| TrustError { line, message })?;
            if is_for_us {
                keys.push((names.to_owned(), key));
            }
        }
        Self::of(keys)
    }

    fn of(keys: Vec<(String, PublicKey)>) -> Result<Self, TrustError> {
        if keys.is_empty() {
            return Err(TrustError { line: 1, message: "it names no key that may sign evidence".to_owned() });
        }
        Ok(Self { keys })
    }

    fn name(&self, key: &PublicKey) -> Option<&str> {
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
    let shown = key.fingerprint();
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
