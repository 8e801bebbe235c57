//! What was seen of a vCenter, or of a host that was asked itself, at one moment. `None` is always "not known": unset, not permitted, or stale.

use jiff::Timestamp;

use crate::quantity::Bytes;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;

/// A vCenter, as it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name and version, for people.
    pub full_name: String,
    /// Its version.
    pub version: Option<String>,
    /// The version of its interface.
    pub api_version: Option<String>,
    /// Its own id.
    pub instance_uuid: Option<String>,
    /// Whether it is a vCenter; else it is a single host.
    pub is_vcenter: bool,
}

/// A fact that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// The object, by its name if that is known.
    pub object: String,
    /// The property.
    pub property: String,
    /// The privilege that is missing, if that is the reason.
    pub privilege: Option<String>,
    /// Why, in a few words.
    pub why: String,
}

/// Whether a vCenter hears from the host of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It does.
    Connected,
    /// It does not; the word is the vCenter's: what else it says is what it heard last.
    Lost(String),
}

/// What is behind a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// A file.
    Flat,
    /// A file that grows and shrinks, as linked clones have them.
    SeSparse,
    /// A raw device mapping.
    Raw {
        /// Whether the guest speaks to the device itself; a snapshot is not possible then.
        physical: Option<bool>,
    },
    /// Something else, in the vCenter's word.
    Other(String),
}

/// A disk of a virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenDisk {
    /// Its label, such as `Hard disk 1`.
    pub label: String,
    /// Its key among the devices.
    pub key: i64,
    /// Its own UUID.
    pub uuid: Option<String>,
    /// What is behind it.
    pub backing: Backing,
    /// Name of the datastore that holds it, or its mapping.
    pub datastore: Option<String>,
    /// Its file, such as `[datastore] folder/disk.vmdk`.
    pub file: Option<String>,
    /// Its size.
    pub size: Option<Bytes>,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenVm {
    /// Its reference.
    pub reference: String,
    /// When it was read.
    pub at: Timestamp,
    /// Its name.
    pub name: Option<String>,
    /// Its BIOS UUID, in small letters.
    pub uuid: Option<String>,
    /// The UUID by which the vCenter knows it, in small letters.
    pub instance_uuid: Option<String>,
    /// Whether it is a template.
    pub template: Option<bool>,
    /// Whether its host is heard from.
    pub connection: Option<Connection>,
    /// Its power state.
    pub power: Option<PowerState>,
    /// Name of its host.
    pub host: Option<String>,
    /// Name that its guest has.
    pub guest_name: Option<String>,
    /// State of VMware Tools: running, installed and not running, or not installed.
    pub tools: Option<ToolsState>,
    /// Number of its snapshots.
    pub snapshots: Option<u32>,
    /// Its disks, in the order of their labels.
    pub disks: Option<Vec<SeenDisk>>,
    /// Kinds of its SCSI controllers, each once.
    pub scsi_controllers: Option<Vec<String>>,
    /// Name of the datastore that holds its configuration.
    pub datastore: Option<String>,
    /// Its firmware.
    pub firmware: Option<Firmware>,
    /// Whether Secure Boot is on.
    pub secure_boot: Option<bool>,
    /// Whether its guest sees the UUIDs of its disks.
    pub enable_uuid: Option<bool>,
    /// Its memory.
    pub memory: Option<Bytes>,
    /// Number of its processors.
    pub cpus: Option<u16>,
    /// When it booted.
    pub booted_at: Option<Timestamp>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenHost {
    /// Its name.
    pub name: String,
    /// Whether it is heard from.
    pub connection: Option<Connection>,
    /// Whether it is in maintenance.
    pub maintenance: Option<bool>,
    /// Whether a vCenter manages it, by its own account.
    pub managed: Option<bool>,
    /// Its version.
    pub version: Option<String>,
    /// Its build.
    pub build: Option<String>,
    /// Its memory that is free.
    pub free_memory: Option<Bytes>,
    /// Names of its virtual machines, if all of them are known.
    pub vms: Option<Vec<String>>,
}

/// A datastore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenDatastore {
    /// Its name.
    pub name: String,
    /// Its address, which is the same in every vCenter that has it.
    pub url: Option<String>,
    /// Its file system.
    pub kind: Option<DatastoreType>,
    /// Its size; only while it is accessible.
    pub capacity: Option<Bytes>,
    /// Its free space; only while it is accessible.
    pub free: Option<Bytes>,
    /// Whether any host reaches it.
    pub accessible: Option<bool>,
    /// Whether it is in maintenance, or on its way there.
    pub maintenance: Option<bool>,
    /// Hosts that reach it, and how, if that is known of all hosts of this vCenter.
    pub access: Option<Vec<(String, Access)>>,
}

/// What was seen of a vCenter at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Name of the vCenter, or of the host that was asked itself, in documents.
    pub vcenter: String,
    /// When it was asked.
    pub at: Timestamp,
    /// What it says about itself.
    pub about: About,
    /// Its virtual machines, by name.
    pub vms: Vec<SeenVm>,
    /// Its hosts, by name.
    pub hosts: Vec<SeenHost>,
    /// Its datastores, by name.
    pub datastores: Vec<SeenDatastore>,
    /// Whether the account sees the whole inventory: only then does what is not here not exist.
    pub whole: bool,
    /// What could not be had.
    pub gaps: Vec<Gap>,
}
