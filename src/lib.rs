//! `failback` brings machines home from Azure: it checks, plans, rehearses and runs recovery plans kept in git.
//!
//! Data flows one way, and a module knows only what is left of it:
//!
//! ```text
//! text ─► syntax ─► model ─► rules ─► graph ─► forecast ─► run ─► journal · report
//!                                                   ▲ │
//!                                            observe│ │act
//!                                                   └─▼ provider
//! ```
//!
//! - [`source`], [`diagnostic`], [`id`], [`quantity`], [`clock`], [`escape`], [`signature`]: words that everything else is said in
//! - [`syntax`]: document text into typed documents with spans, and their JSON Schemas
//! - [`model`]: a plan and its facts, every name bound, defaults merged
//! - [`rules`]: what Azure Site Recovery refuses, refused before it is asked
//! - [`graph`]: a checked plan as steps and what each waits for
//! - [`forecast`]: how long that takes, and why
//! - [`provider`]: what may be asked of a site, and the emulated one
//! - [`event`]: what a run says, and the state that follows from it
//! - [`run`]: the executor
//! - [`journal`]: the record of runs on disk
//! - [`report`], [`render`]: runs and findings, shown to people and machines
//! - [`evidence`]: what a run leaves, in a file that anyone can check
//! - [`trace`]: runs as traces for OpenTelemetry
//! - [`import`]: a vault's contents into plans
//! - `lsp`: findings and documentation in an editor
//! - [`web`]: the dashboard
//! - [`cli`]: the command line

pub mod cli;
pub mod clock;
pub mod diagnostic;
pub mod drill;
pub mod escape;
pub mod event;
pub mod evidence;
pub mod forecast;
pub mod graph;
pub mod id;
pub mod import;
pub mod journal;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod model;
pub mod provider;
pub mod quantity;
pub mod render;
pub mod report;
pub mod rules;
pub mod run;
pub mod secret;
pub mod signature;
pub mod source;
pub mod syntax;
pub mod trace;
pub mod web;
