//! The pages of plans: their list, one with its steps, the findings of all.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::State;
use axum::response::Response;
use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;
use serde::Deserialize as _;

use crate::forecast::Assumed;
use crate::report;
use crate::web::app::App;
use crate::web::error::Problem;
use crate::web::pages::Visit;
use crate::web::pages::render;
use crate::web::words;

/// Steps of a plan, and findings, that a page shows.
const LISTED: usize = 1000;

pub(in crate::web) async fn list(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let plans = app.ask(|desk| desk.plans()).await?;
    let page = context! { plans => Value::from(Serde(&plans)) };
    render(&app, &visit, "plans.html", words::say(visit.language, "plans"), page)
}

pub(in crate::web) async fn one(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(key): Path<String>,
) -> Result<Response, Problem> {
    let detail = app.ask(move |desk| desk.plan(&key)).await??;
    let title = detail.row.name.clone();
    let plan = detail.plan.as_ref();
    let steps = plan.and_then(|plan| plan["steps"].as_array()).map_or(&[][..], Vec::as_slice);
    let found = detail.findings["findings"].as_array().map_or(&[][..], Vec::as_slice);
    let page = context! {
        row => Value::from(Serde(&detail.row)),
        digest => plan.map(|plan| Value::from(Serde(&plan["digest"]))),
        forecast => plan.map(|plan| Value::from(Serde(&plan["forecast"]))),
        assumed => plan.map(|plan| assumed(&plan["forecast"])).unwrap_or_default(),
        steps => Value::from(Serde(&steps[..steps.len().min(LISTED)])),
        steps_hidden => steps.len().saturating_sub(LISTED),
        steps_total => steps.len(),
        findings => Value::from(Serde(&found[..found.len().min(LISTED)])),
        findings_hidden => found.len().saturating_sub(LISTED),
    };
    render(&app, &visit, "plan.html", &title, page)
}

/// Returns what the forecast of a plan takes for granted.
fn assumed(forecast: &serde_json::Value) -> Vec<String> {
    let assumed = Assumed::deserialize(&forecast["assumed"]);
    assumed.map(|assumed| report::assumed::all(&assumed)).unwrap_or_default()
}

pub(in crate::web) async fn findings(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let details = app.ask(|desk| {
        let plans = desk.plans();
        plans.into_iter().filter_map(|row| desk.plan(&row.key).ok()).collect::<Vec<_>>()
    });
    let mut left = LISTED;
    let mut hidden = 0;
    let plans: Vec<Value> = details
        .await?
        .iter()
        .map(|detail| {
            let found = detail.findings["findings"].as_array().map_or(&[][..], Vec::as_slice);
            let shown = found.len().min(left);
            left -= shown;
            hidden += found.len() - shown;
            context! {
                row => Value::from(Serde(&detail.row)),
                findings => Value::from(Serde(&found[..shown])),
            }
        })
        .collect();
    let page = context! { plans => plans, hidden => hidden };
    render(&app, &visit, "findings.html", words::say(visit.language, "findings"), page)
}
