//! Networks of Azure, as far as facts are in them.

use serde::Deserialize;

use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::scalar::Flag;
use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;

/// Something that is named by its id.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::provider::azure) struct Reference {
    pub(in crate::provider::azure) id: Text,
}

/// An interface of a virtual machine.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct NetworkInterface {
    pub(in crate::provider::azure) virtual_machine: Object<Reference>,
    pub(in crate::provider::azure) primary: Flag,
    pub(in crate::provider::azure) ip_configurations: List<Resource<IpConfiguration>>,
}

/// An address of an interface.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct IpConfiguration {
    #[serde(rename = "privateIPAddress")]
    pub(in crate::provider::azure) private_ip_address: Text,
    pub(in crate::provider::azure) subnet: Object<Reference>,
}

/// A virtual network.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct VirtualNetwork {
    pub(in crate::provider::azure) virtual_network_peerings: List<Resource<Peering>>,
}

/// A peering of a virtual network with another one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Peering {
    pub(in crate::provider::azure) peering_state: Text,
    pub(in crate::provider::azure) remote_virtual_network: Object<Reference>,
}
