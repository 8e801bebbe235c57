//! What to do where disks don't fit: which machines on which server would need fewer waves, or how much is missing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::id::IdMap;
use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Findings;
use crate::rules::SubjectKind;
use crate::rules::placement;
use crate::rules::placement::Needs;
use crate::rules::placement::Server;
use crate::rules::slots::Demand;
use crate::rules::slots::SLOTS;
use crate::rules::slots::Unit;
use crate::rules::slots::assign::MOST_STEPS;
use crate::rules::slots::assign::Piece;
use crate::rules::slots::assign::Problem;
use crate::rules::slots::demand_of;
use crate::syntax::inventory::Experience;

/// Waves that are told one by one.
pub(super) const TOLD: usize = 3;

/// A server that machines of the plan come back through, or could.
pub(crate) struct Place<'m> {
    /// The server.
    pub(crate) server: Server<'m>,
    /// What comes through it.
    pub(crate) demand: Demand<'m>,
    /// Disks of the plan's machines that it takes at a time; if nobody knows how many are attached, as if none of others
    /// were.
    pub(crate) room: u32,
}

impl Place<'_> {
    /// Returns whether machines of the plan are assigned to it.
    pub(crate) fn is_used(&self) -> bool {
        match self.server {
            Server::MasterTarget(server) => server.machines().next().is_some(),
            Server::Appliance(appliance) => appliance.machines().next().is_some(),
        }
    }

    /// Returns the disks that it takes now, those of the plan's machines not counted.
    pub(super) fn own(&self) -> u32 {
        SLOTS - self.room.min(SLOTS)
    }
}

/// Every server of the plan's architecture, and who could change to which.
pub(crate) struct Places<'m> {
    pub(super) model: &'m Model,
    /// The servers, in the order of the inventory.
    pub(crate) places: Vec<Place<'m>>,
    pub(super) now: Timestamp,
}

/// Looks at each server that machines of the plan are assigned to, with what to do about it if not everything fits at once.
pub(crate) fn look_at_each(
    model: &Model,
    findings: &mut Findings<'_>,
    look: fn(&Model, &Place<'_>, Option<String>, &mut Findings<'_>) -> Fact<()>,
) -> Fact<()> {
    let places = Places::of(model, findings.now())?;
    tell_unlisted(model, findings)?;
    let mut advice = places.advice();
    for (at, place) in places.places.iter().enumerate().filter(|(_, place)| place.is_used()) {
        let (name, kind) = (place.server.name(), place.server.kind());
        let mut findings = findings.about(kind, &name.value, name.span);
        if let Err(unknown) = look(model, place, advice.remove(&at), &mut findings) {
            findings.unknown(&unknown);
        }
    }
    Ok(())
}

/// Adds that nothing can be decided about the servers that machines are assigned to, where nobody says which ones there are.
fn tell_unlisted(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let (kind, of): (_, fn(Machine<'_>) -> Fact<()>) = match model.experience()? {
        Experience::Classic => {
            (SubjectKind::MasterTarget, |machine| machine.listed_master_target().map(|_| ()))
        }
        Experience::Modernized => (SubjectKind::Appliance, |machine| machine.listed_appliance().map(|_| ())),
    };
    let mut told: IdSet<Option<String>> = IdSet::default();
    for machine in model.machines() {
        if let Err(unknown) = of(machine)
            && told.insert(unknown.object.clone())
        {
            let name = machine.name();
            let subject = unknown.object.as_deref().unwrap_or(&name.value);
            findings.about(kind, subject, name.span).unknown(&unknown);
        }
    }
    Ok(())
}

/// A unit that could be on another server: the server that it is on, and its place among the units there.
type At = (usize, usize);

impl<'m> Places<'m> {
    /// Returns the servers that the inventory has.
    pub(crate) fn of(model: &'m Model, now: Timestamp) -> Fact<Self> {
        let place = |server: Server<'m>| {
            let demand = demand_of(server);
            let attached = server.attached().map_or(demand.held, |attached| attached.value);
            let room = demand.room(attached);
            Place { server, demand, room }
        };
        Ok(Self { model, places: placement::servers(model)?.into_iter().map(place).collect(), now })
    }

    /// Returns what to do about each server on which not everything fits at once, by the server's place.
    pub(crate) fn advice(&self) -> BTreeMap<usize, String> {
        let short = |place: &Place<'_>| u64::from(place.demand.disks) > u64::from(place.room);
        if !self.places.iter().any(short) {
            return BTreeMap::new();
        }
        let (problem, at) = self.problem();
        let mut advice = BTreeMap::new();
        let waves = problem.waves(&problem.present());
        let (feasible, nowhere) = problem.feasible();
        let mut left = MOST_STEPS;
        for part in problem.parts() {
            let assignment = problem.fewer_waves(&part, &mut left);
            let mut by_server: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
            for piece in &part {
                by_server.entry(problem.pieces[*piece].server).or_default().push(*piece);
            }
            for (server, pieces) in by_server {
                let units = |pieces: &[usize]| -> Vec<&Unit<'m>> {
                    pieces.iter().map(|piece| &self.places[at[*piece].0].demand.units[at[*piece].1]).collect()
                };
                let moves = |server_of: &[usize]| -> BTreeMap<usize, Vec<usize>> {
                    let mut moves: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
                    for piece in pieces.iter().filter(|piece| server_of[**piece] != server) {
                        moves.entry(server_of[*piece]).or_default().push(*piece);
                    }
                    moves
                };
                let told = |moves: &BTreeMap<usize, Vec<usize>>| {
                    let mut to: Vec<String> = moves
                        .iter()
                        .take(TOLD)
                        .map(|(to, pieces)| {
                            format!("{} to {}", self.names(&units(pieces)), self.places[*to].server.name())
                        })
                        .collect();
                    if moves.len() > TOLD {
                        let others: usize = moves.values().skip(TOLD).map(Vec::len).sum();
                        to.push(format!("{others} others to {} more", moves.len() - TOLD));
                    }
                    to.join(", and ")
                };
                let text = match waves[server] {
                    Some(0 | 1) => continue,
                    Some(count) => {
                        let Some(assignment) = &assignment else { continue };
                        let moves = moves(&assignment.server_of);
                        let waves = self.told_waves(server, &units(&pieces));
                        if moves.is_empty() || assignment.waves >= count {
                            let none = match assignment.at_least >= assignment.waves {
                                true => "no other assignment to the servers of the inventory takes fewer"
                                    .to_owned(),
                                false => format!(
                                    "no assignment with fewer was found; it takes at least {}",
                                    assignment.at_least
                                ),
                            };
                            format!(
                                "{waves}; {none}: add a server like {}, or accept the waves",
                                self.places[server].server.name()
                            )
                        } else {
                            let fewer = match assignment.at_least >= assignment.waves {
                                true => String::new(),
                                false => format!(" (it takes at least {})", assignment.at_least),
                            };
                            let taken = in_words(assignment.waves);
                            format!("assign {}: {taken} instead of {count}{fewer}; now {waves}", told(&moves))
                        }
                    }
                    None => {
                        let stuck: Vec<usize> = pieces
                            .iter()
                            .copied()
                            .filter(|piece| nowhere.binary_search(piece).is_ok())
                            .collect();
                        let moves = moves(&feasible);
                        let mut parts = Vec::new();
                        if !moves.is_empty() {
                            let waves: Option<Vec<u32>> = problem.waves(&feasible).into_iter().collect();
                            let waves = waves.and_then(|waves| waves.into_iter().max());
                            let waves = waves.map_or_else(String::new, |waves| {
                                format!(": then the plan takes {}", in_words(waves))
                            });
                            parts.push(format!("assign {}{waves}", told(&moves)));
                        }
                        if let Some(first) = stuck.first() {
                            parts.push(self.shortfall(server, units(&[*first])[0], &problem, *first));
                        }
                        parts.join("; ")
                    }
                };
                advice.insert(server, text);
            }
        }
        advice
    }

    /// Returns the pieces and servers as numbers, and for each piece the unit that it is.
    fn problem(&self) -> (Problem, Vec<At>) {
        let sound: Vec<bool> = self
            .places
            .iter()
            .map(|place| place.server.attached().is_some() && place.server.is_sound(self.model, self.now))
            .collect();
        // Most machines ask for the same, so each of these is worked out once.
        let mut kinds: IdMap<Needs<'m>, usize> = IdMap::default();
        let mut meeting: Vec<Vec<bool>> = Vec::new();
        let mut classes: IdMap<(Vec<usize>, usize), usize> = IdMap::default();
        let mut problem =
            Problem { rooms: self.places.iter().map(|place| place.room).collect(), ..Problem::default() };
        let mut at = Vec::new();
        for (server, place) in self.places.iter().enumerate() {
            for (number, unit) in place.demand.units.iter().enumerate() {
                let mut kind_of = |index: &usize| -> Option<usize> {
                    let needs = placement::needs(self.model.machine(*index)).ok()?;
                    Some(*kinds.entry(needs).or_insert_with_key(|needs| {
                        let meets = |place: &Place<'_>| place.server.meets(needs, self.model) == Ok(true);
                        meeting.push(self.places.iter().map(meets).collect());
                        meeting.len() - 1
                    }))
                };
                // Only a whole group can change its server, and of a group on several servers another rule speaks.
                let asked: Option<Vec<usize>> = if unit.is_whole(self.model) {
                    unit.machines.iter().map(&mut kind_of).collect()
                } else {
                    None
                };
                let movable = asked.is_some();
                let mut asked = asked.unwrap_or_default();
                asked.sort_unstable();
                asked.dedup();
                let class = *classes.entry((asked, server)).or_insert_with_key(|(asked, _)| {
                    let takes = |at: &usize| {
                        let suits = movable && sound[*at] && asked.iter().all(|kind| meeting[*kind][*at]);
                        suits || *at == server
                    };
                    problem.classes.push((0..self.places.len()).filter(takes).collect());
                    problem.classes.len() - 1
                });
                let machines = u32::try_from(unit.machines.len()).unwrap_or(u32::MAX);
                problem.pieces.push(Piece { disks: unit.disks, machines, server, fixed: unit.held, class });
                at.push((server, number));
            }
        }
        (problem, at)
    }
}

impl Unit<'_> {
    /// Returns whether the unit is a machine alone, or a replication group with all its members.
    fn is_whole(&self, model: &Model) -> bool {
        match self.machines.first().and_then(|index| model.machine(*index).group()) {
            Some(group) => group.members().count() == self.machines.len(),
            None => true,
        }
    }
}

fn in_words(waves: u32) -> String {
    if waves == 1 { "one wave".to_owned() } else { format!("{waves} waves") }
}

/// Returns the fact that is missing about a server whose room matters.
pub(crate) fn attached(server: Server<'_>) -> Fact<()> {
    let field = match server {
        Server::MasterTarget(_) => "master_targets.attached_disks",
        Server::Appliance(_) => "appliances.attached_disks",
    };
    match server.attached() {
        Some(_) => Ok(()),
        None => Err(Unknown::of(field, server.name().value.as_str())),
    }
}
