//! Drills as `CronJob` objects of Kubernetes, which knows time zones.

use serde_json::json;

use crate::drill::elsewhere::Command;
use crate::drill::elsewhere::Fields;
use crate::drill::elsewhere::Job;
use crate::drill::elsewhere::Refusal;

/// Seconds by which a drill may begin late and still begin, if missed ones are to be left out.
const LATE: u64 = 300;

/// Returns the object of a drill.
pub(super) fn job(job: &Job<'_>, command: &Command, warnings: &mut Vec<String>) -> Result<String, Refusal> {
    let fields = Fields::of(job)?;
    let name = job.name();
    if job.jitter() > 0 {
        warnings.push(format!("{name} would begin without its delay: a CronJob has none"));
    }
    if job.waits() {
        warnings
            .push(format!("{name} would be left out while the one before it runs: a CronJob lets none wait"));
    }
    let mut spec = json!({
        "schedule": fields.text(),
        "timeZone": job.zone(),
        "concurrencyPolicy": "Forbid",
        "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "failback",
                "image": command.image,
                "command": job.words(command, &job.plan.known_as),
                "volumeMounts": [
                    {"name": "plans", "mountPath": "/etc/failback", "readOnly": true},
                    {"name": "state", "mountPath": "/var/lib/failback"},
                ],
            }],
            "volumes": [
                {"name": "plans", "configMap": {"name": "failback-plans"}},
                {"name": "state", "persistentVolumeClaim": {"claimName": "failback-state"}},
            ],
        }}}},
    });
    if !job.runs_once_when_missed() {
        spec["startingDeadlineSeconds"] = json!(LATE);
    }
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": job.slug(), "annotations": {"failback/drill": name}},
        "spec": spec,
    });
    let text = serde_yaml::to_string(&object).map_err(|error| job.refused(error.to_string(), "rename it"))?;
    Ok(format!("---\n{text}"))
}
