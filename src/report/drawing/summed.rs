//! A graph of so many steps that nobody could read them one by one: the steps of a kind and a wave count as one.

use std::collections::BTreeMap;

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;

/// Steps that are drawn one by one; of more, those of a kind and a wave count as one.
pub(super) const STEPS: usize = 1_000;
/// Boot groups, or actions, that are drawn one by one in such a graph.
const NAMED: usize = 12;

/// Steps that count as one.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub label: String,
    pub kind: StepKind,
    /// The slot batch; 0 for steps of the plan.
    pub wave: u16,
    pub steps: Vec<StepIndex>,
}

/// Sums of steps, and which of them wait for which.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    pub nodes: Vec<Sum>,
    /// Pairs of nodes, with how many steps of the second wait for one of the first.
    pub edges: BTreeMap<(usize, usize), usize>,
}

/// Returns the graph with the steps of each kind and wave taken together.
pub(super) fn summed(graph: &Graph) -> Sums {
    let named = |is_it: fn(&StepSubject) -> bool| {
        graph.steps().iter().filter(|step| is_it(&step.subject)).count() <= NAMED
    };
    let few_groups = named(|subject| matches!(subject, StepSubject::BootGroup(_)));
    let few_actions = named(|subject| matches!(subject, StepSubject::Action(_)));
    let mut nodes: Vec<Sum> = Vec::new();
    let mut known: BTreeMap<(u16, StepKind, String), usize> = BTreeMap::new();
    let mut node_of = Vec::with_capacity(graph.steps().len());
    for (index, step) in (0..).zip(graph.steps()) {
        let own_name = match step.subject {
            StepSubject::Plan | StepSubject::Wave(_) => true,
            StepSubject::BootGroup(_) => few_groups,
            StepSubject::Action(_) => few_actions,
            StepSubject::Machine(_) | StepSubject::Group(_) => false,
        };
        let name = if own_name { step.id.as_str().to_owned() } else { String::new() };
        let node = *known.entry((step.wave, step.kind, name.clone())).or_insert_with(|| {
            let label = if own_name { name } else { step.kind.as_str().to_owned() };
            nodes.push(Sum { label, kind: step.kind, wave: step.wave, steps: Vec::new() });
            nodes.len() - 1
        });
        nodes[node].steps.push(index);
        node_of.push(node);
    }
    let mut edges = BTreeMap::new();
    for step in (0..).take(graph.steps().len()) {
        for next in graph.after(step) {
            let pair: (usize, usize) = (node_of[step as usize], node_of[*next as usize]);
            // Members of a sum that wait for each other are told by the count alone.
            if pair.0 != pair.1 {
                *edges.entry(pair).or_default() += 1;
            }
        }
    }
    Sums { nodes, edges }
}

impl Sum {
    /// Returns what is written on it.
    pub fn text(&self) -> String {
        if self.steps.len() > 1 {
            format!("{} × {}", self.label, self.steps.len())
        } else {
            self.label.clone()
        }
    }
}
