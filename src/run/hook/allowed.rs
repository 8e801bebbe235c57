//! Hooks that run no command but those of a list: what a service does beside an identity that may change a site.

use std::sync::Arc;

use async_trait::async_trait;

use crate::run::hook::Hooks;
use crate::run::hook::Left;
use crate::run::hook::Variables;
use crate::syntax::action::Action;
use crate::syntax::action::Probe;

/// Passes everything on but commands that are not in a list, which fail.
pub struct Allowed {
    hooks: Arc<dyn Hooks>,
    commands: Vec<Vec<String>>,
}

impl Allowed {
    /// Returns hooks that run these commands alone, each with exactly these arguments.
    #[must_use]
    pub fn new(hooks: Arc<dyn Hooks>, commands: Vec<Vec<String>>) -> Self {
        Self { hooks, commands }
    }
}

/// Returns whether a list has the command of an action; one without a command needs none.
#[must_use]
pub fn is_allowed(action: &Action, commands: &[Vec<String>]) -> bool {
    let Some(run) = &action.run else { return true };
    let words = || run.command.iter().map(|word| word.value.as_str());
    commands.iter().any(|command| command.iter().map(String::as_str).eq(words()))
}

#[async_trait]
impl Hooks for Allowed {
    async fn action(&self, action: &Action, variables: &Variables) -> Result<String, String> {
        if !is_allowed(action, &self.commands) {
            return Err("the settings of this service do not allow its command".into());
        }
        self.hooks.action(action, variables).await
    }

    fn leftover(&self, action: &Action) -> Left {
        self.hooks.leftover(action)
    }

    async fn leftover_ends(&self, action: &Action) {
        self.hooks.leftover_ends(action).await;
    }

    async fn probe(&self, probe: &Probe) -> Result<String, String> {
        self.hooks.probe(probe).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::hook::Simulated;
    use crate::source::Sources;
    use crate::syntax::Document;

    fn actions() -> Vec<Action> {
        let text = "kind: RecoveryPlan\nversion: 1\nname: p\nmachines: [w1]\nactions:\n  \
                    - {name: a, before: {phase: run}, run: {command: [./stop.sh, --site, azure]}}\n  \
                    - {name: b, before: {phase: run}, run: {command: [./stop.sh, --site]}}\n  \
                    - {name: c, before: {phase: run}, manual: {prompt: ok}}\n";
        let mut sources = Sources::new();
        let index = sources.add("p.yaml", text.to_owned()).expect("short");
        let mut diagnostics = Vec::new();
        match crate::syntax::parse(sources.get(index), &mut diagnostics).into_iter().next() {
            Some(Document::Plan(plan)) => plan.actions,
            other => panic!("a plan was written: {other:?} {diagnostics:?}"),
        }
    }

    #[tokio::test]
    async fn a_command_is_run_only_as_it_stands_in_the_list() {
        let list = vec![["./stop.sh", "--site", "azure"].map(str::to_owned).to_vec()];
        let hooks = Allowed::new(Arc::new(Simulated), list);
        let key = crate::id::IdempotencyKey::new("r1/action/a/1");
        let variables = Variables { key, plan: "p".into(), run: "r1".into(), outcome: "success".into() };
        let mut ran = Vec::new();
        for action in actions() {
            ran.push(hooks.action(&action, &variables).await.is_ok());
        }
        assert_eq!(ran, [true, false, true], "what has no command needs no leave");
    }
}
