//! Requests to Azure: one connection pool, one budget, one token; questions are asked again where that may help, orders never.

mod answer;
mod budget;
pub(super) mod redact;
mod retry;
mod token;

pub(super) use answer::Answer;
pub use budget::Usage;

use std::error::Error as _;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;
use reqwest::Certificate;
use reqwest::Client;
use reqwest::Method;
use reqwest::Url;
use reqwest::redirect;
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;

use crate::clock::Clock as _;
use crate::clock::pace::Pace as _;
use crate::clock::pace::Speed;
use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::credential::Credential;
use crate::provider::azure::credential::Web;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::error::is_about_trust;
use crate::provider::azure::http::budget::Budget;
use crate::provider::azure::http::budget::Kind;
use crate::provider::azure::http::token::Tokens;
use crate::provider::azure::pace::ServicePace;

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long an answer may take to begin and to go on.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// The largest answer: a page of a thousand items is about 8 MB.
const LARGEST: usize = 64 << 20;
/// How many questions are under way at once.
const QUESTIONS: usize = 12;
/// How many orders are under way at once: they don't wait behind questions.
const ORDERS: usize = 4;
/// How the headers begin that say how many requests are left: of a caller, a subscription, a directory, of reads or writes.
const REMAINING: &str = "x-ms-ratelimit-remaining-";
/// How long a request waits for its turn until the caller is told instead.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// What Azure is reached with.
#[derive(Debug)]
pub struct Connection {
    /// The addresses.
    pub cloud: Cloud,
    /// Who we are.
    pub credential: Credential,
    /// The clock that waits go by.
    pub pace: Arc<ServicePace>,
    /// Certificates in PEM that are trusted beside the system's own; for an emulator with one of its own making.
    pub trusted: Option<Vec<u8>>,
}

/// What a service told of its clock, and ours at that moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockSeen {
    pub(super) theirs: Timestamp,
    pub(super) ours: Timestamp,
}

/// Whether answers may tell the time: those of an emulator on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told(bool);

impl Told {
    /// Takes the time that an answer tells.
    pub(super) fn take(self, answer: &Answer, pace: &ServicePace) {
        if !self.0 {
            return;
        }
        let moment = answer.header("x-failback-time").and_then(|text| text.parse().ok());
        let speed = answer.header("x-failback-speed").and_then(|text| match text {
            "max" => Some(Speed::Max),
            text => text.parse().ok().map(Speed::Times),
        });
        if let (Some(moment), Some(speed)) = (moment, speed) {
            pace.follow(moment, speed);
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: Option<String>,
    /// The id under which the service shows the request.
    pub(super) request_id: Option<String>,
}

impl Asked {
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, request_id: None }
    }

    /// Returns what was asked, as it may be shown.
    pub(super) fn what(&self) -> String {
        format!("{} {}", self.method, redact::shown(&self.url))
    }

    fn kind(&self) -> Kind {
        if self.method == Method::GET { Kind::Read } else { Kind::Write }
    }
}

/// Sends requests.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) cloud: Cloud,
    pub(super) pace: Arc<ServicePace>,
    client: Client,
    tokens: Tokens,
    budget: Budget,
    questions: Semaphore,
    orders: Semaphore,
    told: Told,
    clock_seen: Mutex<Option<ClockSeen>>,
}

impl Transport {
    pub(super) fn new(connection: Connection) -> Result<Self, AzureError> {
        let Connection { cloud, credential, pace, trusted } = connection;
        let told = Told(cloud.is_local());
        let unusable = |message: String| AzureError::Unreachable {
            host: cloud.manager().host_str().unwrap_or_default().to_owned(),
            message,
        };
        let client = client_with(&cloud, trusted.as_deref(), cloud.is_local()).map_err(unusable)?;
        let inside = client_with(&cloud, trusted.as_deref(), true).map_err(unusable)?;
        let web = Web::new(client.clone(), inside, Arc::clone(&pace), told);
        Ok(Self {
            tokens: Tokens::new(cloud.clone(), credential, web),
            budget: Budget::new(pace.now()),
            cloud,
            pace,
            client,
            questions: Semaphore::new(QUESTIONS),
            orders: Semaphore::new(ORDERS),
            told,
            clock_seen: Mutex::new(None),
        })
    }

    /// Returns how many requests were sent.
    pub(super) fn usage(&self) -> Usage {
        self.budget.usage()
    }

    /// Returns where the token came from.
    pub(super) async fn source(&self) -> Result<&'static str, AzureError> {
        self.tokens.source().await
    }

    /// Returns what was last seen of the service's clock.
    pub(super) fn clock_seen(&self) -> Option<ClockSeen> {
        *self.clock_seen.lock().expect("no thread panics while it holds the clock's look")
    }

    /// Sends a request once, or twice if its token had run out: a request that was turned away with 401 did nothing.
    pub(super) async fn send(&self, asked: &Asked) -> Result<Answer, AzureError> {
        let what = asked.what();
        let mut claims = None;
        for is_second in [false, true] {
            let token = self.tokens.bearer(claims.as_deref()).await?;
            let turns = match asked.kind() {
                Kind::Read => &self.questions,
                Kind::Write => &self.orders,
            };
            let permit = turns.acquire().await.expect("the semaphore is never closed");
            // What was taken out of the budget is sent at once: the service counts it when it arrives.
            self.wait_for_turn(asked.kind(), &what).await?;
            let answer = self.exchange(asked, token.expose_secret(), &what).await?;
            drop(permit);
            if answer.status != 401 || is_second {
                return Ok(answer);
            }
            claims = token::claims_of(answer.header("www-authenticate").unwrap_or_default());
            self.tokens.forget(token.expose_secret()).await;
        }
        unreachable!("the second answer is returned, whatever it is")
    }

    async fn wait_for_turn(&self, kind: Kind, what: &str) -> Result<(), AzureError> {
        let began = self.pace.now();
        loop {
            let now = self.pace.now();
            let Err(until) = self.budget.take(kind, now) else { return Ok(()) };
            if until.duration_since(began) > PATIENCE {
                return Err(AzureError::Busy {
                    what: what.to_owned(),
                    message: "requests wait for their turn".to_owned(),
                    retry_after: Duration::try_from(until.duration_since(now)).ok(),
                });
            }
            self.pace.until(until).await;
        }
    }

    async fn exchange(&self, asked: &Asked, token: &str, what: &str) -> Result<Answer, AzureError> {
        // The token goes nowhere else, whoever made the address.
        if !self.cloud.may_follow(&asked.url) {
            let host = asked.url.host_str().unwrap_or_default().to_owned();
            return Err(AzureError::Astray { what: what.to_owned(), host });
        }
        let mut request = self
            .client
            .request(asked.method.clone(), asked.url.clone())
            .bearer_auth(token)
            .header("Accept", "application/json")
            .header("Accept-Language", "en-US");
        if let Some(moment) = self.told.0.then(|| self.pace.takes_along()).flatten() {
            request = request.header("x-failback-until", moment.to_string());
        }
        if let Some(id) = &asked.request_id {
            request = request.header("x-ms-client-request-id", id);
        }
        request = match &asked.body {
            Some(body) => {
                request.header("Content-Type", "application/json; charset=utf-8").body(body.clone())
            }
            None if asked.method == Method::GET => request,
            None => request.header("Content-Length", "0").body(""),
        };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() || error.is_builder() => {
                let host = asked.url.host_str().unwrap_or_default().to_owned();
                let message = words_of(error);
                return Err(if is_about_trust(&message) {
                    AzureError::Untrusted { host, message }
                } else {
                    AzureError::Unreachable { host, message }
                });
            }
            Err(error) => {
                return Err(AzureError::NoAnswer { what: what.to_owned(), message: words_of(error) });
            }
        };
        let answer = read_answer(answer, LARGEST).await;
        let answer = answer.map_err(|message| AzureError::NoAnswer { what: what.to_owned(), message })?;
        self.learn(asked.kind(), &answer);
        tracing::debug!(request = %what, status = answer.status, bytes = answer.body.len(), "azure");
        Ok(answer)
    }

    /// Takes what an answer says beside its body: the time, and how many requests are left.
    fn learn(&self, kind: Kind, answer: &Answer) {
        self.told.take(answer, &self.pace);
        let now = self.pace.now();
        if let Some(theirs) = answer.date() {
            let seen = ClockSeen { theirs, ours: now };
            *self.clock_seen.lock().expect("no thread panics while it holds the clock's look") = Some(seen);
        }
        let left = answer.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(REMAINING)?;
            let is_of_kind = match kind {
                Kind::Read => name.ends_with("-reads"),
                Kind::Write => name.ends_with("-writes") || name.ends_with("-deletes"),
            };
            value.to_str().ok().filter(|_| is_of_kind)?.trim().parse::<f64>().ok()
        });
        // Of several limits, the one of which least is left counts.
        if let Some(left) = left.reduce(f64::min) {
            self.budget.told(kind, left, now);
        }
        if answer.status == 429 {
            self.budget.quiet(answer.retry_after(now), now);
        }
    }
}

fn client_with(cloud: &Cloud, trusted: Option<&[u8]>, direct: bool) -> Result<Client, String> {
    // Without a provider, building a client panics. That somebody else has installed one is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .timeout(ANSWER_LIMIT)
        .user_agent(concat!("failback/", env!("CARGO_PKG_VERSION")));
    if direct {
        builder = builder.no_proxy();
    }
    let trusted = trusted.map(Certificate::from_pem_bundle).transpose().map_err(words_of)?;
    let is_plain = cloud.manager().scheme() == "http" && cloud.authority().scheme() == "http";
    builder = match trusted {
        Some(trusted) if cloud.is_local() => builder.tls_certs_only(trusted),
        Some(trusted) => builder.tls_certs_merge(trusted),
        // A system without certificates of its own can't build a client that wants them, and plain requests don't.
        None if is_plain => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(words_of)
}

/// Reads an answer whole.
pub(super) async fn read_answer(mut answer: reqwest::Response, largest: usize) -> Result<Answer, String> {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > largest => {
                return Err(format!("the answer is larger than {} MiB", largest >> 20));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Answer { status, headers, body }),
            Err(error) => {
                return Err(format!("the answer broke off after {} bytes: {}", body.len(), words_of(error)));
            }
        }
    }
}

/// Returns the innermost cause of an error: the outer ones name the address with all that is in it.
pub(super) fn words_of(error: reqwest::Error) -> String {
    let is_late = error.is_timeout();
    let error = error.without_url();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = cause.to_string();
        source = cause.source();
    }
    if is_late { format!("no answer in time ({message})") } else { message }
}
