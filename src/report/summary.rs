//! What is said of a run when it ends: what came back, what did not, how long it took, and what to do next.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::escape;
use crate::event::Outcome;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepStatus;
use crate::event::TAKEN_BACK;
use crate::graph::StepIndex;
use crate::id::RunId;
use crate::id::StepId;
use crate::quantity::Seconds;
use crate::report::phase::PhaseTime;
use crate::report::phase::Phases;
use crate::report::seconds_between;
use crate::report::some_of;
use crate::report::tally::Standing;
use crate::report::tally::is_back;
use crate::report::tally::standing;
use crate::report::tally::steps_of_machines;
use crate::report::text::counted;
use crate::report::ways;
use crate::report::ways::Retry;
use crate::report::whereabouts::places;

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step.
    pub step: StepId,
    /// Why, in words.
    pub why: String,
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The step that asked.
    pub step: StepId,
    /// Yes or no.
    pub approved: bool,
    /// Who answered.
    pub by: String,
    /// From the begin of the step to the answer's effect, in seconds.
    pub waited: Seconds,
}

/// How a run ended, or where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// Name of the plan.
    pub plan: String,
    /// Where the run is.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When its last event happened.
    pub last_at: Option<Timestamp>,
    /// Machines of the plan.
    pub machines: usize,
    /// Machines whose failover is committed: they run on-premises for good.
    pub back: usize,
    /// Names of machines of which a step failed.
    pub failed: Vec<String>,
    /// Names of machines that were not brought back, because of something that is not their own.
    pub blocked: Vec<String>,
    /// Names of machines that a person took out.
    pub left_out: Vec<String>,
    /// Names of machines with steps that are not settled.
    pub open: Vec<String>,
    /// Names of machines that came up on-premises, and whose failovers were taken back because the run was to end so.
    pub taken_back: Vec<String>,
    /// Names of those among the kinds above that are back all the same.
    back_though: BTreeSet<String>,
    /// Steps that failed.
    pub failures: Vec<Failure>,
    /// Where the machines are, in words, if the run did not bring all of them home.
    pub places: Vec<String>,
    /// Steps that wait for a person's answer.
    pub asked: Vec<StepId>,
    /// Answers of persons.
    pub approvals: Vec<Approval>,
    /// Attempts beyond the first of each step.
    pub retries: u32,
    /// Phases of which something was done in this run, in their order.
    pub phases: Vec<PhaseTime>,
    /// The step that is done again first, if that helps.
    retry: Option<Retry>,
    /// A machine that the run may go on without.
    skip: Option<String>,
    /// What commands about the run need besides its id, with a space before it.
    flags: String,
}

/// Returns what is to be said of a run in this state.
#[must_use]
pub fn summary(run: &RunId, state: &RunState) -> Summary {
    let model = state.graph().model();
    let mut summary = Summary {
        run: run.clone(),
        plan: model.plan.name.value.clone(),
        status: state.status(),
        started_at: state.started_at(),
        last_at: state.last_at(),
        machines: model.machines().len(),
        back: 0,
        failed: Vec::new(),
        blocked: Vec::new(),
        left_out: Vec::new(),
        open: Vec::new(),
        taken_back: Vec::new(),
        back_though: BTreeSet::new(),
        failures: Vec::new(),
        places: match state.status() {
            RunStatus::Finished(Outcome::Failed | Outcome::Cancelled) => places(state),
            RunStatus::New
            | RunStatus::Running
            | RunStatus::Interrupted
            | RunStatus::Finished(Outcome::Succeeded) => Vec::new(),
        },
        asked: Vec::new(),
        approvals: Vec::new(),
        retries: 0,
        phases: Vec::new(),
        retry: ways::retry(state),
        skip: ways::skip(state),
        flags: String::new(),
    };
    for (machine, steps) in model.machines().zip(steps_of_machines(state.graph())) {
        let back = is_back(state, &steps);
        summary.back += usize::from(back);
        let list = match standing(state, &steps) {
            Standing::Done => continue,
            Standing::Open => &mut summary.open,
            Standing::Failed(step) if model.plan.is_taken_back && was_taken_back(state, step) => {
                &mut summary.taken_back
            }
            Standing::Failed(_) => &mut summary.failed,
            Standing::Blocked => &mut summary.blocked,
            Standing::LeftOut => &mut summary.left_out,
        };
        list.push(machine.name().value.clone());
        if back {
            summary.back_though.insert(machine.name().value.clone());
        }
    }
    let mut phases = Phases::default();
    for step in (0..).take(state.graph().steps().len()) {
        summary.take(step, state, &mut phases);
    }
    summary.phases = phases.times();
    summary
}

/// Returns whether a step failed because the failover before it was taken back.
fn was_taken_back(state: &RunState, step: StepIndex) -> bool {
    state.step(step).code.as_deref() == Some(TAKEN_BACK)
}

impl Summary {
    fn take(&mut self, step: StepIndex, state: &RunState, phases: &mut Phases) {
        let (id, kind, step_state) = (state.id(step), state.graph().step(step).kind, state.step(step));
        self.retries += step_state.attempts.saturating_sub(1);
        match step_state.status {
            StepStatus::Failed => {
                let why = step_state.note.clone().unwrap_or_default();
                self.failures.push(Failure { step: id.clone(), why });
            }
            StepStatus::Asked => self.asked.push(id.clone()),
            StepStatus::Waiting
            | StepStatus::Ready
            | StepStatus::Running
            | StepStatus::Succeeded
            | StepStatus::Adopted
            | StepStatus::Skipped
            | StepStatus::Blocked => {}
        }
        let Some(began) = step_state.started_at else { return };
        let Some(ended) = step_state.ended_at.or(self.last_at) else { return };
        let took = seconds_between(began, ended);
        if let Some(answer) = &step_state.answer {
            let (approved, by) = (answer.approved, answer.by.clone());
            self.approvals.push(Approval { step: id.clone(), approved, by, waited: took });
        }
        phases.take(kind, id, began, ended);
    }

    /// Adds flags to the commands that are to be typed next, such as ` --state-dir /srv/runs`.
    #[must_use]
    pub fn typed_with(mut self, flags: &str) -> Self {
        self.flags = flags.to_owned();
        self
    }

    /// Returns how long the run took so far, in seconds.
    #[must_use]
    pub fn took(&self) -> Seconds {
        self.started_at.zip(self.last_at).map_or(Seconds(0), |(began, last)| seconds_between(began, last))
    }

    /// Returns what to do next, a line each.
    #[must_use]
    pub fn next(&self) -> Vec<String> {
        let (run, flags) = (&self.run, &self.flags);
        let show = || format!("failback show {run}{flags}");
        match self.status {
            RunStatus::New | RunStatus::Running => Vec::new(),
            RunStatus::Interrupted => {
                let resume = format!("failback resume {run}{flags}");
                match self.asked.as_slice() {
                    [] => vec![resume],
                    [step] => vec![format!("failback approve {run} {step}{flags}"), resume],
                    [step, ..] => vec![
                        format!("failback approve {run} {step}{flags}, or others of the {} that ask", self.asked.len()),
                        resume,
                    ],
                }
            }
            RunStatus::Finished(Outcome::Succeeded) => vec![show()],
            RunStatus::Finished(Outcome::Failed) => {
                let retry = self.retry.as_ref().map(|Retry { step, was_moved }| {
                    let (before, attached) = if *was_moved {
                        ("attach the disks that the server took along", " --disks-attached")
                    } else {
                        ("put right what failed", "")
                    };
                    format!("{before}, then: failback retry {run} {step} --downstream{attached}{flags}")
                });
                let skip = self.skip.as_ref().map(|machine| {
                    format!("go on without a machine: failback skip {run} {machine} --reason WHY{flags}")
                });
                let then = (retry.is_some() || skip.is_some())
                    .then(|| format!("and then: failback resume {run}{flags}"));
                let again = (retry.is_none() && skip.is_none())
                    .then(|| "run the plan again: it begins with what the inventory says by then".to_owned());
                [Some(show()), retry, skip, then, again].into_iter().flatten().collect()
            }
            RunStatus::Finished(Outcome::Cancelled) => vec![
                show(),
                "run the plan again for the machines that are not back: it begins with what the inventory says by then".into(),
            ],
        }
    }

    fn of_machines(&self) -> String {
        let mut text = format!("{} of {} back on-premises", self.back, counted(self.machines, "machine"));
        let lists = [
            ("taken back", &self.taken_back),
            ("with failures", &self.failed),
            ("not brought back", &self.blocked),
            ("left out", &self.left_out),
            ("not finished", &self.open),
        ];
        for (word, names) in lists.into_iter().filter(|(_, names)| !names.is_empty()) {
            let listed = some_of(names.iter().map(String::as_str));
            let back = match names.iter().filter(|name| self.back_though.contains(*name)).count() {
                0 => String::new(),
                count if count == names.len() => " (back)".to_owned(),
                count => format!(" ({count} of them back)"),
            };
            text.push_str(&format!("; {} {word}{back}: {listed}", names.len()));
        }
        text
    }
}

/// Entries of a list that are told one by one.
const LISTED: usize = 10;

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, text: &str| writeln!(f, "{name:<10}{}", escape::line(text));
        let (run, plan, status) = (&self.run, &self.plan, self.status.as_str());
        let times = match (self.started_at, self.last_at) {
            (Some(began), Some(last)) => format!(" after {} ({began:.0} to {last:.0})", self.took()),
            _ => String::new(),
        };
        line("run", &format!("{run} of plan {plan} {status}{times}"))?;
        line("machines", &self.of_machines())?;
        for (place, failure) in self.failures.iter().take(LISTED).enumerate() {
            line(if place == 0 { "failed" } else { "" }, &format!("{}: {}", failure.step, failure.why))?;
        }
        if self.failures.len() > LISTED {
            line("", &format!("and {} more", self.failures.len() - LISTED))?;
        }
        for (place, text) in self.places.iter().enumerate() {
            line(if place == 0 { "where" } else { "" }, text)?;
        }
        for (place, phase) in self.phases.iter().enumerate() {
            let (took, longest) = (Seconds(phase.took_s).to_string(), Seconds(phase.longest_s));
            let text = format!("{:<10} {took:>9}, longest {} {longest}", phase.phase.as_str(), phase.longest);
            line(if place == 0 { "phases" } else { "" }, &text)?;
        }
        for (place, approval) in self.approvals.iter().take(LISTED).enumerate() {
            let answer = if approval.approved { "yes" } else { "no" };
            let text = format!("{}: {answer} by {} after {}", approval.step, approval.by, approval.waited);
            line(if place == 0 { "approvals" } else { "" }, &text)?;
        }
        if self.approvals.len() > LISTED {
            line("", &format!("and {} more", self.approvals.len() - LISTED))?;
        }
        if self.retries > 0 {
            line("retries", &counted(self.retries as usize, "attempt"))?;
        }
        for (place, next) in self.next().iter().enumerate() {
            line(if place == 0 { "next" } else { "" }, next)?;
        }
        Ok(())
    }
}
