//! Where the data of imported machines goes: what the facts leave no choice about, and what is chosen for want of a statement.

use serde_yaml::Mapping;
use serde_yaml::Value;

use crate::import::is_classic;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::inventory::Inventory;
use crate::syntax::inventory::MasterTarget;
use crate::syntax::inventory::Placement;
use crate::syntax::machine::OsFamily;

/// The block `defaults` of an imported plan, and what is to be said about it.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    pub(super) block: Mapping,
    pub(super) notes: Vec<String>,
}

/// Returns what holds for every machine.
pub(super) fn defaults(facts: &Inventory) -> Defaults {
    let mut made = Defaults::default();
    let classic = is_classic(facts);
    let (failback, by_os) =
        if classic { made.classic(facts) } else { (made.modernized(facts), Mapping::new()) };
    made.put("failback", failback);
    let forward = if classic { made.forward_classic(facts) } else { made.forward_modernized() };
    let is_forward = !forward.is_empty();
    made.put("forward", forward);
    made.put("by_os", by_os);
    made.block.insert("failover".into(), "on_approval".into());
    made.block.insert("commit".into(), "on_approval".into());
    if is_forward {
        made.block.insert("final_state".into(), "protected".into());
    } else {
        made.notes
            .push("`final_state` is left open: say whether the machines are to be protected again".into());
    }
    made
}

impl Defaults {
    fn put(&mut self, key: &str, block: Mapping) {
        if !block.is_empty() {
            self.block.insert(key.into(), Value::Mapping(block));
        }
    }

    /// Puts the only one of some names, or says why there is none to put.
    fn only(&mut self, block: &mut Mapping, key: &str, what: &str, names: &[&str]) {
        match names {
            [one] => drop(block.insert(key.into(), (*one).into())),
            [] => self.notes.push(format!("`{key}` is left open: no {what} is known")),
            several => {
                self.notes
                    .push(format!("`{key}` is left open: choose one of the {what}s {}", several.join(", ")));
            }
        }
    }

    fn datastore(&mut self, block: &mut Mapping, facts: &Inventory) {
        let takes = |kind: DatastoreType| matches!(kind, DatastoreType::Vmfs | DatastoreType::Vsan);
        let mut fit: Vec<_> = facts
            .datastores
            .iter()
            .flatten()
            .filter(|store| store.kind.as_deref().copied().is_some_and(takes))
            .filter(|store| store.accessible.as_deref() != Some(&false))
            .collect();
        // New disks are made on VMFS alone (FB123); old ones stay where they are, whatever is named.
        fit.sort_by_key(|store| {
            let free = store.free_gb.as_deref().map_or(0, |free| free.0);
            (store.kind.as_deref() != Some(&DatastoreType::Vmfs), std::cmp::Reverse(free))
        });
        match fit.as_slice() {
            [] => self.notes.push("`datastore` is left open: no VMFS or vSAN datastore is known".into()),
            [one] => drop(block.insert("datastore".into(), one.name.value.as_str().into())),
            [most, ..] => {
                block.insert("datastore".into(), most.name.value.as_str().into());
                self.notes.push(format!(
                    "`datastore: {}` was chosen, the largest that new disks can be made on; a machine that returns to its own disks ignores it",
                    most.name.value
                ));
            }
        }
    }

    fn classic(&mut self, facts: &Inventory) -> (Mapping, Mapping) {
        let (mut failback, mut by_os) = (Mapping::new(), Mapping::new());
        for (family, key) in [(OsFamily::Windows, "windows"), (OsFamily::Linux, "linux")] {
            let needed = facts.machines.iter().flatten().any(|machine| {
                machine.os.as_ref().and_then(|os| os.family.as_deref()).is_none_or(|os| *os == family)
            });
            if !needed {
                continue;
            }
            let is_of = |target: &&MasterTarget| {
                target.os.as_ref().and_then(|os| os.family.as_deref()).is_some_and(|os| *os == family)
            };
            let fit: Vec<&MasterTarget> = facts.master_targets.iter().flatten().filter(is_of).collect();
            let names: Vec<&str> = fit.iter().map(|target| target.name.value.as_str()).collect();
            let mut block = Mapping::new();
            self.only(&mut block, "master_target", &format!("master target for {key}"), &names);
            if let [one] = fit.as_slice() {
                let volumes: Vec<&str> =
                    one.retention_volumes.iter().flatten().map(|volume| volume.name.value.as_str()).collect();
                self.only(
                    &mut block,
                    "retention_volume",
                    &format!("retention volume of {}", one.name.value),
                    &volumes,
                );
            }
            if !block.is_empty() {
                let mut inner = Mapping::new();
                inner.insert("failback".into(), Value::Mapping(block));
                by_os.insert(key.into(), Value::Mapping(inner));
            }
        }
        let names = process_servers(facts, Placement::Azure);
        self.only(&mut failback, "process_server", "process server in Azure", &names);
        self.datastore(&mut failback, facts);
        (failback, by_os)
    }

    fn modernized(&mut self, facts: &Inventory) -> Mapping {
        let mut failback = Mapping::new();
        self.appliance(&mut failback, facts);
        self.datastore(&mut failback, facts);
        let accounts: Vec<&str> =
            facts.storage_accounts.iter().flatten().map(|name| name.value.as_str()).collect();
        self.only(&mut failback, "log_storage_account", "storage account", &accounts);
        failback
    }

    fn appliance(&mut self, block: &mut Mapping, facts: &Inventory) {
        let names: Vec<&str> =
            facts.appliances.iter().flatten().map(|appliance| appliance.name.value.as_str()).collect();
        self.only(block, "appliance", "replication appliance", &names);
    }

    fn forward_classic(&mut self, facts: &Inventory) -> Mapping {
        let mut forward = Mapping::new();
        let names = process_servers(facts, Placement::Onprem);
        if let [one] = names.as_slice() {
            forward.insert("process_server".into(), (*one).into());
        }
        forward
    }

    /// The way back to Azure needs a storage account that the way home does not use: nothing says which.
    fn forward_modernized(&mut self) -> Mapping {
        self.notes.push(
            "`forward` is left open: name the appliance, and a `cache_storage_account` other than the `log_storage_account`".into(),
        );
        Mapping::new()
    }
}

fn process_servers(facts: &Inventory, placement: Placement) -> Vec<&str> {
    let servers = facts.process_servers.iter().flatten();
    servers
        .filter(|server| server.placement.as_deref() == Some(&placement))
        .map(|server| server.name.value.as_str())
        .collect()
}
