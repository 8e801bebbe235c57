//! The kinds of all steps, and the steps of each machine by their kinds, close together: every event of a run asks for them.

use crate::graph::Graph;
use crate::graph::Step;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::IdMap;
use crate::id::MachineName;
use crate::id::StepId;
use crate::model::Machine;
use crate::model::Model;

/// How many kinds there are.
const COUNT: usize = StepKind::Action as usize + 1;
/// Stands for no step.
const NONE: StepIndex = StepIndex::MAX;

/// The kinds of a graph's steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Kinds {
    of: Vec<StepKind>,
    /// By machine, and for each by kind, its step.
    of_machines: Vec<[StepIndex; COUNT]>,
    /// The names of the machines, as requests and events have them.
    names: Vec<MachineName>,
}

impl Kinds {
    pub(super) fn new(steps: &[Step], model: &Model, index: &IdMap<StepId, StepIndex>) -> Self {
        let mut of_machines = vec![[NONE; COUNT]; model.machines().len()];
        for (at, step) in (0..).zip(steps) {
            // Of two steps with one id, the index knows which counts.
            if let StepSubject::Machine(machine) = step.subject
                && index.get(&step.id) == Some(&at)
            {
                of_machines[machine][step.kind as usize] = at;
            }
        }
        let name = |machine: Machine<'_>| MachineName::new(machine.name().value.as_str());
        Self {
            of: steps.iter().map(|step| step.kind).collect(),
            of_machines,
            names: model.machines().map(name).collect(),
        }
    }
}

impl Graph {
    /// Returns what a step does.
    ///
    /// # Panics
    ///
    /// If the step is of another graph.
    #[must_use]
    pub fn kind(&self, step: StepIndex) -> StepKind {
        self.kinds.of[step as usize]
    }

    /// Returns the step of a kind that is about a machine alone.
    #[must_use]
    pub fn of_machine(&self, machine: usize, kind: StepKind) -> Option<StepIndex> {
        let steps = self.kinds.of_machines.get(machine)?;
        Some(steps[kind as usize]).filter(|step| *step != NONE)
    }

    /// Returns the name of a machine of the plan.
    ///
    /// # Panics
    ///
    /// If the machine is of another plan.
    #[must_use]
    pub fn name_of(&self, machine: usize) -> &MachineName {
        &self.kinds.names[machine]
    }

    /// Returns the index of a step.
    #[must_use]
    pub fn find(&self, id: &StepId) -> Option<StepIndex> {
        // Most steps are about a machine, and machines are fewer than steps.
        self.of_name(id.as_str()).or_else(|| self.index.get(id).copied())
    }

    fn of_name(&self, id: &str) -> Option<StepIndex> {
        let (kind, name) = id.split_once('/')?;
        let machine = self.model.machine_named(name)?;
        self.of_machine(machine.index(), StepKind::named(kind)?)
    }
}
