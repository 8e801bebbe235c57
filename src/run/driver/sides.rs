//! Tells how machines are seen, where that is not as everybody takes it to be.

use crate::event::RunEventKind;
use crate::event::Seen;
use crate::graph::StepIndex;
use crate::run::driver::engine::Engine;
use crate::run::recorder::RunError;
use crate::run::step;

impl Engine<'_> {
    /// Records which machines are in another state than the facts of the plan tell: the run goes on from what is there.
    pub(super) fn tell_states(&mut self, step: StepIndex) -> Result<(), RunError> {
        let count = self.model.machines().len();
        for machine in 0..count {
            let planned = self.graph.model().machine(machine).state().ok();
            let seen = self.model.machine(machine).state().ok();
            if seen.is_some() && seen != planned {
                self.tell_seen(step, machine)?;
            }
        }
        Ok(())
    }

    /// Tells at once of a machine that does not run on one side, and of one that does so again.
    pub(super) fn watch_sides(&mut self, step: StepIndex) -> Result<(), RunError> {
        let machines: Vec<usize> = self.recorder.state().machines_of(step).collect();
        for machine in machines {
            let known = self.recorder.state().seen(machine).and_then(Seen::sides);
            if Seen::of(self.model.machine(machine)).sides() != known {
                self.tell_seen(step, machine)?;
            }
        }
        Ok(())
    }

    /// Records how a machine is seen, unless that is what was recorded last, with the alarm of one that does not run on one side.
    pub(super) fn tell_seen(&mut self, step: StepIndex, machine: usize) -> Result<(), RunError> {
        let facts = self.model.machine(machine);
        let seen = Seen::of(facts);
        if self.recorder.state().seen(machine) == Some(seen) {
            return Ok(());
        }
        let alarm = step::alarm(&self.context(step, &[]), facts);
        let name = self.graph.name_of(machine).clone();
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(step, RunEventKind::MachineSeen { step: id.clone(), machine: name, seen })?;
        match alarm {
            Some((code, message)) => self
                .recorder
                .record_of(step, RunEventKind::Alarm { step: id, code: code.to_owned(), message }),
            None => Ok(()),
        }
    }
}
