//! What the service and vCenter show of one machine.

use std::borrow::Cow;

use crate::id::OperationId;
use crate::provider::emulator::item::Changes;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::Stage;
use crate::provider::emulator::points::PointsStamp;
use crate::provider::observation::Operation;
use crate::source::Spanned;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;
use jiff::Timestamp;

/// What was seen of a machine when its facts were last written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    changes: Option<Changes>,
    points: Option<PointsStamp>,
    rest: Option<Rest>,
}

/// What facts of a machine follow beside its parts and its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rest {
    now: Timestamp,
    state: State,
    agents: (bool, bool),
}

impl Item {
    /// Returns the facts about the machine as they are at `now`.
    pub(super) fn facts_at(&self, now: Timestamp) -> Machine {
        let mut facts = self.facts.clone();
        self.tell_state(&mut facts);
        if let Some(asr) = facts.asr.as_mut() {
            asr.recovery_points = Some(self.points.facts(now, &self.owner()));
            asr.rpo_seconds = self.rpo_seconds(now);
        }
        facts
    }

    const fn rest(&self, now: Timestamp) -> Rest {
        Rest { now, state: self.state, agents: (self.azure_agent, self.onprem_agent) }
    }

    /// Returns whether facts that were seen earlier are those of `now`: steps that follow each other look at the same moment.
    pub(super) fn is_as_seen(&self, now: Timestamp, seen: &Seen) -> bool {
        seen.rest == Some(self.rest(now))
            && seen.changes == Some(self.changes)
            && seen.points == Some(self.points.stamp(now, &self.owner()))
    }

    /// Brings facts that were seen earlier to `now`; what did not change is left alone.
    pub(super) fn refresh(&self, now: Timestamp, seen: &mut Seen, facts: &mut Machine) {
        seen.rest = Some(self.rest(now));
        match &seen.changes {
            None => {
                let name = facts.name.clone();
                facts.clone_from(&self.facts);
                facts.name = name;
            }
            Some(before) => {
                if before.azure_vm != self.changes.azure_vm {
                    facts.azure_vm.clone_from(&self.facts.azure_vm);
                }
                if before.onprem_vm != self.changes.onprem_vm {
                    facts.onprem_vm.clone_from(&self.facts.onprem_vm);
                }
                self.show_power(before.switched, facts);
                if before.asr != self.changes.asr {
                    let points = facts.asr.as_mut().and_then(|asr| asr.recovery_points.take());
                    facts.asr.clone_from(&self.facts.asr);
                    if let Some(asr) = facts.asr.as_mut() {
                        asr.recovery_points = points;
                    }
                }
            }
        }
        seen.changes = Some(self.changes);
        self.tell_state(facts);
        if let Some(asr) = facts.asr.as_mut() {
            let owner = self.owner();
            let points = self.points.stamp(now, &owner);
            if seen.points != Some(points) {
                self.points.list(now, &owner, asr.recovery_points.get_or_insert_default());
                seen.points = Some(points);
            }
            asr.rpo_seconds = self.rpo_seconds(now);
        }
    }

    fn rpo_seconds(&self, now: Timestamp) -> Option<Spanned<u64>> {
        let newest = self.points.newest(now, &self.owner())?;
        Some(Spanned::bare(u64::try_from(now.duration_since(newest).as_secs()).unwrap_or(0)))
    }

    /// Writes the state and what follows from it.
    fn tell_state(&self, facts: &mut Machine) {
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
            let registered = match site {
                ActiveSite::Onprem => self.onprem_agent,
                ActiveSite::Azure => self.azure_agent,
            };
            asr.agent_registration_ok = Some(Spanned::bare(registered));
        }
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
        if self.running.is_some() {
            return Vec::new();
        }
        match self.settled {
            State::ReprotectingToOnprem | State::ReprotectingToAzure => {
                other(&["DisableProtection"]).collect()
            }
            State::ProtectedToAzure => {
                other(&["UnplannedFailover", "DisableProtection", "TestFailover"]).collect()
            }
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
            failed_over_to: self.reached.clone(),
        }
    }
}

/// Returns operations in the service's words.
fn other(words: &'static [&'static str]) -> impl Iterator<Item = Operation> {
    words.iter().map(|word| Operation::Other(Cow::Borrowed(*word)))
}
