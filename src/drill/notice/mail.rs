//! Notices as mail: over STARTTLS or TLS, and in the clear to this machine alone.

use std::sync::Arc;
use std::time::Duration;

use lettre::Address;
use lettre::AsyncSmtpTransport;
use lettre::AsyncTransport as _;
use lettre::Message;
use lettre::Tokio1Executor;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use crate::drill::notice::Attempt;
use crate::drill::notice::Notice;
use crate::drill::notice::SecretError;
use crate::drill::notice::Secrets;
use crate::escape;
use crate::secret;
use crate::secret::Held;
use crate::syntax::settings::notify::Email;
use crate::syntax::settings::notify::Smtp;
use crate::syntax::settings::notify::SmtpTls;

/// How long the server may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// How long one mail may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Characters of a subject.
const MOST_SUBJECT: usize = 200;

/// A server that mail is sent through.
#[derive(Debug)]
pub(super) struct Server {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
    from: Address,
    /// What keeps the password out of what the server says.
    #[expect(dead_code, reason = "what is held is struck out, and nobody asks for it")]
    password: Option<Held>,
}

impl Server {
    /// Returns the server that settings describe.
    pub(super) fn of(smtp: &Smtp, secrets: &Secrets<'_>) -> Result<Self, SecretError> {
        // Without a provider, TLS panics. That somebody else has installed one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let host = smtp.host.value.clone();
        let password = secrets.of(smtp.password_file.as_ref(), smtp.password_env.as_ref())?.map(secret::hold);
        let unusable = |error: lettre::transport::smtp::Error| SecretError::Host {
            host: host.clone(),
            message: error.to_string(),
        };
        let mut builder = match smtp.tls.as_ref().map_or(SmtpTls::Starttls, |tls| tls.value) {
            SmtpTls::Starttls => {
                AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&host).map_err(unusable)?
            }
            SmtpTls::Implicit => AsyncSmtpTransport::<Tokio1Executor>::relay(&host).map_err(unusable)?,
            SmtpTls::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host),
        };
        if let Some(port) = &smtp.port {
            builder = builder.port(port.value);
        }
        if let (Some(username), Some(password)) = (&smtp.username, &password) {
            let credentials = Credentials::new(username.value.clone(), password.expose_secret().to_owned());
            builder = builder.credentials(credentials);
        }
        let transport = builder.timeout(Some(ANSWER)).build();
        Ok(Self { transport, host, from: address(&smtp.from.value)?, password })
    }
}

/// A mail that tells of something.
#[derive(Debug)]
pub(super) struct Letter {
    to: Vec<Address>,
    subject: Option<String>,
    server: Arc<Server>,
}

impl Letter {
    pub(super) fn of(email: &Email, server: Arc<Server>) -> Result<Self, SecretError> {
        let to = email.to.iter().map(|to| address(&to.value)).collect::<Result<_, _>>()?;
        Ok(Self { to, subject: email.subject.as_ref().map(|subject| subject.value.clone()), server })
    }

    pub(super) fn shown(&self) -> String {
        let to: Vec<&str> = self.to.iter().map(AsRef::as_ref).collect();
        format!("mail to {}", to.join(", "))
    }

    /// Sends the notice once.
    pub(super) async fn send(&self, notice: &Notice) -> Result<(), Attempt> {
        let message = self.message(notice).map_err(Attempt::lasting)?;
        match tokio::time::timeout(LIMIT, self.server.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let said = format!("{} did not take the mail: {error}", self.server.host);
                let said = secret::strike(&said).into_owned();
                Err(if error.is_permanent() { Attempt::lasting(said) } else { Attempt::passing(said) })
            }
            Err(_) => Err(Attempt::passing(format!("{} took too long", self.server.host))),
        }
    }

    fn message(&self, notice: &Notice) -> Result<Message, String> {
        let subject = match &self.subject {
            Some(template) => notice.filled(&Value::String(template.clone())),
            None => Value::String(format!("[failback] {}: {}", notice.plan, notice.message)),
        };
        // A line break would begin another header.
        let subject =
            escape::line(subject.as_str().unwrap_or_default()).chars().take(MOST_SUBJECT).collect::<String>();
        let mut builder =
            Message::builder().from(Mailbox::new(None, self.server.from.clone())).subject(subject);
        for to in &self.to {
            builder = builder.to(Mailbox::new(None, to.clone()));
        }
        builder.header(ContentType::TEXT_PLAIN).body(text(notice)).map_err(|error| error.to_string())
    }
}

fn address(text: &str) -> Result<Address, SecretError> {
    text.parse().map_err(|_| SecretError::Address(text.to_owned()))
}

/// Returns the notice for people.
fn text(notice: &Notice) -> String {
    let mut text = format!("{}\n\n", escape::line(&notice.message));
    let mut line = |name: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push_str(&format!("{name:<10} {}\n", escape::line(value)));
        }
    };
    line("plan", Some(&notice.plan));
    line("event", Some(notice.event.as_str()));
    line("at", Some(&notice.at.to_string()));
    if let Some(drill) = &notice.drill {
        line("drill", drill.name.as_deref());
        line("drill id", Some(&drill.id));
        line("kind", Some(&drill.kind));
        line("verdict", drill.verdict.as_deref());
    }
    if let Some(run) = &notice.run {
        line("run", Some(&run.id));
        line("step", run.step.as_deref());
        line("outcome", run.outcome.as_deref());
        line("head", run.head.as_deref());
    }
    line("rehearsal", notice.rehearsal.then_some("yes: nothing happened at a site"));
    text
}
