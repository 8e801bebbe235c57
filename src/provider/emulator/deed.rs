//! What a person does to the emulated site by hand.

use crate::id::MachineName;
use crate::provider::emulator::accept::missing;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::place;
use crate::provider::emulator::service::ServiceAct;
use crate::provider::emulator::world::World;
use crate::provider::error::ProviderError;
use crate::provider::request::Request;
use crate::source::Spanned;
use crate::syntax::machine::Health;
use crate::syntax::machine::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

/// What a person does to the emulated site with other tools than Site Recovery's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Sends a request in the portal, where a member of a replication group can be reprotected too.
    Send {
        /// The request.
        request: Request,
    },
    /// Deletes the on-premises VM in vCenter.
    DeleteOnpremVm {
        /// The machine.
        machine: MachineName,
    },
    /// Turns the on-premises VM on in vCenter.
    StartOnpremVm {
        /// The machine.
        machine: MachineName,
    },
    /// Starts the Azure VM.
    StartAzureVm {
        /// The machine.
        machine: MachineName,
    },
    /// Stops the Azure VM.
    StopAzureVm {
        /// The machine.
        machine: MachineName,
    },
    /// Finds a machine's disks after the server that holds them was moved, and attaches them to it again
    /// (vmware-azure-reprotect-troubleshoot names this way, and a repeated reprotect).
    AttachDisks {
        /// The machine.
        machine: MachineName,
    },
    /// Removes the snapshots of a master target.
    RemoveSnapshots {
        /// The master target.
        master_target: String,
    },
    /// Sends a request to the service that no run sends, and this comes of it.
    Service {
        /// What comes of it.
        act: ServiceAct,
    },
}

impl World {
    /// Does what a person does with other tools.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Refused`] if it can't be done.
    pub fn by_hand(&mut self, now: Timestamp, deed: &Deed) -> Result<(), ProviderError> {
        self.advance(now);
        self.revision += 1;
        let find = |name: &MachineName| {
            self.index.get(name).copied().ok_or_else(|| missing("machine", name.as_str()))
        };
        match deed {
            Deed::Send { request } => {
                self.accept(request, None, true)?;
            }
            Deed::DeleteOnpremVm { machine } => {
                let machine = find(machine)?;
                let item = &mut self.items[machine];
                let name = place::vm_name(item).to_owned();
                let onprem = item.onprem();
                onprem.exists = Some(Spanned::bare(false));
                onprem.power_state = None;
                onprem.disks = None;
                if let Some(host) = onprem.host.as_ref().map(|host| host.value.clone()) {
                    self.site.remove_vm(&host, &name);
                    self.keep_others(&host, &name);
                }
            }
            Deed::StartOnpremVm { machine } => {
                let machine = find(machine)?;
                if !self.items[machine].onprem_runs() {
                    self.boot_onprem(machine);
                    self.disturb(machine);
                }
            }
            Deed::StartAzureVm { machine } => {
                let machine = find(machine)?;
                if !self.azure_exists(machine) {
                    return Err(missing("virtual machine", self.items[machine].name.as_str()));
                }
                self.start_azure(machine);
            }
            Deed::StopAzureVm { machine } => {
                let machine = find(machine)?;
                self.items[machine].azure_stops(self.now);
            }
            Deed::AttachDisks { machine } => {
                let machine = find(machine)?;
                if let Some(holder) = &mut self.items[machine].holder {
                    holder.moves = self.site.moves(&holder.server);
                }
            }
            Deed::RemoveSnapshots { master_target } => {
                let targets = self.site.facts_mut().master_targets.iter_mut().flatten();
                for target in targets.filter(|target| target.name.value == *master_target) {
                    target.snapshots = Some(Spanned::bare(0));
                }
            }
            Deed::Service { act } => self.serve(act)?,
        }
        Ok(())
    }

    /// A person does what the service refused to take from a program, unless it was done meanwhile.
    pub(super) fn done_by_hand(&mut self, request: Request) {
        let waits = request.machines().iter().filter_map(|name| self.index.get(name)).all(|machine| {
            self.items[*machine].settled == State::FailedOverCommitted
                && self.items[*machine].running.is_none()
        });
        if waits {
            // A refusal leaves the machine where it is, as the portal would.
            drop(self.accept(&request, None, true));
        }
    }

    /// A VM that is turned on while its disks receive data writes to them: a resynchronisation is needed.
    pub(super) fn disturb(&mut self, machine: usize) {
        let now = self.now;
        let item = &mut self.items[machine];
        if matches!(item.state, State::ReprotectingToOnprem | State::ProtectedToOnprem | State::FailingBack) {
            item.stop_points(now);
            let asr = item.asr();
            asr.resync_required = Some(Spanned::bare(true));
            asr.health = Some(Spanned::bare(Health::Critical));
        }
    }
}

impl World {
    /// Keeps the name of a VM that was removed, if another machine's VM of that name is on the host too.
    fn keep_others(&mut self, host: &str, name: &str) {
        let is_there = |item: &Item| {
            let vm = item.facts.onprem_vm.as_ref().filter(|vm| is_true(&vm.exists));
            vm.is_some_and(|vm| vm.host.as_deref().is_some_and(|on| on == host))
                && place::vm_name(item).eq_ignore_ascii_case(name)
        };
        if self.items.iter().any(is_there) {
            self.site.add_vm(host, name);
        }
    }
}
