//! What machines stand on: hosts and datastores.

use crate::provider::emulator::changes::Section;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::site::Site;
use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::plan::Hypervisor;

impl Site {
    /// Returns whether a host may write to a datastore. A datastore whose access is not stated is open to all hosts.
    pub(in crate::provider::emulator) fn may_write(&self, host: &str, datastore: &str) -> bool {
        let Some(datastore) = self.datastore(datastore) else { return false };
        datastore.access.as_ref().is_none_or(|access| {
            access.get(host).is_some_and(|access| match access.value {
                Access::ReadWrite => true,
                Access::ReadOnly => false,
            })
        })
    }

    /// Returns what is wrong with a datastore for a host.
    pub(in crate::provider::emulator) fn datastore_trouble(
        &self,
        host: Option<&str>,
        name: &str,
    ) -> Option<Trouble> {
        let unreachable =
            || Trouble::new("8061", format!("The datastore '{name}' isn't accessible from the ESXi host."));
        let Some(datastore) = self.datastore(name) else {
            return self.facts.datastores.is_some().then(unreachable);
        };
        let no_access = host.is_some_and(|host| !self.may_write(host, name));
        (is_false(&datastore.accessible) || no_access).then(unreachable)
    }

    /// Takes space from a datastore (or gives it back, if negative).
    pub(in crate::provider::emulator) fn take_space(&mut self, name: &str, bytes: i128) {
        let Some(at) = self.places.datastores.get(name).copied() else { return };
        self.changes.one(Section::Datastores, at);
        let datastore = self.facts.datastores.as_mut().and_then(|datastores| datastores.get_mut(at));
        if let Some(free) = datastore.and_then(|datastore| datastore.free_gb.as_mut()) {
            let left = (i128::from(free.value.0) - bytes).max(0);
            free.value = Bytes(u64::try_from(left).unwrap_or(u64::MAX));
        }
    }

    /// Returns what is wrong with a host that is to run a machine.
    pub(in crate::provider::emulator) fn host_trouble(&self, name: &str) -> Option<Trouble> {
        let host = self.host(name)?;
        if host.hypervisor.as_deref().is_some_and(|hypervisor| *hypervisor != Hypervisor::Esxi) {
            return Some(Trouble::new("TargetNotEsxi", format!("'{name}' isn't an ESXi host.")));
        }
        if host.license.as_deref().is_some_and(|license| license == "free") {
            return Some(Trouble::new("HostLicense", format!("'{name}' runs the free edition of ESXi.")));
        }
        // Discovery is a matter of the configuration server; an appliance finds hosts through its vCenter.
        if self.classic && is_false(&host.discovered) {
            return Some(Trouble::new("HostNotDiscovered", format!("'{name}' hasn't been discovered.")));
        }
        None
    }

    /// Takes memory from a host.
    pub(in crate::provider::emulator) fn take_memory(&mut self, name: &str, memory: Bytes) {
        if let Some(free) = self.host_mut(name).and_then(|host| host.free_memory_gb.as_mut()) {
            free.value = Bytes(free.value.0.saturating_sub(memory.0));
        }
    }

    /// Returns whether a host has a virtual machine of this name.
    pub(in crate::provider::emulator) fn has_vm(&self, host: &str, name: &str) -> bool {
        self.vms.get(host).is_some_and(|vms| vms.contains_key(&name.to_lowercase()))
    }

    /// Adds a virtual machine to a host.
    pub(in crate::provider::emulator) fn add_vm(&mut self, host: &str, name: &str) {
        let vms = self.vms.entry(host.to_owned()).or_default();
        let is_new = vms.insert(name.to_lowercase(), name.to_owned()).is_none();
        if let Some(vms) = self.host_mut(host).and_then(|host| host.vms.as_mut())
            && is_new
        {
            vms.push(Spanned::bare(name.to_owned()));
        }
    }

    /// Removes a virtual machine from a host.
    pub(in crate::provider::emulator) fn remove_vm(&mut self, host: &str, name: &str) {
        let gone = self.vms.get_mut(host).and_then(|vms| vms.remove(&name.to_lowercase()));
        let listed = self.host_mut(host).and_then(|host| host.vms.as_mut());
        if let Some((vms, gone)) = listed.zip(gone) {
            vms.retain(|vm| vm.value != gone);
        }
    }

    /// Returns whether a host may have a VMFS datastore, as far as the inventory lists them.
    pub(in crate::provider::emulator) fn may_have_vmfs(&self, host: &str) -> bool {
        let listed = self.facts.datastores.as_ref();
        listed.is_none_or(|datastores| {
            datastores.iter().any(|datastore| {
                let kind = datastore.kind.as_deref();
                let seen = datastore.access.as_ref().is_none_or(|access| access.get(host).is_some());
                seen && kind.is_none_or(|kind| *kind == DatastoreType::Vmfs)
            })
        })
    }
}
