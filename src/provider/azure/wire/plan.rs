//! Recovery plans.

use serde::Deserialize;

use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;

/// A recovery plan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Plan {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) groups: List<Group>,
}

/// A group of a recovery plan.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Group {
    pub(in crate::provider::azure) group_type: Text,
    pub(in crate::provider::azure) replication_protected_items: List<Member>,
    pub(in crate::provider::azure) start_group_actions: List<Action>,
    pub(in crate::provider::azure) end_group_actions: List<Action>,
}

/// A machine of a group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Member {
    pub(in crate::provider::azure) id: Text,
}

/// An action before or after a group.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Action {
    pub(in crate::provider::azure) action_name: Text,
    pub(in crate::provider::azure) failover_types: List<Text>,
    pub(in crate::provider::azure) failover_directions: List<Text>,
    pub(in crate::provider::azure) custom_details: Object<ActionDetails>,
}

/// What an action does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct ActionDetails {
    pub(in crate::provider::azure) instance_type: Text,
    pub(in crate::provider::azure) description: Text,
    pub(in crate::provider::azure) path: Text,
    pub(in crate::provider::azure) runbook_id: Text,
    pub(in crate::provider::azure) timeout: Text,
    pub(in crate::provider::azure) fabric_location: Text,
}
