//! The servers of a vault as they are read: fabrics, providers, vCenters, and the accounts around the vault.

use std::collections::BTreeMap;

use crate::provider::azure::client::Listed;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::missing::Missing;
use crate::provider::azure::site::networks::Networks;
use crate::provider::azure::site::networks::networks;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::wire::around::Anything;
use crate::provider::azure::wire::fabric::Dra;
use crate::provider::azure::wire::fabric::Fabric;
use crate::provider::azure::wire::fabric::FabricDetails;
use crate::provider::azure::wire::fabric::OffAzureAccount;
use crate::provider::azure::wire::fabric::OffAzureVcenter;
use crate::provider::azure::wire::fabric::Vcenter;
use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::scalar::Readable;

/// Version of the API of the discovery service.
pub(super) const OFF_AZURE: &str = "2020-01-01";
const STORAGE: &str = "2023-01-01";
const AUTOMATION: &str = "2023-11-01";

/// The servers of a vault.
#[derive(Debug, Default)]
pub(in crate::provider::azure) struct Servers {
    pub(super) fabrics: Vec<Resource<Fabric>>,
    pub(super) dras: Vec<Resource<Dra>>,
    /// vCenters, and hosts that were added by themselves; `None` if they can't be seen.
    pub(super) vcenters: Option<Vec<Resource<Vcenter>>>,
    pub(in crate::provider::azure) missing: Vec<Missing>,
}

impl Servers {
    /// Returns the fabric of VMware, and what it tells: the configuration server's, or that of the appliances.
    pub(super) fn vmware(&self) -> Option<(&Resource<Fabric>, &FabricDetails)> {
        self.of_kind("VMware").or_else(|| self.of_kind("InMageRcm"))
    }

    pub(super) fn of_kind(&self, kind: &str) -> Option<(&Resource<Fabric>, &FabricDetails)> {
        self.fabrics.iter().find_map(|fabric| {
            let details = fabric.properties.custom_details.get()?;
            details.instance_type.is(kind).then_some((fabric, details))
        })
    }
}

/// What is around the vault, and changes seldom.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    /// Ids of storage accounts; `None` if they can't be seen.
    pub(super) storage: Option<Vec<String>>,
    /// Ids of automation accounts; `None` if they can't be seen.
    pub(super) automation: Option<Vec<String>>,
    /// vCenters that appliances have discovered; `None` if they can't be seen.
    pub(super) vcenters: Option<Vec<Resource<OffAzureVcenter>>>,
    /// Accounts of appliances.
    pub(super) run_as: Vec<Resource<OffAzureAccount>>,
    /// UUIDs of discovered machines, by their ids in small letters.
    pub(super) uuids: BTreeMap<String, String>,
    /// Where virtual machines are connected, and what is peered.
    pub(super) networks: Networks,
    pub(in crate::provider::azure) missing: Vec<Missing>,
}

/// Reads a list; one that may not be read, or is not there, is noted, and everything else goes on.
pub(super) async fn permitted<T: Readable>(
    result: Result<Listed<T>, AzureError>,
    facts: &'static str,
    missing: &mut Vec<Missing>,
    requests: &mut usize,
) -> Result<Option<Vec<T>>, AzureError> {
    match result {
        Ok(listed) => {
            *requests += listed.pages;
            Ok(Some(listed.values))
        }
        Err(error) => match Missing::of(facts, &error) {
            Some(lack) => {
                *requests += 1;
                missing.push(lack);
                Ok(None)
            }
            None => Err(error),
        },
    }
}

/// Reads the servers of a vault, and says how many requests that took.
pub(in crate::provider::azure) async fn servers(
    reader: &ReadClient,
    vault: &VaultId,
) -> Result<(Servers, usize), AzureError> {
    let path = vault.path();
    let (fabrics, dras, vcenters) = (
        format!("{path}/replicationFabrics"),
        format!("{path}/replicationRecoveryServicesProviders"),
        format!("{path}/replicationvCenters"),
    );
    let (fabrics, dras, vcenters) = tokio::join!(
        reader.list::<Resource<Fabric>>(&fabrics, "", SITE_RECOVERY),
        reader.list::<Resource<Dra>>(&dras, "", SITE_RECOVERY),
        reader.list::<Resource<Vcenter>>(&vcenters, "", SITE_RECOVERY),
    );
    let (mut read, mut requests) = (Servers::default(), 0);
    let missing = &mut read.missing;
    read.fabrics = permitted(fabrics, "servers", missing, &mut requests).await?.unwrap_or_default();
    read.dras =
        permitted(dras, "configuration_server.connected", missing, &mut requests).await?.unwrap_or_default();
    read.vcenters = permitted(vcenters, "vcenters", missing, &mut requests).await?;
    Ok((read, requests))
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Discovered {
    bios_guid: crate::provider::azure::wire::scalar::Text,
}

/// Reads what is around a vault, and says how many requests that took.
pub(super) async fn accounts(
    reader: &ReadClient,
    vault: &VaultId,
    site: Option<&str>,
) -> Result<(Accounts, usize), AzureError> {
    let subscription = vault.subscription_path();
    let (storage, automation) = (
        format!("{subscription}/providers/Microsoft.Storage/storageAccounts"),
        format!("{subscription}/providers/Microsoft.Automation/automationAccounts"),
    );
    let (storage, automation) = tokio::join!(
        reader.list::<Resource<Anything>>(&storage, "", STORAGE),
        reader.list::<Resource<Anything>>(&automation, "", AUTOMATION),
    );
    let (mut read, mut requests) = (Accounts::default(), 0);
    let ids = |all: Vec<Resource<Anything>>| all.into_iter().filter_map(|one| one.id.into_option()).collect();
    read.storage = permitted(storage, "storage_accounts", &mut read.missing, &mut requests).await?.map(ids);
    read.automation =
        permitted(automation, "automation_accounts", &mut read.missing, &mut requests).await?.map(ids);
    let (networks, asked) = networks(reader, vault, &mut read.missing).await?;
    read.networks = networks;
    requests += asked;
    let Some(site) = site else { return Ok((read, requests)) };
    let (vcenters, run_as, machines) =
        (format!("{site}/vcenters"), format!("{site}/runasaccounts"), format!("{site}/machines"));
    let (vcenters, run_as, machines) = tokio::join!(
        reader.list::<Resource<OffAzureVcenter>>(&vcenters, "", OFF_AZURE),
        reader.list::<Resource<OffAzureAccount>>(&run_as, "", OFF_AZURE),
        reader.list::<Resource<Discovered>>(&machines, "", OFF_AZURE),
    );
    read.vcenters = permitted(vcenters, "vcenters", &mut read.missing, &mut requests).await?;
    read.run_as =
        permitted(run_as, "vcenters.account", &mut read.missing, &mut requests).await?.unwrap_or_default();
    let machines = permitted(machines, "asr.source_vm_uuid", &mut read.missing, &mut requests)
        .await?
        .unwrap_or_default();
    let uuid = |machine: Resource<Discovered>| {
        Some((machine.id.get()?.to_lowercase(), machine.properties.bios_guid.into_option()?))
    };
    read.uuids = machines.into_iter().filter_map(uuid).collect();
    Ok((read, requests))
}
