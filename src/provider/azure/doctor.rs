//! What stands between a person and a run: credentials, rights, the clock, and what is in the vault.

use crate::clock::Clock as _;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::redact;
use crate::provider::azure::site::OTHER_VAULT;
use crate::provider::azure::site::read_directory;
use crate::provider::azure::site::read_servers;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::wire::around::Anything;
use crate::provider::azure::wire::around::Permission;
use crate::provider::azure::wire::page::Resource;

/// Version of the API of roles.
const AUTHORIZATION: &str = "2022-04-01";
/// Seconds by which clocks may differ: tokens are good for a little longer than they say.
const SKEW: i64 = 120;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// All is well.
    Ok,
    /// A run may go wrong.
    Warning,
    /// A run is not possible.
    Failed,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it came out.
    pub result: CheckResult,
    /// What was seen.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
}

fn check(name: &'static str, result: CheckResult, what: impl Into<String>) -> Check {
    Check { name, result, what: what.into(), help: None }
}

fn failed(name: &'static str, error: &AzureError) -> Check {
    Check { help: error.help(), ..check(name, CheckResult::Failed, error.to_string()) }
}

/// What a run does in the vault, and which right that needs.
const DEEDS: &[(&str, &str)] = &[
    (
        "fail over to on-premises (classic)",
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/unplannedFailover/action",
    ),
    (
        "fail over to on-premises (modernized)",
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/plannedFailover/action",
    ),
    (
        "commit",
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/failoverCommit/action",
    ),
    (
        "reprotect",
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/reProtect/action",
    ),
    ("make the failback policy", "Microsoft.RecoveryServices/vaults/replicationPolicies/write"),
    (
        "associate the failback policy",
        "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectionContainerMappings/write",
    ),
    (
        "make recovery plans for replication groups",
        "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans/write",
    ),
];

/// Checks everything that a run on a vault needs of Azure; each check goes on whatever the others show.
pub async fn diagnose(reader: &ReadClient, vault: &VaultId) -> Vec<Check> {
    let mut checks = Vec::new();
    let host = reader.cloud().manager().host_str().unwrap_or_default().to_owned();
    match reader.transport().source().await {
        Ok(source) => {
            checks.push(check("credentials", CheckResult::Ok, format!("a token came from: {source}")))
        }
        Err(error) => {
            checks.push(failed("credentials", &error));
            return checks;
        }
    }
    match reader.greet(vault).await {
        Ok(()) => {
            checks.push(check("reachability", CheckResult::Ok, format!("{host} answers")));
            checks.push(check("vault", CheckResult::Ok, format!("{} is there", vault.name)));
        }
        Err(error) => {
            let name = match &error {
                AzureError::Unreachable { .. }
                | AzureError::Untrusted { .. }
                | AzureError::NoAnswer { .. } => "reachability",
                AzureError::Forbidden { .. } => "rights",
                AzureError::Credential(_) => "credentials",
                AzureError::Denied { .. }
                | AzureError::NotFound { .. }
                | AzureError::Refused { .. }
                | AzureError::Busy { .. }
                | AzureError::Broken { .. }
                | AzureError::Malformed { .. }
                | AzureError::Astray { .. }
                | AzureError::Endless { .. }
                | AzureError::Unresolved { .. } => "vault",
            };
            checks.push(failed(name, &error));
            // Without the vault, nothing below it can be asked about.
            if !matches!(error, AzureError::Forbidden { .. }) {
                return checks;
            }
        }
    }
    checks.extend(clock(reader));
    checks.push(items(reader, vault).await);
    checks.push(servers(reader, vault).await);
    checks.push(jobs(reader, vault).await);
    checks.push(machines(reader, vault).await);
    checks.push(rights(reader, vault).await);
    checks
}

fn clock(reader: &ReadClient) -> Option<Check> {
    let seen = reader.transport().clock_seen()?;
    let apart = seen.theirs.duration_since(seen.ours).as_secs();
    if apart.abs() <= SKEW {
        return Some(check(
            "clock",
            CheckResult::Ok,
            format!("this machine's clock is {apart} s behind Azure's"),
        ));
    }
    let what = format!(
        "this machine's clock is {} s {} Azure's",
        apart.abs(),
        if apart > 0 { "behind" } else { "ahead of" }
    );
    let help =
        "set the machine's clock: tokens are refused where clocks differ, and windows open at the wrong time";
    Some(Check { help: Some(help.to_owned()), ..check("clock", CheckResult::Warning, what) })
}

async fn items(reader: &ReadClient, vault: &VaultId) -> Check {
    let directory = match read_directory(reader, vault).await {
        Ok((directory, _)) => directory,
        Err(error) => return failed("items", &error),
    };
    let ignored = directory.left_alone().map(|kinds| format!("; left alone: {kinds}")).unwrap_or_default();
    if directory.entries.is_empty() {
        let what = format!("the vault has no VMware machine or physical server{ignored}");
        return Check { help: Some(OTHER_VAULT.to_owned()), ..check("items", CheckResult::Failed, what) };
    }
    let what = format!("{} machines replicate with VMware{ignored}", directory.entries.len());
    let unreadable: Vec<&str> = directory.unreadable.values().flatten().map(String::as_str).collect();
    let (what, help) = match (directory.ambiguous.as_slice(), unreadable.as_slice()) {
        ([], []) => return check("items", CheckResult::Ok, what),
        ([], unreadable) => (
            format!("{what}; how {} replicates can't be read", redact::words(&unreadable.join(", "))),
            "nothing is known of such a machine: look at its item in the vault, and whether this program is the newest",
        ),
        (ambiguous, _) => (
            format!("{what}; several items are called {}", ambiguous.join(", ")),
            "which of them is meant can't be told: rename or remove the one that is left over",
        ),
    };
    Check { help: Some(help.to_owned()), ..check("items", CheckResult::Warning, what) }
}

/// Checks whether what stands around the machines can be read: guards of a run need it.
async fn servers(reader: &ReadClient, vault: &VaultId) -> Check {
    let servers = match read_servers(reader, vault).await {
        Ok((servers, _)) => servers,
        Err(error) => return failed("servers", &error),
    };
    if servers.missing.is_empty() {
        return check("servers", CheckResult::Ok, "fabrics, providers and vCenters can be read");
    }
    let lacks: Vec<String> =
        servers.missing.iter().map(|missing| format!("{}: {}", missing.facts, missing.why)).collect();
    let what = format!("not everything about them can be read: {}", lacks.join("; "));
    let help = "grant the identity Site Recovery Reader on the vault; a new grant takes minutes".to_owned();
    Check { help: Some(help), ..check("servers", CheckResult::Warning, what) }
}

/// Checks whether jobs can be read: a run follows what it asked for by them.
async fn jobs(reader: &ReadClient, vault: &VaultId) -> Check {
    let path = format!("{}/replicationJobs", vault.path());
    // Nothing that ended is of interest: the answer is to be short.
    let now = reader.pace().now().strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string();
    let filter = format!("$filter=StartTime%20eq%20'{now}'");
    match reader.list::<Resource<Anything>>(&path, &filter, SITE_RECOVERY).await {
        Ok(_) => check("jobs", CheckResult::Ok, "the vault's jobs can be read"),
        Err(error) => failed("jobs", &error),
    }
}

async fn machines(reader: &ReadClient, vault: &VaultId) -> Check {
    let path = format!("{}/providers/Microsoft.Compute/virtualMachines", vault.subscription_path());
    match reader.list::<Resource<Anything>>(&path, "statusOnly=true", "2024-07-01").await {
        Ok(listed) => {
            check("virtual machines", CheckResult::Ok, format!("{} can be read", listed.values.len()))
        }
        Err(error) => Check { result: CheckResult::Warning, ..failed("virtual machines", &error) },
    }
}

async fn rights(reader: &ReadClient, vault: &VaultId) -> Check {
    let path = format!("{}/providers/Microsoft.Authorization/permissions", vault.path());
    let permissions = match reader.list::<Permission>(&path, "", AUTHORIZATION).await {
        Ok(listed) => listed.values,
        Err(error) => return Check { result: CheckResult::Warning, ..failed("rights", &error) },
    };
    let lacking: Vec<&str> =
        DEEDS.iter().filter(|(_, right)| !has(&permissions, right)).map(|(deed, _)| *deed).collect();
    if lacking.is_empty() {
        return check("rights", CheckResult::Ok, "everything that a run does in the vault is permitted");
    }
    let only_reads = lacking.len() == DEEDS.len();
    let what = if only_reads {
        "the identity may only read: check, plan and --read-only work, a run does not".to_owned()
    } else {
        format!("the identity may not: {}", lacking.join(", "))
    };
    let help = "grant the role Site Recovery Contributor on the vault; Site Recovery Operator is enough where the failback policy is associated already";
    Check { help: Some(help.to_owned()), ..check("rights", CheckResult::Warning, what) }
}

/// Returns whether one of several permissions holds a right.
fn has(permissions: &[Permission], right: &str) -> bool {
    permissions.iter().any(|permission| {
        let in_list = |list: &[crate::provider::azure::wire::scalar::Text]| {
            list.iter().filter_map(|pattern| pattern.get()).any(|pattern| matches_pattern(pattern, right))
        };
        in_list(&permission.actions) && !in_list(&permission.not_actions)
    })
}

/// Returns whether a right fits a pattern, in which `*` stands for anything.
fn matches_pattern(pattern: &str, right: &str) -> bool {
    let (pattern, right) = (pattern.to_lowercase(), right.to_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| right.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::azure::tests::Reply;
    use crate::provider::azure::tests::Script;

    #[test]
    fn a_right_is_held_by_a_pattern_unless_it_is_taken_out() {
        let permission = |actions: &[&str], not: &[&str]| {
            serde_json::from_value::<Permission>(serde_json::json!({"actions": actions, "notActions": not}))
                .expect("it can be read")
        };
        let right = DEEDS[0].1;
        for (actions, not, held) in [
            (&["*"][..], &[][..], true),
            (&["Microsoft.RecoveryServices/*"], &[], true),
            (&["microsoft.recoveryservices/vaults/*/action"], &[], true),
            (&["*/read"], &[], false),
            (&["*"], &["Microsoft.RecoveryServices/vaults/replicationFabrics/*"], false),
            (&["Microsoft.RecoveryServices/vaults"], &[], false),
        ] {
            assert_eq!(has(&[permission(actions, not)], right), held, "{actions:?} without {not:?}");
        }
    }

    fn vault() -> VaultId {
        VaultId { subscription: "s".into(), resource_group: "g".into(), name: "v".into() }
    }

    #[tokio::test]
    async fn a_vault_without_a_vmware_machine_is_said_to_be_another_one_and_the_rest_is_left_alone() {
        let item = |name: &str, kind: &str| {
            serde_json::json!({"id": format!("/v/{name}"), "name": name,
                "properties": {"friendlyName": name, "providerSpecificDetails": {"instanceType": kind}}})
        };
        let page = serde_json::json!({"value": [item("a1", "A2A"), item("a2", "A2A"), item("h1", "HyperVReplicaAzure")]});
        let script = Script::of([Reply::ok(page.to_string()), Reply::ok(r#"{"value": []}"#)]).await;
        let client = script.client();
        let others = items(&client, &vault()).await;
        assert_eq!(others.result, CheckResult::Failed, "{others:?}");
        assert!(others.what.contains("2 of kind A2A, 1 of kind HyperVReplicaAzure"), "{others:?}");
        let empty = items(&client, &vault()).await;
        assert!(empty.what.ends_with("no VMware machine or physical server"), "{empty:?}");
        assert!(empty.help.is_some_and(|help| help.contains("name the vault")));
    }

    #[tokio::test]
    async fn a_clock_that_is_wrong_is_noticed_by_what_azure_says_of_its_own() {
        let dated =
            |date: &str| Reply::Says(200, vec![("date", date.to_owned())], r#"{"value": []}"#.to_owned());
        // The tests' own clock stands at midnight.
        for (date, result, told) in [
            ("Thu, 01 Jan 2026 00:10:00 GMT", CheckResult::Warning, "600 s behind"),
            ("Wed, 31 Dec 2025 23:50:00 GMT", CheckResult::Warning, "600 s ahead of"),
            ("Thu, 01 Jan 2026 00:00:20 GMT", CheckResult::Ok, "20 s behind"),
        ] {
            let client = Script::of([dated(date)]).await.client();
            items(&client, &vault()).await;
            let seen = clock(&client).expect("the answer had a date");
            assert_eq!(seen.result, result, "{seen:?}");
            assert!(seen.what.contains(told), "{seen:?}");
        }
    }
}
