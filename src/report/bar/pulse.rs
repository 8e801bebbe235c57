//! How often the display is worked out: as often as the run asks, but not more often than anybody can see for long.
//!
//! A run on a clock that jumps makes thousands of ticks a second, each of which changes what is shown; a run in real time makes
//! a few, the last of which stands for half a minute. So ticks draw on an allowance that time fills up. The display
//! library's own thread keeps that time.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use indicatif::MultiProgress;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;

/// How often the terminal is drawn at least, so that what the draw rate held back is seen soon.
const BEAT: Duration = Duration::from_millis(200);

/// Looks that a burst of ticks may cost: as many answers as may well come at once from a large site.
const BURST: usize = 500;

/// Looks that each beat allows; more than a terminal is drawn in that time.
const REFILL: usize = 20;

/// A bar without a line, which beats.
#[derive(Debug)]
pub(super) struct Pulse {
    bar: ProgressBar,
    allowance: Arc<AtomicUsize>,
}

impl Pulse {
    /// Returns a pulse that beats with these bars.
    pub fn of(bars: &MultiProgress) -> Self {
        let allowance = Arc::new(AtomicUsize::new(BURST));
        let filled = Arc::clone(&allowance);
        let style = ProgressStyle::with_template("{beat}").expect("the template is ours").with_key(
            "beat",
            move |_: &_, _: &mut dyn std::fmt::Write| {
                let refill = |left: usize| Some((left + REFILL).min(BURST));
                // The closure always gives a value, so the update can't fail.
                let _ = filled.fetch_update(Ordering::Relaxed, Ordering::Relaxed, refill);
            },
        );
        let bar = bars.add(ProgressBar::no_length().with_style(style));
        let pulse = Self { bar, allowance };
        pulse.beat(true);
        pulse
    }

    /// Begins or ends to beat.
    pub fn beat(&self, on: bool) {
        if on {
            self.bar.enable_steady_tick(BEAT);
        } else {
            self.bar.disable_steady_tick();
        }
    }

    /// Returns whether the display may be worked out once more.
    pub fn allows(&self) -> bool {
        let take = |left: usize| left.checked_sub(1);
        self.allowance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}
