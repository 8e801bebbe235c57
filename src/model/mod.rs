//! A plan and the facts, resolved: every name bound, defaults merged, the location mode derived.

pub mod age;
mod assigned;
pub mod digest;
pub mod drift;
pub mod fact;
pub mod fact_source;
mod infrastructure;
pub mod judged;
mod machine;
pub mod order;
mod other_plan;
pub mod overlay;
mod point;
mod reference;
pub mod release;
mod resolve;
pub mod restrict;
mod returning;
mod revision;
pub mod settings;
pub mod version;

pub use fact::Fact;
pub use fact::Known;
pub use fact::Unknown;
pub use infrastructure::Appliance;
pub use infrastructure::MasterTarget;
pub use infrastructure::access;
pub use infrastructure::hypervisor;
pub use machine::LocationMode;
pub use machine::Machine;
pub use other_plan::OtherPlan;
pub use point::PointChoice;
pub use reference::Kind as ReferenceKind;
pub use reference::Unresolved;
pub use resolve::resolve;
pub use returning::ReturningDisks;
pub use revision::Revision;

use jiff::Timestamp;

use crate::id::IdMap;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Machine as MachineFacts;
use crate::syntax::plan::Baseline;
use crate::syntax::plan::Machine as PlanMachine;
use crate::syntax::plan::RecoveryPlan;

/// A machine of the plan, bound.
#[derive(Debug)]
pub struct BoundMachine {
    /// Its name, where the plan first says it.
    pub name: Spanned<String>,
    /// What the plan says about it, defaults merged.
    pub settings: settings::Settings,
    /// Index in the plan's `machines`, if it is listed there.
    pub(crate) listed: Option<usize>,
    /// Index of its facts in the inventory.
    pub(crate) facts: Option<usize>,
    /// Where the inventory had its appliances when it was bound, on its way home and on that to Azure: they are looked for there
    /// first.
    pub(crate) appliances: [Option<usize>; 2],
    /// Index of its replication group in [`Model::groups`].
    pub group: Option<usize>,
    /// Index of its boot group in the plan, its own or its replication group's; the first, if it is in several.
    pub boot_group: Option<usize>,
    /// How often its facts were replaced alone.
    pub(crate) revision: u64,
}

/// A replication group of the plan, bound.
#[derive(Debug)]
pub struct BoundGroup {
    /// Its name.
    pub name: Spanned<String>,
    /// Index in the plan's `replication_groups`.
    pub(crate) listed: usize,
    /// Indexes of its machines in [`Model::machines`], in the plan's order.
    pub members: Vec<usize>,
    /// Index of its fact in the inventory's `replication_groups`.
    pub(crate) facts: Option<usize>,
}

/// A plan and the facts it is checked against and run on.
#[derive(Debug)]
pub struct Model {
    /// The plan as it is written.
    pub plan: RecoveryPlan,
    /// The facts; an empty document if there are none.
    pub inventory: Inventory,
    /// The plan's machines: those of the replication groups first, then those listed alone.
    pub(crate) machines: Vec<BoundMachine>,
    /// The plan's replication groups.
    pub(crate) groups: Vec<BoundGroup>,
    /// Names that nothing in the inventory or the plan has.
    pub unresolved: Vec<Unresolved>,
    pub(crate) index: Index,
    /// Datastore of each machine's master target or appliance when the machine was reprotected.
    pub(crate) placements: IdMap<usize, String>,
    /// Other plans of the workspace, as far as they are known.
    pub(crate) other_plans: Vec<OtherPlan>,
    /// Whether the facts were observed just now, so that what they leave open was looked for and not found.
    pub is_live: bool,
    /// How often facts were replaced that are not about one machine alone.
    pub(crate) revision: u64,
}

/// What was seen of a server of a kind that changes while machines come home.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the variants are the words of the glossary")]
pub enum Server<'s> {
    Host(&'s crate::syntax::inventory::Host),
    Datastore(&'s crate::syntax::inventory::Datastore),
    MasterTarget(&'s crate::syntax::inventory::MasterTarget),
    Appliance(&'s crate::syntax::inventory::Appliance),
}

/// Where each name of the inventory stands.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub machines: IdMap<String, usize>,
    pub hosts: IdMap<String, usize>,
    pub datastores: IdMap<String, usize>,
    pub master_targets: IdMap<String, usize>,
    pub process_servers: IdMap<String, usize>,
    pub appliances: IdMap<String, usize>,
    pub vcenters: IdMap<String, usize>,
    /// Machines of the plan.
    pub planned: IdMap<String, usize>,
    /// Replication groups of the plan.
    pub groups: IdMap<String, usize>,
    /// Machines of the plan that come back through a master target, an appliance, a process server, to a datastore.
    pub through_master_target: IdMap<String, Vec<usize>>,
    pub through_appliance: IdMap<String, Vec<usize>>,
    pub through_process_server: IdMap<String, Vec<usize>>,
    pub to_datastore: IdMap<String, Vec<usize>>,
}

/// A replication group of the plan, with the facts at hand.
#[derive(Clone, Copy, Debug)]
pub struct Group<'m> {
    /// The plan and facts it is part of.
    pub model: &'m Model,
    index: usize,
}

impl Model {
    /// Returns the machines of the plan.
    pub fn machines(&self) -> impl ExactSizeIterator<Item = Machine<'_>> {
        (0..self.machines.len()).map(|index| Machine::new(self, index))
    }

    /// Returns machine `index` of the plan.
    ///
    /// # Panics
    ///
    /// If the plan has no such machine.
    #[must_use]
    pub fn machine(&self, index: usize) -> Machine<'_> {
        assert!(index < self.machines.len(), "a machine's index comes from this model");
        Machine::new(self, index)
    }

    /// Returns the machine of the plan that has this name.
    #[must_use]
    pub fn machine_named(&self, name: &str) -> Option<Machine<'_>> {
        self.index.planned.get(name).map(|index| Machine::new(self, *index))
    }

    /// Returns the replication groups of the plan.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Group<'_>> {
        (0..self.groups.len()).map(|index| Group { model: self, index })
    }

    /// Returns replication group `index` of the plan; `None` if the plan has no such group.
    #[must_use]
    pub fn group(&self, index: usize) -> Option<Group<'_>> {
        (index < self.groups.len()).then_some(Group { model: self, index })
    }

    /// Returns the replication group of the plan that has this name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<Group<'_>> {
        self.index.groups.get(name).map(|index| Group { model: self, index: *index })
    }

    /// Returns the architecture of the vault.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn experience(&self) -> Fact<Experience> {
        let vault = self.inventory.vault.as_ref().ok_or_else(|| Unknown::of("vault.experience", "vault"))?;
        Ok(vault.experience.fact_of("vault.experience", "vault")?.value)
    }

    /// Returns the state of the documentation that the rules follow.
    #[must_use]
    pub fn baseline(&self) -> Baseline {
        self.plan.baseline.map_or(Baseline::Seed2017, |baseline| baseline.value)
    }

    /// Returns when the facts were observed, at which their ages are measured.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory does not say.
    pub fn observed_at(&self) -> Fact<Timestamp> {
        Ok(self.inventory.observed_at.fact_of("observed_at", "inventory")?.value)
    }

    /// Puts fresh facts in the place of those about the same machines and servers.
    ///
    /// What `fresh` leaves out stays as it was; its sections of servers replace the old ones whole.
    pub fn observe(&mut self, fresh: Inventory) {
        resolve::replace_facts(self, fresh, false);
    }

    /// Puts fresh facts in the place of those about the same machines and servers; servers that `fresh` leaves out stay.
    pub fn observe_changes(&mut self, fresh: Inventory) {
        resolve::replace_facts(self, fresh, true);
    }

    /// Puts fresh facts about one server in the place of those about the same one.
    pub fn observe_server(&mut self, server: Server<'_>) {
        self.revise();
        let (known, index) = (&mut self.inventory, &mut self.index);
        match server {
            Server::Host(host) => {
                resolve::replace_one(&mut known.hosts, &mut index.hosts, &host.name.value, host);
            }
            Server::Datastore(datastore) => {
                let name = &datastore.name.value;
                resolve::replace_one(&mut known.datastores, &mut index.datastores, name, datastore);
            }
            Server::MasterTarget(server) => {
                let name = &server.name.value;
                resolve::replace_one(&mut known.master_targets, &mut index.master_targets, name, server);
            }
            Server::Appliance(server) => {
                let name = &server.name.value;
                resolve::replace_one(&mut known.appliances, &mut index.appliances, name, server);
            }
        }
    }

    /// Remembers the datastore that a machine's master target or appliance stood on when the machine was reprotected.
    /// A machine that the plan does not have is ignored.
    pub fn remember_placement(&mut self, machine: &str, datastore: &str) {
        if let Some(index) = self.index.planned.get(machine).copied() {
            self.revise_machine(index);
            self.placements.insert(index, datastore.to_owned());
        }
    }

    /// Puts fresh facts about machines in the place of those about the same machines; everything else stays.
    pub fn observe_machines(&mut self, fresh: Inventory) {
        let machines = fresh.machines;
        resolve::replace_facts(self, Inventory { machines, ..Inventory::unknown(&fresh.name.value) }, true);
    }
}

impl<'m> Group<'m> {
    /// Returns the group's name, where the plan says it.
    #[must_use]
    pub fn name(self) -> &'m Spanned<String> {
        &self.model.groups[self.index].name
    }

    /// Returns the group's index in the model.
    #[must_use]
    pub const fn index(self) -> usize {
        self.index
    }

    /// Returns what the plan says about the group.
    #[must_use]
    pub fn plan(self) -> &'m crate::syntax::plan::ReplicationGroup {
        &self.model.plan.replication_groups[self.model.groups[self.index].listed]
    }

    /// Returns the members that the plan names, in its order.
    pub fn members(self) -> impl Iterator<Item = Machine<'m>> {
        let model = self.model;
        model.groups[self.index].members.iter().map(move |index| Machine::new(model, *index))
    }

    /// Returns the group as Site Recovery has it.
    ///
    /// # Errors
    ///
    /// [`Unknown`] if the inventory has no group of this name.
    pub fn facts(self) -> Fact<&'m crate::syntax::inventory::ReplicationGroup> {
        let groups = self.model.inventory.replication_groups.as_ref();
        self.model.groups[self.index]
            .facts
            .and_then(|index| groups?.get(index))
            .ok_or(Unknown::new("replication_groups"))
    }

    /// Returns the kind of recovery point that the group goes to, where it is written.
    #[must_use]
    pub fn recovery_point(self) -> Spanned<&'m str> {
        self.members().next().map_or(Spanned::bare("latest"), |member| {
            let point = &member.settings().recovery_point;
            Spanned::new(point.value.as_str(), point.span)
        })
    }
}

impl Model {
    pub(crate) fn facts(&self, index: usize) -> Option<&MachineFacts> {
        self.machines[index].facts.and_then(|facts| self.inventory.machines.as_ref()?.get(facts))
    }

    /// Returns the facts about machine `index` of the plan, to be brought up to date in place.
    pub fn facts_mut(&mut self, index: usize) -> Option<&mut MachineFacts> {
        self.revise_machine(index);
        let facts = self.machines[index].facts?;
        self.inventory.machines.as_mut()?.get_mut(facts)
    }

    pub(crate) fn listed(&self, index: usize) -> Option<&PlanMachine> {
        self.machines[index].listed.map(|listed| &self.plan.machines[listed].0)
    }

    /// Returns the span of the plan's name: where findings about the whole plan point.
    #[must_use]
    pub fn plan_span(&self) -> Span {
        self.plan.name.span
    }
}
