//! What a request must say before the service looks at anything else.

use crate::provider::emulator::accept::refused;
use crate::provider::error::ProviderError;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;

/// Refuses a reprotect to on-premises that leaves something out. A datastore is asked for even where it is not used.
pub(super) fn onprem(target: &OnpremTarget) -> Result<(), ProviderError> {
    match target {
        OnpremTarget::Classic { master_target, process_server, retention_volume, datastore } => all(&[
            ("masterTargetId", master_target),
            ("processServerId", process_server),
            ("retentionDrive", retention_volume),
            ("datastoreName", datastore),
        ]),
        OnpremTarget::Modernized { appliance, log_storage_account, datastore } => all(&[
            ("reprotectAgentId", appliance),
            ("logStorageAccountId", log_storage_account),
            ("datastoreName", datastore),
        ]),
    }
}

/// Refuses a reprotect to Azure that leaves something out.
pub(super) fn forward(target: &ForwardTarget) -> Result<(), ProviderError> {
    match target {
        ForwardTarget::Classic { process_server } => all(&[("processServerId", process_server)]),
        ForwardTarget::Modernized { appliance, cache_storage_account } => {
            all(&[("processServerId", appliance), ("logStorageAccountId", cache_storage_account)])
        }
    }
}

fn all(parameters: &[(&str, &String)]) -> Result<(), ProviderError> {
    match parameters.iter().find(|(_, value)| value.trim().is_empty()) {
        Some((name, _)) => Err(refused("InvalidParameter", format!("The parameter '{name}' is missing."))),
        None => Ok(()),
    }
}
