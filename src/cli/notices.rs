//! Whom a command tells of what: those whom its plan names, and those whom settings name.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::session;
use crate::cli::settings;
use crate::cli::settings::Kept;
use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::drill::notice;
use crate::drill::notice::DrillPart;
use crate::drill::notice::Failure;
use crate::drill::notice::Head;
use crate::drill::notice::Notice;
use crate::drill::notice::Post;
use crate::drill::notice::Recipient;
use crate::drill::notice::RunNotices;
use crate::drill::notice::RunPart;
use crate::drill::notice::SecretError;
use crate::drill::notice::Secrets;
use crate::escape;
use crate::event::Reporter;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DrillRow;
use crate::syntax::action;
use crate::syntax::action::NoticeEvent;
use crate::syntax::plan::RecoveryPlan;

/// Returns all who may be told of a plan.
///
/// # Errors
///
/// [`CliError`] if a secret of theirs can't be read: that nobody will be told has to be known before anything happens.
pub fn recipients(
    plan: &[action::Notice],
    settings: Option<&Kept>,
    env: &Env<'_>,
) -> Result<Vec<Recipient>, CliError> {
    let unusable = |error: SecretError| CliError::usage("can't prepare to send notices").because(error);
    let here = Secrets { folder: &env.folder, environment: &env.variables };
    let mut recipients = notice::of_plan(plan, &here).map_err(unusable)?;
    if let Some(Kept { settings, folder, .. }) = settings {
        let there = Secrets { folder, environment: &env.variables };
        recipients.extend(notice::of_settings(settings, folder, &there).map_err(unusable)?);
    }
    Ok(recipients)
}

/// The notices of one run.
pub struct OfRun {
    post: Arc<Post>,
    plan: String,
}

impl OfRun {
    /// Begins to tell of a run of a plan; must be called where tasks can be begun.
    ///
    /// # Errors
    ///
    /// [`CliError`] if the settings or a secret can't be read.
    pub fn begin(plan: &RecoveryPlan, settings: Option<&Path>, env: &mut Env<'_>) -> Result<Self, CliError> {
        let settings = settings::read_named(settings, env)?
            .map_err(|exit| CliError::new(exit, "the settings can't be used, and nobody would be told"))?;
        let recipients = recipients(&plan.notify, settings.as_ref(), env)?;
        // Signatures are as old as they say, whatever clock the run goes by.
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self { post: Arc::new(Post::begin(recipients, &clock)), plan: plan.name.value.clone() })
    }

    /// Returns what hands on the events of a run that is kept in a database.
    pub fn reporter(&self, database: &Path, run: &RunId) -> Box<dyn Reporter> {
        let (database, run) = (database.to_owned(), run.clone());
        // Asked when a notice is sent: a little later than what it tells, and never too early for it.
        let head = Head::new(move || {
            let kept = Database::open_to_read(&database).ok()?;
            kept.head(&run).ok().map(|(_, digest)| digest)
        });
        Box::new(RunNotices::new(Arc::clone(&self.post), self.plan.clone(), Some(head)))
    }

    /// Waits for a while until all were told, and says who was not. Every reporter must be gone.
    pub async fn end(self, env: &mut Env<'_>) {
        if let Ok(post) = Arc::try_unwrap(self.post) {
            say(&post.drain().await, env);
        }
    }
}

/// Says who could not be told: no reason to end otherwise.
pub fn say(failures: &[Failure], env: &mut Env<'_>) {
    for Failure { recipient, message } in failures {
        // Nobody is left to be told that this can't be told.
        let _ = writeln!(
            env.err,
            "warning: a notice was not delivered to {}: {}",
            escape::line(recipient),
            escape::line(message)
        );
    }
}

/// Returns the notice of a drill whose process has ended: one without a verdict died.
#[must_use]
pub fn of_drill(row: &DrillRow, reason: Option<&str>, head: Option<String>, now: Timestamp) -> Notice {
    let verdict = row.verdict.as_deref().unwrap_or("died");
    let event = match verdict {
        "passed" | "degraded" => NoticeEvent::DrillPassed,
        _ => NoticeEvent::DrillFailed,
    };
    let name = row.name.as_deref().unwrap_or(&row.kind);
    let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Notice {
        version: 1,
        event,
        at: row.ended_at.unwrap_or(now),
        plan: row.plan.clone(),
        message: format!("drill {name} {verdict}{why}"),
        rehearsal: row.kind != "live",
        run: row.run.as_ref().map(|run| RunPart { id: run.to_string(), head, ..RunPart::default() }),
        drill: Some(DrillPart {
            id: row.id.to_string(),
            name: row.name.clone(),
            kind: row.kind.clone(),
            verdict: Some(verdict.to_owned()),
        }),
    }
}

/// Tells of a drill's end, waits for a while until all were told, and says who was not.
///
/// # Errors
///
/// [`CliError`] if a secret can't be read, or the system gives nothing to work on.
pub fn drill_ended(
    row: &DrillRow,
    reason: Option<&str>,
    head: Option<String>,
    recipients: Vec<Recipient>,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    let notice = of_drill(row, reason, head, env.clock.now());
    if recipients.iter().any(|recipient| recipient.wants(&notice)) {
        let failures = session::runtime()?.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let post = Post::begin(recipients, &clock);
            post.tell(&notice, None);
            post.drain().await
        });
        say(&failures, env);
    }
    Ok(())
}
