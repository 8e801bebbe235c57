//! How a run stands, for those who watch: its state, which steps changed when, and the last lines of its log.

use std::collections::VecDeque;
use std::io;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::event::Letter;
use crate::event::Reporter as _;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::StepStatus;
use crate::forecast::Course;
use crate::graph::StepIndex;
use crate::report;
use crate::web::desk::Kept;
use crate::web::watch::delta;

/// Lines of the log that are kept for the page.
const LINES: usize = 1000;

/// A line of the log.
pub(super) struct Line {
    /// Place of its event.
    pub seq: u64,
    /// `bad`, `ask`, `order`, `end` or nothing.
    pub tone: &'static str,
    pub text: String,
}

/// What is compared to see whether a step changed.
#[derive(Clone, PartialEq)]
struct Glance {
    status: StepStatus,
    attempts: u32,
    started: Option<jiff::Timestamp>,
    question: u64,
    note: u64,
}

/// What a reporter writes, taken after each event.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a run stands.
pub(crate) struct View {
    kept: Kept,
    state: RunState,
    /// Place of the event after which each step was last seen changed.
    changed: Vec<u64>,
    glances: Vec<Glance>,
    reporter: report::Lines<Written>,
    written: Written,
    log: VecDeque<Line>,
    /// What raised an alarm.
    alarms: Vec<(u64, String)>,
    is_driven: bool,
    letters: Vec<Letter>,
    /// What keeps the record from being read on.
    trouble: Option<String>,
    /// Whether events came since the last comparison.
    is_new: bool,
    weights: Vec<f64>,
    /// What each step is expected to wait for room, in seconds.
    waits: Vec<f64>,
}

impl View {
    pub fn new(kept: Kept) -> Self {
        let state = RunState::new(Arc::clone(&kept.graph));
        let written = Written::default();
        let reporter = report::Lines::new(written.clone(), &state, report::Verbosity::Normal);
        let count = kept.graph.steps().len();
        let glances = (0..).take(count).map(|step| glance(&state, step)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a weight needs no more digits")]
        let of = |seconds: fn(&Course) -> u64| -> Vec<f64> {
            kept.forecast.course.iter().map(|step| seconds(step) as f64).collect()
        };
        let (weights, waits) = (of(|step| step.takes_s), of(|step| step.waits_s));
        Self {
            kept,
            state,
            changed: vec![0; count],
            glances,
            reporter,
            written,
            log: VecDeque::new(),
            alarms: Vec::new(),
            is_driven: false,
            letters: Vec::new(),
            trouble: None,
            is_new: false,
            weights,
            waits,
        }
    }

    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    pub const fn state(&self) -> &RunState {
        &self.state
    }

    pub const fn seq(&self) -> u64 {
        self.state.seq()
    }

    pub const fn is_driven(&self) -> bool {
        self.is_driven
    }

    pub fn letters(&self) -> &[Letter] {
        &self.letters
    }

    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    pub(super) fn log(&self) -> &VecDeque<Line> {
        &self.log
    }

    pub(super) fn alarms(&self) -> &[(u64, String)] {
        &self.alarms
    }

    pub(super) fn changed_at(&self, step: StepIndex) -> u64 {
        self.changed[step as usize]
    }

    /// Returns how long the run still takes, in seconds, by its own clock; people count as answering at once.
    pub fn seconds_left(&self) -> Option<f64> {
        let now = self.state.last_at()?;
        let mut left = report::eta::Remaining::waiting(self.waits.clone());
        Some(left.update(&self.state, &self.weights, now, &std::collections::HashMap::new()))
    }

    /// Takes an event.
    ///
    /// # Errors
    ///
    /// A sentence, if the event can't follow.
    pub(super) fn take(&mut self, event: RunEvent) -> Result<(), String> {
        let legal = self
            .state
            .check(&event)
            .map_err(|error| format!("the run's journal does not belong to its plan: {error}"))?;
        self.state.apply(&event, legal);
        self.is_new = true;
        // It writes into memory.
        let _ = self.reporter.event(&event, &self.state);
        let tone = tone(&event.kind);
        for line in self.written.take().lines() {
            if self.log.len() >= LINES {
                self.log.pop_front();
            }
            self.log.push_back(Line { seq: event.seq, tone, text: line.to_owned() });
        }
        if let RunEventKind::Alarm { message, .. } = event.kind {
            self.alarms.push((event.seq, message));
        }
        Ok(())
    }

    /// Notes what changed since the last time, and returns whether anything did.
    pub(super) fn settle(&mut self, is_driven: bool, letters: Vec<Letter>, trouble: Option<String>) -> bool {
        let beside = is_driven != self.is_driven || letters != self.letters || trouble != self.trouble;
        (self.is_driven, self.letters, self.trouble) = (is_driven, letters, trouble);
        if std::mem::take(&mut self.is_new) {
            let seq = self.state.seq();
            for (step, (known, changed)) in (0..).zip(self.glances.iter_mut().zip(&mut self.changed)) {
                let now = glance(&self.state, step);
                if now != *known {
                    (*known, *changed) = (now, seq);
                }
            }
            return true;
        }
        beside
    }

    /// Returns what changed after the event at a place, as JSON.
    pub fn delta(&self, after: u64) -> String {
        delta::of(self, after).to_string()
    }
}

fn glance(state: &RunState, index: StepIndex) -> Glance {
    use std::hash::BuildHasher as _;
    let step = state.step(index);
    let note = foldhash::fast::FixedState::default().hash_one(&step.note);
    Glance {
        status: step.status,
        attempts: step.attempts,
        started: step.started_at,
        question: step.question,
        note,
    }
}

const fn tone(kind: &RunEventKind) -> &'static str {
    match kind {
        RunEventKind::StepFailed { .. }
        | RunEventKind::MemberFailed { .. }
        | RunEventKind::AttemptFailed { .. }
        | RunEventKind::StepBlocked { .. }
        | RunEventKind::Alarm { .. } => "bad",
        RunEventKind::ApprovalAsked { .. } | RunEventKind::HandedOver { .. } => "ask",
        RunEventKind::ApprovalGiven { .. }
        | RunEventKind::ApprovalDenied { .. }
        | RunEventKind::OrderTaken { .. }
        | RunEventKind::MachineTakenOut { .. }
        | RunEventKind::StepReopened { .. }
        | RunEventKind::StepSkipped { .. }
        | RunEventKind::Cancelling { .. } => "order",
        RunEventKind::RunStarted { .. }
        | RunEventKind::Resumed { .. }
        | RunEventKind::Interrupted { .. }
        | RunEventKind::RunFinished { .. } => "end",
        RunEventKind::StepStarted { .. }
        | RunEventKind::SlotsTaken { .. }
        | RunEventKind::SlotsFreed { .. }
        | RunEventKind::GuardEvaluated { .. }
        | RunEventKind::ServerPlaced { .. }
        | RunEventKind::IntentRecorded { .. }
        | RunEventKind::OperationAccepted { .. }
        | RunEventKind::MembersDone { .. }
        | RunEventKind::StepWaiting { .. }
        | RunEventKind::ActionStarted { .. }
        | RunEventKind::PointReported { .. }
        | RunEventKind::MachineSeen { .. }
        | RunEventKind::StepAdopted { .. }
        | RunEventKind::StepSucceeded { .. } => "",
    }
}
