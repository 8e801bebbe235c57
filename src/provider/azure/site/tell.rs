//! What an observation tells of one machine.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::id::MachineName;
use crate::id::OperationId;
use crate::model::overlay;
use crate::provider::azure::http::redact;
use crate::provider::azure::site::AzureView;
use crate::provider::azure::site::NO_PANIC;
use crate::provider::azure::site::azure_vm::tell_azure;
use crate::provider::azure::site::directory::Directory;
use crate::provider::azure::site::directory::Entry;
use crate::provider::azure::site::machine;
use crate::provider::azure::site::machine::Around;
use crate::provider::azure::site::machine::known;
use crate::provider::azure::site::missing::Missing;
use crate::provider::azure::site::observe::Whole;
use crate::provider::azure::site::read::words as deciding;
use crate::provider::azure::site::state;
use crate::provider::azure::site::state::Kind;
use crate::provider::azure::vault::last_part;
use crate::provider::observation;
use crate::provider::observation::Replication;
use crate::syntax::machine::Machine;
use crate::syntax::machine::State;

impl AzureView {
    /// Returns what is known of a machine that the vault does not have: that it has it no more, unless its list leaves a doubt.
    pub(super) fn absent(&self, machine: &MachineName, directory: &Directory) -> Option<Machine> {
        if let Some(why) = directory.doubt(machine.as_str()) {
            self.note(&[Missing { facts: format!("machine {machine}"), why }]);
            return None;
        }
        self.base_machine(machine.as_str())?;
        let mut facts = overlay::blank_machine(machine.as_str());
        facts.state = known(State::ReplicationDisabled);
        facts.asr =
            Some(crate::syntax::machine::Asr { replication_enabled: known(false), ..overlay::blank_asr() });
        Some(facts)
    }

    /// Returns the replication with the end that follows from how fast it went since it was first seen.
    fn expected(&self, name: &str, replication: Option<Replication>, now: Timestamp) -> Option<Replication> {
        let mut transfers = self.shared.transfers.lock().expect(NO_PANIC);
        let key = name.to_lowercase();
        let Some(mut replication) = replication else {
            transfers.remove(&key);
            return None;
        };
        let (since, from) = *transfers.entry(key).or_insert((now, replication.done));
        let (passed, moved) = (now.duration_since(since).as_secs_f64(), replication.done - from);
        if passed > 0.0 && moved > 0.0 {
            let left = SignedDuration::try_from_secs_f64((1.0 - replication.done) * passed / moved);
            replication.expected_end = left.ok().and_then(|left| now.checked_add(left).ok());
        }
        Some(replication)
    }

    /// Returns what is seen of one machine.
    pub(super) fn tell(
        &self,
        machine: &MachineName,
        entry: &Entry,
        now: Timestamp,
        around: &Whole<'_>,
    ) -> (Machine, observation::Item) {
        // An item that was read whole counts as long as the list says the same of it, or was read earlier.
        let full = self.whole(&entry.name).filter(|full| {
            full.began >= around.directory.began || deciding(&full.item) == deciding(&entry.item)
        });
        let (newest, as_of) = match &full {
            Some(full) if full.began >= around.directory.began => (&*full.item, full.began),
            Some(_) | None => (&entry.item, around.directory.began),
        };
        let item = full.as_ref().map_or(&entry.item, |full| &*full.item);
        let kind = Kind::of(newest).unwrap_or(entry.kind);
        let vcenters = around.servers.value.vcenters.as_deref().unwrap_or_default();
        let discovered = around.accounts.value.vcenters.as_deref().unwrap_or_default();
        let vcenter = |id: &str| {
            let name = last_part(id);
            let classic = vcenters.iter().find(|vcenter| {
                let told = &vcenter.properties;
                [&told.internal_id, &told.infrastructure_id, &vcenter.name, &told.friendly_name]
                    .iter()
                    .any(|known| known.is(name))
            });
            let classic = classic.and_then(|vcenter| vcenter.properties.friendly_name.or(&vcenter.name));
            let modernized = || {
                let found = discovered.iter().find(|vcenter| {
                    let told = &vcenter.properties;
                    [&vcenter.name, &told.fqdn, &told.friendly_name].iter().any(|known| known.is(name))
                });
                found.and_then(|vcenter| vcenter.name.get())
            };
            classic.or_else(modernized).map(str::to_owned)
        };
        let discovered_uuid = |id: &str| around.accounts.value.uuids.get(&id.to_lowercase()).cloned();
        let registered =
            around.protectables.as_ref().map(|seen| seen.value.contains(&entry.name.to_lowercase()));
        let points = full.as_ref().and_then(|full| full.points.clone());
        let context = Around {
            vault: &self.vault.name,
            now,
            vcenter: &vcenter,
            discovered_uuid: &discovered_uuid,
            agent_registered: registered,
            points: points.as_deref().map(Vec::as_slice),
        };
        let mut facts = machine::facts(machine.as_str(), kind, item, full.is_some(), &context);
        if !std::ptr::eq(item, newest) {
            // What the list tells is newer: whether an agent has registered, and how it is, changes without a word that decides.
            let mut fresh = machine::facts(machine.as_str(), kind, newest, false, &context);
            overlay::fill_machine(&mut fresh, &facts);
            facts = fresh;
        }
        tell_azure(&mut facts, &entry.name, item, &around.vms);
        if let Some(vm) = facts.azure_vm.as_mut() {
            around.accounts.value.networks.tell(vm, machine::onprem_address(kind, item));
        }
        let onprem = around.onprem.as_ref().and_then(|onprem| {
            onprem
                .facts
                .machines
                .iter()
                .flatten()
                .find(|seen| seen.name.value.eq_ignore_ascii_case(machine.as_str()))
        });
        if let Some(onprem) = onprem {
            overlay::fill_machine(&mut facts, onprem);
        }
        let running = state::running(newest).map(|(_, job)| OperationId::new(job));
        let item = observation::Item {
            machine: machine.clone(),
            protection_state: redact::words(newest.protection_state.or_empty()),
            allowed: state::offers(kind, newest),
            running,
            replication: self.expected(&entry.name, machine::replication(kind, newest), as_of),
            failed_over_to: self.reached(&entry.name, kind, newest),
        };
        (facts, item)
    }
}
