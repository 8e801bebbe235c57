//! Tests of the whole library; one binary, one module a subject.

mod actions;
mod cli_check;
mod cli_front;
mod cli_plan;
mod cli_run;
mod crash;
mod docs;
mod documents;
mod estate;
mod forecast;
mod graph;
mod hooks;
mod lab;
mod layers;
mod plans;
mod render;
mod report;
mod rules;
mod run;
mod schema;
mod simulation;
mod support;
mod validator;
mod worlds;
mod yaml;
