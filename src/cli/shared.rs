//! Plans that share an inventory: which of them name the same machine.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Model;
use crate::model::OtherPlan;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::plan::RecoveryPlan;

/// Where the plans of one inventory name its machines. Of another inventory, a machine of the same name is another one.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The plans that name a machine, each with the place.
    places: HashMap<String, Vec<(Arc<str>, Span)>>,
}

impl Shared {
    /// Notes the machines of a plan.
    pub(crate) fn note(&mut self, plan: &RecoveryPlan) {
        let name: Arc<str> = plan.name.value.as_str().into();
        for machine in machine_names(plan) {
            self.places.entry(machine.value.clone()).or_default().push((Arc::clone(&name), machine.span));
        }
    }

    /// Returns the other plans that name machines of a plan, with those machines alone.
    pub(crate) fn others(&self, model: &Model) -> Vec<OtherPlan> {
        let own = model.plan.name.value.as_str();
        let mut others: Vec<OtherPlan> = Vec::new();
        let mut indexes: HashMap<&str, usize> = HashMap::new();
        for machine in model.machines() {
            let name = &machine.name().value;
            let places = self.places.get(name).into_iter().flatten();
            for (plan, span) in places.filter(|(plan, _)| **plan != *own) {
                let index = *indexes.entry(plan).or_insert_with(|| {
                    others.push(OtherPlan { name: plan.to_string(), machines: HashMap::new() });
                    others.len() - 1
                });
                others[index].machines.entry(name.clone()).or_insert(*span);
            }
        }
        others
    }
}

/// Returns where a plan names its machines.
fn machine_names(plan: &RecoveryPlan) -> impl Iterator<Item = &Spanned<String>> {
    let members = plan.replication_groups.iter().flat_map(|group| &group.machines);
    members.chain(plan.machines.iter().map(|machine| &machine.0.name))
}
