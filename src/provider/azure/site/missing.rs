//! Facts that could not be observed, and why.

use crate::provider::azure::error::AzureError;

/// Facts that could not be observed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Missing {
    /// The facts, by their key in an inventory; `servers` for all servers of the vault.
    pub facts: String,
    /// Why, with the right that is missing if it is one.
    pub why: String,
}

impl Missing {
    /// Returns what is missing because of an error; `None` if the error is no reason to go on without.
    pub(super) fn of(facts: &str, error: &AzureError) -> Option<Self> {
        match error {
            AzureError::Forbidden { .. } | AzureError::NotFound { .. } | AzureError::Refused { .. } => {
                Some(Self { facts: facts.to_owned(), why: error.to_string() })
            }
            AzureError::Unreachable { .. }
            | AzureError::Untrusted { .. }
            | AzureError::NoAnswer { .. }
            | AzureError::Credential(_)
            | AzureError::Denied { .. }
            | AzureError::Busy { .. }
            | AzureError::Broken { .. }
            | AzureError::Malformed { .. }
            | AzureError::Astray { .. }
            | AzureError::Endless { .. }
            | AzureError::Unresolved { .. } => None,
        }
    }
}
