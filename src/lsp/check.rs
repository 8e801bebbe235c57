//! What is wrong with a document: mistakes of its text, and what rules find in its plans.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic as Mistake;
use crate::model::Model;
use crate::model::check_inventory;
use crate::model::resolve;
use crate::rules;
use crate::rules::Policies;
use crate::source::Sources;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::file;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;

use super::facts::Shelf;
use super::finding;
use super::language;
use super::problem;
use super::problem::Problem;
use super::problem::Shown;
use super::problem::Spot;
use super::text::Encoding;
use super::text::Text;
use super::uri;
use super::workspace::Open;
use super::workspace::Settings;

/// What is known about a document.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// The file with the inventory that a plan of it names.
    pub facts: Option<PathBuf>,
    /// What is shown in the document.
    pub shown: Vec<Shown>,
    /// What is to be changed in the inventory.
    pub elsewhere: Vec<lsp_types::Diagnostic>,
}

/// Where the facts of a plan are.
enum Facts {
    /// In the same text: the index among its inventories.
    Beside(usize),
    /// In a file.
    File(PathBuf),
    /// Nowhere: nothing is known.
    Nowhere,
    /// In a document with mistakes, or in one that can't be read.
    Broken,
}

/// Checks a document.
pub(super) fn analyze(
    open: &Open,
    documents: &BTreeMap<String, Open>,
    shelf: &mut Shelf,
    settings: &Settings,
    encoding: Encoding,
) -> Analysis {
    let mut sources = Sources::new();
    let Ok(index) = sources.add(open.file(), open.text.as_str().to_owned()) else {
        return Analysis::default();
    };
    let source = sources.get(index);
    let mut mistakes = Vec::new();
    let read = match language::Document::of_file(&open.file()) {
        Some(_) => Some(syntax::parse(source, &mut mistakes)),
        None => syntax::parse_if_ours(source, &mut mistakes),
    };
    let Some(read) = read else { return Analysis::default() };
    let (mut plans, mut inventories, mut policies) = (Vec::new(), Vec::new(), Vec::new());
    for document in read {
        match document {
            Document::Plan(plan) => plans.push(plan),
            Document::Inventory(inventory) => {
                check_inventory(&inventory, &mut mistakes);
                inventories.push(*inventory);
            }
            Document::Policy(policy) => policies.push(*policy),
        }
    }
    // Its rules are evaluated by `check`; here it is only said what is wrong with them.
    let _ = Policies::compile(&policies, &sources, &mut mistakes);
    let mut analysis = Analysis::default();
    let own = Page { open, facts: None, encoding };
    let is_broken = !mistakes.is_empty();
    own.show(mistakes.iter().map(|mistake| Problem::of_mistake(mistake, usize::MAX)), &mut analysis);
    for plan in plans {
        let mut found = Vec::new();
        let facts = facts_of(&plan, open, inventories.len(), is_broken, settings, &mut found);
        match facts {
            Facts::Beside(index) => {
                let inventory = std::mem::replace(&mut inventories[index], Inventory::unknown(""));
                inventories[index] = rule(*plan, inventory, usize::MAX, settings, &mut found);
            }
            Facts::Nowhere => {
                rule(*plan, Inventory::unknown("none"), usize::MAX, settings, &mut found);
            }
            Facts::Broken => {}
            Facts::File(path) => {
                let length = open.text.as_str().len();
                let named = plan.inventory.as_ref().unwrap_or(&plan.name).clone();
                analysis.facts = Some(path.clone());
                match shelf.file(&path, documents, length, settings.max_bytes) {
                    Ok(file) => {
                        match file.inventories.as_mut_slice() {
                            _ if !file.mistakes.is_empty() => {
                                found.push(problem::broken_inventory(&named, &file.mistakes, file.base));
                            }
                            [only] => {
                                let inventory = std::mem::replace(only, Inventory::unknown(""));
                                *only = rule(*plan, inventory, file.base, settings, &mut found);
                            }
                            several => found.push(no_inventory(&named, several.len())),
                        }
                        let uri = documents.values().find(|other| other.path.as_ref() == Some(&path));
                        let uri = uri.map(|other| other.uri.clone()).or_else(|| uri::of_path(&path));
                        let facts = uri.map(|uri| (uri, &file.text));
                        Page { open, facts, encoding }.show(found, &mut analysis);
                        continue;
                    }
                    Err(error) => found.push(unreadable(&named, error)),
                }
            }
        }
        own.show(found, &mut analysis);
    }
    analysis
}

/// Texts that problems point into.
pub(super) struct Page<'p> {
    open: &'p Open,
    facts: Option<(lsp_types::Uri, &'p Text)>,
    encoding: Encoding,
}

impl Page<'_> {
    fn show(&self, problems: impl IntoIterator<Item = Problem>, analysis: &mut Analysis) {
        for problem in problems {
            if analysis.shown.len() >= problem::MOST {
                let more = Problem::more();
                if analysis.shown.last().is_none_or(|last| last.diagnostic.message != more.message) {
                    analysis.shown.push(more.shown(self));
                }
                return;
            }
            if let Some(elsewhere) = problem.elsewhere(self) {
                analysis.elsewhere.push(elsewhere);
            }
            analysis.shown.push(problem.shown(self));
        }
    }

    /// Returns the URI and the range of a spot; `None` for one in an inventory that has no URI.
    pub(super) fn location(&self, spot: &Spot) -> Option<lsp_types::Location> {
        let (uri, text) = match spot.in_facts {
            true => self.facts.as_ref().map(|(uri, text)| (uri, *text))?,
            false => (&self.open.uri, &self.open.text),
        };
        Some(lsp_types::Location::new(uri.clone(), text.range(&spot.range, self.encoding)))
    }

    /// Returns the range of a spot in the document itself.
    pub(super) fn own_range(&self, range: &Range<usize>) -> lsp_types::Range {
        self.open.text.range(range, self.encoding)
    }

    /// Returns the characters of a spot.
    pub(super) fn slice(&self, spot: &Spot) -> &str {
        let text = match spot.in_facts {
            true => self.facts.as_ref().map_or("", |(_, text)| text.as_str()),
            false => self.open.text.as_str(),
        };
        text.get(spot.range.clone()).unwrap_or("")
    }
}

/// Evaluates the rules over a plan; returns the inventory.
fn rule(
    plan: RecoveryPlan,
    inventory: Inventory,
    base: usize,
    settings: &Settings,
    found: &mut Vec<Problem>,
) -> Inventory {
    let mut mistakes = Vec::new();
    let model = resolve(plan, inventory, &mut mistakes);
    if mistakes.is_empty() {
        let options = settings.options();
        let findings = rules::evaluate_all(&model, &options);
        found.extend(finding::problems(findings, &model, base, &options));
    } else {
        found.extend(mistakes.iter().map(|mistake| Problem::of_mistake(mistake, base)));
    }
    let Model { inventory, .. } = model;
    inventory
}

/// Finds the facts of a plan, or says what is wrong with where it has them from.
fn facts_of(
    plan: &RecoveryPlan,
    open: &Open,
    beside: usize,
    is_broken: bool,
    settings: &Settings,
    found: &mut Vec<Problem>,
) -> Facts {
    if let Some(given) = &settings.inventory {
        return Facts::File(uri::real(given));
    }
    let mistake = match (&plan.inventory, beside) {
        (Some(named), _) => match place_of(open, named) {
            // The document is the inventory's too.
            Ok(path) if open.path.as_ref() == Some(&path) && beside == 1 => return Facts::Beside(0),
            Ok(path) => return Facts::File(path),
            Err(mistake) => *mistake,
        },
        (None, 1) => return Facts::Beside(0),
        // A broken document beside the plan may have been its inventory.
        (None, 0) if is_broken => return Facts::Broken,
        (None, 0) => return Facts::Nowhere,
        (None, _) => {
            let message = "the file holds several inventories, and the plan names none";
            Mistake::error("no-inventory", plan.name.span, message)
                .help("add `inventory:` with the file of the one that is meant")
        }
    };
    found.push(Problem::of_mistake(&mistake, usize::MAX));
    Facts::Broken
}

/// Returns the file that a plan names as its inventory, links followed.
pub(super) fn place_of(open: &Open, named: &Spanned<String>) -> Result<PathBuf, Box<Mistake>> {
    let Some(folder) = open.path.as_deref().and_then(std::path::Path::parent) else {
        let message = format!("`{}` can't be found: the plan itself is in no file yet", named.value);
        let mistake = Mistake::error("no-inventory", named.span, message);
        return Err(Box::new(mistake.help("save the plan beside its inventory")));
    };
    match file::outside_workspace(named, folder) {
        Some(outside) => Err(Box::new(outside)),
        None => Ok(uri::real(&folder.join(&named.value))),
    }
}

fn no_inventory(named: &Spanned<String>, count: usize) -> Problem {
    let what = if count == 0 { "no inventory" } else { "several inventories" };
    let mistake = Mistake::error("no-inventory", named.span, format!("`{}` holds {what}", named.value))
        .help("name a file with one document of `kind: Inventory`");
    Problem::of_mistake(&mistake, usize::MAX)
}

fn unreadable(named: &Spanned<String>, error: file::FileError) -> Problem {
    let error = error.with_path(named.value.as_ref());
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let help = error.help().unwrap_or("correct the name").to_owned();
    let mistake = Mistake::error("unreadable-inventory", named.span, format!("{error}{cause}")).help(help);
    Problem::of_mistake(&mistake, usize::MAX)
}

/// Returns where a span is; `None` for one that no text holds.
pub(super) fn spot(span: Span, base: usize) -> Option<Spot> {
    if span.is_none() {
        return None;
    }
    let (start, end) = (span.start as usize, (span.end as usize).max(span.start as usize));
    let in_facts = start >= base;
    let base = if in_facts { base } else { 1 };
    Some(Spot { in_facts, range: start - base..end - base })
}
