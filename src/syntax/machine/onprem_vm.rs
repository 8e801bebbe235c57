//! The copy of a machine on-premises.

use jiff::Timestamp;

use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::inventory::Known;
use crate::syntax::machine::PowerState;
use crate::syntax::nullable::Nullable;

words! {
    /// What an on-premises disk is.
    pub enum DiskKind {
        /// A file on a datastore.
        Vmdk = "vmdk",
        /// A raw device mapping.
        Rdm = "rdm",
        /// A disk that the guest reaches over iSCSI.
        Iscsi = "iscsi",
    }
}

block! {
    /// A disk of an on-premises machine.
    pub struct OnpremDisk {
        /// Name of the disk.
        pub id: Spanned<String> where [Name] => "disk0",
        /// What it is.
        pub kind: Known<DiskKind>,
        /// Datastore that holds it; `null` if none does.
        pub datastore: Nullable<Spanned<String>> => "vmfs1",
        /// Whether it exists.
        pub exists: Known<bool>,
        /// Whether it is attached to the machine.
        pub attached: Known<bool>,
        /// Its size, in GiB.
        pub size_gb: Known<Bytes> => 100,
        /// Whether it was excluded from replication.
        pub excluded: Known<bool>,
    }
}

words! {
    /// State of VMware Tools.
    pub enum ToolsState {
        /// They run.
        Running = "running",
        /// They are disabled, as a failover to Azure leaves them on Windows.
        Disabled = "disabled",
        /// They are not installed, as a failover to Azure leaves them on Linux.
        Uninstalled = "uninstalled",
        /// They are installed and don't run.
        NotRunning = "not_running",
    }
}

block! {
    /// The copy of a machine on-premises.
    pub struct OnpremVm {
        /// Whether it exists.
        pub exists: Known<bool>,
        /// Its name.
        pub name: Known<String> => "w1",
        /// Its UUID.
        pub uuid: Known<String> => "564d0000-0000-0000-0000-000000000001",
        /// Template it was made from; `null` if none.
        pub template_id: Nullable<Spanned<String>> => "template-7",
        /// vCenter that manages it; `null` if none does.
        pub vcenter: Nullable<Spanned<String>> => "vc1",
        /// Host that runs it.
        pub host: Known<String> => "esx1",
        /// Its power state.
        pub power_state: Known<PowerState>,
        /// Number of snapshots.
        pub snapshots: Known<u32> => 0,
        /// Whether disk.EnableUUID is set.
        pub enable_uuid: Known<bool>,
        /// State of VMware Tools.
        pub tools: Known<ToolsState>,
        /// When it booted.
        pub booted_at: Known<Timestamp>,
        /// Its disks.
        pub disks: Option<Vec<OnpremDisk>>,
    }
}
