//! The token at hand: fetched once for all that need it, and anew before it runs out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::credential::Credential;
use crate::provider::azure::credential::CredentialError;
use crate::provider::azure::credential::Token;
use crate::provider::azure::credential::Web;
use crate::provider::azure::error::AzureError;
use crate::secret;

/// How long before its end a token is replaced.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// How long a source that failed is left alone while the token at hand still holds.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

#[derive(Debug)]
struct Held {
    token: Token,
    /// What keeps the token out of every text.
    struck: secret::Held,
    source: &'static str,
    /// When a new one is fetched.
    renew_at: Timestamp,
}

/// The token at hand.
#[derive(Debug)]
pub(super) struct Tokens {
    cloud: Cloud,
    credential: Credential,
    web: Web,
    held: Mutex<Option<Held>>,
    /// The token before: answers to it are still on their way.
    before: Mutex<Option<secret::Held>>,
}

impl Tokens {
    pub(super) const fn new(cloud: Cloud, credential: Credential, web: Web) -> Self {
        Self { cloud, credential, web, held: Mutex::const_new(None), before: Mutex::const_new(None) }
    }

    /// Returns a token that holds; with claims, one that was fetched for them.
    pub(super) async fn bearer(&self, claims: Option<&str>) -> Result<SecretString, AzureError> {
        let mut held = self.held.lock().await;
        let now = self.web.now();
        if claims.is_none()
            && let Some(at_hand) = held.as_ref().filter(|at_hand| now < at_hand.renew_at)
        {
            return Ok(at_hand.token.secret.clone());
        }
        match self.credential.token(&self.cloud, &self.web, claims).await {
            Ok((token, source)) => {
                let now = self.web.now();
                // One that holds for minutes only is used for half of them.
                let half = token.expires_at.duration_since(now) / 2;
                let early = if half < EARLY { half } else { EARLY };
                let renew_at = token.expires_at.saturating_sub(early).unwrap_or(token.expires_at);
                let secret = token.secret.clone();
                let struck = secret::hold(secret.clone());
                if let Some(old) = held.replace(Held { token, struck, source, renew_at }) {
                    *self.before.lock().await = Some(old.struck);
                }
                Ok(secret)
            }
            Err(error) => match held.as_mut() {
                Some(at_hand)
                    if claims.is_none() && now < at_hand.token.expires_at && error.is_transient() =>
                {
                    at_hand.renew_at = now.saturating_add(PAUSE).unwrap_or(now);
                    Ok(at_hand.token.secret.clone())
                }
                Some(_) | None => Err(AzureError::Credential(error)),
            },
        }
    }

    /// Forgets a token that was turned away.
    pub(super) async fn forget(&self, token: &str) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|held| held.token.secret.expose_secret() == token) {
            *self.before.lock().await = held.take().map(|old| old.struck);
        }
    }

    /// Returns where the token came from.
    pub(super) async fn source(&self) -> Result<&'static str, AzureError> {
        self.bearer(None).await?;
        let held = self.held.lock().await;
        let missing = || AzureError::Credential(CredentialError::Missing { tried: Vec::new() });
        held.as_ref().map(|held| held.source).ok_or_else(missing)
    }
}

/// Returns the claims that a challenge asks a new token to hold.
pub(super) fn claims_of(challenge: &str) -> Option<String> {
    if !challenge.contains("insufficient_claims") {
        return None;
    }
    let (_, rest) = challenge.split_once("claims=")?;
    let text = rest.trim_start_matches('"').split(['"', ',', ' ']).next()?;
    let decoded =
        STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='))).ok()?;
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claims_of_a_challenge_are_read() {
        let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
        let challenge = format!(
            r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/x", error="insufficient_claims", claims="{}""#,
            STANDARD.encode(claims)
        );
        assert_eq!(claims_of(&challenge).as_deref(), Some(claims));
        assert_eq!(claims_of(r#"Bearer error="invalid_token""#), None);
    }
}
