//! Rules about failback into the original virtual machine (FB100–FB119).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
