//! FB708: after a boot the agent needs time to register.

use jiff::Timestamp;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::agent_deadline;
use crate::source::Span;
use crate::syntax::machine::State;

pub(crate) static RULE: Rule = Rule {
    id: "FB708",
    name: "agent-not-registered-yet",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S46"]),
    when: When::at(&[Guard::Reprotect, Guard::Forward]),
    awaited: true,
    summary: "the agent has not registered since the machine booted",
    docs: "\
### What it checks
Before each reprotect, whether the machine's agent has registered since the boot: in Azure before reprotect to on-premises,
on-premises before reprotect to Azure, of a machine that is to be protected again. Within 15 minutes of the boot it is information; after that it is an error.

### Why
An agent takes up to 15 minutes to register. Until then reprotect fails with an error that says the agent is not installed,
which must not be read literally.

### What to do
Within the 15 minutes, wait: the run tries again. Don't reinstall the agent. After that, look at the agent's service and at
the way from the machine to the configuration server or appliance.
",
    help: "wait; do not reinstall the agent inside the 15 minutes",
    article: "site-recovery-failback-azure-to-vmware, Reprotect from on-premises to Azure, NOTE (2017-06-05); \
              vmware-azure-reprotect, Before you start",
    fixture: include_str!("../../../tests/rules/agent-not-registered-yet.yaml"),
    facts: &[
        "machines",
        "state",
        "asr",
        "asr.agent_registration_ok",
        "azure_vm",
        "azure_vm.booted_at",
        "onprem_vm",
        "onprem_vm.booted_at",
        "observed_at",
    ],
    check: Check::Machine(check),
};

/// Where the machine booted.
#[derive(Clone, Copy)]
enum Site {
    Azure,
    Onprem,
}

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(site) = site(machine, findings.guard())? else { return Ok(()) };
    let registered =
        machine.asr().and_then(|asr| asr.agent_registration_ok.fact("asr.agent_registration_ok"));
    if registered.as_ref().is_ok_and(|registered| registered.value) {
        return Ok(());
    }
    let now = machine.model.observed_at();
    match (registered, boot(machine, site)) {
        (Ok(registered), boot) => {
            let deadline = agent_deadline(boot?);
            report(machine, registered.span, now? > deadline, deadline, findings);
            Ok(())
        }
        // Nobody says whether it has registered: right after the boot it may well not have.
        (Err(_), Ok(booted_at)) if now.as_ref().is_ok_and(|now| *now <= agent_deadline(booted_at)) => {
            report(machine, Span::NONE, false, agent_deadline(booted_at), findings);
            Ok(())
        }
        (Err(unknown), _) => Err(unknown),
    }
}

/// Returns where the machine boots before the reprotect that comes next; `None` if none comes next.
fn site(machine: Machine<'_>, guard: Option<Guard>) -> Fact<Option<Site>> {
    Ok(match guard {
        Some(Guard::Reprotect) => Some(Site::Azure),
        Some(Guard::Forward) => Some(Site::Onprem),
        Some(Guard::Failover | Guard::Commit) => None,
        None => match machine.state()? {
            State::FailedOver | State::FailedOverCommitted => Some(Site::Azure),
            State::FailedBack | State::FailedBackCommitted => {
                machine.is_protected_again().then_some(Site::Onprem)
            }
            State::ProtectedToAzure
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::ReprotectingToAzure
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => None,
        },
    })
}

fn boot(machine: Machine<'_>, site: Site) -> Fact<Timestamp> {
    Ok(match site {
        Site::Azure => machine.azure_vm()?.booted_at.fact("azure_vm.booted_at")?.value,
        Site::Onprem => machine.onprem_vm()?.booted_at.fact("onprem_vm.booted_at")?.value,
    })
}

fn report(machine: Machine<'_>, span: Span, late: bool, deadline: Timestamp, findings: &mut Findings<'_>) {
    let name = machine.name();
    let at_a_guard = findings.guard().is_some();
    if late {
        findings
            .at(span, format!("{name}: the agent has not registered, though its time ended at {deadline}"))
            .severity(Severity::Error)
            .awaited(!at_a_guard)
            .help("look at the agent's service and at its way to the configuration server or appliance")
    } else {
        findings.at(span, format!("{name}: the agent has not registered yet; retrying until {deadline}"))
    }
    .also(name.span, "the plan reprotects it");
}
