//! What may be asked of an item: `POST …/replicationProtectedItems/{item}/{verb}`.

mod azure;
mod begin;
mod care;
mod names;
mod reprotect;
mod reprotect_group;

use hyper::Method;
use serde_json::Value;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::Provider;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::request::FailbackPoint;
use crate::provider::request::Request;

pub(super) use azure::Pauses;
pub(super) use azure::fail_over_to_azure;
pub(super) use azure::test_failover;
pub(super) use azure::test_failover_cleanup;
pub(super) use begin::begin;
pub(super) use begin::begin_failover;
pub(super) use reprotect_group::reprotect_members;

/// Returns the answer to a verb on an item.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, machine: usize, verb: &str) -> Option<Answer> {
    if asked.method != Method::POST {
        return None;
    }
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return Some(answer),
    };
    let name = visit.world().items[machine].name.clone();
    let resource = visit.identity().item_id(name.as_str());
    let answer = match verb {
        "reprotect" => reprotect::answer(visit, asked, machine, &properties),
        "unplannedfailover" => unplanned(visit, asked, machine, &properties),
        "plannedfailover" => planned(visit, asked, machine, &properties),
        "failovercommit" => {
            let request = Request::Commit { machines: vec![name], recovery_plan: None };
            begin(visit, asked, &request, resource)
        }
        "failovercancel" => begin(visit, asked, &Request::CancelFailover { machine: name }, resource),
        "testfailover" => azure::test_item(visit, asked, machine, &properties),
        "testfailovercleanup" => azure::clean_item(visit, asked, machine, &properties),
        "applyrecoverypoint" => azure::apply_recovery_point(visit, asked, machine, &properties),
        "repairreplication" => care::repair(visit, asked, machine),
        "resolvehealtherrors" => care::resolve_health_errors(visit, asked, machine, &properties),
        "updatemobilityservice" | "reinstallmobilityservice" => {
            care::update_mobility_service(visit, asked, machine)
        }
        "updateappliance" => care::update_appliance(visit, asked, machine, &properties),
        "remove" => care::remove(visit, asked, machine, false),
        _ => return None,
    };
    Some(answer)
}

/// Returns the answer to `DELETE` of an item.
pub(super) fn purge(visit: &mut Visit<'_>, asked: &Asked, machine: usize) -> Answer {
    care::remove(visit, asked, machine, true)
}

/// Returns the part of the properties that belongs to a provider, and which provider it names.
fn input(properties: &Value) -> (Value, String) {
    let details =
        super::exchange::field(properties, "providerSpecificDetails").cloned().unwrap_or(Value::Null);
    let kind = text(&details, "instanceType").unwrap_or_default().to_owned();
    (details, kind)
}

/// Returns the 400 for a direction that is not the item's.
pub(super) fn wrong_direction(asked: &Asked) -> Answer {
    let message = "Invalid failover direction was specified. Verify input and try operation again.";
    Answer::asr_error(asked, 400, "InvalidFailoverDirection", message)
}

/// Returns the 400 for input of a provider that the item doesn't have.
fn wrong_provider(asked: &Asked, provider: Provider) -> Answer {
    let message =
        format!("The provider specific input isn't one of the replication provider '{}'.", provider.word());
    Answer::asr_error(asked, 400, "InvalidParameter", message)
}

/// Returns whether the direction is the wanted one; one that is left out is.
pub(super) fn direction_is(properties: &Value, wanted: &str) -> bool {
    text(properties, "failoverDirection").is_none_or(|word| word.eq_ignore_ascii_case(wanted))
}

fn unplanned(visit: &mut Visit<'_>, asked: &Asked, machine: usize, properties: &Value) -> Answer {
    let (details, kind) = input(properties);
    let provider = item::provider(visit, machine);
    if !direction_is(properties, "PrimaryToRecovery") {
        return wrong_direction(asked);
    }
    match (provider, kind.to_lowercase().as_str()) {
        (Provider::InMageAzureV2, "inmageazurev2") | (Provider::InMageRcm, "inmagercm") => {
            azure::fail_item_over(visit, asked, machine, properties, &details)
        }
        (Provider::InMage, "inmage") => {
            match point(text(&details, "recoveryPointType").unwrap_or("LatestTime")) {
                None => {
                    Answer::asr_error(asked, 400, "InvalidParameter", "The recovery point type is not known.")
                }
                Some(point) => fail_back(visit, asked, machine, point, shuts_down(properties)),
            }
        }
        // A failback of what does not replicate home is one in the wrong direction.
        (Provider::InMageAzureV2, "inmage") => wrong_direction(asked),
        (
            Provider::InMageAzureV2 | Provider::InMage | Provider::InMageRcm | Provider::InMageRcmFailback,
            _,
        ) => wrong_provider(asked, provider),
    }
}

fn planned(visit: &mut Visit<'_>, asked: &Asked, machine: usize, properties: &Value) -> Answer {
    let (details, kind) = input(properties);
    let provider = item::provider(visit, machine);
    match provider {
        Provider::InMageRcmFailback if kind.eq_ignore_ascii_case("InMageRcmFailback") => {
            match point(text(&details, "recoveryPointType").unwrap_or("CrashConsistent")) {
                Some(point @ (FailbackPoint::CrashConsistent | FailbackPoint::AppConsistent)) => {
                    fail_back(visit, asked, machine, point, true)
                }
                Some(FailbackPoint::Latest) | None => {
                    Answer::asr_error(asked, 400, "InvalidParameter", "The recovery point type is not known.")
                }
            }
        }
        Provider::InMageRcm if kind.eq_ignore_ascii_case("InMageRcmFailback") => wrong_direction(asked),
        Provider::InMageAzureV2 | Provider::InMage | Provider::InMageRcm | Provider::InMageRcmFailback => {
            wrong_provider(asked, provider)
        }
    }
}

/// Returns the kind of recovery point that a word stands for.
pub(super) fn point(word: &str) -> Option<FailbackPoint> {
    match word.to_lowercase().as_str() {
        // A point that is named is one of the machine's own; the newest stands for it here.
        "latesttime" | "custom" => Some(FailbackPoint::Latest),
        "latesttag" | "applicationconsistent" => Some(FailbackPoint::AppConsistent),
        "crashconsistent" => Some(FailbackPoint::CrashConsistent),
        _ => None,
    }
}

/// Returns whether an unplanned failover is to shut its source down first; one that doesn't say so leaves it as it is.
pub(super) fn shuts_down(properties: &Value) -> bool {
    text(properties, "sourceSiteOperations").is_some_and(|word| word.eq_ignore_ascii_case("Required"))
}

fn fail_back(
    visit: &mut Visit<'_>,
    asked: &Asked,
    machine: usize,
    point: FailbackPoint,
    shuts_down: bool,
) -> Answer {
    let name = visit.world().items[machine].name.clone();
    let resource = visit.identity().item_id(name.as_str());
    let request = Request::FailoverToOnprem { machines: vec![name], recovery_plan: None, point };
    begin_failover(visit, asked, &request, resource, shuts_down)
}
