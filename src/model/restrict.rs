//! A part of a plan: some of its machines and replication groups, as a drill exercises them.
//!
//! What the part's order has to do with machines outside of it is left out, and told: nothing waits for a machine that is not
//! in the part, as if that were home already.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::source::Spanned;
use crate::syntax::action::Action;
use crate::syntax::action::Hook;
use crate::syntax::drill::Finish;
use crate::syntax::plan::CommitGate;
use crate::syntax::plan::RecoveryPlan;

/// Which part of a plan is executed, and how far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Name of the plan's drill that it is; the others are no part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
    /// Machines and replication groups; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Whether the planned failovers are cancelled after the verification, so that nothing is committed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_taken_back: bool,
}

/// A plan has no such part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// Nothing has this name.
    #[error("the plan has no machine or replication group `{0}`")]
    Unknown(String),
    /// Members of a replication group go together.
    #[error("{machine} is a member of the replication group {group}, whose members go together")]
    Member {
        /// The machine.
        machine: String,
        /// Its group.
        group: String,
    },
}

/// Something of the plan that its part does without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// `depends_on`.
    Dependency {
        /// What would have waited.
        of: String,
        /// What it would have waited for.
        on: String,
    },
    /// A boot group of which no member is in the part.
    BootGroup(String),
    /// An action about something that is not in the part.
    Action(String),
    /// One of the two places of an action: it stands before and after something, and that is not in the part.
    Place {
        /// The action.
        action: String,
        /// What is not in the part.
        of: String,
    },
    /// The action that quiets the applications of a replication group.
    Quiesce {
        /// The group.
        group: String,
        /// The action.
        action: String,
    },
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dependency { of, on } => {
                write!(f, "{of} does not wait for {on}, which is not in the drill")
            }
            Self::BootGroup(name) => write!(f, "boot group {name}: none of its members is in the drill"),
            Self::Action(name) => write!(f, "action {name}: what it is about is not in the drill"),
            Self::Place { action, of } => {
                write!(f, "action {action} has no place at {of}, which is not in the drill")
            }
            Self::Quiesce { group, action } => {
                write!(f, "{group} is not quieted: action {action} is not in the drill")
            }
        }
    }
}

/// A part of a plan, and what it does without.
#[derive(Clone, Debug, PartialEq)]
pub struct Restricted {
    /// The plan of the part alone.
    pub plan: RecoveryPlan,
    /// What it does without, in order.
    pub left_out: Vec<LeftOut>,
}

/// Returns a part of a plan as a plan of its own.
///
/// # Errors
///
/// Every name that is no part of the plan.
pub fn restrict(plan: &RecoveryPlan, part: &Part) -> Result<Restricted, Vec<PartError>> {
    let mut plan = plan.clone();
    let mut left_out = Vec::new();
    plan.drills.retain(|drill| part.drill.as_ref() == Some(&drill.name.value));
    if !part.only.is_empty() {
        let names = members(&plan, &part.only)?;
        keep(&mut plan, &names, &mut left_out);
    }
    if part.is_taken_back {
        plan.is_taken_back = true;
        ask_before_commits(&mut plan);
    }
    left_out.sort_unstable();
    left_out.dedup();
    Ok(Restricted { plan, left_out })
}

/// Returns how a drill of the language ends: whether its planned failovers are taken back.
#[must_use]
pub fn is_taken_back(finish: Option<Finish>) -> bool {
    match finish {
        Some(Finish::Cancel) => true,
        Some(Finish::Commit) | None => false,
    }
}

/// Returns the names of the part: its machines, and the replication groups that are in it whole.
fn members(plan: &RecoveryPlan, only: &[String]) -> Result<BTreeSet<String>, Vec<PartError>> {
    let mut names = BTreeSet::new();
    let mut errors = Vec::new();
    for name in only {
        let is_named = |named: &Spanned<String>| named.value == *name;
        if let Some(group) = plan.replication_groups.iter().find(|group| is_named(&group.name)) {
            names.insert(name.clone());
            names.extend(group.machines.iter().map(|machine| machine.value.clone()));
        } else if let Some(group) =
            plan.replication_groups.iter().find(|group| group.machines.iter().any(is_named))
        {
            let group = group.name.value.clone();
            if !only.contains(&group) {
                errors.push(PartError::Member { machine: name.clone(), group });
            }
        } else if plan.machines.iter().any(|machine| is_named(&machine.0.name)) {
            names.insert(name.clone());
        } else {
            errors.push(PartError::Unknown(name.clone()));
        }
    }
    if errors.is_empty() { Ok(names) } else { Err(errors) }
}

fn keep(plan: &mut RecoveryPlan, names: &BTreeSet<String>, left_out: &mut Vec<LeftOut>) {
    let is_in = |name: &Spanned<String>| names.contains(&name.value);
    let groups = plan.replication_groups.iter();
    let members = groups.clone().flat_map(|group| &group.machines);
    let all = groups.map(|group| &group.name).chain(members);
    let all = all.chain(plan.machines.iter().map(|machine| &machine.0.name));
    let gone: BTreeSet<String> = all.filter(|name| !is_in(name)).map(|name| name.value.clone()).collect();
    plan.replication_groups.retain(|group| is_in(&group.name));
    plan.machines.retain(|machine| is_in(&machine.0.name));
    let mut depend = |of: &str, on: &mut Vec<Spanned<String>>| {
        let gone = on.iter().filter(|name| !is_in(name));
        left_out.extend(gone.map(|name| LeftOut::Dependency { of: of.to_owned(), on: name.value.clone() }));
        on.retain(is_in);
    };
    for group in &mut plan.replication_groups {
        depend(&group.name.value, &mut group.depends_on);
    }
    for machine in &mut plan.machines {
        depend(&machine.0.name.value, &mut machine.0.depends_on);
    }
    // A member may be in a boot group by itself or by its replication group; both are names of the part.
    for group in &mut plan.boot_groups {
        group.members.retain(is_in);
        if group.members.is_empty() {
            left_out.push(LeftOut::BootGroup(group.name.value.clone()));
        }
    }
    plan.boot_groups.retain(|group| !group.members.is_empty());
    let boot_groups: BTreeSet<String> =
        plan.boot_groups.iter().map(|group| group.name.value.clone()).collect();
    let stays = |name: &str| names.contains(name) || boot_groups.contains(name);
    plan.actions.retain_mut(|action| keep_action(action, &stays, left_out));
    for group in &mut plan.replication_groups {
        let is_there =
            |name: &Spanned<String>| plan.actions.iter().any(|action| action.name.value == name.value);
        if let Some(action) = group.quiesce.take_if(|action| !is_there(action)) {
            left_out.push(LeftOut::Quiesce { group: group.name.value.clone(), action: action.value });
        }
    }
    // A waiver may be about a server too. One without names stands for all, and must not come of one whose names are gone.
    plan.waivers.retain_mut(|waiver| {
        let was_for_all = waiver.of.is_empty();
        waiver.of.retain(|name| !gone.contains(&name.value));
        was_for_all || !waiver.of.is_empty()
    });
    for drill in &mut plan.drills {
        drill.machines.retain(is_in);
    }
}

/// Drops the places of an action that are not in the part, and returns whether one is left.
fn keep_action(action: &mut Action, stays: &impl Fn(&str) -> bool, left_out: &mut Vec<LeftOut>) -> bool {
    let outside = |hook: &mut Hook| hook.of.as_ref().is_some_and(|of| !stays(&of.value));
    let gone: Vec<Hook> = [&mut action.before, &mut action.after]
        .into_iter()
        .filter_map(|hook| hook.take_if(outside))
        .collect();
    let name = &action.name.value;
    if action.before.is_none() && action.after.is_none() {
        left_out.push(LeftOut::Action(name.clone()));
        return false;
    }
    let places = gone.into_iter().filter_map(|hook| hook.of);
    left_out.extend(places.map(|of| LeftOut::Place { action: name.clone(), of: of.value }));
    true
}

/// Has every commit wait for a person, so that the failovers can be cancelled before.
fn ask_before_commits(plan: &mut RecoveryPlan) {
    let of_defaults = plan.defaults.iter_mut().map(|defaults| &mut defaults.commit);
    let of_groups = plan.replication_groups.iter_mut().map(|group| &mut group.commit);
    let of_machines = plan.machines.iter_mut().map(|machine| &mut machine.0.commit);
    for gate in of_defaults.chain(of_groups).chain(of_machines).flatten() {
        match gate.value {
            // A failover is taken back where its commit would stand.
            CommitGate::Automatic | CommitGate::Never => gate.value = CommitGate::OnApproval,
            CommitGate::OnApproval => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resolve;
    use crate::source::Sources;
    use crate::syntax::Document;
    use crate::syntax::inventory::Inventory;

    fn plan() -> RecoveryPlan {
        let text = "
kind: RecoveryPlan
version: 1
name: erp
defaults: {commit: automatic}
replication_groups:
  - {name: db, machines: [sql1, sql2], quiesce: stop-batch, depends_on: [dc]}
  - {name: mq, machines: [mq1], commit: automatic}
machines:
  - dc
  - {name: app, depends_on: [db, mq]}
  - {name: sql1, commit: on_approval}
boot_groups:
  - {name: base, members: [dc]}
  - {name: rest, members: [db, app]}
actions:
  - {name: stop-batch, before: {phase: failover, of: db}, run: {command: [a]}}
  - {name: between, after: {phase: verify, of: db}, before: {phase: failover, of: app}, run: {command: [a]}}
  - {name: tell, after: {phase: run}, run: {command: [a]}}
  - {name: of-base, after: {phase: verify, of: base}, run: {command: [a]}}
drills:
  - {name: a, kind: rehearsal, machines: [app]}
  - {name: b, kind: rehearsal}
waivers:
  - {rule: FB606, of: [db], reason: \"accepted by the owner\"}
  - {rule: FB606, of: [db, app, mtw], reason: \"accepted by the owner\"}
  - {rule: FB018, reason: \"accepted by the owner\"}
";
        let mut sources = Sources::new();
        let index = sources.add("p.yaml", text.to_owned()).expect("short");
        let mut diagnostics = Vec::new();
        match crate::syntax::parse(sources.get(index), &mut diagnostics).into_iter().next() {
            Some(Document::Plan(plan)) => *plan,
            other => panic!("a plan was written: {other:?} {diagnostics:?}"),
        }
    }

    fn part(only: &[&str]) -> Part {
        Part { only: only.iter().map(|name| (*name).to_owned()).collect(), ..Part::default() }
    }

    fn told(only: &[&str]) -> Vec<String> {
        let restricted = restrict(&plan(), &part(only)).expect("it is a part");
        restricted.left_out.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_part_has_its_machines_and_their_order_and_tells_what_it_does_without() {
        let restricted = restrict(&plan(), &part(&["app"])).expect("it is a part");
        let model = resolve(restricted.plan, Inventory::unknown("none"));
        let names: Vec<&str> = model.machines().map(|machine| machine.name().value.as_str()).collect();
        assert_eq!(names, ["app"]);
        assert!(model.machine(0).depends_on().is_empty() && model.groups().len() == 0);
        let actions: Vec<&str> = model.plan.actions.iter().map(|action| action.name.value.as_str()).collect();
        assert_eq!(actions, ["between", "tell"]);
        assert_eq!(model.plan.actions[0].after, None);
        assert_eq!(
            told(&["app"]),
            [
                "app does not wait for db, which is not in the drill",
                "app does not wait for mq, which is not in the drill",
                "boot group base: none of its members is in the drill",
                "action of-base: what it is about is not in the drill",
                "action stop-batch: what it is about is not in the drill",
                "action between has no place at db, which is not in the drill",
            ]
        );
        assert!(model.unresolved.iter().all(|name| name.name.value != "db"), "{:?}", model.unresolved);
    }

    #[test]
    fn a_replication_group_stands_for_its_members_and_is_in_it_whole_or_not_at_all() {
        let restricted = restrict(&plan(), &part(&["db", "dc"])).expect("it is a part");
        assert_eq!(restricted.plan.replication_groups.len(), 1);
        assert!(restricted.plan.replication_groups[0].quiesce.is_some());
        assert_eq!(restricted.plan.replication_groups[0].depends_on.len(), 1);
        let machines: Vec<&str> =
            restricted.plan.machines.iter().map(|machine| machine.0.name.value.as_str()).collect();
        assert_eq!(machines, ["dc", "sql1"], "what is said of a member stays");
        let errors = restrict(&plan(), &part(&["sql1", "nobody"])).expect_err("neither is a part");
        let (machine, group) = ("sql1".into(), "db".into());
        assert_eq!(errors, [PartError::Member { machine, group }, PartError::Unknown("nobody".into())]);
        assert!(restrict(&plan(), &part(&["sql1", "db"])).is_ok(), "the group is named too");
    }

    #[test]
    fn a_waiver_of_what_is_gone_does_not_come_to_stand_for_all() {
        let restricted = restrict(&plan(), &part(&["app"])).expect("it is a part");
        let of: Vec<Vec<&str>> = restricted
            .plan
            .waivers
            .iter()
            .map(|waiver| waiver.of.iter().map(|name| name.value.as_str()).collect())
            .collect();
        assert_eq!(of, [vec!["app", "mtw"], vec![]]);
    }

    #[test]
    fn the_whole_plan_is_a_part_that_lacks_nothing() {
        let whole = restrict(&plan(), &Part::default()).expect("it is a part");
        assert_eq!(whole.plan, RecoveryPlan { drills: Vec::new(), ..plan() });
        assert!(whole.left_out.is_empty());
        let named = Part { drill: Some("a".into()), ..Part::default() };
        assert_eq!(restrict(&plan(), &named).expect("it is a part").plan.drills.len(), 1);
    }

    #[test]
    fn what_is_to_be_taken_back_is_not_committed_by_itself() {
        let part = Part { is_taken_back: true, ..Part::default() };
        let restricted = restrict(&plan(), &part).expect("it is a part");
        let model = resolve(restricted.plan, Inventory::unknown("none"));
        assert!(model.machines().all(|machine| machine.settings().commit.value == CommitGate::OnApproval));
        let whole = resolve(plan(), Inventory::unknown("none"));
        assert!(whole.machines().any(|machine| machine.settings().commit.value == CommitGate::Automatic));
    }
}
