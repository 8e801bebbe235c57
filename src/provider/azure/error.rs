//! How asking Azure can fail, said without any secret, and what each failure means to a run.

use std::time::Duration;

use crate::provider::azure::credential::CredentialError;
use crate::provider::error::ProviderError;

/// Why Azure gave no answer, or not the one that was wanted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AzureError {
    /// No connection came about, so nothing was sent.
    #[error("{host} can't be reached: {message}")]
    Unreachable {
        /// Who was asked.
        host: String,
        /// What was seen.
        message: String,
    },
    /// Who answers has not proved who it is, so nothing was sent.
    #[error("the certificate of {host} is not trusted: {message}")]
    Untrusted {
        /// Who was asked.
        host: String,
        /// What is wrong with its certificate.
        message: String,
    },
    /// The request went out, and no whole answer came back.
    #[error("{what}: no answer: {message}")]
    NoAnswer {
        /// What was asked.
        what: String,
        /// What was seen.
        message: String,
    },
    /// No token could be had.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The token is not accepted.
    #[error("{what}: the token is not accepted: {message} ({code})")]
    Denied {
        /// What was asked.
        what: String,
        /// Azure's code.
        code: String,
        /// Azure's words.
        message: String,
    },
    /// The identity lacks a right.
    #[error("{what}: a right is missing: {message} ({code})")]
    Forbidden {
        /// What was asked.
        what: String,
        /// Azure's code.
        code: String,
        /// Azure's words; they name the action and the scope.
        message: String,
    },
    /// There is no such resource.
    #[error("{what}: not there: {message} ({code})")]
    NotFound {
        /// What was asked.
        what: String,
        /// Azure's code.
        code: String,
        /// Azure's words.
        message: String,
    },
    /// Azure does not do what was asked.
    #[error("{what}: refused with {status}: {message} ({code})")]
    Refused {
        /// What was asked.
        what: String,
        /// The status of the answer.
        status: u16,
        /// Azure's code.
        code: String,
        /// Azure's words.
        message: String,
    },
    /// Azure asks to come back later; nothing was done.
    #[error("{what}: Azure asks to come back later: {message}")]
    Busy {
        /// What was asked.
        what: String,
        /// Azure's words.
        message: String,
        /// When it asks to come back.
        retry_after: Option<Duration>,
    },
    /// Azure failed at it; whether something was done is not known.
    #[error("{what}: Azure failed with {status}: {message}")]
    Broken {
        /// What was asked.
        what: String,
        /// The status of the answer.
        status: u16,
        /// Azure's words.
        message: String,
        /// When it asks to come back.
        retry_after: Option<Duration>,
    },
    /// The answer can't be read.
    #[error("{what}: the answer can't be read: {message}")]
    Malformed {
        /// What was asked.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// A link of an answer leads to a host that the token must not go to.
    #[error(
        "{what}: the answer leads to {host}, which is not asked: the token goes to Azure's resource manager alone"
    )]
    Astray {
        /// What was asked.
        what: String,
        /// The host.
        host: String,
    },
    /// A list does not end.
    #[error("{what}: the list does not end: {message}")]
    Endless {
        /// What was asked.
        what: String,
        /// What was seen.
        message: String,
    },
    /// The vault or a server does not have what a request names.
    #[error("{message}")]
    Unresolved {
        /// What is missing, and what is there instead.
        message: String,
    },
}

/// What to do about a certificate that is not trusted.
pub(super) const UNTRUSTED: &str = "give the authority that issued it (PEM) with --ca-file or FAILBACK_CA_FILE, after asking whoever runs the proxy or the server; verification is never left out";

/// Returns whether a connection failed since the other end's certificate is not trusted, by the words of it.
pub(super) fn is_about_trust(message: &str) -> bool {
    message.contains("certificate")
}

impl AzureError {
    /// Returns whether asking the same question again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoAnswer { .. } | Self::Busy { .. } | Self::Broken { .. } => {
                true
            }
            Self::Credential(error) => error.is_transient(),
            Self::Untrusted { .. }
            | Self::Denied { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::Astray { .. }
            | Self::Endless { .. }
            | Self::Unresolved { .. } => false,
        }
    }

    /// Returns what to do about it, where that is clear.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let text = match self {
            Self::Unreachable { .. } => {
                "look whether the network, a proxy (HTTPS_PROXY) or a firewall lets this machine reach Azure"
            }
            Self::Untrusted { .. } => UNTRUSTED,
            Self::Credential(error) => return error.help(),
            Self::Denied { .. } => {
                "the token is of another directory or was withdrawn: look whether AZURE_TENANT_ID is the vault's directory, or sign in again"
            }
            Self::Forbidden { .. } => {
                "grant the identity Site Recovery Reader (to look), Operator or Contributor (to run) on the vault, and Reader on its subscription; a new grant takes minutes"
            }
            Self::NotFound { .. } => "look whether subscription, resource group and names are written right",
            Self::Busy { .. } => "come back later: others may use the same budget of requests",
            Self::Malformed { .. } => "look whether a proxy answers in the place of Azure",
            Self::Astray { .. } | Self::Endless { .. } => {
                "Azure does not answer like this: look who answers under its name"
            }
            Self::NoAnswer { .. } | Self::Refused { .. } | Self::Broken { .. } | Self::Unresolved { .. } => {
                return None;
            }
        };
        Some(text.to_owned())
    }

    /// Returns how long Azure asks to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } | Self::Broken { retry_after, .. } => *retry_after,
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::NoAnswer { .. }
            | Self::Credential(_)
            | Self::Denied { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::Malformed { .. }
            | Self::Astray { .. }
            | Self::Endless { .. }
            | Self::Unresolved { .. } => None,
        }
    }

    /// Returns what a failed question means to a run: nothing was changed, whatever happened.
    pub(super) fn of_question(self) -> ProviderError {
        match self {
            Self::Busy { what, message, retry_after } => {
                ProviderError::Busy { message: format!("{what}: {message}"), retry_after }
            }
            Self::NotFound { what, .. } => ProviderError::NotFound { what },
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::NoAnswer { .. }
            | Self::Broken { .. }
            | Self::Malformed { .. } => self.of_silence(),
            Self::Credential(ref error) if error.is_transient() => self.of_silence(),
            Self::Denied { ref code, .. }
            | Self::Forbidden { ref code, .. }
            | Self::Refused { ref code, .. } => refused(code, &self),
            Self::Credential(_) => refused("no-token", &self),
            Self::Astray { .. } => refused("astray", &self),
            Self::Endless { .. } => refused("endless-list", &self),
            Self::Unresolved { .. } => refused("not-in-the-vault", &self),
        }
    }

    /// Returns what a failed order means to a run: where it is not certain that nothing was changed, no answer came. A service that
    /// is throttled (429) did nothing; one that failed may have done it, whenever it asks to come back: a gateway whose service took
    /// too long answers like one whose service is down.
    pub(super) fn of_order(self) -> ProviderError {
        match self {
            // Nothing was sent.
            Self::Unreachable { .. } | Self::Untrusted { .. } => {
                ProviderError::Busy { message: self.to_string(), retry_after: None }
            }
            Self::Credential(ref error) if error.is_transient() => {
                ProviderError::Busy { message: self.to_string(), retry_after: None }
            }
            Self::Busy { what, message, retry_after } => {
                ProviderError::Busy { message: format!("{what}: {message}"), retry_after }
            }
            Self::NotFound { code, message, .. } | Self::Refused { code, message, .. } => {
                ProviderError::Refused { code, message }
            }
            Self::NoAnswer { .. }
            | Self::Broken { .. }
            | Self::Malformed { .. }
            | Self::Astray { .. }
            | Self::Endless { .. } => self.of_silence(),
            Self::Denied { .. } | Self::Forbidden { .. } | Self::Credential(_) | Self::Unresolved { .. } => {
                self.of_question()
            }
        }
    }

    /// Returns the error as one that does not tell whether anything was done.
    fn of_silence(&self) -> ProviderError {
        ProviderError::NoAnswer { message: self.to_string(), retry_after: self.retry_after() }
    }
}

fn refused(code: &str, error: &AzureError) -> ProviderError {
    // A run shows this message alone, so that what to do about it belongs to it.
    let help = error.help().map(|help| format!("; {help}")).unwrap_or_default();
    ProviderError::Refused { code: code.to_owned(), message: format!("{error}{help}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_kept_out_is_told_what_to_do_about_it() {
        let forbidden = AzureError::Forbidden {
            what: "GET …/vaults/v".into(),
            code: "AuthorizationFailed".into(),
            message: "it may not".into(),
        };
        let endless = AzureError::Endless { what: "GET …/vaults/v".into(), message: "page 2 again".into() };
        for (error, told) in [(forbidden, "grant the identity"), (endless, "look who answers")] {
            let ProviderError::Refused { message, .. } = error.of_question() else { panic!("it is refused") };
            assert!(message.contains(told), "{message}");
        }
    }
}
