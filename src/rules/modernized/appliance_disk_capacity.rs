//! FB803: an appliance takes 60 disks at a time.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::slots;
use crate::rules::slots::SLOTS;
use crate::rules::slots::Unit;
use crate::rules::slots::Waves;
use crate::rules::slots::advice::Place;
use crate::rules::slots::advice::look_at_each;
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
    facts: &["appliances", "machines", "azure_vm", "azure_vm.disks", "appliances.attached_disks"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    look_at_each(model, findings, check_server)
}

fn check_server(
    model: &Model,
    place: &Place<'_>,
    advice: Option<String>,
    findings: &mut Findings<'_>,
) -> Fact<()> {
    let (name, demand, room) = (place.server.name(), &place.demand, place.room);
    let attached = place.server.attached();
    let span = attached.map_or(Span::NONE, |attached| attached.span);
    match slots::waves(room, &demand.units) {
        Waves::TooLarge(at) => {
            too_large(model, place, &demand.units[at], advice, findings);
            return demand.unknown.clone().map_or(Ok(()), Err);
        }
        Waves::Fits => {}
        Waves::Waves(count) => {
            let message = format!(
                "{name}: {} disks come back through it and it has room for {room}; the machines come in {count} waves",
                demand.disks
            );
            let finding = findings.at(span, message).severity(Severity::Warning);
            let machines = demand.units.iter().flat_map(|unit| &unit.machines);
            let machines = machines.map(|index| model.machine(*index));
            also_machines(finding, machines, &format!("comes back through {name}"));
            if let Some(advice) = advice {
                finding.help(advice);
            }
        }
    }
    if demand.disks > 0 {
        slots::advice::attached(place.server)?;
    }
    demand.unknown.clone().map_or(Ok(()), Err)
}

fn too_large(
    model: &Model,
    place: &Place<'_>,
    unit: &Unit<'_>,
    advice: Option<String>,
    findings: &mut Findings<'_>,
) {
    let machines = || unit.machines.iter().map(|index| model.machine(*index));
    let Some(first) = machines().next() else { return };
    let (name, disks, room) = (place.server.name(), unit.disks, place.room);
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
    if let Some(advice) = advice {
        finding.help(advice);
    }
    let span = place.server.attached().map_or(Span::NONE, |attached| attached.span);
    finding.also(span, format!("disks attached to {name}; it takes {SLOTS}"));
}
