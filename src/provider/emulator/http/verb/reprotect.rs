//! Reprotect, in its four directions.

use serde_json::Value;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::verb::begin;
use crate::provider::emulator::http::verb::direction_is;
use crate::provider::emulator::http::verb::input;
use crate::provider::emulator::http::verb::names;
use crate::provider::emulator::http::verb::wrong_direction;
use crate::provider::emulator::http::verb::wrong_provider;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::request::ForwardTarget;
use crate::provider::request::OnpremTarget;
use crate::provider::request::Request;

/// Returns the answer to `reProtect`.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, machine: usize, properties: &Value) -> Answer {
    let (details, kind) = input(properties);
    let provider = item::provider(visit, machine);
    if !direction_is(properties, "RecoveryToPrimary") {
        return wrong_direction(asked);
    }
    let word = |key: &str| text(&details, key).unwrap_or_default().to_owned();
    let name = visit.world().items[machine].name.clone();
    let resource = visit.identity().item_id(name.as_str());
    let classic = visit.identity().classic;
    // Classic requests name the provider of the new direction, modernized ones that of the present one.
    let (request, policy, to_onprem) = match kind.to_lowercase().as_str() {
        "inmage" if classic => {
            let missing = ["masterTargetId", "processServerId", "retentionDrive", "profileId"];
            if let Some(key) = missing.iter().find(|key| text(&details, key).is_none()) {
                return lacks(asked, key);
            }
            let target = OnpremTarget::Classic {
                master_target: names::master_target(visit, &details),
                process_server: names::process_server(visit, &details),
                retention_volume: word("retentionDrive"),
                datastore: text(&details, "datastoreName")
                    .map_or_else(|| own_datastore(visit, machine), str::to_owned),
            };
            (Request::ReprotectToOnprem { machine: name, target }, word("profileId"), true)
        }
        "inmageazurev2" if classic => {
            if text(&details, "processServerId").is_none() {
                return lacks(asked, "processServerId");
            }
            let target = ForwardTarget::Classic { process_server: names::process_server(visit, &details) };
            (Request::ReprotectToAzure { machine: name, target }, word("policyId"), false)
        }
        "inmagercm" if !classic => {
            let missing = ["reprotectAgentId", "datastoreName", "logStorageAccountId"];
            if let Some(key) = missing.iter().find(|key| text(&details, key).is_none()) {
                return lacks(asked, key);
            }
            let target = OnpremTarget::Modernized {
                appliance: names::appliance(visit, &details, "reprotectAgentId"),
                log_storage_account: names::storage_account(visit, &details, "logStorageAccountId")
                    .unwrap_or_default(),
                datastore: word("datastoreName"),
            };
            (Request::ReprotectToOnprem { machine: name, target }, word("policyId"), true)
        }
        "inmagercmfailback" if !classic => {
            if text(&details, "processServerId").is_none() {
                return lacks(asked, "processServerId");
            }
            let target = ForwardTarget::Modernized {
                appliance: names::appliance(visit, &details, "processServerId"),
                cache_storage_account: names::storage_account(visit, &details, "logStorageAccountId")
                    .unwrap_or_else(|| cache_account(visit, machine)),
            };
            (Request::ReprotectToAzure { machine: name, target }, word("policyId"), false)
        }
        _ => return wrong_provider(asked, provider),
    };
    let answer = begin(visit, asked, &request, resource);
    if answer.status == 202 && !policy.is_empty() {
        visit.desk.policies.insert((machine, to_onprem), policy);
    }
    answer
}

fn lacks(asked: &Asked, key: &str) -> Answer {
    Answer::asr_error(asked, 400, "InvalidParameter", format!("The parameter '{key}' is missing."))
}

/// Returns a datastore of the machine: in classic, none needs to be named where its disks are still there.
pub(super) fn own_datastore(visit: &Visit<'_>, machine: usize) -> String {
    let vm = visit.world().items[machine].facts.onprem_vm.as_ref();
    let mut disks = vm.into_iter().flat_map(|vm| vm.disks.iter().flatten());
    disks.find_map(|disk| disk.datastore.as_option().map(|name| name.value.clone())).unwrap_or_default()
}

/// Returns the account that caches data on its way to Azure: the service remembers it, and it is not the one of the way back.
pub(super) fn cache_account(visit: &Visit<'_>, machine: usize) -> String {
    let name = &visit.world().items[machine].name;
    let log = visit.world().jobs.iter().rev().find_map(|job| match &job.request {
        Request::ReprotectToOnprem {
            machine,
            target: OnpremTarget::Modernized { log_storage_account, .. },
        } if machine == name => Some(log_storage_account.as_str()),
        _ => None,
    });
    let accounts = || visit.world().site.facts().storage_accounts.iter().flatten();
    let other = accounts().find(|account| log.is_none_or(|log| !account.value.eq_ignore_ascii_case(log)));
    other.or_else(|| accounts().next()).map_or_else(|| "cache".to_owned(), |account| account.value.clone())
}
