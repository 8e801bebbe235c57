//! One thing that is wrong with a document, and how an editor shows it.

use std::ops::Range;

use lsp_types::Diagnostic;
use lsp_types::DiagnosticRelatedInformation;
use lsp_types::DiagnosticSeverity;
use lsp_types::NumberOrString;

use crate::diagnostic::Diagnostic as Mistake;
use crate::diagnostic::Label;
use crate::escape;
use crate::source::Span;

use super::ground::Ground;
use super::ground::Home;
use super::ground::Spot;
use super::page::Page;

/// Problems that are shown in one document.
pub(super) const MOST: usize = 1000;
/// Places that are shown beside a problem's own.
pub(super) const PLACES: usize = 20;

/// What would put a problem right.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fix {
    /// Another word in its place.
    Replace { at: lsp_types::Location, with: String },
    /// Several changes, which only together put it right.
    Change { title: String, edits: Vec<(lsp_types::Location, String)> },
    /// The finding accepted, in the plan whose name begins at a byte.
    Waive { rule: String, subjects: Vec<String>, plan: usize },
}

/// What is proposed before the places of it are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proposal {
    /// A word, in the quotes of the one that it replaces.
    Replace(String),
    /// Characters, as they are.
    Exact(String),
    /// Changes in several places, or in another one than where the problem is shown.
    Edits {
        title: String,
        edits: Vec<(Spot, String)>,
    },
    Waive {
        rule: String,
        subjects: Vec<String>,
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
    /// Returns a mistake of a text.
    pub(super) fn of_mistake(mistake: &Mistake, ground: &Ground) -> Self {
        let help = mistake.help.as_deref().unwrap_or("");
        let word = meant(help).map(|word| Proposal::Replace(word.to_owned()));
        // What is sure is proposed as `check --fix` writes it; what is only near, too.
        let proposal = match mistake.fix.as_deref() {
            None => word,
            Some(fix) => match fix.edits.as_slice() {
                [edit] if (edit.span.start, edit.span.end) == (mistake.span.start, mistake.span.end) => {
                    Some(Proposal::Exact(edit.text.clone()))
                }
                edits => {
                    let edits = edits.iter().map(|edit| Some((ground.spot(edit.span)?, edit.text.clone())));
                    let edits: Option<Vec<_>> = edits.collect();
                    let edits = edits.filter(|edits| !edits.is_empty());
                    edits.map(|edits| Proposal::Edits { title: capital(&fix.title), edits }).or(word)
                }
            },
        };
        Self {
            at: ground.spot(mistake.span).unwrap_or(Spot::own(0..0)),
            anchor: None,
            severity: DiagnosticSeverity::ERROR,
            code: mistake.code.to_owned(),
            message: with_help(&mistake.message, help),
            related: related(mistake.span, &mistake.labels, ground),
            proposals: proposal.into_iter().collect(),
        }
    }

    /// Returns that there are more problems than are shown.
    pub(super) fn more() -> Self {
        Self {
            at: Spot::own(0..0),
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
        let (anchor, place) = match (self.at.home, &self.anchor) {
            (Home::Own, _) => (self.at.range.clone(), None),
            (Home::Facts, anchor) => (anchor.clone().unwrap_or(0..0), Some("here in the inventory")),
            (Home::Beside(_), anchor) => (anchor.clone().unwrap_or(0..0), Some("here")),
        };
        let mut related = Vec::new();
        if let (Some(place), Some(location)) = (place, page.location(&self.at)) {
            related.push((location, place.to_owned()));
        }
        for (spot, text) in self.related.iter().take(PLACES) {
            related.extend(page.location(spot).map(|location| (location, text.clone())));
        }
        let fixes = self.proposals.iter().filter_map(|proposal| match proposal {
            Proposal::Replace(word) => {
                let at = page.location(&self.at)?;
                Some(Fix::Replace { at, with: written_like(page.slice(&self.at), word) })
            }
            Proposal::Edits { title, edits } => {
                let edits = edits.iter().map(|(spot, text)| Some((page.location(spot)?, text.clone())));
                Some(Fix::Change { title: title.clone(), edits: edits.collect::<Option<_>>()? })
            }
            Proposal::Exact(text) => Some(Fix::Replace { at: page.location(&self.at)?, with: text.clone() }),
            Proposal::Waive { rule, subjects, plan } => {
                Some(Fix::Waive { rule: rule.clone(), subjects: subjects.clone(), plan: *plan })
            }
        });
        let fixes = fixes.collect();
        Shown { diagnostic: self.diagnostic(page.own_range(&anchor), related), fixes }
    }

    /// Returns how the file shows it in which something is to be changed; `None` if that is the document itself.
    pub(super) fn elsewhere(&self, page: &Page<'_>) -> Option<(std::path::PathBuf, Diagnostic)> {
        let path = page.path(self.at.home)?;
        let location = page.location(&self.at)?;
        let mut related = Vec::new();
        if let Some(anchor) = &self.anchor {
            let own = Spot::own(anchor.clone());
            related.extend(page.location(&own).map(|location| (location, "found in this plan".to_owned())));
        }
        Some((path.to_owned(), self.diagnostic(location.range, related)))
    }

    fn diagnostic(&self, range: lsp_types::Range, related: Vec<(lsp_types::Location, String)>) -> Diagnostic {
        let related: Vec<DiagnosticRelatedInformation> = related
            .into_iter()
            .map(|(location, message)| {
                let message = escape::lines(&message).into_owned();
                DiagnosticRelatedInformation { location, message }
            })
            .collect();
        Diagnostic {
            range,
            severity: Some(self.severity),
            code: Some(NumberOrString::String(self.code.clone())),
            source: Some("failback".to_owned()),
            // Names come from whoever wrote the document, and editors show what has no width or turns text round.
            message: escape::lines(&self.message).into_owned(),
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

/// Returns a fragment as the title of an action.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the places that explain a problem, the alias through which its value is used among them.
pub(super) fn related(span: Span, labels: &[Label], ground: &Ground) -> Vec<(Spot, String)> {
    let alias = (span.via != 0).then(|| Span::new(span.via, span.via + 1)).and_then(|via| ground.spot(via));
    let alias = alias.map(|alias| (alias, "the value is used here, through an alias".to_owned()));
    let labels = labels.iter().filter_map(|label| Some((ground.spot(label.span)?, label.text.clone())));
    alias.into_iter().chain(labels).collect()
}

/// Returns that a file which a plan has to do with has mistakes of its own, and what that means for the plan.
pub(super) fn broken_file(
    code: &'static str,
    at: Span,
    (file, so): (&str, &str),
    mistakes: &[&Mistake],
    ground: &Ground,
) -> Problem {
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    let message = format!("`{file}` has {count}, {so}");
    let mut problem = Problem::of_mistake(&Mistake::error(code, at, message), &Ground::own());
    let places = mistakes.iter();
    let places = places.filter_map(|mistake| Some((ground.spot(mistake.span)?, mistake.message.clone())));
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
        assert_eq!(Problem::of_mistake(&mistake, &Ground::own()).proposals, []);
        let sure =
            mistake.clone().fix(Some(crate::diagnostic::Fix::at(span, "\"9.60\"", "write it in quotes")));
        let exact = Proposal::Exact("\"9.60\"".to_owned());
        assert_eq!(Problem::of_mistake(&sure, &Ground::own()).proposals, [exact]);
        let near = mistake.help("did you mean `vmfs1`?");
        let word = Proposal::Replace("vmfs1".to_owned());
        assert_eq!(Problem::of_mistake(&near, &Ground::own()).proposals, [word]);
    }

    #[test]
    fn changes_of_several_places_are_proposed_together() {
        let (here, there) = (Span::new(5, 9), Span::new(12, 14));
        let edit = |span, text: &str| crate::diagnostic::Edit { span, text: text.to_owned() };
        let edits = vec![edit(here, "a"), edit(there, "b")];
        let fix = crate::diagnostic::Fix { title: "put it in quotes".to_owned(), edits };
        let mistake = Mistake::error("wrong-type", here, "wrong").fix(Some(fix));
        let proposed = Problem::of_mistake(&mistake, &Ground::own()).proposals;
        let edits = vec![(Spot::own(4..8), "a".to_owned()), (Spot::own(11..13), "b".to_owned())];
        assert_eq!(proposed, [Proposal::Edits { title: "Put it in quotes".to_owned(), edits }]);
    }

    #[test]
    fn only_a_help_that_names_a_word_proposes_it() {
        assert_eq!(meant("did you mean `vmfs1`?"), Some("vmfs1"));
        assert_eq!(meant("known keys here: a, b"), None);
    }
}
