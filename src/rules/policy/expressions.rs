//! The texts of a rule that hold expressions: taken apart, parsed and bound, each mistake told at its place.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
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
use crate::syntax::policy::PolicyRule;
use crate::syntax::policy::Scope;
use crate::syntax::policy_draft::RuleDraft;

/// What a rule may look at.
const SCOPES: [Scope; 3] = [Scope::Machine, Scope::Group, Scope::Plan];

/// The texts of a rule that hold expressions, as far as they can be read.
#[derive(Clone, Copy)]
pub(super) struct Texts<'p> {
    /// The rule's place in its policy, for the paths of mistakes.
    index: usize,
    /// What the rule looks at; `None` if that can't be read.
    scope: Option<Scope>,
    when: Option<&'p Spanned<String>>,
    assert: Option<&'p Spanned<String>>,
    message: Option<&'p Spanned<String>>,
}

impl<'p> Texts<'p> {
    /// Returns those of a rule.
    pub(super) const fn of(index: usize, rule: &'p PolicyRule) -> Self {
        Self {
            index,
            scope: Some(rule.scope.value),
            when: rule.when.as_ref(),
            assert: Some(&rule.assert),
            message: Some(&rule.message),
        }
    }

    /// Returns those of a rule that may have mistakes.
    pub(super) const fn of_draft(rule: &'p RuleDraft) -> Self {
        Self {
            index: rule.index,
            scope: rule.scope,
            when: rule.when.as_ref(),
            assert: rule.assert.as_ref(),
            message: rule.message.as_ref(),
        }
    }
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

/// The expressions of a rule, none of them with a mistake.
pub(super) struct Bound {
    pub when: Option<Expression>,
    pub assert: Expression,
    pub message: Vec<Part<Node>>,
}

/// A text of a rule that holds one expression or several, before it is parsed.
struct Written<'p> {
    text: &'p Spanned<String>,
    /// Key of the rule, for the path of a mistake.
    key: &'static str,
    /// Bytes of each expression.
    expressions: Vec<Range<usize>>,
}

impl<'p> Written<'p> {
    fn whole(key: &'static str, text: &'p Spanned<String>) -> Self {
        Self { text, key, expressions: std::iter::once(0..text.value.len()).collect() }
    }
}

/// The texts of a rule, taken apart.
struct Apart<'p> {
    of: Texts<'p>,
    when: Option<Written<'p>>,
    assert: Option<Written<'p>>,
    message: Option<Written<'p>>,
    /// Parts of the message; `None` if it can't be read, which was told.
    parts: Option<Vec<Part<Range<usize>>>>,
}

/// Parses and binds the expressions of rules, and tells every mistake of all of them; a rule with one is left out.
pub(super) fn bind(
    rules: &[Texts<'_>],
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Option<Bound>> {
    let apart: Vec<Apart<'_>> = rules.iter().map(|texts| take_apart(*texts, sources, diagnostics)).collect();
    // All texts are parsed at once, since the parser needs a thread with a stack of its own.
    let texts: Vec<&str> = apart
        .iter()
        .flat_map(|apart| [&apart.when, &apart.assert, &apart.message].into_iter().flatten())
        .flat_map(|written| written.expressions.iter().map(|at| &written.text.value[at.clone()]))
        .collect();
    let mut parsed = parse(&texts).into_iter();
    apart.into_iter().map(|apart| finish(apart, &mut parsed, sources, diagnostics)).collect()
}

fn take_apart<'p>(of: Texts<'p>, sources: &Sources, diagnostics: &mut Vec<Diagnostic>) -> Apart<'p> {
    let parts = of.message.and_then(|text| match message::split(&text.value) {
        Ok(parts) => Some(parts),
        Err(mistake) => {
            report(&mistake, &places(text, sources), 0, (of.index, "message"), diagnostics);
            None
        }
    });
    let expressions = parts.iter().flatten().filter_map(|part| match part {
        Part::Expression(at) => Some(at.clone()),
        Part::Text(_) => None,
    });
    let expressions = expressions.collect();
    Apart {
        of,
        when: of.when.map(|text| Written::whole("when", text)),
        assert: of.assert.map(|text| Written::whole("assert", text)),
        message: of.message.map(|text| Written { text, key: "message", expressions }),
        parts,
    }
}

fn places(text: &Spanned<String>, sources: &Sources) -> Places {
    Places::new(text.span, sources.slice(text.span), &text.value)
}

/// Binds the parsed expressions of a rule; takes as many results of the parser as the rule has expressions.
fn finish(
    apart: Apart<'_>,
    parsed: &mut impl Iterator<Item = Result<Raw, Mistake>>,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Bound> {
    let Texts { index, scope, .. } = apart.of;
    let mut bind = |written: &Written<'_>| {
        let places = places(written.text, sources);
        let mut nodes = Vec::new();
        for at in &written.expressions {
            let is_message = written.key == "message";
            let bound = parsed.next()?.and_then(|raw| {
                in_scope(scope, |scope| if is_message { shown(&raw, scope) } else { truth(&raw, scope) })
            });
            match bound {
                Ok(node) => nodes.push(node),
                Err(mistake) => report(&mistake, &places, at.start, (index, written.key), diagnostics),
            }
        }
        (nodes.len() == written.expressions.len()).then_some((nodes, places))
    };
    // Every expression is looked at, so that one pass finds the mistakes of all.
    let when = apart.when.as_ref().map(&mut bind);
    let assert = apart.assert.as_ref().map(&mut bind);
    let message = apart.message.as_ref().map(&mut bind);
    let expression =
        |(mut nodes, places): (Vec<Node>, Places)| Some(Expression { node: nodes.pop()?, places });
    let when = match when {
        Some(bound) => Some(expression(bound?)?),
        None => None,
    };
    let assert = expression(assert??)?;
    let mut nodes = message??.0.into_iter();
    let message = apart.parts?.into_iter().filter_map(|part| match part {
        Part::Text(text) => Some(Part::Text(text)),
        Part::Expression(_) => nodes.next().map(Part::Expression),
    });
    let message = message.collect();
    Some(Bound { when, assert, message })
}

/// Binds an expression as a rule of its scope has it. Where nobody can read the scope, an expression is right that is right in any
/// of them, and of a wrong one the mistake counts before which most of it is right.
fn in_scope(scope: Option<Scope>, bind: impl Fn(Scope) -> Result<Node, Mistake>) -> Result<Node, Mistake> {
    let Some(scope) = scope else {
        let mut outcomes = SCOPES.map(&bind).into_iter();
        let better = |one: Result<Node, Mistake>, other: Result<Node, Mistake>| match (&one, &other) {
            (Err(_), Ok(_)) => other,
            (Err(mistake), Err(later)) if later.at.start > mistake.at.start => other,
            (Ok(_) | Err(_), _) => one,
        };
        let first = outcomes.next().expect("there are scopes");
        return outcomes.fold(first, better);
    };
    bind(scope)
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
