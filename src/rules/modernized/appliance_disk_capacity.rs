//! FB803: an appliance takes 60 disks at a time.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::modernized::also_machines;
use crate::rules::slots;
use crate::rules::slots::SLOTS;
use crate::rules::slots::Unit;
use crate::rules::slots::Waves;
use crate::source::Span;

pub(crate) static RULE: Rule = Rule {
    id: "FB803",
    name: "appliance-disk-capacity",
    severity: Severity::Error,
    architecture: Architecture::Modernized,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the machines have more disks than their appliance takes",
    docs: "\
### What it checks
The disks that an appliance has attached, with the replicated disks of the machines that come back through it: together at most
60. Where the machines fit one batch after another, it is a warning that says how many waves they take; `depends_on` and boot
groups may ask for more, which `failback plan` shows. It is an error where one machine, or one replication group, has more
disks than the appliance takes.

### Why
During replication the disks of every machine are attached to the appliance. It holds them until the commit, so that the
planned failover can still be cancelled. The members of a replication group fail over together, so they can't come in
different waves.

### What to do
Spread the machines over more appliances, or accept the waves: each is brought home whole before the next one begins.
",
    help: "assign some of the machines to another appliance, or accept the waves",
    article: "failover-failback-overview-modernized, Reprotection/planned failover",
    fixture: include_str!("../../../tests/rules/appliance-disk-capacity.yaml"),
    facts: &["machines", "azure_vm", "azure_vm.disks", "appliances.attached_disks"],
    check: Check::Appliance(check),
};

fn check(appliance: Appliance<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let demand = slots::demand(appliance.machines());
    let attached = appliance.facts.attached_disks;
    let span = attached.map_or(Span::NONE, |attached| attached.span);
    // How many disks are attached is not known: what does not fit on an empty appliance does not fit at all.
    let room = attached.map_or(SLOTS, |attached| demand.room(attached.value));
    match slots::waves(room, &demand.units) {
        Waves::TooLarge(at) => {
            too_large(appliance, &demand.units[at], room, span, findings);
            return demand.unknown.map_or(Ok(()), Err);
        }
        Waves::Fits => {}
        Waves::Waves(count) => {
            let message = format!(
                "{}: {} disks come back through it and it has room for {room}; the machines come in {count} waves",
                appliance.name(),
                demand.disks
            );
            let finding = findings.at(span, message).severity(Severity::Warning);
            let machines = demand.units.iter().flat_map(|unit| &unit.machines);
            let machines = machines.map(|index| appliance.model.machine(*index));
            also_machines(finding, machines, &format!("comes back through {}", appliance.name()));
        }
    }
    if attached.is_none() && demand.disks > 0 {
        return Err(Unknown::of("appliances.attached_disks", appliance.name()));
    }
    demand.unknown.map_or(Ok(()), Err)
}

fn too_large(appliance: Appliance<'_>, unit: &Unit<'_>, room: u32, span: Span, findings: &mut Findings<'_>) {
    let machines = || unit.machines.iter().map(|index| appliance.model.machine(*index));
    let Some(first) = machines().next() else { return };
    let (name, disks) = (appliance.name(), unit.disks);
    let finding = match (unit.group, first.group()) {
        (Some(group), Some(planned)) => {
            let message = format!(
                "{name}: the replication group {group} has {disks} disks, and it has room for {room}"
            );
            let finding = findings.at(planned.name().span, message);
            also_machines(finding, machines(), &format!("comes back through {name} with its group"));
            finding
                .help("assign the members to appliances with more room; a group can't come in several waves")
        }
        (Some(_), None) | (None, _) => findings
            .at(
                first.name().span,
                format!("{name}: {} has {disks} disks, and it has room for {room}", first.name()),
            )
            .help("assign the machine to an appliance with more room"),
    };
    finding.also(span, format!("disks attached to {name}; it takes {SLOTS}"));
}
