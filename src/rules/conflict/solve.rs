//! Lines of a plan that can't hold together: the smallest set of them, and the fewest changes after which all rules hold.
//!
//! Given a server, each machine's other choices depend on nothing but the machine; so each server is tried, and the machines
//! one by one. A set of lines is made minimal by taking out one line after another, as long as the others can't hold.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::id::IdMap;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::conflict::choice::Change;
use crate::rules::conflict::choice::Key;
use crate::rules::conflict::choice::Keys;
use crate::rules::conflict::choice::Member;
use crate::rules::conflict::correction::Correction;
use crate::rules::conflict::site::Site;
use crate::rules::conflict::unit::Line;
use crate::rules::conflict::unit::Symptom;
use crate::rules::conflict::unit::Unit;
use crate::rules::conflict::unit::Violation;
use crate::rules::placement;
use crate::rules::placement::Server;

/// Broken rules from which a smallest set of lines is looked for: in a large group the others say the same.
const SEEDS: usize = 32;

/// Lines that can't hold together.
#[derive(Debug)]
pub(super) struct Conflict<'m> {
    /// The machine alone, or the members of a replication group.
    pub(super) unit: Unit<'m>,
    /// The smallest set of lines that can't hold together.
    pub(super) lines: Vec<Line>,
    /// What the conflict explains.
    pub(super) symptoms: Vec<Symptom>,
    /// The fewest changes that resolve it; `None` if no edit of the plan does.
    pub(super) correction: Option<Correction>,
    /// The servers that there are.
    pub(super) servers: Vec<Server<'m>>,
}

/// What of a unit is looked at.
pub(super) struct Question<'u> {
    /// Broken rules that have nothing to do with it, by the machine's place; `None`: of the unit as a whole.
    ignored: &'u IdMap<Option<usize>, Vec<&'static str>>,
    /// Whether the answer may change to nothing of which a fact is missing.
    careful: bool,
}

impl Question<'_> {
    pub(super) fn ignores(&self, rule: &'static str) -> bool {
        self.ignored.get(&None).is_some_and(|rules| rules.contains(&rule))
    }
}

/// Returns the conflicts of a plan, at most so many: those of its first units.
pub(super) fn conflicts(model: &Model, now: Timestamp, most: usize) -> Fact<Vec<Conflict<'_>>> {
    let experience = model.experience()?;
    let mut site = Site::of(model)?;
    let names: IdMap<&str, usize> =
        site.servers.iter().enumerate().map(|(at, server)| (server.name().value.as_str(), at)).collect();
    let groups = model.groups().map(|group| (Some(group), group.members().collect::<Vec<_>>()));
    let alone =
        model.machines().filter(|machine| machine.group().is_none()).map(|machine| (None, vec![machine]));
    let mut found = Vec::new();
    for (group, machines) in groups.chain(alone) {
        let server_of = |machine: Machine<'_>| {
            let (server, _) = placement::assigned(machine)?;
            names.get(server.name().value.as_str()).copied()
        };
        let members =
            machines.into_iter().map(|machine| Member::new(machine, server_of(machine), experience));
        let unit = Unit { group, members: members.collect(), experience };
        // Nearly all units break nothing, so this comes before servers are looked at.
        if unit.violations(&site).is_empty() {
            continue;
        }
        site.look(model, now);
        for conflict in unit.conflicts(&site) {
            found.push(conflict);
            if found.len() == most {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

impl<'m> Unit<'m> {
    /// Returns the conflicts of the unit: each explains two symptoms or more that have a line in common, or one that what its
    /// rule advises does not mend.
    fn conflicts(self, site: &Site<'m>) -> Vec<Conflict<'m>> {
        let violations = self.violations(site);
        let mut found = Vec::new();
        for part in self.parts(&violations) {
            let mut ignored: IdMap<Option<usize>, Vec<&'static str>> = IdMap::default();
            for (_, violation) in violations.iter().enumerate().filter(|(at, _)| !part.contains(at)) {
                ignored.entry(violation.symptom.1).or_default().push(violation.symptom.0);
            }
            if let [one] = part.as_slice()
                && self.is_mended_as_advised(&violations[*one], site, &ignored)
            {
                continue;
            }
            let Some(lines) = self.smallest(&violations, &part, site, &ignored) else { continue };
            let symptoms = part.iter().map(|at| violations[*at].symptom).collect();
            let correction = |careful| self.correction(site, &Question { ignored: &ignored, careful });
            let right = correction(true);
            // One error says enough by itself where it is not known whether something resolves it.
            if part.len() == 1 && right.is_none() && correction(false).is_some() {
                continue;
            }
            found.push((lines, symptoms, right));
        }
        let Self { group, members, experience } = self;
        let unit = |members: &[Member<'m>]| Unit { group, members: members.to_vec(), experience };
        let conflict = |(lines, symptoms, correction)| {
            let servers = site.servers.clone();
            Conflict { unit: unit(&members), lines, symptoms, correction, servers }
        };
        found.into_iter().map(conflict).collect()
    }

    /// Returns whether a rule that stands broken alone says itself what to do about it.
    ///
    /// Members of a group share their server. So it does not where it advises another server for one of them, nor where it
    /// advises one for all and not each that they are on now suits them all.
    fn is_mended_as_advised(
        &self,
        violation: &Violation,
        site: &Site<'m>,
        ignored: &IdMap<Option<usize>, Vec<&'static str>>,
    ) -> bool {
        if !self.is_coupled() {
            return true;
        }
        let question = Question { ignored, careful: false };
        let holds_on = |at: usize, server: usize, most: usize| {
            let changes = self.changes(at, server, Keys::default(), site, &question);
            changes.is_some_and(|changes| changes.len() <= most)
        };
        match violation.symptom {
            ("FB508", _) => {
                let servers = self.members.iter().filter_map(|member| member.server);
                let suits = |server: usize| {
                    let is_room = site.rooms.get(server).is_none_or(|room| self.disks(&|_| true) <= *room);
                    is_room && (0..self.members.len()).all(|at| holds_on(at, server, 1))
                };
                servers.collect::<BTreeSet<_>>().into_iter().all(suits)
            }
            (_, Some(at)) => self.members[at].server.is_none_or(|server| holds_on(at, server, usize::MAX)),
            (_, None) => true,
        }
    }

    /// Returns the smallest set of lines that can't hold together; `None` if lines have no part in it.
    fn smallest(
        &self,
        violations: &[Violation],
        part: &[usize],
        site: &Site<'m>,
        ignored: &IdMap<Option<usize>, Vec<&'static str>>,
    ) -> Option<Vec<Line>> {
        let question = Question { ignored, careful: false };
        if !self.can_hold(&[], site, &question) {
            return None;
        }
        let seeds =
            part.iter().map(|at| violations[*at].lines.clone()).filter(|lines| !lines.is_empty()).take(SEEDS);
        let minimal = seeds.filter_map(|seed| self.minimal(seed, site, &question));
        minimal.min_by_key(|lines| (lines.len(), lines.clone()))
    }

    /// Takes out of lines that can't hold together each without which they still can't; `None` if they can hold.
    fn minimal(&self, mut lines: Vec<Line>, site: &Site<'m>, question: &Question<'_>) -> Option<Vec<Line>> {
        if self.can_hold(&lines, site, question) {
            return None;
        }
        let mut at = 0;
        while at < lines.len() {
            let line = lines.remove(at);
            if self.can_hold(&lines, site, question) {
                lines.insert(at, line);
                at += 1;
            }
        }
        lines.sort_unstable();
        Some(lines)
    }

    /// Returns whether all rules can hold while these lines stay, whatever becomes of the others.
    fn can_hold(&self, lines: &[Line], site: &Site<'m>, question: &Question<'_>) -> bool {
        let mut fixed = vec![Keys::default(); self.members.len()];
        for (at, key) in lines {
            fixed[*at] = fixed[*at].with(*key);
        }
        let holds = |at: usize, server: usize| self.changes(at, server, fixed[at], site, question).is_some();
        let is_together =
            |at: usize| self.is_coupled() && fixed[at].has(Key::Member) && !question.ignores("FB508");
        // Of a member of which no line stays, the first question tells that it can come back somehow.
        let apart = (0..self.members.len())
            .filter(|at| !is_together(*at) && (lines.is_empty() || fixed[*at] != Keys::default()));
        let fits = |server: usize, disks: u32| {
            question.ignores(self.capacity_rule()) || site.rooms.get(server).is_none_or(|room| disks <= *room)
        };
        for at in apart {
            if !site.all().any(|server| holds(at, server) && fits(server, self.disks(&|other| other == at))) {
                return false;
            }
        }
        let mut together = (0..self.members.len()).filter(|at| is_together(*at)).peekable();
        if together.peek().is_none() {
            return true;
        }
        let together: Vec<usize> = together.collect();
        let disks = self.disks(&is_together);
        site.all().any(|server| fits(server, disks) && together.iter().all(|at| holds(*at, server)))
    }

    /// Returns the fewest changes with which a member comes back through a server, the change of the server included.
    pub(super) fn changes(
        &self,
        at: usize,
        server: usize,
        fixed: Keys,
        site: &Site<'m>,
        question: &Question<'_>,
    ) -> Option<Vec<Change>> {
        let member = &self.members[at];
        if question.careful && member.server != Some(server) && !site.sound[server] {
            return None;
        }
        let ignored = question.ignored.get(&Some(at)).map_or(&[][..], Vec::as_slice);
        let place = (server, site.servers[server]);
        let mut changes = member.changes(place, fixed, ignored, question.careful)?;
        if member.server != Some(server) {
            let name = site.servers[server].name().value.clone();
            changes.insert(0, Change { key: Key::Server, value: Some(name) });
        }
        Some(changes)
    }
}
