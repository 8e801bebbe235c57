//! A certificate with its key, by which a principal signs that it is itself.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::digest;
use ring::rand::SecureRandom as _;
use ring::rand::SystemRandom;
use ring::signature::RSA_PKCS1_SHA256;
use ring::signature::RsaKeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

use crate::provider::azure::credential::CredentialError;

/// Seconds that an assertion holds.
const HOLDS: i64 = 600;
const SOURCE: &str = "environment, client certificate";

/// A certificate and its private key.
pub(super) struct Certificate {
    thumbprint: String,
    key: RsaKeyPair,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a PEM file with a certificate and its private key.
    pub(super) fn read(path: &Path) -> Result<Self, CredentialError> {
        let shown = path.display();
        let unusable = |message: String| CredentialError::Unusable { source_name: SOURCE, message };
        let text = std::fs::read(path).map_err(|error| unusable(format!("{shown}: {error}")))?;
        Self::parse(&text).map_err(|message| unusable(format!("{shown}: {message}")))
    }

    fn parse(pem: &[u8]) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(pem)
            .map_err(|_| "it holds no certificate; write a PEM file with the certificate and its key")?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|_| "it holds no private key that is not encrypted, in PEM")?;
        let key = match &key {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            PrivateKeyDer::Sec1(_) => return Err("its key is no RSA key".to_owned()),
            _ => return Err("its key is of a kind that is not known".to_owned()),
        };
        let key = key.map_err(|error| format!("its key can't be used: {error}"))?;
        // Azure names certificates by their SHA-1 digest; nothing rests on its strength.
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        Ok(Self { thumbprint: URL_SAFE_NO_PAD.encode(thumbprint), key })
    }

    /// Returns a signed statement that the principal is itself.
    pub(super) fn assertion(&self, audience: &str, client: &str, now: Timestamp) -> Result<String, String> {
        let random = SystemRandom::new();
        let mut id = [0_u8; 16];
        random.fill(&mut id).map_err(|_| "the system gives no random numbers")?;
        let header = json!({"alg": "RS256", "typ": "JWT", "x5t": self.thumbprint});
        let seconds = now.as_second();
        let claims = json!({
            "aud": audience,
            "iss": client,
            "sub": client,
            "jti": URL_SAFE_NO_PAD.encode(id),
            "nbf": seconds - 60,
            "exp": seconds + HOLDS,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
            .map_err(|_| "the key does not sign")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::RSA_PKCS1_2048_8192_SHA256;
    use ring::signature::UnparsedPublicKey;

    use super::*;

    /// A key and certificate that were made for this test and are used nowhere else.
    const PEM: &str = include_str!("test-certificate.pem");

    #[test]
    fn an_assertion_is_signed_with_the_certificates_key() {
        let certificate = Certificate::parse(PEM.as_bytes()).expect("the test's certificate is good");
        let now = Timestamp::from_second(1_700_000_000).expect("in range");
        let assertion = certificate.assertion("https://login.example/t", "app", now).expect("it signs");
        let parts: Vec<&str> = assertion.split('.').collect();
        let [header, claims, signature] = parts.as_slice() else { panic!("{assertion}") };
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, certificate.key.public().as_ref());
        key.verify(format!("{header}.{claims}").as_bytes(), &signature).expect("the signature is right");
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("json");
        assert_eq!(
            (&claims["aud"], &claims["exp"]),
            (&json!("https://login.example/t"), &json!(1_700_000_600))
        );
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("app"), &json!("app")));
        let shown = format!("{certificate:?}");
        assert!(shown.len() < 100, "a key is never shown: {shown}");
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        assert!(Certificate::parse(b"no PEM").is_err());
        let end = PEM.find("-----BEGIN PRIVATE").expect("the key comes last");
        let message = Certificate::parse(&PEM.as_bytes()[..end]).expect_err("there is no key");
        assert!(message.contains("no private key"), "{message}");
    }
}
