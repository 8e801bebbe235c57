//! What brings servers and machines to the vault, and takes them away: the site is what its inventory says, so that what would change
//! that is taken on as a job, and fails as it does where machines are protected, or where nobody is at an address.

use hyper::Method;

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::fabric;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;

/// Seconds in which it shows that a server can't be removed; the recordings have the job and not how long it took to fail.
const PREFLIGHT_SECONDS: i64 = 5;
/// Seconds in which a physical machine is looked for: 24 s were recorded of one that was not taken.
const DISCOVERY_SECONDS: i64 = 24;
/// Seconds in which the service signs in to another directory service; the recordings have the job and not its duration.
const MIGRATION_SECONDS: i64 = 60;

/// Answers what is asked to change about a fabric; `path` is what follows its name.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let identity = visit.identity();
    let (post, delete) = (asked.method == Method::POST, asked.method == Method::DELETE);
    let resource = match path {
        [] if delete => identity.fabric_id(),
        ["remove" | "removeinfra"] if post => identity.fabric_id(),
        ["migratetoaad"] if post => return Some(migrate(visit, asked)),
        ["replicationrecoveryservicesproviders", name] if delete => provider(visit, name)?,
        ["replicationrecoveryservicesproviders", name, "remove"] if post => provider(visit, name)?,
        ["replicationprotectioncontainers", name, "discoverprotectableitem"] if post => {
            return (*name == identity.container.to_lowercase()).then(|| discover(visit, asked));
        }
        _ => return None,
    };
    Some(unregister(visit, asked, resource))
}

fn provider(visit: &Visit<'_>, name: &str) -> Option<String> {
    let found = fabric::providers(visit).into_iter().find(|one| fabric::is_called(one, name))?;
    found["id"].as_str().map(str::to_owned)
}

/// Begins to remove a server: the machines of the site are protected through it.
fn unregister(visit: &mut Visit<'_>, asked: &Asked, resource: String) -> Answer {
    let preflight = ServiceTask {
        id: "UnregisterFabricPreflightChecksTask",
        ..ServiceTask::new(
            "UnregisterFabricPreflightCheckTask",
            "Prerequisites check for deleting the server",
            PREFLIGHT_SECONDS,
        )
    };
    let tasks = vec![
        preflight,
        ServiceTask::new("CleanupFabricTask", "Cleaning up the provider settings", PREFLIGHT_SECONDS),
        ServiceTask::new("UnregisterFabricTask", "Deleting the server", PREFLIGHT_SECONDS),
    ];
    let target = fabric::server(visit.identity());
    let message = format!(
        "The server '{}' can't be deleted: machines are protected through it.",
        visit.identity().fabric_friendly
    );
    let job = ServiceJob::new("UnregisterFabric", "Delete server", target, tasks, resource);
    visit.start(asked, job.failing(0, "FabricInUse", message))
}

fn migrate(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let tasks =
        vec![ServiceTask::new("MigrateFabricToAadTask", "Update Authentication Service", MIGRATION_SECONDS)];
    let (target, resource) = (fabric::server(visit.identity()), visit.identity().fabric_id());
    let words = ("MigrateFabricToAad", "Update Authentication Service");
    let job = ServiceJob::new(words.0, words.1, target, tasks, resource);
    visit.start(asked, job)
}

/// Looks for a physical machine: one that the site has is known already, and nobody is at any other address.
fn discover(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    for key in ["friendlyName", "ipAddress", "osType"] {
        if text(&properties, key).is_none() {
            let message = format!("The parameter '{key}' is missing.");
            return Answer::asr_error(asked, 400, "InvalidParameter", message);
        }
    }
    let named = |key: &str| text(&properties, key).unwrap_or_default().to_owned();
    let (name, address) = (named("friendlyName"), named("ipAddress"));
    let mut items = visit.world().items.iter();
    let is_known = items.any(|item| {
        let own = item.name.as_str();
        own.eq_ignore_ascii_case(&name) || [words::address(own), words::azure_address(own)].contains(&address)
    });
    let target =
        Target { id: Some(guid::guid("physical", &name)), name: Some(name), kind: "ProtectionEntity" };
    let tasks = vec![ServiceTask::new("DiscoverPhysicalMachineTask", "Adding machine", DISCOVERY_SECONDS)];
    let resource = visit.identity().container_id();
    let job = ServiceJob::new("DiscoverPhysicalMachine", "Add physical machine", target, tasks, resource);
    let message = if is_known {
        format!(
            "Discovery operation failed. There is already a source machine with the specified IP Address {address}"
        )
    } else {
        format!("Discovery operation failed. No machine answers at {address}.")
    };
    visit.start(asked, job.failing(0, "95222", message))
}
