//! Blocks of which nothing is known.

use crate::source::Spanned;
use crate::syntax::machine::Asr;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::Machine;
use crate::syntax::machine::OnpremVm;
use crate::syntax::nullable::Nullable;

/// Returns a machine of which only the name is known.
#[must_use]
pub fn blank_machine(name: &str) -> Machine {
    Machine {
        name: Spanned::bare(name.to_owned()),
        kind: None,
        memory_gb: None,
        os: None,
        boot: None,
        network: None,
        state: None,
        active_site: None,
        churn: None,
        azure_vm: None,
        onprem_vm: None,
        asr: None,
    }
}

/// Returns a copy in Azure of which nothing is known.
#[must_use]
pub const fn blank_azure_vm() -> AzureVm {
    AzureVm {
        exists: None,
        id: None,
        created_by: None,
        moved: None,
        power_state: None,
        resource_group: None,
        failover_resource_group: None,
        subscription_id: None,
        vnet: None,
        ip_retained: None,
        agent_service: None,
        outbound_urls_reachable: None,
        booted_at: None,
        disks: None,
    }
}

/// Returns a copy on-premises of which nothing is known.
#[must_use]
pub const fn blank_onprem_vm() -> OnpremVm {
    OnpremVm {
        exists: None,
        name: None,
        uuid: None,
        template_id: Nullable::Unknown,
        vcenter: Nullable::Unknown,
        host: None,
        power_state: None,
        snapshots: None,
        enable_uuid: None,
        tools: None,
        booted_at: None,
        disks: None,
    }
}

/// Returns what Site Recovery knows of a machine, if it tells nothing.
#[must_use]
pub const fn blank_asr() -> Asr {
    Asr {
        migration_completed: None,
        replication_enabled: None,
        configuration_server: None,
        source_vcenter: Nullable::Unknown,
        source_vm_uuid: None,
        in_config_server_db: None,
        health: None,
        agent_version: None,
        agent_version_at_last_reboot: None,
        agent_registration_ok: None,
        recovery_points: None,
        rpo_seconds: None,
        resync_required: None,
        resync_in_progress: None,
        failover_vault: None,
    }
}
