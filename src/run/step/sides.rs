//! On which sides a machine runs: what is said of one that runs on both, or on neither.

use crate::event::Seen;
use crate::event::Sides;
use crate::model::Known as _;
use crate::model::Machine;
use crate::run::step::Context;
use crate::syntax::machine::PowerState;

/// Our code for a machine that runs on both sides.
const BOTH_SIDES_RUN: &str = "both-sides-run";
/// Our code for a machine that runs on neither side.
const NEITHER_SIDE_RUNS: &str = "neither-side-runs";

/// Returns the power states of both sides of a machine: on-premises, and in Azure.
pub(super) fn powers(machine: Machine<'_>) -> (Option<PowerState>, Option<PowerState>) {
    let onprem = machine.onprem_vm().and_then(|vm| vm.power_state.fact("onprem_vm.power_state"));
    let azure = machine.azure_vm().and_then(|vm| vm.power_state.fact("azure_vm.power_state"));
    (onprem.ok().map(|state| state.value), azure.ok().map(|state| state.value))
}

/// Returns the same in words.
pub(super) fn in_words(machine: Machine<'_>) -> String {
    let word = |state: Option<PowerState>| state.map_or("not known", PowerState::as_str);
    let (onprem, azure) = powers(machine);
    format!("{}: on-premises VM {}, Azure VM {}", machine.name(), word(onprem), word(azure))
}

/// Returns code and message of the alarm of a machine that does not run on one side.
#[must_use]
pub fn alarm(context: &Context<'_>, machine: Machine<'_>) -> Option<(&'static str, String)> {
    let (name, who) = (machine.name(), context.who_decides());
    Some(match Seen::of(machine).sides()? {
        Sides::Both => (
            BOTH_SIDES_RUN,
            format!(
                "{name} runs on both sides, on-premises and in Azure: two live copies of it drift apart; stop one now, and do \
                 not commit before it is known which one counts; {who}"
            ),
        ),
        Sides::Neither => (
            NEITHER_SIDE_RUNS,
            format!(
                "{name} runs on neither side: what it does for others stands still, and nothing is committed; start one of its \
                 VMs, and never both; {who}"
            ),
        ),
    })
}

/// Returns what is said of a machine whose failover failed: its powers and, unless it goes on in Azure as before, who decides.
/// It is one of several in a message, which semicolons part.
#[must_use]
pub fn after_failover(context: &Context<'_>, machine: Machine<'_>) -> String {
    let sides = in_words(machine);
    let who = context.who_decides();
    let seen = Seen::of(machine);
    match (seen.sides(), seen.runs_onprem, seen.runs_in_azure) {
        (Some(Sides::Neither), _, _) => format!(
            "{sides}, so it runs on neither side: mend the cause and retry this step, or start the Azure VM, whose data is still \
             there ({who})"
        ),
        (None, Some(false), Some(true)) => sides,
        (Some(Sides::Both) | None, _, _) => format!("{sides} ({who})"),
    }
}
