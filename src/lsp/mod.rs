//! A language server for plans, inventories and policies: findings as one types, and what may be written where.
//!
//! [`Workspace`] is all of it but the wire: pure and synchronous. [`serve`] speaks the protocol over a pair of streams.

mod action;
mod around;
mod check;
mod complete;
mod cursor;
mod define;
mod facts;
mod finding;
mod ground;
mod hover;
mod language;
mod name;
mod neighbour;
mod page;
mod problem;
mod rule;
mod server;
mod sketch;
mod summary;
mod symbol;
mod text;
mod transport;
mod uri;
mod workspace;

pub use server::Ended;
pub use server::serve;
pub use text::Encoding;
pub use workspace::Settings;
pub use workspace::Workspace;
