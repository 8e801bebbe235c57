//! Rules about what a plan is made of (FB500–FB539).

pub(crate) mod commit_step_missing;
pub(crate) mod commit_without_approval;
pub(crate) mod dependency_cycle;
pub(crate) mod dependency_order;
pub(crate) mod forward_reprotect_missing;
pub(crate) mod forward_reprotect_without_process_server;
pub(crate) mod machine_in_two_groups;
pub(crate) mod machine_in_two_plans;
pub(crate) mod manual_action_in_unattended_run;
pub(crate) mod mixed_source;
pub(crate) mod mixed_subscription;
pub(crate) mod native_runbook_in_vmware_failback;
pub(crate) mod plan_too_large;
pub(crate) mod replication_group_mixed_os;
pub(crate) mod replication_group_not_via_plan;
pub(crate) mod replication_group_several_master_targets;
pub(crate) mod replication_group_split;
pub(crate) mod reprotect_parameters_incomplete;
pub(crate) mod runbook_account_subscription;
pub(crate) mod runbook_failure_does_not_stop_plan;
pub(crate) mod runbook_too_long;
pub(crate) mod step_order;
pub(crate) mod test_failover_of_failback;
pub(crate) mod too_many_groups;
pub(crate) mod unknown_reference;

use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Rule;
use crate::rules::steps::PlannedStep;
use crate::source::Span;
use crate::source::Spanned;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &unknown_reference::RULE,
    &machine_in_two_groups::RULE,
    &machine_in_two_plans::RULE,
    &plan_too_large::RULE,
    &too_many_groups::RULE,
    &replication_group_split::RULE,
    &replication_group_not_via_plan::RULE,
    &replication_group_mixed_os::RULE,
    &replication_group_several_master_targets::RULE,
    &reprotect_parameters_incomplete::RULE,
    &mixed_source::RULE,
    &mixed_subscription::RULE,
    &step_order::RULE,
    &commit_step_missing::RULE,
    &forward_reprotect_missing::RULE,
    &forward_reprotect_without_process_server::RULE,
    &commit_without_approval::RULE,
    &native_runbook_in_vmware_failback::RULE,
    &manual_action_in_unattended_run::RULE,
    &runbook_account_subscription::RULE,
    &runbook_too_long::RULE,
    &runbook_failure_does_not_stop_plan::RULE,
    &dependency_order::RULE,
    &test_failover_of_failback::RULE,
    &dependency_cycle::RULE,
];

/// Things that a finding points at, and names in a message; the rest are counted.
const LABELS: usize = 10;

/// Returns some names for a message.
fn shortened(names: &[&str]) -> String {
    let shown = names.iter().take(LABELS).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(LABELS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns the different values of a fact of some machines, each with the first machine that has it; and what is not known.
///
/// What is not known of a single machine makes no difference.
fn distinct<'m>(
    machines: impl Iterator<Item = Machine<'m>>,
    fact: fn(Machine<'m>) -> Fact<Spanned<String>>,
) -> (Vec<(Spanned<String>, Machine<'m>)>, Fact<()>) {
    let (mut found, mut seen) = (Vec::new(), IdSet::default());
    let (mut unknown, mut count) = (Ok(()), 0_usize);
    for machine in machines {
        count += 1;
        match fact(machine) {
            Ok(value) => {
                if !seen.contains(&value.value) {
                    seen.insert(value.value.clone());
                    found.push((value, machine));
                }
            }
            Err(missing) => {
                unknown = unknown.and(Err(Unknown::of(missing.field, machine.name().value.as_str())));
            }
        }
    }
    (found, if count > 1 { unknown } else { Ok(()) })
}

/// Returns where a step is written; a step that no text holds stands where the plan names its machine.
fn span_of(step: &PlannedStep, model: &Model) -> Span {
    if step.span.is_none() {
        model.machine_named(step.machine.as_str()).map_or(Span::NONE, |machine| machine.name().span)
    } else {
        step.span
    }
}
