//! Which master targets and appliances can bring a machine back: what each machine asks of its server, and which have it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Model;
use crate::model::Unknown;
use crate::model::access;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::found::Collected;
use crate::rules::modernized::appliance_unhealthy::is_known_to_be_down;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::OsFamily;

/// A server through which machines come back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Server<'m> {
    /// Of the classic architecture.
    MasterTarget(MasterTarget<'m>),
    /// Of the modernized architecture.
    Appliance(Appliance<'m>),
}

/// Returns the servers of a plan's architecture that the inventory has.
pub(crate) fn servers(model: &Model) -> Fact<Vec<Server<'_>>> {
    Ok(match model.experience()? {
        Experience::Classic => model.master_targets().map(Server::MasterTarget).collect(),
        Experience::Modernized => model.appliances().map(Server::Appliance).collect(),
    })
}

/// Returns the server that the plan assigns a machine to, and the line that does.
pub(crate) fn assigned(machine: Machine<'_>) -> Option<(Server<'_>, &Spanned<String>)> {
    let settings = &machine.settings().failback;
    match machine.model.experience().ok()? {
        Experience::Classic => {
            Some((Server::MasterTarget(machine.master_target()?), settings.master_target.as_ref()?))
        }
        Experience::Modernized => {
            Some((Server::Appliance(machine.appliance()?), settings.appliance.as_ref()?))
        }
    }
}

/// Rules about the machines of a server, and not about the server itself: who looks for another server looks at them apart.
const ABOUT_MACHINES: [&str; 3] = ["FB208", "FB211", "FB803"];

impl<'m> Server<'m> {
    /// Returns its name, where the inventory says it.
    pub(crate) const fn name(self) -> &'m Spanned<String> {
        match self {
            Self::MasterTarget(server) => &server.facts.name,
            Self::Appliance(server) => &server.facts.name,
        }
    }

    /// Returns its kind.
    pub(crate) const fn kind(self) -> SubjectKind {
        match self {
            Self::MasterTarget(_) => SubjectKind::MasterTarget,
            Self::Appliance(_) => SubjectKind::Appliance,
        }
    }

    /// Returns the disks that are attached to it, its own included.
    pub(crate) const fn attached(self) -> Option<Spanned<u32>> {
        match self {
            Self::MasterTarget(server) => server.facts.attached_disks,
            Self::Appliance(server) => server.facts.attached_disks,
        }
    }

    /// Returns the host that runs it.
    pub(crate) fn host_name(self) -> Fact<&'m str> {
        match self {
            Self::MasterTarget(server) => server.host_name(),
            Self::Appliance(server) => server.host_name(),
        }
    }

    /// Returns the host that runs it, where the inventory says it.
    pub(crate) const fn host(self) -> Option<&'m Spanned<String>> {
        match self {
            Self::MasterTarget(server) => server.facts.host.as_ref(),
            Self::Appliance(server) => server.facts.host.as_ref(),
        }
    }

    /// Returns the family of machines that it serves, where the inventory says it; `None` if it serves all.
    pub(crate) fn family(self) -> Fact<Option<&'m Spanned<OsFamily>>> {
        match self {
            Self::MasterTarget(server) => {
                let os = server.facts.os.fact_of("master_targets.os", server.name())?;
                os.family.fact_of("master_targets.os.family", server.name()).map(Some)
            }
            Self::Appliance(_) => Ok(None),
        }
    }

    /// Returns its volumes that may keep recovery points; `None` if it needs none.
    pub(crate) fn volumes(self) -> Fact<Option<&'m [RetentionVolume]>> {
        match self {
            Self::MasterTarget(server) => {
                let volumes =
                    server.facts.retention_volumes.fact_of("master_targets.retention_volumes", server.name());
                volumes.map(|volumes| Some(volumes.as_slice()))
            }
            Self::Appliance(_) => Ok(None),
        }
    }

    /// Returns whether nothing is known to speak against the server itself, whatever comes through it.
    pub(crate) fn is_sound(self, model: &Model, now: Timestamp) -> bool {
        let host = self.host_name().and_then(|host| model.host(host));
        let is_free = |license: &Spanned<String>| license.eq_ignore_ascii_case("free");
        let Ok(host) = host else { return false };
        if host.discovered.is_some_and(|discovered| !discovered.value)
            || host.license.as_ref().is_some_and(is_free)
        {
            return false;
        }
        if let Self::Appliance(Appliance { facts, .. }) = self
            && (is_known_to_be_down(facts) || facts.cloned.is_some_and(|cloned| cloned.value))
        {
            return false;
        }
        let experience = model.experience();
        let of_server = |rule: &&'static Rule| {
            rule.severity == Severity::Error
                && !rule.awaited
                && !ABOUT_MACHINES.contains(&rule.id)
                && (rule.when.declared || rule.when.live)
                && experience.as_ref().is_ok_and(|experience| rule.is_about(*experience))
        };
        crate::rules::all().filter(of_server).all(|rule| {
            let mut found = Collected::default();
            let subject = (self.kind(), self.name().value.as_str(), Span::NONE);
            let mut findings = Findings::new(rule, subject, (None, None), now, &mut found);
            // What is not known of a server that the plan uses is told by the rule itself, and so it will be of this one.
            let _unknown = match (rule.check, self) {
                (Check::MasterTarget(check), Self::MasterTarget(server)) => {
                    check(server, &mut findings).err()
                }
                (Check::Appliance(check), Self::Appliance(server)) => check(server, &mut findings).err(),
                _ => None,
            };
            found.findings.iter().all(|finding| finding.severity != Severity::Error)
        })
    }

    /// Returns whether the server has what a machine asks for.
    pub(crate) fn meets(self, needs: &Needs<'_>, model: &Model) -> Fact<bool> {
        if let Some(family) = self.family()?
            && needs.is_windows.is_some_and(|is_windows| is_windows != (family.value == OsFamily::Windows))
        {
            return Ok(false);
        }
        let host = self.host_name()?;
        if needs.host.is_some_and(|wanted| wanted != host) {
            return Ok(false);
        }
        for (datastore, to_write) in &needs.datastores {
            if !has(model.datastore(datastore)?, host, *to_write)? {
                return Ok(false);
            }
        }
        if let Some(vcenter) = needs.vcenter
            && !self.is_under(vcenter, model)?
        {
            return Ok(false);
        }
        if let (Self::Appliance(appliance), Some(datastore)) = (self, needs.beside)
            && !is_beside(appliance, datastore, model)?
        {
            return Ok(false);
        }
        match (self.volumes()?, needs.volume) {
            (Some(volumes), Some(name)) => Ok(volumes.iter().any(|volume| is_volume(&volume.name, name))),
            (Some(_), None) | (None, _) => Ok(true),
        }
    }

    /// Returns whether the vCenter that a machine was protected under manages the host of the server.
    pub(crate) fn is_under(self, vcenter: &str, model: &Model) -> Fact<bool> {
        match self {
            Self::MasterTarget(_) => {
                let host = model.host(self.host_name()?)?;
                Ok(host.vcenter.fact_of("hosts.vcenter", &host.name)?.is_some_and(|of| of.value == vcenter))
            }
            // What an appliance serves follows from the datastores that it reaches.
            Self::Appliance(_) => Ok(true),
        }
    }
}

/// Returns whether a host has a datastore, to write to it or at all.
pub(crate) fn has(datastore: &crate::syntax::inventory::Datastore, host: &str, to_write: bool) -> Fact<bool> {
    Ok(match access(datastore, host)? {
        Some(Access::ReadWrite) => true,
        Some(Access::ReadOnly) => !to_write,
        None => false,
    })
}

/// Returns whether a datastore is in the vCenter of an appliance.
pub(crate) fn is_beside(appliance: Appliance<'_>, datastore: &str, model: &Model) -> Fact<bool> {
    let own = appliance.facts.vcenter.fact_of("appliances.vcenter", appliance.name())?;
    let datastore = model.datastore(datastore)?;
    let other = datastore.vcenter.fact_of("datastores.vcenter", &datastore.name)?;
    Ok(other.is_some_and(|other| other.value == own.value))
}

/// Returns whether two names are those of one volume: the letter of a drive has no case.
pub(crate) fn is_volume(name: &str, other: &str) -> bool {
    let is_drive = |name: &str| matches!(name.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
    name == other || is_drive(name) && is_drive(other) && name.eq_ignore_ascii_case(other)
}

/// What a machine asks of its server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Needs<'m> {
    /// Whether it is a Windows machine; `None` where the server does not care.
    is_windows: Option<bool>,
    /// The host that the plan wants it on.
    host: Option<&'m str>,
    /// The vCenter that it was protected under.
    vcenter: Option<&'m str>,
    /// Datastores that the server's host must have, and whether to write to them.
    datastores: BTreeSet<(&'m str, bool)>,
    /// A datastore that must be in the server's vCenter.
    beside: Option<&'m str>,
    /// The volume that keeps its recovery points.
    volume: Option<&'m str>,
}

/// Returns what a machine asks of its server.
pub(crate) fn needs(machine: Machine<'_>) -> Fact<Needs<'_>> {
    let settings = &machine.settings().failback;
    let mut needs = Needs::default();
    let experience = machine.model.experience()?;
    if experience == Experience::Classic {
        needs.is_windows = Some(machine.os_family()? == OsFamily::Windows);
        needs.volume = settings.retention_volume.as_ref().map(|volume| volume.value.as_str());
        needs.vcenter = vcenter(machine)?;
    }
    match machine.location_mode()? {
        LocationMode::Original => {
            for disk in replicated(machine.onprem_disks()?) {
                if let Some(datastore) = datastore_of(machine, disk)? {
                    needs.datastores.insert((datastore.value.as_str(), true));
                }
            }
        }
        LocationMode::Alternate => {
            let datastore = settings.datastore.as_ref().map(|datastore| datastore.value.as_str());
            match experience {
                Experience::Classic => {
                    needs.datastores.extend(datastore.map(|datastore| (datastore, false)));
                    needs.host = settings.host.as_ref().map(|host| host.value.as_str());
                }
                Experience::Modernized => {
                    needs.datastores.extend(datastore.map(|datastore| (datastore, true)));
                    needs.beside = datastore;
                }
            }
        }
    }
    Ok(needs)
}

/// Returns the vCenter that the host of a machine's master target must be under; `None` if it does not matter.
pub(crate) fn vcenter(machine: Machine<'_>) -> Fact<Option<&str>> {
    if machine.kind()? != MachineKind::VmwareVm || machine.settings().failback.vcenter.is_some() {
        return Ok(None);
    }
    let original = machine.asr()?.source_vcenter.fact("asr.source_vcenter")?;
    Ok(original.map(|vcenter| vcenter.value.as_str()))
}

/// Returns the disks that a failback writes into.
pub(crate) fn replicated(disks: &[OnpremDisk]) -> impl Iterator<Item = &OnpremDisk> {
    disks.iter().filter(|disk| disk.excluded.is_none_or(|excluded| !excluded.value))
}

/// Returns the datastore of a disk; `None` if it lies on none, as a disk that the guest reaches over iSCSI.
pub(crate) fn datastore_of<'m>(
    machine: Machine<'m>,
    disk: &'m OnpremDisk,
) -> Fact<Option<&'m Spanned<String>>> {
    match disk.kind.map(|kind| kind.value) {
        Some(DiskKind::Iscsi) => Ok(disk.datastore.as_option()),
        Some(DiskKind::Vmdk | DiskKind::Rdm) | None => disk
            .datastore
            .fact("onprem_vm.disks.datastore")
            .map_err(|missing| Unknown::of(missing.field, format!("{} of {}", disk.id, machine.name()))),
    }
}
