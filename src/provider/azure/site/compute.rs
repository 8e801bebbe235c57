//! The virtual machines in Azure: whether they exist, where, and whether they run.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::provider::azure::client::ReadClient;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::infrastructure::permitted;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::machine::place_of;
use crate::provider::azure::site::machine::text;
use crate::provider::azure::site::missing::Missing;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::around::VirtualMachine;
use crate::provider::azure::wire::page::Resource;
use crate::quantity::Bytes;
use crate::source::Spanned;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::PowerState;

/// Version of the API of virtual machines.
const COMPUTE: &str = "2024-07-01";

/// A virtual machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Vm {
    pub(super) id: String,
    power: Option<PowerState>,
    booted_at: Option<Timestamp>,
    disks: Option<Vec<(String, Option<u64>)>>,
}

/// The virtual machines of a subscription.
#[derive(Debug, Default)]
pub(super) struct Machines {
    /// By id in small letters; `None` if they may not be read.
    all: Option<BTreeMap<String, Vm>>,
    pub(super) missing: Vec<Missing>,
}

impl Vm {
    fn read(machine: Resource<VirtualMachine>) -> Option<Self> {
        let id = machine.id.into_option()?;
        let view = machine.properties.instance_view.into_value();
        let mut power = None;
        let mut booted_at = None;
        for status in view.statuses.iter() {
            let Some((kind, word)) = status.code.get().and_then(|code| code.split_once('/')) else {
                continue;
            };
            if kind.eq_ignore_ascii_case("PowerState") {
                power = power_of(word);
            }
            if kind.eq_ignore_ascii_case("ProvisioningState") {
                booted_at = status.time.get();
            }
        }
        let profile = machine.properties.storage_profile.get();
        let disks = profile.map(|profile| {
            let disks = profile.os_disk.get().into_iter().chain(profile.data_disks.iter());
            disks.filter_map(|disk| Some((disk.name.get()?.to_owned(), disk.disk_size_gb.count()))).collect()
        });
        Some(Self { id, power, booted_at: booted_at.filter(|_| power == Some(PowerState::Running)), disks })
    }

    /// Returns the name of the machine.
    fn name(&self) -> &str {
        last_part(&self.id)
    }

    /// Writes what is seen of the machine.
    pub(super) fn tell(&self, facts: &mut AzureVm) {
        let (subscription, group) = place_of(&self.id);
        facts.exists = known(true);
        facts.id = text(Some(&self.id));
        facts.subscription_id = text(subscription);
        facts.resource_group = text(group);
        facts.power_state = self.power.and_then(known);
        facts.booted_at = self.booted_at.and_then(known);
        if let (Some(made), Some(group)) = (&facts.failover_resource_group, group) {
            facts.moved = known(!made.value.eq_ignore_ascii_case(group));
        }
        if let Some(disks) = &self.disks {
            let disk = |(name, size): &(String, Option<u64>)| AzureDisk {
                id: Spanned::bare(name.clone()),
                size_gb: size.and_then(|size| known(Bytes::gib(size))),
                replicated_from_onprem: None,
                temporary: None,
            };
            facts.disks = Some(disks.iter().map(disk).collect());
        }
    }
}

fn power_of(word: &str) -> Option<PowerState> {
    let is = |other: &str| word.eq_ignore_ascii_case(other);
    Some(match word {
        _ if is("running") => PowerState::Running,
        _ if is("stopped") => PowerState::Stopped,
        _ if is("deallocated") => PowerState::Deallocated,
        _ if is("starting") => PowerState::Starting,
        _ if is("stopping") || is("deallocating") => PowerState::Stopping,
        _ => return None,
    })
}

impl Machines {
    /// Returns whether a machine has this name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.all.iter().flat_map(BTreeMap::values).any(|vm| vm.name().eq_ignore_ascii_case(name))
    }

    /// Returns whether the machines could be read.
    pub(super) const fn is_known(&self) -> bool {
        self.all.is_some()
    }

    /// Returns a machine by its id.
    pub(super) fn by_id(&self, id: &str) -> Option<&Vm> {
        self.all.as_ref()?.get(&id.to_lowercase())
    }

    /// Returns a machine by its name, if one alone has it.
    pub(super) fn by_name(&self, name: &str) -> Option<&Vm> {
        let mut same = self.all.as_ref()?.values().filter(|vm| vm.name().eq_ignore_ascii_case(name));
        same.next().filter(|_| same.next().is_none())
    }
}

/// Reads the virtual machines of the vault's subscription: what they are made of, and how they are.
pub(super) async fn machines(
    reader: &ReadClient,
    vault: &VaultId,
    models: bool,
) -> Result<(Machines, usize), AzureError> {
    let path = format!("{}/providers/Microsoft.Compute/virtualMachines", vault.subscription_path());
    let mut requests = 0;
    let mut read = Machines::default();
    let listed = reader.list::<Resource<VirtualMachine>>(&path, "statusOnly=true", COMPUTE).await;
    let Some(states) = permitted(listed, "azure_vm", &mut read.missing, &mut requests).await? else {
        return Ok((read, requests));
    };
    let mut all: BTreeMap<String, Vm> = states
        .into_iter()
        .filter_map(Vm::read)
        .map(|vm| (vm.id.to_lowercase(), Vm { disks: None, ..vm }))
        .collect();
    if models {
        let listed = reader.list::<Resource<VirtualMachine>>(&path, "", COMPUTE).await;
        for vm in
            permitted(listed, "azure_vm.disks", &mut read.missing, &mut requests).await?.unwrap_or_default()
        {
            if let Some(vm) = Vm::read(vm) {
                all.entry(vm.id.to_lowercase())
                    .or_insert_with(|| Vm { id: vm.id.clone(), ..Vm::default() })
                    .disks = vm.disks;
            }
        }
    }
    read.all = Some(all);
    Ok((read, requests))
}

/// What a look at one virtual machine showed.
#[derive(Clone, Debug)]
pub(super) enum One {
    /// It is there.
    There(Vm),
    /// It is not there.
    Gone,
    /// It may not be read.
    Hidden(Missing),
}

/// Reads one virtual machine.
pub(super) async fn machine(reader: &ReadClient, id: &str) -> Result<One, AzureError> {
    match reader.get::<Resource<VirtualMachine>>(id, "$expand=instanceView", COMPUTE).await {
        Ok(machine) => Ok(Vm::read(machine).map_or(One::Gone, One::There)),
        Err(AzureError::NotFound { .. }) => Ok(One::Gone),
        Err(error) => match Missing::of("azure_vm", &error) {
            Some(missing) => Ok(One::Hidden(missing)),
            None => Err(error),
        },
    }
}
