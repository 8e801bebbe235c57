//! The pages of runs: their list, one that goes on, its report.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Path;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::Html;
use axum::response::IntoResponse as _;
use axum::response::Response;
use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;

use crate::event::RunEventKind;
use crate::event::RunStatus;
use crate::id::RunId;
use crate::web::app::App;
use crate::web::app::broken;
use crate::web::error::Problem;
use crate::web::headers::REPORT_POLICY;
use crate::web::pages::Visit;
use crate::web::pages::render;
use crate::web::words;

/// How long the page of a run waits until the run is read.
const AWAITED: Duration = Duration::from_millis(300);

/// Runs that the list shows.
const LISTED: usize = 500;

pub(in crate::web) async fn list(State(app): State<Arc<App>>, visit: Visit) -> Result<Response, Problem> {
    let runs = app.ask(|desk| desk.runs()).await??;
    let rows = runs["runs"].as_array().map_or(&[][..], Vec::as_slice);
    let page = context! {
        runs => Value::from(Serde(&rows[..rows.len().min(LISTED)])),
        hidden => rows.len().saturating_sub(LISTED),
    };
    render(&app, &visit, "runs.html", words::say(visit.language, "runs"), page)
}

pub(in crate::web) async fn one(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    // A large run takes a while to be read: its page comes before that, and what is in it when it is there.
    let (hub, id) = (Arc::clone(&app), RunId::new(run.as_str()));
    let opened = tokio::spawn(async move { hub.hub.fresh(&id).await });
    let Ok(watched) = tokio::time::timeout(AWAITED, opened).await else {
        return shell(&app, &visit, RunId::new(run)).await;
    };
    let watched = watched.map_err(|_| broken())??;
    let (title, page) = watched.look(|view| {
        let (record, state) = (&view.kept().record, view.state());
        let page = context! {
            run => record.id.as_str(),
            plan => record.plan.clone(),
            provider => record.provider.clone(),
            state => state.status().as_str(),
            is_read => true,
            settled => state.settled(),
            total => state.graph().steps().len(),
            failed => state.failed(),
            machines => state.graph().model().machines().len(),
            started_at => state.started_at().map(|at| at.to_string()),
            last_at => state.last_at().map(|at| at.to_string()),
            created_at => record.created_at.to_string(),
            git_commit => record.git_commit.clone(),
        };
        (record.plan.clone(), page)
    });
    render(&app, &visit, "run.html", &title, page)
}

/// Returns the page of a run that is not read yet: what is kept beside its events, and how the last of them leaves it.
async fn shell(app: &App, visit: &Visit, run: RunId) -> Result<Response, Problem> {
    let read = app.read(move |database| {
        let unreadable = |error: crate::journal::DatabaseError| Problem::unavailable(error.in_words());
        let record = database.run(&run).map_err(unreadable)?;
        let record = record.ok_or_else(|| Problem::missing(format!("there is no run {run}")))?;
        Ok((database.last_event(&run).map_err(unreadable)?, record))
    });
    let (last, record) = read.await?;
    let status = match last.map(|event| event.kind) {
        None => RunStatus::New,
        Some(RunEventKind::RunFinished { outcome }) => RunStatus::Finished(outcome),
        Some(RunEventKind::Interrupted { .. }) => RunStatus::Interrupted,
        Some(_) => RunStatus::Running,
    };
    let page = context! {
        run => record.id.as_str(),
        plan => record.plan.clone(),
        provider => record.provider.clone(),
        state => status.as_str(),
        is_read => false,
        settled => "–",
        total => "–",
        failed => "–",
        machines => "–",
        created_at => record.created_at.to_string(),
        git_commit => record.git_commit.clone(),
    };
    render(app, visit, "run.html", &record.plan, page)
}

pub(in crate::web) async fn report(
    State(app): State<Arc<App>>,
    visit: Visit,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    let watched = app.hub.fresh(&RunId::new(run)).await?;
    let (run, plan) = watched.look(|view| (view.kept().record.id.clone(), view.kept().record.plan.clone()));
    let page = context! { run => run.as_str(), plan => plan };
    render(&app, &visit, "report.html", words::say(visit.language, "report"), page)
}

/// Returns the report itself, which may do nothing but be read.
pub(in crate::web) async fn report_content(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
) -> Result<Response, Problem> {
    let text = app.ask(move |desk| desk.report(&RunId::new(run))).await??;
    let mut response = Html(text).into_response();
    let policy = HeaderValue::from_static(REPORT_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
