//! Compiles the rules of policies: their expressions, and the places in the text that findings point at.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::rules::policy::compile;
use crate::rules::policy::message;
use crate::rules::policy::message::Part;
use crate::rules::policy::parse::parse;
use crate::rules::policy::place::Places;
use crate::rules::policy::program::Node;
use crate::rules::policy::tree::Mistake;
use crate::rules::policy::tree::Raw;
use crate::rules::policy::types::Type;
use crate::source::Sources;
use crate::source::Span;
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

/// An expression, and where its parts are written.
#[derive(Debug)]
pub(super) struct Expression {
    pub node: Node,
    places: Places,
}

impl Expression {
    /// Returns where a part of the expression is written.
    pub fn span(&self, at: Range<usize>) -> Span {
        self.places.span(at)
    }

    /// Returns where the whole expression is written.
    pub fn whole(&self) -> Span {
        self.places.whole()
    }
}

/// A text of a rule that holds one expression or several, before it is parsed.
struct Written<'p> {
    text: &'p Spanned<String>,
    /// Key of the rule, for the path of a mistake.
    key: &'static str,
    /// Bytes of each expression.
    expressions: Vec<Range<usize>>,
}

/// A rule before it is compiled.
struct Draft<'p> {
    policy: &'p Policy,
    index: usize,
    rule: &'p PolicyRule,
    when: Option<Written<'p>>,
    assert: Written<'p>,
    message: Written<'p>,
    /// Parts of the message; `None` if it can't be read, which was told.
    parts: Option<Vec<Part<Range<usize>>>>,
}

/// Compiles rules, each given as its policy and its index there; those with mistakes are left out.
pub(super) fn compile(
    chosen: &[(&Policy, usize)],
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Compiled> {
    let mut drafts = Vec::with_capacity(chosen.len());
    for (policy, index) in chosen {
        drafts.extend(draft(policy, *index, sources, diagnostics));
    }
    // All texts are parsed at once, since the parser needs a thread with a stack of its own.
    let texts: Vec<&str> = drafts
        .iter()
        .flat_map(|draft| draft.when.iter().chain([&draft.assert, &draft.message]))
        .flat_map(|written| written.expressions.iter().map(|at| &written.text.value[at.clone()]))
        .collect();
    let mut parsed = parse(&texts).into_iter();
    let mut compiled = Vec::with_capacity(drafts.len());
    for draft in drafts {
        compiled.extend(finish(draft, &mut parsed, sources, diagnostics));
    }
    compiled
}

fn draft<'p>(
    policy: &'p Policy,
    index: usize,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Draft<'p>> {
    let rule = policy.rules.get(index)?;
    let whole = |key, text: &'p Spanned<String>| Written {
        text,
        key,
        expressions: std::iter::once(0..text.value.len()).collect(),
    };
    let parts = match message::split(&rule.message.value) {
        Ok(parts) => Some(parts),
        Err(mistake) => {
            report(&mistake, &places(&rule.message, sources), 0, (index, "message"), diagnostics);
            None
        }
    };
    let expressions = parts
        .iter()
        .flatten()
        .filter_map(|part| match part {
            Part::Expression(at) => Some(at.clone()),
            Part::Text(_) => None,
        })
        .collect();
    let message = Written { text: &rule.message, key: "message", expressions };
    let when = rule.when.as_ref().map(|when| whole("when", when));
    Some(Draft { policy, index, rule, when, assert: whole("assert", &rule.assert), message, parts })
}

fn places(text: &Spanned<String>, sources: &Sources) -> Places {
    Places::new(text.span, sources.slice(text.span), &text.value)
}

/// Binds the parsed expressions of a rule; takes as many results of the parser as the rule has expressions.
fn finish(
    draft: Draft<'_>,
    parsed: &mut impl Iterator<Item = Result<Raw, Mistake>>,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Compiled> {
    let scope = draft.rule.scope.value;
    let mut bind = |written: &Written<'_>| {
        let places = places(written.text, sources);
        let mut nodes = Vec::new();
        for at in &written.expressions {
            let is_message = written.key == "message";
            let bound = parsed
                .next()?
                .and_then(|raw| if is_message { shown(&raw, scope) } else { truth(&raw, scope) });
            match bound {
                Ok(node) => nodes.push(node),
                Err(mistake) => report(&mistake, &places, at.start, (draft.index, written.key), diagnostics),
            }
        }
        (nodes.len() == written.expressions.len()).then_some((nodes, places))
    };
    // Every expression is looked at, so that one pass finds the mistakes of all.
    let when = draft.when.as_ref().map(&mut bind);
    let assert = bind(&draft.assert);
    let message = bind(&draft.message);
    let expression =
        |(mut nodes, places): (Vec<Node>, Places)| Some(Expression { node: nodes.pop()?, places });
    let when = match when {
        Some(bound) => Some(expression(bound?)?),
        None => None,
    };
    let assert = expression(assert?)?;
    let mut nodes = message?.0.into_iter();
    let message = draft
        .parts?
        .into_iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(Part::Text(text)),
            Part::Expression(_) => nodes.next().map(Part::Expression),
        })
        .collect();
    let rule = draft.rule;
    let text = |given: &Option<Spanned<String>>, default: String| {
        given.as_ref().map_or(default, |text| text.value.clone())
    };
    Some(Compiled {
        id: rule.id.value.clone(),
        severity: rule.severity.value.weight(),
        scope,
        when,
        assert,
        message,
        help: text(&rule.help, format!("make it so that {}", one_line(&rule.assert.value))),
        source: text(&rule.source, format!("policy {}", draft.policy.name.value)),
        waivable: rule.waivable.is_none_or(|waivable| waivable.value),
    })
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

/// Binds an expression that must be true or false.
fn truth(raw: &Raw, scope: Scope) -> Result<Node, Mistake> {
    let typed = compile::compile(raw, scope)?;
    if typed.ty.meets(&Type::Bool) && typed.ty != Type::Null {
        return Ok(typed.node);
    }
    let message = format!("the expression is {}, and must be true or false", typed.ty);
    Err(compile::wrong(&(raw.begin..raw.at.end), message))
}

/// Binds an expression whose value a message shows.
fn shown(raw: &Raw, scope: Scope) -> Result<Node, Mistake> {
    let typed = compile::compile(raw, scope)?;
    match typed.ty {
        Type::Block(_) | Type::Map(_) => {
            Err(compile::wrong(&(raw.begin..raw.at.end), format!("a message can't show {}", typed.ty)))
        }
        _ => Ok(typed.node),
    }
}

fn report(
    mistake: &Mistake,
    places: &Places,
    begin: usize,
    (index, key): (usize, &str),
    diagnostics: &mut Vec<Diagnostic>,
) {
    let span = places.span(begin + mistake.at.start..begin + mistake.at.end);
    let diagnostic =
        Diagnostic::error(mistake.code, span, mistake.message.clone()).path(format!("rules[{index}].{key}"));
    diagnostics.push(match &mistake.help {
        Some(help) => diagnostic.help(help.clone()),
        None => diagnostic,
    });
}
