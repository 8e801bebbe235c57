//! How long a graph will take, how much data it moves, what holds it up, and what data is lost: all on paper.
//!
//! The graph is run in thought, many times, each time with other figures between the bounds that recordings and
//! articles give; the forecast is the range into which 97 of 100 such runs fall. Persons count as answering at once.
//!
//! An article (vmware-azure-reprotect, 2021) says that what a reprotect into the original VM copies is anything from
//! nothing to the size of its disks. That interval is true and of no use for planning, so times are forecast with
//! the changed part that is assumed in `duration`, or with the machine's own churn where the facts have it, and the
//! article's interval is given beside it as the worst case of the data.

mod amount;
mod assumed;
mod cost;
mod draw;
mod duration;
mod limit;
mod line;
mod loss;
mod places;
mod sample;
mod simulate;
mod urgency;
pub mod window;
mod work;

pub use urgency::ranked;
pub use window::Hours;
pub use window::Opening;

pub use assumed::Assumed;
pub use limit::Limit;
pub use limit::LimitKind;
pub use loss::Loss;
pub use loss::PredictedPoint;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::forecast::amount::Amount;
use crate::forecast::draw::Draw;
use crate::forecast::sample::Outage;
use crate::forecast::sample::Sample;
use crate::forecast::simulate::NO_CAUSE;
use crate::forecast::simulate::Outcome;
use crate::forecast::simulate::Settings;
use crate::forecast::simulate::simulate;
use crate::forecast::work::Work;
use crate::forecast::work::Workload;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::StepId;
use crate::quantity::Seconds;
use crate::syntax::plan::RecoveryPlan;

/// A length of time, in seconds, of which only the bounds are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The least.
    pub low_s: u64,
    /// The most.
    pub high_s: u64,
}

/// An amount of data, in bytes, of which only the bounds are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Data {
    /// The least that is expected.
    pub low: u64,
    /// The most that is expected.
    pub high: u64,
    /// The most that there can be: the size of all disks.
    pub worst: u64,
}

/// Whether an objective can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Even the most that is expected keeps it.
    Kept,
    /// It depends.
    Uncertain,
    /// Not even the least that is expected keeps it.
    Missed,
}

/// An objective of the plan, and what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Objective {
    /// What the plan asks for, in seconds; `None` if it asks for nothing.
    pub objective_s: Option<u64>,
    /// What is expected.
    pub expected: Range,
    /// Whether it can be kept; `None` if there is no objective.
    pub verdict: Option<Verdict>,
}

/// What persons have to do; how long they take is in no figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct People {
    /// Approvals that the plan asks for.
    pub approvals: usize,
    /// Manual actions and deletions that persons make.
    pub manual: usize,
}

/// How long a plan will take, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// From the start of the run to its last step, in seconds; persons count as answering at once.
    pub low_s: u64,
    /// See `low_s`.
    pub high_s: u64,
    /// What holds the run up most.
    pub binding: Limit,
    /// Everything that holds it up, the heaviest first.
    pub limits: Vec<Limit>,
    /// The steps that the end of the run waits for, one after another.
    pub critical_path: Vec<StepId>,
    /// Data that goes to on-premises.
    pub bytes: Data,
    /// What is taken for granted where facts are missing.
    pub assumed: Assumed,
    /// From the first failover to the last verification.
    pub rto: Objective,
    /// Data that is lost, as time: of the unluckiest machine.
    pub rpo: Objective,
    /// From the reprotect job's end until the last machine is protected, against `reprotect_deadline`.
    pub protection: Objective,
    /// What persons have to do.
    pub people: People,
    /// What each replication group, and each machine alone, loses.
    pub losses: Vec<Loss>,
    /// Range of each step, in the order of the graph's steps.
    #[serde(skip)]
    pub steps: Vec<Range>,
    /// How each step goes in the run in which every figure is the middle of its range, in the order of the graph's steps.
    #[serde(skip)]
    pub course: Vec<Course>,
    /// When each machine passes its point of no return after the start of the run, in the order of the model's machines; persons
    /// count as answering at once.
    #[serde(skip)]
    pub no_return: Vec<Range>,
    /// From the failover of each machine to the end of its verification, in the order of the model's machines.
    #[serde(skip)]
    pub outages: Vec<Range>,
    /// From the first failover of each replication group to its last verification, in the order of the model's groups.
    #[serde(skip)]
    pub group_outages: Vec<Range>,
    /// Data of each machine that goes to on-premises, in the order of the model's machines.
    #[serde(skip)]
    pub machines: Vec<Data>,
    /// Recovery point of each machine, in the order of the model's machines.
    #[serde(skip)]
    pub points: Vec<PredictedPoint>,
}

/// How a step goes in one run on paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// Seconds from the end of the last step that it comes after to its begin: for a place, a server's disks, the window.
    pub waits_s: u64,
    /// Seconds from its begin to its end, on lines that it shares.
    pub takes_s: u64,
}

/// Returns how the steps of a graph went.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are positive and bounded")]
fn course(graph: &Graph, outcome: &Outcome) -> Vec<Course> {
    let of = |at: StepIndex| {
        let (begin, end) = (outcome.begin[at as usize], outcome.end[at as usize]);
        let before = graph.before(at).iter().map(|before| outcome.end[*before as usize]).fold(0.0, f64::max);
        Course {
            waits_s: (begin - before).max(0.0).round() as u64,
            takes_s: (end - begin.max(before)).max(0.0).round() as u64,
        }
    };
    (0..).take(graph.steps().len()).map(of).collect()
}

/// Simulated steps that a forecast may cost in all; ours: it keeps ten thousand machines under a second.
const BUDGET: usize = 1_500_000;

/// Runs that are simulated at least and at most; ours.
const RUNS: (usize, usize) = (6, 400);

/// Part of the runs that is left out at either end of the range; ours.
const LEFT_OUT: f64 = 0.015;

/// Part by which the range is widened at either end, for what the simulation does not know; ours.
const WIDENED: f64 = 0.004;

/// Returns how long a graph will take that is begun at `start`.
#[must_use]
pub fn forecast(graph: &Graph, start: Timestamp) -> Forecast {
    let load = Workload::new(graph, start);
    let plan = &graph.model().plan;
    let window = plan.execution.as_ref().and_then(|execution| execution.window.as_ref());
    let hours = window.map(Hours::of);
    let settings = Settings { draw: Draw::Middle, actions: 0.5, without: None, hours: hours.as_ref(), start };
    let middle = simulate(&load, settings);
    let limits = limit::limits(&load, settings, &middle);
    let runs = (BUDGET / graph.steps().len().max(1)).clamp(RUNS.0, RUNS.1);
    let mut sample = Sample::new(graph);
    let has_actions = load.work.iter().any(|work| matches!(work, Work::Action(_)));
    for seed in 0..runs as u64 {
        // Nobody knows how long an action takes: the range holds both that it takes no time and its whole timeout.
        let extremes: &[f64] = if has_actions { &[0.0, 1.0] } else { &[0.0] };
        for actions in extremes {
            let outcome = simulate(&load, Settings { draw: Draw::Seed(seed), actions: *actions, ..settings });
            sample.add(&load, &outcome);
        }
    }
    let total = range_of(&mut sample.makespans);
    let steps = sample.steps();
    let points: Vec<PredictedPoint> = graph.model().machines().map(loss::predict).collect();
    let losses = loss::losses(graph.model(), &points);
    let machines: Vec<Data> =
        graph.model().machines().map(|machine| data_of(&load, &middle, machine.index(), start)).collect();
    let sum = |field: fn(&Data) -> u64| machines.iter().map(field).sum();
    let worst = losses.iter().filter_map(|loss| loss.loss_s).max_by_key(|range| range.high_s);
    let objectives = plan.objectives.as_ref();
    Forecast {
        low_s: total.low_s,
        high_s: total.high_s,
        binding: limits[0].clone(),
        limits,
        critical_path: critical_path(&load, &middle),
        bytes: Data { low: sum(|data| data.low), high: sum(|data| data.high), worst: sum(|data| data.worst) },
        assumed: Assumed::of(&load),
        rto: objective(
            objectives.and_then(|objectives| objectives.rto).map(|rto| rto.value.0),
            range_of(&mut sample.outages),
        ),
        rpo: objective(
            objectives.and_then(|objectives| objectives.rpo).map(|rpo| rpo.value.0),
            worst.unwrap_or_default(),
        ),
        protection: objective(Some(deadline_of(plan)), slowest_protection(graph, &steps)),
        people: people(graph),
        losses,
        outages: sample.ways.iter().map(Outage::range).collect(),
        group_outages: sample.groups.iter().map(Outage::range).collect(),
        course: course(graph, &middle),
        no_return: sample.no_return.iter().map(|(least, most)| range(*least, *most)).collect(),
        steps,
        machines,
        points,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are positive and bounded")]
fn range(low: f64, high: f64) -> Range {
    Range { low_s: low.floor().max(0.0) as u64, high_s: high.ceil().max(0.0) as u64 }
}

/// Returns the range into which nearly all runs fall; few runs are widened, since they show less than there is.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number of runs is small"
)]
fn range_of(runs: &mut [f64]) -> Range {
    runs.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Range::default() };
    let left_out = (runs.len() as f64 * LEFT_OUT) as usize;
    // The fewer runs there are, the more may lie outside of them.
    let margin = if left_out > 0 { 0.0 } else { (last - first) * 2.0 / runs.len() as f64 };
    let (low, high) = (runs[left_out] - margin, runs[runs.len() - 1 - left_out] + margin);
    range(low * (1.0 - WIDENED), high * (1.0 + WIDENED))
}

fn objective(objective_s: Option<u64>, expected: Range) -> Objective {
    let verdict = objective_s.map(|most| {
        if expected.high_s <= most {
            Verdict::Kept
        } else if expected.low_s > most {
            Verdict::Missed
        } else {
            Verdict::Uncertain
        }
    });
    Objective { objective_s, expected, verdict }
}

/// Longest time from reprotect until a machine is protected, if the plan states no other.
const REPROTECT_DEADLINE: Seconds = Seconds::hours(48);

fn deadline_of(plan: &RecoveryPlan) -> u64 {
    let stated = plan.thresholds.as_ref().and_then(|thresholds| thresholds.reprotect_deadline);
    stated.map_or(REPROTECT_DEADLINE, |deadline| deadline.value).0
}

/// Returns the range of the machine whose initial replication takes longest.
fn slowest_protection(graph: &Graph, steps: &[Range]) -> Range {
    let protections =
        graph.steps().iter().zip(steps).filter(|(step, _)| step.kind == StepKind::AwaitProtected);
    protections.map(|(_, range)| *range).max_by_key(|range| (range.high_s, range.low_s)).unwrap_or_default()
}

fn people(graph: &Graph) -> People {
    let mut people = People::default();
    for (at, step) in (0..).zip(graph.steps()).filter(|(_, step)| !step.adopted) {
        if step.kind.is_approval() {
            people.approvals += 1;
        } else if graph.needs_approval(at) {
            people.manual += 1;
        }
    }
    people
}

/// Returns the steps that the end of a run waits for.
fn critical_path(load: &Workload<'_>, outcome: &Outcome) -> Vec<StepId> {
    let last = (0..).zip(&outcome.end).max_by(|one, other| one.1.total_cmp(other.1)).map(|(at, _)| at);
    let mut path = Vec::new();
    let mut at: StepIndex = last.unwrap_or(NO_CAUSE);
    while at != NO_CAUSE {
        let step = load.graph.step(at);
        if !step.adopted {
            path.push(step.id.clone());
        }
        at = outcome.cause[at as usize];
    }
    path.reverse();
    path
}

/// Returns the data of a machine that goes to on-premises.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate of bytes")]
fn data_of(load: &Workload<'_>, middle: &Outcome, machine: usize, start: Timestamp) -> Data {
    let step = load.protected[machine];
    if load.graph.step(step).adopted {
        return Data::default();
    }
    let of = load.graph.model().machine(machine);
    let bytes = |bytes: f64| bytes as u64;
    let worst = bytes(amount::total_bytes(of));
    match amount::to_onprem(of, start) {
        Amount::All(total) => Data { low: bytes(total), high: bytes(total), worst },
        Amount::Part(total) => {
            let (least, most) = duration::CHANGED_PART;
            Data { low: bytes(total * least), high: bytes(total * most), worst }
        }
        Amount::Since { per_second, moment, total } => {
            let at = |seconds: f64| bytes((per_second * (seconds - moment).max(0.0)).min(total));
            Data { low: at(0.0), high: at(middle.begin[step as usize] * 1.2), worst }
        }
        Amount::SinceStep { total, .. } => Data { low: 0, high: bytes(total), worst },
    }
}
