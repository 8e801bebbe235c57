//! Drills as `CronJob` objects of Kubernetes, which knows time zones.

use serde_json::json;

use crate::drill::elsewhere::Command;
use crate::drill::elsewhere::Fields;
use crate::drill::elsewhere::Job;
use crate::drill::elsewhere::Refusal;

/// Seconds by which a drill may begin late and still begin, if missed ones are to be left out.
const LATE: u64 = 300;

/// The folder of the plans in a container.
const PLANS: &str = "/etc/failback";

/// The folder of the records in a container.
const STATE: &str = "/var/lib/failback";

/// The user of the image.
const USER: u32 = 10_001;

/// The service account of drills that look at their site: that of packaging/kubernetes.yaml.
pub(super) const ACCOUNT: &str = "failback";

/// What stands before the objects.
pub(super) const HEAD: &str = "\
# The plans, with the inventories and policies that they name, are read from a config map, which has no folders of its own:
#   kubectl create configmap failback-plans --from-file=plans/
# The records are kept in the persistent volume claim failback-state: block storage, not a share.
";

/// Returns the object of one of these drills.
pub(super) fn job(
    job: &Job<'_>,
    all: &[Job<'_>],
    command: &Command,
    warnings: &mut Vec<String>,
) -> Result<String, Refusal> {
    let fields = Fields::of(job)?;
    let file = job.plan.path.file_name().unwrap_or_default();
    let same =
        |other: &&Job<'_>| other.plan.path.file_name() == Some(file) && other.plan.path != job.plan.path;
    if let Some(other) = all.iter().find(same) {
        let why = format!("its file is called {}, as that of plan {} is", file.display(), other.plan.name);
        return Err(job.refused(why, "a config map has no folders: give one of the files another name"));
    }
    let plan = format!("{PLANS}/{}", file.to_string_lossy());
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
            "automountServiceAccountToken": false,
            // The user of the image, to whom the volume is given: a fresh one belongs to root. The rest is what a namespace of the
            // level `restricted` asks for.
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [{
                "name": "failback",
                "image": command.image,
                "command": job.words(command, &plan, Some(STATE)),
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": "plans", "mountPath": PLANS, "readOnly": true},
                    {"name": "state", "mountPath": STATE},
                    {"name": "scratch", "mountPath": "/tmp"},
                ],
            }],
            "volumes": [
                {"name": "plans", "configMap": {"name": "failback-plans"}},
                {"name": "state", "persistentVolumeClaim": {"claimName": "failback-state"}},
                {"name": "scratch", "emptyDir": {}},
            ],
        }}}},
    });
    if job.drill.looks_at_site() {
        let pod = &mut spec["jobTemplate"]["spec"]["template"];
        // Azure Workload Identity hands the federated token of the account to pods with this label.
        pod["metadata"] = json!({"labels": {"azure.workload.identity/use": "true"}});
        pod["spec"]["serviceAccountName"] = json!(ACCOUNT);
    }
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
