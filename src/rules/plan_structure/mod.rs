//! Rules about what a plan is made of (FB500–FB539).

pub(crate) mod commit_step_missing;
pub(crate) mod commit_without_approval;
pub(crate) mod dependency_cycle;
pub(crate) mod forward_reprotect_missing;
pub(crate) mod forward_reprotect_without_process_server;
pub(crate) mod machine_in_two_groups;
pub(crate) mod replication_group_mixed_os;
pub(crate) mod replication_group_split;
pub(crate) mod step_order;
pub(crate) mod unknown_reference;

use crate::model::Model;
use crate::rules::Rule;
use crate::rules::steps::PlannedStep;
use crate::source::Span;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &unknown_reference::RULE,
    &machine_in_two_groups::RULE,
    &replication_group_split::RULE,
    &replication_group_mixed_os::RULE,
    &step_order::RULE,
    &commit_step_missing::RULE,
    &forward_reprotect_missing::RULE,
    &forward_reprotect_without_process_server::RULE,
    &commit_without_approval::RULE,
    &dependency_cycle::RULE,
];

/// Returns where a step is written; a step that no text holds stands where the plan names its machine.
fn span_of(step: &PlannedStep, model: &Model) -> Span {
    if step.span.is_none() {
        model.machine_named(&step.machine).map_or(Span::NONE, |machine| machine.name().span)
    } else {
        step.span
    }
}
