//! The lines of a bundle: one JSON object each.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::evidence::figures::Figures;
use crate::journal::RunRecord;

/// The word by which a bundle is known.
pub const FORMAT: &str = "failback-evidence";
/// The version of bundles that this program writes and reads.
pub const VERSION: u8 = 1;

/// What a text of a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The plan that the run executed.
    Plan,
    /// Its inventory.
    Inventory,
    /// A policy of its organisation.
    Policy,
}

/// A text that a run kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What it is.
    pub role: Role,
    /// Name of its file in the run's folder.
    pub name: String,
    /// `sha256:` and its digest.
    pub digest: String,
    /// The text.
    pub text: String,
}

/// The first line: what the bundle is, and of which run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: String,
    /// Version of the format.
    pub version: u8,
    /// Version of the program that wrote it.
    pub program: String,
    /// When it was written.
    pub exported_at: Timestamp,
    /// The run's entry, of which the head of its chain is made.
    pub record: RunRecord,
}

/// The last line: without it, the bundle was cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// How many lines come before it.
    pub lines: usize,
    /// How many of them are events.
    pub events: u64,
    /// The hash of the last event; of the run's entry, if there is none.
    pub head: String,
    /// `sha256:` and the digest of everything before it.
    pub digest: String,
}

/// A line of a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// What the bundle is.
    Manifest(Box<Manifest>),
    /// A text that the run executed.
    Text(Text),
    /// Facts that a guard judged.
    Facts {
        /// `sha256:` and the digest of the body.
        digest: String,
        /// The facts, as JSON.
        body: String,
    },
    /// An event.
    Event {
        /// Its hash in the chain.
        hash: String,
        /// The event as it is stored, as JSON.
        event: String,
    },
    /// What follows from the events.
    Figures(Box<Figures>),
    /// The end.
    End(End),
}

impl Line {
    /// Returns the line as it is written, without its end.
    ///
    /// # Panics
    ///
    /// If it has no JSON form, which every line has.
    #[must_use]
    pub fn written(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and times have a JSON form")
    }
}
