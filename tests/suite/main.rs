//! Tests of the whole library; one binary, one module a subject.

mod layers;
mod rules;
mod yaml;
