//! Notices: who is told that a run began, failed or waits for an approval, and how a drill ended.
//!
//! They are sent beside the run and never in its way: what can't be delivered is tried again, then given up and told, and what waits
//! is bounded.

mod command;
mod gist;
mod mail;
mod post;
mod reporter;
mod secret;
#[cfg(test)]
mod tests;
mod webhook;

pub use self::gist::DrillPart;
pub use self::gist::Notice;
pub use self::gist::RunPart;
pub use self::post::Failure;
pub use self::post::Post;
pub use self::reporter::Head;
pub use self::reporter::RunNotices;
pub use self::secret::SecretError;
pub use self::secret::Secrets;
pub use self::webhook::sign;

use std::path::Path;
use std::sync::Arc;

use crate::drill::notice::command::Program;
use crate::drill::notice::mail::Letter;
use crate::drill::notice::mail::Server;
use crate::drill::notice::webhook::Hook;
use crate::syntax::action;
use crate::syntax::action::NoticeEvent;
use crate::syntax::settings::Settings;

/// The environment variable with the secret that signs the webhooks of plans.
pub const SECRET_VARIABLE: &str = "FAILBACK_NOTICE_SECRET";

/// The environment variable with the file of that secret.
pub const SECRET_FILE_VARIABLE: &str = "FAILBACK_NOTICE_SECRET_FILE";

/// Where a notice goes.
#[derive(Debug)]
enum Channel {
    Webhook(Hook),
    Mail(Letter),
    Command(Program),
}

/// Somebody who is told.
#[derive(Clone, Debug)]
pub struct Recipient {
    events: Vec<NoticeEvent>,
    /// Names of the plans that it is told about; empty: all.
    plans: Vec<String>,
    channel: Arc<Channel>,
}

impl Recipient {
    /// Returns whether the recipient is told of a notice.
    #[must_use]
    pub fn wants(&self, notice: &Notice) -> bool {
        self.events.contains(&notice.event) && (self.plans.is_empty() || self.plans.contains(&notice.plan))
    }

    /// Returns who it is, without what may be secret.
    #[must_use]
    pub fn shown(&self) -> String {
        match &*self.channel {
            Channel::Webhook(hook) => hook.shown(),
            Channel::Mail(letter) => letter.shown(),
            Channel::Command(program) => program.shown(),
        }
    }

    /// Tries once to tell.
    async fn tell(&self, notice: &Notice, now: jiff::Timestamp) -> Result<(), Attempt> {
        match &*self.channel {
            Channel::Webhook(hook) => hook.send(notice, now).await,
            Channel::Mail(letter) => letter.send(notice).await,
            Channel::Command(program) => program.run(notice).await,
        }
    }
}

/// An attempt to tell somebody failed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Attempt {
    /// Why, without secrets.
    message: String,
    /// Whether another attempt may go better.
    is_transient: bool,
}

impl Attempt {
    fn passing(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_transient: true }
    }

    fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_transient: false }
    }
}

/// Returns those whom a plan names; their requests are signed with the secret of this machine's environment, if there is one.
///
/// # Errors
///
/// [`SecretError`] if the environment names a secret that can't be read.
pub fn of_plan(notices: &[action::Notice], secrets: &Secrets<'_>) -> Result<Vec<Recipient>, SecretError> {
    if notices.is_empty() {
        return Ok(Vec::new());
    }
    let secret = secrets.of_environment(SECRET_VARIABLE, SECRET_FILE_VARIABLE)?;
    let recipients = notices.iter().map(|notice| Recipient {
        events: notice.events.iter().map(|event| event.value).collect(),
        plans: Vec::new(),
        channel: Arc::new(Channel::Webhook(Hook::of_plan(&notice.http, secret.clone()))),
    });
    Ok(recipients.collect())
}

/// Returns those whom settings name; files and commands of theirs are meant from `folder`.
///
/// # Errors
///
/// [`SecretError`] if a secret that they name can't be read, or an address is none.
pub fn of_settings(
    settings: &Settings,
    folder: &Path,
    secrets: &Secrets<'_>,
) -> Result<Vec<Recipient>, SecretError> {
    let server = match &settings.smtp {
        Some(smtp) => Some(Arc::new(Server::of(smtp, secrets)?)),
        None => None,
    };
    let mut recipients = Vec::new();
    for told in &settings.notify {
        let mut channels = Vec::new();
        if let Some(webhook) = &told.webhook {
            let secret = secrets.of(webhook.secret_file.as_ref(), webhook.secret_env.as_ref())?;
            channels.push(Channel::Webhook(Hook::of_settings(webhook, secret)));
        }
        if let (Some(email), Some(server)) = (&told.email, &server) {
            channels.push(Channel::Mail(Letter::of(email, Arc::clone(server))?));
        }
        if let Some(command) = &told.command {
            channels.push(Channel::Command(Program::of(command, folder, secrets)));
        }
        recipients.extend(channels.into_iter().map(|channel| Recipient {
            events: told.events.iter().map(|event| event.value).collect(),
            plans: told.plans.iter().map(|plan| plan.value.clone()).collect(),
            channel: Arc::new(channel),
        }));
    }
    Ok(recipients)
}
