//! Rules about failback into a new virtual machine (FB120–FB139).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
