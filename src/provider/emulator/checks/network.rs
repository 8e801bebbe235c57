//! What classic replication needs of the network: a private line, a process server near the machine, open ports.

use crate::provider::emulator::checks::Look;
use crate::provider::emulator::checks::first_of;
use crate::provider::emulator::checks::trouble;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::site::Site;
use crate::syntax::inventory::Link;
use crate::syntax::inventory::Placement;

/// Port of the configuration server.
const CONTROL: u16 = 443;
/// Port of a process server, unless it was set to another.
const DATA: u16 = 9443;
/// Port that the members of a replication group use among themselves.
const GROUP: u16 = 20_004;

/// Returns what keeps classic replication from reaching the site: it needs a private line.
pub(super) fn private_link(site: &Site) -> Option<Trouble> {
    let link = site.facts().network.as_ref()?.azure_to_onprem.as_deref()?;
    match link {
        Link::S2sVpn | Link::ExpressroutePrivate => None,
        Link::ExpressrouteMicrosoft | Link::Internet | Link::None => no_configuration_server(),
    }
}

fn no_configuration_server() -> Option<Trouble> {
    trouble("95226", "The Azure VM can't communicate with the configuration server.")
}

/// Returns who can't reach whom.
pub(super) fn reachability(look: &Look<'_>, process_server: &str, master_target: &str) -> Option<Trouble> {
    let site = look.site;
    let server = site.facts().configuration_server.as_option();
    let configuration_server = server.map(|server| server.id.value.as_str());
    let ours = ends(look.item);
    let cut = |from: &[&str], to: &str, port: Option<u16>| site.is_cut(from, &[to], port);
    let control = |from: &[&str]| configuration_server.is_some_and(|to| cut(from, to, Some(CONTROL)));
    first_of![
        place_of_process_server(look, process_server),
        if control(&ours) { no_configuration_server() } else { None },
        if cut(&ours, process_server, Some(DATA)) { not_reached(look, process_server) } else { None },
        if control(&[process_server]) {
            trouble("806", "Process server heartbeat is missing.")
        } else {
            None
        },
        if control(&[master_target]) {
            trouble("808", "Master target mobility agent service heartbeat is missing.")
        } else {
            None
        },
        if cut(&[process_server], master_target, None) || cut(&[master_target], process_server, None) {
            trouble(
                "MasterTargetNotReached",
                format!("'{process_server}' and '{master_target}' don't reach each other."),
            )
        } else {
            None
        },
        mates(look),
    ]
}

/// Returns the names that an Azure VM goes by in connections: its own, and that of its virtual network.
fn ends(item: &Item) -> Vec<&str> {
    let mut ends = vec![item.name.as_str()];
    ends.extend(vnet(item));
    ends
}

fn vnet(item: &Item) -> Option<&str> {
    item.facts.azure_vm.as_ref()?.vnet.as_deref().map(String::as_str)
}

fn not_reached(look: &Look<'_>, process_server: &str) -> Option<Trouble> {
    let message = format!("'{}' can't reach the process server '{process_server}'.", look.item.name);
    trouble("ProcessServerNotReached", message)
}

/// Returns whether a process server stands where the machine's data can't come to it.
fn place_of_process_server(look: &Look<'_>, name: &str) -> Option<Trouble> {
    let site = look.site;
    let server = site.process_server(name)?;
    match server.placement.as_deref()? {
        Placement::Onprem => {
            // Source and Azure networks are kept apart: only a process server in Azure has a foot in the latter.
            let apart = site
                .facts()
                .configuration_server
                .as_option()
                .is_some_and(|server| is_true(&server.separate_failback_nic));
            if apart { not_reached(look, name) } else { None }
        }
        Placement::Azure => {
            let (theirs, ours) = (server.vnet.as_deref()?, vnet(look.item)?);
            if theirs.eq_ignore_ascii_case(ours) || are_peered(site, theirs, ours) {
                None
            } else {
                not_reached(look, name)
            }
        }
    }
}

/// Returns whether two virtual networks are peered; those of which nobody says so are not.
fn are_peered(site: &Site, one: &str, other: &str) -> bool {
    let peered = site.facts().network.as_ref().and_then(|network| network.peered_vnets.as_ref());
    peered.into_iter().flatten().any(|vnets| {
        let holds = |name: &str| vnets.iter().any(|vnet| vnet.value.eq_ignore_ascii_case(name));
        holds(one) && holds(other)
    })
}

/// Returns whether members of the machine's replication group don't reach each other.
fn mates(look: &Look<'_>) -> Option<Trouble> {
    let ours = ends(look.item);
    let cut = |mate: &&&Item| {
        let theirs = ends(mate);
        look.site.is_cut(&ours, &theirs, Some(GROUP)) || look.site.is_cut(&theirs, &ours, Some(GROUP))
    };
    let mate = look.mates.iter().find(cut)?;
    trouble(
        "ReplicationGroupNotConnected",
        format!("'{}' and '{}' don't reach each other on port {GROUP}.", look.item.name, mate.name),
    )
}
