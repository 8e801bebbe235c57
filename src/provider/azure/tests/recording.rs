//! Every recorded answer can be read; they are no part of the project, and are read from where `FAILBACK_RECORDINGS` says.

use serde_json::Value;

use crate::provider::azure::site::Kind;
use crate::provider::azure::wire::around::Anything;
use crate::provider::azure::wire::fabric::Container;
use crate::provider::azure::wire::fabric::Dra;
use crate::provider::azure::wire::fabric::Fabric;
use crate::provider::azure::wire::fabric::Mapping;
use crate::provider::azure::wire::fabric::OffAzureAccount;
use crate::provider::azure::wire::fabric::Policy;
use crate::provider::azure::wire::fabric::Vcenter;
use crate::provider::azure::wire::item::Item;
use crate::provider::azure::wire::item::Point;
use crate::provider::azure::wire::item::Protectable;
use crate::provider::azure::wire::job::Job;
use crate::provider::azure::wire::page::Page;
use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::plan::Plan;
use crate::provider::azure::wire::scalar::Readable;

fn read<T: Readable + Default>(name: &str, body: &Value, check: impl Fn(&T) -> bool) {
    let text = body.to_string();
    let all: Vec<Resource<T>> = if body.get("value").is_some() {
        let page: Page<Resource<T>> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        page.value.into_vec()
    } else {
        vec![serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))]
    };
    for one in &all {
        assert!(
            one.name.get().is_some() && one.id.get().is_some(),
            "{name}: a resource has a name and an id"
        );
        assert!(check(&one.properties), "{name}: what counts is not read");
    }
}

#[expect(clippy::print_stderr, reason = "a suite that is skipped says so")]
#[test]
fn every_recorded_answer_can_be_read() {
    #[expect(clippy::disallowed_methods, reason = "a test is told by its environment where recordings are")]
    let Some(folder) = std::env::var_os("FAILBACK_RECORDINGS") else {
        eprintln!("SKIPPED: FAILBACK_RECORDINGS is not set, so no recorded answer was read");
        return;
    };
    let mut count = 0;
    for file in std::fs::read_dir(&folder).expect("the folder can be listed") {
        let path = file.expect("the folder can be listed").path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let exchange: Value = serde_json::from_str(&text).expect("it is JSON");
        let (request, response) = (&exchange["request"], &exchange["response"]);
        if request["method"] != "GET" || response["status"] != 200 {
            continue;
        }
        let (url, body) = (request["url"].as_str().unwrap_or_default(), &response["body"]);
        let path = url.split('?').next().unwrap_or_default();
        let kinds: Vec<&str> = path
            .split('/')
            .filter(|part| {
                part.starts_with("replication")
                    || *part == "recoveryPoints"
                    || part.eq_ignore_ascii_case("runasaccounts")
            })
            .collect();
        count += 1;
        match kinds.last().copied().unwrap_or_default() {
            "replicationProtectedItems" => read::<Item>(&name, body, |item| {
                let kind = item.provider_specific_details.instance_type.get();
                let is_ours = Kind::of(item).is_some();
                item.friendly_name.get().is_some()
                    && item.protection_state.get().is_some()
                    && item.active_location.get().is_some()
                    && (is_ours || kind.is_some_and(|kind| kind.starts_with("HyperV") || kind == "A2A"))
            }),
            "recoveryPoints" => read::<Point>(&name, body, |point| point.recovery_point_time.get().is_some()),
            "replicationFabrics" => read::<Fabric>(&name, body, |fabric| {
                fabric.custom_details.get().is_some_and(|details| details.instance_type.get().is_some())
            }),
            "replicationRecoveryServicesProviders" => {
                read::<Dra>(&name, body, |dra| dra.connection_status.get().is_some());
            }
            "replicationvCenters" => {
                read::<Vcenter>(&name, body, |vcenter| vcenter.friendly_name.get().is_some())
            }
            "replicationProtectionContainers" => read::<Container>(&name, body, |_| true),
            "replicationProtectionContainerMappings" => {
                read::<Mapping>(&name, body, |mapping| mapping.policy_id.get().is_some())
            }
            "replicationPolicies" => read::<Policy>(&name, body, |policy| {
                policy.provider_specific_details.get().is_some_and(|kind| kind.instance_type.get().is_some())
            }),
            "replicationProtectableItems" => {
                read::<Protectable>(&name, body, |machine| machine.friendly_name.get().is_some())
            }
            "replicationRecoveryPlans" => read::<Plan>(&name, body, |plan| !plan.groups.is_empty()),
            "replicationJobs" => read::<Job>(&name, body, |job| job.state.get().is_some()),
            word if word.eq_ignore_ascii_case("runasaccounts") => {
                read::<OffAzureAccount>(&name, body, |account| account.credential_type.get().is_some());
            }
            _ => read_anything(&name, body),
        }
    }
    assert!(count > 30, "{count} recorded answers are too few: is this the folder?");
}

/// Reads what is of no kind that counts: it is passed over without an error.
fn read_anything(name: &str, body: &Value) {
    let text = body.to_string();
    if body.get("value").is_some() {
        serde_json::from_str::<Page<Resource<Anything>>>(&text)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    } else {
        serde_json::from_str::<Resource<Anything>>(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
