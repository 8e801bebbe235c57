//! Which steps may begin and ask the site to change something, given the disks that their servers still take.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::event::set::StepSet;
use crate::graph::Graph;
use crate::graph::Rank;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::vcenter::Lane;
use crate::graph::wave;
use crate::graph::wave::SlotUse;
use crate::id::IdMap;

/// Steps that are ready and ask the site to change something, kept so that the next one is found without a search: a site may
/// have many machines that wait for a full server.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    /// Disks that the run holds, and what waits for them, by server.
    servers: IdMap<String, Server>,
    /// Which steps hold disks.
    held: IdMap<StepIndex, (String, u32)>,
    /// Ready steps that may begin, by lane: all but those whose server has no room, and of those of a server one.
    open: Vec<StepSet>,
}

#[derive(Clone, Debug)]
struct Server {
    /// Disks that it takes from the run in all.
    room: u32,
    /// Disks that the run holds on it.
    taken: u32,
    /// Ready steps that need disks on it, by how many they need.
    waiting: BTreeMap<u32, BTreeSet<Rank>>,
    /// The first of them that fits.
    open: Option<Rank>,
}

impl Server {
    fn free(&self) -> u32 {
        self.room.saturating_sub(self.taken)
    }

    /// Returns the first step that fits.
    fn first(&self) -> Option<Rank> {
        self.waiting.range(..=self.free()).filter_map(|(_, steps)| steps.first().copied()).min()
    }
}

impl Slots {
    /// Returns the slots at the start of a run: machines whose disks are attached already hold them, and give them back as others do.
    pub(super) fn at_start(graph: &Graph) -> Self {
        let mut slots = Self::default();
        for machine in graph.model().machines() {
            if wave::slot_use(machine) == SlotUse::Held
                && let Some(server) = wave::slot_server(machine)
                && let Some(reprotect) = graph.of_machine(machine.index(), StepKind::Reprotect)
            {
                let disks = wave::disks(machine);
                slots.server(graph, server).taken += disks;
                slots.held.insert(reprotect, (server.to_owned(), disks));
            }
        }
        for (name, server) in &mut slots.servers {
            server.room = wave::room(graph.model(), name, server.taken);
        }
        slots
    }

    /// Adds a step that became ready.
    pub(super) fn ready(&mut self, graph: &Graph, step: StepIndex) {
        match graph.attaches(step).filter(|_| !self.held.contains_key(&step)) {
            None => self.open(graph, graph.rank(step)),
            Some((server, disks)) => {
                self.server(graph, server).waiting.entry(disks).or_default().insert(graph.rank(step));
                self.refresh(graph, server);
            }
        }
    }

    /// Takes away a step that is ready no longer.
    pub(super) fn not_ready(&mut self, graph: &Graph, step: StepIndex) {
        let rank = graph.rank(step);
        if let Some((name, disks)) = graph.attaches(step)
            && let Some(server) = self.servers.get_mut(name)
            && let Some(steps) = server.waiting.get_mut(&disks)
            && steps.remove(&rank)
        {
            if steps.is_empty() {
                server.waiting.remove(&disks);
            }
            self.refresh(graph, name);
        }
        self.close(graph, rank);
    }

    fn open(&mut self, graph: &Graph, rank: Rank) {
        if self.open.is_empty() {
            self.open = vec![StepSet::new(graph.steps().len()); graph.lanes()];
        }
        self.open[graph.lane(graph.ranked(rank))].insert(rank.number());
    }

    fn close(&mut self, graph: &Graph, rank: Rank) {
        if let Some(lane) = self.open.get_mut(graph.lane(graph.ranked(rank))) {
            lane.remove(rank.number());
        }
    }

    /// Gives a step disks on a server; if it is ready, it may begin.
    pub(super) fn take(&mut self, graph: &Graph, step: StepIndex, ready: bool, server: &str, disks: u32) {
        self.not_ready(graph, step);
        self.server(graph, server).taken += disks;
        self.held.insert(step, (server.to_owned(), disks));
        self.refresh(graph, server);
        if ready {
            self.ready(graph, step);
        }
    }

    /// Takes a step's disks back.
    pub(super) fn free(&mut self, graph: &Graph, step: StepIndex) {
        let Some((name, disks)) = self.held.remove(&step) else { return };
        if let Some(server) = self.servers.get_mut(&name) {
            server.taken = server.taken.saturating_sub(disks);
        }
        self.refresh(graph, &name);
    }

    /// Returns the steps of a lane that may begin now, the most urgent first; of those that wait for one server, the first that
    /// fits.
    pub(super) fn open_in(&self, lane: Lane) -> impl Iterator<Item = Rank> {
        self.open.get(lane).into_iter().flat_map(StepSet::iter).map(Rank::new)
    }

    /// Returns the first ready step, whether there is room for it or not.
    pub(super) fn first(&self) -> Option<Rank> {
        let waiting = self.servers.values().flat_map(|server| server.waiting.values());
        let waiting = waiting.filter_map(|steps| steps.first().copied());
        let open = self.open.iter().filter_map(|lane| lane.iter().next().map(Rank::new));
        waiting.chain(open).min()
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

    /// Returns how many disks a server still takes.
    pub(super) fn free_on(&self, graph: &Graph, server: &str) -> u32 {
        self.servers.get(server).map_or_else(|| wave::room(graph.model(), server, 0), Server::free)
    }

    fn server(&mut self, graph: &Graph, name: &str) -> &mut Server {
        if !self.servers.contains_key(name) {
            let room = wave::room(graph.model(), name, 0);
            let server = Server { room, taken: 0, waiting: BTreeMap::new(), open: None };
            self.servers.insert(name.to_owned(), server);
        }
        self.servers.get_mut(name).expect("it is there now")
    }

    /// Finds the step of a server that may begin.
    fn refresh(&mut self, graph: &Graph, name: &str) {
        let Some(server) = self.servers.get_mut(name) else { return };
        let first = server.first();
        if first == server.open {
            return;
        }
        if let Some(before) = std::mem::replace(&mut server.open, first) {
            self.close(graph, before);
        }
        if let Some(first) = first {
            self.open(graph, first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_that_fits_goes_before_a_smaller_one_after_it() {
        let [at_0, at_1, at_2, at_3] = [0, 1, 2, 3].map(Rank::new);
        let waiting = [(3, vec![at_0, at_3]), (2, vec![at_1]), (1, vec![at_2])];
        let waiting: BTreeMap<u32, BTreeSet<Rank>> =
            waiting.into_iter().map(|(disks, steps)| (disks, BTreeSet::from_iter(steps))).collect();
        let first = |taken| Server { room: 10, taken, waiting: waiting.clone(), open: None }.first();
        assert_eq!(first(0), Some(at_0));
        assert_eq!(first(8), Some(at_1), "a step of three disks does not fit");
        assert_eq!(first(9), Some(at_2));
        assert_eq!(first(10), None);
    }
}
