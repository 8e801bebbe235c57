//! Keeps two runs of one machine apart: see [`crate::journal::Claims`].

use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::session;
use crate::id::RunId;
use crate::journal::Claim;
use crate::journal::ClaimError;
use crate::journal::Claims;
use crate::journal::Lock;
use crate::journal::StateDir;
use crate::model::Model;

/// Makes the folder of a new run and takes its lock, unless another run that is under way has one of its machines.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another run has one.
pub(crate) fn begin(dir: &StateDir, run: &RunId, model: &Model) -> Result<(PathBuf, Lock), CliError> {
    let claim = claim_of(model);
    let claims = Claims::of(dir).map_err(refused)?;
    // A run that is refused leaves no folder behind.
    claims.check(None, &claim).map_err(refused)?;
    let folder = dir.make_run(run).map_err(crate::cli::run::unusable)?;
    let lock = session::take_lock(&folder, run)?;
    claims.make(run, &claim).map_err(refused)?;
    Ok((folder, lock))
}

/// Takes the lock of a run that goes on.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another process has it.
pub(crate) fn take_over(dir: &StateDir, run: &RunId) -> Result<Lock, CliError> {
    // Two runs that come at once must not both find the other's machines free.
    let _claims = Claims::of(dir).map_err(refused)?;
    session::take_lock(&dir.run(run), run)
}

/// Claims the machines of a run that goes on, whose lock is held.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another run that is under way has one.
pub(crate) fn again(dir: &StateDir, run: &RunId, model: &Model) -> Result<(), CliError> {
    Claims::of(dir).and_then(|claims| claims.make(run, &claim_of(model))).map_err(refused)
}

fn claim_of(model: &Model) -> Claim {
    let vault = model.inventory.vault.as_ref().and_then(|vault| vault.name.as_ref());
    Claim {
        plan: model.plan.name.value.clone(),
        vault: vault.map(|name| name.value.clone()),
        machines: model.machines().map(|machine| machine.name().value.clone()).collect(),
    }
}

fn refused(error: ClaimError) -> CliError {
    match error {
        ClaimError::Taken { .. } => CliError::new(Exit::Busy, error.to_string())
            .hinted("wait until that run ends, or stop it where it runs with Ctrl-C"),
        ClaimError::Io { .. } => {
            CliError::usage("can't find out which machines other runs have").because(error)
        }
    }
}
