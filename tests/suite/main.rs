//! Tests of the whole library; one binary, one module a subject.

mod actions;
mod azure_client;
mod by_hand;
mod check_baseline;
mod check_formats;
mod check_hostile;
mod cli_check;
mod cli_front;
mod cli_inventory;
mod cli_orders;
mod cli_plan;
#[cfg(feature = "cel")]
mod cli_policy;
mod cli_run;
mod conflict;
mod consistency;
mod crash;
mod docs;
mod documents;
#[cfg(feature = "lsp")]
mod editor;
mod estate;
mod fix;
mod forecast;
mod fuzzed;
mod graph;
mod groups;
mod hooks;
mod import;
mod init;
mod journal;
mod killed;
mod lab;
mod layers;
#[cfg(feature = "lsp")]
mod lsp;
mod one_pass;
mod orders;
mod patience;
#[cfg(unix)]
mod pipelines;
mod plans;
#[cfg(feature = "cel")]
mod policy;
mod python_sdk;
mod pyvmomi;
mod recordings;
mod render;
mod report;
mod resumed;
mod revised;
mod rule_docs;
mod rules;
mod run;
mod schedule;
mod schema;
mod simulate;
mod simulation;
mod slots;
mod support;
mod terminal;
mod two_readings;
mod untrusted;
mod validator;
mod values;
mod vcenter_client;
mod vcenter_hostile;
mod vcsim;
mod verification;
mod waivers;
mod ways_on;
mod wire_arm;
mod wire_infra;
mod wire_lab;
mod worlds;
mod yaml;
