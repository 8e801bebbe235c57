//! The servers that machines can come back through, and what speaks against each.

use jiff::Timestamp;

use crate::model::Fact;
use crate::model::Model;
use crate::rules::placement;
use crate::rules::placement::Server;
use crate::rules::slots::SLOTS;
use crate::rules::slots::demand_of;

/// The servers that there are.
pub(super) struct Site<'m> {
    /// In the order of the inventory.
    pub(super) servers: Vec<Server<'m>>,
    /// How many disks of machines of the plan each takes at a time.
    pub(super) rooms: Vec<u32>,
    /// Whether nothing speaks against the server itself.
    pub(super) sound: Vec<bool>,
}

impl<'m> Site<'m> {
    /// Returns the servers of a plan; what speaks against them is looked at later, once something is wrong.
    pub(super) fn of(model: &'m Model) -> Fact<Self> {
        Ok(Self { servers: placement::servers(model)?, rooms: Vec::new(), sound: Vec::new() })
    }

    /// Looks at the servers, unless that was done.
    pub(super) fn look(&mut self, model: &Model, now: Timestamp) {
        if !self.rooms.is_empty() {
            return;
        }
        let room = |server: &Server<'_>| {
            server.attached().map_or(SLOTS, |attached| demand_of(*server).room(attached.value))
        };
        self.rooms = self.servers.iter().map(room).collect();
        self.sound = self
            .servers
            .iter()
            .map(|server| server.attached().is_some() && server.is_sound(model, now))
            .collect();
    }

    /// Returns the places of all servers.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        0..self.servers.len()
    }
}
