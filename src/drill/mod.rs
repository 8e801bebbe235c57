//! Exercises of plans: when they are due, what they do, and what they show.

pub mod calendar;
pub mod checkout;
pub mod coverage;
pub mod due;
pub mod elsewhere;
pub mod launch;
pub mod listing;
pub mod notice;
pub mod plans;
pub mod readiness;
pub mod service;
pub mod taken_back;
pub mod timetable;
