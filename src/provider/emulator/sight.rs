//! What can be seen of the emulated world.

use jiff::Timestamp;

use crate::id::MachineName;
use crate::model::Model;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::Stage;
use crate::provider::emulator::shown::Seen;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::error::ProviderError;
use crate::provider::observation::Observation;
use crate::provider::observation::ReachedPoint;
use crate::provider::observation::Replication;
use crate::source::Spanned;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Health;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;

impl World {
    /// Returns the facts about `machines` and about everything that serves machines. Machines that the world does not
    /// know are left out; of the replication groups, those with one of the machines are shown.
    ///
    /// # Errors
    ///
    /// What a fault of the scenario makes of the call.
    pub fn observe(
        &mut self,
        now: Timestamp,
        machines: &[MachineName],
    ) -> Result<Observation, ProviderError> {
        self.observe_since(now, machines, None)
    }

    /// Returns the facts about `machines` and about those servers that changed since the mark of an earlier observation.
    ///
    /// # Errors
    ///
    /// What a fault of the scenario makes of the call.
    pub fn observe_since(
        &mut self,
        now: Timestamp,
        machines: &[MachineName],
        mark: Option<u64>,
    ) -> Result<Observation, ProviderError> {
        self.advance(now);
        self.outage()?;
        let (mut facts, changes) = self.servers_since(mark);
        facts.machines = Some(machines.iter().filter_map(|name| self.facts_of(name)).collect());
        facts.replication_groups = self.site.groups_of(machines);
        let items = machines.iter().filter_map(|name| self.item_of(name)).collect();
        Ok(Observation { at: self.now, facts, items, mark: Some(self.site.mark()), changes })
    }

    /// Returns the place of a machine, by which it is looked at without a search.
    #[must_use]
    pub fn place_of(&self, machine: &MachineName) -> Option<usize> {
        self.index.get(machine).copied()
    }

    /// Goes on to `now`, at which somebody looks.
    ///
    /// # Errors
    ///
    /// What a fault of the scenario makes of the call.
    pub fn look(&mut self, now: Timestamp) -> Result<(), ProviderError> {
        self.advance(now);
        self.outage()
    }

    /// Returns whether facts about a machine, as `seen` earlier, are those of the present moment.
    ///
    /// # Panics
    ///
    /// If no machine has this place.
    #[must_use]
    pub fn is_as_seen(&self, place: usize, seen: &Seen) -> bool {
        self.items[place].is_as_seen(self.now, seen)
    }

    /// Brings facts about a machine, as `seen` earlier, to the present moment.
    ///
    /// # Panics
    ///
    /// If no machine has this place.
    pub fn refresh(&self, place: usize, seen: &mut Seen, facts: &mut Machine) {
        self.items[place].refresh(self.now, seen, facts);
    }

    /// Returns what the service says about a machine at the moment that was looked at last.
    ///
    /// # Panics
    ///
    /// If no machine has this place.
    #[must_use]
    pub fn shown_at(&self, place: usize) -> crate::provider::observation::Item {
        self.shown(&self.items[place])
    }

    /// Returns the point that a machine came home to, as the service says it.
    ///
    /// # Panics
    ///
    /// If no machine has this place.
    #[must_use]
    pub fn reached_at(&self, place: usize) -> Option<&ReachedPoint> {
        self.items[place].reached.as_ref()
    }

    /// Returns the mark of the servers as they are.
    #[must_use]
    pub const fn mark(&self) -> u64 {
        self.site.mark()
    }

    /// Returns the facts about servers that changed since a mark, and whether they leave out the others.
    #[must_use]
    fn servers_since(&self, mark: Option<u64>) -> (Inventory, bool) {
        let (mut facts, changes) = match mark.and_then(|mark| self.site.facts_since(mark)) {
            Some(facts) => (facts, true),
            None => (self.site.facts_without_groups(), false),
        };
        self.freshen(&mut facts);
        (facts, changes)
    }

    /// Brings facts about servers, as they were at a mark, to the present moment.
    pub fn refresh_servers(&self, mark: Option<u64>, model: &mut Model) {
        // Most looks find the servers as they were.
        if mark != Some(self.site.mark()) {
            match mark.and_then(|mark| self.site.changed_since(mark)) {
                Some(changed) => changed.for_each(|server| model.observe_server(server)),
                None => model.observe(self.site.facts_without_groups()),
            }
        }
        self.freshen(&mut model.inventory);
    }

    /// Returns what the service says about one machine.
    ///
    /// # Errors
    ///
    /// [`ProviderError::NotFound`] if there is no such machine, or what a fault of the scenario makes of the call.
    pub fn item(
        &mut self,
        now: Timestamp,
        machine: &MachineName,
    ) -> Result<crate::provider::observation::Item, ProviderError> {
        self.advance(now);
        self.outage()?;
        self.item_of(machine).ok_or_else(|| ProviderError::NotFound { what: format!("machine {machine}") })
    }

    /// Returns the facts about one machine.
    ///
    /// # Errors
    ///
    /// [`ProviderError::NotFound`] if there is no such machine, or what a fault of the scenario makes of the call.
    pub fn machine_facts(&mut self, now: Timestamp, machine: &MachineName) -> Result<Machine, ProviderError> {
        self.advance(now);
        self.outage()?;
        self.facts_of(machine).ok_or_else(|| ProviderError::NotFound { what: format!("machine {machine}") })
    }

    /// Returns the facts about everything that serves machines, without machines.
    ///
    /// # Errors
    ///
    /// What a fault of the scenario makes of the call.
    pub fn infrastructure(&mut self, now: Timestamp) -> Result<Inventory, ProviderError> {
        self.advance(now);
        self.outage()?;
        Ok(self.site_facts())
    }

    fn site_facts(&self) -> Inventory {
        let mut facts = self.site.facts().clone();
        self.freshen(&mut facts);
        facts
    }

    /// Brings facts of the site to the present moment.
    pub fn freshen(&self, facts: &mut Inventory) {
        facts.observed_at = Some(Spanned::bare(self.now));
        for server in facts.process_servers.iter_mut().flatten() {
            // A process server that works is heard from all the time.
            let lost = server.health.as_deref() == Some(&Health::Critical) || self.site.is_silent(server);
            if server.heartbeat_at.is_some() && !lost {
                server.heartbeat_at = Some(Spanned::bare(self.now));
            }
        }
    }

    fn facts_of(&self, machine: &MachineName) -> Option<Machine> {
        let item = &self.items[*self.index.get(machine)?];
        Some(item.facts_at(self.now))
    }

    fn item_of(&self, machine: &MachineName) -> Option<crate::provider::observation::Item> {
        Some(self.shown(&self.items[*self.index.get(machine)?]))
    }

    fn shown(&self, item: &Item) -> crate::provider::observation::Item {
        let running = item.running.and_then(|job| self.jobs.get(job)).map(|job| job.id.clone());
        let mut shown = item.shown(self.site.classic, running);
        shown.replication = self.replication(item);
        shown
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a progress figure"
    )]
    pub(super) fn replication(&self, item: &Item) -> Option<Replication> {
        match item.stage {
            Stage::Idle => None,
            Stage::Transfers { mark, bytes } => {
                let link =
                    if item.settled == State::ReprotectingToAzure { &self.to_azure } else { &self.to_onprem };
                let left = link.left(self.now, mark);
                let seconds = (left / link.rate()).ceil().min(4e9) as i64;
                let done = if bytes == 0 { 1.0 } else { 1.0 - (left / bytes as f64).min(1.0) };
                let expected_end = Some(after(self.now, seconds + self.first_point_takes(item)));
                Some(Replication { done, bytes_left: left as u64, expected_end })
            }
            Stage::WaitsForPoint { until } => {
                Some(Replication { done: 1.0, bytes_left: 0, expected_end: Some(until) })
            }
        }
    }
}
