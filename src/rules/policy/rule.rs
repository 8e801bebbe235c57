//! Compiled rules of policies: what is evaluated, and the places in the text that findings point at.

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::rules::policy::expressions::Bound;
use crate::rules::policy::expressions::Expression;
use crate::rules::policy::expressions::Texts;
use crate::rules::policy::expressions::bind;
use crate::rules::policy::message::Part;
use crate::rules::policy::program::Node;
use crate::source::Sources;
use crate::source::Spanned;
use crate::syntax::policy::Policy;
use crate::syntax::policy::PolicyRule;
use crate::syntax::policy::Scope;

/// A rule, ready to be evaluated.
#[derive(Debug)]
pub(super) struct Compiled {
    pub id: String,
    pub severity: Severity,
    pub scope: Scope,
    pub when: Option<Expression>,
    pub assert: Expression,
    pub message: Vec<Part<Node>>,
    pub help: String,
    pub source: String,
    pub waivable: bool,
}

/// Compiles rules, each given as its policy and its index there; those with mistakes are left out.
pub(super) fn compile(
    chosen: &[(&Policy, usize)],
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Compiled> {
    let rules =
        || chosen.iter().filter_map(|(policy, index)| Some((*policy, *index, policy.rules.get(*index)?)));
    let texts: Vec<Texts<'_>> = rules().map(|(_, index, rule)| Texts::of(index, rule)).collect();
    let bound = bind(&texts, sources, diagnostics);
    rules().zip(bound).filter_map(|((policy, _, rule), bound)| Some(compiled(policy, rule, bound?))).collect()
}

fn compiled(policy: &Policy, rule: &PolicyRule, Bound { when, assert, message }: Bound) -> Compiled {
    let text = |given: &Option<Spanned<String>>, default: String| {
        given.as_ref().map_or(default, |text| text.value.clone())
    };
    Compiled {
        id: rule.id.value.clone(),
        severity: rule.severity.value.weight(),
        scope: rule.scope.value,
        when,
        assert,
        message,
        help: text(&rule.help, format!("make it so that {}", one_line(&rule.assert.value))),
        source: text(&rule.source, format!("policy {}", policy.name.value)),
        waivable: rule.waivable.is_none_or(|waivable| waivable.value),
    }
}

/// Returns an expression for a sentence: in one line, and not too long.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(120) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
