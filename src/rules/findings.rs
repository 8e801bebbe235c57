//! What rules write to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::diagnostic::Label;
use crate::diagnostic::Severity;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::found::Collected;
use crate::rules::open;
use crate::rules::rule::Guard;
use crate::rules::rule::Rule;
use crate::source::Span;

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The rule is broken.
    Violated,
    /// A fact is missing, so nobody can tell.
    Indeterminate,
    /// The inventory leaves out what only a measurement gives, so nobody can tell: undecided without weight.
    Unmeasured,
    /// The run waits for it.
    Pending,
    /// It is broken, and accepted with a reason.
    Waived,
}

impl State {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Violated => "violated",
            Self::Indeterminate | Self::Unmeasured => "indeterminate",
            Self::Pending => "pending",
            Self::Waived => "waived",
        }
    }
}

/// What kind of thing a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants are the words of the glossary")]
pub enum SubjectKind {
    Plan,
    Machine,
    ReplicationGroup,
    BootGroup,
    Action,
    Drill,
    Waiver,
    Vault,
    ConfigurationServer,
    Vcenter,
    Host,
    Datastore,
    MasterTarget,
    ProcessServer,
    Appliance,
    Network,
}

impl SubjectKind {
    /// Returns the words of a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Machine => "machine",
            Self::ReplicationGroup => "replication group",
            Self::BootGroup => "boot group",
            Self::Action => "action",
            Self::Drill => "drill",
            Self::Waiver => "waiver",
            Self::Vault => "vault",
            Self::ConfigurationServer => "configuration server",
            Self::Vcenter => "vCenter",
            Self::Host => "host",
            Self::Datastore => "datastore",
            Self::MasterTarget => "master target",
            Self::ProcessServer => "process server",
            Self::Appliance => "appliance",
            Self::Network => "network",
        }
    }
}

/// What a finding is about: that which is at fault. Machines that suffer from it are among its labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Subject {
    /// Its kind.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
}

/// How a finding stands to others about the same lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// The finding about this subject explains it: lines of the plan that can't hold together (FB532).
    ExplainedBy(Subject),
    /// It explains so many findings of each of these rules.
    Explains(BTreeMap<String, usize>),
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Id of the rule.
    pub rule: Cow<'static, str>,
    /// Name of the rule.
    pub name: Cow<'static, str>,
    /// How much it weighs.
    pub severity: Severity,
    /// How it stands.
    pub state: State,
    /// What it is about.
    pub subject: Subject,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What to do.
    pub help: Cow<'static, str>,
    /// The articles that state the rule.
    pub source: Cow<'static, str>,
    /// Where to change something.
    pub span: Span,
    /// Places that explain it.
    pub related: Vec<Label>,
    /// The fact that is missing, of an indeterminate finding.
    pub fact: Option<Cow<'static, str>>,
    /// Reason of the waiver that accepts it.
    pub waived_because: Option<String>,
    /// Whether the run waits for it, so that it does not refuse a plan before its guard.
    pub awaited: bool,
    /// What explains it, or what it explains.
    pub explanation: Option<Explanation>,
}

/// Names of the plan that the inventory does not have, where a rule says so of each: that every other rule can't be decided
/// for want of its facts needs no saying.
pub(super) struct Told<'m>(HashSet<(&'static str, &'m str)>);

impl<'m> Told<'m> {
    pub(super) fn of(model: &'m Model, is_judged: bool) -> Self {
        let misspelt = model.unresolved.iter().filter(|name| is_judged && name.known);
        Self(
            misspelt
                .filter_map(|name| Some((name.kind.inventory_key()?, name.name.value.as_str())))
                .collect(),
        )
    }

    /// Returns whether what is not known is such a name itself; `subject` is what the rule looks at.
    fn tells(&self, unknown: &Unknown, subject: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&(unknown.field, unknown.object.as_deref().unwrap_or(subject)))
    }
}

/// Where one rule writes what it found about one subject.
pub struct Findings<'f> {
    rule: &'static Rule,
    /// What it looks at: its kind, its name, and where that is written, which is where an indeterminate finding points.
    subject: (SubjectKind, &'f str, Span),
    guard: Option<Guard>,
    /// Indexes of the machines that the guard is about; `None`: all of the plan.
    concerned: Option<&'f [usize]>,
    /// The moment at which dates of plans and certificates are measured.
    now: Timestamp,
    told: Option<&'f Told<'f>>,
    found: &'f mut Collected,
}

impl<'f> Findings<'f> {
    pub(crate) fn new(
        rule: &'static Rule,
        subject: (SubjectKind, &'f str, Span),
        (guard, concerned): (Option<Guard>, Option<&'f [usize]>),
        now: Timestamp,
        found: &'f mut Collected,
    ) -> Self {
        Self { rule, subject, guard, concerned, now, told: None, found }
    }

    /// Leaves out what can't be decided for want of a name that another rule tells.
    pub(super) fn telling(self, told: &'f Told<'f>) -> Self {
        Self { told: Some(told), ..self }
    }

    /// Returns where the same rule writes about another subject; `span` is where that one is named.
    pub(crate) fn about<'g>(&'g mut self, kind: SubjectKind, name: &'g str, span: Span) -> Findings<'g>
    where
        'f: 'g,
    {
        let Self { rule, guard, concerned, now, told, .. } = *self;
        Findings { rule, subject: (kind, name, span), guard, concerned, now, told, found: self.found }
    }

    /// Returns the moment of the run; `None` before a run.
    #[must_use]
    pub const fn guard(&self) -> Option<Guard> {
        self.guard
    }

    /// Returns the moment at which dates of plans and certificates are measured; ages of facts are measured at their
    /// observation instead.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the machines that are concerned: at a guard those that it is about, else all of the plan.
    pub(crate) fn machines<'m>(&self, model: &'m Model) -> impl Iterator<Item = Machine<'m>> + use<'m, 'f> {
        let concerned = self.concerned;
        let count = concerned.map_or(model.machines().len(), <[usize]>::len);
        (0..count).map(move |at| model.machine(concerned.map_or(at, |concerned| concerned[at])))
    }

    /// Adds a finding about the rule's subject: `message` says what is wrong at `span`, where something is to be changed.
    pub fn at(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        let finding = self.finding(State::Violated, span, message.into());
        self.found.findings.push(finding);
        self.found.findings.last_mut().expect("a finding was just added")
    }

    /// Adds that the rule can't be decided about its subject, because a fact is missing.
    pub(crate) fn unknown(&mut self, unknown: &Unknown) {
        debug_assert!(
            self.rule.facts.contains(&unknown.field),
            "{} does not declare the fact {}",
            self.rule.id,
            unknown.field
        );
        if self.told.is_some_and(|told| told.tells(unknown, self.subject.1)) {
            return;
        }
        let (kind, name, span) = self.subject;
        match &mut self.found.open {
            Some(store) => store.fact(self.rule, self.subject, unknown),
            None => {
                let of = unknown.object.as_deref().unwrap_or(name);
                let subject = Subject { kind, name: name.to_owned() };
                self.found.findings.push(open::of_fact(self.rule, subject, span, unknown.field, of));
            }
        }
    }

    /// Adds that what the rule would weigh otherwise than its errors can't be decided about its subject.
    pub(crate) fn unknown_as(&mut self, unknown: &Unknown, severity: Severity) {
        if self.told.is_some_and(|told| told.tells(unknown, self.subject.1)) {
            return;
        }
        let (kind, name, span) = self.subject;
        let of = unknown.object.as_deref().unwrap_or(name);
        let subject = Subject { kind, name: name.to_owned() };
        let finding = open::of_fact(self.rule, subject, span, unknown.field, of);
        self.found.findings.push(Finding { severity, ..finding });
    }

    /// Adds that the rule can't be decided, because nobody knows whether the vault is classic or modernized.
    pub(crate) fn unknown_architecture(&mut self) {
        let (kind, name, span) = self.subject;
        match &mut self.found.open {
            Some(store) => store.architecture(self.rule, self.subject),
            None => {
                let subject = Subject { kind, name: name.to_owned() };
                self.found.findings.push(open::of_architecture(self.rule, subject, span));
            }
        }
    }

    fn finding(&self, state: State, span: Span, message: String) -> Finding {
        let (kind, name, place) = self.subject;
        let subject = Subject { kind, name: name.to_owned() };
        Finding::of(self.rule, state, subject, if span.is_none() { place } else { span }, message)
    }
}

impl Finding {
    /// Returns a finding of a rule, with what the rule says of all of them.
    pub(super) fn of(
        rule: &'static Rule,
        state: State,
        subject: Subject,
        span: Span,
        message: String,
    ) -> Self {
        Self {
            rule: Cow::Borrowed(rule.id),
            name: Cow::Borrowed(rule.name),
            severity: rule.severity,
            state,
            subject,
            message,
            help: Cow::Borrowed(rule.help),
            source: Cow::Borrowed(rule.article),
            span,
            related: Vec::new(),
            fact: None,
            waived_because: None,
            awaited: rule.awaited,
            explanation: None,
        }
    }

    /// Points at a second place; a place that no text holds is left out.
    pub fn also(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        if !span.is_none() {
            self.related.push(Label { span, text: text.into() });
        }
        self
    }

    /// Says what to do, where the rule's own help is too general.
    pub fn help(&mut self, help: impl Into<Cow<'static, str>>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Weighs the finding otherwise than its rule.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.severity = severity;
        self
    }

    /// Says that the run waits for it, or does not, otherwise than its rule.
    pub fn awaited(&mut self, awaited: bool) -> &mut Self {
        self.awaited = awaited;
        self
    }

    /// Names what is at fault, if it is not what the rule looks at.
    pub fn subject(&mut self, kind: SubjectKind, name: impl Into<String>) -> &mut Self {
        self.subject = Subject { kind, name: name.into() };
        self
    }
}
