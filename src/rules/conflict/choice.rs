//! What the plan chooses for one machine, and what its facts and rules let it choose.

use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::rules::placement;
use crate::rules::placement::Server;
use crate::source::Span;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::State;
use crate::syntax::plan::Baseline;
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

    fn of(keys: &[Key]) -> Self {
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
    experience: Experience,
    delete: bool,
    location: LocationChoice,
    /// Whether only a line of the plan makes it come back as a new VM.
    alternate_by_line: bool,
}

/// Collects what is broken.
struct Sink {
    broken: Vec<Broken>,
}

impl Sink {
    fn add(&mut self, rule: &'static str, keys: Keys, holds: Fact<bool>) {
        match holds {
            Ok(true) => {}
            Ok(false) => self.broken.push(Broken { rule, keys, certain: true }),
            Err(_) => self.broken.push(Broken { rule, keys, certain: false }),
        }
    }
}

fn collected(add: impl FnOnce(&mut Sink)) -> Vec<Broken> {
    let mut sink = Sink { broken: Vec::new() };
    add(&mut sink);
    sink.broken
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

    fn datastore(&self) -> Option<&'m str> {
        self.machine.settings().failback.datastore.as_ref().map(|name| name.value.as_str())
    }

    fn volume(&self) -> Option<&'m str> {
        self.machine.settings().failback.retention_volume.as_ref().map(|name| name.value.as_str())
    }

    fn host(&self) -> Option<&'m str> {
        self.machine.settings().failback.host.as_ref().map(|name| name.value.as_str())
    }

    /// Returns the keys of a rule about new VMs: the line that makes the machine one has a part in it.
    fn alternate(&self, keys: &[Key]) -> Keys {
        let keys = Keys::of(keys);
        if self.alternate_by_line { keys.with(Key::Delete) } else { keys }
    }

    /// Looks at the server as such.
    fn on_server(&self, server: Server<'m>) -> Vec<Broken> {
        collected(|sink| {
            if self.experience == Experience::Classic {
                let family = self
                    .machine
                    .os_family()
                    .and_then(|own| Ok(server.family()?.is_none_or(|family| family.value == own)));
                sink.add("FB201", Keys::of(&[Key::Server]), family);
                let vcenter = placement::vcenter(self.machine).and_then(|vcenter| {
                    vcenter.map_or(Ok(true), |vcenter| server.is_under(vcenter, self.machine.model))
                });
                sink.add("FB310", Keys::of(&[Key::Server]), vcenter);
            }
        })
    }

    /// Looks at the disks of the original VM.
    fn on_disks(&self, server: Server<'m>, delete: bool) -> Vec<Broken> {
        let model = self.machine.model;
        collected(|sink| match self.machine.location_mode_if(delete) {
            Err(_) | Ok(LocationMode::Alternate) => {}
            Ok(LocationMode::Original) => {
                let reach = |to_write: bool| -> Fact<bool> {
                    let host = server.host_name()?;
                    for disk in placement::replicated(self.machine.onprem_disks()?) {
                        if let Some(name) = placement::datastore_of(self.machine, disk)?
                            && !placement::has(model.datastore(name)?, host, to_write)?
                        {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                };
                let reached = reach(false);
                let rule = match self.experience {
                    Experience::Modernized => "FB802",
                    Experience::Classic if self.is_standalone() => "FB102",
                    Experience::Classic => "FB101",
                };
                if reached == Ok(true) {
                    sink.add("FB105", Keys::of(&[Key::Server]), reach(true));
                }
                sink.add(rule, Keys::of(&[Key::Server]), reached);
            }
        })
    }

    fn is_standalone(&self) -> bool {
        let vcenter = self.machine.onprem_vm().and_then(|vm| vm.vcenter.fact("onprem_vm.vcenter"));
        vcenter.is_ok_and(|vcenter| vcenter.is_none())
    }

    /// Looks at disks that can't be made anew: what is left of them must be attached, and they are in no new VM.
    fn on_special_disks(&self, delete: bool) -> Vec<Broken> {
        // Without a line that has a part in it, there is nothing to choose.
        if !self.alternate_by_line {
            return Vec::new();
        }
        let disks = self.machine.onprem_disks();
        let is_rdm = |disk: &crate::syntax::machine::OnpremDisk| {
            disk.kind.is_some_and(|kind| kind.value == DiskKind::Rdm)
        };
        let keys = Keys::of(&[Key::Delete]);
        collected(|sink| {
            if delete {
                let none = disks.map(|disks| !placement::replicated(disks).any(is_rdm));
                sink.add("FB124", keys, none);
            } else if self.experience == Experience::Classic && !self.has_begun() {
                let attached = disks.map(|disks| {
                    placement::replicated(disks).filter(|disk| is_rdm(disk) || self.is_on_vsan(disk)).all(
                        |disk| {
                            disk.exists.is_none_or(|exists| exists.value)
                                && disk.attached.is_none_or(|attached| attached.value)
                        },
                    )
                });
                sink.add("FB104", keys, attached);
            }
        })
    }

    fn is_on_vsan(&self, disk: &crate::syntax::machine::OnpremDisk) -> bool {
        let name = placement::datastore_of(self.machine, disk).ok().flatten();
        let datastore = name.and_then(|name| self.machine.model.datastore(name).ok());
        datastore
            .is_some_and(|datastore| datastore.kind.is_some_and(|kind| kind.value == DatastoreType::Vsan))
    }

    fn has_begun(&self) -> bool {
        match self.machine.state() {
            Ok(
                State::ReprotectingToOnprem
                | State::ProtectedToOnprem
                | State::FailingBack
                | State::FailedBack
                | State::FailedBackCommitted,
            ) => true,
            Ok(
                State::ProtectedToAzure
                | State::FailedOver
                | State::FailedOverCommitted
                | State::ReprotectingToAzure
                | State::Migrated
                | State::AzureVmDeleted
                | State::ReplicationDisabled
                | State::AzureVmMoved,
            )
            | Err(_) => false,
        }
    }

    /// Looks at the datastore that the plan names, or would.
    fn on_datastore(&self, server: Server<'m>, delete: bool, datastore: Option<&str>) -> Vec<Broken> {
        let model = self.machine.model;
        collected(|sink| {
            let mode = self.machine.location_mode_if(delete);
            let Some(name) = datastore else {
                match mode {
                    Ok(LocationMode::Alternate) => {
                        sink.add("FB121", self.alternate(&[Key::Datastore]), Ok(false))
                    }
                    Ok(LocationMode::Original) => sink.add("FB509", Keys::of(&[Key::Datastore]), Ok(false)),
                    Err(_) => {}
                }
                return;
            };
            match mode {
                Ok(LocationMode::Alternate) => {}
                Ok(LocationMode::Original) | Err(_) => return,
            }
            let own = self.alternate(&[Key::Datastore]);
            let with_server = self.alternate(&[Key::Datastore, Key::Server]);
            let found = model.datastore(name);
            let reach = |to_write: bool| placement::has(found.clone()?, server.host_name()?, to_write);
            match (self.experience, server) {
                (Experience::Classic, _) => {
                    let kind = found.clone().and_then(|found| found.kind.fact("datastores.type"));
                    let is_allowed = |rule: &str| {
                        kind.clone().map(|kind| match kind.value {
                            DatastoreType::Vmfs => true,
                            DatastoreType::Vsan => rule != "FB123" || model.baseline() != Baseline::Seed2017,
                            DatastoreType::Nfs | DatastoreType::Vvol => rule != "FB125",
                        })
                    };
                    sink.add("FB123", own, is_allowed("FB123"));
                    sink.add("FB125", own, is_allowed("FB125"));
                    sink.add("FB122", with_server, reach(false));
                }
                (Experience::Modernized, Server::Appliance(appliance)) => {
                    sink.add("FB131", with_server, placement::is_beside(appliance, name, model));
                    sink.add("FB802", with_server, reach(true));
                }
                (Experience::Modernized, Server::MasterTarget(_)) => {}
            }
        })
    }

    /// Looks at the host that the plan wants a new VM on.
    fn on_host(&self, server: Server<'m>, delete: bool, host: Option<&str>) -> Vec<Broken> {
        collected(|sink| {
            if let Some(host) = host
                && self.experience == Experience::Classic
                && self.machine.location_mode_if(delete) == Ok(LocationMode::Alternate)
            {
                let keys = self.alternate(&[Key::Host, Key::Server]);
                sink.add("FB120", keys, server.host_name().map(|own| own == host));
            }
        })
    }

    /// Looks at where the plan expects the machine.
    fn on_location(&self, delete: bool, location: LocationChoice) -> Vec<Broken> {
        let is_vmware = self.machine.kind().is_ok_and(|kind| kind == MachineKind::VmwareVm);
        let mode = self.machine.location_mode_if(delete);
        collected(|sink| match location {
            LocationChoice::Auto => {}
            LocationChoice::Original if is_vmware || delete => {
                let holds = mode.map(|mode| mode == LocationMode::Original);
                sink.add("FB100", self.alternate(&[Key::Location]), holds);
            }
            LocationChoice::Original => {
                let holds = self.machine.kind().map(|kind| kind != MachineKind::Physical);
                sink.add("FB013", Keys::of(&[Key::Location]), holds);
            }
            LocationChoice::Alternate if delete || self.has_begun() || !is_vmware => {}
            LocationChoice::Alternate => {
                let holds = mode.map(|mode| mode == LocationMode::Alternate);
                sink.add("FB100", self.alternate(&[Key::Location]), holds);
            }
        })
    }

    /// Looks at the volume that keeps the recovery points.
    fn on_volume(&self, server: Server<'m>, volume: Option<&str>) -> Vec<Broken> {
        collected(|sink| {
            if self.experience == Experience::Classic {
                match volume {
                    None => sink.add("FB509", Keys::of(&[Key::Volume]), Ok(false)),
                    Some(name) => {
                        let holds = server.volumes().map(|volumes| {
                            let mut named =
                                volumes.into_iter().flatten().filter(|volume| volume.name.value == name);
                            named.next().is_some_and(is_usable)
                        });
                        sink.add("FB211", Keys::of(&[Key::Server, Key::Volume]), holds);
                    }
                }
            }
        })
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

    fn datastore_for(&self, fits: impl Fn(&str) -> bool) -> Option<&'m str> {
        let datastores = self.machine.model.inventory.datastores.iter().flatten();
        let usable =
            datastores.filter(|datastore| datastore.accessible.is_none_or(|accessible| accessible.value));
        usable.map(|datastore| datastore.name.value.as_str()).find(|name| fits(name))
    }

    /// Returns a line of the plan in words, and where it is.
    pub(super) fn line(&self, key: Key) -> (Span, String) {
        let (settings, name) = (&self.machine.settings().failback, self.machine.name());
        let said = |value: &crate::source::Spanned<String>| {
            (value.span, format!("`{}: {value}` of {name}", key.as_str(self.experience)))
        };
        let own = (name.span, name.value.clone());
        match key {
            Key::Member => {
                let group = self.machine.group().map_or("", |group| group.name().value.as_str());
                (name.span, format!("{name} in {group}"))
            }
            Key::Server => match self.experience {
                Experience::Classic => settings.master_target.as_ref().map_or(own, said),
                Experience::Modernized => settings.appliance.as_ref().map_or(own, said),
            },
            Key::Datastore => settings.datastore.as_ref().map_or(own, said),
            Key::Volume => settings.retention_volume.as_ref().map_or(own, said),
            Key::Host => settings.host.as_ref().map_or(own, said),
            Key::Location => settings
                .location
                .map_or(own, |location| (location.span, format!("`location: {}` of {name}", location.value))),
            Key::Delete => settings
                .delete_existing_vm
                .map_or(own, |delete| (delete.span, format!("`delete_existing_vm: true` of {name}"))),
        }
    }

    /// Returns why a rule is broken by what the plan chooses, at the fact that speaks against it.
    pub(super) fn reason(&self, rule: &str, servers: &[Server<'m>]) -> Option<(Span, String)> {
        let (name, model) = (self.machine.name(), self.machine.model);
        let server = self.server.map(|at| servers[at]);
        let datastore = self.datastore().and_then(|name| model.datastore(name).ok());
        match rule {
            "FB201" | "FB507" => {
                let family = self.machine.os().ok()?.family?;
                let word = match family.value {
                    OsFamily::Windows => "Windows",
                    OsFamily::Linux => "Linux",
                };
                match rule {
                    "FB201" => {
                        Some((family.span, format!("{name} runs {word}, and {} does not", server?.name())))
                    }
                    _ => Some((family.span, format!("{name} runs {word}"))),
                }
            }
            "FB101" | "FB102" | "FB802" | "FB105" => {
                let host = server?.host()?;
                let disk = placement::replicated(self.machine.onprem_disks().ok()?).find_map(|disk| {
                    let on = placement::datastore_of(self.machine, disk).ok()??;
                    let found = model.datastore(on).ok()?;
                    (placement::has(found, host, true) == Ok(false)).then_some((disk, on))
                });
                match disk {
                    Some((disk, on)) => {
                        Some((on.span, format!("{} of {name} lies on {on}, out of reach of {host}", disk.id)))
                    }
                    None => Some((datastore?.name.span, format!("{host} can't write to it"))),
                }
            }
            "FB122" | "FB131" => {
                let datastore = datastore?;
                let host = server?.host()?;
                Some((
                    datastore.name.span,
                    format!("{host}, the host of {}, does not have {}", server?.name(), datastore.name),
                ))
            }
            "FB123" | "FB125" => {
                let datastore = datastore?;
                let kind = datastore.kind?;
                Some((
                    kind.span,
                    format!("{} is {}, where no disk can be made anew", datastore.name, kind.value),
                ))
            }
            "FB124" => {
                let mut disks = placement::replicated(self.machine.onprem_disks().ok()?);
                let (disk, kind) = disks
                    .find_map(|disk| Some((disk, disk.kind.filter(|kind| kind.value == DiskKind::Rdm)?)))?;
                Some((kind.span, format!("{} of {name} is an RDM, which can't be made anew", disk.id)))
            }
            "FB100" => {
                let exists = self.machine.onprem_vm().ok()?.exists?;
                let word = if exists.value { "exists" } else { "does not exist" };
                Some((exists.span, format!("the on-premises VM of {name} {word}")))
            }
            "FB120" => {
                let host = server?.host()?;
                Some((host.span, format!("{} runs on {host}", server?.name())))
            }
            "FB211" => {
                Some((server?.name().span, format!("{} has no such volume that can be used", server?.name())))
            }
            "FB310" => {
                let vcenter = self.machine.asr().ok()?.source_vcenter.as_option()?;
                Some((vcenter.span, format!("{name} was protected under {vcenter}")))
            }
            _ => None,
        }
    }
}

/// Returns whether a volume may keep recovery points, as far as that is known.
fn is_usable(volume: &RetentionVolume) -> bool {
    let is_free = |used: Option<crate::source::Spanned<bool>>| used.is_none_or(|used| !used.value);
    let is_fat = |fs: &str| ["fat", "fat32"].iter().any(|fat| fs.eq_ignore_ascii_case(fat));
    is_free(volume.in_use)
        && is_free(volume.locked)
        && !volume.fs.as_ref().is_some_and(|fs| is_fat(fs))
        && volume.capacity_gb.is_none_or(|capacity| capacity.value.0 > 0)
}
