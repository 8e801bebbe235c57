//! A question that stands below the bars, with the answer as it is typed.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use indicatif::MultiProgress;
use indicatif::ProgressBar;

use crate::report::bar::row::columns;
use crate::report::bar::rows::Rows;
use crate::report::bar::screen::Screen;
use crate::report::bar::style;

/// Asks a person below the bars, which go on. Threads may share it.
#[derive(Clone, Debug)]
pub struct Prompt {
    bars: MultiProgress,
    /// The last lines; they are none while nobody is asked.
    lines: ProgressBar,
    /// The question that stands there, and the line that is typed in.
    asked: Arc<Mutex<(Vec<String>, String)>>,
    rows: Arc<Mutex<Rows>>,
    screen: Screen,
    is_closed: Arc<AtomicBool>,
}

impl Prompt {
    /// Returns the prompt of some bars, below those that are there.
    pub(super) fn below(bars: &MultiProgress, rows: Arc<Mutex<Rows>>, screen: Screen) -> Self {
        let lines = bars.add(ProgressBar::no_length().with_style(style("{msg}")));
        Self { bars: bars.clone(), lines, asked: Arc::default(), rows, screen, is_closed: Arc::default() }
    }

    /// Prints lines above the bars, where they stay.
    ///
    /// # Errors
    ///
    /// The terminal's.
    pub fn say(&self, lines: &[String]) -> std::io::Result<()> {
        self.bars.println(lines.join("\n"))
    }

    /// Puts a question: its lines stand below the bars until it is answered.
    pub fn ask(&self, question: Vec<String>) {
        self.asked().0 = question;
    }

    /// Shows the last line: what is wanted, and what was typed so far.
    pub fn show(&self, wanted: &str) {
        if self.is_closed() {
            return;
        }
        let mut asked = self.asked();
        wanted.clone_into(&mut asked.1);
        let mut text = asked.0.join("\n");
        if !asked.0.is_empty() {
            text.push('\n');
        }
        text.push_str(wanted);
        drop(asked);
        self.lines.set_message(text);
    }

    /// Draws everything anew if the terminal was made larger or smaller: the machines are shown again when there is something new
    /// of them, since the question needs the room.
    pub fn follow(&self) {
        if !self.is_closed() && self.screen.follow(&self.bars) {
            self.rows.lock().unwrap_or_else(PoisonError::into_inner).show(&[], 0);
        }
    }

    /// Takes the question away, and prints it with what became of it above the bars, where it stays.
    ///
    /// # Errors
    ///
    /// The terminal's.
    pub fn settle(&self, said: &str) -> std::io::Result<()> {
        let mut lines = std::mem::take(&mut *self.asked()).0;
        self.lines.set_message("");
        lines.push(said.to_owned());
        self.say(&lines)
    }

    /// Returns whether the bars are gone: nobody is asked any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Returns how many lines it takes.
    pub(super) fn height(&self) -> usize {
        let asked = self.asked();
        let lines = asked.0.iter().map(String::as_str).chain([asked.1.as_str()]);
        let width = self.screen.size().map_or(usize::MAX, |size| size.columns);
        lines.map(|line| columns(line).div_ceil(width).max(1)).sum()
    }

    /// Takes it away for good, with the bars; a question that stands is printed above them.
    pub(super) fn close(&self) {
        if self.is_closed.swap(true, Ordering::SeqCst) {
            return;
        }
        let question = std::mem::take(&mut *self.asked()).0;
        self.bars.remove(&self.lines);
        if !question.is_empty() {
            // A terminal that is gone needs no question.
            let _ = self.say(&question);
        }
    }

    fn asked(&self) -> MutexGuard<'_, (Vec<String>, String)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
