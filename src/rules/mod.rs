//! Rules about a resolved plan and its facts: what Azure Site Recovery refuses, refused before it is asked.

mod alternate_location;
mod by_os;
mod chosen;
mod configuration_server;
mod conflict;
pub mod consistency;
mod eligibility;
mod evaluate;
mod findings;
pub mod fixture;
mod found;
mod hosts;
mod labels;
mod ledger;
mod master_target;
mod modernized;
mod moved;
mod needed;
mod network;
mod open;
mod original_location;
mod placement;
mod places;
mod plan_structure;
pub mod policy;
mod product;
mod reads;
mod recovery_point;
mod roster;
mod rule;
mod runtime;
pub(crate) mod slots;
pub mod steps;
pub mod unmeasured;
mod verdict;
mod waiver;
mod waivers;

pub use evaluate::Options;
pub use evaluate::OriginFilter;
pub use evaluate::check_guard;
pub use evaluate::check_steps;
pub use evaluate::evaluate_all;
pub use evaluate::evaluate_with;
pub use evaluate::run_rule;
pub use findings::Explanation;
pub use findings::Finding;
pub use findings::Findings;
pub use findings::State;
pub use findings::Subject;
pub use findings::SubjectKind;
pub use found::Each;
pub use found::Found;
pub use found::One;
pub use ledger::Ledger;
pub use open::Open;
pub use policy::Policies;
pub use reads::reads;
pub use reads::reads_no_other;
pub use rule::Architecture;
pub use rule::Check;
pub use rule::Guard;
pub use rule::Origin;
pub use rule::Rule;
pub use rule::When;
pub use verdict::CheckedPlan;
pub use verdict::Report;
pub use verdict::check;
pub use verdict::check_with;
pub use verdict::refuses_undecided;
pub use verdict::weighs_as_error;
pub use waiver::acceptance;
pub use waiver::is_ever_waivable;
pub use waiver::is_waivable;

/// The families of rules; their rules stand in the order of their ids.
static FAMILIES: &[&[&Rule]] = &[
    eligibility::RULES,
    original_location::RULES,
    alternate_location::RULES,
    master_target::RULES,
    configuration_server::RULES,
    network::RULES,
    plan_structure::RULES,
    waivers::RULES,
    conflict::RULES,
    product::RULES,
    recovery_point::RULES,
    runtime::RULES,
    modernized::RULES,
];

/// Returns every rule, in the order of their ids.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.iter().copied())
}

/// Returns the rule with this id or name.
#[must_use]
pub fn find(word: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id.eq_ignore_ascii_case(word) || rule.name == word)
}
