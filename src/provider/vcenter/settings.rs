//! What a client needs to connect to a vCenter.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use crate::provider::vcenter::error::VcenterError;

/// How the other end of a connection proves that it is the vCenter.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Its certificate was issued by an authority that the system trusts.
    System,
    /// Its certificate was issued by one of these authorities, in PEM.
    Authorities(Vec<u8>),
    /// It has the certificate with this thumbprint, whoever issued it and for whatever name.
    Pinned(Thumbprint),
}

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Thumbprint(pub(super) [u8; 32]);

impl Thumbprint {
    /// Reads a thumbprint: 64 hexadecimal digits, with or without colons between pairs.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b':' | b' ')).collect();
        let mut bytes = [0; 32];
        if digits.len() == 40 {
            return Err("a SHA-1 thumbprint is not enough: SHA-256 has 64 digits".into());
        }
        if digits.len() != 64 {
            return Err(format!(
                "a SHA-256 thumbprint has 64 hexadecimal digits, and this has {}",
                digits.len()
            ));
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok();
            *byte = pair
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or("a thumbprint has hexadecimal digits only")?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(f, "{}{byte:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// How long and how much a client waits for and reads.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a connection may take to come about.
    pub connect: Duration,
    /// How long one answer may take, to its last byte.
    pub answer: Duration,
    /// How long an answer may be, in bytes.
    pub body: usize,
    /// How many objects are asked for at a time.
    pub page: u32,
    /// How many pages an inventory may have.
    pub pages: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(120),
            // A virtual machine of 60 disks takes about 60 kB, and a page has at most `page` of them.
            body: 64 << 20,
            page: 250,
            // 250 times this is more than a vCenter 8 may hold (45,000 virtual machines, registered and powered off).
            pages: 1_000,
        }
    }
}

/// Who is meant to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A vCenter.
    Vcenter,
    /// A host that no vCenter manages.
    Host,
}

/// What a client needs to connect to a vCenter, or to a host that no vCenter manages.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the vCenter or host in documents.
    pub id: String,
    /// Which of the two it is; either will do if that is not known.
    pub kind: Option<Kind>,
    /// Its address, `https://vcenter.example/sdk`; the path may be left out.
    pub url: String,
    /// The user, with its domain.
    pub user: String,
    /// The password.
    pub password: SecretString,
    /// How the vCenter proves who it is.
    pub trust: Trust,
    /// How long and how much is waited for and read.
    pub limits: Limits,
}

/// Returns the address to ask. Plain http is for a vCenter on the same machine, which only an emulated one is.
pub(super) fn address(url: &str) -> Result<Url, VcenterError> {
    let wrong = |what: String| VcenterError::Settings { what };
    let mut parsed =
        Url::parse(url).map_err(|error| wrong(format!("the vCenter's address can't be read: {error}")))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong(
            "the vCenter's address has a user or a password in it: they are given apart".into(),
        ));
    }
    let host = parsed.host_str().unwrap_or_default();
    match parsed.scheme() {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => {
            return Err(wrong(format!(
                "{host} is asked over https only: the password would go over the network as it is"
            )));
        }
        other => {
            return Err(wrong(format!("the vCenter's address begins with {other}: and https: is wanted")));
        }
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("the vCenter's address has a query in it".into()));
    }
    if matches!(parsed.path(), "" | "/") {
        parsed.set_path("/sdk");
    }
    Ok(parsed)
}

/// Returns whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns host and port, as they are named in messages.
pub(super) fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_is_that_of_the_service() {
        assert_eq!(address("https://vc1.corp.example").unwrap().as_str(), "https://vc1.corp.example/sdk");
        assert_eq!(address("http://127.0.0.1:80/vcenters/vc2/sdk").unwrap().path(), "/vcenters/vc2/sdk");
    }

    #[test]
    fn an_address_that_would_give_secrets_away_is_refused() {
        for (url, word) in [
            ("http://vc1.corp.example/sdk", "https only"),
            ("https://user:geheim@vc1.corp.example", "given apart"),
            ("ftp://vc1", "https: is wanted"),
            ("https://vc1/sdk?password=geheim", "query"),
            ("vc1", "can't be read"),
        ] {
            let error = address(url).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn a_thumbprint_is_read_as_it_is_shown() {
        let text = format!("{}:0F", vec!["AB"; 31].join(":"));
        assert_eq!(Thumbprint::parse(&text).unwrap().to_string(), text);
        assert_eq!(Thumbprint::parse(&text.replace(':', "").to_lowercase()).unwrap().to_string(), text);
        assert!(Thumbprint::parse(&"ab".repeat(20)).unwrap_err().contains("SHA-1"));
        assert!(Thumbprint::parse(&"xy".repeat(32)).unwrap_err().contains("hexadecimal digits only"));
        assert!(Thumbprint::parse("ab").unwrap_err().contains("64"));
    }
}
