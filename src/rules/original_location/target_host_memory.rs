//! FB112: the host has memory for the machines that start on it.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::quantity::Bytes;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::rules::original_location::LABELS;
use crate::rules::original_location::of_machine;
use crate::rules::original_location::runs_at_home;
use crate::rules::places::Places;

pub(crate) static RULE: Rule = Rule {
    id: "FB112",
    name: "target-host-memory",
    severity: Severity::Warning,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: false,
    summary: "a host has too little memory for what starts on it",
    docs: "\
### What it checks
Whether the free memory of a host is enough for the machines that start on it: those whose original VM is there, and those
that are made anew there. Before a run all machines of the plan are added up; right before a failover, those that fail
over. Machines that are home already don't count.

### Why
The failover starts the VM. If the host has not enough memory, that fails with job error 8038, and the machine is down on
both sides until somebody makes room.

### What to do
Free or add memory on the host, or move VMs to another one: vMotion the machine's own VM while it is off, or others while
they run.
",
    help: "free or add memory, or move VMs to another host",
    article: "vmware-azure-troubleshoot-failback-reprotect, Error code 8038",
    fixture: include_str!("../../../tests/rules/target-host-memory.yaml"),
    facts: &["appliances", "master_targets", 
        "machines",
        "kind",
        "memory_gb",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "master_targets.host",
        "appliances.host",
        "hosts",
        "hosts.free_memory_gb",
        "vault.experience",
    ],
    check: Check::Plan(check),
};

/// What starts on a host.
#[derive(Default)]
struct Guests<'m> {
    machines: Vec<(Machine<'m>, Bytes)>,
    /// The first machine whose memory is not known.
    unknown: Option<Unknown>,
}

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    if is_plenty(model, findings) {
        return Ok(());
    }
    let mut hosts: Vec<(&str, Guests<'_>)> = Vec::new();
    let mut places = Places::new();
    for machine in findings.machines(model).filter(|machine| !runs_at_home(*machine)) {
        match host_of(machine) {
            Ok(None) => {}
            Ok(Some(name)) => {
                let (place, is_new) = places.of(name);
                if is_new {
                    hosts.push((name, Guests::default()));
                }
                let guests = &mut hosts[place].1;
                match machine.facts().and_then(|facts| facts.memory_gb.fact("memory_gb")) {
                    Ok(memory) => guests.machines.push((machine, memory.value)),
                    Err(unknown) => {
                        guests.unknown.get_or_insert_with(|| of_machine(unknown, machine));
                    }
                }
            }
            Err(unknown) => findings.unknown(&of_machine(unknown, machine)),
        }
    }
    for (name, guests) in &hosts {
        if let Err(unknown) = check_host(model, name, guests, findings) {
            findings.unknown(&unknown);
        }
    }
    Ok(())
}

/// Returns whether everything is known, and each host has enough for all machines together: then nothing has to be put together
/// about each.
fn is_plenty(model: &Model, findings: &Findings<'_>) -> bool {
    let starting = || findings.machines(model).filter(|machine| !runs_at_home(*machine));
    let memory = |machine: Machine<'_>| {
        let facts = machine.facts().ok()?;
        Some(facts.memory_gb.as_ref()?.value.0)
    };
    let need = starting().try_fold(0_u64, |need, machine| Some(need.saturating_add(memory(machine)?)));
    let Some(need) = need else { return false };
    let free = |name: &str| model.host(name).ok().and_then(|host| host.free_memory_gb.as_ref());
    starting().all(|machine| match host_of(machine) {
        Ok(None) => true,
        Ok(Some(name)) => free(name).is_some_and(|free| need <= free.value.0),
        Err(_) => false,
    })
}

fn check_host(model: &Model, name: &str, guests: &Guests<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let free = model.host(name)?.free_memory_gb.fact_of("hosts.free_memory_gb", name)?;
    let need = guests.machines.iter().fold(0_u64, |need, (_, memory)| need.saturating_add(memory.0));
    if need <= free.value.0 {
        return guests.unknown.clone().map_or(Ok(()), Err);
    }
    let need = Bytes(need);
    let message = match guests.machines.as_slice() {
        [(machine, _)] => format!(
            "{name}: {free} of memory are free, but {} needs {need}, so it would not start (job error 8038)",
            machine.name()
        ),
        several => format!(
            "{name}: {free} of memory are free, but {} machines need {need} together, so not all would start (job error 8038)",
            several.len()
        ),
    };
    // The largest come first: moving one of them helps most.
    let mut largest: Vec<&(Machine<'_>, Bytes)> = guests.machines.iter().collect();
    largest.sort_by_key(|(_, memory)| std::cmp::Reverse(*memory));
    let finding = findings.at(free.span, message);
    finding.subject(SubjectKind::Host, name);
    for (machine, memory) in largest.iter().take(LABELS) {
        finding.also(machine.name().span, format!("{} needs {memory}", machine.name()));
    }
    if let Some((next, _)) = largest.get(LABELS) {
        finding.also(next.name().span, format!("and {} more", largest.len() - LABELS));
    }
    Ok(())
}

/// Returns the host on which a machine starts: that of its original VM, else the one where it is made anew; `None` if
/// nothing says which one, about which other rules speak.
fn host_of(machine: Machine<'_>) -> Fact<Option<&str>> {
    match machine.location_mode()? {
        LocationMode::Original => Ok(Some(machine.onprem_vm()?.host.fact("onprem_vm.host")?.value.as_str())),
        LocationMode::Alternate => machine.transfer_host(),
    }
}
