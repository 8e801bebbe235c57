//! How a machine was seen: its state, and on which sides it runs.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Machine;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

/// How a machine was seen at one moment; `None` is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Where it is in its life cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Whether its on-premises VM runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_onprem: Option<bool>,
    /// Whether its Azure VM runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_in_azure: Option<bool>,
}

/// A machine does not run on one side, as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides {
    /// It runs on both.
    Both,
    /// It runs on neither.
    Neither,
}

impl Seen {
    /// Returns what the facts tell of a machine.
    #[must_use]
    pub fn of(machine: Machine<'_>) -> Self {
        let onprem = machine.onprem_vm().ok();
        let azure = machine.azure_vm().ok();
        Self {
            state: machine.state().ok(),
            runs_onprem: onprem.and_then(|vm| runs(vm.exists.as_deref(), vm.power_state.as_deref())),
            runs_in_azure: azure.and_then(|vm| runs(vm.exists.as_deref(), vm.power_state.as_deref())),
        }
    }

    /// Returns on which sides it runs, where that is not one of them; `None` also of what is not known. What is committed has one
    /// side, and may be off.
    #[must_use]
    pub const fn sides(self) -> Option<Sides> {
        match (self.runs_onprem, self.runs_in_azure) {
            (Some(true), Some(true)) => Some(Sides::Both),
            (Some(false), Some(false)) if !self.is_committed() => Some(Sides::Neither),
            (Some(_) | None, Some(_) | None) => None,
        }
    }

    const fn is_committed(self) -> bool {
        matches!(
            self.state,
            Some(State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure)
        )
    }
}

/// Returns whether a VM runs; `None` if that is not known, or changes just now.
fn runs(exists: Option<&bool>, power: Option<&PowerState>) -> Option<bool> {
    if exists == Some(&false) {
        return Some(false);
    }
    match power? {
        PowerState::Running => Some(true),
        PowerState::Stopped | PowerState::Deallocated | PowerState::Suspended => Some(false),
        PowerState::Starting | PowerState::Stopping => None,
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = |runs| match runs {
            Some(true) => "runs",
            Some(false) => "does not run",
            None => "may run",
        };
        let state = self.state.map_or("of unknown state", State::as_str);
        let (onprem, azure) = (runs(self.runs_onprem), runs(self.runs_in_azure));
        write!(f, "{state}, its on-premises VM {onprem}, its Azure VM {azure}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_powers_that_are_known_tell_of_a_side() {
        let seen = |state, runs_onprem, runs_in_azure| Seen { state, runs_onprem, runs_in_azure }.sides();
        let back = Some(State::FailedBack);
        assert_eq!(seen(back, Some(true), Some(true)), Some(Sides::Both));
        assert_eq!(seen(back, Some(false), Some(false)), Some(Sides::Neither));
        assert_eq!(seen(None, Some(false), Some(false)), Some(Sides::Neither));
        assert_eq!(seen(back, Some(true), Some(false)), None);
        assert_eq!(seen(back, None, Some(false)), None);
        assert_eq!(seen(Some(State::FailedBackCommitted), Some(false), Some(false)), None);
        assert_eq!(runs(Some(&false), None), Some(false), "what is not there does not run");
        assert_eq!(runs(None, Some(&PowerState::Starting)), None);
    }
}
