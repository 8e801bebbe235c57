//! What the service and vCenter show of one machine.

use crate::id::OperationId;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::Stage;
use crate::provider::observation::Operation;
use crate::source::Spanned;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;
use jiff::Timestamp;

impl Item {
    /// Returns the facts about the machine as they are at `now`.
    pub(super) fn facts_at(&self, now: Timestamp) -> Machine {
        let mut facts = self.facts.clone();
        facts.state = Some(Spanned::bare(self.state));
        let site = match self.state {
            State::ProtectedToAzure
            | State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure => ActiveSite::Onprem,
            State::FailedOver
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => ActiveSite::Azure,
        };
        facts.active_site = Some(Spanned::bare(site));
        if let Some(asr) = facts.asr.as_mut() {
            let owner = self.owner();
            asr.recovery_points = Some(self.points.facts(now, &owner));
            asr.rpo_seconds = self.points.newest(now, &owner).map(|newest| {
                Spanned::bare(u64::try_from(now.duration_since(newest).as_secs()).unwrap_or(0))
            });
            let registered = match site {
                ActiveSite::Onprem => self.onprem_agent,
                ActiveSite::Azure => self.azure_agent,
            };
            asr.agent_registration_ok = Some(Spanned::bare(registered));
        }
        facts
    }

    /// Returns the service's word for the protection state.
    pub(super) const fn protection_state(&self, classic: bool) -> &'static str {
        match (self.settled, self.stage) {
            (State::ReprotectingToOnprem | State::ReprotectingToAzure, Stage::WaitsForPoint { .. }) => {
                "InitialReplicationRecoveryCompletionPending"
            }
            (
                State::ReprotectingToOnprem | State::ReprotectingToAzure,
                Stage::Idle | Stage::Transfers { .. },
            ) => "InitialReplicationInProgress",
            (State::FailedOver, _) => "UnplannedFailoverCommitPendingStatesBegin",
            (State::FailedBack, _) if classic => "UnplannedFailoverCommitPendingStatesBegin",
            (State::FailedBack, _) => "CommitPendingStatesBegin",
            // Not recorded for modernized; the word is formed like the recorded ones.
            (State::FailedBackCommitted, _) if !classic => "PlannedFailoverCommitted",
            (
                State::FailedOverCommitted
                | State::FailedBackCommitted
                | State::AzureVmDeleted
                | State::AzureVmMoved,
                _,
            ) => "UnplannedFailoverCommitted",
            (State::ProtectedToOnprem, _) if classic && self.failover_failed => {
                "UnplannedFailoverCompletionFailed"
            }
            (State::ProtectedToAzure | State::ProtectedToOnprem | State::FailingBack, _) => "Protected",
            // Not recorded: an item that is no longer protected is gone from the vault.
            (State::Migrated | State::ReplicationDisabled, _) => "Unprotected",
        }
    }

    /// Returns what the service offers.
    pub(super) fn allowed(&self, classic: bool) -> Vec<Operation> {
        let other = |words: &[&str]| {
            words.iter().map(|word| Operation::Other((*word).to_owned())).collect::<Vec<_>>()
        };
        if self.running.is_some() {
            return Vec::new();
        }
        match self.settled {
            State::ReprotectingToOnprem | State::ReprotectingToAzure => other(&["DisableProtection"]),
            State::ProtectedToAzure => other(&["UnplannedFailover", "DisableProtection", "TestFailover"]),
            State::FailedOver => {
                let mut all = vec![Operation::Commit, Operation::Reprotect];
                all.extend(other(&["CompleteMigration", "DisableProtection", "ChangePit"]));
                all
            }
            State::FailedOverCommitted
            | State::FailedBackCommitted
            | State::AzureVmDeleted
            | State::AzureVmMoved => {
                let mut all = vec![Operation::Reprotect];
                all.extend(other(&["CompleteMigration", "DisableProtection"]));
                all
            }
            State::ProtectedToOnprem | State::FailingBack => {
                let mut all = vec![Operation::FailoverToOnprem];
                if self.failover_failed && classic {
                    all.extend(other(&["RepairReplication"]));
                }
                all.extend(other(&["DisableProtection"]));
                all
            }
            State::FailedBack => {
                let mut all = vec![Operation::Commit, Operation::Reprotect];
                if !classic {
                    all.push(Operation::CancelFailover);
                }
                all.extend(other(&["CompleteMigration", "DisableProtection"]));
                all
            }
            State::Migrated | State::ReplicationDisabled => Vec::new(),
        }
    }

    /// Returns the item as the service shows it, without its replication.
    pub(super) fn shown(
        &self,
        classic: bool,
        running: Option<OperationId>,
    ) -> crate::provider::observation::Item {
        crate::provider::observation::Item {
            machine: self.name.clone(),
            protection_state: self.protection_state(classic).to_owned(),
            allowed: self.allowed(classic),
            running,
            replication: None,
        }
    }
}
