//! Which rules are evaluated together, chosen once for each moment and architecture: guards ask at every turn.

use std::sync::LazyLock;

use crate::model::Fact;
use crate::model::Machine;
use crate::rules::all;
use crate::rules::evaluate::OriginFilter;
use crate::rules::findings::Findings;
use crate::rules::rule::Architecture;
use crate::rules::rule::Check;
use crate::rules::rule::Guard;
use crate::rules::rule::Origin;
use crate::rules::rule::Rule;
use crate::syntax::inventory::Experience;

/// The rule that says which names nothing has.
const NAMES_RESOLVE: &str = "FB500";

/// The function of a rule about one machine.
type OfMachine = fn(Machine<'_>, &mut Findings<'_>) -> Fact<()>;

/// Rules that are evaluated together, in the order of their ids.
#[derive(Default)]
pub(super) struct Chosen {
    /// Rules about one machine each, called one after the other for each machine.
    pub of_machines: Vec<(&'static Rule, OfMachine)>,
    /// Rules about anything else.
    pub of_others: Vec<&'static Rule>,
    /// Rules of one architecture, where nobody knows which the plan is of.
    pub undecided: Vec<&'static Rule>,
    /// Whether one of them says which names nothing has.
    pub tells_names: bool,
}

impl Chosen {
    /// Returns those of some rules that are about an architecture, if that is known.
    pub(super) fn of(rules: impl IntoIterator<Item = &'static Rule>, experience: Option<Experience>) -> Self {
        let mut chosen = Self::default();
        for rule in rules {
            chosen.tells_names |= rule.id == NAMES_RESOLVE;
            match (is_about(rule, experience), rule.check) {
                (Some(true), Check::Machine(check)) => chosen.of_machines.push((rule, check)),
                (Some(true), _) => chosen.of_others.push(rule),
                (Some(false), _) => {}
                (None, _) => chosen.undecided.push(rule),
            }
        }
        chosen
    }

    /// Returns the rules of a guard, or those of a whole plan.
    pub(super) fn at(
        guard: Option<Guard>,
        origin: OriginFilter,
        experience: Option<Experience>,
    ) -> &'static Self {
        static ALL: LazyLock<Vec<Chosen>> = LazyLock::new(|| {
            let mut all = Vec::new();
            for guard in [
                None,
                Some(Guard::Reprotect),
                Some(Guard::Failover),
                Some(Guard::Commit),
                Some(Guard::Forward),
            ] {
                for origin in [OriginFilter::Seed, OriginFilter::All] {
                    for experience in [None, Some(Experience::Classic), Some(Experience::Modernized)] {
                        all.push(Chosen::of(rules_of(guard, origin), experience));
                    }
                }
            }
            all
        });
        let guard = match guard {
            None => 0,
            Some(Guard::Reprotect) => 1,
            Some(Guard::Failover) => 2,
            Some(Guard::Commit) => 3,
            Some(Guard::Forward) => 4,
        };
        let origin = match origin {
            OriginFilter::Seed => 0,
            OriginFilter::All => 1,
        };
        let experience = match experience {
            None => 0,
            Some(Experience::Classic) => 1,
            Some(Experience::Modernized) => 2,
        };
        &ALL[(guard * 2 + origin) * 3 + experience]
    }
}

/// Returns the rules of a guard, or those of a whole plan.
fn rules_of(guard: Option<Guard>, origin: OriginFilter) -> impl Iterator<Item = &'static Rule> {
    all()
        .filter(move |rule| is_chosen(rule, origin))
        .filter(move |rule| guard.is_none_or(|guard| rule.when.guards.contains(&guard)))
}

/// Returns whether a rule is evaluated.
pub(crate) fn is_chosen(rule: &Rule, origin: OriginFilter) -> bool {
    match (origin, rule.origin) {
        (OriginFilter::All, _) | (OriginFilter::Seed, Origin::Seed(_) | Origin::Product) => true,
        (OriginFilter::Seed, Origin::Beyond) => false,
    }
}

/// Returns whether a rule is about the plan's architecture; `None` if that is not known.
fn is_about(rule: &Rule, experience: Option<Experience>) -> Option<bool> {
    match rule.architecture {
        Architecture::Both => Some(true),
        Architecture::Classic | Architecture::Modernized => {
            experience.map(|experience| rule.is_about(experience))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_the_one_that_is_asked_for() {
        for guard in
            [None, Some(Guard::Reprotect), Some(Guard::Failover), Some(Guard::Commit), Some(Guard::Forward)]
        {
            for origin in [OriginFilter::Seed, OriginFilter::All] {
                for experience in [None, Some(Experience::Classic), Some(Experience::Modernized)] {
                    let listed = Chosen::at(guard, origin, experience);
                    let machines = listed.of_machines.iter().map(|(rule, _)| rule.id);
                    let others = listed.of_others.iter().chain(&listed.undecided).map(|rule| rule.id);
                    let mut ids: Vec<&str> = machines.chain(others).collect();
                    ids.sort_unstable();
                    let mut asked: Vec<&str> = rules_of(guard, origin)
                        .filter(|rule| is_about(rule, experience) != Some(false))
                        .map(|rule| rule.id)
                        .collect();
                    asked.sort_unstable();
                    assert_eq!(ids, asked, "{guard:?} {origin:?} {experience:?}");
                    assert!(listed.undecided.is_empty() || experience.is_none());
                }
            }
        }
    }
}
