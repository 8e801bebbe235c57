//! What all requests share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use axum::http::StatusCode;
use jiff::Timestamp;
use minijinja::Environment;

use crate::clock::Clock;
use crate::journal::Database;
use crate::journal::StateDir;
use crate::web::access::Known;
use crate::web::access::Sessions;
use crate::web::access::User;
use crate::web::access::UserError;
use crate::web::access::host::Hosts;
use crate::web::access::limit::Limit;
use crate::web::desk::Desk;
use crate::web::error::Problem;
use crate::web::metrics::Metrics;
use crate::web::pages;
use crate::web::watch::Hub;
use crate::web::words::Language;

/// How the dashboard is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens.
    pub address: SocketAddr,
    /// Names that requests may be for, beside those of the address.
    pub hosts: Vec<String>,
    /// Whether connections are encrypted.
    pub is_tls: bool,
    /// Who may use it.
    pub users: Vec<User>,
    /// The language of pages for browsers that ask for none.
    pub language: Language,
}

/// Whom the settings let in, and as what: replaced as a whole when they change.
pub(super) struct Admission {
    pub hosts: Hosts,
    pub language: Language,
    pub users: Known,
}

/// What all requests share.
pub struct App {
    address: SocketAddr,
    admission: RwLock<Arc<Admission>>,
    pub(super) is_tls: bool,
    pub(super) sessions: Sessions,
    pub(super) limit: Limit,
    pub(super) desk: Arc<dyn Desk>,
    pub(super) dir: StateDir,
    pub(super) hub: Hub,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) templates: Environment<'static>,
    pub(super) metrics: Metrics,
}

impl App {
    /// Sets the dashboard up.
    ///
    /// # Errors
    ///
    /// [`UserError`] if a user's token shows nobody for sure.
    pub fn new(
        settings: &Settings,
        dir: StateDir,
        desk: Arc<dyn Desk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, UserError> {
        Ok(Arc::new(Self {
            address: settings.address,
            admission: RwLock::new(Arc::new(Admission {
                hosts: Hosts::of(settings.address, &settings.hosts, settings.is_tls),
                language: settings.language,
                users: Known::of(&settings.users)?,
            })),
            is_tls: settings.is_tls,
            sessions: Sessions::default(),
            limit: Limit::default(),
            hub: Hub::new(dir.clone(), Arc::clone(&desk)),
            desk,
            dir,
            clock,
            templates: pages::templates(),
            metrics: Metrics::default(),
        }))
    }

    /// Returns whom the settings let in just now.
    pub(super) fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over whom changed settings let in, by which names, and in which language; where it listens, and whether that is encrypted,
    /// stays. Sessions get the roles of their users; those of whom is gone, or has another token, end.
    ///
    /// # Errors
    ///
    /// [`UserError`] if a user's token shows nobody for sure; nothing is changed then.
    pub fn reread(&self, settings: &Settings) -> Result<(), UserError> {
        let before = self.admission();
        let users = before.users.replaced(&settings.users)?;
        let hosts = Hosts::of(self.address, &settings.hosts, self.is_tls);
        let now = Arc::new(Admission { hosts, language: settings.language, users });
        *self.admission.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&now);
        self.sessions.reread(|name| now.users.still(&before.users, name));
        Ok(())
    }

    /// Counts that settings were read again, and whether they were taken over.
    pub fn settings_were_read(&self, taken: bool) {
        self.metrics.read_settings(taken);
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Returns the name of the session's cookie: under TLS one that no other host and no plain connection can set.
    pub(super) const fn cookie(&self) -> &'static str {
        if self.is_tls { "__Host-failback" } else { "failback_session" }
    }

    /// Asks the desk something, where it holds up nobody else.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Desk) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let desk = Arc::clone(&self.desk);
        tokio::task::spawn_blocking(move || question(&*desk)).await.map_err(|_| broken())
    }

    /// Does something with the database, where it holds up nobody else.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let path = self.dir.database();
        let read = tokio::task::spawn_blocking(move || {
            let database = Database::open_to_read(&path).map_err(|error| {
                Problem::unavailable(format!("the runs can't be read: {}", error.in_words()))
            })?;
            act(&database)
        });
        read.await.map_err(|_| broken())?
    }
}

/// Returns that something ended in a panic, which the log tells about.
pub(super) fn broken() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "bug",
        "something went wrong inside; the log of the server tells what",
    )
}
