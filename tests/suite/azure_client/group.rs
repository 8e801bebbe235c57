//! A replication group goes home through a recovery plan.

use failback::id::MachineName;
use failback::provider::FailbackPoint;
use failback::provider::OnpremTarget;
use failback::provider::OperationStatus;
use failback::provider::Request;
use failback::provider::azure::recovery_plans;
use failback::syntax::machine::State;

use crate::azure_client::Vault;
use crate::lab;
use crate::wire_lab::options;

const MEMBERS: [&str; 2] = ["gmh-pos01", "gmh-pos02"];

fn members() -> Vec<MachineName> {
    MEMBERS.iter().map(|name| MachineName::new(*name)).collect()
}

#[tokio::test]
async fn a_replication_group_goes_home_through_its_recovery_plan() {
    let vault = Vault::of(lab::example("branch-office"), options()).await;
    let seen = vault.facts(MEMBERS[0]).await;
    assert_eq!(seen.state.map(|state| state.value), Some(State::FailedOverCommitted));
    for machine in MEMBERS {
        let target = OnpremTarget::Modernized {
            appliance: "gmh-ra01".into(),
            log_storage_account: vault.world.inventory.storage_accounts.as_ref().expect("it has some")[0]
                .value
                .clone(),
            datastore: "gmh-vmfs-01".into(),
        };
        let request = Request::ReprotectToOnprem { machine: MachineName::new(machine), target };
        assert_eq!(vault.done(&request, machine).await, OperationStatus::Succeeded);
    }
    for machine in MEMBERS {
        vault.until(machine, State::ProtectedToOnprem).await;
    }
    let plan = "failback-r1-pos-db".to_owned();
    for key in ["make", "make again"] {
        let make = Request::MakeRecoveryPlan { name: plan.clone(), machines: members() };
        assert_eq!(vault.done(&make, key).await, OperationStatus::Succeeded, "{key}");
    }
    let seen = recovery_plans(&vault.reader, &Vault::id(&vault.wire)).await.expect("they can be read");
    assert_eq!((seen.len(), &seen[0].name, &seen[0].groups[0].machines), (1, &plan, &members()));
    vault.pass(600).await;
    let failover = Request::FailoverToOnprem {
        machines: members(),
        recovery_plan: Some(plan.clone()),
        point: FailbackPoint::CrashConsistent,
    };
    assert_eq!(vault.done(&failover, "failover").await, OperationStatus::Succeeded);
    for machine in MEMBERS {
        assert_eq!(vault.state(machine).await, Some(State::FailedBack), "{machine}");
    }
    let commit = Request::Commit { machines: members(), recovery_plan: Some(plan.clone()) };
    assert_eq!(vault.done(&commit, "commit").await, OperationStatus::Succeeded);
    for machine in MEMBERS {
        assert_eq!(vault.state(machine).await, Some(State::FailedBackCommitted), "{machine}");
    }
    let delete = Request::DeleteRecoveryPlan { name: plan };
    assert_eq!(vault.done(&delete, "delete").await, OperationStatus::Succeeded);
}
