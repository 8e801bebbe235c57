//! What the machines that an evaluation is about have to do with: each group, server, vCenter, host and datastore once, listed
//! when the first rule asks for it.

use std::cell::OnceCell;
use std::collections::HashSet;

use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Known;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::findings::SubjectKind;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::Vcenter;

/// Something that a rule looks at.
pub(super) enum Listed<'m, T> {
    /// It is in the inventory.
    Known(&'m T),
    /// It, or what would name it, is not: a rule that needs it must not pass for lack of a subject.
    Missing {
        /// What kind of thing it would be.
        kind: SubjectKind,
        /// The machine that needs it.
        machine: Machine<'m>,
        /// What is not known.
        unknown: Unknown,
    },
}

/// The things that some machines of a plan have to do with.
pub(super) struct Roster<'m> {
    pub model: &'m Model,
    /// Indexes of the machines that are concerned; `None`: all of the plan.
    pub concerned: Option<&'m [usize]>,
    groups: OnceCell<Vec<Group<'m>>>,
    master_targets: OnceCell<Vec<MasterTarget<'m>>>,
    appliances: OnceCell<Vec<Appliance<'m>>>,
    process_servers: OnceCell<Vec<&'m ProcessServer>>,
    vcenters: OnceCell<Vec<Listed<'m, Vcenter>>>,
    hosts: OnceCell<Vec<Listed<'m, Host>>>,
    datastores: OnceCell<Vec<Listed<'m, Datastore>>>,
}

impl<'m> Roster<'m> {
    pub(super) const fn new(model: &'m Model, concerned: Option<&'m [usize]>) -> Self {
        Self {
            model,
            concerned,
            groups: OnceCell::new(),
            master_targets: OnceCell::new(),
            appliances: OnceCell::new(),
            process_servers: OnceCell::new(),
            vcenters: OnceCell::new(),
            hosts: OnceCell::new(),
            datastores: OnceCell::new(),
        }
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = Machine<'m>> + use<'m> {
        let (model, concerned) = (self.model, self.concerned);
        let count = concerned.map_or(model.machines().len(), <[usize]>::len);
        (0..count).map(move |at| model.machine(concerned.map_or(at, |concerned| concerned[at])))
    }

    pub(super) fn groups(&self) -> &[Group<'m>] {
        self.groups.get_or_init(|| self.each(Machine::group, |group| &group.name().value))
    }

    pub(super) fn master_targets(&self) -> &[MasterTarget<'m>] {
        self.master_targets.get_or_init(|| self.each(Machine::master_target, |server| server.name()))
    }

    pub(super) fn appliances(&self) -> &[Appliance<'m>] {
        self.appliances.get_or_init(|| self.each(Machine::appliance, |appliance| appliance.name()))
    }

    pub(super) fn process_servers(&self) -> &[&'m ProcessServer] {
        self.process_servers.get_or_init(|| self.each(Machine::process_server, |server| &server.name.value))
    }

    /// Returns the things that `of` finds for the machines, each name once.
    fn each<T: Copy>(&self, of: impl Fn(Machine<'m>) -> Option<T>, name: impl Fn(T) -> &'m str) -> Vec<T> {
        // Guards are mostly about one machine, which has one of each.
        if let Some([only]) = self.concerned {
            return of(self.model.machine(*only)).into_iter().collect();
        }
        let mut seen: HashSet<&str, foldhash::fast::RandomState> = HashSet::default();
        self.machines().filter_map(of).filter(|thing| seen.insert(name(*thing))).collect()
    }

    pub(super) fn hosts(&self) -> &[Listed<'m, Host>] {
        self.hosts.get_or_init(|| {
            self.listed(SubjectKind::Host, Machine::target_host, |host| host.name.value.as_str())
        })
    }

    pub(super) fn datastores(&self) -> &[Listed<'m, Datastore>] {
        self.datastores.get_or_init(|| {
            self.listed(SubjectKind::Datastore, Machine::target_datastore, |datastore| {
                datastore.name.value.as_str()
            })
        })
    }

    fn listed<T>(
        &self,
        kind: SubjectKind,
        of: impl Fn(Machine<'m>) -> Fact<Option<&'m T>>,
        name: impl Fn(&'m T) -> &'m str,
    ) -> Vec<Listed<'m, T>> {
        let mut seen: HashSet<&str, foldhash::fast::RandomState> = HashSet::default();
        let mut listed = Vec::new();
        let is_one = matches!(self.concerned, Some([_]));
        for machine in self.machines() {
            match of(machine) {
                Ok(Some(thing)) if is_one || seen.insert(name(thing)) => listed.push(Listed::Known(thing)),
                Ok(_) => {}
                Err(unknown) => listed.push(Listed::Missing { kind, machine, unknown }),
            }
        }
        listed
    }

    pub(super) fn vcenters(&self) -> &[Listed<'m, Vcenter>] {
        self.vcenters.get_or_init(|| {
            let mut seen: HashSet<&str, foldhash::fast::RandomState> = HashSet::default();
            let mut listed = Vec::new();
            for machine in self.machines() {
                let mut none = true;
                for id in vcenters_of(machine) {
                    none = false;
                    if seen.insert(id) {
                        listed.push(match self.model.vcenter(id) {
                            Ok(vcenter) => Listed::Known(vcenter),
                            Err(unknown) => Listed::Missing { kind: SubjectKind::Vcenter, machine, unknown },
                        });
                    }
                }
                if none && let Err(unknown) = source_vcenter(machine) {
                    listed.push(Listed::Missing { kind: SubjectKind::Machine, machine, unknown });
                }
            }
            listed
        })
    }
}

/// Returns the vCenter that a machine was protected under; `None` if there was none.
fn source_vcenter(machine: Machine<'_>) -> Fact<Option<&str>> {
    let source = machine.asr()?.source_vcenter.fact("asr.source_vcenter")?;
    Ok(source.map(|id| id.value.as_str()))
}

/// Returns the vCenters that a machine has to do with: its own, its source, its target's and its transfer host's.
fn vcenters_of(machine: Machine<'_>) -> impl Iterator<Item = &str> {
    let own = machine.onprem_vm().ok().and_then(|vm| vm.vcenter.as_option());
    let source = machine.asr().ok().and_then(|asr| asr.source_vcenter.as_option());
    let target = machine.settings().failback.vcenter.as_ref();
    let host = machine.transfer_host().ok().flatten().and_then(|name| machine.model.host(name).ok());
    let host = host.and_then(|host| host.vcenter.as_option());
    let appliance = machine.appliance().and_then(|appliance| appliance.facts.vcenter.as_ref());
    [own, source, target, host, appliance].into_iter().flatten().map(|id| id.value.as_str())
}
