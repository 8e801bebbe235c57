//! Sending spans: a bounded queue, requests of many at once, tried again when that can help, and losses counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::run::hook::web;
use crate::run::hook::web::Web;
use crate::trace::span::Span;
use crate::trace::span::request;

/// Spans that may wait; of more, the newest are lost.
const MOST_WAITING: usize = 32_768;

/// Spans of one request: with some 600 bytes each, far below the 20 MiB that receivers take.
const AT_ONCE: usize = 512;

/// How long spans are collected before they are sent.
const COLLECTED: Duration = Duration::from_secs(5);

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long is waited before each further attempt.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// How long is waited for what is under way when a run has ended.
const DRAINED: Duration = Duration::from_secs(20);

/// The path at a collector that takes traces.
const PATH: &str = "/v1/traces";

/// The variables of OpenTelemetry that name a collector: the whole address, and the one that [`PATH`] is added to.
const VARIABLES: [(&str, bool); 2] =
    [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", true), ("OTEL_EXPORTER_OTLP_ENDPOINT", false)];

/// Where spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

/// No collector is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The environment was to name it.
    #[error("traces are to go where OTEL_EXPORTER_OTLP_ENDPOINT says, which is not set")]
    NotSet,
    /// It is no address that can be asked.
    #[error("traces go to an address that begins with http:// or https://")]
    Scheme,
}

impl Endpoint {
    /// Returns the collector of an address, to which the path of traces is added unless it has it.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Scheme`] if it is none.
    pub fn of(address: &str) -> Result<Self, EndpointError> {
        let address = address.trim().trim_end_matches('/');
        let whole = if address.ends_with(PATH) { address.to_owned() } else { format!("{address}{PATH}") };
        Self::whole(whole)
    }

    /// Returns the collector that the environment names.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] if it names none.
    pub fn of_environment(variables: &BTreeMap<String, String>) -> Result<Self, EndpointError> {
        let set = |name: &str| variables.get(name).filter(|value| !value.trim().is_empty());
        for (name, is_whole) in VARIABLES {
            if let Some(address) = set(name) {
                return if is_whole { Self::whole(address.trim().to_owned()) } else { Self::of(address) };
            }
        }
        Err(EndpointError::NotSet)
    }

    fn whole(address: String) -> Result<Self, EndpointError> {
        if address.starts_with("http://") || address.starts_with("https://") {
            Ok(Self(address))
        } else {
            Err(EndpointError::Scheme)
        }
    }

    /// Returns the address without what may be secret.
    #[must_use]
    pub fn shown(&self) -> String {
        web::shown(&self.0)
    }
}

/// Spans that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How many.
    pub spans: u64,
    /// Why, as far as that is known of the last.
    pub message: String,
}

/// Where the spans of a run are put.
#[derive(Clone, Debug)]
pub struct Queue {
    sender: mpsc::Sender<Span>,
    lost: Arc<AtomicU64>,
}

impl Queue {
    /// Takes a span, and returns at once; one for which there is no room is counted.
    pub fn put(&self, span: Span) {
        if self.sender.try_send(span).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Sends spans in the background.
pub struct Exporter {
    queue: Queue,
    task: JoinHandle<Option<String>>,
}

impl Exporter {
    /// Begins to send to a collector; must be called where tasks can be begun.
    #[must_use]
    pub fn begin(endpoint: Endpoint) -> Self {
        let (sender, waiting) = mpsc::channel(MOST_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let task = tokio::spawn(send(endpoint, waiting, Arc::clone(&lost)));
        Self { queue: Queue { sender, lost }, task }
    }

    /// Returns where spans are put.
    #[must_use]
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Waits for what is under way, though not for ever, and returns what did not arrive. Every other queue must be gone.
    pub async fn end(self) -> Option<Lost> {
        let Queue { sender, lost } = self.queue;
        let waiting = MOST_WAITING - sender.capacity();
        drop(sender);
        let mut task = self.task;
        let message = match tokio::time::timeout(DRAINED, &mut task).await {
            Ok(ended) => ended.ok().flatten(),
            Err(_) => {
                task.abort();
                lost.fetch_add(u64::try_from(waiting).unwrap_or(u64::MAX).max(1), Ordering::Relaxed);
                Some(format!("not sent within {} s", DRAINED.as_secs()))
            }
        };
        let spans = lost.load(Ordering::Relaxed);
        let message = message.unwrap_or_else(|| format!("more than {MOST_WAITING} waited"));
        (spans > 0).then_some(Lost { spans, message })
    }
}

/// Sends what comes until nothing more can; returns why the last request that failed did.
async fn send(endpoint: Endpoint, mut waiting: mpsc::Receiver<Span>, lost: Arc<AtomicU64>) -> Option<String> {
    let web = Web::default();
    let (mut last, mut spans) = (None, Vec::new());
    loop {
        let is_open = collect(&mut waiting, &mut spans).await;
        if !spans.is_empty() {
            if let Err(refused) = deliver(&web, &endpoint, &spans).await {
                tracing::warn!(spans = refused.spans, why = refused.message, "spans are given up");
                lost.fetch_add(refused.spans, Ordering::Relaxed);
                last = Some(refused.message);
            }
            spans.clear();
        }
        if !is_open {
            return last;
        }
    }
}

/// Collects spans until there are enough for a request, or for a while; returns whether more may come.
async fn collect(waiting: &mut mpsc::Receiver<Span>, spans: &mut Vec<Span>) -> bool {
    let Some(first) = waiting.recv().await else { return false };
    spans.push(first);
    let until = tokio::time::Instant::now() + COLLECTED;
    while spans.len() < AT_ONCE {
        match tokio::time::timeout_at(until, waiting.recv()).await {
            Ok(Some(span)) => spans.push(span),
            Ok(None) => return false,
            Err(_) => break,
        }
    }
    true
}

/// Sends spans, in as many attempts as there may be: the protocol says which answers are worth another one.
async fn deliver(web: &Web, endpoint: &Endpoint, spans: &[Span]) -> Result<(), Lost> {
    let body = request(spans).to_string().into_bytes();
    let all = u64::try_from(spans.len()).unwrap_or(u64::MAX);
    let mut pauses = PAUSES.iter();
    loop {
        let (why, is_passing) = match web.converse(&endpoint.0, body.clone(), LIMIT).await {
            Ok((200..=299, said)) => return refused_in_part(&said, all).map_or(Ok(()), Err),
            Ok((status, _)) => (format!("it answered {status}"), matches!(status, 429 | 502..=504)),
            Err(message) => (message, true),
        };
        match pauses.next().filter(|_| is_passing) {
            Some(pause) => tokio::time::sleep(*pause).await,
            None => return Err(Lost { spans: all, message: why }),
        }
    }
}

/// What a collector says that took a request: OTLP/HTTP, "Partial Success".
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Taken {
    partial_success: Option<PartialSuccess>,
}

/// The part that it did not take. The number is written as a text, as JSON's form of protocol buffers has 64 bits; some write it plainly.
#[derive(Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartialSuccess {
    rejected_spans: Value,
    error_message: Option<String>,
}

/// Returns what of a request was not taken, though it was answered with success; the protocol forbids to send it again.
fn refused_in_part(said: &[u8], sent: u64) -> Option<Lost> {
    // Whoever answers with something else has taken it: the protocol asks for no more than the status.
    let refused = serde_json::from_slice::<Taken>(said).ok()?.partial_success?;
    let spans = match &refused.rejected_spans {
        Value::String(text) => text.parse().unwrap_or(0),
        number => number.as_u64().unwrap_or(0),
    };
    let message = refused.error_message.filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| "it gave no reason".into());
    (spans > 0).then(|| Lost { spans: spans.min(sent), message: format!("refused: {message}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_collector_takes_in_part_is_counted() {
        let lost = |said: &str| refused_in_part(said.as_bytes(), 5).map(|lost| (lost.spans, lost.message));
        for all in ["", "{}", "ok", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":null}"#] {
            assert_eq!(lost(all), None, "{all}");
        }
        let warned = r#"{"partialSuccess":{"rejectedSpans":"0","errorMessage":"slow down"}}"#;
        assert_eq!(lost(warned), None, "a warning is no loss");
        let part = r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}"#;
        assert_eq!(lost(part), Some((2, "refused: too old".into())));
        assert_eq!(
            lost(r#"{"partialSuccess":{"rejectedSpans":9}}"#),
            Some((5, "refused: it gave no reason".into()))
        );
    }

    #[test]
    fn a_collector_is_named_as_opentelemetry_names_it() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Endpoint::of_environment(&pairs.collect())
        };
        let at = |address: &str| Ok(Endpoint(address.to_owned()));
        assert_eq!(of(&[]), Err(EndpointError::NotSet));
        assert_eq!(of(&[(VARIABLES[1].0, "http://c:4318/")]), at("http://c:4318/v1/traces"));
        let both = [(VARIABLES[1].0, "http://c:4318"), (VARIABLES[0].0, "https://d/own")];
        assert_eq!(of(&both), at("https://d/own"));
        assert_eq!(Endpoint::of("http://c/v1/traces"), at("http://c/v1/traces"));
        assert_eq!(Endpoint::of("c:4317"), Err(EndpointError::Scheme));
        assert_eq!(Endpoint::of("http://user:word@c/x").expect("an address").shown(), "http://c");
    }
}
