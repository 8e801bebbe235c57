//! The failback policy of a classic vault: it is there already, or it is made and associated with the machines' own container.

use reqwest::Method;
use serde_json::json;

use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::order::Order;
use crate::provider::azure::site::order::unresolved;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::wire::fabric::Container;
use crate::provider::azure::wire::fabric::Mapping;
use crate::provider::azure::wire::fabric::Policy;
use crate::provider::azure::wire::page::Resource;

/// What the policies of the vault are called that is made here.
const FAILBACK: &str = "failback-default-replication-policy";

/// The policies of a vault, and which of them are associated.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// The failback policy that is associated with the container itself.
    pub(super) failback: Option<String>,
    /// Failback policies that are there, associated or not.
    there: Vec<String>,
    /// Policies for the way to Azure: id and name.
    forward: Vec<(String, String)>,
    /// The container of the site.
    container: Option<String>,
}

impl Policies {
    /// Returns the policy for the way to Azure: the one whose failback policy this is, else the only one there is, or the first.
    pub(super) fn to_azure(&self, failback: Option<&str>) -> Option<&str> {
        let base = failback.and_then(|name| name.strip_suffix("-failback"));
        let same =
            base.and_then(|base| self.forward.iter().find(|(_, name)| name.eq_ignore_ascii_case(base)));
        same.or_else(|| self.forward.first()).map(|(id, _)| id.as_str())
    }

    /// Returns what is to be sent until the failback policy is associated: nothing, the association, or the policy before it.
    pub(super) fn orders(&self, vault: &VaultId) -> Result<Vec<Order>, AzureError> {
        if self.failback.is_some() {
            return Ok(Vec::new());
        }
        let container = self.container.as_deref();
        let container = container
            .ok_or_else(|| unresolved("the vault has no container of VMware machines".to_owned()))?;
        let mut orders = Vec::new();
        let policy = match self.there.first() {
            Some(policy) => policy.clone(),
            None => {
                let path = format!("{}/replicationPolicies/{FAILBACK}", vault.path());
                // The settings of the policy that the portal makes (vmware-azure-set-up-replication).
                let body = json!({"properties": {"providerSpecificInput": {
                    "instanceType": "InMage",
                    "recoveryPointThresholdInMinutes": 15,
                    "recoveryPointHistory": 1440,
                    "appConsistentFrequencyInMinutes": 60,
                    "multiVmSyncStatus": "Enable",
                }}});
                orders.push(Order {
                    method: Method::PUT,
                    path: path.clone(),
                    body: Some(body),
                    scenario: "AddProtectionProfile",
                });
                path
            }
        };
        let body = json!({"properties": {
            "targetProtectionContainerId": container, "policyId": policy, "providerSpecificInput": {},
        }});
        orders.push(Order {
            method: Method::PUT,
            path: format!("{container}/replicationProtectionContainerMappings/{FAILBACK}"),
            body: Some(body),
            scenario: "AssociateProtectionProfile",
        });
        Ok(orders)
    }
}

/// Reads the policies of a vault, and says how many requests that took.
pub(super) async fn read(
    reader: &ReadClient,
    vault: &VaultId,
    fabric: &str,
) -> Result<(Policies, usize), AzureError> {
    let path = vault.path();
    let (policies, containers) =
        (format!("{path}/replicationPolicies"), format!("{fabric}/replicationProtectionContainers"));
    let (policies, containers) = tokio::join!(
        reader.list::<Resource<Policy>>(&policies, "", SITE_RECOVERY),
        reader.list::<Resource<Container>>(&containers, "", SITE_RECOVERY),
    );
    let mut read = Policies::default();
    let (policies, containers) = (policies?, containers?);
    let requests = policies.pages + containers.pages;
    for policy in policies.values {
        let Some(id) = policy.id.into_option() else { continue };
        let kind = policy.properties.provider_specific_details.into_value().instance_type;
        if kind.is("InMage") {
            read.there.push(id);
        } else if kind.is("InMageAzureV2") || kind.is("InMageRcm") {
            let name = policy.properties.friendly_name.or(&policy.name).unwrap_or_default().to_owned();
            read.forward.push((id, name));
        }
    }
    read.container = containers.values.into_iter().find_map(|container| container.id.into_option());
    let Some(container) = &read.container else { return Ok((read, requests)) };
    let mappings = format!("{container}/replicationProtectionContainerMappings");
    let mappings = reader.list::<Resource<Mapping>>(&mappings, "", SITE_RECOVERY).await?;
    let is_failback = |mapping: &&Resource<Mapping>| {
        let told = &mapping.properties;
        let to_itself = told.target_protection_container_id.is(container);
        let is_paired = told.state.get().is_none_or(|state| state.eq_ignore_ascii_case("Paired"));
        let of_kind = |policy: &str| read.there.iter().any(|there| there.eq_ignore_ascii_case(policy));
        to_itself && is_paired && told.policy_id.get().is_some_and(of_kind)
    };
    let failback =
        mappings.values.iter().find(is_failback).and_then(|mapping| mapping.properties.policy_id.get());
    read.failback = failback.map(str::to_owned);
    Ok((read, requests + mappings.pages))
}
