//! What the record of a run leads to: its state, made event by event as they are read.

use std::sync::Arc;

use crate::cli::error::CliError;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::graph::Graph;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;

/// What the record of a run leads to.
pub(crate) struct Past {
    /// The state after its events, as far as they are intact.
    pub state: RunState,
    /// How it began.
    pub first: Option<RunEventKind>,
    /// What is wrong with the record, if anything is.
    pub broken: Option<DatabaseError>,
}

/// Reads the record of a run; a long one is never in memory as a whole.
///
/// # Errors
///
/// [`CliError`] if an event can't be one of the graph's plan.
pub(crate) fn read(database: &Database, graph: &Arc<Graph>, run: &RunId) -> Result<Past, CliError> {
    let mut state = RunState::new(Arc::clone(graph));
    let (mut first, mut illegal) = (None, None);
    let read = database.each_event(run, |event| match state.check(&event) {
        Ok(legal) if illegal.is_none() => {
            if first.is_none() {
                first = Some(event.kind.clone());
            }
            state.take(event, legal);
        }
        Ok(_) => {}
        Err(error) => {
            illegal.get_or_insert(error);
        }
    });
    // What a changed record leads to says nothing about the plan.
    if let (Some(error), Ok(())) = (illegal, &read) {
        return Err(CliError::usage("the run's journal does not belong to its plan").because(error));
    }
    Ok(Past { state, first, broken: read.err() })
}
