//! What is wrong with a document: mistakes of its text, and what rules find in its plans.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::hash::DefaultHasher;
use std::hash::Hash as _;
use std::hash::Hasher as _;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic as Mistake;
use crate::model::Model;
use crate::model::OtherPlan;
use crate::model::resolve;
use crate::rules;
use crate::rules::Policies;
use crate::source::Sources;
use crate::source::Spanned;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::file;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::sense::brings_nothing;
use crate::syntax::workspace::outside_workspace;

use super::around::Around;
use super::around::Beside;
use super::around::Reading;
use super::facts::Shelf;
use super::finding;
use super::ground::Ground;
use super::ground::Home;
use super::ground::Room;
use super::language;
use super::neighbour::Note;
use super::page::Page;
use super::problem;
use super::problem::Problem;
use super::problem::Shown;
use super::text::Encoding;
use super::uri;
use super::workspace::Open;
use super::workspace::Settings;

/// What is known about a document.
#[derive(Debug, Default)]
pub(super) struct Analysis {
    /// What is shown in the document.
    pub shown: Vec<Shown>,
    /// What is to be changed in other files.
    pub elsewhere: Vec<(PathBuf, lsp_types::Diagnostic)>,
    /// The files whose change may change what is shown.
    pub depends: BTreeSet<PathBuf>,
    /// Tells which machines its plans bring home, on which facts; `None` if it holds no plan.
    pub brings: Option<u64>,
}

/// What was read for documents, and stays until it changes.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub shelf: Shelf,
    pub around: Around,
    pub room: Room,
}

impl Cache {
    /// Forgets everything, so that it is read again; a document of some bytes is to be checked next.
    pub(super) fn clear(&mut self, length: usize) {
        self.shelf.clear();
        self.around.clear();
        self.room.clear(length);
    }
}

/// Where the facts of a plan are.
#[derive(Clone, Debug, PartialEq, Eq)]
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
pub(super) fn analyze(open: &Open, reading: Reading<'_>, cache: &mut Cache, encoding: Encoding) -> Analysis {
    let settings = reading.settings;
    let length = open.text.as_str().len();
    if !cache.room.suits(length) {
        cache.clear(length);
    }
    let mut sources = Sources::new();
    let Ok(index) = sources.add(open.file(), open.text.as_str().to_owned()) else {
        return Analysis::default();
    };
    let source = sources.get(index);
    let mut mistakes = Vec::new();
    let read = match language::Document::of_file(&open.file()) {
        Some(_) => Some(syntax::read(source, &mut mistakes)),
        None => syntax::read_if_ours(source, &mut mistakes),
    };
    let Some(syntax::Reading { documents, policies: policy_drafts, .. }) = read else {
        return Analysis::default();
    };
    let (mut plans, mut inventories, mut policies) = (Vec::new(), Vec::new(), Vec::new());
    for document in documents {
        match document {
            Document::Plan(plan) => plans.push(plan),
            Document::Inventory(inventory) => inventories.push(*inventory),
            Document::Policy(policy) => policies.push(*policy),
            Document::Settings(_) => {}
        }
    }
    mistakes.extend(Policies::mistakes_of_drafts(&policy_drafts, &policies, &sources));
    let beside = match plans.is_empty() && policies.is_empty() {
        true => Beside::default(),
        false => cache.around.beside(open, (&policies, &sources), reading, &mut cache.room),
    };
    let ground = beside.ground();
    let (own, others): (Vec<_>, Vec<_>) = beside
        .mistakes
        .iter()
        .cloned()
        .partition(|mistake| ground.spot(mistake.span).is_none_or(|spot| spot.is_own()));
    mistakes.extend(own);
    let mut analysis = Analysis::default();
    let page = Page { open, documents: reading.documents, facts: None, beside: &beside, encoding };
    let is_broken = !mistakes.is_empty();
    page.show(mistakes.iter().map(|mistake| Problem::of_mistake(mistake, &ground)), &mut analysis);
    if plans.is_empty() {
        return analysis;
    }
    analysis.depends.extend(beside.policies().map(|file| file.path.clone()));
    page.show(broken_policies(&plans, &beside, &others, &ground), &mut analysis);
    let mut found: Vec<Vec<Problem>> = Vec::new();
    let facts: Vec<Facts> = plans
        .iter()
        .map(|plan| {
            let mut mistakes = Vec::new();
            let facts = facts_of(plan, open, inventories.len(), is_broken, settings, &mut mistakes);
            found.push(mistakes);
            facts
        })
        .collect();
    let notes: Vec<Note> = plans.iter().map(|plan| Note::of(plan, open.path.as_deref(), settings)).collect();
    analysis.brings = Some(brings(&notes));
    for (at, ((plan, mut found), of)) in plans.into_iter().zip(found).zip(&facts).enumerate() {
        let own = notes.iter().zip(&facts).enumerate();
        let own = own.filter(|(other, (_, facts))| *other != at && *facts == of).map(|(_, (note, _))| note);
        let world = World { beside: &beside, own: own.collect(), of, settings };
        match of {
            Facts::Beside(index) => {
                let inventory = std::mem::replace(&mut inventories[*index], Inventory::unknown(""));
                inventories[*index] = world.judge(*plan, inventory, &ground, &mut found);
            }
            Facts::Nowhere => {
                world.judge(*plan, Inventory::unknown("none"), &ground, &mut found);
            }
            Facts::Broken => {}
            Facts::File(path) => {
                let named = plan.inventory.as_ref().unwrap_or(&plan.name).clone();
                analysis.depends.insert(path.clone());
                match cache.shelf.file(path, reading.documents, &mut cache.room, settings.max_bytes) {
                    Ok(file) => {
                        let ground = ground.clone().with(file.base, Home::Facts);
                        match file.inventories.as_mut_slice() {
                            _ if !file.mistakes.is_empty() => {
                                let so = (named.value.as_str(), "so that no rule was evaluated");
                                let mistakes: Vec<&Mistake> = file.mistakes.iter().collect();
                                let code = "broken-inventory";
                                found.push(problem::broken_file(code, named.span, so, &mistakes, &ground));
                            }
                            [only] => {
                                let inventory = std::mem::replace(only, Inventory::unknown(""));
                                *only = world.judge(*plan, inventory, &ground, &mut found);
                            }
                            several => found.push(no_inventory(&named, several.len())),
                        }
                        Page { facts: Some((path, &file.text)), ..page }.show(found, &mut analysis);
                        continue;
                    }
                    Err(error) => found.push(unreadable(&named, error)),
                }
            }
        }
        page.show(found, &mut analysis);
    }
    analysis
}

/// Returns a number that tells which machines plans bring home, on which facts.
fn brings(notes: &[Note]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for note in notes {
        (&note.name, &note.facts).hash(&mut hasher);
        note.machines.iter().for_each(|(name, _)| name.hash(&mut hasher));
    }
    hasher.finish()
}

/// Returns the policies with mistakes, told where the plan is named: their rules do not count until they are put right.
fn broken_policies(
    plans: &[Box<RecoveryPlan>],
    beside: &Beside,
    together: &[Mistake],
    ground: &Ground,
) -> Vec<Problem> {
    let mut by_file: Vec<(usize, Vec<&Mistake>)> = Vec::new();
    let parsed = beside.files.iter().flat_map(|file| &file.mistakes);
    for mistake in parsed.chain(together) {
        let Some(Home::Beside(at)) = ground.spot(mistake.span).map(|spot| spot.home) else { continue };
        match by_file.iter_mut().find(|(file, _)| *file == at) {
            Some((_, mistakes)) => mistakes.push(mistake),
            None => by_file.push((at, vec![mistake])),
        }
    }
    let mut problems = Vec::new();
    for (file, mistakes) in by_file {
        let name = beside.files[file].path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let so = (name.as_str(), "so that its rules do not all count");
        for plan in plans {
            problems.push(problem::broken_file("broken-policy", plan.name.span, so, &mistakes, ground));
        }
    }
    problems
}

/// What a plan is judged by.
struct World<'w> {
    beside: &'w Beside,
    /// The other plans of the same text that have the same facts.
    own: Vec<&'w Note>,
    of: &'w Facts,
    settings: &'w Settings,
}

impl World<'_> {
    /// Evaluates the rules over a plan; returns the inventory.
    fn judge(
        &self,
        plan: RecoveryPlan,
        inventory: Inventory,
        ground: &Ground,
        found: &mut Vec<Problem>,
    ) -> Inventory {
        if let Some(mistake) = brings_nothing(&plan) {
            found.push(Problem::of_mistake(&mistake, ground));
            return inventory;
        }
        let mut model = resolve(plan, inventory);
        let others = self.others(&model);
        model.know_other_plans(others);
        let (policies, options) = (&self.beside.rules, self.settings.options());
        let findings = rules::evaluate_with(&model, policies, &options);
        found.extend(finding::problems(&findings, &model, ground, policies, &options));
        let Model { inventory, .. } = model;
        inventory
    }

    /// Returns the other plans about the same facts, with the machines that they share with this one.
    fn others(&self, model: &Model) -> Vec<OtherPlan> {
        let in_files = self.beside.files.iter().flat_map(|file| &file.plans);
        let in_files = in_files.filter(|note| match self.of {
            Facts::File(path) => note.facts.as_ref() == Some(path),
            Facts::Beside(_) | Facts::Nowhere | Facts::Broken => false,
        });
        let mut others = Vec::new();
        for note in self.own.iter().copied().chain(in_files) {
            let shared = note.machines.iter().filter(|(name, _)| model.machine_named(name).is_some());
            let machines: HashMap<String, _> = shared.cloned().collect();
            if !machines.is_empty() {
                others.push(OtherPlan { name: note.name.clone(), machines });
            }
        }
        others
    }
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
    found.push(Problem::of_mistake(&mistake, &Ground::own()));
    Facts::Broken
}

/// Returns the file that a plan names as its inventory, links followed.
pub(super) fn place_of(open: &Open, named: &Spanned<String>) -> Result<PathBuf, Box<Mistake>> {
    let Some(folder) = open.path.as_deref().and_then(std::path::Path::parent) else {
        let message = format!("`{}` can't be found: the plan itself is in no file yet", named.value);
        let mistake = Mistake::error("no-inventory", named.span, message);
        return Err(Box::new(mistake.help("save the plan beside its inventory")));
    };
    match outside_workspace(named, folder) {
        Some(outside) => Err(Box::new(outside)),
        None => Ok(uri::real(&folder.join(&named.value))),
    }
}

fn no_inventory(named: &Spanned<String>, count: usize) -> Problem {
    let what = if count == 0 { "no inventory" } else { "several inventories" };
    let mistake = Mistake::error("no-inventory", named.span, format!("`{}` holds {what}", named.value))
        .help("name a file with one document of `kind: Inventory`");
    Problem::of_mistake(&mistake, &Ground::own())
}

fn unreadable(named: &Spanned<String>, error: file::FileError) -> Problem {
    let error = error.with_path(named.value.as_ref());
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let help = error.help().unwrap_or("correct the name").to_owned();
    let mistake = Mistake::error("unreadable-inventory", named.span, format!("{error}{cause}")).help(help);
    Problem::of_mistake(&mistake, &Ground::own())
}
