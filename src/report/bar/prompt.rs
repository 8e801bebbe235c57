//! A question that stands below the bars, with the answer as it is typed.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use indicatif::MultiProgress;
use indicatif::ProgressBar;

use crate::report::bar::style;

/// Asks a person below the bars, which go on. Threads may share it.
#[derive(Clone, Debug)]
pub struct Prompt {
    bars: MultiProgress,
    /// The last line; it is none while nobody is asked.
    line: ProgressBar,
    is_closed: Arc<AtomicBool>,
}

impl Prompt {
    /// Returns the prompt of some bars, below those that are there.
    pub(super) fn below(bars: &MultiProgress) -> Self {
        let line = bars.add(ProgressBar::no_length().with_style(style("{msg}")));
        Self { bars: bars.clone(), line, is_closed: Arc::default() }
    }

    /// Prints lines above the bars, where they stay.
    ///
    /// # Errors
    ///
    /// The terminal's.
    pub fn say(&self, lines: &[String]) -> std::io::Result<()> {
        self.bars.println(lines.join("\n"))
    }

    /// Shows the last line: what is asked, and what was typed so far.
    pub fn show(&self, text: &str) {
        if !self.is_closed() {
            self.line.set_style(style("{wide_msg}"));
            self.line.set_message(text.to_owned());
        }
    }

    /// Takes the last line away.
    pub fn hide(&self) {
        self.line.set_style(style("{msg}"));
        self.line.set_message("");
    }

    /// Returns whether the bars are gone: nobody is asked any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Takes the line away for good, with the bars.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.bars.remove(&self.line);
    }
}
