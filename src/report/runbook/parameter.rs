//! What a person types or chooses for a step, as the plan says it.

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::source::Spanned;
use crate::syntax::action::Action;
use crate::syntax::action::Probe;

/// Returns what a person types or chooses for a step.
pub(super) fn of(graph: &Graph, index: StepIndex) -> Vec<(String, String)> {
    let step = graph.step(index);
    if let StepSubject::Action(action) = step.subject {
        return of_action(&graph.model().plan.actions[action]);
    }
    let machines = graph.machines_of(index);
    let Some(machine) = machines.first().copied() else { return Vec::new() };
    match step.kind {
        StepKind::Reprotect => of_reprotect(machine),
        StepKind::Failover => {
            let mut told = vec![("direction".to_owned(), "Azure to on-premises".to_owned())];
            let choice = machine.point_choice().ok().flatten();
            let point =
                choice.map_or(machine.settings().recovery_point.value.as_str(), |choice| choice.as_str());
            told.push(("recovery point".into(), point.replace('_', " ")));
            told
        }
        StepKind::Forward => of_forward(machine),
        StepKind::Verify => machine.probes().iter().map(of_probe).collect(),
        StepKind::AwaitDeletion => machine
            .onprem_vm()
            .ok()
            .and_then(|vm| vm.name.as_ref())
            .map(|name| vec![("virtual machine".to_owned(), name.value.clone())])
            .unwrap_or_default(),
        StepKind::Preflight
        | StepKind::Prepare
        | StepKind::AwaitAzureAgent
        | StepKind::AwaitProtected
        | StepKind::Barrier
        | StepKind::ApproveFailover
        | StepKind::AwaitPoint
        | StepKind::Recheck
        | StepKind::BootGroup
        | StepKind::ApproveCommit
        | StepKind::Commit
        | StepKind::Cleanup
        | StepKind::AwaitAgent
        | StepKind::AwaitForward
        | StepKind::Action => Vec::new(),
    }
}

fn said(told: &mut Vec<(String, String)>, name: &str, value: Option<&Spanned<String>>) {
    if let Some(value) = value {
        told.push((name.to_owned(), value.value.clone()));
    }
}

fn of_reprotect(machine: Machine<'_>) -> Vec<(String, String)> {
    let failback = &machine.settings().failback;
    let mut told = Vec::new();
    let location = match machine.location_mode() {
        Ok(LocationMode::Original) => "original: the virtual machine exists",
        Ok(LocationMode::Alternate) => "alternate: a new virtual machine is made",
        Err(_) => "not known from the facts: look whether the virtual machine exists",
    };
    told.push(("location".to_owned(), location.to_owned()));
    said(&mut told, "master target", failback.master_target.as_ref());
    said(&mut told, "process server", failback.process_server.as_ref());
    said(&mut told, "retention volume", failback.retention_volume.as_ref());
    said(&mut told, "appliance", failback.appliance.as_ref());
    said(&mut told, "log storage account", failback.log_storage_account.as_ref());
    said(&mut told, "datastore", failback.datastore.as_ref());
    said(&mut told, "vCenter", failback.vcenter.as_ref());
    said(&mut told, "host", failback.host.as_ref());
    told
}

fn of_forward(machine: Machine<'_>) -> Vec<(String, String)> {
    let Some(forward) = machine.settings().forward.as_ref() else { return Vec::new() };
    let mut told = Vec::new();
    said(&mut told, "process server", forward.process_server.as_ref());
    said(&mut told, "appliance", forward.appliance.as_ref());
    said(&mut told, "cache storage account", forward.cache_storage_account.as_ref());
    said(&mut told, "master target", forward.master_target.as_ref());
    said(&mut told, "account", forward.run_as_account.as_ref());
    said(&mut told, "policy", forward.policy.as_ref());
    told
}

fn of_probe(probe: &Probe) -> (String, String) {
    let name = probe.name.value.clone();
    if let Some(http) = &probe.http {
        let status = http.status.map_or(200, |status| status.value);
        return (name, format!("{} answers {status}", http.url.value));
    }
    let tcp = probe.tcp.as_ref().map(|tcp| format!("{} port {} answers", tcp.host.value, tcp.port.value));
    (name, tcp.unwrap_or_default())
}

fn of_action(action: &Action) -> Vec<(String, String)> {
    let mut told = Vec::new();
    if let Some(run) = &action.run {
        let words: Vec<String> = run.command.iter().map(|word| shown(&word.value)).collect();
        told.push(("run".to_owned(), words.join(" ")));
    }
    if let Some(manual) = &action.manual {
        told.push(("see to it that".to_owned(), manual.prompt.value.clone()));
    }
    if let Some(runbook) = &action.runbook {
        told.push(("automation account".to_owned(), runbook.automation_account.value.clone()));
        told.push(("runbook".to_owned(), runbook.name.value.clone()));
    }
    if let Some(http) = &action.http {
        told.push(("call".to_owned(), http.url.value.clone()));
    }
    if let Some(tcp) = &action.tcp {
        told.push(("wait for".to_owned(), format!("{} port {}", tcp.host.value, tcp.port.value)));
    }
    if let Some(timeout) = action.timeout {
        told.push(("at most".to_owned(), timeout.value.to_string()));
    }
    told
}

/// Returns a word of a command as it is typed.
fn shown(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
