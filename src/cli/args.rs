//! Flags that several commands share.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::pin::Pin;
use crate::model::restrict::Part;
use crate::quantity::Bytes;
use crate::quantity::Seconds;
use crate::rules::Options;
use crate::rules::OriginFilter;
use crate::syntax::file::DEFAULT_MAX_BYTES;

/// Which rules are evaluated.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Those that the article of 2017 states, and what keeps a plan consistent in itself
    Seed,
    /// All of them
    #[default]
    All,
}

/// Flags about how a plan is read and checked.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Plan options")]
pub struct PlanArgs {
    /// Take the facts from this inventory instead of the plan's own
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Evaluate the rules of this policy too (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// Measure dates at this moment (RFC 3339) instead of the clock's
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub now: Option<Timestamp>,
    /// Evaluate these rules: `seed` leaves out what only later articles state
    #[arg(long, value_name = "WHICH", value_enum, default_value_t)]
    pub origin: Origin,
    /// Refuse a plan whose rules can't be decided from plan and inventory
    #[arg(long)]
    pub strict: bool,
    /// Read files up to this size, such as `512 MiB`
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse, default_value_t = Bytes(DEFAULT_MAX_BYTES))]
    pub max_file_size: Bytes,
    /// Age from which on facts that services told count as unknown.
    #[arg(skip)]
    pub max_age: Option<Seconds>,
    /// An inventory that was observed just now, as text, with the name that it goes by; it counts instead of the plan's own.
    #[arg(skip)]
    pub observed: Option<Arc<(String, String)>>,
    /// Which part of the plan is meant; without it, the whole.
    #[arg(skip)]
    pub part: Option<Part>,
    /// Which plan is meant: another one is refused wherever it is read.
    #[arg(skip)]
    pub pin: Option<Pin>,
    /// Whether no policies count but those that are named, whatever lies around the plan.
    #[arg(skip)]
    pub alone: bool,
}

impl PlanArgs {
    /// Returns how plans are checked; `now` is the moment to take unless `--now` gives another.
    #[must_use]
    pub fn options(&self, now: Timestamp) -> Options {
        let origin = match self.origin {
            Origin::Seed => OriginFilter::Seed,
            Origin::All => OriginFilter::All,
        };
        Options { origin, strict: self.strict, now: self.now.unwrap_or(now) }
    }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write it as 2026-11-22T21:04:00Z (RFC 3339, with a zone offset)".to_owned())
}
