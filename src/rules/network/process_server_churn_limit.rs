//! FB407: a process server or appliance carries 2 TB of changes a day.

use crate::diagnostic::Severity;
use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::labels::LABELS;
use crate::rules::unmeasured::Lacking;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;

pub(crate) static RULE: Rule = Rule {
    id: "FB407",
    name: "process-server-churn-limit",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a process server or appliance has to carry more changes than it can",
    docs: "\
### What it checks
The changes a day of all machines of the plan that come back through one process server or appliance, where the inventory
says how fast their data changes. The limit is 2 TB a day. Without `churn` of any machine nobody measured it: the rule is
undecided, and does not weigh; once it is known of some, it should be known of all.

### Why
A process server or appliance is made for 2 TB of changed data a day. With more, replication falls behind, and recovery
points grow old.

### What to do
Assign some of the machines to another process server or appliance, or bring them back later.
",
    help: "add a process server or appliance, or bring some of the machines back later",
    article: "site-recovery-plan-capacity-vmware, Capacity considerations; vmware-physical-azure-support-matrix, Churn limits",
    fixture: include_str!("../../../tests/rules/process-server-churn-limit.yaml"),
    facts: &["machines", "process_servers", "appliances", "churn", "churn.gb_per_day"],
    check: Check::Plan(check),
};

/// Changes that one server carries a day, in GB: 2 TB (site-recovery-plan-capacity-vmware, Capacity considerations;
/// vmware-physical-azure-support-matrix, Churn limits).
const LIMIT: f64 = 2048.0;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut seen: IdSet<(SubjectKind, &str)> = IdSet::default();
    let mut unknown = None;
    let mut lacking = Lacking::default();
    for machine in model.machines() {
        match (are_listed(machine), is_measured(machine)) {
            (Ok(()), _) => {}
            (Err(why), true) => unknown = unknown.or(Some(why)),
            // Whatever carries its changes, nobody knows how many there are.
            (Err(_), false) => lacking.add(&machine.name().value),
        }
        if let Some(server) = machine.process_server()
            && seen.insert((SubjectKind::ProcessServer, &server.name.value))
        {
            let machines = model.machines_of_process_server(&server.name);
            let result =
                check_server((SubjectKind::ProcessServer, &server.name), machines, &mut lacking, findings);
            unknown = unknown.or(result.err());
        }
        if let Some(appliance) = machine.appliance()
            && seen.insert((SubjectKind::Appliance, &appliance.facts.name.value))
        {
            let subject = (SubjectKind::Appliance, &appliance.facts.name);
            let result = check_server(subject, appliance.machines(), &mut lacking, findings);
            unknown = unknown.or(result.err());
        }
    }
    lacking.tell(&RULE, findings);
    unknown.map_or(Ok(()), Err)
}

/// Returns whether something was measured of the changes of a machine, or nothing at all is known of it.
fn is_measured(machine: Machine<'_>) -> bool {
    machine.facts().map_or(true, |facts| facts.churn.is_some())
}

/// Looks whether a machine and its servers can be looked up at all.
fn are_listed(machine: Machine<'_>) -> Fact<()> {
    match machine.facts() {
        Ok(_) => {}
        // A name that the list does not have is told of by FB500.
        Err(_) if machine.model.inventory.machines.is_some() => return Ok(()),
        Err(unknown) => return Err(unknown),
    }
    match machine.model.experience() {
        Ok(Experience::Classic) => machine.listed_process_server().map(|_| ()),
        Ok(Experience::Modernized) => machine.listed_appliance().map(|_| ()),
        // Another rule's.
        Err(_) => Ok(()),
    }
}

fn check_server<'m>(
    (kind, server): (SubjectKind, &'m Spanned<String>),
    machines: impl Iterator<Item = Machine<'m>>,
    lacking: &mut Lacking<'m>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let mut known: Vec<(Machine<'_>, f64, Span)> = Vec::new();
    let (mut unknown, mut is_measured) = (None, false);
    for machine in machines {
        let churn = machine.facts().ok().and_then(|facts| facts.churn.as_ref());
        is_measured |= churn.is_some();
        match churn.and_then(|churn| churn.gb_per_day) {
            Some(churn) => known.push((machine, churn.value, churn.span)),
            None => {
                unknown.get_or_insert(machine);
            }
        }
    }
    let sum: f64 = known.iter().map(|(_, churn, _)| churn).sum();
    if sum <= LIMIT {
        let Some(machine) = unknown else { return Ok(()) };
        if is_measured {
            return Err(Unknown::of("churn.gb_per_day", machine.name().value.as_str()));
        }
        lacking.add(&server.value);
        return Ok(());
    }
    // The busiest come first: moving one of them helps most.
    known.sort_by(|(_, one, _), (_, other, _)| other.total_cmp(one));
    let finding = findings.at(
        server.span,
        format!(
            "{server}: its machines change {} GB a day, and {LIMIT} GB are the limit",
            (sum * 10.0).round() / 10.0
        ),
    );
    finding.subject(kind, server.value.as_str());
    for (machine, churn, span) in known.iter().take(LABELS) {
        finding.also(*span, format!("{} changes {churn} GB a day", machine.name()));
    }
    if let Some((_, _, span)) = known.get(LABELS) {
        finding.also(*span, format!("and {} more", known.len() - LABELS));
    }
    Ok(())
}
