//! Reads plans with the inventories that they name, each file once, and collects every mistake.

mod loader;

use std::collections::HashMap;
use std::collections::VecDeque;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::ahead::Step;
use crate::cli::ahead::steps;
use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::shared::Shared;
use crate::diagnostic::Diagnostic;
use crate::model::Model;
use crate::model::age;
use crate::model::resolve;
use crate::quantity::Seconds;
use crate::rules::Policies;
use crate::source::Sources;
use crate::source::Spanned;
use crate::syntax::file::FileError;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::policy::Policy;
use crate::syntax::policy_draft::PolicyDraft;
use crate::syntax::sense::brings_nothing;
use crate::syntax::settings::Settings;

use self::loader::Loader;

/// A file or folder that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its name, as it was given.
    pub file: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Failure {
    pub(crate) fn of(path: &Path, error: FileError) -> Self {
        let error = error.with_path(path);
        let mut message = error.to_string();
        if let Some(cause) = std::error::Error::source(&error) {
            message = format!("{message}: {cause}");
        }
        let mut help = error.help().map(str::to_owned);
        if let FileError::TooLarge { .. } = error {
            help = Some("split it into several files, or raise --max-file-size".to_owned());
        }
        Self { file: path.display().to_string(), message, help }
    }
}

/// A plan that was read.
#[derive(Debug)]
pub struct LoadedPlan {
    /// Its name.
    pub name: Spanned<String>,
    /// The plan, bound to its facts; `None` if it or its inventory has mistakes.
    pub model: Option<Model>,
    /// What keeps it from being bound although it could be read.
    pub diagnostics: Vec<Diagnostic>,
    /// An organisation's own rules.
    pub policies: Arc<Policies>,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All texts.
    pub sources: Sources,
    /// Mistakes of the documents, in the order in which they were read.
    pub diagnostics: Vec<Diagnostic>,
    /// Files that could not be read.
    pub failures: Vec<Failure>,
    /// Whether an inventory that a plan names could not be read.
    pub lacks_inventory: bool,
    /// What was forgotten because it is too old, in words.
    pub stale: Vec<String>,
    /// Whether the facts were observed just now.
    pub is_live: bool,
    /// How many inventories were read.
    pub inventories: usize,
    /// Settings that were read, each with its file.
    pub settings: Vec<(PathBuf, Settings)>,
    /// Policies that were read.
    pub policies: Vec<Policy>,
    /// Their rules.
    pub rules: Arc<Policies>,
    /// What is written in policies with mistakes.
    policy_drafts: Vec<PolicyDraft>,
    plans: VecDeque<Pending>,
    slots: Vec<Slot>,
    /// Where the plans of each inventory name its machines, if several plans share it.
    shared: HashMap<usize, Shared>,
}

#[derive(Debug)]
struct Pending {
    plan: Box<RecoveryPlan>,
    facts: Facts,
}

/// Where a plan's facts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Facts {
    /// An inventory that was read.
    Slot(usize),
    /// Nowhere: nothing is known.
    Nowhere,
    /// An inventory with mistakes, or one that can't be read.
    Broken,
}

/// An inventory, and how many plans still need it.
#[derive(Debug)]
struct Slot {
    inventory: Option<Box<Inventory>>,
    users: usize,
}

/// What a file gave.
#[derive(Clone, Debug, Default)]
struct Contents {
    inventories: Vec<usize>,
    /// How many policies it holds.
    policies: usize,
    /// Whether a document of it has mistakes.
    broken: bool,
}

/// Reads the documents of files and folders, and the policies that hold for their plans.
///
/// Files that can't be read are in [`Loaded::failures`], and do not keep the others from being read.
#[must_use]
pub fn load(paths: &[PathBuf], args: &PlanArgs, env: &Env<'_>) -> Loaded {
    let limit = args.max_file_size.0;
    let (files, ahead) = (HashMap::new(), HashMap::new());
    let mut loader =
        Loader { env, limit, loaded: Loaded::default(), files, ahead, plans: Vec::new(), drafts: Vec::new() };
    let steps: Vec<Step> = paths.iter().flat_map(|path| steps(path, env)).collect();
    loader.read_ahead(&steps);
    for step in steps {
        loader.step(step);
    }
    let has_plans = loader.has_plans();
    let given = match &args.observed {
        Some(observed) => Some(loader.observed_inventory(&observed.0, &observed.1)),
        None => args.inventory.as_deref().map(|path| loader.given_inventory(path)),
    };
    loader.bind(given);
    if let Some(limit) = args.max_age {
        loader.loaded.forget_older(limit, args.now.unwrap_or_else(|| env.clock.now()));
    }
    for path in &args.policy {
        loader.given_policy(path);
    }
    if has_plans && !args.alone {
        paths.iter().for_each(|path| loader.policies_around(path));
    }
    let mut loaded = loader.loaded;
    let (policies, drafts, sources) = (&loaded.policies, &loaded.policy_drafts, &loaded.sources);
    loaded.rules = Arc::new(Policies::compile(policies, sources, &mut loaded.diagnostics));
    loaded.diagnostics.extend(Policies::mistakes_of_drafts(drafts, policies, sources));
    loaded
}

impl Loaded {
    /// Forgets what services told longer ago than `limit`, and notes where.
    fn forget_older(&mut self, limit: Seconds, now: Timestamp) {
        for inventory in self.slots.iter_mut().filter_map(|slot| slot.inventory.as_deref_mut()) {
            let old = match age::age(inventory, now) {
                Some(old) if old.as_secs().unsigned_abs() <= limit.0 || old.is_negative() => continue,
                Some(old) => format!("are {} old", Seconds(old.as_secs().unsigned_abs())),
                None => "do not say when they were observed".to_owned(),
            };
            age::forget_services(inventory);
            self.stale.push(format!(
                "the facts of `{}` {old}, and --max-age is {limit}: what Site Recovery, Azure and vCenter told counts as unknown",
                inventory.name.value
            ));
        }
    }

    /// Returns how many plans are still to be taken.
    #[must_use]
    pub fn plans_left(&self) -> usize {
        self.plans.len()
    }

    /// Takes the next plan and binds it to its facts.
    ///
    /// An inventory is copied only where a later plan needs it too.
    pub fn next_plan(&mut self) -> Option<LoadedPlan> {
        let Pending { plan, facts } = self.plans.pop_front()?;
        let name = plan.name.clone();
        let policies = Arc::clone(&self.rules);
        let inventory = match facts {
            Facts::Slot(slot) => self.slots[slot].take(),
            Facts::Nowhere => Some(Inventory::unknown("none")),
            Facts::Broken => None,
        };
        let Some(inventory) = inventory else {
            return Some(LoadedPlan { name, model: None, diagnostics: Vec::new(), policies });
        };
        if let Some(mistake) = brings_nothing(&plan) {
            return Some(LoadedPlan { name, model: None, diagnostics: vec![mistake], policies });
        }
        let mut model = resolve(*plan, inventory);
        model.is_live = self.is_live;
        if let Facts::Slot(slot) = facts
            && let Some(shared) = self.shared.get(&slot)
        {
            let others = shared.others(&model);
            model.know_other_plans(others);
        }
        Some(LoadedPlan { name, model: Some(model), diagnostics: Vec::new(), policies })
    }
}

impl Slot {
    fn take(&mut self) -> Option<Inventory> {
        self.users = self.users.saturating_sub(1);
        if self.users == 0 {
            self.inventory.take().map(|inventory| *inventory)
        } else {
            self.inventory.as_deref().cloned()
        }
    }
}
