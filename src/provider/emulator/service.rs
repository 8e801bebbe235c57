//! What the service does on requests that no run sends: the direction to Azure, care of an item, its end.

use serde::Deserialize;
use serde::Serialize;

use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::emulator::accept::missing;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::world::World;
use crate::provider::error::ProviderError;
use crate::source::Spanned;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::Health;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

/// What the service does beside what runs ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum ServiceAct {
    /// A job begins or ends that has these machines for itself.
    Occupy {
        /// The machines.
        machines: Vec<MachineName>,
        /// Whether it begins.
        occupied: bool,
    },
    /// A failover to Azure is done.
    ArriveInAzure {
        /// The machine.
        machine: MachineName,
        /// Whether the machine on-premises was shut down.
        shuts_down: bool,
    },
    /// A resynchronisation begins.
    Resynchronise {
        /// The machine.
        machine: MachineName,
    },
    /// The agent is brought to the version of its server.
    UpdateAgent {
        /// The machine.
        machine: MachineName,
    },
    /// Replication is disabled.
    Disable {
        /// The machine.
        machine: MachineName,
    },
    /// A planned failover is taken back.
    TakeBack {
        /// The machine.
        machine: MachineName,
    },
    /// The failback policy is mapped no longer.
    Unmap,
    /// A failover from Azure does not shut down what runs there: it was not asked to.
    LeaveRunning {
        /// The job.
        operation: OperationId,
    },
    /// What runs of a job is brought to its end, and what would follow does not come.
    CancelJob {
        /// The job.
        operation: OperationId,
    },
}

impl World {
    /// Does what the service does.
    pub(super) fn serve(&mut self, act: &ServiceAct) -> Result<(), ProviderError> {
        let find = |name: &MachineName| {
            self.index.get(name).copied().ok_or_else(|| missing("machine", name.as_str()))
        };
        match act {
            ServiceAct::Occupy { machines, occupied } => {
                for name in machines {
                    let machine = find(name)?;
                    self.items[machine].busy_elsewhere = *occupied;
                }
            }
            ServiceAct::ArriveInAzure { machine, shuts_down } => {
                let machine = find(machine)?;
                self.arrive_in_azure(machine, *shuts_down);
            }
            ServiceAct::Resynchronise { machine } => {
                let machine = find(machine)?;
                self.resynchronise(machine);
            }
            ServiceAct::UpdateAgent { machine } => {
                let machine = find(machine)?;
                let facts = self.site.facts();
                let server = facts.configuration_server.as_option().and_then(|server| server.version.clone());
                let appliance = facts.appliances.iter().flatten().find_map(|one| one.version.clone());
                if let Some(version) = server.or(appliance) {
                    self.items[machine].asr().agent_version = Some(Spanned::bare(version.value));
                }
                self.touch(machine);
            }
            ServiceAct::Disable { machine } => {
                let machine = find(machine)?;
                self.release_disks(machine);
                let now = self.now;
                let item = &mut self.items[machine];
                item.stop_points(now);
                item.settled = State::ReplicationDisabled;
                item.state = State::ReplicationDisabled;
                item.asr().replication_enabled = Some(Spanned::bare(false));
                self.touch(machine);
            }
            ServiceAct::TakeBack { machine } => {
                let machine = find(machine)?;
                let item = &mut self.items[machine];
                item.settled = State::ProtectedToOnprem;
                item.state = State::ProtectedToOnprem;
                let onprem = item.onprem();
                onprem.power_state = Some(Spanned::bare(PowerState::Stopped));
                onprem.booted_at = None;
                self.start_azure(machine);
                self.touch(machine);
            }
            ServiceAct::Unmap => self.policy_mapped = false,
            ServiceAct::LeaveRunning { operation } => {
                let job = self.job_of(operation)?;
                self.jobs[job].leaves_azure = true;
            }
            ServiceAct::CancelJob { operation } => {
                let job = self.job_of(operation)?;
                for part in self.jobs[job].parts.iter_mut().filter(|part| part.ended.is_none()) {
                    part.doom = Some((part.running, Trouble::new("Cancelled", "The job was cancelled.")));
                }
            }
        }
        Ok(())
    }

    fn job_of(&self, operation: &OperationId) -> Result<usize, ProviderError> {
        self.operations.get(operation).copied().ok_or_else(|| missing("job", operation.as_str()))
    }

    fn arrive_in_azure(&mut self, machine: usize, shuts_down: bool) {
        let now = self.now;
        let item = &mut self.items[machine];
        item.settled = State::FailedOver;
        item.state = State::FailedOver;
        if shuts_down {
            let onprem = item.onprem();
            onprem.power_state = Some(Spanned::bare(PowerState::Stopped));
            onprem.booted_at = None;
        }
        let azure = item.azure();
        azure.exists = Some(Spanned::bare(true));
        azure.power_state = Some(Spanned::bare(PowerState::Running));
        azure.booted_at = Some(Spanned::bare(now));
        self.agent_boots(machine, ActiveSite::Azure);
        self.touch(machine);
    }

    /// Carries the data again: a first recovery point ends it.
    fn resynchronise(&mut self, machine: usize) {
        let now = self.now;
        let item = &mut self.items[machine];
        let asr = item.asr();
        asr.resync_required = Some(Spanned::bare(false));
        asr.resync_in_progress = Some(Spanned::bare(false));
        asr.health = Some(Spanned::bare(Health::Ok));
        item.failover_failed = false;
        let to_onprem = match item.settled {
            State::ProtectedToOnprem => Some(true),
            State::ProtectedToAzure => Some(false),
            State::FailedOver
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::FailingBack
            | State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => None,
        };
        if let Some(to_onprem) = to_onprem {
            item.stop_points(now);
            item.settled = if to_onprem { State::ReprotectingToOnprem } else { State::ReprotectingToAzure };
            item.state = item.settled;
            self.begin_transfer(machine, to_onprem);
        }
        self.touch(machine);
    }
}
