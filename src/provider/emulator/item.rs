//! One machine of the emulated world: its copies on both sides and its replicated item.

use jiff::Timestamp;

use crate::id::MachineName;
use crate::model::overlay::blank_asr;
use crate::provider::emulator::boots::Boots;
use crate::provider::emulator::chance;
use crate::provider::emulator::latency;
use crate::provider::emulator::points::Owner;
use crate::provider::emulator::points::Points;
use crate::provider::emulator::power::Switched;
use crate::provider::emulator::unknown::unknown_azure_vm;
use crate::provider::emulator::unknown::unknown_onprem_vm;
use crate::provider::observation::ReachedPoint;
use crate::quantity::Bytes;
use crate::quantity::GIB;
use crate::source::Spanned;
use crate::syntax::inventory::Known;
use crate::syntax::machine::Asr;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::Churn;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::Health;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OnpremVm;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ServiceState;
use crate::syntax::machine::State;

/// The server that receives a machine's data and holds its disks meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    /// Name of the master target or appliance.
    pub server: String,
    /// Disks that it holds.
    pub disks: u32,
    /// How often the server had been moved when the disks were attached.
    pub moves: u32,
}

/// How far an initial replication is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// None runs.
    Idle,
    /// Data is carried.
    Transfers {
        /// The mark that its link gave.
        mark: f64,
        /// What there is to carry in all.
        bytes: u64,
    },
    /// All data is there; the first recovery point is missing.
    WaitsForPoint {
        /// When it is there.
        until: Timestamp,
    },
}

/// How often the facts of a machine's parts were changed; the others never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub azure_vm: u32,
    pub onprem_vm: u32,
    pub asr: u32,
    /// Their power, of which the others know nothing.
    pub switched: Switched,
}

/// One machine.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// Its name.
    pub name: MachineName,
    /// Its replication group.
    pub group: Option<String>,
    /// Seconds past the hour at which its app-consistent points are made.
    pub offset: i64,
    /// The facts about it that don't depend on the moment at which one looks.
    pub facts: Machine,
    /// Its state as facts tell it; a job that runs shows in it.
    pub state: State,
    /// The state that it goes back to if the job that runs fails.
    pub settled: State,
    /// The job that runs on it.
    pub running: Option<usize>,
    /// Whether the service does something to it that no run asks for.
    pub busy_elsewhere: bool,
    /// Its initial replication.
    pub stage: Stage,
    /// Whether its last failover failed on the way.
    pub failover_failed: bool,
    /// Whether the agent of the copy in Azure is registered.
    pub azure_agent: bool,
    /// Whether the agent of the copy on-premises is registered.
    pub onprem_agent: bool,
    /// Boots of each copy so far.
    pub boots: Boots,
    /// The server that holds its disks.
    pub holder: Option<Holder>,
    /// Whether disks that were added in Azure come back too.
    pub brings_added_disks: bool,
    /// Whether raw device mappings come back, be their VM there or gone.
    pub has_raw_disks: bool,
    /// Whether several master targets hold the disks of its replication group: then no moment is common to all members.
    pub apart: bool,
    /// Its recovery points in the direction Azure to on-premises.
    pub points: Points,
    /// The point that it went to when it last came home.
    pub reached: Option<ReachedPoint>,
    /// Calls for each phase so far, those that got no answer included.
    pub calls: [u32; 6],
    /// Jobs of each phase so far.
    pub jobs: [u32; 6],
    /// How often the facts of its parts were changed.
    pub changes: Changes,
}

/// Returns whether the agent of a copy in Azure can't register: its service doesn't run, or, in modernized, where it talks
/// to Azure itself, it doesn't reach the addresses there.
fn is_cut_off(vm: &AzureVm, classic: bool) -> bool {
    vm.agent_service.as_deref() == Some(&ServiceState::Stopped)
        || (!classic && is_false(&vm.outbound_urls_reachable))
}

/// Returns whether a fact is known and true.
pub(super) fn is_true(fact: &Known<bool>) -> bool {
    fact.as_deref() == Some(&true)
}

/// Returns whether a fact is known and false.
pub(super) fn is_false(fact: &Known<bool>) -> bool {
    fact.as_deref() == Some(&false)
}

impl Item {
    /// Returns the machine of an inventory. What a live site would know and the inventory leaves out is taken to be well.
    pub(super) fn new(mut facts: Machine, group: Option<String>, classic: bool, seed: u64) -> Self {
        let state = facts.state.as_deref().copied().unwrap_or_else(|| {
            let in_azure = facts.azure_vm.as_ref().is_some_and(|vm| !is_false(&vm.exists));
            if in_azure { State::FailedOverCommitted } else { State::ProtectedToAzure }
        });
        let runs_in_azure = match state {
            State::FailedOver
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::Migrated
            | State::AzureVmMoved
            | State::ReplicationDisabled => true,
            State::ProtectedToAzure
            | State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::AzureVmDeleted => false,
        };
        let onprem_known = facts.onprem_vm.is_some();
        let azure_unknown = facts.azure_vm.is_none();
        let azure = facts.azure_vm.get_or_insert_with(unknown_azure_vm);
        if azure.exists.is_none() || azure_unknown {
            azure.exists = Some(Spanned::bare(runs_in_azure || state == State::FailedBack));
        }
        if azure.power_state.is_none() && is_true(&azure.exists) {
            let power = if runs_in_azure { PowerState::Running } else { PowerState::Deallocated };
            azure.power_state = Some(Spanned::bare(power));
        }
        let azure_agent = !is_cut_off(azure, classic);
        let family = facts.os.as_ref().and_then(|os| os.family.as_deref());
        let is_linux = family == Some(&OsFamily::Linux);
        let physical = facts.kind.as_deref() == Some(&MachineKind::Physical);
        let onprem = facts.onprem_vm.get_or_insert_with(unknown_onprem_vm);
        if onprem.exists.is_none() {
            onprem.exists = Some(Spanned::bare(onprem_known && !physical));
        }
        if onprem.power_state.is_none() && is_true(&onprem.exists) {
            let power = if runs_in_azure { PowerState::Stopped } else { PowerState::Running };
            onprem.power_state = Some(Spanned::bare(power));
        }
        let has_raw_disks = onprem
            .disks
            .iter()
            .flatten()
            .any(|disk| disk.kind.as_deref() == Some(&DiskKind::Rdm) && !is_true(&disk.excluded));
        let asr = facts.asr.get_or_insert_with(blank_asr);
        asr.health.get_or_insert_with(|| Spanned::bare(Health::Ok));
        asr.resync_required.get_or_insert_with(|| Spanned::bare(false));
        asr.resync_in_progress.get_or_insert_with(|| Spanned::bare(false));
        let agent = !is_false(&asr.agent_registration_ok);
        let name = MachineName::new(facts.name.as_str());
        let offset =
            chance::between(seed, group.as_deref().unwrap_or(name.as_str()), "app-consistent", 0, 3_599);
        Self {
            name,
            group,
            offset,
            state,
            settled: state,
            running: None,
            busy_elsewhere: false,
            stage: Stage::Idle,
            failover_failed: false,
            azure_agent: azure_agent && (agent || !runs_in_azure),
            onprem_agent: agent || runs_in_azure,
            boots: Boots::default(),
            holder: None,
            brings_added_disks: classic && is_linux,
            has_raw_disks,
            apart: false,
            points: Points::default(),
            calls: [0; 6],
            jobs: [0; 6],
            reached: None,
            changes: Changes::default(),
            facts,
        }
    }

    /// Returns whether the agent of the copy in Azure can't register, however long one waits.
    pub(super) fn is_cut_off(&self, classic: bool) -> bool {
        self.facts.azure_vm.as_ref().is_some_and(|vm| is_cut_off(vm, classic))
    }

    /// Returns the copy in Azure.
    pub(super) fn azure(&mut self) -> &mut AzureVm {
        self.changes.azure_vm += 1;
        self.facts.azure_vm.get_or_insert_with(unknown_azure_vm)
    }

    /// Returns the copy on-premises.
    pub(super) fn onprem(&mut self) -> &mut OnpremVm {
        self.changes.onprem_vm += 1;
        self.facts.onprem_vm.get_or_insert_with(unknown_onprem_vm)
    }

    /// Returns what Site Recovery knows.
    pub(super) fn asr(&mut self) -> &mut Asr {
        self.changes.asr += 1;
        self.facts.asr.get_or_insert_with(blank_asr)
    }

    /// Returns whether the copy in Azure runs.
    pub(super) fn azure_runs(&self) -> bool {
        self.facts
            .azure_vm
            .as_ref()
            .is_some_and(|vm| is_true(&vm.exists) && vm.power_state.as_deref() == Some(&PowerState::Running))
    }

    /// Returns whether the copy on-premises runs.
    pub(super) fn onprem_runs(&self) -> bool {
        self.facts
            .onprem_vm
            .as_ref()
            .is_some_and(|vm| is_true(&vm.exists) && vm.power_state.as_deref() == Some(&PowerState::Running))
    }

    /// Returns whether the machine is a physical server still: the VM that a reprotect made of one is the source from then on.
    pub(super) fn is_physical_server(&self) -> bool {
        let made = self.facts.asr.as_ref().is_some_and(|asr| asr.source_vm_uuid.is_some());
        self.facts.kind.as_deref() == Some(&MachineKind::Physical) && !made
    }

    /// Returns whether the machine comes back as a new VM: it was physical, or the VM that was protected is gone.
    pub(super) fn is_alternate(&self) -> bool {
        let Some(vm) = self.facts.onprem_vm.as_ref().filter(|vm| is_true(&vm.exists)) else { return true };
        if self.is_physical_server() {
            return true;
        }
        let source = self.facts.asr.as_ref().and_then(|asr| asr.source_vm_uuid.as_ref());
        source.is_some() && vm.uuid.is_some() && vm.uuid.as_ref() != source
    }

    /// Returns whether a disk of the copy in Azure replicates back. One that was added in Azure does so in classic on Linux
    /// alone (`exclude-disks-replication`).
    pub(super) fn comes_back(&self, disk: &AzureDisk) -> bool {
        !is_true(&disk.temporary) && (self.brings_added_disks || !is_false(&disk.replicated_from_onprem))
    }

    /// Returns number and size of the disks that replicate back; one is assumed where neither side's disks are known.
    pub(super) fn replicated_disks(&self) -> (u32, u64) {
        let azure = self.facts.azure_vm.as_ref().and_then(|vm| vm.disks.as_ref());
        // The list of a VM that is gone is empty, whatever it had.
        let onprem = self.facts.onprem_vm.as_ref().and_then(|vm| vm.disks.as_ref());
        let onprem = onprem.filter(|disks| !disks.is_empty());
        let add = |(count, bytes): (u32, u64), size: u64| (count.saturating_add(1), bytes + size);
        match (azure, onprem) {
            (Some(disks), _) => {
                let back = disks.iter().filter(|disk| self.comes_back(disk));
                back.map(|disk| size_of(&disk.size_gb)).fold((0, 0), add)
            }
            (None, Some(disks)) => {
                let replicated = disks.iter().filter(|disk| !is_true(&disk.excluded));
                replicated.map(|disk| size_of(&disk.size_gb)).fold((0, 0), add)
            }
            (None, None) => (1, UNKNOWN_DISK),
        }
    }

    /// Returns the bytes that change in a second.
    pub(super) fn churn(&self, default: Option<&Churn>) -> Option<f64> {
        let stated = self.facts.churn.as_ref().and_then(|churn| churn.gb_per_day.as_deref());
        let stated = stated.or_else(|| default.and_then(|churn| churn.gb_per_day.as_deref()));
        #[expect(clippy::cast_precision_loss, reason = "a GiB is exact")]
        let bytes = stated.map(|gib| gib * GIB as f64 / 86_400.0);
        bytes
    }

    /// Returns the bytes that differ between both sides of a machine whose disks exist on both.
    pub(super) fn changed_bytes(&self, now: Timestamp, seed: u64, what: &str, churn: Option<&Churn>) -> u64 {
        let (_, total) = self.replicated_disks();
        let booted = match what {
            "to-azure" => self.facts.onprem_vm.as_ref().and_then(|vm| vm.booted_at.as_deref()),
            _ => self.facts.azure_vm.as_ref().and_then(|vm| vm.booted_at.as_deref()),
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate of bytes"
        )]
        let changed = match (self.churn(churn), booted) {
            (Some(churn), Some(booted)) => {
                let age = now.duration_since(*booted).as_secs_f64().max(0.0);
                (churn * age).min(total as f64) as u64
            }
            _ => {
                let (least, most) = latency::CHANGED_PART;
                let part = chance::draw(seed, self.name.as_str(), what).mul_add(most - least, least);
                (total as f64 * part) as u64
            }
        };
        changed
    }

    /// Returns how its points are asked for.
    pub(super) fn owner(&self) -> Owner<'_> {
        let group = self.group.as_deref().filter(|_| !self.apart);
        Owner { machine: self.name.as_str(), group, offset: self.offset }
    }

    /// Ends the making of points; those that there are stay.
    pub(super) fn stop_points(&mut self, now: Timestamp) {
        let mut points = std::mem::take(&mut self.points);
        points.stop(now, &self.owner());
        self.points = points;
    }

    /// Returns whether the copy in Azure is there and not off: it runs, or is on its way.
    fn azure_is_on(&self) -> bool {
        let vm = self.facts.azure_vm.as_ref().filter(|vm| is_true(&vm.exists));
        vm.and_then(|vm| vm.power_state.as_deref()).is_some_and(|power| match power {
            PowerState::Running | PowerState::Starting | PowerState::Stopping | PowerState::Suspended => true,
            PowerState::Stopped | PowerState::Deallocated => false,
        })
    }

    /// The copy in Azure goes off: nothing replicates any more.
    pub(super) fn azure_stops(&mut self, now: Timestamp) {
        if self.azure_is_on() {
            let power = self.azure_power();
            *power.state = Some(Spanned::bare(PowerState::Deallocated));
            *power.booted_at = None;
            self.stop_points(now);
        }
    }

    /// Returns whether a resynchronisation is needed.
    pub(super) fn needs_resync(&self) -> bool {
        self.facts.asr.as_ref().is_some_and(|asr| is_true(&asr.resync_required))
    }

    /// Returns whether a resynchronisation runs.
    pub(super) fn resyncs(&self) -> bool {
        self.facts.asr.as_ref().is_some_and(|asr| is_true(&asr.resync_in_progress))
    }
}

/// Size of a disk whose size nobody knows.
const UNKNOWN_DISK: u64 = 100 * GIB;

fn size_of(size: &Known<Bytes>) -> u64 {
    size.as_deref().map_or(UNKNOWN_DISK, |bytes| bytes.0)
}
