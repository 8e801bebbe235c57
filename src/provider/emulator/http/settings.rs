//! Settings of the vault, and whom it tells of alerts.

use hyper::Method;
use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::desk::Target;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::field;
use crate::provider::emulator::http::visit::Visit;

const SETTINGS: &str = "replicationVaultSettings";
const ALERTS: &str = "replicationAlertSettings";

/// Seconds in which the settings are written.
const WRITE_SECONDS: i64 = 5;

/// Answers what is asked about settings; `path` is what follows the vault. There is one of each kind.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let read = asked.is_read();
    let answer = match path {
        ["replicationvaultsettings"] if read => Answer::list(vec![settings(visit)], None),
        ["replicationvaultsettings", "default"] if read => Answer::ok(settings(visit)),
        ["replicationvaultsettings", "default"] if asked.method == Method::PUT => write(visit, asked),
        ["replicationalertsettings"] if read => Answer::list(vec![alerts(visit)], None),
        ["replicationalertsettings", "defaultalertsetting"] if read => Answer::ok(alerts(visit)),
        ["replicationalertsettings", "defaultalertsetting"] if asked.method == Method::PUT => {
            let properties = match asked.properties() {
                Ok(properties) => properties,
                Err(answer) => return Some(answer),
            };
            let id = visit.identity().within(ALERTS, "defaultAlertSetting");
            visit.desk.stored.insert(id.to_lowercase(), properties);
            Answer::ok(alerts(visit))
        }
        _ => return None,
    };
    Some(answer)
}

fn write(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return answer,
    };
    let id = visit.identity().within(SETTINGS, "default");
    let tasks =
        vec![ServiceTask::new("UpdateVaultSettingTask", "Updating the settings of the vault", WRITE_SECONDS)];
    let words = ("UpdateVaultSetting", "Update vault settings");
    let job = ServiceJob::new(words.0, words.1, Target::default(), tasks, id.clone());
    let job = job.then(move |stored| {
        stored.insert(id.to_lowercase(), properties);
    });
    visit.start(asked, job)
}

fn settings(visit: &Visit<'_>) -> Value {
    let id = visit.identity().within(SETTINGS, "default");
    let stored = visit.desk.stored.get(&id.to_lowercase());
    let own = |name: &str| stored.and_then(|stored| field(stored, name)).cloned();
    let provider = if visit.identity().classic { "InMageAzureV2" } else { "InMageRcm" };
    json!({
        "id": id,
        "name": "default",
        "type": "Microsoft.RecoveryServices/vaults/replicationVaultSettings",
        "properties": {
            "migrationSolutionId": own("migrationSolutionId").unwrap_or_default(),
            "vmwareToAzureProviderType": own("vmwareToAzureProviderType").unwrap_or_else(|| provider.into()),
        },
    })
}

fn alerts(visit: &Visit<'_>) -> Value {
    let id = visit.identity().within(ALERTS, "defaultAlertSetting");
    let stored = visit.desk.stored.get(&id.to_lowercase());
    let own = |name: &str| stored.and_then(|stored| field(stored, name)).cloned();
    json!({
        "id": id,
        "name": "defaultAlertSetting",
        "type": "Microsoft.RecoveryServices/vaults/replicationAlertSettings",
        "properties": {
            "sendToOwners": own("sendToOwners").unwrap_or_else(|| "DoNotSend".into()),
            "customEmailAddresses": own("customEmailAddresses").unwrap_or_else(|| json!([])),
            "locale": own("locale").unwrap_or_else(|| "en-US".into()),
        },
    })
}
