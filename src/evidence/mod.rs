//! Evidence: what a run leaves, in one file that anyone can check without the site, the database or the network.
//!
//! A bundle holds the run's entry and its events with their chain, the texts that it executed, the facts that its guards
//! judged, and the figures that follow. [`check::verify`] takes nobody's word for any of it: it compiles the plan again,
//! follows the events, judges every guard again, and works the figures out anew.

pub mod bundle;
pub mod check;
pub mod documents;
pub mod figures;
pub mod line;
pub mod signature;

pub use bundle::Bundle;
pub use check::Ask;
pub use check::Verdict;
pub use check::verify;
