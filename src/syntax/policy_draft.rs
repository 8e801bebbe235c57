//! Policies with mistakes: what is written in them is looked at rule by rule, so that one mistake hides no other.

use crate::source::Spanned;
use crate::syntax::policy::Scope;
use crate::syntax::view::View;

/// A policy with mistakes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyDraft {
    /// Its rules, as far as each can be read.
    pub rules: Vec<RuleDraft>,
    /// Its tests; none if a rule of the policy may have an id that nobody knows.
    pub tests: Vec<TestDraft>,
}

/// A rule of a policy with mistakes; it may be one without.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleDraft {
    /// Its place in the list of rules.
    pub index: usize,
    /// Its id.
    pub id: Option<Spanned<String>>,
    /// What it looks at.
    pub scope: Option<Scope>,
    /// Its condition.
    pub when: Option<Spanned<String>>,
    /// What must be true.
    pub assert: Option<Spanned<String>>,
    /// What is wrong when it is not.
    pub message: Option<Spanned<String>>,
}

/// A test of a policy with mistakes.
#[derive(Clone, Debug, PartialEq)]
pub struct TestDraft {
    /// Its place in the list of tests.
    pub index: usize,
    /// Id of its rule.
    pub rule: Spanned<String>,
}

impl PolicyDraft {
    /// Reads what is written in a policy, and says nothing about what is wrong with it.
    pub(super) fn of(policy: View<'_, '_>) -> Self {
        let written: Vec<View<'_, '_>> = policy.list("rules").collect();
        let rules: Vec<RuleDraft> =
            written.iter().enumerate().filter_map(|(index, rule)| RuleDraft::of(index, *rule)).collect();
        let knows_all = policy.has_key(|key| key == "rules")
            && !policy.is_cut()
            && rules.len() == written.len()
            && rules.iter().all(|rule| rule.id.is_some());
        let tests = policy.list("tests").enumerate().filter(|_| knows_all);
        let tests =
            tests.filter_map(|(index, test)| Some(TestDraft { index, rule: test.get("rule")?.string()? }));
        Self { rules, tests: tests.collect() }
    }
}

impl RuleDraft {
    fn of(index: usize, rule: View<'_, '_>) -> Option<Self> {
        // Of what was cut off, the last value may be a part of itself.
        if !rule.is_mapping() || rule.is_cut() {
            return None;
        }
        let text = |key: &str| rule.get(key)?.string();
        Some(Self {
            index,
            id: text("id"),
            scope: rule.get("scope").and_then(View::text).and_then(Scope::from_word),
            when: text("when"),
            assert: text("assert"),
            message: text("message"),
        })
    }
}
