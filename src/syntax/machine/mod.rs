//! The facts about one machine: its operating system, its copy in Azure, its copy on-premises, its protection.

mod onprem_vm;

use jiff::Timestamp;

use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Known;
use crate::syntax::nullable::Nullable;

pub use self::onprem_vm::DiskKind;
pub use self::onprem_vm::OnpremDisk;
pub use self::onprem_vm::OnpremVm;
pub use self::onprem_vm::ToolsState;

words! {
    /// What a machine was before it was replicated.
    pub enum MachineKind {
        /// A VMware virtual machine.
        VmwareVm = "vmware_vm",
        /// A physical server.
        Physical = "physical",
        /// A Hyper-V virtual machine.
        HypervVm = "hyperv_vm",
        /// An Azure virtual machine.
        AzureVm = "azure_vm",
        /// An AWS instance.
        AwsInstance = "aws_instance",
    }
}

words! {
    /// Family of an operating system.
    pub enum OsFamily {
        /// Windows.
        Windows = "windows",
        /// Linux.
        Linux = "linux",
    }
}

block! {
    /// An operating system.
    pub struct Os {
        /// Its family.
        pub family: Known<OsFamily>,
        /// Its release, such as `windows_server_2008_r2`, `windows_server_2016`, `rhel_7_9` or `ubuntu_20_04`.
        pub release: Known<String> => "windows_server_2019",
        /// Its service pack; 0 if none.
        pub service_pack: Known<u8> => 1,
    }
}

words! {
    /// Firmware that a machine boots with.
    pub enum Firmware {
        /// BIOS.
        Bios = "bios",
        /// UEFI.
        Uefi = "uefi",
    }
}

block! {
    /// How a machine boots.
    pub struct Boot {
        /// Its firmware.
        pub firmware: Known<Firmware>,
        /// Whether Secure Boot is on.
        pub secure_boot: Known<bool>,
    }
}

block! {
    /// How a machine is addressed.
    pub struct MachineNetwork {
        /// Whether its on-premises address is static.
        pub static_ip: Known<bool>,
    }
}

words! {
    /// Where a machine is in its life cycle.
    pub enum State {
        /// Runs on-premises and replicates to Azure.
        ProtectedToAzure = "protected_to_azure",
        /// Runs in Azure; the commit of the failover to Azure is pending.
        FailedOver = "failed_over",
        /// Runs in Azure, unprotected.
        FailedOverCommitted = "failed_over_committed",
        /// Reprotect to on-premises or its initial replication runs.
        ReprotectingToOnprem = "reprotecting_to_onprem",
        /// Replicates to on-premises; the on-premises VM is powered off.
        ProtectedToOnprem = "protected_to_onprem",
        /// The failover job from Azure runs.
        FailingBack = "failing_back",
        /// The on-premises VM runs, the Azure VM is stopped, the commit is pending.
        FailedBack = "failed_back",
        /// The Azure VM is removed; on-premises and unprotected.
        FailedBackCommitted = "failed_back_committed",
        /// Reprotect to Azure or its initial replication runs.
        ReprotectingToAzure = "reprotecting_to_azure",
        /// Migration was completed: no failback.
        Migrated = "migrated",
        /// The Azure VM was deleted: no failback.
        AzureVmDeleted = "azure_vm_deleted",
        /// Protection was disabled: no failback.
        ReplicationDisabled = "replication_disabled",
        /// The Azure VM was moved to another resource group: no failback.
        AzureVmMoved = "azure_vm_moved",
    }
}

words! {
    /// Where the workload of a machine runs.
    pub enum ActiveSite {
        /// On-premises.
        Onprem = "onprem",
        /// In Azure.
        Azure = "azure",
    }
}

words! {
    /// Power state of a virtual machine.
    pub enum PowerState {
        /// It runs.
        Running = "running",
        /// It is off.
        Stopped = "stopped",
        /// It is off and its resources are given back.
        Deallocated = "deallocated",
        /// It is suspended.
        Suspended = "suspended",
        /// It is being started.
        Starting = "starting",
        /// It is being stopped.
        Stopping = "stopping",
    }
}

words! {
    /// How well something is; `ok` and `healthy` mean the same.
    pub enum Health {
        /// Replication has no problem.
        Ok = "ok",
        /// The server has no problem.
        Healthy = "healthy",
        /// Something needs attention.
        Warning = "warning",
        /// It does not work.
        Critical = "critical",
    }
}

words! {
    /// Who made an Azure VM.
    pub enum CreatedBy {
        /// A failover of Site Recovery.
        Asr = "asr",
        /// A person.
        Manual = "manual",
    }
}

words! {
    /// State of the Mobility service.
    pub enum ServiceState {
        /// It runs.
        Running = "running",
        /// It does not run.
        Stopped = "stopped",
    }
}

block! {
    /// A disk of an Azure VM.
    pub struct AzureDisk {
        /// Name of the disk, the same as on-premises.
        pub id: Spanned<String> where [Name] => "disk0",
        /// Its size, in GiB.
        pub size_gb: Known<Bytes> => 100,
        /// Whether it came from on-premises; else it was added in Azure.
        pub replicated_from_onprem: Known<bool>,
        /// Whether it is the VM's temporary disk.
        pub temporary: Known<bool>,
    }
}

block! {
    /// The copy of a machine in Azure.
    pub struct AzureVm {
        /// Whether it exists.
        pub exists: Known<bool>,
        /// Its Azure resource id.
        pub id: Known<String> => "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-dr/providers/Microsoft.Compute/virtualMachines/w1",
        /// Who made it.
        pub created_by: Known<CreatedBy>,
        /// Whether it was moved to another resource group.
        pub moved: Known<bool>,
        /// Its power state.
        pub power_state: Known<PowerState>,
        /// Its resource group.
        pub resource_group: Known<String> => "rg-dr",
        /// The resource group that the failover made it in.
        pub failover_resource_group: Known<String> => "rg-dr",
        /// Its subscription.
        pub subscription_id: Known<String> => "11111111-1111-1111-1111-111111111111",
        /// Its virtual network.
        pub vnet: Known<String> => "vnet-dr",
        /// Whether it kept its on-premises address.
        pub ip_retained: Known<bool>,
        /// State of its Mobility service.
        pub agent_service: Known<ServiceState>,
        /// Modernized: whether it reaches the addresses of the service.
        pub outbound_urls_reachable: Known<bool>,
        /// When it booted.
        pub booted_at: Known<Timestamp>,
        /// Its disks.
        pub disks: Option<Vec<AzureDisk>>,
    }
}

words! {
    /// Consistency of a recovery point.
    pub enum PointKind {
        /// As after pulling the plug.
        CrashConsistent = "crash_consistent",
        /// Taken with the applications quiesced.
        AppConsistent = "app_consistent",
    }
}

block! {
    /// A recovery point in the direction Azure to on-premises.
    pub struct RecoveryPoint {
        /// Its id.
        pub id: Known<String> => "rp-2025-06-01T00:00",
        /// The moment it stands for.
        pub at: Known<Timestamp>,
        /// Its consistency.
        pub kind: Known<PointKind>,
        /// Moment of a replication group that it belongs to; members with the same word share it.
        pub group_point: Known<String> => "erp-db-17",
    }
}

block! {
    /// Vault that a failover ran from.
    pub struct FailoverVault {
        /// Name of the vault.
        pub name: Known<String> => "vault-seoul",
        /// Its architecture.
        pub experience: Known<Experience>,
    }
}

block! {
    /// What Site Recovery knows about a machine.
    pub struct Asr {
        /// Whether its migration was completed, which ends failback for good.
        pub migration_completed: Known<bool>,
        /// Whether it is a replicated item.
        pub replication_enabled: Known<bool>,
        /// Classic: configuration server that protected it.
        pub configuration_server: Known<String> => "cs1",
        /// vCenter under which it was protected; `null` if none.
        pub source_vcenter: Nullable<Spanned<String>> => "vc1",
        /// UUID of the virtual machine that was protected.
        pub source_vm_uuid: Known<String> => "564d0000-0000-0000-0000-000000000001",
        /// Classic: whether the configuration server's database holds it.
        pub in_config_server_db: Known<bool>,
        /// Health of its replication.
        pub health: Known<Health>,
        /// Version of its Mobility agent.
        pub agent_version: Known<String> => "9.62",
        /// Version of its Mobility agent at its last reboot.
        pub agent_version_at_last_reboot: Known<String> => "9.60",
        /// Whether its agent registered after the failover.
        pub agent_registration_ok: Known<bool>,
        /// Recovery points in the direction Azure to on-premises.
        pub recovery_points: Option<Vec<RecoveryPoint>>,
        /// Age of its newest recovery point in seconds.
        pub rpo_seconds: Known<u64> => 240,
        /// Whether it must be resynchronised.
        pub resync_required: Known<bool>,
        /// Whether it is being resynchronised.
        pub resync_in_progress: Known<bool>,
        /// Vault that its failover ran from.
        pub failover_vault: Option<FailoverVault>,
    }
}

block! {
    /// How fast the data of a machine changes.
    pub struct Churn {
        /// Changed data a day, in GiB.
        pub gb_per_day: Known<f64> => 12.5,
        /// Peak of changed data, in MB/s.
        pub peak_mb_s: Known<f64> => 8,
    }
}

block! {
    /// The facts about a machine.
    pub struct Machine {
        /// Name of the machine.
        pub name: Spanned<String> where [Name] => "w1",
        /// What it was before it was replicated.
        pub kind: Known<MachineKind>,
        /// Its memory, in GiB.
        pub memory_gb: Known<Bytes> => 16,
        /// Its operating system.
        pub os: Option<Os>,
        /// How it boots.
        pub boot: Option<Boot>,
        /// How it is addressed.
        pub network: Option<MachineNetwork>,
        /// Where it is in its life cycle.
        pub state: Known<State>,
        /// Where its workload runs.
        pub active_site: Known<ActiveSite>,
        /// How fast its data changes.
        pub churn: Option<Churn>,
        /// Its copy in Azure.
        pub azure_vm: Option<AzureVm>,
        /// Its copy on-premises.
        pub onprem_vm: Option<OnpremVm>,
        /// What Site Recovery knows about it.
        pub asr: Option<Asr>,
    }
}
