//! What of a plan was exercised: which steps, when, by which run, and what changed since. From records and graph alone.

mod content;
mod suggest;

pub use content::Content;
pub use content::contents;
pub use suggest::Suggestion;
pub use suggest::out_of_reach;
pub use suggest::suggest;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use jiff::SignedDuration;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::event::RunState;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::id::DrillId;
use crate::id::RunId;
use crate::id::StepId;
use crate::model::Machine;
use crate::model::PointChoice;
use crate::syntax::inventory::Experience;

/// Where a step was exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// On the emulator.
    Rehearsal,
    /// On the real site.
    Live,
}

impl Where {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rehearsal => "rehearsal",
            Self::Live => "live",
        }
    }
}

/// A run that exercised a plan or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exercise {
    /// The run.
    pub run: RunId,
    /// The drill that made it, if one did.
    pub drill: Option<DrillId>,
    /// Where it ran.
    pub kind: Where,
    /// When it began, by the machine's clock.
    pub at: Timestamp,
    /// Digest of the plan that it ran: of the whole, if a drill says that.
    pub plan_digest: String,
}

/// A run, and the steps that it carried out.
#[derive(Clone, Debug)]
pub struct Done {
    /// The run.
    pub exercise: Exercise,
    /// What it carried out itself; what was there before, failed or was left out is not in it.
    pub steps: HashSet<Content>,
}

impl Done {
    /// Returns what a run carried out, by how it stands.
    #[must_use]
    pub fn of(exercise: Exercise, state: &RunState) -> Self {
        let graph = state.graph();
        let is_done = |index: StepIndex| {
            state.step(index).status == StepStatus::Succeeded && state.lost_at(index).next().is_none()
        };
        let steps = (0..).zip(contents(graph)).filter(|(index, _)| is_done(*index));
        Self { exercise, steps: steps.map(|(_, content)| content).collect() }
    }
}

/// How it stands about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It was exercised as it is, and lately enough.
    Exercised,
    /// It was exercised as it is, but too long ago.
    Stale,
    /// It was exercised, and has changed since.
    Changed,
    /// It was never exercised.
    Never,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepCoverage {
    /// The step.
    pub step: StepId,
    /// What it does.
    pub kind: StepKind,
    /// Name of what it is about.
    pub subject: String,
    /// How it stands.
    pub state: Standing,
    /// The last run that exercised it, as it is or as it was before it changed.
    pub last: Option<Exercise>,
}

/// How many of some were exercised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Those that were, lately enough.
    pub exercised: usize,
    /// All.
    pub all: usize,
}

impl Share {
    /// Returns the share in percent, rounded down to a tenth; 100 of nothing.
    #[must_use]
    pub fn percent(self) -> f64 {
        if self.all == 0 {
            return 100.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "steps are counted in thousands")]
        let tenths = (self.exercised * 1000 / self.all) as f64;
        tenths / 10.0
    }

    fn of<'i>(states: impl Iterator<Item = &'i Named>) -> Self {
        let mut share = Self::default();
        for named in states {
            share.all += 1;
            share.exercised += usize::from(named.is_exercised);
        }
        share
    }
}

/// Something with steps of its own: a machine, a replication group, a mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Whether all of its steps were exercised lately enough; of a mode, whether a failover in it was.
    pub is_exercised: bool,
    /// When the one of its steps that was exercised longest ago was; `None` if one never was.
    pub oldest: Option<Timestamp>,
}

/// What of a plan was exercised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Version of the document: 1.
    pub version: u8,
    /// Name of the plan.
    pub plan: String,
    /// The moment at which ages are measured.
    pub at: Timestamp,
    /// What counts as too long ago, in seconds; `None` if nothing does.
    pub max_age_s: Option<u64>,
    /// Only such runs count; `None`: all.
    pub kind: Option<Where>,
    /// Steps.
    pub steps: Share,
    /// Share of the steps in percent, rounded down to a tenth.
    pub percent: f64,
    /// Machines all of whose steps were exercised.
    pub machines: Share,
    /// Replication groups all of whose steps were exercised.
    pub groups: Share,
    /// Approvals.
    pub approvals: Share,
    /// Actions.
    pub actions: Share,
    /// Ways in which machines come back: architecture, location, kind of recovery point.
    pub modes: Share,
    /// Each step, in the order of the plan.
    pub of_steps: Vec<StepCoverage>,
    /// Each machine.
    pub of_machines: Vec<Named>,
    /// Each replication group.
    pub of_groups: Vec<Named>,
    /// Each mode that the plan has.
    pub of_modes: Vec<Named>,
}

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The moment at which ages are measured.
    pub at: Timestamp,
    /// What was exercised longer ago than this is stale.
    pub max_age: Option<SignedDuration>,
    /// Only such runs count.
    pub kind: Option<Where>,
}

/// Returns what of a plan was exercised.
#[must_use]
pub fn coverage(graph: &Graph, done: &[Done], counting: Counting) -> Coverage {
    let found = Found::of(done, counting.kind);
    let of_steps: Vec<StepCoverage> = (0..)
        .zip(graph.steps())
        .zip(contents(graph))
        .map(|((index, step), content)| {
            let (state, last) = found.standing(&content, counting);
            StepCoverage {
                step: step.id.clone(),
                kind: step.kind,
                subject: graph.subject_name(index),
                state,
                last: last.cloned(),
            }
        })
        .collect();
    let of_machines: Vec<Named> =
        graph.model().machines().map(|machine| of_machine(graph, machine, &of_steps)).collect();
    let of_groups: Vec<Named> = graph
        .model()
        .groups()
        .map(|group| {
            let is_member = |name: &str| {
                name == group.name().value || group.members().any(|member| member.name().value == name)
            };
            let steps = of_steps.iter().filter(|step| is_member(&step.subject) && is_of_machines(step.kind));
            named(&group.name().value, steps)
        })
        .collect();
    let of_modes = modes(graph, &of_steps);
    let share = |counts: &dyn Fn(StepKind) -> bool| {
        let steps = of_steps.iter().filter(|step| counts(step.kind));
        let (mut exercised, mut all) = (0, 0);
        for step in steps {
            all += 1;
            exercised += usize::from(step.state == Standing::Exercised);
        }
        Share { exercised, all }
    };
    let steps = share(&|_| true);
    Coverage {
        version: 1,
        plan: graph.model().plan.name.value.clone(),
        at: counting.at,
        max_age_s: counting.max_age.map(|age| age.as_secs().unsigned_abs()),
        kind: counting.kind,
        steps,
        percent: steps.percent(),
        machines: Share::of(of_machines.iter()),
        groups: Share::of(of_groups.iter()),
        approvals: share(&|kind| kind.is_approval()),
        actions: share(&|kind| kind == StepKind::Action),
        modes: Share::of(of_modes.iter()),
        of_steps,
        of_machines,
        of_groups,
        of_modes,
    }
}

/// The newest exercise of each step, as it is and by its name.
struct Found<'d> {
    exact: HashMap<&'d Content, &'d Exercise>,
    by_key: HashMap<&'d str, &'d Exercise>,
}

impl<'d> Found<'d> {
    fn of(done: &'d [Done], kind: Option<Where>) -> Self {
        let mut found = Self { exact: HashMap::new(), by_key: HashMap::new() };
        for Done { exercise, steps } in done {
            if kind.is_some_and(|kind| kind != exercise.kind) {
                continue;
            }
            for content in steps {
                let newest = |known: &mut &'d Exercise| {
                    if known.at < exercise.at {
                        *known = exercise;
                    }
                };
                found.exact.entry(content).and_modify(newest).or_insert(exercise);
                found.by_key.entry(&content.key).and_modify(newest).or_insert(exercise);
            }
        }
        found
    }

    fn standing(&self, content: &Content, counting: Counting) -> (Standing, Option<&'d Exercise>) {
        let exact = self.exact.get(content).copied();
        match (exact, self.by_key.get(content.key.as_str()).copied()) {
            (Some(exercise), _) => {
                let age = counting.at.duration_since(exercise.at);
                let is_old = counting.max_age.is_some_and(|most| age > most);
                (if is_old { Standing::Stale } else { Standing::Exercised }, Some(exercise))
            }
            (None, Some(exercise)) => (Standing::Changed, Some(exercise)),
            (None, None) => (Standing::Never, None),
        }
    }
}

/// Returns whether steps of a kind are about machines and replication groups.
fn is_of_machines(kind: StepKind) -> bool {
    !matches!(kind, StepKind::Preflight | StepKind::Barrier | StepKind::BootGroup | StepKind::Action)
}

fn named<'s>(name: &str, steps: impl Iterator<Item = &'s StepCoverage>) -> Named {
    let (mut is_exercised, mut oldest, mut is_known) = (true, None, true);
    for step in steps {
        is_exercised &= step.state == Standing::Exercised;
        let at = step.last.as_ref().filter(|_| step.state != Standing::Changed).map(|last| last.at);
        is_known &= at.is_some();
        oldest = match (oldest, at) {
            (Some(oldest), Some(at)) => Some(std::cmp::min(oldest, at)),
            (oldest, at) => oldest.or(at),
        };
    }
    Named { name: name.to_owned(), is_exercised, oldest: oldest.filter(|_| is_known) }
}

fn of_machine(graph: &Graph, machine: Machine<'_>, steps: &[StepCoverage]) -> Named {
    let own = graph.steps_about(StepSubject::Machine(machine.index()));
    let of_group = machine.group().map(|group| graph.steps_about(StepSubject::Group(group.index())));
    let all = own.iter().chain(of_group.into_iter().flatten());
    named(&machine.name().value, all.map(|index| &steps[*index as usize]))
}

/// Returns the ways in which machines of the plan come back, and when a failover in each was exercised last.
fn modes(graph: &Graph, steps: &[StepCoverage]) -> Vec<Named> {
    let architecture = match graph.experience() {
        Experience::Classic => "classic",
        Experience::Modernized => "modernized",
    };
    let mut modes: BTreeMap<String, Vec<&StepCoverage>> = BTreeMap::new();
    for (index, step) in (0..).zip(steps).filter(|(_, step)| step.kind == StepKind::Failover) {
        for machine in graph.machines_of(index) {
            let mut add = |mode: String| modes.entry(mode).or_default().push(step);
            add(format!("architecture {architecture}"));
            if let Ok(location) = machine.location_mode() {
                add(format!("location {}", location.as_str()));
            }
            if let Ok(Some(point)) = machine.point_choice() {
                add(format!("recovery point {}", word(point)));
            }
        }
    }
    let of = |(name, steps): (String, Vec<&StepCoverage>)| {
        let times = steps.iter().filter(|step| step.state != Standing::Changed);
        Named {
            is_exercised: steps.iter().any(|step| step.state == Standing::Exercised),
            oldest: times.filter_map(|step| step.last.as_ref()).map(|last| last.at).max(),
            name,
        }
    };
    modes.into_iter().map(of).collect()
}

fn word(point: PointChoice) -> String {
    let word = serde_json::to_value(point).ok().and_then(|word| word.as_str().map(str::to_owned));
    word.unwrap_or_default()
}
