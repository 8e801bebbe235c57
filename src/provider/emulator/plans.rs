//! ASR recovery plans: who may be in one, and who is.

use crate::id::IdempotencyKey;
use crate::id::MachineName;
use crate::id::OperationId;
use crate::provider::emulator::accept::missing;
use crate::provider::emulator::accept::refused;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::item::is_false;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::latency;
use crate::provider::emulator::world::World;
use crate::provider::error::ProviderError;
use crate::provider::request::Request;

impl World {
    pub(super) fn make_plan(
        &mut self,
        request: &Request,
        key: Option<&IdempotencyKey>,
        machines: &[MachineName],
    ) -> Result<OperationId, ProviderError> {
        let mut members = Vec::with_capacity(machines.len());
        for machine in machines {
            members.push(self.known(machine)?);
        }
        if members.is_empty() || members.len() > latency::PLAN_MACHINES {
            let message = format!("A recovery plan takes 1 to {} machines.", latency::PLAN_MACHINES);
            return Err(refused("InvalidParameter", message));
        }
        self.one_source(&members)?;
        // A plan that is there has its groups replaced.
        Ok(self.vault_job(JobKind::SavePlan, latency::SAVE_PLAN, request, key))
    }

    /// Returns the machines that a failover or a commit is about.
    pub(super) fn members(
        &self,
        machines: &[MachineName],
        plan: Option<&str>,
    ) -> Result<Vec<usize>, ProviderError> {
        match plan {
            Some(name) => self.plans.get(name).cloned().ok_or_else(|| missing("recovery plan", name)),
            None => match machines {
                [machine] => Ok(vec![self.known(machine)?]),
                _ => Err(refused("InvalidParameter", "Several machines go through a recovery plan.")),
            },
        }
    }

    /// Refuses machines of several configuration servers or subscriptions: a plan has one source and one target.
    fn one_source(&self, members: &[usize]) -> Result<(), ProviderError> {
        let server = |item: &'_ Item| item.facts.asr.as_ref()?.configuration_server.as_deref().cloned();
        if self.site.classic && self.differ(members, server) {
            let message = "The machines of a recovery plan have one Configuration server.";
            return Err(refused("RecoveryPlanMixedSources", message));
        }
        // A VM that is gone is in none.
        let subscription = |item: &'_ Item| {
            let vm = item.facts.azure_vm.as_ref().filter(|vm| !is_false(&vm.exists))?;
            vm.subscription_id.as_deref().cloned()
        };
        if self.differ(members, subscription) {
            let message = "The machines of a recovery plan run in one subscription.";
            return Err(refused("RecoveryPlanMixedSubscriptions", message));
        }
        Ok(())
    }

    /// Returns whether what is known of several machines differs.
    fn differ(&self, members: &[usize], fact: impl Fn(&Item) -> Option<String>) -> bool {
        let mut known = members.iter().filter_map(|member| fact(&self.items[*member]));
        known.next().is_some_and(|first| known.any(|other| !other.eq_ignore_ascii_case(&first)))
    }
}
