//! Requests and connections of hooks: no redirects, no proxies, no metadata services, and no secrets in what is said of them.

use std::error::Error as _;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Client;
use reqwest::Method;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::dns::Addrs;
use reqwest::dns::Name;
use reqwest::dns::Resolve;
use reqwest::dns::Resolving;
use reqwest::redirect;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::run::hook::address;
use crate::syntax::address::refusal;

/// How long one try of a web probe may take: a service that needs longer for its health is not healthy.
pub(super) const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// How long one try to connect may take: longer than the third SYN, which goes out after 3 s.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Of a longer answer nothing is read, in bytes.
const MOST_SAID: usize = 64 * 1024;

/// A request to be sent.
#[derive(Clone, Debug)]
pub(super) struct Request<'r> {
    pub(super) method: Method,
    pub(super) url: &'r str,
    pub(super) body: Option<Value>,
    pub(super) limit: Duration,
}

/// Sends requests.
#[derive(Debug, Default)]
pub(crate) struct Web {
    secured: OnceLock<Result<Client, String>>,
    plain: OnceLock<Result<Client, String>>,
}

impl Web {
    /// Sends a request and returns the status of the answer; what else is in it is not read.
    ///
    /// # Errors
    ///
    /// The address is none that may be asked, or there was no answer in time.
    pub(super) async fn ask(&self, request: Request<'_>) -> Result<StatusCode, String> {
        let url = checked(request.url)?;
        sent(self.client(&url)?, request, url).await
    }

    /// Sends bytes that are JSON, with headers of the caller's own, and returns the status of the answer.
    ///
    /// # Errors
    ///
    /// The address is none that may be asked, or there was no answer in time.
    pub(crate) async fn deliver(
        &self,
        method: Method,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<u16, String> {
        let url = checked(url)?;
        let shown = origin(&url);
        let mut builder = self.client(&url)?.request(method, url).timeout(limit);
        if !body.is_empty() {
            builder = builder.header("content-type", "application/json").body(body);
        }
        for (name, value) in headers {
            builder = builder.header(*name, value);
        }
        answer(builder, &shown).await.map(|answer| answer.status().as_u16())
    }

    /// Sends bytes that are JSON, and returns the status of the answer and what it says: nothing if that is longer than 64 KiB
    /// or breaks off.
    ///
    /// # Errors
    ///
    /// The address is none that may be asked, or there was no answer in time.
    pub(crate) async fn converse(
        &self,
        url: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<(u16, Vec<u8>), String> {
        let url = checked(url)?;
        let shown = origin(&url);
        let builder = self.client(&url)?.post(url).timeout(limit);
        let builder = builder.header("content-type", "application/json").body(body);
        let mut answer = answer(builder, &shown).await?;
        let (status, mut said) = (answer.status().as_u16(), Vec::new());
        loop {
            match answer.chunk().await {
                Ok(Some(more)) if said.len() + more.len() <= MOST_SAID => said.extend_from_slice(&more),
                Ok(None) => return Ok((status, said)),
                Ok(Some(_)) | Err(_) => return Ok((status, Vec::new())),
            }
        }
    }

    fn client(&self, url: &Url) -> Result<&Client, String> {
        let secured = url.scheme() == "https";
        let client = if secured { &self.secured } else { &self.plain };
        client.get_or_init(|| client_with(secured, Permitted(System))).as_ref().map_err(Clone::clone)
    }
}

/// Returns an address without what may be secret: of a web hook even the path is.
pub(crate) fn shown(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => origin(&url),
        Err(_) => "the address".into(),
    }
}

fn origin(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Returns an address that may be asked.
fn checked(url: &str) -> Result<Url, String> {
    // The parser's own message holds no part of the address.
    let url = Url::parse(url).map_err(|error| format!("the address can't be read: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("the address begins with `{}:`: only http and https can be asked", url.scheme()));
    }
    // Addresses in figures are never resolved, so that the resolver doesn't see them.
    let host = url.host_str().unwrap_or_default();
    if let Ok(literal) = host.trim_matches(['[', ']']).parse::<IpAddr>()
        && let Some(why) = refusal(literal)
    {
        return Err(format!("{} may not be asked: {why}", origin(&url)));
    }
    Ok(url)
}

fn client_with(secured: bool, resolver: impl Resolve + 'static) -> Result<Client, String> {
    // Without a provider, building a client panics. That somebody else has installed one is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .dns_resolver(resolver)
        .connect_timeout(CONNECT_LIMIT)
        // A probe asks whether the service can be reached now, not whether it could a minute ago.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("failback/", env!("CARGO_PKG_VERSION")));
    // A system without certificates of its own can't build a client that wants them, and plain requests don't.
    let builder = if secured { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(words)
}

async fn sent(client: &Client, request: Request<'_>, url: Url) -> Result<StatusCode, String> {
    let shown = origin(&url);
    let mut builder = client.request(request.method, url).timeout(request.limit);
    if let Some(body) = &request.body {
        builder = builder.json(body);
    }
    answer(builder, &shown).await.map(|answer| answer.status())
}

/// Sends a request and returns the answer, of which the body has not been read.
async fn answer(builder: reqwest::RequestBuilder, shown: &str) -> Result<reqwest::Response, String> {
    match builder.send().await {
        Ok(answer) => Ok(answer),
        Err(error) if error.is_timeout() => Err(format!("no answer from {shown} in time")),
        Err(error) => Err(format!("no answer from {shown}: {}", words(error))),
    }
}

/// Returns the innermost cause of an error: the outer ones name the address with all that is in it.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = cause.to_string();
        source = cause.source();
    }
    message
}

/// Opens a connection and closes it again.
///
/// # Errors
///
/// The host has no address that may be asked, or none of them answered in time.
pub(super) async fn connect(host: &str, port: u16) -> Result<String, String> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let attempt = async {
        let addresses = address::resolved(bare, port).await?;
        match TcpStream::connect(addresses.as_slice()).await {
            Ok(_) => Ok(format!("port {port} is open")),
            Err(error) => Err(format!("no connection to {host}, port {port}: {error}")),
        }
    };
    match timeout(CONNECT_LIMIT, attempt).await {
        Ok(result) => result,
        Err(_) => Err(format!("no connection to {host}, port {port}, in time")),
    }
}

/// The system's own resolver.
#[derive(Clone, Copy, Debug)]
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The client puts its own port in place of 0.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<SocketAddr>>().into_iter()) as Addrs)
        })
    }
}

/// A resolver whose answers are those that may be asked: what is looked at is what is connected to.
#[derive(Clone, Copy, Debug)]
struct Permitted<R>(R);

impl<R: Resolve> Resolve for Permitted<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let found = self.0.resolve(name);
        Box::pin(async move {
            let permitted = address::permitted(&host, found.await?)?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(&'static str);

    impl Resolve for Fixed {
        fn resolve(&self, _name: Name) -> Resolving {
            let address: IpAddr = self.0.parse().expect("the test writes an address");
            Box::pin(async move { Ok(Box::new([SocketAddr::new(address, 0)].into_iter()) as Addrs) })
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_metadata_service_is_not_asked() {
        for (address, why) in [
            ("169.254.169.254", "169.254.169.254 is link-local"),
            ("::ffff:100.100.100.200", "::ffff:100.100.100.200 is the metadata service of Alibaba Cloud"),
        ] {
            let client = client_with(false, Permitted(Fixed(address))).expect("a plain client can be built");
            let url = "http://user:secret@app1.corp.example/latest?token=secret";
            let request = Request { method: Method::GET, url, body: None, limit: PROBE_LIMIT };
            let answer = sent(&client, request, checked(url).expect("a name is no address in figures")).await;
            let message =
                format!("no answer from http://app1.corp.example: app1.corp.example may not be asked: {why}");
            assert_eq!(answer, Err(message));
        }
    }

    #[test]
    fn an_address_in_figures_is_refused_however_it_is_written() {
        for url in [
            "http://169.254.169.254/metadata",
            "http://169.254.169.254./",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "https://user@0/",
        ] {
            let message = checked(url).expect_err(url);
            assert!(message.contains(" may not be asked: "), "{url}: {message}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for url in ["file:///etc/passwd", "ftp://app1/", "unix:/run/docker.sock", "no address"] {
            let message = checked(url).expect_err(url);
            assert!(message.starts_with("the address "), "{message}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        assert_eq!(
            shown("https://me:pass@hooks.example:8443/T0/B1/key?sig=1#x"),
            "https://hooks.example:8443"
        );
        assert_eq!(shown("secret"), "the address");
    }
}
