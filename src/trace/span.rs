//! Spans, and the request that carries them: OTLP over HTTP, JSON encoding.
//!
//! Ids are hexadecimal, enumerations are numbers, and 64-bit numbers are texts, as the encoding asks.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use sha2::Digest as _;
use sha2::Sha256;

use crate::id::RunId;

/// `SPAN_KIND_INTERNAL`.
const INTERNAL: u8 = 1;

/// `SPAN_KIND_CLIENT`: a request to the site.
const CLIENT: u8 = 3;

/// Something of a run that began and ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace, of the run: 32 hexadecimal digits.
    pub trace: String,
    /// Its id: 16 hexadecimal digits.
    pub id: String,
    /// What it is a part of; none of the run itself.
    pub parent: Option<String>,
    /// What it is.
    pub name: String,
    /// Whether it is a request to the site.
    pub is_request: bool,
    /// When it began, by the run's clock.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether it came to good, as far as that is known, and the code with which it failed.
    pub outcome: Option<Result<(), String>>,
    /// What else is known of it.
    pub attributes: Vec<(&'static str, String)>,
}

/// Returns the trace of a run: every process that drives it says the same.
pub(super) fn trace_of(run: &RunId) -> String {
    digits(&["failback", "trace", run.as_str()], 16)
}

/// Returns the id of a part of a run: the same whoever tells of it, and whenever.
pub(super) fn id_of(run: &RunId, part: &[&str]) -> String {
    let mut words = vec!["failback", "span", run.as_str()];
    words.extend(part);
    digits(&words, 8)
}

fn digits(words: &[&str], bytes: usize) -> String {
    let mut digest = Sha256::new();
    for word in words {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    // An id of zeros is none; SHA-256 of a text that anybody can find has not been seen to begin so.
    digest.finalize().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

impl Span {
    fn json(&self) -> Value {
        let mut span = json!({
            "traceId": self.trace,
            "spanId": self.id,
            "name": self.name,
            "kind": if self.is_request { CLIENT } else { INTERNAL },
            "startTimeUnixNano": nanoseconds(self.began),
            "endTimeUnixNano": nanoseconds(self.ended.max(self.began)),
            "attributes": attributes(self.attributes.iter().map(|(key, value)| (*key, value.as_str()))),
        });
        if let Some(parent) = &self.parent {
            span["parentSpanId"] = parent.as_str().into();
        }
        match &self.outcome {
            None => {}
            Some(Ok(())) => span["status"] = json!({"code": 1}),
            Some(Err(code)) => span["status"] = json!({"code": 2, "message": code}),
        }
        span
    }
}

/// Returns a time as the text of a 64-bit number; of times before 1970, which no run has, 0.
fn nanoseconds(at: Timestamp) -> String {
    u64::try_from(at.as_nanosecond()).unwrap_or(0).to_string()
}

fn attributes<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
    pairs.map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect()
}

/// Returns the body of a request that carries spans.
#[must_use]
pub fn request(spans: &[Span]) -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let service = [("service.name", "failback"), ("service.version", version)];
    let spans: Vec<Value> = spans.iter().map(Span::json).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": attributes(service.into_iter())},
        "scopeSpans": [{"scope": {"name": "failback.run", "version": version}, "spans": spans}],
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_the_encoding_asks() {
        let run = RunId::new("r1");
        let span = Span {
            trace: trace_of(&run),
            id: id_of(&run, &["step", "reprotect/w1"]),
            parent: Some(id_of(&run, &["run"])),
            name: "reprotect w1".into(),
            is_request: false,
            began: Timestamp::UNIX_EPOCH,
            ended: "2025-06-01T00:00:00.5Z".parse().expect("a time"),
            outcome: Some(Err("78037".into())),
            attributes: vec![("failback.machine", "w1".into())],
        };
        let told = &request(std::slice::from_ref(&span))["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let is_hex = |value: &Value, digits: usize| {
            let text = value.as_str().expect("a text");
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        assert!(
            is_hex(&told["traceId"], 32) && is_hex(&told["spanId"], 16) && is_hex(&told["parentSpanId"], 16)
        );
        assert_eq!(
            (&told["startTimeUnixNano"], &told["endTimeUnixNano"]),
            (&json!("0"), &json!("1748736000500000000"))
        );
        assert_eq!((&told["kind"], &told["status"]), (&json!(1), &json!({"code": 2, "message": "78037"})));
        let attribute = json!({"key": "failback.machine", "value": {"stringValue": "w1"}});
        assert_eq!(told["attributes"], json!([attribute]));
        assert_ne!(span.id, id_of(&run, &["step", "reprotect/w2"]));
        assert_ne!(span.trace, trace_of(&RunId::new("r2")));
    }
}
