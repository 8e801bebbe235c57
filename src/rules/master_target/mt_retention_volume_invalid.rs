//! FB211: a master target needs a volume that keeps recovery points.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::quantity::Bytes;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::placement;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::RetentionVolume;

pub(crate) static RULE: Rule = Rule {
    id: "FB211",
    name: "mt-retention-volume-invalid",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "the master target has no retention volume that can be used",
    docs: "\
### What it checks
The retention volume that the plan selects for the machines of a master target; where it selects none, whether there
is one. A volume can be used if nothing else uses it, it is not locked, it has a capacity, and its file system is not
FAT or FAT32.

### Why
The master target keeps the recovery points of the machines on this volume. Without one reprotect can't be sent.

### What to do
Add a separate disk to the master target and format it: `R:` on Windows, `/mnt/retention` on Linux, where 1 TB is
recommended. Site Recovery shows it after up to 15 minutes.
",
    help: "add and format a separate disk (R: on Windows, /mnt/retention on Linux); Site Recovery shows it after up to 15 minutes",
    article: "vmware-azure-prepare-failback, items 4 and 5; site-recovery-how-to-reprotect, Steps to reprotect",
    fixture: include_str!("../../../tests/rules/mt-retention-volume-invalid.yaml"),
    facts: &["master_targets", "master_targets.retention_volumes", "master_targets.retention_volumes.fs", "master_targets.retention_volumes.capacity_gb", "master_targets.retention_volumes.in_use", "master_targets.retention_volumes.locked", "vault.experience"],
    check: Check::MasterTarget(check),
};

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let name = server.name();
    let volumes = server.facts.retention_volumes.fact_of("master_targets.retention_volumes", name)?;
    // Each selected volume once, in the order of the plan; `None`: a machine that selects none.
    let mut places: HashMap<Option<&str>, usize> = HashMap::new();
    let mut selected: Vec<(Option<&Spanned<String>>, Vec<Machine<'_>>)> = Vec::new();
    for machine in server.machines() {
        let volume = machine.settings().failback.retention_volume.as_ref();
        let place = *places.entry(volume.map(|volume| volume.as_str())).or_insert(selected.len());
        if place == selected.len() {
            selected.push((volume, Vec::new()));
        }
        selected[place].1.push(machine);
    }
    let mut unknown = Ok(());
    for (volume, machines) in selected {
        let found = match volume {
            Some(volume) => named(server, volumes, volume),
            None => any(server, volumes),
        };
        match found {
            Ok(None) => {}
            Ok(Some((span, why))) => {
                let finding = findings.at(span, format!("{name}: no eligible retention volume ({why})"));
                if let Some(volume) = volume.filter(|volume| volume.span != span) {
                    finding.also(volume.span, "the plan selects it here");
                }
                also_machines(finding, machines, &format!("is assigned to {name}"));
            }
            Err(missing) => unknown = unknown.and(Err(missing)),
        }
    }
    unknown
}

/// Returns what is wrong with the selected volume, and where something is to be changed; `None` if it can be used.
fn named(
    server: MasterTarget<'_>,
    volumes: &[RetentionVolume],
    name: &Spanned<String>,
) -> Fact<Option<(Span, String)>> {
    match volumes.iter().find(|volume| placement::is_volume(&volume.name, name)) {
        Some(volume) => Ok(fault(server, volume)?.map(|(span, what)| (span, format!("{name} {what}")))),
        None => Ok(Some((name.span, format!("it has no {name}")))),
    }
}

/// Returns why none of the volumes can be used; `None` if one can.
fn any(server: MasterTarget<'_>, volumes: &[RetentionVolume]) -> Fact<Option<(Span, String)>> {
    let mut first = None;
    let mut unknown = Ok(());
    for volume in volumes {
        match fault(server, volume) {
            Ok(None) => return Ok(None),
            Ok(Some((span, what))) => {
                first.get_or_insert_with(|| (span, format!("{} {what}", volume.name)));
            }
            Err(missing) => unknown = unknown.and(Err(missing)),
        }
    }
    unknown?;
    Ok(Some(first.unwrap_or_else(|| (server.facts.name.span, "it has none".to_owned()))))
}

/// Returns why a volume can't be used, and where that is written; `None` if it can.
fn fault(server: MasterTarget<'_>, volume: &RetentionVolume) -> Fact<Option<(Span, String)>> {
    if let Some(used) = volume.in_use.filter(|used| used.value) {
        return Ok(Some((used.span, "is used otherwise".to_owned())));
    }
    if let Some(locked) = volume.locked.filter(|locked| locked.value) {
        return Ok(Some((locked.span, "is locked".to_owned())));
    }
    let is_fat = |fs: &str| ["fat", "fat32"].iter().any(|fat| fs.eq_ignore_ascii_case(fat));
    if let Some(fs) = volume.fs.as_ref().filter(|fs| is_fat(fs)) {
        return Ok(Some((fs.span, format!("has the file system {fs}"))));
    }
    if let Some(capacity) = volume.capacity_gb.filter(|capacity| capacity.value == Bytes(0)) {
        return Ok(Some((capacity.span, "has no capacity".to_owned())));
    }
    let name = server.name();
    volume.in_use.fact_of("master_targets.retention_volumes.in_use", name)?;
    volume.locked.fact_of("master_targets.retention_volumes.locked", name)?;
    volume.fs.fact_of("master_targets.retention_volumes.fs", name)?;
    volume.capacity_gb.fact_of("master_targets.retention_volumes.capacity_gb", name)?;
    Ok(None)
}
