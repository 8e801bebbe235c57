//! What is told of a site is what the site is.

use failback::provider::emulator::http::ServerOptions;
use failback::provider::vcenter::facts;
use failback::syntax::inventory::Inventory;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::ToolsState;
use serde_json::Value;

use crate::vcenter_client::Site;
use crate::vcenter_client::example;
use crate::vcenter_client::fail_over;

/// Compares what was told with what is: every fact of vCenter's that stands in the world has to come through.
pub fn differences(told: &Value, world: &Value, path: &str, found: &mut Vec<String>) {
    match (told, world) {
        (Value::Object(told), Value::Object(world)) => {
            for (key, value) in world {
                let path = format!("{path}.{key}");
                match told.get(key) {
                    Some(told) => differences(told, value, &path, found),
                    None => found.push(format!("{path} is not told: {value}")),
                }
            }
            for (key, value) in told.iter().filter(|(key, _)| !world.contains_key(*key)) {
                found.push(format!("{path}.{key} is told, and not known: {value}"));
            }
        }
        (Value::Array(told), Value::Array(world))
            if told.iter().chain(world).all(|entry| name(entry).is_some()) =>
        {
            for value in world {
                let path = format!("{path}[{}]", name(value).unwrap_or_default());
                match told.iter().find(|told| name(told) == name(value)) {
                    Some(told) => differences(told, value, &path, found),
                    None => found.push(format!("{path} is not told")),
                }
            }
            for value in told.iter().filter(|told| !world.iter().any(|value| name(value) == name(told))) {
                found.push(format!("{path}[{}] is told, and not there", name(value).unwrap_or_default()));
            }
        }
        (told, world) if told != world => found.push(format!("{path}: told {told}, is {world}")),
        _ => {}
    }
}

fn name(value: &Value) -> Option<&str> {
    ["name", "id"].iter().find_map(|key| value.get(key)).and_then(Value::as_str).or_else(|| value.as_str())
}

/// Returns facts as JSON, with those keys only that `keep` says are vCenter's.
pub fn shape(facts: &Inventory) -> Value {
    let mut all = serde_json::to_value(facts).expect("facts are data");
    fn only(list: &mut Value, keys: &[&str]) {
        for entry in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            entry.retain(|key, _| keys.contains(&key.as_str()));
        }
    }
    let keep = ["hosts", "datastores", "master_targets", "appliances", "machines"];
    all.as_object_mut().expect("a mapping").retain(|key, _| keep.contains(&key.as_str()));
    only(&mut all["hosts"], &["name", "vcenter", "hypervisor", "version", "free_memory_gb", "vms"]);
    only(&mut all["datastores"], &["name", "type", "vcenter", "free_gb", "accessible", "access"]);
    let mt = [
        "name",
        "form",
        "host",
        "datastore",
        "snapshots",
        "scsi_controllers",
        "attached_disks",
        "vmware_tools_installed",
        "enable_uuid",
        "uuid",
        "ram_gb",
        "cpu",
        "os_disk_gb",
    ];
    only(&mut all["master_targets"], &mt);
    only(&mut all["appliances"], &["name", "vcenter", "host", "datastore", "attached_disks"]);
    only(&mut all["machines"], &["name", "memory_gb", "boot", "onprem_vm"]);
    for host in all["hosts"].as_array_mut().into_iter().flatten() {
        if let Some(vms) = host.get_mut("vms").and_then(Value::as_array_mut) {
            vms.sort_by_key(|vm| vm.as_str().map(str::to_owned));
        }
    }
    for machine in all["machines"].as_array_mut().into_iter().flatten() {
        // Site Recovery knows which disks were excluded, and a person the template.
        if let Some(vm) = machine.get_mut("onprem_vm").and_then(Value::as_object_mut) {
            vm.remove("template_id");
        }
        for disk in machine["onprem_vm"]["disks"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            disk.remove("excluded");
        }
        // Of a machine without a virtual machine vCenter tells nothing.
        if machine["onprem_vm"]["exists"] == false
            && let Some(machine) = machine.as_object_mut()
        {
            machine.remove("memory_gb");
            machine.remove("boot");
        }
    }
    all
}

/// What nobody can see of a machine on a host that no vCenter manages: it is unknown, whatever was written of it.
pub const OUT_OF_SIGHT: [&str; 3] = [
    ".machines[plc-gw01].onprem_vm.power_state is not told: \"stopped\"",
    ".machines[plc-gw01].onprem_vm.snapshots is not told: 0",
    ".machines[plc-gw01].onprem_vm.tools is not told: \"uninstalled\"",
];

async fn compare(site: &Site) -> Vec<String> {
    let world = site.world();
    let mut seen = Vec::new();
    for vcenter in world.vcenters.iter().flatten() {
        seen.push(site.look(&vcenter.id.value).await);
    }
    let told = facts(&seen, &world);
    let mut found = Vec::new();
    differences(&shape(&told.inventory), &shape(&world), "", &mut found);
    found
}

#[tokio::test]
async fn the_branch_office_is_seen_as_it_is() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let found = compare(&site).await;
    assert_eq!(found, [] as [&str; 0], "{}", found.join("\n"));
}

#[tokio::test]
async fn the_enterprise_is_seen_as_it_is() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let found = compare(&site).await;
    assert_eq!(found, OUT_OF_SIGHT, "{}", found.join("\n"));
}

#[tokio::test]
async fn a_large_site_comes_in_pages() {
    let options = ServerOptions { page: 7, ..ServerOptions::default() };
    let site = Site::with(&example("enterprise.inventory.yaml"), options).await;
    let found = compare(&site).await;
    assert_eq!(found, OUT_OF_SIGHT, "{}", found.join("\n"));
    let mut settings = site.settings("icn-vc1");
    settings.limits.page = 3;
    let small = site.try_to_connect(settings).await.unwrap().inventory().await.unwrap();
    let asked = site.server.counts().values().sum::<u64>();
    let whole = site.look("icn-vc1").await;
    assert_eq!((small.vms.len(), small.hosts.len()), (whole.vms.len(), whole.hosts.len()));
    assert!(asked > 20, "{asked} requests are fewer than there are pages");

    let mut settings = site.settings("icn-vc1");
    (settings.limits.page, settings.limits.pages) = (3, 4);
    let error = site.try_to_connect(settings).await.unwrap().inventory().await.unwrap_err();
    assert!(error.to_string().ends_with("its objects have more than 4 pages"), "{error}");
}

/// Brings a machine home by direct requests, and follows what vCenter shows of it.
#[tokio::test]
async fn a_machine_that_comes_home_is_seen_to_boot() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let client = site.connect("icn-vc1").await;
    let uuid = "564d8a10-2c41-7e05-9b00-00000000001f".to_owned();
    let power = async || client.vms(std::slice::from_ref(&uuid)).await.unwrap()[0].power;
    assert_eq!(power().await, Some(PowerState::Stopped));
    fail_over(&site, "print01").await;
    assert_eq!(power().await, Some(PowerState::Running));
    let vm = client.vms(std::slice::from_ref(&uuid)).await.unwrap().remove(0);
    assert!(vm.booted_at.is_some());
    assert_eq!(vm.tools, Some(ToolsState::NotRunning), "they take a while");
    let target = client.vms(&["564d8a10-2c41-7e05-9b00-0000000000f1".to_owned()]).await.unwrap().remove(0);
    assert_eq!(target.disks.map(|disks| disks.len()), Some(3), "its disk was given back");
    let found = compare(&site).await;
    assert_eq!(found, OUT_OF_SIGHT, "{}", found.join("\n"));
}
