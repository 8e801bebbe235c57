//! What was measured of machines, of replication groups and of the plan: RTO and RPO, as the forecast defines them.

use jiff::Timestamp;

use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::model::Machine;
use crate::report::seconds_between;
use crate::report::tally;
use crate::report::tally::steps_of_machines;
use crate::report::timeline::GroupTime;
use crate::report::timeline::MachineTime;
use crate::report::timeline::Measured;
use crate::report::timeline::Recording;
use crate::report::timeline::Standing;
use crate::report::timeline::path;
use crate::report::whereabouts::whereabouts;

/// What happened to one machine.
struct Way {
    /// When its failover was asked for.
    from: Option<Timestamp>,
    /// The step that verified it, and when that ended.
    verified: Option<(StepIndex, Timestamp)>,
    /// The step that would verify it.
    verify: Option<StepIndex>,
    /// Whether it was home before the run.
    adopted: bool,
    /// Whether a person took it out.
    left_out: bool,
    /// Data lost, in seconds; `None` if it did not fail over, or no point was reported.
    lost: Option<u64>,
    /// Whether it came through its failover in this run.
    moved: bool,
}

fn ways(recording: &Recording) -> Vec<Way> {
    let steps = steps_of_machines(recording.state.graph());
    steps.iter().enumerate().map(|(machine, steps)| way(recording, machine, steps)).collect()
}

fn way(recording: &Recording, machine: usize, steps: &[StepIndex]) -> Way {
    let state = &recording.state;
    let of = |kind: StepKind| steps.iter().copied().find(|step| state.graph().step(*step).kind == kind);
    let failover = of(StepKind::Failover);
    let verify = of(StepKind::Verify);
    let status = |step: Option<StepIndex>| step.map(|step| state.step(step).status);
    let adopted = status(failover) == Some(StepStatus::Adopted);
    let traced = failover.map(|step| recording.steps[step as usize]);
    let from = traced.and_then(|traced| traced.sent).filter(|_| !adopted);
    let is_out = state.out().contains(&machine);
    let through = failover.is_some_and(|step| {
        (state.step(step).status == StepStatus::Succeeded && !is_out) || state.step(step).is_done_for(machine)
    });
    let verified = verify
        .filter(|step| state.step(*step).status == StepStatus::Succeeded && !is_out)
        .and_then(|step| Some((step, state.step(step).ended_at?)));
    let point = state.point(machine).and_then(|point| point.at);
    Way {
        from,
        verified: verified.filter(|_| from.is_some()),
        verify,
        adopted,
        left_out: state.is_taken_out(machine),
        lost: point.zip(from).map(|(point, from)| seconds_between(point, from).0),
        moved: from.is_some() && (through || verified.is_some()),
    }
}

/// Returns what was measured of several machines together.
fn of<'w>(recording: &Recording, ways: impl Iterator<Item = &'w Way>) -> Measured {
    let ways: Vec<&Way> = ways.collect();
    let from = ways.iter().filter_map(|way| way.from).min();
    // A machine that a person took out before it was touched is waited for by nobody.
    let is_waited_for = |way: &Way| !(way.adopted || (way.left_out && way.from.is_none()));
    let is_back = ways.iter().filter(|way| is_waited_for(way)).all(|way| way.verified.is_some());
    let last = ways.iter().filter_map(|way| way.verified).max_by_key(|(_, ended)| *ended);
    let last = last.filter(|_| is_back);
    let to = last.map(|(_, ended)| ended);
    let now = recording.state.last_at();
    let spent_by = last.map(|(step, _)| step).or_else(|| {
        let open = ways.iter().filter(|way| way.from.is_some() && way.verified.is_none());
        open.filter_map(|way| way.verify).find(|step| recording.steps[*step as usize].began.is_some())
    });
    Measured {
        from,
        to,
        rto_s: from.zip(to).map(|(from, to)| seconds_between(from, to).0),
        at_least_s: from.zip(now).filter(|_| to.is_none()).map(|(from, now)| seconds_between(from, now).0),
        rpo_s: ways.iter().filter_map(|way| way.lost).max(),
        not_reported: ways.iter().filter(|way| way.moved && way.lost.is_none()).count(),
        spent: from.and(spent_by).and_then(|step| path::longest(recording, step, from)),
    }
}

pub(super) fn plan(recording: &Recording) -> Measured {
    of(recording, ways(recording).iter())
}

pub(super) fn groups(recording: &Recording) -> Vec<GroupTime> {
    let ways = ways(recording);
    let groups = recording.state.graph().model().groups();
    groups
        .map(|group| GroupTime {
            name: group.name().value.clone(),
            measured: of(recording, group.members().map(|member| &ways[member.index()])),
        })
        .collect()
}

pub(super) fn machines(recording: &Recording) -> Vec<MachineTime> {
    let state = &recording.state;
    let (ways, places) = (ways(recording), whereabouts(state));
    let steps = steps_of_machines(state.graph());
    let machines = state.graph().model().machines().zip(ways.iter().zip(&steps)).zip(places);
    machines
        .map(|((machine, (way, steps)), (name, place))| {
            let (standing, failed) = standing(recording, steps);
            MachineTime {
                name,
                group: machine.group().map(|group| group.name().value.clone()),
                wave: wave(recording, machine),
                boot_group: machine
                    .boot_group()
                    .map(|at| machine.model.plan.boot_groups[at].name.value.clone()),
                standing,
                failed: failed.map(|step| state.id(step).clone()),
                place,
                chosen: machine.point_choice().ok().flatten(),
                point: state.point(machine.index()).cloned(),
                adopted: way.adopted,
                retries: steps.iter().map(|step| state.step(*step).attempts.saturating_sub(1)).sum(),
                measured: of(recording, std::iter::once(way)),
            }
        })
        .collect()
}

fn wave(recording: &Recording, machine: Machine<'_>) -> u16 {
    recording.state.graph().waves().of_machine[machine.index()]
}

fn standing(recording: &Recording, steps: &[StepIndex]) -> (Standing, Option<StepIndex>) {
    match tally::standing(&recording.state, steps) {
        tally::Standing::Open => (Standing::Open, None),
        tally::Standing::Done => (Standing::Done, None),
        tally::Standing::Failed(step) => (Standing::Failed, Some(step)),
        tally::Standing::Blocked => (Standing::Blocked, None),
        tally::Standing::LeftOut => (Standing::LeftOut, None),
    }
}
