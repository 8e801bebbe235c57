//! A recovery plan of Site Recovery as it stands in a vault, whoever made it.

use crate::id::MachineName;

/// A recovery plan of Site Recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPlan {
    /// Its name.
    pub name: String,
    /// Its groups of machines that start together, in their order.
    pub groups: Vec<SeenGroup>,
    /// What runs before the machines of all groups are shut down, and after; in the order of the plan.
    pub shutdown: Vec<SeenAction>,
    /// What runs before all machines fail over, and after; in the order of the plan.
    pub failover: Vec<SeenAction>,
}

/// A group of machines that start together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenGroup {
    /// Its machines; what is no machine of VMware or a physical server is not among them.
    pub machines: Vec<MachineName>,
    /// Items that replicate in a way that this program does not handle, by their names.
    pub others: Vec<String>,
    /// What runs before them.
    pub before: Vec<SeenAction>,
    /// What runs after them.
    pub after: Vec<SeenAction>,
}

/// An action of a recovery plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAction {
    /// Its name.
    pub name: String,
    /// Kinds of failover that it runs in, in the service's words: `PlannedFailover`, `UnplannedFailover`, `TestFailover`.
    pub failover_types: Vec<String>,
    /// Directions that it runs in, in the service's words: `PrimaryToRecovery`, `RecoveryToPrimary`.
    pub directions: Vec<String>,
    /// What it does.
    pub deed: SeenDeed,
}

/// What an action of a recovery plan does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenDeed {
    /// It waits for a person.
    Manual {
        /// What the person is told.
        description: String,
    },
    /// It runs a runbook of Azure Automation.
    Runbook {
        /// Resource id of the runbook.
        id: String,
        /// How long it may take, as the service has it (`PT30M`).
        timeout: Option<String>,
        /// Whether it runs for the side that the machines leave or the one that they go to.
        location: Option<String>,
    },
    /// It runs a script on a server of the site.
    Script {
        /// Where the script lies.
        path: String,
    },
    /// Something else, in the service's words.
    Other(String),
}
