//! What a vCenter keeps for its clients: sessions, and in each of them views, pages and filters.

use std::collections::BTreeMap;
use std::collections::HashMap;

use jiff::SignedDuration;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::soap::node::Node;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::token::random_secret;

/// Name of the cookie that holds a session.
pub(super) const COOKIE: &str = "vmware_soap_session";

/// How long a session lives that nobody uses: vCenter's own default.
const IDLE: SignedDuration = SignedDuration::from_mins(30);

/// A session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) key: String,
    pub(super) user: String,
    pub(super) vcenter: String,
    /// When it began, by the world's clock.
    pub(super) begun: Timestamp,
    /// When it was used last, by the machine's clock: a world that goes fast ends no session.
    used: Timestamp,
    pub(super) calls: u32,
}

impl Session {
    /// Returns the name of the session. The key of the cookie opens it; the name does not.
    pub(super) fn name(&self) -> String {
        guid::guid("vcenter session", &self.key)
    }
}

/// What is to be told of updates.
#[derive(Debug)]
pub(super) struct Filter {
    pub(super) spec: Node,
    /// What was told of each object: its properties as they were written.
    pub(super) told: BTreeMap<Reference, BTreeMap<String, String>>,
}

/// What a view shows: it is looked up each time, since a view follows what comes and goes.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) container: Reference,
    /// Types of objects; all, if none is named.
    pub(super) kinds: Vec<String>,
}

/// What a session has made.
#[derive(Debug, Default)]
struct Made {
    views: HashMap<String, View>,
    /// Objects that are still to be sent, as they are written.
    pages: HashMap<String, Vec<String>>,
    filters: BTreeMap<String, Filter>,
    version: u64,
}

/// What is kept for all clients.
#[derive(Debug, Default)]
pub(in crate::provider::emulator::http) struct State {
    sessions: HashMap<String, Session>,
    made: HashMap<String, Made>,
    count: u64,
}

/// Returns whether a password is the right one.
pub(super) fn is_password(right: &SecretString, given: &str) -> bool {
    let (right, given) = (right.expose_secret().as_bytes(), given.as_bytes());
    // How long this takes tells nothing about where the first wrong letter is.
    right.len() == given.len()
        && right.iter().zip(given).fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

impl State {
    /// Returns the session that cookies name, if it still lives, and notes that it was used.
    pub(super) fn session(&mut self, cookies: &str, vcenter: &str, now: Timestamp) -> Option<Session> {
        let ended: Vec<String> = self
            .sessions
            .values()
            .filter(|session| now.duration_since(session.used) > IDLE)
            .map(|session| session.key.clone())
            .collect();
        ended.iter().for_each(|key| self.end(key));
        let pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        let mut named = pairs.filter(|(name, _)| *name == COOKIE).map(|(_, key)| key.trim_matches('"'));
        let session = named.find_map(|key| self.sessions.get(key).map(|session| session.key.clone()))?;
        let session = self.sessions.get_mut(&session).filter(|session| session.vcenter == vcenter)?;
        session.used = session.used.max(now);
        session.calls += 1;
        Some(session.clone())
    }

    pub(super) fn begin(&mut self, vcenter: &str, user: &str, begun: Timestamp, now: Timestamp) -> Session {
        let key = random_secret().expose_secret().to_owned();
        let session = Session {
            key: key.clone(),
            user: user.to_owned(),
            vcenter: vcenter.to_owned(),
            begun,
            used: now,
            calls: 1,
        };
        self.sessions.insert(key, session.clone());
        session
    }

    /// Returns whether a session lives, by the name that its user was told.
    pub(super) fn is_active(&self, name: &str) -> bool {
        self.sessions.values().any(|session| session.name() == name)
    }

    pub(super) fn end(&mut self, key: &str) {
        self.sessions.remove(key);
        self.made.remove(key);
    }

    /// Ends all sessions, as a restart of vCenter does.
    pub(in crate::provider::emulator::http) fn end_all(&mut self) {
        self.sessions.clear();
        self.made.clear();
    }

    fn made(&mut self, session: &str) -> &mut Made {
        self.made.entry(session.to_owned()).or_default()
    }

    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(super) fn add_view(&mut self, session: &str, view: View) -> Reference {
        let id = format!("session[{session}]view-{}", self.next());
        self.made(session).views.insert(id.clone(), view);
        Reference::new("ContainerView", id)
    }

    pub(super) fn view(&self, session: &str, id: &str) -> Option<&View> {
        self.made.get(session)?.views.get(id)
    }

    pub(super) fn remove_view(&mut self, session: &str, id: &str) -> Option<()> {
        self.made(session).views.remove(id).map(|_| ())
    }

    /// Keeps what is left, and returns the token by which it is asked for.
    pub(super) fn add_page(&mut self, session: &str, left: Vec<String>) -> String {
        let token = self.next().to_string();
        self.made(session).pages.insert(token.clone(), left);
        token
    }

    pub(super) fn take_page(&mut self, session: &str, token: &str) -> Option<Vec<String>> {
        self.made(session).pages.remove(token)
    }

    pub(super) fn add_filter(&mut self, session: &str, spec: Node) -> Reference {
        let id = format!("session[{session}]filter-{}", self.next());
        self.made(session).filters.insert(id.clone(), Filter { spec, told: BTreeMap::new() });
        Reference::new("PropertyFilter", id)
    }

    pub(super) fn remove_filter(&mut self, session: &str, id: &str) -> Option<()> {
        self.made(session).filters.remove(id).map(|_| ())
    }

    /// Returns a session's filters, with the number of the last version that was told.
    pub(super) fn take_filters(&mut self, session: &str) -> (BTreeMap<String, Filter>, u64) {
        let made = self.made(session);
        (std::mem::take(&mut made.filters), made.version)
    }

    pub(super) fn put_filters(&mut self, session: &str, filters: BTreeMap<String, Filter>, version: u64) {
        let made = self.made(session);
        made.filters = filters;
        made.version = version;
    }
}
