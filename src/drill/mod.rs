//! Exercises of plans: when they are due, what they do, and what they show.

pub mod coverage;
pub mod readiness;
pub mod taken_back;
