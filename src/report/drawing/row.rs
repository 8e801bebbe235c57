//! The rows of a run's chart: the plan's own steps, then the machines in the order in which they came home, or groups of them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::event::StepStatus;
use crate::graph::StepKind;
use crate::quantity::Seconds;
use crate::report::phase::Phase;
use crate::report::timeline::MachineTime;
use crate::report::timeline::StepTime;
use crate::report::timeline::Timeline;

/// Actions that have a row each.
const ACTIONS: usize = 12;
/// Machines that have a row each; of more, groups do.
pub(super) const MACHINES: usize = 60;

/// A step as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Bar {
    pub from: Timestamp,
    pub to: Timestamp,
    pub phase: Phase,
    /// Whether the step only waits.
    pub waits: bool,
    /// Whether a person was asked.
    pub asked: bool,
    pub critical: bool,
    pub title: String,
}

/// A row of the chart.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub label: String,
    pub bars: Vec<Bar>,
    /// Times in which a step might have begun and did not.
    pub queued: Vec<(Timestamp, Timestamp)>,
    /// What went wrong, and when.
    pub faults: Vec<(Timestamp, String)>,
    /// Machines that it stands for.
    pub machines: usize,
}

/// Returns whether a step does nothing but wait for the site.
const fn waits(kind: StepKind) -> bool {
    match kind {
        StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::AwaitProtected
        | StepKind::AwaitPoint
        | StepKind::AwaitAgent
        | StepKind::AwaitForward => true,
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::Reprotect
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::Recheck
        | StepKind::Failover
        | StepKind::Verify
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::Forward
        | StepKind::Action => false,
    }
}

fn bar(step: &StepTime, timeline: &Timeline) -> Option<Bar> {
    let (from, phase) = (step.began?, Phase::of(step.kind)?);
    let to = step.ended.or(timeline.last)?;
    let took = Seconds(step.took_s.unwrap_or(0));
    let mut title = format!("{}: {took}, {}", step.step, step.status.as_str());
    if step.attempts > 1 {
        title.push_str(&format!(", {} attempts", step.attempts));
    }
    if step.asked_s > 0 {
        title.push_str(&format!(", a person was asked for {}", Seconds(step.asked_s)));
    }
    let asked = step.asked_s > 0 || step.status == StepStatus::Asked;
    Some(Bar { from, to, phase, waits: waits(step.kind), asked, critical: step.critical, title })
}

fn row(label: String, steps: &[&StepTime], timeline: &Timeline, machines: usize) -> Row {
    let ids: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    let faults = timeline.faults.iter().filter(|fault| ids.contains(&fault.step.as_str()));
    let whole = timeline.took_s;
    Row {
        label,
        bars: steps.iter().filter_map(|step| bar(step, timeline)).collect(),
        queued: steps
            .iter()
            .filter(|step| step.queued_s > whole / 200 && Phase::of(step.kind).is_some())
            .filter_map(|step| step.ready.zip(step.began))
            .collect(),
        faults: faults
            .map(|fault| (fault.at, format!("{}: {} ({})", fault.step, fault.message, fault.code)))
            .collect(),
        machines,
    }
}

/// The rows of a run.
pub(super) struct Rows {
    /// Those of the plan and its actions.
    pub plan: Vec<Row>,
    /// Those of machines, or of groups of them.
    pub machines: Vec<Row>,
    /// Whether the latter stand for groups.
    pub grouped: bool,
}

/// Returns the rows of a run.
pub(super) fn rows(timeline: &Timeline) -> Rows {
    let mut of: BTreeMap<&str, Vec<&StepTime>> = BTreeMap::new();
    for step in &timeline.steps {
        of.entry(step.subject.as_str()).or_default().push(step);
    }
    let steps_of = |machine: &MachineTime| -> Vec<&StepTime> {
        let own = of.get(machine.name.as_str()).into_iter().flatten();
        let of_group = machine.group.as_ref().and_then(|group| of.get(group.as_str()));
        own.chain(of_group.into_iter().flatten())
            .copied()
            .filter(|step| step.kind != StepKind::Action)
            .collect()
    };
    let plan: Vec<&StepTime> = timeline
        .steps
        .iter()
        .filter(|step| step.wave == 0 && step.kind != StepKind::Action && is_of_plan(step))
        .collect();
    let actions: Vec<&StepTime> =
        timeline.steps.iter().filter(|step| step.kind == StepKind::Action && step.began.is_some()).collect();
    let mut rows = vec![row("plan".into(), &plan, timeline, 0)];
    if actions.len() <= ACTIONS {
        rows.extend(actions.iter().map(|step| row(step.subject.clone(), &[*step], timeline, 0)));
    } else {
        rows.push(row(format!("{} actions", actions.len()), &actions, timeline, 0));
    }
    let machines: Vec<(&MachineTime, Vec<&StepTime>)> =
        timeline.machines.iter().map(|machine| (machine, steps_of(machine))).collect();
    let grouped = machines.len() > MACHINES;
    let machines = if grouped { by_group(&machines, timeline) } else { one_by_one(&machines, timeline) };
    Rows { plan: rows, machines, grouped }
}

fn is_of_plan(step: &StepTime) -> bool {
    matches!(step.kind, StepKind::Preflight | StepKind::Prepare | StepKind::Cleanup) && step.wave == 0
}

fn one_by_one(machines: &[(&MachineTime, Vec<&StepTime>)], timeline: &Timeline) -> Vec<Row> {
    let first = |machine: &MachineTime| {
        let of_group = machine.group.as_ref().and_then(|name| {
            timeline.groups.iter().find(|group| group.name == *name).map(|group| group.measured.from)
        });
        of_group.unwrap_or(machine.measured.from).unwrap_or(Timestamp::MAX)
    };
    let mut order: Vec<&(&MachineTime, Vec<&StepTime>)> = machines.iter().collect();
    order.sort_by_key(|(machine, _)| (first(machine), machine.group.clone()));
    let label = |machine: &MachineTime| machine.name.clone();
    order.into_iter().map(|(machine, steps)| row(label(machine), steps, timeline, 1)).collect()
}

fn by_group(machines: &[(&MachineTime, Vec<&StepTime>)], timeline: &Timeline) -> Vec<Row> {
    let waves = machines.iter().map(|(machine, _)| machine.wave).max().unwrap_or(1);
    let mut groups: Vec<(String, Vec<&StepTime>, usize)> = Vec::new();
    for (machine, steps) in machines {
        let wave = if waves > 1 { format!("wave {}", machine.wave) } else { String::new() };
        let boot = machine.boot_group.clone().unwrap_or_default();
        let name = match (wave.is_empty(), boot.is_empty()) {
            (false, false) => format!("{wave}, {boot}"),
            (false, true) => wave,
            (true, false) => boot,
            (true, true) => "no boot group".to_owned(),
        };
        match groups.iter_mut().find(|(known, _, _)| *known == name) {
            Some((_, all, count)) => {
                all.extend(steps);
                *count += 1;
            }
            None => groups.push((name, steps.clone(), 1)),
        }
    }
    let rows = groups.into_iter().map(|(name, steps, count)| {
        let mut row = row(format!("{name} ({count})"), &steps, timeline, count);
        row.queued.clear();
        row
    });
    rows.collect()
}
