//! The emulated world's own record: what it took on, and where the machines were and are, whatever a run says about it.

use jiff::Timestamp;

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::emulator::world::World;
use crate::provider::operation::OperationStatus;
use crate::provider::request::Request;
use crate::syntax::machine::State;

/// Where a machine is: as it is, not as anybody is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// The machine.
    pub machine: MachineName,
    /// Its state; that of before an operation which runs.
    pub state: State,
    /// Whether the copy in Azure runs.
    pub runs_in_azure: bool,
    /// Whether the copy on-premises runs.
    pub runs_onprem: bool,
    /// Whether an operation runs on it.
    pub is_busy: bool,
}

/// An operation that the site took on.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenOn<'w> {
    /// The operation.
    pub operation: &'w OperationId,
    /// The key under which a program asked for it; none if a person did.
    pub key: Option<&'w IdempotencyKey>,
    /// What was asked for.
    pub request: &'w Request,
    /// When.
    pub at: Timestamp,
    /// Its machines at that moment.
    pub found: &'w [Whereabouts],
    /// When it ended; none while it runs.
    pub ended: Option<Timestamp>,
    /// How far it is.
    pub status: OperationStatus,
}

impl World {
    /// Returns what the site took on, in that order.
    pub fn taken_on(&self) -> impl Iterator<Item = TakenOn<'_>> {
        self.jobs.iter().map(|job| TakenOn {
            operation: &job.id,
            key: job.key.as_ref(),
            request: &job.request,
            at: job.taken_at,
            found: &job.found,
            ended: job.parts.iter().map(|part| part.ended).max().flatten().filter(|_| job.open == 0),
            status: job.status(&self.items),
        })
    }

    /// Returns where every machine is.
    pub fn machines(&self) -> impl Iterator<Item = Whereabouts> {
        (0..self.items.len()).map(|machine| self.whereabouts(machine))
    }

    pub(super) fn whereabouts(&self, machine: usize) -> Whereabouts {
        let item = &self.items[machine];
        Whereabouts {
            machine: item.name.clone(),
            state: item.settled,
            runs_in_azure: item.azure_runs(),
            runs_onprem: item.onprem_runs(),
            is_busy: item.running.is_some() || item.busy_elsewhere,
        }
    }

    /// Returns whether the server that holds a machine's disks was moved away from them.
    #[must_use]
    pub fn disks_are_lost(&self, machine: &MachineName) -> bool {
        let holder = self.index.get(machine).and_then(|machine| self.items[*machine].holder.as_ref());
        holder.is_some_and(|holder| self.site.moves(&holder.server) > holder.moves)
    }

    /// Goes on to `now` and lets nothing go wrong from there on: what stands is put right, and what was to come is dropped.
    ///
    /// What a fault did to a machine stays done.
    pub fn heal(&mut self, now: Timestamp) {
        self.advance(now);
        self.revision += 1;
        self.end_faults();
    }
}
