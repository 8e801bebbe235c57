//! FB410: a process server that was made for the failback is deleted after it.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::labels::also_machines;
use crate::rules::network::placement;
use crate::syntax::inventory::Placement;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB410",
    name: "azure-process-server-leftover",
    severity: Severity::Info,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::at(&[Guard::Forward]),
    awaited: false,
    summary: "a temporary process server in Azure is no longer needed",
    docs: "\
### What it checks
A temporary process server in Azure whose machines in the plan are all committed.

### Why
It was deployed for the way back alone. Once every machine is home it only costs money.

### What to do
Delete its virtual machine, but not before reprotect to Azure uses another process server.
",
    help: "delete its VM; reprotect to Azure must use another process server by then",
    article: "vmware-azure-set-up-process-server-azure, introduction",
    fixture: include_str!("../../../tests/rules/azure-process-server-leftover.yaml"),
    facts: &[
        "process_servers",
        "process_servers.placement",
        "process_servers.temporary",
        "machines",
        "state",
    ],
    check: Check::ProcessServer(check),
};

fn check(server: &ProcessServer, model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let temporary = server.temporary.fact_of("process_servers.temporary", &server.name);
    let placement = placement(server);
    if temporary.as_ref().is_ok_and(|temporary| !temporary.value)
        || placement.as_ref().is_ok_and(|placement| placement.value == Placement::Onprem)
    {
        return Ok(());
    }
    let mut unknown = None;
    for machine in model.machines_of_process_server(&server.name) {
        match machine.state() {
            Ok(state) if !is_committed(state) => return Ok(()),
            Ok(_) => {}
            Err(fact) => unknown = unknown.or(Some((machine, fact))),
        }
    }
    if let Some((machine, fact)) = unknown {
        return Err(Unknown::of(fact.field, machine.name().value.as_str()));
    }
    placement?;
    let temporary = temporary?;
    let finding = findings.at(
        temporary.span,
        format!("{}: all its machines are committed, so the temporary process server in Azure is no longer needed", server.name),
    );
    let uses = |machine: &Machine<'_>| {
        let forward = machine.settings().forward.as_ref().and_then(|forward| forward.process_server.as_ref());
        forward == Some(&server.name)
    };
    let machines = model.machines_of_process_server(&server.name).filter(uses);
    also_machines(finding, machines, "reprotect to Azure would use it: name another one first");
    Ok(())
}

const fn is_committed(state: State) -> bool {
    match state {
        State::FailedBackCommitted | State::ReprotectingToAzure | State::ProtectedToAzure => true,
        State::FailedOver
        | State::FailedOverCommitted
        | State::ReprotectingToOnprem
        | State::ProtectedToOnprem
        | State::FailingBack
        | State::FailedBack
        | State::Migrated
        | State::AzureVmDeleted
        | State::ReplicationDisabled
        | State::AzureVmMoved => false,
    }
}
