//! A run along its time: a row for each machine, or for groups of them where they are many.

use crate::quantity::Seconds;
use crate::report::drawing::axis::Axis;
use crate::report::drawing::canvas::Canvas;
use crate::report::drawing::crowd;
use crate::report::drawing::row;
use crate::report::drawing::row::Row;
use crate::report::phase::PHASES;
use crate::report::phase::Phase;
use crate::report::timeline::Timeline;

const WIDTH: f64 = 1_060.0;
const LEFT: f64 = 170.0;
const RIGHT: f64 = 16.0;
const ROW: f64 = 18.0;
const BAR: f64 = 10.0;
/// Height of a row that stands for many machines.
const CROWD: f64 = 54.0;
const TOP: f64 = 64.0;

/// Which part of a run is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// All of it.
    Whole,
    /// From the first failover to the last verification: what the RTO measures.
    Outage,
}

/// Returns the chart of a run as SVG, up to its last event; `None` if nothing of that part happened. `rto_s` is marked if the plan
/// asks for one.
#[must_use]
pub fn gantt(timeline: &Timeline, window: Window, rto_s: Option<u64>) -> Option<String> {
    let (began, last) = (timeline.began?, timeline.last?);
    let (from, to) = match window {
        Window::Whole => (began, last),
        Window::Outage => (timeline.plan.from?, timeline.plan.to.unwrap_or(last)),
    };
    if from >= to {
        return None;
    }
    let rows = row::rows(timeline);
    let shown = |row: &&Row| row.bars.iter().any(|bar| bar.to >= from && bar.from <= to);
    let plan: Vec<&Row> = rows.plan.iter().filter(shown).collect();
    let machines: Vec<&Row> = rows.machines.iter().filter(shown).collect();
    let height_of = if rows.grouped { CROWD } else { ROW };
    let bottom = TOP + plan.len() as f64 * ROW + machines.len() as f64 * height_of;
    let height = bottom + 44.0;
    let width = WIDTH - LEFT - RIGHT;
    let axis = Axis::new(from, to, from, LEFT, width);
    let mut canvas = Canvas::default();
    pattern(&mut canvas);
    for (at, _) in plan.iter().enumerate().filter(|(at, _)| at % 2 == 0) {
        canvas.rect("band", (0.0, TOP + at as f64 * ROW), (WIDTH, ROW), None);
    }
    axis.draw(&mut canvas, 44.0, bottom);
    for pause in &timeline.pauses {
        if let Some((x, end)) = axis.span(pause.from, pause.to.unwrap_or(last)) {
            let why = pause.reason.as_deref().unwrap_or("its process ended");
            let title = format!("nothing drove the run: {why}");
            canvas.rect("pause", (x, TOP), ((end - x).max(1.0), bottom - TOP), Some(&title));
        }
    }
    let mut y = TOP;
    for row in &plan {
        draw(&mut canvas, row, &axis, y);
        y += ROW;
    }
    for row in &machines {
        if rows.grouped {
            canvas.line("rule", (0.0, y), (WIDTH, y));
            canvas.label("", (8.0, y + CROWD / 2.0 + 4.0), LEFT - 16.0, &row.label);
            crowd::crowd(&mut canvas, row, &axis, (y + 4.0, CROWD - 8.0), (LEFT, width));
            marks(&mut canvas, row, &axis, y + CROWD - 9.0);
        } else {
            draw(&mut canvas, row, &axis, y);
        }
        y += height_of;
    }
    canvas.line("rule", (0.0, bottom), (WIDTH, bottom));
    outage(&mut canvas, timeline, &axis, window, rto_s, bottom);
    legend(&mut canvas, bottom + 28.0, rows.grouped);
    let name = timeline.begin.as_ref().map_or("the plan", |begin| begin.plan.as_str());
    let (id, title) = match window {
        Window::Whole => ("fb-run", format!("Run of {name}, {from:.0} to {to:.0}")),
        Window::Outage => ("fb-outage", format!("{name}: from the first failover to the last verification")),
    };
    let heading = match window {
        Window::Whole => format!("The whole run: {}", Seconds(timeline.took_s)),
        Window::Outage => "From the first failover to the last verification".to_owned(),
    };
    canvas.text("h", (8.0, 18.0), &heading);
    canvas.text("s e", (WIDTH - RIGHT, 18.0), &format!("0 is {from:.0}"));
    Some(canvas.svg(id, (WIDTH, height), &title, &description(timeline)))
}

fn description(timeline: &Timeline) -> String {
    let phases: Vec<String> = timeline
        .phases
        .iter()
        .map(|phase| format!("{} {}", phase.phase.as_str(), Seconds(phase.took_s)))
        .collect();
    let rto = timeline.plan.rto_s.map(|rto| format!("; measured RTO {}", Seconds(rto))).unwrap_or_default();
    format!(
        "{} of {} machines, {} events. Phases: {}{rto}.",
        timeline.status,
        timeline.machines.len(),
        timeline.events,
        phases.join(", ")
    )
}

/// Puts down what marks a wait for a person.
fn pattern(canvas: &mut Canvas) {
    canvas.raw(
        "<defs><pattern id=\"fb-asked\" width=\"5\" height=\"5\" patternTransform=\"rotate(45)\" \
         patternUnits=\"userSpaceOnUse\"><path class=\"hatch\" d=\"M1 0V5\"/></pattern></defs>\n",
    );
}

fn draw(canvas: &mut Canvas, row: &Row, axis: &Axis, y: f64) {
    canvas.label("", (8.0, y + 13.0), LEFT - 16.0, &row.label);
    for (from, to) in &row.queued {
        if let Some((x, end)) = axis.span(*from, *to) {
            canvas.line("queue", (x, y + ROW / 2.0), (end, y + ROW / 2.0));
        }
    }
    for bar in &row.bars {
        let Some((x, end)) = axis.span(bar.from, bar.to) else { continue };
        let width = (end - x).max(1.5);
        let class = match (bar.asked, bar.waits) {
            (true, _) => "asked".to_owned(),
            (false, true) => format!("{} wait", bar.phase.as_str()),
            (false, false) => bar.phase.as_str().to_owned(),
        };
        canvas.rect(&class, (x, y + 4.0), (width, BAR), Some(&bar.title));
        if bar.critical {
            canvas.line("crit", (x, y + 15.5), (x + width, y + 15.5));
        }
    }
    marks(canvas, row, axis, y + 4.0);
}

fn marks(canvas: &mut Canvas, row: &Row, axis: &Axis, y: f64) {
    for (at, title) in row.faults.iter().take(40) {
        if let Some((x, _)) = axis.span(*at, *at) {
            let path = format!("M{:.1} {y:.1}l4 8h-8z", x);
            canvas.path("bad", &path, Some(title));
        }
    }
}

/// Marks what the RTO measures, and where the objective lies.
fn outage(
    canvas: &mut Canvas,
    timeline: &Timeline,
    axis: &Axis,
    window: Window,
    rto_s: Option<u64>,
    bottom: f64,
) {
    let Some(from) = timeline.plan.from else { return };
    let end = timeline.plan.to.or(timeline.last);
    if let (Some(rto), Some(to), Window::Whole) = (timeline.plan.rto_s, timeline.plan.to, window) {
        let (x, end) = (axis.x(from), axis.x(to));
        canvas.path("rto", &format!("M{x:.1} {0:.1}v-6H{end:.1}v6", TOP - 2.0), None);
        let text = format!("RTO {}", Seconds(rto));
        let (class, x) = if x > WIDTH - 160.0 { ("e", end) } else { ("", x) };
        canvas.text(class, (x, 30.0), &text);
    }
    let objective = rto_s.and_then(|rto| {
        let rto = jiff::SignedDuration::from_secs(i64::try_from(rto).ok()?);
        from.checked_add(rto).ok()
    });
    if let (Some(at), Some(end)) = (objective, end)
        && at <= end
        && let Some((x, _)) = axis.span(at, at)
    {
        canvas.line("late", (x, TOP - 8.0), (x, bottom));
        canvas.text("", (x + 3.0, bottom + 12.0), &format!("objective {}", Seconds(rto_s.unwrap_or(0))));
    }
}

fn legend(canvas: &mut Canvas, y: f64, grouped: bool) {
    let mut x = 8.0;
    for phase in PHASES {
        if phase != Phase::Approvals {
            canvas.rect(phase.as_str(), (x, y - 9.0), (10.0, BAR), None);
        } else if grouped {
            canvas.rect("approvals", (x, y - 9.0), (10.0, BAR), None);
        } else {
            canvas.rect("asked", (x, y - 9.0), (10.0, BAR), None);
        }
        let word = if phase == Phase::Approvals { "a person is asked" } else { phase.as_str() };
        canvas.text("s", (x + 14.0, y), word);
        x += 26.0 + word.len() as f64 * 6.4;
    }
    if grouped {
        canvas.text("s", (x, y), "height: share of the machines in the phase");
    } else {
        canvas.rect("reprotect wait", (x, y - 9.0), (10.0, BAR), None);
        canvas.text("s", (x + 14.0, y), "pale: waits");
        canvas.line("crit", (x + 86.0, y - 3.0), (x + 104.0, y - 3.0));
        canvas.text("s", (x + 108.0, y), "critical path");
    }
    canvas.path("bad", &format!("M{:.1} {:.1}l4 8h-8z", WIDTH - 62.0, y - 9.0), None);
    canvas.text("s", (WIDTH - 54.0, y), "failure");
}
