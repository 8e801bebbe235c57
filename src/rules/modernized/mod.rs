//! Rules of the modernized architecture (FB800–FB839).

pub(crate) mod agent_registration_after_failover;
pub(crate) mod appliance_cannot_access_datastore;
pub(crate) mod appliance_capacity;
pub(crate) mod appliance_cloned;
pub(crate) mod appliance_disk_capacity;
pub(crate) mod appliance_not_in_vault;
pub(crate) mod appliance_storage_vmotion;
pub(crate) mod appliance_time_sync;
pub(crate) mod appliance_unhealthy;
pub(crate) mod appliance_version;
pub(crate) mod azure_vm_outbound_urls;
pub(crate) mod cancel_planned_failover_window;
pub(crate) mod forward_reprotect_parameters;
pub(crate) mod log_storage_account;
pub(crate) mod physical_disk_exclusion;
pub(crate) mod planned_failover_failed_do_not_disable;
pub(crate) mod planned_failover_recovery_point;
pub(crate) mod static_ip_lost;
pub(crate) mod switch_appliance_while_failed_over;

use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::Rule;
use crate::rules::labels::also_machines;
use crate::rules::needed::AllNeeded;
use crate::rules::needed::all_needed_are;
use crate::rules::needed::needed;
use crate::rules::runtime::failover_is_ahead;
use crate::rules::steps::PlannedStep;
use crate::source::Span;
use crate::source::Spanned;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[
    &appliance_unhealthy::RULE,
    &appliance_not_in_vault::RULE,
    &appliance_cannot_access_datastore::RULE,
    &appliance_disk_capacity::RULE,
    &appliance_storage_vmotion::RULE,
    &log_storage_account::RULE,
    &static_ip_lost::RULE,
    &planned_failover_recovery_point::RULE,
    &cancel_planned_failover_window::RULE,
    &planned_failover_failed_do_not_disable::RULE,
    &agent_registration_after_failover::RULE,
    &azure_vm_outbound_urls::RULE,
    &switch_appliance_while_failed_over::RULE,
    &appliance_cloned::RULE,
    &appliance_version::RULE,
    &appliance_capacity::RULE,
    &appliance_time_sync::RULE,
    &forward_reprotect_parameters::RULE,
    &physical_disk_exclusion::RULE,
];

/// Points at the machines of the plan that come back through an appliance.
fn also_assigned(finding: &mut Finding, appliance: Appliance<'_>) {
    also_machines(finding, appliance.machines(), &format!("comes back through {}", appliance.name()));
}

/// Returns whether an appliance has still to bring a machine back: at a guard it has, before a run that follows from the
/// states of its machines. A machine whose state is not known may need it.
fn is_needed(appliance: Appliance<'_>, findings: &Findings<'_>) -> bool {
    findings.guard().is_some()
        || appliance.machines().any(|machine| machine.state().map_or(true, failover_is_ahead))
}

fn named(appliance: Appliance<'_>) -> (&str, Appliance<'_>) {
    (appliance.name(), appliance)
}

/// Returns the appliance of a machine's way home, with its name.
fn home(machine: Machine<'_>) -> Fact<Option<(&str, Appliance<'_>)>> {
    Ok(machine.listed_appliance()?.map(named))
}

/// Returns the appliance of a machine's way to Azure, with its name.
fn to_azure(machine: Machine<'_>) -> Fact<Option<(&str, Appliance<'_>)>> {
    Ok(machine.listed_forward_appliance()?.map(named))
}

/// Returns the appliances that the concerned machines still need, on either way.
fn needed_appliances<'m>(model: &'m Model, findings: &Findings<'_>) -> AllNeeded<'m, Appliance<'m>> {
    needed(model, findings, home, to_azure)
}

/// Returns whether the inventory has each of them, and all are fine.
fn needed_appliances_are(
    model: &Model,
    findings: &Findings<'_>,
    is_fine: impl Fn(Appliance<'_>) -> bool,
) -> bool {
    all_needed_are(model, findings, (home, to_azure), is_fine)
}

/// Returns the vault that an appliance is registered in and the plan's, if they are not the same one.
fn other_vault<'m>(appliance: Appliance<'m>) -> Fact<Option<(&'m Spanned<String>, &'m Spanned<String>)>> {
    let vault = appliance.model.inventory.vault.as_ref().ok_or_else(|| Unknown::of("vault.name", "vault"))?;
    let ours = vault.name.fact_of("vault.name", "vault")?;
    let theirs = appliance.facts.vault.fact_of("appliances.vault", appliance.name())?;
    Ok((!theirs.value.eq_ignore_ascii_case(&ours.value)).then_some((theirs, ours)))
}

/// Returns the machine that a step of somebody else is about, and the line to change: the step's, else the machine's.
fn machine_of<'m>(step: &PlannedStep, model: &'m Model) -> Fact<(Machine<'m>, Span)> {
    let machine = model
        .machine_named(step.machine.as_str())
        .ok_or_else(|| Unknown::of("machines", step.machine.as_str()))?;
    Ok((machine, if step.span.is_none() { machine.name().span } else { step.span }))
}

#[cfg(test)]
mod tests {
    use crate::rules::Rule;
    use crate::rules::fixture;
    use crate::rules::fixture::Case;

    fn messages(rule: &'static Rule, machines: usize) -> Vec<(String, usize)> {
        let more: String = (0..machines).map(|number| format!("m{number}: {{}}, ")).collect();
        let case: Case = serde_yaml::from_str(&format!(
            "{{name: many, world: modernized, plan: {{machines: {{{more}}}}}, \
             inventory: {{appliances: {{ra1: {{cloned: true}}}}}}, expect: []}}"
        ))
        .expect("the case is a case");
        let outcome = fixture::run(rule, &case).expect("the world can be changed");
        outcome.findings.into_iter().map(|finding| (finding.message, finding.related.len())).collect()
    }

    #[test]
    fn a_finding_points_at_ten_machines_and_counts_the_others() {
        let found = messages(&super::appliance_cloned::RULE, 12);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, 11);
    }

    #[test]
    fn an_appliance_takes_two_hundred_machines_and_no_more() {
        // The world has two machines of its own.
        let messages = |machines| {
            let all = messages(&super::appliance_capacity::RULE, machines).into_iter();
            all.filter(|(message, _)| message.contains("an appliance takes")).collect::<Vec<_>>()
        };
        assert!(messages(198).is_empty());
        let found = messages(199);
        assert_eq!(found[0].0, "ra1: 201 machines; an appliance takes 200");
    }
}
