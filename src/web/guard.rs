//! What every request passes before a handler sees it: names, origins, sizes, times, and who asks.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use axum::response::Redirect;
use axum::response::Response;
use http_body_util::BodyExt as _;
use http_body_util::LengthLimitError;
use http_body_util::Limited;

use crate::web::access::Needs;
use crate::web::access::Via;
use crate::web::access::Who;
use crate::web::access::secret;
use crate::web::app::App;
use crate::web::error::Problem;
use crate::web::headers;
use crate::web::input;
use crate::web::pages;

/// Bytes that the body of a request may have.
pub(super) const BODY_LIMIT: usize = 64 * 1024;

/// How long the body of a request may take to come in.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub SocketAddr);

/// The cookie of the session that a request belongs to.
#[derive(Clone, Debug)]
pub(super) struct SessionId(pub String);

/// Lets a request in, answers it, and completes the answer.
pub(super) async fn outer(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let seen = request.headers().clone();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let mut response = match admitted(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if response.extensions().get::<Problem>().is_none()
        && !is_page
        && let Some(problem) = Problem::of_status(response.status())
    {
        // What the router and its extractors refuse is told in the same shape as everything else.
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = problem.into_response();
        response.headers_mut().extend(allowed.map(|allowed| (header::ALLOW, allowed)));
    }
    let for_programs =
        path == "/api" || path.starts_with("/api/") || path == "/metrics" || path.starts_with("/assets/");
    if let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| !for_programs) {
        response = pages::error(&app, &problem, &seen, &query);
    }
    headers::add(&mut response, app.is_tls);
    app.metrics.answered(response.status());
    response
}

async fn admitted(app: &App, mut request: Request) -> Result<Request, Problem> {
    // What watches over a process asks by whatever name it has for it, and is told nothing worth hiding.
    if !matches!(request.uri().path(), "/healthz" | "/readyz") {
        let host = named(app, &request)?;
        came_from_here(app, &request, &host)?;
    }
    let (who, session) = known(app, &request)?;
    if let Some(who) = who {
        request.extensions_mut().insert(who);
    }
    if let Some(session) = session {
        request.extensions_mut().insert(SessionId(session));
    }
    if is_safe(request.method()) { Ok(request) } else { read_whole(request).await }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Returns the name that a request is for.
fn named(app: &App, request: &Request) -> Result<String, Problem> {
    let strange = || {
        let message = "this server does not answer to that name; add it to `serve.hosts` if it should";
        Problem::new(StatusCode::MISDIRECTED_REQUEST, "host", message)
    };
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()).ok_or_else(strange)?;
    let is_other = request.uri().authority().is_some_and(|named| !named.as_str().eq_ignore_ascii_case(host));
    if hosts.next().is_some() || is_other || !app.admission().hosts.knows(host) {
        return Err(strange());
    }
    Ok(host.to_owned())
}

/// Refuses what pages of other sites send.
fn came_from_here(app: &App, request: &Request, host: &str) -> Result<(), Problem> {
    let foreign = || Problem::forbidden("origin", "this came from a page of another site");
    let headers = request.headers();
    let admission = app.admission();
    for origin in headers.get_all(header::ORIGIN) {
        if !origin.to_str().is_ok_and(|origin| admission.hosts.is_own_origin(origin, host)) {
            return Err(foreign());
        }
    }
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if !is_safe(request.method()) && site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(foreign());
    }
    Ok(())
}

fn client(request: &Request) -> IpAddr {
    request.extensions().get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0.ip())
}

/// Refuses a client that sent too many wrong tokens which begin like this one.
pub(super) fn may_try(app: &App, client: IpAddr, token: &str) -> Result<(), Problem> {
    match app.limit.wait(client, token, app.now()) {
        None => Ok(()),
        Some(seconds) => Err(Problem {
            retry_after: Some(seconds),
            ..Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_tries",
                format!("too many wrong tokens came from here; try again in {seconds} s"),
            )
        }),
    }
}

/// Returns who asks, and the cookie of the session.
fn known(app: &App, request: &Request) -> Result<(Option<Who>, Option<String>), Problem> {
    let headers = request.headers();
    if let Some(sent) = bearer(headers) {
        let client = client(request);
        may_try(app, client, sent)?;
        let Some((name, roles)) = app.admission().users.whose(sent) else {
            app.limit.was_wrong(client, sent, app.now());
            app.metrics.refused_login();
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", "the token is nobody's"));
        };
        return Ok((Some(Who { name, roles, via: Via::Bearer }), None));
    }
    let Some(id) = input::cookie(headers, app.cookie()) else { return Ok((None, None)) };
    let who = app.sessions.whose(id, app.now());
    let session = who.is_some().then(|| id.to_owned());
    Ok((who, session))
}

/// Returns the token that a request sends.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Reads the body of a request, as far as it is small and comes in soon.
async fn read_whole(request: Request) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    let too_large = || {
        let message = format!("a request may have {BODY_LIMIT} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    };
    // What says that it is too large is not waited for.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Err(too_large());
    }
    let collected = tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_LIMIT).collect()).await;
    let Ok(collected) = collected else {
        return Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow",
            "the request took too long to come in",
        ));
    };
    match collected {
        Ok(body) => Ok(Request::from_parts(head, Body::from(body.to_bytes()))),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Problem::invalid("the request broke off")),
    }
}

/// Lets through who may use a route.
pub(super) async fn may(
    State((app, needs)): State<(Arc<App>, Needs)>,
    request: Request,
    next: Next,
) -> Response {
    if needs == Needs::Nobody {
        return next.run(request).await;
    }
    let Some(who) = request.extensions().get::<Who>() else { return unknown(&request) };
    if !who.may(needs) {
        let wanted = match needs {
            Needs::Nobody | Needs::Viewer | Needs::Operator => "operator",
            Needs::Answerer => "approver",
        };
        let message = format!("{} lacks the role {wanted}", who.name);
        return Problem::forbidden("role", message).into_response();
    }
    if !is_safe(request.method()) && !repeats_token(who, request.headers()) {
        let message = "the request lacks the token of the session's pages (X-CSRF-Token)";
        return Problem::forbidden("csrf", message).into_response();
    }
    drop(app);
    next.run(request).await
}

/// Returns whether an unsafe request of a session repeats the token of its pages, which no page of another site knows.
fn repeats_token(who: &Who, headers: &HeaderMap) -> bool {
    match &who.via {
        Via::Bearer => true,
        Via::Session { csrf } => {
            let sent = headers.get("x-csrf-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
            // Digests tell nothing about what they are of by where they differ.
            secret::digest(sent) == secret::digest(csrf)
        }
    }
}

/// Returns the answer to somebody who is not known: programs are told so, people are asked who they are.
fn unknown(request: &Request) -> Response {
    let (path, method) = (request.uri().path(), request.method());
    let is_page = path != "/api" && !path.starts_with("/api/") && path != "/metrics" && is_safe(method);
    if is_page {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        return Redirect::to(&format!("/login?next={}", input::encoded(target))).into_response();
    }
    Problem::new(StatusCode::UNAUTHORIZED, "unknown", "sign in, or send a token").into_response()
}
