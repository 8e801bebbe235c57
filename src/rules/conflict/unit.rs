//! What comes back together or not at all, and which rules its lines break.

use std::collections::HashMap;

use crate::model::Group;
use crate::rules::conflict::choice::Broken;
use crate::rules::conflict::choice::Key;
use crate::rules::conflict::choice::Member;
use crate::rules::conflict::site::Site;
use crate::rules::slots;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::OsFamily;

/// A line of the plan: a machine, by its place in its unit, and what the line says about it.
pub(super) type Line = (usize, Key);

/// A rule that the plan breaks: with its machine, by its place in the unit; `None`: the unit as a whole.
pub(super) type Symptom = (&'static str, Option<usize>);

/// A machine alone, or the members of a replication group.
#[derive(Debug)]
pub(super) struct Unit<'m> {
    pub(super) group: Option<Group<'m>>,
    pub(super) members: Vec<Member<'m>>,
    pub(super) experience: Experience,
}

/// A broken rule, and the lines that have a part in it.
pub(super) struct Violation {
    pub(super) symptom: Symptom,
    pub(super) lines: Vec<Line>,
    /// What it has to do with, lines or not.
    pub(super) about: Vec<Line>,
}

impl<'m> Unit<'m> {
    /// Returns whether members must share their server.
    pub(super) fn is_coupled(&self) -> bool {
        self.group.is_some() && self.members.len() > 1 && self.experience == Experience::Classic
    }

    pub(super) const fn capacity_rule(&self) -> &'static str {
        match self.experience {
            Experience::Classic => "FB208",
            Experience::Modernized => "FB803",
        }
    }

    pub(super) fn violations(&self, site: &Site<'m>) -> Vec<Violation> {
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
    pub(super) fn disks(&self, is_one: &dyn Fn(usize) -> bool) -> u32 {
        let members = self.members.iter().enumerate().filter(|(at, _)| is_one(*at));
        members.map(|(_, member)| slots::disks(member.machine).unwrap_or(0)).fold(0, u32::saturating_add)
    }

    /// Returns the violations that have a line in common, directly or through others, by their places.
    pub(super) fn parts(&self, violations: &[Violation]) -> Vec<Vec<usize>> {
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
}
