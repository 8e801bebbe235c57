//! `failback` brings machines home from Azure: it checks, plans, rehearses and runs recovery plans kept in git.
//!
//! Data flows one way, and a module knows only what is left of it:
//!
//! ```text
//! text ─► syntax ─► model ─► rules ─► graph ─► forecast ─► run ─► journal · report
//! ```

pub mod cli;
pub mod clock;
pub mod diagnostic;
pub mod escape;
pub mod event;
pub mod forecast;
pub mod graph;
pub mod id;
pub mod journal;
pub mod model;
pub mod provider;
pub mod quantity;
pub mod render;
pub mod report;
pub mod rules;
pub mod run;
pub mod source;
pub mod syntax;
