//! The JSON API: the same shapes as the command line prints.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use serde_json::Value;
use serde_json::json;

use crate::id::RunId;
use crate::web::access::Who;
use crate::web::app::App;
use crate::web::desk::NewDrill;
use crate::web::error::Problem;
use crate::web::headers::REPORT_POLICY;
use crate::web::input;
use crate::web::openapi;

/// Events that one answer holds.
const EVENTS: usize = 1000;

type Told = Result<Json<Value>, Problem>;

/// Tells who asks.
pub(super) async fn session(Extension(who): Extension<Who>) -> Json<Value> {
    Json(json!({"version": 1, "user": who.name, "roles": who.roles}))
}

pub(super) async fn runs(State(app): State<Arc<App>>) -> Told {
    Ok(Json(app.ask(|desk| desk.runs()).await??))
}

pub(super) async fn run(State(app): State<Arc<App>>, Path(run): Path<String>) -> Told {
    Ok(Json(app.ask(move |desk| desk.run(&RunId::new(run))).await??))
}

/// Returns what does not change while a run goes on.
pub(super) async fn outline(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    let watched = app.hub.fresh(&RunId::new(run)).await?;
    Ok(json_text(watched.outline().to_string()))
}

/// Returns how a run stands, as the stream tells it.
pub(super) async fn view(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let after = number(query.as_deref(), "after")?.unwrap_or(0);
    let watched = app.hub.fresh(&RunId::new(run)).await?;
    Ok(json_text(watched.delta(after).1.to_string()))
}

fn json_text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn number(query: Option<&str>, name: &str) -> Result<Option<u64>, Problem> {
    let text = query.and_then(|query| input::field(query, name));
    let read = text.map(|text| text.parse()).transpose();
    read.map_err(|_| Problem::invalid(format!("`{name}` is a whole number")))
}

/// Returns events of the journal after the one at a place.
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    RawQuery(query): RawQuery,
) -> Told {
    let after = number(query.as_deref(), "after")?.unwrap_or(0);
    let run = RunId::new(run);
    let read = app.read(move |database| {
        let unreadable = |error: crate::journal::DatabaseError| Problem::unavailable(error.in_words());
        if database.run(&run).map_err(unreadable)?.is_none() {
            return Err(Problem::missing(format!("there is no run {run}")));
        }
        let (mut events, mut more) = (Vec::new(), false);
        database
            .each_event_after(&run, after, |event| {
                if events.len() < EVENTS {
                    events.push(json!(event));
                } else {
                    more = true;
                }
            })
            .map_err(unreadable)?;
        Ok(json!({"version": 1, "run": run, "events": events, "more": more}))
    });
    Ok(Json(read.await?))
}

/// How a report may be written.
pub(super) const FORMATS: &[&str] = &["json", "csv", "junit", "markdown", "html"];

/// Returns the report of a run, in the format that is asked for.
pub(super) async fn report(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let asked = query.as_deref().and_then(|query| input::field(query, "format"));
    let format = asked.as_deref().unwrap_or("json");
    let Some(format) = FORMATS.iter().find(|known| **known == format) else {
        return Err(Problem::invalid(format!("`format` is one of {}", FORMATS.join(", "))));
    };
    let media = match *format {
        "csv" => "text/csv; charset=utf-8",
        "junit" => "application/xml",
        "markdown" => "text/markdown; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        _ => "application/json",
    };
    let text = app.ask(move |desk| desk.report_as(&RunId::new(run), format)).await??;
    let mut response = ([(header::CONTENT_TYPE, media)], text).into_response();
    let policy = HeaderValue::from_static(REPORT_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Extension(who): Extension<Who>,
) -> Result<Response, Problem> {
    let id = RunId::new(run.as_str());
    app.ask(move |desk| desk.resume(&id, &who.name)).await??;
    let told = json!({"version": 1, "run": run, "state": "resumed"});
    Ok((StatusCode::ACCEPTED, Json(told)).into_response())
}

pub(super) async fn plans(State(app): State<Arc<App>>) -> Told {
    let plans = app.ask(|desk| desk.plans()).await?;
    Ok(Json(json!({"version": 1, "plans": plans})))
}

pub(super) async fn plan(State(app): State<Arc<App>>, Path(plan): Path<String>) -> Told {
    let detail = app.ask(move |desk| desk.plan(&plan)).await??;
    Ok(Json(json!({"version": 1, "summary": detail.row, "plan": detail.plan})))
}

pub(super) async fn findings(State(app): State<Arc<App>>, Path(plan): Path<String>) -> Told {
    Ok(Json(app.ask(move |desk| desk.plan(&plan)).await??.findings))
}

pub(super) async fn drills(State(app): State<Arc<App>>) -> Told {
    let now = app.now();
    Ok(Json(app.ask(move |desk| desk.drills(now)).await??))
}

/// Starts a drill.
pub(super) async fn start(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    body: Bytes,
) -> Result<Response, Problem> {
    let drill: NewDrill = serde_json::from_slice(&body)
        .map_err(|error| Problem::invalid(format!("this starts no drill: {error}")))?;
    let told = app.ask(move |desk| desk.start(&drill, &who.name)).await??;
    Ok((StatusCode::ACCEPTED, Json(told)).into_response())
}

pub(super) async fn openapi() -> Json<Value> {
    Json(openapi::document())
}

/// Tells that the process answers.
pub(super) async fn health() -> &'static str {
    "ok\n"
}

/// Tells whether the runs can be read.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    // What is wrong is told in the log and to those who are signed in.
    let read = app
        .read(|database| database.runs().map(|_| ()).map_err(|error| Problem::unavailable(error.in_words())));
    match read.await {
        Ok(()) => Ok("ready\n"),
        Err(_) => Err(Problem::unavailable("the runs can't be read")),
    }
}
