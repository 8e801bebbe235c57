//! Faults: the changes of the rules' fixtures, and single facts or choices set to another of their values.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use failback::rules;
use failback::rules::fixture;
use failback::rules::fixture::Case;
use fastrand::Rng;
use serde_yaml::Value;

use super::generate::World;
use super::generate::names;
use super::generate::one_of;
use super::patch;

/// One change of a world.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// What a case of a rule's fixture changes.
    Fixture { rule: &'static str, case: &'static Case },
    /// A fact or a choice with another value.
    Value { path: String, value: Value },
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixture { rule, case } => write!(f, "{rule}, {}", case.name),
            Self::Value { path, value } => {
                write!(f, "{path}: {}", serde_yaml::to_string(value).unwrap_or_default().trim())
            }
        }
    }
}

/// The cases that a world can be changed by: those before a run, on what the rule itself looks at.
static CASES: LazyLock<Vec<(&str, Case)>> = LazyLock::new(|| {
    let mut cases = Vec::new();
    for rule in rules::all() {
        let fixture = fixture::of(rule).expect("a fixture is readable");
        let before_a_run = |case: &Case| {
            case.guard.is_none()
                && case.steps.is_none()
                && case.now.is_none()
                && case.other_plans.is_empty()
                && case.at_reprotect.is_empty()
        };
        cases.extend(fixture.cases.into_iter().filter(before_a_run).map(|case| (rule.id, case)));
    }
    cases
});

/// Returns every change of a fixture.
pub fn of_fixtures() -> impl Iterator<Item = (bool, Mutation)> {
    CASES.iter().map(|(rule, case)| (case.world == fixture::World::Classic, Mutation::Fixture { rule, case }))
}

/// Facts and choices with the values that they are set to. `*` stands for any thing of a list.
const VALUES: &[(&str, &str)] = &[
    ("configuration_server/placement", "[azure]"),
    ("configuration_server/ip", "[10.0.0.99]"),
    ("configuration_server/restored", "[true]"),
    ("configuration_server/cloned", "[true]"),
    ("configuration_server/connected", "[false]"),
    ("configuration_server/version", "[\"9.55\", \"9.60\"]"),
    ("configuration_server/nic_count", "[1]"),
    ("configuration_server/separate_failback_nic", "[true, false]"),
    ("configuration_server/certificate_expires_at", "[2025-05-31T00:00:00Z, 2025-06-20T00:00:00Z]"),
    ("network/azure_to_onprem", "[s2s_vpn, expressroute_private, expressroute_microsoft, internet, none]"),
    ("vault/experience", "[classic, modernized]"),
    ("vault/name", "[other]"),
    ("vault/subscription_id", "[22222222-2222-2222-2222-222222222222]"),
    ("vcenters/*/connected", "[false]"),
    ("vcenters/*/version", "[\"5.5\", \"6.7\"]"),
    ("vcenters/*/account/privileges", "[[], [Datastore.AllocateSpace, VirtualMachine.Interact.PowerOff]]"),
    ("hosts/*/vcenter", "[\"!null\", vc9]"),
    ("hosts/*/discovered", "[false]"),
    ("hosts/*/license", "[free, evaluation]"),
    ("hosts/*/hypervisor", "[hyper_v, esxi, other]"),
    ("hosts/*/free_memory_gb", "[8, 32]"),
    ("hosts/*/vms", "[[w1], [w2, l1], []]"),
    ("datastores/*/type", "[vmfs, vsan, nfs, vvol]"),
    ("datastores/*/vcenter", "[vc9]"),
    ("datastores/*/free_gb", "[20, 150]"),
    ("datastores/*/accessible", "[false]"),
    ("datastores/*/access", "[{esx1: rw}, {esx2: rw}, {esx1: ro, esx2: rw}, {esx1: rw, esx2: ro}, {}]"),
    ("master_targets/*/os/family", "[linux, windows]"),
    ("master_targets/*/os/release", "[windows_server_2012_r2, ubuntu_16_04]"),
    ("master_targets/*/form", "[physical]"),
    ("master_targets/*/host", "[esx1, esx2]"),
    ("master_targets/*/datastore", "[vmfs1, vmfs2]"),
    ("master_targets/*/registered", "[false]"),
    ("master_targets/*/discovered", "[false]"),
    ("master_targets/*/snapshots", "[1]"),
    (
        "master_targets/*/scsi_controllers",
        "[[pvscsi], [lsilogic, pvscsi], [buslogic], [], [lsilogic, lsilogic_sas]]",
    ),
    ("master_targets/*/attached_disks", "[50, 57, 58, 59, 60]"),
    ("master_targets/*/vmware_tools_installed", "[false]"),
    ("master_targets/*/enable_uuid", "[false]"),
    ("master_targets/*/retention_volumes/*/in_use", "[true]"),
    ("master_targets/*/retention_volumes/*/locked", "[true]"),
    ("master_targets/*/retention_volumes/*/fs", "[fat32, ext4]"),
    ("master_targets/*/retention_volumes/*/capacity_gb", "[0, 10]"),
    ("master_targets/*/version", "[\"9.63\", \"9.60\"]"),
    ("master_targets/*/lvm", "[true]"),
    ("master_targets/*/uuid", "[564d0000-0000-0000-0000-000000000001, 564d0000-0000-0000-0000-000000000004]"),
    ("master_targets/*/storage_vmotion_excluded", "[false]"),
    ("master_targets/*/ram_gb", "[4]"),
    ("process_servers/*/placement", "[azure, onprem]"),
    ("process_servers/*/vnet", "[vnet-other, VNET-DR]"),
    ("process_servers/*/health", "[warning, critical]"),
    ("process_servers/*/heartbeat_at", "[2025-05-31T23:40:00Z, 2025-05-31T23:50:00Z]"),
    ("process_servers/*/version", "[\"9.55\", \"9.60\", \"9.63\"]"),
    ("appliances/*/vault", "[vault-other, VAULT-SEOUL-M]"),
    ("appliances/*/vcenter", "[vc9]"),
    ("appliances/*/host", "[esx1, esx2]"),
    ("appliances/*/health", "[warning, critical]"),
    ("appliances/*/components/*/health", "[warning, critical]"),
    ("appliances/*/attached_disks", "[50, 57, 59, 60]"),
    ("appliances/*/version", "[\"9.50\"]"),
    ("appliances/*/cloned", "[true]"),
    ("appliances/*/time_in_sync", "[false]"),
    ("storage_accounts", "[[], [sa1], [sa2]]"),
    ("machines/*/kind", "[vmware_vm, physical, hyperv_vm, azure_vm, aws_instance]"),
    ("machines/*/memory_gb", "[8, 600]"),
    ("machines/*/os/family", "[windows, linux]"),
    (
        "machines/*/os/release",
        "[windows_server_2008, Windows Server 2008, windows_server_2008_r2, windows_server_2022, ubuntu_20_04]",
    ),
    ("machines/*/os/service_pack", "[0, 1]"),
    ("machines/*/boot/firmware", "[uefi, bios]"),
    ("machines/*/boot/secure_boot", "[true]"),
    ("machines/*/network/static_ip", "[true]"),
    (
        "machines/*/state",
        "[protected_to_azure, failed_over, reprotecting_to_onprem, protected_to_onprem, failed_back, failed_back_committed, migrated, azure_vm_deleted, replication_disabled, azure_vm_moved]",
    ),
    ("machines/*/azure_vm/exists", "[false]"),
    ("machines/*/azure_vm/moved", "[true, false]"),
    ("machines/*/azure_vm/created_by", "[manual]"),
    ("machines/*/azure_vm/power_state", "[stopped, deallocated, starting]"),
    ("machines/*/azure_vm/resource_group", "[rg-other, RG-DR]"),
    ("machines/*/azure_vm/subscription_id", "[22222222-2222-2222-2222-222222222222]"),
    ("machines/*/azure_vm/vnet", "[vnet-other, VNET-DR]"),
    ("machines/*/azure_vm/ip_retained", "[true]"),
    ("machines/*/azure_vm/agent_service", "[stopped]"),
    ("machines/*/azure_vm/outbound_urls_reachable", "[false]"),
    ("machines/*/azure_vm/booted_at", "[2025-05-31T23:55:00Z, 2025-05-31T20:00:00Z]"),
    ("machines/*/azure_vm/disks/*/replicated_from_onprem", "[false]"),
    ("machines/*/azure_vm/disks/*/temporary", "[true]"),
    ("machines/*/azure_vm/disks/*/size_gb", "[500]"),
    (
        "machines/*/azure_vm/disks/added",
        "[{id: added, size_gb: 16, replicated_from_onprem: false, temporary: false}]",
    ),
    ("machines/*/onprem_vm/exists", "[false, true]"),
    ("machines/*/onprem_vm/name", "[other, w2]"),
    (
        "machines/*/onprem_vm/uuid",
        "[564d0000-0000-0000-0000-0000000000aa, 564d0000-0000-0000-0000-0000000000ff]",
    ),
    ("machines/*/onprem_vm/vcenter", "[\"!null\", vc9]"),
    ("machines/*/onprem_vm/host", "[esx1, esx2]"),
    ("machines/*/onprem_vm/power_state", "[running, suspended]"),
    ("machines/*/onprem_vm/snapshots", "[2]"),
    ("machines/*/onprem_vm/enable_uuid", "[false]"),
    ("machines/*/onprem_vm/disks/*/kind", "[rdm, iscsi]"),
    ("machines/*/onprem_vm/disks/*/datastore", "[vmfs1, vmfs2, vsan1, nfs1]"),
    ("machines/*/onprem_vm/disks/*/exists", "[false]"),
    ("machines/*/onprem_vm/disks/*/attached", "[false]"),
    ("machines/*/onprem_vm/disks/*/excluded", "[true]"),
    ("machines/*/asr/migration_completed", "[true]"),
    ("machines/*/asr/replication_enabled", "[false]"),
    ("machines/*/asr/configuration_server", "[cs0]"),
    ("machines/*/asr/source_vcenter", "[vc0, \"!null\"]"),
    ("machines/*/asr/source_vm_uuid", "[564d0000-0000-0000-0000-0000000000ee]"),
    ("machines/*/asr/in_config_server_db", "[false]"),
    ("machines/*/asr/health", "[warning, critical]"),
    ("machines/*/asr/agent_version", "[\"9.29\", \"9.55\"]"),
    ("machines/*/asr/agent_registration_ok", "[false]"),
    ("machines/*/asr/resync_required", "[true]"),
    ("machines/*/asr/resync_in_progress", "[true]"),
    ("machines/*/asr/recovery_points", "[[]]"),
    ("plan/baseline", "[current, seed-2017]"),
    ("plan/recovery_point", "[latest, crash_consistent, app_consistent, latest_processed]"),
    ("plan/defaults/failback/location", "[auto, original, alternate]"),
    ("plan/defaults/failback/master_target", "[mtw, mtl, mtx]"),
    ("plan/defaults/failback/process_server", "[ps-az, ps-on, psx]"),
    ("plan/defaults/failback/retention_volume", "[\"R:\", \"S:\"]"),
    ("plan/defaults/failback/datastore", "[vmfs1, vmfs2, vsan1, nfs1]"),
    ("plan/defaults/failback/appliance", "[ra1, rax]"),
    ("plan/defaults/failback/log_storage_account", "[sa1, sa9]"),
    (
        "plan/defaults/failback/target",
        "[{host: esx1}, {host: esx2}, {vcenter: vc1}, {hypervisor: hyper_v}, {form: physical}]",
    ),
    ("plan/defaults/forward/process_server", "[ps-on, ps-az]"),
    ("plan/defaults/forward/appliance", "[ra1, rax]"),
    ("plan/defaults/forward/cache_storage_account", "[sa1, sa9]"),
    ("plan/defaults/final_state", "[protected, unprotected]"),
    ("plan/defaults/failover", "[on_approval, automatic]"),
    ("plan/machines/*/failback/master_target", "[mtw, mtl]"),
    ("plan/machines/*/failback/datastore", "[vmfs1, vmfs2, vsan1, nfs1]"),
    ("plan/machines/*/failback/target", "[{host: esx1}, {host: esx2}, {hypervisor: hyper_v}]"),
    ("plan/machines/*/failback/location", "[original, alternate]"),
    ("plan/machines/*/failback/delete_existing_vm", "[true]"),
    ("plan/machines/*/recovery_point", "[latest, crash_consistent, app_consistent]"),
    ("plan/machines/*/final_state", "[protected, unprotected]"),
];

/// Draws a change of a world's facts or choices.
pub fn draw_value(random: &mut Rng, world: &World) -> Mutation {
    loop {
        let (pattern, values) = VALUES[random.usize(0..VALUES.len())];
        let values: Vec<Value> = serde_yaml::from_str(values).expect("the table is YAML");
        let value = values[random.usize(0..values.len())].clone();
        if let Some(path) = place(random, world, pattern) {
            return Mutation::Value { path, value };
        }
    }
}

/// Draws a change of a fixture, and returns the machines that it is about.
pub fn draw_fixture(random: &mut Rng) -> (bool, Mutation, BTreeSet<String>) {
    let (rule, case) = &CASES[random.usize(0..CASES.len())];
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for document in [&case.plan, &case.inventory] {
        let machines = document.get("machines").and_then(Value::as_mapping);
        wanted.extend(machines.into_iter().flat_map(|machines| machines.keys()).filter_map(word));
        // Groups, orders and hosts name machines too.
        let text = serde_yaml::to_string(document).unwrap_or_default();
        wanted.extend(
            ["w1", "w2", "w3", "l1"].into_iter().filter(|name| text.contains(name)).map(str::to_owned),
        );
    }
    (case.world == fixture::World::Classic, Mutation::Fixture { rule, case }, wanted)
}

fn word(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Replaces each `*` by a thing that is there.
fn place(random: &mut Rng, world: &World, pattern: &str) -> Option<String> {
    let (mut here, pattern) = match pattern.strip_prefix("plan/") {
        Some(rest) => (&world.plan, rest),
        None => (&world.inventory, pattern),
    };
    let planned = names(&world.plan, "machines");
    let mut path: Vec<String> =
        if std::ptr::eq(here, &raw const world.plan) { vec!["plan".into()] } else { Vec::new() };
    let mut parts = pattern.split('/').peekable();
    let mut before = "";
    while let Some(part) = parts.next() {
        if part == "*" {
            let things = here.as_sequence().filter(|things| !things.is_empty())?;
            let known = |item: &&Value| {
                let name = patch::name_of(item).and_then(Value::as_str);
                before != "machines" || name.is_some_and(|name| planned.iter().any(|planned| planned == name))
            };
            let things: Vec<&Value> = things.iter().filter(known).collect();
            let thing = things.get(random.usize(0..things.len().max(1)))?;
            path.push(word(patch::name_of(thing)?)?);
            here = thing;
        } else {
            path.push(part.to_owned());
            match here.get(part) {
                Some(next) => here = next,
                // A new key of what is there; a thing that is not there at all is not changed.
                None if parts.peek().is_none() => {}
                None if part == "failback" => break_into(&mut path, &mut parts),
                None => return None,
            }
        }
        before = part;
    }
    Some(path.join("/"))
}

/// Takes over the rest of a path as it is.
fn break_into<'p>(path: &mut Vec<String>, rest: &mut impl Iterator<Item = &'p str>) {
    path.extend(rest.map(str::to_owned));
}

impl Mutation {
    /// Changes a world.
    pub fn apply(&self, world: &mut World) {
        match self {
            Self::Fixture { case, .. } => {
                patch::apply(&mut world.plan, &case.plan);
                patch::apply(&mut world.inventory, &case.inventory);
            }
            Self::Value { path, value } => {
                let (document, path) = match path.strip_prefix("plan/") {
                    Some(path) => (&mut world.plan, path),
                    None => (&mut world.inventory, path.as_str()),
                };
                // A mapping takes the place of what was there.
                let clear = path.rsplit('/').fold(Value::Null, wrapped);
                patch::apply(document, &clear);
                patch::apply(document, &path.rsplit('/').fold(value.clone(), wrapped));
            }
        }
    }
}

fn wrapped(inner: Value, key: &str) -> Value {
    Value::Mapping(serde_yaml::Mapping::from_iter([(Value::from(key), inner)]))
}

/// Something that goes wrong for good at some moment, and that facts show.
pub fn draw_fault(random: &mut Rng, world: &World) -> Value {
    let machines = world.machines();
    let machine = machines.get(random.usize(0..machines.len().max(1))).map_or("w1", String::as_str);
    let target = one_of(random, &["mtw", "mtl"]);
    let carrier = one_of(random, &["ps-az", "ps-on"]);
    let of_classic = [
        ("vcenter_disconnects", "vc1"),
        ("configuration_server_disconnects", "cs1"),
        ("master_target_snapshot", target),
        ("storage_vmotion", target),
        ("process_server_unhealthy", carrier),
        ("datastore_inaccessible", "vmfs1"),
        ("resync_required", machine),
        ("azure_vm_stopped", machine),
    ];
    let of_modernized = [
        ("vcenter_disconnects", "vc1"),
        ("appliance_unhealthy", "ra1"),
        ("storage_vmotion", "ra1"),
        ("datastore_inaccessible", "vmfs1"),
        ("resync_required", machine),
        ("azure_vm_stopped", machine),
    ];
    let (kind, of) = if world.classic { one_of(random, &of_classic) } else { one_of(random, &of_modernized) };
    let after = one_of(random, &[1, 5, 15, 30, 45, 60, 90, 150]);
    let text = format!("{{kind: {kind}, of: {of}, at: {{after: {after}m}}}}");
    serde_yaml::from_str(&text).expect("a fault is YAML")
}
