//! The emulator over HTTP: the wire protocols of Azure Resource Manager and vCenter over the same world.
//!
//! It is written from the contract alone and shares no types with the clients: two readings of the same documents.

mod appliance;
mod automation;
mod compute;
mod compute_size;
mod configuration_server;
mod control;
mod desk;
mod discovered;
mod empty_list;
mod event;
mod exchange;
mod fabric;
mod filter;
mod guid;
mod handle;
mod health_error;
mod identity;
mod infrastructure;
mod item;
mod job;
mod keeping;
mod listener;
mod mapping;
mod metadata;
mod network;
mod off_azure;
mod page;
mod plan_verb;
mod policy;
mod protectable;
mod recovery_plan;
mod recovery_point;
mod registration;
mod resource_manager;
mod rights;
mod route;
mod settings;
mod soap;
mod throttle;
mod tls;
mod token;
mod verb;
mod visit;
mod wire_fault;
mod words;

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::net::TcpListener;

pub use automation::Runbook;
pub use automation::Runbooks;
pub use handle::Names;
pub use handle::ServerHandle;
pub use rights::Rights;
pub use throttle::Limit;
pub use throttle::Limits;
pub use tls::Certificate;
pub use token::Access;
pub use token::random_secret;
pub use wire_fault::WireFault;
pub use wire_fault::WireFaultKind;
pub use wire_fault::WireFaults;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::clock::pace::Pace as _;
use crate::clock::pace::WorldPace;
use crate::id::MachineName;
use crate::provider::emulator::Emulator;
use crate::provider::emulator::http::desk::Desk;
use crate::provider::emulator::http::identity::Identity;
use crate::provider::emulator::http::keeping::Keeper;
use crate::provider::emulator::http::throttle::Throttle;
use crate::provider::emulator::http::tls::Secured;
use crate::provider::emulator::http::token::Tokens;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::wire_fault::Wire;
use crate::provider::emulator::service::ServiceAct;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Whether it may listen elsewhere than on the loopback.
    pub beyond_loopback: bool,
    /// Who may sign in.
    pub access: Access,
    /// TLS, if it speaks it.
    pub certificate: Option<Certificate>,
    /// The file in which is kept what the service has beside the world; none if that ends with the server.
    pub kept_in: Option<PathBuf>,
    /// What callers may do.
    pub rights: Rights,
    /// The limits of requests; none if there are none.
    pub limits: Option<Limits>,
    /// What goes wrong between the server and its clients.
    pub wire_faults: WireFaults,
    /// Seconds that `Retry-After` of an operation says.
    pub retry_after: u64,
    /// Entries of a page.
    pub page: usize,
    /// What runbooks of Automation do.
    pub runbooks: Runbooks,
    /// The user of vCenter.
    pub vcenter_user: String,
    /// The user's password.
    pub vcenter_password: SecretString,
}

impl Default for ServerOptions {
    /// On a free port of the loopback, without TLS, with limits, and with secrets that are made up.
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            beyond_loopback: false,
            access: Access {
                tenant: guid::guid("tenant", "emulator"),
                client_id: guid::guid("client", "emulator"),
                client_secret: random_secret(),
                token: Some(random_secret()),
                identity_header: None,
                lifetime: Duration::from_secs(3_599),
                clock: Arc::new(SystemClock),
            },
            certificate: None,
            kept_in: None,
            rights: Rights::default(),
            limits: Some(Limits::default()),
            wire_faults: WireFaults::default(),
            retry_after: 30,
            page: 500,
            runbooks: Runbooks::new(),
            vcenter_user: "administrator@vsphere.local".to_owned(),
            vcenter_password: random_secret(),
        }
    }
}

/// Requests that were answered, by method and kind: `POST replicationProtectedItems/*/reProtect`.
pub type Counts = BTreeMap<String, u64>;

/// What every request needs.
pub struct Shared {
    /// The world.
    pub(super) emulator: Arc<Emulator>,
    /// Its clock.
    pub(super) pace: Arc<WorldPace>,
    /// How the server is set up.
    pub(super) options: ServerOptions,
    /// What things are called.
    pub(super) identity: Identity,
    /// Places of machines, by the name of their item in small letters.
    pub(super) items: HashMap<String, usize>,
    /// Where the server listens.
    pub(super) address: SocketAddr,
    desk: Mutex<Desk>,
    keeper: Option<Keeper>,
    secured: Option<Secured>,
    tokens: Tokens,
    throttle: Throttle,
    wire: Wire,
    counts: Mutex<Counts>,
    numbers: AtomicU64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Shared {
    /// Returns the moment of the world.
    pub(super) fn now(&self) -> Timestamp {
        self.pace.now()
    }

    /// Returns the number of the next request.
    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Goes on to the present moment and holds the world there.
    pub(super) fn visit(&self) -> Visit<'_> {
        Visit::begin(self, self.now())
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the requests that were answered so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when something changes by itself the next time.
    pub(super) fn next_change(&self) -> Option<Timestamp> {
        let visit = self.visit();
        [visit.world().next_change(), visit.desk.next_end()].into_iter().flatten().min()
    }

    fn count(&self, kind: String) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }
}

/// A server that has a port and waits to be run.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    listener: TcpListener,
}

impl Server {
    /// Takes a port for a world.
    ///
    /// # Errors
    ///
    /// The port can't be taken, the certificate can't be used, or the address is not on the loopback and may not be.
    pub async fn bind(
        emulator: Arc<Emulator>,
        pace: Arc<WorldPace>,
        options: ServerOptions,
    ) -> io::Result<Self> {
        if !options.address.ip().is_loopback() && !options.beyond_loopback {
            let message = format!("{} is not on the loopback", options.address);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (keeper, desk) = match options.kept_in.clone() {
            Some(path) => Keeper::open(path).map(|(keeper, desk)| (Some(keeper), desk))?,
            None => (None, Desk::default()),
        };
        let secured = options.certificate.as_ref().map(Secured::new).transpose()?;
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let (identity, items) = {
            let mut held = emulator.held();
            // A job beside the world ended with the server that ran it.
            let busy = held.world.items.iter().filter(|item| item.busy_elsewhere);
            let machines: Vec<MachineName> = busy.map(|item| item.name.clone()).collect();
            if !machines.is_empty() {
                let now = held.world.now();
                held.serve(now, ServiceAct::Occupy { machines, occupied: false });
            }
            let identity = Identity::of(&held.world, &options.access.tenant);
            let items = held.world.items.iter().enumerate();
            let items = items.map(|(at, item)| (identity.item_name(item.name.as_str()), at)).collect();
            (identity, items)
        };
        let shared = Shared {
            tokens: Tokens::new(options.access.clone()),
            throttle: Throttle::new(options.limits),
            wire: Wire::new(options.wire_faults.clone(), pace.now()),
            emulator,
            pace,
            options,
            identity,
            items,
            address,
            desk: Mutex::new(desk),
            keeper,
            secured,
            counts: Mutex::default(),
            numbers: AtomicU64::new(1),
        };
        Ok(Self { shared: Arc::new(shared), listener })
    }

    /// Returns where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Returns what can be learnt from the server while it runs.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        ServerHandle { shared: Arc::clone(&self.shared) }
    }

    /// Serves until `ends` is ready; then connections are given two seconds.
    pub async fn serve(self, ends: impl Future<Output = ()> + Send) {
        self.shared.pace.begin();
        listener::serve(self.listener, self.shared, ends).await;
    }
}
