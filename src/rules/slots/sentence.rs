//! Waves and shortfalls of servers in words.

use std::collections::BTreeMap;

use crate::rules::SubjectKind;
use crate::rules::placement;
use crate::rules::slots::SLOTS;
use crate::rules::slots::Unit;
use crate::rules::slots::advice::Places;
use crate::rules::slots::advice::TOLD;
use crate::rules::slots::assign::Problem;
use crate::rules::slots::packing::Load;
use crate::rules::slots::packing::pack;
use crate::syntax::inventory::Experience;

/// Names that a sentence holds; the others are counted.
const NAMED: usize = 6;

impl<'m> Places<'m> {
    /// Returns the names of units for a sentence.
    pub(super) fn names(&self, units: &[&Unit<'m>]) -> String {
        let name = |unit: &&Unit<'m>| match (unit.group, unit.machines.as_slice()) {
            (Some(group), _) => format!("group {group}"),
            (None, [machine]) => self.model.machine(*machine).name().value.clone(),
            (None, machines) => format!("{} machines", machines.len()),
        };
        let shown: Vec<String> = units.iter().take(NAMED).map(name).collect();
        match (units.len().saturating_sub(NAMED), shown.split_last()) {
            (0, Some((last, [_, ..]))) => format!("{} and {last}", shown[..shown.len() - 1].join(", ")),
            (0, _) => shown.join(", "),
            (more, _) => format!("{} and {more} more", shown.join(", ")),
        }
    }

    /// Returns the waves of units that fit on a server, as a run makes them.
    pub(super) fn told_waves(&self, server: usize, units: &[&Unit<'m>]) -> String {
        let loads: Vec<Load> = units.iter().map(|unit| unit.load()).collect();
        let packing = pack(self.places[server].room, &loads).expect("each unit fits alone");
        let told = (0..packing.count().min(TOLD)).map(|wave| {
            let in_wave = units.iter().zip(&packing.wave_of).filter(|(_, of)| **of == wave);
            let units: Vec<&Unit<'m>> = in_wave.map(|(unit, _)| *unit).collect();
            let disks = units.iter().map(|unit| unit.disks).sum();
            format!("wave {} is {} ({})", wave + 1, self.names(&units), in_disks(disks))
        });
        let told = told.collect::<Vec<_>>().join(", ");
        if packing.count() > TOLD { format!("{told}, and so on") } else { told }
    }

    /// Returns how much is missing for a unit that fits on no server that could take it, and the ways out.
    pub(super) fn shortfall(
        &self,
        server: usize,
        unit: &Unit<'m>,
        problem: &Problem,
        piece: usize,
    ) -> String {
        let place = &self.places[server];
        let (name, disks, own) = (place.server.name(), unit.disks, place.own());
        let what = self.names(&[unit]);
        let missing = disks.saturating_sub(place.room);
        let widest = problem.classes[problem.pieces[piece].class]
            .iter()
            .map(|at| &self.places[*at])
            .max_by_key(|place| place.room);
        let room = match widest {
            Some(widest) if widest.room > place.room => format!(
                ", and {} with {} is the widest that could take it",
                widest.server.name(),
                widest.room
            ),
            Some(_) | None => String::new(),
        };
        let too_many = format!(
            "{} too many: {what} has {disks} and {name} takes {}{room}",
            in_disks(missing),
            place.room
        );
        let (one, kind) = match place.server.kind() {
            SubjectKind::Appliance => ("an", "appliance"),
            _ => ("a", "master target"),
        };
        let is_classic = self.model.experience() == Ok(Experience::Classic);
        let mut ways = Vec::new();
        if disks > SLOTS {
            ways.push(format!("no {kind} takes more than {SLOTS}"));
        }
        match (unit.group.is_some(), is_classic) {
            (true, true) => ways.push(
                "a group comes back through one master target, so spreading it is no way; it can be split only before it \
                 is protected"
                    .to_owned(),
            ),
            (true, false) => ways.push(self.spread(server, unit)),
            (false, _) => {}
        }
        if disks <= SLOTS {
            if own >= missing {
                ways.push(format!("free {missing} of the {own} slots that are taken on {name}"));
            }
            ways.push(format!("or add {one} {kind} with at most {} disks of its own", SLOTS - disks));
        }
        format!("{too_many}; {}", ways.join("; "))
    }

    /// Returns which members of a group should come back through other appliances, so that the others fit.
    fn spread(&self, server: usize, unit: &Unit<'m>) -> String {
        let mut members: Vec<(u32, usize)> = unit
            .machines
            .iter()
            .filter_map(|index| Some((super::disks(self.model.machine(*index)).ok()?, *index)))
            .collect();
        members.sort_by_key(|(disks, index)| (std::cmp::Reverse(*disks), *index));
        let mut rooms: Vec<u32> =
            self.places.iter().map(|place| place.room.saturating_sub(place.demand.disks)).collect();
        let mut left = unit.disks;
        let mut moves: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        // The members with the most disks leave first: so the fewest of them have to.
        for (disks, index) in members {
            if left <= self.places[server].room {
                break;
            }
            let machine = self.model.machine(index);
            let Ok(needs) = placement::needs(machine) else { continue };
            let to = (0..rooms.len()).find(|at| {
                let place = &self.places[*at];
                *at != server
                    && rooms[*at] >= disks
                    && place.server.attached().is_some()
                    && place.server.meets(&needs, self.model) == Ok(true)
                    && place.server.is_sound(self.model, self.now)
            });
            if let Some(to) = to {
                rooms[to] -= disks;
                left -= disks;
                moves.entry(to).or_default().push(&machine.name().value);
            }
        }
        if left > self.places[server].room {
            return "the other appliances have no room for enough of its members".to_owned();
        }
        let to = moves
            .iter()
            .map(|(to, names)| format!("{} to {}", names.join(", "), self.places[*to].server.name()));
        format!("assign {}", to.collect::<Vec<_>>().join(", and "))
    }
}

fn in_disks(disks: u32) -> String {
    if disks == 1 { "1 disk".to_owned() } else { format!("{disks} disks") }
}
