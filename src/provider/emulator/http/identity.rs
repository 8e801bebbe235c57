//! What things are called on the wire, and back: names that follow from the inventory, the same in every run.

use crate::id::OperationId;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::world::World;

/// Name of the pseudo fabric that stands for Azure as a target.
pub const AZURE_FABRIC: &str = "d49858f157601230a6ac5862fbbc6e63bf38d23ecd96cf953767945d457fe9d5";

/// Container of that fabric.
pub const AZURE_CONTAINER: &str = "d38048d4-b460-4791-8ece-108395ee8478";

/// The friendly name and id of that fabric where it stands as a recovery side.
pub const AZURE: &str = "Microsoft Azure";

/// Names of the vault and of what is in it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The directory.
    pub tenant: String,
    /// The subscription.
    pub subscription: String,
    /// The vault's resource group.
    pub resource_group: String,
    /// The vault.
    pub vault: String,
    /// Where it is.
    pub location: String,
    /// Whether it uses the classic architecture.
    pub classic: bool,
    /// The fabric of the site.
    pub fabric: String,
    /// What a person calls that fabric.
    pub fabric_friendly: String,
    /// The fabric's other name.
    pub fabric_guid: String,
    /// The fabric's container.
    pub container: String,
    /// What a person calls that container.
    pub container_friendly: String,
    /// The fabric's provider: the configuration server's, or the first appliance's.
    pub dra: String,
    /// Modernized: the site of the discovery service.
    pub site: String,
    /// What sets the jobs of this world apart from those of another.
    salt: String,
}

impl Identity {
    /// Returns the names of a world.
    #[must_use]
    pub fn of(world: &World, tenant: &str) -> Self {
        let facts = world.site.facts();
        let classic = world.site.classic;
        let stated = facts.vault.as_ref();
        let vault = stated.and_then(|vault| vault.name.as_deref().cloned());
        let vault = vault.unwrap_or_else(|| format!("vault-{}", facts.name.value));
        let in_machine = || {
            let machines = world.items.iter().filter_map(|item| item.facts.azure_vm.as_ref());
            machines.filter_map(|vm| vm.subscription_id.as_deref().cloned()).next()
        };
        let subscription = stated
            .and_then(|vault| vault.subscription_id.as_deref().cloned())
            .or_else(in_machine)
            .unwrap_or_else(|| guid::guid("subscription", &facts.name.value));
        let resource_group = stated
            .and_then(|vault| vault.resource_group.as_deref().cloned())
            .unwrap_or_else(|| format!("rg-{}", facts.name.value));
        let server = facts.configuration_server.as_option().map(|server| server.id.value.clone());
        let fabric_friendly = match server {
            Some(server) if classic => server,
            _ if classic => format!("{vault}-cs"),
            _ => format!("{vault}-vmwarefabric"),
        };
        let fabric = if classic { guid::long("fabric", &fabric_friendly) } else { fabric_friendly.clone() };
        let fabric_guid = guid::guid("fabric", &fabric_friendly);
        let container =
            if classic { format!("cloud_{fabric_guid}") } else { format!("{vault}replicationcontainer") };
        let container_friendly = if classic { fabric_friendly.clone() } else { container.clone() };
        let first = facts.appliances.iter().flatten().next().map(|appliance| appliance.name.value.clone());
        let dra = match first {
            Some(appliance) if !classic => guid::guid("appliance", &appliance),
            _ => fabric_guid.clone(),
        };
        Self {
            tenant: tenant.to_owned(),
            subscription,
            resource_group,
            location: "koreacentral".to_owned(),
            classic,
            fabric,
            fabric_friendly,
            fabric_guid,
            container,
            container_friendly,
            dra,
            site: format!("{vault}vmwaresite"),
            salt: format!("{vault} {} {}", world.start, world.scenario.seed()),
            vault,
        }
    }

    /// Returns the id of the vault as the service writes it.
    #[must_use]
    pub fn vault_id(&self) -> String {
        format!(
            "/Subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
            self.subscription, self.resource_group, self.vault
        )
    }

    /// Returns the id of a resource group as Azure Resource Manager writes it.
    #[must_use]
    pub fn group_id(&self, group: &str) -> String {
        format!("/subscriptions/{}/resourceGroups/{group}", self.subscription)
    }

    /// Returns the id of something directly in the vault: `within("replicationPolicies", "p1")`.
    #[must_use]
    pub fn within(&self, kind: &str, name: &str) -> String {
        format!("{}/{kind}/{name}", self.vault_id())
    }

    /// Returns the id of the fabric.
    #[must_use]
    pub fn fabric_id(&self) -> String {
        self.within("replicationFabrics", &self.fabric)
    }

    /// Returns the id of the container.
    #[must_use]
    pub fn container_id(&self) -> String {
        format!("{}/replicationProtectionContainers/{}", self.fabric_id(), self.container)
    }

    /// Returns the id of Azure's container.
    #[must_use]
    pub fn azure_container_id(&self) -> String {
        format!(
            "{}/replicationProtectionContainers/{AZURE_CONTAINER}",
            self.within("replicationFabrics", AZURE_FABRIC)
        )
    }

    /// Returns the id of the fabric's provider.
    #[must_use]
    pub fn dra_id(&self) -> String {
        format!("{}/replicationRecoveryServicesProviders/{}", self.fabric_id(), self.dra)
    }

    /// Returns the id of a discovered thing of the modernized architecture: `off_azure("machines", "w1")`.
    #[must_use]
    pub fn off_azure(&self, kind: &str, name: &str) -> String {
        format!(
            "{}/providers/Microsoft.OffAzure/VMwareSites/{}/{kind}/{name}",
            self.group_id(&self.resource_group),
            self.site
        )
    }

    /// Returns the name of a machine's replicated item.
    #[must_use]
    pub fn item_name(&self, machine: &str) -> String {
        guid::guid("item", machine)
    }

    /// Returns the id of a machine's replicated item.
    #[must_use]
    pub fn item_id(&self, machine: &str) -> String {
        format!("{}/replicationProtectedItems/{}", self.container_id(), self.item_name(machine))
    }

    /// Returns the id of a job.
    #[must_use]
    pub fn job_id(&self, name: &str) -> String {
        self.within("replicationJobs", name)
    }

    /// Returns the name that an operation of the world has as a job.
    #[must_use]
    pub fn job_name(&self, operation: &OperationId) -> String {
        guid::guid(&format!("job {}", self.salt), operation.as_str())
    }

    /// Returns the name of a job that the service runs beside the world's.
    #[must_use]
    pub fn service_job_name(&self, number: usize) -> String {
        guid::guid(&format!("service job {}", self.salt), &number.to_string())
    }

    /// Returns the id of a process server: by this, requests name it.
    #[must_use]
    pub fn process_server_id(&self, name: &str) -> String {
        guid::server("process server", name)
    }

    /// Returns the id of a master target: by this, requests name it.
    #[must_use]
    pub fn master_target_id(&self, name: &str) -> String {
        guid::server("master target", name)
    }

    /// Returns the id of an appliance, which is that of each of its parts.
    #[must_use]
    pub fn appliance_id(&self, name: &str) -> String {
        guid::guid("appliance", name)
    }

    /// Returns the id of a storage account.
    #[must_use]
    pub fn storage_account_id(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.Storage/storageAccounts/{name}", self.group_id(&self.resource_group))
    }

    /// Returns the id of the policy that a direction uses.
    #[must_use]
    pub fn policy_id(&self, to_onprem: bool) -> String {
        self.within("replicationPolicies", self.policy(to_onprem))
    }

    /// Returns the name of the policy that a direction uses.
    #[must_use]
    pub const fn policy(&self, to_onprem: bool) -> &'static str {
        match (self.classic, to_onprem) {
            (true, true) => "24-hour-replication-policy-failback",
            (false, true) => "appconsistency-policy-failback",
            (_, false) => "24-hour-replication-policy",
        }
    }
}

/// Returns the UUID of the virtual machine that was protected: its own, or one made up where nobody knows it.
#[must_use]
pub fn source_uuid(item: &Item) -> String {
    let known = item.facts.asr.as_ref().and_then(|asr| asr.source_vm_uuid.as_deref().cloned());
    known.unwrap_or_else(|| vm_uuid(item))
}

/// Returns the UUID of the virtual machine on-premises as vCenter shows it.
#[must_use]
pub fn vm_uuid(item: &Item) -> String {
    let known = item.facts.onprem_vm.as_ref().and_then(|vm| vm.uuid.as_deref().cloned());
    known.unwrap_or_else(|| guid::guid("vm", item.name.as_str()))
}

/// Returns the instance UUID of the virtual machine on-premises as vCenter shows it.
#[must_use]
pub fn instance_uuid(item: &Item) -> String {
    guid::guid("instance uuid", &vm_uuid(item).to_lowercase())
}

impl Identity {
    /// Returns the id of a machine's copy in Azure.
    #[must_use]
    pub fn azure_vm_id(&self, item: &Item) -> String {
        let vm = item.facts.azure_vm.as_ref();
        if let Some(id) = vm.and_then(|vm| vm.id.as_deref()) {
            return id.clone();
        }
        let subscription = vm.and_then(|vm| vm.subscription_id.as_deref()).unwrap_or(&self.subscription);
        let group = vm.and_then(|vm| vm.resource_group.as_deref()).unwrap_or(&self.resource_group);
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{}",
            item.name
        )
    }
}
