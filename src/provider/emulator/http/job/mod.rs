//! Jobs: `replicationJobs`, and the operations that are told of by them.

pub(super) mod filter;
mod service;
pub(super) mod shown;
mod tree;
mod world;

use hyper::Method;
use serde_json::json;

use crate::provider::emulator::http::desk::JobRef;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::job::filter::Filter;
use crate::provider::emulator::http::job::shown::Phase;
use crate::provider::emulator::http::job::shown::ShownJob;
use crate::provider::emulator::http::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::service::ServiceAct;

/// Returns a job as it is now, by its name.
#[must_use]
pub(super) fn find(visit: &Visit<'_>, name: &str) -> Option<ShownJob> {
    visit.desk.index.get(&name.to_lowercase()).and_then(|job| show(visit, *job))
}

/// Returns a job as it is now.
pub(super) fn show(visit: &Visit<'_>, job: JobRef) -> Option<ShownJob> {
    show_as(visit, job, false)
}

/// Returns a job as it is now, without tasks and details.
pub(super) fn show_thin(visit: &Visit<'_>, job: JobRef) -> Option<ShownJob> {
    show_as(visit, job, true)
}

fn show_as(visit: &Visit<'_>, job: JobRef, thin: bool) -> Option<ShownJob> {
    match job {
        JobRef::World(at) => Some(world::shown(visit, at, thin)),
        JobRef::Service(at) => visit.desk.jobs.get(at).map(|job| service::shown(job, visit.now)),
        JobRef::Part(at, part) => {
            let (parent, job) = (world::shown(visit, at, false), &visit.world().jobs[at]);
            match job.kind {
                JobKind::Reprotect | JobKind::Forward => tree::enable_job(visit, &parent, job),
                JobKind::Prepare
                | JobKind::SavePlan
                | JobKind::DeletePlan
                | JobKind::Failover
                | JobKind::Cancel
                | JobKind::Commit => tree::member_job(visit, &parent, job, part),
            }
        }
    }
}

/// Returns the answer to a request below `replicationJobs`.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, rest: &[&str]) -> Answer {
    match (rest, &asked.method) {
        ([], &Method::GET) => list(visit, asked),
        (["export"], &Method::POST) => export(visit, asked),
        ([name], &Method::GET) => match find(visit, name) {
            Some(job) => Answer::ok(job.json(visit.identity(), false))
                .with("x-ms-request-id", visit.identity().job_id(&job.name)),
            None => Answer::missing(asked, last(asked)),
        },
        ([name, verb @ ("cancel" | "restart" | "resume")], &Method::POST) => match find(visit, name) {
            Some(job) => act(visit, asked, &job, verb),
            None => Answer::missing(asked, name),
        },
        ([] | [_] | [_, "cancel" | "restart" | "resume"], _) => Answer::not_allowed(asked),
        _ => Answer::missing(asked, last(asked)),
    }
}

fn last(asked: &Asked) -> &str {
    asked.segments.last().map_or("", String::as_str)
}

/// Lists jobs, the newest first.
fn list(visit: &Visit<'_>, asked: &Asked) -> Answer {
    let filter = match Filter::read(asked.argument("$filter").unwrap_or_default()) {
        Ok(filter) => filter,
        Err(message) => return Answer::asr_error(asked, 400, "InvalidFilter", message),
    };
    let (world, identity) = (visit.world(), visit.identity());
    // Every job is one of the vault's only fabric.
    let is_ours = |fabric: &&str| {
        fabric.eq_ignore_ascii_case(&identity.fabric_id()) || fabric.eq_ignore_ascii_case(&identity.fabric)
    };
    let fabrics = filter.values("FabricId");
    if !fabrics.is_empty() && !fabrics.iter().any(is_ours) {
        return Answer::list(Vec::new(), None);
    }
    let mut found: Vec<(jiff::Timestamp, JobRef)> = Vec::new();
    for job in visit.desk.index.values() {
        let begun = match job {
            JobRef::World(at) | JobRef::Part(at, _) => world.jobs[*at].taken_at,
            JobRef::Service(at) => visit.desk.jobs[*at].begun,
        };
        if filter.may_hold(begun) {
            found.push((begun, *job));
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    let shown =
        found.into_iter().filter_map(|(_, job)| show_as(visit, job, true)).filter(|job| filter.holds(job));
    page::page_of(asked, shown.collect(), visit.shared.options.page, |job: ShownJob| {
        job.json(visit.identity(), true)
    })
}

fn act(visit: &mut Visit<'_>, asked: &Asked, job: &ShownJob, verb: &str) -> Answer {
    let resource = visit.identity().job_id(&job.name);
    let reference = visit.desk.index.get(&job.name).copied();
    let not_now = |what: &str| {
        let message =
            format!("The job '{}' can't be {what} in its state '{}'.", job.name, job.phase.words().0);
        Answer::asr_error(asked, 400, "InvalidJobAction", message)
    };
    match (verb, reference) {
        ("cancel", _) if job.phase.is_over() => not_now("cancelled"),
        ("cancel", Some(JobRef::Service(at))) => {
            let now = visit.now;
            visit.desk.jobs[at].cancelled = Some(now);
            visit.accepted(asked, &job.name, &resource)
        }
        ("cancel", Some(JobRef::World(at) | JobRef::Part(at, _))) => {
            let operation = visit.world().jobs[at].id.clone();
            visit.serve(ServiceAct::CancelJob { operation });
            visit.accepted(asked, &job.name, &resource)
        }
        ("restart", Some(JobRef::World(at))) if job.actions.contains(&"Restart") => {
            let request = visit.world().jobs[at].request.clone();
            visit
                .request(asked, &request, job.resource.clone())
                .unwrap_or_else(|error| super::visit::failed_call(&error))
        }
        ("restart", _) => not_now("restarted"),
        ("resume", Some(JobRef::Service(at))) if job.phase == Phase::Suspended => {
            let now = visit.now;
            visit.desk.jobs[at].resumed.push(now);
            visit.accepted(asked, &job.name, &resource)
        }
        _ => not_now("resumed"),
    }
}

fn export(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let name = guid::guid("export", &asked.number.to_string());
    let target = Target { id: None, name: None, kind: "None" };
    let tasks = vec![ServiceTask::new("ExportJobsTask", "Export jobs", 5)];
    let resource = visit.identity().within("replicationJobs", "export");
    let mut job = ServiceJob::new("ExportJobs", "Export jobs", target, tasks, resource);
    job.details = json!({
        "instanceType": "ExportJobDetails",
        "blobUri": format!("https://export.blob.core.windows.net/jobs/{name}.json"),
        "sasToken": format!("sv=2024-08-04&sig={}", guid::long("sas", &name)),
    });
    visit.start(asked, job)
}

/// Returns the answer to `replicationOperationStatus/{name}`.
pub(super) fn status(visit: &Visit<'_>, asked: &Asked, name: &str) -> Answer {
    if !asked.is_read() {
        return Answer::not_allowed(asked);
    }
    find(visit, name).map_or_else(|| Answer::missing(asked, name), |job| Answer::ok(job.status()))
}

/// What `operationresults/{name}` answers: not yet, nothing, or the resource at the path.
pub(super) enum Outcome {
    /// This answer.
    Answer(Answer),
    /// What a GET of this resource gives.
    Resource(String),
}

/// Returns the answer to `…/operationresults/{name}`.
pub(super) fn result(visit: &Visit<'_>, asked: &Asked, name: &str) -> Outcome {
    let Some(job) = find(visit, name) else { return Outcome::Answer(Answer::missing(asked, name)) };
    if !job.phase.is_over() {
        return Outcome::Answer(visit.accepted(asked, &job.name, &job.resource));
    }
    if job.removes && job.phase == Phase::Succeeded {
        return Outcome::Answer(Answer::no_content());
    }
    if job.scenario == "ExportJobs" {
        return Outcome::Answer(Answer::ok(job.json(visit.identity(), false)));
    }
    Outcome::Resource(job.resource)
}
