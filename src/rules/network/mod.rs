//! Rules about the connection to the site and about process servers (FB400–FB429).

pub(crate) mod azure_process_server_leftover;
pub(crate) mod azure_process_server_quota;
pub(crate) mod azure_process_server_recommended;
pub(crate) mod azure_process_server_required_split_network;
pub(crate) mod no_private_link;
pub(crate) mod process_server_churn_limit;
pub(crate) mod process_server_missing;
pub(crate) mod process_server_per_vnet;
pub(crate) mod process_server_unhealthy;
pub(crate) mod reachability;
pub(crate) mod vm_churn_limit;

use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::labels::also_machines;
use crate::source::Spanned;
use crate::syntax::inventory::Link;
use crate::syntax::inventory::Placement;
use crate::syntax::inventory::ProcessServer;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &no_private_link::RULE,
    &process_server_missing::RULE,
    &azure_process_server_recommended::RULE,
    &azure_process_server_required_split_network::RULE,
    &process_server_per_vnet::RULE,
    &reachability::RULE,
    &process_server_unhealthy::RULE,
    &process_server_churn_limit::RULE,
    &vm_churn_limit::RULE,
    &azure_process_server_quota::RULE,
    &azure_process_server_leftover::RULE,
];

/// Points at the machines whose data a process server carries back.
fn point_at_carried(finding: &mut Finding, server: &ProcessServer, model: &Model) {
    let text = format!("its data comes back through {}", server.name);
    also_machines(finding, model.machines_of_process_server(&server.name), &text);
}

/// Returns the way that replication takes from Azure to the site.
fn link(model: &Model) -> Fact<&Spanned<Link>> {
    let network = model.inventory.network.fact_of("network", "inventory")?;
    network.azure_to_onprem.fact_of("network.azure_to_onprem", "network")
}

/// Returns where a process server stands.
fn placement(server: &ProcessServer) -> Fact<&Spanned<Placement>> {
    server
        .placement
        .as_ref()
        .ok_or_else(|| Unknown::of("process_servers.placement", server.name.value.as_str()))
}
