//! What a step is: its kind, the settings of what it is about, and what the plan orders before it. A step of which any of that
//! changes is another one, and was not exercised.

use std::collections::BTreeSet;
use std::collections::HashMap;

use serde::Serialize;

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Model;
use crate::model::PointChoice;
use crate::model::digest;
use crate::model::order;
use crate::model::order::Point;
use crate::model::order::Reason;
use crate::model::order::Subject;
use crate::model::settings::FailbackSettings;
use crate::model::settings::ForwardSettings;
use crate::syntax::action::Action;
use crate::syntax::action::Phase;
use crate::syntax::action::Probe;
use crate::syntax::inventory::Experience;
use crate::syntax::plan::FinalState;

/// A step, by what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Content {
    /// Its name, which stays when it changes. Waves follow from the facts, so that every barrier is the same.
    pub key: String,
    /// Digest of what it is.
    pub digest: String,
}

#[derive(Serialize)]
struct OfMachine<'m> {
    name: &'m str,
    group: Option<&'m str>,
    failback: &'m FailbackSettings,
    forward: Option<&'m ForwardSettings>,
    final_state: Option<FinalState>,
    probes: &'m [Probe],
    location: Option<LocationMode>,
    point: Option<PointChoice>,
}

#[derive(Serialize)]
enum About<'m> {
    Plan,
    Machine(OfMachine<'m>),
    Group { name: &'m str, quiesce: Option<&'m str>, members: Vec<OfMachine<'m>> },
    BootGroup { name: &'m str, members: Vec<&'m str> },
    Action(&'m Action),
}

fn of_machine(machine: Machine<'_>) -> OfMachine<'_> {
    let settings = machine.settings();
    OfMachine {
        name: &machine.name().value,
        group: machine.group().map(|group| group.name().value.as_str()),
        // Gates are steps of their own: what is done does not change with who is asked before.
        failback: &settings.failback,
        forward: settings.forward.as_ref(),
        final_state: settings.final_state.map(|state| state.value),
        probes: machine.probes(),
        location: machine.location_mode().ok(),
        point: machine.point_choice().ok().flatten(),
    }
}

fn about(model: &Model, subject: StepSubject) -> About<'_> {
    match subject {
        StepSubject::Plan | StepSubject::Wave(_) => About::Plan,
        StepSubject::Machine(index) => About::Machine(of_machine(model.machine(index))),
        StepSubject::Group(index) => match model.group(index) {
            Some(group) => About::Group {
                name: &group.name().value,
                quiesce: group.plan().quiesce.as_ref().map(|action| action.value.as_str()),
                members: group.members().map(of_machine).collect(),
            },
            None => About::Plan,
        },
        StepSubject::BootGroup(index) => {
            let group = &model.plan.boot_groups[index];
            let mut members: Vec<&str> = group.members.iter().map(|member| member.value.as_str()).collect();
            members.sort_unstable();
            About::BootGroup { name: &group.name.value, members }
        }
        StepSubject::Action(index) => About::Action(&model.plan.actions[index]),
    }
}

/// What has to be ordered before a step, as far as the plan says so.
pub(super) type Orders = Vec<Vec<Point>>;

/// Returns, for each step, the points that the plan's own words put before it; the life cycle of a machine is always the same.
pub(super) fn orders(graph: &Graph) -> Orders {
    let model = graph.model();
    let mut places = HashMap::new();
    for (index, step) in (0_u32..).zip(graph.steps()) {
        if let Some(point) = point_of(step.kind, step.subject) {
            places.insert(point, index);
        }
    }
    let mut orders = vec![Vec::new(); graph.steps().len()];
    for edge in order::edges(model) {
        match edge.reason {
            Reason::LifeCycle => continue,
            Reason::DependsOn | Reason::BootGroup | Reason::Action => {}
        }
        if let Some(index) = places.get(&edge.to) {
            orders[*index as usize].push(edge.from);
        }
    }
    orders
}

/// Returns the point of the order that a step stands for: one step for each.
fn point_of(kind: StepKind, subject: StepSubject) -> Option<Point> {
    let whose = match subject {
        StepSubject::Machine(index) => Some(Subject::Machine(index)),
        StepSubject::Group(index) => Some(Subject::Group(index)),
        StepSubject::BootGroup(index) => return Some(Point::BootGroupDone(index)),
        StepSubject::Action(index) => return Some(Point::Action(index)),
        StepSubject::Plan | StepSubject::Wave(_) => None,
    };
    let phase = match kind {
        StepKind::Reprotect => Phase::Reprotect,
        StepKind::Failover => Phase::Failover,
        StepKind::Verify => Phase::Verify,
        StepKind::Commit => Phase::Commit,
        StepKind::Forward => Phase::Forward,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => return None,
    };
    Some(Point::Phase(phase, whose?))
}

fn in_words(model: &Model, point: Point) -> String {
    match point {
        Point::Phase(phase, Subject::Machine(index)) => {
            format!("{} machine {}", phase.as_str(), model.machine(index).name())
        }
        Point::Phase(phase, Subject::Group(index)) => {
            let name = model.group(index).map_or("", |group| group.name().value.as_str());
            format!("{} group {name}", phase.as_str())
        }
        Point::Barrier => "barrier".to_owned(),
        Point::BootGroupDone(index) => format!("boot group {}", model.plan.boot_groups[index].name),
        Point::Action(index) => format!("action {}", model.plan.actions[index].name),
    }
}

/// Returns what each step of a graph is, in the order of its steps.
#[must_use]
pub fn contents(graph: &Graph) -> Vec<Content> {
    let model = graph.model();
    let classic = graph.experience() == Experience::Classic;
    let orders = orders(graph);
    let steps = (0_u32..).zip(graph.steps()).zip(&orders);
    steps
        .map(|((index, step), order)| {
            let before: BTreeSet<String> = order.iter().map(|point| in_words(model, *point)).collect();
            Content {
                key: key(graph, index),
                digest: digest::of(&(classic, step.kind, about(model, step.subject), before)),
            }
        })
        .collect()
}

/// Returns the name of a step that stays whatever the waves are.
pub(super) fn key(graph: &Graph, index: StepIndex) -> String {
    let step = graph.step(index);
    if step.kind == StepKind::Barrier { step.kind.as_str().to_owned() } else { step.id.as_str().to_owned() }
}
