//! The one place where events are made: checked, journalled, applied, then shown.

use std::sync::Arc;

use crate::clock::Clock;
use crate::event::IllegalEvent;
use crate::event::Journal;
use crate::event::JournalError;
use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepProgress;
use crate::graph::StepIndex;
use crate::id::RunId;

/// A run can't go on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal can't be kept.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds, or the run made, an event that can't follow.
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
}

/// Keeps a run's state and its journal in step.
pub struct Recorder<'r> {
    run: RunId,
    clock: Arc<dyn Clock>,
    journal: &'r mut dyn Journal,
    reporters: Vec<Box<dyn Reporter + 'r>>,
    state: RunState,
    /// Events that the journal took and has not kept yet; nobody is shown what might be lost.
    taken: Vec<RunEvent>,
    /// Whether the journal has kept everything that it took.
    is_synced: bool,
}

impl<'r> Recorder<'r> {
    /// Returns a recorder of a run that is in `state`.
    pub fn new(
        run: RunId,
        clock: Arc<dyn Clock>,
        journal: &'r mut dyn Journal,
        reporters: Vec<Box<dyn Reporter + 'r>>,
        state: RunState,
    ) -> Self {
        Self { run, clock, journal, reporters, state, taken: Vec::new(), is_synced: true }
    }

    /// Returns the run.
    #[must_use]
    pub const fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns the state.
    #[must_use]
    pub const fn state(&self) -> &RunState {
        &self.state
    }

    /// Records one fact.
    ///
    /// # Errors
    ///
    /// The journal's, or [`IllegalEvent`].
    pub fn record(&mut self, kind: RunEventKind) -> Result<(), RunError> {
        self.record_about(None, kind)
    }

    /// Records one fact about a step whose index is at hand, so that nobody has to look for it.
    ///
    /// # Errors
    ///
    /// The journal's, or [`IllegalEvent`].
    pub fn record_of(&mut self, step: StepIndex, kind: RunEventKind) -> Result<(), RunError> {
        self.record_about(Some(step), kind)
    }

    fn record_about(&mut self, step: Option<StepIndex>, kind: RunEventKind) -> Result<(), RunError> {
        // Journals are read in order, so time does not run backwards in them even if a clock does.
        let now = self.clock.now();
        let at = self.state.last_at().map_or(now, |last| last.max(now));
        let event = RunEvent { run: self.run.clone(), seq: self.state.seq() + 1, at, kind };
        let legal = self.state.check_about(step, &event)?;
        self.journal.append(&event)?;
        tracing::info!(seq = event.seq, at = %event.at, event = ?event.kind);
        self.is_synced = false;
        if self.is_watched() {
            self.state.apply(&event, legal);
            self.taken.push(event);
        } else {
            self.state.take(event, legal);
        }
        Ok(())
    }

    /// Keeps facts that an event is about to name.
    ///
    /// # Errors
    ///
    /// The journal's.
    pub fn keep_facts(&mut self, digest: &str, body: &str) -> Result<(), RunError> {
        Ok(self.journal.keep_facts(digest, body)?)
    }

    /// Makes what was recorded durable, then shows it.
    ///
    /// # Errors
    ///
    /// The journal's. A reporter's error only drops that reporter: a closed terminal must not stop a failover.
    pub fn sync(&mut self) -> Result<(), RunError> {
        if self.is_synced {
            return Ok(());
        }
        self.journal.sync()?;
        self.is_synced = true;
        for event in self.taken.drain(..) {
            let state = &self.state;
            self.reporters.retain_mut(|reporter| reporter.event(&event, state).is_ok());
        }
        Ok(())
    }

    /// Returns whether the journal keeps the events for later readers.
    #[must_use]
    pub fn keeps(&self) -> bool {
        self.journal.keeps()
    }

    /// Returns whether any reporter shows the run.
    #[must_use]
    pub fn is_watched(&self) -> bool {
        !self.reporters.is_empty()
    }

    /// Shows the progress of running steps.
    pub fn tick(&mut self, progress: &[StepProgress]) {
        let (now, state) = (self.clock.now(), &self.state);
        self.reporters.retain_mut(|reporter| reporter.tick(now, state, progress).is_ok());
    }

    /// Tells reporters that the run stops as soon as so many calls and actions have ended.
    pub fn stopping(&mut self, waits_for: usize) {
        for reporter in &mut self.reporters {
            reporter.stopping(waits_for);
        }
    }

    /// Lets reporters stand back while a person is asked, or come back.
    pub fn pause(&mut self, paused: bool) {
        for reporter in &mut self.reporters {
            reporter.pause(paused);
        }
    }
}
