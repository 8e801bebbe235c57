//! Plans as the dashboard shows them: checked and forecast once for each change of their files.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::SystemTime;

use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::args::PlanArgs;
use crate::cli::check;
use crate::cli::check::CheckArgs;
use crate::cli::check::FindingsFormat;
use crate::cli::check::Format;
use crate::cli::load;
use crate::cli::plan;
use crate::cli::plan::DryRunArgs;
use crate::cli::serve::dashboard::desk::CliDesk;
use crate::cli::site::VaultArgs;
use crate::quantity::Bytes;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::folder;
use crate::web::FindingCounts;
use crate::web::PlanDetail;
use crate::web::PlanRow;
use crate::web::Refusal;

/// Files of a folder that are looked at; of more, the first.
const MOST: usize = 20_000;

/// After how long a plan is checked again although no file changed: rules look at dates.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// What a set of files looked like.
type Stamp = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

#[derive(Default)]
struct Seen {
    stamp: Stamp,
    at: Option<Timestamp>,
    /// By the key in addresses.
    plans: Vec<(PathBuf, Arc<PlanDetail>)>,
}

/// The plans that the settings name.
pub(super) struct Plans {
    base: PathBuf,
    paths: RwLock<Vec<PathBuf>>,
    seen: Mutex<Seen>,
}

impl Plans {
    pub(super) fn new(base: PathBuf, paths: Vec<PathBuf>) -> Self {
        Self { base, paths: RwLock::new(paths), seen: Mutex::default() }
    }

    /// Names other files and folders, absolute, from now on.
    pub(super) fn rename(&self, paths: Vec<PathBuf>) {
        *self.paths.write().unwrap_or_else(PoisonError::into_inner) = paths;
    }

    /// Returns every plan in the list.
    pub(super) fn rows(&self, desk: &CliDesk) -> Vec<PlanRow> {
        self.with(desk, |plans| plans.iter().map(|(_, detail)| detail.row.clone()).collect())
    }

    /// Returns everything about one plan.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such plan.
    pub(super) fn detail(&self, desk: &CliDesk, key: &str) -> Result<PlanDetail, Refusal> {
        self.find(desk, key).map(|(_, detail)| PlanDetail::clone(&detail))
    }

    /// Returns the file of a plan.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such plan.
    pub(super) fn file(&self, desk: &CliDesk, key: &str) -> Result<PathBuf, Refusal> {
        self.find(desk, key).map(|(path, _)| path)
    }

    fn find(&self, desk: &CliDesk, key: &str) -> Result<(PathBuf, Arc<PlanDetail>), Refusal> {
        let found = self.with(desk, |plans| plans.iter().find(|(_, detail)| detail.row.key == key).cloned());
        found.ok_or_else(|| Refusal::missing("there is no such plan"))
    }

    fn with<T>(&self, desk: &CliDesk, act: impl FnOnce(&[(PathBuf, Arc<PlanDetail>)]) -> T) -> T {
        // Whoever comes while plans are checked waits for that, and does not check them too.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (files, now) = (self.files(desk), desk.clock.now());
        let stamp: Stamp = files.iter().map(|path| (path.clone(), stamp(path))).collect();
        let is_recent = seen.at.is_some_and(|at| now.duration_since(at) < AGAIN);
        if !is_recent || stamp != seen.stamp {
            let plans = self.read(desk, &files);
            *seen = Seen { stamp, at: Some(now), plans };
        }
        act(&seen.plans)
    }

    fn files(&self, desk: &CliDesk) -> Vec<PathBuf> {
        let found = desk.found();
        if found.commit.is_some() {
            // Plans are exercised as that commit has them, and are shown so.
            let mistaken = found.mistakes.iter().map(|mistake| mistake.path.clone());
            let mut files: Vec<PathBuf> =
                found.plans.iter().map(|plan| plan.path.clone()).chain(mistaken).collect();
            files.sort();
            files.dedup();
            return files;
        }
        let mut files = Vec::new();
        for path in self.paths.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if path.is_dir() {
                files.extend(folder::yaml_files(&self.base, path, MOST).files);
            } else {
                files.push(path.clone());
            }
        }
        files.sort();
        files.dedup();
        files
    }

    fn read(&self, desk: &CliDesk, files: &[PathBuf]) -> Vec<(PathBuf, Arc<PlanDetail>)> {
        let mut plans: Vec<(PathBuf, Arc<PlanDetail>)> = Vec::new();
        let found = desk.found();
        let bases = [std::path::absolute(&self.base), self.base.canonicalize()];
        for path in files {
            let Some(mut detail) = self.one(desk, path) else { continue };
            // A plan of a commit is known by the file that it was taken from, not by the copy that is read.
            if let Some(plan) = found.plans.iter().find(|plan| plan.path == *path) {
                let known = Path::new(&plan.known_as);
                let below = bases.iter().flatten().find_map(|base| known.strip_prefix(base).ok());
                detail.row.path = below.unwrap_or(known).display().to_string();
            }
            let taken = |key: &str| plans.iter().any(|(_, other)| other.row.key == key);
            // Two files may name one plan; an address names one of them.
            let first = detail.row.key.clone();
            let mut number = 2;
            while taken(&detail.row.key) {
                detail.row.key = format!("{first}~{number}");
                number += 1;
            }
            plans.push((path.clone(), Arc::new(detail)));
        }
        plans
    }

    /// Returns the plan of a file; `None` of a file that holds none.
    fn one(&self, desk: &CliDesk, path: &Path) -> Option<PlanDetail> {
        let shown = path.strip_prefix(&self.base).unwrap_or(path).to_path_buf();
        let args = PlanArgs { max_file_size: Bytes(DEFAULT_MAX_BYTES), ..PlanArgs::default() };
        let (loaded, _) = desk.in_env(&self.base, |env| {
            let mut loaded = load::load(std::slice::from_ref(&shown), &args, env);
            let has_mistakes = !loaded.diagnostics.is_empty() || !loaded.failures.is_empty();
            (loaded.next_plan(), has_mistakes)
        });
        let (plan, has_mistakes) = loaded;
        let is_plan = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".plan.yaml"));
        if plan.is_none() && !(is_plan && has_mistakes) {
            return None;
        }
        let findings = self.findings(desk, &shown, &args);
        let dry = DryRunArgs {
            path: shown.clone(),
            format: Format::Json,
            output: None,
            live: false,
            site: VaultArgs::default(),
            plan: args,
        };
        let (_, out) = desk.in_env(&self.base, |env| plan::run(&dry, env));
        let record: Option<Value> = serde_json::from_slice(&out).ok();
        let count =
            |name: &str| usize::try_from(findings["summary"][name].as_u64().unwrap_or(0)).unwrap_or(0);
        let stem = shown.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = stem.trim_end_matches(".plan.yaml").trim_end_matches(".yaml").to_owned();
        let mut row = PlanRow {
            key: plan.as_ref().map_or_else(|| stem.clone(), |plan| plan.name.value.clone()),
            name: plan.as_ref().map_or(stem, |plan| plan.name.value.clone()),
            path: shown.display().to_string(),
            state: match (&record, &plan) {
                (Some(_), _) => "ready",
                (None, Some(_)) => "refused",
                (None, None) => "unreadable",
            },
            findings: FindingCounts {
                errors: count("errors"),
                warnings: count("warnings"),
                infos: count("infos"),
                indeterminate: count("indeterminate").saturating_sub(count("unmeasured")),
                pending: count("pending"),
                waived: count("waived"),
            },
            ..PlanRow::default()
        };
        if let Some(model) = plan.and_then(|plan| plan.model) {
            let plan = &model.plan;
            row.description = plan.description.as_ref().map(|text| text.value.clone());
            row.owner = plan.owner.as_ref().map(|text| text.value.clone());
            row.machines = model.machines().len();
            row.drills = plan.drills.iter().map(|drill| drill.name.value.clone()).collect();
        }
        if let Some(rto) = record.as_ref().map(|record| &record["forecast"]["rto"]) {
            row.rto_objective_s = rto["objective_s"].as_u64();
            row.rto_forecast_s = rto["expected"]["low_s"].as_u64().zip(rto["expected"]["high_s"].as_u64());
            row.objective = rto["verdict"].as_str().map(str::to_owned);
            row.objective_by = row.objective.as_ref().map(|_| "forecast");
        }
        Some(PlanDetail { row, plan: record, findings })
    }

    fn findings(&self, desk: &CliDesk, shown: &Path, args: &PlanArgs) -> Value {
        let args = CheckArgs {
            paths: vec![shown.to_owned()],
            format: FindingsFormat::Json,
            fail_on: check::FailOn::Error,
            baseline: None,
            max_age: None,
            test_policies: Vec::new(),
            fix: false,
            diff: false,
            live: false,
            site: VaultArgs::default(),
            plan: args.clone(),
        };
        let (_, out) = desk.in_env(&self.base, |env| check::run(&args, env));
        let none = || serde_json::json!({"version": 1, "findings": [], "summary": {}});
        serde_json::from_slice(&out).unwrap_or_else(|_| none())
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}
