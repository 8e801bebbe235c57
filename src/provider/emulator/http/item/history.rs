//! What was done to a machine here: its last jobs of each kind.

use jiff::Timestamp;

use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::world::World;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;
use crate::provider::request::Request;

/// The last jobs of a machine.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Where its data goes on-premises.
    pub onprem: Option<OnpremTarget>,
    /// How its data goes to Azure.
    pub forward: Option<ForwardTarget>,
    /// When its last failover from Azure began, and whether it succeeded; nothing while it runs.
    pub failover: Option<(Timestamp, Option<bool>)>,
    /// Whether that was taken back.
    pub cancelled: Option<Timestamp>,
}

impl History {
    /// Returns the history of one machine.
    #[must_use]
    pub fn of(world: &World, machine: usize) -> Self {
        let mut history = Self::default();
        Self::walk(world, |at, take| {
            if at == machine {
                take(&mut history);
            }
        });
        history
    }

    /// Returns the histories of all machines.
    #[must_use]
    pub fn of_all(world: &World) -> Vec<Self> {
        let mut histories = vec![Self::default(); world.items.len()];
        Self::walk(world, |at, take| take(&mut histories[at]));
        histories
    }

    fn walk(world: &World, mut note: impl FnMut(usize, &dyn Fn(&mut Self))) {
        for job in &world.jobs {
            for part in &job.parts {
                let Some(machine) = part.machine else { continue };
                let outcome = part.ended.map(|_| part.failure.is_none());
                match (&job.request, job.kind) {
                    (Request::ReprotectToOnprem { target, .. }, _) if outcome != Some(false) => {
                        note(machine, &|history| {
                            history.onprem = Some(target.clone());
                            history.failover = None;
                            history.cancelled = None;
                        });
                    }
                    (Request::ReprotectToAzure { target, .. }, _) if outcome != Some(false) => {
                        note(machine, &|history| history.forward = Some(target.clone()));
                    }
                    (_, JobKind::Failover) if part.owns => {
                        note(machine, &|history| history.failover = Some((job.taken_at, outcome)));
                    }
                    (_, JobKind::Cancel) if outcome == Some(true) => {
                        note(machine, &|history| history.cancelled = part.ended);
                    }
                    _ => {}
                }
            }
        }
    }
}
