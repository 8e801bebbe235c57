//! A bar that counts: so many of so many are done.

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

/// Counts what is done, at the terminal of standard error. Threads may share it.
#[derive(Debug)]
pub struct Count {
    bar: ProgressBar,
}

impl Count {
    /// Returns a count of `all`, shown if `is_shown`.
    #[must_use]
    pub fn of(all: usize, what: &'static str, is_shown: bool) -> Self {
        let bar = ProgressBar::new(all as u64);
        bar.set_draw_target(if is_shown {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        });
        let style = ProgressStyle::with_template("{msg} {bar:24} {pos}/{len}  {elapsed} of about {duration}");
        bar.set_style(style.expect("the template is one of ours").progress_chars("━╸─"));
        bar.set_message(what);
        Self { bar }
    }

    /// Counts one more.
    pub fn one(&self) {
        self.bar.inc(1);
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_counted_whether_it_is_shown_or_not() {
        let count = Count::of(3, "runs", false);
        count.one();
        count.one();
        assert_eq!(count.bar.position(), 2);
        assert_eq!(count.bar.length(), Some(3));
        count.end();
        assert!(count.bar.is_finished());
    }
}
