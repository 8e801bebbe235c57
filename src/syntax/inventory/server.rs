//! The servers that carry data home: master targets and process servers of classic, appliances of modernized.

use jiff::Timestamp;

use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::inventory::Known;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::Health;
use crate::syntax::machine::Os;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Form;

block! {
    /// A volume of a master target that keeps recovery points.
    pub struct RetentionVolume {
        /// Drive or mount point.
        pub name: Spanned<String> where [Name] => "R:",
        /// File system.
        pub fs: Known<String> => "ntfs",
        /// Size, in GiB.
        pub capacity_gb: Known<Bytes> => 1024,
        /// Whether something else uses it.
        pub in_use: Known<bool>,
        /// Whether it is locked.
        pub locked: Known<bool>,
    }
}

block! {
    /// A master target of the classic architecture.
    pub struct MasterTarget {
        /// Name of the master target.
        pub name: Spanned<String> where [Name] => "mtw",
        /// Its operating system.
        pub os: Option<Os>,
        /// What it is made of.
        pub form: Known<Form>,
        /// Host that runs it.
        pub host: Known<String> => "esx1",
        /// Datastore that holds it.
        pub datastore: Known<String> => "vmfs1",
        /// Whether it is registered with the configuration server.
        pub registered: Known<bool>,
        /// Whether Site Recovery has discovered it.
        pub discovered: Known<bool>,
        /// Number of snapshots.
        pub snapshots: Known<u32> => 0,
        /// Kinds of its SCSI controllers.
        pub scsi_controllers: Option<Vec<Spanned<String>>> => ["lsilogic_sas"],
        /// Number of attached disks, its own included.
        pub attached_disks: Known<u32> => 3,
        /// Whether VMware Tools are installed.
        pub vmware_tools_installed: Known<bool>,
        /// Whether disk.EnableUUID is set.
        pub enable_uuid: Known<bool>,
        /// Volumes that may keep recovery points.
        pub retention_volumes: Option<Vec<RetentionVolume>>,
        /// Version of its software.
        pub version: Known<String> => "9.62",
        /// Whether its disks are under LVM.
        pub lvm: Known<bool>,
        /// UUID of the virtual machine.
        pub uuid: Known<String> => "564d0000-0000-0000-0000-0000000000aa",
        /// Template it was made from; `null` if none.
        pub template_id: Nullable<Spanned<String>> => "template-7",
        /// Memory, in GiB.
        pub ram_gb: Known<Bytes> => 16,
        /// Number of processors.
        pub cpu: Known<u16> => 8,
        /// Size of the system disk, in GiB.
        pub os_disk_gb: Known<Bytes> => 120,
        /// Whether it is kept out of Storage vMotion and Storage DRS.
        pub storage_vmotion_excluded: Known<bool>,
        /// Whether its kernel updates by itself.
        pub kernel_auto_update: Known<bool>,
    }
}

block! {
    /// A process server of the classic architecture.
    pub struct ProcessServer {
        /// Name of the process server.
        pub name: Spanned<String> where [Name] => "ps-az",
        /// Where it stands.
        pub placement: Known<Placement>,
        /// Its virtual network in Azure.
        pub vnet: Known<String> => "vnet-dr",
        /// Its health.
        pub health: Known<Health>,
        /// When Site Recovery last heard from it.
        pub heartbeat_at: Known<Timestamp>,
        /// Version of its software.
        pub version: Known<String> => "9.62",
        /// Whether it was made for this failback alone.
        pub temporary: Known<bool>,
    }
}

block! {
    /// A part of a replication appliance.
    pub struct Component {
        /// Name of the part.
        pub name: Spanned<String> where [Name] => "reprotect_agent",
        /// Its health.
        pub health: Known<Health>,
    }
}

block! {
    /// A replication appliance of the modernized architecture.
    pub struct Appliance {
        /// Name of the appliance.
        pub name: Spanned<String> where [Name] => "ra1",
        /// Vault that it is registered in.
        pub vault: Known<String> => "vault-seoul-m",
        /// vCenter that holds it.
        pub vcenter: Known<String> => "vc1",
        /// Host that runs it.
        pub host: Known<String> => "esx1",
        /// Datastore that holds it.
        pub datastore: Known<String> => "vmfs1",
        /// Its health.
        pub health: Known<Health>,
        /// Health of its parts.
        pub components: Option<Vec<Component>>,
        /// Number of attached disks, its own included.
        pub attached_disks: Known<u32> => 3,
        /// Version of its software.
        pub version: Known<String> => "9.65",
        /// Whether it is a copy of another.
        pub cloned: Known<bool>,
        /// Whether it is kept out of Storage vMotion and Storage DRS.
        pub storage_vmotion_excluded: Known<bool>,
        /// Whether its parts update by themselves.
        pub auto_update: Known<bool>,
        /// Whether its clock agrees with internet time.
        pub time_in_sync: Known<bool>,
    }
}
