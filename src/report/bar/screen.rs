//! The terminal that bars stand on: how large it is, and what becomes of them when that changes.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::Mutex;

use indicatif::MultiProgress;

/// Rows and columns of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub rows: usize,
    pub columns: usize,
}

/// A terminal that may be made larger or smaller while bars stand on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen {
    /// The size at which the bars were drawn; `None` of what has no size.
    last: Arc<Mutex<Option<Size>>>,
    /// Whether it is standard error, which can be asked.
    is_real: bool,
}

impl Screen {
    /// Returns the terminal of standard error.
    pub fn of_stderr() -> Self {
        Self { last: Arc::new(Mutex::new(size_of_stderr())), is_real: true }
    }

    /// Returns a terminal that keeps its size.
    pub fn fixed(rows: u16, columns: u16) -> Self {
        let size = Size { rows: rows.into(), columns: columns.into() };
        Self { last: Arc::new(Mutex::new(Some(size))), is_real: false }
    }

    /// Returns its size, as it was when it was looked at last.
    pub fn size(&self) -> Option<Size> {
        self.last.lock().ok().and_then(|last| *last)
    }

    /// Returns whether its size is another one than before. Lines that were as wide as the terminal are broken by it in two, or pushed
    /// out of it, so that bars can't be drawn over where they stood: the page goes up, out of sight, and they begin on a clean one.
    pub fn follow(&self, bars: &MultiProgress) -> bool {
        let size = if self.is_real { size_of_stderr() } else { return false };
        let changed = self.last.lock().is_ok_and(|mut last| std::mem::replace(&mut *last, size) != size);
        if let Some(size) = size.filter(|_| changed) {
            let page = "\n".repeat(size.rows);
            bars.suspend(|| {
                // A terminal that is gone needs no clean page.
                let _ = write!(std::io::stderr(), "\r{page}\u{1b}[H\u{1b}[J");
            });
        }
        changed
    }
}

#[cfg(unix)]
fn size_of_stderr() -> Option<Size> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    let size = Size { rows: size.ws_row.into(), columns: size.ws_col.into() };
    (size.rows > 0 && size.columns > 0).then_some(size)
}

#[cfg(not(unix))]
fn size_of_stderr() -> Option<Size> {
    None
}
