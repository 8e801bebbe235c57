//! A run as lines of text, for outputs that are no terminal.

use std::io;
use std::io::Write;

use jiff::Timestamp;

use crate::escape;
use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepProgress;
use crate::report::Verbosity;
use crate::report::seconds_between;
use crate::report::summary::summary;
use crate::report::tally::Tally;
use crate::report::text;
use crate::report::text::Repeats;

/// Writes a line for each event that matters: the run's clock, the time since the run began, and what happened.
#[derive(Debug)]
pub struct Lines<W> {
    sink: W,
    verbosity: Verbosity,
    tally: Tally,
    repeats: Repeats,
    /// Steps that were not begun, because the run stops at its first failure.
    not_begun: usize,
    not_begun_because: String,
    unflushed: bool,
    flags: String,
    /// Whether the next question is followed by how it is answered.
    tells_how_to_answer: bool,
}

impl<W: Write> Lines<W> {
    /// Returns a reporter that writes to `sink` what happens after `state`.
    pub fn new(sink: W, state: &RunState, verbosity: Verbosity) -> Self {
        let tally = Tally::new(state, Vec::new());
        Self {
            sink,
            verbosity,
            tally,
            repeats: Repeats::default(),
            not_begun: 0,
            not_begun_because: String::new(),
            unflushed: false,
            flags: String::new(),
            tells_how_to_answer: false,
        }
    }

    /// Has the first question followed by how questions are answered from another terminal.
    #[must_use]
    pub const fn telling_how_to_answer(mut self, tells: bool) -> Self {
        self.tells_how_to_answer = tells;
        self
    }

    /// Adds flags to the commands that are told at the end; see [`Summary::typed_with`](crate::report::Summary::typed_with).
    #[must_use]
    pub fn typed_with(mut self, flags: &str) -> Self {
        self.flags = flags.to_owned();
        self
    }

    fn line(&mut self, at: Timestamp, state: &RunState, text: &str) -> io::Result<()> {
        let passed = seconds_between(state.started_at().unwrap_or(at), at).to_string();
        self.unflushed = true;
        writeln!(self.sink, "{at:.0} {passed:>9}  {}", escape::line(text))
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unflushed) { self.sink.flush() } else { Ok(()) }
    }
}

impl<W: Write> Reporter for Lines<W> {
    fn event(&mut self, event: &RunEvent, state: &RunState) -> io::Result<()> {
        let settled = self.tally.take(&event.kind, state);
        let (mut level, text) = text::of_event(event, state);
        let ends = matches!(event.kind, RunEventKind::RunFinished { .. } | RunEventKind::Interrupted { .. });
        if let RunEventKind::StepBlocked { reason, .. } = &event.kind {
            self.not_begun += 1 + settled.blocked.len();
            self.not_begun_because.clone_from(reason);
        } else if ends && self.not_begun > 0 {
            let count = text::counted(self.not_begun, "step");
            self.line(event.at, state, &format!("{count} not begun: {}", self.not_begun_because))?;
        }
        if self.repeats.take(event, state) {
            level = Verbosity::Verbose;
        }
        if level <= self.verbosity {
            self.line(event.at, state, &text)?;
        }
        if let RunEventKind::ApprovalAsked { step, .. } = &event.kind
            && std::mem::take(&mut self.tells_how_to_answer)
        {
            let how = text::how_to_answer(&event.run, step, &self.flags);
            self.line(event.at, state, &how)?;
        }
        if matches!(event.kind, RunEventKind::StepFailed { .. } | RunEventKind::MemberFailed { .. })
            && let Some(text) = text::of_blocked(&settled, &self.tally, event, state)
        {
            self.line(event.at, state, &text)?;
        }
        for machine in settled.machines {
            if let Some((level, text)) = text::of_machine(machine, self.tally.steps(machine), state)
                && level <= self.verbosity
            {
                self.line(event.at, state, &text)?;
            }
        }
        if ends {
            write!(self.sink, "{}", summary(&event.run, state).typed_with(&self.flags))?;
            self.sink.flush()?;
        }
        Ok(())
    }

    fn stopping(&mut self, waits_for: usize) {
        // Who can't be told finds out with the next line.
        let _ = writeln!(self.sink, "{}", text::of_stopping(waits_for)).and_then(|()| self.sink.flush());
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> io::Result<()> {
        self.flush()
    }
}
