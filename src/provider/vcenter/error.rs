//! How asking a vCenter can fail.

use std::time::Duration;

use crate::provider::error::ProviderError;

/// Why a vCenter gave no answer, or not the one that was hoped for.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VcenterError {
    /// What the client was given to connect with can't be used.
    #[error("{what}")]
    Settings {
        /// What is wrong, and with which part.
        what: String,
    },
    /// No connection came about.
    #[error("{host} can't be reached: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The innermost cause.
        why: String,
    },
    /// There is a connection, but its other end did not prove who it is.
    #[error("the certificate of {host} is not trusted: {why}")]
    Tls {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
        /// SHA-256 of the certificate that was presented, in pairs of letters; to be compared by a person before it is trusted.
        thumbprint: Option<String>,
    },
    /// The user or the password is not accepted.
    #[error("{host} does not accept the password of {user}{}", .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Credentials {
        /// Host and port.
        host: String,
        /// The user.
        user: String,
        /// What the vCenter says, if it says more than that.
        why: Option<String>,
    },
    /// The session is gone, and went again after a new login.
    #[error("{host} ends the session again and again")]
    SessionLost {
        /// Host and port.
        host: String,
    },
    /// The account may not do this.
    #[error("the account lacks the privilege {privilege} on {object}")]
    NoPermission {
        /// Reference of the object.
        object: String,
        /// Id of the privilege, such as `System.View`.
        privilege: String,
    },
    /// The vCenter asks to come back later.
    #[error("{host} is busy (HTTP status {status})")]
    Busy {
        /// Host and port.
        host: String,
        /// The HTTP status.
        status: u16,
        /// When it asks to come back.
        retry_after: Option<Duration>,
    },
    /// No answer came, or half of one.
    #[error("no answer from {host}: {why}")]
    NoAnswer {
        /// Host and port.
        host: String,
        /// What was seen instead.
        why: String,
    },
    /// The vCenter answers with a fault.
    #[error("{host} answers with {fault}: {message}")]
    Fault {
        /// Host and port.
        host: String,
        /// Type of the fault.
        fault: String,
        /// Its words.
        message: String,
        /// Kind of the object that it is about, if it says so.
        about: Option<String>,
    },
    /// The answer is none of a vCenter.
    #[error("{host} does not answer as a vCenter does: {why}")]
    NotAVcenter {
        /// Host and port.
        host: String,
        /// What is wrong with the answer.
        why: String,
    },
}

impl VcenterError {
    /// Returns whether asking again later may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::NoAnswer { .. }
            | Self::SessionLost { .. } => true,
            Self::Settings { .. }
            | Self::Tls { .. }
            | Self::Credentials { .. }
            | Self::NoPermission { .. }
            | Self::Fault { .. }
            | Self::NotAVcenter { .. } => false,
        }
    }

    /// Returns how long the vCenter asks to wait, if it does.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            Self::Settings { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Credentials { .. }
            | Self::SessionLost { .. }
            | Self::NoPermission { .. }
            | Self::NoAnswer { .. }
            | Self::Fault { .. }
            | Self::NotAVcenter { .. } => None,
        }
    }

    /// Returns what a person can do about it, if that is known.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some(
                "look at the address, the way to it and the firewall; vCenter listens on port 443".into(),
            ),
            Self::Tls { thumbprint: Some(thumbprint), .. } => Some(format!(
                "give the certificate authority of the vCenter, or, after comparing it at the vCenter, its thumbprint: {thumbprint}"
            )),
            Self::Tls { thumbprint: None, .. } => {
                Some("give the certificate authority of the vCenter".into())
            }
            Self::Credentials { .. } => Some("look at the user, with its domain, and the password".into()),
            Self::NoPermission { .. } => Some(
                "give the account the role Read-only at the root of the inventory, with propagation".into(),
            ),
            Self::NotAVcenter { .. } => Some("look at the address: it ends with /sdk".into()),
            Self::Settings { .. }
            | Self::SessionLost { .. }
            | Self::Busy { .. }
            | Self::NoAnswer { .. }
            | Self::Fault { .. } => None,
        }
    }

    /// Returns whether the session is gone, and a new login may help.
    pub(super) fn is_session_lost(&self) -> bool {
        match self {
            // A view ends with the session that made it; that it is gone may be all that one hears of it.
            Self::Fault { fault, about, .. } => {
                fault == "NotAuthenticated"
                    || (fault == "ManagedObjectNotFound" && about.as_deref() == Some("ContainerView"))
            }
            Self::Settings { .. }
            | Self::Unreachable { .. }
            | Self::Tls { .. }
            | Self::Credentials { .. }
            | Self::SessionLost { .. }
            | Self::NoPermission { .. }
            | Self::Busy { .. }
            | Self::NoAnswer { .. }
            | Self::NotAVcenter { .. } => false,
        }
    }
}

impl From<VcenterError> for ProviderError {
    fn from(error: VcenterError) -> Self {
        let message = error.to_string();
        let refused = |code: &str, message| Self::Refused { code: code.to_owned(), message };
        match error {
            VcenterError::Busy { retry_after, .. } => Self::Busy { message, retry_after },
            VcenterError::Unreachable { .. }
            | VcenterError::NoAnswer { .. }
            | VcenterError::SessionLost { .. } => Self::NoAnswer { message, retry_after: None },
            VcenterError::Settings { .. } => refused("VcenterSettings", message),
            VcenterError::Tls { .. } => refused("VcenterCertificate", message),
            VcenterError::Credentials { .. } => refused("InvalidLogin", message),
            VcenterError::NoPermission { .. } => refused("NoPermission", message),
            VcenterError::Fault { ref fault, .. } => refused(fault, message),
            VcenterError::NotAVcenter { .. } => refused("NotAVcenter", message),
        }
    }
}
