//! Figures for Prometheus, in its text format.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;

use crate::web::app::App;
use crate::web::error::Problem;

/// What is counted as it happens.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Answers by the first digit of their status.
    answers: [AtomicU64; 5],
    refused_logins: AtomicU64,
    orders: AtomicU64,
    /// Settings that were read again: refused, taken over.
    settings: [AtomicU64; 2],
    /// Whether the last that were read are not those that hold.
    outdated: AtomicBool,
}

impl Metrics {
    pub fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5);
        self.answers[class - 1].fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused_login(&self) {
        self.refused_logins.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read_settings(&self, taken: bool) {
        self.settings[usize::from(taken)].fetch_add(1, Ordering::Relaxed);
        self.outdated.store(!taken, Ordering::Relaxed);
    }

    pub fn sent_order(&self) {
        self.orders.fetch_add(1, Ordering::Relaxed);
    }
}

/// Returns the figures.
pub(super) async fn show(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let (runs, plans) = app.ask(|desk| (desk.runs(), desk.plans())).await?;
    let mut text = Text::default();
    let metrics = &app.metrics;
    text.family("failback_http_responses_total", "counter", "Answers by class of their status.");
    for (class, count) in (1..).zip(&metrics.answers) {
        let count = count.load(Ordering::Relaxed);
        text.sample("failback_http_responses_total", &[("class", &format!("{class}xx"))], count);
    }
    let refused = metrics.refused_logins.load(Ordering::Relaxed);
    text.family("failback_refused_logins_total", "counter", "Tokens that were nobody's.");
    text.sample("failback_refused_logins_total", &[], refused);
    text.family("failback_orders_total", "counter", "Orders that were put into an inbox.");
    text.sample("failback_orders_total", &[], metrics.orders.load(Ordering::Relaxed));
    text.family("failback_settings_reads_total", "counter", "Settings that changed and were read again.");
    for (result, count) in ["refused", "taken"].into_iter().zip(&metrics.settings) {
        let count = count.load(Ordering::Relaxed);
        text.sample("failback_settings_reads_total", &[("result", result)], count);
    }
    let outdated = u8::from(metrics.outdated.load(Ordering::Relaxed));
    text.family(
        "failback_settings_outdated",
        "gauge",
        "1 while the settings on disk were refused, and older ones hold.",
    );
    text.sample("failback_settings_outdated", &[], outdated);
    text.family("failback_sessions", "gauge", "Sessions that last.");
    text.sample("failback_sessions", &[], app.sessions.count(app.now()));
    text.family("failback_watchers", "gauge", "Clients that watch a run.");
    text.sample("failback_watchers", &[], app.hub.watchers());
    of_runs(&mut text, &runs?);
    text.family("failback_plan_findings", "gauge", "Findings of a plan by their weight.");
    for plan in &plans {
        let counts = plan.findings;
        let weights = [
            ("error", counts.errors),
            ("warning", counts.warnings),
            ("info", counts.infos),
            ("indeterminate", counts.indeterminate),
        ];
        for (weight, count) in weights {
            text.sample("failback_plan_findings", &[("plan", &plan.key), ("weight", weight)], count);
        }
    }
    text.family("failback_plan_coverage_ratio", "gauge", "Part of a plan that drills exercised lately.");
    for plan in &plans {
        if let Some(coverage) = plan.coverage {
            text.sample("failback_plan_coverage_ratio", &[("plan", &plan.key)], coverage);
        }
    }
    text.family("failback_build_info", "gauge", "The version of the program.");
    text.sample("failback_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text.0).into_response())
}

fn of_runs(text: &mut Text, runs: &Value) {
    let states = ["running", "interrupted", "succeeded", "failed", "cancelled", "broken"];
    let of = |state: &str| {
        let runs = runs["runs"].as_array().map_or(&[][..], Vec::as_slice);
        runs.iter().filter(|run| run["state"] == state).count()
    };
    text.family("failback_runs", "gauge", "Runs that are kept, by state.");
    for state in states {
        text.sample("failback_runs", &[("state", state)], of(state));
    }
}

/// The text format, version 0.0.4.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{text}\"", if at == 0 { "{" } else { "," });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents_stay_inside_their_label() {
        let mut text = Text::default();
        text.family("a_total", "counter", "What.");
        text.sample("a_total", &[("plan", "x\"} 1\n\\"), ("b", "c")], 2);
        text.sample("b", &[], 0.5);
        assert_eq!(
            text.0,
            "# HELP a_total What.\n# TYPE a_total counter\na_total{plan=\"x\\\"} 1\\n\\\\\",b=\"c\"} 2\nb 0.5\n"
        );
    }
}
