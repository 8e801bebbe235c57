//! A run as bars on a terminal: the whole, and the machines that matter most.

mod choice;
mod count;
mod look;
mod memory;
mod prompt;
mod pulse;
mod row;
mod rows;
mod screen;
mod whole;

pub use count::Count;
pub use look::Look;
pub use prompt::Prompt;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;
use jiff::Timestamp;

use crate::escape;
use crate::event::Reporter;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::StepProgress;
use crate::graph::StepIndex;
use crate::report::Verbosity;
use crate::report::bar::choice::Choice;
use crate::report::bar::memory::remembered;
use crate::report::bar::pulse::Pulse;
use crate::report::bar::row::Paint;
use crate::report::bar::row::Row;
use crate::report::bar::row::columns;
use crate::report::bar::row::row;
use crate::report::bar::rows::Rows;
use crate::report::bar::screen::Screen;
use crate::report::eta::Remaining;
use crate::report::seconds_between;
use crate::report::summary::summary;
use crate::report::tally::Tally;
use crate::report::text;
use crate::report::text::Repeats;

/// Least and most columns of a name.
const NAMES: (usize, usize) = (8, 24);

/// Steps of work that one tick may cost on average: looking at the whole graph, or at all that runs, is put off until so many
/// ticks have paid for it. A plan of ten machines is looked at with each tick.
const CREDIT: usize = 512;

/// Most machines that are shown above a question, where the terminal has room for them.
const ROWS_BESIDE_A_QUESTION: usize = 6;

/// Lines beside those of machines and of a question: the whole, the counts, how many more run, and one that stays free.
const OTHER_LINES: usize = 4;

/// Shows a run as bars, and what is to be remembered as lines above them.
#[derive(Debug)]
pub struct Bar {
    bars: MultiProgress,
    whole: ProgressBar,
    counts: ProgressBar,
    rows: Arc<Mutex<Rows>>,
    screen: Screen,
    look: Look,
    /// Says how often the display is worked out; `None`: with every tick.
    pulse: Option<Pulse>,
    tally: Tally,
    left: Remaining,
    /// When the time that is left was worked out.
    left_at: Option<Timestamp>,
    /// How many machines were past their point of no return then.
    no_return: usize,
    choice: Choice,
    repeats: Repeats,
    /// Lines that are not printed yet.
    lines: Vec<String>,
    /// How many persons are asked at this terminal.
    pauses: usize,
    /// Where they are asked, if that is below the bars: these go on meanwhile.
    prompt: Option<Prompt>,
    /// Ticks that have paid for the next look at what runs, and at the whole graph.
    credit: (usize, usize),
    /// Steps that ran at the last look, and steps and edges of the graph.
    costs: (usize, usize),
    flags: String,
    /// Whether the next question is followed by how it is answered from another terminal.
    tells_how_to_answer: bool,
}

impl Bar {
    /// Returns whether standard error is a terminal that bars can be drawn on.
    #[must_use]
    pub fn can_be_drawn() -> bool {
        !ProgressDrawTarget::stderr().is_hidden()
    }

    /// Returns bars on standard error, for what happens after `state`. Nothing is drawn if that is no terminal.
    ///
    /// `weights` are the estimates of the steps in seconds, in the order of the graph.
    #[must_use]
    pub fn on_stderr(state: &RunState, weights: Vec<f64>, look: Look) -> Self {
        let mut bar = Self::new(state, weights, look, ProgressDrawTarget::stderr());
        bar.pulse = Some(Pulse::of(&bar.bars));
        bar.screen = Screen::of_stderr();
        bar
    }

    /// Returns bars on any target, drawn with ticks and events only.
    #[must_use]
    pub fn new(state: &RunState, weights: Vec<f64>, look: Look, target: ProgressDrawTarget) -> Self {
        let graph = state.graph();
        let names = graph.model().machines().map(|machine| columns(&machine.name().value)).max().unwrap_or(0);
        let edges: usize = (0..).take(graph.steps().len()).map(|step| graph.after(step).len()).sum();
        let bars = MultiProgress::with_draw_target(target);
        let add = |template: &str| {
            let bar = ProgressBar::no_length().with_style(style(template));
            bars.add(bar)
        };
        let (whole, counts) = (add("{wide_msg}"), add("{wide_msg}"));
        let rows = Rows::below(&bars, names.clamp(NAMES.0, NAMES.1));
        Self {
            whole,
            counts,
            rows: Arc::new(Mutex::new(rows)),
            screen: Screen::default(),
            look,
            pulse: None,
            tally: Tally::new(state, weights),
            left: Remaining::default(),
            left_at: None,
            no_return: 0,
            choice: Choice::default(),
            repeats: Repeats::default(),
            lines: Vec::new(),
            pauses: 0,
            prompt: None,
            credit: (0, 0),
            costs: (0, graph.steps().len() + edges),
            flags: String::new(),
            tells_how_to_answer: false,
            bars,
        }
    }

    /// Adds how long each step is expected to wait for room; see [`Remaining::waiting`].
    #[must_use]
    pub fn waiting(mut self, waits: Vec<f64>) -> Self {
        self.left = Remaining::waiting(waits);
        self
    }

    /// Adds flags to the commands that are told at the end; see [`Summary::typed_with`](crate::report::Summary::typed_with).
    #[must_use]
    pub fn typed_with(mut self, flags: &str) -> Self {
        self.flags = flags.to_owned();
        self
    }

    /// Has the first question that is not asked here followed by how questions are answered from another terminal.
    #[must_use]
    pub fn telling_how_to_answer(mut self, tells: bool) -> Self {
        self.tells_how_to_answer = tells;
        self
    }

    /// Says how large the terminal is, of one that can't be asked.
    #[must_use]
    pub fn sized(mut self, rows: u16, columns: u16) -> Self {
        self.screen = Screen::fixed(rows, columns);
        self
    }

    /// Returns where persons are asked below the bars, which then no longer stand back for them.
    #[must_use]
    pub fn prompt(&mut self) -> Prompt {
        let below = || Prompt::below(&self.bars, Arc::clone(&self.rows), self.screen.clone());
        self.prompt.get_or_insert_with(below).clone()
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many machines there is room for: a question below the bars must not be where a low terminal has no line for it.
    fn room(&self) -> usize {
        let Some(prompt) = self.prompt.as_ref().filter(|_| self.pauses > 0) else { return usize::MAX };
        let free = self.screen.size().map(|size| size.rows.saturating_sub(OTHER_LINES + prompt.height()));
        free.map_or(ROWS_BESIDE_A_QUESTION, |free| free.min(ROWS_BESIDE_A_QUESTION))
    }

    /// Returns whether the display stands back for a person who is asked where it stood.
    const fn stands_back(&self) -> bool {
        self.pauses > 0 && self.prompt.is_none()
    }

    /// Keeps a line to be printed above the bars.
    fn say(&mut self, at: Timestamp, state: &RunState, level: Verbosity, paint: Paint, text: &str) {
        if level <= self.look.verbosity {
            let passed = seconds_between(state.started_at().unwrap_or(at), at).to_string();
            let text = escape::line(text);
            let text = if self.look.color { paint.on(&text) } else { text.into_owned() };
            self.lines.push(format!("{passed:>9}  {text}"));
        }
    }

    /// Prints the lines that were kept, unless a person is asked.
    fn print(&mut self) -> io::Result<()> {
        if self.stands_back() || self.lines.is_empty() {
            return Ok(());
        }
        // All of them at once, since each print draws all bars.
        self.bars.println(std::mem::take(&mut self.lines).join("\n"))
    }

    /// Looks at what runs, and at the whole graph, if enough ticks have paid for it.
    fn refresh(&mut self, now: Timestamp, state: &RunState, progress: &[StepProgress]) {
        self.credit.0 += CREDIT;
        self.credit.1 += CREDIT;
        if self.credit.0 < self.costs.0.max(progress.len()) {
            return;
        }
        self.credit.0 = 0;
        let done: HashMap<StepIndex, f64> = progress.iter().map(|step| (step.step, step.done)).collect();
        if self.left_at.is_none() || self.credit.1 >= self.costs.1 {
            self.credit.1 = 0;
            self.left.update(state, self.tally.weights(), now, &done);
            self.left_at = Some(now);
            let machines = 0..state.graph().model().machines().len();
            self.no_return = machines.filter(|machine| state.is_past_no_return(*machine)).count();
        }
        let running = self.choice.update(state, &self.left);
        self.costs.0 = running.len();
        let room = self.room();
        let running_work: f64 = done
            .iter()
            .filter(|(step, _)| !state.step(**step).status.is_settled())
            .map(|(step, done)| self.tally.weights()[*step as usize] * done.clamp(0.0, 1.0))
            .sum();
        self.show_whole(now, state, running_work, &running);
        let texts: HashMap<StepIndex, &StepProgress> =
            progress.iter().map(|step| (step.step, step)).collect();
        let rows: Vec<Row> = self
            .choice
            .shown()
            .filter_map(|subject| running.get(&subject))
            .take(room)
            .map(|runs| row(now, state, *runs, texts.get(&runs.step).copied(), self.look.color))
            .collect();
        self.rows().show(&rows, running.len() - rows.len());
    }

    /// Asks nobody any more; returns whether the cursor stands behind a question for which the display stood back.
    fn leaves_question(&mut self) -> bool {
        let stood_back = self.stands_back();
        self.pauses = 0;
        if let Some(prompt) = &self.prompt {
            prompt.close();
        }
        stood_back
    }

    /// Takes each bar away, so that what is printed last is not printed above what was true before.
    fn take_down(&self) {
        for bar in [&self.whole, &self.counts] {
            self.bars.remove(bar);
        }
        self.rows().take_down();
    }

    /// Takes the bars away; what was printed stays.
    fn end(&mut self) -> io::Result<()> {
        if let Some(pulse) = self.pulse.take() {
            pulse.beat(false);
        }
        if let Some(prompt) = &self.prompt {
            prompt.close();
        }
        let cleared = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
        cleared
    }
}

impl Reporter for Bar {
    fn event(&mut self, event: &RunEvent, state: &RunState) -> io::Result<()> {
        let settled = self.tally.take(&event.kind, state);
        let (level, text) = text::of_event(event, state);
        let index = event.kind.step().and_then(|step| state.graph().find(step));
        if let (RunEventKind::GuardEvaluated { passed, .. }, Some(index)) = (&event.kind, index) {
            self.choice.guard(index, *passed);
        }
        let (paint, remembered) = remembered(&event.kind, self.look.asks_here);
        // Only a verbose display prints what the bars show anyway.
        let how = match &event.kind {
            RunEventKind::ApprovalAsked { step, .. } if remembered => {
                (self.look.asks_here || std::mem::take(&mut self.tells_how_to_answer)).then_some(step)
            }
            _ => None,
        };
        let remembered = remembered && !self.repeats.take(event, state);
        let level = if remembered { level } else { Verbosity::Verbose };
        self.say(event.at, state, level, paint, &text);
        if let Some(step) = how {
            let how = text::how_to_answer(&event.run, step, &self.flags);
            self.say(event.at, state, level, Paint::Plain, &how);
        }
        if matches!(event.kind, RunEventKind::StepFailed { .. } | RunEventKind::MemberFailed { .. })
            && let Some(text) = text::of_blocked(&settled, &self.tally, event, state)
        {
            self.say(event.at, state, Verbosity::Quiet, Paint::Bad, &text);
        }
        for machine in settled.machines {
            if let Some((level, text)) = text::of_machine(machine, self.tally.steps(machine), state) {
                let paint = if level == Verbosity::Quiet { Paint::Bad } else { Paint::Good };
                self.say(event.at, state, level, paint, &text);
            }
        }
        if matches!(state.status(), RunStatus::Finished(_) | RunStatus::Interrupted)
            && event.seq == state.seq()
        {
            self.lines.push(summary(&event.run, state).typed_with(&self.flags).to_string());
            if self.leaves_question() {
                // The cursor stands behind the question: it is sent to the first column of the next line.
                self.lines[0].insert_str(0, "\n\u{1b}[G");
            }
            self.take_down();
            self.print()?;
            return self.end();
        }
        Ok(())
    }

    fn tick(&mut self, now: Timestamp, state: &RunState, progress: &[StepProgress]) -> io::Result<()> {
        if self.stands_back() || !self.pulse.as_ref().is_none_or(Pulse::allows) {
            return Ok(());
        }
        self.screen.follow(&self.bars);
        self.refresh(now, state, progress);
        self.print()
    }

    fn stopping(&mut self, waits_for: usize) {
        let first = if self.leaves_question() { "\n\u{1b}[G" } else { "" };
        self.lines.push(format!("{first}{:>11}{}", "", text::of_stopping(waits_for)));
        // What can't be printed now is printed with the next lines.
        let _ = self.print();
    }

    fn pause(&mut self, paused: bool) {
        if self.prompt.is_some() {
            self.pauses = if paused { self.pauses + 1 } else { self.pauses.saturating_sub(1) };
            return;
        }
        // Several persons may be asked at once; the terminal is free when the last one has answered.
        if paused && self.pauses == 0 {
            if let Some(pulse) = &self.pulse {
                pulse.beat(false);
            }
            // What can't be printed or cleared is left standing above the question.
            let _ = self.print();
            let _ = self.bars.clear();
        }
        self.pauses = if paused { self.pauses + 1 } else { self.pauses.saturating_sub(1) };
        if self.pauses == 0
            && let Some(pulse) = &self.pulse
        {
            pulse.beat(true);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        // The terminal is given back in order, whatever ended the run.
        let _ = self.end();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are ours")
}
