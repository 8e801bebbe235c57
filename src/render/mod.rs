//! Findings and mistakes of documents, for people, for programs and for the services that review changes.

pub mod diff;
mod excerpt;
mod fingerprint;
pub mod gate;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod log;
pub mod markdown;
mod missing;
pub mod place;
pub mod sarif;
pub mod style;
pub mod summary;
pub mod text;

use std::borrow::Cow;
use std::io;

use jiff::Timestamp;
use serde::Serialize;
use serde::Serializer;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Fix;
use crate::diagnostic::Label;
use crate::diagnostic::Severity;
use crate::render::summary::Counts;
use crate::render::summary::Verdict;
use crate::rules::Explanation;
use crate::rules::Finding;
use crate::rules::Rule;
use crate::rules::State;
use crate::rules::Subject;
use crate::rules::consistency::GroupPoints;
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

/// A document that holds what was found in several plans, in one format.
pub trait Sheet {
    /// Adds an item; `plan` is the name of the plan that it was found in.
    ///
    /// # Errors
    ///
    /// The output's own, here and below.
    fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()>;

    /// Ends the plan whose items were added last.
    ///
    /// # Errors
    ///
    /// The output's own.
    fn plan(&mut self, outcome: &Outcome<'_>) -> io::Result<()>;

    /// Completes the document.
    ///
    /// # Errors
    ///
    /// The output's own.
    fn close(self: Box<Self>, closing: &Closing) -> io::Result<()>;
}

/// What became of one plan.
#[derive(Clone, Copy)]
pub struct Outcome<'a> {
    /// The plan's name.
    pub name: &'a str,
    /// What became of it.
    pub verdict: Verdict,
    /// How many items of each kind were added.
    pub counts: Counts,
    /// When its facts were observed.
    pub as_of: Option<Timestamp>,
    /// Rules that looked at the plan and found nothing.
    pub silent: &'a [&'static Rule],
    /// What recovery points mean for each of its replication groups.
    pub recovery_points: &'a [GroupPoints],
}

/// What is known when all plans were checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Closing {
    /// Whether a file could not be read.
    pub unreadable: bool,
    /// What a baseline kept back.
    pub baseline: Option<Known>,
}

/// How what was found compares with a baseline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Findings that the baseline has, and which are not shown.
    pub known: usize,
    /// Findings of the baseline that are not found any more.
    pub gone: usize,
}

impl Known {
    /// Returns it in words.
    #[must_use]
    pub fn in_words(self) -> String {
        let known = match self.known {
            0 => "nothing of it is left".to_owned(),
            1 => "1 known finding is not shown".to_owned(),
            count => format!("{count} known findings are not shown"),
        };
        match self.gone {
            0 => format!("baseline: {known}"),
            1 => format!("baseline: {known}; 1 finding of the baseline is gone"),
            gone => format!("baseline: {known}; {gone} findings of the baseline are gone"),
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
    pub article: Option<&'a str>,
    /// Where to change something.
    pub span: Span,
    /// Places that explain it.
    pub related: &'a [Label],
    /// The fact that is missing.
    pub fact: Option<&'a str>,
    /// Why it is accepted.
    pub waived_because: Option<&'a str>,
    /// Keys that lead to the place in the document.
    pub path: &'a str,
    /// What puts it right, if nothing else can have been meant.
    pub fix: Option<&'a Fix>,
    /// What explains it, or what it explains.
    pub explanation: Option<&'a Explanation>,
}

impl<'a> Item<'a> {
    /// Returns what a rule found.
    #[must_use]
    pub fn of_finding(finding: &'a Finding) -> Self {
        Self {
            code: &finding.rule,
            name: &finding.name,
            severity: finding.severity,
            state: finding.state,
            about: About::Subject(&finding.subject),
            message: &finding.message,
            help: Some(&finding.help),
            article: Some(&finding.source),
            span: finding.span,
            related: &finding.related,
            fact: finding.fact.as_deref(),
            waived_because: finding.waived_because.as_deref(),
            path: "",
            explanation: finding.explanation.as_ref(),
            fix: None,
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
            explanation: None,
            fix: diagnostic.fix.as_deref(),
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
            explanation: None,
            fix: None,
        }
    }
}

/// Returns the items without those that another of them explains.
#[must_use]
pub fn without_explained<'l, 'i>(items: &'l [Item<'i>]) -> Cow<'l, [Item<'i>]> {
    let may_be_explained = |item: &Item<'_>| matches!(item.explanation, Some(Explanation::ExplainedBy(_)));
    if !items.iter().any(may_be_explained) {
        return Cow::Borrowed(items);
    }
    let explains = |subject: &Subject| {
        items.iter().any(|item| {
            item.about == About::Subject(subject)
                && matches!(item.explanation, Some(Explanation::Explains(_)))
        })
    };
    let is_explained = |item: &Item<'_>| match item.explanation {
        Some(Explanation::ExplainedBy(subject)) => explains(subject),
        Some(Explanation::Explains(_)) | None => false,
    };
    items.iter().filter(|item| !is_explained(item)).cloned().collect()
}
