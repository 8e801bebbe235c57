//! What lets a check fail: from which weight on a violated rule does, and whether an undecided one does.

use crate::diagnostic::Severity;
use crate::render::Item;
use crate::rules;
use crate::rules::State;

/// What lets a check fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The weight from which on a violated rule lets it fail.
    pub fail_on: Severity,
    /// Whether an error that plan and inventory alone could decide may not stay undecided.
    pub strict: bool,
    /// Whether the facts were observed just now: then no error may stay undecided under `strict`.
    pub is_live: bool,
}

impl Gate {
    /// Returns whether an item lets the check fail.
    #[must_use]
    pub fn refuses(self, item: &Item<'_>) -> bool {
        match item.state {
            State::Violated => item.severity >= self.fail_on,
            State::Indeterminate => {
                self.strict
                    && item.severity == Severity::Error
                    && rules::refuses_undecided(item.code, self.is_live)
            }
            State::Unmeasured => {
                self.strict
                    && rules::weighs_as_error(item.code)
                    && rules::refuses_undecided(item.code, self.is_live)
            }
            State::Pending | State::Waived => false,
        }
    }
}
