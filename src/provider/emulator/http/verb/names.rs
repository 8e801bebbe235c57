//! The names behind the ids that requests carry. An id that nobody knows stays what it is: the job fails by it.

use serde_json::Value;

use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::visit::Visit;

fn named(id: &str, names: impl Iterator<Item = String>, id_of: impl Fn(&str) -> String) -> String {
    let mut names = names;
    names.find(|name| id_of(name).eq_ignore_ascii_case(id)).unwrap_or_else(|| id.to_owned())
}

/// Returns the name of a master target.
pub(super) fn master_target(visit: &Visit<'_>, details: &Value) -> String {
    let all = visit.world().site.facts().master_targets.iter().flatten().map(|one| one.name.value.clone());
    let identity = visit.identity();
    named(text(details, "masterTargetId").unwrap_or_default(), all, |name| identity.master_target_id(name))
}

/// Returns the name of a process server.
pub(super) fn process_server(visit: &Visit<'_>, details: &Value) -> String {
    let all = visit.world().site.facts().process_servers.iter().flatten().map(|one| one.name.value.clone());
    let identity = visit.identity();
    named(text(details, "processServerId").unwrap_or_default(), all, |name| identity.process_server_id(name))
}

/// Returns the name of an appliance, by the id of one of its parts.
pub(super) fn appliance(visit: &Visit<'_>, details: &Value, key: &str) -> String {
    let all = visit.world().site.facts().appliances.iter().flatten().map(|one| one.name.value.clone());
    let identity = visit.identity();
    named(text(details, key).unwrap_or_default(), all, |name| identity.appliance_id(name))
}

/// Returns the name of a storage account.
pub(super) fn storage_account(visit: &Visit<'_>, details: &Value, key: &str) -> Option<String> {
    let last = text(details, key)?.rsplit('/').next()?;
    let mut all = visit.world().site.facts().storage_accounts.iter().flatten();
    let own = all.find(|account| account.value.eq_ignore_ascii_case(last));
    Some(own.map_or_else(|| last.to_owned(), |account| account.value.clone()))
}
