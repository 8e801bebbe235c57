//! Where the servers stand that hold machines' disks: remembered at the reprotect, and anew once a person attached disks again.

use crate::event::RunEventKind;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::provider::Item;
use crate::run::driver::engine::Engine;
use crate::run::recorder::RunError;
use crate::syntax::inventory::Experience;

impl Engine<'_> {
    /// Records to which recovery point a machine came home, where the site says so: once, when it is looked at to be verified.
    pub(super) fn remember_points(&mut self, step: StepIndex, items: &[Item]) -> Result<(), RunError> {
        let state = self.recorder.state();
        if self.graph.kind(step) != StepKind::Verify || state.step(step).status != StepStatus::Running {
            return Ok(());
        }
        if items.iter().all(|item| item.failed_over_to.is_none()) {
            return Ok(());
        }
        let machines: Vec<usize> = state.machines_of(step).collect();
        for machine in machines {
            let name = self.graph.name_of(machine);
            let told = items.iter().find(|item| item.machine == *name);
            let Some(point) = told.and_then(|item| item.failed_over_to.clone()) else { continue };
            if self.recorder.state().point(machine) != Some(&point) {
                let (id, machine) = (self.recorder.state().id(step).clone(), name.clone());
                self.recorder.record_of(step, RunEventKind::PointReported { step: id, machine, point })?;
            }
        }
        Ok(())
    }

    /// Records where the server of a reprotect stands: a server that is moved between reprotect and failover loses the disks.
    pub(super) fn remember_placement(&mut self, step: StepIndex, adopts: bool) -> Result<(), RunError> {
        let (StepKind::Reprotect, StepSubject::Machine(index)) =
            (self.graph.kind(step), self.graph.step(step).subject)
        else {
            return Ok(());
        };
        let Some((server, datastore)) = self.server_of(index) else { return Ok(()) };
        let machine = self.model.machine(index);
        // Where the server stood when the run began is nearer to a reprotect of before than what is seen now.
        let known = machine.placement_at_reprotect().filter(|_| adopts);
        let datastore = known.map_or(datastore, str::to_owned);
        let state = self.recorder.state();
        if state.placement(step) == Some(datastore.as_str()) {
            return Ok(());
        }
        let name = machine.name().value.clone();
        self.model.remember_placement(&name, &datastore);
        let id = self.recorder.state().id(step).clone();
        self.recorder.record_of(step, RunEventKind::ServerPlaced { step: id, server, datastore })
    }

    /// Records where the servers stand to which a person attached disks again: from now on they must stay there.
    pub(super) fn place_again(&mut self, machines: &[usize]) -> Result<(), RunError> {
        for machine in machines {
            let state = self.recorder.state();
            let reprotect =
                state.reprotect_of(*machine).filter(|reprotect| state.is_to_be_placed(*reprotect));
            let Some(reprotect) = reprotect else { continue };
            let Some((server, datastore)) = self.server_of(*machine) else { continue };
            let name = self.model.machine(*machine).name().value.clone();
            self.model.remember_placement(&name, &datastore);
            let step = self.recorder.state().id(reprotect).clone();
            self.recorder.record_of(reprotect, RunEventKind::ServerPlaced { step, server, datastore })?;
        }
        Ok(())
    }

    /// Returns the server that receives a machine's data, and the datastore that it is seen on.
    fn server_of(&self, machine: usize) -> Option<(String, String)> {
        let machine = self.model.machine(machine);
        let (server, datastore) = match self.graph.experience() {
            Experience::Classic => {
                machine.master_target().map(|server| (&server.facts.name, &server.facts.datastore))
            }
            Experience::Modernized => {
                machine.appliance().map(|server| (&server.facts.name, &server.facts.datastore))
            }
        }?;
        Some((server.value.clone(), datastore.as_ref()?.value.clone()))
    }
}
