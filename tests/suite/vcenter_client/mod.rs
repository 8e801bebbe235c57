//! The client of vCenter against the emulator's vCenter: two readings of one interface, over one world.

mod access;
mod looks;
pub mod same_facts;

use std::path::Path;
use std::sync::Arc;

use failback::clock::Clock;
use failback::clock::pace::Pace;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::provider::FailbackPoint;
use failback::provider::Operate;
use failback::provider::Request;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::Server;
use failback::provider::emulator::http::ServerHandle;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::vcenter::Limits;
use failback::provider::vcenter::Seen;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::VcenterClient;
use failback::provider::vcenter::VcenterError;
use failback::syntax::inventory::Inventory;
use secrecy::ExposeSecret;
use tokio::sync::oneshot;

use crate::support::inventory;

pub fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans").join(name);
    std::fs::read_to_string(path).expect("the example is there")
}

/// A world with a vCenter, served until it is dropped.
pub struct Site {
    pub emulator: Arc<Emulator>,
    pub pace: Arc<WorldPace>,
    pub server: ServerHandle,
    ends: Option<oneshot::Sender<()>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.ends.take());
    }
}

impl Site {
    pub async fn of(text: &str) -> Self {
        Self::with(text, ServerOptions::default()).await
    }

    pub async fn with(text: &str, options: ServerOptions) -> Self {
        let facts = inventory(text);
        let start = facts.observed_at.as_deref().copied().expect("the world has a time");
        let pace = Arc::new(WorldPace::new(start, Speed::Max));
        let clock: Arc<dyn Clock> = Arc::clone(&pace) as Arc<dyn Clock>;
        let emulator = Arc::new(Emulator::in_memory(facts, Scenario::default(), start, clock));
        let server = Server::bind(Arc::clone(&emulator), Arc::clone(&pace), options).await;
        let server = server.expect("the loopback has a free port");
        let handle = server.handle();
        let (ends, ended) = oneshot::channel::<()>();
        tokio::spawn(server.serve(async move {
            let _ = ended.await;
        }));
        Self { emulator, pace, server: handle, ends: Some(ends) }
    }

    pub fn settings(&self, vcenter: &str) -> Settings {
        let options = self.server.options();
        Settings {
            id: vcenter.into(),
            kind: None,
            url: format!("{}/sdk/{vcenter}", self.server.url()),
            user: options.vcenter_user.clone(),
            password: options.vcenter_password.expose_secret().to_owned().into(),
            trust: Trust::System,
            limits: Limits::default(),
        }
    }

    pub async fn connect(&self, vcenter: &str) -> VcenterClient {
        self.try_to_connect(self.settings(vcenter)).await.expect("the emulator lets us in")
    }

    pub async fn try_to_connect(&self, settings: Settings) -> Result<VcenterClient, VcenterError> {
        VcenterClient::connect(settings, Arc::clone(&self.pace) as Arc<dyn Clock>).await
    }

    pub async fn look(&self, vcenter: &str) -> Seen {
        self.connect(vcenter).await.inventory().await.expect("a vCenter shows what it has")
    }

    /// Returns everything that the world knows.
    pub fn world(&self) -> Inventory {
        let mut facts = self.emulator.infrastructure().expect("the world can be looked at");
        let names = self.server.names().items.into_iter();
        let machines = names.map(|(name, _)| {
            let name = MachineName::new(name);
            self.emulator.machine_facts(&name).expect("it is there")
        });
        facts.machines = Some(machines.collect());
        facts
    }
}

/// Lets a machine fail over to the site.
pub async fn fail_over(site: &Site, machine: &str) {
    let machine = MachineName::new(machine);
    let point = FailbackPoint::Latest;
    let request = Request::FailoverToOnprem { machines: vec![machine.clone()], recovery_plan: None, point };
    site.emulator.begin(&request, &IdempotencyKey::new("one")).await.expect("it is taken on");
    while let Some(next) = site.server.next_change() {
        site.pace.until(next).await;
        if site.emulator.item(&machine).expect("it is there").running.is_none() {
            break;
        }
    }
}
