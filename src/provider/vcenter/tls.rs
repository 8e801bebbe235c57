//! Connections to a vCenter, and how its end proves who it is.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use reqwest::Certificate;
use reqwest::Client;
use reqwest::ClientBuilder;
use reqwest::Url;
use reqwest::redirect;
use rustls::CertificateError;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;
use sha2::Digest;
use sha2::Sha256;

use crate::provider::vcenter::error::VcenterError;
use crate::provider::vcenter::settings::Limits;
use crate::provider::vcenter::settings::Thumbprint;
use crate::provider::vcenter::settings::Trust;

/// Accepts one certificate, or none; remembers what was presented.
#[derive(Debug)]
struct Pinned {
    wanted: Option<Thumbprint>,
    presented: Mutex<Option<Thumbprint>>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn new(wanted: Option<Thumbprint>) -> Arc<Self> {
        Arc::new(Self { wanted, presented: Mutex::new(None), provider: Arc::new(default_provider()) })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Thumbprint(Sha256::digest(leaf).into());
        *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = Some(presented);
        if self.wanted == Some(presented) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Returns what sends requests to a vCenter: no redirects, no proxies.
pub(super) fn client(url: &Url, trust: &Trust, limits: &Limits) -> Result<Client, VcenterError> {
    // Without a provider, building a client panics. That somebody else has installed one is as good.
    let _ = default_provider().install_default();
    let builder = match trust {
        // A system without certificates of its own can't build a client that wants them, and plain requests don't.
        Trust::System if url.scheme() == "http" => plain(limits).tls_certs_only([]),
        Trust::System => plain(limits),
        Trust::Authorities(pem) => plain(limits).tls_certs_only(authorities(pem)?),
        Trust::Pinned(thumbprint) => pinned(limits, Pinned::new(Some(*thumbprint)))?,
    };
    builder.build().map_err(|error| settings(format!("no TLS client can be made: {}", words(&error))))
}

fn plain(limits: &Limits) -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(limits.connect)
        .timeout(limits.answer)
        .user_agent(concat!("failback/", env!("CARGO_PKG_VERSION")))
}

fn pinned(limits: &Limits, verifier: Arc<Pinned>) -> Result<ClientBuilder, VcenterError> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| settings(format!("no TLS client can be made: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(plain(limits).tls_backend_preconfigured(config))
}

fn authorities(pem: &[u8]) -> Result<Vec<Certificate>, VcenterError> {
    let found = Certificate::from_pem_bundle(pem).map_err(|error| {
        settings(format!("the certificates of authorities can't be read: {}", words(&error)))
    })?;
    if found.is_empty() {
        return Err(settings("there is no certificate in the file of authorities (PEM is wanted)".into()));
    }
    Ok(found)
}

const fn settings(what: String) -> VcenterError {
    VcenterError::Settings { what }
}

/// Returns the thumbprint of the certificate that a server presents, without trusting it: nothing is sent to it.
pub(super) async fn presented(url: &Url, limits: &Limits) -> Option<Thumbprint> {
    let verifier = Pinned::new(None);
    let client = pinned(limits, Arc::clone(&verifier)).ok()?.build().ok()?;
    // It fails in the handshake, as the verifier accepts nothing.
    let _ = client.head(url.clone()).send().await;
    *verifier.presented.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what TLS found wrong, if an error came from it.
pub(super) fn distrust(error: &reqwest::Error) -> Option<String> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(told(tls));
        }
        // What is inside an `io::Error` is not its source: that is the source of what is inside.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn told(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "it is not the one whose thumbprint was given".into()
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "nobody who is trusted issued it".into()
        }
        rustls::Error::InvalidMessage(_) => "the other end does not speak TLS".into(),
        other => other.to_string(),
    }
}

/// Returns the innermost cause of an error, which names no address.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if std::ptr::addr_eq(cause, std::ptr::from_ref(error)) {
        let kind = if error.is_timeout() { "no answer in time" } else { "the connection broke" };
        return kind.into();
    }
    cause.to_string()
}
