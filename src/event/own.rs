//! Which failovers a run began itself: a run that ends by taking its failovers back takes back no other.

use std::collections::BTreeSet;

use crate::event::RunState;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::MachineName;
use crate::model::Machine;
use crate::provider::Request;

impl RunState {
    /// Returns whether this run may take back the failover of a machine. One that is to end like that, whoever is there, takes
    /// back only what the site took on for it; of any other run a person orders it.
    #[must_use]
    pub fn may_take_back(&self, machine: usize) -> bool {
        !self.graph.model().plan.is_taken_back || self.own.contains(&machine)
    }

    /// Returns the machines whose failover the site took on for this run.
    #[must_use]
    pub const fn own_failovers(&self) -> &BTreeSet<usize> {
        &self.own
    }

    /// Returns why a request can't be one of this run: it would take back what others began.
    pub(super) fn objection_to(&self, request: &Request) -> Option<String> {
        let Request::CancelFailover { machine } = request else { return None };
        let known = self.indexes(std::slice::from_ref(machine)).next();
        (!known.is_some_and(|index| self.may_take_back(index))).then(|| {
            format!("it would take back the failover of {machine}, which the site never took on for this run")
        })
    }

    /// A request is about to be sent: a failover that is asked for anew was not done before.
    pub(super) fn sends(&mut self, request: &Request) {
        for index in self.failed_over_by(request) {
            self.own.remove(&index);
        }
    }

    /// The site took the open request of a step on.
    pub(super) fn takes_on(&mut self, step: StepIndex) {
        let machines = self.open_failover(step);
        self.own.extend(machines);
    }

    /// The open request of a step failed. Of several machines some may have come through; of one it is known that it did not.
    pub(super) fn comes_to_nothing(&mut self, step: StepIndex) {
        if let [only] = self.open_failover(step)[..] {
            self.own.remove(&only);
        }
    }

    /// A settled step is to be done again: what it did not do before is not its own.
    pub(super) fn disowns(&mut self, step: StepIndex) {
        if self.graph.kind(step) == StepKind::Failover {
            let machines: Vec<usize> = self.graph.indexes_of(step).collect();
            let done = &self.steps[step as usize].done;
            self.own.retain(|index| !machines.contains(index) || done.contains(index));
        }
    }

    /// Returns the machines that the open request of a step fails over.
    fn open_failover(&self, step: StepIndex) -> Vec<usize> {
        let intent = self.step(step).intent.as_deref();
        intent.map_or(Vec::new(), |(_, request)| self.failed_over_by(request))
    }

    fn failed_over_by(&self, request: &Request) -> Vec<usize> {
        match request {
            Request::FailoverToOnprem { machines, .. } => self.indexes(machines).collect(),
            _ => Vec::new(),
        }
    }

    fn indexes<'s>(&'s self, machines: &'s [MachineName]) -> impl Iterator<Item = usize> + 's {
        let model = self.graph.model();
        machines
            .iter()
            .filter_map(|name| model.machine_named(name.as_str()))
            .map(|machine: Machine<'_>| machine.index())
    }
}
