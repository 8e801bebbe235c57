//! The disks of an item.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::item::is_true;
use crate::provider::observation::Replication;

/// A disk that is replicated.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    /// Its name in the facts: `disk0`.
    pub name: String,
    /// Its place.
    pub number: usize,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it was excluded from replication.
    pub excluded: bool,
}

impl Disk {
    /// Returns what the service calls it.
    pub(super) fn id(&self) -> String {
        format!("{{{}}}", self.name)
    }

    /// Returns the UUID that vSphere gives it.
    pub(super) fn uuid(&self, vm: &str) -> String {
        let hex = guid::guid("disk", &format!("{vm}/{}", self.name));
        format!("6000C29{}", &hex[7..])
    }
}

/// Returns the disks of a machine that are replicated, as its copy in Azure or, where that is unknown, on-premises has them.
pub(super) fn disks(visit: &Visit<'_>, machine: usize) -> Vec<Disk> {
    let item = &visit.world().items[machine];
    let size = |size: Option<u64>| size.unwrap_or(0);
    let onprem = item.facts.onprem_vm.as_ref().and_then(|vm| vm.disks.as_ref());
    let azure = item.facts.azure_vm.as_ref().and_then(|vm| vm.disks.as_ref());
    let mut disks: Vec<Disk> = match (azure, onprem) {
        (Some(azure), _) if !azure.is_empty() => azure
            .iter()
            .enumerate()
            .filter(|(_, disk)| item.comes_back(disk))
            .map(|(number, disk)| Disk {
                name: disk.id.value.clone(),
                number,
                bytes: size(disk.size_gb.as_deref().map(|bytes| bytes.0)),
                excluded: false,
            })
            .collect(),
        (_, Some(onprem)) => onprem
            .iter()
            .enumerate()
            .filter(|(_, disk)| !is_true(&disk.excluded))
            .map(|(number, disk)| Disk {
                name: disk.id.value.clone(),
                number,
                bytes: size(disk.size_gb.as_deref().map(|bytes| bytes.0)),
                excluded: false,
            })
            .collect(),
        _ => Vec::new(),
    };
    disks.retain(|disk| !disk.excluded);
    disks
}

/// Returns how far the initial replication of a machine is.
pub(super) fn replication(visit: &Visit<'_>, machine: usize) -> Option<Replication> {
    visit.world().replication(&visit.world().items[machine])
}

/// Returns a part as a whole number of hundredths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part is from 0 to 1")]
pub(super) fn percent(part: f64) -> u64 {
    (part.clamp(0.0, 1.0) * 100.0).floor() as u64
}

/// Returns what both directions of the classic architecture say of a disk.
pub(super) fn classic(visit: &Visit<'_>, machine: usize, disk: &Disk, rpo: u64) -> Value {
    let item = &visit.world().items[machine];
    let running = replication(visit, machine);
    let stage = if running.is_some() { "ResyncStepI" } else { "DifferentialSync" };
    let resync = item.needs_resync();
    json!({
        "diskId": disk.id(), "diskName": format!("Disk{}", disk.number), "protectionStage": stage,
        "healthErrorCode": null, "rpoInSeconds": rpo,
        "resyncRequired": if resync { "Required" } else { "NotRequired" },
        "resyncProgressPercentage": running.as_ref().map_or(0, |run| percent(run.done)),
        "resyncDurationInSeconds": 0, "diskCapacityInBytes": disk.bytes,
        "fileSystemCapacityInBytes": disk.bytes, "diskResized": "NotResized",
        "lastRpoCalculatedTime": stamp(visit.now), "resyncProcessedBytes": 0,
        "resyncTotalTransferredBytes": 0, "resyncLast15MinutesTransferredBytes": 0,
        "resyncLastDataTransferTimeUTC": null, "resyncStartTime": null,
        "progressHealth": if running.is_some() { "InProgress" } else { "Completed" },
        "progressStatus": if running.is_some() { "Green" } else { "Grey" },
    })
}

/// Returns what both directions of the modernized architecture say of a disk.
pub(super) fn modernized(visit: &Visit<'_>, machine: usize, disk: &Disk) -> Value {
    let running = replication(visit, machine);
    let mut value = json!({
        "diskId": disk.id(), "diskName": format!("\\\\.\\PHYSICALDRIVE{}", disk.number),
        "isOSDisk": if disk.number == 0 { "true" } else { "false" }, "capacityInBytes": disk.bytes,
        "dataPendingInLogDataStoreInMB": 0.0, "dataPendingAtSourceAgentInMB": 0.0,
        "isInitialReplicationComplete": if running.is_some() { "false" } else { "true" },
    });
    if let Some(running) = running {
        let (health, part) = if running.done > 0.0 {
            ("InProgress", json!(percent(running.done)))
        } else {
            ("Queued", Value::Null)
        };
        value["irDetails"] = json!({
            "progressHealth": health, "transferredBytes": 0, "last15MinutesTransferredBytes": 0,
            "lastDataTransferTimeUtc": "", "processedBytes": 0, "startTime": "", "lastRefreshTime": "",
            "progressPercentage": part,
        });
    }
    value
}

/// Returns when the newest recovery point was made.
pub(super) fn newest_point(visit: &Visit<'_>, machine: usize) -> Option<Timestamp> {
    let item = &visit.world().items[machine];
    item.points.newest(visit.now, &item.owner())
}

/// Returns the UUID of the virtual machine that a disk is of.
pub(super) fn owner_uuid(visit: &Visit<'_>, machine: usize) -> String {
    identity::vm_uuid(&visit.world().items[machine])
}
