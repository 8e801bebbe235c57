//! What a plan knows of the other plans of its workspace: which machines they bring home.

use std::collections::HashMap;

use crate::model::Machine;
use crate::model::Model;
use crate::source::Span;

/// Another plan of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OtherPlan {
    /// Its name.
    pub name: String,
    /// Its machines, and where it names each of them.
    pub machines: HashMap<String, Span>,
}

impl OtherPlan {
    /// Returns what other plans need to know of the plan of `model`.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        let machines = model.machines().map(Machine::name);
        Self {
            name: model.plan.name.value.clone(),
            machines: machines.map(|name| (name.value.clone(), name.span)).collect(),
        }
    }
}

impl Model {
    /// Takes the other plans of the workspace, those about the same estate: a machine of another site may have the same
    /// name. The plan itself is none of them.
    pub fn know_other_plans(&mut self, other_plans: Vec<OtherPlan>) {
        self.other_plans = other_plans;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resolve;
    use crate::source::Sources;
    use crate::syntax::Document;
    use crate::syntax::inventory::Inventory;
    use crate::syntax::parse;

    #[test]
    fn another_plan_is_known_by_the_lines_that_name_its_machines() {
        let text = "kind: RecoveryPlan\nversion: 1\nname: web\nmachines: [web1]\nreplication_groups:\n  - {name: erp, machines: [sql1]}\n";
        let mut sources = Sources::new();
        let index = sources.add("web.plan.yaml", text.to_owned()).expect("the text fits");
        let mut diagnostics = Vec::new();
        let mut documents = parse(sources.get(index), &mut diagnostics);
        let Some(Document::Plan(plan)) = documents.pop() else { panic!("{diagnostics:?}") };
        let model = resolve(*plan, Inventory::unknown("seoul"));
        assert!(diagnostics.is_empty(), "{diagnostics:?}");

        let other = OtherPlan::of(&model);

        assert_eq!(other.name, "web");
        let mut lines: Vec<(&str, usize)> = Vec::new();
        for (machine, span) in &other.machines {
            lines.push((machine, sources.locate(*span).expect("a text holds it").start.line));
        }
        lines.sort_unstable();
        assert_eq!(lines, [("sql1", 6), ("web1", 4)]);
    }
}
