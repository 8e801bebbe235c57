//! What the plan chooses for one machine, and what its facts and rules let it choose.

use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::alternate_location::full_size;
use crate::rules::placement::Server;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::plan::LocationChoice;

/// What a line of the plan says about a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// That it is a member of its replication group.
    Member,
    /// Its master target or appliance.
    Server,
    /// Its datastore.
    Datastore,
    /// The volume that keeps its recovery points.
    Volume,
    /// The host that it is to run on.
    Host,
    /// Where it is expected to come back.
    Location,
    /// That its on-premises VM is to be deleted.
    Delete,
}

impl Key {
    pub(super) const ALL: [Self; 7] =
        [Self::Member, Self::Server, Self::Datastore, Self::Volume, Self::Host, Self::Location, Self::Delete];

    /// Returns the key of the plan.
    pub(super) const fn as_str(self, experience: Experience) -> &'static str {
        match (self, experience) {
            (Self::Member, _) => "machines",
            (Self::Server, Experience::Classic) => "master_target",
            (Self::Server, Experience::Modernized) => "appliance",
            (Self::Datastore, _) => "datastore",
            (Self::Volume, _) => "retention_volume",
            (Self::Host, _) => "target.host",
            (Self::Location, _) => "location",
            (Self::Delete, _) => "delete_existing_vm",
        }
    }
}

/// A set of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(u8);

impl Keys {
    pub(super) const fn with(self, key: Key) -> Self {
        Self(self.0 | 1 << key as u8)
    }

    pub(super) const fn has(self, key: Key) -> bool {
        self.0 & 1 << key as u8 != 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Key> {
        Key::ALL.into_iter().filter(move |key| self.has(*key))
    }

    pub(super) fn of(keys: &[Key]) -> Self {
        keys.iter().fold(Self::default(), |all, key| all.with(*key))
    }
}

/// A rule that a choice breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its id.
    pub(super) rule: &'static str,
    /// What has a part in it.
    pub(super) keys: Keys,
    /// Whether it is known to be broken; else a fact is missing.
    pub(super) certain: bool,
}

/// Another value of a key; `None` takes the line out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// The key.
    pub(super) key: Key,
    /// Its value.
    pub(super) value: Option<String>,
}

/// A machine, and what the plan chooses for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'m> {
    /// The machine.
    pub(super) machine: Machine<'m>,
    /// The server that the plan assigns, by its place among the servers; `None` if none is, or the inventory has no such.
    pub(super) server: Option<usize>,
    /// What lines the plan has.
    pub(super) lines: Keys,
    pub(super) experience: Experience,
    pub(super) delete: bool,
    pub(super) location: LocationChoice,
    /// Whether only a line of the plan makes it come back as a new VM.
    pub(super) alternate_by_line: bool,
}

impl<'m> Member<'m> {
    /// Returns a machine of the plan; `server` is its server's place among all.
    pub(super) fn new(machine: Machine<'m>, server: Option<usize>, experience: Experience) -> Self {
        let settings = &machine.settings().failback;
        let delete = machine.deletes_existing_vm();
        let present = [
            (Key::Member, machine.group().is_some_and(|group| group.members().nth(1).is_some())),
            (Key::Server, server.is_some()),
            (Key::Datastore, settings.datastore.is_some()),
            (Key::Volume, settings.retention_volume.is_some() && experience == Experience::Classic),
            (Key::Host, settings.host.is_some() && experience == Experience::Classic),
            (Key::Location, settings.location.is_some()),
            (Key::Delete, delete),
        ];
        let lines = present.into_iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key);
        Self {
            machine,
            server,
            lines: Keys::of(&lines.collect::<Vec<_>>()),
            experience,
            delete,
            location: settings.location.map_or(LocationChoice::Auto, |location| location.value),
            alternate_by_line: delete && machine.location_mode_if(false) == Ok(LocationMode::Original),
        }
    }

    pub(super) fn datastore(&self) -> Option<&'m str> {
        self.machine.settings().failback.datastore.as_ref().map(|name| name.value.as_str())
    }

    pub(super) fn volume(&self) -> Option<&'m str> {
        self.machine.settings().failback.retention_volume.as_ref().map(|name| name.value.as_str())
    }

    pub(super) fn host(&self) -> Option<&'m str> {
        self.machine.settings().failback.host.as_ref().map(|name| name.value.as_str())
    }

    /// Returns what the plan's own choice breaks.
    pub(super) fn broken(&self, servers: &[Server<'m>]) -> Vec<Broken> {
        let mut broken = self.on_location(self.delete, self.location);
        broken.extend(self.on_special_disks(self.delete));
        if let Some(server) = self.server.map(|at| servers[at]) {
            broken.extend(self.on_server(server));
            broken.extend(self.on_disks(server, self.delete));
            broken.extend(self.on_datastore(server, self.delete, self.datastore()));
            broken.extend(self.on_host(server, self.delete, self.host()));
            broken.extend(self.on_volume(server, self.volume()));
        }
        broken.retain(|broken| broken.certain);
        broken
    }

    /// Returns the fewest changes with which the machine can come back through a server, while lines that are `fixed` stay;
    /// `None` if there are none. What is broken by `ignored` rules does not matter.
    ///
    /// A `careful` answer changes to nothing of which a fact is missing.
    pub(super) fn changes(
        &self,
        (at, server): (usize, Server<'m>),
        fixed: Keys,
        ignored: &[&'static str],
        careful: bool,
    ) -> Option<Vec<Change>> {
        let is_other = self.server != Some(at);
        if is_other && fixed.has(Key::Server) {
            return None;
        }
        let holds = |broken: &[Broken], is_changed: bool| {
            broken
                .iter()
                .all(|broken| ignored.contains(&broken.rule) || !(broken.certain || careful && is_changed))
        };
        if !holds(&self.on_server(server), is_other) {
            return None;
        }
        let may_keep_vm = self.delete && !fixed.has(Key::Delete);
        let deletes = [Some(self.delete), may_keep_vm.then_some(false)];
        let all = deletes.into_iter().flatten().filter_map(|delete| {
            let mut changes = Vec::new();
            let is_other = is_other || delete != self.delete;
            if delete != self.delete {
                changes.push(Change { key: Key::Delete, value: None });
            }
            let disks = [self.on_disks(server, delete), self.on_special_disks(delete)].concat();
            if !holds(&disks, is_other) {
                return None;
            }
            if !holds(&self.on_location(delete, self.location), is_other) {
                (!fixed.has(Key::Location)).then_some(())?;
                changes.push(Change { key: Key::Location, value: Some("auto".to_owned()) });
            }
            if !holds(&self.on_host(server, delete, self.host()), is_other) {
                (!fixed.has(Key::Host)).then_some(())?;
                changes.push(Change { key: Key::Host, value: None });
            }
            if !holds(&self.on_volume(server, self.volume()), is_other) {
                (!fixed.has(Key::Volume)).then_some(())?;
                let volumes = server.volumes().ok().flatten().unwrap_or_default();
                let fitting = |volume: &&RetentionVolume| {
                    holds(&self.on_volume(server, Some(&volume.name.value)), true)
                };
                let volume = volumes.iter().find(fitting)?;
                changes.push(Change { key: Key::Volume, value: Some(volume.name.value.clone()) });
            }
            if !holds(&self.on_datastore(server, delete, self.datastore()), is_other) {
                (!fixed.has(Key::Datastore)).then_some(())?;
                let named =
                    self.datastore_for(|name| holds(&self.on_datastore(server, delete, Some(name)), true))?;
                changes.push(Change { key: Key::Datastore, value: Some(named.to_owned()) });
            }
            Some(changes)
        });
        all.min_by_key(Vec::len)
    }

    /// Returns a datastore that fits, and is known to be neither out of reach nor too small for the machine alone.
    fn datastore_for(&self, fits: impl Fn(&str) -> bool) -> Option<&'m str> {
        let datastores = self.machine.model.inventory.datastores.iter().flatten();
        let size = full_size(self.machine).ok();
        let usable = datastores.filter(|datastore| {
            let has_space = datastore.free_gb.zip(size).is_none_or(|(free, size)| size <= free.value);
            has_space && datastore.accessible.is_none_or(|accessible| accessible.value)
        });
        usable.map(|datastore| datastore.name.value.as_str()).find(|name| fits(name))
    }
}
