//! The dashboard of `failback serve`: pages, a JSON API, live updates of runs, and who may see and order what.
//!
//! It never drives a run: it reads the journal and puts letters into inboxes, as `approve` and `cancel` do. What it needs of
//! documents (a kept run opened again, plans checked, drills started) comes through [`Desk`].

mod access;
mod api;
mod app;
mod assets;
mod desk;
mod error;
mod guard;
mod headers;
mod input;
mod metrics;
mod openapi;
mod orders;
mod pages;
mod patience;
mod routes;
mod server;
mod stream;
mod watch;
mod words;

pub use access::User;
pub use access::UserError;
pub use app::App;
pub use app::Settings;
pub use desk::Desk;
pub use desk::FindingCounts;
pub use desk::Kept;
pub use desk::NewDrill;
pub use desk::PlanDetail;
pub use desk::PlanRow;
pub use desk::Refusal;
pub use desk::RefusalKind;
pub use server::ServeError;
pub use server::Tls;
pub use server::serve;
pub use words::Language;
