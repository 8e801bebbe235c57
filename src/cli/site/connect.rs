//! Reaches Azure and the vCenters that are meant.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::site::args::TokenSource;
use crate::cli::site::args::VaultArgs;
use crate::cli::site::secret::secret;
use crate::cli::site::secret::variable;
use crate::cli::site::secret::variable_for;
use crate::clock::pace::Pace;
use crate::provider::azure;
use crate::provider::azure::AzureError;
use crate::provider::azure::AzureView;
use crate::provider::azure::Choice;
use crate::provider::azure::Cloud;
use crate::provider::azure::Connection;
use crate::provider::azure::Credential;
use crate::provider::azure::Onprem;
use crate::provider::azure::Pulled;
use crate::provider::azure::ReadClient;
use crate::provider::azure::ServicePace;
use crate::provider::azure::Surroundings;
use crate::provider::azure::VaultId;
use crate::provider::vcenter::Kind;
use crate::provider::vcenter::Limits;
use crate::provider::vcenter::Settings;
use crate::provider::vcenter::Thumbprint;
use crate::provider::vcenter::Trust;
use crate::provider::vcenter::Vcenters;
use crate::syntax::inventory::Inventory;
use crate::syntax::nullable::Nullable;
use crate::syntax::plan::Hypervisor;

/// A site that can be asked; nothing was asked yet.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Azure.
    pub reader: ReadClient,
    /// The vault that is meant.
    pub vault: VaultId,
    /// Whether the resource manager is on this machine, as an emulator is.
    pub is_local: bool,
    /// The vCenters that are named, and the hosts under none.
    pub vcenters: Vec<Settings>,
    /// Hosts of the inventory under no vCenter whose address is not named.
    pub unasked: Vec<String>,
}

/// Returns what reaches the site that flags, environment and inventory mean.
///
/// # Errors
///
/// [`CliError`] if something is missing or can't be read.
pub(crate) fn reach(args: &VaultArgs, facts: Option<&Inventory>, env: &Env<'_>) -> Result<Reached, CliError> {
    let vault = vault(args, facts)?;
    let lookup = |name: &str| {
        let flag = args.endpoint.as_ref().filter(|_| name == "FAILBACK_AZURE_ENDPOINT");
        flag.or_else(|| env.variables.get(name)).filter(|value| !value.is_empty()).cloned()
    };
    let cloud = Cloud::of_environment(&lookup)
        .map_err(|error| CliError::usage("can't tell which cloud is meant").because(error))?;
    let choice = match args.identity {
        TokenSource::Any => Choice::Any,
        TokenSource::Environment => Choice::Environment,
        TokenSource::WorkloadIdentity => Choice::WorkloadIdentity,
        TokenSource::ManagedIdentity => Choice::ManagedIdentity,
        TokenSource::AzureCli => Choice::AzureCli,
    };
    let credential = Credential::of_environment(choice, &cloud, &lookup).map_err(|error| {
        let told = CliError::usage("there is no identity to ask Azure with");
        told.because(error).hinted(
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or a certificate or token), or sign in with `az login`",
        )
    })?;
    let trusted = authorities(args, env)?;
    let is_local = cloud.is_local();
    let pace = Arc::new(ServicePace::new(Arc::clone(&env.clock)));
    let connection = Connection { cloud, credential, pace, trusted: trusted.clone() };
    let reader = ReadClient::new(connection)
        .map_err(|error| CliError::usage("can't make a connection to Azure").because(error))?;
    let vcenters = vcenters(args, facts, trusted.as_deref(), env)?;
    let is_asked = |name: &str| vcenters.iter().any(|settings| settings.id == name);
    let unasked = facts.map(hosts_alone).unwrap_or_default().into_iter().filter(|name| !is_asked(name));
    let unasked = unasked.map(str::to_owned).collect();
    Ok(Reached { reader, vault, is_local, vcenters, unasked })
}

/// A site that has answered.
#[derive(Debug)]
pub(crate) struct Connected {
    /// Azure.
    pub reader: ReadClient,
    /// The vault that is meant.
    pub vault: VaultId,
    /// Whether the resource manager is on this machine, as an emulator is.
    pub is_local: bool,
    vcenters: Option<Arc<Vcenters>>,
    settings: Vec<Settings>,
}

impl Reached {
    /// Asks the vault whether it is there, and takes the site's clock.
    ///
    /// # Errors
    ///
    /// [`CliError`] if it does not answer, or not to us.
    pub(crate) fn connect(self, base: &Inventory, runtime: &Runtime) -> Result<Connected, CliError> {
        let Self { reader, vault, is_local, vcenters: settings, unasked: _ } = self;
        runtime.block_on(reader.greet(&vault)).map_err(|error| {
            let told = CliError::usage(format!("can't ask the vault `{}`", vault.name));
            let help = error.help();
            help.into_iter().fold(told.because(error), CliError::hinted)
        })?;
        let pace: Arc<dyn Pace> = reader.pace();
        let vcenters =
            (!settings.is_empty()).then(|| Arc::new(Vcenters::new(settings.clone(), base.clone(), pace)));
        Ok(Connected { reader, vault, is_local, vcenters, settings })
    }
}

impl Connected {
    /// Returns the site's clock.
    pub(crate) fn pace(&self) -> Arc<ServicePace> {
        self.reader.pace()
    }

    /// Returns what observes the site, with what a person wrote down about it.
    pub(crate) fn view(&self, base: Inventory) -> AzureView {
        AzureView::new(self.reader.clone(), self.vault.clone(), Surroundings { base, onprem: self.onprem() })
    }

    fn onprem(&self) -> Option<Arc<dyn Onprem>> {
        self.vcenters.clone().map(|vcenters| vcenters as Arc<dyn Onprem>)
    }

    /// Returns everything that the site shows. It is looked at twice: what the vault tells of its servers and machines says where to
    /// look for them in vCenter.
    ///
    /// # Errors
    ///
    /// [`CliError`] if the vault can't be asked; what else can't be had is listed instead.
    pub(crate) fn pull(&self, base: &Inventory, runtime: &Runtime) -> Result<Pulled, CliError> {
        let failed = |error: AzureError| {
            let told = CliError::usage(format!("can't observe the vault `{}`", self.vault.name));
            let help = error.help();
            help.into_iter().fold(told.because(error), CliError::hinted)
        };
        let onprem = self.onprem();
        let first = runtime.block_on(azure::pull(&self.reader, &self.vault, onprem, base)).map_err(failed)?;
        if self.settings.is_empty() {
            return Ok(first);
        }
        let pace: Arc<dyn Pace> = self.reader.pace();
        let vcenters = Arc::new(Vcenters::new(self.settings.clone(), first.inventory.clone(), pace));
        let onprem = Some(Arc::clone(&vcenters) as Arc<dyn Onprem>);
        let second = runtime.block_on(azure::pull(&self.reader, &self.vault, onprem, &first.inventory));
        runtime.block_on(vcenters.log_out());
        second.map_err(failed)
    }

    /// Ends what was begun with the site.
    pub(crate) fn end(self, runtime: Runtime) {
        if let Some(vcenters) = &self.vcenters {
            runtime.block_on(vcenters.log_out());
        }
        // A question that nobody answered must not keep the process.
        runtime.shutdown_background();
    }
}

fn vault(args: &VaultArgs, facts: Option<&Inventory>) -> Result<VaultId, CliError> {
    if let Some(id) = &args.vault {
        return VaultId::parse(id)
            .map_err(|error| CliError::usage("can't tell which vault is meant").because(error));
    }
    let vault = facts.and_then(|facts| facts.vault.as_ref());
    let named = vault.and_then(|vault| {
        Some(VaultId {
            subscription: vault.subscription_id.as_ref()?.value.clone(),
            resource_group: vault.resource_group.as_ref()?.value.clone(),
            name: vault.name.as_ref()?.value.clone(),
        })
    });
    named.ok_or_else(|| {
        CliError::usage("no vault is named").hinted(
            "name its resource id with --vault, or state name, subscription_id and resource_group under `vault:` of the inventory",
        )
    })
}

fn authorities(args: &VaultArgs, env: &Env<'_>) -> Result<Option<Vec<u8>>, CliError> {
    let named = env.variables.get("FAILBACK_CA_FILE").filter(|path| !path.is_empty()).map(Path::new);
    let Some(path) = args.ca_file.as_deref().or(named) else { return Ok(None) };
    std::fs::read(env.path(path))
        .map(Some)
        .map_err(|error| CliError::usage(format!("can't read `{}`", path.display())).because(error))
}

/// Returns the names of the hosts that no vCenter manages and that speak as one does.
fn hosts_alone(facts: &Inventory) -> Vec<&str> {
    let hosts = facts.hosts.iter().flatten().filter(|host| host.vcenter == Nullable::None);
    let hosts = hosts.filter(|host| host.hypervisor.as_deref().is_none_or(|kind| *kind == Hypervisor::Esxi));
    hosts.map(|host| host.name.as_str()).collect()
}

/// Splits `NAME=VALUE`.
fn pair<'t>(text: &'t str, flag: &str, value: &str) -> Result<(&'t str, &'t str), CliError> {
    text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty()).ok_or_else(|| {
        CliError::usage(format!("`{text}` is no value of {flag}")).hinted(format!("write it as NAME={value}"))
    })
}

fn vcenters(
    args: &VaultArgs,
    facts: Option<&Inventory>,
    trusted: Option<&[u8]>,
    env: &Env<'_>,
) -> Result<Vec<Settings>, CliError> {
    let known: Vec<&str> = facts
        .and_then(|facts| facts.vcenters.as_ref())
        .into_iter()
        .flatten()
        .map(|vcenter| vcenter.id.value.as_str())
        .collect();
    let alone: Vec<&str> = facts.map(hosts_alone).unwrap_or_default();
    let mut named: Vec<(String, String)> = Vec::new();
    for text in &args.vcenter {
        let (name, url) = pair(text, "--vcenter", "https://vcenter.example")?;
        named.push((name.to_owned(), url.to_owned()));
    }
    if named.is_empty() {
        // One address stands for all: an emulator answers for each of its vCenters at the same one.
        let ids: Vec<&str> = if known.is_empty() { vec!["vcenter"] } else { known.clone() };
        for id in ids {
            if let Some(url) = variable("FAILBACK_VCENTER_URL", id, env) {
                named.push((id.to_owned(), url.to_owned()));
            }
        }
        // A host has an address of its own: that of all is where a vCenter answers.
        for id in &alone {
            if let Some(url) = variable_for("FAILBACK_VCENTER_URL", id, env) {
                named.push(((*id).to_owned(), url.to_owned()));
            }
        }
    }
    // A datastore that a vCenter and a host have is told as the vCenter's.
    named.sort_by_key(|(id, _)| alone.contains(&id.as_str()));
    let mut pinned = Vec::new();
    for text in &args.vcenter_thumbprint {
        let (name, digits) = pair(text, "--vcenter-thumbprint", "SHA256")?;
        let thumbprint = Thumbprint::parse(digits)
            .map_err(|what| CliError::usage(format!("`{digits}` is no thumbprint: {what}")))?;
        if !named.iter().any(|(known, _)| known == name) {
            return Err(CliError::usage(format!(
                "no vCenter or host `{name}` is named, and it has a thumbprint"
            ))
            .hinted(format!("add --vcenter {name}=https://…")));
        }
        pinned.push((name, thumbprint));
    }
    named
        .into_iter()
        .map(|(id, url)| {
            let kind = match () {
                () if known.contains(&id.as_str()) => Some(Kind::Vcenter),
                () if alone.contains(&id.as_str()) => Some(Kind::Host),
                () if known.is_empty() => None,
                () => {
                    let has: Vec<&str> = known.iter().chain(&alone).copied().collect();
                    let what = format!("the inventory has no vCenter, and no host under none, `{id}`");
                    return Err(CliError::usage(what).hinted(format!("it has: {}", has.join(", "))));
                }
            };
            let user = variable("FAILBACK_VCENTER_USER", &id, env).map(str::to_owned);
            let password = secret("FAILBACK_VCENTER_PASSWORD", &id, env)?;
            let (Some(user), Some(password)) = (user, password) else {
                let what = if kind == Some(Kind::Host) { "host" } else { "vCenter" };
                return Err(CliError::usage(format!("nobody is named to ask the {what} `{id}` as")).hinted(
                    "set FAILBACK_VCENTER_USER, and FAILBACK_VCENTER_PASSWORD or FAILBACK_VCENTER_PASSWORD_FILE",
                ));
            };
            let trust = match pinned.iter().find(|(name, _)| *name == id) {
                Some((_, thumbprint)) => Trust::Pinned(*thumbprint),
                None => trusted.map_or(Trust::System, |authorities| Trust::Authorities(authorities.to_vec())),
            };
            Ok(Settings { id, kind, url, user, password, trust, limits: Limits::default() })
        })
        .collect()
}
