//! What the services say when they refuse, which nobody recorded: the general words of Azure Resource Manager, and a job that fails.

use std::collections::BTreeMap;
use std::path::Path;

use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
use failback::source::Spanned;
use serde_json::json;

use crate::lab::CLASSIC;
use crate::lab::MODERNIZED;
use crate::lab::world;
use crate::recordings::journey::Journey;
use crate::recordings::journey::Taken;
use crate::wire_lab::options;

pub async fn journey(folder: &Path) -> BTreeMap<String, Taken> {
    let world_as_it_is = world(CLASSIC.0, CLASSIC.1);
    let mut taken = BTreeMap::new();
    for (file, kind) in [
        ("inferred.error.401-expired-token.json", WireFaultKind::ExpiredToken),
        ("inferred.error.403-authorization-failed.json", WireFaultKind::Forbidden),
        ("inferred.error.429-throttled.json", WireFaultKind::Busy),
        ("inferred.error.503-service-unavailable.json", WireFaultKind::Error),
    ] {
        let fault = WireFault { seconds: Some(17.0), ..WireFault::always(kind) };
        let wire_faults = WireFaults { seed: 0, faults: vec![fault] };
        let mut go = Journey::with(&world_as_it_is, ServerOptions { wire_faults, ..options() }, folder).await;
        let fabric = go.wire.fabric();
        go.get(&[file], &fabric).await;
        taken.append(&mut go.taken);
    }
    let mut unregistered = world(MODERNIZED.0, MODERNIZED.1);
    let machines = unregistered.inventory.machines.as_mut().expect("machines");
    machines[0].asr.as_mut().expect("facts").agent_registration_ok = Some(Spanned::bare(false));
    let mut go = Journey::begin(&unregistered, folder).await;
    let (item, fabric) = (go.item("w1"), go.wire.fabric());
    let details = go.get(&[], &fabric).await["properties"]["customDetails"].clone();
    let group = go.wire.vault().split("/providers/").next().expect("a group").to_owned();
    let order = [
        ("reprotectAgentId", details["reprotectAgents"][0]["id"].clone()),
        ("datastoreName", json!("vmfs1")),
        ("logStorageAccountId", json!(format!("{group}/providers/Microsoft.Storage/storageAccounts/sa2"))),
    ];
    let job = go.begin_job("inmage-rcm.reprotect.request.json", &format!("{item}/reProtect"), &order).await;
    let ended = go.ended(&["inferred.job.reprotect.failed.agent-not-registered.json"], &job).await;
    assert_eq!(ended["properties"]["state"], "Failed");
    taken.append(&mut go.taken);
    taken
}
