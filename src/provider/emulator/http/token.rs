//! Access tokens: who gets one, and whether one that came is good. They expire by the machine's clock, whatever the world's is.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;
use jiff::SignedDuration;
use jiff::Timestamp;
use ring::rand::SecureRandom as _;
use ring::rand::SystemRandom;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde_json::Value;
use serde_json::json;

use crate::clock::Clock;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::guid;

/// Who may sign in, and how long a token is good.
#[derive(Clone)]
pub struct Access {
    /// The directory.
    pub tenant: String,
    /// The application that may sign in.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// A token that is always good.
    pub token: Option<SecretString>,
    /// What a managed identity of App Service sends in `X-IDENTITY-HEADER`.
    pub identity_header: Option<SecretString>,
    /// How long a token is good.
    pub lifetime: Duration,
    /// The clock by which tokens expire.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// Returns a secret of 160 bits that nobody can guess.
///
/// # Panics
///
/// If the system has no randomness.
#[must_use]
pub fn random_secret() -> SecretString {
    let mut bytes = [0_u8; 20];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    SecretString::from(URL_SAFE_NO_PAD.encode(bytes))
}

#[derive(Clone, Debug)]
struct Issued {
    principal: String,
    expires: Timestamp,
}

/// The tokens that were given.
pub(super) struct Tokens {
    access: Access,
    issued: Mutex<HashMap<String, Issued>>,
}

impl Tokens {
    pub(super) fn new(access: Access) -> Self {
        Self { access, issued: Mutex::new(HashMap::new()) }
    }

    /// Makes every token that was given one that has expired.
    pub(super) fn expire_all(&self) {
        let now = self.access.clock.now();
        for issued in self.issued.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            issued.expires = issued.expires.min(now);
        }
    }

    /// Returns who asks, or the answer to somebody without a good token.
    pub(super) fn principal(&self, asked: &Asked) -> Result<String, Answer> {
        let (scheme, token) = asked.header("authorization").and_then(|value| value.split_once(' ')).unzip();
        let Some(token) = token.filter(|_| scheme.is_some_and(|word| word.eq_ignore_ascii_case("bearer")))
        else {
            return Err(self.unauthorized(
                "AuthenticationFailed",
                "invalid_request",
                "Authentication failed. The 'Authorization' header is missing.",
            ));
        };
        let token = token.trim();
        if self.access.token.as_ref().is_some_and(|fixed| fixed.expose_secret() == token) {
            return Ok("token".to_owned());
        }
        let found = self.issued.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned();
        match found {
            None => Err(self.unauthorized(
                "InvalidAuthenticationToken",
                "invalid_token",
                "The access token is invalid.",
            )),
            Some(issued) if issued.expires <= self.access.clock.now() => Err(self.unauthorized(
                "ExpiredAuthenticationToken",
                "invalid_token",
                "The access token expiry UTC time is earlier than current UTC time.",
            )),
            Some(issued) => Ok(issued.principal),
        }
    }

    fn unauthorized(&self, code: &str, error: &str, message: &str) -> Answer {
        let authority = format!("https://login.microsoftonline.com/{}", self.access.tenant);
        Answer::arm_error(401, code, message).with(
            "WWW-Authenticate",
            format!(
                "Bearer authorization_uri=\"{authority}\", error=\"{error}\", error_description=\"{message}\""
            ),
        )
    }

    /// Returns the answer to a request for a token, if it is one.
    pub(super) fn answer(&self, asked: &Asked) -> Option<Answer> {
        match asked.path().as_slice() {
            [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"] => Some(self.sign_in(asked)),
            ["msi", "token"] => Some(self.app_service(asked)),
            ["metadata", "identity", "oauth2", "token"] => Some(self.virtual_machine(asked)),
            _ => None,
        }
    }

    fn sign_in(&self, asked: &Asked) -> Answer {
        if asked.method != Method::POST {
            return Answer::not_allowed(asked);
        }
        let form = Asked::new(
            Method::POST,
            String::new(),
            &format!("/?{}", String::from_utf8_lossy(&asked.body)),
            asked.headers.clone(),
            asked.body.clone(),
            asked.now,
            asked.number,
        );
        let tenant = asked.segments.first().map_or("", String::as_str);
        if !tenant.eq_ignore_ascii_case(&self.access.tenant) {
            let message = format!(
                "AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            );
            return self.refusal(asked, 400, "invalid_request", 90_002, &message);
        }
        if form.argument("grant_type") != Some("client_credentials") {
            let message = "AADSTS70003: The app requested an unsupported grant type.";
            return self.refusal(asked, 400, "unsupported_grant_type", 70_003, message);
        }
        let client = form.argument("client_id").unwrap_or_default();
        if !client.eq_ignore_ascii_case(&self.access.client_id) {
            let message = format!(
                "AADSTS700016: Application with identifier '{client}' was not found in the directory."
            );
            return self.refusal(asked, 400, "unauthorized_client", 700_016, &message);
        }
        let secret = form.argument("client_secret");
        let good = match (secret, form.argument("client_assertion")) {
            (Some(secret), _) => secret == self.access.client_secret.expose_secret(),
            // Whose key signed it can't be told here: its form is looked at.
            (None, Some(assertion)) => assertion.split('.').filter(|part| !part.is_empty()).count() == 3,
            (None, None) => false,
        };
        if !good {
            let message = "AADSTS7000215: Invalid client secret provided.";
            return self.refusal(asked, 401, "invalid_client", 7_000_215, message);
        }
        // For what it is to be good is asked before it is given: by a scope, or a resource in the first version.
        let wanted = if asked.lower.iter().any(|part| part == "v2.0") { "scope" } else { "resource" };
        if form.argument(wanted).is_none_or(str::is_empty) {
            let message = format!(
                "AADSTS90014: The required field '{wanted}' is missing from the credential. Ensure that you have all the necessary parameters for the login request."
            );
            return self.refusal(asked, 400, "invalid_request", 90_014, &message);
        }
        let (token, _) = self.issue(client);
        Answer::ok(json!({
            "token_type": "Bearer", "expires_in": self.access.lifetime.as_secs(),
            "ext_expires_in": self.access.lifetime.as_secs(), "access_token": token,
        }))
        .with("Cache-Control", "no-store, no-cache")
    }

    fn refusal(&self, asked: &Asked, status: u16, error: &str, code: u32, message: &str) -> Answer {
        Answer::json(
            status,
            json!({
                "error": error, "error_description": message, "error_codes": [code],
                "timestamp": self.access.clock.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                "trace_id": asked.correlation_id(), "correlation_id": asked.client_request_id(),
                "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
            }),
        )
    }

    fn app_service(&self, asked: &Asked) -> Answer {
        let sent = asked.header("x-identity-header");
        let good = self.access.identity_header.as_ref().is_some_and(|own| Some(own.expose_secret()) == sent);
        if good {
            self.managed(asked)
        } else {
            Answer::arm_error(401, "Unauthorized", "The identity header is wrong.")
        }
    }

    fn virtual_machine(&self, asked: &Asked) -> Answer {
        if asked.header("metadata").is_none_or(|word| !word.eq_ignore_ascii_case("true")) {
            let body = json!({ "error": "invalid_request", "error_description": "Required metadata header not specified" });
            return Answer::json(400, body);
        }
        if self.access.identity_header.is_none() {
            let body = json!({ "error": "invalid_request", "error_description": "Identity not found" });
            return Answer::json(400, body);
        }
        self.managed(asked)
    }

    fn managed(&self, asked: &Asked) -> Answer {
        let client = asked.argument("client_id").unwrap_or(&self.access.client_id).to_owned();
        let (token, expires) = self.issue(&client);
        Answer::ok(json!({
            "access_token": token, "client_id": client, "expires_on": expires.as_second().to_string(),
            "resource": asked.argument("resource").unwrap_or("https://management.azure.com/"),
            "token_type": "Bearer",
        }))
    }

    fn issue(&self, client: &str) -> (String, Timestamp) {
        let now = self.access.clock.now();
        let lifetime = SignedDuration::try_from(self.access.lifetime).unwrap_or(SignedDuration::MAX);
        let expires = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({
            "aud": "https://management.azure.com/",
            "iss": format!("https://sts.windows.net/{}/", self.access.tenant),
            "iat": now.as_second(), "nbf": now.as_second(), "exp": expires.as_second(),
            "appid": client, "idtyp": "app", "oid": guid::guid("object", client), "sub": guid::guid("object", client),
            "tid": self.access.tenant, "ver": "1.0",
        });
        // What stands for the signature is what nobody can guess.
        let header = json!({ "typ": "JWT", "alg": "none" });
        let token = format!("{}.{}.{}", part(header), part(claims), random_secret().expose_secret());
        let issued = Issued { principal: client.to_lowercase(), expires };
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), issued);
        (token, expires)
    }
}
