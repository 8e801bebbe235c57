//! What is read for an observation: shared where it can be, and as seldom as its freshness permits.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::clock::Clock as _;
use crate::id::MachineName;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::onprem::OnpremFacts;
use crate::provider::azure::onprem::Wanted;
use crate::provider::azure::onprem::WantedVm;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::NO_PANIC;
use crate::provider::azure::site::compute;
use crate::provider::azure::site::compute::Machines;
use crate::provider::azure::site::directory;
use crate::provider::azure::site::directory::Directory;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::infrastructure;
use crate::provider::azure::site::infrastructure::Accounts;
use crate::provider::azure::site::infrastructure::Servers;
use crate::provider::azure::site::look::Asking;
use crate::provider::azure::site::look::Seen;
use crate::provider::azure::site::missing::Missing;
use crate::provider::azure::site::state;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::wire::item::Item;
use crate::provider::azure::wire::item::Point;
use crate::provider::azure::wire::item::Protectable;
use crate::provider::azure::wire::page::Resource;
use crate::provider::error::ProviderError;
use crate::provider::observation::Freshness;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;

/// How long the vault's list is good for where a step only waits: for each request that it takes.
const LIST_GOOD_FOR: SignedDuration = SignedDuration::from_secs(40);
/// How long an item that was read whole is good for where a step only waits.
const ITEM_GOOD_FOR: SignedDuration = SignedDuration::from_mins(2);
/// How long whoever waits counts as waiting after a question: longer than the pause between two of them.
const WAITS_FOR: SignedDuration = SignedDuration::from_mins(6);
/// How many items there have to be to read one by one before a page of the list takes their place: it is larger than an item.
const WORTH_A_PAGE: usize = 8;
/// How long the list of machines that can be protected is good for.
const PROTECTABLES_GOOD_FOR: SignedDuration = SignedDuration::from_secs(60);

/// An item that was read whole.
#[derive(Clone, Debug)]
pub(super) struct FullItem {
    pub(super) item: Arc<Item>,
    pub(super) points: Option<Arc<Vec<Resource<Point>>>>,
    pub(super) began: Timestamp,
}

/// Machines whose agent has registered with the configuration server, by name in small letters.
pub(super) type Protectables = BTreeSet<String>;

pub(super) fn before(now: Timestamp, age: SignedDuration) -> Timestamp {
    now.checked_sub(age).unwrap_or(now)
}

pub(super) fn times(age: SignedDuration, pages: usize) -> SignedDuration {
    age.checked_mul(i32::try_from(pages).unwrap_or(i32::MAX)).unwrap_or(SignedDuration::MAX)
}

/// Returns the words of an item that decide how it is looked at.
pub(super) fn words(item: &Item) -> [&str; 4] {
    let scenario = item.current_scenario.get().map_or("", |scenario| scenario.scenario_name.or_empty());
    let details = &item.provider_specific_details;
    [
        details.instance_type.or_empty(),
        item.protection_state.or_empty(),
        item.active_location.or_empty(),
        scenario,
    ]
}

impl AzureView {
    /// Reads the servers, at `earliest` or later.
    pub(super) async fn servers(&self, earliest: Timestamp) -> Result<Seen<Servers>, AzureError> {
        let read = || infrastructure::servers(&self.reader, &self.vault);
        let seen = self.shared.servers.since(&self.reader.pace(), |_| earliest, read).await?;
        self.note(&seen.value.missing);
        Ok(seen)
    }

    /// Reads the accounts around the vault, at `earliest` or later.
    pub(super) async fn accounts(
        &self,
        servers: &Servers,
        earliest: Timestamp,
    ) -> Result<Seen<Accounts>, AzureError> {
        let site = servers.of_kind("InMageRcm").and_then(|(_, details)| details.vmware_site_id.get());
        let read = || infrastructure::accounts(&self.reader, &self.vault, site);
        let seen = self.shared.accounts.since(&self.reader.pace(), |_| earliest, read).await?;
        self.note(&seen.value.missing);
        Ok(seen)
    }

    /// Reads the vault's list of items, at `earliest` or later.
    pub(super) async fn directory(
        &self,
        earliest: impl FnOnce(Option<&Seen<Directory>>) -> Timestamp,
    ) -> Result<Seen<Directory>, AzureError> {
        let read = || directory::read(&self.reader, &self.vault);
        self.shared.directory.since(&self.reader.pace(), earliest, read).await
    }

    /// Reads the vault's list anew.
    pub(in crate::provider::azure) async fn whole_directory(&self) -> Result<Arc<Directory>, AzureError> {
        let asked_at = self.reader.pace().now();
        Ok(self.directory(|_| asked_at).await?.value)
    }

    /// Returns the vault's list with these machines in it, if the vault has them.
    pub(super) async fn directory_with(
        &self,
        machines: &[MachineName],
    ) -> Result<Seen<Directory>, AzureError> {
        let asked_at = self.reader.pace().now();
        self.directory(|seen| match seen {
            Some(seen) if machines.iter().all(|machine| seen.value.entry(machine.as_str()).is_some()) => {
                Timestamp::MIN
            }
            Some(_) | None => asked_at,
        })
        .await
    }

    pub(super) async fn vms(
        &self,
        earliest: impl FnOnce(Option<&Seen<Machines>>) -> Timestamp,
    ) -> Result<Seen<Machines>, AzureError> {
        let read = || compute::machines(&self.reader, &self.vault, true);
        let seen = self.shared.machines.since(&self.reader.pace(), earliest, read).await?;
        self.note(&seen.value.missing);
        Ok(seen)
    }

    pub(super) async fn protectables(
        &self,
        entries: &[&Entry],
        earliest: Timestamp,
    ) -> Result<Option<Seen<Protectables>>, AzureError> {
        let classic = entries.iter().find(|entry| entry.kind.is_classic());
        let Some(container) = classic.and_then(|entry| container_of(&entry.id)) else { return Ok(None) };
        let read = || protectables(&self.reader, container);
        let pages = |seen: Option<&Seen<Protectables>>| {
            seen.map_or(earliest, |seen| before(earliest, times(PROTECTABLES_GOOD_FOR, seen.pages - 1)))
        };
        let seen = self.shared.protectables.since(&self.reader.pace(), pages, read).await;
        match seen {
            Ok(seen) => Ok(Some(seen)),
            Err(error) => match Missing::of("asr.agent_registration_ok", &error) {
                Some(missing) => {
                    self.note(&[missing]);
                    Ok(None)
                }
                None => Err(error),
            },
        }
    }

    /// Reads items whole, each with its recovery points if it can come back; says whether all of them are still there.
    pub(super) async fn read_whole(&self, entries: &[&Entry]) -> Result<bool, AzureError> {
        let mut are_all_there = true;
        let mut reads = JoinSet::new();
        for entry in entries {
            let (reader, entry) = (self.reader.clone(), (*entry).clone());
            reads.spawn(async move {
                let full = whole(&reader, &entry).await;
                (entry.name, full)
            });
        }
        while let Some(done) = reads.join_next().await {
            let (name, full) = done.expect("a read neither panics nor is cancelled");
            let mut all = self.shared.full.lock().expect(NO_PANIC);
            match full? {
                Some(full) => all.insert(name.to_lowercase(), full),
                None => {
                    are_all_there = false;
                    all.remove(&name.to_lowercase())
                }
            };
        }
        Ok(are_all_there)
    }

    /// Returns an item as it was last read whole.
    pub(super) fn whole(&self, machine: &str) -> Option<FullItem> {
        self.shared.full.lock().expect(NO_PANIC).get(&machine.to_lowercase()).cloned()
    }

    /// Returns a list of the vault that was read after this one.
    pub(super) async fn directory_after(
        &self,
        before: &Seen<Directory>,
    ) -> Result<Seen<Directory>, AzureError> {
        let is_it = |seen: &Seen<Directory>| Arc::ptr_eq(&seen.value, &before.value);
        self.directory(|seen| if seen.is_some_and(is_it) { Timestamp::MAX } else { Timestamp::MIN }).await
    }

    /// Notes that steps wait for these machines, and returns whether so few are waited for that each costs less than the list does.
    pub(super) async fn do_few_wait(&self, machines: &[MachineName], now: Timestamp) -> bool {
        let pages = self.shared.directory.last().await.map_or(1, |seen| seen.pages);
        let mut waiting = self.shared.waiting.lock().expect(NO_PANIC);
        waiting.retain(|_, last| now.duration_since(*last) <= WAITS_FOR);
        waiting.extend(machines.iter().map(|machine| (machine.as_str().to_lowercase(), now)));
        waiting.len() < pages
    }

    /// Returns the moment from which on a machine has to have been read after what was done to it, if it was not.
    fn touched_since(&self, machine: &str) -> Option<Timestamp> {
        let at = *self.shared.touched.lock().expect(NO_PANIC).get(&machine.to_lowercase())?;
        // One that was read by itself since is known as well as by the list.
        let is_known = self.whole(machine).is_some_and(|full| full.began >= at);
        (!is_known).then_some(at)
    }

    pub(super) async fn directory_lately(
        &self,
        machines: &[MachineName],
        asked_at: Timestamp,
    ) -> Result<Seen<Directory>, AzureError> {
        let touched = machines.iter().filter_map(|machine| self.touched_since(machine.as_str())).max();
        self.directory(|seen| {
            let pages = seen.map_or(1, |seen| seen.pages);
            let good = before(asked_at, times(LIST_GOOD_FOR, pages));
            touched.map_or(good, |touched| good.max(touched))
        })
        .await
    }

    /// Returns the vault's list as it is after `asked_at` as far as these machines go: read anew where that costs less than to read
    /// each of them.
    pub(super) async fn directory_listed(
        &self,
        machines: &[MachineName],
        asked_at: Timestamp,
        asking: &Asking<'_>,
    ) -> Result<Seen<Directory>, AzureError> {
        let last = self.shared.directory.last().await;
        match last.filter(|seen| asking.all() < seen.pages * WORTH_A_PAGE) {
            Some(_) => self.directory_with(machines).await,
            None => self.directory(|_| asked_at).await,
        }
    }

    /// Reads whole those items of which more has to be known than the list tells; says whether all of them are still there.
    pub(super) async fn read_items(
        &self,
        entries: &[&Entry],
        listed: Timestamp,
        freshness: Freshness,
        asked_at: Timestamp,
        one_by_one: bool,
    ) -> Result<bool, AzureError> {
        let wanted = |entry: &&&Entry| match freshness {
            Freshness::Now => true,
            Freshness::Lately if one_by_one => {
                let good = before(asked_at, LIST_GOOD_FOR);
                self.touched_since(&entry.name).is_some()
                    || self.whole(&entry.name).is_none_or(|full| full.began < good)
            }
            Freshness::Listed => listed < asked_at,
            // Only what can come back has more to tell than the list does: its recovery points.
            Freshness::Lately => {
                let may_come_back = state::state(entry.kind, &entry.item) == Some(State::ProtectedToOnprem);
                let at_hand = self.whole(&entry.name).is_some_and(|full| {
                    words(&full.item) == words(&entry.item) && full.began >= before(asked_at, ITEM_GOOD_FOR)
                });
                may_come_back && !at_hand
            }
        };
        let wanted: Vec<&Entry> = entries.iter().filter(wanted).copied().collect();
        self.read_whole(&wanted).await
    }

    pub(super) async fn at_site(
        &self,
        machines: &[MachineName],
        freshness: Freshness,
    ) -> Result<Option<OnpremFacts>, AzureError> {
        let Some(onprem) = &self.surroundings.onprem else { return Ok(None) };
        let base = &self.surroundings.base;
        let wanted = |machine: &MachineName| {
            let known = self.base_machine(machine.as_str());
            let vm = known.and_then(|known| known.onprem_vm.as_ref());
            let uuid = known.and_then(|known| known.asr.as_ref()?.source_vm_uuid.as_ref());
            let uuid = uuid.or_else(|| vm?.uuid.as_ref());
            WantedVm {
                machine: machine.clone(),
                uuid: uuid.map(|uuid| uuid.value.clone()),
                name: vm.and_then(|vm| vm.name.as_ref()).map(|name| name.value.clone()),
            }
        };
        let servers = base.master_targets.iter().flatten().map(|server| &server.name);
        let servers = servers.chain(base.appliances.iter().flatten().map(|server| &server.name));
        let mut servers: BTreeSet<String> = servers.map(|name| name.value.clone()).collect();
        if let Some(facts) = &self.shared.marked.lock().expect(NO_PANIC).facts {
            servers.extend(facts.master_targets.iter().flatten().map(|server| server.name.value.clone()));
            servers.extend(facts.appliances.iter().flatten().map(|server| server.name.value.clone()));
        }
        let wanted = Wanted {
            machines: machines.iter().map(wanted).collect(),
            servers: servers.into_iter().collect(),
        };
        match onprem.look(&wanted, freshness).await {
            Ok(seen) => {
                self.note(&seen.missing);
                self.shared.onprem_read.lock().expect(NO_PANIC).clone_from(&seen.read);
                Ok(Some(seen))
            }
            // What vCenter does not tell is not known; the run goes on where that does not matter.
            Err(
                error @ (ProviderError::NoAnswer { .. }
                | ProviderError::Busy { .. }
                | ProviderError::Refused { .. }
                | ProviderError::NotFound { .. }
                | ProviderError::World { .. }),
            ) => {
                let missing = vec![Missing { facts: "vCenter".to_owned(), why: error.to_string() }];
                self.note(&missing);
                let facts = Inventory::unknown(&base.name.value);
                Ok(Some(OnpremFacts { facts, read: Vec::new(), missing }))
            }
        }
    }

    /// Returns what a person wrote down of a machine.
    pub(super) fn base_machine(&self, name: &str) -> Option<&Machine> {
        let at = self.base_index.get(&name.to_lowercase())?;
        self.surroundings.base.machines.as_ref()?.get(*at)
    }
}

fn container_of(item: &str) -> Option<&str> {
    let at = item.to_ascii_lowercase().find("/replicationprotecteditems/")?;
    item.get(..at)
}

async fn protectables(reader: &ReadClient, container: &str) -> Result<(Protectables, usize), AzureError> {
    let path = format!("{container}/replicationProtectableItems");
    let listed = reader.list::<Resource<Protectable>>(&path, "", SITE_RECOVERY).await?;
    let registered = |machine: &Resource<Protectable>| {
        let installed = &machine.properties.custom_details.get()?.agent_installed;
        installed
            .is("Installed")
            .then(|| machine.properties.friendly_name.get().map(str::to_lowercase))
            .flatten()
    };
    Ok((listed.values.iter().filter_map(registered).collect(), listed.pages))
}

/// Reads an item whole; `None` if it is gone.
async fn whole(reader: &ReadClient, entry: &Entry) -> Result<Option<FullItem>, AzureError> {
    let began = reader.pace().now();
    let item: Resource<Item> = match reader.get(&entry.id, "", SITE_RECOVERY).await {
        Ok(item) => item,
        Err(AzureError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let item = item.properties;
    let kind = Kind::of(&item);
    let comes_back = kind == Some(Kind::InMageRcmFailback)
        && kind.and_then(|kind| state::state(kind, &item)) == Some(State::ProtectedToOnprem);
    let points = if comes_back {
        let path = format!("{}/recoveryPoints", entry.id);
        match reader.list::<Resource<Point>>(&path, "", SITE_RECOVERY).await {
            Ok(listed) => Some(Arc::new(listed.values)),
            Err(AzureError::NotFound { .. } | AzureError::Refused { .. }) => Some(Arc::default()),
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    Ok(Some(FullItem { item: Arc::new(item), points, began }))
}
