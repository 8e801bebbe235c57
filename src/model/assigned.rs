//! The servers that a machine is assigned to, where it matters whether the inventory says which ones there are.

use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Unknown;
use crate::source::Spanned;
use crate::syntax::inventory::ProcessServer;

impl<'m> Machine<'m> {
    /// Returns its master target, as [`Self::master_target`] does.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if one is assigned and the inventory does not say which ones there are.
    pub fn listed_master_target(self) -> Fact<Option<MasterTarget<'m>>> {
        let named = self.settings().failback.master_target.as_ref();
        let list = self.model.inventory.master_targets.is_some();
        listed(self.master_target(), named, list, "master_targets")
    }

    /// Returns its appliance, as [`Self::appliance`] does.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if one is assigned and the inventory does not say which ones there are.
    pub fn listed_appliance(self) -> Fact<Option<Appliance<'m>>> {
        let named = self.settings().failback.appliance.as_ref();
        listed(self.appliance(), named, self.model.inventory.appliances.is_some(), "appliances")
    }

    /// Returns the process server of its way home, as [`Self::process_server`] does.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if one is assigned and the inventory does not say which ones there are.
    pub fn listed_process_server(self) -> Fact<Option<&'m ProcessServer>> {
        let named = self.settings().failback.process_server.as_ref();
        let list = self.model.inventory.process_servers.is_some();
        listed(self.process_server(), named, list, "process_servers")
    }

    /// Returns the process server of its way to Azure, as [`Self::forward_process_server`] does.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if one is assigned and the inventory does not say which ones there are.
    pub fn listed_forward_process_server(self) -> Fact<Option<&'m ProcessServer>> {
        let named = self.settings().forward.as_ref().and_then(|forward| forward.process_server.as_ref());
        let list = self.model.inventory.process_servers.is_some();
        listed(self.forward_process_server(), named, list, "process_servers")
    }

    /// Returns the appliance of its way to Azure, as [`Self::forward_appliance`] does.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if one is assigned and the inventory does not say which ones there are.
    pub fn listed_forward_appliance(self) -> Fact<Option<Appliance<'m>>> {
        let named = self.settings().forward.as_ref().and_then(|forward| forward.appliance.as_ref());
        listed(self.forward_appliance(), named, self.model.inventory.appliances.is_some(), "appliances")
    }
}

/// Returns a server that was looked up; without a list of its kind nobody can tell whether there is one of its name.
fn listed<T>(
    found: Option<T>,
    named: Option<&Spanned<String>>,
    has_list: bool,
    list: &'static str,
) -> Fact<Option<T>> {
    match (found, named) {
        (None, Some(name)) if !has_list => Err(Unknown::of(list, name.value.as_str())),
        (found, _) => Ok(found),
    }
}
