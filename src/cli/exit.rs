//! Exit codes: an interface, never renumbered.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for was done.
    Success = 0,
    /// The plan was refused: error findings, mistakes in a document, or undecided rules under `--strict`.
    Refused = 1,
    /// The command line is wrong, or something could not be read or written.
    Usage = 2,
    /// The run ended with failures.
    Failed = 3,
    /// The run waits for an approval, and nobody is there.
    Waiting = 4,
    /// Another process holds the run.
    Busy = 5,
    /// A bug in `failback`.
    Bug = 70,
    /// Interrupted; the run can be resumed.
    Interrupted = 130,
}

impl Exit {
    /// Returns the code that the process ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}
