//! The client of Azure against the emulator over HTTP: what it asks, what it sends, and what it makes of the answers.

mod cycle;
mod group;
mod pull;
mod trouble;

use std::sync::Arc;

use failback::clock::Clock as _;
use failback::clock::SystemClock;
use failback::clock::pace::Pace as _;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::provider::Observe as _;
use failback::provider::Operate as _;
use failback::provider::OperationStatus;
use failback::provider::ProviderError;
use failback::provider::Request;
use failback::provider::azure::AzureSite;
use failback::provider::azure::AzureView;
use failback::provider::azure::Cloud;
use failback::provider::azure::Connection;
use failback::provider::azure::Consent;
use failback::provider::azure::Credential;
use failback::provider::azure::ReadClient;
use failback::provider::azure::ServicePace;
use failback::provider::azure::Surroundings;
use failback::provider::azure::VaultId;
use failback::provider::azure::WriteClient;
use failback::provider::emulator::http::ServerOptions;
use failback::syntax::machine::Machine;
use failback::syntax::machine::State;
use secrecy::SecretString;

use crate::lab;
use crate::wire_lab::Wire;
use crate::wire_lab::options;

/// A vault of the emulator and a client of it.
pub struct Vault {
    pub wire: Wire,
    pub world: lab::World,
    pub reader: ReadClient,
    pub site: AzureSite,
}

impl Vault {
    pub async fn classic() -> Self {
        Self::of(lab::world(lab::CLASSIC.0, lab::CLASSIC.1), options()).await
    }

    pub async fn modernized() -> Self {
        Self::of(lab::world(lab::MODERNIZED.0, lab::MODERNIZED.1), options()).await
    }

    pub async fn of(world: lab::World, options: ServerOptions) -> Self {
        let wire = Wire::with(&world, world.scenario.clone(), options).await;
        let (reader, site) = Self::client(&wire, &world);
        Self { wire, world, reader, site }
    }

    pub fn id(wire: &Wire) -> VaultId {
        VaultId::parse(&wire.vault()).expect("the emulator's vault has an id")
    }

    /// Returns a client that knows nothing yet, as a new process does.
    pub fn client(wire: &Wire, world: &lab::World) -> (ReadClient, AzureSite) {
        let url = wire.handle.url();
        let reader = ReadClient::new(Connection {
            cloud: Cloud::at(&url, &url).expect("it is on this machine"),
            credential: Credential::fixed(SecretString::from(wire.token())),
            pace: Arc::new(ServicePace::new(Arc::new(SystemClock))),
            trusted: None,
        });
        let reader = reader.expect("a client can be made");
        let surroundings = Surroundings { base: world.inventory.clone(), onprem: None };
        let view = AzureView::new(reader.clone(), Self::id(wire), surroundings);
        let writer = WriteClient::new(reader.clone(), Consent::to_change(Self::id(wire)));
        (reader, AzureSite::new(view, writer))
    }

    /// Lets the world's time pass, and the client's with it.
    pub async fn pass(&self, seconds: i64) {
        self.wire.pass(seconds).await;
        self.reader.pace().until(self.wire.pace.now()).await;
    }

    pub async fn facts(&self, machine: &str) -> Machine {
        let seen = self.site.observe(&[MachineName::new(machine)]).await.expect("the vault can be observed");
        seen.facts.machines.into_iter().flatten().next().expect("the machine is there")
    }

    pub async fn state(&self, machine: &str) -> Option<State> {
        self.facts(machine).await.state.map(|state| state.value)
    }

    /// Lets time pass until a future is ready: what it waits for needs the world's time.
    pub async fn meanwhile<T>(&self, future: impl Future<Output = T>) -> T {
        tokio::pin!(future);
        loop {
            tokio::select! {
                biased;
                value = &mut future => return value,
                () = tokio::task::yield_now() => self.pass(1).await,
            }
        }
    }

    /// Begins something and follows it to its end.
    pub async fn done(&self, request: &Request, key: &str) -> OperationStatus {
        let begun = self.meanwhile(self.site.begin(request, &IdempotencyKey::new(key))).await;
        let operation = begun.unwrap_or_else(|error| panic!("{request:?}: {error}"));
        for _ in 0..2_000 {
            match self.site.poll(&operation).await {
                Ok(OperationStatus::Running(_)) => self.pass(30).await,
                Ok(status) => return status,
                Err(error @ (ProviderError::Busy { .. } | ProviderError::NoAnswer { .. })) => {
                    drop(error);
                    self.pass(30).await;
                }
                Err(error) => panic!("{request:?}: {error}"),
            }
        }
        panic!("{request:?} does not end");
    }

    /// Lets time pass until a machine is in a state.
    pub async fn until(&self, machine: &str, state: State) {
        for _ in 0..2_000 {
            if self.state(machine).await == Some(state) {
                return;
            }
            self.pass(60).await;
        }
        panic!("{machine} never is {state}, but {:?}", self.state(machine).await);
    }
}
