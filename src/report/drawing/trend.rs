//! The RTO of one run after another, as a small chart.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::quantity::Seconds;
use crate::report::assessment::Verdict;
use crate::report::drawing::canvas::Canvas;

/// One run in a trend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendPoint {
    /// Its id.
    pub run: String,
    /// When it began, by the machine's clock.
    pub at: Timestamp,
    /// Its measured RTO, in seconds; `None` if it was not reached.
    pub rto_s: Option<u64>,
    /// Data lost, as time in seconds, if points were reported.
    pub rpo_s: Option<u64>,
    /// How long it took from its first event to its last, in seconds.
    pub took_s: u64,
    /// Machines that it was about.
    pub machines: usize,
    /// What it was worth.
    pub verdict: Option<Verdict>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 134.0;
const TOP: f64 = 34.0;

/// Returns the RTO of runs in their order as SVG; `None` of fewer than two that reached it.
#[must_use]
pub fn trend(points: &[TrendPoint], objective_s: Option<u64>) -> Option<String> {
    let known: Vec<(usize, &TrendPoint, u64)> =
        points.iter().enumerate().filter_map(|(at, point)| point.rto_s.map(|rto| (at, point, rto))).collect();
    if known.len() < 2 {
        return None;
    }
    let longest = known.iter().map(|(_, _, rto)| *rto).max().unwrap_or(1);
    // An objective far above would press the line flat.
    let objective = objective_s.filter(|objective| *objective <= longest.saturating_mul(4));
    let most = longest.max(objective.unwrap_or(0)).max(1);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a run and numbers of runs are small")]
    let (x, y) = (
        |at: usize| LEFT + (WIDTH - LEFT - 24.0) * at as f64 / (points.len() - 1).max(1) as f64,
        |rto: u64| BOTTOM - (BOTTOM - TOP) * rto as f64 / (most as f64 * 1.1),
    );
    let mut canvas = Canvas::default();
    canvas.text("h", (8.0, 18.0), "RTO of the runs of this plan");
    canvas.line("rule", (LEFT, BOTTOM), (WIDTH - 16.0, BOTTOM));
    canvas.text("s e", (LEFT - 8.0, BOTTOM + 4.0), "0");
    canvas.line("rule", (LEFT, y(longest)), (WIDTH - 16.0, y(longest)));
    canvas.text("s e", (LEFT - 8.0, y(longest) + 4.0), &Seconds(longest).to_string());
    if let Some(objective) = objective {
        canvas.line("late", (LEFT, y(objective)), (WIDTH - 16.0, y(objective)));
        canvas.text("e", (WIDTH - 18.0, y(objective) - 4.0), &format!("objective {}", Seconds(objective)));
    }
    let path: Vec<String> =
        known.iter().map(|(at, _, rto)| format!("{:.1} {:.1}", x(*at), y(*rto))).collect();
    canvas.path("line", &format!("M{}", path.join("L")), None);
    for (at, point) in points.iter().enumerate() {
        let verdict = point.verdict.map_or("not ended", Verdict::as_str);
        match point.rto_s {
            Some(rto) => {
                let title = format!("{}, {:.0}: RTO {}, {verdict}", point.run, point.at, Seconds(rto));
                let class = if point.verdict == Some(Verdict::Failed) { "bad" } else { "dot" };
                canvas.rect(class, (x(at) - 3.0, y(rto) - 3.0), (6.0, 6.0), Some(&title));
            }
            None => {
                let title = format!("{}, {:.0}: RTO not reached, {verdict}", point.run, point.at);
                canvas.path("bad", &format!("M{:.1} {:.1}l4 8h-8z", x(at), BOTTOM - 9.0), Some(&title));
            }
        }
    }
    let day = |point: &TrendPoint| point.at.strftime("%Y-%m-%d").to_string();
    if let (Some(first), Some(last)) = (points.first(), points.last()) {
        canvas.text("s", (LEFT, BOTTOM + 18.0), &day(first));
        canvas.text("s e", (WIDTH - 16.0, BOTTOM + 18.0), &day(last));
    }
    let description = format!("{} runs; the longest RTO was {}.", points.len(), Seconds(longest));
    Some(canvas.svg("fb-trend", (WIDTH, HEIGHT), "RTO of the runs of this plan", &description))
}
