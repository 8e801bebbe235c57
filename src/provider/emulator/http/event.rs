//! Events of the vault: what stands against machines and servers, and jobs that failed.

use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::fabric::is_called;
use crate::provider::emulator::http::filter::Filter;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::health_error::health_error;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::syntax::machine::Health;

/// Ticks of 100 ns from 1601, where the service counts from, to 1970.
const TICKS_TO_EPOCH: i128 = 116_444_736_000_000_000;

/// Answers what is asked about events; `path` is what follows the vault.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    if !asked.is_read() {
        return None;
    }
    match path {
        ["replicationevents"] => {
            let filter = match Filter::of(asked) {
                Ok(filter) => filter,
                Err(answer) => return Some(*answer),
            };
            let shown = events(visit).into_iter().filter(|event| passes(visit, &filter, event));
            Some(page(asked, shown.collect(), visit.shared.options.page))
        }
        ["replicationevents", name] => {
            let found = events(visit).into_iter().find(|event| is_called(event, name));
            Some(found.map_or_else(|| Answer::missing(asked, name), Answer::ok))
        }
        _ => None,
    }
}

fn passes(visit: &Visit<'_>, filter: &Filter, event: &Value) -> bool {
    let properties = &event["properties"];
    let same = |name: &str, member: &str| filter.allows(name, properties[member].as_str());
    let at = properties["timeOfOccurrence"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    same("severity", "severity")
        && same("eventType", "eventType")
        && same("affectedObjectFriendlyName", "affectedObjectFriendlyName")
        && filter.allows("fabricName", Some(&visit.identity().fabric))
        && filter.moment("startTime").is_none_or(|start| at.is_some_and(|at| at >= start))
        && filter.moment("endTime").is_none_or(|end| at.is_some_and(|at| at <= end))
}

/// One thing that happened.
struct Happened<'h> {
    prefix: &'h str,
    code: &'h str,
    description: &'h str,
    kind: &'h str,
    of: &'h str,
    severity: &'h str,
    at: Timestamp,
    details: Value,
    errors: Vec<Value>,
}

fn body(visit: &Visit<'_>, happened: Happened<'_>) -> Value {
    let identity = visit.identity();
    // Names count backwards, so that the newest comes first.
    let ticks = i128::from(i64::MAX) - (happened.at.as_nanosecond() / 100 + TICKS_TO_EPOCH);
    let of = guid::guid("event", &format!("{} {} {}", happened.code, happened.of, happened.at));
    let name = format!("{};{ticks}_{of}", happened.prefix);
    json!({
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/replicationEvents",
        "id": identity.within("replicationEvents", &name),
        "properties": {
            "eventCode": happened.code,
            "description": happened.description,
            "eventType": happened.kind,
            "affectedObjectFriendlyName": happened.of,
            "severity": happened.severity,
            "timeOfOccurrence": happened.at,
            "fabricId": identity.fabric_id(),
            "providerSpecificDetails": happened.details,
            "eventSpecificDetails": null,
            "healthErrors": happened.errors,
        },
    })
}

/// Returns all events, the newest first. What stands against something is told as of the beginning of the world: since when it
/// stands is no fact.
fn events(visit: &Visit<'_>) -> Vec<Value> {
    let world = visit.world();
    let mut listed: Vec<Value> = world.items.iter().map(|item| machine(visit, item)).collect();
    listed.extend(servers(visit));
    listed.extend(failed_jobs(visit));
    listed.sort_by(|one, other| one["name"].as_str().map(order).cmp(&other["name"].as_str().map(order)));
    listed
}

fn order(name: &str) -> &str {
    name.split_once(';').map_or(name, |(_, ticks)| ticks)
}

fn machine(visit: &Visit<'_>, item: &Item) -> Value {
    let health = item.facts.asr.as_ref().and_then(|asr| asr.health.as_deref().copied());
    let (severity, description) = match health {
        Some(Health::Critical) => ("Critical", "Virtual machine health is in Critical state."),
        Some(Health::Warning) => ("Warning", "Virtual machine health is in Warning state."),
        Some(Health::Ok | Health::Healthy) | None => ("OK", "Virtual machine health is in OK state."),
    };
    let provider = if visit.identity().classic { "InMageAzureV2" } else { "InMageRcm" };
    let details = json!({
        "instanceType": provider, "eventType": null, "category": null, "component": null, "correctiveAction": null,
        "details": null, "summary": null, "siteName": visit.identity().fabric_friendly,
    });
    let happened = Happened {
        prefix: "VmMonitoringEvent",
        code: "SRSVMHealthChanged",
        description,
        kind: "VmHealth",
        of: item.name.as_str(),
        severity,
        at: visit.world().start,
        details,
        errors: Vec::new(),
    };
    body(visit, happened)
}

fn servers(visit: &Visit<'_>) -> Vec<Value> {
    let (identity, facts) = (visit.identity(), visit.facts());
    let start = visit.world().start;
    let mut found: Vec<(&str, &str, &str, String)> = Vec::new();
    if facts.configuration_server.as_option().is_some_and(|server| is_false(&server.connected)) {
        found.push((
            "SRSDRAHeartbeatMissing",
            "Dra not reachable on server.",
            "583",
            identity.fabric_friendly.clone(),
        ));
    }
    for vcenter in facts.vcenters.iter().flatten().filter(|vcenter| is_false(&vcenter.connected)) {
        found.push((
            "VCenterDiscoveryOverdue",
            "vCenter discovery is overdue.",
            "811",
            vcenter.id.value.clone(),
        ));
    }
    for server in facts.process_servers.iter().flatten() {
        if visit.world().site.process_server_trouble(&server.name).is_some() {
            found.push((
                "PSHeartbeatMissing",
                "Process server heartbeat is missing.",
                "806",
                server.name.value.clone(),
            ));
        }
    }
    let listed = found.into_iter().map(|(code, description, error, of)| {
        let happened = Happened {
            prefix: "ServerMonitoringEvent",
            code,
            description,
            kind: "ServerHealth",
            of: &of,
            severity: "Critical",
            at: start,
            details: Value::Null,
            errors: vec![health_error(error, &of, &start.to_string())],
        };
        body(visit, happened)
    });
    listed.collect()
}

fn failed_jobs(visit: &Visit<'_>) -> Vec<Value> {
    let world = visit.world();
    let parts = world.jobs.iter().flat_map(|job| job.parts.iter());
    let failed = parts.filter_map(|part| Some((part.failure.as_ref()?, part.ended?, part.machine)));
    let listed = failed.map(|(failure, at, machine)| {
        let of =
            machine.map_or(visit.identity().vault.as_str(), |machine| world.items[machine].name.as_str());
        let mut error = health_error(&failure.code, of, &at.to_string());
        error["errorMessage"] = failure.message.clone().into();
        let happened = Happened {
            prefix: "JobEvent",
            code: "JobFailed",
            description: "A job failed.",
            kind: "JobFailure",
            of,
            severity: "Critical",
            at,
            details: Value::Null,
            errors: vec![error],
        };
        body(visit, happened)
    });
    listed.collect()
}
