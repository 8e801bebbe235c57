//! Keeps two runs of one machine apart: see [`crate::journal::Claims`].

use std::path::PathBuf;

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::place;
use crate::cli::session;
use crate::event::RunEventKind;
use crate::id::RunId;
use crate::journal::Claim;
use crate::journal::ClaimError;
use crate::journal::Claims;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::Entry;
use crate::journal::Lock;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::model::Model;

/// Makes the folder of a new run and takes its lock, unless another run that is under way has one of its machines. Of the runs that
/// `can_go_on` none may have one, whether it is under way or not.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another run has one.
pub(crate) fn begin(
    dir: &StateDir,
    run: &RunId,
    claim: &Claim,
    can_go_on: &[RunId],
) -> Result<(PathBuf, Lock), CliError> {
    let refused = |error| refused(dir, error);
    let claims = Claims::of(dir).map_err(refused)?;
    // A run that is refused leaves no folder behind.
    claims.check(None, claim).and_then(|()| claims.check_unfinished(can_go_on, claim)).map_err(refused)?;
    let folder = dir.make_run(run).map_err(crate::cli::run::unusable)?;
    let lock = session::take_lock(&folder, run)?;
    claims.make(run, claim).map_err(refused)?;
    Ok((folder, lock))
}

/// Returns the runs that act on a real site and have not ended: they wait for somebody, were interrupted, or are under way. Of one
/// whose record can't be read that is not known.
///
/// # Errors
///
/// [`DatabaseError`] if the runs can't be read.
pub(crate) fn unfinished(database: &Database) -> Result<Vec<RunId>, DatabaseError> {
    let acts = |record: &RunRecord| {
        record.provider == place::AZURE
            && !kept::kept_site(&record.options).is_some_and(|site| site.read_only)
    };
    let mut found = Vec::new();
    for Entry { id, record } in database.runs()? {
        let has_ended = match record {
            Ok(record) if !acts(&record) => true,
            Ok(_) => database.last_event(&id).is_ok_and(|last| {
                last.is_some_and(|last| matches!(last.kind, RunEventKind::RunFinished { .. }))
            }),
            Err(_) => false,
        };
        if !has_ended {
            found.push(id);
        }
    }
    Ok(found)
}

/// Takes the lock of a run that goes on.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another process has it.
pub(crate) fn take_over(dir: &StateDir, run: &RunId) -> Result<Lock, CliError> {
    // Two runs that come at once must not both find the other's machines free.
    let _claims = Claims::of(dir).map_err(|error| refused(dir, error))?;
    session::take_lock(&dir.run(run), run)
}

/// Claims the machines of a run that goes on, whose lock is held.
///
/// # Errors
///
/// [`CliError`] with [`Exit::Busy`] if another run that is under way has one.
pub(crate) fn again(dir: &StateDir, run: &RunId, claim: &Claim) -> Result<(), CliError> {
    let made = Claims::of(dir).and_then(|claims| claims.make(run, claim));
    made.map_err(|error| refused(dir, error))
}

/// Returns what a run claims: its machines. A rehearsal that simulates its actions has a world of its own and takes none from anybody.
pub(crate) fn of(model: &Model, is_rehearsed: bool) -> Claim {
    let vault = model.inventory.vault.as_ref().and_then(|vault| vault.name.as_ref());
    Claim {
        plan: model.plan.name.value.clone(),
        vault: vault.map(|name| name.value.clone()),
        machines: match is_rehearsed {
            true => Vec::new(),
            false => model.machines().map(|machine| machine.name().value.clone()).collect(),
        },
    }
}

fn refused(dir: &StateDir, error: ClaimError) -> CliError {
    let flags = session::of_state_dir(dir.given());
    match &error {
        ClaimError::Unfinished { run, .. } => CliError::new(Exit::Busy, error.to_string())
            .hinted(format!("go on with it: failback resume {run}{flags}"))
            .hinted(format!("or end it: failback cancel {run}{flags}, and then resume it")),
        ClaimError::Taken { .. } => CliError::new(Exit::Busy, error.to_string())
            .hinted("wait until that run ends, or stop it where it runs with Ctrl-C"),
        ClaimError::Io { .. } => {
            CliError::usage("can't find out which machines other runs have").because(error)
        }
    }
}
