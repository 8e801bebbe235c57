//! A plan that is being made.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_yaml::Mapping;
use serde_yaml::Value;

use crate::escape;
use crate::import::Imported;
use crate::import::LeftOut;
use crate::import::Scope;
use crate::import::Wish;
use crate::import::actions;
use crate::import::actions::Carried;
use crate::import::actions::Side;
use crate::import::choice;
use crate::import::is_classic;
use crate::import::tidy;
use crate::provider::SeenAction;
use crate::provider::SeenPlan;
use crate::syntax::inventory::Inventory;

/// A plan that is being made.
#[derive(Debug, Default)]
pub(super) struct Draft {
    name: String,
    /// The recovery plan that it takes over.
    from: Option<String>,
    /// Machines of no replication group.
    machines: Vec<String>,
    /// Replication groups with their members.
    groups: Vec<(String, Vec<String>)>,
    boot_groups: Vec<(String, Vec<String>)>,
    actions: Vec<Mapping>,
    notes: Vec<String>,
}

impl Draft {
    /// Returns the plan for a recovery plan, or why it holds no machine that is to come home with it.
    pub(super) fn of_plan(
        seen: &SeenPlan,
        facts: &Inventory,
        scope: &mut Scope<'_>,
    ) -> Result<Self, LeftOut> {
        let mut draft = Self::default();
        let tidied = tidy::plan(seen, &mut draft.notes);
        let called = tidied.name.clone();
        let plan = &SeenPlan { name: scope.name(&called), ..tidied };
        draft.is_called(&plan.name, &called);
        draft.from = Some(called.clone());
        let taken = draft.take(plan, scope);
        let mut last_of: BTreeMap<&str, usize> = BTreeMap::new();
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (number, machine) in &taken {
            if let Some(group) = scope.groups.get(machine.as_str()) {
                let before = last_of.insert(group, *number);
                if before.is_some_and(|before| before != *number) {
                    draft.notes.push(format!(
                        "replication group `{group}` was parted over several groups of the plan; it is in the last of them, since its members fail over together"
                    ));
                }
                members.entry((*group).to_owned()).or_default().push(machine.clone());
            } else {
                draft.machines.push(machine.clone());
            }
        }
        let names: BTreeSet<&str> = taken
            .iter()
            .map(|(_, machine)| machine.as_str())
            .chain(members.keys().map(String::as_str))
            .collect();
        let classic = is_classic(facts);
        let mut action_names = Vec::new();
        for (number, group) in plan.groups.iter().enumerate() {
            let mut inside: Vec<String> = Vec::new();
            for (_, machine) in taken.iter().filter(|(at, _)| *at == number) {
                match scope.groups.get(machine.as_str()) {
                    None => inside.push(machine.clone()),
                    Some(group)
                        if last_of.get(group) == Some(&number)
                            && !inside.iter().any(|name| name == group) =>
                    {
                        inside.push((*group).to_owned());
                    }
                    Some(_) => {}
                }
            }
            let mut name = format!("group {}", number + 1);
            while names.contains(name.as_str()) {
                name = format!("boot {name}");
            }
            if inside.is_empty() {
                let moved = taken.iter().any(|(at, _)| *at == number);
                let reason = if moved {
                    "its machines stand in a later group now"
                } else {
                    "none of its machines comes home"
                };
                for action in group.before.iter().chain(&group.after) {
                    draft.leaves(action, &format!("it belongs to group {}, and {reason}", number + 1));
                }
                continue;
            }
            for (side, actions) in [(Side::Before, &group.before), (Side::After, &group.after)] {
                for action in actions {
                    match actions::carried(action, side, &name, classic, &mut action_names) {
                        Carried::Over(made) => draft.actions.push(made),
                        Carried::Not(reason) => draft.leaves(action, &reason),
                    }
                }
            }
            draft.boot_groups.push((name, inside));
        }
        for action in plan.shutdown.iter().chain(&plan.failover) {
            draft.leaves(
                action,
                "it belongs to the shutdown or failover of all groups; have it run `before: {phase: run}`",
            );
        }
        draft.groups = members.into_iter().collect();
        draft.tell_of_split_groups(facts);
        if taken.is_empty() {
            scope.names.remove(&plan.name.to_lowercase());
            return Err(LeftOut { name: called, reason: scope.why_none(plan), notes: draft.notes });
        }
        Ok(draft)
    }

    /// Returns the plan for machines that no recovery plan holds; `None` if there are none.
    pub(super) fn of_rest(name: &str, scope: &mut Scope<'_>) -> Option<Self> {
        let mut draft = Self::default();
        let wished = name;
        let name = &scope.name(wished);
        draft.is_called(name, wished);
        let rest: Vec<&str> =
            scope.away.iter().copied().filter(|machine| !scope.taken.contains_key(*machine)).collect();
        let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for machine in &rest {
            match scope.groups.get(machine) {
                Some(group) => members.entry((*group).to_owned()).or_default().push((*machine).to_owned()),
                None => draft.machines.push((*machine).to_owned()),
            }
        }
        for machine in &rest {
            scope.taken.insert((*machine).to_owned(), name.to_owned());
        }
        draft.groups = members.into_iter().collect();
        draft.notes.extend(
            scope.left_out.iter().map(|(machine, reason)| format!("`{machine}` is left out: {reason}")),
        );
        (!rest.is_empty()).then_some(draft)
    }

    /// Takes its name, and says so if it is another than was wished for.
    fn is_called(&mut self, name: &str, wished: &str) {
        if name != wished {
            self.notes
                .push(format!("another plan is called `{wished}`, so that this one is called `{name}`"));
        }
        name.clone_into(&mut self.name);
    }

    /// Takes the machines of a recovery plan, each with the number of its group.
    fn take(&mut self, plan: &SeenPlan, scope: &mut Scope<'_>) -> Vec<(usize, String)> {
        let mut taken = Vec::new();
        for (number, group) in plan.groups.iter().enumerate() {
            for machine in &group.machines {
                match scope.take(machine.as_str(), &plan.name) {
                    Ok(()) => taken.push((number, machine.as_str().to_owned())),
                    Err(note) => self.notes.push(note),
                }
            }
            self.notes.extend(group.others.iter().map(|item| {
                format!("`{item}` is left out: it is no virtual machine of VMware and no physical server")
            }));
        }
        taken
    }

    fn leaves(&mut self, action: &SeenAction, reason: &str) {
        self.notes.push(format!("action `{}` is left out: {reason}", action.name));
    }

    fn tell_of_split_groups(&mut self, facts: &Inventory) {
        for (name, members) in &self.groups {
            let whole = facts.replication_groups.iter().flatten().find(|group| group.name.value == *name);
            let missing: Vec<&str> = whole
                .into_iter()
                .flat_map(|group| &group.members)
                .map(|member| member.value.as_str())
                .filter(|member| !members.iter().any(|known| known == member))
                .collect();
            if !missing.is_empty() {
                self.notes.push(format!(
                    "replication group `{name}` has members that this plan does not: {}; they fail over together or not at all",
                    missing.join(", ")
                ));
            }
        }
    }

    /// Returns the plan as a document.
    pub(super) fn finish(mut self, facts: &Inventory, wish: &Wish<'_>) -> Imported {
        let classic = is_classic(facts);
        let mut document = Mapping::new();
        let mut put = |key: &str, value: Value| drop(document.insert(key.into(), value));
        put("kind", "RecoveryPlan".into());
        put("version", 1.into());
        put("name", self.name.as_str().into());
        let vault =
            facts.vault.as_ref().and_then(|vault| vault.name.as_deref()).map_or("a vault", String::as_str);
        put(
            "description",
            match &self.from {
                Some(plan) => {
                    format!("The machines of the recovery plan {plan} of {vault} back on-premises").into()
                }
                None => format!("The machines of {vault} back on-premises").into(),
            },
        );
        match wish.inventory {
            Some(inventory) => put("inventory", inventory.into()),
            None => self.notes.push(
                "`inventory` is left out: the facts lie outside of the plan's folder and of a git checkout; name them with --inventory".into(),
            ),
        }
        put("baseline", "current".into());
        put("recovery_point", if classic { "latest" } else { "crash_consistent" }.into());
        let defaults = choice::defaults(facts);
        self.notes.extend(defaults.notes);
        put("defaults", Value::Mapping(defaults.block));
        if !self.groups.is_empty() {
            put("replication_groups", named(&self.groups, "machines"));
        }
        let machines =
            self.machines.len() + self.groups.iter().map(|(_, members)| members.len()).sum::<usize>();
        if !self.machines.is_empty() {
            put("machines", names(&self.machines));
        }
        if !self.boot_groups.is_empty() {
            put("boot_groups", named(&self.boot_groups, "members"));
        }
        if !self.actions.is_empty() {
            put("actions", Value::Sequence(self.actions.into_iter().map(Value::Mapping).collect()));
        }
        let mut text = format!("# Made from the vault {}.\n", escape::line(vault));
        if !self.notes.is_empty() {
            text.push_str("#\n# To be looked at:\n");
            for note in &self.notes {
                let _ = writeln!(text, "#   * {}", escape::line(note));
            }
        }
        text.push_str(&serde_yaml::to_string(&document).expect("a mapping of texts has a YAML form"));
        Imported { name: self.name, text, notes: self.notes, machines }
    }
}

fn names(names: &[String]) -> Value {
    Value::Sequence(names.iter().map(|name| name.as_str().into()).collect())
}

/// Returns things with names, each with a list of others.
fn named(things: &[(String, Vec<String>)], key: &str) -> Value {
    let thing = |(name, inside): &(String, Vec<String>)| {
        let mut thing = Mapping::new();
        thing.insert("name".into(), name.as_str().into());
        thing.insert(key.into(), names(inside));
        Value::Mapping(thing)
    };
    Value::Sequence(things.iter().map(thing).collect())
}
