//! A plan from what a vault holds: its machines, replication groups, and the recovery plans that people made for them.

mod actions;
mod choice;
mod draft;
mod tidy;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::id::MachineName;
use crate::import::draft::Draft;
use crate::provider::SeenPlan;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::State;

/// A plan that was made from a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its name.
    pub name: String,
    /// The document, with what could not be carried over in comments at its head.
    pub text: String,
    /// What could not be carried over, and what was chosen for want of a statement; a sentence without an end for each.
    pub notes: Vec<String>,
    /// How many machines it brings home.
    pub machines: usize,
}

/// A recovery plan of the vault of which no plan was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why; a sentence without an end.
    pub reason: String,
    /// What is lost with it; a sentence without an end for each.
    pub notes: Vec<String>,
}

/// What was made from a vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// The plans, each with a name of its own.
    pub plans: Vec<Imported>,
    /// The recovery plans that none of them takes over.
    pub left_out: Vec<LeftOut>,
}

/// What plans are made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish<'w> {
    /// Name of the plan for machines that no recovery plan holds.
    pub name: &'w str,
    /// How the plans name the inventory; `None` if they can't, because it lies outside of their workspace.
    pub inventory: Option<&'w str>,
    /// The only recovery plan to take over; all of them and what is left, if none is named.
    pub only: Option<&'w str>,
}

/// Returns a plan for each recovery plan of the vault, and one for the machines that none holds.
///
/// A machine goes into one plan only, the first that holds it. Machines that run on-premises need no failback and go into none.
#[must_use]
pub fn plans(facts: &Inventory, seen: &[SeenPlan], wish: &Wish<'_>) -> Made {
    let mut scope = Scope::of(facts);
    let mut made = Made::default();
    for plan in seen.iter().filter(|plan| wish.only.is_none_or(|only| plan.name == only)) {
        match Draft::of_plan(plan, facts, &mut scope) {
            Ok(draft) => made.plans.push(draft.finish(facts, wish)),
            Err(left_out) => made.left_out.push(left_out),
        }
    }
    if wish.only.is_none() {
        made.plans.extend(Draft::of_rest(wish.name, &mut scope).map(|draft| draft.finish(facts, wish)));
    }
    made
}

/// Which machines are to come home, and which plan has taken each.
struct Scope<'f> {
    /// Machines that run in Azure, or whose failback is under way.
    away: BTreeSet<&'f str>,
    /// Machines that need no failback or can have none, each with the reason.
    left_out: BTreeMap<&'f str, String>,
    /// The plan that took a machine.
    taken: BTreeMap<String, String>,
    /// Replication groups, by their machines.
    groups: BTreeMap<&'f str, &'f str>,
    /// Names of plans, in small letters: each names a file, and some systems take `A` for `a`.
    names: BTreeSet<String>,
}

impl<'f> Scope<'f> {
    fn of(facts: &'f Inventory) -> Self {
        let (mut away, mut left_out) = (BTreeSet::new(), BTreeMap::new());
        for machine in facts.machines.iter().flatten() {
            let name = machine.name.value.as_str();
            match machine.state.as_deref().copied().map(needs_failback) {
                Some(Err(reason)) => drop(left_out.insert(name, reason.to_owned())),
                // Of a machine whose state nobody knows, `check` says so.
                Some(Ok(())) | None => drop(away.insert(name)),
            }
        }
        let mut groups = BTreeMap::new();
        for group in facts.replication_groups.iter().flatten() {
            for member in &group.members {
                groups.insert(member.value.as_str(), group.name.value.as_str());
            }
        }
        Self { away, left_out, taken: BTreeMap::new(), groups, names: BTreeSet::new() }
    }

    /// Returns the name for a plan: the one that is wished for, or one like it that no other plan has.
    fn name(&mut self, wished: &str) -> String {
        let mut name = wished.to_owned();
        let mut number = 2;
        while !self.names.insert(name.to_lowercase()) {
            name = format!("{wished} {number}");
            number += 1;
        }
        name
    }

    /// Returns why no machine of a recovery plan comes home with it.
    fn why_none(&self, plan: &SeenPlan) -> String {
        let machines: Vec<&str> =
            plan.groups.iter().flat_map(|group| &group.machines).map(MachineName::as_str).collect();
        let holders: BTreeSet<&String> =
            machines.iter().filter_map(|machine| self.taken.get(*machine)).collect();
        if machines.is_empty() {
            return "it holds no virtual machine of VMware and no physical server".to_owned();
        }
        if !machines.iter().all(|machine| self.taken.contains_key(*machine)) {
            return "none of its machines comes home with it".to_owned();
        }
        let holders: Vec<String> = holders.into_iter().map(|holder| format!("`{holder}`")).collect();
        match holders.as_slice() {
            [one] => format!("{one} brings all its machines home"),
            several => format!("{} bring all its machines home", several.join(" and ")),
        }
    }

    /// Takes a machine for a plan.
    fn take(&mut self, machine: &str, plan: &str) -> Result<(), String> {
        if let Some(reason) = self.left_out.get(machine) {
            return Err(format!("`{machine}` is left out: {reason}"));
        }
        if !self.away.contains(machine) {
            return Err(format!("`{machine}` is left out: the vault has no such replicated item"));
        }
        if let Some(other) = self.taken.get(machine) {
            return Err(format!(
                "`{machine}` is left out: the plan `{other}` brings it home, and one plan is enough"
            ));
        }
        self.taken.insert(machine.to_owned(), plan.to_owned());
        Ok(())
    }
}

/// Returns whether a machine in this state is to come home, or why not.
const fn needs_failback(state: State) -> Result<(), &'static str> {
    match state {
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack => Ok(()),
        State::ProtectedToAzure => Err("it runs on-premises and replicates to Azure"),
        State::FailedBackCommitted => Err("it is home already"),
        State::ReprotectingToAzure => Err("it is home, and is being protected again"),
        State::Migrated => Err("its migration was completed, which ends failback for good"),
        State::AzureVmDeleted => Err("its copy in Azure was deleted"),
        State::ReplicationDisabled => Err("its replication was disabled"),
        State::AzureVmMoved => Err("its copy in Azure was moved to another resource group"),
    }
}

/// Returns whether a vault is of the classic architecture; a vault that does not say is taken for a modernized one.
fn is_classic(facts: &Inventory) -> bool {
    let experience = facts.vault.as_ref().and_then(|vault| vault.experience.as_deref());
    experience == Some(&Experience::Classic)
}
