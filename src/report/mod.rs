//! How a run is shown while it goes on, and what is said of it at the end: bars, lines, or JSON.

pub mod assessment;
pub mod assumed;
mod bar;
pub mod csv;
pub mod document;
pub mod drawing;
pub mod drill;
pub mod eta;
pub mod html;
mod json_lines;
pub mod junit;
mod lines;
pub mod markdown;
mod noticing;
pub mod phase;
pub mod runbook;
mod summary;
mod tally;
mod text;
pub mod timeline;
mod ways;
mod whereabouts;

pub use bar::Bar;
pub use bar::Count;
pub use bar::Look;
pub use bar::Prompt;
pub use json_lines::JsonLines;
pub use lines::Lines;
pub use noticing::Lost;
pub use noticing::Noticing;
pub use summary::Approval;
pub use summary::Failure;
pub use summary::Summary;
pub use summary::summary;
pub use whereabouts::Place;
pub use whereabouts::places;
pub use whereabouts::whereabouts;

use jiff::Timestamp;

use crate::quantity::Seconds;

/// How much of a run is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Failures, approvals and the end.
    Quiet,
    /// What a person follows.
    #[default]
    Normal,
    /// Every event.
    Verbose,
}

/// Returns the whole seconds between two moments; none if they are out of order.
fn seconds_between(from: Timestamp, to: Timestamp) -> Seconds {
    Seconds(u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0))
}

/// Returns a length of time as precise as a person wants it: from an hour on, without its seconds.
fn short(time: Seconds) -> Seconds {
    if time.0 < 3600 { time } else { Seconds(time.0 - time.0 % 60) }
}

/// Returns names in a list that stays readable however many they are.
fn some_of<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    /// Names that a line has room for.
    const MOST: usize = 6;
    let more = names.len().saturating_sub(MOST);
    let listed: Vec<&str> = names.take(MOST).collect();
    let listed = listed.join(", ");
    if more == 0 { listed } else { format!("{listed} and {more} more") }
}
