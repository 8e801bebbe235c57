//! Signing in with a token, and signing out.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse as _;
use axum::response::Redirect;
use axum::response::Response;
use minijinja::context;

use crate::web::access::session::MOST;
use crate::web::app::App;
use crate::web::app::broken;
use crate::web::error::Problem;
use crate::web::guard;
use crate::web::guard::Peer;
use crate::web::guard::SessionId;
use crate::web::input;
use crate::web::pages::Visit;
use crate::web::pages::render;
use crate::web::words;

/// Asks for a token.
pub(in crate::web) async fn ask(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let next = input::field(&query, "next").unwrap_or_default();
    let told = match input::field(&query, "why").as_deref() {
        Some("over") => Some("session_over"),
        Some("out") => Some("signed_out"),
        Some(_) | None => None,
    };
    form(&app, &visit, &next, told, false)
}

fn form(app: &App, visit: &Visit, next: &str, told: Option<&str>, wrong: bool) -> Result<Response, Problem> {
    let title = words::say(visit.language, "sign_in");
    let page = context! { next => input::own_path(next), told => told, wrong => wrong };
    render(app, visit, "login.html", title, page)
}

/// Begins a session for whoever has a token.
pub(in crate::web) async fn sign_in(
    State(app): State<Arc<App>>,
    visit: Visit,
    peer: Option<Extension<Peer>>,
    body: Bytes,
) -> Result<Response, Problem> {
    let client = peer.map_or(IpAddr::from([0, 0, 0, 0]), |Extension(Peer(address))| address.ip());
    let body = std::str::from_utf8(&body).map_err(|_| Problem::invalid("the form is no text"))?;
    let next = input::field(body, "next").unwrap_or_default();
    let token = input::field(body, "token").unwrap_or_default();
    let token = token.trim();
    guard::may_try(&app, client, token)?;
    let Some((name, roles)) = app.admission().users.whose(token) else {
        app.limit.was_wrong(client, token, app.now());
        app.metrics.refused_login();
        let mut response = form(&app, &visit, &next, None, true)?;
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(response);
    };
    let id = app.sessions.begin(name, roles, app.now()).ok_or_else(broken)?;
    let mut response = Redirect::to(input::own_path(&next)).into_response();
    set_cookie(&app, &mut response, &id, MOST.as_secs());
    Ok(response)
}

/// Ends a session.
pub(in crate::web) async fn sign_out(
    State(app): State<Arc<App>>,
    session: Option<Extension<SessionId>>,
) -> Response {
    if let Some(Extension(SessionId(id))) = session {
        app.sessions.end(&id);
    }
    let mut response = Redirect::to("/login?why=out").into_response();
    set_cookie(&app, &mut response, "", 0);
    response
}

fn set_cookie(app: &App, response: &mut Response, id: &str, seconds: i64) {
    let secure = if app.is_tls { "; Secure" } else { "" };
    let name = app.cookie();
    let cookie = format!("{name}={id}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    let mut cookie = HeaderValue::try_from(cookie).expect("a token is plain");
    cookie.set_sensitive(true);
    response.headers_mut().append(header::SET_COOKIE, cookie);
}
