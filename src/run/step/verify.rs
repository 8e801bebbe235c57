//! `verify`: the on-premises VM is seen running and the Azure VM off, then the plan's probes are run.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::event::TAKEN_BACK;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Wait;
use crate::run::step::cycle::least_place;
use crate::run::step::sides;
use crate::syntax::action::Probe;
use crate::syntax::inventory::Experience;
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
            let name = &context.machine().name().value;
            return Decision::Fail { code: TAKEN_BACK, message: taken_back(name) };
        }
    }
    let machine = context.machine();
    // Only a verification that failed asks, and only where a failover can be taken back.
    if let Some(answer) = &context.state.answer {
        if answer.approved {
            let machine = context.graph.name_of(machine.index()).clone();
            return Decision::Send(Request::CancelFailover { machine });
        }
        let message = format!(
            "{} does not take the failover back; put right what is wrong on-premises and retry this step: {}",
            answer.by,
            sides::in_words(machine)
        );
        return Decision::Fail { code: "verification-failed", message };
    }
    let (onprem, azure) = sides::powers(machine);
    let off = matches!(azure, Some(PowerState::Stopped | PowerState::Deallocated));
    if onprem == Some(PowerState::Running) && off {
        let tools = machine.onprem_vm().ok().and_then(|vm| vm.tools).map(|tools| tools.value);
        let end = context.began().saturating_add(TOOLS_PATIENCE).unwrap_or(Timestamp::MAX);
        let patient = context.now < end;
        // Tools that don't come up are told of and stop nothing: what counts is whether the machine does its work.
        if patient && tools.is_some_and(|tools| tools != ToolsState::Running) {
            let reason = ["VMware Tools of ", machine.name().value.as_str(), " are starting"].concat();
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
    match context.wait(sides::in_words(machine), None, POWER_PATIENCE) {
        Decision::Fail { .. } => not_verified(context, "the power states are not as they must be"),
        other => other,
    }
}

/// Returns what happens when a machine is not verified: a planned failover can be taken back, if a person wants it; in classic
/// nothing can be, and before the commit there are only two ways on (vmware-azure-tutorial-failover-failback-modernized, Cancel
/// planned failover; site-recovery-failback-azure-to-vmware, 2017-06-05).
#[must_use]
pub fn not_verified(context: &Context<'_>, why: &str) -> Decision {
    let machine = context.machine();
    let (name, sides) = (machine.name(), sides::in_words(machine));
    match context.graph.experience() {
        // One that others began is not offered: a person who skipped the failover step left it as it was.
        Experience::Modernized if !context.may_take_back(context.machine()) => Decision::Fail {
            code: "verification-failed",
            message: format!(
                "{why} ({sides}); its planned failover is not of this drill, and is not taken back; {}",
                context.who_decides()
            ),
        },
        Experience::Modernized => Decision::Ask {
            prompt: format!(
                "{name} came back and is not verified: {why} ({sides}). Cancel its planned failover? Yes: the changes made on-premises \
                 are reverted and the Azure VM is started again. No: it stays as it is, uncommitted; {}.",
                context.who_decides()
            ),
            roles: Vec::new(),
        },
        Experience::Classic => Decision::Fail {
            code: "verification-failed",
            message: format!(
                "{why} ({sides}); a classic failover can't be cancelled, and it is not committed, so that the Azure VM with its data \
                 is still there; {}: put it right on-premises, then retry this step; or keep the Azure VM, stop the on-premises \
                 VM, and do not commit, which would delete the Azure VM",
                context.who_decides()
            ),
        },
    }
}

/// Returns what is said of machines whose failover was taken back.
#[must_use]
pub fn taken_back(names: &str) -> String {
    format!(
        "the planned failover of {names} was cancelled: it runs in Azure again, and replicates to on-premises"
    )
}

/// Returns when a probe that began at `from` counts as failed.
#[must_use]
pub fn probe_deadline(probe: &Probe, from: Timestamp) -> Timestamp {
    let patience = probe.within.map_or(PROBE_PATIENCE, |within| {
        SignedDuration::from_secs(i64::try_from(within.value.0).unwrap_or(i64::MAX))
    });
    from.saturating_add(patience).unwrap_or(Timestamp::MAX)
}
