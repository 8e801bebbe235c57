//! Tells how machines are seen, where that is not as everybody takes it to be.

use crate::event::RunEventKind;
use crate::event::Seen;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::run::driver::engine::Engine;
use crate::run::guard;
use crate::run::recorder::RunError;
use crate::run::step;

/// The code of the alarm about an Azure VM that outlives its commit: its rule.
const AZURE_VM_REMAINS: &str = "FB707";

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

    /// Returns the machines of a commit that no later step looks at: those that are not protected again.
    pub(super) fn last_seen_by(&self, step: StepIndex) -> Vec<usize> {
        let is_last = |machine: &usize| self.graph.of_machine(*machine, StepKind::Forward).is_none();
        self.recorder.state().machines_of(step).filter(is_last).collect()
    }

    /// Tells of Azure VMs that a commit should have removed, of machines that were just seen and that no guard looks at any more;
    /// returns what is said of those of which nobody knows.
    pub(super) fn remaining_in_azure(&mut self, step: StepIndex) -> Result<Option<String>, RunError> {
        let machines = self.last_seen_by(step);
        if machines.is_empty() {
            return Ok(None);
        }
        let (seen, open) = guard::remaining_in_azure(&self.model, &machines, &self.guard_options());
        if !seen.is_empty() {
            self.alarm(step, AZURE_VM_REMAINS, seen.join("; "))?;
        }
        Ok((!open.is_empty()).then(|| open.join("; ")))
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
