//! Requests for tokens: what the token services are asked with, and how their answers are read.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Client;
use reqwest::RequestBuilder;
use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use crate::provider::azure::credential::CredentialError;
use crate::provider::azure::credential::Token;
use crate::provider::azure::http::Answer;
use crate::provider::azure::http::Told;
use crate::provider::azure::http::read_answer;
use crate::provider::azure::http::words_of;
use crate::provider::azure::pace::ServicePace;
use crate::provider::azure::vault::escaped;
use crate::provider::azure::wire::scalar::Number;

/// How long a token service may take.
const LIMIT: Duration = Duration::from_secs(30);
/// The largest answer of a token service.
const LARGEST: usize = 1 << 20;

/// What tokens are asked for with.
#[derive(Debug)]
pub(in crate::provider::azure) struct Web {
    /// For token services on the internet.
    pub(super) outside: Client,
    /// For services of the machine itself, past every proxy.
    pub(super) inside: Client,
    pub(super) pace: Arc<ServicePace>,
    /// Whether answers may tell the time.
    pub(super) told: Told,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    #[serde(default)]
    expires_in: Number,
    #[serde(default)]
    expires_on: Number,
}

impl Web {
    pub(in crate::provider::azure) const fn new(
        outside: Client,
        inside: Client,
        pace: Arc<ServicePace>,
        told: Told,
    ) -> Self {
        Self { outside, inside, pace, told }
    }

    /// Returns the machine's own time, by which tokens run out wherever they came from.
    pub(in crate::provider::azure) fn now(&self) -> Timestamp {
        self.pace.machine_now()
    }

    /// Sends a request for a token.
    pub(super) async fn ask(
        &self,
        source_name: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer, CredentialError> {
        let unreachable = |message: String| CredentialError::Unreachable { source_name, message };
        let answer = request.timeout(LIMIT).send().await.map_err(|error| unreachable(words_of(error)))?;
        let answer = read_answer(answer, LARGEST).await.map_err(unreachable)?;
        self.told.take(&answer, &self.pace);
        Ok(answer)
    }

    /// Posts a form to a token service.
    pub(super) async fn post(
        &self,
        source_name: &'static str,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<Answer, CredentialError> {
        let form: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let request = self
            .outside
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.join("&"));
        self.ask(source_name, request).await
    }

    /// Reads the token of an answer.
    pub(super) fn token(&self, source_name: &'static str, answer: &Answer) -> Result<Token, CredentialError> {
        if answer.status != 200 {
            let trouble = answer.trouble();
            if matches!(answer.status, 408 | 429 | 500..) {
                let message = format!("{} ({})", trouble.message, trouble.code);
                return Err(CredentialError::Unreachable { source_name, message });
            }
            return Err(CredentialError::Refused {
                source_name,
                code: trouble.code,
                message: trouble.message,
            });
        }
        // What serde says of an answer that can't be read could hold a part of the token.
        let unusable = || CredentialError::Unusable {
            source_name,
            message: "the answer of the token service holds no token".to_owned(),
        };
        let body: TokenBody = serde_json::from_slice(&answer.body).map_err(|_| unusable())?;
        let now = self.now();
        let from_epoch = body.expires_on.whole().map(|at| at.saturating_sub(now.as_second()));
        let seconds = body.expires_in.whole().or(from_epoch).unwrap_or(3600).max(0);
        let mut token = Token::lasting(String::new(), u64::try_from(seconds).unwrap_or(0), now);
        token.secret = SecretString::from(body.access_token);
        Ok(token)
    }
}
