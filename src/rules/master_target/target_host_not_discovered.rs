//! FB204: Site Recovery must know the hosts that machines come back to.

use std::collections::HashMap;
use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::LocationMode;
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
use crate::rules::master_target::also_machines;
use crate::syntax::inventory::Host;

pub(crate) static RULE: Rule = Rule {
    id: "FB204",
    name: "target-host-not-discovered",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Seed(&["S23"]),
    when: When::STATIC_LIVE,
    awaited: false,
    summary: "a host that machines come back to has not been discovered",
    docs: "\
### What it checks
Each host that machines of the plan come back to: the one that the plan names, else that of the master target, and the
host of the original VM where that one is written again.

### Why
Site Recovery can place a machine only on a host that it has discovered, through a vCenter or by itself.

### What to do
Discover the host: add its vCenter, or the host itself, on the configuration server.
",
    help: "discover the host through its vCenter, or add it on the configuration server",
    article: "site-recovery-failback-azure-to-vmware, Alternate location recovery, physical machines (2017-06-05)",
    fixture: include_str!("../../../tests/rules/target-host-not-discovered.yaml"),
    facts: &[
        "machines",
        "kind",
        "onprem_vm",
        "onprem_vm.exists",
        "onprem_vm.host",
        "hosts",
        "hosts.discovered",
        "master_targets.host",
        "vault.experience",
    ],
    check: Check::Plan(check),
};

/// Hosts of the plan, each once, with the machines that come back to it.
#[derive(Default)]
struct Targets<'m> {
    found: Vec<(&'m Host, Vec<Machine<'m>>)>,
    places: HashMap<&'m str, usize>,
    unknown: Vec<Unknown>,
    missed: HashSet<(&'static str, Option<String>)>,
}

impl<'m> Targets<'m> {
    fn add(&mut self, machine: Machine<'m>, host: Fact<&'m Host>) {
        match host {
            Ok(host) => {
                let place = *self.places.entry(&host.name.value).or_insert(self.found.len());
                if place == self.found.len() {
                    self.found.push((host, Vec::new()));
                }
                let machines = &mut self.found[place].1;
                if machines.last().is_none_or(|last| last.index() != machine.index()) {
                    machines.push(machine);
                }
            }
            Err(unknown) => self.miss(unknown),
        }
    }

    /// Keeps what is not known, once: a plan of many machines lacks a host for all of them.
    fn miss(&mut self, unknown: Unknown) {
        if self.missed.insert((unknown.field, unknown.object.clone())) {
            self.unknown.push(unknown);
        }
    }
}

// Looking at the plan as a whole, and not at each host, keeps the machines whose host is not known from passing.
fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let mut targets = Targets::default();
    for machine in model.machines() {
        if let Some(host) = machine.target_host().transpose() {
            targets.add(machine, host);
        }
        add_original_host(machine, &mut targets);
    }
    for (host, machines) in &targets.found {
        match host.discovered.fact_of("hosts.discovered", &host.name) {
            Ok(discovered) if !discovered.value => {
                let name = &host.name.value;
                let finding =
                    findings.at(discovered.span, format!("{name}: the host has not been discovered"));
                finding.subject(SubjectKind::Host, name.as_str());
                also_machines(finding, machines.iter().copied(), &format!("comes back to {name}"));
            }
            Ok(_) => {}
            Err(unknown) => findings.unknown(&unknown),
        }
    }
    for unknown in &targets.unknown {
        findings.unknown(unknown);
    }
    Ok(())
}

/// Adds the host of the original VM, unless the plan names one or the machine comes back elsewhere.
fn add_original_host<'m>(machine: Machine<'m>, targets: &mut Targets<'m>) {
    if machine.settings().failback.host.is_some() {
        return;
    }
    let of = |unknown: Unknown| {
        Unknown::of(unknown.field, unknown.object.unwrap_or_else(|| machine.name().value.clone()))
    };
    let host = || {
        let name = machine.onprem_vm()?.host.fact("onprem_vm.host")?;
        machine.model.host(name)
    };
    match machine.location_mode() {
        Ok(LocationMode::Alternate) => {}
        Ok(LocationMode::Original) => targets.add(machine, host().map_err(of)),
        Err(unknown) => {
            // A host that is discovered anyway leaves nothing open.
            if !host().is_ok_and(|host| host.discovered.is_some_and(|discovered| discovered.value)) {
                targets.miss(of(unknown));
            }
        }
    }
}
