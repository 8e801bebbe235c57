//! The graph of a plan as a picture, with the state of a run if there is one.

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::StepId;
use crate::report::drawing::canvas::Canvas;
use crate::report::drawing::layout;
use crate::report::drawing::layout::Layout;
use crate::report::drawing::summed;
use crate::report::drawing::summed::Sum;
use crate::report::drawing::summed::Sums;

const LEFT: f64 = 128.0;
const TOP: f64 = 44.0;
const COLUMN: f64 = 136.0;
const NODE: f64 = 112.0;
const ROW: f64 = 32.0;
const BOX: f64 = 22.0;

/// What a graph is drawn with.
#[derive(Clone, Copy, Default)]
pub struct Colour<'c> {
    /// How each step stands, of a run.
    pub status: Option<&'c dyn Fn(StepIndex) -> StepStatus>,
    /// The steps that the end waits for.
    pub critical: &'c [StepId],
}

/// Returns the graph of a plan as SVG. Boxes with a red frame can't be taken back, those with slanted ends are persons' answers, dashed ones are done
/// already. Of a thousand steps and more, those of a kind and a wave count as one.
#[must_use]
pub fn graph(graph: &Graph, colour: Colour<'_>) -> String {
    if graph.steps().len() > summed::STEPS {
        return of_sums(graph, &summed::summed(graph), colour);
    }
    let layout = layout::layout(graph);
    let (width, height) =
        (LEFT + layout.columns as f64 * COLUMN + 16.0, TOP + layout.rows as f64 * ROW + 36.0);
    let mut canvas = Canvas::default();
    lanes(&mut canvas, &layout, width);
    let critical: Vec<StepIndex> = colour.critical.iter().filter_map(|id| graph.find(id)).collect();
    // A short cut between two steps of the path is not part of it.
    let spine: HashSet<(StepIndex, StepIndex)> = critical.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let place = |step: StepIndex| {
        let (column, row) = layout.places[step as usize];
        (LEFT + column as f64 * COLUMN, TOP + row as f64 * ROW + (ROW - BOX) / 2.0)
    };
    for step in (0..).take(graph.steps().len()) {
        for next in graph.after(step) {
            let is_spine = spine.contains(&(step, *next));
            edge(&mut canvas, place(step), place(*next), if is_spine { "spine" } else { "edge" });
        }
    }
    for step in (0..).take(graph.steps().len()) {
        node(&mut canvas, graph, step, place(step), colour);
    }
    legend(&mut canvas, height - 12.0, colour);
    finished(canvas, graph, (width, height))
}

fn finished(mut canvas: Canvas, graph: &Graph, size: (f64, f64)) -> String {
    let model = graph.model();
    let name = &model.plan.name.value;
    let count = graph.steps().len();
    let heading = format!("{name}: {} machines, {count} steps", model.machines().len());
    canvas.text("h", (8.0, 18.0), &heading);
    let points = graph
        .steps()
        .iter()
        .enumerate()
        .filter(|(at, _)| u32::try_from(*at).is_ok_and(|at| graph.is_irreversible(at)));
    let description = format!(
        "Steps from left to right in the order in which they may begin; a line leads from each to those that wait for it. {} of \
         them can't be taken back.",
        points.count()
    );
    canvas.svg("fb-graph", size, &format!("Steps of the plan {name}"), &description)
}

fn lanes(canvas: &mut Canvas, layout: &Layout, width: f64) {
    let mut before = None;
    let mut dark = false;
    for lane in &layout.lanes {
        // The lanes of a replication group have one ground.
        if lane.group.is_none() || lane.group != before {
            dark = !dark;
        }
        before = lane.group;
        let y = TOP + lane.first as f64 * ROW;
        if dark {
            canvas.rect("lane", (0.0, y), (width, lane.rows as f64 * ROW), None);
        }
        canvas.label("", (8.0, y + ROW / 2.0 + 4.0), LEFT - 20.0, &lane.label);
    }
}

fn edge(canvas: &mut Canvas, (x, y): (f64, f64), (to_x, to_y): (f64, f64), class: &str) {
    let (x, y, to_y) = (x + NODE, y + BOX / 2.0, to_y + BOX / 2.0);
    let path = if (y - to_y).abs() < 0.5 {
        format!("M{x:.0} {y:.0}H{to_x:.0}")
    } else {
        // It leaves and arrives level, so that a bundle of lines can be told apart at its ends.
        let bend = ((to_x - x) * 0.5).clamp(8.0, 60.0);
        format!("M{x:.0} {y:.0}C{:.0} {y:.0} {:.0} {to_y:.0} {to_x:.0} {to_y:.0}", x + bend, to_x - bend)
    };
    canvas.path(class, &path, None);
}

/// Returns the class of a state.
const fn class_of(status: StepStatus) -> &'static str {
    match status {
        StepStatus::Succeeded | StepStatus::Adopted => "done",
        StepStatus::Running => "runs",
        StepStatus::Asked => "asks",
        StepStatus::Failed => "fails",
        StepStatus::Blocked => "held",
        StepStatus::Skipped => "left",
        StepStatus::Waiting | StepStatus::Ready => "",
    }
}

fn node(canvas: &mut Canvas, graph: &Graph, index: StepIndex, (x, y): (f64, f64), colour: Colour<'_>) {
    let step = graph.step(index);
    let status = colour.status.map(|status| status(index));
    let mut class = "box".to_owned();
    if let Some(status) = status {
        class.push(' ');
        class.push_str(class_of(status));
    }
    if graph.is_irreversible(index) {
        class.push_str(" lost");
    }
    if step.adopted {
        class.push_str(" had");
    }
    let mut title = step.id.as_str().to_owned();
    if graph.is_irreversible(index) {
        title.push_str(", can't be taken back");
    }
    if graph.needs_approval(index) {
        title.push_str(", a person answers");
    }
    if let Some(status) = status {
        title.push_str(&format!(": {}", status.as_str()));
    }
    canvas.open(&title);
    shape(canvas, class.trim_end(), (x, y), graph.needs_approval(index));
    let label = match step.kind {
        StepKind::Action | StepKind::BootGroup => graph.subject_name(index),
        StepKind::Barrier => graph.subject_name(index) + " barrier",
        _ => step.kind.as_str().to_owned(),
    };
    canvas.label("m", (x + NODE / 2.0, y + 15.0), NODE - 10.0, &label);
    canvas.close();
}

fn shape(canvas: &mut Canvas, class: &str, (x, y): (f64, f64), is_answer: bool) {
    if is_answer {
        let path = format!(
            "M{x:.0} {0:.0}l8 -{1:.0}h{2:.0}l8 {1:.0}l-8 {1:.0}h-{2:.0}z",
            y + BOX / 2.0,
            BOX / 2.0,
            NODE - 16.0
        );
        canvas.path(class, &path, None);
    } else {
        canvas.round(class, (x, y), (NODE, BOX), 5.0);
    }
}

fn legend(canvas: &mut Canvas, y: f64, colour: Colour<'_>) {
    let mut x = 8.0;
    let mut entry = |class: &str, text: &str| {
        canvas.round(class, (x, y - 10.0), (16.0, 12.0), 3.0);
        canvas.text("s", (x + 21.0, y), text);
        x += 36.0 + text.len() as f64 * 6.3;
    };
    entry("box lost", "can't be taken back");
    entry("box had", "done already");
    if colour.status.is_some() {
        for (class, text) in [
            ("box done", "done"),
            ("box runs", "runs"),
            ("box asks", "a person is asked"),
            ("box fails", "failed"),
            ("box held", "blocked"),
        ] {
            entry(class, text);
        }
    }
    let left = x;
    canvas.path("box", &format!("M{left:.0} {:.0}l4 -6h8l4 6l-4 6h-8z", y - 4.0), None);
    canvas.text("s", (left + 21.0, y), "a person answers");
    if !colour.critical.is_empty() {
        canvas.line("spine", (left + 130.0, y - 4.0), (left + 150.0, y - 4.0));
        canvas.text("s", (left + 155.0, y), "critical path");
    }
}

/// Returns how many steps of a sum stand how.
fn counts(sum: &Sum, colour: Colour<'_>) -> Option<BTreeMap<&'static str, usize>> {
    let status = colour.status?;
    let mut counts = BTreeMap::new();
    for step in &sum.steps {
        *counts.entry(status(*step).as_str()).or_default() += 1;
    }
    Some(counts)
}

fn of_sums(graph: &Graph, sums: &Sums, colour: Colour<'_>) -> String {
    let mut kinds: Vec<StepKind> = sums.nodes.iter().map(|node| node.kind).collect();
    let level = |kind: StepKind| {
        let levels = graph.steps().iter().filter(|step| step.kind == kind).map(|step| step.level);
        levels.min().unwrap_or(0)
    };
    kinds.sort_unstable();
    kinds.dedup();
    kinds.sort_by_key(|kind| level(*kind));
    let waves = graph.waves().count;
    let mut used: BTreeMap<(usize, u16), usize> = BTreeMap::new();
    let mut places = Vec::with_capacity(sums.nodes.len());
    for node in &sums.nodes {
        let column = kinds.iter().position(|kind| *kind == node.kind).unwrap_or(0);
        let row = used.entry((column, node.wave)).or_default();
        places.push((column, node.wave, *row));
        *row += 1;
    }
    let rows_of = |wave: u16| {
        used.iter().filter(|((_, of), _)| *of == wave).map(|(_, rows)| *rows).max().unwrap_or(1).max(1)
    };
    let lanes: Vec<(u16, usize)> = (0..=waves).map(|wave| (wave, rows_of(wave))).collect();
    let first =
        |wave: u16| -> usize { lanes.iter().filter(|(of, _)| *of < wave).map(|(_, rows)| *rows).sum() };
    let total: usize = lanes.iter().map(|(_, rows)| *rows).sum();
    const TALL: f64 = 46.0;
    let (width, height) = (LEFT + kinds.len() as f64 * COLUMN + 16.0, TOP + total as f64 * TALL + 36.0);
    let mut canvas = Canvas::default();
    for (wave, rows) in &lanes {
        let y = TOP + first(*wave) as f64 * TALL;
        if wave % 2 == 0 {
            canvas.rect("lane", (0.0, y), (width, *rows as f64 * TALL), None);
        }
        let machines = graph.waves().of_machine.iter().filter(|of| **of == *wave).count();
        let label = if *wave == 0 { "plan".to_owned() } else { format!("wave {wave} ({machines})") };
        canvas.label("", (8.0, y + TALL / 2.0 + 4.0), LEFT - 16.0, &label);
    }
    let place = |node: usize| {
        let (column, wave, row) = places[node];
        (LEFT + column as f64 * COLUMN, TOP + (first(wave) + row) as f64 * TALL + (TALL - BOX) / 2.0)
    };
    for (from, to) in sums.edges.keys() {
        let (one, next) = (place(*from), place(*to));
        // A line back says that some of a kind wait for others of a later kind, machine by machine.
        if one.0 < next.0 {
            edge(&mut canvas, one, next, "edge");
        }
    }
    for (at, sum) in sums.nodes.iter().enumerate() {
        draw_sum(&mut canvas, graph, sum, place(at), colour);
    }
    legend(&mut canvas, height - 12.0, Colour { critical: &[], ..colour });
    finished(canvas, graph, (width, height))
}

fn draw_sum(canvas: &mut Canvas, graph: &Graph, sum: &Sum, (x, y): (f64, f64), colour: Colour<'_>) {
    let counts = counts(sum, colour);
    let mut class = "box".to_owned();
    if let Some(counts) = &counts {
        // What needs a look comes before what is well.
        let worst =
            ["failed", "asked", "running", "blocked"].into_iter().find(|word| counts.contains_key(word));
        class.push_str(match worst {
            Some("failed") => " fails",
            Some("asked") => " asks",
            Some("running") => " runs",
            Some(_) => " held",
            None if counts.keys().all(|word| matches!(*word, "succeeded" | "adopted" | "skipped")) => " done",
            None => "",
        });
    }
    let first = sum.steps.first().copied();
    if first.is_some_and(|step| graph.is_irreversible(step)) {
        class.push_str(" lost");
    }
    let told = counts.map(|counts| {
        counts.into_iter().map(|(word, count)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    });
    let title = told.as_ref().map_or_else(|| sum.text(), |told| format!("{}: {told}", sum.text()));
    canvas.open(&title);
    shape(canvas, &class, (x, y), first.is_some_and(|step| graph.needs_approval(step)));
    canvas.label("m", (x + NODE / 2.0, y + 15.0), NODE - 8.0, &sum.text());
    if let Some(told) = told {
        canvas.label("s m", (x + NODE / 2.0, y + 33.0), COLUMN - 8.0, &told);
    }
    canvas.close();
}
