//! Parts of a machine about which an inventory says nothing.

use crate::source::Spanned;
use crate::syntax::machine::Asr;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::OnpremVm;
use crate::syntax::scalar::Nullable;

/// Returns a copy in Azure about which nothing is known but that it exists.
pub(super) fn unknown_azure_vm() -> AzureVm {
    AzureVm {
        exists: Some(Spanned::bare(true)),
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

/// Returns a copy on-premises about which nothing is known.
pub(super) fn unknown_onprem_vm() -> OnpremVm {
    OnpremVm {
        exists: Some(Spanned::bare(false)),
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

/// Returns what Site Recovery knows of a machine about which nothing is written.
pub(super) const fn unknown_asr() -> Asr {
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
