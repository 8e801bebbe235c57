//! Makes the documents of an estate of many machines: the same text for the same number, on every machine.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fastrand::Rng;

/// The text of a plan and of its inventory.
pub struct Estate {
    /// The `RecoveryPlan` document.
    pub plan: String,
    /// The `Inventory` document.
    pub inventory: String,
}

/// Machines that share an appliance, a datastore, a host.
const TO_AN_APPLIANCE: usize = 100;
const TO_A_DATASTORE: usize = 50;
const TO_A_HOST: usize = 40;
/// Machines that fail over together.
const TO_A_BOOT_GROUP: usize = 500;
/// Why writing can't fail.
const FITS: &str = "a string takes every text";

/// Returns the documents of an estate of `count` machines that no rule refuses.
pub fn of(count: usize) -> Estate {
    let mut random = Rng::with_seed(2017);
    Estate { plan: plan(count), inventory: inventory(count, &mut random) }
}

fn plan(count: usize) -> String {
    let mut text = String::from(
        "kind: RecoveryPlan\nversion: 1\nname: scale\ninventory: scale.inventory.yaml\n\
         recovery_point: crash_consistent\n\
         execution:\n  max_parallel: 1000\n\
         defaults:\n  failback:\n    location: auto\n    log_storage_account: sa1\n\
         \x20 forward:\n    cache_storage_account: sa2\n  commit: automatic\n  final_state: protected\n\
         machines:\n",
    );
    for at in 0..count {
        let (appliance, datastore) = (at / TO_AN_APPLIANCE, at / TO_A_DATASTORE);
        writeln!(text, "  - name: m{at:06}\n    failback:\n      appliance: ra{appliance:04}\n      datastore: ds{datastore:04}\n    forward:\n      appliance: ra{appliance:04}")
            .expect(FITS);
    }
    text.push_str("boot_groups:\n");
    for group in 0..count.div_ceil(TO_A_BOOT_GROUP) {
        writeln!(text, "  - name: tier-{group:03}\n    members:").expect(FITS);
        for at in (0..count).skip(group * TO_A_BOOT_GROUP).take(TO_A_BOOT_GROUP) {
            writeln!(text, "      - m{at:06}").expect(FITS);
        }
    }
    text
}

fn inventory(count: usize, random: &mut Rng) -> String {
    let mut text = String::from(
        "kind: Inventory\nversion: 1\nname: scale\nobserved_at: 2026-11-01T00:00:00Z\n\
         vault:\n  name: vault-scale\n  experience: modernized\n\
         \x20 subscription_id: 11111111-1111-1111-1111-111111111111\n  resource_group: rg-vault\n\
         network:\n  azure_to_onprem: internet\n  bandwidth_mbps: 40000\n\
         vcenters:\n  - id: vc1\n    connected: true\n    reachable: true\n    version: \"8.0\"\n\
         \x20   account:\n      name: svc-asr\n      privileges: [failback]\n\
         storage_accounts: [sa1, sa2]\nhosts:\n",
    );
    for at in 0..count.div_ceil(TO_A_HOST) {
        writeln!(text, "  - name: esx{at:04}\n    vcenter: vc1\n    discovered: true\n    license: enterprise_plus\n    version: \"8.0\"\n    free_memory_gb: 4096").expect(FITS);
    }
    text.push_str("datastores:\n");
    for at in 0..count.div_ceil(TO_A_DATASTORE) {
        // The hosts of its machines have it, and those of the appliances that they come back through.
        let machines = at * TO_A_DATASTORE..((at + 1) * TO_A_DATASTORE).min(count);
        let through = |machine: usize| machine / TO_AN_APPLIANCE * TO_AN_APPLIANCE / TO_A_HOST;
        let hosts: BTreeSet<usize> =
            machines.flat_map(|machine| [machine / TO_A_HOST, through(machine)]).collect();
        let hosts: Vec<String> = hosts.into_iter().map(|host| format!("esx{host:04}: rw")).collect();
        writeln!(
            text,
            "  - name: ds{at:04}\n    type: vmfs\n    vcenter: vc1\n    free_gb: 102400\n    accessible: true\n    access: {{{}}}",
            hosts.join(", ")
        )
        .expect(FITS);
    }
    text.push_str("appliances:\n");
    for at in 0..count.div_ceil(TO_AN_APPLIANCE) {
        let host = at * TO_AN_APPLIANCE / TO_A_HOST;
        let datastore = at * TO_AN_APPLIANCE / TO_A_DATASTORE;
        writeln!(text, "  - name: ra{at:04}\n    vault: vault-scale\n    vcenter: vc1\n    host: esx{host:04}\n    datastore: ds{datastore:04}\n    health: healthy\n    components:\n      - name: process_server\n        health: healthy\n      - name: reprotect_agent\n        health: healthy\n      - name: proxy\n        health: healthy\n    attached_disks: 3\n    version: \"9.65\"\n    cloned: false\n    storage_vmotion_excluded: true\n    auto_update: true\n    time_in_sync: true").expect(FITS);
    }
    text.push_str("machines:\n");
    for at in 0..count {
        machine(&mut text, at, random);
    }
    text
}

fn machine(text: &mut String, at: usize, random: &mut Rng) {
    let (family, release, tools) = match random.u8(0..2) {
        0 => ("windows", "windows_server_2019", "disabled"),
        _ => ("linux", "rhel_8_9", "uninstalled"),
    };
    let memory = 4 << random.u32(0..4);
    let sizes = [random.u32(20..200), random.u32(20..400)];
    writeln!(text, "  - name: m{at:06}\n    kind: vmware_vm\n    memory_gb: {memory}\n    os:\n      family: {family}\n      release: {release}\n    boot:\n      firmware: uefi\n      secure_boot: false\n    network:\n      static_ip: false\n    state: failed_over_committed\n    active_site: azure").expect(FITS);
    writeln!(
        text,
        "    churn:\n      gb_per_day: {}.5\n      peak_mb_s: {}",
        random.u32(1..40),
        random.u32(1..9)
    )
    .expect(FITS);
    writeln!(text, "    azure_vm:\n      exists: true\n      created_by: asr\n      power_state: running\n      resource_group: rg-dr\n      failover_resource_group: rg-dr\n      subscription_id: 11111111-1111-1111-1111-111111111111\n      vnet: vnet-dr\n      ip_retained: false\n      outbound_urls_reachable: true\n      agent_service: running\n      disks:").expect(FITS);
    for (disk, size) in sizes.iter().enumerate() {
        writeln!(text, "        - id: disk{disk}\n          size_gb: {size}\n          replicated_from_onprem: true\n          temporary: false").expect(FITS);
    }
    let (host, datastore) = (at / TO_A_HOST, at / TO_A_DATASTORE);
    writeln!(text, "    onprem_vm:\n      exists: true\n      name: m{at:06}\n      uuid: 564d0000-0000-0000-0000-{at:012}\n      vcenter: vc1\n      host: esx{host:04}\n      power_state: stopped\n      snapshots: 0\n      enable_uuid: true\n      tools: {tools}\n      disks:").expect(FITS);
    for (disk, size) in sizes.iter().enumerate() {
        writeln!(text, "        - id: disk{disk}\n          kind: vmdk\n          datastore: ds{datastore:04}\n          exists: true\n          attached: true\n          size_gb: {size}\n          excluded: false").expect(FITS);
    }
    writeln!(text, "    asr:\n      migration_completed: false\n      replication_enabled: true\n      source_vcenter: vc1\n      source_vm_uuid: 564d0000-0000-0000-0000-{at:012}\n      health: ok\n      agent_version: \"9.65\"\n      agent_version_at_last_reboot: \"9.65\"\n      agent_registration_ok: true\n      resync_required: false\n      resync_in_progress: false").expect(FITS);
}
