//! One thing that is wrong with a document, and how an editor shows it.

use std::ops::Range;

use lsp_types::Diagnostic;
use lsp_types::DiagnosticRelatedInformation;
use lsp_types::DiagnosticSeverity;
use lsp_types::NumberOrString;

use crate::diagnostic::Diagnostic as Mistake;
use crate::diagnostic::Label;
use crate::source::Span;
use crate::source::Spanned;

use super::check::Page;
use super::check::spot;

/// Problems that are shown in one document.
pub(super) const MOST: usize = 1000;
/// Places that are shown beside a problem's own.
const PLACES: usize = 20;

/// A place in a document, or in the inventory of its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub in_facts: bool,
    pub range: Range<usize>,
}

/// What would put a problem right.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fix {
    /// Another word in its place.
    Replace { at: lsp_types::Location, with: String },
    /// The finding accepted, in the plan whose name begins at a byte.
    Waive { rule: String, subject: String, plan: usize },
}

/// What is proposed before the places of it are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proposal {
    /// A word, in the quotes of the one that it replaces.
    Replace(String),
    /// Characters, as they are.
    Exact(String),
    Waive {
        rule: String,
        subject: String,
        plan: usize,
    },
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    /// Where something is to be changed.
    pub at: Spot,
    /// Where it is shown in the document, if it is to be changed elsewhere.
    pub anchor: Option<Range<usize>>,
    pub severity: DiagnosticSeverity,
    pub code: String,
    pub message: String,
    pub related: Vec<(Spot, String)>,
    pub proposals: Vec<Proposal>,
}

/// A problem as the editor shows it, and what would put it right.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub diagnostic: Diagnostic,
    pub fixes: Vec<Fix>,
}

/// Returns the word that a help proposes.
pub(super) fn meant(help: &str) -> Option<&str> {
    help.strip_prefix("did you mean `")?.strip_suffix("`?")
}

impl Problem {
    /// Returns a mistake of a text; spans from `base` on are in the inventory.
    pub(super) fn of_mistake(mistake: &Mistake, base: usize) -> Self {
        let help = mistake.help.as_deref().unwrap_or("");
        let word = meant(help).map(|word| Proposal::Replace(word.to_owned()));
        // What is sure is proposed as `check --fix` writes it; what is only near, too.
        let proposal = match mistake.fix.as_deref().map(|fix| fix.edits.as_slice()) {
            Some([edit]) if (edit.span.start, edit.span.end) == (mistake.span.start, mistake.span.end) => {
                Some(Proposal::Exact(edit.text.clone()))
            }
            Some(_) | None => word,
        };
        Self {
            at: spot(mistake.span, base).unwrap_or(Spot { in_facts: false, range: 0..0 }),
            anchor: None,
            severity: DiagnosticSeverity::ERROR,
            code: mistake.code.to_owned(),
            message: with_help(&mistake.message, help),
            related: related(mistake.span, &mistake.labels, base),
            proposals: proposal.into_iter().collect(),
        }
    }

    /// Returns that there are more problems than are shown.
    pub(super) fn more() -> Self {
        Self {
            at: Spot { in_facts: false, range: 0..0 },
            anchor: None,
            severity: DiagnosticSeverity::INFORMATION,
            code: "too-many-mistakes".to_owned(),
            message: format!("more than {MOST} problems: the others are not shown"),
            related: Vec::new(),
            proposals: Vec::new(),
        }
    }

    /// Returns how the document shows it.
    pub(super) fn shown(&self, page: &Page<'_>) -> Shown {
        let anchor = match (&self.anchor, self.at.in_facts) {
            (Some(anchor), true) => anchor.clone(),
            (None, true) => 0..0,
            (_, false) => self.at.range.clone(),
        };
        let mut related = Vec::new();
        if self.at.in_facts {
            related.extend(
                page.location(&self.at).map(|location| (location, "here in the inventory".to_owned())),
            );
        }
        for (spot, text) in self.related.iter().take(PLACES) {
            related.extend(page.location(spot).map(|location| (location, text.clone())));
        }
        let fixes = self.proposals.iter().filter_map(|proposal| match proposal {
            Proposal::Replace(word) => {
                let at = page.location(&self.at)?;
                Some(Fix::Replace { at, with: written_like(page.slice(&self.at), word) })
            }
            Proposal::Exact(text) => Some(Fix::Replace { at: page.location(&self.at)?, with: text.clone() }),
            Proposal::Waive { rule, subject, plan } => {
                Some(Fix::Waive { rule: rule.clone(), subject: subject.clone(), plan: *plan })
            }
        });
        let fixes = fixes.collect();
        Shown { diagnostic: self.diagnostic(page.own_range(&anchor), related), fixes }
    }

    /// Returns how the inventory shows it; `None` if nothing is to be changed there.
    pub(super) fn elsewhere(&self, page: &Page<'_>) -> Option<Diagnostic> {
        if !self.at.in_facts {
            return None;
        }
        let location = page.location(&self.at)?;
        let mut related = Vec::new();
        if let Some(anchor) = &self.anchor {
            let own = Spot { in_facts: false, range: anchor.clone() };
            related.extend(page.location(&own).map(|location| (location, "found in this plan".to_owned())));
        }
        Some(self.diagnostic(location.range, related))
    }

    fn diagnostic(&self, range: lsp_types::Range, related: Vec<(lsp_types::Location, String)>) -> Diagnostic {
        let related: Vec<DiagnosticRelatedInformation> = related
            .into_iter()
            .map(|(location, message)| DiagnosticRelatedInformation { location, message })
            .collect();
        Diagnostic {
            range,
            severity: Some(self.severity),
            code: Some(NumberOrString::String(self.code.clone())),
            source: Some("failback".to_owned()),
            message: self.message.clone(),
            related_information: (!related.is_empty()).then_some(related),
            ..Diagnostic::default()
        }
    }
}

/// Returns a word as it would stand in the place of another: in its quotes, in its folder.
fn written_like(old: &str, word: &str) -> String {
    let quote = old.chars().next().filter(|quote| matches!(quote, '"' | '\''));
    let inner = quote.map_or(old, |quote| old.trim_matches(quote));
    // Of a file, only the name is proposed.
    let folder = inner.rfind('/').filter(|_| !word.contains('/')).map_or("", |at| &inner[..=at]);
    match quote {
        Some(quote) => format!("{quote}{folder}{word}{quote}"),
        None => format!("{folder}{word}"),
    }
}

pub(super) fn with_help(message: &str, help: &str) -> String {
    if help.is_empty() { message.to_owned() } else { format!("{message}\nhelp: {help}") }
}

/// Returns the places that explain a problem, the alias through which its value is used among them.
pub(super) fn related(span: Span, labels: &[Label], base: usize) -> Vec<(Spot, String)> {
    let alias = (span.via != 0).then(|| Span::new(span.via, span.via + 1)).and_then(|via| spot(via, base));
    let alias = alias.map(|alias| (alias, "the value is used here, through an alias".to_owned()));
    let labels = labels.iter().filter_map(|label| Some((spot(label.span, base)?, label.text.clone())));
    alias.into_iter().chain(labels).collect()
}

/// Returns that the inventory of a plan has mistakes of its own, so that no rule was evaluated.
pub(super) fn broken_inventory(named: &Spanned<String>, mistakes: &[Mistake], base: usize) -> Problem {
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    let message = format!("`{}` has {count}, so that no rule was evaluated", named.value);
    let mut problem =
        Problem::of_mistake(&Mistake::error("broken-inventory", named.span, message), usize::MAX);
    let places =
        mistakes.iter().filter_map(|mistake| Some((spot(mistake.span, base)?, mistake.message.clone())));
    problem.related = places.take(PLACES).collect();
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_written_as_the_one_that_it_replaces() {
        assert_eq!(written_like("loction", "location"), "location");
        assert_eq!(written_like("\"vmsf1\"", "vmfs1"), "\"vmfs1\"");
        assert_eq!(written_like("'sites/soul.yaml'", "seoul.yaml"), "'sites/seoul.yaml'");
    }

    #[test]
    fn what_is_sure_is_proposed_as_it_would_be_written() {
        let span = Span::new(5, 9);
        let mistake = Mistake::error("wrong-type", span, "wrong").help("write it in quotes");
        assert_eq!(Problem::of_mistake(&mistake, usize::MAX).proposals, []);
        let sure =
            mistake.clone().fix(Some(crate::diagnostic::Fix::at(span, "\"9.60\"", "write it in quotes")));
        let exact = Proposal::Exact("\"9.60\"".to_owned());
        assert_eq!(Problem::of_mistake(&sure, usize::MAX).proposals, [exact]);
        let near = mistake.help("did you mean `vmfs1`?");
        let word = Proposal::Replace("vmfs1".to_owned());
        assert_eq!(Problem::of_mistake(&near, usize::MAX).proposals, [word]);
    }

    #[test]
    fn only_a_help_that_names_a_word_proposes_it() {
        assert_eq!(meant("did you mean `vmfs1`?"), Some("vmfs1"));
        assert_eq!(meant("known keys here: a, b"), None);
    }
}
