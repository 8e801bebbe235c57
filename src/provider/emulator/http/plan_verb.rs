//! What may be asked of a recovery plan: `POST …/replicationRecoveryPlans/{plan}/{verb}`.

use serde_json::Value;

use crate::id::MachineName;
use crate::provider::emulator::http::desk;
use crate::provider::emulator::http::desk::Manual;
use crate::provider::emulator::http::desk::ServiceJob;
use crate::provider::emulator::http::desk::ServiceTask;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::field;
use crate::provider::emulator::http::exchange::text;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::item::Provider;
use crate::provider::emulator::http::recovery_plan;
use crate::provider::emulator::http::verb;
use crate::provider::emulator::http::verb::Pauses;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::service::ServiceAct;
use crate::provider::request::FailbackPoint;
use crate::provider::request::Request;
use crate::syntax::machine::State;

/// Returns the answer to a verb on a plan.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked, plan: &str, word: &str) -> Option<Answer> {
    let properties = match asked.properties() {
        Ok(properties) => properties,
        Err(answer) => return Some(answer),
    };
    let members = recovery_plan::members(visit, plan);
    let machines: Vec<MachineName> = members.iter().map(|at| visit.world().items[*at].name.clone()).collect();
    let resource = recovery_plan::id(visit, plan);
    let target = recovery_plan::target(plan);
    let recovery_plan = Some(plan.to_owned());
    Some(match word {
        "unplannedfailover" | "plannedfailover" => {
            let planned = word == "plannedfailover";
            let home = text(&properties, "failoverDirection")
                .is_some_and(|word| word.eq_ignore_ascii_case("RecoveryToPrimary"));
            if home {
                match point(visit, asked, &members, &properties, planned) {
                    Ok(point) => {
                        let request = Request::FailoverToOnprem { machines, recovery_plan, point };
                        // A planned failover always shuts its source down.
                        let shuts_down = planned || verb::shuts_down(&properties);
                        verb::begin_failover(visit, asked, &request, resource, shuts_down)
                    }
                    Err(answer) => answer,
                }
            } else if planned || members.iter().any(|at| item::provider(visit, *at).is_to_onprem()) {
                // A plan's direction is that of its own primary side, whatever its machines replicate to.
                verb::wrong_direction(asked)
            } else {
                let shuts_down = verb::shuts_down(&properties);
                let pauses = pauses(visit, &resource, "UnplannedFailover");
                verb::fail_over_to_azure(visit, asked, members, (target, pauses), resource, shuts_down)
            }
        }
        "failovercommit" => verb::begin(visit, asked, &Request::Commit { machines, recovery_plan }, resource),
        "failovercancel" => cancel(visit, asked, &members, plan),
        "reprotect" => verb::reprotect_members(visit, asked, &members, target, resource),
        "testfailover" => {
            let pauses = pauses(visit, &resource, "TestFailover");
            verb::test_failover(visit, asked, members, (target, pauses), resource, &properties)
        }
        "testfailovercleanup" => {
            verb::test_failover_cleanup(visit, asked, members, target, resource, &properties)
        }
        _ => return None,
    })
}

/// Returns what people do in a failover of a plan to Azure: its manual actions, those that begin a group first.
fn pauses(visit: &Visit<'_>, plan: &str, failover: &str) -> Pauses {
    let Some(content) = visit.desk.stored.get(&plan.to_lowercase()) else { return Pauses::default() };
    let groups = field(content, "groups").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let has = |action: &Value, key: &str, word: &str| {
        let words = field(action, key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        words.iter().filter_map(Value::as_str).any(|one| one.eq_ignore_ascii_case(word))
    };
    let manual = |action: &Value| {
        let details = field(action, "customDetails")?;
        let is_manual = text(details, "instanceType")?.eq_ignore_ascii_case("ManualActionDetails");
        let is_meant =
            has(action, "failoverTypes", failover) && has(action, "failoverDirections", "PrimaryToRecovery");
        (is_manual && is_meant).then(|| Manual {
            name: text(action, "actionName").unwrap_or("Manual action").to_owned(),
            instructions: text(details, "description").unwrap_or_default().to_owned(),
        })
    };
    let of = |key: &str| {
        let actions = groups.iter().filter_map(|group| field(group, key)?.as_array()).flatten();
        actions.filter_map(manual).collect()
    };
    Pauses { before: of("startGroupActions"), after: of("endGroupActions") }
}

/// Returns the kind of recovery point that the input for the plan's provider names.
fn point(
    visit: &Visit<'_>,
    asked: &Asked,
    members: &[usize],
    properties: &Value,
    planned: bool,
) -> Result<FailbackPoint, Answer> {
    let invalid = |message: &str| Err(Answer::asr_error(asked, 400, "InvalidParameter", message));
    let inputs = field(properties, "providerSpecificDetails").and_then(Value::as_array);
    let inputs = inputs.map_or(&[][..], Vec::as_slice);
    let mut chosen = None;
    for at in members {
        let provider = item::provider(visit, *at);
        match (provider, planned) {
            (Provider::InMage, false) | (Provider::InMageRcmFailback, true) => {}
            (Provider::InMage | Provider::InMageRcmFailback, _) => {
                return invalid("The replication provider has no failover of this kind.");
            }
            (Provider::InMageAzureV2 | Provider::InMageRcm, _) => continue,
        }
        let own = inputs.iter().find(|input| {
            text(input, "instanceType").is_some_and(|word| word.eq_ignore_ascii_case(provider.word()))
        });
        let Some(own) = own else { return invalid("The input of a replication provider is missing.") };
        let usual = if planned { "CrashConsistent" } else { "LatestTime" };
        let Some(point) = verb::point(text(own, "recoveryPointType").unwrap_or(usual)) else {
            return invalid("The recovery point type is not known.");
        };
        chosen = Some(point);
    }
    // Without a machine that replicates home, this is the wrong direction; the world says so.
    Ok(chosen.unwrap_or(FailbackPoint::Latest))
}

/// Takes the planned failover of all machines of a plan back.
fn cancel(visit: &mut Visit<'_>, asked: &Asked, members: &[usize], plan: &str) -> Answer {
    let tasks = vec![
        ServiceTask::new("CancelFailoverPreflightChecksTask", "Prerequisites check for cancel failover", 10),
        ServiceTask::new("CancelFailoverRecovery", "Cancel failover recovery", 120),
        ServiceTask {
            id: "CancelFailoverPrimary",
            ..ServiceTask::new("CancelFailoverPrimaryTask", "Cancel failover primary", 50)
        },
        ServiceTask::new("StartVmOnPrimary", "Starting the virtual machine", 120),
    ];
    let words = ("CancelFailover", "Cancel failover and resume replication");
    let resource = recovery_plan::id(visit, plan);
    let mut job = ServiceJob::new(words.0, words.1, recovery_plan::target(plan), tasks, resource);
    let pending: Vec<usize> = members
        .iter()
        .copied()
        .filter(|at| visit.world().items[*at].settled == State::FailedBack && !visit.identity().classic)
        .collect();
    if pending.is_empty() {
        let message = "The recovery plan has no planned failover that can be cancelled.";
        return visit.start(asked, job.failing(0, "NotCancellable", message));
    }
    job.machines.clone_from(&pending);
    let names = desk::names(visit.world(), &pending);
    let job = job.acting(names.into_iter().map(|machine| ServiceAct::TakeBack { machine }));
    visit.start(asked, job)
}
