//! Names of things, one type for each kind: a step is never taken for a run.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

/// A map from names, for those that are looked up at every turn: its hash is fast, and seeded anew by each process.
pub type IdMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A set of names, likewise.
pub type IdSet<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;

/// Writes a number behind a text. Names of jobs, points and attempts are put together at every step of a run, where the formatter
/// would take most of the time.
pub(crate) fn push_number(text: &mut String, number: u64) {
    const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
    let (mut digits, mut count, mut left) = ([0_u8; 20], 0, number);
    loop {
        digits[count] = u8::try_from(left % 10).expect("a digit");
        count += 1;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    text.extend(digits[..count].iter().rev().map(|digit| DIGITS[usize::from(*digit)]));
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_it_is_formatted() {
        for number in [0, 7, 10, 99, 100, 1_764_000_000, u64::MAX] {
            let mut text = "job-".to_owned();
            push_number(&mut text, number);
            assert_eq!(text, format!("job-{number}"));
        }
    }
}
