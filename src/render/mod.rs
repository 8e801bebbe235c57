//! Findings and mistakes of documents as text for people and as JSON for programs.

mod excerpt;
pub mod json;
pub mod style;
pub mod summary;
pub mod text;

use serde::Serialize;
use serde::Serializer;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Label;
use crate::diagnostic::Severity;
use crate::rules::Finding;
use crate::rules::State;
use crate::rules::Subject;
use crate::source::Sources;
use crate::source::Span;

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// A thing of the plan or inventory.
    Subject(&'a Subject),
    /// A file.
    Document(&'a str),
}

impl Serialize for About<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            kind: &'static str,
            name: &'a str,
        }
        match self {
            Self::Subject(subject) => subject.serialize(serializer),
            Self::Document(name) => Document { kind: "document", name }.serialize(serializer),
        }
    }
}

/// One thing to show: what a rule found, or a mistake in a document.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// Id of the rule, or code of the mistake.
    pub code: &'a str,
    /// Name of the rule, or the code again.
    pub name: &'a str,
    /// How much it weighs.
    pub severity: Severity,
    /// How it stands; a mistake is violated.
    pub state: State,
    /// What it is about.
    pub about: About<'a>,
    /// What is wrong.
    pub message: &'a str,
    /// What to do.
    pub help: Option<&'a str>,
    /// The articles that state the rule; a mistake has none.
    pub article: Option<&'static str>,
    /// Where to change something.
    pub span: Span,
    /// Places that explain it.
    pub related: &'a [Label],
    /// The fact that is missing.
    pub fact: Option<&'static str>,
    /// Why it is accepted.
    pub waived_because: Option<&'a str>,
    /// Keys that lead to the place in the document.
    pub path: &'a str,
}

impl<'a> Item<'a> {
    /// Returns what a rule found.
    #[must_use]
    pub fn of_finding(finding: &'a Finding) -> Self {
        Self {
            code: finding.rule,
            name: finding.name,
            severity: finding.severity,
            state: finding.state,
            about: About::Subject(&finding.subject),
            message: &finding.message,
            help: Some(&finding.help),
            article: Some(finding.source),
            span: finding.span,
            related: &finding.related,
            fact: finding.fact,
            waived_because: finding.waived_because.as_deref(),
            path: "",
        }
    }

    /// Returns a mistake in one of the texts of `sources`.
    #[must_use]
    pub fn of_diagnostic(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Self {
        let file = sources.source_of(diagnostic.span).map_or("", |source| source.name());
        Self {
            code: diagnostic.code,
            name: diagnostic.code,
            severity: diagnostic.severity,
            state: State::Violated,
            about: About::Document(file),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            article: None,
            span: diagnostic.span,
            related: &diagnostic.labels,
            fact: None,
            waived_because: None,
            path: &diagnostic.path,
        }
    }

    /// Returns that a whole file is at fault, at no place in it.
    #[must_use]
    pub const fn of_file(code: &'a str, file: &'a str, message: &'a str, help: Option<&'a str>) -> Self {
        Self {
            code,
            name: code,
            severity: Severity::Error,
            state: State::Violated,
            about: About::Document(file),
            message,
            help,
            article: None,
            span: Span::NONE,
            related: &[],
            fact: None,
            waived_because: None,
            path: "",
        }
    }
}
