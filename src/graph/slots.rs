//! The disks that reprotects attach to servers, known beforehand: many ask, and the facts of the plan never change.

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::wave;
use crate::id::IdMap;
use crate::model::Model;

/// What each machine's reprotect attaches.
#[derive(Clone, Debug, Default)]
pub(super) struct Attached {
    /// Master targets and appliances that machines come back through.
    servers: Vec<String>,
    /// By machine: the place of its server, and its disks; `None` if the plan names no server.
    of_machine: Vec<Option<(u32, u32)>>,
}

impl Attached {
    pub(super) fn of(model: &Model) -> Self {
        let (mut servers, mut places) = (Vec::new(), IdMap::default());
        let of_machine = model.machines().map(|machine| {
            let server = wave::slot_server(machine)?;
            let place = *places.entry(server).or_insert_with(|| {
                servers.push(server.to_owned());
                u32::try_from(servers.len() - 1).expect("servers are fewer than machines")
            });
            Some((place, wave::disks(machine)))
        });
        let of_machine = of_machine.collect();
        Self { servers, of_machine }
    }
}

impl Graph {
    /// Returns the server and the number of disks that a reprotect attaches; disks that were attached at the start are among
    /// those that the server was seen to have.
    #[must_use]
    pub fn attaches(&self, step: StepIndex) -> Option<(&str, u32)> {
        if self.kind(step) != StepKind::Reprotect {
            return None;
        }
        let described = self.step(step);
        let StepSubject::Machine(machine) = described.subject else { return None };
        let (server, disks) = self.attached.of_machine[machine].filter(|_| !described.adopted)?;
        Some((&self.attached.servers[server as usize], disks))
    }
}
