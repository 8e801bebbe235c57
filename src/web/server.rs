//! Connections: taken in, encrypted or not, given to the pages, ended when the server ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use axum::extract::Request;
use hyper::server::conn::http1;
use hyper::service::Service as _;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::web::app::App;
use crate::web::guard::Peer;
use crate::web::patience::Patient;
use crate::web::routes;

/// Connections at once: more wait to be taken in.
const CONNECTIONS: usize = 4096;

/// How long the head of a request may take to come in, and how long a connection may lie idle between two.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(15);

/// How long connections may take to agree on their encryption.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long connections may take to end once the server is to end.
const GRACE: Duration = Duration::from_secs(2);

/// Pause after a connection could not be taken in: the process may have no more places for files.
const PAUSE: Duration = Duration::from_millis(100);

/// Why the dashboard can't be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Plain connections would cross a network.
    #[error(
        "the dashboard does not listen at {address} without TLS: tokens would cross the network as they are"
    )]
    Plain {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The certificate or its key can't be used.
    #[error("the {what} can't be used: {why}")]
    Certificate {
        /// Which of the two.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The system does not tell where it listens.
    #[error("the listening address can't be told")]
    Listener(#[source] io::Error),
}

/// What connections are encrypted with; it can be replaced while the server runs.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<TlsAcceptor>>);

impl Tls {
    /// Reads a chain of certificates and its key, both PEM.
    ///
    /// # Errors
    ///
    /// [`ServeError::Certificate`] if they can't be read, or don't belong together.
    pub fn of_pem(certificate: &[u8], key: &[u8]) -> Result<Self, ServeError> {
        let wrong = |what| move |why: String| ServeError::Certificate { what, why };
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|error| wrong("certificate")(error.to_string()))?;
        if chain.is_empty() {
            return Err(wrong("certificate")("the file holds none".into()));
        }
        let key = PrivateKeyDer::from_pem_slice(key)
            // What the key's file holds is nobody's business.
            .map_err(|_| wrong("key of the certificate")("the file holds no private key in PEM".into()))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
        let mut config = config.map_err(|error| wrong("certificate")(error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(RwLock::new(TlsAcceptor::from(Arc::new(config))))))
    }

    /// Takes the certificate and key of another one, for connections from now on.
    pub fn replace(&self, other: &Self) {
        let acceptor = other.acceptor();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
    }

    fn acceptor(&self) -> TlsAcceptor {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Serves the dashboard until `ends` says so.
///
/// # Errors
///
/// [`ServeError::Plain`] if plain connections could come from another machine.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    tls: Option<Tls>,
    ends: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if tls.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::Plain { address });
    }
    let router = routes::router(Arc::clone(&app));
    let (stop, stopped) = watch::channel(false);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    tokio::pin!(ends);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async {
            let place = place.await;
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut ends => break,
            Some(_) = connections.join_next() => {}
            (Ok(place), accepted) = accepted => {
                let Ok((stream, peer)) = accepted else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                drop(stream.set_nodelay(true));
                let (router, tls, stopped) = (router.clone(), tls.clone(), stopped.clone());
                connections.spawn(async move {
                    let _place = place;
                    match tls {
                        None => connection(stream, peer, router, stopped).await,
                        Some(tls) => {
                            let accepted = tls.acceptor().accept(stream);
                            let agreed = tokio::time::timeout(HANDSHAKE, accepted).await;
                            let Ok(Ok(stream)) = agreed else { return };
                            connection(stream, peer, router, stopped).await;
                        }
                    }
                });
            }
        }
    }
    drop(listener);
    app.hub.end();
    // Nobody listens where no connection is left.
    let _ = stop.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
    Ok(())
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: axum::Router,
    mut stopped: watch::Receiver<bool>,
) {
    let pages = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        pages.call(request.map(axum::body::Body::new) as Request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Patient::new(stream)), service);
    tokio::pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        // The one change there is: the server ends.
        _ = stopped.changed() => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}
