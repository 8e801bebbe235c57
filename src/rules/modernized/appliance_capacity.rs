//! FB815: an appliance serves 200 machines, and takes 2 TB of changes a day.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::modernized::also_assigned;
use crate::rules::unmeasured::Lacking;

pub(crate) static RULE: Rule = Rule {
    id: "FB815",
    name: "appliance-capacity",
    severity: Severity::Warning,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "more comes through the appliance than it is made for",
    docs: "\
### What it checks
The machines that come back through one appliance: at most 200 of them, whose data changes by at most 2 TB a day in all. Without
`churn` of any machine nobody measured that: the rule is undecided, and does not weigh; once it is known of some, it should be
known of all.

### Why
These are the sizes that the appliance is made for, with 16 processors, 32 GB of memory and a cache of 1 TB. Beyond them
replication falls behind, and recovery points grow old.

### What to do
Assign some of the machines to another appliance.
",
    help: "assign some of the machines to another appliance",
    article: "replication-appliance-support-matrix, Sizing and capacity",
    fixture: include_str!("../../../tests/rules/appliance-capacity.yaml"),
    facts: &["machines", "appliances", "churn", "churn.gb_per_day"],
    check: Check::Appliance(check),
};

/// Machines of an appliance (replication-appliance-support-matrix, Sizing and capacity).
const MACHINES: usize = 200;

/// Changed data a day, in GiB: 2 TB (support matrix, Churn limits).
const GB_PER_DAY: f64 = 2048.0;

fn check(appliance: Appliance<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = appliance.name();
    let count = appliance.machines().count();
    if count > MACHINES {
        let message = format!("{name}: {count} machines; an appliance takes {MACHINES}");
        also_assigned(findings.at(appliance.facts.name.span, message), appliance);
    }
    let mut known: Vec<(Machine<'_>, f64)> = Vec::new();
    let mut unknown = None;
    for machine in appliance.machines() {
        match churn(machine) {
            Ok(gb_per_day) => known.push((machine, gb_per_day)),
            Err(missing) => unknown = unknown.or(Some(missing)),
        }
    }
    let total: f64 = known.iter().map(|(_, gb_per_day)| gb_per_day).sum();
    if total > GB_PER_DAY {
        let message = format!(
            "{name}: the data of its machines changes by {total:.0} GiB a day; an appliance takes {GB_PER_DAY:.0}"
        );
        known.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        let finding = findings.at(appliance.facts.name.span, message);
        also_machines(finding, known.into_iter().map(|(machine, _)| machine), "its changes count");
        return Ok(());
    }
    // A single name that the list does not have is told of by FB500.
    let nobody_listed = |machine: &Machine<'_>| machine.model.inventory.machines.is_none();
    appliance.machines().filter(nobody_listed).try_for_each(|machine| machine.facts().map(|_| ()))?;
    let left_out = |machine: &Machine<'_>| machine.facts().is_ok_and(|facts| facts.churn.is_none());
    if known.is_empty() && appliance.machines().all(|machine| left_out(&machine)) {
        let mut lacking = Lacking::default();
        appliance.machines().for_each(|machine| lacking.add(&machine.name().value));
        lacking.tell(&RULE, findings);
        return Ok(());
    }
    unknown.map_or(Ok(()), Err)
}

/// Returns by how much the data of a machine changes a day, in GiB.
fn churn(machine: Machine<'_>) -> Fact<f64> {
    let name = machine.name().value.as_str();
    let churn = machine.facts().ok().and_then(|facts| facts.churn.as_ref());
    let churn = churn.ok_or_else(|| Unknown::of("churn", name))?;
    Ok(churn.gb_per_day.fact_of("churn.gb_per_day", name)?.value)
}
