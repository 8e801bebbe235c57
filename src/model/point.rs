//! The kinds of recovery point that a plan may choose.

use crate::model::Fact;
use crate::model::Machine;
use crate::syntax::inventory::Experience;

/// The kind of recovery point that a machine goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PointChoice {
    /// Classic: the machine's own newest point, crash-consistent.
    Latest,
    /// Modernized: a crash-consistent point, made after the planned failover started.
    CrashConsistent,
    /// The newest app-consistent point: the machine's own, or the replication group's common one.
    AppConsistent,
}

impl PointChoice {
    /// Returns what a word means under an architecture; `None` if it is not offered there.
    ///
    /// Classic offers latest and app-consistent (site-recovery-failback-azure-to-vmware, 2017-06-05); modernized offers
    /// crash-consistent and app-consistent, and `latest` is taken as crash-consistent (failover-failback-overview-modernized).
    #[must_use]
    pub fn from_word(word: &str, experience: Experience) -> Option<Self> {
        match (word, experience) {
            ("app_consistent", _) => Some(Self::AppConsistent),
            ("latest", Experience::Classic) => Some(Self::Latest),
            ("latest" | "crash_consistent", Experience::Modernized) => Some(Self::CrashConsistent),
            _ => None,
        }
    }

    /// Returns the words that are offered under an architecture.
    #[must_use]
    pub const fn words(experience: Experience) -> &'static [&'static str] {
        match experience {
            Experience::Classic => &["latest", "app_consistent"],
            Experience::Modernized => &["crash_consistent", "app_consistent", "latest"],
        }
    }

    /// Returns the word that documents use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::CrashConsistent => "crash_consistent",
            Self::AppConsistent => "app_consistent",
        }
    }
}

impl Machine<'_> {
    /// Returns the kind of recovery point that the machine goes to; `None` if the plan names one that is not offered,
    /// which another rule reports.
    ///
    /// # Errors
    ///
    /// [`crate::model::Unknown`] if the architecture is not known.
    pub fn point_choice(self) -> Fact<Option<PointChoice>> {
        Ok(PointChoice::from_word(&self.settings().recovery_point.value, self.model.experience()?))
    }
}
