//! TLS: a certificate that is given, or one that the server makes for itself and whose authority a client may trust.

use std::io;
use std::sync::Arc;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

/// The certificate that a server shows.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// One that is given.
    Given {
        /// The certificate and those of its authorities, as PEM.
        chain: String,
        /// Its key, as PEM.
        key: SecretString,
    },
    /// One that the server makes for `localhost` and the addresses of the loopback, and for these names.
    SelfMade {
        /// More names or addresses.
        names: Vec<String>,
    },
}

/// What a server needs for TLS, and what its clients need.
pub(super) struct Secured {
    pub acceptor: TlsAcceptor,
    /// The certificate of the authority that a client has to trust, as PEM; none if the certificate was given.
    pub authority: Option<String>,
}

impl std::fmt::Debug for Secured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secured").finish_non_exhaustive()
    }
}

impl Secured {
    pub(super) fn new(certificate: &Certificate) -> io::Result<Self> {
        let (chain, key, authority) = match certificate {
            Certificate::Given { chain, key } => (chain.clone(), key.clone(), None),
            Certificate::SelfMade { names } => {
                let made = made(names).map_err(io::Error::other)?;
                (made.chain, made.key, Some(made.authority))
            }
        };
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unreadable("certificate", &error))?;
        // What the parser says of a key is about its form, not its content.
        let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
            .map_err(|error| unreadable("key", &error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| unreadable("certificate", &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), authority })
    }
}

fn unreadable(what: &str, error: &impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("the {what} can't be used: {}", error.to_string()))
}

struct Made {
    chain: String,
    key: SecretString,
    authority: String,
}

fn made(more: &[String]) -> Result<Made, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.distinguished_name.push(DnType::CommonName, "failback emulator");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    names.extend(more.iter().cloned());
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?;
    Ok(Made {
        chain: format!("{}{}", certificate.pem(), authority_certificate.pem()),
        key: SecretString::from(key.serialize_pem()),
        authority: authority_certificate.pem(),
    })
}
