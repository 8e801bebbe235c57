//! An organisation's own rules: `kind: Policy` documents, compiled once and evaluated beside the built-in rules.
//!
//! Expressions are CEL, the language of Kubernetes' policies. The parser is the one of the `cel` crate; they are evaluated
//! here, because a policy has to know what that crate does not: facts that nobody knows, the cost of what is done, times and
//! durations, and the place of a mistake.

mod arithmetic;
mod compile;
mod evaluate;
mod expressions;
mod finding;
mod follow;
mod functions;
mod key;
#[cfg(feature = "cel")]
mod limits;
mod message;
mod object;
mod operators;
mod parse;
mod place;
mod program;
mod read;
mod rule;
mod stack;
pub mod test;
#[cfg_attr(not(feature = "cel"), expect(dead_code, reason = "a build without CEL reads no expression"))]
mod tree;
mod types;
mod value;

use std::collections::HashMap;

use jiff::Timestamp;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::did_you_mean;
use crate::model::Model;
use crate::rules::findings::Finding;
use crate::rules::policy::expressions::Texts;
use crate::rules::policy::rule::Compiled;
use crate::source::Sources;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::policy::Policy;
use crate::syntax::policy_draft::PolicyDraft;

/// Rules that all policies of one command may have together.
const MOST_RULES: usize = 1000;

/// The compiled rules of some policies.
#[derive(Debug, Default)]
pub struct Policies {
    rules: Vec<Compiled>,
}

/// Name of the findings that say that a rule could not be evaluated: they are mistakes of the policy, and nobody accepts them.
pub const BROKEN: &str = "policy-error";

impl Policies {
    /// Compiles the rules of policies, and adds what is wrong with them to `diagnostics`: a rule with a mistake is left out.
    ///
    /// `sources` holds the texts that the policies were read from.
    #[must_use]
    pub fn compile(policies: &[Policy], sources: &Sources, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut ids = Ids::default();
        let mut chosen = Vec::new();
        // Rules whose id can't stand: their expressions are read for their mistakes alone.
        let mut void = Vec::new();
        for policy in policies {
            for (index, rule) in policy.rules.iter().enumerate() {
                match ids.add(&rule.id, index) {
                    Some(mistake) => {
                        diagnostics.push(mistake);
                        void.push((policy, index));
                    }
                    None => chosen.push((policy, index)),
                }
            }
            let known: Vec<&str> = policy.rules.iter().map(|rule| rule.id.value.as_str()).collect();
            let tests = policy.tests.iter().enumerate().map(|(index, test)| (index, &test.rule));
            tests_name_rules(&known, tests, diagnostics);
        }
        if let Some((policy, index)) = chosen.get(MOST_RULES) {
            let span = policy.rules[*index].id.span;
            let message = format!("all policies together have more than {MOST_RULES} rules");
            diagnostics.push(
                Diagnostic::error("too-complex", span, message)
                    .help("this rule and those after it are left out"),
            );
            chosen.truncate(MOST_RULES);
        }
        void.truncate(MOST_RULES);
        if chosen.is_empty() && void.is_empty() {
            return Self::default();
        }
        let (rules, mistakes) = stack::deep(&|| {
            let mut mistakes = Vec::new();
            let rules = rule::compile(&chosen, sources, &mut mistakes);
            let _ = rule::compile(&void, sources, &mut mistakes);
            (rules, mistakes)
        });
        add_each_once(mistakes, diagnostics);
        Self { rules }
    }

    /// Returns what is wrong with the ids, expressions and tests of policies with other mistakes, beside policies without.
    #[must_use]
    pub fn mistakes_of_drafts(
        drafts: &[PolicyDraft],
        beside: &[Policy],
        sources: &Sources,
    ) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if drafts.is_empty() {
            return found;
        }
        let mut ids = Ids::default();
        for rule in beside.iter().flat_map(|policy| &policy.rules) {
            // What is wrong with these is told when they are compiled.
            let _ = ids.add(&rule.id, 0);
        }
        for draft in drafts {
            let named = draft.rules.iter().filter_map(|rule| Some((rule.index, rule.id.as_ref()?)));
            let named: Vec<(usize, &Spanned<String>)> = named.collect();
            let mistakes = named.iter().filter_map(|(index, id)| ids.add(id, *index)).collect();
            add_each_once(mistakes, &mut found);
            let known: Vec<&str> = named.iter().map(|(_, id)| id.value.as_str()).collect();
            let tests = draft.tests.iter().map(|test| (test.index, &test.rule));
            tests_name_rules(&known, tests, &mut found);
        }
        let rules: Vec<Texts<'_>> =
            drafts.iter().flat_map(|draft| &draft.rules).take(MOST_RULES).map(Texts::of_draft).collect();
        let mistakes = stack::deep(&|| {
            let mut mistakes = Vec::new();
            let _ = expressions::bind(&rules, sources, &mut mistakes);
            mistakes
        });
        add_each_once(mistakes, &mut found);
        found
    }

    /// Returns whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Returns the ids of the rules, in the order of the documents.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// Returns whether a plan may accept a finding of one of the rules.
    #[must_use]
    pub fn is_waivable(&self, finding: &Finding) -> bool {
        finding.name != BROKEN
            && self.rules.iter().any(|rule| finding.rule == rule.id.as_str() && rule.waivable)
    }

    /// Evaluates every rule over a plan, each about every machine, every group, or the plan; waivers are not applied.
    ///
    /// `now` is the moment at which dates are measured.
    #[must_use]
    pub fn evaluate(&self, model: &Model, now: Timestamp) -> Vec<Finding> {
        finding::of(&self.rules, model, now)
    }
}

/// Ids of rules, and where each stands first.
#[derive(Default)]
struct Ids<'p>(HashMap<&'p str, Span>);

impl<'p> Ids<'p> {
    /// Adds the id of the rule that stands at a place of its policy; returns what is wrong with it.
    fn add(&mut self, id: &'p Spanned<String>, index: usize) -> Option<Diagnostic> {
        let path = format!("rules[{index}].id");
        if let Some((message, help)) = problem_of_id(&id.value) {
            return Some(Diagnostic::error("bad-rule-id", id.span, message).help(help).path(path));
        }
        let Some(first) = self.0.get(id.value.as_str()) else {
            self.0.insert(&id.value, id.span);
            return None;
        };
        let message = format!("a second rule has the id `{}`", id.value);
        let mistake = Diagnostic::error("duplicate-rule", id.span, message)
            .label(*first, "the first one is here")
            .help("give each rule its own id");
        Some(mistake.path(path))
    }
}

/// Adds mistakes; a document that is read twice has each of them once.
fn add_each_once(mistakes: Vec<Diagnostic>, diagnostics: &mut Vec<Diagnostic>) {
    for mistake in mistakes {
        if !diagnostics.contains(&mistake) {
            diagnostics.push(mistake);
        }
    }
}

/// Returns what is wrong with an id, and what to do.
fn problem_of_id(id: &str) -> Option<(String, String)> {
    let tail = id.get(..2).filter(|head| head.eq_ignore_ascii_case("fb")).and_then(|_| id.get(2..));
    if tail.is_some_and(|tail| tail.starts_with(|letter: char| letter.is_ascii_digit())) {
        let message = "ids like `FB123` belong to the built-in rules".to_owned();
        return Some((
            message,
            "begin the id with the name of the organisation, such as `ACME01`".to_owned(),
        ));
    }
    let good =
        |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_');
    let is_good =
        id.len() <= 32 && id.starts_with(|letter: char| letter.is_ascii_uppercase()) && id.chars().all(good);
    (!is_good).then(|| {
        let message =
            "an id is a capital letter, then capital letters, digits, `-` and `_`, at most 32 in all";
        (message.to_owned(), "such as `ACME01`".to_owned())
    })
}

/// Reports tests of rules that the policy does not have.
fn tests_name_rules<'p>(
    known: &[&str],
    tests: impl Iterator<Item = (usize, &'p Spanned<String>)>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (index, rule) in tests.filter(|(_, rule)| !known.contains(&rule.value.as_str())) {
        let shown: String = rule.value.chars().take(40).collect();
        let message = format!("the policy has no rule `{shown}`");
        let help = did_you_mean(&rule.value, known.iter().copied())
            .unwrap_or_else(|| "name a rule of the same document".to_owned());
        let path = format!("tests[{index}].rule");
        diagnostics.push(Diagnostic::error("unknown-rule", rule.span, message).help(help).path(path));
    }
}
