//! Who we are to Azure: the sources of tokens, in the order of Azure's own libraries, and the tokens they give.

mod certificate;
mod command;
mod environment;
mod managed;
mod web;

pub(super) use web::Web;

use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::Timestamp;
use secrecy::SecretString;

use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::credential::command::AzureCli;
use crate::provider::azure::credential::environment::Principal;
use crate::provider::azure::credential::managed::Managed;
use crate::provider::azure::error::UNTRUSTED;
use crate::provider::azure::error::is_about_trust;

/// Which source of tokens is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first that is there: environment, workload identity, managed identity, Azure CLI.
    #[default]
    Any,
    /// A service principal from the environment.
    Environment,
    /// A federated token from a file, as Kubernetes gives one.
    WorkloadIdentity,
    /// The identity of the machine.
    ManagedIdentity,
    /// Whoever is logged in to the Azure CLI.
    AzureCli,
}

/// Why no token could be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CredentialError {
    /// No source is there.
    #[error("no credentials for Azure: {}", tried.join("; "))]
    Missing {
        /// Each source and what it lacks.
        tried: Vec<String>,
    },
    /// The token service refuses.
    #[error("{source_name}: no token: {message} ({code})")]
    Refused {
        /// The source.
        source_name: &'static str,
        /// The service's code.
        code: String,
        /// The service's words.
        message: String,
    },
    /// The token service can't be reached, or asks to come back.
    #[error("{source_name}: no token yet: {message}")]
    Unreachable {
        /// The source.
        source_name: &'static str,
        /// What was seen.
        message: String,
    },
    /// What was found can't be used.
    #[error("{source_name}: {message}")]
    Unusable {
        /// The source.
        source_name: &'static str,
        /// What is wrong.
        message: String,
    },
}

impl CredentialError {
    /// Returns what to do about it, where that is clear.
    pub(super) fn help(&self) -> Option<String> {
        let text = match self {
            Self::Missing { .. } => {
                "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH), or run `az login`"
            }
            Self::Refused { message, .. } if message.contains("AADSTS7000222") => {
                "the secret has expired: make a new one for the application"
            }
            Self::Refused { message, .. } if message.contains("AADSTS7000215") => {
                "the secret is wrong: AZURE_CLIENT_SECRET is the secret's value, not its id"
            }
            Self::Refused { message, .. }
                if message.contains("AADSTS90002") || message.contains("AADSTS900023") =>
            {
                "there is no such directory: look at AZURE_TENANT_ID"
            }
            Self::Refused { message, .. } if message.contains("AADSTS700016") => {
                "the directory does not know the application: look at AZURE_CLIENT_ID and AZURE_TENANT_ID"
            }
            Self::Refused { message, .. } if message.contains("AADSTS700024") => {
                "the assertion is not valid at this time: look at this machine's clock"
            }
            Self::Refused { message, .. } if message.contains("AADSTS700027") => {
                "the application does not know the certificate: AZURE_CLIENT_CERTIFICATE_PATH has to be one that was added to it"
            }
            Self::Refused { message, .. }
                if message.contains("AADSTS53003") || message.contains("AADSTS50076") =>
            {
                "a policy of the directory (Conditional Access) keeps the identity out: whoever runs the directory says from where it may sign in"
            }
            Self::Refused { message, .. } if message.contains("AADSTS7000112") => {
                "the application is disabled in the directory: have it enabled"
            }
            Self::Unreachable { message, .. } if is_about_trust(message) => UNTRUSTED,
            Self::Unreachable { .. } => {
                "look whether the network or a proxy lets this machine reach the token service"
            }
            Self::Refused { .. } | Self::Unusable { .. } => return None,
        };
        Some(text.to_owned())
    }

    /// Returns the error with what was passed over before its source was asked: a variable that was forgotten lets another source
    /// answer than the one that was meant.
    fn after(mut self, tried: &[String]) -> Self {
        if let Self::Refused { message, .. }
        | Self::Unreachable { message, .. }
        | Self::Unusable { message, .. } = &mut self
            && !tried.is_empty()
        {
            message.push_str(&format!(" (passed over before: {})", tried.join("; ")));
        }
        self
    }

    /// Returns whether asking again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Missing { .. } | Self::Refused { .. } | Self::Unusable { .. } => false,
        }
    }
}

/// A token and until when it holds.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) expires_at: Timestamp,
}

impl Token {
    /// Returns a token that holds for some seconds from now.
    fn lasting(text: String, seconds: u64, now: Timestamp) -> Self {
        let lasts = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        Self {
            secret: SecretString::from(text),
            expires_at: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
        }
    }
}

/// What a source makes of a request for a token.
enum Outcome {
    /// A token.
    Token(Token),
    /// The source is not there, for this reason: the next one is asked.
    Absent(String),
}

#[derive(Clone, Debug)]
enum Source {
    Fixed(SecretString),
    Principal(Principal),
    Managed(Managed),
    Cli(AzureCli),
}

impl Source {
    const fn name(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "token from the environment",
            Self::Principal(principal) => principal.name(),
            Self::Managed(managed) => managed.name(),
            Self::Cli(_) => "Azure CLI",
        }
    }
}

/// The sources of tokens.
#[derive(Clone, Debug)]
pub struct Credential {
    sources: Vec<Source>,
    /// What is not there at all.
    lacking: Vec<String>,
}

impl Credential {
    /// Returns the credential that is always this token; for an emulator.
    #[must_use]
    pub fn fixed(token: SecretString) -> Self {
        Self { sources: vec![Source::Fixed(token)], lacking: Vec::new() }
    }

    /// Returns the credential that the environment names, with the variables of Azure's own libraries; on an emulator of this
    /// machine, `FAILBACK_AZURE_TOKEN` goes before all of them.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] if a file that it names can't be read, or nothing is named of the source that was chosen.
    pub fn of_environment(
        choice: Choice,
        cloud: &Cloud,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialError> {
        let lookup = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        if let Some(token) = lookup("FAILBACK_AZURE_TOKEN").filter(|_| cloud.is_local()) {
            return Ok(Self::fixed(SecretString::from(token.trim().to_owned())));
        }
        let mut made = Self { sources: Vec::new(), lacking: Vec::new() };
        let wanted = |one: Choice| choice == Choice::Any || choice == one;
        if wanted(Choice::Environment) {
            match Principal::of_environment(&lookup)? {
                Ok(principal) => made.sources.push(Source::Principal(principal)),
                Err(lack) => made.lacking.push(format!("environment: {lack}")),
            }
        }
        if wanted(Choice::WorkloadIdentity) {
            match Principal::federated(&lookup) {
                Ok(principal) => made.sources.push(Source::Principal(principal)),
                Err(lack) => made.lacking.push(format!("workload identity: {lack}")),
            }
        }
        if wanted(Choice::ManagedIdentity) {
            made.sources.push(Source::Managed(Managed::of_environment(&lookup, choice == Choice::Any)));
        }
        if wanted(Choice::AzureCli) {
            let program = lookup("FAILBACK_AZ").map_or_else(|| PathBuf::from("az"), PathBuf::from);
            made.sources.push(Source::Cli(AzureCli { program, tenant: lookup("AZURE_TENANT_ID") }));
        }
        if made.sources.is_empty() {
            return Err(CredentialError::Missing { tried: made.lacking });
        }
        Ok(made)
    }

    /// Asks for a token. A source that is not there leaves it to the next; one that is there and fails ends it.
    pub(super) async fn token(
        &self,
        cloud: &Cloud,
        web: &Web,
        claims: Option<&str>,
    ) -> Result<(Token, &'static str), CredentialError> {
        let mut tried = self.lacking.clone();
        for source in &self.sources {
            let outcome = match source {
                Source::Fixed(token) => {
                    let token = Token { secret: token.clone(), expires_at: Timestamp::MAX };
                    Outcome::Token(token)
                }
                Source::Principal(principal) => Outcome::Token(principal.token(cloud, web, claims).await?),
                Source::Managed(managed) => {
                    managed.token(cloud, web).await.map_err(|error| error.after(&tried))?
                }
                Source::Cli(cli) => cli.token(cloud, web.now()).await.map_err(|error| error.after(&tried))?,
            };
            match outcome {
                Outcome::Token(token) => return Ok((token, source.name())),
                Outcome::Absent(why) => tried.push(format!("{}: {why}", source.name())),
            }
        }
        Err(CredentialError::Missing { tried })
    }
}
