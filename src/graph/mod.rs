//! A checked plan as a graph of steps: compiled once, then frozen.

mod action;
mod compile;
pub mod dot;
mod freeze;
mod kinds;
mod no_return;
mod rank;
mod slots;
mod step;
pub mod vcenter;
pub mod wave;

pub use compile::compile;
pub use rank::Rank;
pub use step::Step;
pub use step::StepIndex;
pub use step::StepKind;
pub use step::StepSubject;
pub use wave::Waves;

use std::sync::Arc;

use crate::graph::kinds::Kinds;
use crate::graph::rank::Ranks;
use crate::graph::slots::Attached;
use crate::graph::vcenter::Lane;
use crate::graph::vcenter::Vcenters;
use crate::id::IdMap;
use crate::id::StepId;
use crate::model::Machine;
use crate::model::Model;
use crate::syntax::inventory::Experience;

/// The steps of a plan and what each waits for.
#[derive(Clone, Debug)]
pub struct Graph {
    model: Arc<Model>,
    experience: Experience,
    waves: Waves,
    /// In an order in which each step comes after those that it waits for.
    steps: Vec<Step>,
    before: Neighbours,
    after: Neighbours,
    /// The steps about each machine alone, each replication group and each action, in this order.
    own: Neighbours,
    index: IdMap<StepId, StepIndex>,
    ranks: Ranks,
    vcenters: Vcenters,
    attached: Attached,
    kinds: Kinds,
    /// The point of no return of each machine.
    no_return: Vec<StepIndex>,
}

/// Neighbours of every step, in one array.
#[derive(Clone, Debug, Default)]
struct Neighbours {
    starts: Vec<u32>,
    steps: Vec<StepIndex>,
}

impl Neighbours {
    fn of(&self, step: StepIndex) -> &[StepIndex] {
        let at = step as usize;
        &self.steps[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    fn new(count: usize, mut pairs: Vec<(StepIndex, StepIndex)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0; count + 1];
        for (step, _) in &pairs {
            starts[*step as usize + 1] += 1;
        }
        for at in 0..count {
            starts[at + 1] += starts[at];
        }
        Self { starts, steps: pairs.into_iter().map(|(_, other)| other).collect() }
    }
}

/// Returns the place of a machine, a replication group or an action among those that have steps of their own.
fn own_place(model: &Model, subject: StepSubject) -> Option<StepIndex> {
    let groups = model.machines().len();
    let actions = groups + model.groups().len();
    let place = match subject {
        StepSubject::Machine(machine) => machine,
        StepSubject::Group(group) => groups + group,
        StepSubject::Action(action) => actions + action,
        StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) => return None,
    };
    Some(StepIndex::try_from(place).expect("each of them has a step"))
}

impl Graph {
    /// Returns the plan and the facts that it was compiled with.
    #[must_use]
    pub const fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Returns the architecture of the vault.
    #[must_use]
    pub const fn experience(&self) -> Experience {
        self.experience
    }

    /// Returns the waves of the machines.
    #[must_use]
    pub const fn waves(&self) -> &Waves {
        &self.waves
    }

    /// Returns every step; each comes after those that it waits for.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns a step.
    ///
    /// # Panics
    ///
    /// If `step` is of another graph.
    #[must_use]
    pub fn step(&self, step: StepIndex) -> &Step {
        &self.steps[step as usize]
    }

    /// Returns the steps that a step waits for.
    #[must_use]
    pub fn before(&self, step: StepIndex) -> &[StepIndex] {
        self.before.of(step)
    }

    /// Returns the steps that wait for a step.
    #[must_use]
    pub fn after(&self, step: StepIndex) -> &[StepIndex] {
        self.after.of(step)
    }

    /// Returns the steps that are about a machine alone, a replication group or an action, in their order; none for anything else.
    ///
    /// # Panics
    ///
    /// If the model has no such machine, group or action.
    #[must_use]
    pub fn steps_about(&self, subject: StepSubject) -> &[StepIndex] {
        own_place(&self.model, subject).map_or(&[], |place| self.own.of(place))
    }

    /// Returns the machines that a step is about: one, the members of a replication group, or none.
    #[must_use]
    pub fn machines_of(&self, step: StepIndex) -> Vec<Machine<'_>> {
        match self.step(step).subject {
            StepSubject::Machine(index) => vec![self.model.machine(index)],
            StepSubject::Group(index) => {
                self.model.group(index).map_or(Vec::new(), |group| group.members().collect())
            }
            StepSubject::Wave(wave) => self
                .model
                .machines()
                .filter(|machine| self.waves.of_machine[machine.index()] == wave)
                .collect(),
            StepSubject::Plan | StepSubject::BootGroup(_) | StepSubject::Action(_) => Vec::new(),
        }
    }

    /// Returns the indexes of the machines that a step is about, as [`Graph::machines_of`].
    pub fn indexes_of(&self, step: StepIndex) -> impl Iterator<Item = usize> + use<'_> {
        // Most steps are about one machine, and many ask.
        let one = match self.step(step).subject {
            StepSubject::Machine(index) => Some(index),
            StepSubject::Plan
            | StepSubject::Group(_)
            | StepSubject::Wave(_)
            | StepSubject::BootGroup(_)
            | StepSubject::Action(_) => None,
        };
        let others = if one.is_some() { Vec::new() } else { self.machines_of(step) };
        one.into_iter().chain(others.into_iter().map(Machine::index))
    }

    /// Returns the name of what a step is about.
    #[must_use]
    pub fn subject_name(&self, step: StepIndex) -> String {
        match self.step(step).subject {
            StepSubject::Plan => self.model.plan.name.value.clone(),
            StepSubject::Machine(index) => self.model.machine(index).name().value.clone(),
            StepSubject::Group(index) => {
                self.model.group(index).map_or(String::new(), |group| group.name().value.clone())
            }
            StepSubject::Wave(wave) => format!("wave {wave}"),
            StepSubject::BootGroup(index) => self.model.plan.boot_groups[index].name.value.clone(),
            StepSubject::Action(index) => self.model.plan.actions[index].name.value.clone(),
        }
    }

    /// Returns the graph with steps ranked by how long the run goes on after each begins, in seconds: of several that may begin,
    /// the one with the longest way goes first. Without it, the plan's order holds.
    ///
    /// # Panics
    ///
    /// If there is not one figure for each step.
    #[must_use]
    pub fn ranked_by(mut self, remaining: &[f64]) -> Self {
        assert_eq!(remaining.len(), self.steps.len(), "each step has its own figure");
        self.ranks = Ranks::by_remaining(remaining);
        self
    }

    /// Returns the place of a step among those that want to begin at the same moment.
    #[must_use]
    pub fn rank(&self, step: StepIndex) -> Rank {
        self.ranks.of(step)
    }

    /// Returns the step that has a rank.
    #[must_use]
    pub fn ranked(&self, rank: Rank) -> StepIndex {
        self.ranks.step(rank)
    }

    /// Returns how many operations one vCenter takes at once, if the plan limits them.
    #[must_use]
    pub const fn vcenter_limit(&self) -> Option<u32> {
        self.vcenters.limit
    }

    /// Returns how many lanes the steps wait in: one for those that no vCenter limits, and one for each vCenter.
    #[must_use]
    pub const fn lanes(&self) -> usize {
        self.vcenters.lanes
    }

    /// Returns the lane that a step waits in: that of its first machine, if it makes a vCenter work that the plan limits.
    #[must_use]
    pub fn lane(&self, step: StepIndex) -> Lane {
        if self.vcenters.limit.is_none() || !vcenter::uses_vcenter(self.step(step).kind) {
            return vcenter::FREE;
        }
        self.indexes_of(step).next().map_or(vcenter::FREE, |machine| self.vcenters.lane(machine))
    }

    /// Returns the lanes of all vCenters that a step makes work, each once; none if the plan limits none.
    #[must_use]
    pub fn lanes_of(&self, step: StepIndex) -> Vec<Lane> {
        if self.lane(step) == vcenter::FREE {
            return Vec::new();
        }
        let mut lanes: Vec<Lane> = self.indexes_of(step).map(|machine| self.vcenters.lane(machine)).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    /// Returns whether a person ends the step: an approval, a manual action, or a deletion that a person makes.
    #[must_use]
    pub fn needs_approval(&self, step: StepIndex) -> bool {
        let step = self.step(step);
        match (step.kind, step.subject) {
            (StepKind::Action, StepSubject::Action(index)) => self.model.plan.actions[index].manual.is_some(),
            (kind, _) => kind.is_approval() || kind == StepKind::AwaitDeletion,
        }
    }

    /// Returns whether the step can't be taken back.
    #[must_use]
    pub fn is_irreversible(&self, step: StepIndex) -> bool {
        self.step(step).kind.is_irreversible(self.experience == Experience::Classic)
    }

    /// Returns whether an action runs when everything else has ended, however it ended.
    #[must_use]
    pub fn runs_last(&self, step: StepIndex) -> bool {
        let StepSubject::Action(index) = self.step(step).subject else { return false };
        let after = self.model.plan.actions[index].after.as_ref();
        after.is_some_and(|hook| hook.phase.value == crate::syntax::action::Phase::Run)
    }

    /// Returns whether a step begins inside the plan's window only: a failover, a commit, and what is done to the workload right
    /// before a failover, which else would stand still until the window opens.
    #[must_use]
    pub fn begins_inside_window(&self, step: StepIndex) -> bool {
        let of = self.step(step);
        match of.subject {
            StepSubject::Action(index) => {
                let before = self.model.plan.actions[index].before.as_ref();
                before.is_some_and(|hook| hook.phase.value == crate::syntax::action::Phase::Failover)
            }
            _ => matches!(of.kind, StepKind::Failover | StepKind::Commit),
        }
    }
}
