//! What the service takes on, and what it refuses at once.

use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::open::Begin;
use crate::provider::emulator::parameters;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::scenario::FaultPhase;
use crate::provider::emulator::scenario::GroupReprotect;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::emulator::world::phase_index;
use crate::provider::error::ProviderError;
use crate::provider::request::FailbackPoint;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;
use crate::provider::request::Request;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::State;

pub(super) fn refused(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::Refused { code: code.to_owned(), message: message.into() }
}

pub(super) fn missing(kind: &str, name: &str) -> ProviderError {
    refused("ArmResourceDoesNotExist", format!("Specified {kind} with name '{name}' does not exist."))
}

/// Returns the phase that a request belongs to.
pub(super) const fn phase_of(request: &Request) -> FaultPhase {
    match request {
        Request::Prepare | Request::MakeRecoveryPlan { .. } | Request::DeleteRecoveryPlan { .. } => {
            FaultPhase::Prepare
        }
        Request::ReprotectToOnprem { .. } => FaultPhase::Reprotect,
        Request::FailoverToOnprem { .. } => FaultPhase::Failover,
        Request::CancelFailover { .. } => FaultPhase::Cancel,
        Request::Commit { .. } => FaultPhase::Commit,
        Request::ReprotectToAzure { .. } => FaultPhase::Forward,
    }
}

impl World {
    /// Asks the service to begin something. The same key gives the same operation.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Refused`] if the service does not take it on; what a fault of the scenario makes of the call.
    pub fn begin(
        &mut self,
        now: Timestamp,
        request: &Request,
        key: &IdempotencyKey,
    ) -> Result<OperationId, ProviderError> {
        self.advance(now);
        self.outage()?;
        if let Some(job) = self.keys.get(key).and_then(|at| self.jobs.get(*at)) {
            if job.request == *request {
                return Ok(job.id.clone());
            }
            return Err(refused("KeyReused", format!("'{key}' named another request before.")));
        }
        self.revision += 1;
        let phase = phase_of(request);
        let machines: Vec<usize> =
            request.machines().iter().filter_map(|name| self.index.get(name).copied()).collect();
        self.calls[phase_index(phase)] += 1;
        for machine in &machines {
            self.items[*machine].calls[phase_index(phase)] += 1;
        }
        self.faults_of_call(phase, &machines);
        self.lost_before(phase, &machines)?;
        let mut id = self.accept(request, Some(key), false)?;
        if self.comes_twice(phase, &machines) {
            let first = self.keys.get(key).copied();
            let second = self.accept(request, Some(key), false);
            // Whoever looks for the key finds the job that has the machine.
            self.keys.extend(first.map(|first| (key.clone(), first)));
            id = second?;
        }
        self.lost_after(phase, &machines)?;
        Ok(id)
    }

    pub(super) fn accept(
        &mut self,
        request: &Request,
        key: Option<&IdempotencyKey>,
        by_hand: bool,
    ) -> Result<OperationId, ProviderError> {
        match request {
            // Making the policy again with the same settings succeeds; modernized has its own and needs none.
            Request::Prepare => Ok(self.vault_job(JobKind::Prepare, latency::PREPARE, request, key)),
            Request::MakeRecoveryPlan { machines, .. } => self.make_plan(request, key, machines),
            Request::DeleteRecoveryPlan { name } => {
                if !self.plans.contains_key(name) {
                    return Err(missing("recovery plan", name));
                }
                Ok(self.vault_job(JobKind::DeletePlan, latency::DELETE_PLAN, request, key))
            }
            Request::ReprotectToOnprem { machine, target } => {
                let at = self.known(machine)?;
                let target_is_classic = match target {
                    OnpremTarget::Classic { .. } => true,
                    OnpremTarget::Modernized { .. } => false,
                };
                self.right_architecture(target_is_classic)?;
                parameters::onprem(target)?;
                self.can_come_back(at)?;
                if !by_hand {
                    self.group_member(at, request)?;
                }
                let begin = match self.items[at].settled {
                    State::FailedOver | State::FailedOverCommitted => Begin::Runs(latency::REPROTECT),
                    State::ProtectedToAzure
                    | State::ReprotectingToOnprem
                    | State::ProtectedToOnprem
                    | State::FailingBack
                    | State::FailedBack
                    | State::FailedBackCommitted
                    | State::ReprotectingToAzure
                    | State::Migrated
                    | State::AzureVmDeleted
                    | State::ReplicationDisabled
                    | State::AzureVmMoved => {
                        Begin::Fails(latency::REPROTECT[0], not_ready_to_reprotect(machine))
                    }
                };
                Ok(self.machine_job(JobKind::Reprotect, request, key, vec![(at, begin)]))
            }
            Request::FailoverToOnprem { machines, recovery_plan, point } => {
                self.failover(request, key, machines, recovery_plan.as_deref(), *point)
            }
            Request::CancelFailover { machine } => {
                let at = self.known(machine)?;
                if self.site.classic {
                    return Err(refused("NotSupported", "A failover of this kind can't be cancelled."));
                }
                let begin = if self.items[at].settled == State::FailedBack {
                    Begin::Runs(latency::CANCEL)
                } else {
                    let message = format!("'{machine}' has no planned failover that can be cancelled.");
                    Begin::Fails(latency::CANCEL[0], Trouble::new("NotCancellable", message))
                };
                Ok(self.machine_job(JobKind::Cancel, request, key, vec![(at, begin)]))
            }
            Request::Commit { machines, recovery_plan } => {
                let members = self.members(machines, recovery_plan.as_deref())?;
                let parts = members.into_iter().map(|at| (at, self.commit_begins(at))).collect();
                Ok(self.machine_job(JobKind::Commit, request, key, parts))
            }
            Request::ReprotectToAzure { machine, target } => {
                let at = self.known(machine)?;
                let target_is_classic = match target {
                    ForwardTarget::Classic { .. } => true,
                    ForwardTarget::Modernized { .. } => false,
                };
                self.right_architecture(target_is_classic)?;
                parameters::forward(target)?;
                let begin = match self.items[at].settled {
                    State::FailedBack | State::FailedBackCommitted => Begin::Runs(latency::REPROTECT),
                    State::ProtectedToAzure
                    | State::FailedOver
                    | State::FailedOverCommitted
                    | State::ReprotectingToOnprem
                    | State::ProtectedToOnprem
                    | State::FailingBack
                    | State::ReprotectingToAzure
                    | State::Migrated
                    | State::AzureVmDeleted
                    | State::ReplicationDisabled
                    | State::AzureVmMoved => {
                        Begin::Fails(latency::REPROTECT[0], not_ready_to_reprotect(machine))
                    }
                };
                Ok(self.machine_job(JobKind::Forward, request, key, vec![(at, begin)]))
            }
        }
    }

    /// Returns a machine that has a replicated item.
    pub(super) fn known(&self, machine: &MachineName) -> Result<usize, ProviderError> {
        let at = *self.index.get(machine).ok_or_else(|| missing("resource", machine.as_str()))?;
        let asr = self.items[at].facts.asr.as_ref();
        let vault = self.site.facts().vault.as_ref().and_then(|vault| vault.name.as_deref());
        let failover = asr.and_then(|asr| asr.failover_vault.as_ref());
        let theirs = failover.and_then(|vault| vault.name.as_deref());
        // What was failed over from the classic vault stays there; its item in the modernized vault is cleaned up.
        let left_behind = !self.site.classic
            && failover.and_then(|vault| vault.experience.as_deref()) == Some(&Experience::Classic);
        let elsewhere =
            vault.zip(theirs).is_some_and(|(ours, theirs)| !ours.eq_ignore_ascii_case(theirs)) || left_behind;
        // An item that was migrated, or whose protection was disabled, is gone from the vault.
        let gone = matches!(self.items[at].settled, State::Migrated | State::ReplicationDisabled)
            || asr.is_some_and(|asr| is_true(&asr.migration_completed) || is_false(&asr.replication_enabled));
        if gone || elsewhere { Err(missing("resource", machine.as_str())) } else { Ok(at) }
    }

    fn right_architecture(&self, classic: bool) -> Result<(), ProviderError> {
        if classic == self.site.classic {
            return Ok(());
        }
        Err(refused("InvalidParameter", "The provider specific input is of another replication provider."))
    }

    /// Refuses what can never come back: no code was recorded, so words of ours stand for it.
    fn can_come_back(&self, at: usize) -> Result<(), ProviderError> {
        let item = &self.items[at];
        let name = &item.name;
        if let Some(MachineKind::HypervVm | MachineKind::AzureVm | MachineKind::AwsInstance) =
            item.facts.kind.as_deref()
        {
            return Err(refused(
                "SourceNotSupported",
                format!("'{name}' isn't a VMware virtual machine or a physical server."),
            ));
        }
        let azure = item.facts.azure_vm.as_ref();
        let moved = azure.is_some_and(|vm| {
            let groups = (vm.resource_group.as_ref(), vm.failover_resource_group.as_ref());
            let differ =
                matches!(groups, (Some(here), Some(made)) if !here.value.eq_ignore_ascii_case(&made.value));
            is_true(&vm.moved) || differ
        });
        let in_azure = matches!(item.settled, State::FailedOver | State::FailedOverCommitted);
        let deleted = item.settled == State::AzureVmDeleted || (in_azure && !self.azure_exists(at));
        if deleted || moved || item.settled == State::AzureVmMoved {
            return Err(refused(
                "AzureVmNotFound",
                format!("The Azure VM of '{name}' isn't where the failover made it."),
            ));
        }
        Ok(())
    }

    /// Refuses the reprotect of a single member of a replication group, if the scenario says so.
    fn group_member(&mut self, at: usize, request: &Request) -> Result<(), ProviderError> {
        let refuses = self.scenario.group_reprotect.as_deref() == Some(&GroupReprotect::Refused);
        let Some(group) = self.items[at].group.clone().filter(|_| refuses) else { return Ok(()) };
        if let Some(delay) = self.scenario.done_by_hand_after.as_deref() {
            let at = after(self.now, i64::try_from(delay.0).unwrap_or(i64::MAX));
            self.queue.push(at, Event::ByHand { request: Box::new(request.clone()) });
        }
        Err(refused(
            "ReplicationGroupNeedsPlan",
            format!(
                "The members of the replication group '{group}' can only be reprotected through a recovery plan."
            ),
        ))
    }

    fn failover(
        &mut self,
        request: &Request,
        key: Option<&IdempotencyKey>,
        machines: &[MachineName],
        plan: Option<&str>,
        point: FailbackPoint,
    ) -> Result<OperationId, ProviderError> {
        let members = self.members(machines, plan)?;
        if self.site.classic && point == FailbackPoint::CrashConsistent {
            return Err(refused(
                "InvalidParameter",
                "The recovery point type isn't one of this replication provider.",
            ));
        }
        if !members.iter().any(|at| self.replicates_to_onprem(*at)) {
            return Err(refused("InvalidFailoverDirection", "Nothing can fail over in this direction."));
        }
        let tasks = if self.site.classic { latency::CLASSIC_FAILOVER } else { latency::MODERNIZED_FAILOVER };
        let begins = |at: usize| {
            if self.replicates_to_onprem(at) {
                return (at, Begin::Runs(tasks));
            }
            let message = format!("'{}' can't fail over in this direction.", self.items[at].name);
            (at, Begin::Fails(tasks[0], Trouble::new("InvalidFailoverDirection", message)))
        };
        let parts = members.into_iter().map(begins).collect();
        Ok(self.machine_job(JobKind::Failover, request, key, parts))
    }

    fn replicates_to_onprem(&self, at: usize) -> bool {
        matches!(
            self.items[at].settled,
            State::ReprotectingToOnprem | State::ProtectedToOnprem | State::FailingBack
        ) || (self.items[at].running.is_some() && self.items[at].state == State::ReprotectingToOnprem)
    }

    fn commit_begins(&self, at: usize) -> Begin {
        match self.items[at].settled {
            State::FailedBack => Begin::Runs(latency::COMMIT),
            State::FailedOver => Begin::Runs(latency::COMMIT_TO_AZURE),
            State::ProtectedToAzure
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => {
                let message = format!(
                    "The virtual machine '{}' isn't ready for committing failback.",
                    self.items[at].name
                );
                Begin::Fails(latency::COMMIT_REFUSED[0], Trouble::new("25037", message))
            }
        }
    }
}

fn not_ready_to_reprotect(machine: &MachineName) -> Trouble {
    Trouble::new("25038", format!("The virtual machine '{machine}' isn't ready for reenabling protection."))
}
