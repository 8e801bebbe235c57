//! Rules of the modernized architecture (FB800–FB839).

pub(crate) mod agent_registration_after_failover;

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[&agent_registration_after_failover::RULE];
