//! Tests of the whole library; one binary, one module a subject.

mod cli_check;
mod cli_front;
mod cli_plan;
mod docs;
mod documents;
mod estate;
mod forecast;
mod graph;
mod hooks;
mod layers;
mod plans;
mod render;
mod report;
mod rules;
mod run;
mod schema;
mod support;
mod validator;
mod yaml;
