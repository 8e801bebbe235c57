//! A stretch of time along a drawing.

use jiff::Timestamp;

use crate::quantity::Seconds;
use crate::report::drawing::canvas::Canvas;
use crate::report::seconds_between;

/// Marks on an axis at most.
const MARKS: u64 = 10;
/// Distances of marks that a person reads at a glance, in seconds.
const DISTANCES: [u64; 19] = [
    1, 5, 10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200, 86_400,
    172_800, 604_800,
];

/// A stretch of time along a drawing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    from: Timestamp,
    to: Timestamp,
    /// Where time counts from.
    zero: Timestamp,
    left: f64,
    width: f64,
}

impl Axis {
    /// Returns the axis of a stretch of time that is drawn from `left` over `width` pixels; marks count from `zero`.
    pub fn new(from: Timestamp, to: Timestamp, zero: Timestamp, left: f64, width: f64) -> Self {
        Self { from, to, zero, left, width }
    }

    /// Returns where a moment is.
    pub fn x(&self, at: Timestamp) -> f64 {
        let whole = self.to.duration_since(self.from).as_secs_f64().max(1e-3);
        let part = at.duration_since(self.from).as_secs_f64() / whole;
        self.left + part.clamp(0.0, 1.0) * self.width
    }

    /// Returns a stretch clipped to the axis; `None` if it lies outside.
    pub fn span(&self, from: Timestamp, to: Timestamp) -> Option<(f64, f64)> {
        (to >= self.from && from <= self.to).then(|| (self.x(from), self.x(to)))
    }

    /// Draws marks with their times, and lines down to `bottom`.
    pub fn draw(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        let whole = seconds_between(self.from, self.to).0.max(1);
        let distance = DISTANCES.into_iter().find(|distance| whole / distance <= MARKS);
        let distance = distance.unwrap_or(whole / MARKS);
        let first = seconds_between(self.zero, self.from).0.div_ceil(distance);
        for number in first.. {
            let seconds = number * distance;
            let after = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
            let at = self.zero.saturating_add(after).unwrap_or(Timestamp::MAX);
            if at > self.to || number - first > 2 * MARKS {
                break;
            }
            let x = self.x(at);
            canvas.line("rule", (x, top + 4.0), (x, bottom));
            let class = if x > self.left + self.width - 30.0 { "s e" } else { "s" };
            let text = if seconds == 0 { "0".to_owned() } else { format!("+{}", Seconds(seconds)) };
            canvas.text(class, (x + 2.0, top), &text);
        }
    }
}
