//! Notices as requests over HTTP, signed so that the receiver can tell whose they are and when they were sent.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method as Verb;
use ring::hmac;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde_json::Value;

use crate::drill::notice::Attempt;
use crate::drill::notice::Notice;
use crate::run::hook::web;
use crate::run::hook::web::Web;
use crate::secret;
use crate::secret::Held;
use crate::syntax::action::HttpAction;
use crate::syntax::action::Method;
use crate::syntax::settings::notify::Webhook;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A request that tells of something.
#[derive(Debug)]
pub(super) struct Hook {
    method: Verb,
    url: String,
    /// A text with variables; none: the whole notice.
    body: Option<Value>,
    secret: Option<Held>,
    web: Web,
}

impl Hook {
    pub(super) fn of_plan(action: &HttpAction, secret: Option<SecretString>) -> Self {
        let method = match action.method.as_ref().map_or(Method::Post, |method| method.value) {
            Method::Get => Verb::GET,
            Method::Post => Verb::POST,
            Method::Put => Verb::PUT,
        };
        let body = action.body.as_ref().map(|body| body.0.clone());
        let secret = secret.map(secret::hold);
        Self { method, url: action.url.value.clone(), body, secret, web: Web::default() }
    }

    pub(super) fn of_settings(webhook: &Webhook, secret: Option<SecretString>) -> Self {
        let body = webhook.body.as_ref().map(|body| body.0.clone());
        let secret = secret.map(secret::hold);
        Self { method: Verb::POST, url: webhook.url.value.clone(), body, secret, web: Web::default() }
    }

    pub(super) fn shown(&self) -> String {
        web::shown(&self.url)
    }

    /// Sends the notice once.
    pub(super) async fn send(&self, notice: &Notice, now: Timestamp) -> Result<(), Attempt> {
        let body = match &self.body {
            Some(template) => notice.filled(template),
            None => notice.json(),
        };
        let body = if self.method == Verb::GET { String::new() } else { body.to_string() };
        let mut headers = vec![("x-failback-event", notice.event.as_str().to_owned())];
        if let Some(secret) = &self.secret {
            let second = now.as_second().to_string();
            headers.push(("x-failback-signature", sign(secret, &second, body.as_bytes())));
            headers.push(("x-failback-timestamp", second));
        }
        let sent = self.web.deliver(self.method.clone(), &self.url, &headers, body.into_bytes(), LIMIT).await;
        match sent {
            Ok(200..=299) => Ok(()),
            Ok(status @ (408 | 425 | 429 | 500..)) => {
                Err(Attempt::passing(format!("{} answered {status}", self.shown())))
            }
            Ok(status) => Err(Attempt::lasting(format!("{} answered {status}", self.shown()))),
            Err(message) => Err(Attempt::passing(message)),
        }
    }
}

/// Returns the signature of a body that is sent at a time, which is in seconds since 1970: `sha256=` and the HMAC-SHA256 of the
/// time, a full stop and the body, in hexadecimal.
#[must_use]
pub fn sign(secret: &impl ExposeSecret<str>, time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(time.as_bytes());
    context.update(b".");
    context.update(body);
    let digits: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_time_and_the_body() {
        // printf '1764000000.{"a":1}' | openssl dgst -sha256 -hmac key
        let signature = sign(&SecretString::from("key"), "1764000000", br#"{"a":1}"#);
        assert_eq!(signature, "sha256=66ff00156971bc93c586dacc7bf22d6f5f4d9fcaede23c166be2b3ec3215f68a");
        assert_ne!(sign(&SecretString::from("other"), "1764000000", br#"{"a":1}"#), signature);
        assert_ne!(sign(&SecretString::from("key"), "1764000001", br#"{"a":1}"#), signature);
    }
}
