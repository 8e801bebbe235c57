//! The facts that a vault tells about its servers.

use crate::provider::azure::site::compute::Machines;
use crate::provider::azure::site::infrastructure::Accounts;
use crate::provider::azure::site::infrastructure::Servers;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::machine::place_of;
use crate::provider::azure::site::machine::release_of;
use crate::provider::azure::site::machine::text;
use crate::provider::azure::site::networks::Networks;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::fabric::FabricDetails;
use crate::provider::azure::wire::fabric::MasterTarget as WireMasterTarget;
use crate::provider::azure::wire::fabric::Server;
use crate::provider::azure::wire::scalar::List;
use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::inventory::Appliance;
use crate::syntax::inventory::AutomationAccount;
use crate::syntax::inventory::Component;
use crate::syntax::inventory::ConfigurationServer;
use crate::syntax::inventory::Experience;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::Network;
use crate::syntax::inventory::Placement;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::RetentionVolume;
use crate::syntax::inventory::Vault;
use crate::syntax::inventory::Vcenter;
use crate::syntax::inventory::VcenterAccount;
use crate::syntax::machine::Health;
use crate::syntax::machine::Os;
use crate::syntax::machine::OsFamily;
use crate::syntax::nullable::Nullable;

/// What the facts about servers are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'s> {
    pub(super) vault: &'s VaultId,
    pub(super) servers: &'s Servers,
    pub(super) accounts: &'s Accounts,
    pub(super) machines: Option<&'s Machines>,
}

/// Returns the facts, without machines.
pub(super) fn facts(name: &str, seen: Seen<'_>) -> Inventory {
    let Seen { vault, servers, accounts, machines } = seen;
    let mut facts = Inventory::unknown(name);
    let classic = servers.of_kind("VMware");
    let modernized = servers.of_kind("InMageRcm");
    let experience = match (classic, modernized) {
        (Some(_), _) => Some(Experience::Classic),
        (None, Some(_)) => Some(Experience::Modernized),
        (None, None) => None,
    };
    facts.vault = Some(Vault {
        name: known(vault.name.clone()),
        experience: experience.and_then(known),
        subscription_id: known(vault.subscription.clone()),
        resource_group: known(vault.resource_group.clone()),
    });
    let names = |ids: &Vec<String>| {
        let mut names: Vec<_> = ids.iter().map(|id| Spanned::bare(last_part(id).to_owned())).collect();
        names.sort_by(|one, other| one.value.cmp(&other.value));
        names
    };
    facts.storage_accounts = accounts.storage.as_ref().map(names);
    facts.automation_accounts = accounts.automation.as_ref().map(|ids| {
        let account = |id: &String| AutomationAccount {
            name: Spanned::bare(last_part(id).to_owned()),
            subscription_id: text(place_of(id).0),
        };
        ids.iter().map(account).collect()
    });
    facts.network = accounts.networks.peered().map(|peered| Network {
        azure_to_onprem: None,
        bandwidth_mbps: None,
        reachable: None,
        peered_vnets: Some(peered),
    });
    if let Some((fabric, details)) = classic {
        let name = fabric.properties.friendly_name.or_empty();
        facts.configuration_server = Nullable::Some(configuration_server(name, details, servers));
        facts.master_targets = Some(details.master_target_servers.iter().filter_map(master_target).collect());
        facts.process_servers = Some(
            details
                .process_servers
                .iter()
                .filter_map(|server| process_server(server, machines, &accounts.networks))
                .collect(),
        );
        facts.vcenters = classic_vcenters(servers, details);
    } else if let Some((_, details)) = modernized {
        facts.configuration_server = Nullable::None;
        facts.appliances = Some(appliances(vault, details, accounts));
        facts.vcenters = discovered_vcenters(accounts);
    }
    facts
}

fn health(server: &Server) -> Option<Health> {
    match server.health.get()? {
        word if word.eq_ignore_ascii_case("Normal") => Some(Health::Healthy),
        word if word.eq_ignore_ascii_case("Warning") => Some(Health::Warning),
        word if word.eq_ignore_ascii_case("Critical") => Some(Health::Critical),
        _ => None,
    }
}

fn configuration_server(name: &str, details: &FabricDetails, servers: &Servers) -> ConfigurationServer {
    let dra = servers
        .dras
        .iter()
        .find(|dra| dra.properties.fabric_friendly_name.is(name) || dra.properties.friendly_name.is(name));
    let connected = dra.and_then(|dra| dra.properties.connection_status.get());
    ConfigurationServer {
        id: Spanned::bare(name.to_owned()),
        placement: None,
        ip: text(details.ip_address.get()),
        original_ip: None,
        restored: None,
        cloned: None,
        connected: connected.and_then(|word| known(word.eq_ignore_ascii_case("Connected"))),
        version: text(details.agent_version.get()),
        nic_count: None,
        separate_failback_nic: None,
        last_backup_at: Nullable::Unknown,
        certificate_expires_at: details.ssl_cert_expiry_date.get().and_then(known),
    }
}

/// Returns whether a vCenter is connected, by its discovery and the health errors for one that is not.
fn is_connected(vcenter: &crate::provider::azure::wire::fabric::Vcenter) -> Option<bool> {
    let is_lost =
        vcenter.health_errors.iter().any(|error| error.error_code.is("811") || error.error_code.is("812"));
    let status = vcenter.discovery_status.get();
    match status {
        _ if is_lost => Some(false),
        Some(word) if word.eq_ignore_ascii_case("Failed") => Some(false),
        Some(word) if word.eq_ignore_ascii_case("Pending") => None,
        Some(_) => Some(true),
        None => None,
    }
}

fn classic_vcenters(servers: &Servers, details: &FabricDetails) -> Option<Vec<Vcenter>> {
    let account = |id: &str| details.run_as_accounts.iter().find(|account| account.account_id.is(id));
    let vcenter = |vcenter: &crate::provider::azure::wire::page::Resource<_>| {
        let told: &crate::provider::azure::wire::fabric::Vcenter = &vcenter.properties;
        // A host that was added by itself is listed here, too.
        if told.internal_id.or_empty().starts_with("host-") {
            return None;
        }
        let name = told.friendly_name.or(&vcenter.name)?;
        let account = told.run_as_account_id.get().and_then(account);
        let account = account.and_then(|account| account.account_name.get());
        Some(Vcenter {
            id: Spanned::bare(name.to_owned()),
            connected: is_connected(told).and_then(known),
            reachable: None,
            version: None,
            account: account.map(|name| VcenterAccount { name: text(Some(name)), privileges: None }),
        })
    };
    Some(servers.vcenters.as_ref()?.iter().filter_map(vcenter).collect())
}

fn discovered_vcenters(accounts: &Accounts) -> Option<Vec<Vcenter>> {
    let vcenter = |vcenter: &crate::provider::azure::wire::page::Resource<_>| {
        let told: &crate::provider::azure::wire::fabric::OffAzureVcenter = &vcenter.properties;
        let name = vcenter.name.or(&told.friendly_name)?;
        let account =
            accounts.run_as.iter().find(|account| account.properties.credential_type.is("VMwareFabric"));
        let account = account.and_then(|account| account.properties.display_name.get());
        Some(Vcenter {
            id: Spanned::bare(name.to_owned()),
            connected: known(told.errors.is_empty()),
            reachable: None,
            version: text(told.version.get()),
            account: account.map(|name| VcenterAccount { name: text(Some(name)), privileges: None }),
        })
    };
    Some(accounts.vcenters.as_ref()?.iter().filter_map(vcenter).collect())
}

fn master_target(server: &WireMasterTarget) -> Option<MasterTarget> {
    let family = match server.os_type.get() {
        Some(word) if word.to_ascii_lowercase().starts_with("windows") => Some(OsFamily::Windows),
        Some(word) if word.to_ascii_lowercase().starts_with("linux") => Some(OsFamily::Linux),
        Some(_) | None => None,
    };
    let volume = |volume: &crate::provider::azure::wire::fabric::RetentionVolume| {
        let name = volume.volume_name.get()?;
        let is_letter = name.len() == 1 && name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        Some(RetentionVolume {
            name: Spanned::bare(if is_letter { format!("{name}:") } else { name.to_owned() }),
            fs: None,
            capacity_gb: volume.capacity_in_bytes.count().and_then(|bytes| known(Bytes(bytes))),
            // Volumes that are used otherwise are not offered.
            in_use: known(false),
            locked: known(false),
        })
    };
    Some(MasterTarget {
        name: Spanned::bare(server.name.get()?.to_owned()),
        os: Some(Os {
            family: family.and_then(known),
            release: server.os_version.get().map(release_of).and_then(known),
            service_pack: None,
        }),
        form: None,
        host: None,
        datastore: None,
        registered: known(true),
        discovered: known(!server.data_stores.is_empty()),
        snapshots: None,
        scsi_controllers: None,
        attached_disks: None,
        vmware_tools_installed: None,
        enable_uuid: None,
        retention_volumes: Some(server.retention_volumes.iter().filter_map(volume).collect()),
        version: text(server.agent_version.get()),
        lvm: None,
        uuid: None,
        template_id: Nullable::Unknown,
        ram_gb: None,
        cpu: None,
        os_disk_gb: None,
        storage_vmotion_excluded: None,
        kernel_auto_update: None,
    })
}

fn process_server(
    server: &Server,
    machines: Option<&Machines>,
    networks: &Networks,
) -> Option<ProcessServer> {
    let name = server.title();
    let copy = machines.and_then(|machines| machines.by_name(name));
    let in_azure = machines.map(|machines| machines.has_name(name));
    Some(ProcessServer {
        name: Spanned::bare(Some(name).filter(|name| !name.is_empty())?.to_owned()),
        placement: in_azure
            .and_then(|in_azure| known(if in_azure { Placement::Azure } else { Placement::Onprem })),
        vnet: text(copy.and_then(|copy| networks.network_of(&copy.id))),
        health: health(server).and_then(known),
        heartbeat_at: server.last_heartbeat.get().and_then(known),
        version: text(server.agent_version.get()),
        temporary: None,
    })
}

fn appliances(vault: &VaultId, details: &FabricDetails, accounts: &Accounts) -> Vec<Appliance> {
    let parts: [(&str, &List<Server>); 6] = [
        ("process_server", &details.process_servers),
        ("proxy", &details.rcm_proxies),
        ("push_installer", &details.push_installers),
        ("replication_agent", &details.replication_agents),
        ("reprotect_agent", &details.reprotect_agents),
        ("mars_agent", &details.mars_agents),
    ];
    let appliance = |server: &Server| {
        let id = server.id.get()?;
        let same = |list: &List<Server>| list.iter().find(|part| part.id.is(id)).cloned();
        let component = |(name, list): (&str, &List<Server>)| {
            let part = same(list)?;
            Some(Component { name: Spanned::bare(name.to_owned()), health: health(&part).and_then(known) })
        };
        let vcenter = same(&details.reprotect_agents).and_then(|agent| agent.vcenter_id.into_option());
        let vcenter = vcenter.map(|id| last_part(&id).to_owned());
        let named = vcenter.and_then(|name| {
            let found = accounts.vcenters.iter().flatten().find(|vcenter| vcenter.name.is(&name));
            found.map_or(Some(name.clone()), |vcenter| vcenter.name.get().map(str::to_owned))
        });
        Some(Appliance {
            name: Spanned::bare(Some(server.title()).filter(|name| !name.is_empty())?.to_owned()),
            vault: known(vault.name.clone()),
            vcenter: named.and_then(known),
            host: None,
            datastore: None,
            health: same(&details.dras).as_ref().and_then(health).and_then(known),
            components: Some(parts.into_iter().filter_map(component).collect()),
            attached_disks: None,
            version: text(server.version.get()),
            cloned: None,
            storage_vmotion_excluded: None,
            auto_update: None,
            time_in_sync: None,
        })
    };
    details.process_servers.iter().filter_map(appliance).collect()
}

/// Marks hosts as discovered: those of a vCenter that is connected, and those that were added by themselves. Where it can't be seen
/// which vCenters there are, nothing is known of a host whose vCenter nobody told of.
pub(super) fn mark_discovered(facts: &mut Inventory, servers: &Servers, accounts: &Accounts) {
    let connected: Vec<(String, Option<bool>)> = facts
        .vcenters
        .iter()
        .flatten()
        .map(|vcenter| (vcenter.id.value.clone(), vcenter.connected.map(|connected| connected.value)))
        .collect();
    let are_all_told = match servers.vmware() {
        Some((_, details)) if details.instance_type.is("InMageRcm") => accounts.vcenters.is_some(),
        Some(_) => servers.vcenters.is_some(),
        None => false,
    };
    let alone = |name: &str| {
        let listed = servers.vcenters.as_ref()?;
        Some(listed.iter().any(|vcenter| {
            let told = &vcenter.properties;
            told.internal_id.or_empty().starts_with("host-")
                && told.friendly_name.or(&vcenter.name).is_some_and(|known| known.eq_ignore_ascii_case(name))
        }))
    };
    for host in facts.hosts.iter_mut().flatten() {
        let discovered = match &host.vcenter {
            Nullable::Some(vcenter) => {
                let found = connected.iter().find(|(name, _)| name.eq_ignore_ascii_case(&vcenter.value));
                found.map_or(are_all_told.then_some(false), |(_, connected)| *connected)
            }
            Nullable::None => alone(&host.name.value),
            Nullable::Unknown => None,
        };
        host.discovered = discovered.and_then(known);
    }
}
