//! Which steps may begin and ask the site to change something, given the disks that their servers still take.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::wave;

/// Steps that are ready and ask the site to change something, kept so that the next one is found without a search: a site may
/// have many machines that wait for a full server.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    /// Disks that the run holds, and what waits for them, by server.
    servers: HashMap<String, Server>,
    /// Which steps hold disks.
    held: BTreeMap<StepIndex, (String, u32)>,
    /// Ready steps that may begin: all but those whose server has no room, and of those of a server one.
    open: BTreeSet<StepIndex>,
}

#[derive(Clone, Debug)]
struct Server {
    /// Disks that it takes from the run in all.
    room: u32,
    /// Disks that the run holds on it.
    taken: u32,
    /// Ready steps that need disks on it, by how many they need.
    waiting: BTreeMap<u32, BTreeSet<StepIndex>>,
    /// The first of them that fits.
    open: Option<StepIndex>,
}

impl Server {
    fn free(&self) -> u32 {
        self.room.saturating_sub(self.taken)
    }

    /// Returns the first step that fits, in the order of the graph.
    fn first(&self) -> Option<StepIndex> {
        self.waiting.range(..=self.free()).filter_map(|(_, steps)| steps.first().copied()).min()
    }
}

/// Returns the server and the number of disks that a reprotect attaches; disks that were attached at the start are among those
/// that the server was seen to have.
pub(super) fn needed(graph: &Graph, step: StepIndex) -> Option<(&str, u32)> {
    let described = graph.step(step);
    let (StepKind::Reprotect, StepSubject::Machine(index)) = (described.kind, described.subject) else {
        return None;
    };
    if described.adopted {
        return None;
    }
    let machine = graph.model().machine(index);
    Some((wave::slot_server(machine)?, wave::disks(machine)))
}

impl Slots {
    /// Adds a step that became ready.
    pub(super) fn ready(&mut self, graph: &Graph, step: StepIndex) {
        match needed(graph, step).filter(|_| !self.held.contains_key(&step)) {
            None => {
                self.open.insert(step);
            }
            Some((server, disks)) => {
                self.server(graph, server).waiting.entry(disks).or_default().insert(step);
                self.refresh(server);
            }
        }
    }

    /// Takes away a step that is ready no longer.
    pub(super) fn not_ready(&mut self, graph: &Graph, step: StepIndex) {
        if let Some((name, disks)) = needed(graph, step)
            && let Some(server) = self.servers.get_mut(name)
            && let Some(steps) = server.waiting.get_mut(&disks)
            && steps.remove(&step)
        {
            if steps.is_empty() {
                server.waiting.remove(&disks);
            }
            self.refresh(name);
        }
        self.open.remove(&step);
    }

    /// Gives a step disks on a server; if it is ready, it may begin.
    pub(super) fn take(&mut self, graph: &Graph, step: StepIndex, ready: bool, server: &str, disks: u32) {
        self.not_ready(graph, step);
        self.server(graph, server).taken += disks;
        self.held.insert(step, (server.to_owned(), disks));
        self.refresh(server);
        if ready {
            self.ready(graph, step);
        }
    }

    /// Takes a step's disks back.
    pub(super) fn free(&mut self, step: StepIndex) {
        let Some((name, disks)) = self.held.remove(&step) else { return };
        if let Some(server) = self.servers.get_mut(&name) {
            server.taken = server.taken.saturating_sub(disks);
        }
        self.refresh(&name);
    }

    /// Returns the steps that may begin now, in the order of the graph; of those that wait for one server, the first that fits.
    pub(super) fn open(&self) -> impl Iterator<Item = StepIndex> {
        self.open.iter().copied()
    }

    /// Returns the first ready step, whether there is room for it or not.
    pub(super) fn first(&self) -> Option<StepIndex> {
        let waiting = self.servers.values().flat_map(|server| server.waiting.values());
        waiting.filter_map(|steps| steps.first()).chain(self.open.first()).min().copied()
    }

    /// Returns the server and the disks that a step holds.
    pub(super) fn of(&self, step: StepIndex) -> Option<(&str, u32)> {
        self.held.get(&step).map(|(server, disks)| (server.as_str(), *disks))
    }

    /// Returns whether any step holds disks.
    pub(super) fn are_held(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns how many disks the run holds on a server.
    pub(super) fn taken(&self, server: &str) -> u32 {
        self.servers.get(server).map_or(0, |server| server.taken)
    }

    fn server(&mut self, graph: &Graph, name: &str) -> &mut Server {
        self.servers.entry(name.to_owned()).or_insert_with(|| Server {
            room: wave::free_slots(graph.model(), name),
            taken: 0,
            waiting: BTreeMap::new(),
            open: None,
        })
    }

    /// Finds the step of a server that may begin.
    fn refresh(&mut self, name: &str) {
        let Some(server) = self.servers.get_mut(name) else { return };
        let first = server.first();
        if first == server.open {
            return;
        }
        if let Some(before) = std::mem::replace(&mut server.open, first) {
            self.open.remove(&before);
        }
        self.open.extend(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(taken: u32) -> Server {
        let waiting = [(3, [1, 9]), (2, [5, 6]), (1, [7, 8])];
        let waiting = waiting.into_iter().map(|(disks, steps)| (disks, BTreeSet::from(steps))).collect();
        Server { room: 10, taken, waiting, open: None }
    }

    #[test]
    fn the_first_step_that_fits_goes_before_a_smaller_one_after_it() {
        assert_eq!(server(0).first(), Some(1));
        assert_eq!(server(8).first(), Some(5), "a step of three disks does not fit");
        assert_eq!(server(9).first(), Some(7));
        assert_eq!(server(10).first(), None);
    }

    #[test]
    fn only_one_of_the_steps_that_wait_for_a_server_is_open() {
        let mut slots = Slots { servers: HashMap::from([("mt".to_owned(), server(0))]), ..Slots::default() };
        slots.refresh("mt");
        assert_eq!(slots.open().collect::<Vec<_>>(), [1]);
        slots.servers.get_mut("mt").expect("there").taken = 9;
        slots.refresh("mt");
        assert_eq!(slots.open().collect::<Vec<_>>(), [7]);
        assert_eq!(slots.first(), Some(1), "a full server's steps are ready all the same");
    }
}
