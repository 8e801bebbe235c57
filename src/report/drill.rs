//! What came of a drill: the document that is kept of it, and that programs read.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::id::DrillId;
use crate::id::RunId;
use crate::report::assessment::Assessment;
use crate::report::assessment::Kept;
use crate::report::assessment::Objectives;
use crate::report::assessment::Reason;
use crate::report::assessment::Verdict;
use crate::report::assessment::Weight;

/// Which facts a drill went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillFacts {
    /// Digest of the facts.
    pub digest: String,
    /// When they were observed; `None` if they don't say.
    pub observed_at: Option<Timestamp>,
    /// How old they were when the drill began, in seconds.
    pub age_s: Option<i64>,
    /// Whether they were observed for the drill; `None` where that is not known any more.
    pub are_live: Option<bool>,
}

/// What came of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillResult {
    /// Version of the document: 1.
    pub version: u8,
    /// The drill.
    pub drill: DrillId,
    /// Name of its plan.
    pub plan: String,
    /// Its name in the plan; `None` of an exercise that the plan does not name.
    pub name: Option<String>,
    /// What it does: `readiness`, `rehearsal` or `live`.
    pub kind: String,
    /// Why it began: `schedule` or `person`.
    pub cause: String,
    /// Who had it begin, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When the calendar asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When it began, by the machine's clock.
    pub began_at: Timestamp,
    /// When it ended, by the machine's clock.
    pub ended_at: Timestamp,
    /// The run that it made.
    pub run: Option<RunId>,
    /// The commit of its plan.
    pub git_commit: Option<String>,
    /// Digest of the whole plan as it was resolved.
    pub plan_digest: Option<String>,
    /// Facts that it went by.
    pub facts: Option<DrillFacts>,
    /// Whether it ends by taking its planned failovers back, so that its machines stay in Azure.
    pub is_taken_back: bool,
    /// Whether actions and probes were simulated; `None` where there were none to begin.
    pub simulated_actions: Option<bool>,
    /// What the plan orders and the drill did without, in words.
    pub left_out: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Objectives of the plan, measured and forecast; `None` if it came to nothing.
    pub objectives: Option<Objectives>,
    /// Those of each replication group.
    pub groups: Vec<Objectives>,
    /// Those of each machine.
    pub machines: Vec<Objectives>,
}

impl DrillResult {
    /// Takes over what was measured and found.
    #[must_use]
    pub fn assessed(self, assessment: Assessment) -> Self {
        let Assessment { verdict, reasons, plan, groups, machines } = assessment;
        let verdict = verdict.unwrap_or(Verdict::Failed);
        Self { verdict, reasons, objectives: Some(plan), groups, machines, ..self }
    }

    /// Takes over that it could not be carried out, and why.
    #[must_use]
    pub fn not_carried_out(self, reasons: Vec<Reason>) -> Self {
        let reasons = match reasons.is_empty() {
            true => vec![Reason {
                weight: Weight::Failed,
                code: "not-carried-out".into(),
                subject: None,
                step: None,
                message: "it could not be carried out".into(),
            }],
            false => reasons,
        };
        Self { verdict: Verdict::Failed, reasons, ..self }
    }

    /// Returns whether every objective of the plan was kept; `None` where one is not known, or there is none.
    #[must_use]
    pub fn objectives_met(&self) -> Option<bool> {
        let objectives = self.objectives.as_ref()?;
        let kept: Vec<Kept> = [objectives.rto.kept, objectives.rpo.kept].into_iter().flatten().collect();
        if kept.is_empty() || kept.contains(&Kept::Unknown) && !kept.contains(&Kept::Missed) {
            return None;
        }
        Some(!kept.contains(&Kept::Missed))
    }
}
