//! Facts laid over facts: what one source leaves out is filled in from another, fact by fact.

mod blank;
mod lay;

pub use blank::blank_asr;
pub use blank::blank_azure_vm;
pub use blank::blank_machine;
pub use blank::blank_onprem_vm;

use crate::model::fact_source::FactSource;
use crate::model::fact_source::find;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Machine;

/// Facts that do not change while a machine goes through its cycle, and that the services tell in a part of it only. What was
/// known of them stays known.
const STEADY: &[&str] = &[
    "asr.agent_version_at_last_reboot",
    "asr.configuration_server",
    "asr.failover_vault",
    "asr.in_config_server_db",
    "asr.source_vcenter",
    "asr.source_vm_uuid",
    "azure_vm.created_by",
    "azure_vm.disks.replicated_from_onprem",
    "azure_vm.disks.temporary",
    "azure_vm.failover_resource_group",
    "azure_vm.id",
    "azure_vm.ip_retained",
    "boot",
    "kind",
    "memory_gb",
    "network.static_ip",
    "onprem_vm.disks.excluded",
    "os",
    "vault.experience",
];

/// Lays facts that were observed over those of a file: what only a person knows stays as the file has it, and so does what does
/// not change and is not told at the moment. Anything else that was not observed is unknown.
pub fn keep_what_a_person_knows(observed: &mut Inventory, base: &Inventory) {
    lay::lay(observed, base, &|field| {
        let is_steady = STEADY.iter().any(|steady| {
            field.strip_prefix(steady).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        is_steady || find(field).unwrap_or(FactSource::Person) == FactSource::Person
    });
}

/// Fills what facts leave out with those of another source.
pub fn fill(facts: &mut Inventory, other: &Inventory) {
    lay::lay(facts, other, &|_| true);
}

/// Fills what the facts about one machine leave out with those of another source.
pub fn fill_machine(facts: &mut Machine, other: &Machine) {
    lay::machine(facts, other, &|_| true);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::source::Spanned;
    use crate::syntax::machine::Asr;
    use crate::syntax::machine::AzureVm;
    use crate::syntax::machine::PowerState;
    use crate::syntax::machine::State;

    fn known() -> Machine {
        let mut machine = blank_machine("w1");
        machine.state = Some(Spanned::bare(State::FailedOver));
        machine.memory_gb = Some(Spanned::bare(crate::quantity::Bytes::gib(8)));
        machine.azure_vm = Some(AzureVm {
            power_state: Some(Spanned::bare(PowerState::Running)),
            outbound_urls_reachable: Some(Spanned::bare(true)),
            ..blank_azure_vm()
        });
        machine.asr = Some(Asr { migration_completed: Some(Spanned::bare(false)), ..blank_asr() });
        machine
    }

    fn inventory(machines: Option<Vec<Machine>>) -> Inventory {
        Inventory { machines, ..Inventory::unknown("site") }
    }

    #[test]
    fn what_only_a_person_knows_stays_and_the_rest_is_unknown() {
        let base = inventory(Some(vec![known()]));
        let mut observed = inventory(Some(vec![blank_machine("w1")]));
        keep_what_a_person_knows(&mut observed, &base);
        let machine = &observed.machines.as_ref().expect("they are listed")[0];
        assert_eq!((machine.state, machine.active_site), (None, None), "the service tells the state");
        let vm = machine.azure_vm.as_ref().expect("a person knows something of it");
        assert_eq!((vm.power_state, vm.outbound_urls_reachable.map(|ok| ok.value)), (None, Some(true)));
        assert_eq!(machine.memory_gb.map(|memory| memory.value.0), Some(8 << 30), "it does not change");
        let asr = machine.asr.as_ref().expect("a person knows something of it");
        assert_eq!(asr.migration_completed.map(|done| done.value), Some(false));
    }

    #[test]
    fn what_was_observed_counts() {
        let base = inventory(Some(vec![known()]));
        let mut seen = blank_machine("w1");
        seen.state = Some(Spanned::bare(State::FailedBack));
        seen.memory_gb = Some(Spanned::bare(crate::quantity::Bytes::gib(16)));
        let mut observed = inventory(Some(vec![seen]));
        keep_what_a_person_knows(&mut observed, &base);
        let machine = &observed.machines.as_ref().expect("they are listed")[0];
        assert_eq!(machine.state.map(|state| state.value), Some(State::FailedBack));
        assert_eq!(machine.memory_gb.map(|memory| memory.value.0), Some(16 << 30));
    }

    #[test]
    fn what_nobody_looked_at_is_unknown() {
        let mut base = inventory(None);
        base.hosts = Some(Vec::new());
        let mut observed = inventory(None);
        keep_what_a_person_knows(&mut observed, &base);
        assert_eq!(observed.hosts, None, "the file may be old");
    }

    #[test]
    fn no_key_is_forgotten() {
        // A full document laid over one that only has the names gives the full document back.
        for file in ["branch-office", "enterprise"] {
            let path = format!("{}/plans/{file}.inventory.yaml", env!("CARGO_MANIFEST_DIR"));
            let text = std::fs::read_to_string(&path).expect("the example is there");
            let mut sources = Sources::new();
            let index = sources.add(path, text).expect("it is small");
            let documents = crate::syntax::parse(sources.get(index), &mut Vec::new());
            let Some(crate::syntax::Document::Inventory(full)) = documents.into_iter().next() else {
                panic!("no inventory")
            };
            let full = *full;
            let mut bare =
                Inventory { remarks: full.remarks.clone(), ..Inventory::unknown(&full.name.value) };
            bare.machines = full
                .machines
                .as_ref()
                .map(|machines| machines.iter().map(|machine| blank_machine(&machine.name.value)).collect());
            fill(&mut bare, &full);
            assert_eq!(bare, full, "{file}");
        }
    }
}
