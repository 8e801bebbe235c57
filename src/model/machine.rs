//! A machine of the plan, with its settings and facts at hand.

use crate::model::Appliance;
use crate::model::BoundMachine;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::model::Model;
use crate::model::Unknown;
use crate::model::settings::Settings;
use crate::source::Spanned;
use crate::syntax::action::Probe;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::machine::Asr;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::Machine as MachineFacts;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::OnpremVm;
use crate::syntax::machine::Os;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::RecoveryPoint;
use crate::syntax::machine::State;
use crate::syntax::plan::FinalState;

/// Where a machine comes back; it follows from the facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationMode {
    /// Into its on-premises virtual machine, which exists; only changes are copied.
    Original,
    /// As a new virtual machine; all data is copied.
    Alternate,
}

impl LocationMode {
    /// Returns the word that documents use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Alternate => "alternate",
        }
    }
}

/// A machine of the plan.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'m> {
    /// The plan and facts it is part of.
    pub model: &'m Model,
    index: usize,
}

impl<'m> Machine<'m> {
    pub(crate) const fn new(model: &'m Model, index: usize) -> Self {
        Self { model, index }
    }

    /// Returns the machine's index in the model.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// Returns its name, where the plan first says it.
    #[must_use]
    pub fn name(self) -> &'m Spanned<String> {
        &self.model.machines[self.index].name
    }

    /// Returns what the plan says about it, defaults merged.
    #[must_use]
    pub fn settings(self) -> &'m Settings {
        &self.bound().settings
    }

    fn bound(self) -> &'m BoundMachine {
        &self.model.machines[self.index]
    }

    /// Returns its replication group in the plan.
    #[must_use]
    pub fn group(self) -> Option<Group<'m>> {
        self.model.machines[self.index].group.map(|index| Group { model: self.model, index })
    }

    /// Returns the index of its boot group in the plan.
    #[must_use]
    pub fn boot_group(self) -> Option<usize> {
        self.model.machines[self.index].boot_group
    }

    /// Returns the names of what must be back and verified before it fails over, as its own entry says.
    #[must_use]
    pub fn depends_on(self) -> &'m [Spanned<String>] {
        self.model.listed(self.index).map_or(&[], |listed| &listed.depends_on)
    }

    /// Returns its probes: its own, else the plan's.
    #[must_use]
    pub fn probes(self) -> &'m [Probe] {
        let own = self.model.listed(self.index).map_or(&[][..], |listed| &listed.verify);
        if own.is_empty() {
            self.model.plan.defaults.as_ref().map_or(&[], |defaults| &defaults.verify)
        } else {
            own
        }
    }

    /// Returns the facts about it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not have it.
    pub fn facts(self) -> Fact<&'m MachineFacts> {
        self.model.facts(self.index).ok_or(Unknown::new("machines"))
    }

    /// Returns what it was before it was replicated.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say; so with every fact below.
    pub fn kind(self) -> Fact<MachineKind> {
        Ok(self.facts()?.kind.fact("kind")?.value)
    }

    /// Returns its operating system.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn os(self) -> Fact<&'m Os> {
        self.facts()?.os.fact("os")
    }

    /// Returns the family of its operating system.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn os_family(self) -> Fact<OsFamily> {
        Ok(self.os()?.family.fact("os.family")?.value)
    }

    /// Returns its copy in Azure.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn azure_vm(self) -> Fact<&'m AzureVm> {
        self.facts()?.azure_vm.fact("azure_vm")
    }

    /// Returns its copy on-premises.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn onprem_vm(self) -> Fact<&'m OnpremVm> {
        self.facts()?.onprem_vm.fact("onprem_vm")
    }

    /// Returns the disks of its copy on-premises.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn onprem_disks(self) -> Fact<&'m [OnpremDisk]> {
        self.onprem_vm()?.disks.fact("onprem_vm.disks").map(Vec::as_slice)
    }

    /// Returns what Site Recovery knows about it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn asr(self) -> Fact<&'m Asr> {
        self.facts()?.asr.fact("asr")
    }

    /// Returns where it is in its life cycle.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn state(self) -> Fact<State> {
        Ok(self.facts()?.state.fact("state")?.value)
    }

    /// Returns where it comes back: into its on-premises VM if that exists and is to be kept, else as a new one.
    ///
    /// A physical server always comes back as a new one, and so does a machine whose on-premises VM is another than the one
    /// that was protected: a rebuilt VM of the same name is not the original.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say what it was, or whether its on-premises VM exists.
    pub fn location_mode(self) -> Fact<LocationMode> {
        self.location_mode_if(self.deletes_existing_vm())
    }

    /// Returns where it would come back if the plan had its on-premises VM deleted, or did not.
    pub(crate) fn location_mode_if(self, deletes_existing_vm: bool) -> Fact<LocationMode> {
        if deletes_existing_vm {
            return Ok(LocationMode::Alternate);
        }
        let vm = self.onprem_vm();
        let exists = vm.clone().and_then(|vm| vm.exists.fact("onprem_vm.exists"));
        if exists.as_ref().is_ok_and(|exists| !exists.value) || self.kind()? != MachineKind::VmwareVm {
            return Ok(LocationMode::Alternate);
        }
        exists?;
        let source = self.asr().ok().and_then(|asr| asr.source_vm_uuid.as_ref());
        let present = vm.ok().and_then(|vm| vm.uuid.as_ref());
        if let (Some(source), Some(present)) = (source, present)
            && source.value != present.value
            && !source.value.eq_ignore_ascii_case(&present.value)
        {
            return Ok(LocationMode::Alternate);
        }
        Ok(LocationMode::Original)
    }

    /// Returns whether a person is to delete its on-premises VM before reprotect.
    #[must_use]
    pub fn deletes_existing_vm(self) -> bool {
        self.settings().failback.delete_existing_vm.is_some_and(|delete| delete.value)
    }

    /// Returns its master target; `None` if none is assigned or the inventory has no such one, which other rules report.
    #[must_use]
    pub fn master_target(self) -> Option<MasterTarget<'m>> {
        self.model.master_target_named(&self.settings().failback.master_target.as_ref()?.value)
    }

    /// Returns its appliance; `None` if none is assigned or the inventory has no such one, which other rules report.
    #[must_use]
    pub fn appliance(self) -> Option<Appliance<'m>> {
        let name = self.settings().failback.appliance.as_ref()?;
        self.model.appliance_at(self.bound().appliances[0], &name.value)
    }

    /// Returns the process server that carries its data to on-premises; `None` if none is assigned or known.
    #[must_use]
    pub fn process_server(self) -> Option<&'m ProcessServer> {
        self.model.process_server(&self.settings().failback.process_server.as_ref()?.value).ok()
    }

    /// Returns whether it is protected in Azure again at the end: if the plan says so, or says how.
    #[must_use]
    pub fn is_protected_again(self) -> bool {
        match self.settings().final_state.map(|state| state.value) {
            Some(FinalState::Protected) => true,
            Some(FinalState::Unprotected) => false,
            None => self.settings().forward.is_some(),
        }
    }

    /// Returns the process server that sends its data to Azure again; `None` if none is assigned or known.
    #[must_use]
    pub fn forward_process_server(self) -> Option<&'m ProcessServer> {
        let name = self.settings().forward.as_ref()?.process_server.as_ref()?;
        self.model.process_server(&name.value).ok()
    }

    /// Returns the appliance that sends its data to Azure again; `None` if none is assigned or known.
    #[must_use]
    pub fn forward_appliance(self) -> Option<Appliance<'m>> {
        let name = self.settings().forward.as_ref()?.appliance.as_ref()?;
        self.model.appliance_at(self.bound().appliances[1], &name.value)
    }

    /// Returns the datastore that its master target or appliance stood on when it was reprotected; `None` if no run
    /// remembers it.
    #[must_use]
    pub fn placement_at_reprotect(self) -> Option<&'m str> {
        self.model.placements.get(&self.index).map(String::as_str)
    }

    /// Returns the host of its master target or appliance, where an alternate location is made and disks are written;
    /// `None` if no such server is assigned, which other rules report.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say which host runs the server.
    pub fn transfer_host(self) -> Fact<Option<&'m str>> {
        match self.model.experience()? {
            Experience::Classic => self.listed_master_target()?.map(MasterTarget::host_name).transpose(),
            Experience::Modernized => self.listed_appliance()?.map(Appliance::host_name).transpose(),
        }
    }

    /// Returns the host of its on-premises VM.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say which one that is, or does not have it.
    pub fn own_host(self) -> Fact<&'m Host> {
        self.model.host(self.onprem_vm()?.host.fact("onprem_vm.host")?)
    }

    /// Returns the host that the machine runs on once it is back: that of its own VM, else that of its master target or
    /// appliance, where a new one is made. What the plan names as the target changes nothing: no request carries it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say, or does not have the host.
    pub fn target_host(self) -> Fact<Option<&'m Host>> {
        match self.location_mode() {
            Ok(LocationMode::Original) => self.own_host().map(Some),
            Ok(LocationMode::Alternate) => {
                self.transfer_host()?.map(|name| self.model.host(name)).transpose()
            }
            Err(unknown) => Err(unknown),
        }
    }

    /// Returns the datastore that the plan names for it; `None` if it names none, which other rules report.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not have it.
    pub fn target_datastore(self) -> Fact<Option<&'m Datastore>> {
        let name = self.settings().failback.datastore.as_ref();
        name.map(|name| self.model.datastore(&name.value)).transpose()
    }

    /// Returns its recovery points in the direction Azure to on-premises. Before it replicates in this direction there are none.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn recovery_points(self) -> Fact<&'m [RecoveryPoint]> {
        match self.state() {
            Ok(State::FailedOver | State::FailedOverCommitted | State::ProtectedToAzure) => return Ok(&[]),
            Ok(
                State::ReprotectingToOnprem
                | State::ProtectedToOnprem
                | State::FailingBack
                | State::FailedBack
                | State::FailedBackCommitted
                | State::ReprotectingToAzure
                | State::Migrated
                | State::AzureVmDeleted
                | State::ReplicationDisabled
                | State::AzureVmMoved,
            )
            | Err(_) => {}
        }
        self.asr()?.recovery_points.fact("asr.recovery_points").map(Vec::as_slice)
    }
}
