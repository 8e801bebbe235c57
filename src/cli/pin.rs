//! The plan that somebody looked at, by its digest: whoever reads it again reads the same, or nothing is done.

use crate::cli::args::PlanArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::model::Model;
use crate::model::digest;

/// Digests of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// As it is resolved with the facts that it names.
    whole: String,
    /// What it says itself.
    written: String,
}

impl Pin {
    /// Pins a plan as it was read.
    #[must_use]
    pub(crate) fn of(model: &Model) -> Self {
        Self { whole: digest::plan(model), written: digest::written(model) }
    }

    /// Returns the digest of the whole plan.
    pub(crate) fn digest(&self) -> &str {
        &self.whole
    }
}

/// Refuses a plan that is another than the one that flags pin. One that is resolved with what its site shows is the same if it says
/// the same.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Refused`].
pub(crate) fn refuse_another(args: &PlanArgs, model: &Model) -> Result<(), CliError> {
    let Some(pin) = &args.pin else { return Ok(()) };
    let is_it = match args.observed {
        None => digest::plan(model) == pin.whole,
        Some(_) => digest::written(model) == pin.written,
    };
    if is_it {
        return Ok(());
    }
    Err(CliError::new(Exit::Refused, "the plan was changed while the drill began; nothing was done")
        .hinted("look at what changed, and begin the drill again"))
}
