//! The `Inventory` document: the facts about the vault, the on-premises site and its servers.

mod server;

use jiff::Timestamp;

use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::machine::Machine;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Hypervisor;
use crate::syntax::remark::Remark;
use crate::syntax::value::Named;

pub use self::server::Appliance;
pub use self::server::Component;
pub use self::server::MasterTarget;
pub use self::server::ProcessServer;
pub use self::server::RetentionVolume;

/// A fact: `None` if nobody knows it.
pub type Known<T> = Option<Spanned<T>>;

block! {
    /// The facts that a plan is checked against and run on. A fact that is left out is unknown.
    pub struct Inventory {
        /// Kind of the document: `Inventory`.
        pub kind: Spanned<InventoryKind>,
        /// Version of the language: 1.
        pub version: Spanned<crate::syntax::Version>,
        /// Name of the site or estate.
        pub name: Spanned<String> where [Name] => "seoul",
        /// When the facts were observed; their ages are measured at this moment.
        pub observed_at: Known<Timestamp>,
        /// The Recovery Services vault.
        pub vault: Option<Vault>,
        /// Classic: the configuration server; `null` if there is none.
        pub configuration_server: Nullable<ConfigurationServer>,
        /// vCenter servers.
        pub vcenters: Option<Vec<Vcenter>>,
        /// Hypervisor hosts.
        pub hosts: Option<Vec<Host>>,
        /// Datastores.
        pub datastores: Option<Vec<Datastore>>,
        /// Classic: master targets.
        pub master_targets: Option<Vec<MasterTarget>>,
        /// Classic: process servers.
        pub process_servers: Option<Vec<ProcessServer>>,
        /// Modernized: replication appliances.
        pub appliances: Option<Vec<Appliance>>,
        /// Storage accounts in the vault's region.
        pub storage_accounts: Option<Vec<Spanned<String>>> where [Distinct] => ["sa1", "sa2"],
        /// Azure Automation accounts.
        pub automation_accounts: Option<Vec<AutomationAccount>>,
        /// The connection between Azure and the site.
        pub network: Option<Network>,
        /// Machines.
        pub machines: Option<Vec<Machine>>,
        /// Replication groups, as Site Recovery has them.
        pub replication_groups: Option<Vec<ReplicationGroup>>,
        ;
        /// Comments of the document that accept findings beside them.
        pub remarks: Vec<Remark>
    }
}

impl Inventory {
    /// Returns an inventory that knows nothing.
    #[must_use]
    pub fn unknown(name: &str) -> Self {
        Self {
            kind: Spanned::bare(InventoryKind::Inventory),
            version: Spanned::bare(crate::syntax::Version::ONE),
            name: Spanned::bare(name.to_owned()),
            observed_at: None,
            vault: None,
            configuration_server: Nullable::Unknown,
            vcenters: None,
            hosts: None,
            datastores: None,
            master_targets: None,
            process_servers: None,
            appliances: None,
            storage_accounts: None,
            automation_accounts: None,
            network: None,
            machines: None,
            replication_groups: None,
            remarks: Vec::new(),
        }
    }
}

words! {
    /// The kind of an inventory document.
    pub enum InventoryKind {
        /// An inventory.
        Inventory = "Inventory",
    }
}

words! {
    /// Architecture of Site Recovery that a vault uses.
    pub enum Experience {
        /// Configuration server, process servers and master targets.
        Classic = "classic",
        /// Replication appliances.
        Modernized = "modernized",
    }
}

block! {
    /// A Recovery Services vault.
    pub struct Vault {
        /// Name of the vault.
        pub name: Known<String> => "vault-seoul",
        /// Its architecture.
        pub experience: Known<Experience>,
        /// Subscription of the vault.
        pub subscription_id: Known<String> => "11111111-1111-1111-1111-111111111111",
        /// Resource group of the vault.
        pub resource_group: Known<String> => "rg-vault",
    }
}

words! {
    /// Where a server stands.
    pub enum Placement {
        /// At the site.
        Onprem = "onprem",
        /// In Azure.
        Azure = "azure",
    }
}

block! {
    /// The configuration server of the classic architecture.
    pub struct ConfigurationServer {
        /// Name of the configuration server.
        pub id: Spanned<String> where [Name] => "cs1",
        /// Where it stands.
        pub placement: Known<Placement>,
        /// Its address.
        pub ip: Known<String> => "10.0.0.10",
        /// The address with which the machines were protected.
        pub original_ip: Known<String> => "10.0.0.10",
        /// Whether it was restored from a backup.
        pub restored: Known<bool>,
        /// Whether it is a copy or a new deployment.
        pub cloned: Known<bool>,
        /// Whether Site Recovery hears from it.
        pub connected: Known<bool>,
        /// Version of its software.
        pub version: Known<String> => "9.62",
        /// Number of network interfaces.
        pub nic_count: Known<u16> => 2,
        /// Whether failback has an interface of its own.
        pub separate_failback_nic: Known<bool>,
        /// End of its last backup; `null` if there was none.
        pub last_backup_at: Nullable<Spanned<Timestamp>>,
        /// End of its certificate.
        pub certificate_expires_at: Known<Timestamp>,
    }
}

block! {
    /// An account of Site Recovery on a vCenter.
    pub struct VcenterAccount {
        /// Name of the account.
        pub name: Known<String> => "svc-asr",
        /// Its privileges: `failback` for all that failback needs, else vCenter's own ids.
        pub privileges: Option<Vec<Spanned<String>>> => ["failback"],
    }
}

block! {
    /// A vCenter server, as it is registered with Site Recovery.
    pub struct Vcenter {
        /// Name of the registration.
        pub id: Spanned<String> where [Name] => "vc1",
        /// Whether Site Recovery is connected to it.
        pub connected: Known<bool>,
        /// Whether the machine that runs the plan reaches it.
        pub reachable: Known<bool>,
        /// Its version.
        pub version: Known<String> => "8.0",
        /// The account of Site Recovery.
        pub account: Option<VcenterAccount>,
    }
}

block! {
    /// A hypervisor host.
    pub struct Host {
        /// Name of the host.
        pub name: Spanned<String> where [Name] => "esx1",
        /// vCenter that manages it; `null` if none does.
        pub vcenter: Nullable<Spanned<String>> => "vc1",
        /// What runs its machines. Left out: ESXi if it is under a vCenter, else nobody knows.
        pub hypervisor: Known<Hypervisor>,
        /// Whether Site Recovery has discovered it.
        pub discovered: Known<bool>,
        /// Licence; `free` is the free edition.
        pub license: Known<String> => "enterprise_plus",
        /// Its version.
        pub version: Known<String> => "8.0",
        /// Memory that is free, in GiB.
        pub free_memory_gb: Known<Bytes> => 512,
        /// Names of the virtual machines seen on it.
        pub vms: Option<Vec<Spanned<String>>> => ["w1"],
    }
}

words! {
    /// File system of a datastore.
    pub enum DatastoreType {
        /// VMware's own file system.
        Vmfs = "vmfs",
        /// vSAN.
        Vsan = "vsan",
        /// NFS.
        Nfs = "nfs",
        /// Virtual volumes.
        Vvol = "vvol",
    }
}

words! {
    /// How a host may use a datastore.
    pub enum Access {
        /// Read and write.
        ReadWrite = "rw",
        /// Read only.
        ReadOnly = "ro",
    }
}

block! {
    /// A datastore.
    pub struct Datastore {
        /// Name of the datastore.
        pub name: Spanned<String> where [Name] => "vmfs1",
        /// Its file system.
        pub kind = "type": Known<DatastoreType>,
        /// vCenter that it belongs to; `null` if none.
        pub vcenter: Nullable<Spanned<String>> => "vc1",
        /// Space that is free, in GiB.
        pub free_gb: Known<Bytes> => 10240,
        /// Whether its hosts reach it.
        pub accessible: Known<bool>,
        /// Hosts that have it, and how; where it is given, a host that is not listed has no access.
        pub access: Option<Named<Spanned<Access>>> => {"esx1": "rw"},
    }
}

block! {
    /// An Azure Automation account.
    pub struct AutomationAccount {
        /// Name of the account.
        pub name: Spanned<String> where [Name] => "aa-dr",
        /// Its subscription.
        pub subscription_id: Known<String> => "11111111-1111-1111-1111-111111111111",
    }
}

words! {
    /// The way between Azure and the site.
    pub enum Link {
        /// A site-to-site VPN.
        S2sVpn = "s2s_vpn",
        /// ExpressRoute with private peering.
        ExpressroutePrivate = "expressroute_private",
        /// ExpressRoute with Microsoft peering.
        ExpressrouteMicrosoft = "expressroute_microsoft",
        /// The internet.
        Internet = "internet",
        /// None.
        None = "none",
    }
}

block! {
    /// A connection that was tried.
    pub struct Reachable {
        /// Who tried it: a machine, a server, or a virtual network for the machines in it.
        pub from: Spanned<String> => "w1",
        /// Who was tried: as `from`.
        pub to: Spanned<String> => "cs1",
        /// The port.
        pub port: Spanned<u16> where [Port] => 443,
        /// Whether it worked.
        pub ok: Spanned<bool>,
    }
}

block! {
    /// The connection between Azure and the site.
    pub struct Network {
        /// The way that replication takes from Azure to the site.
        pub azure_to_onprem: Known<Link>,
        /// Its bandwidth, in Mbit/s.
        pub bandwidth_mbps: Known<f64> where [Positive] => 1000,
        /// Connections that were tried.
        pub reachable: Option<Vec<Reachable>>,
        /// Pairs of virtual networks that are peered.
        pub peered_vnets: Option<Vec<Vec<Spanned<String>>>> => [["vnet-dr", "vnet-hub"]],
    }
}

block! {
    /// A replication group, as Site Recovery has it.
    pub struct ReplicationGroup {
        /// Name of the group.
        pub name: Spanned<String> where [Name] => "erp-db",
        /// Its machines.
        pub members: Vec<Spanned<String>> where [Distinct] => ["sql1", "sql2"],
    }
}
