//! Flags that say which vault and vCenters are meant.

use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::cli::env::Env;

/// Flags about the site that is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Serialize, Deserialize)]
#[serde(default)]
#[command(next_help_heading = "Site options")]
pub struct VaultArgs {
    /// Resource id of the Recovery Services vault; without it the one that the inventory names
    #[arg(long, value_name = "ID")]
    pub vault: Option<String>,
    /// Ask this resource manager instead of the public cloud's, such as an emulator's; the variable
    /// `FAILBACK_AZURE_ENDPOINT` does the same
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Identity to ask with
    #[arg(long, value_name = "SOURCE", value_enum, default_value_t)]
    pub identity: TokenSource,
    /// Address of a vCenter, or of a host under none, by its name in the inventory (can be repeated); without it
    /// `FAILBACK_VCENTER_URL`, for one alone `FAILBACK_VCENTER_URL_NAME`
    #[arg(long, value_name = "NAME=URL")]
    pub vcenter: Vec<String>,
    /// SHA-256 thumbprint of the certificate of a vCenter or host, instead of an authority that issued it (can be repeated)
    #[arg(long, value_name = "NAME=SHA256")]
    pub vcenter_thumbprint: Vec<String>,
    /// Trust the authorities of this file too (PEM); the variable `FAILBACK_CA_FILE` does the same
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Whether the site is only looked at; a run that began so stays so.
    #[arg(skip)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// Where the identity comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// The first that there is: environment, workload identity, managed identity, Azure CLI
    #[default]
    Any,
    /// The environment: a secret or certificate of a service principal
    Environment,
    /// The federated token of a workload
    WorkloadIdentity,
    /// The identity of the machine
    ManagedIdentity,
    /// Whoever signed in with `az login`
    AzureCli,
}

impl VaultArgs {
    /// Returns the flags with what variables stand in for them, so that a run is taken over at the same site.
    #[must_use]
    pub(crate) fn with_variables(&self, env: &Env<'_>) -> Self {
        let variable = |name: &str| env.variables.get(name).filter(|value| !value.is_empty()).cloned();
        let ca_file = self.ca_file.clone().or_else(|| variable("FAILBACK_CA_FILE").map(PathBuf::from));
        Self {
            endpoint: self.endpoint.clone().or_else(|| variable("FAILBACK_AZURE_ENDPOINT")),
            // A run may be taken over from another folder.
            ca_file: ca_file.map(|path| env.path(&path)),
            ..self.clone()
        }
    }

    /// Returns the flags, each left out one as it is in `kept`.
    #[must_use]
    pub(crate) fn or(&self, kept: &Self) -> Self {
        let list =
            |own: &Vec<String>, kept: &Vec<String>| if own.is_empty() { kept.clone() } else { own.clone() };
        Self {
            vault: self.vault.clone().or_else(|| kept.vault.clone()),
            endpoint: self.endpoint.clone().or_else(|| kept.endpoint.clone()),
            identity: if self.identity == TokenSource::Any { kept.identity } else { self.identity },
            vcenter: list(&self.vcenter, &kept.vcenter),
            vcenter_thumbprint: list(&self.vcenter_thumbprint, &kept.vcenter_thumbprint),
            ca_file: self.ca_file.clone().or_else(|| kept.ca_file.clone()),
            read_only: self.read_only || kept.read_only,
        }
    }
}
