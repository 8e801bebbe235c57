//! Reads files, each once, and finds the facts of every plan.

use crate::cli::ahead::Interest;
use crate::cli::ahead::Parsed;
use crate::cli::ahead::Step;
use crate::cli::ahead::Text;
use crate::cli::ahead::parse_all;
use crate::cli::env::Env;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::Document;
use crate::syntax::Reading;
use crate::syntax::duplicate_name;
use crate::syntax::file;
use crate::syntax::file::FileError;
use crate::syntax::folder;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::workspace::Surroundings;
use crate::syntax::workspace::Workspace;
use crate::syntax::workspace::outside_workspace;
use std::collections::HashMap;
use std::collections::HashSet;
use std::path::Path;
use std::path::PathBuf;

use super::Contents;
use super::Facts;
use super::Failure;
use super::Loaded;
use super::Pending;
use super::Slot;

/// Files around a plan that are looked at for policies; of more, the first.
const MOST_FILES: usize = 5000;

/// Returns whether a file is a policy by its name.
fn is_policy_by_name(file: &Path) -> bool {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    stem.is_some_and(|stem| stem.ends_with(".policy"))
}

/// Returns whether a line says that its document is a policy.
fn is_policy_by_kind(line: &str) -> bool {
    let kind = line.strip_prefix("kind:").map(|kind| kind.split('#').next().unwrap_or("").trim());
    kind.is_some_and(|kind| kind.trim_matches(['"', '\'']) == "Policy")
}

/// Reads files, each once, and binds plans to their facts.
pub(super) struct Loader<'e, 'w> {
    pub(super) env: &'e Env<'w>,
    pub(super) limit: u64,
    pub(super) loaded: Loaded,
    /// Files that were read, by their real path.
    pub(super) files: HashMap<PathBuf, Contents>,
    /// What was parsed and not looked at yet, by the real path.
    pub(super) ahead: HashMap<PathBuf, Parsed>,
    /// Plans of the files, each with its file and what else that holds.
    pub(super) plans: Vec<(Box<RecoveryPlan>, PathBuf, Contents)>,
    /// Plans with mistakes, each with its file.
    pub(super) drafts: Vec<(Box<RecoveryPlan>, PathBuf)>,
}

impl Loader<'_, '_> {
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Failure(failure) => self.loaded.failures.push(failure),
            Step::File(path, interest) => {
                if let Err(error) = self.file(&path, interest) {
                    self.loaded.failures.push(Failure::of(&path, error));
                }
            }
        }
    }

    /// Reads files in their order, and parses them on all processors.
    ///
    /// A file that can't be read is left to [`Self::file`], which tells why.
    pub(super) fn read_ahead(&mut self, steps: &[Step]) {
        let mut texts = Vec::new();
        let mut seen = HashSet::new();
        for step in steps {
            let Step::File(path, interest) = step else { continue };
            let real = self.real(path);
            if !seen.insert(real.clone()) {
                continue;
            }
            let Ok(text) = file::read_file(&self.env.path(path), self.limit) else { continue };
            let name = path.display().to_string();
            let Ok(source) = self.loaded.sources.add(name, text.text) else { continue };
            self.loaded.sources.set_lossy(source, text.bad_utf8);
            texts.push(Text { path: real, source, interest: *interest });
        }
        self.ahead = parse_all(&texts, &self.loaded.sources);
    }

    /// Returns the path by which a file is known, whatever links lead to it.
    fn real(&self, path: &Path) -> PathBuf {
        let full = self.env.path(path);
        full.canonicalize().unwrap_or(full)
    }

    /// Reads a file, unless it was read already.
    fn file(&mut self, path: &Path, interest: Interest) -> Result<Contents, FileError> {
        let real = self.real(path);
        if let Some(contents) = self.files.get(&real) {
            return Ok(contents.clone());
        }
        let parsed = match self.ahead.remove(&real) {
            Some(parsed) => parsed,
            None => {
                let text = file::read_file(&self.env.path(path), self.limit)?;
                let io = |error: crate::source::TooLarge| FileError::Io {
                    path: path.to_owned(),
                    error: std::io::Error::other(error),
                };
                let index = self.loaded.sources.add(path.display().to_string(), text.text).map_err(io)?;
                self.loaded.sources.set_lossy(index, text.bad_utf8);
                Parsed::of(self.loaded.sources.get(index), interest)
            }
        };
        let Parsed { read: Reading { documents, drafts, policies }, diagnostics } = parsed;
        let loaded = &mut self.loaded;
        let mut contents = Contents { inventories: Vec::new(), policies: 0, broken: !diagnostics.is_empty() };
        loaded.diagnostics.extend(diagnostics);
        let mut plans = Vec::new();
        for document in documents {
            match document {
                Document::Plan(plan) => plans.push(plan),
                Document::Policy(policy) => {
                    contents.policies += 1;
                    loaded.policies.push(*policy);
                }
                Document::Settings(settings) => loaded.settings.push((path.to_owned(), *settings)),
                Document::Inventory(inventory) => {
                    loaded.inventories += 1;
                    contents.inventories.push(loaded.slots.len());
                    loaded.slots.push(Slot { inventory: Some(inventory), users: 0 });
                }
            }
        }
        loaded.policy_drafts.extend(policies);
        for draft in drafts {
            match draft {
                Document::Plan(plan) => self.drafts.push((plan, path.to_owned())),
                Document::Inventory(_) => loaded.inventories += 1,
                // Their mistakes were told, or are looked for in what is written.
                Document::Policy(_) | Document::Settings(_) => {}
            }
        }
        self.plans.extend(plans.into_iter().map(|plan| (plan, path.to_owned(), contents.clone())));
        self.files.insert(real, contents.clone());
        Ok(contents)
    }

    /// Reads the inventory that the command line gives for all plans.
    pub(super) fn given_inventory(&mut self, path: &Path) -> Facts {
        let (plans, sources) = (self.plans.len(), self.loaded.sources.all().len());
        let policies = (self.loaded.policies.len(), self.loaded.policy_drafts.len());
        let drafts = self.drafts.len();
        let contents = match self.file(path, Interest::Named) {
            Ok(contents) => contents,
            Err(error) => {
                self.loaded.failures.push(Failure::of(path, error));
                return Facts::Broken;
            }
        };
        // Plans and policies beside the inventory were not asked for.
        if self.loaded.sources.all().len() > sources {
            self.plans.truncate(plans);
            self.drafts.truncate(drafts);
            self.loaded.policies.truncate(policies.0);
            self.loaded.policy_drafts.truncate(policies.1);
        }
        self.only_one(&contents, || {
            let file = path.display().to_string();
            (
                Span::NONE,
                format!("`{file}` holds no inventory"),
                format!("`{file}` holds several inventories"),
            )
        })
    }

    /// Reads an inventory that was observed just now.
    pub(super) fn observed_inventory(&mut self, name: &str, text: &str) -> Facts {
        let Ok(index) = self.loaded.sources.add(name.to_owned(), text.to_owned()) else {
            return Facts::Broken;
        };
        let Parsed { read: Reading { documents, .. }, diagnostics } =
            Parsed::of(self.loaded.sources.get(index), Interest::Named);
        self.loaded.diagnostics.extend(diagnostics);
        let inventory = documents.into_iter().find_map(|document| match document {
            Document::Inventory(inventory) => Some(inventory),
            Document::Plan(_) | Document::Policy(_) | Document::Settings(_) => None,
        });
        let Some(inventory) = inventory else { return Facts::Broken };
        self.loaded.inventories += 1;
        self.loaded.is_live = true;
        self.loaded.slots.push(Slot { inventory: Some(inventory), users: 0 });
        Facts::Slot(self.loaded.slots.len() - 1)
    }

    /// Reads a policy that the command line names; plans beside it were not asked for.
    pub(super) fn given_policy(&mut self, path: &Path) {
        match self.file(path, Interest::Named) {
            Err(error) => self.loaded.failures.push(Failure::of(path, error)),
            Ok(Contents { policies: 0, broken: false, .. }) => {
                let message = format!("`{}` holds no policy", path.display());
                let help = "name a file with a document of `kind: Policy`";
                self.loaded.diagnostics.push(Diagnostic::error("no-policy", Span::NONE, message).help(help));
            }
            Ok(_) => {}
        }
        self.plans.clear();
    }

    /// Returns whether a plan was read, with mistakes or without.
    pub(super) fn has_plans(&self) -> bool {
        !self.plans.is_empty() || !self.drafts.is_empty()
    }

    /// Reads the policies of the folder that surrounds a file or folder; what else lies there was not asked for.
    pub(super) fn policies_around(&mut self, path: &Path) {
        let real = self.real(path);
        let inner = if real.is_dir() { real.join("plan") } else { real };
        let Some(Surroundings { folder, is_whole }) = Surroundings::of(&inner, &[]) else { return };
        let found = match is_whole {
            true => folder::yaml_files(&folder, &folder, MOST_FILES).files,
            false => folder::own_yaml_files(&folder, MOST_FILES),
        };
        let (here, workspace) = (self.real(Path::new("")), Workspace::of(&folder));
        for file in found.into_iter().filter(|file| workspace.holds(file)) {
            let shown = file.strip_prefix(&here).unwrap_or(&file).to_owned();
            if self.files.contains_key(&self.real(&shown)) {
                continue;
            }
            let is_named = is_policy_by_name(&file);
            match file::read_file(&file, self.limit) {
                Ok(text) if is_named || text.text.lines().any(is_policy_by_kind) => {
                    if let Err(error) = self.file(&shown, Interest::Found) {
                        self.loaded.failures.push(Failure::of(&shown, error));
                    }
                }
                Err(error) if is_named => self.loaded.failures.push(Failure::of(&shown, error)),
                Ok(_) | Err(_) => {}
            }
        }
        self.plans.clear();
        self.drafts.clear();
    }

    /// Returns the one inventory of a file, or reports that there is none, or more than one.
    fn only_one(&mut self, contents: &Contents, place: impl FnOnce() -> (Span, String, String)) -> Facts {
        if let [slot] = contents.inventories[..] {
            return Facts::Slot(slot);
        }
        if !contents.broken {
            let (span, none, several) = place();
            let message = if contents.inventories.is_empty() { none } else { several };
            let help = "name a file with one document of `kind: Inventory`";
            self.loaded.diagnostics.push(Diagnostic::error("no-inventory", span, message).help(help));
        }
        Facts::Broken
    }

    /// Finds the facts of every plan, and counts how many plans need each inventory.
    ///
    /// Plans of files that are read as inventories here were not asked for, and are dropped.
    pub(super) fn bind(&mut self, given: Option<Facts>) {
        let mut names: HashMap<String, (PathBuf, Span)> = HashMap::new();
        let drafts = std::mem::take(&mut self.drafts);
        for (plan, file, beside) in std::mem::take(&mut self.plans) {
            let facts = given.unwrap_or_else(|| self.facts_of(&plan, &file, &beside));
            if let Some((first, span)) = names.get(&plan.name.value) {
                // Two documents of one file were compared when it was read.
                if *first != file {
                    self.loaded.diagnostics.push(duplicate_name(&plan.name, *span));
                }
            } else {
                names.insert(plan.name.value.clone(), (file, plan.name.span));
            }
            if let Facts::Slot(slot) = facts {
                self.loaded.slots[slot].users += 1;
            }
            self.loaded.plans.push_back(Pending { plan, facts });
        }
        // The mistakes of a plan keep nobody from hearing of those of its inventory.
        for (plan, file) in drafts.iter().filter(|(plan, _)| given.is_none() && plan.inventory.is_some()) {
            self.facts_of(plan, file, &Contents::default());
        }
        for slot in self.loaded.slots.iter_mut().filter(|slot| slot.users == 0) {
            slot.inventory = None;
        }
        for Pending { plan, facts } in &self.loaded.plans {
            if let Facts::Slot(slot) = *facts
                && self.loaded.slots[slot].users > 1
            {
                self.loaded.shared.entry(slot).or_default().note(plan);
            }
        }
    }

    fn facts_of(&mut self, plan: &RecoveryPlan, file: &Path, beside: &Contents) -> Facts {
        let Some(named) = &plan.inventory else {
            return match beside.inventories[..] {
                [slot] => Facts::Slot(slot),
                // A broken document beside the plan may have been its inventory.
                [] if beside.broken => Facts::Broken,
                [] => Facts::Nowhere,
                _ => {
                    let span = plan.name.span;
                    let message = "the file holds several inventories, and the plan names none";
                    self.loaded.diagnostics.push(
                        Diagnostic::error("no-inventory", span, message).help(
                            "add `inventory:` with the file of the one that is meant, or use --inventory",
                        ),
                    );
                    Facts::Broken
                }
            };
        };
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let path = folder.join(&named.value);
        if let Some(outside) = outside_workspace(named, &self.env.path(&folder)) {
            self.loaded.diagnostics.push(outside);
            return Facts::Broken;
        }
        match self.file(&path, Interest::Named) {
            Ok(contents) => self.only_one(&contents, || {
                let file = &named.value;
                (
                    named.span,
                    format!("`{file}` holds no inventory"),
                    format!("`{file}` holds several inventories"),
                )
            }),
            Err(error) => {
                let failure = Failure::of(&path, error);
                let help = failure.help.unwrap_or_else(|| "correct the name, or use --inventory".to_owned());
                self.loaded
                    .diagnostics
                    .push(Diagnostic::error("unreadable-inventory", named.span, failure.message).help(help));
                self.loaded.lacks_inventory = true;
                Facts::Broken
            }
        }
    }
}
