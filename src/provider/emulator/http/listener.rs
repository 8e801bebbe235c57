//! The transport: connections, requests as they come in, answers as they go out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http_body_util::BodyExt as _;
use http_body_util::Limited;
use hyper::Response;
use hyper::StatusCode;
use hyper::body::Body;
use hyper::body::Bytes;
use hyper::body::Frame;
use hyper::body::Incoming;
use hyper::body::SizeHint;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::provider::emulator::http::Shared;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::Content;
use crate::provider::emulator::http::exchange::Delivery;

/// Bytes that a request's body may have.
const BODY_LIMIT: usize = 8 << 20;

/// How long connections may take to end once the server is to end.
const GRACE: Duration = Duration::from_secs(2);

/// Serves connections until `ends` says so.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, ends: impl Future<Output = ()> + Send) {
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(ends);
    loop {
        tokio::select! {
            () = &mut ends => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A connection that came to nothing is its client's business.
                let Ok((stream, _)) = accepted else { continue };
                drop(stream.set_nodelay(true));
                let (shared, stopped) = (Arc::clone(&shared), stopped.clone());
                connections.spawn(async move {
                    match &shared.secured {
                        None => connection(stream, "http", shared, stopped).await,
                        Some(secured) => {
                            let Ok(stream) = secured.acceptor.accept(stream).await else { return };
                            connection(stream, "https", shared, stopped).await;
                        }
                    }
                });
            }
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    scheme: &'static str,
    shared: Arc<Shared>,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { exchange(request, scheme, &shared).await }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        // The one change there is: the server ends.
        _ = stopped.changed() => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

async fn exchange(
    request: hyper::Request<Incoming>,
    scheme: &'static str,
    shared: &Shared,
) -> Result<Response<Sent>, io::Error> {
    let (head, body) = request.into_parts();
    let host = head.headers.get("host").and_then(|value| value.to_str().ok());
    let base = format!("{scheme}://{}", host.map_or_else(|| shared.address.to_string(), str::to_owned));
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return response(Answer::arm_error(413, "RequestEntityTooLarge", "The request is too large."));
    };
    let (number, now) = (shared.next_number(), shared.now());
    let asked = Asked::new(head.method, base, &target, head.headers, body.to_bytes(), now, number);
    response(shared.respond(asked).await)
}

/// The content of an answer: what is sent, and what breaks it off.
struct Sent {
    bytes: Option<Bytes>,
    torn: bool,
    /// Whether what was sent so far is on its way.
    flushed: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if self.torn && !std::mem::replace(&mut self.flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let torn = std::mem::take(&mut self.torn);
        Poll::Ready(torn.then(|| Err(io::Error::new(io::ErrorKind::ConnectionReset, "the answer is torn"))))
    }

    fn size_hint(&self) -> SizeHint {
        if self.torn {
            return SizeHint::default();
        }
        let left = self.bytes.as_ref().map_or(0, Bytes::len);
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}

/// Returns an answer as it goes out; an error closes the connection.
fn response(answer: Answer) -> Result<Response<Sent>, io::Error> {
    if answer.delivery == Delivery::Lost {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the answer is lost"));
    }
    let status = StatusCode::from_u16(answer.status).map_err(io::Error::other)?;
    let mut builder = Response::builder().status(status);
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let mut bytes: Bytes = match answer.content {
        Content::Empty => Bytes::new(),
        Content::Json(value) => {
            builder = builder.header("Content-Type", "application/json; charset=utf-8");
            serde_json::to_vec(&value).map_err(io::Error::other)?.into()
        }
        Content::Raw { kind, bytes } => {
            builder = builder.header("Content-Type", kind);
            bytes.into()
        }
    };
    let whole = bytes.len();
    if status != StatusCode::NO_CONTENT {
        builder = builder.header("Content-Length", whole);
    }
    let torn = answer.delivery == Delivery::Torn && whole > 1;
    if torn {
        bytes.truncate(whole / 2);
    }
    builder.body(Sent { bytes: Some(bytes), torn, flushed: false }).map_err(io::Error::other)
}
