//! A client that reads a vCenter, and can do nothing else.

mod refresh;
mod told;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::PoisonError;

use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::provider::vcenter::calls;
use crate::provider::vcenter::calls::Services;
use crate::provider::vcenter::calls::Wanted;
use crate::provider::vcenter::collect;
use crate::provider::vcenter::collect::Gathered;
use crate::provider::vcenter::collect::Object;
use crate::provider::vcenter::collect::Reference;
use crate::provider::vcenter::error::VcenterError;
use crate::provider::vcenter::read;
use crate::provider::vcenter::read::Names;
use crate::provider::vcenter::seen::About;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenVm;
use crate::provider::vcenter::settings;
use crate::provider::vcenter::settings::Kind;
use crate::provider::vcenter::settings::Settings;
use crate::provider::vcenter::tls;
use crate::provider::vcenter::wire::Answer;
use crate::provider::vcenter::wire::Wire;
use crate::provider::vcenter::xml::Element;
use crate::secret;
use crate::secret::Held;

/// The interface that is spoken before the vCenter has said which it has; every vCenter from 6.5 on knows it.
const FIRST_VERSION: &str = "6.5";

/// The session, and how many there were before it.
#[derive(Debug, Default)]
struct Session {
    cookie: Option<HeaderValue>,
    /// What keeps the cookie out of every text.
    struck: Option<Held>,
    number: u64,
}

/// What was learnt of references, so that a second look needs fewer questions.
#[derive(Debug, Default)]
struct Known {
    /// Virtual machines by BIOS UUID.
    vms: HashMap<String, Reference>,
    names: Names,
}

/// A client that reads a vCenter, and can do nothing else: no call that changes anything exists in it.
///
/// Several callers may use it at once; they share one session.
pub struct VcenterClient {
    id: String,
    user: String,
    password: Held,
    wire: Wire,
    version: String,
    services: Services,
    about: About,
    session: Mutex<Session>,
    /// The view of hosts and datastores, with the session that made it.
    standing: Mutex<Option<(HeaderValue, Reference)>>,
    known: std::sync::Mutex<Known>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for VcenterClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VcenterClient")
            .field("id", &self.id)
            .field("host", &self.wire.host)
            .finish_non_exhaustive()
    }
}

impl VcenterClient {
    /// Connects to a vCenter: asks it who it is, which needs no right, then logs in.
    ///
    /// # Errors
    ///
    /// [`VcenterError::Unreachable`], [`VcenterError::Tls`] and [`VcenterError::Credentials`] tell the usual troubles apart;
    /// [`VcenterError::NotAVcenter`] if something else answers.
    pub async fn connect(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, VcenterError> {
        let Settings { id, kind, url, user, password, trust, limits } = settings;
        let url = settings::address(&url)?;
        let client = tls::client(&url, &trust, &limits)?;
        let wire = Wire::new(client, url, limits);
        let Answer { content, .. } = wire.call(FIRST_VERSION, &calls::service_content(), None).await?;
        let content = content.child("returnval");
        let (services, about) = content
            .and_then(|content| Services::of(content).zip(content.child("about").map(read::about)))
            .ok_or_else(|| wire.not_a_vcenter("it does not say which services it has".into()))?;
        let mistaken = match kind {
            Some(Kind::Vcenter) if !about.is_vcenter => Some(("a single host", "vCenter")),
            Some(Kind::Host) if about.is_vcenter => Some(("a vCenter", "host under no vCenter")),
            Some(Kind::Vcenter | Kind::Host) | None => None,
        };
        if let Some((found, meant)) = mistaken {
            let what = format!("{found} answers at {}, and {id} is a {meant}", wire.host);
            return Err(VcenterError::Settings { what });
        }
        let client = Self {
            id,
            user,
            password: secret::hold(password),
            version: about.api_version.clone().unwrap_or_else(|| FIRST_VERSION.into()),
            wire,
            services,
            about,
            session: Mutex::default(),
            standing: Mutex::default(),
            known: std::sync::Mutex::default(),
            clock,
        };
        client.log_in(0).await?;
        Ok(client)
    }

    /// Returns the name of the vCenter or host in documents.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what the vCenter says about itself.
    #[must_use]
    pub const fn about(&self) -> &About {
        &self.about
    }

    /// Ends the session. A later question begins a new one.
    pub async fn log_out(&self) {
        let mut session = self.session.lock().await;
        if let Some(cookie) = session.cookie.take() {
            // A session that can't be ended ends by itself, by and by.
            let _ = self.wire.call(&self.version, &calls::logout(&self.services), Some(&cookie)).await;
        }
    }

    /// Returns everything that the account sees: virtual machines, hosts, datastores.
    ///
    /// # Errors
    ///
    /// [`VcenterError`] if the vCenter can't be asked; a fact that can't be had is a gap instead.
    pub async fn inventory(&self) -> Result<Seen, VcenterError> {
        let at = self.clock.now();
        let (number, first) = self.everything().await;
        let objects = match first {
            Err(error) if error.is_session_lost() => {
                self.log_in(number).await?;
                self.once_more(self.everything().await.1)?
            }
            other => other?,
        };
        Ok(self.seen(at, &objects))
    }

    /// Returns the virtual machines with these BIOS UUIDs, as they are now; those that are not there are left out.
    ///
    /// One question for all that were seen before, and one more for each that was not.
    ///
    /// # Errors
    ///
    /// [`VcenterError`] if the vCenter can't be asked.
    pub async fn vms(&self, uuids: &[String]) -> Result<Vec<SeenVm>, VcenterError> {
        let mut uuids: Vec<String> = uuids.iter().map(|uuid| uuid.to_ascii_lowercase()).collect();
        uuids.sort_unstable();
        uuids.dedup();
        let (number, first) = self.certain(&uuids).await;
        match first {
            Err(error) if error.is_session_lost() => {
                self.log_in(number).await?;
                self.once_more(self.certain(&uuids).await.1)
            }
            other => other,
        }
    }

    fn once_more<T>(&self, result: Result<T, VcenterError>) -> Result<T, VcenterError> {
        result.map_err(|error| {
            if error.is_session_lost() {
                VcenterError::SessionLost { host: self.wire.host.clone() }
            } else {
                error
            }
        })
    }

    /// Logs in, unless somebody else has done so since session `number`.
    async fn log_in(&self, number: u64) -> Result<(), VcenterError> {
        let mut session = self.session.lock().await;
        if session.number != number {
            return Ok(());
        }
        session.cookie = None;
        let body = calls::login(&self.services, &self.user, &self.password);
        let answer = self.wire.call(&self.version, body.expose_secret(), None).await;
        let answer = answer.map_err(|error| self.refusal(error))?;
        let cookie = answer.cookie;
        session.cookie =
            Some(cookie.ok_or_else(|| {
                self.wire.not_a_vcenter("it accepts the login and gives no session".into())
            })?);
        let key = session.cookie.as_ref().and_then(|cookie| cookie.to_str().ok()?.split_once('='));
        let struck = key.map(|(_, key)| secret::hold(key.trim_matches('"').to_owned().into()));
        session.struck = struck;
        session.number += 1;
        Ok(())
    }

    fn refusal(&self, error: VcenterError) -> VcenterError {
        let (host, user) = (self.wire.host.clone(), self.user.clone());
        match error {
            VcenterError::Fault { fault, .. } if fault == "InvalidLogin" => {
                VcenterError::Credentials { host, user, why: None }
            }
            VcenterError::Fault { fault, message, .. }
                if matches!(fault.as_str(), "PasswordExpired" | "InvalidLocale") =>
            {
                VcenterError::Credentials { host, user, why: Some(message) }
            }
            other => other,
        }
    }

    /// Returns the session's number with its cookie; logs in again after a logout.
    async fn cookie(&self) -> Result<(u64, HeaderValue), VcenterError> {
        loop {
            let session = self.session.lock().await;
            let number = session.number;
            if let Some(cookie) = &session.cookie {
                return Ok((number, cookie.clone()));
            }
            drop(session);
            self.log_in(number).await?;
        }
    }

    async fn ask(&self, cookie: &HeaderValue, body: &str) -> Result<Element, VcenterError> {
        Ok(self.wire.call(&self.version, body, Some(cookie)).await?.content)
    }

    /// Asks for everything, in the session whose number is returned too.
    async fn everything(&self) -> (u64, Result<Vec<Object>, VcenterError>) {
        let (number, cookie) = match self.cookie().await {
            Ok(session) => session,
            Err(error) => return (0, Err(error)),
        };
        // What is asked for everything is not sure of what it was told to be kept up to date with.
        self.drop_standing_view(&cookie).await;
        (number, self.view_of(&cookie, read::ALL).await)
    }

    async fn pages(&self, cookie: &HeaderValue, first: &str) -> Result<Vec<Object>, VcenterError> {
        let mut gathered = Gathered::default();
        let mut answer = self.ask(cookie, first).await?;
        loop {
            let page = collect::page(&answer);
            let token = page.and_then(|page| gathered.add(page, self.wire.limits.pages));
            let Some(token) = token.map_err(|why| self.wire.not_a_vcenter(why))? else {
                return Ok(gathered.objects);
            };
            answer = self.ask(cookie, &calls::continue_retrieving(&self.services, &token)).await?;
        }
    }

    async fn certain(&self, uuids: &[String]) -> (u64, Result<Vec<SeenVm>, VcenterError>) {
        let (number, cookie) = match self.cookie().await {
            Ok(session) => session,
            Err(error) => return (0, Err(error)),
        };
        (number, self.certain_with(&cookie, uuids).await)
    }

    async fn certain_with(
        &self,
        cookie: &HeaderValue,
        uuids: &[String],
    ) -> Result<Vec<SeenVm>, VcenterError> {
        let remembered: Vec<(String, Reference)> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            uuids.iter().filter_map(|uuid| Some((uuid.clone(), known.vms.get(uuid)?.clone()))).collect()
        };
        let mut found = self.these(cookie, &remembered).await?;
        // Who was not seen before, or is not where it was: a machine may be registered anew.
        let mut searched = Vec::new();
        for uuid in uuids {
            if found.iter().any(|vm| vm.uuid.as_ref() == Some(uuid)) {
                continue;
            }
            if let Some(reference) = self.find(cookie, uuid).await? {
                searched.push((uuid.clone(), reference));
            }
        }
        found.extend(self.these(cookie, &searched).await?);
        Ok(found)
    }

    async fn find(&self, cookie: &HeaderValue, uuid: &str) -> Result<Option<Reference>, VcenterError> {
        let search = self.services.search.as_ref();
        let search = search.ok_or_else(|| self.wire.not_a_vcenter("it has no search".into()))?;
        let answer = self.ask(cookie, &calls::find_by_uuid(search, uuid)).await?;
        Ok(answer.child("returnval").and_then(Reference::of))
    }

    /// Reads virtual machines whose references are known; those that have gone, or have another UUID, are left out.
    async fn these(
        &self,
        cookie: &HeaderValue,
        of: &[(String, Reference)],
    ) -> Result<Vec<SeenVm>, VcenterError> {
        let wanted: &[Wanted] = &[(read::VM, read::VM_PROPERTIES)];
        let at = self.clock.now();
        let objects = self.objects(cookie, of.iter().map(|(_, reference)| reference), wanted).await?;
        let hosts: Vec<Reference> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let hosts =
                objects.iter().filter_map(|object| object.property("runtime.host").and_then(Reference::of));
            let mut hosts: Vec<Reference> = hosts.filter(|host| !known.names.contains_key(host)).collect();
            hosts.sort_unstable();
            hosts.dedup();
            hosts
        };
        let named = self.objects(cookie, hosts.iter(), &[(read::HOST, &["name"])]).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.names.extend(self.names(&named));
        let mut vms = Vec::with_capacity(objects.len());
        for (uuid, reference) in of {
            let Some(object) = objects.iter().find(|object| object.reference == *reference) else {
                known.vms.remove(uuid);
                continue;
            };
            let mut vm = read::vm(object, at, &known.names, &mut Vec::new());
            // Its configuration is not known while its host is silent; it was found by its UUID.
            if vm.uuid.get_or_insert_with(|| uuid.clone()) == uuid {
                known.vms.insert(uuid.clone(), reference.clone());
                vms.push(vm);
            } else {
                known.vms.remove(uuid);
            }
        }
        Ok(vms)
    }

    async fn objects(
        &self,
        cookie: &HeaderValue,
        references: impl Iterator<Item = &Reference>,
        wanted: &[Wanted],
    ) -> Result<Vec<Object>, VcenterError> {
        let references: Vec<Reference> = references.cloned().collect();
        let page = self.wire.limits.page;
        let mut objects = Vec::new();
        for part in references.chunks(usize::try_from(page).unwrap_or(usize::MAX).max(1)) {
            let call = calls::retrieve_objects(&self.services, part, wanted, page);
            objects.extend(self.pages(cookie, &call).await?);
        }
        Ok(objects)
    }
}
