//! What the dashboard asks of the rest of the program: everything that needs documents or starts processes.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::forecast::Forecast;
use crate::graph::Graph;
use crate::id::RunId;
use crate::journal::RunRecord;

/// Why the desk can't give what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such thing.
    Missing,
    /// It can't be done as things stand.
    Conflict,
    /// What was asked for makes no sense.
    Invalid,
    /// Something could not be read or begun.
    Unavailable,
}

/// Why the desk can't give what was asked for, in a sentence without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind it is.
    pub kind: RefusalKind,
    /// The sentence.
    pub message: String,
}

impl Refusal {
    /// Returns that there is no such thing.
    #[must_use]
    pub fn missing(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Missing, message: message.into() }
    }

    /// Returns that something could not be read or begun.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Unavailable, message: message.into() }
    }
}

/// A run that is kept, opened again.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What is kept about it.
    pub record: RunRecord,
    /// Its steps.
    pub graph: Arc<Graph>,
    /// How long it was expected to take.
    pub forecast: Arc<Forecast>,
}

/// How many findings a plan has, by weight and state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FindingCounts {
    /// Violated errors.
    pub errors: usize,
    /// Violated warnings.
    pub warnings: usize,
    /// Violated infos.
    pub infos: usize,
    /// What could not be decided.
    pub indeterminate: usize,
    /// What the run waits for.
    pub pending: usize,
    /// What was waived.
    pub waived: usize,
}

/// A plan in the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlanRow {
    /// What it is called in addresses.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its file, as the settings name it.
    pub path: String,
    /// `ready`, `refused` or `unreadable`.
    pub state: &'static str,
    /// What it is about.
    pub description: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Number of machines.
    pub machines: usize,
    /// Its findings.
    pub findings: FindingCounts,
    /// What it may take from the first failover to the last verification, in seconds.
    pub rto_objective_s: Option<u64>,
    /// What that is forecast to take, in seconds: the least and the most; none of a plan that is refused.
    pub rto_forecast_s: Option<(u64, u64)>,
    /// Whether the objective is met by the last drill, else by the forecast: `kept`, `uncertain` or `missed`; none if there is
    /// no objective or nothing is known.
    pub objective: Option<String>,
    /// What tells that: `drill` or `forecast`.
    pub objective_by: Option<&'static str>,
    /// What the last drill that measured it took, in seconds.
    pub rto_measured_s: Option<u64>,
    /// When that drill began.
    pub measured_at: Option<String>,
    /// Part of the plan that drills exercised lately, from 0 to 1; none where that is not known.
    pub coverage: Option<f64>,
    /// Its last drill, as the API lists it.
    pub last_drill: Option<Value>,
    /// When its next drill is due.
    pub next_drill: Option<Value>,
    /// The names of its drills.
    pub drills: Vec<String>,
    /// Why it can't be read.
    pub problem: Option<String>,
}

/// Everything about one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanDetail {
    /// Its row.
    pub row: PlanRow,
    /// What `plan --format json` prints; none of a plan that is refused.
    pub plan: Option<Value>,
    /// What `check --format json` prints.
    pub findings: Value,
}

/// A drill that somebody starts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDrill {
    /// The plan, by its key.
    pub plan: String,
    /// The name of one of its drills; none: a rehearsal of the whole plan.
    #[serde(default)]
    pub drill: Option<String>,
    /// Whether people are asked what the plan asks; without it a rehearsal answers by itself.
    #[serde(default)]
    pub ask: bool,
    /// How many times as fast as real time the emulator's time passes, or `max`.
    #[serde(default)]
    pub speed: Option<String>,
}

/// What the dashboard asks of the rest of the program. Calls may block; they are made where that holds up nobody.
pub trait Desk: Send + Sync {
    /// Lists the runs, as `runs --format json` does.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if they can't be read.
    fn runs(&self) -> Result<Value, Refusal>;

    /// Shows a run, as `show --format json` does.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such run, or it can't be read.
    fn run(&self, run: &RunId) -> Result<Value, Refusal>;

    /// Opens a run again: its plan as it was kept, compiled.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such run, or its documents are not those that it began with.
    fn kept(&self, run: &RunId) -> Result<Kept, Refusal>;

    /// Returns whether a process drives a run.
    fn is_driven(&self, run: &RunId) -> bool;

    /// Lists the plans.
    fn plans(&self) -> Vec<PlanRow>;

    /// Reads and checks a plan.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such plan.
    fn plan(&self, key: &str) -> Result<PlanDetail, Refusal>;

    /// Lists the drills of a span of time and those that are next, as `drills --format json` does.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if they can't be read.
    fn drills(&self, now: Timestamp) -> Result<Value, Refusal>;

    /// Returns the report of a run in a format, as `report --format` prints it.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such run, or it can't be read.
    fn report_as(&self, run: &RunId, format: &str) -> Result<Vec<u8>, Refusal>;

    /// Returns the report of a run as one HTML page.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if there is no such run, or it can't be read.
    fn report(&self, run: &RunId) -> Result<String, Refusal>;

    /// Starts a drill in a process of its own, and returns what is known of it.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if it may not be, or can't be started.
    fn start(&self, drill: &NewDrill, by: &str) -> Result<Value, Refusal>;

    /// Starts a process that goes on with a run which nobody drives.
    ///
    /// # Errors
    ///
    /// [`Refusal`] if the run is driven, has ended, or acts on a real site.
    fn resume(&self, run: &RunId, by: &str) -> Result<(), Refusal>;
}
