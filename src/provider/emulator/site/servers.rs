//! What serves replication: vCenters, the configuration server, process servers, master targets, appliances.

use jiff::Timestamp;

use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::privileges;
use crate::provider::emulator::site::Site;
use crate::source::Spanned;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::machine::Health;
use crate::syntax::nullable::Nullable;

impl Site {
    /// Returns the host of a master target or an appliance.
    pub(in crate::provider::emulator) fn host_of(&self, server: &str) -> Option<&str> {
        let master_target = self.master_target(server).and_then(|server| server.host.as_ref());
        let host = master_target.or_else(|| self.appliance(server).and_then(|server| server.host.as_ref()));
        host.map(|host| host.as_str())
    }

    /// Returns the datastore of a master target or an appliance.
    fn datastore_of(&self, server: &str) -> Option<&str> {
        let master_target = self.master_target(server).and_then(|server| server.datastore.as_ref());
        let datastore =
            master_target.or_else(|| self.appliance(server).and_then(|server| server.datastore.as_ref()));
        datastore.map(|datastore| datastore.as_str())
    }

    /// Returns how often a server was moved to another datastore.
    pub(in crate::provider::emulator) fn moves(&self, server: &str) -> u32 {
        self.moves.get(server).copied().unwrap_or(0)
    }

    /// Moves a master target or an appliance to another datastore.
    pub(in crate::provider::emulator) fn move_server(&mut self, server: &str) {
        *self.moves.entry(server.to_owned()).or_default() += 1;
        let here = self.datastore_of(server).map(str::to_owned);
        let other = self
            .facts
            .datastores
            .iter()
            .flatten()
            .map(|datastore| &datastore.name.value)
            .find(|name| Some(*name) != here.as_ref())
            .cloned()
            // A site with one datastore moves the server to one that it had not listed.
            .unwrap_or_else(|| "moved".to_owned());
        if let Some(target) = self.master_target_mut(server) {
            target.datastore = Some(Spanned::bare(other.clone()));
        }
        if let Some(appliance) = self.appliance_mut(server) {
            appliance.datastore = Some(Spanned::bare(other));
        }
    }

    /// Returns the disks attached to a master target or an appliance.
    pub(in crate::provider::emulator) fn attached(&self, server: &str) -> u32 {
        let master_target = self.master_target(server).and_then(|server| server.attached_disks.as_deref());
        let attached = master_target
            .or_else(|| self.appliance(server).and_then(|server| server.attached_disks.as_deref()));
        attached.copied().unwrap_or(0)
    }

    /// Sets the disks attached to a master target or an appliance.
    pub(in crate::provider::emulator) fn set_attached(&mut self, server: &str, disks: u32) {
        if let Some(target) = self.master_target_mut(server) {
            target.attached_disks = Some(Spanned::bare(disks));
        }
        if let Some(appliance) = self.appliance_mut(server) {
            appliance.attached_disks = Some(Spanned::bare(disks));
        }
    }

    /// Returns the vCenter of a host; `None` if none manages it or nobody knows.
    pub(in crate::provider::emulator) fn vcenter_of(&self, host: &str) -> Option<&str> {
        self.host(host).and_then(|host| host.vcenter.as_option()).map(|vcenter| vcenter.as_str())
    }

    /// Returns what is wrong with a vCenter.
    pub(in crate::provider::emulator) fn vcenter_trouble(&self, name: &str) -> Option<Trouble> {
        let vcenter = self.facts.vcenters.iter().flatten().find(|vcenter| vcenter.id.value == name);
        let Some(vcenter) = vcenter else {
            let unknown = self.facts.vcenters.is_some();
            return unknown.then(|| {
                Trouble::new("VcenterNotRegistered", format!("The vCenter '{name}' isn't registered."))
            });
        };
        if is_false(&vcenter.connected) {
            let message = "Last successful discovery time of vCenter has exceeded the threshold.";
            return Some(Trouble::new("811", message));
        }
        None
    }

    /// Returns whether the account on a vCenter may do what a failback needs, as far as the list of privileges tells.
    pub(in crate::provider::emulator) fn lacks_privileges(&self, name: &str) -> bool {
        let vcenter = self.facts.vcenters.iter().flatten().find(|vcenter| vcenter.id.value == name);
        let privileges = vcenter.and_then(|vcenter| vcenter.account.as_ref()?.privileges.as_ref());
        privileges
            .is_some_and(|list| !privileges::suffice(list.iter().map(|privilege| privilege.value.as_str())))
    }

    /// Returns what is wrong with the configuration server.
    pub(in crate::provider::emulator) fn configuration_server_trouble(
        &self,
        now: Timestamp,
    ) -> Option<Trouble> {
        let server = match &self.facts.configuration_server {
            Nullable::Some(server) => server,
            Nullable::Unknown => return None,
            Nullable::None => return Some(Trouble::new("583", "There is no Configuration server.")),
        };
        let name = &server.id.value;
        if is_false(&server.connected) {
            return Some(Trouble::new("583", format!("The Configuration server '{name}' isn't connected.")));
        }
        if server.certificate_expires_at.as_deref().is_some_and(|end| *end <= now) {
            return Some(Trouble::new(
                "CertificateExpired",
                format!("The certificate of the Configuration server '{name}' has expired."),
            ));
        }
        None
    }

    /// Returns whether anything is known to be true of the configuration server that keeps machines from coming back.
    pub(in crate::provider::emulator) fn configuration_server_replaced(&self) -> bool {
        self.facts.configuration_server.as_option().is_some_and(|server| is_true(&server.cloned))
    }

    /// Returns what is wrong with a process server.
    pub(in crate::provider::emulator) fn process_server_trouble(&self, name: &str) -> Option<Trouble> {
        let Some(server) = self.process_server(name) else {
            return Some(Trouble::new(
                "ProcessServerNotFound",
                format!("The process server '{name}' isn't registered."),
            ));
        };
        if server.health.as_deref() == Some(&Health::Critical) || self.is_silent(server) {
            return Some(Trouble::new("806", "Process server heartbeat is missing."));
        }
        None
    }

    /// Returns whether a process server had not been heard from for too long when the facts were observed; such a server
    /// does not come back by itself.
    pub(in crate::provider::emulator) fn is_silent(&self, server: &ProcessServer) -> bool {
        let heard = server.heartbeat_at.as_deref();
        let observed = self.facts.observed_at.as_deref();
        heard.zip(observed).is_some_and(|(heard, observed)| {
            observed.duration_since(*heard).as_secs() >= latency::HEARTBEAT_LOST_AFTER
        })
    }

    /// Returns what is wrong with an appliance.
    pub(in crate::provider::emulator) fn appliance_trouble(&self, name: &str) -> Option<Trouble> {
        let Some(appliance) = self.appliance(name) else {
            return Some(Trouble::new(
                "ApplianceNotFound",
                format!("The appliance '{name}' isn't registered."),
            ));
        };
        let vault = self.facts.vault.as_ref().and_then(|vault| vault.name.as_ref());
        let theirs = appliance.vault.as_ref();
        if theirs.zip(vault).is_some_and(|(theirs, ours)| !theirs.value.eq_ignore_ascii_case(&ours.value)) {
            return Some(Trouble::new(
                "ApplianceNotFound",
                format!("The appliance '{name}' is of another vault."),
            ));
        }
        if is_true(&appliance.cloned) {
            return Some(Trouble::new("ApplianceCloned", format!("The appliance '{name}' is a clone.")));
        }
        let critical = |health: Option<&Health>| health == Some(&Health::Critical);
        let part = appliance.components.iter().flatten().find(|part| critical(part.health.as_deref()));
        if critical(appliance.health.as_deref()) || part.is_some() {
            let part = part.map(|part| format!(" ({})", part.name.value)).unwrap_or_default();
            return Some(Trouble::new(
                "ApplianceUnhealthy",
                format!("The appliance '{name}' isn't healthy{part}."),
            ));
        }
        None
    }

    /// Returns whether a storage account is there, as far as the inventory lists them.
    pub(in crate::provider::emulator) fn has_storage_account(&self, name: &str) -> bool {
        let listed = self.facts.storage_accounts.as_ref();
        listed.is_none_or(|accounts| accounts.iter().any(|account| account.value == name))
    }

    /// Returns whether a connection was tried and failed. Each end goes by several names, its own one first: what was tried
    /// with an own name outweighs what was tried with that of the network around it. `port` is preferred over others.
    pub(in crate::provider::emulator) fn is_cut(
        &self,
        from: &[&str],
        to: &[&str],
        port: Option<u16>,
    ) -> bool {
        for from in from {
            let Some(tried) = self.places.tried.get(*from) else { continue };
            let Some(ports) = to.iter().find_map(|to| tried.get(*to)) else { continue };
            let preferred = |at: u16| port == Some(at) && ports.iter().any(|(tried, _)| *tried == at);
            return match port.filter(|port| preferred(*port)) {
                Some(port) => ports.iter().any(|(tried, ok)| *tried == port && !ok),
                None => ports.iter().any(|(_, ok)| !ok),
            };
        }
        false
    }
}
