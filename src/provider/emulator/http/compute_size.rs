//! Sizes that a machine's copy in Azure can have.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;

/// Processors of the sizes of one family.
pub(super) const PROCESSORS: [u64; 8] = [2, 4, 8, 16, 32, 48, 64, 96];
/// Memory of each processor, in GiB.
pub(super) const GIB_PER_PROCESSOR: u64 = 4;
/// The most disks and interfaces that a size of this family has; each processor has two disks, and four of them an interface.
const MOST: (u64, u64) = (32, 8);

/// Returns the name of the size with so many processors.
pub(super) fn name(processors: u64) -> String {
    format!("Standard_D{processors}s_v5")
}

/// Returns the sizes that a machine's copy can have.
pub(super) fn list(visit: &Visit<'_>, asked: &Asked, machine: usize) -> Answer {
    let item = visit.identity().item_id(visit.world().items[machine].name.as_str());
    let shown: Vec<Value> = PROCESSORS.iter().map(|processors| size(&item, *processors)).collect();
    page(asked, shown, PROCESSORS.len())
}

fn size(item: &str, processors: u64) -> Value {
    let name = name(processors);
    json!({
        "id": format!("{item}/targetComputeSizes/{name}"),
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/targetComputeSizes",
        "properties": {
            "name": name,
            "friendlyName": name,
            "cpuCoresCount": processors,
            "vCPUsAvailable": processors,
            "memoryInGB": processors * GIB_PER_PROCESSOR,
            "maxDataDiskCount": (processors * 2).min(MOST.0),
            "maxNicsCount": (processors / 4).clamp(2, MOST.1),
            "errors": [],
            "highIopsSupported": "True",
            "hyperVGenerations": ["V1", "V2"],
        },
    })
}
