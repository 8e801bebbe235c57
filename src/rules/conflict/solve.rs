//! Lines of a plan that can't hold together: the smallest set of them, and the fewest changes after which all rules hold.
//!
//! Given a server, each machine's other choices depend on nothing but the machine; so each server is tried, and the machines
//! one by one. A set of lines is made minimal by taking out one line after another, as long as the others can't hold.

use std::collections::BTreeMap;
use std::collections::HashMap;

use jiff::Timestamp;

use crate::model::Fact;
use crate::model::Group;
use crate::model::Machine;
use crate::model::Model;
use crate::rules::conflict::choice::Broken;
use crate::rules::conflict::choice::Change;
use crate::rules::conflict::choice::Key;
use crate::rules::conflict::choice::Keys;
use crate::rules::conflict::choice::Member;
use crate::rules::placement;
use crate::rules::placement::Server;
use crate::rules::slots;
use crate::rules::slots::SLOTS;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::OsFamily;

/// Broken rules from which a smallest set of lines is looked for: in a large group the others say the same.
const SEEDS: usize = 32;

/// A line of the plan: a machine, by its place in its unit, and what the line says about it.
pub(super) type Line = (usize, Key);

/// A rule that the plan breaks: with its machine, by its place in the unit; `None`: the unit as a whole.
pub(super) type Symptom = (&'static str, Option<usize>);

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

/// A machine alone, or the members of a replication group.
#[derive(Debug)]
pub(super) struct Unit<'m> {
    pub(super) group: Option<Group<'m>>,
    pub(super) members: Vec<Member<'m>>,
    experience: Experience,
}

/// The servers that there are.
pub(super) struct Site<'m> {
    pub(super) servers: Vec<Server<'m>>,
    /// How many disks of machines of the plan each takes at a time.
    rooms: Vec<u32>,
    /// Whether nothing speaks against the server itself.
    sound: Vec<bool>,
}

/// What of a unit is looked at.
struct Question<'u> {
    /// Broken rules that have nothing to do with it, by the machine's place; `None`: of the unit as a whole.
    ignored: &'u HashMap<Option<usize>, Vec<&'static str>>,
    /// Whether the answer may change to nothing of which a fact is missing.
    careful: bool,
}

impl Question<'_> {
    fn ignores(&self, rule: &'static str) -> bool {
        self.ignored.get(&None).is_some_and(|rules| rules.contains(&rule))
    }
}

/// A broken rule, and the lines that have a part in it.
struct Violation {
    symptom: Symptom,
    lines: Vec<Line>,
    /// What it has to do with, lines or not.
    about: Vec<Line>,
}

/// Returns the conflicts of a plan, at most so many: those of its first units.
pub(super) fn conflicts(model: &Model, now: Timestamp, most: usize) -> Fact<Vec<Conflict<'_>>> {
    let experience = model.experience()?;
    let servers = placement::servers(model)?;
    let mut site = Site { servers, rooms: Vec::new(), sound: Vec::new() };
    let names: HashMap<&str, usize> =
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
        if site.rooms.is_empty() {
            site.look(model, now);
        }
        for conflict in unit.conflicts(&site) {
            found.push(conflict);
            if found.len() == most {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

impl Site<'_> {
    fn look(&mut self, model: &Model, now: Timestamp) {
        let room = |server: &Server<'_>| {
            let demand = match server {
                Server::MasterTarget(server) => slots::demand(server.machines()),
                Server::Appliance(appliance) => slots::demand(appliance.machines()),
            };
            server.attached().map_or(SLOTS, |attached| demand.room(attached.value))
        };
        self.rooms = self.servers.iter().map(room).collect();
        self.sound = self
            .servers
            .iter()
            .map(|server| server.attached().is_some() && server.is_sound(model, now))
            .collect();
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        0..self.servers.len()
    }
}

impl<'m> Unit<'m> {
    /// Returns whether members must share their server.
    fn is_coupled(&self) -> bool {
        self.group.is_some() && self.members.len() > 1 && self.experience == Experience::Classic
    }

    const fn capacity_rule(&self) -> &'static str {
        match self.experience {
            Experience::Classic => "FB208",
            Experience::Modernized => "FB803",
        }
    }

    fn violations(&self, site: &Site<'m>) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (at, member) in self.members.iter().enumerate() {
            for Broken { rule, keys, .. } in member.broken(&site.servers) {
                let about: Vec<Line> = keys.iter().map(|key| (at, key)).collect();
                violations.push(Violation { symptom: (rule, Some(at)), lines: self.written(&about), about });
            }
        }
        if self.is_coupled() {
            violations.extend(self.of_group());
        }
        violations.extend(self.of_capacity(site));
        violations
    }

    fn written(&self, lines: &[Line]) -> Vec<Line> {
        lines.iter().copied().filter(|(at, key)| self.members[*at].lines.has(*key)).collect()
    }

    /// Looks whether members can share a server, and do.
    fn of_group(&self) -> Vec<Violation> {
        let about: Vec<Line> =
            (0..self.members.len()).flat_map(|at| [(at, Key::Member), (at, Key::Server)]).collect();
        let of = |family: OsFamily| {
            self.members.iter().position(|member| member.machine.os_family().is_ok_and(|own| own == family))
        };
        let mut violations = Vec::new();
        if let (Some(windows), Some(linux)) = (of(OsFamily::Windows), of(OsFamily::Linux)) {
            let lines = self.written(&[(windows.min(linux), Key::Member), (windows.max(linux), Key::Member)]);
            violations.push(Violation { symptom: ("FB507", None), lines, about: about.clone() });
        }
        let first = self.members.iter().position(|member| member.server.is_some());
        if let Some(first) = first
            && let Some(other) = self
                .members
                .iter()
                .position(|member| member.server.is_some() && member.server != self.members[first].server)
        {
            let both = [first, other].into_iter().flat_map(|at| [(at, Key::Member), (at, Key::Server)]);
            let lines = self.written(&both.collect::<Vec<_>>());
            violations.push(Violation { symptom: ("FB508", None), lines, about });
        }
        violations
    }

    /// Looks whether the unit fits on the server that all of it is on.
    fn of_capacity(&self, site: &Site<'m>) -> Option<Violation> {
        let server = self.members.first()?.server?;
        let room = *site.rooms.get(server)?;
        let is_one = self.members.iter().all(|member| member.server == Some(server));
        if !is_one || (self.members.len() > 1 && !self.is_coupled()) || self.disks(&|_| true) <= room {
            return None;
        }
        let mut about: Vec<Line> = (0..self.members.len()).map(|at| (at, Key::Member)).collect();
        about.push((0, Key::Server));
        let symptom = (self.capacity_rule(), None);
        Some(Violation { symptom, lines: self.written(&about), about })
    }

    /// Returns the disks of some members, as far as they are known.
    fn disks(&self, is_one: &dyn Fn(usize) -> bool) -> u32 {
        let members = self.members.iter().enumerate().filter(|(at, _)| is_one(*at));
        members.map(|(_, member)| slots::disks(member.machine).unwrap_or(0)).fold(0, u32::saturating_add)
    }

    /// Returns the conflicts of the unit: each explains two symptoms or more that have a line in common.
    fn conflicts(self, site: &Site<'m>) -> Vec<Conflict<'m>> {
        let violations = self.violations(site);
        let mut found = Vec::new();
        for part in self.parts(&violations) {
            if part.len() < 2 {
                continue;
            }
            let mut ignored: HashMap<Option<usize>, Vec<&'static str>> = HashMap::new();
            for (_, violation) in violations.iter().enumerate().filter(|(at, _)| !part.contains(at)) {
                ignored.entry(violation.symptom.1).or_default().push(violation.symptom.0);
            }
            let Some(lines) = self.smallest(&violations, &part, site, &ignored) else { continue };
            let symptoms = part.iter().map(|at| violations[*at].symptom).collect();
            let question = Question { ignored: &ignored, careful: true };
            found.push((lines, symptoms, self.correction(site, &question)));
        }
        let Self { group, members, experience } = self;
        let unit = |members: &[Member<'m>]| Unit { group, members: members.to_vec(), experience };
        let conflict = |(lines, symptoms, correction)| {
            let servers = site.servers.clone();
            Conflict { unit: unit(&members), lines, symptoms, correction, servers }
        };
        found.into_iter().map(conflict).collect()
    }

    /// Returns the violations that have a line in common, directly or through others, by their places.
    fn parts(&self, violations: &[Violation]) -> Vec<Vec<usize>> {
        let mut part_of: HashMap<Line, usize> = HashMap::new();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        for (at, violation) in violations.iter().enumerate() {
            let mut touched: Vec<usize> =
                violation.about.iter().filter_map(|line| part_of.get(line).copied()).collect();
            // A server that members share is one matter.
            if self.is_coupled() && violation.about.iter().any(|(_, key)| *key == Key::Server) {
                let servers =
                    (0..self.members.len()).filter_map(|at| part_of.get(&(at, Key::Server)).copied());
                touched.extend(servers);
            }
            touched.sort_unstable();
            touched.dedup();
            let into = touched.first().copied().unwrap_or(parts.len());
            if into == parts.len() {
                parts.push(Vec::new());
            }
            for other in touched.into_iter().skip(1) {
                let moved = std::mem::take(&mut parts[other]);
                parts[into].extend(moved);
                part_of.values_mut().filter(|part| **part == other).for_each(|part| *part = into);
            }
            parts[into].push(at);
            part_of.extend(violation.about.iter().map(|line| (*line, into)));
        }
        parts.retain(|part| !part.is_empty());
        parts.iter_mut().for_each(|part| part.sort_unstable());
        parts
    }

    /// Returns the smallest set of lines that can't hold together; `None` if lines have no part in it.
    fn smallest(
        &self,
        violations: &[Violation],
        part: &[usize],
        site: &Site<'m>,
        ignored: &HashMap<Option<usize>, Vec<&'static str>>,
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
    fn changes(
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

    /// Returns whether a member may leave its group: not if Site Recovery has it there.
    fn may_leave(&self, at: usize) -> bool {
        let Some(facts) = self.group.map(Group::facts) else { return false };
        let name = self.members[at].machine.name();
        facts.is_ok_and(|facts| facts.members.iter().all(|member| member != name))
    }

    /// Returns the fewest changes of the plan after which all rules hold, and among those the ones to the fewest machines.
    fn correction(&self, site: &Site<'m>, question: &Question<'_>) -> Option<Correction> {
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
