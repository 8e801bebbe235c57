//! What a run is worth: its measured times and losses against the plan's objectives and the forecast, and a verdict with reasons.

use serde::Deserialize;
use serde::Serialize;

use crate::event::Outcome;
use crate::event::StepStatus;
use crate::forecast::Forecast;
use crate::forecast::Range;
use crate::graph::Graph;
use crate::graph::StepKind;
use crate::id::StepId;
use crate::quantity::Seconds;
use crate::report::timeline::FaultKind;
use crate::report::timeline::Measured;
use crate::report::timeline::Spent;
use crate::report::timeline::Standing;
use crate::report::timeline::Timeline;

/// How many times the most that was forecast an RTO may be before a run that kept its objectives is degraded.
const FAR: u64 = 2;

/// What a run is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every machine is back and every objective was kept.
    Passed,
    /// Every machine that was to come back is, but something needs a look.
    Degraded,
    /// A machine is not back, or an objective was missed.
    Failed,
}

impl Verdict {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

/// How much a reason weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is told, and changes no verdict.
    Note,
    /// The run is not as it should be.
    Degraded,
    /// The run failed.
    Failed,
}

/// Why a verdict is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// How much it weighs.
    pub weight: Weight,
    /// A word for it, such as `rto-missed`.
    pub code: String,
    /// Name of the machine, group or plan, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The step, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// In words.
    pub message: String,
}

/// Whether an objective was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It was.
    Kept,
    /// It was not.
    Missed,
    /// Nothing was measured that would tell.
    Unknown,
}

/// One objective against what was forecast and what was measured; all in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// What the plan asks for.
    pub objective_s: Option<u64>,
    /// What was forecast.
    pub forecast: Option<Range>,
    /// What was measured; `None` if nothing was, or the end was not reached.
    pub measured_s: Option<u64>,
    /// How long it had lasted at least, if its end was not reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least_s: Option<u64>,
    /// Whether the objective was kept; `None` if there is none.
    pub kept: Option<Kept>,
}

/// The objectives of a machine, a replication group or the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objectives {
    /// Its name.
    pub subject: String,
    /// From the first failover to the last verification.
    pub rto: Compared,
    /// Data lost, as time.
    pub rpo: Compared,
    /// The step that took most of the RTO's time.
    pub spent: Option<Spent>,
}

/// What a run is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// The verdict; `None` as long as the run has not ended.
    pub verdict: Option<Verdict>,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// Of the whole plan.
    pub plan: Objectives,
    /// Of each replication group, in the order of the plan.
    pub groups: Vec<Objectives>,
    /// Of each machine, in the order of the plan.
    pub machines: Vec<Objectives>,
}

impl Assessment {
    /// Adds reasons, such as a drill's own, and settles the verdict anew.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = Reason>) -> Self {
        self.reasons.extend(more);
        self.reasons.sort_by_key(|reason| std::cmp::Reverse(reason.weight));
        let heaviest = self.reasons.iter().map(|reason| reason.weight).max().unwrap_or(Weight::Note);
        self.verdict = self.verdict.map(|_| match heaviest {
            Weight::Failed => Verdict::Failed,
            Weight::Degraded => Verdict::Degraded,
            Weight::Note => Verdict::Passed,
        });
        self
    }
}

/// Returns what a run is worth, against the objectives of its plan and what was forecast.
#[must_use]
pub fn assess(graph: &Graph, timeline: &Timeline, forecast: Option<&Forecast>) -> Assessment {
    let plan = &graph.model().plan;
    let objective = plan.objectives.as_ref();
    let asked = Asked {
        rto: objective.and_then(|objectives| objectives.rto).map(|rto| rto.value.0),
        rpo: objective.and_then(|objectives| objectives.rpo).map(|rpo| rpo.value.0),
        ended: timeline.outcome.is_some(),
    };
    let loss = |subject: &str| {
        let losses = forecast.map_or(&[][..], |forecast| &forecast.losses);
        losses.iter().find(|loss| loss.subject == subject).and_then(|loss| loss.loss_s)
    };
    let assessment = Assessment {
        verdict: timeline.outcome.map(|_| Verdict::Passed),
        reasons: Vec::new(),
        plan: asked.of(
            &plan.name.value,
            &timeline.plan,
            forecast.map(|forecast| forecast.rto.expected),
            forecast.map(|forecast| forecast.rpo.expected),
        ),
        groups: timeline
            .groups
            .iter()
            .enumerate()
            .map(|(at, group)| {
                let outage = forecast.and_then(|forecast| forecast.group_outages.get(at).copied());
                asked.of(&group.name, &group.measured, outage, loss(&group.name))
            })
            .collect(),
        machines: timeline
            .machines
            .iter()
            .enumerate()
            .map(|(at, machine)| {
                let outage = forecast.and_then(|forecast| forecast.outages.get(at).copied());
                let lost = forecast.and_then(|forecast| forecast.points.get(at)?.loss_s);
                asked.of(&machine.name, &machine.measured, outage, lost)
            })
            .collect(),
    };
    let reasons = reasons(timeline, &assessment);
    assessment.with(reasons)
}

/// What the plan asks for, and whether the run has ended.
struct Asked {
    rto: Option<u64>,
    rpo: Option<u64>,
    ended: bool,
}

impl Asked {
    fn of(
        &self,
        subject: &str,
        measured: &Measured,
        outage: Option<Range>,
        lost: Option<Range>,
    ) -> Objectives {
        let over = |most: u64, seconds: Option<u64>| seconds.is_some_and(|seconds| seconds > most);
        let rto = self.rto.map(|most| match measured.rto_s {
            Some(seconds) if seconds <= most => Kept::Kept,
            Some(_) => Kept::Missed,
            // What ended without coming back never will.
            None if over(most, measured.at_least_s) => Kept::Missed,
            None if self.ended && measured.from.is_some() => Kept::Missed,
            None => Kept::Unknown,
        });
        let rpo = self.rpo.map(|most| match measured.rpo_s {
            Some(seconds) if seconds > most => Kept::Missed,
            Some(_) if measured.not_reported == 0 => Kept::Kept,
            Some(_) | None => Kept::Unknown,
        });
        Objectives {
            subject: subject.to_owned(),
            rto: Compared {
                objective_s: self.rto,
                forecast: outage,
                measured_s: measured.rto_s,
                at_least_s: measured.at_least_s,
                kept: rto,
            },
            rpo: Compared {
                objective_s: self.rpo,
                forecast: lost,
                measured_s: measured.rpo_s,
                at_least_s: None,
                kept: rpo,
            },
            spent: measured.spent.clone(),
        }
    }
}

fn reasons(timeline: &Timeline, assessment: &Assessment) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let mut add = |weight, code: &str, subject: Option<&str>, step: Option<&StepId>, message: String| {
        let (code, subject) = (code.to_owned(), subject.map(str::to_owned));
        reasons.push(Reason { weight, code, subject, step: step.cloned(), message });
    };
    match timeline.outcome {
        Some(Outcome::Cancelled) => {
            add(Weight::Failed, "cancelled", None, None, "the run was cancelled".into());
        }
        Some(Outcome::Failed) => {
            add(Weight::Failed, "run-failed", None, None, "the run ended with failures".into());
        }
        Some(Outcome::Succeeded) | None => {}
    }
    for machine in &timeline.machines {
        let name = machine.name.as_str();
        let (weight, code, message) = match machine.standing {
            Standing::Done | Standing::Open => continue,
            Standing::Failed => (Weight::Failed, "machine-failed", format!("{name} is {}", machine.place)),
            Standing::Blocked => {
                (Weight::Failed, "machine-blocked", format!("{name} was not brought back: {}", machine.place))
            }
            Standing::LeftOut => (Weight::Degraded, "machine-left-out", format!("{name} was left out")),
        };
        add(weight, code, Some(name), machine.failed.as_ref(), message);
    }
    for step in timeline.steps.iter().filter(|step| step.status == StepStatus::Failed) {
        let why = step.note.clone().unwrap_or_default();
        add(Weight::Failed, "step-failed", Some(&step.subject), Some(&step.step), why);
    }
    let whole = &assessment.plan;
    let others = assessment.groups.iter().chain(&assessment.machines);
    // What one machine lost too much of is told of it; that the plan as a whole is late is told once.
    objective(&mut add, whole, timeline, Weight::Failed);
    for objectives in others {
        objective(&mut add, objectives, timeline, Weight::Note);
    }
    for fault in &timeline.faults {
        let (weight, code) = match fault.kind {
            FaultKind::Alarm => (Weight::Degraded, "alarm"),
            FaultKind::HandedOver => (Weight::Degraded, "handed-over"),
            FaultKind::AttemptFailed => (Weight::Note, "attempt-failed"),
            FaultKind::MemberFailed | FaultKind::StepFailed => continue,
        };
        let message = format!("{} ({})", fault.message, fault.code);
        add(weight, code, None, Some(&fault.step), message);
    }
    let left_out = timeline.machines.iter().filter(|machine| machine.standing == Standing::LeftOut);
    let left_out: Vec<&str> = left_out.map(|machine| machine.name.as_str()).collect();
    for step in timeline.steps.iter().filter(|step| step.status == StepStatus::Skipped) {
        // A step of a machine that was left out, and one that is only there to be left out, say nothing new.
        if left_out.contains(&step.subject.as_str()) || step.kind == StepKind::Cleanup {
            continue;
        }
        let why = step.note.clone().unwrap_or_default();
        add(Weight::Degraded, "step-left-out", Some(&step.subject), Some(&step.step), why);
    }
    for pause in &timeline.pauses {
        let why = pause.reason.as_deref().unwrap_or("its process ended");
        add(Weight::Note, "interrupted", None, None, format!("interrupted at {:.0}: {why}", pause.from));
    }
    reasons
}

/// Adds what is to be said of objectives that were missed or can't be told.
fn objective(
    add: &mut impl FnMut(Weight, &str, Option<&str>, Option<&StepId>, String),
    objectives: &Objectives,
    timeline: &Timeline,
    missed: Weight,
) {
    let Objectives { subject, rto, rpo, spent } = objectives;
    let asked = |compared: &Compared| Seconds(compared.objective_s.unwrap_or(0));
    let is_plan = missed == Weight::Failed;
    match rto.kept {
        Some(Kept::Missed) => {
            let took = match (rto.measured_s, rto.at_least_s) {
                (Some(seconds), _) => format!("was {}", Seconds(seconds)),
                (None, Some(seconds)) => format!("was not reached after {}", Seconds(seconds)),
                (None, None) => "was not reached".to_owned(),
            };
            let by = spent
                .as_ref()
                .map(|spent| format!("; {} took {} of it", spent.step, Seconds(spent.seconds)))
                .unwrap_or_default();
            let message = format!("RTO of {subject} {took}, the objective is {}{by}", asked(rto));
            add(missed, "rto-missed", Some(subject), spent.as_ref().map(|spent| &spent.step), message);
        }
        Some(Kept::Unknown) if is_plan && timeline.outcome.is_some() => {
            let message = format!("RTO of {subject} was not measured, the objective is {}", asked(rto));
            add(Weight::Degraded, "rto-not-measured", Some(subject), None, message);
        }
        Some(Kept::Kept | Kept::Unknown) | None => {}
    }
    match rpo.kept {
        Some(Kept::Missed) => {
            let lost = Seconds(rpo.measured_s.unwrap_or(0));
            let message = format!("data of {lost} of {subject} is lost, the objective is {}", asked(rpo));
            add(missed, "rpo-missed", Some(subject), None, message);
        }
        Some(Kept::Unknown) if is_plan && timeline.outcome.is_some() => {
            let message = match timeline.plan.not_reported {
                0 => "no machine failed over, so that no data was lost or kept".to_owned(),
                1 => "the site reported no recovery point for 1 machine".to_owned(),
                count => format!("the site reported no recovery point for {count} machines"),
            };
            let message = format!("{message}; the objective of {} can't be told", asked(rpo));
            add(Weight::Degraded, "rpo-not-reported", Some(subject), None, message);
        }
        Some(Kept::Kept | Kept::Unknown) | None => {}
    }
    let slower = rto.forecast.zip(rto.measured_s).filter(|(forecast, seconds)| *seconds > forecast.high_s);
    if let (true, Some((forecast, seconds))) = (is_plan, slower) {
        let message = format!(
            "RTO of {subject} was {}, longer than the {} that was forecast at most",
            Seconds(seconds),
            Seconds(forecast.high_s)
        );
        // What people took to answer no forecast can tell; that it took so much longer without them needs a look.
        let answers: u64 = timeline.approvals.iter().map(|approval| approval.waited_s).sum();
        let is_far = seconds > FAR.saturating_mul(forecast.high_s).saturating_add(answers);
        add(
            if is_far { Weight::Degraded } else { Weight::Note },
            "slower-than-forecast",
            Some(subject),
            spent.as_ref().map(|spent| &spent.step),
            message,
        );
    }
}
