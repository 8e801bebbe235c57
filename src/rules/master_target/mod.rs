//! Rules about master targets of the classic architecture (FB200–FB229).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
