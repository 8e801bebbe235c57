//! The identity of the machine: a virtual machine, an app service, or a server that Azure Arc looks after.

use std::path::Path;
use std::time::Duration;

use reqwest::Url;
use secrecy::ExposeSecret as _;

use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::cloud::is_local;
use crate::provider::azure::credential::CredentialError;
use crate::provider::azure::credential::Outcome;
use crate::provider::azure::credential::Web;
use crate::secret;
use crate::secret::Held;

/// The metadata service of a virtual machine.
const METADATA: &str = "http://169.254.169.254/";
/// How long a machine that may have no metadata service is asked for it.
const GLANCE: Duration = Duration::from_secs(2);
/// How often a metadata service that does not answer yet is asked; it may take 70 s.
const TRIES: u32 = 6;
/// Longest file that Arc proves itself with.
const LONGEST_PROOF: usize = 4096;

#[derive(Clone, Debug)]
enum Place {
    VirtualMachine { metadata: String },
    AppService { endpoint: String, header: Held },
    Arc { endpoint: String },
}

/// The identity of the machine.
#[derive(Clone, Debug)]
pub(super) struct Managed {
    place: Place,
    client: Option<String>,
    /// Whether it is one of several sources, so that its absence is no failure.
    may_be_absent: bool,
}

impl Managed {
    pub(super) fn of_environment(lookup: &dyn Fn(&str) -> Option<String>, may_be_absent: bool) -> Self {
        let place = match (lookup("IDENTITY_ENDPOINT"), lookup("IDENTITY_HEADER"), lookup("IMDS_ENDPOINT")) {
            (Some(endpoint), Some(header), _) => {
                Place::AppService { endpoint, header: secret::hold(header.into()) }
            }
            (Some(endpoint), None, Some(_)) => Place::Arc { endpoint },
            (Some(_) | None, _, _) => {
                let metadata =
                    lookup("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| METADATA.to_owned());
                Place::VirtualMachine { metadata }
            }
        };
        Self { place, client: lookup("AZURE_CLIENT_ID"), may_be_absent }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.place {
            Place::VirtualMachine { .. } => "managed identity of the virtual machine",
            Place::AppService { .. } => "managed identity of the app service",
            Place::Arc { .. } => "managed identity of Azure Arc",
        }
    }

    fn unusable(&self, message: impl Into<String>) -> CredentialError {
        CredentialError::Unusable { source_name: self.name(), message: message.into() }
    }

    /// Returns the address of a service of the machine; its secret header must not leave the machine in the open.
    fn address(&self, base: &str, path: &str, version: &str, cloud: &Cloud) -> Result<Url, CredentialError> {
        let base = Url::parse(base).map_err(|error| self.unusable(format!("its address: {error}")))?;
        let mut url = if path.is_empty() {
            base
        } else {
            base.join(path).map_err(|error| self.unusable(format!("its address: {error}")))?
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        let is_link_local = host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_link_local() || address.is_private());
        if url.scheme() != "https" && !is_local(&url) && !is_link_local {
            return Err(
                self.unusable(format!("{host} is no service of this machine, and http is for those only"))
            );
        }
        let resource = cloud.resource();
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", &resource);
        if let Some(client) = &self.client {
            url.query_pairs_mut().append_pair("client_id", client);
        }
        Ok(url)
    }

    pub(super) async fn token(&self, cloud: &Cloud, web: &Web) -> Result<Outcome, CredentialError> {
        let token = match &self.place {
            Place::VirtualMachine { metadata } => {
                let url = self.address(metadata, "metadata/identity/oauth2/token", "2018-02-01", cloud)?;
                return self.of_virtual_machine(url, web).await;
            }
            Place::AppService { endpoint, header } => {
                let url = self.address(endpoint, "", "2019-08-01", cloud)?;
                let request = web.inside.get(url).header("X-IDENTITY-HEADER", header.expose_secret());
                let answer = web.ask(self.name(), request).await?;
                web.token(self.name(), &answer)?
            }
            Place::Arc { endpoint } => {
                let url = self.address(endpoint, "", "2020-06-01", cloud)?;
                let first =
                    web.ask(self.name(), web.inside.get(url.clone()).header("Metadata", "true")).await?;
                let challenge = first.header("www-authenticate").unwrap_or_default();
                let file = challenge.split_once("realm=").map(|(_, file)| file.trim_matches('"'));
                let Some(file) = file.filter(|_| first.status == 401) else {
                    return Err(self.unusable(format!("no challenge came, but status {}", first.status)));
                };
                let proof = self.proof(Path::new(file)).await?;
                let request = web
                    .inside
                    .get(url)
                    .header("Metadata", "true")
                    .header("Authorization", format!("Basic {}", proof.expose_secret()));
                let answer = web.ask(self.name(), request).await?;
                web.token(self.name(), &answer)?
            }
        };
        Ok(Outcome::Token(token))
    }

    /// Reads the file that Arc names: only a small one, where its agent writes such files, is sent back.
    async fn proof(&self, file: &Path) -> Result<Held, CredentialError> {
        let is_its_own = file.is_absolute()
            && file.extension().is_some_and(|ending| ending == "key")
            && file.parent().is_some_and(|folder| {
                folder.ends_with("azcmagent/tokens") || folder.ends_with("AzureConnectedMachineAgent/Tokens")
            });
        if !is_its_own {
            return Err(self.unusable("the challenge names a file that is not one of the agent's"));
        }
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| self.unusable(format!("{}: {error}", file.display())))?;
        if text.len() > LONGEST_PROOF {
            return Err(self.unusable(format!("{} is too long", file.display())));
        }
        Ok(secret::hold(text.trim().to_owned().into()))
    }

    async fn of_virtual_machine(&self, url: Url, web: &Web) -> Result<Outcome, CredentialError> {
        // A machine outside Azure has no such service, and connections to it end in nothing.
        if self.may_be_absent {
            let host = url.host_str().unwrap_or_default().to_owned();
            let port = url.port_or_known_default().unwrap_or(80);
            let glance = tokio::net::TcpStream::connect((host.as_str(), port));
            match tokio::time::timeout(GLANCE, glance).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => {
                    return Ok(Outcome::Absent("this machine has no metadata service".into()));
                }
            }
        }
        let mut pause = Duration::from_secs(1);
        for left in (0..TRIES).rev() {
            let request = web.inside.get(url.clone()).header("Metadata", "true");
            let answer = web.ask(self.name(), request).await?;
            if answer.status == 400 && self.may_be_absent {
                return Ok(Outcome::Absent("no identity is assigned to this machine".into()));
            }
            if matches!(answer.status, 404 | 410 | 429 | 500..) && left > 0 {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            }
            return web.token(self.name(), &answer).map(Outcome::Token);
        }
        Err(self.unusable("the metadata service gave no token"))
    }
}
