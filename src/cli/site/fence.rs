//! Changes a site for some machines alone: what a drill does not name is not touched, whatever asks for it.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;

use crate::cli::ready::Ready;
use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::model::Model;
use crate::provider::Freshness;
use crate::provider::Observation;
use crate::provider::Observe;
use crate::provider::Operate;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::Request;
use crate::run::Site;
use crate::run::step::is_recovery_plan_of;

/// Returns the site, of which only the machines of a plan's part may be changed, if it is a part.
pub(crate) fn fenced(site: Arc<dyn Site>, plan: &Ready) -> Arc<dyn Site> {
    match plan.part {
        Some(_) => Arc::new(Fenced::new(site, plan.plan.model())),
        None => site,
    }
}

/// A site of which only some machines may be changed.
struct Fenced {
    site: Arc<dyn Site>,
    machines: HashSet<MachineName>,
    groups: Vec<String>,
}

impl Fenced {
    /// Returns the site, of which only the machines of a plan may be changed.
    fn new(site: Arc<dyn Site>, model: &Model) -> Self {
        let machines = model.machines().map(|machine| MachineName::new(machine.name().value.as_str()));
        let groups = model.groups().map(|group| group.name().value.clone());
        Self { site, machines: machines.collect(), groups: groups.collect() }
    }

    /// Returns what a request is about that is not in the drill.
    fn outside(&self, request: &Request) -> Option<String> {
        let machine = request.machines().iter().find(|machine| !self.machines.contains(*machine));
        if let Some(machine) = machine {
            return Some(machine.to_string());
        }
        let plan = match request {
            // The failback policy is the vault's, and none of it is changed that is there.
            Request::Prepare => None,
            Request::MakeRecoveryPlan { name, .. } | Request::DeleteRecoveryPlan { name } => Some(name),
            Request::FailoverToOnprem { recovery_plan, .. } | Request::Commit { recovery_plan, .. } => {
                recovery_plan.as_ref()
            }
            Request::ReprotectToOnprem { .. }
            | Request::CancelFailover { .. }
            | Request::ReprotectToAzure { .. } => None,
        };
        let plan = plan.filter(|name| !self.groups.iter().any(|group| is_recovery_plan_of(name, group)));
        plan.map(|name| format!("recovery plan {name}"))
    }
}

#[async_trait]
impl Observe for Fenced {
    async fn observe(&self, machines: &[MachineName]) -> Result<Observation, ProviderError> {
        self.site.observe(machines).await
    }

    async fn observe_since(
        &self,
        machines: &[MachineName],
        mark: Option<u64>,
        freshness: Freshness,
    ) -> Result<Observation, ProviderError> {
        self.site.observe_since(machines, mark, freshness).await
    }
}

#[async_trait]
impl Operate for Fenced {
    async fn begin(&self, request: &Request, key: &IdempotencyKey) -> Result<OperationId, ProviderError> {
        if let Some(outside) = self.outside(request) {
            return Err(ProviderError::Refused {
                code: "outside-of-drill".into(),
                message: format!("{outside} is not in the drill; nothing was sent"),
            });
        }
        self.site.begin(request, key).await
    }

    async fn poll(&self, operation: &OperationId) -> Result<OperationStatus, ProviderError> {
        self.site.poll(operation).await
    }

    async fn find(&self, key: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
        self.site.find(key).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::provider::FailbackPoint;
    use crate::provider::ForwardTarget;
    use crate::provider::OnpremTarget;

    /// A site that takes everything on, and remembers it.
    #[derive(Default)]
    struct Taking(Mutex<Vec<Request>>);

    #[async_trait]
    impl Observe for Taking {
        async fn observe(&self, _: &[MachineName]) -> Result<Observation, ProviderError> {
            Err(ProviderError::NotFound { what: "nothing is looked at here".into() })
        }
    }

    #[async_trait]
    impl Operate for Taking {
        async fn begin(&self, request: &Request, _: &IdempotencyKey) -> Result<OperationId, ProviderError> {
            self.0.lock().expect("no test panics here").push(request.clone());
            Ok(OperationId::new("o1"))
        }

        async fn poll(&self, _: &OperationId) -> Result<OperationStatus, ProviderError> {
            Ok(OperationStatus::Succeeded)
        }

        async fn find(&self, _: &IdempotencyKey) -> Result<Option<OperationId>, ProviderError> {
            Ok(None)
        }
    }

    fn named(names: &[&str]) -> Vec<MachineName> {
        names.iter().map(|name| MachineName::new(*name)).collect()
    }

    /// Every request that changes something of machines, or of the recovery plan of a group.
    fn requests(names: &[&str], group: &str) -> Vec<Request> {
        let (machines, machine) = (named(names), MachineName::new(names[0]));
        let plan = format!("failback-r1-{group}");
        let onprem = OnpremTarget::Modernized {
            appliance: "ra1".into(),
            log_storage_account: "sa1".into(),
            datastore: "ds1".into(),
        };
        let forward =
            ForwardTarget::Modernized { appliance: "ra1".into(), cache_storage_account: "sa1".into() };
        let point = FailbackPoint::CrashConsistent;
        let recovery_plan = Some(plan.clone());
        vec![
            Request::MakeRecoveryPlan { name: plan.clone(), machines: machines.clone() },
            Request::DeleteRecoveryPlan { name: plan },
            Request::ReprotectToOnprem { machine: machine.clone(), target: onprem },
            Request::FailoverToOnprem {
                machines: machines.clone(),
                recovery_plan: recovery_plan.clone(),
                point,
            },
            Request::CancelFailover { machine: machine.clone() },
            Request::Commit { machines, recovery_plan },
            Request::ReprotectToAzure { machine, target: forward },
        ]
    }

    async fn begun(fenced: &Fenced, request: &Request) -> Result<OperationId, ProviderError> {
        fenced.begin(request, &IdempotencyKey::new("k")).await
    }

    #[tokio::test]
    async fn nothing_is_sent_about_what_the_drill_does_not_name() {
        let site = Arc::new(Taking::default());
        let taking = Arc::clone(&site) as Arc<dyn Site>;
        let fenced = Fenced {
            site: taking,
            machines: named(&["a", "b"]).into_iter().collect(),
            groups: vec!["g".into()],
        };
        for request in requests(&["x"], "h").iter().chain(&requests(&["x", "a"], "g")[2..4]) {
            match begun(&fenced, request).await {
                Err(ProviderError::Refused { code, .. }) => assert_eq!(code, "outside-of-drill"),
                other => panic!("{request:?} was sent: {other:?}"),
            }
        }
        let mixed = Request::Commit { machines: named(&["a", "x"]), recovery_plan: None };
        assert!(begun(&fenced, &mixed).await.is_err(), "one of two is outside");
        let foreign =
            Request::Commit { machines: named(&["a"]), recovery_plan: Some("failback-r1-h".into()) };
        assert!(begun(&fenced, &foreign).await.is_err(), "the plan is that of another group");
        let by_hand = Request::DeleteRecoveryPlan { name: "nightly-g".into() };
        assert!(begun(&fenced, &by_hand).await.is_err(), "no run made it");
        assert_eq!(site.0.lock().expect("no test panics here").len(), 0, "nothing got through");
        for request in requests(&["a", "b"], "g").iter().chain([&Request::Prepare]) {
            assert!(begun(&fenced, request).await.is_ok(), "{request:?}");
        }
        assert_eq!(site.0.lock().expect("no test panics here").len(), 8);
    }
}
