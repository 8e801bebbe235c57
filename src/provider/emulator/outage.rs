//! Faults of calls: the service is busy, or no answer comes.

use crate::provider::emulator::fault::lasting;
use crate::provider::emulator::scenario::FaultKind;
use crate::provider::emulator::scenario::FaultPhase;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::error::ProviderError;
use jiff::SignedDuration;
use std::time::Duration;

/// Seconds that an outage of calls lasts when the scenario does not say.
const OUTAGE: i64 = 300;
/// Seconds after which a busy service asks to come back when the scenario does not say.
const RETRY_AFTER: u64 = 30;

impl World {
    /// Returns what makes every call fail for a while: a fault of calls with a time and without a phase.
    pub(super) fn outage(&self) -> Result<(), ProviderError> {
        for (_, fault) in self.faults() {
            let Some(at) = fault.at.as_ref().filter(|_| fault.phase.is_none()) else { continue };
            let begin = after(self.start, i64::try_from(at.after.0).unwrap_or(i64::MAX));
            let end = after(begin, lasting(fault).unwrap_or(OUTAGE));
            if self.now < begin || self.now >= end {
                continue;
            }
            match *fault.kind {
                FaultKind::Busy => {
                    let left = end.duration_since(self.now);
                    return Err(ProviderError::Busy {
                        message: "too many requests".to_owned(),
                        retry_after: Some(unsigned(left)),
                    });
                }
                FaultKind::NoAnswerBefore | FaultKind::NoAnswerAfter => return Err(no_answer()),
                FaultKind::VcenterDisconnects
                | FaultKind::ConfigurationServerDisconnects
                | FaultKind::MasterTargetSnapshot
                | FaultKind::StorageVmotion
                | FaultKind::ApplianceUnhealthy
                | FaultKind::ProcessServerUnhealthy
                | FaultKind::DatastoreInaccessible
                | FaultKind::LinkSlow
                | FaultKind::AgentLate
                | FaultKind::JobFails
                | FaultKind::JobHangs
                | FaultKind::ResyncRequired
                | FaultKind::Health
                | FaultKind::AzureVmStopped
                | FaultKind::AzureVmStaysOn
                | FaultKind::OnpremVmDoesNotBoot
                | FaultKind::AnswerTwice => {}
            }
        }
        Ok(())
    }

    /// Returns whether the scenario keeps a call from reaching the service.
    pub(super) fn lost_before(&self, phase: FaultPhase, machines: &[usize]) -> Result<(), ProviderError> {
        for (_, fault) in self.faults().filter(|(_, fault)| fault.phase.is_some() || fault.at.is_none()) {
            if *fault.kind == FaultKind::Busy && self.hits_call(fault, phase, machines) {
                let seconds = fault.lasting.as_deref().map_or(RETRY_AFTER, |seconds| seconds.0);
                return Err(ProviderError::Busy {
                    message: "too many requests".to_owned(),
                    retry_after: Some(Duration::from_secs(seconds)),
                });
            }
            if *fault.kind == FaultKind::NoAnswerBefore && self.hits_call(fault, phase, machines) {
                return Err(no_answer());
            }
        }
        Ok(())
    }

    /// Returns whether the scenario lets a call reach the service twice.
    pub(super) fn comes_twice(&self, phase: FaultPhase, machines: &[usize]) -> bool {
        self.faults()
            .any(|(_, fault)| *fault.kind == FaultKind::AnswerTwice && self.hits_call(fault, phase, machines))
    }

    /// Returns whether the scenario keeps the answer from reaching the caller.
    pub(super) fn lost_after(&self, phase: FaultPhase, machines: &[usize]) -> Result<(), ProviderError> {
        let lost = self.faults().any(|(_, fault)| {
            *fault.kind == FaultKind::NoAnswerAfter
                && (fault.phase.is_some() || fault.at.is_none())
                && self.hits_call(fault, phase, machines)
        });
        if lost { Err(no_answer()) } else { Ok(()) }
    }
}

fn no_answer() -> ProviderError {
    ProviderError::NoAnswer { message: "the connection was closed".to_owned(), retry_after: None }
}

fn unsigned(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or_default()
}
