//! FB804: an appliance stays on its datastore from reprotect to failover.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::modernized::also_assigned;
use crate::rules::modernized::is_needed;
use crate::rules::moved;
use crate::rules::runtime::failover_is_ahead;

pub(crate) static RULE: Rule = Rule {
    id: "FB804",
    name: "appliance-storage-vmotion",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC.and_at(&[Guard::Failover]),
    awaited: false,
    summary: "the appliance was moved to another datastore after reprotect",
    docs: "\
### What it checks
Before the failover, whether the appliance stands on the datastore on which it stood when its machines were reprotected. Before
a run it is a warning if the appliance is not kept out of Storage vMotion and Storage DRS; where nobody knows, that is undecided,
with the weight of the warning; so it is before the failover where nobody knew on which datastore it stood.

### Why
The disks of the machines are attached to the appliance while they replicate. A move of its storage takes them along, and they
can't be given back to their machines.

### What to do
Exclude the appliance from Storage DRS, and don't move it. If it was moved, reprotect its machines again before the failover.
",
    help: "reprotect the machines again, and exclude the appliance from Storage DRS",
    article: "failover-failback-overview-modernized, Appliance selection, NOTE",
    fixture: include_str!("../../../tests/rules/appliance-storage-vmotion.yaml"),
    facts: &[
        "appliances",
        "machines",
        "state",
        "appliances.datastore",
        "appliances.storage_vmotion_excluded",
    ],
    check: Check::Appliance(check),
};

fn check(appliance: Appliance<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = appliance.name();
    let mut moved: Vec<(Machine<'_>, &str)> = Vec::new();
    let concerned: Vec<Machine<'_>> = match findings.guard() {
        Some(_) => {
            let of_it = |machine: &Machine<'_>| machine.appliance().is_some_and(|its| its.name() == name);
            findings.machines(appliance.model).filter(of_it).collect()
        }
        None => appliance.machines().collect(),
    };
    let forgotten: Vec<Machine<'_>> =
        concerned.iter().copied().filter(|machine| moved::is_forgotten(*machine, findings)).collect();
    if !forgotten.is_empty() {
        let of = (SubjectKind::Appliance, name, appliance.facts.name.span);
        moved::undecided(findings, of, "appliances.datastore", forgotten);
    }
    for machine in concerned {
        let Some(before) = machine.placement_at_reprotect() else { continue };
        if findings.guard().is_none() && !failover_is_ahead(machine.state()?) {
            continue;
        }
        if appliance.facts.datastore.fact_of("appliances.datastore", name)?.value != before {
            moved.push((machine, before));
        }
    }
    if let (Some((_, before)), Some(now)) = (moved.first(), &appliance.facts.datastore) {
        let message = format!(
            "{name}: it was moved from {before} to {now} after the reprotect of its machines, which is not supported"
        );
        let finding = findings.at(now.span, message);
        let machines = moved.iter().map(|(machine, _)| *machine);
        also_machines(finding, machines, &format!("was reprotected through {name} before the move"));
    } else if findings.guard().is_none() && is_needed(appliance, findings) {
        warn_of_moves(appliance, findings);
    }
    Ok(())
}

/// Warns of an appliance that may be moved.
fn warn_of_moves(appliance: Appliance<'_>, findings: &mut Findings<'_>) {
    let name = appliance.name();
    let excluded =
        appliance.facts.storage_vmotion_excluded.fact_of("appliances.storage_vmotion_excluded", name);
    let excluded = match excluded {
        Ok(excluded) if excluded.value => return,
        Ok(excluded) => excluded,
        Err(unknown) => return findings.unknown_as(&unknown, Severity::Warning),
    };
    let message = format!(
        "{name}: it is not kept out of Storage vMotion; a move between reprotect and failover makes the failover impossible"
    );
    let finding = findings
        .at(excluded.span, message)
        .severity(Severity::Warning)
        .help("exclude it from Storage DRS, and write `storage_vmotion_excluded: true`");
    also_assigned(finding, appliance);
}
