//! Rules about the connection to the site and about process servers (FB400–FB429).

pub(crate) mod process_server_missing;

use crate::rules::Rule;

/// The rules of this family, in the order of their ids.
pub(crate) static RULES: &[&Rule] = &[&process_server_missing::RULE];
