//! Questions that are asked again: when it may help, how often, and after how long.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock as _;
use crate::clock::pace::Pace as _;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::Answer;
use crate::provider::azure::http::Asked;
use crate::provider::azure::http::Transport;

/// How often a question is asked in all.
const TRIES: u32 = 5;
/// First pause; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is waited for here; a longer one is left to the caller.
const LONGEST: Duration = Duration::from_secs(60);

impl Transport {
    /// Asks a question, again where that may help, and reads the answer with `read`: an answer that broke off, or is none, is
    /// asked for again, too.
    pub(in crate::provider::azure) async fn ask<T>(
        &self,
        asked: &Asked,
        read: impl Fn(&Answer) -> Result<T, AzureError>,
    ) -> Result<T, AzureError> {
        let what = asked.what();
        let mut tried = 1;
        loop {
            let result = match self.send(asked).await {
                Ok(answer) if answer.status == 200 => read(&answer),
                Ok(answer) => Err(answer.error(&what, self.pace.now())),
                Err(error) => Err(error),
            };
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let may_help = match &error {
                AzureError::Malformed { .. } => true,
                // Its own tries are behind it.
                AzureError::Credential(_) => false,
                other => other.is_transient(),
            };
            let pause = error.retry_after().unwrap_or_else(|| PAUSE * 2_u32.pow(tried - 1));
            if !may_help || tried >= TRIES || pause > LONGEST {
                return Err(error);
            }
            tried += 1;
            let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::ZERO);
            let until = self.pace.now().saturating_add(pause).unwrap_or(Timestamp::MAX);
            self.pace.until(until).await;
        }
    }
}
