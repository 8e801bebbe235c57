//! The pass that binds every name and merges the defaults.

use crate::id::IdMap;
use crate::model::BoundGroup;
use crate::model::BoundMachine;
use crate::model::Index;
use crate::model::Model;
use crate::model::reference;
use crate::model::settings;
use crate::source::Spanned;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::OsFamily;
use crate::syntax::plan::RecoveryPlan;

/// Binds a plan to its facts.
///
/// Names that nothing has are kept in [`Model::unresolved`]: a rule reports them. What contradicts itself inside a
/// document, such as a machine in two replication groups, was refused when it was read; of two, the first counts.
#[must_use]
pub fn resolve(plan: RecoveryPlan, inventory: Inventory) -> Model {
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
        is_live: false,
        revision: 0,
    };
    bind_groups(&mut model);
    bind_machines(&mut model);
    bind_boot_groups(&mut model);
    merge_settings(&mut model);
    model.unresolved = reference::unresolved(&model);
    model
}

/// Puts fresh facts in the place of old ones, at a cost that does not grow with the number of machines.
///
/// A section of servers is replaced whole, unless `fresh` holds `changes` alone.
pub(crate) fn replace_facts(model: &mut Model, fresh: Inventory, changes: bool) {
    model.revise();
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

/// Brings what is known of one server to what was seen of it.
pub(crate) fn replace_one<T: Clone>(
    known: &mut Option<Vec<T>>,
    index: &mut IdMap<String, usize>,
    name: &str,
    fresh: &T,
) {
    let known = known.get_or_insert_default();
    match index.get(name) {
        Some(at) => known[*at].clone_from(fresh),
        None => {
            index.insert(name.to_owned(), known.len());
            known.push(fresh.clone());
        }
    }
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

fn bind_groups(model: &mut Model) {
    let facts = names(&model.inventory.replication_groups, |group| &group.name);
    for (listed, group) in model.plan.replication_groups.iter().enumerate() {
        let mut members = Vec::with_capacity(group.machines.len());
        for name in &group.machines {
            if model.index.planned.contains_key(&name.value) {
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
    BoundMachine {
        name: name.clone(),
        settings,
        listed: None,
        facts: None,
        appliances: [None; 2],
        group,
        boot_group: None,
        revision: 0,
    }
}

fn bind_machines(model: &mut Model) {
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
        model.machines[index].listed.get_or_insert(listed);
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
        let forward = settings.forward.as_ref().and_then(|forward| forward.appliance.as_ref());
        let appliances = [settings.failback.appliance.as_ref(), forward];
        let place = |name: &Spanned<String>| model.index.appliances.get(&name.value).copied();
        model.machines[index].appliances = appliances.map(|name| name.and_then(place));
        model.machines[index].settings = settings;
    }
}
