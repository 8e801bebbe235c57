//! Rules about what is observed while a plan runs (FB700–FB739).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
