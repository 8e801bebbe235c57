//! Names of things, one type for each kind: a step is never taken for a run.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

/// A map from names, for those that are looked up at every turn: its hash is fast, and seeded anew by each process.
pub type IdMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

macro_rules! ids {
    ($( $(#[doc = $doc:literal])* $name:ident ),* $(,)?) => { $(
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the name `text`.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )* };
}

ids! {
    /// A machine, by the name that plan and inventory give it.
    MachineName,
    /// A step of a plan: `failover/erp-db`.
    StepId,
    /// A run.
    RunId,
    /// An exercise of a plan.
    DrillId,
    /// An operation that a site has taken on: the id of a job.
    OperationId,
    /// What an intent is called before it is sent, so that it is found again and never sent twice.
    IdempotencyKey,
}
