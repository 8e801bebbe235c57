//! What was seen of a site at one moment.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::id::MachineName;
use crate::id::OperationId;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::PointKind;

/// How fresh an observation has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Everything is read after the question: something is begun, or settled, by what is seen.
    Now,
    /// What lists tell of these machines is read after the question, and what only a look at each of them tells may be older: the
    /// states that they are in decide, and nothing is begun.
    Listed,
    /// What a shared look showed lately will do, if it began after the last operation on these machines did, or was seen to end
    /// where something else may follow at once: a step only waits.
    Lately,
}

/// An operation that the service offers for a replicated item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Reprotect, in the direction that follows from the item's state.
    Reprotect,
    /// The failover from Azure.
    FailoverToOnprem,
    /// The commit of whatever failover is pending.
    Commit,
    /// Taking back a planned failover.
    CancelFailover,
    /// Anything else, in the service's words. `CompleteMigration` is among them, and is never asked for.
    Other(Cow<'static, str>),
}

/// How far the replication of an item is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    /// Part of the initial replication that is done, 0 to 1.
    pub done: f64,
    /// Bytes that are still to be sent.
    pub bytes_left: u64,
    /// When the site expects the item to be protected with a recovery point, if it can tell.
    pub expected_end: Option<Timestamp>,
}

/// The recovery point that a machine went to at its failover, as the site reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedPoint {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its consistency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<PointKind>,
    /// The moment that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What the service says about one replicated item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The machine.
    pub machine: MachineName,
    /// The service's word for its protection state.
    pub protection_state: String,
    /// What the service offers to do next.
    pub allowed: Vec<Operation>,
    /// The operation that runs on it.
    pub running: Option<OperationId>,
    /// The initial replication that runs.
    pub replication: Option<Replication>,
    /// The recovery point that it went to when it last failed over to on-premises; `None` before, and where the site does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_over_to: Option<ReachedPoint>,
}

/// What was seen of a site at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Observation {
    /// When.
    pub at: Timestamp,
    /// The facts: the machines that were asked about, and everything that serves machines.
    pub facts: Inventory,
    /// What the service says about those machines.
    pub items: Vec<Item>,
    /// Mark of the servers as they were seen, for [`Observe::observe_since`](crate::provider::Observe::observe_since);
    /// `None` of a site that keeps none.
    pub mark: Option<u64>,
    /// Whether `facts` leaves out the servers that have not changed since the mark that was asked with.
    pub changes: bool,
}

impl Observation {
    /// Returns what the service says about a machine.
    #[must_use]
    pub fn item(&self, machine: &MachineName) -> Option<&Item> {
        self.items.iter().find(|item| item.machine == *machine)
    }
}
