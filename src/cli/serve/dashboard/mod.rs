//! The dashboard half of `serve`: what the settings say of it, made into a listening server.

mod begun;
mod desk;
mod drills;
mod plans;
mod token;

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::drill::plans::Found;
use crate::journal::StateDir;
use crate::syntax::settings::serve::Language;
use crate::syntax::settings::serve::Serve;
use crate::web;
use crate::web::App;
use crate::web::Tls;

pub(crate) use self::begun::Begun;
use self::desk::CliDesk;

/// Where the dashboard listens unless it is told: this machine alone reaches it there.
const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

/// What the dashboard is told.
pub(crate) struct Options<'s> {
    /// What the settings say of it.
    pub serve: Option<&'s Serve>,
    /// The folder that paths of the settings begin at.
    pub base: PathBuf,
    /// Where it listens, whatever the settings say.
    pub listen: Option<SocketAddr>,
    /// Files and folders of plans, absolute.
    pub plans: Vec<PathBuf>,
    /// The file of the settings, absolute, if there is one.
    pub settings: Option<PathBuf>,
    /// The plans that the scheduler looks after.
    pub found: watch::Receiver<Arc<Found>>,
}

/// A dashboard that listens and is not yet served.
pub(crate) struct Dashboard {
    listener: TcpListener,
    app: Arc<App>,
    desk: Arc<CliDesk>,
    tls: Option<Tls>,
    address: SocketAddr,
    token_file: Option<PathBuf>,
}

/// A dashboard that is served, to be told of changed settings.
pub(crate) struct Live {
    app: Arc<App>,
    desk: Arc<CliDesk>,
    tls: Option<Tls>,
    address: SocketAddr,
}

impl Live {
    /// Takes changed settings over, wholly or not at all, and returns what holds only after a restart.
    ///
    /// # Errors
    ///
    /// [`CliError`] if a file that they name can't be used.
    pub(crate) fn take(
        &self,
        serve: Option<&Serve>,
        base: &Path,
        plans: Vec<PathBuf>,
        dir: &StateDir,
        env: &Env<'_>,
    ) -> Result<Vec<&'static str>, CliError> {
        let tls = tls_of(serve, base)?;
        let (settings, _) = told(serve, (self.address, self.tls.is_some()), base, dir, env)?;
        self.app
            .reread(&settings)
            .map_err(|error| CliError::usage("the users of the dashboard can't be used").because(error))?;
        self.desk.plans.rename(plans);
        let mut later = Vec::new();
        match (&self.tls, &tls) {
            (Some(own), Some(other)) => own.replace(other),
            (None, None) => {}
            (Some(_), None) | (None, Some(_)) => later.push("serve.tls"),
        }
        Ok(later)
    }

    /// Counts that settings were read again.
    pub(crate) fn count(&self, taken: bool) {
        self.app.settings_were_read(taken);
    }
}

/// Reads the certificate that settings name.
fn tls_of(serve: Option<&Serve>, base: &Path) -> Result<Option<Tls>, CliError> {
    let tls = serve.and_then(|serve| serve.tls.as_ref()).map(|tls| {
        let read = |name: &str| token::read_file(&base.join(name));
        let (certificate, key) = (read(&tls.certificate.value)?, read(&tls.key.value)?);
        Tls::of_pem(&certificate, &key)
            .map_err(|error| CliError::usage("the dashboard can't use TLS").because(error))
    });
    tls.transpose()
}

/// Returns what the dashboard is told of settings, and the file of the token that is made where they name nobody.
fn told(
    serve: Option<&Serve>,
    (address, is_tls): (SocketAddr, bool),
    base: &Path,
    dir: &StateDir,
    env: &Env<'_>,
) -> Result<(web::Settings, Option<PathBuf>), CliError> {
    let users = serve.map_or(&[][..], |serve| serve.users.as_slice());
    let (users, token_file) = token::users(users, base, dir, env)?;
    let hosts = serve.map_or(&[][..], |serve| serve.hosts.as_slice());
    let language = match serve.and_then(|serve| serve.language.as_ref()).map(|language| language.value) {
        Some(Language::Korean) => web::Language::Korean,
        Some(Language::English) | None => web::Language::English,
    };
    let hosts = hosts.iter().map(|host| host.value.clone()).collect();
    Ok((web::Settings { address, hosts, is_tls, users, language }, token_file))
}

impl Dashboard {
    /// Listens.
    ///
    /// # Errors
    ///
    /// [`CliError`] if a file that the settings name can't be used, or the address can't be listened at.
    pub(crate) async fn open(options: Options<'_>, dir: &StateDir, env: &Env<'_>) -> Result<Self, CliError> {
        let serve = options.serve;
        let wanted = options.listen.or_else(|| Some(serve?.listen.as_ref()?.value.0));
        let wanted = wanted.unwrap_or_else(|| SocketAddr::from(LISTEN));
        let tls = tls_of(serve, &options.base)?;
        if tls.is_none() && !wanted.ip().is_loopback() {
            return Err(CliError::usage("the dashboard can't be served").because(web::ServeError::Plain {
                address: wanted,
            })
            .hinted("name a certificate under `serve.tls`, or listen at 127.0.0.1 behind something that ends TLS"));
        }
        let listener = TcpListener::bind(wanted).await;
        let listener = listener.map_err(|error| {
            CliError::usage(format!("the dashboard can't listen at {wanted}")).because(error)
        })?;
        let address = listener.local_addr()?;
        let (settings, token_file) = told(serve, (address, tls.is_some()), &options.base, dir, env)?;
        let desk = Arc::new(CliDesk::new(&options, dir, env));
        let app =
            App::new(&settings, dir.clone(), Arc::clone(&desk) as Arc<dyn web::Desk>, env.clock.clone());
        let app =
            app.map_err(|error| CliError::usage("the users of the dashboard can't be used").because(error))?;
        // The first who looks finds plans that were checked.
        let looked = Arc::clone(&desk);
        tokio::task::spawn_blocking(move || web::Desk::plans(&*looked).len());
        Ok(Self { listener, app, desk, tls, address, token_file })
    }

    /// Returns what changed settings are told to while it is served.
    pub(crate) fn live(&self) -> Live {
        let (app, desk, tls) = (Arc::clone(&self.app), Arc::clone(&self.desk), self.tls.clone());
        Live { app, desk, tls, address: self.address }
    }

    /// Returns the processes that it began.
    pub(crate) fn begun(&self) -> Begun {
        self.desk.begun.clone()
    }

    /// Returns where it is reached.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns the file of the token that was made because the settings name nobody.
    pub(crate) fn token_file(&self) -> Option<&Path> {
        self.token_file.as_deref()
    }

    /// Serves until `ends` says so.
    ///
    /// # Errors
    ///
    /// [`CliError`] if it can't be served.
    pub(crate) async fn serve(self, ends: impl Future<Output = ()> + Send) -> Result<(), CliError> {
        web::serve(self.listener, self.app, self.tls, ends)
            .await
            .map_err(|error| CliError::usage("the dashboard can't be served").because(error))
    }
}
