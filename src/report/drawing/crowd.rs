//! A row that stands for many machines: how many of them are in which phase, along the time.

use crate::report::drawing::axis::Axis;
use crate::report::drawing::canvas::Canvas;
use crate::report::drawing::row::Row;
use crate::report::phase::PHASES;
use crate::report::phase::Phase;

/// Pieces into which the time is cut.
const PIECES: usize = 160;

/// Draws the share of a row's machines that is in each phase, one area upon the other.
pub(super) fn crowd(
    canvas: &mut Canvas,
    row: &Row,
    axis: &Axis,
    (top, height): (f64, f64),
    (left, width): (f64, f64),
) {
    let piece = width / PIECES as f64;
    let mut busy: Vec<[f64; PHASES.len()]> = vec![[0.0; PHASES.len()]; PIECES];
    for bar in &row.bars {
        let Some((from, to)) = axis.span(bar.from, bar.to) else { continue };
        for (at, counts) in busy.iter_mut().enumerate() {
            let begin = left + at as f64 * piece;
            let part = (to.min(begin + piece) - from.max(begin)).max(0.0) / piece;
            counts[bar.phase as usize] += part;
        }
    }
    let scale = height / row.machines.max(1) as f64;
    let mut base = vec![top + height; PIECES];
    for phase in PHASES {
        if busy.iter().all(|counts| counts[phase as usize] < 0.01) {
            continue;
        }
        let mut path = String::new();
        let mut back = String::new();
        for (at, counts) in busy.iter().enumerate() {
            let (x, end) = (left + at as f64 * piece, left + (at + 1) as f64 * piece);
            let upper = (base[at] - counts[phase as usize] * scale).max(top);
            path.push_str(&format!("{}{x:.1} {upper:.1}H{end:.1}", if at == 0 { "M" } else { "L" }));
            back.insert_str(0, &format!("L{end:.1} {0:.1}H{x:.1}", base[at]));
            base[at] = upper;
        }
        canvas.path(phase.as_str(), &format!("{path}{back}Z"), Some(&title(row, phase)));
    }
}

fn title(row: &Row, phase: Phase) -> String {
    format!("{}: machines in phase {}", row.label, phase.as_str())
}
