//! What vCenters show, for whoever observes a site through Azure: one look for all who ask at the same time.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::PoisonError;

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::clock::pace::Pace;
use crate::model::overlay::blank_machine;
use crate::model::overlay::blank_onprem_vm;
use crate::provider::azure::Missing;
use crate::provider::azure::Onprem;
use crate::provider::azure::OnpremFacts;
use crate::provider::azure::Wanted;
use crate::provider::azure::WantedVm;
use crate::provider::error::ProviderError;
use crate::provider::observation::Freshness;
use crate::provider::vcenter::VcenterClient;
use crate::provider::vcenter::VcenterError;
use crate::provider::vcenter::facts::facts;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenVm;
use crate::provider::vcenter::settings::Kind;
use crate::provider::vcenter::settings::Settings;
use crate::source::Spanned;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::Vcenter;
use crate::syntax::machine::Machine;
use crate::syntax::machine::OnpremVm;

/// How old a look may be for whoever only waits.
const LATELY: SignedDuration = SignedDuration::from_secs(60);

/// How long whoever waits counts as waiting after a question: longer than the pause between two of them.
const WAITS_FOR: SignedDuration = SignedDuration::from_mins(6);

/// How long the machines that nobody asks for may stay as they were seen: who is looked for is read each time, and so is which
/// machines there are.
const WHOLE: SignedDuration = SignedDuration::from_mins(15);

/// How often a vCenter is asked in all, where another try may help.
const TRIES: u32 = 4;
/// First pause between two tries; it doubles.
const PAUSE: SignedDuration = SignedDuration::from_secs(1);
/// The longest pause that a vCenter may ask for; else it counts as one that does not answer.
const LONGEST: SignedDuration = SignedDuration::from_secs(30);

/// The vCenters of a site, and its hosts that none of them manages, each with one session that everybody shares.
pub struct Vcenters {
    settings: Vec<Settings>,
    /// What a person wrote down, without machines: which servers there are, and what refines what a vCenter shows.
    base: Inventory,
    /// The machines that a person wrote down, by their names in small letters.
    machines: HashMap<String, Machine>,
    pace: Arc<dyn Pace>,
    clients: Mutex<HashMap<String, Arc<VcenterClient>>>,
    last: Mutex<Option<Arc<Look>>>,
    /// Names and UUIDs, in small letters, that are asked for and not yet looked at.
    asked: std::sync::Mutex<HashSet<String>>,
    /// Names and UUIDs, in small letters, of what steps wait for, with the moment of the last question.
    waited_for: std::sync::Mutex<HashMap<String, Timestamp>>,
}

impl std::fmt::Debug for Vcenters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<&str> = self.settings.iter().map(|settings| settings.id.as_str()).collect();
        f.debug_struct("Vcenters").field("ids", &ids).finish_non_exhaustive()
    }
}

/// What one look showed.
#[derive(Debug)]
struct Look {
    /// When it began, by the site's clock and by this machine's.
    at: Timestamp,
    began: tokio::time::Instant,
    /// When everything was read.
    whole: Timestamp,
    seen: Vec<Seen>,
    /// vCenters that could not be asked, and why.
    silent: Vec<(String, VcenterError)>,
}

/// Returns whether a virtual machine is one of those that are asked for.
fn is_asked(vm: &SeenVm, asked: &HashSet<String>) -> bool {
    let named =
        |name: &Option<String>| name.as_ref().is_some_and(|name| asked.contains(&name.to_lowercase()));
    let guest = vm.guest_name.as_ref().and_then(|name| name.split('.').next().map(str::to_owned));
    named(&vm.uuid) || named(&vm.name) || named(&guest)
}

impl Vcenters {
    /// Returns the vCenters with these settings; nothing is asked yet.
    #[must_use]
    pub fn new(settings: Vec<Settings>, mut base: Inventory, pace: Arc<dyn Pace>) -> Self {
        let machines = base.machines.take().unwrap_or_default().into_iter();
        let machines = machines.map(|machine| (machine.name.value.to_lowercase(), machine)).collect();
        Self {
            settings,
            base,
            machines,
            pace,
            clients: Mutex::default(),
            last: Mutex::default(),
            asked: std::sync::Mutex::default(),
            waited_for: std::sync::Mutex::default(),
        }
    }

    /// Returns whether a host that no vCenter manages has this name.
    fn is_host(&self, id: &str) -> bool {
        let mut all = self.settings.iter();
        all.any(|settings| settings.id == id && settings.kind == Some(Kind::Host))
    }

    /// Ends the sessions.
    pub async fn log_out(&self) {
        for client in self.clients.lock().await.drain().map(|(_, client)| client).collect::<Vec<_>>() {
            client.log_out().await;
        }
    }

    /// Asks one vCenter, again where that may help: what is unknown because an answer was lost would stop a run.
    async fn ask(
        &self,
        settings: &Settings,
        before: Option<&Seen>,
        asked: &HashSet<String>,
    ) -> Result<Seen, VcenterError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let error = match self.ask_once(settings, before, asked).await {
                // Half of an answer can't be read, and the next one may be whole.
                Err(error) if error.is_transient() || matches!(error, VcenterError::NotAVcenter { .. }) => {
                    error
                }
                other => return other,
            };
            let told = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
            let wait = told.unwrap_or(pause);
            if wait > LONGEST {
                return Err(error);
            }
            self.pace.until(self.pace.now().saturating_add(wait).unwrap_or(Timestamp::MAX)).await;
            pause = pause.saturating_add(pause);
        }
        self.ask_once(settings, before, asked).await
    }

    /// Asks one vCenter, with the session that there is: for everything, or for what may have changed since `before`.
    async fn ask_once(
        &self,
        settings: &Settings,
        before: Option<&Seen>,
        asked: &HashSet<String>,
    ) -> Result<Seen, VcenterError> {
        let known = self.clients.lock().await.get(&settings.id).cloned();
        let client = match known {
            Some(client) => client,
            None => {
                let client =
                    VcenterClient::connect(settings.clone(), Arc::clone(&self.pace) as Arc<dyn Clock>)
                        .await?;
                let client = Arc::new(client);
                self.clients.lock().await.insert(settings.id.clone(), Arc::clone(&client));
                client
            }
        };
        match before {
            Some(before) => client.refresh(before, &|vm| is_asked(vm, asked)).await,
            None => client.inventory().await,
        }
    }

    /// Returns a look that began after the question, or lately. Whoever asks while one is under way waits for it, and those who
    /// came after its beginning share the next.
    async fn look_since(&self, wanted: &HashSet<String>, freshness: Freshness) -> Arc<Look> {
        // First what, then when: a look that begins later than this knows what is asked for. What is only waited for is in the
        // looks of those who wait.
        if freshness != Freshness::Lately {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).extend(wanted.iter().cloned());
        }
        let asked = tokio::time::Instant::now();
        let mut last = self.last.lock().await;
        let now = self.pace.now();
        if freshness == Freshness::Lately {
            let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
            waited_for.extend(wanted.iter().map(|key| (key.clone(), now)));
        }
        let lately = |at: Timestamp| now.duration_since(at) <= LATELY;
        let will_do = |look: &Arc<Look>| match freshness {
            Freshness::Now | Freshness::Listed => look.began >= asked,
            Freshness::Lately => {
                let mut vms = look.seen.iter().flat_map(|seen| &seen.vms);
                lately(look.at)
                    && look.silent.is_empty()
                    && vms.all(|vm| lately(vm.at) || !is_asked(vm, wanted))
            }
        };
        if let Some(look) = last.as_ref().filter(|look| will_do(look)) {
            return Arc::clone(look);
        }
        let before = last.as_ref().filter(|look| now.duration_since(look.whole) <= WHOLE);
        let began = tokio::time::Instant::now();
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner));
        // A page holds many machines and costs one request, so that all that are waited for are read with the first of them.
        if freshness == Freshness::Lately {
            asked.extend(self.all_waited_for(now));
        }
        let whole = before.map_or(now, |before| before.whole);
        let mut look = Look { at: now, began, whole, seen: Vec::new(), silent: Vec::new() };
        for settings in &self.settings {
            let before = before.and_then(|look| look.seen.iter().find(|seen| seen.vcenter == settings.id));
            match self.ask(settings, before, &asked).await {
                Ok(seen) => look.seen.push(seen),
                Err(error) => {
                    tracing::warn!(vcenter = %settings.id, %error, "a vCenter or host could not be asked");
                    look.silent.push((settings.id.clone(), error));
                }
            }
        }
        let look = Arc::new(look);
        *last = Some(Arc::clone(&look));
        look
    }

    /// Returns the names and UUIDs of all that is waited for, and forgets what no longer is.
    fn all_waited_for(&self, now: Timestamp) -> Vec<String> {
        let mut waited_for = self.waited_for.lock().unwrap_or_else(PoisonError::into_inner);
        waited_for.retain(|_, last| now.duration_since(*last) <= WAITS_FOR);
        waited_for.keys().cloned().collect()
    }

    /// Returns what a person wrote down about what is looked for alone.
    fn base_of(&self, wanted: &Wanted) -> Inventory {
        let machine = |vm: &WantedVm| match self.machines.get(&vm.machine.as_str().to_lowercase()) {
            Some(machine) => machine.clone(),
            None => blank(vm),
        };
        let machines = Some(wanted.machines.iter().map(machine).collect());
        Inventory { machines, ..self.base.clone() }
    }
}

/// Returns the names and UUIDs, in small letters, under which what is looked for is found.
fn keys(base: &Inventory, wanted: &Wanted) -> HashSet<String> {
    let mut keys: HashSet<String> = wanted.servers.iter().map(|name| name.to_lowercase()).collect();
    for vm in &wanted.machines {
        keys.insert(vm.machine.as_str().to_lowercase());
        keys.extend([&vm.uuid, &vm.name].into_iter().flatten().map(|key| key.to_lowercase()));
    }
    for machine in base.machines.iter().flatten() {
        let source = machine.asr.as_ref().and_then(|asr| asr.source_vm_uuid.as_ref());
        let vm = machine.onprem_vm.as_ref();
        let (uuid, name) = (vm.and_then(|vm| vm.uuid.as_ref()), vm.and_then(|vm| vm.name.as_ref()));
        keys.extend([source, uuid, name].into_iter().flatten().map(|key| key.value.to_lowercase()));
    }
    keys
}

/// Returns a machine of which nothing is known but where to look for it.
fn blank(vm: &WantedVm) -> Machine {
    let name = vm.name.as_deref().unwrap_or(vm.machine.as_str());
    let known = |text: &str| Some(Spanned::bare(text.to_owned()));
    let onprem =
        OnpremVm { name: known(name), uuid: vm.uuid.as_deref().and_then(known), ..blank_onprem_vm() };
    Machine { onprem_vm: Some(onprem), ..blank_machine(vm.machine.as_str()) }
}

/// Returns whether an error means that the vCenter is not reached; one that keeps us out is.
const fn is_out_of_reach(error: &VcenterError) -> bool {
    match error {
        VcenterError::Unreachable { .. } | VcenterError::NoAnswer { .. } | VcenterError::Busy { .. } => true,
        VcenterError::Settings { .. }
        | VcenterError::Tls { .. }
        | VcenterError::Credentials { .. }
        | VcenterError::SessionLost { .. }
        | VcenterError::NoPermission { .. }
        | VcenterError::Fault { .. }
        | VcenterError::NotAVcenter { .. } => false,
    }
}

#[async_trait]
impl Onprem for Vcenters {
    async fn look(&self, wanted: &Wanted, freshness: Freshness) -> Result<OnpremFacts, ProviderError> {
        let base = self.base_of(wanted);
        let look = self.look_since(&keys(&base, wanted), freshness).await;
        let told = facts(&look.seen, &base);
        let mut found = told.inventory;
        let mut missing: Vec<Missing> = told
            .gaps
            .iter()
            .map(|(vcenter, gap)| Missing {
                facts: format!("{} of {}", gap.property, gap.object),
                why: match &gap.privilege {
                    // What is in none is no vCenter's fault.
                    _ if vcenter.is_empty() => gap.why.clone(),
                    Some(privilege) => {
                        let what = if self.is_host(vcenter) { "host" } else { "vCenter" };
                        format!("{what} {vcenter}: {} (the privilege {privilege} is missing)", gap.why)
                    }
                    None if self.is_host(vcenter) => format!("host {vcenter}: {}", gap.why),
                    None => format!("vCenter {vcenter}: {}", gap.why),
                },
            })
            .collect();
        for (id, error) in &look.silent {
            let what = if self.is_host(id) { "host" } else { "vCenter" };
            missing.push(Missing { facts: format!("everything of {what} {id}"), why: error.to_string() });
            if self.is_host(id) {
                continue;
            }
            let silent = Vcenter {
                id: Spanned::bare(id.clone()),
                connected: None,
                reachable: is_out_of_reach(error).then(|| Spanned::bare(false)),
                version: None,
                account: None,
            };
            found.vcenters.get_or_insert_default().push(silent);
        }
        let name = |id: &str| format!("{} {id}", if self.is_host(id) { "host" } else { "vCenter" });
        let read = look.seen.iter().map(|seen| (name(&seen.vcenter), seen.at)).collect();
        Ok(OnpremFacts { facts: found, read, missing })
    }
}
