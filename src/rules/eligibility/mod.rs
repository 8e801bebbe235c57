//! Rules about whether a machine can be failed back at all (FB001–FB029).

pub(crate) mod migration_completed;

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[&migration_completed::RULE];
