//! The pass that binds every name and merges the defaults.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;
use crate::id::IdMap;
use crate::model::BoundGroup;
use crate::model::BoundMachine;
use crate::model::Index;
use crate::model::Model;
use crate::model::reference;
use crate::model::settings;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::OsFamily;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::template;

/// Binds a plan to its facts.
///
/// Names that nothing has are kept in [`Model::unresolved`] (a rule reports them); what contradicts itself inside the
/// plan, such as a machine in two replication groups, is added to `diagnostics`.
#[must_use]
pub fn resolve(plan: RecoveryPlan, inventory: Inventory, diagnostics: &mut Vec<Diagnostic>) -> Model {
    let index = index_of(&inventory);
    let mut model = Model {
        plan,
        inventory,
        machines: Vec::new(),
        groups: Vec::new(),
        unresolved: Vec::new(),
        index,
        placements: IdMap::default(),
        other_plans: Vec::new(),
    };
    bind_groups(&mut model, diagnostics);
    bind_machines(&mut model, diagnostics);
    bind_boot_groups(&mut model);
    merge_settings(&mut model);
    if model.machines.is_empty() {
        diagnostics.push(
            Diagnostic::error("no-machine", model.plan.name.span, "the plan brings no machine back")
                .help("name machines under `machines:` or `replication_groups:`"),
        );
    }
    check_names(&model, diagnostics);
    check_actions(&model.plan, diagnostics);
    model.unresolved = reference::unresolved(&model);
    model
}

/// Puts fresh facts in the place of old ones, at a cost that does not grow with the number of machines.
///
/// A section of servers is replaced whole, unless `fresh` holds `changes` alone.
pub(crate) fn replace_facts(model: &mut Model, fresh: Inventory, changes: bool) {
    let old = &mut model.inventory;
    for machine in fresh.machines.into_iter().flatten() {
        let known = old.machines.get_or_insert_default();
        match model.index.machines.get(&machine.name.value) {
            Some(index) => {
                let place = &mut known[*index];
                // Findings go on pointing at the document that first told of the machine.
                let name = std::mem::replace(&mut place.name, Spanned::bare(String::new()));
                *place = machine;
                place.name = name;
            }
            None => {
                let at = known.len();
                if let Some(planned) = model.index.planned.get(&machine.name.value) {
                    model.machines[*planned].facts = Some(at);
                }
                model.index.machines.insert(machine.name.value.clone(), at);
                known.push(machine);
            }
        }
    }
    if fresh.observed_at.is_some() {
        old.observed_at = fresh.observed_at;
    }
    if fresh.network.is_some() {
        old.network = fresh.network;
    }
    if fresh.configuration_server.as_option().is_some() {
        old.configuration_server = fresh.configuration_server;
    }
    macro_rules! sections {
        ($($section:ident by $name:ident),*) => { $( match fresh.$section {
            Some(fresh) if changes => {
                replace_some(&mut old.$section, &mut model.index.$section, fresh, |thing| &thing.$name);
            }
            Some(fresh) => {
                old.$section = Some(fresh);
                model.index.$section = names(&old.$section, |thing| &thing.$name);
            }
            None => {}
        } )* };
    }
    sections!(
        vcenters by id, hosts by name, datastores by name, master_targets by name, process_servers by name, appliances by name
    );
}

fn replace_some<T>(
    known: &mut Option<Vec<T>>,
    index: &mut IdMap<String, usize>,
    fresh: Vec<T>,
    name: impl Fn(&T) -> &Spanned<String>,
) {
    let known = known.get_or_insert_default();
    for thing in fresh {
        match index.get(&name(&thing).value) {
            Some(at) => known[*at] = thing,
            None => {
                index.insert(name(&thing).value.clone(), known.len());
                known.push(thing);
            }
        }
    }
}

fn names<'a, T: 'a>(
    things: &'a Option<Vec<T>>,
    name: impl Fn(&'a T) -> &'a Spanned<String>,
) -> IdMap<String, usize> {
    let things = things.as_deref().unwrap_or_default();
    let mut index = IdMap::with_capacity_and_hasher(things.len(), Default::default());
    for (at, thing) in things.iter().enumerate() {
        index.entry(name(thing).value.clone()).or_insert(at);
    }
    index
}

fn index_of(inventory: &Inventory) -> Index {
    Index {
        machines: names(&inventory.machines, |machine| &machine.name),
        hosts: names(&inventory.hosts, |host| &host.name),
        datastores: names(&inventory.datastores, |datastore| &datastore.name),
        master_targets: names(&inventory.master_targets, |server| &server.name),
        process_servers: names(&inventory.process_servers, |server| &server.name),
        appliances: names(&inventory.appliances, |appliance| &appliance.name),
        vcenters: names(&inventory.vcenters, |vcenter| &vcenter.id),
        planned: IdMap::default(),
        groups: IdMap::default(),
        through_master_target: IdMap::default(),
        through_appliance: IdMap::default(),
        through_process_server: IdMap::default(),
        to_datastore: IdMap::default(),
    }
}

fn bind_groups(model: &mut Model, diagnostics: &mut Vec<Diagnostic>) {
    let facts = names(&model.inventory.replication_groups, |group| &group.name);
    for (listed, group) in model.plan.replication_groups.iter().enumerate() {
        let mut members = Vec::with_capacity(group.machines.len());
        for name in &group.machines {
            if let Some(other) = model.index.planned.get(&name.value) {
                diagnostics.push(
                    Diagnostic::error(
                        "duplicate-name",
                        name.span,
                        format!("`{}` is in a replication group already", name.value),
                    )
                    .label(model.machines[*other].name.span, "the first place is here")
                    .help("keep one: a machine is in one replication group at most"),
                );
                continue;
            }
            let index = model.machines.len();
            model.index.planned.insert(name.value.clone(), index);
            model.machines.push(unbound(name, Some(model.groups.len())));
            members.push(index);
        }
        let facts = facts.get(&group.name.value).copied();
        model.index.groups.entry(group.name.value.clone()).or_insert(model.groups.len());
        model.groups.push(BoundGroup { name: group.name.clone(), listed, members, facts });
    }
}

fn unbound(name: &Spanned<String>, group: Option<usize>) -> BoundMachine {
    let settings = settings::Settings {
        failback: settings::FailbackSettings::default(),
        forward: None,
        recovery_point: Spanned::bare(String::new()),
        failover: Spanned::bare(crate::syntax::plan::FailoverGate::Automatic),
        commit: Spanned::bare(crate::syntax::plan::CommitGate::OnApproval),
        final_state: None,
    };
    BoundMachine { name: name.clone(), settings, listed: None, facts: None, group, boot_group: None }
}

fn bind_machines(model: &mut Model, diagnostics: &mut Vec<Diagnostic>) {
    for (listed, machine) in model.plan.machines.iter().enumerate() {
        let name = &machine.0.name;
        let index = match model.index.planned.get(&name.value) {
            Some(index) => *index,
            None => {
                let index = model.machines.len();
                model.index.planned.insert(name.value.clone(), index);
                model.machines.push(unbound(name, None));
                index
            }
        };
        let bound = &mut model.machines[index];
        if let Some(first) = bound.listed {
            diagnostics.push(
                Diagnostic::error("duplicate-name", name.span, format!("`{}` is listed already", name.value))
                    .label(model.plan.machines[first].0.name.span, "the first place is here")
                    .help("keep one entry for each machine"),
            );
        } else {
            bound.listed = Some(listed);
        }
    }
    for machine in &mut model.machines {
        machine.facts = model.index.machines.get(&machine.name.value).copied();
    }
}

fn bind_boot_groups(model: &mut Model) {
    for (at, group) in model.plan.boot_groups.iter().enumerate() {
        for member in &group.members {
            let machines: Vec<usize> = match model.index.groups.get(&member.value) {
                Some(group) => model.groups[*group].members.clone(),
                None => model.index.planned.get(&member.value).copied().into_iter().collect(),
            };
            for machine in machines {
                model.machines[machine].boot_group.get_or_insert(at);
            }
        }
    }
}

fn merge_settings(model: &mut Model) {
    for index in 0..model.machines.len() {
        let bound = &model.machines[index];
        let group = bound.group.map(|group| &model.plan.replication_groups[model.groups[group].listed]);
        let listed = bound.listed.map(|listed| &model.plan.machines[listed].0);
        let family: Option<OsFamily> =
            model.facts(index).and_then(|facts| facts.os.as_ref()?.family.map(|family| family.value));
        let settings = settings::merge(&model.plan, group, listed, family);
        for (by_name, name) in [
            (&mut model.index.through_master_target, &settings.failback.master_target),
            (&mut model.index.through_appliance, &settings.failback.appliance),
            (&mut model.index.through_process_server, &settings.failback.process_server),
            (&mut model.index.to_datastore, &settings.failback.datastore),
        ] {
            let Some(name) = name else { continue };
            match by_name.get_mut(&name.value) {
                Some(machines) => machines.push(index),
                None => drop(by_name.insert(name.value.clone(), vec![index])),
            }
        }
        model.machines[index].settings = settings;
    }
}

/// Reports names that stand twice where each must be its own.
fn check_names(model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    let plan = &model.plan;
    twice("replication group", plan.replication_groups.iter().map(|group| &group.name), diagnostics);
    twice("boot group", plan.boot_groups.iter().map(|group| &group.name), diagnostics);
    twice("action", plan.actions.iter().map(|action| &action.name), diagnostics);
    twice("drill", plan.drills.iter().map(|drill| &drill.name), diagnostics);
    check_inventory(&model.inventory, diagnostics);
    one_name_each(model, diagnostics);
}

/// Reports names that mean two things: `depends_on` and `of` name machines, replication groups and boot groups alike.
fn one_name_each(model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    let machines = model.machines.iter().map(|machine| ("machine", &machine.name));
    let groups = model.plan.replication_groups.iter().map(|group| ("replication group", &group.name));
    let boot_groups = model.plan.boot_groups.iter().map(|group| ("boot group", &group.name));
    let mut taken: HashMap<&str, (&str, Span)> = HashMap::new();
    for (what, name) in machines.chain(groups).chain(boot_groups) {
        let (other, first) = *taken.entry(&name.value).or_insert((what, name.span));
        if other != what {
            let message = format!("`{}` names a {other} and a {what}", name.value);
            diagnostics.push(
                Diagnostic::error("duplicate-name", name.span, message)
                    .label(first, format!("the {other} is here"))
                    .help("rename one: `depends_on` and `of` could not tell them apart"),
            );
        }
    }
}

/// Reports names of an inventory that stand twice where each must be its own.
pub fn check_inventory(inventory: &Inventory, diagnostics: &mut Vec<Diagnostic>) {
    twice("machine", inventory.machines.iter().flatten().map(|machine| &machine.name), diagnostics);
    twice("host", inventory.hosts.iter().flatten().map(|host| &host.name), diagnostics);
    twice("datastore", inventory.datastores.iter().flatten().map(|datastore| &datastore.name), diagnostics);
    twice("vCenter", inventory.vcenters.iter().flatten().map(|vcenter| &vcenter.id), diagnostics);
    twice("master target", inventory.master_targets.iter().flatten().map(|server| &server.name), diagnostics);
    twice(
        "process server",
        inventory.process_servers.iter().flatten().map(|server| &server.name),
        diagnostics,
    );
    twice("appliance", inventory.appliances.iter().flatten().map(|appliance| &appliance.name), diagnostics);
    twice(
        "replication group",
        inventory.replication_groups.iter().flatten().map(|group| &group.name),
        diagnostics,
    );
}

fn twice<'a>(
    what: &str,
    names: impl Iterator<Item = &'a Spanned<String>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<&str, &Spanned<String>> = HashMap::new();
    for name in names {
        if let Some(first) = seen.get(name.value.as_str()) {
            diagnostics.push(
                Diagnostic::error(
                    "duplicate-name",
                    name.span,
                    format!("a second {what} is named `{}`", name.value),
                )
                .label(first.span, "the first one is here")
                .help(format!("give each {what} its own name")),
            );
        } else {
            seen.insert(&name.value, name);
        }
    }
}

/// Reports actions and probes that say nothing to do, or two things.
fn check_actions(plan: &RecoveryPlan, diagnostics: &mut Vec<Diagnostic>) {
    use crate::syntax::action::Phase;
    for action in &plan.actions {
        let kinds =
            [action.run.is_some(), action.manual.is_some(), action.runbook.is_some(), action.http.is_some()];
        let name = &action.name;
        if kinds.iter().filter(|kind| **kind).count() != 1 {
            let message = format!(
                "action `{}` must have exactly one of `run`, `manual`, `runbook` and `http`",
                name.value
            );
            diagnostics
                .push(Diagnostic::error("bad-action", name.span, message).help("write what it does, once"));
        }
        if action.before.is_none() && action.after.is_none() {
            let message =
                format!("action `{}` says neither `before` nor `after` which phase it runs", name.value);
            diagnostics.push(
                Diagnostic::error("bad-action", name.span, message)
                    .help("add `before: {phase: …, of: …}` or `after: {phase: …, of: …}`"),
            );
        }
        for (before, hook) in [(true, &action.before), (false, &action.after)] {
            let Some(hook) = hook else { continue };
            let run = hook.phase.value == Phase::Run;
            if run && hook.of.is_some() {
                let message = "the phase `run` is of the whole plan and takes no `of`";
                diagnostics
                    .push(Diagnostic::error("bad-action", hook.phase.span, message).help("delete `of`"));
            } else if !run && hook.of.is_none() {
                let message = format!("`of` is missing: whose {} is meant?", hook.phase.value);
                diagnostics.push(
                    Diagnostic::error("bad-action", hook.phase.span, message)
                        .help("add `of:` with a machine, replication group or boot group"),
                );
            }
            let both = action.before.is_some() && action.after.is_some();
            if run && both {
                let message =
                    "an action before or after the whole run can't stand before or after a phase of it too";
                diagnostics.push(
                    Diagnostic::error("bad-action", hook.phase.span, message)
                        .help("keep one of `before` and `after`, or make two actions of it"),
                );
            }
            if before && let Some(outcome) = hook.outcome.first() {
                let message = "an action before a phase can't depend on how the phase ends";
                diagnostics.push(
                    Diagnostic::error("bad-action", outcome.span, message)
                        .help("delete `outcome`, or use `after`"),
                );
            }
        }
    }
    let bodies = plan.actions.iter().filter_map(|action| Some((&action.name, action.http.as_ref()?)));
    for (name, request) in bodies {
        let unknown =
            request.body.as_ref().map(|body| template::unknown_variables_of(&body.0)).unwrap_or_default();
        if let Some(variable) = unknown.first() {
            let message = format!("the body of `{}` speaks of `{variable}`, which there is not", name.value);
            diagnostics.push(
                Diagnostic::error("bad-action", request.url.span, message)
                    .help(format!("known: {}", template::VARIABLES.join(", "))),
            );
        }
    }
    let probes = plan.defaults.iter().flat_map(|defaults| &defaults.verify);
    for probe in probes.chain(plan.machines.iter().flat_map(|machine| &machine.0.verify)) {
        if probe.http.is_some() == probe.tcp.is_some() {
            let message = format!("probe `{}` must have exactly one of `http` and `tcp`", probe.name.value);
            diagnostics.push(
                Diagnostic::error("bad-action", probe.name.span, message).help("write what it asks, once"),
            );
        }
    }
}
