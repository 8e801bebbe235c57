//! `verify`: the on-premises VM is seen running and the Azure VM off, then the plan's probes are run.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::model::Known as _;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Wait;
use crate::run::step::least_place;
use crate::syntax::action::Probe;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::ToolsState;

/// How long both power states may take to be as they must.
const POWER_PATIENCE: SignedDuration = SignedDuration::from_mins(30);
/// How long VMware Tools may take to come up after a boot before the run goes on without them.
const TOOLS_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
/// How long a probe is tried, if the plan says nothing.
const PROBE_PATIENCE: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn decide(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 4 => return context.adopt("the failover is committed already"),
        Ok(3) => {}
        Ok(_) => {
            let message = "the machine has not failed back: its failover was taken back".into();
            return Decision::Fail { code: "not-failed-back", message };
        }
    }
    let machine = context.machine();
    let onprem =
        machine.onprem_vm().and_then(|vm| vm.power_state.fact("onprem_vm.power_state")).ok().map(|s| s.value);
    let azure =
        machine.azure_vm().and_then(|vm| vm.power_state.fact("azure_vm.power_state")).ok().map(|s| s.value);
    let off = matches!(azure, Some(PowerState::Stopped | PowerState::Deallocated));
    if onprem == Some(PowerState::Running) && off {
        let tools = machine.onprem_vm().ok().and_then(|vm| vm.tools).map(|tools| tools.value);
        let end = context.began().saturating_add(TOOLS_PATIENCE).unwrap_or(Timestamp::MAX);
        let patient = context.now < end;
        // Tools that don't come up are told of and stop nothing: what counts is whether the machine does its work.
        if patient && tools.is_some_and(|tools| tools != ToolsState::Running) {
            let reason = format!("VMware Tools of {} are starting", machine.name());
            return match context.wait(reason, None, POWER_PATIENCE) {
                Decision::Wait(wait) => Decision::Wait(Wait { told_until: Some(end), ..wait }),
                other => other,
            };
        }
        return if machine.probes().is_empty() {
            let tools = tools.map_or("not known", ToolsState::as_str);
            let note = format!("on-premises VM seen running, Azure VM seen off, VMware Tools {tools}");
            Decision::Succeed(Some(note))
        } else {
            Decision::Probe
        };
    }
    let word = |state: Option<PowerState>| state.map_or("not known", PowerState::as_str);
    let (onprem, azure) = (word(onprem), word(azure));
    let reason = format!("{}: on-premises VM {onprem}, Azure VM {azure}", machine.name());
    context.wait(reason, None, POWER_PATIENCE)
}

/// Returns when a probe that began at `from` counts as failed.
#[must_use]
pub fn probe_deadline(probe: &Probe, from: Timestamp) -> Timestamp {
    let patience = probe.within.map_or(PROBE_PATIENCE, |within| {
        SignedDuration::from_secs(i64::try_from(within.value.0).unwrap_or(i64::MAX))
    });
    from.saturating_add(patience).unwrap_or(Timestamp::MAX)
}
