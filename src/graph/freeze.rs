//! Turns the graph that was built into arrays that are fast to read and never change.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;

use crate::graph::Graph;
use crate::graph::Neighbours;
use crate::graph::Step;
use crate::graph::StepIndex;
use crate::graph::kinds::Kinds;
use crate::graph::own_place;
use crate::graph::rank::Ranks;
use crate::graph::slots::Attached;
use crate::graph::vcenter::Vcenters;
use crate::graph::wave;
use crate::model::Model;
use crate::syntax::inventory::Experience;

/// Returns the nodes so that each comes after those before it, else in the order in which they were made: the plan's.
fn in_order(graph: &DiGraph<Step, ()>) -> Vec<NodeIndex> {
    use petgraph::Direction::Incoming;
    let mut waiting: Vec<usize> =
        graph.node_indices().map(|node| graph.edges_directed(node, Incoming).count()).collect();
    let free = graph.node_indices().filter(|node| waiting[node.index()] == 0);
    let mut ready: BinaryHeap<Reverse<NodeIndex>> = free.map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.node_count());
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for next in graph.neighbors(node) {
            waiting[next.index()] -= 1;
            if waiting[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    assert_eq!(order.len(), graph.node_count(), "a checked plan has no cycle");
    order
}

/// Turns the graph that was built into arrays, each step after those that it waits for.
pub(super) fn freeze(
    graph: DiGraph<Step, ()>,
    model: Arc<Model>,
    experience: Experience,
    waves: wave::Waves,
) -> Graph {
    let order = in_order(&graph);
    let mut place: Vec<StepIndex> = vec![0; graph.node_count()];
    let mut steps: Vec<Step> = Vec::with_capacity(order.len());
    for (at, node) in order.iter().enumerate() {
        place[node.index()] =
            StepIndex::try_from(at).expect("a plan has less than four thousand million steps");
        let mut step = graph[*node].clone();
        let levels = graph.neighbors_directed(*node, petgraph::Direction::Incoming);
        step.level = levels.map(|before| steps[place[before.index()] as usize].level + 1).max().unwrap_or(0);
        steps.push(step);
    }
    let pairs = |turned: bool| {
        graph
            .raw_edges()
            .iter()
            .map(|edge| {
                let (from, to) = (place[edge.source().index()], place[edge.target().index()]);
                if turned { (to, from) } else { (from, to) }
            })
            .collect()
    };
    let after = Neighbours::new(steps.len(), pairs(false));
    let before = Neighbours::new(steps.len(), pairs(true));
    let own = (0..).zip(&steps).filter_map(|(at, step)| Some((own_place(&model, step.subject)?, at)));
    let own = own.collect::<Vec<_>>();
    let places = model.machines().len() + model.groups().len() + model.plan.actions.len();
    let own = Neighbours::new(places, own);
    let index = (0..).zip(&steps).map(|(at, step)| (step.id.clone(), at)).collect();
    let kinds = Kinds::new(&steps, &model, &index);
    let ranks = Ranks::by_remaining(&vec![0.0; steps.len()]);
    let vcenters = Vcenters::of(&model);
    let attached = Attached::of(&model);
    let no_return = Vec::new();
    let mut graph = Graph {
        model,
        experience,
        waves,
        steps,
        before,
        after,
        own,
        index,
        ranks,
        vcenters,
        attached,
        kinds,
        no_return,
    };
    graph.find_no_return();
    graph
}
