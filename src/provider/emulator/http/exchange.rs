//! What a client asked, and what it is answered: HTTP without its transport.

use hyper::HeaderMap;
use hyper::Method;
use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Scheme, host and port under which the client sees the server: `http://127.0.0.1:4000`.
    pub base: String,
    /// The parts of its path, decoded, as they were written.
    pub segments: Vec<String>,
    /// The same in small letters: ARM doesn't tell letters apart.
    pub lower: Vec<String>,
    /// Its query, decoded.
    pub query: Vec<(String, String)>,
    /// Path and query as they were written.
    pub target: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// When it came, by the world's clock.
    pub now: Timestamp,
    /// Number of the request: the server counts them.
    pub number: u64,
    /// What the operation that it begins is to say although it succeeds.
    pub information: Option<(String, String)>,
}

impl Asked {
    /// Returns the request that these parts make.
    #[must_use]
    pub fn new(
        method: Method,
        base: String,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
        now: Timestamp,
        number: u64,
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<String> =
            path.split('/').filter(|part| !part.is_empty()).map(|part| decoded(part, false)).collect();
        let lower = segments.iter().map(|part| part.to_lowercase()).collect();
        let query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decoded(key, true), decoded(value, true))
            })
            .collect();
        Self {
            method,
            base,
            segments,
            lower,
            query,
            target: target.to_owned(),
            headers,
            body,
            now,
            number,
            information: None,
        }
    }

    /// Returns the parts of the path in small letters, to be matched.
    #[must_use]
    pub fn path(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }

    /// Returns an argument of the query, whatever the letters of its name.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns a header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the version of the interface that was asked for.
    #[must_use]
    pub fn api_version(&self) -> &str {
        self.argument("api-version").unwrap_or("2025-08-01")
    }

    /// Returns what the client calls its request; one is made up where it has no name for it.
    #[must_use]
    pub fn client_request_id(&self) -> String {
        let named = self.header("x-ms-client-request-id").filter(|id| !id.is_empty());
        named.map_or_else(|| guid::guid("client request", &self.number.to_string()), str::to_owned)
    }

    /// Returns what the server calls the request.
    #[must_use]
    pub fn correlation_id(&self) -> String {
        guid::guid("correlation", &self.number.to_string())
    }

    /// Returns the body as JSON; an empty one is `null`.
    ///
    /// # Errors
    ///
    /// The answer to a body that is no JSON.
    pub fn json(&self) -> Result<Value, Answer> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let message =
                format!("The request content was invalid and could not be deserialized: '{error}'.");
            Answer::arm_error(400, "InvalidRequestContent", message)
        })
    }

    /// Returns `properties` of the body: every ASR request has one or no body.
    ///
    /// # Errors
    ///
    /// Those of [`Asked::json`].
    pub fn properties(&self) -> Result<Value, Answer> {
        let body = self.json()?;
        Ok(field(&body, "properties").cloned().unwrap_or(Value::Null))
    }

    /// Returns whether the request is a read.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// Returns a member of an object, whatever the letters of its name: the service is tolerant in that.
#[must_use]
pub fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let object = value.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// Returns a member of an object that is text and not empty.
#[must_use]
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    field(value, name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn decoded(part: &str, plus_is_space: bool) -> String {
    let bytes = part.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
        match (bytes[at], hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Returns text as a part of a path or query.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// Anything else, with its type.
    Raw {
        /// Type of the content.
        kind: String,
        /// The content.
        bytes: Vec<u8>,
    },
}

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Whole.
    Whole,
    /// The connection is closed before a byte of it was sent.
    Lost,
    /// The connection is closed after half of its content.
    Torn,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, in order; a name may come twice.
    pub headers: Vec<(String, String)>,
    /// What it holds.
    pub content: Content,
    /// How it reaches the client.
    pub delivery: Delivery,
}

impl Answer {
    /// Returns an answer without content.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: Content::Empty, delivery: Delivery::Whole }
    }

    /// Returns 200 with JSON.
    #[must_use]
    pub fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    /// Returns an answer with JSON.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Self {
        Self { content: Content::Json(body), ..Self::empty(status) }
    }

    /// Returns an answer with other content than JSON.
    #[must_use]
    pub fn raw(status: u16, kind: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content: Content::Raw { kind: kind.to_owned(), bytes: bytes.into() }, ..Self::empty(status) }
    }

    /// Returns 204.
    #[must_use]
    pub const fn no_content() -> Self {
        Self::empty(204)
    }

    /// Returns what stands for an answer that never comes.
    #[must_use]
    pub fn lost() -> Self {
        Self { delivery: Delivery::Lost, ..Self::empty(200) }
    }

    /// Returns one page of a list.
    #[must_use]
    pub fn list(values: Vec<Value>, next: Option<String>) -> Self {
        Self::ok(json!({ "value": values, "nextLink": next }))
    }

    /// Returns an error in the form of Azure Resource Manager.
    #[must_use]
    pub fn arm_error(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self::json(status, json!({ "error": { "code": code, "message": message.into() } }))
    }

    /// Returns an error in the form of Site Recovery, with the detail that says what it is.
    #[must_use]
    pub fn asr_error(asked: &Asked, status: u16, detail: &str, message: impl Into<String>) -> Self {
        let (code, causes, action) = match status {
            404 => (
                "NotFound",
                "Ensure correct resource name was specified.",
                "Verify ARM resource name details.",
            ),
            409 => ("Conflict", "Another operation is in progress.", "Wait until it ends and try again."),
            _ => ("BadRequest", "Invalid parameters were specified.", "Verify the input and try again."),
        };
        let message = message.into();
        Self::json(
            status,
            json!({ "error": { "code": code, "message": message, "details": [{
                "code": detail, "message": message, "possibleCauses": causes, "recommendedAction": action,
                "clientRequestId": asked.client_request_id(), "activityId": asked.correlation_id(),
            }] } }),
        )
    }

    /// Returns the 404 of Site Recovery for a resource with this name.
    #[must_use]
    pub fn missing(asked: &Asked, name: &str) -> Self {
        let message = format!("Specified resource with name '{name}' does not exist.");
        Self::asr_error(asked, 404, "ArmResourceDoesNotExist", message)
    }

    /// Returns the 404 of Azure Resource Manager itself for a resource of this type and name.
    #[must_use]
    pub fn gateway_missing(kind: &str, name: &str, group: &str) -> Self {
        let message = format!("The Resource '{kind}/{name}' under resource group '{group}' was not found.");
        Self::arm_error(404, "ResourceNotFound", message).with("x-ms-failure-cause", "gateway")
    }

    /// Returns the 405 for a method that a resource doesn't have.
    #[must_use]
    pub fn not_allowed(asked: &Asked) -> Self {
        let message = format!("The resource does not support the method '{}'.", asked.method);
        Self::arm_error(405, "MethodNotAllowed", message)
    }

    /// Returns the answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(target: &str) -> Asked {
        Asked::new(
            Method::GET,
            "http://127.0.0.1:1".into(),
            target,
            HeaderMap::new(),
            Bytes::new(),
            Timestamp::UNIX_EPOCH,
            1,
        )
    }

    #[test]
    fn a_path_keeps_its_letters_and_is_matched_without_them() {
        let asked = asked("/Subscriptions/S%201/resourceGroups/?api-version=2025-08-01&%24filter=a+b%20c");
        assert_eq!(asked.segments, ["Subscriptions", "S 1", "resourceGroups"]);
        assert_eq!(asked.path(), ["subscriptions", "s 1", "resourcegroups"]);
        assert_eq!(asked.argument("$Filter"), Some("a b c"));
        assert_eq!(asked.api_version(), "2025-08-01");
    }

    #[test]
    fn what_was_encoded_is_read_back() {
        for text in ["a b;c%", "Ü/?&=+"] {
            assert_eq!(decoded(&encoded(text), true), text);
        }
    }
}
