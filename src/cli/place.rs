//! Where a run acts: in an emulated world of its own, or at a vault that is asked over the network.

use std::sync::Arc;

use crate::cli::error::CliError;
use crate::cli::session::SessionArgs;
use crate::provider::Automate;
use crate::provider::emulator::Emulator;
use crate::run::Site;

/// The word of records for an emulated site of a run's own.
pub(crate) const EMULATOR: &str = "emulator";
/// The word of records for a vault that is asked over the network.
pub(crate) const AZURE: &str = "azure";

/// Refuses the flags that are for an emulated site alone.
///
/// # Errors
///
/// [`CliError`] if there is one; an emulator on this machine may be answered for by `--auto-approve`.
pub(crate) fn refuse_for_real(args: &SessionArgs, is_local: bool) -> Result<(), CliError> {
    if args.speed.is_some() {
        return Err(CliError::usage("--speed is for the emulator: the time of a site is its own"));
    }
    if args.auto_approve && !is_local {
        return Err(CliError::usage("--auto-approve is for the emulator: people answer for a real site")
            .hinted("answer at the terminal, or from elsewhere with failback approve"));
    }
    Ok(())
}

/// Where a run acts.
pub enum Place {
    /// In an emulated world of its own, which lives by the run's clock.
    Emulated(Arc<Emulator>),
    /// At a vault that is asked over the network.
    Real(RealSite),
}

/// A vault that is asked over the network.
pub struct RealSite {
    /// The site.
    pub site: Arc<dyn Site>,
    /// What runs its runbooks; none if the site is only looked at.
    pub automation: Option<Arc<dyn Automate>>,
    /// Whether it is an emulator on this machine, which nobody's workload depends on.
    pub is_local: bool,
}

impl Place {
    /// Returns the word for it in records.
    #[must_use]
    pub const fn provider(&self) -> &'static str {
        match self {
            Self::Emulated(_) => EMULATOR,
            Self::Real(_) => AZURE,
        }
    }

    /// Returns whether nobody's workload depends on the site.
    #[must_use]
    pub const fn is_emulated(&self) -> bool {
        match self {
            Self::Emulated(_) => true,
            Self::Real(real) => real.is_local,
        }
    }

    /// Returns what a driver asks and changes.
    pub(crate) fn site(&self) -> Arc<dyn Site> {
        match self {
            Self::Emulated(emulator) => Arc::clone(emulator) as Arc<dyn Site>,
            Self::Real(real) => Arc::clone(&real.site),
        }
    }
}
