//! The virtual networks in Azure: which machine is in which, under which addresses, and which networks are peered.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::provider::azure::client::ReadClient;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::infrastructure::permitted;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::machine::text;
use crate::provider::azure::site::missing::Missing;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::vault::part_after;
use crate::provider::azure::wire::network::NetworkInterface;
use crate::provider::azure::wire::network::VirtualNetwork;
use crate::provider::azure::wire::page::Resource;
use crate::source::Spanned;
use crate::syntax::machine::AzureVm;

/// Version of the API of networks.
const NETWORK: &str = "2024-05-01";

/// What the interfaces of a virtual machine tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Attached {
    /// Name of the virtual network of its primary interface.
    network: Option<String>,
    /// Its addresses there.
    addresses: Vec<String>,
}

/// The networks of a subscription.
#[derive(Debug, Default)]
pub(super) struct Networks {
    /// By the id of the virtual machine in small letters; `None` if interfaces may not be read.
    attached: Option<BTreeMap<String, Attached>>,
    /// Pairs of names; `None` if networks may not be read.
    peered: Option<BTreeSet<(String, String)>>,
}

impl Networks {
    /// Writes what the networks tell of a virtual machine; `onprem` is its address on-premises, where that is told.
    pub(super) fn tell(&self, vm: &mut AzureVm, onprem: Option<&str>) {
        if !vm.exists.is_some_and(|exists| exists.value) {
            return;
        }
        let Some(attached) = vm.id.as_ref().and_then(|id| self.of(&id.value)) else { return };
        if attached.network.is_some() {
            vm.vnet = text(attached.network.as_deref());
        }
        if let Some(onprem) = onprem.filter(|_| !attached.addresses.is_empty()) {
            vm.ip_retained = known(attached.addresses.iter().any(|address| address == onprem));
        }
    }

    /// Returns the name of the network that a virtual machine is in.
    pub(super) fn network_of(&self, vm: &str) -> Option<&str> {
        self.of(vm)?.network.as_deref()
    }

    /// Returns the pairs of names of networks that are peered; `None` if that may not be read.
    pub(super) fn peered(&self) -> Option<Vec<Vec<Spanned<String>>>> {
        let name = |name: &String| Spanned::bare(name.clone());
        self.peered
            .as_ref()
            .map(|pairs| pairs.iter().map(|(one, other)| vec![name(one), name(other)]).collect())
    }

    fn of(&self, vm: &str) -> Option<&Attached> {
        self.attached.as_ref()?.get(&vm.to_lowercase())
    }
}

/// Returns the name of the network that a subnet is in.
fn network_of_subnet(id: &str) -> Option<&str> {
    part_after(id, "virtualNetworks").filter(|name| !name.is_empty())
}

fn attached(interfaces: Vec<Resource<NetworkInterface>>) -> BTreeMap<String, Attached> {
    let mut all: BTreeMap<String, Attached> = BTreeMap::new();
    for interface in interfaces {
        let interface = interface.properties;
        let Some(vm) = interface.virtual_machine.get().and_then(|vm| vm.id.get()) else { continue };
        let configurations = || interface.ip_configurations.iter().map(|one| &one.properties);
        let mut subnets = configurations().filter_map(|one| one.subnet.get()?.id.get());
        let network = subnets.find_map(network_of_subnet).map(str::to_owned);
        let is_primary = interface.primary.get() == Some(true);
        let attached = all.entry(vm.to_lowercase()).or_default();
        if network.is_some() && (is_primary || attached.network.is_none()) {
            attached.network = network;
        }
        let addresses = configurations().filter_map(|one| one.private_ip_address.get().map(str::to_owned));
        attached.addresses.extend(addresses);
    }
    all
}

/// Returns the pairs of networks whose peering carries traffic, which it does once both sides have it.
fn peered(networks: Vec<Resource<VirtualNetwork>>) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for network in networks {
        let own = network.name.or_empty().to_owned();
        for peering in network.properties.virtual_network_peerings.iter() {
            let remote = peering.properties.remote_virtual_network.get().and_then(|remote| remote.id.get());
            let Some(remote) = remote.map(|id| last_part(id).to_owned()) else { continue };
            if peering.properties.peering_state.is("Connected") && !own.is_empty() && own != remote {
                pairs.insert(if own < remote { (own.clone(), remote) } else { (remote, own.clone()) });
            }
        }
    }
    pairs
}

/// Reads the networks of the vault's subscription, and says how many requests that took.
pub(super) async fn networks(
    reader: &ReadClient,
    vault: &VaultId,
    missing: &mut Vec<Missing>,
) -> Result<(Networks, usize), AzureError> {
    let provider = format!("{}/providers/Microsoft.Network", vault.subscription_path());
    let (interfaces, networks) =
        (format!("{provider}/networkInterfaces"), format!("{provider}/virtualNetworks"));
    let (interfaces, networks) = tokio::join!(
        reader.list::<Resource<NetworkInterface>>(&interfaces, "", NETWORK),
        reader.list::<Resource<VirtualNetwork>>(&networks, "", NETWORK),
    );
    let mut requests = 0;
    let interfaces = permitted(interfaces, "azure_vm.vnet", missing, &mut requests).await?;
    let networks = permitted(networks, "network.peered_vnets", missing, &mut requests).await?;
    let read = Networks { attached: interfaces.map(attached), peered: networks.map(peered) };
    Ok((read, requests))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::overlay::blank_azure_vm;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/w1";

    fn network(name: &str) -> String {
        format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/{name}")
    }

    fn interface(network_name: &str, address: &str, is_primary: bool) -> serde_json::Value {
        json!({"name": "nic", "properties": {
            "primary": is_primary,
            "virtualMachine": {"id": VM.to_uppercase()},
            "ipConfigurations": [{"properties": {
                "privateIPAddress": address,
                "subnet": {"id": format!("{}/subnets/default", network(network_name))},
            }}],
        }})
    }

    fn read(interfaces: serde_json::Value, networks: serde_json::Value) -> Networks {
        let interfaces = serde_json::from_value(interfaces).expect("interfaces");
        let networks = serde_json::from_value(networks).expect("networks");
        Networks { attached: Some(attached(interfaces)), peered: Some(peered(networks)) }
    }

    fn vm() -> AzureVm {
        AzureVm { id: text(Some(VM)), exists: known(true), ..blank_azure_vm() }
    }

    #[test]
    fn the_primary_interface_tells_the_network_and_any_address_may_be_the_old_one() {
        let interfaces =
            json!([interface("vnet-b", "10.0.0.5", false), interface("vnet-a", "172.16.0.4", true)]);
        let networks = read(interfaces, json!([]));
        let mut seen = vm();
        networks.tell(&mut seen, Some("10.0.0.5"));
        assert_eq!(seen.vnet.as_ref().map(|vnet| vnet.value.as_str()), Some("vnet-a"));
        assert_eq!(seen.ip_retained.map(|kept| kept.value), Some(true));
        networks.tell(&mut seen, Some("10.0.0.6"));
        assert_eq!(seen.ip_retained.map(|kept| kept.value), Some(false));
    }

    #[test]
    fn what_may_not_be_read_stays_unknown() {
        let mut seen = vm();
        Networks::default().tell(&mut seen, Some("10.0.0.5"));
        assert_eq!((seen.vnet, seen.ip_retained), (None, None));
        assert_eq!(Networks::default().peered(), None);
        let networks = read(json!([interface("vnet-a", "10.0.0.5", true)]), json!([]));
        let mut seen = vm();
        networks.tell(&mut seen, None);
        assert_eq!(seen.ip_retained, None, "nobody told the address on-premises");
        let mut gone = AzureVm { exists: known(false), ..vm() };
        networks.tell(&mut gone, Some("10.0.0.5"));
        assert_eq!(gone.vnet, None, "a machine that is gone is in no network");
    }

    #[test]
    fn only_a_peering_that_both_sides_have_counts_once() {
        let peering = |to: &str, state: &str| json!({"properties": {"peeringState": state, "remoteVirtualNetwork": {"id": network(to)}}});
        let of = |name: &str, peerings: Vec<serde_json::Value>| json!({"name": name, "properties": {"virtualNetworkPeerings": peerings}});
        let networks = json!([
            of("vnet-b", vec![peering("vnet-a", "Connected"), peering("vnet-c", "Initiated")]),
            of("vnet-a", vec![peering("vnet-b", "Connected"), peering("vnet-d", "Disconnected")]),
            of("vnet-e", vec![]),
        ]);
        let pairs = read(json!([]), networks).peered().expect("they could be read");
        let pairs: Vec<Vec<&str>> =
            pairs.iter().map(|pair| pair.iter().map(|name| name.value.as_str()).collect()).collect();
        assert_eq!(pairs, [["vnet-a", "vnet-b"]]);
    }
}
