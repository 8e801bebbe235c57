//! Settings of notices: who is told about what, and how mail is sent.

use crate::source::Spanned;
use crate::syntax::action::NoticeEvent;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::settings::Argv;
use crate::syntax::value::Free;

words! {
    /// How the connection to a mail server is made safe.
    pub enum SmtpTls {
        /// With STARTTLS, which must succeed before anything else is said.
        Starttls = "starttls",
        /// With TLS from the first byte.
        Implicit = "implicit",
        /// Not at all: to a server on this machine alone.
        None = "none",
    }
}

block! {
    /// The server that mail is sent through.
    pub struct Smtp {
        /// Host name or address.
        pub host: Spanned<String> where [Host] => "mail.corp.example",
        /// Port. Default: 587 with `starttls`, 465 with `implicit`, 25 with `none`.
        pub port: Option<Spanned<u16>> where [Port] => 587,
        /// How the connection is made safe. Default: `starttls`.
        pub tls: Option<Spanned<SmtpTls>>,
        /// Address that mail comes from.
        pub from: Spanned<String> => "failback@corp.example",
        /// Name to sign in with.
        pub username: Option<Spanned<String>> => "failback",
        /// File that holds the password, relative to this file.
        pub password_file: Option<Spanned<String>> where [Long] => "/etc/failback/smtp.password",
        /// Environment variable that holds the password.
        pub password_env: Option<Spanned<String>> => "FAILBACK_SMTP_PASSWORD",
    }
}

block! {
    /// Who is told about what: at least one of `webhook`, `email` and `command`.
    pub struct Announcement {
        /// The events.
        pub events: Vec<Spanned<NoticeEvent>> where [Needed, Distinct] => ["drill_failed"],
        /// Plans that it is about, by their names. Default: all.
        pub plans: Vec<Spanned<String>> where [NotEmpty, Distinct] => ["erp-failback"],
        /// A request over HTTP.
        pub webhook: Option<Webhook>,
        /// A mail.
        pub email: Option<Email>,
        /// A command of this machine, which is given the notice as JSON on its standard input.
        pub command: Option<Argv> where [Prose],
    }
}

block! {
    /// A request over HTTP that tells of something.
    pub struct Webhook {
        /// Address.
        pub url: Spanned<String> where [Url] => "https://hooks.corp.example/dr",
        /// Body, sent as JSON; texts may hold variables such as `{{ plan.name }}`. Default: the whole notice.
        pub body: Option<Free> where [Prose] => {"text": "{{ plan.name }}: {{ notice.message }}"},
        /// File that holds the secret which signs the body, relative to this file.
        pub secret_file: Option<Spanned<String>> where [Long] => "/etc/failback/webhook.secret",
        /// Environment variable that holds the secret.
        pub secret_env: Option<Spanned<String>> => "FAILBACK_WEBHOOK_SECRET",
    }
}

block! {
    /// A mail that tells of something.
    pub struct Email {
        /// Addresses that it goes to.
        pub to: Vec<Spanned<String>> where [Needed, Distinct] => ["dr@corp.example"],
        /// Subject; it may hold variables such as `{{ plan.name }}`. Default: what happened, in a sentence.
        pub subject: Option<Spanned<String>> where [Prose] => "{{ plan.name }}: {{ notice.message }}",
    }
}
