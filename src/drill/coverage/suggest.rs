//! The smallest drill that exercises some steps: which machines and replication groups have to be in it.
//!
//! Each step asks for some of them: those that it is about, and those that the plan orders before it. Most leave no choice. Where
//! one of several would do, as any machine does for the preflight, the choice with the fewest machines is searched for: all choices
//! up to [`EXACT`] candidates, beyond that greedily.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::drill::coverage::Coverage;
use crate::drill::coverage::Standing;
use crate::drill::coverage::content;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::model::Machine;
use crate::model::Model;
use crate::model::order;
use crate::model::order::Point;
use crate::model::order::Subject;

/// Candidates up to which every choice is tried: two hundred and fifty-six thousand choices take less than a second.
const EXACT: usize = 18;

/// The smallest drill that exercises what was not exercised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Machines and replication groups to name, in the order of the plan.
    pub machines: Vec<String>,
    /// How many machines that are.
    pub size: usize,
    /// Whether there is no smaller one; otherwise it was found greedily.
    pub is_smallest: bool,
    /// Whether it is the whole plan.
    pub is_whole: bool,
}

/// A machine alone, or a replication group: what a drill may name.
struct Unit {
    name: String,
    size: usize,
}

/// The units of a plan, and which one each machine belongs to.
struct Units {
    units: Vec<Unit>,
    of_machine: Vec<usize>,
}

impl Units {
    fn of(model: &Model) -> Self {
        let mut units = Vec::new();
        let mut of_machine = vec![0; model.machines().len()];
        let mut of_group = vec![None; model.groups().len()];
        for machine in model.machines() {
            of_machine[machine.index()] = match machine.group() {
                Some(group) => *of_group[group.index()].get_or_insert_with(|| {
                    units.push(Unit { name: group.name().value.clone(), size: group.members().count() });
                    units.len() - 1
                }),
                None => {
                    units.push(Unit { name: machine.name().value.clone(), size: 1 });
                    units.len() - 1
                }
            };
        }
        Self { units, of_machine }
    }

    fn of_machines<'m>(&self, machines: impl Iterator<Item = Machine<'m>>) -> BTreeSet<usize> {
        machines.map(|machine| self.of_machine[machine.index()]).collect()
    }

    fn of_subject(&self, model: &Model, subject: Subject) -> BTreeSet<usize> {
        match subject {
            Subject::Machine(index) => BTreeSet::from([self.of_machine[index]]),
            Subject::Group(index) => {
                model.group(index).map_or(BTreeSet::new(), |group| self.of_machines(group.members()))
            }
        }
    }

    fn of_boot_group(&self, model: &Model, index: usize) -> BTreeSet<usize> {
        let members = model.plan.boot_groups.get(index).map_or(&[][..], |group| &group.members);
        self.of_machines(members.iter().flat_map(|member| order::machines_of(model, &member.value)))
    }

    /// Returns the units of what a hook names: a boot group, a machine or a replication group.
    fn of_name(&self, model: &Model, name: &str) -> BTreeSet<usize> {
        let boot_group = model.plan.boot_groups.iter().position(|group| group.name.value == name);
        match boot_group {
            Some(index) => self.of_boot_group(model, index),
            None => self.of_machines(order::machines_of(model, name).into_iter()),
        }
    }
}

/// What has to be in a drill: of each set at least one.
type Clauses = BTreeSet<BTreeSet<usize>>;

/// Adds what a step needs to be in a drill as it is in the plan.
fn clauses_of(graph: &Graph, units: &Units, index: StepIndex, order: &[Point], clauses: &mut Clauses) {
    let model = graph.model();
    let each = |clauses: &mut Clauses, all: BTreeSet<usize>| {
        clauses.extend(all.into_iter().map(|unit| BTreeSet::from([unit])));
    };
    match graph.step(index).subject {
        StepSubject::Plan | StepSubject::Wave(_) => {
            clauses.insert((0..units.units.len()).collect());
        }
        StepSubject::Machine(machine) => each(clauses, BTreeSet::from([units.of_machine[machine]])),
        StepSubject::Group(group) => {
            each(clauses, units.of_subject(model, Subject::Group(group)));
            clauses.extend(quieting(model, units, group));
        }
        StepSubject::BootGroup(at) => each(clauses, units.of_boot_group(model, at)),
        StepSubject::Action(at) => {
            let action = &model.plan.actions[at];
            let places = [&action.before, &action.after].into_iter().flatten();
            let named: Vec<&str> =
                places.filter_map(|hook| hook.of.as_ref()).map(|of| of.value.as_str()).collect();
            // An action at the run's own begin or end is in every drill.
            if named.is_empty() {
                clauses.insert((0..units.units.len()).collect());
            }
            // A boot group is there as soon as one of its members is; what it waits for of them is in its order.
            clauses.extend(named.iter().map(|name| units.of_name(model, name)));
        }
    }
    for point in order {
        match *point {
            Point::Phase(_, subject) => each(clauses, units.of_subject(model, subject)),
            Point::BootGroupDone(at) => {
                clauses.insert(units.of_boot_group(model, at));
            }
            // It comes with the step that it stands before, or with the phase that it stands after, which is in the order too.
            Point::Action(_) | Point::Barrier => {}
        }
    }
}

/// Returns the units of which one has to be there, so that the action is that quiets a replication group.
fn quieting(model: &Model, units: &Units, group: usize) -> Option<BTreeSet<usize>> {
    let name = model.group(group)?.plan().quiesce.as_ref()?;
    let action = model.plan.actions.iter().find(|action| action.name.value == name.value)?;
    let places = [&action.before, &action.after].into_iter().flatten();
    let mut all = BTreeSet::new();
    for place in places {
        all.extend(units.of_name(model, &place.of.as_ref()?.value));
    }
    Some(all)
}

/// Returns the steps that do not count as exercised and that a drill could carry out: what the facts show to be done already no
/// drill from these facts does again.
fn open<'c>(graph: &'c Graph, coverage: &'c Coverage) -> impl Iterator<Item = StepIndex> + 'c {
    let steps = (0_u32..).zip(graph.steps().iter().zip(&coverage.of_steps));
    let is_open = |state: Standing| state != Standing::Exercised;
    steps.filter(move |(_, (step, of))| is_open(of.state) && !step.adopted).map(|(index, _)| index)
}

/// Returns how many steps do not count as exercised and no drill can carry out, because the facts show them to be done already.
#[must_use]
pub fn out_of_reach(graph: &Graph, coverage: &Coverage) -> usize {
    let steps = graph.steps().iter().zip(&coverage.of_steps);
    steps.filter(|(step, of)| step.adopted && of.state != Standing::Exercised).count()
}

/// Returns the smallest drill that exercises every step that does not count as exercised and that a drill can carry out; `None`
/// if there is no such step.
#[must_use]
pub fn suggest(graph: &Graph, coverage: &Coverage) -> Option<Suggestion> {
    let units = Units::of(graph.model());
    let orders = content::orders(graph);
    let mut clauses = Clauses::new();
    let mut is_needed = false;
    for index in open(graph, coverage) {
        is_needed = true;
        clauses_of(graph, &units, index, &orders[index as usize], &mut clauses);
    }
    if !is_needed {
        return None;
    }
    clauses.remove(&BTreeSet::new());
    let (chosen, is_smallest) = hit(&units, clauses);
    let names = chosen.iter().map(|unit| units.units[*unit].name.clone());
    Some(Suggestion {
        machines: names.collect(),
        size: size(&units, &chosen),
        is_smallest,
        is_whole: chosen.len() == units.units.len(),
    })
}

fn size(units: &Units, chosen: &BTreeSet<usize>) -> usize {
    chosen.iter().map(|unit| units.units[*unit].size).sum()
}

/// Returns units of which every clause has one, with the fewest machines, and whether no choice has fewer.
fn hit(units: &Units, clauses: Clauses) -> (BTreeSet<usize>, bool) {
    let mut chosen: BTreeSet<usize> =
        clauses.iter().filter(|clause| clause.len() == 1).flatten().copied().collect();
    let open: Vec<BTreeSet<usize>> =
        clauses.into_iter().filter(|clause| clause.is_disjoint(&chosen)).collect();
    // A clause that holds another one is met with that.
    let open: Vec<&BTreeSet<usize>> = open
        .iter()
        .filter(|clause| !open.iter().any(|other| other != *clause && other.is_subset(clause)))
        .collect();
    let candidates: BTreeSet<usize> = open.iter().flat_map(|clause| clause.iter().copied()).collect();
    let candidates: Vec<usize> = candidates.into_iter().collect();
    let is_exact = candidates.len() <= EXACT || open.len() <= 1;
    let more = match open.as_slice() {
        [] => BTreeSet::new(),
        // One clause alone needs no search, however many could meet it.
        [only] => only.iter().copied().min_by_key(|unit| units.units[*unit].size).into_iter().collect(),
        _ if is_exact => exactly(units, &open, &candidates),
        _ => greedily(units, &open),
    };
    chosen.extend(more);
    (chosen, is_exact)
}

fn exactly(units: &Units, open: &[&BTreeSet<usize>], candidates: &[usize]) -> BTreeSet<usize> {
    let bits = |clause: &BTreeSet<usize>| {
        let places = candidates.iter().enumerate().filter(|(_, unit)| clause.contains(unit));
        places.fold(0_u32, |bits, (place, _)| bits | 1 << place)
    };
    let clauses: Vec<u32> = open.iter().map(|clause| bits(clause)).collect();
    let chosen = |choice: u32| -> BTreeSet<usize> {
        let places = candidates.iter().enumerate().filter(|(place, _)| (choice >> place) & 1 == 1);
        places.map(|(_, unit)| *unit).collect()
    };
    let meets = |choice: &u32| clauses.iter().all(|clause| clause & choice != 0);
    let choices = (1_u32..1 << candidates.len()).filter(meets);
    choices.map(chosen).min_by_key(|chosen| (size(units, chosen), chosen.len())).unwrap_or_default()
}

fn greedily(units: &Units, open: &[&BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut open: Vec<&BTreeSet<usize>> = open.to_vec();
    let mut chosen = BTreeSet::new();
    while !open.is_empty() {
        let candidates: BTreeSet<usize> = open.iter().flat_map(|clause| clause.iter().copied()).collect();
        let met = |unit: usize| open.iter().filter(|clause| clause.contains(&unit)).count();
        // The most clauses for each machine: compared crosswise, so that nothing is rounded.
        let best = candidates.into_iter().max_by(|one, other| {
            let (left, right) = (met(*one) * units.units[*other].size, met(*other) * units.units[*one].size);
            left.cmp(&right).then(other.cmp(one))
        });
        let Some(best) = best else { break };
        chosen.insert(best);
        open.retain(|clause| !clause.contains(&best));
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(sizes: &[usize]) -> Units {
        let units = sizes.iter().enumerate().map(|(at, size)| Unit { name: format!("u{at}"), size: *size });
        Units { units: units.collect(), of_machine: Vec::new() }
    }

    fn clauses(sets: &[&[usize]]) -> Clauses {
        sets.iter().map(|set| set.iter().copied().collect()).collect()
    }

    #[test]
    fn what_leaves_no_choice_is_in_it_and_meets_the_others() {
        let (chosen, is_smallest) = hit(&units(&[1, 1, 1]), clauses(&[&[2], &[0, 1, 2]]));
        assert_eq!((chosen.into_iter().collect::<Vec<_>>(), is_smallest), (vec![2], true));
    }

    #[test]
    fn of_several_choices_the_one_with_the_fewest_machines_is_taken() {
        let (chosen, _) = hit(&units(&[5, 1, 1]), clauses(&[&[0, 1], &[0, 2]]));
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), [1, 2], "two machines, not five");
        let (chosen, _) = hit(&units(&[1, 1, 1]), clauses(&[&[0, 1], &[0, 2]]));
        assert_eq!(chosen.into_iter().collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn many_choices_are_made_greedily_and_said_to_be() {
        let many = EXACT + 4;
        let sets: Vec<Vec<usize>> = (1..many).map(|at| vec![0, at]).collect();
        let sets: Vec<&[usize]> = sets.iter().map(Vec::as_slice).collect();
        let (chosen, is_smallest) = hit(&units(&vec![1; many]), clauses(&sets));
        assert_eq!((chosen.into_iter().collect::<Vec<_>>(), is_smallest), (vec![0], false));
    }
}
