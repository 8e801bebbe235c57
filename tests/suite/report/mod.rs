//! How a run is shown: lines, JSON lines, bars, the time that is left, and the summary.

mod bars;
mod left;
mod lines;
mod play;
mod told;
