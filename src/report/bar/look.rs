//! How bars look.

use crate::report::Verbosity;

/// How bars look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// How much is said above the bars.
    pub verbosity: Verbosity,
    /// Whether colours are written.
    pub color: bool,
    /// Whether the questions of the run are asked at this terminal, where nobody needs to be told of them twice.
    pub asks_here: bool,
}
