//! Recovery plans: `replicationRecoveryPlans`.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::id::MachineName;
use crate::provider::emulator::http::desk::JobRef;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::field;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::job;
use crate::provider::emulator::http::job::shown::ShownJob;
use crate::provider::emulator::http::job::shown::stamp;
use crate::provider::emulator::http::page;
use crate::provider::emulator::http::plan_verb;
use crate::provider::emulator::http::verb;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::request::Request;

/// Returns the answer to a request below `replicationRecoveryPlans`.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, rest: &[&str]) -> Answer {
    let given = asked.segments.iter().rev().nth(rest.len().saturating_sub(1)).cloned().unwrap_or_default();
    match (rest, &asked.method) {
        ([], &Method::GET) => {
            let mut names: Vec<String> = visit.world().plans.keys().cloned().collect();
            names.sort_unstable();
            let plans: Vec<Value> = names.iter().map(|name| json(visit, name)).collect();
            page::page(asked, plans, visit.shared.options.page)
        }
        ([_], &Method::GET) => match known(visit, &given) {
            Some(name) => Answer::ok(json(visit, &name)),
            None => Answer::missing(asked, &given),
        },
        ([_], &Method::PUT) => write(visit, asked, &given, true),
        ([_], &Method::PATCH) => match known(visit, &given) {
            Some(name) => write(visit, asked, &name, false),
            None => Answer::missing(asked, &given),
        },
        ([_], &Method::DELETE) => match known(visit, &given) {
            Some(name) => {
                let resource = id(visit, &name);
                visit.desk.stored.remove(&resource.to_lowercase());
                verb::begin(visit, asked, &Request::DeleteRecoveryPlan { name }, resource)
            }
            // What is not there needs no job to be removed.
            None => Answer::no_content(),
        },
        ([_, word], &Method::POST) => match known(visit, &given) {
            Some(name) => {
                plan_verb::answer(visit, asked, &name, word).unwrap_or_else(|| Answer::missing(asked, word))
            }
            None => Answer::missing(asked, &given),
        },
        ([] | [_] | [_, _], _) => Answer::not_allowed(asked),
        _ => Answer::missing(asked, &given),
    }
}

/// Returns the plan's name as it was first written.
fn known(visit: &Visit<'_>, name: &str) -> Option<String> {
    visit.world().plans.keys().find(|own| own.eq_ignore_ascii_case(name)).cloned()
}

/// Returns the id of a plan.
#[must_use]
pub(super) fn id(visit: &Visit<'_>, name: &str) -> String {
    visit.identity().within("replicationRecoveryPlans", name)
}

/// Returns what jobs name as their target when they are about a plan.
#[must_use]
pub(super) fn target(name: &str) -> Target {
    Target {
        id: Some(guid::guid("plan", &name.to_lowercase())),
        name: Some(name.to_owned()),
        kind: "RecoveryPlan",
    }
}

/// Returns the places of a plan's machines.
#[must_use]
pub(super) fn members(visit: &Visit<'_>, name: &str) -> Vec<usize> {
    let name = known(visit, name);
    name.and_then(|name| visit.world().plans.get(&name).cloned()).unwrap_or_default()
}

/// Writes a plan: a new one, or other groups of one that is there.
fn write(visit: &mut Visit<'_>, asked: &Asked, name: &str, whole: bool) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    let groups = field(&properties, "groups").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut machines: Vec<MachineName> = Vec::new();
    for each in groups.iter().flat_map(|group| {
        field(group, "replicationProtectedItems").and_then(Value::as_array).into_iter().flatten()
    }) {
        let named = text(each, "id").and_then(|id| id.rsplit('/').next()).unwrap_or_default();
        let Some(machine) = item::named(visit, named) else { return Answer::missing(asked, named) };
        machines.push(visit.world().items[machine].name.clone());
    }
    let name = known(visit, name).unwrap_or_else(|| name.to_owned());
    let (resource, again) = (id(visit, &name), known(visit, &name).is_some());
    let before = visit.desk.stored.get(&resource.to_lowercase()).cloned();
    let kept = |key: &str, usual: &str| {
        let now = text(&properties, key).map(str::to_owned).filter(|_| whole);
        let then = before.as_ref().and_then(|plan| text(plan, key)).map(str::to_owned);
        now.or(then).unwrap_or_else(|| usual.to_owned())
    };
    let content = json!({
        "primaryFabricId": kept("primaryFabricId", &visit.identity().fabric_id()),
        "recoveryFabricId": kept("recoveryFabricId", identity::AZURE),
        "failoverDeploymentModel": kept("failoverDeploymentModel", "ResourceManager"),
        "groups": numbered(groups),
    });
    let jobs = visit.world().jobs.len();
    let answer = verb::begin(visit, asked, &Request::MakeRecoveryPlan { name, machines }, resource.clone());
    if visit.world().jobs.len() > jobs {
        visit.desk.pending_plans.insert(jobs, (resource.to_lowercase(), content));
        if let Some(note) = visit.desk.notes.get_mut(&jobs) {
            note.again = again;
        }
    }
    answer
}

/// Returns the groups as the service shows them: those of shutdown and failover come first, then one of boot for each.
fn numbered(groups: Vec<Value>) -> Vec<Value> {
    let mut first = [None, None];
    let mut boot = Vec::new();
    for mut group in groups {
        for key in ["replicationProtectedItems", "startGroupActions", "endGroupActions"] {
            if group.get(key).is_none_or(Value::is_null) {
                group[key] = json!([]);
            }
        }
        match text(&group, "groupType").map(str::to_lowercase).as_deref() {
            Some("shutdown") => first[0] = Some(group),
            Some("failover") => first[1] = Some(group),
            _ => boot.push(group),
        }
    }
    let empty = |kind: &str| {
        json!({
            "groupType": kind, "replicationProtectedItems": [], "startGroupActions": [], "endGroupActions": [],
        })
    };
    let [shutdown, failover] = first;
    let mut all =
        vec![shutdown.unwrap_or_else(|| empty("Shutdown")), failover.unwrap_or_else(|| empty("Failover"))];
    all.append(&mut boot);
    all
}

/// Returns a plan as the service shows it.
fn json(visit: &Visit<'_>, name: &str) -> Value {
    let identity = visit.identity();
    let id = id(visit, name);
    let members = members(visit, name);
    let content = visit.desk.stored.get(&id.to_lowercase()).cloned().unwrap_or_else(|| {
        // A plan that was not made over the wire has one group.
        let items: Vec<Value> = members
            .iter()
            .map(|at| {
                json!({
                    "id": identity.item_id(visit.world().items[*at].name.as_str()),
                    "virtualMachineId": item::machine_id(visit, *at),
                })
            })
            .collect();
        json!({
            "primaryFabricId": identity.fabric_id(), "recoveryFabricId": identity::AZURE,
            "failoverDeploymentModel": "ResourceManager",
            "groups": numbered(vec![json!({ "groupType": "Boot", "replicationProtectedItems": items })]),
        })
    });
    let mut providers: Vec<&str> = members.iter().map(|at| item::provider(visit, *at).word()).collect();
    providers.sort_unstable();
    providers.dedup();
    let azure = text(&content, "recoveryFabricId") == Some(identity::AZURE);
    let friendly = if azure { identity::AZURE } else { &identity.fabric_friendly };
    let last = last_job(visit, name);
    let running = last.as_ref().filter(|job| !job.phase.is_over());
    let mut properties = json!({
        "friendlyName": name, "primaryFabricId": content["primaryFabricId"],
        "primaryFabricFriendlyName": identity.fabric_friendly, "recoveryFabricId": content["recoveryFabricId"],
        "recoveryFabricFriendlyName": friendly,
        "failoverDeploymentModel": content["failoverDeploymentModel"], "replicationProviders": providers,
        "allowedOperations": allowed(visit, &members, running.is_some()),
        "currentScenario": running.map(|job| json!({
            "scenarioName": job.scenario, "jobId": identity.job_id(&job.name), "startTime": stamp(job.begun),
        })),
        "currentScenarioStatus": last.as_ref().map(|job| job.phase.words().0),
        "currentScenarioStatusDescription": last.as_ref().map(|job| job.phase.words().1),
        "groups": content["groups"], "providerSpecificDetails": [],
    });
    for (key, scenario) in [
        ("lastPlannedFailoverTime", "PlannedFailover"),
        ("lastUnplannedFailoverTime", "UnplannedFailover"),
        ("lastTestFailoverTime", "TestFailover"),
    ] {
        if let Some(job) = last.as_ref().filter(|job| job.scenario == scenario) {
            properties[key] = json!(stamp(job.begun));
        }
    }
    json!({
        "id": id, "name": name, "type": "Microsoft.RecoveryServices/vaults/replicationRecoveryPlans",
        "properties": properties,
    })
}

/// Returns what every member of a plan offers.
fn allowed(visit: &Visit<'_>, members: &[usize], runs: bool) -> Vec<&'static str> {
    let Some((first, others)) = members.split_first().filter(|_| !runs) else { return Vec::new() };
    let all = [
        "PlannedFailover",
        "UnplannedFailover",
        "TestFailover",
        "TestFailoverCleanup",
        "Commit",
        "CancelFailover",
        "SwitchProtection",
    ];
    let offers = |at: usize, word: &str| item::allowed(visit, at).contains(&word);
    all.into_iter().filter(|word| offers(*first, word) && others.iter().all(|at| offers(*at, word))).collect()
}

/// Returns the last job about a plan that did something with its machines.
fn last_job(visit: &Visit<'_>, name: &str) -> Option<ShownJob> {
    let of_world = visit.world().jobs.iter().enumerate().rev().find_map(|(at, job)| match &job.request {
        Request::FailoverToOnprem { recovery_plan: Some(plan), .. }
        | Request::Commit { recovery_plan: Some(plan), .. }
            if plan == name =>
        {
            job::show(visit, JobRef::World(at))
        }
        _ => None,
    });
    let id = self::target(name).id;
    let beside = visit.desk.jobs.iter().enumerate().rev().find_map(|(at, job)| {
        let does = !matches!(job.scenario, "SaveRecoveryPlan" | "DeleteRecoveryPlan");
        (does && job.target.id == id).then(|| job::show(visit, JobRef::Service(at))).flatten()
    });
    [of_world, beside].into_iter().flatten().max_by_key(|job| job.begun)
}
