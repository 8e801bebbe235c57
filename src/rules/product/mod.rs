//! Rules of the product about what a run comes to, and about how long a waiver holds (FB533–FB539).

pub(crate) mod onprem_vm_running_before_reprotect;
pub(crate) mod target_host_not_used;
pub(crate) mod vault_differs;
pub(crate) mod waiver_without_end;

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &onprem_vm_running_before_reprotect::RULE,
    &vault_differs::RULE,
    &target_host_not_used::RULE,
    &waiver_without_end::RULE,
];
