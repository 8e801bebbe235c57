//! Where the steps of a graph stand: a column for each level, a lane for each machine, members of a group side by side.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepSubject;

/// A lane of a drawing.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub label: String,
    /// The replication group whose members stand below one another; none of anything else.
    pub group: Option<usize>,
    /// How many rows it has: as many as it has steps on one level.
    pub rows: usize,
    /// The row of its first one.
    pub first: usize,
}

/// Where everything stands.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub lanes: Vec<Lane>,
    /// Column and row of each step.
    pub places: Vec<(usize, usize)>,
    pub columns: usize,
    pub rows: usize,
}

/// Returns where the steps of a graph stand.
pub(super) fn layout(graph: &Graph) -> Layout {
    let model = graph.model();
    let mut lanes: Vec<(String, Option<usize>, Vec<StepIndex>)> = Vec::new();
    let of_plan = |subject: StepSubject| match subject {
        StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) => true,
        StepSubject::Machine(_) | StepSubject::Group(_) | StepSubject::Action(_) => false,
    };
    let steps: Vec<StepIndex> = (0..).take(graph.steps().len()).collect();
    let plan = steps.iter().copied().filter(|step| of_plan(graph.step(*step).subject)).collect();
    lanes.push(("plan".into(), None, plan));
    let is_action = |step: &StepIndex| matches!(graph.step(*step).subject, StepSubject::Action(_));
    let actions: Vec<StepIndex> = steps.iter().copied().filter(is_action).collect();
    if !actions.is_empty() {
        lanes.push(("actions".into(), None, actions));
    }
    let about = |subject| graph.steps_about(subject).to_vec();
    for group in model.groups() {
        let at = group.index();
        lanes.push((group.name().value.clone(), Some(at), about(StepSubject::Group(at))));
        for member in group.members() {
            let name = member.name().value.clone();
            lanes.push((name, Some(at), about(StepSubject::Machine(member.index()))));
        }
    }
    for machine in model.machines().filter(|machine| machine.group().is_none()) {
        lanes.push((machine.name().value.clone(), None, about(StepSubject::Machine(machine.index()))));
    }
    let mut columns: BTreeMap<u32, usize> = BTreeMap::new();
    for step in graph.steps() {
        columns.entry(step.level).or_default();
    }
    for (at, column) in columns.values_mut().enumerate() {
        *column = at;
    }
    let mut places = vec![(0, 0); steps.len()];
    let mut found = Vec::with_capacity(lanes.len());
    let mut first = 0;
    for (label, group, steps) in lanes {
        let mut used: BTreeMap<usize, usize> = BTreeMap::new();
        for step in steps {
            let column = columns[&graph.step(step).level];
            let row = used.entry(column).or_default();
            places[step as usize] = (column, first + *row);
            *row += 1;
        }
        let rows = used.values().copied().max().unwrap_or(1);
        found.push(Lane { label, group, rows, first });
        first += rows;
    }
    Layout { lanes: found, places, columns: columns.len(), rows: first }
}
