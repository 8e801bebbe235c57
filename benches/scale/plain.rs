//! The documents as types without spans, read by `serde_yaml`: what reading costs at least, if places don't matter.

#![expect(dead_code, reason = "what is read is not looked at")]

use std::collections::BTreeMap;

use serde::Deserialize;

macro_rules! words {
    ($($name:ident { $($word:ident),* })*) => { $(
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($word),* }
    )* };
}

macro_rules! blocks {
    ($($name:ident { $($(#[$meta:meta])? $field:ident : $ty:ty),* $(,)? })*) => { $(
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $( $(#[$meta])? pub $field: Option<$ty> ),* }
    )* };
}

words! {
    Experience { Classic, Modernized }
    Link { S2sVpn, ExpressroutePrivate, ExpressrouteMicrosoft, Internet, None }
    Hypervisor { Esxi, HyperV, VmwareWorkstation, Other }
    Form { VmwareVm, Physical }
    DatastoreType { Vmfs, Vsan, Nfs, Vvol }
    Access { Rw, Ro }
    Health { Ok, Healthy, Warning, Critical }
    MachineKind { VmwareVm, Physical, HypervVm, AzureVm, AwsInstance }
    OsFamily { Windows, Linux }
    Firmware { Bios, Uefi }
    State {
        ProtectedToAzure, FailedOver, FailedOverCommitted, ReprotectingToOnprem, ProtectedToOnprem, FailingBack,
        FailedBack, FailedBackCommitted, ReprotectingToAzure, Migrated, AzureVmDeleted, ReplicationDisabled,
        AzureVmMoved
    }
    ActiveSite { Onprem, Azure }
    PowerState { Running, Stopped, Deallocated, Suspended, Starting, Stopping }
    CreatedBy { Asr, Manual }
    ServiceState { Running, Stopped }
    DiskKind { Vmdk, Rdm, Iscsi }
    ToolsState { Running, Disabled, Uninstalled, NotRunning }
    PointKind { CrashConsistent, AppConsistent }
    Location { Auto, Original, Alternate }
    FailoverGate { OnApproval, Automatic }
    CommitGate { OnApproval, Automatic, Never }
    FinalState { Protected, Unprotected }
}

blocks! {
    Inventory {
        kind: String, version: u8, name: String, observed_at: jiff::Timestamp, vault: Vault, vcenters: Vec<Vcenter>,
        hosts: Vec<Host>, datastores: Vec<Datastore>, appliances: Vec<Appliance>, storage_accounts: Vec<String>,
        network: Network, machines: Vec<Machine>,
    }
    Vault { name: String, experience: Experience, subscription_id: String, resource_group: String }
    Network { azure_to_onprem: Link, bandwidth_mbps: f64 }
    VcenterAccount { name: String, privileges: Vec<String> }
    Vcenter { id: String, connected: bool, reachable: bool, version: String, account: VcenterAccount }
    Host {
        name: String, vcenter: String, hypervisor: Hypervisor, discovered: bool, license: String, version: String,
        free_memory_gb: u64, vms: Vec<String>,
    }
    Datastore {
        name: String, #[serde(rename = "type")] kind: DatastoreType, vcenter: String, free_gb: u64, accessible: bool,
        access: BTreeMap<String, Access>,
    }
    Component { name: String, health: Health }
    Appliance {
        name: String, vault: String, vcenter: String, host: String, datastore: String, health: Health,
        components: Vec<Component>, attached_disks: u32, version: String, cloned: bool,
        storage_vmotion_excluded: bool, auto_update: bool, time_in_sync: bool,
    }
    Os { family: OsFamily, release: String, service_pack: u8 }
    Boot { firmware: Firmware, secure_boot: bool }
    MachineNetwork { static_ip: bool }
    Churn { gb_per_day: f64, peak_mb_s: f64 }
    AzureDisk { id: String, size_gb: u64, replicated_from_onprem: bool, temporary: bool }
    AzureVm {
        exists: bool, id: String, created_by: CreatedBy, moved: bool, power_state: PowerState,
        resource_group: String, failover_resource_group: String, subscription_id: String, vnet: String,
        ip_retained: bool, agent_service: ServiceState, outbound_urls_reachable: bool, booted_at: jiff::Timestamp,
        disks: Vec<AzureDisk>,
    }
    OnpremDisk {
        id: String, kind: DiskKind, datastore: String, exists: bool, attached: bool, size_gb: u64, excluded: bool,
    }
    OnpremVm {
        exists: bool, name: String, uuid: String, template_id: String, vcenter: String, host: String,
        power_state: PowerState, snapshots: u32, enable_uuid: bool, tools: ToolsState, booted_at: jiff::Timestamp,
        disks: Vec<OnpremDisk>,
    }
    RecoveryPoint { id: String, at: jiff::Timestamp, kind: PointKind, group_point: String }
    FailoverVault { name: String, experience: Experience }
    Asr {
        migration_completed: bool, replication_enabled: bool, configuration_server: String, source_vcenter: String,
        source_vm_uuid: String, in_config_server_db: bool, health: Health, agent_version: String,
        agent_version_at_last_reboot: String, agent_registration_ok: bool, recovery_points: Vec<RecoveryPoint>,
        rpo_seconds: u64, resync_required: bool, resync_in_progress: bool, failover_vault: FailoverVault,
    }
    Machine {
        name: String, kind: MachineKind, memory_gb: u64, os: Os, boot: Boot, network: MachineNetwork, state: State,
        active_site: ActiveSite, churn: Churn, azure_vm: AzureVm, onprem_vm: OnpremVm, asr: Asr,
    }
    Plan {
        kind: String, version: u8, name: String, inventory: String, recovery_point: String, execution: Execution,
        defaults: Defaults, machines: Vec<Planned>, boot_groups: Vec<BootGroup>,
    }
    Execution { max_parallel: u16 }
    Defaults { failback: Failback, forward: Forward, failover: FailoverGate, commit: CommitGate, final_state: FinalState }
    Target { hypervisor: Hypervisor, form: Form, vcenter: String, host: String }
    Failback {
        location: Location, master_target: String, process_server: String, retention_volume: String,
        datastore: String, appliance: String, log_storage_account: String, target: Target, delete_existing_vm: bool,
    }
    Forward {
        process_server: String, appliance: String, cache_storage_account: String, master_target: String,
        run_as_account: String, policy: String,
    }
    Planned {
        name: String, recovery_point: String, depends_on: Vec<String>, failback: Failback, forward: Forward,
        failover: FailoverGate, commit: CommitGate, final_state: FinalState,
    }
    BootGroup { name: String, members: Vec<String> }
}
