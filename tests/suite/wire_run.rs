//! Whole runs over HTTP: server, clients of Azure and vCenter and the run are in one process, on one clock that jumps.

use std::sync::Arc;

use failback::clock::pace::Pace;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::event::RunEvent;
use failback::provider::azure::AzureSite;
use failback::provider::azure::AzureView;
use failback::provider::azure::Cloud;
use failback::provider::azure::Connection;
use failback::provider::azure::Consent;
use failback::provider::azure::Credential;
use failback::provider::azure::Onprem;
use failback::provider::azure::ReadClient;
use failback::provider::azure::ServicePace;
use failback::provider::azure::Surroundings;
use failback::provider::azure::VaultId;
use failback::provider::azure::WriteClient;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::http::Server;
use failback::provider::emulator::http::ServerHandle;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::vcenter::Kind;
use failback::provider::vcenter::Limits;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::Vcenters;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;

/// A site that is served until it is dropped.
pub struct Served {
    pub emulator: Arc<Emulator>,
    pub pace: Arc<WorldPace>,
    pub handle: ServerHandle,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Served {
    /// Serves a world as it is at the beginning.
    pub async fn begin(world: &World, options: ServerOptions) -> Self {
        let pace = Arc::new(WorldPace::new(world.start, Speed::Max));
        let emulator =
            Emulator::in_memory(world.inventory.clone(), world.scenario.clone(), world.start, pace.clone());
        let emulator = Arc::new(emulator);
        let server =
            Server::bind(Arc::clone(&emulator), pace.clone(), options).await.expect("a port is free");
        let handle = server.handle();
        let server = tokio::spawn(server.serve(std::future::pending()));
        Self { emulator, pace, handle, server }
    }

    /// Returns a client that knows nothing yet, as a new process does.
    pub fn client(&self, world: &World) -> AzureSite {
        let (url, options, names) = (self.handle.url(), self.handle.options(), self.handle.names());
        let token = options.access.token.as_ref().expect("the server has a token").expose_secret();
        let reader = ReadClient::new(Connection {
            cloud: Cloud::at(&url, &url).expect("it is on this machine"),
            credential: Credential::fixed(SecretString::from(token.to_owned())),
            pace: Arc::new(ServicePace::kept_by(Arc::clone(&self.pace) as Arc<dyn Pace>)),
            trusted: None,
        });
        let reader = reader.expect("a client can be made");
        let vault = VaultId {
            subscription: names.subscription,
            resource_group: names.resource_group,
            name: names.vault,
        };
        let settings = |(id, url): (String, String), kind: Kind| Settings {
            id,
            kind: Some(kind),
            url,
            user: options.vcenter_user.clone(),
            password: options.vcenter_password.expose_secret().to_owned().into(),
            trust: Trust::System,
            limits: Limits::default(),
        };
        let vcenters = self.handle.vcenters().into_iter().map(|one| settings(one, Kind::Vcenter));
        let hosts = self.handle.hosts().into_iter().map(|one| settings(one, Kind::Host));
        let pace = Arc::clone(&self.pace) as Arc<dyn Pace>;
        let vcenters = Vcenters::new(vcenters.chain(hosts).collect(), world.inventory.clone(), pace);
        let onprem: Option<Arc<dyn Onprem>> = Some(Arc::new(vcenters));
        let surroundings = Surroundings { base: world.inventory.clone(), onprem };
        let view = AzureView::new(reader.clone(), vault.clone(), surroundings);
        AzureSite::new(view, WriteClient::new(reader, Consent::to_change(vault)))
    }

    /// Lets a new process go on after what the last one left, until the run ends or the process dies when it syncs its journal for
    /// the `syncs`th time.
    pub async fn process(&self, world: &World, before: &[RunEvent], syncs: Option<usize>) -> Ran {
        let process = Process { syncs, ..Process::after(before) };
        let site = Arc::new(self.client(world));
        let ran = world.process_at(site, Arc::clone(&self.pace) as Arc<dyn Pace>, process).await;
        self.settle().await;
        ran
    }

    /// Waits until what a process that died had on its way has arrived: nobody else is there to ask, so that it comes before this.
    async fn settle(&self) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
        let url = format!("{}/_failback/clock", self.handle.url());
        let token = self.handle.options().access.token.as_ref().expect("the server has a token");
        for _ in 0..3 {
            let asking = client.get(&url).bearer_auth(token.expose_secret()).send();
            // A bad line may lose this answer as any other.
            drop(asking.await);
        }
    }
}
