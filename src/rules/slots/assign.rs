//! Which server takes which machines, so that few waves are needed and few machines change their server: bin packing with
//! conflicts, exact where it is small.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::rules::slots::packing::Bins;
use crate::rules::slots::packing::Load;
use crate::rules::slots::packing::Packing;
use crate::rules::slots::packing::pack;

/// Up to this many pieces every assignment is looked at; beyond, one is built greedily and compared with a lower bound.
const EXACT: usize = 20;
/// Choices that are looked at for a whole plan before the search gives up: some milliseconds.
pub(super) const MOST_STEPS: u32 = 200_000;

/// What changes its server in one go: a machine, or a replication group whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its disks.
    pub(super) disks: u32,
    /// Its machines.
    pub(super) machines: u32,
    /// The server that the plan assigns it to.
    pub(super) server: usize,
    /// Whether its disks are attached there already.
    pub(super) fixed: bool,
    /// The set of servers that can take it, by its place among the classes.
    pub(super) class: usize,
}

/// Pieces, and servers that take so many disks at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Problem {
    /// Free slots of each server, without what the pieces hold.
    pub(super) rooms: Vec<u32>,
    /// Sets of servers that can take something, each in ascending order.
    pub(super) classes: Vec<Vec<usize>>,
    /// The pieces, in the order in which a run takes them.
    pub(super) pieces: Vec<Piece>,
}

/// A server for each piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The server of each piece.
    pub(super) server_of: Vec<usize>,
    /// Waves of the servers that it is about: the most of one of them.
    pub(super) waves: u32,
    /// Machines that change their server.
    pub(super) moved: u32,
    /// No assignment takes fewer waves than this.
    pub(super) at_least: u32,
}

impl Problem {
    fn allowed(&self, piece: &Piece) -> &[usize] {
        &self.classes[piece.class]
    }

    /// Returns the waves of pieces on a server, as a run makes them; `None` if something never fits.
    fn packed(&self, server: usize, pieces: impl Iterator<Item = usize>) -> Option<Packing> {
        let load = |at: usize| {
            let piece = &self.pieces[at];
            Load { disks: piece.disks, attached: piece.fixed && piece.server == server }
        };
        pack(self.rooms[server], &pieces.map(load).collect::<Vec<_>>())
    }

    /// Returns how many waves each server takes; `None` for a server that something never fits on.
    pub(super) fn waves(&self, server_of: &[usize]) -> Vec<Option<u32>> {
        let mut by_server: Vec<Vec<usize>> = vec![Vec::new(); self.rooms.len()];
        for (at, server) in server_of.iter().enumerate() {
            by_server[*server].push(at);
        }
        let waves = |(server, pieces): (usize, Vec<usize>)| {
            u32::try_from(self.packed(server, pieces.into_iter())?.count()).ok()
        };
        by_server.into_iter().enumerate().map(waves).collect()
    }

    /// Returns the servers that the plan assigns.
    pub(super) fn present(&self) -> Vec<usize> {
        self.pieces.iter().map(|piece| piece.server).collect()
    }

    /// Returns the parts of the problem that have nothing to do with each other, each as the places of its pieces.
    pub(super) fn parts(&self) -> Vec<Vec<usize>> {
        let mut parent: Vec<usize> = (0..self.rooms.len()).collect();
        fn root(parent: &mut [usize], mut at: usize) -> usize {
            while parent[at] != at {
                parent[at] = parent[parent[at]];
                at = parent[at];
            }
            at
        }
        let mut joined = BTreeSet::new();
        for piece in &self.pieces {
            // Pieces of one class and server join the same servers.
            if !piece.fixed && joined.insert((piece.class, piece.server)) {
                for server in self.allowed(piece) {
                    let (one, other) = (root(&mut parent, piece.server), root(&mut parent, *server));
                    parent[one.max(other)] = one.min(other);
                }
            }
        }
        let mut part_of: Vec<Option<usize>> = vec![None; self.rooms.len()];
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let root = root(&mut parent, piece.server);
            let part = *part_of[root].get_or_insert_with(|| {
                parts.push(Vec::new());
                parts.len() - 1
            });
            parts[part].push(at);
        }
        parts
    }

    /// Returns an assignment of a part that takes fewer waves than the plan's, with as few moved machines as are needed for
    /// that; if none is found, the plan's own. `None` if something never fits where it is. `steps` is what the searches of a
    /// plan have left.
    pub(super) fn fewer_waves(&self, part: &[usize], steps: &mut u32) -> Option<Assignment> {
        let present = self.present();
        let now = self.most_waves(part, &present)?;
        let at_least = self.at_least(part).min(now);
        let mut best = Assignment { server_of: present, waves: now, moved: 0, at_least };
        if at_least == now {
            return Some(best);
        }
        if part.len() <= EXACT {
            let mut proven = at_least;
            for waves in at_least..now {
                let (found, is_complete) = self.search(part, waves, steps);
                let found_none = found.is_none();
                if let Some(server_of) = found
                    && let Some(taken) = self.most_waves(part, &server_of)
                    && taken < best.waves
                {
                    best = Assignment { moved: self.moved(&server_of), server_of, waves: taken, at_least };
                    break;
                }
                // Where it found one that the waves of a run do not reach, nothing is proven.
                if is_complete && proven == waves && found_none {
                    proven = waves + 1;
                }
            }
            best.at_least = proven.min(best.waves);
            return Some(best);
        }
        let (mut low, mut high) = (at_least, now - 1);
        while low <= high {
            let waves = low + (high - low) / 2;
            match self
                .build(part, waves)
                .and_then(|server_of| Some((self.most_waves(part, &server_of)?, server_of)))
            {
                Some((taken, server_of)) if taken < best.waves => {
                    best = Assignment { moved: self.moved(&server_of), server_of, waves: taken, at_least };
                    high = waves.min(taken) - 1;
                }
                Some(_) | None => low = waves + 1,
            }
        }
        Some(best)
    }

    /// Returns an assignment that gives each piece which never fits where it is a server on which it fits, and moves nothing
    /// else; among those, one with few waves. Pieces that fit nowhere stay, and are returned.
    pub(super) fn feasible(&self) -> (Vec<usize>, Vec<usize>) {
        let mut server_of = self.present();
        let mut bins: Vec<Bins> = self.rooms.iter().map(|room| Bins::new(*room)).collect();
        let mut too_large = Vec::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            if bins[piece.server].add(piece.disks).is_none() {
                too_large.push(at);
            }
        }
        let mut nowhere = Vec::new();
        for at in too_large {
            let piece = &self.pieces[at];
            let waves_with = |server: usize| {
                let bins: &mut Bins = &mut bins[server];
                Some((bins.place(piece.disks)?.max(bins.left.len().saturating_sub(1)), server))
            };
            let best = self.allowed(piece).iter().copied().filter_map(waves_with).min();
            match best {
                Some((_, server)) if !piece.fixed => {
                    server_of[at] = server;
                    bins[server].add(piece.disks).expect("it was just seen to fit");
                }
                Some(_) | None => nowhere.push(at),
            }
        }
        (server_of, nowhere)
    }

    /// Returns the most waves of a server that pieces of a part are on; `None` if something never fits.
    fn most_waves(&self, part: &[usize], server_of: &[usize]) -> Option<u32> {
        let mut most = 0;
        for (server, pieces) in by_server(part, |at| server_of[at]) {
            most = most.max(self.packed(server, pieces.into_iter())?.count());
        }
        u32::try_from(most).ok()
    }

    pub(super) fn moved(&self, server_of: &[usize]) -> u32 {
        let moved = self.pieces.iter().zip(server_of).filter(|(piece, server)| piece.server != **server);
        moved.map(|(piece, _)| piece.machines).sum()
    }

    /// Returns how many waves the disks of a part need at least: those that have only some servers, on these servers.
    fn at_least(&self, part: &[usize]) -> u32 {
        let mut load: Vec<u64> = vec![0; self.classes.len()];
        let mut total = 0;
        let mut servers = BTreeSet::new();
        for at in part {
            let piece = &self.pieces[*at];
            load[piece.class] += u64::from(piece.disks);
            total += u64::from(piece.disks);
            servers.extend(self.allowed(piece));
        }
        let room = |servers: &mut dyn Iterator<Item = &usize>| {
            servers.map(|server| u64::from(self.rooms[*server])).sum::<u64>()
        };
        let of_class = load
            .iter()
            .zip(&self.classes)
            .filter(|(load, _)| **load > 0)
            .map(|(load, class)| load.div_ceil(room(&mut class.iter()).max(1)));
        let waves = of_class.chain([total.div_ceil(room(&mut servers.iter()).max(1))]).max().unwrap_or(0);
        let waves = u32::try_from(waves).unwrap_or(u32::MAX);
        // What has one server only needs its waves there, whatever becomes of the others.
        let is_bound = |at: &usize| self.pieces[*at].fixed || self.allowed(&self.pieces[*at]).len() == 1;
        let bound: Vec<usize> = part.iter().copied().filter(is_bound).collect();
        let of_bound = by_server(&bound, |at| self.pieces[at].server).into_iter().map(|(server, pieces)| {
            self.packed(server, pieces.into_iter()).map_or(0, |packing| packing.at_least)
        });
        waves.max(u32::try_from(of_bound.max().unwrap_or(0)).unwrap_or(u32::MAX))
    }

    /// Looks for the assignment with the fewest moved machines in so many waves, and says whether it looked at all.
    fn search(&self, part: &[usize], waves: u32, steps: &mut u32) -> (Option<Vec<usize>>, bool) {
        // What is fixed comes first, then the largest: it leaves the fewest choices.
        let mut order = part.to_vec();
        order.sort_by_key(|at| {
            let piece = &self.pieces[*at];
            (!piece.fixed, std::cmp::Reverse(piece.disks), *at)
        });
        let bins: Vec<Vec<u32>> = self.rooms.iter().map(|room| vec![*room; waves as usize]).collect();
        let mut search =
            Search { problem: self, order, bins, chosen: self.present(), best: None, steps: *steps };
        search.descend(0, 0);
        *steps = search.steps;
        (search.best.map(|(_, server_of)| server_of), search.steps > 0)
    }

    /// Builds an assignment in so many waves greedily: servers with too much give away what frees the most room for each
    /// machine, and the largest of it is placed first.
    fn build(&self, part: &[usize], waves: u32) -> Option<Vec<usize>> {
        let mut server_of = self.present();
        let mut of_server: Vec<Vec<usize>> = vec![Vec::new(); self.rooms.len()];
        for at in part {
            of_server[server_of[*at]].push(*at);
        }
        let mut leaving: Vec<usize> = Vec::new();
        let mut left: Vec<Vec<u32>> = Vec::with_capacity(self.rooms.len());
        let mut ranks = vec![0; self.pieces.len()];
        for (server, pieces) in of_server.iter().enumerate() {
            let (kept, leave) = self.keep(server, pieces, waves, &mut ranks)?;
            leaving.extend(leave);
            let mut kept = kept.left;
            kept.resize(waves as usize, self.rooms[server]);
            left.push(kept);
        }
        leaving.sort_by_key(|at| (std::cmp::Reverse(self.pieces[*at].disks), *at));
        let most = |left: &Vec<u32>| left.iter().copied().max().unwrap_or(0);
        let mut widest: Vec<u32> = left.iter().map(most).collect();
        for at in leaving {
            let piece = &self.pieces[at];
            let mut fitting = self.allowed(piece).iter().filter(|server| **server != piece.server);
            let server = *fitting.find(|server| widest[**server] >= piece.disks)?;
            *left[server].iter_mut().find(|left| **left >= piece.disks)? -= piece.disks;
            widest[server] = most(&left[server]);
            server_of[at] = server;
        }
        Some(server_of)
    }

    /// Returns the waves of the pieces of a server that stay, so that they are no more than `waves`, and the pieces that
    /// leave. `ranks` holds a place for each piece.
    fn keep(
        &self,
        server: usize,
        pieces: &[usize],
        waves: u32,
        ranks: &mut [usize],
    ) -> Option<(Packing, Vec<usize>)> {
        let packed = |pieces: &mut dyn Iterator<Item = usize>| {
            self.packed(server, pieces).filter(|packing| packing.count() <= waves as usize)
        };
        if let Some(all) = packed(&mut pieces.iter().copied()) {
            return Some((all, Vec::new()));
        }
        let mut leaving: Vec<usize> = pieces.iter().copied().filter(|at| !self.pieces[*at].fixed).collect();
        leaving.sort_by(|one, other| {
            let (first, second) = (&self.pieces[*one], &self.pieces[*other]);
            let weight = |piece: &Piece, by: &Piece| u64::from(piece.disks) * u64::from(by.machines.max(1));
            weight(second, first).cmp(&weight(first, second)).then(one.cmp(other))
        });
        for at in pieces {
            ranks[*at] = usize::MAX;
        }
        for (rank, at) in leaving.iter().enumerate() {
            ranks[*at] = rank;
        }
        let kept = |count: usize| packed(&mut pieces.iter().copied().filter(|at| ranks[*at] >= count));
        // The more leave, the fewer waves the others take.
        let (mut low, mut high) = (0, leaving.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if kept(middle).is_some() { high = middle } else { low = middle + 1 }
        }
        let stay = kept(low)?;
        leaving.truncate(low);
        Some((stay, leaving))
    }
}

/// Returns pieces by their server.
fn by_server(pieces: &[usize], server_of: impl Fn(usize) -> usize) -> BTreeMap<usize, Vec<usize>> {
    let mut by_server: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in pieces {
        by_server.entry(server_of(*at)).or_default().push(*at);
    }
    by_server
}

/// A search through all assignments of a few pieces.
struct Search<'p> {
    problem: &'p Problem,
    order: Vec<usize>,
    /// What is left of each wave of each server.
    bins: Vec<Vec<u32>>,
    chosen: Vec<usize>,
    best: Option<(u32, Vec<usize>)>,
    /// Choices that may still be looked at.
    steps: u32,
}

impl Search<'_> {
    fn descend(&mut self, depth: usize, moved: u32) {
        if self.steps == 0 || self.best.as_ref().is_some_and(|(best, _)| *best <= moved) {
            return;
        }
        self.steps -= 1;
        let Some(at) = self.order.get(depth).copied() else {
            self.best = Some((moved, self.chosen.clone()));
            return;
        };
        let problem = self.problem;
        let piece = problem.pieces[at];
        let others =
            problem.allowed(&piece).iter().copied().filter(|server| !piece.fixed && *server != piece.server);
        for server in std::iter::once(piece.server).chain(others) {
            for wave in 0..self.bins[server].len() {
                let left = self.bins[server][wave];
                // Waves with the same room are the same.
                if left < piece.disks || self.bins[server][..wave].contains(&left) {
                    continue;
                }
                self.bins[server][wave] -= piece.disks;
                self.chosen[at] = server;
                let cost = if server == piece.server { 0 } else { piece.machines };
                self.descend(depth + 1, moved + cost);
                self.bins[server][wave] = left;
            }
        }
        self.chosen[at] = piece.server;
    }
}
