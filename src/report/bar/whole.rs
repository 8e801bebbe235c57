//! The bar of the whole, and the counts below it.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::event::RunState;
use crate::graph::StepSubject;
use crate::quantity::Seconds;
use crate::report::bar::Bar;
use crate::report::bar::choice::Running;
use crate::report::bar::choice::Urgency;
use crate::report::bar::row::graph_of;
use crate::report::bar::row::percent;
use crate::report::bar::row::whole;
use crate::report::seconds_between;
use crate::report::short;
use crate::report::text;

/// Columns of the bar of the whole.
const WIDTH: usize = 32;

/// Columns of the time that is gone and left, so that the bar stands still.
const TIMES: usize = 32;

impl Bar {
    pub(super) fn show_whole(
        &self,
        now: Timestamp,
        state: &RunState,
        running_work: f64,
        running: &HashMap<StepSubject, Running>,
    ) {
        let part = self.tally.part(running_work);
        let passed = seconds_between(state.started_at().unwrap_or(now), now);
        let mut times = format!("{} gone", short(passed));
        let since = self.left_at.map_or(Seconds(0), |at| seconds_between(at, now));
        let left = short(Seconds(whole(self.left.seconds()).saturating_sub(since.0)));
        if left.0 > 0 && self.tally.is_estimated() {
            times.push_str(&format!(", about {left} left"));
        }
        // The bar stands last, since a narrow terminal cuts off what does.
        let text = format!("{} {times:<TIMES$} {}", percent(part), graph_of(part, WIDTH));
        self.whole.set_message(text);
        let machines = self.tally.machines();
        let mut text = format!("{} of {} done", self.tally.done(), text::counted(machines, "machine"));
        let urgent = |kind: Urgency| running.values().filter(|runs| runs.urgency == kind).count();
        for (count, word) in [
            (self.tally.failed(), "failed"),
            (self.tally.left_out(), "left out"),
            (self.no_return, "with no way back"),
            (urgent(Urgency::Asked), "waiting for a person"),
            (urgent(Urgency::Retries), "to be tried again"),
            (urgent(Urgency::HeldBack), "held back"),
            (urgent(Urgency::None), "running"),
        ] {
            if count > 0 {
                text.push_str(&format!(" · {count} {word}"));
            }
        }
        self.counts.set_message(text);
    }
}
