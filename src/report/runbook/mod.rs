//! The paper version of a plan, for the day on which no program runs: the same graph as check lists in the order of its steps.

mod parameter;
mod text;
mod words;

pub use text::markdown;
pub use text::page;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::forecast::Forecast;
use crate::forecast::Range;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::report::assumed;
use crate::syntax::inventory::Experience;

/// What binds a paper to the plan that it was printed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paper {
    /// When it was printed.
    pub made_at: Timestamp,
    /// File of the plan, as it was given.
    pub plan_path: String,
    /// Digest of the resolved plan.
    pub plan_digest: String,
    /// Digest of the facts.
    pub facts_digest: String,
    /// When the facts were observed.
    pub observed_at: Option<Timestamp>,
}

/// A plan on paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runbook {
    /// What binds it to its plan.
    pub paper: Paper,
    /// Name of the plan.
    pub plan: String,
    /// What the plan is for.
    pub description: Option<String>,
    /// Who answers for the plan and decides.
    pub owner: Option<String>,
    /// `classic` or `modernized`.
    pub experience: &'static str,
    /// Machines.
    pub machines: usize,
    /// Slot batches.
    pub waves: u16,
    /// How long everything is expected to take, in seconds; persons count as answering at once.
    pub expected: Range,
    /// What the plan asks for, in seconds: from the first failover to the last verification.
    pub rto_s: Option<u64>,
    /// What is expected of that.
    pub rto: Range,
    /// What of that no fact tells: a line for each matter.
    pub assumed: Vec<String>,
    /// What is to be done, in order.
    pub blocks: Vec<Block>,
}

/// Steps of one kind that may be done side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its number.
    pub number: usize,
    /// What is done.
    pub title: String,
    /// The slot batch; 0 for the whole plan.
    pub wave: u16,
    /// How it is done by hand.
    pub how: &'static str,
    /// What has to be seen before anything goes on.
    pub observe: &'static str,
    /// Whether it can't be taken back.
    pub is_final: bool,
    /// How long the longest of them is expected to take, in seconds.
    pub expected: Range,
    /// What has to be done before any of them: the number of a block, with its lines if they are not all meant.
    pub after: Vec<String>,
    /// What is to be done, machine by machine.
    pub tasks: Vec<Task>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// The step.
    pub step: String,
    /// What it is about.
    pub subject: String,
    /// Members, of a replication group.
    pub members: Vec<String>,
    /// Who answers, if a person does; empty: anybody whom the owner names.
    pub approvers: Vec<String>,
    /// Whether a person answers.
    pub needs_answer: bool,
    /// What to type or to choose.
    pub parameters: Vec<(String, String)>,
    /// What has to be done before, other than steps of the same subject: the number of a block, with its lines if they are not all
    /// meant.
    pub after: Vec<String>,
    /// Whether it was done already when the facts were observed.
    pub adopted: bool,
}

/// Lines of a block that are named; of more, their number.
const NAMED: usize = 6;

/// Returns the paper version of a plan.
#[must_use]
pub fn runbook(graph: &Graph, forecast: &Forecast, paper: Paper) -> Runbook {
    let plan = &graph.model().plan;
    let classic = graph.experience() == Experience::Classic;
    let mut order: Vec<StepIndex> = (0..).take(graph.steps().len()).collect();
    order.sort_by_key(|step| {
        let of = graph.step(*step);
        (of.level, of.kind, of.wave, *step)
    });
    let places = Places::of(graph, &order);
    let mut blocks: Vec<Block> = Vec::new();
    let mut last = None;
    for index in order {
        let step = graph.step(index);
        let key = places.number(index);
        if last != Some(key) {
            last = Some(key);
            let words = words::of(step.kind, classic);
            blocks.push(Block {
                number: key,
                title: words.title.to_owned(),
                wave: step.wave,
                how: words.how,
                observe: words.observe,
                is_final: graph.is_irreversible(index),
                expected: Range::default(),
                after: Vec::new(),
                tasks: Vec::new(),
            });
        }
        let expected = forecast.steps.get(index as usize).copied().unwrap_or_default();
        if let Some(block) = blocks.last_mut() {
            block.expected.low_s = block.expected.low_s.max(expected.low_s);
            block.expected.high_s = block.expected.high_s.max(expected.high_s);
            block.tasks.push(task(graph, index, &places));
        }
    }
    for block in &mut blocks {
        // What all of them come after is told once.
        let first = block.tasks.first().map(|task| task.after.clone()).unwrap_or_default();
        if block.tasks.iter().all(|task| task.after == first) {
            block.tasks.iter_mut().for_each(|task| task.after.clear());
            block.after = first;
        }
    }
    Runbook {
        paper,
        plan: plan.name.value.clone(),
        description: plan.description.as_ref().map(|text| text.value.clone()),
        owner: plan.owner.as_ref().map(|text| text.value.clone()),
        experience: if classic { "classic" } else { "modernized" },
        machines: graph.model().machines().len(),
        waves: graph.waves().count,
        expected: Range { low_s: forecast.low_s, high_s: forecast.high_s },
        rto_s: forecast.rto.objective_s,
        rto: forecast.rto.expected,
        assumed: assumed::all(&forecast.assumed),
        blocks,
    }
}

/// Where each step stands on the paper: whoever has nothing else finds no step by its id.
struct Places {
    /// The number of each step's block.
    numbers: Vec<usize>,
    /// How many lines each block has, the first one at 1.
    lines: BTreeMap<usize, usize>,
}

impl Places {
    /// Returns the places of steps in their order on the paper.
    fn of(graph: &Graph, order: &[StepIndex]) -> Self {
        let (mut numbers, mut lines) = (vec![0; order.len()], BTreeMap::new());
        let (mut number, mut last) = (0, None);
        for index in order {
            let step = graph.step(*index);
            let key = (step.level, step.kind, step.wave);
            if last.replace(key) != Some(key) {
                number += 1;
            }
            numbers[*index as usize] = number;
            *lines.entry(number).or_default() += 1;
        }
        Self { numbers, lines }
    }

    fn number(&self, step: StepIndex) -> usize {
        self.numbers[step as usize]
    }

    /// Returns where steps stand: the number of each block, and which of its lines are meant unless all are.
    fn told(&self, graph: &Graph, steps: impl Iterator<Item = StepIndex>) -> Vec<String> {
        let mut blocks: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for step in steps {
            blocks.entry(self.number(step)).or_default().push(graph.subject_name(step));
        }
        let told = blocks.into_iter().map(|(number, mut lines)| {
            if self.lines.get(&number) == Some(&lines.len()) {
                return format!("block {number}");
            }
            if lines.len() > NAMED {
                let more = lines.split_off(NAMED).len();
                lines.push(format!("and {more} more"));
            }
            format!("block {number} ({})", lines.join(", "))
        });
        told.collect()
    }
}

fn task(graph: &Graph, index: StepIndex, places: &Places) -> Task {
    let step = graph.step(index);
    let model = graph.model();
    let members = match step.subject {
        StepSubject::Group(_) => {
            graph.machines_of(index).iter().map(|machine| machine.name().value.clone()).collect()
        }
        StepSubject::Plan
        | StepSubject::Machine(_)
        | StepSubject::Wave(_)
        | StepSubject::BootGroup(_)
        | StepSubject::Action(_) => Vec::new(),
    };
    let approvers = match step.subject {
        StepSubject::Action(action) => {
            let manual = model.plan.actions[action].manual.as_ref();
            manual
                .map_or(Vec::new(), |manual| manual.approvers.iter().map(|role| role.value.clone()).collect())
        }
        _ if step.kind.is_approval() => {
            let approvals = model.plan.execution.as_ref().and_then(|execution| execution.approvals.as_ref());
            approvals.map_or(Vec::new(), |approvals| {
                approvals.approvers.iter().map(|role| role.value.clone()).collect()
            })
        }
        StepSubject::Plan
        | StepSubject::Machine(_)
        | StepSubject::Group(_)
        | StepSubject::Wave(_)
        | StepSubject::BootGroup(_) => Vec::new(),
    };
    let others = graph.before(index).iter().filter(|before| graph.step(**before).subject != step.subject);
    let after = places.told(graph, others.copied());
    Task {
        step: step.id.to_string(),
        subject: graph.subject_name(index),
        members,
        approvers,
        needs_answer: graph.needs_approval(index),
        parameters: parameter::of(graph, index),
        // A gate names the machines that it waits for by itself.
        after: if matches!(step.kind, StepKind::Barrier | StepKind::BootGroup) { Vec::new() } else { after },
        adopted: step.adopted,
    }
}
