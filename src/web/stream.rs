//! Live updates of a run, as server-sent events: the id of each is the place in the journal up to which it tells.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::body::Bytes;
use axum::body::HttpBody;
use axum::extract::Path;
use axum::extract::RawQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header;
use axum::response::Response;
use hyper::body::Frame;
use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::id::RunId;
use crate::web::app::App;
use crate::web::error::Problem;
use crate::web::guard;
use crate::web::guard::SessionId;
use crate::web::input;
use crate::web::watch::Watched;

/// How often something is sent, whether anything happened or not: so that both ends know that the other is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// After how long a browser asks again when the connection broke.
const RETRY: &str = "retry: 2000\n\n";

/// Events that wait for a client who reads slowly; what happens meanwhile comes as one.
const WAITING: usize = 2;

/// The body of an answer that goes on.
struct Events(mpsc::Receiver<Bytes>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Tells what happens in a run from the event on that the client saw last.
pub(super) async fn run(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    session: Option<Extension<SessionId>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let watched = app.hub.fresh(&RunId::new(run)).await?;
    let seen = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned)
        .or_else(|| input::field(&query.unwrap_or_default(), "after"));
    let after = match seen {
        None => 0,
        Some(seen) => seen.trim().parse().map_err(|_| Problem::invalid("the last event's id is a number"))?,
    };
    let (sender, receiver) = mpsc::channel(WAITING);
    let token = guard::bearer(&headers).map(|token| Shown::Token(SecretString::from(token)));
    let shown = token.or(session.map(|Extension(SessionId(id))| Shown::Session(id)));
    tokio::spawn(tell(Arc::clone(&app), watched, shown, after, sender));
    let mut response = Response::new(Body::new(Events(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// What shows who watches.
enum Shown {
    Session(String),
    Token(SecretString),
}

impl Shown {
    /// Returns whether it still shows somebody: sessions end, and people are taken off the settings.
    fn holds(&self, app: &App) -> bool {
        match self {
            Self::Session(id) => app.sessions.whose(id, app.now()).is_some(),
            Self::Token(token) => app.admission().users.whose(token.expose_secret()).is_some(),
        }
    }
}

async fn tell(
    app: Arc<App>,
    watched: Arc<Watched>,
    shown: Option<Shown>,
    after: u64,
    sender: mpsc::Sender<Bytes>,
) {
    let (mut news, mut ends) = (watched.watch(), app.hub.ends());
    // However much happens, whoever watches is asked for as often.
    let mut heartbeat = tokio::time::interval(HEARTBEAT);
    heartbeat.reset();
    let mut seen = after;
    if sender.send(Bytes::from_static(RETRY.as_bytes())).await.is_err() {
        return;
    }
    loop {
        news.borrow_and_update();
        let (seq, delta) = watched.delta(seen);
        let text = format!("id: {seq}\nevent: run\ndata: {delta}\n\n");
        if sender.send(text.into()).await.is_err() {
            return;
        }
        seen = seq;
        loop {
            tokio::select! {
                changed = news.changed() => {
                    if changed.is_err() { return }
                    break;
                }
                _ = heartbeat.tick() => {
                    // An open page uses its session, and ends with it.
                    let is_over = shown.as_ref().is_some_and(|shown| !shown.holds(&app));
                    let text = if is_over { "event: bye\ndata: {}\n\n" } else { ": still here\n\n" };
                    if sender.send(Bytes::from_static(text.as_bytes())).await.is_err() || is_over { return }
                }
                () = sender.closed() => return,
                _ = ends.changed() => return,
            }
        }
    }
}
