//! The facts about a thing of the inventory in a few lines; what is not known is left out.

use crate::model::ReferenceKind;
use crate::render::markdown::inert;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Machine;

/// Returns the facts about the thing that has a name, in Markdown; `None` if the inventory has none.
pub(super) fn of(inventory: &Inventory, kind: ReferenceKind, name: &str) -> Option<String> {
    let mut facts = Facts(Vec::new());
    match kind {
        ReferenceKind::Machine | ReferenceKind::Member | ReferenceKind::HookSubject => {
            let machine = inventory.machines.iter().flatten().find(|machine| machine.name.value == name);
            match machine {
                Some(machine) => facts.machine(machine),
                None if kind == ReferenceKind::Machine => return None,
                None => return of(inventory, ReferenceKind::ReplicationGroup, name),
            }
        }
        ReferenceKind::ReplicationGroup => {
            let group =
                inventory.replication_groups.iter().flatten().find(|group| group.name.value == name)?;
            let members: Vec<&str> = group.members.iter().map(|member| member.value.as_str()).collect();
            facts.say("machines", Some(members.join(", ")));
        }
        ReferenceKind::MasterTarget => {
            let server =
                inventory.master_targets.iter().flatten().find(|server| server.name.value == name)?;
            facts.say("operating system", server.os.as_ref().and_then(|os| os.family.as_ref()));
            facts.say("host", server.host.as_ref());
            facts.say("datastore", server.datastore.as_ref());
            facts.say("attached disks", server.attached_disks.as_ref());
            facts.say("snapshots", server.snapshots.as_ref());
        }
        ReferenceKind::ProcessServer => {
            let server =
                inventory.process_servers.iter().flatten().find(|server| server.name.value == name)?;
            facts.say("placement", server.placement.as_ref());
            facts.say("health", server.health.as_ref());
            facts.say("virtual network", server.vnet.as_ref());
        }
        ReferenceKind::Datastore => {
            let store = inventory.datastores.iter().flatten().find(|store| store.name.value == name)?;
            facts.say("file system", store.kind.as_ref());
            facts.say("free", store.free_gb.as_ref());
            facts.say("vCenter", store.vcenter.as_option());
            let hosts = store.access.iter().flat_map(|access| &access.0);
            let hosts: Vec<String> = hosts.map(|(host, access)| format!("{host} ({access})")).collect();
            facts.say("hosts", Some(hosts.join(", ")).filter(|hosts| !hosts.is_empty()));
        }
        ReferenceKind::Host => {
            let host = inventory.hosts.iter().flatten().find(|host| host.name.value == name)?;
            facts.say("hypervisor", host.hypervisor.as_ref());
            facts.say("version", host.version.as_ref());
            facts.say("vCenter", host.vcenter.as_option());
            facts.say("discovered", host.discovered.as_ref());
            facts.say("free memory", host.free_memory_gb.as_ref());
        }
        ReferenceKind::Vcenter => {
            let vcenter = inventory.vcenters.iter().flatten().find(|vcenter| vcenter.id.value == name)?;
            facts.say("version", vcenter.version.as_ref());
            facts.say("connected", vcenter.connected.as_ref());
            facts.say("reachable", vcenter.reachable.as_ref());
        }
        ReferenceKind::Appliance => {
            let appliance =
                inventory.appliances.iter().flatten().find(|appliance| appliance.name.value == name)?;
            facts.say("health", appliance.health.as_ref());
            facts.say("host", appliance.host.as_ref());
            facts.say("datastore", appliance.datastore.as_ref());
            facts.say("attached disks", appliance.attached_disks.as_ref());
        }
        ReferenceKind::AutomationAccount => {
            let mut accounts = inventory.automation_accounts.iter().flatten();
            let account = accounts.find(|account| account.name.value == name)?;
            facts.say("subscription", account.subscription_id.as_ref());
        }
        ReferenceKind::StorageAccount => {
            inventory.storage_accounts.iter().flatten().find(|account| account.value == name)?;
        }
        ReferenceKind::Action => return None,
    }
    let what = match kind {
        ReferenceKind::Member | ReferenceKind::HookSubject => ReferenceKind::Machine.as_str(),
        kind => kind.as_str(),
    };
    // Whoever wrote the inventory must not have a picture loaded, or a link shown, by whoever reads it.
    Some(format!("**{}**: {what}\n\n{}", inert(name), facts.0.join("\n")).trim_end().to_owned())
}

/// Lines of facts.
struct Facts(Vec<String>);

impl Facts {
    fn say(&mut self, what: &str, fact: Option<impl std::fmt::Display>) {
        if let Some(fact) = fact {
            self.0.push(format!("- {what}: {}", inert(&fact.to_string())));
        }
    }

    fn machine(&mut self, machine: &Machine) {
        self.say("kind", machine.kind.as_ref());
        self.say("state", machine.state.as_ref());
        self.say("active site", machine.active_site.as_ref());
        if let Some(os) = &machine.os {
            let release = os.release.as_ref().map(ToString::to_string);
            self.say("operating system", release.or_else(|| os.family.as_ref().map(ToString::to_string)));
        }
        if let Some(vm) = &machine.azure_vm {
            let exists = vm.exists.is_none_or(|exists| exists.value);
            let state = vm.power_state.as_ref().map(ToString::to_string);
            self.say("Azure VM", if exists { state } else { Some("none".to_owned()) });
        }
        if let Some(vm) = &machine.onprem_vm {
            let exists = vm.exists.is_none_or(|exists| exists.value);
            let state = vm.power_state.as_ref().map(ToString::to_string);
            self.say("on-premises VM", if exists { state } else { Some("none".to_owned()) });
            self.say("host", vm.host.as_ref().filter(|_| exists));
            let mut stores: Vec<&str> = vm
                .disks
                .iter()
                .flatten()
                .filter_map(|disk| Some(disk.datastore.as_option()?.value.as_str()))
                .collect();
            stores.dedup();
            self.say("disks on", Some(stores.join(", ")).filter(|stores| exists && !stores.is_empty()));
        }
        if let Some(asr) = &machine.asr {
            self.say("replication health", asr.health.as_ref());
            self.say("recovery points", asr.recovery_points.as_ref().map(Vec::len));
        }
    }
}
