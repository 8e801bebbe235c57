//! What the service looks at in the machine itself: where it came from, who protected it, whether its copy in Azure runs.

use crate::model::version::Version;
use crate::provider::emulator::checks::Look;
use crate::provider::emulator::checks::first_of;
use crate::provider::emulator::checks::trouble;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::item::is_true;
use crate::provider::emulator::job::Trouble;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::CreatedBy;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::OsFamily;

/// The first release of the Mobility agent whose UEFI machines can come back (support matrix of 2020, Storage).
const UEFI_SINCE: &str = "9.30";

/// Returns what keeps any machine of this origin from coming back.
pub(super) fn origin(look: &Look<'_>) -> Option<Trouble> {
    let item = look.item;
    let physical = item.facts.kind.as_deref() == Some(&MachineKind::Physical);
    if physical && !look.site.classic {
        return trouble("PhysicalNotSupported", "A physical server can't be failed back with an appliance.");
    }
    let azure = item.facts.azure_vm.as_ref();
    let release = release(item);
    first_of![
        operating_system(item, &release, physical),
        firmware(item, &release),
        if azure.and_then(|vm| vm.created_by.as_deref()) == Some(&CreatedBy::Manual) {
            trouble("AzureVmNotFound", "The Azure VM wasn't made by a failover.")
        } else {
            None
        },
    ]
}

/// Returns the release of a machine's operating system as one word, however it was written: `Windows Server 2008 R2`,
/// `windows_server_2008_r2`. Only releases of 2008 are told apart; nothing is put together for others.
fn release(item: &Item) -> String {
    let release = item.facts.os.as_ref().and_then(|os| os.release.as_deref());
    let release = release.filter(|text| text.contains("2008"));
    let words =
        release.into_iter().flat_map(|text| text.split(|letter: char| !letter.is_ascii_alphanumeric()));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_ascii_lowercase()
}

fn is_2008_r2(release: &str) -> bool {
    release.contains("windows_server_2008_r2")
}

fn operating_system(item: &Item, release: &str, physical: bool) -> Option<Trouble> {
    let service_pack = item.facts.os.as_ref().and_then(|os| os.service_pack.as_deref().copied());
    if is_2008_r2(release) {
        // Without a word about it, the service pack is there: the release was patched for ten years.
        if physical && service_pack != Some(0) {
            return trouble(
                "OperatingSystemNotSupported",
                "A Windows Server 2008 R2 SP1 physical server can't be failed back.",
            );
        }
    } else if release.contains("windows_server_2008") {
        return trouble(
            "OperatingSystemNotSupported",
            "Windows Server 2008 is supported for migration to Azure only.",
        );
    }
    None
}

fn firmware(item: &Item, release: &str) -> Option<Trouble> {
    let boot = item.facts.boot.as_ref()?;
    if boot.firmware.as_deref() != Some(&Firmware::Uefi) {
        return None;
    }
    if is_true(&boot.secure_boot) {
        return trouble("SecureBootNotSupported", format!("'{}' boots with Secure Boot.", item.name));
    }
    let agent = item.facts.asr.as_ref().and_then(|asr| asr.agent_version.as_deref());
    let agent = agent.and_then(|version| Version::parse(version));
    let too_old = agent.zip(Version::parse(UEFI_SINCE)).is_some_and(|(agent, since)| agent < since);
    if too_old || is_2008_r2(release) {
        return trouble("78148", "VM having the UEFI boot");
    }
    None
}

/// Returns whether the machine's replication group has members of both families of operating systems: there is one master
/// target for all of them, and it serves one family.
pub(super) fn mixed_group(look: &Look<'_>) -> Option<Trouble> {
    let ours = family(look.item)?;
    let other = look.mates.iter().find(|mate| family(mate).is_some_and(|theirs| theirs != ours))?;
    trouble(
        "ReplicationGroupMixed",
        format!("'{}' and '{}' are in one replication group.", look.item.name, other.name),
    )
}

/// Returns the family of a machine's operating system.
pub(super) fn family(item: &Item) -> Option<OsFamily> {
    item.facts.os.as_ref().and_then(|os| os.family.as_deref().copied())
}

/// Returns what keeps the configuration server from serving this machine.
pub(super) fn configuration_server(look: &Look<'_>) -> Option<Trouble> {
    let (site, item) = (look.site, look.item);
    let asr = item.facts.asr.as_ref();
    let is_missing = asr.is_some_and(|asr| is_false(&asr.in_config_server_db));
    let missing = |name: &str| {
        trouble("MachineNotInDatabase", format!("'{}' isn't in the database of '{name}'.", item.name))
    };
    // Whoever else serves a machine asks for it in that database.
    let Some(server) = site.facts().configuration_server.as_option() else {
        return is_missing.then(|| missing("the configuration server")).flatten();
    };
    let name = &server.id.value;
    if server.placement.as_deref() == Some(&Placement::Azure) {
        return trouble(
            "ConfigurationServerNotOnprem",
            format!("The Configuration server '{name}' isn't on-premises."),
        );
    }
    let original = asr.and_then(|asr| asr.configuration_server.as_deref());
    if original.is_some_and(|original| original != name) || site.configuration_server_replaced() {
        return trouble(
            "ConfigurationServerNotOriginal",
            format!("'{}' wasn't protected by '{name}'.", item.name),
        );
    }
    if is_missing {
        return missing(name);
    }
    // A server that is said not to have been restored was given its new address in a way that agents learn of.
    let ips = server.ip.as_deref().zip(server.original_ip.as_deref());
    let moved = ips.is_some_and(|(now, then)| {
        let (read, original) = (now.parse::<std::net::IpAddr>(), then.parse());
        now != then && (read.is_err() || read != original)
    });
    if moved && !is_false(&server.restored) {
        return trouble("95226", "The Azure VM can't communicate with the configuration server.");
    }
    None
}

/// Returns what is wrong with the copy in Azure.
pub(super) fn azure_vm(look: &Look<'_>) -> Option<Trouble> {
    let name = &look.item.name;
    if !look.item.azure_runs() {
        return trouble("78093", format!("The virtual machine '{name}' isn't running, or it hangs."));
    }
    if !look.item.azure_agent {
        let message = format!("The Mobility service agent of '{name}' isn't installed or isn't registered.");
        // Nobody recorded the number that modernized gives.
        return trouble(if look.site.classic { "95226" } else { "AgentNotRegistered" }, message);
    }
    None
}
