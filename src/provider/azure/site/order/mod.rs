//! A request of the engine as calls of the service: the names of the wire and its directions stand here and nowhere else.
//!
//! Item calls name their direction relative to where the item replicates now; recovery plans relative to the plan's own primary.

mod plan;

pub(super) use plan::delete_plan;
pub(super) use plan::plan_failover;
pub(super) use plan::recovery_plan;

use reqwest::Method;
use serde_json::Value;
use serde_json::json;

use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::infrastructure::Accounts;
use crate::provider::azure::site::infrastructure::Servers;
use crate::provider::azure::site::prepare::Policies;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::fabric::FabricDetails;
use crate::provider::azure::wire::fabric::Server;
use crate::provider::azure::wire::item::Item;
use crate::provider::azure::wire::scalar::List;
use crate::provider::request::FailbackPoint;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;

/// A call that changes something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// The scenario of the job that it begins.
    pub(super) scenario: &'static str,
}

impl Order {
    /// Returns the kind of job that it begins, by which is learned how long such jobs take: the scenario, and the provider whose input
    /// it has. A reprotect has the same scenario both ways, and takes several times as long to on-premises.
    pub(super) fn kind(&self) -> String {
        let details = self.body.as_ref().map(|body| &body["properties"]["providerSpecificDetails"]);
        let provider = details.and_then(|details| details["instanceType"].as_str());
        provider.map_or_else(|| self.scenario.to_owned(), |provider| format!("{} {provider}", self.scenario))
    }
}

/// The operation that had nothing to do.
pub(super) const NOTHING_TO_DO: &str = "nothing-to-do";

/// Returns whether an operation had nothing to do, so that no job stands for it.
pub(super) fn is_nothing_to_do(operation: &OperationId) -> bool {
    operation.as_str() == NOTHING_TO_DO
}

pub(super) fn unresolved(message: String) -> AzureError {
    AzureError::Unresolved { message }
}

fn post(path: String, body: Option<Value>, scenario: &'static str) -> Order {
    Order { method: Method::POST, path, body, scenario }
}

/// Returns a server's id by its name.
fn server_id(kind: &str, name: &str, list: &List<Server>) -> Result<String, AzureError> {
    let found = list.iter().find(|server| server.friendly_name.is(name) || server.name.is(name));
    found.and_then(|server| server.id.get()).map(str::to_owned).ok_or_else(|| {
        let there: Vec<&str> = list.iter().map(Server::title).collect();
        unresolved(format!("the vault has no {kind} `{name}`; it has {}", in_words(&there)))
    })
}

fn in_words(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// What a reprotect is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'s> {
    pub(super) servers: &'s Servers,
    pub(super) accounts: &'s Accounts,
    pub(super) policies: &'s Policies,
}

impl<'s> Site<'s> {
    fn of_kind(&self, kind: &str, what: &str) -> Result<&'s FabricDetails, AzureError> {
        let found = self.servers.of_kind(kind).map(|(_, details)| details);
        found.ok_or_else(|| unresolved(format!("the vault has no {what}")))
    }

    fn classic(&self) -> Result<&'s FabricDetails, AzureError> {
        self.of_kind("VMware", "configuration server")
    }

    fn modernized(&self) -> Result<&'s FabricDetails, AzureError> {
        self.of_kind("InMageRcm", "replication appliances")
    }

    /// Returns the account with which the vCenter is asked, if there is one alone.
    fn vcenter_account(&self) -> Option<&'s str> {
        let mut accounts: Vec<&str> = self
            .servers
            .vcenters
            .iter()
            .flatten()
            .filter_map(|vcenter| vcenter.properties.run_as_account_id.get())
            .collect();
        accounts.sort_unstable();
        accounts.dedup();
        match accounts.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

/// Returns the volume of a master target as the service names it: `R` for `R:`.
fn volume(name: &str, server: &crate::provider::azure::wire::fabric::MasterTarget) -> String {
    let plain = |text: &str| text.trim_end_matches([':', '\\', '/']).to_lowercase();
    let found = server
        .retention_volumes
        .iter()
        .filter_map(|volume| volume.volume_name.get())
        .find(|known| plain(known) == plain(name));
    match found {
        Some(known) => known.to_owned(),
        // The service says what it thinks of a volume that it does not list.
        None if plain(name).is_empty() => name.to_owned(),
        None => name.trim_end_matches([':', '\\']).to_owned(),
    }
}

/// Reprotect from Azure to on-premises. In classic the input names the kind that the item becomes, in modernized the one it is.
pub(super) fn reprotect_to_onprem(
    entry: &Entry,
    target: &OnpremTarget,
    site: Site<'_>,
) -> Result<Order, AzureError> {
    let details = match target {
        OnpremTarget::Classic { master_target, process_server, retention_volume, datastore } => {
            let fabric = site.classic()?;
            let servers = &fabric.master_target_servers;
            let server = servers.iter().find(|server| server.name.is(master_target)).ok_or_else(|| {
                let there: Vec<&str> = servers.iter().filter_map(|server| server.name.get()).collect();
                unresolved(format!(
                    "the vault has no master target `{master_target}`; it has {}",
                    in_words(&there)
                ))
            })?;
            let policy = site.policies.failback.as_deref().ok_or_else(|| {
                unresolved(
                    "no failback policy is associated with the configuration server's machines".to_owned(),
                )
            })?;
            let mut details = json!({
                "instanceType": "InMage",
                "masterTargetId": server.id.or_empty(),
                "processServerId": server_id("process server", process_server, &fabric.process_servers)?,
                "retentionDrive": volume(retention_volume, server),
                "datastoreName": datastore,
                "profileId": policy,
                // The temporary disk of an Azure VM has nothing to come back to.
                "diskExclusionInput": {
                    "volumeOptions": [{"volumeLabel": "Temporary Storage", "onlyExcludeIfSingleVolume": "Yes"}],
                    "diskSignatureOptions": [],
                },
            });
            if let Some(account) = site.vcenter_account() {
                details["runAsAccountId"] = json!(account);
            }
            details
        }
        OnpremTarget::Modernized { appliance, log_storage_account, datastore } => {
            let fabric = site.modernized()?;
            let accounts = site.accounts.storage.as_deref().unwrap_or_default();
            let account = accounts.iter().find(|id| last_part(id).eq_ignore_ascii_case(log_storage_account));
            let account = account.ok_or_else(|| {
                let there: Vec<&str> = accounts.iter().map(|id| last_part(id)).collect();
                let there = in_words(&there);
                unresolved(format!(
                    "the subscription has no storage account `{log_storage_account}`; it has {there}"
                ))
            })?;
            json!({
                "instanceType": "InMageRcm",
                "reprotectAgentId": server_id("appliance", appliance, &fabric.reprotect_agents)?,
                "datastoreName": datastore,
                "logStorageAccountId": account,
            })
        }
    };
    let body =
        json!({"properties": {"failoverDirection": "RecoveryToPrimary", "providerSpecificDetails": details}});
    Ok(post(format!("{}/reProtect", entry.id), Some(body), "SwitchReplicationGroupProtection"))
}

/// Reprotect from on-premises to Azure. `full` is the item as it is read whole.
pub(super) fn reprotect_to_azure(
    entry: &Entry,
    full: &Item,
    target: &ForwardTarget,
    site: Site<'_>,
) -> Result<Order, AzureError> {
    let told = &full.provider_specific_details;
    let properties = match target {
        ForwardTarget::Classic { process_server } => {
            let fabric = site.classic()?;
            let master_target = told
                .master_target_id
                .get()
                .or_else(|| fabric.master_target_servers.first().and_then(|server| server.id.get()));
            let policy = site.policies.to_azure(full.policy_friendly_name.get());
            let policy = policy.ok_or_else(|| {
                unresolved("the vault has no policy for replication of VMware machines to Azure".to_owned())
            })?;
            let mut details = json!({
                "instanceType": "InMageAzureV2",
                "masterTargetId": master_target,
                "processServerId": server_id("process server", process_server, &fabric.process_servers)?,
                "policyId": policy,
            });
            let account = told.run_as_account_id.get().or_else(|| site.vcenter_account());
            if let Some(account) = account {
                details["runAsAccountId"] = json!(account);
            }
            json!({"failoverDirection": "RecoveryToPrimary", "providerSpecificDetails": details})
        }
        // The account that caches data is the policy's business, not the call's.
        ForwardTarget::Modernized { appliance, cache_storage_account: _ } => {
            let fabric = site.modernized()?;
            let account =
                told.run_as_account_id.get().or_else(|| appliance_account(full, appliance, site.accounts));
            let mut details = json!({
                "instanceType": "InMageRcmFailback",
                "processServerId": server_id("appliance", appliance, &fabric.process_servers)?,
                "runAsAccountId": account,
            });
            if let Some(policy) = told.last_used_policy_id.get().or_else(|| site.policies.to_azure(None)) {
                details["policyId"] = json!(policy);
            }
            json!({"providerSpecificDetails": details})
        }
    };
    let body = json!({"properties": properties});
    Ok(post(format!("{}/reProtect", entry.id), Some(body), "SwitchReplicationGroupProtection"))
}

/// Returns the account with which an appliance enters machines of an item's operating system.
fn appliance_account<'a>(item: &Item, appliance: &str, accounts: &'a Accounts) -> Option<&'a str> {
    let is_linux =
        item.provider_specific_details.os_type.or_empty().to_ascii_lowercase().starts_with("linux");
    let wanted = if is_linux { "LinuxGuest" } else { "WindowsGuest" };
    let of = |kind: &'static str| {
        accounts.run_as.iter().find(move |account| {
            account.properties.credential_type.is(kind)
                && account
                    .properties
                    .appliance_name
                    .get()
                    .is_none_or(|name| name.eq_ignore_ascii_case(appliance))
        })
    };
    of(wanted).or_else(|| of("CredentialLessAccount")).or_else(|| accounts.run_as.first())?.id.get()
}

/// That the copy in Azure is to be shut down first. A run asks for it, and looks afterwards whether it is off.
const SHUT_DOWN: &str = "Required";

/// The failover from Azure of one machine. In classic the direction is that of the item: Azure is its primary now.
pub(super) fn failover(entry: &Entry, point: FailbackPoint) -> Result<Order, AzureError> {
    match entry.kind {
        Kind::InMage => {
            let body = json!({"properties": {
                "failoverDirection": "PrimaryToRecovery",
                "sourceSiteOperations": SHUT_DOWN,
                "providerSpecificDetails": {"instanceType": "InMage", "recoveryPointType": classic_point(point)},
            }});
            Ok(post(format!("{}/unplannedFailover", entry.id), Some(body), "UnplannedFailover"))
        }
        Kind::InMageRcmFailback => {
            let body = json!({"properties": {"providerSpecificDetails": {
                "instanceType": "InMageRcmFailback", "recoveryPointType": modernized_point(point),
            }}});
            Ok(post(format!("{}/plannedFailover", entry.id), Some(body), "PlannedFailover"))
        }
        Kind::InMageAzureV2 | Kind::InMageRcm => Err(not_replicating_home(entry)),
    }
}

fn not_replicating_home(entry: &Entry) -> AzureError {
    // A failover of such an item would go to Azure.
    unresolved(format!(
        "{} does not replicate to on-premises, but is of kind {}",
        entry.name,
        entry.kind.word()
    ))
}

const fn classic_point(point: FailbackPoint) -> &'static str {
    match point {
        FailbackPoint::Latest | FailbackPoint::CrashConsistent => "LatestTime",
        FailbackPoint::AppConsistent => "LatestTag",
    }
}

const fn modernized_point(point: FailbackPoint) -> &'static str {
    match point {
        FailbackPoint::Latest | FailbackPoint::CrashConsistent => "CrashConsistent",
        FailbackPoint::AppConsistent => "ApplicationConsistent",
    }
}

/// The commit of a failover: of an item or of a recovery plan.
pub(super) fn commit(path: &str) -> Order {
    post(format!("{path}/failoverCommit"), None, "CommitFailover")
}

/// Takes a planned failover back.
pub(super) fn cancel(entry: &Entry) -> Order {
    post(format!("{}/failoverCancel", entry.id), None, "CancelFailover")
}

/// Returns the refusal of a machine that the vault does not have, in the service's code.
pub(super) fn not_there(machine: &MachineName, doubt: Option<String>) -> AzureError {
    let message = match doubt {
        Some(doubt) => format!("{machine}: {doubt}"),
        None => format!("the vault has no replicated item {machine}"),
    };
    AzureError::NotFound { what: machine.to_string(), code: "ArmResourceDoesNotExist".to_owned(), message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind) -> Entry {
        let item = serde_json::from_value(json!({})).expect("an item may say nothing");
        Entry { name: "w1".into(), id: "/v/items/w1".into(), kind, item }
    }

    #[test]
    fn a_classic_failover_home_asks_for_the_copy_in_azure_to_be_shut_down() {
        let classic = entry(Kind::InMage);
        let alone = failover(&classic, FailbackPoint::Latest).expect("it replicates home").body;
        let group = plan_failover("/v/plans/g", &[&classic], FailbackPoint::Latest).expect("it does").body;
        for body in [alone, group] {
            let properties = &body.expect("a failover has a body")["properties"];
            assert_eq!(properties["sourceSiteOperations"], "Required");
        }
    }

    #[test]
    fn a_machine_that_replicates_to_azure_is_not_failed_over() {
        for kind in [Kind::InMageAzureV2, Kind::InMageRcm] {
            assert!(failover(&entry(kind), FailbackPoint::Latest).is_err());
            assert!(plan_failover("/v/plans/g", &[&entry(kind)], FailbackPoint::Latest).is_err());
        }
    }
}
