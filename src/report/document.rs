//! The report of a run or a drill as a document: what every format is written from, and what `--format json` prints.

use std::collections::BTreeMap;
use std::collections::HashSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::event::TAKEN_BACK;
use crate::graph::Graph;
use crate::id::StepId;
use crate::quantity::Seconds;
use crate::report::assessment::Assessment;
use crate::report::assessment::Kept;
use crate::report::assessment::Objectives;
use crate::report::assessment::Reason;
use crate::report::assessment::Verdict;
use crate::report::drawing::TrendPoint;
use crate::report::timeline::MachineTime;
use crate::report::timeline::Standing;
use crate::report::timeline::Timeline;
use crate::rules::Finding;

/// The report of a run or a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Version of the document: 1.
    pub version: u8,
    /// When the report was made.
    pub made_at: Timestamp,
    /// Version of the program that made it.
    pub made_by: String,
    /// What it is about.
    pub about: About,
    /// The verdict; `None` as long as what it is about goes on.
    pub verdict: Option<Verdict>,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Objectives of the plan; `None` if nothing was begun.
    pub objectives: Option<Objectives>,
    /// Those of each replication group.
    pub groups: Vec<Objectives>,
    /// Those of each machine.
    pub machines: Vec<Objectives>,
    /// When everything happened; `None` of a drill that makes no run.
    pub timeline: Option<Timeline>,
    /// What the rules found before the run.
    pub findings: Vec<FindingLine>,
    /// The drill, if it was one.
    pub drill: Option<DrillPart>,
    /// Runs of the plan up to this one, the oldest first.
    pub trend: Vec<TrendPoint>,
    /// In what this run is slower than the ones before it, in words.
    pub regressions: Vec<String>,
    /// The record that it was made from.
    pub record: Option<Record>,
}

/// What a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The plan's name.
    pub plan: String,
    /// What the plan is for, in its words.
    pub description: Option<String>,
    /// Who answers for the plan.
    pub owner: Option<String>,
    /// File of the plan, as it was given.
    pub plan_path: Option<String>,
    /// The commit that was checked out where the plan lies.
    pub git_commit: Option<String>,
    /// Digest of the resolved plan.
    pub plan_digest: Option<String>,
    /// Digest of the facts.
    pub facts_digest: Option<String>,
    /// The run.
    pub run: Option<String>,
    /// When the run was started, by the machine's clock; the clock of an emulated run is its own.
    pub started_at: Option<Timestamp>,
    /// Where it ran: `emulator` or `azure`.
    pub provider: Option<String>,
    /// Version of the program that ran it.
    pub program: Option<String>,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingLine {
    /// Id of the rule.
    pub rule: String,
    /// Name of the rule.
    pub name: String,
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// `violated`, `indeterminate`, `pending` or `waived`.
    pub state: String,
    /// Name of what it is about.
    pub subject: String,
    /// What is wrong.
    pub message: String,
    /// Why it is accepted, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_because: Option<String>,
}

impl FindingLine {
    /// Returns a finding as it is told.
    #[must_use]
    pub fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.to_string(),
            name: finding.name.to_string(),
            severity: finding.severity.as_str().to_owned(),
            state: finding.state.as_str().to_owned(),
            subject: finding.subject.name.clone(),
            message: finding.message.clone(),
            waived_because: finding.waived_because.clone(),
        }
    }
}

/// What a drill adds to its run; of one that makes no run, all that there is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillPart {
    /// Its id.
    #[serde(rename = "drill")]
    pub id: String,
    /// Its name in the plan.
    #[serde(default)]
    pub name: Option<String>,
    /// `readiness`, `rehearsal` or `live`.
    pub kind: String,
    /// `schedule` or `person`.
    #[serde(default)]
    pub cause: Option<String>,
    /// Who had it begin.
    #[serde(default)]
    pub by: Option<String>,
    /// When the calendar asked for it.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// When it began.
    #[serde(default)]
    pub began_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Whether it ends by taking its planned failovers back.
    #[serde(default)]
    pub is_taken_back: bool,
    /// What the plan orders and the drill did without, in words.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// What came of it.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Why.
    #[serde(default)]
    pub reasons: Vec<Reason>,
    /// Objectives of the plan.
    #[serde(default)]
    pub objectives: Option<Objectives>,
    /// Those of each replication group.
    #[serde(default)]
    pub groups: Vec<Objectives>,
    /// Those of each machine.
    #[serde(default)]
    pub machines: Vec<Objectives>,
}

/// The record that a report was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// How many events it has.
    pub events: u64,
    /// The hash of its last event, in which all before it are bound; `None` if it can't be told.
    pub head: Option<String>,
    /// What is wrong with it, if anything is: the report goes only as far as it is intact.
    pub broken: Option<String>,
}

impl RunReport {
    /// Returns a report of which nothing but the plan is known.
    #[must_use]
    pub fn new(made_at: Timestamp, about: About) -> Self {
        Self {
            version: 1,
            made_at,
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            about,
            verdict: None,
            reasons: Vec::new(),
            objectives: None,
            groups: Vec::new(),
            machines: Vec::new(),
            timeline: None,
            findings: Vec::new(),
            drill: None,
            trend: Vec::new(),
            regressions: Vec::new(),
            record: None,
        }
    }

    /// Adds a run of a graph: what happened, and what it is worth.
    #[must_use]
    pub fn of_run(mut self, graph: &Graph, timeline: Timeline, assessment: Assessment) -> Self {
        let plan = &graph.model().plan;
        self.about.description = plan.description.as_ref().map(|text| text.value.clone());
        self.about.owner = plan.owner.as_ref().map(|text| text.value.clone());
        let Assessment { verdict, reasons, plan, groups, machines } = assessment;
        (self.verdict, self.reasons, self.objectives) = (verdict, reasons, Some(plan));
        (self.groups, self.machines) = (groups, machines);
        self.timeline = Some(timeline);
        self
    }

    /// Adds the drill that made the run; its verdict counts, since it knows what it was to show.
    #[must_use]
    pub fn of_drill(mut self, mut drill: DrillPart) -> Self {
        let is_whole = drill.objectives.is_some();
        if drill.verdict.is_some() {
            self.verdict = drill.verdict;
            self.reasons = std::mem::take(&mut drill.reasons);
        }
        if is_whole {
            self.objectives = drill.objectives.take();
            self.groups = std::mem::take(&mut drill.groups);
            self.machines = std::mem::take(&mut drill.machines);
        }
        self.drill = Some(drill);
        self
    }

    /// Adds the runs of the plan before this one, the oldest first, and names what this one is slower in.
    #[must_use]
    pub fn with_trend(mut self, earlier: Vec<TrendPoint>) -> Self {
        if let Some(own) = self.trend_point() {
            self.regressions = regressions(&earlier, &own);
            self.trend = earlier;
            self.trend.push(own);
        }
        self
    }

    fn trend_point(&self) -> Option<TrendPoint> {
        let timeline = self.timeline.as_ref()?;
        let at = self.about.started_at.or(timeline.began)?;
        Some(TrendPoint::of(self.about.run.clone()?, at, timeline, self.verdict))
    }

    /// Returns the verdict in one sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let Some(timeline) = &self.timeline else {
            return match self.verdict {
                Some(Verdict::Passed) => "Nothing refuses the plan.".to_owned(),
                Some(Verdict::Degraded) => "The plan may run, and something needs a look.".to_owned(),
                Some(Verdict::Failed) => "The plan would not have come through.".to_owned(),
                None => "It has not ended.".to_owned(),
            };
        };
        let undone: HashSet<&StepId> = timeline
            .steps
            .iter()
            .filter(|step| step.code.as_deref() == Some(TAKEN_BACK))
            .map(|step| &step.step)
            .collect();
        let came_up_and_went_back = |machine: &MachineTime| {
            machine.measured.rto_s.is_some()
                && machine.failed.as_ref().is_some_and(|step| undone.contains(step))
        };
        let taken_back = self.drill.as_ref().is_some_and(|drill| drill.is_taken_back);
        let count = |standing| {
            let counts = |machine: &&MachineTime| {
                machine.standing == standing && !(taken_back && came_up_and_went_back(machine))
            };
            timeline.machines.iter().filter(counts).count()
        };
        let all = timeline.machines.len();
        let machines = if all == 1 { "machine" } else { "machines" };
        let mut text = if taken_back {
            let back = timeline.machines.iter().filter(|machine| came_up_and_went_back(machine)).count();
            let was = if all == 1 { "was" } else { "were" };
            let mut text = format!(
                "{back} of {all} {machines} came up on-premises, {was} verified, and {was} taken back"
            );
            match count(Standing::Done) {
                0 => {}
                kept => text.push_str(&format!(", {kept} committed on-premises for good")),
            }
            text
        } else {
            format!("{} of {all} {machines} back on-premises", count(Standing::Done))
        };
        for (standing, word) in [
            (Standing::Failed, "failed"),
            (Standing::Blocked, "not brought back"),
            (Standing::Open, "not finished"),
        ] {
            let count = count(standing);
            if count > 0 {
                text.push_str(&format!(", {count} {word}"));
            }
        }
        if let Some(objectives) = &self.objectives {
            let of =
                |asked: Option<u64>| asked.map(|asked| format!(" of {}", Seconds(asked))).unwrap_or_default();
            match (objectives.rto.measured_s, objectives.rto.at_least_s) {
                (Some(rto), _) => {
                    text.push_str(&format!("; RTO {}{}", Seconds(rto), of(objectives.rto.objective_s)));
                }
                (None, Some(least)) => text.push_str(&format!("; RTO not reached after {}", Seconds(least))),
                (None, None) => {}
            }
            match (objectives.rpo.measured_s, objectives.rpo.kept) {
                (Some(lost), kept) => {
                    let some = if kept == Some(Kept::Unknown) { "at least " } else { "" };
                    let lost = Seconds(lost);
                    text.push_str(&format!("; data lost: {some}{lost}{}", of(objectives.rpo.objective_s)));
                }
                (None, _) if timeline.plan.not_reported > 0 => text.push_str("; data lost: not reported"),
                (None, _) => {}
            }
        }
        text + "."
    }

    /// Returns what the rules found, each rule, state and reason once, with its subjects.
    #[must_use]
    pub fn findings_by_rule(&self) -> Vec<FindingGroup> {
        let mut groups: BTreeMap<(u8, &str, &str, &str), FindingGroup> = BTreeMap::new();
        for finding in &self.findings {
            let rank = match (finding.state.as_str(), finding.severity.as_str()) {
                ("violated", "error") => 0,
                ("violated", "warning") => 1,
                ("indeterminate", _) => 2,
                ("waived", _) => 3,
                ("pending", _) => 4,
                _ => 5,
            };
            let because = finding.waived_because.as_deref().unwrap_or_default();
            let group = groups
                .entry((rank, &finding.rule, &finding.state, because))
                .or_insert_with(|| FindingGroup { first: finding.clone(), subjects: Vec::new() });
            if !group.subjects.contains(&finding.subject) {
                group.subjects.push(finding.subject.clone());
            }
        }
        groups.into_values().collect()
    }
}

/// Findings of one rule in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingGroup {
    /// The first of them.
    pub first: FindingLine,
    /// What they are about.
    pub subjects: Vec<String>,
}

impl TrendPoint {
    /// Returns a run as a point of a trend.
    #[must_use]
    pub fn of(run: String, at: Timestamp, timeline: &Timeline, verdict: Option<Verdict>) -> Self {
        Self {
            run,
            at,
            rto_s: timeline.plan.rto_s,
            rpo_s: timeline.plan.rpo_s,
            took_s: timeline.took_s,
            machines: timeline.machines.len(),
            verdict,
        }
    }
}

/// Runs before that a run is compared with.
const COMPARED: usize = 5;
/// How many times slower than the median is a regression; ours: runs of one plan differ by a tenth.
const SLOWER: f64 = 1.25;

/// Returns in what a run is slower than those before it that were about as many machines.
fn regressions(earlier: &[TrendPoint], own: &TrendPoint) -> Vec<String> {
    let alike = || earlier.iter().rev().filter(|point| point.machines == own.machines).take(COMPARED);
    let compare = |what: &str, own: Option<u64>, of: fn(&TrendPoint) -> Option<u64>| {
        let own = own?;
        let mut before: Vec<u64> = alike().filter_map(of).collect();
        before.sort_unstable();
        let median = *before.get(before.len() / 2)?;
        #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
        let factor = own as f64 / median.max(1) as f64;
        (before.len() >= 2 && factor > SLOWER).then(|| {
            format!(
                "{what} {} is {factor:.1} times the median of the {} runs before, {}",
                Seconds(own),
                before.len(),
                Seconds(median)
            )
        })
    };
    let took = |point: &TrendPoint| point.rto_s.map(|_| point.took_s);
    [compare("RTO", own.rto_s, |point| point.rto_s), compare("the whole run", took(own), took)]
        .into_iter()
        .flatten()
        .collect()
}
