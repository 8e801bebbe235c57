//! `reprotect`: replication from Azure to on-premises. It powers the on-premises VM off and rewrites its disks.

use jiff::SignedDuration;

use crate::graph::StepKind;
use crate::model::Machine;
use crate::provider::OnpremTarget;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::Gate;
use crate::run::step::cycle::least_place;
use crate::run::step::is_done;
use crate::run::step::protection::deadline;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PowerState;

/// How long a reprotect job that somebody else began may take.
const OTHERS_PATIENCE: SignedDuration = SignedDuration::from_hours(2);

pub(super) fn decide(context: &Context<'_>) -> Decision {
    let machine = context.machine();
    match least_place(context) {
        Err(decision) => return decision,
        // The job may still fail, and leave the machine where it was.
        Ok(1) if context.is_busy(machine) => {
            let reason =
                format!("a reprotect of {} that this run did not begin is under way", machine.name());
            return context.wait_for_others(reason, OTHERS_PATIENCE);
        }
        Ok(place) if place >= 1 => {
            return context.adopt("the machine replicates to on-premises already");
        }
        Ok(_) => {}
    }
    if context.state.handed_over {
        return by_hand(context, machine);
    }
    if let Ok(vm) = machine.onprem_vm()
        && vm.exists.is_some_and(|exists| exists.value)
        && vm.power_state.is_some_and(|power| power.value == PowerState::Running)
    {
        return Decision::Fail {
            code: "onprem-vm-running",
            message: format!(
                "the on-premises VM of {} runs: reprotect would power it off and rewrite its disks; find out why, then power it off",
                machine.name()
            ),
        };
    }
    match target(context, machine) {
        Some(target) => Decision::Send(Request::ReprotectToOnprem {
            machine: context.graph.name_of(machine.index()).clone(),
            target,
        }),
        None => Decision::Fail {
            code: "reprotect-parameters",
            message: format!(
                "the plan does not say all that reprotect needs for {}: {}",
                machine.name(),
                match context.graph.experience() {
                    Experience::Classic => "master target, process server, retention volume and datastore",
                    Experience::Modernized => "appliance, log storage account and datastore",
                }
            ),
        },
    }
}

/// What a person has to do: one step asks whether it is done for all members of a group, and each ends when its machine is seen.
fn by_hand(context: &Context<'_>, machine: Machine<'_>) -> Decision {
    let own = Gate { asked_by: context.step, answer: context.state.answer.as_ref() };
    let gate = context.gate.unwrap_or(own);
    match gate.answer {
        None if gate.asked_by != context.step => {
            let asked_by = &context.graph.step(gate.asked_by).id;
            Decision::Await(format!("{asked_by} asks for what a person has to do for {} too", machine.name()))
        }
        None => Decision::Ask { prompt: question(context, machine), roles: Vec::new() },
        Some(answer) if !answer.approved => Decision::Fail {
            code: "refused",
            message: format!("{} said that it will not be done by hand", answer.by),
        },
        Some(_) => {
            let reason = format!("{} is to be reprotected by hand", machine.name());
            context.wait(reason, None, deadline(context))
        }
    }
}

/// Returns the machine and the other members of its group that do not replicate yet.
fn of_group<'c>(context: &Context<'c>, machine: Machine<'c>) -> Vec<Machine<'c>> {
    let Some(group) = machine.group() else { return vec![machine] };
    let is_open = |member: &Machine<'_>| {
        !context.out.contains(&member.index()) && !is_done(StepKind::Reprotect, *member)
    };
    group.members().map(|member| context.model.machine(member.index())).filter(is_open).collect()
}

/// Returns what a person sends in the portal where a step was handed over, for every machine that its question is about.
#[must_use]
pub fn left_to_people(context: &Context<'_>) -> Vec<Request> {
    if !context.state.handed_over || context.kind() != StepKind::Reprotect {
        return Vec::new();
    }
    let machines = context.machines().next().map_or(Vec::new(), |machine| of_group(context, machine));
    let requests = machines.into_iter().filter_map(|machine| {
        let name = context.graph.name_of(machine.index()).clone();
        Some(Request::ReprotectToOnprem { machine: name, target: target(context, machine)? })
    });
    requests.collect()
}

/// Returns what a person is asked to do, for every member of the machine's group that does not replicate yet.
fn question(context: &Context<'_>, machine: Machine<'_>) -> String {
    let mut told: Vec<(String, Vec<&str>)> = Vec::new();
    for member in of_group(context, machine) {
        let target = target(context, member);
        let parameters: Vec<String> =
            target.iter().flat_map(handed_over).map(|(name, value)| format!("{name} {value}")).collect();
        let (parameters, name) = (parameters.join(", "), member.name().value.as_str());
        match told.iter_mut().find(|(known, _)| *known == parameters) {
            Some((_, names)) => names.push(name),
            None => told.push((parameters, vec![name])),
        }
    }
    let whose = machine.group().map_or_else(
        || machine.name().value.clone(),
        |group| format!("the replication group {}", group.name().value),
    );
    let told: Vec<String> = told
        .into_iter()
        .map(|(parameters, names)| format!("{} with {parameters}", names.join(", ")))
        .collect();
    format!(
        "The service leaves the reprotect of {whose} to a person. In the portal, reprotect from Azure to on-premises: {}. Begun?",
        told.join("; ")
    )
}

/// Returns what a person has to choose where the request names it.
#[must_use]
pub fn handed_over(target: &OnpremTarget) -> Vec<(&'static str, &str)> {
    match target {
        OnpremTarget::Classic { master_target, process_server, retention_volume, datastore } => vec![
            ("master target", master_target),
            ("process server", process_server),
            ("retention volume", retention_volume),
            ("datastore", datastore),
        ],
        OnpremTarget::Modernized { appliance, log_storage_account, datastore } => vec![
            ("appliance", appliance),
            ("log storage account", log_storage_account),
            ("datastore", datastore),
        ],
    }
}

fn target(context: &Context<'_>, machine: Machine<'_>) -> Option<OnpremTarget> {
    let failback = &machine.settings().failback;
    let text =
        |value: &Option<crate::source::Spanned<String>>| value.as_ref().map(|value| value.value.clone());
    match context.graph.experience() {
        Experience::Classic => Some(OnpremTarget::Classic {
            master_target: text(&failback.master_target)?,
            process_server: text(&failback.process_server)?,
            retention_volume: text(&failback.retention_volume)?,
            datastore: text(&failback.datastore)?,
        }),
        Experience::Modernized => Some(OnpremTarget::Modernized {
            appliance: text(&failback.appliance)?,
            log_storage_account: text(&failback.log_storage_account)?,
            datastore: text(&failback.datastore)?,
        }),
    }
}
