//! Rules about the network and process servers (FB400–FB429).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
