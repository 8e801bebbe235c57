//! FB218: a master target has 6 GB of memory, 4 processors and a disk of 100 GB.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::MasterTarget;
use crate::quantity::Bytes;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::master_target::also_assigned;

pub(crate) static RULE: Rule = Rule {
    id: "FB218",
    name: "mt-undersized",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the master target is below the sizing guideline",
    docs: "\
### What it checks
Memory, processors and system disk of a master target of the plan: 6 GB, 4 cores and 100 GB are the guideline.

### Why
A master target writes the data of all its machines at once. A small one makes all of them slow, and a full system
disk stops them.

### What to do
Give the master target more of what it lacks.
",
    help: "resize the master target: 6 GB of memory, 4 cores, 100 GB for the system disk",
    article: "vmware-azure-install-linux-master-target, Sizing guidelines",
    fixture: include_str!("../../../tests/rules/mt-undersized.yaml"),
    facts: &["master_targets", "master_targets.ram_gb", "master_targets.cpu", "master_targets.os_disk_gb", "vault.experience"],
    check: Check::MasterTarget(check),
};

const MEMORY: Bytes = Bytes::gib(6);
const PROCESSORS: u16 = 4;
const SYSTEM_DISK: Bytes = Bytes::gib(100);

fn check(server: MasterTarget<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let (facts, name) = (server.facts, server.name());
    let mut small = Vec::new();
    if let Some(memory) = facts.ram_gb.filter(|memory| memory.value < MEMORY) {
        small.push((memory.span, format!("{memory} of memory, {MEMORY} asked for")));
    }
    if let Some(processors) = facts.cpu.filter(|processors| processors.value < PROCESSORS) {
        small.push((processors.span, format!("{processors} of {PROCESSORS} processors that are asked for")));
    }
    if let Some(disk) = facts.os_disk_gb.filter(|disk| disk.value < SYSTEM_DISK) {
        small.push((disk.span, format!("a system disk of {disk}, {SYSTEM_DISK} asked for")));
    }
    if let Some((span, _)) = small.first() {
        let what: Vec<&str> = small.iter().map(|(_, what)| what.as_str()).collect();
        let finding = findings.at(*span, format!("{name}: too small: {}", what.join("; ")));
        for (span, what) in &small[1..] {
            finding.also(*span, what.as_str());
        }
        also_assigned(finding, server);
        return Ok(());
    }
    facts.ram_gb.fact_of("master_targets.ram_gb", name)?;
    facts.cpu.fact_of("master_targets.cpu", name)?;
    facts.os_disk_gb.fact_of("master_targets.os_disk_gb", name)?;
    Ok(())
}
