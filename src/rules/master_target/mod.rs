//! Rules about master targets of the classic architecture (FB200–FB229).

pub(crate) mod mt_has_snapshots;
pub(crate) mod mt_missing;
pub(crate) mod mt_not_discovered;
pub(crate) mod mt_os_family_mismatch;
pub(crate) mod target_host_not_discovered;

use crate::model::Machine;
use crate::model::MasterTarget;
use crate::rules::Finding;
use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &mt_missing::RULE,
    &mt_os_family_mismatch::RULE,
    &mt_not_discovered::RULE,
    &target_host_not_discovered::RULE,
    &mt_has_snapshots::RULE,
];

/// A finding points at this many machines; of the others it says how many there are.
const MOST_MACHINES: usize = 10;

/// Points at the machines that suffer from a finding.
fn also_machines<'m>(finding: &mut Finding, machines: impl Iterator<Item = Machine<'m>>, text: &str) {
    let mut machines = machines.peekable();
    let mut last = None;
    for machine in machines.by_ref().take(MOST_MACHINES) {
        finding.also(machine.name().span, text);
        last = Some(machine);
    }
    if let (Some(last), more @ 1..) = (last, machines.count()) {
        finding.also(last.name().span, format!("and {more} more"));
    }
}

/// Points at the machines of the plan that are assigned to a master target.
fn also_assigned(finding: &mut Finding, server: MasterTarget<'_>) {
    also_machines(finding, server.machines(), &format!("is assigned to {}", server.name()));
}

#[cfg(test)]
mod tests {
    use crate::rules::fixture;
    use crate::rules::fixture::Case;

    #[test]
    fn a_finding_points_at_ten_machines_and_counts_the_others() {
        let more: String = (0..12).map(|number| format!("m{number}: {{}}, ")).collect();
        let case: Case = serde_yaml::from_str(&format!(
            "{{name: many, world: classic, plan: {{machines: {{{more}}}}}, \
             inventory: {{master_targets: {{mtw: {{snapshots: 1}}}}}}, expect: []}}"
        ))
        .expect("the case is a case");
        let outcome = fixture::run(&super::mt_has_snapshots::RULE, &case).expect("the world can be changed");
        let texts: Vec<&str> = outcome.findings[0].related.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(texts.len(), 11);
        assert_eq!(texts[0], "is assigned to mtw");
        // w1, w2, w3 and twelve more are assigned.
        assert_eq!(texts[10], "and 5 more");
    }
}
