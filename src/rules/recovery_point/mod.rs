//! Rules about the choice of recovery points (FB600–FB619).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
