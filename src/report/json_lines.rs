//! Each event as one line of JSON, as the journal keeps it.

use std::io;
use std::io::Write;

use jiff::Timestamp;

use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepProgress;

/// Writes each event as one line of JSON.
#[derive(Debug)]
pub struct JsonLines<W> {
    sink: W,
    unflushed: bool,
}

impl<W: Write> JsonLines<W> {
    /// Returns a reporter that writes to `sink`.
    pub const fn new(sink: W) -> Self {
        Self { sink, unflushed: false }
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.unflushed) { self.sink.flush() } else { Ok(()) }
    }
}

impl<W: Write> Reporter for JsonLines<W> {
    fn event(&mut self, event: &RunEvent, _: &RunState) -> io::Result<()> {
        let mut line = serde_json::to_string(event)?;
        line.push('\n');
        self.sink.write_all(line.as_bytes())?;
        self.unflushed = true;
        // After these no tick follows.
        if matches!(event.kind, RunEventKind::RunFinished { .. } | RunEventKind::Interrupted { .. }) {
            return self.flush();
        }
        Ok(())
    }

    fn tick(&mut self, _: Timestamp, _: &RunState, _: &[StepProgress]) -> io::Result<()> {
        self.flush()
    }
}
