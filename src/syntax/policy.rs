//! The `Policy` document: an organisation's own rules, and the tests of them.

use crate::diagnostic::Severity as Weight;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::value::Free;

block! {
    /// An organisation's own rules, evaluated beside the built-in ones.
    pub struct Policy {
        /// Kind of the document: `Policy`.
        pub kind: Spanned<PolicyKind>,
        /// Version of the language: 1.
        pub version: Spanned<crate::syntax::Version>,
        /// Name of the policy, unique in a workspace.
        pub name: Spanned<String> where [Name] => "corp-standards",
        /// What the policy is for, in a sentence.
        pub description: Option<Spanned<String>> where [Prose] => "What the operations handbook asks of every recovery plan",
        /// The rules.
        pub rules: Vec<PolicyRule>,
        /// Tests of the rules, run by `failback check --test-policies`.
        pub tests: Vec<PolicyTest>,
    }
}

words! {
    /// The kind of a policy document.
    pub enum PolicyKind {
        /// A policy.
        Policy = "Policy",
    }
}

words! {
    /// How much a rule weighs.
    pub enum Severity {
        /// Refuses the plan.
        Error = "error",
        /// Needs attention or a waiver.
        Warning = "warning",
        /// Reported only.
        Info = "info",
    }
}

impl Severity {
    /// Returns the severity of the rule's findings.
    #[must_use]
    pub const fn weight(self) -> Weight {
        match self {
            Self::Error => Weight::Error,
            Self::Warning => Weight::Warning,
            Self::Info => Weight::Info,
        }
    }
}

words! {
    /// What a rule looks at.
    pub enum Scope {
        /// Each machine of the plan, as `machine`.
        Machine = "machine",
        /// Each replication group of the plan, as `group`.
        Group = "group",
        /// The plan as a whole.
        Plan = "plan",
    }
}

block! {
    /// A rule of an organisation.
    pub struct PolicyRule {
        /// Id of the rule: capital letters, digits, `-` and `_`; ids like `FB123` belong to the built-in rules.
        pub id: Spanned<String> => "ACME01",
        /// How much a finding weighs.
        pub severity: Spanned<Severity>,
        /// What the rule looks at: each machine, each replication group, or the plan as a whole.
        pub scope: Spanned<Scope>,
        /// Condition, in CEL, under which the rule counts. Default: always.
        pub when: Option<Spanned<String>> where [Prose] => "machine.os.family == \"windows\"",
        /// What must be true, in CEL.
        pub assert: Spanned<String> where [Prose] => "machine.settings.commit == \"on_approval\"",
        /// What is wrong when it is not, as a fragment; `{{ machine.name }}` puts in the value of an expression.
        pub message: Spanned<String> where [Prose] => "{{ machine.name }} commits without an approval",
        /// What to do.
        pub help: Option<Spanned<String>> where [Prose] => "set `commit: on_approval`",
        /// Where the rule is written down.
        pub source: Option<Spanned<String>> where [Prose] => "operations handbook, 4.2",
        /// Whether a plan may accept a finding, with a reason. Default: true.
        pub waivable: Option<Spanned<bool>>,
    }
}

words! {
    /// What a test expects of its rule.
    pub enum Expected {
        /// The rule is broken.
        Violated = "violated",
        /// The rule has nothing to say.
        Silent = "silent",
        /// A fact is missing, so nobody can tell.
        Indeterminate = "indeterminate",
    }
}

block! {
    /// A test of a rule: a small world, and what the rule must say about it.
    pub struct PolicyTest {
        /// What the test shows, in a sentence.
        pub name: Spanned<String> where [Prose] => "an automatic commit is refused",
        /// Id of the rule.
        pub rule: Spanned<String> => "ACME01",
        /// The world, of which nothing is known but what is given here.
        pub given: Spanned<Given>,
        /// What the rule must say.
        pub expect: Spanned<Expected>,
    }
}

block! {
    /// A small world for a test: one machine, unless it says more.
    pub struct Given {
        /// Keys of the plan.
        pub plan: Option<Spanned<Free>> where [Prose] => {"defaults": {"commit": "automatic"}},
        /// Keys of the inventory.
        pub inventory: Option<Spanned<Free>> where [Prose] => {"vault": {"experience": "classic"}},
        /// Facts about the one machine, as the inventory has them; without a name it is `machine`.
        pub machine: Option<Spanned<Free>> where [Prose] => {"os": {"family": "windows"}},
        /// Facts about several machines.
        pub machines: Vec<Spanned<Free>> where [Prose] => [{"name": "w1"}, {"name": "w2"}],
        /// Keys of the one replication group of the plan; all machines are its members unless it says which.
        pub group: Option<Spanned<Free>> where [Prose] => {"name": "erp-db"},
    }
}
