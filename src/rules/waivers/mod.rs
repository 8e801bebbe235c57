//! Rules about what a plan accepts (FB525–FB531).

pub(crate) mod acknowledgement_not_needed;
pub(crate) mod waiver_expired;
pub(crate) mod waiver_never_allowed;
pub(crate) mod waiver_not_needed;
pub(crate) mod waiver_of_unknown_rule;
pub(crate) mod waiver_of_unknown_subject;
pub(crate) mod waiver_without_reason;

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &waiver_without_reason::RULE,
    &waiver_expired::RULE,
    &waiver_of_unknown_rule::RULE,
    &waiver_never_allowed::RULE,
    &waiver_not_needed::RULE,
    &waiver_of_unknown_subject::RULE,
    &acknowledgement_not_needed::RULE,
];
