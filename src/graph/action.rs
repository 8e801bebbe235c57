//! Puts a plan's actions before and after the phases that they are hooked to.

use petgraph::graph::NodeIndex;

use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::compile::Compiler;
use crate::graph::compile::Span;
use crate::model::order;
use crate::syntax::action::Action;
use crate::syntax::action::Hook;

impl Compiler<'_> {
    /// Adds the actions, and what holds them in their places.
    pub(super) fn actions(&mut self) {
        let model = self.model;
        let steps: Vec<Option<NodeIndex>> =
            model.plan.actions.iter().enumerate().map(|(at, action)| self.action(at, action)).collect();
        // What comes after the run comes after the other actions, too.
        let sinks: Vec<NodeIndex> = self
            .graph
            .externals(petgraph::Direction::Outgoing)
            .filter(|sink| {
                !steps.iter().zip(&model.plan.actions).any(|(step, of)| *step == Some(*sink) && ends_run(of))
            })
            .collect();
        for (step, _) in steps.iter().zip(&model.plan.actions).filter(|(_, action)| ends_run(action)) {
            self.edges(&sinks, step.as_slice());
        }
    }

    /// Adds an action. One whose phases don't happen is left out: nothing would ever lead to it.
    fn action(&mut self, at: usize, action: &Action) -> Option<NodeIndex> {
        let model = self.model;
        let spans = |hook: &Hook| -> Vec<Span> {
            let Some(of) = &hook.of else { return Vec::new() };
            let subjects = order::hook_subjects(model, hook.phase.value, &of.value).into_iter();
            subjects.filter_map(|subject| self.phases.get(&(hook.phase.value, subject)).cloned()).collect()
        };
        let before = action.before.as_ref().map(|hook| (hook, spans(hook)));
        let after = action.after.as_ref().map(|hook| (hook, spans(hook)));
        let happens = |side: &Option<(&Hook, Vec<Span>)>| {
            side.as_ref().is_some_and(|(hook, spans)| hook.of.is_none() || !spans.is_empty())
        };
        if !happens(&before) && !happens(&after) {
            return None;
        }
        let step = self.step(StepKind::Action, StepSubject::Action(at), &action.name.value, 0);
        match before {
            Some((hook, _)) if hook.of.is_none() => self.before_all(step),
            Some((_, spans)) => {
                for span in spans {
                    if !happens(&after) {
                        self.edges(&span.ready, &[step]);
                    }
                    self.edges(&[step], &span.entry);
                }
            }
            None => {}
        }
        if let Some((hook, spans)) = after {
            for span in spans {
                // What followed the phase now follows its hook too, unless the hook is for failures.
                let next: Vec<NodeIndex> = span
                    .last
                    .iter()
                    .flat_map(|last| self.graph.neighbors(*last))
                    .filter(|next| self.graph[*next].kind != StepKind::Action)
                    .collect();
                self.edges(&span.last, &[step]);
                if order::runs_on_success(hook) {
                    self.edges(&[step], &next);
                }
            }
        }
        Some(step)
    }

    /// Puts an action between the preflight and everything else.
    fn before_all(&mut self, step: NodeIndex) {
        let next: Vec<NodeIndex> = self
            .graph
            .neighbors(self.preflight)
            .filter(|next| self.graph[*next].kind != StepKind::Action)
            .collect();
        self.edge(self.preflight, step);
        self.edges(&[step], &next);
    }
}

/// Returns whether an action runs when everything else has ended.
fn ends_run(action: &Action) -> bool {
    action.after.as_ref().is_some_and(|hook| hook.of.is_none())
}
