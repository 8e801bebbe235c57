//! FB405: who has to talk to whom during failback can.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Group;
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
use crate::rules::labels::also_machines;
use crate::rules::unmeasured::Lacking;
use crate::syntax::inventory::Reachable;

pub(crate) static RULE: Rule = Rule {
    id: "FB405",
    name: "reachability",
    severity: Severity::Error,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::LIVE,
    awaited: false,
    summary: "a connection that failback needs does not work",
    docs: "\
### What it checks
The connections under `network.reachable`: from each machine in Azure to the configuration server (443) and
to its process server (9443, or the port that was configured); from the process server to the configuration server (443) and
to the master target; among the members of a replication group (20004). A connection that was tried from a virtual network
counts for the machines in it that did not try themselves. An inventory without `network.reachable` says nothing about any
connection: the rule is undecided, and does not weigh.

### Why
Reprotect registers the machine in Azure with the configuration server at the site, and its data goes through the process
server to the master target. A firewall or a route between them ends the job with an error.

### What to do
Open the ports in network security groups and firewalls, see that routes and names lead to the site, and try from the Azure
network again.
",
    help: "open security groups, firewalls and routes, check name resolution, and try again from the Azure network",
    article: "vmware-azure-troubleshoot-failback-reprotect, Error code 95226; vmware-azure-common-questions, Security; site-recovery-vmware-azure-process-server-prereq",
    fixture: include_str!("../../../tests/rules/reachability.yaml"),
    facts: &["process_servers", "master_targets", "network.reachable", "configuration_server"],
    check: Check::Plan(check),
};

/// Port of the configuration server (vmware-azure-troubleshoot-failback-reprotect, Error code 95226).
const CONTROL: u16 = 443;

/// Port of a process server unless another one was configured (vmware-azure-common-questions, Security).
const DATA: u16 = 9443;

/// Port among the members of a replication group (vmware-azure-common-questions, Security).
const GROUP: u16 = 20004;

/// Members above which a replication group is refused for its size: its pairs would be too many to look at.
const LARGEST_GROUP: usize = 100;

/// A port that has to be reached.
#[derive(Clone, Copy)]
enum Port {
    /// This one.
    Fixed(u16),
    /// This one, unless another was configured for data.
    Usually(u16),
    /// One that the articles don't name.
    Any,
}

/// Connections that were tried.
struct Tried<'m> {
    all: &'m [Reachable],
    pairs: HashMap<(&'m str, &'m str), Vec<usize>>,
    /// Those that failed and are needed, with the machines that need them.
    failed: BTreeMap<usize, Vec<Machine<'m>>>,
    unknown: Option<Unknown>,
}

impl<'m> Tried<'m> {
    fn new(all: &'m [Reachable]) -> Self {
        let mut pairs: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (index, tried) in all.iter().enumerate() {
            pairs.entry((&tried.from.value, &tried.to.value)).or_default().push(index);
        }
        Self { all, pairs, failed: BTreeMap::new(), unknown: None }
    }

    /// Returns a try of this pair; one that failed, if there is one.
    fn find(&self, from: &str, to: &str, port: Port) -> Option<usize> {
        let pair = self.pairs.get(&(from, to))?;
        let first = |fits: &dyn Fn(u16) -> bool| {
            let mut fitting = pair.iter().copied().filter(|index| fits(self.all[*index].port.value));
            let any = fitting.next()?;
            let is_bad = |index: &usize| !self.all[*index].ok.value;
            Some(std::iter::once(any).chain(fitting).find(is_bad).unwrap_or(any))
        };
        match port {
            Port::Fixed(port) => first(&|tried| tried == port),
            Port::Usually(port) => first(&|tried| tried == port).or_else(|| first(&|tried| tried != CONTROL)),
            Port::Any => first(&|_| true),
        }
    }

    /// Notes what is known about a connection that a machine needs; `pairs` are whose tries count for it, the nearest first.
    fn need(&mut self, machine: Machine<'m>, pairs: &[(Option<&str>, Option<&str>)], port: Port) {
        let found = pairs.iter().find_map(|pair| match pair {
            (Some(from), Some(to)) => self.find(from, to, port),
            _ => None,
        });
        match found {
            Some(index) if !self.all[index].ok.value => self.failed.entry(index).or_default().push(machine),
            Some(_) => {}
            None if self.unknown.is_none() => {
                if let Some((Some(from), Some(to))) = pairs.first() {
                    let port = match port {
                        Port::Fixed(port) | Port::Usually(port) => format!(":{port}"),
                        Port::Any => String::new(),
                    };
                    self.unknown = Some(Unknown::of("network.reachable", format!("{from} to {to}{port}")));
                }
            }
            None => {}
        }
    }
}

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    // Half a list asks for the other half, with the weight of the rule.
    let Some(all) = model.inventory.network.as_ref().and_then(|network| network.reachable.as_ref()) else {
        let mut lacking = Lacking::default();
        lacking.add("the network");
        lacking.tell(&RULE, findings);
        return Ok(());
    };
    let mut tried = Tried::new(all);
    let server = model.configuration_server();
    let control = server.as_ref().ok().and_then(|server| Some(server.as_ref()?.id.value.as_str()));
    let mut servers = HashSet::new();
    for machine in model.machines().filter(|machine| has_azure_vm(*machine)) {
        let name = Some(machine.name().value.as_str());
        let vnet = vnet(machine);
        if control.is_some() {
            tried.need(machine, &[(name, control), (vnet, control)], Port::Fixed(CONTROL));
        }
        let process_server = match machine.listed_process_server() {
            Ok(Some(process_server)) => process_server,
            Ok(None) => continue,
            Err(missing) => {
                tried.unknown.get_or_insert(missing);
                continue;
            }
        };
        let carrier = Some(process_server.name.value.as_str());
        tried.need(machine, &[(name, carrier), (vnet, carrier)], Port::Usually(DATA));
        if control.is_some() && servers.insert((carrier, control)) {
            tried.need(machine, &[(carrier, control)], Port::Fixed(CONTROL));
        }
        let target = machine.listed_master_target().unwrap_or_else(|missing| {
            tried.unknown.get_or_insert(missing);
            None
        });
        let target = target.map(|target| target.facts.name.value.as_str());
        if target.is_some() && servers.insert((carrier, target)) {
            tried.need(machine, &[(carrier, target)], Port::Any);
        }
    }
    for group in model.groups() {
        need_each_other(group, &mut tried);
    }
    report(&tried, model, control, findings);
    server?;
    tried.unknown.map_or(Ok(()), Err)
}

/// Returns whether a machine may still have a VM in Azure that could talk to somebody.
fn has_azure_vm(machine: Machine<'_>) -> bool {
    machine.azure_vm().ok().and_then(|azure_vm| azure_vm.exists).is_none_or(|exists| exists.value)
}

fn vnet(machine: Machine<'_>) -> Option<&str> {
    Some(machine.azure_vm().ok()?.vnet.as_ref()?.value.as_str())
}

fn need_each_other<'m>(group: Group<'m>, tried: &mut Tried<'m>) {
    let members: Vec<Machine<'_>> = group.members().filter(|machine| has_azure_vm(*machine)).collect();
    if members.len() > LARGEST_GROUP {
        return;
    }
    for from in &members {
        for to in members.iter().filter(|to| to.index() != from.index()) {
            let names = (Some(from.name().value.as_str()), Some(to.name().value.as_str()));
            tried.need(*from, &[names, (vnet(*from), vnet(*to))], Port::Fixed(GROUP));
        }
    }
}

fn report(tried: &Tried<'_>, model: &Model, control: Option<&str>, findings: &mut Findings<'_>) {
    for (index, machines) in &tried.failed {
        let Reachable { from, to, port, ok } = &tried.all[*index];
        let error = if control == Some(to.value.as_str()) { " (job error 95226)" } else { "" };
        let kind = if model.machine_named(from).is_some() {
            SubjectKind::Machine
        } else if model.process_server(from).is_ok() {
            SubjectKind::ProcessServer
        } else {
            SubjectKind::Network
        };
        let finding = findings.at(ok.span, format!("{from}: it can't reach {to}:{port}{error}"));
        finding.subject(kind, from.value.as_str());
        let mut machines = machines.clone();
        machines.dedup_by_key(|machine| machine.index());
        also_machines(finding, machines, "it needs this connection");
    }
}
