//! A plan from what a vault holds: its machines, replication groups, and the recovery plans that people made for them.

mod actions;
mod choice;
mod draft;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

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
pub fn plans(facts: &Inventory, seen: &[SeenPlan], wish: &Wish<'_>) -> Vec<Imported> {
    let mut scope = Scope::of(facts);
    let mut made = Vec::new();
    for plan in seen.iter().filter(|plan| wish.only.is_none_or(|only| plan.name == only)) {
        made.extend(Draft::of_plan(plan, facts, &mut scope).map(|draft| draft.finish(facts, wish)));
    }
    if wish.only.is_none() {
        made.extend(Draft::of_rest(wish.name, &mut scope).map(|draft| draft.finish(facts, wish)));
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
        Self { away, left_out, taken: BTreeMap::new(), groups }
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
