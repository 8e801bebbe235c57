//! The fewest changes of a plan after which lines that can't hold together do.

use std::collections::BTreeMap;

use crate::model::Group;
use crate::rules::conflict::choice::Change;
use crate::rules::conflict::choice::Keys;
use crate::rules::conflict::site::Site;
use crate::rules::conflict::solve::Question;
use crate::rules::conflict::unit::Unit;

/// What to change in the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Correction {
    /// Another server, datastore or the like, by the machine's place in its unit.
    pub(super) changes: BTreeMap<usize, Vec<Change>>,
    /// Machines that leave their group.
    pub(super) leaving: Vec<usize>,
}

impl Correction {
    fn cost(&self) -> (usize, usize) {
        let changes: usize = self.changes.values().map(Vec::len).sum();
        (changes + self.leaving.len(), self.changes.len() + self.leaving.len())
    }
}

impl<'m> Unit<'m> {
    /// Returns whether a member may leave its group: not if Site Recovery has it there.
    fn may_leave(&self, at: usize) -> bool {
        let Some(facts) = self.group.map(Group::facts) else { return false };
        let name = self.members[at].machine.name();
        facts.is_ok_and(|facts| facts.members.iter().all(|member| member != name))
    }

    /// Returns the fewest changes of the plan after which all rules hold, and among those the ones to the fewest machines.
    pub(super) fn correction(&self, site: &Site<'m>, question: &Question<'_>) -> Option<Correction> {
        let anywhere = |at: usize| -> Option<Vec<Change>> {
            let all = site.all().filter(|server| self.disks(&|other| other == at) <= site.rooms[*server]);
            all.filter_map(|server| self.changes(at, server, Keys::default(), site, question))
                .min_by_key(Vec::len)
        };
        let apart: Vec<Option<Vec<Change>>> = (0..self.members.len())
            .map(|at| (self.is_coupled() && self.may_leave(at)).then(|| anywhere(at)).flatten())
            .collect();
        let of = |server: Option<usize>| -> Option<Correction> {
            let mut correction = Correction { changes: BTreeMap::new(), leaving: Vec::new() };
            for (at, apart) in apart.iter().enumerate() {
                let stays = match server {
                    Some(server) => self.changes(at, server, Keys::default(), site, question),
                    None => anywhere(at),
                };
                let changes = match (stays, apart.clone()) {
                    (Some(stays), Some(leaves)) if stays.len() > leaves.len() + 1 => {
                        correction.leaving.push(at);
                        leaves
                    }
                    (None, Some(leaves)) => {
                        correction.leaving.push(at);
                        leaves
                    }
                    (Some(stays), _) => stays,
                    (None, None) => return None,
                };
                if !changes.is_empty() {
                    correction.changes.insert(at, changes);
                }
            }
            let stays = |at: usize| !correction.leaving.contains(&at);
            let is_full = server.is_some_and(|server| self.disks(&stays) > site.rooms[server]);
            (!is_full).then_some(correction)
        };
        if self.is_coupled() && !question.ignores("FB508") {
            site.all().filter_map(|server| of(Some(server))).min_by_key(Correction::cost)
        } else {
            of(None)
        }
    }
}
