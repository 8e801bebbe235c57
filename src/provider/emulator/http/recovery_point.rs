//! Recovery points: `…/replicationProtectedItems/{item}/recoveryPoints`.

use hyper::Method;
use jiff::SignedDuration;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::Provider;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::latency;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::State;

/// Points of the way to Azure that are listed: those of the last hour, and of each hour before it.
const LISTED: i64 = 24;

/// Returns the answer to a list of points, or to a GET of one.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, machine: usize, name: Option<&str>) -> Answer {
    if asked.method != Method::GET {
        return Answer::not_allowed(asked);
    }
    let points = points(visit, machine);
    match name {
        None => page::page(asked, points, visit.shared.options.page),
        Some(name) => {
            let found = points
                .into_iter()
                .find(|point| point["name"].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)));
            found.map_or_else(|| Answer::missing(asked, name), Answer::ok)
        }
    }
}

fn points(visit: &Visit<'_>, machine: usize) -> Vec<Value> {
    let item = &visit.world().items[machine];
    let id = visit.identity().item_id(item.name.as_str());
    let provider = item::provider(visit, machine);
    let point = |name: &str, at: jiff::Timestamp, app: bool, shared: bool| {
        json!({
            "id": format!("{id}/recoveryPoints/{name}"), "name": name,
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/recoveryPoints",
            "properties": {
                "recoveryPointTime": stamp(at),
                "recoveryPointType": if app { "ApplicationConsistent" } else { "CrashConsistent" },
                "providerSpecificDetails": {
                    "instanceType": provider.word(), "isMultiVmSyncPoint": if shared { "true" } else { "false" },
                },
            },
        })
    };
    match provider {
        // The points of this direction stand in the item itself.
        Provider::InMage => Vec::new(),
        Provider::InMageRcmFailback => item
            .points
            .facts(visit.now, &item.owner())
            .into_iter()
            .rev()
            .filter_map(|fact| {
                let at = fact.at.as_deref().copied()?;
                let app = fact.kind.as_deref() == Some(&PointKind::AppConsistent);
                let common = fact.group_point.as_deref().cloned();
                let own = || guid::guid("point", &format!("{} {at} {app}", item.name));
                let name = common.clone().or_else(|| fact.id.as_deref().cloned()).unwrap_or_else(own);
                Some(point(&name, at, app, common.is_some()))
            })
            .collect(),
        Provider::InMageAzureV2 | Provider::InMageRcm => {
            if !matches!(item.settled, State::ProtectedToAzure | State::FailedOver) {
                return Vec::new();
            }
            let now = visit.now.as_second();
            let step = latency::CRASH_CONSISTENT_EVERY;
            let newest = now - now.rem_euclid(step);
            let moments = (0..12).map(|count| (newest - count * step, false));
            let hour = now - now.rem_euclid(3_600);
            let hours = (1..LISTED).map(|count| (hour - count * 3_600, true));
            moments
                .chain(hours)
                .filter_map(|(second, app)| {
                    let at = jiff::Timestamp::from_second(second).ok()?;
                    let at = at.checked_add(SignedDuration::from_millis(996)).ok()?;
                    let name = guid::guid("point to azure", &format!("{} {second}", item.name));
                    Some(point(&name, at, app, false))
                })
                .collect()
        }
    }
}
