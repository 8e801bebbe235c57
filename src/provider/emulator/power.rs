//! What changes of a machine's copies while they are switched on and off: it changes more often than all else about them, and
//! whoever looked at a copy before need not read the rest again.

use jiff::Timestamp;

use crate::provider::emulator::item::Item;
use crate::provider::emulator::unknown::unknown_azure_vm;
use crate::provider::emulator::unknown::unknown_onprem_vm;
use crate::syntax::inventory::Known;
use crate::syntax::machine::Machine;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;

/// How often each copy was switched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Switched {
    azure: u32,
    onprem: u32,
}

/// The power of the copy in Azure.
pub(super) struct AzurePower<'i> {
    pub state: &'i mut Known<PowerState>,
    pub booted_at: &'i mut Known<Timestamp>,
}

/// The power of the copy on-premises, and its tools, which follow.
pub(super) struct OnpremPower<'i> {
    pub state: &'i mut Known<PowerState>,
    pub tools: &'i mut Known<ToolsState>,
    pub booted_at: &'i mut Known<Timestamp>,
}

impl Item {
    /// Returns the power of the copy in Azure, to be changed.
    pub(super) fn azure_power(&mut self) -> AzurePower<'_> {
        self.changes.switched.azure += 1;
        let vm = self.facts.azure_vm.get_or_insert_with(|| {
            self.changes.azure_vm += 1;
            unknown_azure_vm()
        });
        AzurePower { state: &mut vm.power_state, booted_at: &mut vm.booted_at }
    }

    /// Returns the power of the copy on-premises, to be changed.
    pub(super) fn onprem_power(&mut self) -> OnpremPower<'_> {
        self.changes.switched.onprem += 1;
        let vm = self.facts.onprem_vm.get_or_insert_with(|| {
            self.changes.onprem_vm += 1;
            unknown_onprem_vm()
        });
        OnpremPower { state: &mut vm.power_state, tools: &mut vm.tools, booted_at: &mut vm.booted_at }
    }

    /// Brings the power of both copies, as it was seen `before`, to the present moment.
    pub(super) const fn show_power(&self, before: Switched, facts: &mut Machine) {
        if before.azure != self.changes.switched.azure
            && let (Some(seen), Some(vm)) = (&mut facts.azure_vm, &self.facts.azure_vm)
        {
            (seen.power_state, seen.booted_at) = (vm.power_state, vm.booted_at);
        }
        if before.onprem != self.changes.switched.onprem
            && let (Some(seen), Some(vm)) = (&mut facts.onprem_vm, &self.facts.onprem_vm)
        {
            (seen.power_state, seen.tools, seen.booted_at) = (vm.power_state, vm.tools, vm.booted_at);
        }
    }
}
