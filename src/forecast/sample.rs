//! What simulated runs showed, of which forecasts give the bounds.

use crate::forecast::Range;
use crate::forecast::range;
use crate::forecast::simulate::Outcome;
use crate::forecast::work::Workload;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;

/// What simulated runs showed.
pub(super) struct Sample {
    pub(super) makespans: Vec<f64>,
    pub(super) outages: Vec<f64>,
    least: Vec<f64>,
    most: Vec<f64>,
    /// When each machine's point of no return begins, at the earliest and at the latest.
    pub(super) no_return: Vec<(f64, f64)>,
    /// The failover and the verification of each machine.
    pub(super) ways: Vec<Outage>,
    /// The outages of each replication group.
    pub(super) groups: Vec<Outage>,
}

/// How long a machine, or several, are away.
#[derive(Clone, Debug, Default)]
pub(super) struct Outage {
    /// Failovers and verifications.
    steps: Vec<(StepIndex, StepIndex)>,
    bounds: Option<(f64, f64)>,
}

impl Outage {
    pub(super) fn add(&mut self, outcome: &Outcome) {
        let begin = self.steps.iter().map(|(failover, _)| outcome.begin[*failover as usize]);
        let end = self.steps.iter().map(|(_, verify)| outcome.end[*verify as usize]);
        let (begin, end) = (begin.fold(f64::MAX, f64::min), end.fold(0.0, f64::max));
        let seconds = if begin < end { end - begin } else { 0.0 };
        let (least, most) = self.bounds.unwrap_or((f64::MAX, 0.0));
        self.bounds = Some((least.min(seconds), most.max(seconds)));
    }

    pub(super) fn range(&self) -> Range {
        self.bounds.map_or(Range::default(), |(least, most)| range(least, most))
    }
}

/// Returns the failover and the verification of each machine that is still to be brought home.
fn outages(graph: &Graph) -> Vec<Outage> {
    let mut steps = vec![(None, None); graph.model().machines().len()];
    for (at, step) in (0..).zip(graph.steps()).filter(|(_, step)| !step.adopted) {
        match step.kind {
            StepKind::Failover => graph.indexes_of(at).for_each(|machine| steps[machine].0 = Some(at)),
            StepKind::Verify => graph.indexes_of(at).for_each(|machine| steps[machine].1 = Some(at)),
            _ => {}
        }
    }
    let pairs = steps.into_iter().map(|(failover, verify)| failover.zip(verify));
    pairs.map(|pair| Outage { steps: pair.into_iter().collect(), bounds: None }).collect()
}

impl Sample {
    pub(super) fn new(graph: &Graph) -> Self {
        let count = graph.steps().len();
        let ways = outages(graph);
        let of_group = |group: crate::model::Group<'_>| Outage {
            steps: group.members().flat_map(|member| ways[member.index()].steps.clone()).collect(),
            bounds: None,
        };
        let groups = graph.model().groups().map(of_group).collect();
        Self {
            makespans: Vec::new(),
            outages: Vec::new(),
            least: vec![f64::MAX; count],
            most: vec![0.0; count],
            no_return: vec![(f64::MAX, 0.0); graph.model().machines().len()],
            ways,
            groups,
        }
    }

    pub(super) fn add(&mut self, load: &Workload<'_>, outcome: &Outcome) {
        self.makespans.push(outcome.makespan);
        let (mut first, mut last) = (f64::MAX, 0.0_f64);
        for (at, step) in load.graph.steps().iter().enumerate() {
            let (begin, end) = (outcome.begin[at], outcome.end[at]);
            let seconds = (end - begin).max(0.0);
            self.least[at] = self.least[at].min(seconds);
            self.most[at] = self.most[at].max(seconds);
            if !step.adopted {
                match step.kind {
                    StepKind::Failover => first = first.min(begin),
                    StepKind::Verify => last = last.max(end),
                    _ => {}
                }
            }
        }
        for (machine, (least, most)) in self.no_return.iter_mut().enumerate() {
            let begin = outcome.begin[load.graph.point_of_no_return(machine) as usize];
            (*least, *most) = (least.min(begin), most.max(begin));
        }
        let counted = self.ways.iter_mut().chain(&mut self.groups);
        counted.filter(|outage| !outage.steps.is_empty()).for_each(|outage| outage.add(outcome));
        self.outages.push(if first < last { last - first } else { 0.0 });
    }

    pub(super) fn steps(&self) -> Vec<Range> {
        self.least.iter().zip(&self.most).map(|(least, most)| range(*least, *most)).collect()
    }
}
