//! The copies of machines in Azure, as an observation tells of them.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::NO_PANIC;
use crate::provider::azure::site::compute;
use crate::provider::azure::site::compute::Machines;
use crate::provider::azure::site::compute::One;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::look::Asking;
use crate::provider::azure::site::machine;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::read::before;
use crate::provider::azure::site::read::times;
use crate::provider::azure::site::state;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::item::Item;
use crate::provider::observation::Freshness;
use crate::syntax::machine::AzureDisk;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;

/// How long the list of virtual machines is good for where a step only waits.
const VMS_GOOD_FOR: SignedDuration = SignedDuration::from_mins(20);
/// Up to how many virtual machines are read one by one in place of a page of the list of all.
const FEW: usize = 4;

impl AzureView {
    /// Returns the id of a machine's copy in Azure: as its item tells or told, else as a person wrote it down.
    pub(super) fn vm_id(&self, entry: &Entry) -> Option<String> {
        let full = self.whole(&entry.name);
        let item = full.as_ref().map_or(&entry.item, |full| &full.item);
        let kind = Kind::of(item).unwrap_or(entry.kind);
        let mut ids = self.shared.vm_ids.lock().expect(NO_PANIC);
        let key = entry.name.to_lowercase();
        if let Some(id) = machine::azure_vm_id(kind, item) {
            ids.insert(key, id.clone());
            return Some(id);
        }
        let written = || self.base_machine(&entry.name)?.azure_vm.as_ref()?.id.as_ref();
        ids.get(&key).cloned().or_else(|| written().map(|id| id.value.clone()))
    }

    /// Returns whether a machine's failover home is committed, by what was read of it last.
    fn is_home(&self, entry: &Entry) -> bool {
        let full = self.whole(&entry.name);
        let item = full.as_ref().map_or(&entry.item, |full| &full.item);
        match state::state(Kind::of(item).unwrap_or(entry.kind), item) {
            Some(State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure) => true,
            Some(
                State::FailedOver
                | State::FailedOverCommitted
                | State::ReprotectingToOnprem
                | State::ProtectedToOnprem
                | State::FailingBack
                | State::FailedBack
                | State::Migrated
                | State::AzureVmDeleted
                | State::ReplicationDisabled
                | State::AzureVmMoved,
            )
            | None => false,
        }
    }

    pub(super) async fn azure_vms(
        &self,
        entries: &[&Entry],
        freshness: Freshness,
        asked_at: Timestamp,
        asking: &Asking<'_>,
    ) -> Result<Vms, AzureError> {
        let ids: Vec<Option<String>> = entries.iter().map(|entry| self.vm_id(entry)).collect();
        // The list tells of servers, too, so that it is read once at least.
        let pages = self.shared.machines.last().await.map(|seen| seen.pages);
        let one_by_one = freshness != Freshness::Lately
            && pages.is_some_and(|pages| asking.all() <= pages * FEW)
            && ids.iter().all(Option::is_some);
        let listed = if one_by_one {
            None
        } else {
            let listed = self
                .vms(|seen| match freshness {
                    Freshness::Now | Freshness::Listed => asked_at,
                    Freshness::Lately => {
                        before(asked_at, times(VMS_GOOD_FOR, seen.map_or(1, |seen| seen.pages)))
                    }
                })
                .await?;
            Some(listed.value)
        };
        let mut found = Vec::with_capacity(entries.len());
        for (entry, id) in entries.iter().zip(&ids) {
            let one = match (&listed, id) {
                (Some(listed), id) => in_list(listed, id.as_deref(), &entry.name),
                (None, Some(id)) => Some(compute::machine(&self.reader, id).await?),
                (None, None) => None,
            };
            if let Some(One::Hidden(missing)) = &one {
                self.note(std::slice::from_ref(missing));
            }
            if let Some(One::There(vm)) = &one {
                self.shared.vm_ids.lock().expect(NO_PANIC).insert(entry.name.to_lowercase(), vm.id.clone());
            }
            found.push((entry.name.to_lowercase(), one));
        }
        // One that is not where it was may be elsewhere; one that a commit deletes is not.
        let mut listed = listed;
        let is_missed = |(entry, (_, one)): (&&Entry, &(String, Option<One>))| {
            matches!(one, Some(One::Gone)) && !self.is_home(entry)
        };
        if listed.is_none() && entries.iter().zip(&found).any(is_missed) {
            listed = Some(self.vms(|_| asked_at).await?.value);
        }
        Ok(Vms { found, listed })
    }
}

/// The virtual machines that were seen.
pub(super) struct Vms {
    /// By machine, in small letters; nothing for one of which no id and no name is known.
    pub(super) found: Vec<(String, Option<One>)>,
    pub(super) listed: Option<Arc<Machines>>,
}

fn in_list(listed: &Machines, id: Option<&str>, name: &str) -> Option<One> {
    if !listed.is_known() {
        return None;
    }
    let by_name = || if id.is_none() { listed.by_name(name) } else { None };
    let vm = id.and_then(|id| listed.by_id(id)).or_else(by_name);
    Some(vm.map_or(One::Gone, |vm| One::There(vm.clone())))
}

/// Writes what is seen of a machine's copy in Azure.
pub(super) fn tell_azure(facts: &mut Machine, name: &str, item: &Item, vms: &Vms) {
    let one = vms
        .found
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .and_then(|(_, one)| one.as_ref());
    let Some(vm) = facts.azure_vm.as_mut() else { return };
    match one {
        Some(One::There(seen)) => {
            seen.tell(vm);
            for disk in vm.disks.iter_mut().flatten() {
                tell_replicated(disk, item);
            }
            if vm.moved.is_some_and(|moved| moved.value) {
                facts.state = known(State::AzureVmMoved);
            }
        }
        Some(One::Gone) => {
            let elsewhere = vms.listed.as_ref().and_then(|listed| listed.by_name(name));
            let runs_there = matches!(
                facts.state.map(|state| state.value),
                Some(State::FailedOver | State::FailedOverCommitted)
            );
            if let Some(seen) = elsewhere {
                seen.tell(vm);
                vm.moved = known(true);
                facts.state = known(State::AzureVmMoved).filter(|_| runs_there).or(facts.state);
                return;
            }
            vm.exists = known(false);
            if runs_there {
                facts.state = known(State::AzureVmDeleted);
            }
        }
        Some(One::Hidden(_)) | None => {}
    }
}

/// Writes whether a disk in Azure came from on-premises, where the item tells which ones did.
fn tell_replicated(disk: &mut AzureDisk, item: &Item) {
    let details = &item.provider_specific_details;
    if Kind::of(item).is_none_or(Kind::is_to_onprem) || details.protected_disks.is_empty() {
        return;
    }
    let name = disk.id.value.to_lowercase();
    let plain =
        |text: &str| text.trim_start_matches(['\\', '.']).to_lowercase().replace("physicaldrive", "disk");
    let is_it = |text: &str| {
        let text = plain(text);
        plain(&name) == text || plain(&name).starts_with(&format!("{text}-"))
    };
    let of_disks = details.protected_disks.iter().any(|disk| {
        disk.disk_name.get().is_some_and(is_it)
            || disk.target_managed_disk_id.get().is_some_and(|id| is_it(last_part(id)))
    });
    let of_azure = details.azure_disks.iter().any(|disk| disk.target_disk_name.get().is_some_and(is_it));
    disk.replicated_from_onprem = known(of_disks || of_azure);
}
