//! `reprotect`: replication from Azure to on-premises. It powers the on-premises VM off and rewrites its disks.

use crate::id::MachineName;
use crate::model::Machine;
use crate::provider::OnpremTarget;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::least_place;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PowerState;

pub(super) fn decide(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 1 => {
            return Decision::Adopt("the machine replicates to on-premises already".into());
        }
        Ok(_) => {}
    }
    let machine = context.machine();
    if let Ok(vm) = machine.onprem_vm()
        && vm.exists.is_some_and(|exists| exists.value)
        && vm.power_state.is_some_and(|power| power.value == PowerState::Running)
    {
        return Decision::Fail {
            code: "onprem-vm-running",
            message: format!(
                "the on-premises VM of {} runs: reprotect would power it off and rewrite its disks; find out why, then power it off",
                machine.name()
            ),
        };
    }
    match target(context, machine) {
        Some(target) => Decision::Send(Request::ReprotectToOnprem {
            machine: MachineName::new(machine.name().value.as_str()),
            target,
        }),
        None => Decision::Fail {
            code: "reprotect-parameters",
            message: format!(
                "the plan does not say all that reprotect needs for {}: {}",
                machine.name(),
                match context.graph.experience() {
                    Experience::Classic => "master target, process server, retention volume and datastore",
                    Experience::Modernized => "appliance, log storage account and datastore",
                }
            ),
        },
    }
}

fn target(context: &Context<'_>, machine: Machine<'_>) -> Option<OnpremTarget> {
    let failback = &machine.settings().failback;
    let text =
        |value: &Option<crate::source::Spanned<String>>| value.as_ref().map(|value| value.value.clone());
    match context.graph.experience() {
        Experience::Classic => Some(OnpremTarget::Classic {
            master_target: text(&failback.master_target)?,
            process_server: text(&failback.process_server)?,
            retention_volume: text(&failback.retention_volume)?,
            datastore: text(&failback.datastore)?,
        }),
        Experience::Modernized => Some(OnpremTarget::Modernized {
            appliance: text(&failback.appliance)?,
            log_storage_account: text(&failback.log_storage_account)?,
            datastore: text(&failback.datastore)?,
        }),
    }
}
