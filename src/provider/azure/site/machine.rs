//! The facts that an item tells about its machine.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::model::overlay::blank_asr;
use crate::model::overlay::blank_azure_vm;
use crate::model::overlay::blank_machine;
use crate::provider::azure::site::points;
use crate::provider::azure::site::state;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::vault::part_after;
use crate::provider::azure::wire::item::Details;
use crate::provider::azure::wire::item::Item;
use crate::provider::azure::wire::item::Point;
use crate::provider::azure::wire::page::Resource;
use crate::provider::observation::Replication;
use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::Asr;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::Boot;
use crate::syntax::machine::CreatedBy;
use crate::syntax::machine::FailoverVault;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::Health;
use crate::syntax::machine::Machine;
use crate::syntax::machine::MachineKind;
use crate::syntax::machine::MachineNetwork;
use crate::syntax::machine::Os;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::ServiceState;
use crate::syntax::machine::State;
use crate::syntax::nullable::Nullable;

/// Heartbeats that are older than this are lost (health error 78022: none for 15 minutes).
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(15);

/// What is around an item, that its words refer to.
pub(super) struct Around<'a> {
    pub(super) vault: &'a str,
    pub(super) now: Timestamp,
    /// Returns the name of a vCenter by what an item calls it.
    pub(super) vcenter: &'a dyn Fn(&str) -> Option<String>,
    /// UUID of the machine that was protected, by the id of the machine that was discovered.
    pub(super) discovered_uuid: &'a dyn Fn(&str) -> Option<String>,
    /// Classic: whether the machine's agent has registered; `None` if nobody looked.
    pub(super) agent_registered: Option<bool>,
    /// Modernized: the recovery points, if they were asked for.
    pub(super) points: Option<&'a [Resource<Point>]>,
}

pub(super) fn known<T>(value: T) -> Option<Spanned<T>> {
    Some(Spanned::bare(value))
}

pub(super) fn text(value: Option<&str>) -> Option<Spanned<String>> {
    value.map(|value| Spanned::bare(value.to_owned()))
}

/// Returns the facts that an item tells. Of an item of a list, what only a full one tells is left out.
pub(super) fn facts(name: &str, kind: Kind, item: &Item, is_full: bool, around: &Around<'_>) -> Machine {
    let details = &item.provider_specific_details;
    let site = state::active_site(kind, item);
    let mut machine = blank_machine(name);
    machine.kind = match details.discovery_type.get() {
        // A classic item that comes back shows the Azure VM, which is discovered as a physical server.
        Some(_) if kind == Kind::InMage => None,
        Some(word) if word.eq_ignore_ascii_case("vCenter") => known(MachineKind::VmwareVm),
        Some(word) if word.eq_ignore_ascii_case("Physical") => known(MachineKind::Physical),
        Some(_) | None => None,
    };
    let memory = if kind.is_to_onprem() {
        None
    } else {
        details.allocated_memory.count().or(details.source_memory.count())
    };
    machine.memory_gb = memory.filter(|memory| *memory > 0).and_then(|mib| known(Bytes(mib << 20)));
    machine.os = os(details);
    let firmware = match details.firmware_type.get() {
        Some(word) if word.eq_ignore_ascii_case("UEFI") => Some(Firmware::Uefi),
        Some(word) if word.eq_ignore_ascii_case("BIOS") => Some(Firmware::Bios),
        Some(_) | None => None,
    };
    machine.boot = firmware.map(|firmware| Boot { firmware: known(firmware), secure_boot: None });
    machine.network = static_address(details)
        .filter(|_| !kind.is_to_onprem())
        .map(|is_static| MachineNetwork { static_ip: known(is_static) });
    machine.state = state::state(kind, item).and_then(known);
    machine.active_site = site.and_then(known);
    machine.azure_vm = Some(azure_vm(kind, item, site, around));
    machine.asr = Some(asr(kind, item, is_full, around));
    machine
}

fn os(details: &Details) -> Option<Os> {
    let family = details.os_type.get().or_else(|| details.os_details.get()?.os_type.get());
    let family = match family {
        Some(word) if word.to_ascii_lowercase().starts_with("windows") => Some(OsFamily::Windows),
        Some(word) if word.to_ascii_lowercase().starts_with("linux") => Some(OsFamily::Linux),
        Some(_) | None => None,
    };
    let release = details.os_name.or(&details.os_version).map(release_of);
    if family.is_none() && release.is_none() {
        return None;
    }
    Some(Os { family: family.and_then(known), release: release.and_then(known), service_pack: None })
}

/// Returns our word for an operating system from the service's: `Microsoft Windows Server 2016 Datacenter` is
/// `windows_server_2016`.
pub(super) fn release_of(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix("microsoft ").unwrap_or(&text);
    let text = text
        .replace("red hat enterprise linux", "rhel")
        .replace("suse linux enterprise server", "sles")
        .replace("(64-bit)", "")
        .replace(" or later", "");
    let dropped = ["datacenter", "standard", "enterprise", "essentials", "lts", "edition", "core"];
    let words: Vec<&str> =
        text.split([' ', '.', '_', '-']).filter(|word| !word.is_empty() && !dropped.contains(word)).collect();
    words.join("_")
}

fn static_address(details: &Details) -> Option<bool> {
    let mut words = details.vm_nics.iter().flat_map(|nic| {
        let own = [nic.ip_address_type.get(), nic.source_ip_address_type.get()];
        own.into_iter()
            .flatten()
            .chain(nic.ip_configs.iter().filter_map(|config| config.ip_address_type.get()))
    });
    let first = words.next()?;
    Some(first.eq_ignore_ascii_case("Static") || words.any(|word| word.eq_ignore_ascii_case("Static")))
}

/// Returns the address that the machine has on-premises, where the item tells it: on its way to Azure only.
pub(super) fn onprem_address(kind: Kind, item: &Item) -> Option<&str> {
    let details = &item.provider_specific_details;
    match kind {
        Kind::InMageAzureV2 => details.ip_address.get(),
        Kind::InMageRcm => details.primary_nic_ip_address.get(),
        Kind::InMage | Kind::InMageRcmFailback => None,
    }
}

/// Returns the id of the copy in Azure, as the item tells it.
pub(super) fn azure_vm_id(kind: Kind, item: &Item) -> Option<String> {
    let details = &item.provider_specific_details;
    match kind {
        Kind::InMageAzureV2 => details.target_vm_id.get().map(str::to_owned).or_else(|| {
            let group = details.recovery_azure_resource_group_id.get()?;
            vm_in(group, details.recovery_azure_vm_name.get()?)
        }),
        Kind::InMageRcm => vm_in(details.target_resource_group_id.get()?, details.target_vm_name.get()?),
        Kind::InMageRcmFailback => details.azure_virtual_machine_id.get().map(str::to_owned),
        Kind::InMage => None,
    }
}

fn vm_in(group: &str, name: &str) -> Option<String> {
    let group = group.trim_end_matches('/');
    Some(format!("{group}/providers/Microsoft.Compute/virtualMachines/{name}"))
}

fn azure_vm(kind: Kind, item: &Item, site: Option<ActiveSite>, around: &Around<'_>) -> AzureVm {
    let details = &item.provider_specific_details;
    let mut vm = blank_azure_vm();
    let in_azure = site == Some(ActiveSite::Azure);
    if in_azure {
        vm.id = azure_vm_id(kind, item).and_then(known);
        vm.created_by = vm.id.as_ref().and_then(|_| known(CreatedBy::Asr));
    }
    let group = details.recovery_azure_resource_group_id.or(&details.target_resource_group_id);
    vm.failover_resource_group = text(group.map(last_part));
    let network = details.selected_recovery_azure_network_id.or(&details.target_network_id);
    vm.vnet = text(network.map(last_part));
    let agent = details.mobility_agent_details.get();
    let heartbeat = details.last_heartbeat.get().or_else(|| agent?.last_heartbeat_utc.get());
    let is_lost = item
        .health_errors
        .iter()
        .any(|error| ["78022", "78174", "78155"].iter().any(|code| error.error_code.is(code)));
    if in_azure {
        vm.agent_service = match heartbeat {
            _ if is_lost => known(ServiceState::Stopped),
            Some(at) if around.now.duration_since(at) > HEARTBEAT => known(ServiceState::Stopped),
            Some(_) => known(ServiceState::Running),
            None => None,
        };
    }
    vm
}

fn health(word: Option<&str>) -> Option<Health> {
    match word? {
        word if word.eq_ignore_ascii_case("Normal") => Some(Health::Ok),
        word if word.eq_ignore_ascii_case("Warning") => Some(Health::Warning),
        word if word.eq_ignore_ascii_case("Critical") => Some(Health::Critical),
        _ => None,
    }
}

fn asr(kind: Kind, item: &Item, is_full: bool, around: &Around<'_>) -> Asr {
    let details = &item.provider_specific_details;
    let mut asr = blank_asr();
    asr.replication_enabled = known(!item.protection_state.is("Unprotected"));
    asr.health = health(item.replication_health.get()).and_then(known);
    let agent = details.agent_version.get();
    let agent = agent.or_else(|| details.agent_details.get()?.agent_version.get());
    let agent = agent.or_else(|| details.mobility_agent_details.get()?.version.get());
    asr.agent_version = text(agent);
    let reboot = details.is_reboot_after_update_required.or(&details.reboot_after_update_status);
    let reboot = reboot.or_else(|| details.agent_details.get()?.post_update_reboot_status.get());
    if reboot.is_some_and(|word| word.eq_ignore_ascii_case("NotRequired")) {
        asr.agent_version_at_last_reboot = text(agent);
    }
    if kind.is_classic() {
        asr.configuration_server = text(item.primary_fabric_friendly_name.get());
        asr.agent_registration_ok = around.agent_registered.and_then(known);
        asr.in_config_server_db =
            if is_full { known(item.protectable_item_id.get().is_some()) } else { None };
    } else {
        asr.agent_registration_ok =
            details.is_agent_registration_successful_after_failover.get().and_then(known);
    }
    let vcenter = details.v_center_infrastructure_id.or(&details.target_vcenter_id);
    let discovered = details.discovered_vm_details.get();
    let vcenter = vcenter
        .or_else(|| discovered?.v_center_id.get())
        .or_else(|| discovered?.v_center_fqdn.get())
        .and_then(|id| (around.vcenter)(id));
    asr.source_vcenter = vcenter.map_or(Nullable::Unknown, |name| Nullable::Some(Spanned::bare(name)));
    asr.source_vm_uuid = if kind.is_classic() {
        // While it comes back, the item speaks of the Azure VM.
        text(details.infrastructure_vm_id.get().filter(|_| !kind.is_to_onprem()))
    } else {
        details.fabric_discovery_machine_id.get().and_then(|id| (around.discovered_uuid)(id)).and_then(known)
    };
    let over = matches!(state::state(kind, item), Some(State::FailedOver | State::FailedOverCommitted));
    if over || kind.is_to_onprem() {
        let experience = if kind.is_classic() { Experience::Classic } else { Experience::Modernized };
        asr.failover_vault =
            Some(FailoverVault { name: text(Some(around.vault)), experience: known(experience) });
    }
    let oldest_sync = details.protected_disks.iter().filter_map(|disk| disk.last_sync_time.get()).min();
    let age = |at: Timestamp| u64::try_from(around.now.duration_since(at).as_secs()).ok();
    let rpo = details.rpo_in_seconds.count().or(details.last_rpo_in_seconds.count());
    asr.rpo_seconds = rpo.or_else(|| age(oldest_sync?)).and_then(known);
    if is_full {
        let required = details.protected_disks.iter().any(|disk| disk.resync_required.is("Required"));
        asr.resync_required = known(required || details.resync_required.is("true"));
        let is_synced = item.protection_state.is("Protected");
        let in_progress = details.resync_state.is("InProgress")
            || details.resync_progress_health.is("InProgress")
            || details.protected_disks.iter().any(|disk| {
                is_synced
                    && disk.resync_progress_percentage.get().is_some_and(|part| part > 0.0 && part < 100.0)
            });
        asr.resync_in_progress = known(in_progress);
        asr.recovery_points = points::of(kind, details, oldest_sync, around.points);
    }
    asr
}

/// Returns the replication group that a person made; the service gives each machine one of its own.
pub(super) fn group(details: &Details) -> Option<&str> {
    let name = details.multi_vm_group_name.get()?;
    (!details.multi_vm_group_id.is(name)).then_some(name)
}

/// Returns how far the initial replication of an item is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a progress figure")]
pub(super) fn replication(kind: Kind, item: &Item) -> Option<Replication> {
    let state = state::state(kind, item);
    if !matches!(state, Some(State::ReprotectingToOnprem | State::ReprotectingToAzure))
        || !item.protection_state.or_empty().to_ascii_lowercase().starts_with("initialreplication")
    {
        return None;
    }
    let details = &item.provider_specific_details;
    let own = details.initial_replication_progress_percentage.get();
    let resync = || details.resync_details.get()?.initial_replication_progress_percentage.get();
    let of_disk = |disk: &crate::provider::azure::wire::item::Disk| {
        disk.ir_details
            .get()
            .and_then(|details| details.progress_percentage.get())
            .or(disk.resync_progress_percentage.get())
    };
    let size = |disk: &crate::provider::azure::wire::item::Disk| {
        disk.disk_capacity_in_bytes.get().or(disk.capacity_in_bytes.get()).unwrap_or(0.0)
    };
    let whole: f64 = details.protected_disks.iter().map(size).sum();
    let sent = |disk| size(disk) * of_disk(disk).unwrap_or(0.0) / 100.0;
    let of_disks =
        (whole > 0.0).then(|| details.protected_disks.iter().map(sent).sum::<f64>() / whole * 100.0);
    let is_sent = item.protection_state.is("InitialReplicationRecoveryCompletionPending");
    let done = if is_sent {
        100.0
    } else {
        own.or_else(resync).or(of_disks).or(details.resync_progress_percentage.get()).unwrap_or(0.0)
    };
    let done = (done / 100.0).clamp(0.0, 1.0);
    Some(Replication { done, bytes_left: (whole * (1.0 - done)) as u64, expected_end: None })
}

/// Returns the subscription and the resource group of an id.
pub(super) fn place_of(id: &str) -> (Option<&str>, Option<&str>) {
    (part_after(id, "subscriptions"), part_after(id, "resourceGroups"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_words_for_a_release_become_ours() {
        for (text, word) in [
            ("Microsoft Windows Server 2016 Datacenter", "windows_server_2016"),
            ("Microsoft Windows Server 2012 R2 Datacenter", "windows_server_2012_r2"),
            ("Microsoft Windows Server 2016 or later (64-bit)", "windows_server_2016"),
            ("Red Hat Enterprise Linux 7.9", "rhel_7_9"),
            ("SUSE Linux Enterprise Server 15", "sles_15"),
            ("Ubuntu 20.04 LTS", "ubuntu_20_04"),
            ("Oracle Linux 8.6", "oracle_linux_8_6"),
            ("windows_server_2019", "windows_server_2019"),
        ] {
            assert_eq!(release_of(text), word);
        }
    }
}
