//! One poller for all operations: jobs are listed for everybody at once, and only as often as something can have ended.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Mutex;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock as _;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::redact;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::duration::Durations;
use crate::provider::azure::site::key;
use crate::provider::azure::site::look::Look;
use crate::provider::azure::site::look::Seen;
use crate::provider::azure::site::outcome;
use crate::provider::azure::site::outcome::Stage;
use crate::provider::azure::site::read::before;
use crate::provider::azure::site::read::times;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::escaped;
use crate::provider::azure::wire::job::Job;
use crate::provider::azure::wire::job::LongOperation;
use crate::provider::azure::wire::page::Resource;
use crate::provider::operation::OperationStatus;

/// How long an operation that was read by itself is good for.
const GOOD_FOR: SignedDuration = SignedDuration::from_secs(30);
/// How long an operation counts as one that ends at any moment after it could have ended: then it is read more often.
const OVERDUE: SignedDuration = SignedDuration::from_mins(5);
/// How far apart lists of one page are while an operation may have ended; a longer list is read less often.
const APART: SignedDuration = SignedDuration::from_secs(20);
/// How far apart they are while several may have.
const CLOSER: SignedDuration = SignedDuration::from_secs(10);
/// How many several are.
const SEVERAL: usize = 3;
/// How often whoever waits for the list looks whether it was read for another: no request, and what has ended is seen soon after
/// anybody could see it.
const GLANCE: SignedDuration = SignedDuration::from_secs(2);
/// The longest that a list is good for: while nothing can have ended, for those that fail early.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
/// How much earlier than our own clock says a job may have begun by the service's; one that began earlier still is read by itself.
const SKEW: SignedDuration = SignedDuration::from_mins(2);
/// How long the service may take to show a job in its list.
const SHOWN_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// Up to how many operations are read one by one: that shows their tasks, and costs no more than the list.
const FEW: usize = 2;
/// How far back a request is looked for of which nothing is known.
const LONG_AGO: SignedDuration = SignedDuration::from_hours(24);

/// An operation that is followed.
#[derive(Clone, Debug)]
struct Followed {
    /// When it began, or was first heard of.
    since: Timestamp,
    /// Its kind: the scenario, and behind it what else decides how long it takes, if that is known.
    kind: Option<String>,
    machines: Vec<MachineName>,
    /// When it was last read by itself, and what that showed.
    read: Option<(Timestamp, OperationStatus)>,
}

/// Follows operations.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    followed: Mutex<HashMap<String, Followed>>,
    list: Look<Listing>,
    durations: Durations,
}

/// The jobs since a moment.
#[derive(Debug)]
pub(super) struct Listing {
    by_name: BTreeMap<String, Job>,
}

const NO_PANIC: &str = "no thread panics while it holds the operations";

impl Jobs {
    /// Begins to follow an operation.
    pub(super) fn follow(
        &self,
        operation: &OperationId,
        kind: &str,
        machines: &[MachineName],
        now: Timestamp,
    ) {
        let followed =
            Followed { since: now, kind: Some(kind.to_owned()), machines: machines.to_vec(), read: None };
        self.followed.lock().expect(NO_PANIC).insert(name_of(operation), followed);
    }

    fn known(&self, name: &str) -> Option<Followed> {
        self.followed.lock().expect(NO_PANIC).get(name).cloned()
    }

    /// Returns how far an operation is.
    pub(super) async fn status(
        &self,
        view: &AzureView,
        operation: &OperationId,
    ) -> Result<OperationStatus, AzureError> {
        let (reader, vault) = (&view.reader, &view.vault);
        let name = name_of(operation);
        let now = reader.pace().now();
        // After a restart nothing but the id is known.
        let Some(followed) = self.known(&name) else { return self.read(view, &name).await };
        if let Some((at, status)) = &followed.read
            && now.duration_since(*at) < self.good_for(followed.since, followed.kind.as_deref(), now)
        {
            return Ok(status.clone());
        }
        if self.followed.lock().expect(NO_PANIC).len() <= FEW {
            return match self.expected_end(&followed).filter(|end| *end > now) {
                // Nothing can have ended yet, but what runs is worth a look now and then.
                Some(end) if followed.read.as_ref().is_some_and(|(at, _)| *at > now - GOOD_FOR * 2) => {
                    self.running(&followed, end)
                }
                Some(_) | None => self.read(view, &name).await,
            };
        }
        let listing = self.listing(reader, vault, false).await?;
        let next = now.saturating_add(GLANCE).unwrap_or(now);
        match listing.value.by_name.get(&name) {
            Some(job) => self.by_list(view, &name, &followed, job, next).await,
            None if listing.began.duration_since(followed.since) < SHOWN_AFTER => {
                let end = self.expected_end(&followed).unwrap_or(now);
                self.running(&followed, end.max(next))
            }
            None => self.read(view, &name).await,
        }
    }

    fn expected_end(&self, followed: &Followed) -> Option<Timestamp> {
        followed.since.checked_add(self.durations.of(followed.kind.as_deref()?)).ok()
    }

    /// Returns how long an operation that began then is good for when it is read by itself.
    fn good_for(&self, since: Timestamp, kind: Option<&str>, now: Timestamp) -> SignedDuration {
        let end = kind.and_then(|kind| since.checked_add(self.durations.of(kind)).ok());
        let is_due = end.is_some_and(|end| end <= now && now.duration_since(end) < OVERDUE);
        if is_due { CLOSER } else { GOOD_FOR }
    }

    fn running(&self, followed: &Followed, end: Timestamp) -> Result<OperationStatus, AzureError> {
        if let Some((_, OperationStatus::Running(progress))) = &followed.read {
            let progress =
                crate::provider::operation::Progress { expected_end: Some(end), ..progress.clone() };
            return Ok(OperationStatus::Running(progress));
        }
        let kind = followed.kind.as_deref().unwrap_or_default();
        let task = kind.split(' ').next().unwrap_or_default().to_owned();
        Ok(OperationStatus::Running(crate::provider::operation::Progress {
            done: 0.0,
            task,
            expected_end: Some(end),
        }))
    }

    async fn by_list(
        &self,
        view: &AzureView,
        name: &str,
        followed: &Followed,
        job: &Job,
        next: Timestamp,
    ) -> Result<OperationStatus, AzureError> {
        let (reader, vault) = (&view.reader, &view.vault);
        match outcome::stage(job) {
            Stage::Runs => {
                let kind = followed.kind.as_deref().or(job.scenario_name.get()).unwrap_or_default();
                let start = job.start_time.get().unwrap_or(followed.since);
                let end = start.checked_add(self.durations.of(kind)).ok();
                // One that is overdue is asked about again when the list is.
                let end = end.map_or(next, |end| end.max(next));
                Ok(outcome::status(job, &followed.machines, Some(end), reader.pace().now()))
            }
            // A list leaves out to which points a group went; where one machine alone fails over, its job does not tell either.
            Stage::Succeeded if followed.machines.len() > 1 && is_failover(job) => {
                self.read(view, name).await
            }
            Stage::Succeeded => {
                self.ended(name, job);
                Ok(succeeded(reader, vault, name, job).await)
            }
            Stage::EndedBadly | Stage::Unknown => self.read(view, name).await,
        }
    }

    /// Reads one job, with its tasks and errors.
    async fn read(&self, view: &AzureView, name: &str) -> Result<OperationStatus, AzureError> {
        let (reader, vault) = (&view.reader, &view.vault);
        let path = format!("{}/replicationJobs/{}", vault.path(), escaped(name));
        let job: Resource<Job> = reader.get(&path, "", SITE_RECOVERY).await?;
        let job = job.properties;
        let now = reader.pace().now();
        let machines = self.known(name).map(|followed| followed.machines).unwrap_or_default();
        let known = self.known(name).and_then(|followed| followed.kind);
        let kind = known.or_else(|| job.scenario_name.get().map(str::to_owned));
        let start = job.start_time.get();
        let next = start.map(|start| now + self.good_for(start, kind.as_deref(), now));
        let end = start
            .zip(kind.as_deref())
            .and_then(|(start, kind)| start.checked_add(self.durations.of(kind)).ok())
            .max(next);
        let machines = if machines.is_empty() {
            job.target_object_name.get().map(MachineName::new).into_iter().collect()
        } else {
            machines
        };
        let status = outcome::status(&job, &machines, end, now);
        view.take_points(&job, &machines);
        match outcome::stage(&job) {
            Stage::Runs | Stage::Unknown => {
                let mut followed = self.followed.lock().expect(NO_PANIC);
                let one = followed.entry(name.to_owned()).or_insert_with(|| Followed {
                    since: start.unwrap_or(now),
                    kind,
                    machines,
                    read: None,
                });
                one.read = Some((now, status.clone()));
            }
            Stage::Succeeded => {
                self.ended(name, &job);
                if status == OperationStatus::Succeeded {
                    return Ok(succeeded(reader, vault, name, &job).await);
                }
            }
            Stage::EndedBadly => self.ended(name, &job),
        }
        Ok(status)
    }

    fn ended(&self, name: &str, job: &Job) {
        let kind = self.followed.lock().expect(NO_PANIC).remove(name).and_then(|followed| followed.kind);
        let kind = kind.as_deref().or(job.scenario_name.get());
        if let (Some(kind), Some(start), Some(end)) = (kind, job.start_time.get(), job.end_time.get())
            && outcome::stage(job) == Stage::Succeeded
        {
            self.durations.learn(kind, end.duration_since(start));
        }
    }

    /// Returns the list of jobs; with `now`, one that is read after the question.
    async fn listing(
        &self,
        reader: &ReadClient,
        vault: &VaultId,
        now: bool,
    ) -> Result<Seen<Listing>, AzureError> {
        let pace = reader.pace();
        let asked_at = pace.now();
        let oldest = self.followed.lock().expect(NO_PANIC).values().map(|followed| followed.since).min();
        // As long as no job can have ended, the list is looked at for those that fail early.
        let is_due = |followed: &&Followed| self.expected_end(followed).is_none_or(|end| end <= asked_at);
        let due = self.followed.lock().expect(NO_PANIC).values().filter(is_due).count();
        let earliest = |seen: Option<&Seen<Listing>>| {
            let good_for = if due > 0 { apart(seen.map_or(1, |seen| seen.pages), due) } else { LONGEST };
            if now { asked_at } else { before(asked_at, good_for) }
        };
        let from = if now { asked_at.checked_sub(LONG_AGO).ok() } else { oldest };
        let from = from.or(oldest).unwrap_or(asked_at);
        let from = from.checked_sub(SKEW).unwrap_or(from);
        self.list.since(&pace, earliest, || list(reader, vault, from)).await
    }

    /// Returns the job that the request with this id began, if any did.
    pub(super) async fn begun_by(
        &self,
        reader: &ReadClient,
        vault: &VaultId,
        request_id: &str,
    ) -> Result<Option<(OperationId, Job)>, AzureError> {
        let listing = self.listing(reader, vault, true).await?;
        let of_it =
            |job: &&Job| job.activity_id.get().is_some_and(|activity| key::is_of(activity, request_id));
        let found = listing.value.by_name.iter().find(|(_, job)| of_it(job));
        Ok(found.map(|(name, job)| (OperationId::new(name.as_str()), job.clone())))
    }
}

/// Returns a job, if the request with this id began it.
pub(super) async fn begun_as(
    reader: &ReadClient,
    vault: &VaultId,
    name: &str,
    request_id: &str,
) -> Result<Option<Job>, AzureError> {
    let path = format!("{}/replicationJobs/{}", vault.path(), escaped(name));
    let job: Resource<Job> = reader.get(&path, "", SITE_RECOVERY).await?;
    let is_it = job.properties.activity_id.get().is_some_and(|activity| key::is_of(activity, request_id));
    Ok(Some(job.properties).filter(|_| is_it))
}

/// Returns the status of a job that succeeded, with what its operation says beside it. A job that has nothing to say costs no request.
async fn succeeded(reader: &ReadClient, vault: &VaultId, name: &str, job: &Job) -> OperationStatus {
    if !job.state.is("CompletedWithInformation") {
        return OperationStatus::Succeeded;
    }
    let path = format!("{}/replicationOperationStatus/{}", vault.path(), escaped(name));
    let remark = match reader.get::<LongOperation>(&path, "", SITE_RECOVERY).await {
        Ok(operation) => operation.error.get().and_then(|error| {
            let message = error.message.get().or(error.code.get())?;
            let code = error.code.get().filter(|code| *code != message);
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            Some(format!("{}{code}", redact::words(message)))
        }),
        Err(error) => {
            tracing::warn!(job = %name, %error, "what the job has to say can't be read");
            None
        }
    };
    let remark =
        remark.unwrap_or_else(|| format!("job {name} has information, which is to be read in the vault"));
    OperationStatus::SucceededWith { remark }
}

fn is_failover(job: &Job) -> bool {
    job.scenario_name.is("UnplannedFailover") || job.scenario_name.is("PlannedFailover")
}

/// Returns how far apart lists of so many pages are while so many operations may have ended.
fn apart(pages: usize, due: usize) -> SignedDuration {
    times(if due >= SEVERAL { CLOSER } else { APART }, pages).min(LONGEST)
}

fn name_of(operation: &OperationId) -> String {
    operation.as_str().to_lowercase()
}

async fn list(reader: &ReadClient, vault: &VaultId, from: Timestamp) -> Result<(Listing, usize), AzureError> {
    let path = format!("{}/replicationJobs", vault.path());
    // The form in which the filter was recorded.
    let from_text = from.strftime("%Y-%m-%dT%H:%M:%S.0000000Z");
    let filter = format!("$filter=StartTime%20eq%20'{from_text}'");
    let listed = reader.list::<Resource<Job>>(&path, &filter, SITE_RECOVERY).await?;
    let named = |job: Resource<Job>| Some((job.name.into_option()?.to_lowercase(), job.properties));
    Ok((Listing { by_name: listed.values.into_iter().filter_map(named).collect() }, listed.pages))
}
