//! What is around the vault: virtual machines, storage and automation accounts, and rights.

use serde::Deserialize;

use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Number;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::azure::wire::scalar::Time;

/// A virtual machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct VirtualMachine {
    pub(in crate::provider::azure) instance_view: Object<InstanceView>,
    pub(in crate::provider::azure) storage_profile: Object<StorageProfile>,
}

/// How it is at the moment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct InstanceView {
    pub(in crate::provider::azure) statuses: List<Status>,
}

/// A word on how it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Status {
    pub(in crate::provider::azure) code: Text,
    pub(in crate::provider::azure) time: Time,
}

/// Its disks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct StorageProfile {
    pub(in crate::provider::azure) os_disk: Object<VmDisk>,
    pub(in crate::provider::azure) data_disks: List<VmDisk>,
}

/// A disk of a virtual machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct VmDisk {
    pub(in crate::provider::azure) name: Text,
    #[serde(rename = "diskSizeGB")]
    pub(in crate::provider::azure) disk_size_gb: Number,
}

/// What an identity may do in a scope.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Permission {
    pub(in crate::provider::azure) actions: List<Text>,
    pub(in crate::provider::azure) not_actions: List<Text>,
}

/// A thing of which only its address counts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Anything {}
