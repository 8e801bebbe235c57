//! The recovery plans that are in a vault.

use std::collections::BTreeMap;

use crate::id::MachineName;
use crate::provider::azure::client::ReadClient;
use crate::provider::azure::client::SITE_RECOVERY;
use crate::provider::azure::error::AzureError;
use crate::provider::azure::site::Directory;
use crate::provider::azure::site::read_directory;
use crate::provider::azure::vault::VaultId;
use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::page::Resource;
use crate::provider::azure::wire::plan::Action;
use crate::provider::azure::wire::plan::Group;
use crate::provider::azure::wire::plan::Plan;
use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::seen_plan::SeenAction;
use crate::provider::seen_plan::SeenDeed;
use crate::provider::seen_plan::SeenGroup;
use crate::provider::seen_plan::SeenPlan;
use crate::secret;

/// Returns the recovery plans of a vault, in the order of their names.
///
/// # Errors
///
/// [`AzureError`] if the vault's plans or items can't be read.
pub async fn recovery_plans(reader: &ReadClient, vault: &VaultId) -> Result<Vec<SeenPlan>, AzureError> {
    let path = format!("{}/replicationRecoveryPlans", vault.path());
    let (plans, directory) =
        tokio::join!(reader.list::<Resource<Plan>>(&path, "", SITE_RECOVERY), read_directory(reader, vault),);
    let (directory, _) = directory?;
    let by_id: BTreeMap<String, &str> =
        directory.entries.iter().map(|entry| (entry.id.to_lowercase(), entry.name.as_str())).collect();
    let mut plans: Vec<SeenPlan> =
        plans?.values.into_iter().map(|plan| seen(&plan, &by_id, &directory)).collect();
    plans.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(plans)
}

fn seen(plan: &Resource<Plan>, by_id: &BTreeMap<String, &str>, directory: &Directory) -> SeenPlan {
    let told = &plan.properties;
    let name = told.friendly_name.or(&plan.name).unwrap_or_default().to_owned();
    let mut seen = SeenPlan { name, groups: Vec::new(), shutdown: Vec::new(), failover: Vec::new() };
    for group in told.groups.iter() {
        let both = || actions(&group.start_group_actions).chain(actions(&group.end_group_actions));
        if group.group_type.is("Shutdown") {
            seen.shutdown.extend(both());
        } else if group.group_type.is("Failover") {
            seen.failover.extend(both());
        } else {
            seen.groups.push(boot_group(group, by_id, directory));
        }
    }
    seen
}

fn boot_group(group: &Group, by_id: &BTreeMap<String, &str>, directory: &Directory) -> SeenGroup {
    let mut seen = SeenGroup {
        machines: Vec::new(),
        others: Vec::new(),
        before: actions(&group.start_group_actions).collect(),
        after: actions(&group.end_group_actions).collect(),
    };
    for member in group.replication_protected_items.iter() {
        let Some(id) = member.id.get() else { continue };
        match by_id.get(&id.to_lowercase()) {
            Some(name) => seen.machines.push(MachineName::new(*name)),
            None => {
                let name = last_part(id);
                let mut others = directory.others.values().chain(directory.unreadable.values()).flatten();
                let known = others.find(|other| other.eq_ignore_ascii_case(name));
                seen.others.push(known.map_or_else(|| name.to_owned(), Clone::clone));
            }
        }
    }
    seen
}

fn actions(list: &List<Action>) -> impl Iterator<Item = SeenAction> {
    // What people wrote goes into plans as it is, but for the secrets of this process.
    let text = |text: &Text| secret::strike(text.or_empty()).into_owned();
    let texts = |list: &List<Text>| list.iter().filter_map(|text| text.get().map(str::to_owned)).collect();
    list.iter().map(move |action| {
        let details = action.custom_details.clone().into_value();
        let deed = match details.instance_type.or_empty() {
            "ManualActionDetails" => SeenDeed::Manual { description: text(&details.description) },
            "AutomationRunbookActionDetails" => SeenDeed::Runbook {
                id: details.runbook_id.or_empty().to_owned(),
                timeout: details.timeout.into_option(),
                location: details.fabric_location.into_option(),
            },
            "ScriptActionDetails" => SeenDeed::Script { path: text(&details.path) },
            other => SeenDeed::Other(other.to_owned()),
        };
        SeenAction {
            name: text(&action.action_name),
            failover_types: texts(&action.failover_types),
            directions: texts(&action.failover_directions),
            deed,
        }
    })
}
