//! An observation: what Azure and the site tell of some machines and of everything that serves them, put together.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock as _;
use crate::id::MachineName;
use crate::model::overlay;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::onprem::OnpremFacts;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::NO_PANIC;
use crate::provider::azure::site::azure_vm::Vms;
use crate::provider::azure::site::directory::Directory;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::infrastructure::Accounts;
use crate::provider::azure::site::infrastructure::Servers;
use crate::provider::azure::site::look::Seen;
use crate::provider::azure::site::machine;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::read::Protectables;
use crate::provider::azure::site::read::before;
use crate::provider::azure::site::servers;
use crate::provider::observation::Freshness;
use crate::provider::observation::Observation;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::ReplicationGroup;
use crate::syntax::nullable::Nullable;

/// How long servers are good for where something is decided: the service itself does not hear from them more often.
const SERVERS_GUARD: SignedDuration = SignedDuration::from_secs(60);
/// How long servers are good for where a step only waits.
const SERVERS_GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long accounts are good for: they hardly change.
const ACCOUNTS_GOOD_FOR: SignedDuration = SignedDuration::from_mins(30);
/// How long the list of machines that can be protected is good for where a step only waits.
const PROTECTABLES_GOOD_FOR: SignedDuration = SignedDuration::from_secs(60);

/// The servers as they were last told of.
#[derive(Debug, Default)]
pub(super) struct Marked {
    number: u64,
    pub(super) facts: Option<Inventory>,
}

impl AzureView {
    /// Looks at the vault and the site.
    pub(in crate::provider::azure) async fn look(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, AzureError> {
        self.settle_clock().await?;
        let pace = self.reader.pace();
        let asked_at = pace.now();
        let fresh = if freshness == Freshness::Lately { 0 } else { machines.len() };
        let asking = self.shared.demand.ask(fresh);
        if fresh > 0 {
            // What is decided in the same moment asks first, so that it is known how many ask.
            tokio::task::yield_now().await;
        }
        let one_by_one = freshness == Freshness::Lately && self.do_few_wait(machines, asked_at).await;
        let directory = match freshness {
            Freshness::Now => self.directory_with(machines).await?,
            Freshness::Listed => self.directory_listed(machines, asked_at, &asking).await?,
            Freshness::Lately if one_by_one => self.directory_with(machines).await?,
            Freshness::Lately => self.directory_lately(machines, asked_at).await?,
        };
        let entries: Vec<&Entry> =
            machines.iter().filter_map(|machine| directory.value.entry(machine.as_str())).collect();
        let servers_since = match freshness {
            Freshness::Now | Freshness::Listed => before(asked_at, SERVERS_GUARD),
            Freshness::Lately => before(asked_at, SERVERS_GOOD_FOR),
        };
        let servers = async {
            let servers = self.servers(servers_since).await?;
            let accounts = self.accounts(&servers.value, before(asked_at, ACCOUNTS_GOOD_FOR)).await?;
            Ok::<_, AzureError>((servers, accounts))
        };
        let protectables_since = before(asked_at, PROTECTABLES_GOOD_FOR);
        let (servers, items, protectables, onprem) = tokio::join!(
            servers,
            self.read_items(&entries, directory.began, freshness, asked_at, one_by_one),
            self.protectables(&entries, protectables_since),
            self.at_site(machines, freshness),
        );
        let ((servers, accounts), protectables, onprem) = (servers?, protectables?, onprem?);
        // What is gone is still in a list that was read before.
        let directory = if items? { directory.clone() } else { self.directory_after(&directory).await? };
        let entries: Vec<&Entry> =
            machines.iter().filter_map(|machine| directory.value.entry(machine.as_str())).collect();
        let vms = self.azure_vms(&entries, freshness, asked_at, &asking).await?;
        let around = Whole { directory: &directory, servers, accounts, protectables, onprem, vms };
        Ok(self.put_together(machines, mark, freshness, asked_at, &around))
    }

    fn put_together(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
        asked_at: Timestamp,
        around: &Whole<'_>,
    ) -> Observation {
        let at = match freshness {
            Freshness::Now | Freshness::Listed => asked_at,
            Freshness::Lately => self.known_since(machines, around.directory.began),
        };
        let base = &self.surroundings.base;
        let number = self.mark_servers(around);
        let mut facts = Inventory::unknown(&base.name.value);
        let changes = mark == Some(number);
        if !changes && let Some(servers) = &self.shared.marked.lock().expect(NO_PANIC).facts {
            facts.clone_from(servers);
        }
        facts.observed_at = known(at);
        let mut told = Inventory::unknown(&base.name.value);
        let mut items = Vec::new();
        let mut seen = Vec::new();
        for machine in machines {
            let Some(entry) = around.directory.value.entry(machine.as_str()) else {
                seen.extend(self.absent(machine, &around.directory.value));
                continue;
            };
            let (facts, item) = self.tell(machine, entry, asked_at, around);
            seen.push(facts);
            items.push(item);
        }
        told.machines = Some(seen);
        let mut of_base = Inventory::unknown(&base.name.value);
        of_base.machines = Some(
            machines.iter().filter_map(|machine| self.base_machine(machine.as_str()).cloned()).collect(),
        );
        overlay::keep_what_a_person_knows(&mut told, &of_base);
        facts.machines = told.machines;
        facts.replication_groups = Some(groups(machines, &around.directory.value));
        Observation { at, facts, items, mark: Some(number), changes }
    }

    /// Returns the moment as of which everything is known of these machines: that of the list, or of the readings one by one since.
    fn known_since(&self, machines: &[MachineName], listed: Timestamp) -> Timestamp {
        let read = |machine: &MachineName| {
            self.whole(machine.as_str()).map_or(listed, |full| full.began.max(listed))
        };
        machines.iter().map(read).min().unwrap_or(listed)
    }

    /// Puts the facts about servers together, and returns the mark of what they are.
    fn mark_servers(&self, around: &Whole<'_>) -> u64 {
        let base = &self.surroundings.base;
        let seen = servers::Seen {
            vault: &self.vault,
            servers: &around.servers.value,
            accounts: &around.accounts.value,
            machines: around.vms.listed.as_deref(),
        };
        let mut facts = servers::facts(&base.name.value, seen);
        if let Some(onprem) = &around.onprem {
            overlay::fill(
                &mut facts,
                &Inventory { machines: None, observed_at: None, ..onprem.facts.clone() },
            );
        }
        servers::mark_discovered(&mut facts, &around.servers.value, &around.accounts.value);
        let bare = Inventory { machines: None, replication_groups: None, ..self.bare_base() };
        overlay::keep_what_a_person_knows(&mut facts, &bare);
        facts.observed_at = None;
        let mut marked = self.shared.marked.lock().expect(NO_PANIC);
        // Where the virtual machines were not listed, what the list told of servers still holds.
        if around.vms.listed.is_none()
            && let Some(before) = &marked.facts
        {
            keep_places(&mut facts, before);
        }
        if marked.facts.as_ref() != Some(&facts) {
            marked.number += 1;
            marked.facts = Some(facts);
        }
        marked.number
    }

    fn bare_base(&self) -> Inventory {
        let base = &self.surroundings.base;
        Inventory {
            vault: base.vault.clone(),
            configuration_server: base.configuration_server.clone(),
            vcenters: base.vcenters.clone(),
            hosts: base.hosts.clone(),
            datastores: base.datastores.clone(),
            master_targets: base.master_targets.clone(),
            process_servers: base.process_servers.clone(),
            appliances: base.appliances.clone(),
            storage_accounts: base.storage_accounts.clone(),
            automation_accounts: base.automation_accounts.clone(),
            network: base.network.clone(),
            ..Inventory::unknown(&base.name.value)
        }
    }
}

/// What was seen, from which an observation is put together.
pub(super) struct Whole<'w> {
    pub(super) directory: &'w Seen<Directory>,
    pub(super) servers: Seen<Servers>,
    pub(super) accounts: Seen<Accounts>,
    pub(super) protectables: Option<Seen<Protectables>>,
    pub(super) onprem: Option<OnpremFacts>,
    pub(super) vms: Vms,
}

/// Keeps what the list of virtual machines told of servers.
fn keep_places(facts: &mut Inventory, before: &Inventory) {
    for server in facts.process_servers.iter_mut().flatten() {
        let known = before.process_servers.iter().flatten().find(|known| known.name == server.name);
        if let Some(known) = known {
            server.placement = server.placement.or(known.placement);
            server.vnet = server.vnet.take().or_else(|| known.vnet.clone());
        }
    }
    if matches!(facts.configuration_server, Nullable::Unknown) {
        facts.configuration_server.clone_from(&before.configuration_server);
    }
}

/// Returns the replication groups that these machines are in, with all their members.
pub(super) fn groups(machines: &[MachineName], directory: &Directory) -> Vec<ReplicationGroup> {
    let of = |entry: &Entry| machine::group(&entry.item.provider_specific_details).map(str::to_owned);
    let names: BTreeSet<String> =
        machines.iter().filter_map(|machine| of(directory.entry(machine.as_str())?)).collect();
    let group = |name: String| {
        let members = directory.entries.iter().filter(|entry| of(entry).as_deref() == Some(name.as_str()));
        let members = members.map(|entry| crate::source::Spanned::bare(entry.name.clone())).collect();
        ReplicationGroup { name: crate::source::Spanned::bare(name), members }
    };
    names.into_iter().map(group).collect()
}
