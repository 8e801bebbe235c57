//! `await_azure_agent` and `await_agent`: an agent registers within 15 minutes of a boot.

use jiff::Timestamp;

use crate::model::Machine;
use crate::run::retry::AGENT_WINDOW;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::cycle::least_place;

fn registered(machine: Machine<'_>) -> Option<bool> {
    machine.asr().ok()?.agent_registration_ok.map(|ok| ok.value)
}

pub(super) fn in_azure(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 1 => {
            return context.adopt("the machine replicates to on-premises already");
        }
        Ok(_) => {}
    }
    let machine = context.machine();
    let booted = machine.azure_vm().ok().and_then(|vm| vm.booted_at).map(|at| at.value);
    await_registration(context, machine, booted, "in Azure")
}

pub(super) fn onprem(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 5 => return context.adopt("the machine replicates to Azure already"),
        Ok(_) => {}
    }
    let machine = context.machine();
    let booted = machine.onprem_vm().ok().and_then(|vm| vm.booted_at).map(|at| at.value);
    await_registration(context, machine, booted, "on-premises")
}

/// An agent that is seen registered is enough; one that is seen not to be gets its 15 minutes. Where nobody can tell, the
/// next call tells: it is retried inside the same window.
fn await_registration(
    context: &Context<'_>,
    machine: Machine<'_>,
    booted: Option<Timestamp>,
    place: &str,
) -> Decision {
    if registered(machine) != Some(false) {
        return Decision::Succeed(None);
    }
    let from = booted.unwrap_or(context.began()).max(context.began());
    let reason = format!("the agent of {} has not registered after its boot {place}", machine.name());
    let patience =
        from.saturating_add(AGENT_WINDOW).unwrap_or(Timestamp::MAX).duration_since(context.began());
    context.wait(reason, None, patience)
}
