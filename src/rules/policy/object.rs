//! The things that an expression looks at where they are: machines, groups, servers, the documents.

use std::cell::Cell;
use std::sync::Arc;

use crate::model::Group;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::policy::read::Copying;
use crate::rules::policy::read::Found;
use crate::rules::policy::read::Key;
use crate::rules::policy::read::TooMuch;
use crate::rules::policy::read::read;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Value;
use crate::source::Spanned;
use crate::syntax::inventory;

/// A machine, a group, a server or a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Object<'m> {
    Plan(&'m Model),
    Inventory(&'m Model),
    Machine(Machine<'m>),
    Group(Group<'m>),
    Vcenter(&'m inventory::Vcenter),
    Host(&'m inventory::Host),
    Datastore(&'m inventory::Datastore),
    MasterTarget(&'m inventory::MasterTarget),
    ProcessServer(&'m inventory::ProcessServer),
    Appliance(&'m inventory::Appliance),
}

/// Why a key of an object has no value.
#[derive(Debug)]
pub(super) enum Lack {
    Unknown(Unknown),
    TooMuch,
}

impl From<TooMuch> for Lack {
    fn from(_: TooMuch) -> Self {
        Self::TooMuch
    }
}

impl From<Unknown> for Lack {
    fn from(unknown: Unknown) -> Self {
        Self::Unknown(unknown)
    }
}

impl<'m> Object<'m> {
    /// Returns its name.
    pub fn name(self) -> &'m str {
        match self {
            Self::Plan(model) => &model.plan.name.value,
            Self::Inventory(model) => &model.inventory.name.value,
            Self::Machine(machine) => &machine.name().value,
            Self::Group(group) => &group.name().value,
            Self::Vcenter(vcenter) => &vcenter.id.value,
            Self::Host(host) => &host.name.value,
            Self::Datastore(datastore) => &datastore.name.value,
            Self::MasterTarget(target) => &target.name.value,
            Self::ProcessServer(server) => &server.name.value,
            Self::Appliance(appliance) => &appliance.name.value,
        }
    }

    /// Returns whether this is the same thing as another.
    pub fn is(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other) && self.name() == other.name()
    }

    /// Returns whom an unknown fact of it is about.
    pub fn owner(self) -> Option<Arc<str>> {
        match self {
            Self::Plan(_) | Self::Inventory(_) => None,
            Self::Machine(_)
            | Self::Group(_)
            | Self::Vcenter(_)
            | Self::Host(_)
            | Self::Datastore(_)
            | Self::MasterTarget(_)
            | Self::ProcessServer(_)
            | Self::Appliance(_) => Some(self.name().into()),
        }
    }

    /// Follows keys, and reads what is at their end as a value of type `ty`.
    pub fn read(self, keys: &[Key], ty: &Type, left: &Cell<u64>) -> Result<Found<'m>, Lack> {
        // Only what is copied whole remembers whose it is.
        let owner = if matches!(ty, Type::List(_) | Type::Block(_)) { self.owner() } else { None };
        let copying = Copying { left, owner };
        let copying = &copying;
        Ok(match self {
            Self::Plan(model) => read(&model.plan, keys, ty, copying)?,
            Self::Inventory(model) => read(&model.inventory, keys, ty, copying)?,
            Self::Machine(machine) => return of_machine(machine, keys, ty, copying),
            Self::Group(group) if keys.first().is_some_and(|key| *key.name == *"members") => Found::Value(
                Value::List(group.members().map(|member| Value::Object(Self::Machine(member))).collect()),
            ),
            Self::Group(group) => read(group.plan(), keys, ty, copying)?,
            Self::Vcenter(facts) => read(facts, keys, ty, copying)?,
            Self::Host(facts) => read(facts, keys, ty, copying)?,
            Self::Datastore(facts) => read(facts, keys, ty, copying)?,
            Self::MasterTarget(facts) => read(facts, keys, ty, copying)?,
            Self::ProcessServer(facts) => read(facts, keys, ty, copying)?,
            Self::Appliance(facts) => read(facts, keys, ty, copying)?,
        })
    }
}

/// Reads a key of a machine of the plan: what follows from the plan, or a fact.
fn of_machine<'m>(
    machine: Machine<'m>,
    keys: &[Key],
    ty: &Type,
    copying: &Copying<'_>,
) -> Result<Found<'m>, Lack> {
    let Some((first, rest)) = keys.split_first() else {
        return Ok(read(machine.facts()?, keys, ty, copying)?);
    };
    let text = |text: Option<&str>| Found::Value(text.map_or(Value::Null, Value::text));
    Ok(match &*first.name {
        "name" => text(Some(&machine.name().value)),
        "settings" => deeper(read(machine.settings(), rest, ty, copying)?),
        "location_mode" => text(Some(machine.location_mode()?.as_str())),
        "group" => text(machine.group().map(|group| group.name().value.as_str())),
        "boot_group" => text(machine.boot_group().and_then(|index| {
            machine.model.plan.boot_groups.get(index).map(|group| group.name.value.as_str())
        })),
        "depends_on" => {
            let names: &[Spanned<String>] = machine.depends_on();
            deeper(read(names, rest, ty, copying)?)
        }
        "verify" => deeper(read(machine.probes(), rest, ty, copying)?),
        _ => read(machine.facts()?, keys, ty, copying)?,
    })
}

/// Counts the key that was followed before the others.
fn deeper(found: Found<'_>) -> Found<'_> {
    match found {
        Found::Absent(depth) => Found::Absent(depth + 1),
        Found::Value(_) | Found::ThroughNull => found,
    }
}
