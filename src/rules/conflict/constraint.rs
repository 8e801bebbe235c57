//! What rules let a machine choose: each constraint says which keys of the plan have a part in it.

use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::rules::conflict::choice::Broken;
use crate::rules::conflict::choice::Key;
use crate::rules::conflict::choice::Keys;
use crate::rules::conflict::choice::Member;
use crate::rules::original_location;
use crate::rules::placement;
use crate::rules::placement::Server;
use crate::source::Spanned;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::plan::Baseline;
use crate::syntax::plan::LocationChoice;

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
    /// Returns the keys of a rule about new VMs: the line that makes the machine one has a part in it.
    fn alternate(&self, keys: &[Key]) -> Keys {
        let keys = Keys::of(keys);
        if self.alternate_by_line { keys.with(Key::Delete) } else { keys }
    }

    /// Looks at the server as such.
    pub(super) fn on_server(&self, server: Server<'m>) -> Vec<Broken> {
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
    pub(super) fn on_disks(&self, server: Server<'m>, delete: bool) -> Vec<Broken> {
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
                // Where it can write everything, it reaches everything: so it is nearly always.
                let written = reach(true);
                if written == Ok(true) {
                    return;
                }
                let reached = reach(false);
                let rule = match self.experience {
                    Experience::Modernized => "FB802",
                    Experience::Classic if self.is_standalone() => "FB102",
                    Experience::Classic => "FB101",
                };
                if reached == Ok(true) {
                    sink.add("FB105", Keys::of(&[Key::Server]), written);
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
    pub(super) fn on_special_disks(&self, delete: bool) -> Vec<Broken> {
        // Without a line that has a part in it, there is nothing to choose.
        if !self.alternate_by_line {
            return Vec::new();
        }
        let disks = self.machine.onprem_disks();
        let is_rdm = |disk: &OnpremDisk| disk.kind.is_some_and(|kind| kind.value == DiskKind::Rdm);
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

    fn is_on_vsan(&self, disk: &OnpremDisk) -> bool {
        let name = placement::datastore_of(self.machine, disk).ok().flatten();
        let datastore = name.and_then(|name| self.machine.model.datastore(name).ok());
        datastore
            .is_some_and(|datastore| datastore.kind.is_some_and(|kind| kind.value == DatastoreType::Vsan))
    }

    fn has_begun(&self) -> bool {
        original_location::reprotect_has_begun(self.machine)
    }

    /// Looks at the datastore that the plan names, or would.
    pub(super) fn on_datastore(
        &self,
        server: Server<'m>,
        delete: bool,
        datastore: Option<&str>,
    ) -> Vec<Broken> {
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
    pub(super) fn on_host(&self, server: Server<'m>, delete: bool, host: Option<&str>) -> Vec<Broken> {
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
    pub(super) fn on_location(&self, delete: bool, location: LocationChoice) -> Vec<Broken> {
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
    pub(super) fn on_volume(&self, server: Server<'m>, volume: Option<&str>) -> Vec<Broken> {
        collected(|sink| {
            if self.experience == Experience::Classic {
                match volume {
                    None => sink.add("FB509", Keys::of(&[Key::Volume]), Ok(false)),
                    Some(name) => {
                        let holds = server.volumes().map(|volumes| {
                            let is_named =
                                |volume: &&RetentionVolume| placement::is_volume(&volume.name, name);
                            volumes.into_iter().flatten().find(is_named).is_some_and(is_usable)
                        });
                        sink.add("FB211", Keys::of(&[Key::Server, Key::Volume]), holds);
                    }
                }
            }
        })
    }
}

/// Returns whether a volume may keep recovery points, as far as that is known.
fn is_usable(volume: &RetentionVolume) -> bool {
    let is_free = |used: Option<Spanned<bool>>| used.is_none_or(|used| !used.value);
    let is_fat = |fs: &str| ["fat", "fat32"].iter().any(|fat| fs.eq_ignore_ascii_case(fat));
    is_free(volume.in_use)
        && is_free(volume.locked)
        && !volume.fs.as_ref().is_some_and(|fs| is_fat(fs))
        && volume.capacity_gb.is_none_or(|capacity| capacity.value.0 > 0)
}
