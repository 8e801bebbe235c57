//! FB215: a master target that was moved can't give back the disks.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::moved;
use crate::rules::runtime::failover_is_ahead;
use crate::source::Span;

pub(crate) static RULE: Rule = Rule {
    id: "FB215",
    name: "mt-moved-after-reprotect",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::at(&[Guard::Failover]),
    awaited: false,
    summary: "the master target was moved to another datastore after reprotect",
    docs: "\
### What it checks
Right before the failover: the datastore of the master target now, against the one on which it stood when the run
reprotected the machine. Where nobody knew that, whether it was moved is undecided, with the weight of a warning.

### Why
Since reprotect the disks of the machines are attached to the master target. A storage migration in between takes them
along: they can't be detached, and the failback fails.

### What to do
Find the VMDKs and attach them to the virtual machine by hand, or repeat reprotect.
",
    help: "find the VMDKs and attach them to the VM by hand, or repeat reprotect",
    article: "vmware-azure-prepare-failback, item 3",
    fixture: include_str!("../../../tests/rules/mt-moved-after-reprotect.yaml"),
    facts: &["machines", "state", "master_targets", "master_targets.datastore", "vault.experience"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    // The machines of each master target that stood elsewhere, in the order of the plan.
    let mut moved: Vec<(MasterTarget<'_>, &str, Vec<Machine<'_>>)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::new();
    let mut missed: HashSet<&str> = HashSet::new();
    let mut unknown = Vec::new();
    let mut forgotten: Vec<(MasterTarget<'_>, Vec<Machine<'_>>)> = Vec::new();
    for machine in findings.machines(model) {
        if moved::is_forgotten(machine, findings) {
            match machine.listed_master_target() {
                Ok(Some(server)) => match forgotten.iter_mut().find(|(of, _)| of.name() == server.name()) {
                    Some((_, machines)) => machines.push(machine),
                    None => forgotten.push((server, vec![machine])),
                },
                Ok(None) => {}
                Err(missing) => findings.unknown_as(&missing, Severity::Warning),
            }
        }
        let Some(then) = machine.placement_at_reprotect() else { continue };
        // The disks of a machine that is home are detached.
        if findings.guard().is_none() && !machine.state().map_or(true, failover_is_ahead) {
            continue;
        }
        let server = match machine.listed_master_target() {
            Ok(Some(server)) => server,
            Ok(None) => continue,
            Err(missing) => {
                if !unknown.contains(&missing) {
                    unknown.push(missing);
                }
                continue;
            }
        };
        match server.facts.datastore.fact_of("master_targets.datastore", server.name()) {
            Ok(now) if now.value == then => {}
            Ok(_) => {
                let place = *places.entry((server.name(), then)).or_insert(moved.len());
                if place == moved.len() {
                    moved.push((server, then, Vec::new()));
                }
                moved[place].2.push(machine);
            }
            Err(missing) => {
                if missed.insert(server.name()) {
                    unknown.push(missing);
                }
            }
        }
    }
    for (server, then, machines) in moved {
        let (name, now) = (server.name(), server.facts.datastore.as_ref());
        let message = format!(
            "{name}: the master target was moved from {then} to {} after reprotect, so its disks can't be detached",
            now.map_or("another datastore", |now| now.as_str())
        );
        let finding = findings.at(now.map_or(Span::NONE, |now| now.span), message);
        finding.subject(SubjectKind::MasterTarget, name);
        also_machines(finding, machines, &format!("has its disks at {name}"));
    }
    for missing in &unknown {
        findings.unknown(missing);
    }
    for (server, machines) in forgotten {
        let of = (SubjectKind::MasterTarget, server.name(), server.facts.name.span);
        moved::undecided(findings, of, "master_targets.datastore", machines);
    }
    Ok(())
}
