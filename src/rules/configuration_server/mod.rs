//! Rules about the configuration server and vCenters (FB300–FB339).

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[];
