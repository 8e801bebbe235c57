//! Names that are looked up, and those that nothing has.

use std::collections::HashSet;

use crate::diagnostic::did_you_mean;
use crate::model::Model;
use crate::source::Spanned;
use crate::syntax::action::Hook;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A machine.
    Machine,
    /// A replication group.
    ReplicationGroup,
    /// A machine or a replication group.
    Member,
    /// A phase's subject: a machine, a replication group or a boot group.
    HookSubject,
    /// An action of the plan.
    Action,
    /// A master target.
    MasterTarget,
    /// A process server.
    ProcessServer,
    /// A datastore.
    Datastore,
    /// A host.
    Host,
    /// A vCenter.
    Vcenter,
    /// An appliance.
    Appliance,
    /// A storage account.
    StorageAccount,
    /// An Automation account.
    AutomationAccount,
}

impl Kind {
    /// Returns the words of a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::ReplicationGroup => "replication group",
            Self::Member => "machine or replication group",
            Self::HookSubject => "machine, replication group or boot group",
            Self::Action => "action",
            Self::MasterTarget => "master target",
            Self::ProcessServer => "process server",
            Self::Datastore => "datastore",
            Self::Host => "host",
            Self::Vcenter => "vCenter",
            Self::Appliance => "appliance",
            Self::StorageAccount => "storage account",
            Self::AutomationAccount => "Automation account",
        }
    }

    /// Returns the inventory's key for such things; `None` for things of the plan.
    #[must_use]
    pub const fn inventory_key(self) -> Option<&'static str> {
        match self {
            Self::Machine => Some("machines"),
            Self::ReplicationGroup => Some("replication_groups"),
            Self::Member | Self::HookSubject | Self::Action => None,
            Self::MasterTarget => Some("master_targets"),
            Self::ProcessServer => Some("process_servers"),
            Self::Datastore => Some("datastores"),
            Self::Host => Some("hosts"),
            Self::Vcenter => Some("vcenters"),
            Self::Appliance => Some("appliances"),
            Self::StorageAccount => Some("storage_accounts"),
            Self::AutomationAccount => Some("automation_accounts"),
        }
    }
}

/// A name that nothing has.
#[derive(Clone, Debug, PartialEq)]
pub struct Unresolved {
    /// What it should stand for.
    pub kind: Kind,
    /// The name, where it is written.
    pub name: Spanned<String>,
    /// Whether the inventory has a list of such things at all: if not, the name is not wrong but unknown.
    pub known: bool,
    /// The nearest name that there is.
    pub near: Option<String>,
}

/// The names that things of each kind have.
struct Names<'m> {
    machines: Option<HashSet<&'m str>>,
    planned: HashSet<&'m str>,
    groups: HashSet<&'m str>,
    boot_groups: HashSet<&'m str>,
    actions: HashSet<&'m str>,
    group_facts: Option<HashSet<&'m str>>,
    master_targets: Option<HashSet<&'m str>>,
    process_servers: Option<HashSet<&'m str>>,
    datastores: Option<HashSet<&'m str>>,
    hosts: Option<HashSet<&'m str>>,
    vcenters: Option<HashSet<&'m str>>,
    appliances: Option<HashSet<&'m str>>,
    storage_accounts: Option<HashSet<&'m str>>,
    automation_accounts: Option<HashSet<&'m str>>,
}

fn names<'m, T>(list: Option<&'m Vec<T>>, name: impl Fn(&'m T) -> &'m str) -> Option<HashSet<&'m str>> {
    list.map(|list| list.iter().map(name).collect())
}

/// Returns the names of the plan that nothing has, each where it is written, once a place.
pub(crate) fn unresolved(model: &Model) -> Vec<Unresolved> {
    let (plan, facts) = (&model.plan, &model.inventory);
    let all = Names {
        machines: names(facts.machines.as_ref(), |machine| &machine.name),
        planned: model.machines.iter().map(|machine| machine.name.value.as_str()).collect(),
        groups: plan.replication_groups.iter().map(|group| group.name.value.as_str()).collect(),
        boot_groups: plan.boot_groups.iter().map(|group| group.name.value.as_str()).collect(),
        actions: plan.actions.iter().map(|action| action.name.value.as_str()).collect(),
        group_facts: names(facts.replication_groups.as_ref(), |group| &group.name),
        master_targets: names(facts.master_targets.as_ref(), |server| &server.name),
        process_servers: names(facts.process_servers.as_ref(), |server| &server.name),
        datastores: names(facts.datastores.as_ref(), |datastore| &datastore.name),
        hosts: names(facts.hosts.as_ref(), |host| &host.name),
        vcenters: names(facts.vcenters.as_ref(), |vcenter| &vcenter.id),
        appliances: names(facts.appliances.as_ref(), |appliance| &appliance.name),
        storage_accounts: names(facts.storage_accounts.as_ref(), |account| account),
        automation_accounts: names(facts.automation_accounts.as_ref(), |account| &account.name),
    };
    let mut search = Search { all: &all, seen: HashSet::new(), found: Vec::new() };
    for machine in &model.machines {
        search.look(Kind::Machine, &machine.name);
    }
    for group in &plan.replication_groups {
        search.look(Kind::ReplicationGroup, &group.name);
        search.look_all(Kind::Member, &group.depends_on);
        search.look_each(Kind::Action, group.quiesce.as_ref());
    }
    for machine in &plan.machines {
        search.look_all(Kind::Member, &machine.0.depends_on);
    }
    for machine in &model.machines {
        let failback = &machine.settings.failback;
        search.look_each(Kind::MasterTarget, failback.master_target.as_ref());
        search.look_each(Kind::ProcessServer, failback.process_server.as_ref());
        search.look_each(Kind::Datastore, failback.datastore.as_ref());
        search.look_each(Kind::Host, failback.host.as_ref());
        search.look_each(Kind::Vcenter, failback.vcenter.as_ref());
        search.look_each(Kind::Appliance, failback.appliance.as_ref());
        search.look_each(Kind::StorageAccount, failback.log_storage_account.as_ref());
        if let Some(forward) = &machine.settings.forward {
            search.look_each(Kind::ProcessServer, forward.process_server.as_ref());
            search.look_each(Kind::Appliance, forward.appliance.as_ref());
            search.look_each(Kind::StorageAccount, forward.cache_storage_account.as_ref());
            search.look_each(Kind::MasterTarget, forward.master_target.as_ref());
        }
    }
    for group in &plan.boot_groups {
        search.look_all(Kind::Member, &group.members);
    }
    for action in &plan.actions {
        for hook in [&action.before, &action.after].into_iter().flatten() {
            let Hook { of, .. } = hook;
            search.look_each(Kind::HookSubject, of.as_ref());
        }
        search.look_each(
            Kind::AutomationAccount,
            action.runbook.as_ref().map(|runbook| &runbook.automation_account),
        );
    }
    for drill in &plan.drills {
        search.look_all(Kind::Member, &drill.machines);
    }
    search.found
}

struct Search<'n, 'm> {
    all: &'n Names<'m>,
    /// Places already looked at: a default is written once and used by many machines.
    seen: HashSet<(Kind, u32)>,
    found: Vec<Unresolved>,
}

impl Search<'_, '_> {
    fn look_all(&mut self, kind: Kind, names: &[Spanned<String>]) {
        for name in names {
            self.look(kind, name);
        }
    }

    fn look_each(&mut self, kind: Kind, name: Option<&Spanned<String>>) {
        if let Some(name) = name {
            self.look(kind, name);
        }
    }

    fn look(&mut self, kind: Kind, name: &Spanned<String>) {
        if !name.span.is_none() && !self.seen.insert((kind, name.span.start)) {
            return;
        }
        let all = self.all;
        let sets: Vec<Option<&HashSet<&str>>> = match kind {
            Kind::Machine => vec![all.machines.as_ref()],
            Kind::ReplicationGroup => vec![all.group_facts.as_ref()],
            Kind::Member => vec![Some(&all.planned), Some(&all.groups)],
            Kind::HookSubject => vec![Some(&all.planned), Some(&all.groups), Some(&all.boot_groups)],
            Kind::Action => vec![Some(&all.actions)],
            Kind::MasterTarget => vec![all.master_targets.as_ref()],
            Kind::ProcessServer => vec![all.process_servers.as_ref()],
            Kind::Datastore => vec![all.datastores.as_ref()],
            Kind::Host => vec![all.hosts.as_ref()],
            Kind::Vcenter => vec![all.vcenters.as_ref()],
            Kind::Appliance => vec![all.appliances.as_ref()],
            Kind::StorageAccount => vec![all.storage_accounts.as_ref()],
            Kind::AutomationAccount => vec![all.automation_accounts.as_ref()],
        };
        if sets.iter().flatten().any(|set| set.contains(name.value.as_str())) {
            return;
        }
        let known = sets.iter().all(Option::is_some);
        // Comparing with every name of a large inventory is worth it only for a few mistakes.
        let near = if self.found.len() < 20 {
            let mut words: Vec<&str> = sets.iter().flatten().flat_map(|set| set.iter().copied()).collect();
            words.sort_unstable();
            did_you_mean(&name.value, words)
        } else {
            None
        };
        self.found.push(Unresolved { kind, name: name.clone(), known, near });
    }
}
