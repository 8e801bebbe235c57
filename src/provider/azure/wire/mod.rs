//! What Azure says, read with forbearance: keys, kinds and words that are not known are passed over, and a value of another
//! shape than expected is as if it were not there.

pub(super) mod around;
pub(super) mod fabric;
pub(super) mod item;
pub(super) mod job;
pub(super) mod network;
pub(super) mod page;
pub(super) mod plan;
pub(super) mod scalar;
