//! What is tested against a server of the tests' own that says what it is told to.

mod credential;
mod http;
mod recording;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::clock::FixedClock;
use crate::provider::azure::Cloud;
use crate::provider::azure::Connection;
use crate::provider::azure::Credential;
use crate::provider::azure::ReadClient;
use crate::provider::azure::ServicePace;

/// What a secret of the tests is called: it must appear nowhere.
pub(super) const CANARY: &str = "canary-7f3e";

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) line: String,
    pub(super) head: String,
    pub(super) body: String,
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// Status, headers, body.
    Says(u16, Vec<(&'static str, String)>, String),
    /// It promises more than it sends.
    BreaksOff(String),
    /// It hangs up.
    HangsUp,
}

impl Reply {
    pub(super) fn ok(body: impl Into<String>) -> Self {
        Self::Says(200, Vec::new(), body.into())
    }

    pub(super) fn status(status: u16, body: impl Into<String>) -> Self {
        Self::Says(status, Vec::new(), body.into())
    }
}

/// A server that gives its replies in turn; the world's time jumps, so that nothing waits.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl Script {
    pub(super) async fn of(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let replies: Arc<Mutex<VecDeque<Reply>>> = Arc::new(Mutex::new(replies.into_iter().collect()));
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (script, seen) = (Arc::clone(&replies), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else { continue };
                seen.lock().expect("no panic").push(request);
                let reply = script.lock().expect("no panic").pop_front();
                let (status, headers, body, promised) = match reply {
                    None => (500, Vec::new(), "the script is at its end".to_owned(), None),
                    Some(Reply::Says(status, headers, body)) => (status, headers, body, None),
                    Some(Reply::BreaksOff(body)) => {
                        let more = body.len() + 100;
                        (200, Vec::new(), body, Some(more))
                    }
                    Some(Reply::HangsUp) => continue,
                };
                let mut head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\nx-failback-time: 2026-01-01T00:00:00Z\r\nx-failback-speed: max\r\n",
                    promised.unwrap_or(body.len())
                );
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                let _ = stream.write_all(format!("{head}\r\n{body}").as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { url, got, replies }
    }

    pub(super) fn add(&self, reply: Reply) {
        self.replies.lock().expect("no panic").push_back(reply);
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.got.lock().expect("no panic").clone()
    }

    pub(super) fn cloud(&self) -> Cloud {
        Cloud::at(&self.url, &self.url).expect("it is on this machine")
    }

    pub(super) fn client_with(&self, credential: Credential) -> ReadClient {
        let start = "2026-01-01T00:00:00Z".parse().expect("a time");
        ReadClient::new(Connection {
            cloud: self.cloud(),
            credential,
            pace: Arc::new(ServicePace::new(Arc::new(FixedClock(start)))),
            trusted: None,
        })
        .expect("a client can be made")
    }

    pub(super) fn client(&self) -> ReadClient {
        self.client_with(Credential::fixed(SecretString::from(CANARY.to_owned())))
    }
}

async fn read(stream: &mut tokio::net::TcpStream) -> Option<Got> {
    let mut text = Vec::new();
    let mut part = [0_u8; 4096];
    loop {
        let shown = String::from_utf8_lossy(&text).into_owned();
        if let Some((head, body)) = shown.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                let line = head.lines().next().unwrap_or_default().to_owned();
                return Some(Got { line, head: head.to_owned(), body: body.to_owned() });
            }
        }
        let count = stream.read(&mut part).await.ok()?;
        if count == 0 {
            return None;
        }
        text.extend_from_slice(&part[..count]);
    }
}
