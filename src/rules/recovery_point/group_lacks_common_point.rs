//! FB605: a replication group goes to an app-consistent point that all its members have.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::recovery_point::SharedMoments;
use crate::rules::recovery_point::is_classic_app_consistent;
use crate::rules::recovery_point::may_fail_over;
use crate::rules::recovery_point::names;
use crate::rules::recovery_point::point_at;
use crate::rules::recovery_point::shared_moments;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB605",
    name: "group-lacks-common-point",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S38"]),
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: true,
    summary: "no app-consistent point is common to all members of the replication group",
    docs: "\
### What it checks
A replication group that is to go to an app-consistent point while no such point is shared by all its members. In the
modernized architecture there is nothing to look for: the common point is made after the planned failover has begun.

### Why
A replication group goes to its common point, so that its members agree on a moment. One member that missed it is enough
to make the point useless for all.

### What to do
The run waits for the next common point. If none appears, look at the agent (VSS on Windows) of the members that the finding
names, or choose `latest` and accept that each member goes to a point of its own.
",
    help: "mend the member that lacks it (agent, VSS), wait for the next common point, or choose `latest` and accept \
           independent points",
    article: "site-recovery-failback-azure-to-vmware, To what recovery point can I fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/group-lacks-common-point.yaml"),
    facts: &[
        "vault.experience",
        "machines",
        "asr",
        "asr.recovery_points",
        "asr.recovery_points.kind",
        "asr.recovery_points.group_point",
    ],
    check: Check::Group(check),
};

fn check(group: Group<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let choice = group.recovery_point();
    let Some(first) = group.members().next() else { return Ok(()) };
    // The word means the same in both architectures, so other words decide without knowing the architecture.
    if choice.value != "app_consistent" || !is_classic_app_consistent(first.point_choice()?, first)? {
        return Ok(());
    }
    let asked = findings.guard().is_some();
    let members: Vec<Machine<'_>> =
        group.members().filter(|member| may_fail_over(*member) || (asked && !is_home(*member))).collect();
    let moments: Vec<SharedMoments<'_>> = members.iter().map(|member| shared_moments(*member)).collect();
    if members.is_empty() || !common(moments.iter()).is_empty() {
        return Ok(());
    }
    let closed: Vec<&SharedMoments<'_>> = moments.iter().filter(|moments| moments.open.is_none()).collect();
    if (closed.is_empty() || !common(closed.into_iter()).is_empty())
        && let Some(unknown) = moments.iter().find_map(|moments| moments.open.clone())
    {
        return Err(unknown);
    }
    let missing = missing(&members, &moments);
    let (name, lack) = (group.name(), if missing.len() == 1 { "lacks" } else { "lack" });
    let message = format!(
        "{name}: no app-consistent point is common to all {} members ({} {lack} it)",
        members.len(),
        names(&missing)
    );
    point_at(findings.at(choice.span, message), &missing, "lacks the common point");
    Ok(())
}

/// Returns whether a member is seen to be home, so that it needs no point any more: the others go on without it.
fn is_home(member: Machine<'_>) -> bool {
    matches!(
        member.state(),
        Ok(State::FailedBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::ProtectedToAzure)
    )
}

/// Returns the moments that all have.
fn common<'a, 'm: 'a>(mut all: impl Iterator<Item = &'a SharedMoments<'m>>) -> BTreeSet<&'m str> {
    let mut common = all.next().map(|moments| moments.known.clone()).unwrap_or_default();
    for moments in all {
        common.retain(|moment| moments.known.contains(moment));
    }
    common
}

/// Returns the members that are known to lack the moment that most members have.
fn missing<'m>(members: &[Machine<'m>], moments: &[SharedMoments<'m>]) -> Vec<Machine<'m>> {
    let mut having: BTreeMap<&str, usize> = BTreeMap::new();
    for moment in moments.iter().flat_map(|moments| &moments.known) {
        *having.entry(moment).or_default() += 1;
    }
    let best = having.into_iter().max_by_key(|(_, members)| *members).map(|(moment, _)| moment);
    members
        .iter()
        .zip(moments)
        .filter(|(_, moments)| {
            moments.open.is_none() && best.is_none_or(|moment| !moments.known.contains(moment))
        })
        .map(|(member, _)| *member)
        .collect()
}
