//! The virtual machines of Azure (`Microsoft.Compute`): the copies of machines there, and servers that stand there.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::compute_size;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::network;
use crate::provider::emulator::http::page::page;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::words;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_true;
use crate::quantity::Bytes;
use crate::quantity::GIB;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::PowerState;
use jiff::Timestamp;

/// The provider and type of virtual machines.
const KIND: &str = "Microsoft.Compute/virtualMachines";

/// Machines on a page; that of the service isn't published.
const PAGE: usize = 200;

/// A virtual machine of Azure.
pub(super) struct AzureMachine {
    /// Its name.
    pub name: String,
    /// Its resource id.
    pub id: String,
    /// Its virtual network.
    pub vnet: Option<String>,
    /// Its address there.
    pub address: Option<String>,
    power: Option<PowerState>,
    booted: Option<Timestamp>,
    family: Option<OsFamily>,
    release: Option<String>,
    firmware: Option<Firmware>,
    memory: Option<Bytes>,
    disks: Vec<(String, Option<u64>)>,
}

impl AzureMachine {
    /// Returns the part of the id that follows a word, such as `resourceGroups`.
    pub(super) fn part(&self, word: &str) -> &str {
        let mut parts = self.id.split('/');
        parts.find(|part| part.eq_ignore_ascii_case(word));
        parts.next().unwrap_or_default()
    }
}

/// Returns the virtual machines that exist.
pub(super) fn machines(visit: &Visit<'_>) -> Vec<AzureMachine> {
    let identity = visit.identity();
    let copies = visit.world().items.iter().filter_map(|item| copy(visit, item));
    let facts = visit.facts();
    let servers: Vec<AzureMachine> = facts
        .process_servers
        .iter()
        .flatten()
        .filter(|server| server.placement.as_deref() == Some(&Placement::Azure))
        .map(|server| AzureMachine {
            name: server.name.value.clone(),
            id: format!(
                "{}/providers/{KIND}/{}",
                identity.group_id(&identity.resource_group),
                server.name.value
            ),
            vnet: words::text_of(&server.vnet).map(str::to_owned),
            address: Some(words::azure_address(&server.name)),
            power: Some(PowerState::Running),
            booted: None,
            family: Some(OsFamily::Windows),
            release: Some("windows_server_2019".to_owned()),
            firmware: None,
            memory: Some(Bytes(16 * GIB)),
            disks: vec![("os".to_owned(), Some(128 * GIB))],
        })
        .collect();
    copies.chain(servers).collect()
}

fn copy(visit: &Visit<'_>, item: &Item) -> Option<AzureMachine> {
    let facts = &item.facts;
    let vm = facts.azure_vm.as_ref().filter(|vm| is_true(&vm.exists))?;
    let os = facts.os.as_ref();
    let id = visit.identity().azure_vm_id(item);
    let name = item.name.as_str();
    // Neither the temporary disk nor anything else that the host lends shows in a storage profile.
    let disks = vm.disks.iter().flatten().filter(|disk| !is_true(&disk.temporary));
    Some(AzureMachine {
        name: id.rsplit('/').next().unwrap_or(name).to_owned(),
        vnet: words::text_of(&vm.vnet).map(str::to_owned),
        address: vm
            .ip_retained
            .as_deref()
            .map(|kept| if *kept { words::address(name) } else { words::azure_address(name) }),
        power: vm.power_state.as_deref().copied(),
        booted: vm.booted_at.as_deref().copied(),
        family: os.and_then(|os| os.family.as_deref().copied()),
        release: os.and_then(|os| words::text_of(&os.release)).map(str::to_owned),
        firmware: facts.boot.as_ref().and_then(|boot| boot.firmware.as_deref().copied()),
        memory: facts.memory_gb.as_deref().copied(),
        disks: disks
            .map(|disk| (disk.id.value.clone(), disk.size_gb.as_deref().map(|size| size.0)))
            .collect(),
        id,
    })
}

/// Answers what is asked about virtual machines; `path` is the whole path.
pub(super) fn answer(visit: &Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let ["subscriptions", subscription, rest @ ..] = path else { return None };
    let (group, rest) = match rest {
        ["resourcegroups", group, "providers", "microsoft.compute", "virtualmachines", rest @ ..] => {
            (Some(*group), rest)
        }
        ["providers", "microsoft.compute", "virtualmachines", rest @ ..] => (None, rest),
        _ => return None,
    };
    if asked.method != Method::GET {
        return Some(Answer::not_allowed(asked));
    }
    let mut found = machines(visit);
    found.retain(|machine| {
        machine.part("subscriptions").eq_ignore_ascii_case(subscription)
            && group.is_none_or(|group| machine.part("resourceGroups").eq_ignore_ascii_case(group))
    });
    let named = |name: &str| found.iter().find(|machine| machine.name.eq_ignore_ascii_case(name));
    let expanded =
        |name: &str| asked.argument(name).is_some_and(|what| what.eq_ignore_ascii_case("instanceView"));
    let status_only = asked.argument("statusOnly").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    let answer = match rest {
        [] => {
            let shown = found.iter().map(|machine| {
                if status_only { status(visit, machine) } else { body(visit, machine, expanded("$expand")) }
            });
            page(asked, shown.collect(), PAGE)
        }
        [name] => named(name).map_or_else(
            || gone(asked, group),
            |machine| Answer::ok(body(visit, machine, expanded("$expand"))),
        ),
        [name, "instanceview"] => {
            named(name).map_or_else(|| gone(asked, group), |machine| Answer::ok(instance_view(machine)))
        }
        _ => return None,
    };
    Some(answer)
}

fn gone(asked: &Asked, group: Option<&str>) -> Answer {
    let at = asked.lower.iter().position(|part| part == "virtualmachines");
    let name = at.and_then(|at| asked.segments.get(at + 1)).map_or("", String::as_str);
    Answer::gateway_missing(KIND, name, group.unwrap_or_default())
}

const fn power_words(power: PowerState) -> (&'static str, &'static str) {
    match power {
        PowerState::Running => ("PowerState/running", "VM running"),
        PowerState::Stopped | PowerState::Suspended => ("PowerState/stopped", "VM stopped"),
        PowerState::Deallocated => ("PowerState/deallocated", "VM deallocated"),
        PowerState::Starting => ("PowerState/starting", "VM starting"),
        PowerState::Stopping => ("PowerState/stopping", "VM stopping"),
    }
}

fn instance_view(machine: &AzureMachine) -> Value {
    let mut provisioned = json!({"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded"});
    let mut statuses = Vec::new();
    let mut power = machine
        .power
        .map(power_words)
        .map(|(code, words)| json!({"code": code, "level": "Info", "displayStatus": words}));
    if let Some(booted) = machine.booted {
        provisioned["time"] = json!(booted);
        if let Some(power) = power.as_mut() {
            power["time"] = json!(booted);
        }
    }
    statuses.push(provisioned);
    statuses.extend(power);
    let disks: Vec<Value> = machine
        .disks
        .iter()
        .map(|(name, _)| {
            json!({"name": name, "statuses": [{
                "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded",
            }]})
        })
        .collect();
    json!({
        "computerName": machine.name,
        "osName": machine.release.as_deref().map(words::os_text),
        "disks": disks,
        "hyperVGeneration": match machine.firmware { Some(Firmware::Uefi) => "V2", Some(Firmware::Bios) | None => "V1" },
        "statuses": statuses,
    })
}

fn status(visit: &Visit<'_>, machine: &AzureMachine) -> Value {
    json!({
        "name": machine.name,
        "id": machine.id,
        "type": KIND,
        "location": visit.identity().location,
        "properties": {
            "vmId": guid::guid("azure vm", &machine.id.to_lowercase()),
            "provisioningState": "Succeeded",
            "instanceView": instance_view(machine),
        },
    })
}

/// Returns a size that has the memory of a machine.
fn size(memory: Option<Bytes>) -> String {
    let gib = memory.map_or(8, |memory| memory.0.div_ceil(GIB));
    let mut sizes = compute_size::PROCESSORS.into_iter();
    let processors = sizes.find(|processors| processors * compute_size::GIB_PER_PROCESSOR >= gib);
    compute_size::name(processors.unwrap_or(96))
}

fn body(visit: &Visit<'_>, machine: &AzureMachine, expanded: bool) -> Value {
    let prefix = machine.id.split("/providers/").next().unwrap_or_default();
    let disk = |(name, bytes): &(String, Option<u64>)| {
        json!({
            "name": name,
            "createOption": "Attach",
            "caching": "None",
            "managedDisk": {
                "id": format!("{prefix}/providers/Microsoft.Compute/disks/{}-{name}", machine.name),
                "storageAccountType": "Premium_LRS",
            },
            "deleteOption": "Detach",
            "diskSizeGB": bytes.map(|bytes| bytes.div_ceil(GIB)),
        })
    };
    let mut disks: Vec<Value> = machine.disks.iter().map(disk).collect();
    let system = if disks.is_empty() { Value::Null } else { disks.remove(0) };
    for (lun, disk) in disks.iter_mut().enumerate() {
        disk["lun"] = json!(lun);
        disk["toBeDetached"] = json!(false);
    }
    let mut system_disk = system;
    if system_disk.is_object() {
        system_disk["osType"] = json!(machine.family.map(words::os_word));
    }
    let mut properties = json!({
        "vmId": guid::guid("azure vm", &machine.id.to_lowercase()),
        "hardwareProfile": {"vmSize": size(machine.memory)},
        "provisioningState": "Succeeded",
        "storageProfile": {"osDisk": system_disk, "dataDisks": disks, "diskControllerType": "SCSI"},
        "networkProfile": {"networkInterfaces": [{
            "id": network::interface_id(machine), "properties": {"primary": true},
        }]},
    });
    if let Some(booted) = machine.booted {
        properties["timeCreated"] = json!(booted);
    }
    if expanded {
        properties["instanceView"] = instance_view(machine);
    }
    json!({
        "name": machine.name,
        "id": machine.id,
        "type": KIND,
        "location": visit.identity().location,
        "properties": properties,
    })
}
