//! The real site, or one that looks like it: which vault and vCenters are meant, and how they are reached.

mod args;
mod connect;
mod consent;
mod fence;
mod read_only;
mod secret;

pub use args::VaultArgs;
pub(crate) use connect::Connected;
pub(crate) use connect::reach;
pub(crate) use consent::consent;
pub(crate) use fence::fenced;
pub(crate) use read_only::ReadOnly;
pub(crate) use secret::variable_of;
