//! A virtual machine's properties.

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::identity;
use crate::provider::emulator::http::soap::device;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::estate::Role;
use crate::provider::emulator::http::soap::estate::Vm;
use crate::provider::emulator::http::soap::value::Fields;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;
use crate::quantity::Bytes;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;

impl<'v> Vm<'v> {
    /// Returns the UUID by which vCenter knows it.
    pub(super) fn instance_uuid(&self) -> String {
        match self.role {
            Role::Machine(item) => identity::instance_uuid(item),
            Role::MasterTarget(_) | Role::Appliance(_) | Role::Other => guid::guid("instance", &self.uuid),
        }
    }

    fn power(&self) -> &'static str {
        let Role::Machine(item) = self.role else { return "poweredOn" };
        let vm = item.facts.onprem_vm.as_ref();
        match vm.and_then(|vm| vm.power_state.as_deref()) {
            Some(PowerState::Running | PowerState::Starting | PowerState::Stopping) => "poweredOn",
            Some(PowerState::Stopped | PowerState::Deallocated) | None => "poweredOff",
            Some(PowerState::Suspended) => "suspended",
        }
    }

    fn tools(&self) -> Option<ToolsState> {
        match self.role {
            Role::Machine(item) => item.facts.onprem_vm.as_ref()?.tools.as_deref().copied(),
            Role::MasterTarget(server) => Some(match server.vmware_tools_installed.as_deref() {
                Some(false) => ToolsState::Uninstalled,
                Some(true) | None => ToolsState::Running,
            }),
            Role::Appliance(_) => Some(ToolsState::Running),
            Role::Other => None,
        }
    }

    fn snapshots(&self) -> u32 {
        let known = match self.role {
            Role::Machine(item) => item.facts.onprem_vm.as_ref().and_then(|vm| vm.snapshots.as_deref()),
            Role::MasterTarget(server) => server.snapshots.as_deref(),
            Role::Appliance(_) | Role::Other => None,
        };
        known.copied().unwrap_or(0)
    }

    fn enable_uuid(&self) -> Option<bool> {
        match self.role {
            Role::Machine(item) => item.facts.onprem_vm.as_ref()?.enable_uuid.as_deref().copied(),
            Role::MasterTarget(server) => server.enable_uuid.as_deref().copied(),
            Role::Appliance(_) | Role::Other => None,
        }
    }

    fn memory(&self) -> Option<Bytes> {
        match self.role {
            Role::Machine(item) => item.facts.memory_gb.as_deref().copied(),
            Role::MasterTarget(server) => server.ram_gb.as_deref().copied(),
            Role::Appliance(_) | Role::Other => None,
        }
    }

    /// Returns whether any of its files is on a datastore.
    pub(super) fn uses(&self, datastore: &str) -> bool {
        device::datastores(self, self.home()).contains(&datastore)
    }

    /// Returns the name of the datastore that holds its configuration.
    pub(super) fn home(&self) -> Option<&'v str> {
        match self.role {
            Role::Machine(item) => {
                let disks = item.facts.onprem_vm.as_ref()?.disks.as_ref()?;
                disks.iter().find_map(|disk| disk.datastore.as_option()).map(|name| name.as_str())
            }
            Role::MasterTarget(server) => server.datastore.as_ref().map(|name| name.as_str()),
            Role::Appliance(server) => server.datastore.as_ref().map(|name| name.as_str()),
            Role::Other => None,
        }
    }
}

/// Returns the properties of a virtual machine.
pub(super) fn properties(estate: &Estate<'_>, vm: &Vm<'_>) -> Value {
    let reference = vm.reference();
    let config = config(estate, vm);
    let (runtime, guest) = (runtime(estate, vm), guest(vm));
    let datastores = device::datastores(vm, vm.home()).into_iter();
    let datastores: Vec<Reference> = datastores.filter_map(|name| estate.datastore_reference(name)).collect();
    let said = Fields::default()
        .set("name", Value::text(vm.name))
        .set("template", Value::truth(false))
        .maybe("vmPathName", path(vm).map(Value::text))
        .maybe("memorySizeMB", config.at("hardware.memoryMB").cloned())
        .maybe("numCpu", config.at("hardware.numCPU").cloned())
        .set("uuid", Value::text(&vm.uuid))
        .set("instanceUuid", Value::text(vm.instance_uuid()));
    let summary = Fields::default()
        .set("vm", Value::Reference(reference.clone()))
        .set("runtime", runtime.clone())
        .set("guest", guest_summary(vm))
        .set("config", said.data("VirtualMachineConfigSummary"))
        .set("quickStats", Fields::default().data("VirtualMachineQuickStats"))
        .set("overallStatus", Value::word("ManagedEntityStatus", "green"));
    Fields::default()
        .set("name", Value::text(vm.name))
        .set("parent", Value::Reference(Reference::new("Folder", estate.parts().vm_folder)))
        .set("config", config)
        .set("runtime", runtime)
        .set("guest", guest)
        .set("guestHeartbeatStatus", Value::word("ManagedEntityStatus", "gray"))
        .maybe("snapshot", snapshot(&reference, vm, estate))
        .set("datastore", Value::references(datastores))
        .set("network", Value::references([]))
        .set("resourcePool", Value::Reference(Reference::new("ResourcePool", estate.parts().pool)))
        .set("summary", summary.data("VirtualMachineSummary"))
        .set("overallStatus", Value::word("ManagedEntityStatus", "green"))
        .data("VirtualMachine")
}

fn path(vm: &Vm<'_>) -> Option<String> {
    vm.home().map(|store| format!("[{store}] {name}/{name}.vmx", name = vm.name))
}

fn guest_id(vm: &Vm<'_>) -> Option<(&'static str, &'static str)> {
    let Role::Machine(item) = vm.role else { return None };
    match item.facts.os.as_ref()?.family.as_deref()? {
        OsFamily::Windows => {
            Some(("windows9Server64Guest", "Microsoft Windows Server 2016 or later (64-bit)"))
        }
        OsFamily::Linux => Some(("other3xLinux64Guest", "Other 3.x or later Linux (64-bit)")),
    }
}

fn config(estate: &Estate<'_>, vm: &Vm<'_>) -> Value {
    let boot = match vm.role {
        Role::Machine(item) => item.facts.boot.as_ref(),
        Role::MasterTarget(_) | Role::Appliance(_) | Role::Other => None,
    };
    let firmware = boot.and_then(|boot| boot.firmware.as_deref()).map(|firmware| match firmware {
        Firmware::Bios => Value::text("bios"),
        Firmware::Uefi => Value::text("efi"),
    });
    let secure = boot.and_then(|boot| boot.secure_boot.as_deref().copied());
    let cpus = match vm.role {
        Role::MasterTarget(server) => server.cpu.as_deref().copied(),
        Role::Machine(_) | Role::Appliance(_) | Role::Other => None,
    };
    let hardware = Fields::default()
        .maybe("numCPU", cpus.map(Value::int))
        .maybe("memoryMB", vm.memory().and_then(|memory| i32::try_from(memory.0 >> 20).ok()).map(Value::int))
        .set("device", Value::List("VirtualDevice", device::devices(estate, vm)));
    let guest = guest_id(vm);
    let flags = Fields::default().maybe("diskUuidEnabled", vm.enable_uuid().map(Value::truth));
    let options = Fields::default().maybe("efiSecureBootEnabled", secure.map(Value::truth));
    Fields::default()
        .set("changeVersion", Value::text("1"))
        .set("modified", Value::time(estate.visit.world().start))
        .set("name", Value::text(vm.name))
        .maybe("guestFullName", guest.map(|(_, name)| Value::text(name)))
        .set("version", Value::text("vmx-17"))
        .set("uuid", Value::text(&vm.uuid))
        .set("instanceUuid", Value::text(vm.instance_uuid()))
        .set("template", Value::truth(false))
        .maybe("guestId", guest.map(|(id, _)| Value::text(id)))
        .set(
            "files",
            Fields::default().maybe("vmPathName", path(vm).map(Value::text)).data("VirtualMachineFileInfo"),
        )
        .set("flags", flags.data("VirtualMachineFlagInfo"))
        .set("hardware", hardware.data("VirtualHardware"))
        .set("bootOptions", options.data("VirtualMachineBootOptions"))
        .maybe("firmware", firmware)
        .data("VirtualMachineConfigInfo")
}

fn runtime(estate: &Estate<'_>, vm: &Vm<'_>) -> Value {
    let booted = match vm.role {
        Role::Machine(item) => item.facts.onprem_vm.as_ref().and_then(|vm| vm.booted_at.as_deref().copied()),
        Role::MasterTarget(_) | Role::Appliance(_) | Role::Other => None,
    };
    let host = vm.host.and_then(|name| estate.host_reference(name));
    Fields::default()
        .maybe("host", host.map(Value::Reference))
        .set("connectionState", Value::word("VirtualMachineConnectionState", "connected"))
        .set("powerState", Value::word("VirtualMachinePowerState", vm.power()))
        .set("toolsInstallerMounted", Value::truth(false))
        .maybe("bootTime", booted.map(Value::time))
        .set("numMksConnections", Value::int(0))
        .data("VirtualMachineRuntimeInfo")
}

/// Returns what vCenter says of VMware Tools: in general, of their version, of their running. Tools that were disabled inside the
/// guest don't run, and that is all that can be seen from outside.
fn tools_words(vm: &Vm<'_>) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match vm.tools()? {
        ToolsState::Running => ("toolsOk", "guestToolsCurrent", "guestToolsRunning"),
        ToolsState::Disabled | ToolsState::NotRunning => {
            ("toolsNotRunning", "guestToolsCurrent", "guestToolsNotRunning")
        }
        ToolsState::Uninstalled => ("toolsNotInstalled", "guestToolsNotInstalled", "guestToolsNotRunning"),
    })
}

fn guest_fields(vm: &Vm<'_>) -> Fields {
    let words = tools_words(vm);
    Fields::default()
        .maybe("toolsStatus", words.map(|(status, _, _)| Value::word("VirtualMachineToolsStatus", status)))
        .maybe("toolsVersionStatus2", words.map(|(_, version, _)| Value::text(version)))
        .maybe("toolsRunningStatus", words.map(|(_, _, running)| Value::text(running)))
}

fn guest_summary(vm: &Vm<'_>) -> Value {
    guest_fields(vm).data("VirtualMachineGuestSummary")
}

fn guest(vm: &Vm<'_>) -> Value {
    let running = vm.power() == "poweredOn" && vm.tools() == Some(ToolsState::Running);
    guest_fields(vm)
        .maybe("hostName", running.then(|| Value::text(vm.name)))
        .set("guestState", Value::text(if running { "running" } else { "notRunning" }))
        .data("GuestInfo")
}

/// Returns the tree of snapshots, each the child of the one before; vCenter has no property where there is none.
fn snapshot(reference: &Reference, vm: &Vm<'_>, estate: &Estate<'_>) -> Option<Value> {
    let count = vm.snapshots();
    let snapshot =
        |number: u32| Reference::new("VirtualMachineSnapshot", format!("snapshot-{}-{number}", reference.id));
    let mut tree: Option<Value> = None;
    for number in (1..=count).rev() {
        let one = Fields::default()
            .set("snapshot", Value::Reference(snapshot(number)))
            .set("vm", Value::Reference(reference.clone()))
            .set("name", Value::text(format!("snapshot {number}")))
            .set("description", Value::text(""))
            .set("id", Value::int(number))
            .set("createTime", Value::time(estate.visit.world().start))
            .set("state", Value::word("VirtualMachinePowerState", "poweredOff"))
            .set("quiesced", Value::truth(false))
            .maybe(
                "childSnapshotList",
                tree.map(|child| Value::List("VirtualMachineSnapshotTree", vec![child])),
            );
        tree = Some(one.data("VirtualMachineSnapshotTree"));
    }
    let info = Fields::default()
        .set("currentSnapshot", Value::Reference(snapshot(count)))
        .set("rootSnapshotList", Value::List("VirtualMachineSnapshotTree", vec![tree?]));
    Some(info.data("VirtualMachineSnapshotInfo"))
}
