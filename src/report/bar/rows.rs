//! The bars of machines, and how many more run.

use indicatif::MultiProgress;
use indicatif::ProgressBar;

use crate::report::bar::row::Row;
use crate::report::bar::style;

/// Bars of machines, used again and again: ending a bar draws all of them.
#[derive(Debug)]
pub(super) struct Rows {
    bars: MultiProgress,
    slots: Vec<(ProgressBar, Row)>,
    /// Says how many more run.
    more: (ProgressBar, Row),
    name_width: usize,
}

impl Rows {
    /// Returns no rows yet, below the bars that are there.
    pub fn below(bars: &MultiProgress, name_width: usize) -> Self {
        let more = bars.add(ProgressBar::no_length().with_style(style("{msg}")));
        Self { bars: bars.clone(), slots: Vec::new(), more: (more, Row::default()), name_width }
    }

    /// Shows some rows, and how many more there are.
    pub fn show(&mut self, rows: &[Row], more: usize) {
        while self.slots.len() < rows.len() {
            let bar = ProgressBar::no_length().with_style(style("{msg}"));
            self.slots.push((self.bars.insert_before(&self.more.0, bar), Row::default()));
        }
        let template = format!("  {{prefix:{}!}} {{wide_msg}}", self.name_width);
        let empty = Row::default();
        for (at, (bar, row)) in self.slots.iter_mut().enumerate() {
            let wanted = rows.get(at).unwrap_or(&empty);
            if row == wanted {
                continue;
            }
            if (*row == empty) != (*wanted == empty) {
                // A line without text would still be a line.
                bar.set_style(style(if *wanted == empty { "{msg}" } else { &template }));
            }
            row.clone_from(wanted);
            let named = bar.clone().with_prefix(row.name.clone());
            named.set_message(row.text.clone());
        }
        let text = if more == 0 { String::new() } else { format!("  … and {more} more running") };
        if self.more.1.text != text {
            self.more.0.set_style(style(if text.is_empty() { "{msg}" } else { "{wide_msg}" }));
            self.more.0.set_message(text.clone());
            self.more.1.text = text;
        }
    }

    /// Takes each away for good.
    pub fn take_down(&self) {
        for bar in [&self.more.0].into_iter().chain(self.slots.iter().map(|(bar, _)| bar)) {
            self.bars.remove(bar);
        }
    }
}
