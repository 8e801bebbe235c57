//! Who asks Azure: a client that only reads, and one that changes things, which nobody has without saying so.

use std::collections::BTreeSet;
use std::sync::Arc;

use reqwest::Method;
use reqwest::Url;
use serde_json::Value;

use crate::clock::Clock as _;
use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::Answer;
use crate::provider::azure::http::Asked;
use crate::provider::azure::http::Connection;
use crate::provider::azure::http::Transport;
use crate::provider::azure::http::Usage;
use crate::provider::azure::http::redact;
use crate::provider::azure::pace::ServicePace;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::around::Anything;
use crate::provider::azure::wire::page::Page;
use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::scalar::Readable;

/// Version of the API of Site Recovery that is spoken.
pub(super) const SITE_RECOVERY: &str = "2025-08-01";
/// Version of the API of vaults.
const VAULTS: &str = "2023-04-01";
/// The most pages of a list: 200 thousand entries of a vault that may hold a few thousand.
const MOST_PAGES: usize = 2000;

/// Asks questions of Azure. Nothing that it can do changes anything.
#[derive(Clone, Debug)]
pub struct ReadClient {
    transport: Arc<Transport>,
}

impl ReadClient {
    /// Returns a client; nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the certificates that are to be trusted can't be read, or the system has none.
    pub fn new(connection: Connection) -> Result<Self, AzureError> {
        Ok(Self { transport: Arc::new(Transport::new(connection)?) })
    }

    /// Returns the clock that the client goes by: an emulator's, if it talks to one.
    #[must_use]
    pub fn pace(&self) -> Arc<ServicePace> {
        Arc::clone(&self.transport.pace)
    }

    /// Asks for the vault: the first question, which shows whether it can be asked at all. The clock follows an emulator from then on.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if there is no token, no connection, no right or no such vault.
    pub async fn greet(&self, vault: &VaultId) -> Result<(), AzureError> {
        self.get::<Resource<Anything>>(&vault.path(), "", VAULTS).await.map(drop)
    }

    /// Asks an emulator what time it is, if it has not told yet: moments of two clocks can't be compared. One whose time stands
    /// still is taken along first, so that whoever else is asked shows the same moment.
    pub(super) async fn settle_clock(&self, vault: &VaultId) -> Result<(), AzureError> {
        let pace = &self.transport.pace;
        if self.cloud().is_local() && (!pace.is_told() || pace.is_ahead()) {
            return match self.greet(vault).await {
                // Whatever it says of the vault, the answer told the time.
                Err(_) if self.transport.pace.is_told() => Ok(()),
                other => other,
            };
        }
        Ok(())
    }

    /// Returns how many requests were sent.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.transport.usage()
    }

    pub(super) fn cloud(&self) -> &Cloud {
        &self.transport.cloud
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns the address of a path; `query` is written as it stands behind the version.
    pub(super) fn address(&self, path: &str, query: &str, version: &str) -> Result<Url, AzureError> {
        let base = self.cloud().manager();
        let parting = if query.is_empty() { "" } else { "&" };
        let text = format!("{}?api-version={version}{parting}{query}", path.trim_start_matches('/'));
        base.join(&text)
            .map_err(|error| AzureError::Malformed { what: path.to_owned(), message: error.to_string() })
    }

    /// Reads one resource.
    pub(super) async fn get<T: Readable>(
        &self,
        path: &str,
        query: &str,
        version: &str,
    ) -> Result<T, AzureError> {
        let asked = Asked::get(self.address(path, query, version)?);
        let what = asked.what();
        self.transport.ask(&asked, |answer| answer.read(&what)).await
    }

    /// Reads a list to its end.
    pub(super) async fn list<T: Readable>(
        &self,
        path: &str,
        query: &str,
        version: &str,
    ) -> Result<Listed<T>, AzureError> {
        let mut asked = Asked::get(self.address(path, query, version)?);
        let what = asked.what();
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        loop {
            if !seen.insert(asked.url.as_str().to_owned()) {
                let message = format!("page {} is one that was read before", seen.len() + 1);
                return Err(AzureError::Endless { what, message });
            }
            if seen.len() > MOST_PAGES {
                let message = format!("more than {MOST_PAGES} pages");
                return Err(AzureError::Endless { what, message });
            }
            let page: Page<T> = self.transport.ask(&asked, |answer| answer.read(&what)).await?;
            all.extend(page.value.into_vec());
            // A link is followed as it stands; it carries its own version.
            let Some(link) = page.next_link.get() else {
                return Ok(Listed { values: all, pages: seen.len() });
            };
            let url = Url::parse(link).or_else(|_| self.cloud().manager().join(link));
            let url = url.map_err(|error| AzureError::Malformed {
                what: what.clone(),
                message: format!("its link to the next page: {error}"),
            })?;
            if !self.cloud().may_follow(&url) {
                let host = redact::words(url.host_str().unwrap_or_default());
                return Err(AzureError::Astray { what, host });
            }
            asked.url = url;
        }
    }
}

/// A list that was read to its end.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) values: Vec<T>,
    /// How many requests it took.
    pub(super) pages: usize,
}

/// That somebody wants a vault to be changed. Whoever makes one has shown what will be done, and was told to go on.
#[derive(Clone, Debug)]
pub struct Consent {
    vault: VaultId,
}

impl Consent {
    /// Returns the consent to change this vault, its replicated items and recovery plans.
    #[must_use]
    pub const fn to_change(vault: VaultId) -> Self {
        Self { vault }
    }
}

/// Changes what the consent is about, and asks.
#[derive(Clone, Debug)]
pub struct WriteClient {
    reader: ReadClient,
    consent: Consent,
}

/// An order that was taken on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The name of the job, if one was begun.
    pub(super) job: Option<String>,
    /// Whether it goes on after the answer.
    pub(super) goes_on: bool,
}

impl WriteClient {
    /// Returns a client that may change what the consent is about.
    #[must_use]
    pub const fn new(reader: ReadClient, consent: Consent) -> Self {
        Self { reader, consent }
    }

    /// Returns the client that only reads.
    #[must_use]
    pub const fn reader(&self) -> &ReadClient {
        &self.reader
    }

    /// Returns the vault that may be changed.
    #[must_use]
    pub const fn vault(&self) -> &VaultId {
        &self.consent.vault
    }

    /// Sends an order below the vault, once.
    pub(super) async fn order(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        request_id: &str,
    ) -> Result<Accepted, AzureError> {
        if !self.is_in_the_vault(path)? {
            let message = format!("{} is not in the vault that may be changed", redact::words(path));
            return Err(AzureError::Unresolved { message });
        }
        self.send(method, path, SITE_RECOVERY, body, request_id).await
    }

    /// Returns whether what is sent to a path arrives below the vault. A path can hold an id that a service told, and what counts is
    /// the address that is made of it: `%2e%2e` leads upwards in it, and `?` and `#` cut it off.
    fn is_in_the_vault(&self, path: &str) -> Result<bool, AzureError> {
        let own = self.reader.address(&format!("{}/", self.consent.vault.path()), "", SITE_RECOVERY)?;
        let url = self.reader.address(path, "", SITE_RECOVERY)?;
        let front = url.path().get(..own.path().len());
        let is_below = front.is_some_and(|front| front.eq_ignore_ascii_case(own.path()));
        // What is escaped stays in the address; who takes it could go by what it stands for.
        let plain = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        let climbs = plain.split(['/', '\\']).any(|part| matches!(part, "." | ".."));
        Ok(is_below && url.origin() == own.origin() && !climbs && !path.contains(['?', '#']))
    }

    /// Sends an order, once.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        version: &str,
        body: Option<&Value>,
        request_id: &str,
    ) -> Result<Accepted, AzureError> {
        let url = self.reader.address(path, "", version)?;
        let asked =
            Asked { method, url, body: body.map(Value::to_string), request_id: Some(request_id.to_owned()) };
        let transport = self.reader.transport();
        let answer = transport.send(&asked).await?;
        match answer.status {
            200..=202 | 204 => Ok(Accepted { job: job_of(&answer), goes_on: answer.status == 202 }),
            _ => Err(answer.error(&asked.what(), transport.pace.now())),
        }
    }
}

/// Returns the name of the job that an order began: it is the last part of each link, and of the request id.
fn job_of(answer: &Answer) -> Option<String> {
    let of_link = |name: &str| {
        let url = Url::parse(answer.header(name)?).ok()?;
        Some(last_part(url.path()).to_owned()).filter(|name| !name.is_empty())
    };
    let of_request = || {
        let all = answer.headers.get_all("x-ms-request-id").iter();
        let mut texts = all.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
        let text = texts.find(|text| text.to_ascii_lowercase().contains("/replicationjobs/"))?;
        Some(last_part(text.trim()).to_owned())
    };
    of_link("azure-asyncoperation").or_else(|| of_link("location")).or_else(of_request)
}
