//! How asking a site can fail.

use std::time::Duration;

/// The longest that one answer of a service holds back what is asked of it: it is asked again after that, and may say so once more.
/// A service that is throttled asks for minutes at most; what asks for more is a mistake of a clock or of whoever stands in between.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(600);

/// Why a site gave no answer, or a refusal.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    /// The site does not take the request on; nothing was changed.
    #[error("the site refused: {message} ({code})")]
    Refused {
        /// The site's own code.
        code: String,
        /// The site's own words.
        message: String,
    },
    /// The site asks to come back later; nothing was changed.
    #[error("the site is busy: {message}")]
    Busy {
        /// What it says.
        message: String,
        /// When it asks to come back.
        retry_after: Option<Duration>,
    },
    /// No answer came: whether the request had an effect is not known.
    #[error("no answer from the site: {message}")]
    NoAnswer {
        /// What was seen instead.
        message: String,
        /// When it asks to come back, if it was answered and said so.
        retry_after: Option<Duration>,
    },
    /// The thing that was asked about is not there.
    #[error("the site does not know {what}")]
    NotFound {
        /// What was asked about.
        what: String,
    },
    /// The record that the emulator keeps on disk can't be read or written.
    #[error("the emulator's world can't be {action}: {message}")]
    World {
        /// `read`, `written` or `used`.
        action: &'static str,
        /// The cause.
        message: String,
    },
}

impl ProviderError {
    /// Returns whether asking again may help, with nothing changed meanwhile.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::NoAnswer { .. } => true,
            Self::Refused { .. } | Self::NotFound { .. } | Self::World { .. } => false,
        }
    }

    /// Returns how long the site asks to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } | Self::NoAnswer { retry_after, .. } => *retry_after,
            Self::Refused { .. } | Self::NotFound { .. } | Self::World { .. } => None,
        }
    }
}
