//! `forward`: replication from on-premises to Azure again. Never before the commit was observed: the service would accept it,
//! and commit by itself.

use crate::provider::ForwardTarget;
use crate::provider::Request;
use crate::run::step::Context;
use crate::run::step::Decision;
use crate::run::step::cycle::least_place;
use crate::syntax::inventory::Experience;

pub(super) fn decide(context: &Context<'_>) -> Decision {
    match least_place(context) {
        Err(decision) => return decision,
        Ok(place) if place >= 5 => return context.adopt("the machine replicates to Azure already"),
        Ok(4) => {}
        Ok(_) => {
            let message = "the commit was not observed, and reprotect to Azure would commit by itself".into();
            return Decision::Fail { code: "not-committed", message };
        }
    }
    let machine = context.machine();
    let forward = machine.settings().forward.as_ref();
    let text = |value: Option<&crate::source::Spanned<String>>| value.map(|value| value.value.clone());
    let process_server = text(forward.and_then(|forward| forward.process_server.as_ref()));
    let appliance = text(forward.and_then(|forward| forward.appliance.as_ref()));
    let cache = text(forward.and_then(|forward| forward.cache_storage_account.as_ref()));
    let target = match (context.graph.experience(), process_server, appliance, cache) {
        (Experience::Classic, Some(process_server), ..) => ForwardTarget::Classic { process_server },
        (Experience::Modernized, _, Some(appliance), Some(cache_storage_account)) => {
            ForwardTarget::Modernized { appliance, cache_storage_account }
        }
        (Experience::Classic, None, ..) | (Experience::Modernized, ..) => {
            let message = format!("the plan does not say how {} is protected again", machine.name());
            return Decision::Fail { code: "forward-parameters", message };
        }
    };
    Decision::Send(Request::ReprotectToAzure {
        machine: context.graph.name_of(machine.index()).clone(),
        target,
    })
}
