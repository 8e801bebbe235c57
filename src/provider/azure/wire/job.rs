//! Jobs, with the tree of their tasks and what went wrong in them.

use serde::Deserialize;

use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Number;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::azure::wire::scalar::Time;

/// A job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Job {
    pub(in crate::provider::azure) activity_id: Text,
    pub(in crate::provider::azure) scenario_name: Text,
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) state: Text,
    pub(in crate::provider::azure) tasks: List<Task>,
    pub(in crate::provider::azure) errors: List<Trouble>,
    pub(in crate::provider::azure) start_time: Time,
    pub(in crate::provider::azure) end_time: Time,
    pub(in crate::provider::azure) target_object_name: Text,
    pub(in crate::provider::azure) custom_details: Object<JobDetails>,
}

/// What a job says beside that; lists leave it out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct JobDetails {
    /// Of a failover: what it did with each item. Recorded as empty where one machine alone failed over to or from VMware.
    pub(in crate::provider::azure) protected_item_details: List<FailedOver>,
}

/// What a failover did with an item.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct FailedOver {
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) recovery_point_id: Text,
    pub(in crate::provider::azure) recovery_point_time: Time,
}

/// A task of a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Task {
    pub(in crate::provider::azure) task_id: Text,
    pub(in crate::provider::azure) name: Text,
    pub(in crate::provider::azure) friendly_name: Text,
    pub(in crate::provider::azure) state: Text,
    pub(in crate::provider::azure) task_type: Text,
    pub(in crate::provider::azure) errors: List<Trouble>,
    pub(in crate::provider::azure) custom_details: Object<TaskDetails>,
    pub(in crate::provider::azure) group_task_custom_details: Object<Group>,
}

/// Tasks inside a task.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Group {
    pub(in crate::provider::azure) child_tasks: List<Task>,
}

/// What a task says beside that.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct TaskDetails {
    pub(in crate::provider::azure) job_task: Object<JobTask>,
}

/// A job that a task stands for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct JobTask {
    pub(in crate::provider::azure) job_id: Text,
    pub(in crate::provider::azure) target_object_name: Text,
}

/// What went wrong.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct Trouble {
    pub(in crate::provider::azure) service_error_details: Object<ServiceError>,
    pub(in crate::provider::azure) provider_error_details: Object<ProviderTrouble>,
    pub(in crate::provider::azure) error_level: Text,
    pub(in crate::provider::azure) task_id: Text,
}

/// In the words of Site Recovery.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct ServiceError {
    pub(in crate::provider::azure) code: Text,
    pub(in crate::provider::azure) message: Text,
}

/// In the words of the replication provider.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct ProviderTrouble {
    pub(in crate::provider::azure) error_code: Number,
    pub(in crate::provider::azure) error_message: Text,
}

/// How a long operation ended, as its address tells.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct LongOperation {
    /// Of one that succeeded, this is what it has to say.
    pub(in crate::provider::azure) error: Object<OperationError>,
}

/// What a long operation says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::provider::azure) struct OperationError {
    pub(in crate::provider::azure) code: Text,
    pub(in crate::provider::azure) message: Text,
}
