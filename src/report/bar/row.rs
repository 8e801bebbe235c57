//! One line of the display: a machine or group, its step, how far that is, and what is said of it.

use jiff::Timestamp;

use crate::escape;
use crate::event::RunState;
use crate::event::StepProgress;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::report::bar::choice::Running;
use crate::report::bar::choice::Urgency;
use crate::report::seconds_between;
use crate::report::short;
use crate::report::tally::ALMOST;

/// Columns of a machine's bar.
const WIDTH: usize = 10;

/// What one line of the display holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub name: String,
    pub text: String,
}

/// Returns the line of a step that runs. What matters most stands first, since a narrow terminal cuts the rest off.
pub(super) fn row(
    now: Timestamp,
    state: &RunState,
    runs: Running,
    progress: Option<&StepProgress>,
    color: bool,
) -> Row {
    let Running { step, urgency } = runs;
    let step_state = state.step(step);
    // A machine whose data has arrived still waits for its first recovery point: what runs is not done.
    let done = progress.map(|progress| progress.done.min(ALMOST)).filter(|done| *done > 0.0);
    let (percent, graph) = match done {
        Some(done) => (percent(done), graph_of(done, WIDTH)),
        None => ("    ".into(), " ".repeat(WIDTH)),
    };
    let note = step_state.note.as_deref().unwrap_or("");
    let said =
        progress.map(|progress| progress.text.as_str()).filter(|text| !text.is_empty()).unwrap_or(note);
    let said = match (urgency, step_state.retry_at) {
        (Urgency::Asked, _) => format!("asks: {note}"),
        (Urgency::Retries, Some(retry_at)) if retry_at > now => {
            format!("again in {}: {said}", short(seconds_between(now, retry_at)))
        }
        (Urgency::HeldBack, _) => format!("held back: {said}"),
        (Urgency::Retries | Urgency::None, _) => said.to_owned(),
    };
    let said = if is_past_no_return(state, step) { format!("no way back: {said}") } else { said };
    let passed = short(seconds_between(step_state.started_at.unwrap_or(now), now)).to_string();
    let kind = state.graph().step(step).kind.as_str();
    let text = format!("{percent} {kind:<17} {graph} {passed:>7}  {}", escape::line(&said));
    let paint = if urgency == Urgency::None { Paint::Plain } else { Paint::Attention };
    let name = escape::line(&state.graph().subject_name(step)).into_owned();
    Row { name, text: if color { paint.on(&text) } else { text } }
}

/// Returns whether a step is the failover or commit of a machine that can't be left in Azure any more.
fn is_past_no_return(state: &RunState, step: StepIndex) -> bool {
    matches!(state.graph().step(step).kind, StepKind::Failover | StepKind::Commit)
        && state.graph().indexes_of(step).any(|machine| state.is_past_no_return(machine))
}

/// What a line means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Good,
    Attention,
    Bad,
}

impl Paint {
    /// Returns a text in its colour.
    pub fn on(self, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Attention => "33",
            Self::Bad => "91",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Returns about how many columns a text takes: most of what is not ASCII takes two.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum()
}

/// Returns an amount as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "amounts are positive and small")]
pub(super) fn whole(amount: f64) -> u64 {
    amount.max(0.0).round() as u64
}

/// Returns a part as a percentage, four columns wide; only what is done is 100 %.
pub(super) fn percent(part: f64) -> String {
    let hundredths = whole((part.clamp(0.0, 1.0) * 100.0).floor());
    format!("{hundredths:>3}%")
}

/// Returns a part as a bar.
#[expect(clippy::cast_precision_loss, reason = "a bar has few columns")]
pub(super) fn graph_of(part: f64, width: usize) -> String {
    let full =
        usize::try_from(whole((part.clamp(0.0, 1.0) * width as f64).floor())).unwrap_or(width).min(width);
    format!("{}{}", "━".repeat(full), "─".repeat(width - full))
}
