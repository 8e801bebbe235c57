//! The life of a session: begins, takes in what the editor says, answers, ends.

use std::io;
use std::io::BufRead;
use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::mpsc;
use std::sync::mpsc::TryRecvError;

use lsp_server::ErrorCode;
use lsp_server::Message;
use lsp_server::Notification;
use lsp_server::Request;
use lsp_server::Response;
use lsp_types::CodeActionKind;
use lsp_types::notification;
use lsp_types::notification::Notification as _;
use lsp_types::request;
use lsp_types::request::Request as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::json;

use super::text::Encoding;
use super::transport;
use super::transport::Incoming;
use super::uri;
use super::workspace::Settings;
use super::workspace::Workspace;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The editor said so, first `shutdown` and then `exit`.
    Orderly,
    /// The editor went away.
    Abruptly,
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running,
    ShutDown,
}

struct Server<'w> {
    out: &'w mut dyn Write,
    workspace: Workspace,
    phase: Phase,
}

/// Serves an editor until it ends the session.
///
/// # Errors
///
/// The output's own.
pub fn serve(
    mut input: impl BufRead + Send + 'static,
    out: &mut dyn Write,
    settings: Settings,
) -> io::Result<Ended> {
    let (sender, receiver) = mpsc::channel();
    // A thread of its own reads ahead, so that what is queued can be taken in before anything is checked. It ends with
    // the stream or, at the latest, with the process.
    std::thread::spawn(move || {
        let _ = transport::read_all(&mut input, |incoming| sender.send(incoming).is_ok());
    });
    let mut server =
        Server { out, workspace: Workspace::new(settings, Encoding::default()), phase: Phase::Waiting };
    loop {
        // Somebody who types fast gets one check for what was typed meanwhile, and not one for each letter.
        let incoming = match receiver.try_recv() {
            Ok(incoming) => incoming,
            Err(TryRecvError::Disconnected) => return Ok(Ended::Abruptly),
            Err(TryRecvError::Empty) => {
                server.publish()?;
                let Ok(incoming) = receiver.recv() else { return Ok(Ended::Abruptly) };
                incoming
            }
        };
        if let Some(ended) = server.take(incoming)? {
            return Ok(ended);
        }
    }
}

impl Server<'_> {
    fn take(&mut self, incoming: Incoming) -> io::Result<Option<Ended>> {
        match incoming {
            Incoming::Bad { id, code, message } => transport::write_error(self.out, &id, code, &message)?,
            Incoming::Message(Message::Request(request)) => {
                let response = self.answer(request);
                Message::Response(response).write(&mut self.out)?;
            }
            Incoming::Message(Message::Notification(notification)) => {
                if notification.method == notification::Exit::METHOD {
                    let orderly = self.phase == Phase::ShutDown;
                    return Ok(Some(if orderly { Ended::Orderly } else { Ended::Abruptly }));
                }
                if self.phase == Phase::Running {
                    self.notified(notification)?;
                }
            }
            Incoming::Message(Message::Response(_)) => {}
        }
        Ok(None)
    }

    fn publish(&mut self) -> io::Result<()> {
        let workspace = &mut self.workspace;
        let Ok(all) = catch_unwind(AssertUnwindSafe(|| workspace.publish())) else {
            self.workspace.forget();
            return self.log("a bug in failback: this document can't be checked");
        };
        for params in all {
            let method = notification::PublishDiagnostics::METHOD.to_owned();
            Message::Notification(Notification::new(method, params)).write(&mut self.out)?;
        }
        Ok(())
    }

    fn log(&mut self, message: &str) -> io::Result<()> {
        let method = notification::LogMessage::METHOD.to_owned();
        // 2 is a warning.
        Message::Notification(Notification::new(method, json!({"type": 2, "message": message})))
            .write(&mut self.out)
    }

    fn answer(&mut self, request: Request) -> Response {
        let id = request.id.clone();
        let refused =
            |code: ErrorCode, message: &str| Response::new_err(id.clone(), code as i32, message.to_owned());
        match (self.phase, request.method.as_str()) {
            (Phase::Waiting, request::Initialize::METHOD) => {
                let result = self.initialize(&request.params);
                Response::new_ok(request.id, result)
            }
            (Phase::Waiting, _) => refused(ErrorCode::ServerNotInitialized, "the session has not begun"),
            (Phase::Running, request::Initialize::METHOD) => {
                refused(ErrorCode::InvalidRequest, "the session has begun already")
            }
            (Phase::Running, request::Shutdown::METHOD) => {
                self.phase = Phase::ShutDown;
                Response::new_ok(request.id, Value::Null)
            }
            (Phase::Running, _) => {
                let answered = catch_unwind(AssertUnwindSafe(|| dispatch(&mut self.workspace, request)));
                answered.unwrap_or_else(|_| {
                    self.workspace.forget();
                    refused(ErrorCode::InternalError, "a bug in failback: this can't be answered")
                })
            }
            (Phase::ShutDown, _) => refused(ErrorCode::InvalidRequest, "the session was shut down"),
        }
    }

    fn initialize(&mut self, params: &Value) -> Value {
        let offered = params.pointer("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let bytes = offered.is_some_and(|offered| offered.iter().any(|encoding| encoding == "utf-8"));
        let encoding = if bytes { Encoding::Utf8 } else { Encoding::Utf16 };
        self.workspace.encoding = encoding;
        self.phase = Phase::Running;
        json!({
            "capabilities": {
                "positionEncoding": if bytes { "utf-8" } else { "utf-16" },
                "textDocumentSync": {"openClose": true, "change": 2, "save": true},
                "hoverProvider": true,
                "completionProvider": {"triggerCharacters": [":", " ", "-", "[", "{", ",", "\""]},
                "definitionProvider": true,
                "codeActionProvider": {"codeActionKinds": ["quickfix"]},
                "documentSymbolProvider": true,
            },
            "serverInfo": {"name": "failback", "version": env!("CARGO_PKG_VERSION")},
        })
    }

    fn notified(&mut self, notification: Notification) -> io::Result<()> {
        let method = notification.method.clone();
        let workspace = &mut self.workspace;
        let taken = match method.as_str() {
            notification::DidOpenTextDocument::METHOD => {
                params(notification.params).map(|params: lsp_types::DidOpenTextDocumentParams| {
                    let document = params.text_document;
                    workspace.open(&document.uri, document.version, document.text);
                })
            }
            notification::DidChangeTextDocument::METHOD => {
                params(notification.params).map(|params: lsp_types::DidChangeTextDocumentParams| {
                    let document = params.text_document;
                    workspace.change(&document.uri, document.version, &params.content_changes);
                })
            }
            notification::DidCloseTextDocument::METHOD => {
                params(notification.params).map(|params: lsp_types::DidCloseTextDocumentParams| {
                    workspace.close(&params.text_document.uri)
                })
            }
            notification::DidSaveTextDocument::METHOD | notification::DidChangeWatchedFiles::METHOD => {
                workspace.refresh();
                Ok(())
            }
            _ => Ok(()),
        };
        match taken {
            Ok(()) => Ok(()),
            Err(error) => self.log(&format!("{method} can't be understood: {error}")),
        }
    }
}

/// Reads parameters; a URI is taken also with letters that should have been escaped.
fn params<P: DeserializeOwned>(mut params: Value) -> Result<P, serde_json::Error> {
    if let Some(Value::String(written)) = params.pointer_mut("/textDocument/uri")
        && let Some(clean) = uri::cleaned(written)
    {
        clean.as_str().clone_into(written);
    }
    serde_json::from_value(params)
}

fn dispatch(workspace: &mut Workspace, request: Request) -> Response {
    match request.method.as_str() {
        request::HoverRequest::METHOD => answer(request, |params: lsp_types::HoverParams| {
            let place = params.text_document_position_params;
            json!(workspace.hover(&place.text_document.uri, place.position))
        }),
        request::Completion::METHOD => answer(request, |params: lsp_types::CompletionParams| {
            let place = params.text_document_position;
            json!(workspace.completion(&place.text_document.uri, place.position))
        }),
        request::GotoDefinition::METHOD => answer(request, |params: lsp_types::GotoDefinitionParams| {
            let place = params.text_document_position_params;
            json!(workspace.definition(&place.text_document.uri, place.position))
        }),
        request::CodeActionRequest::METHOD => answer(request, |params: lsp_types::CodeActionParams| {
            // An editor may ask for kinds that are not offered, such as those that order a file on saving it.
            let wanted =
                |kind: &CodeActionKind| kind.as_str().is_empty() || *kind == CodeActionKind::QUICKFIX;
            if params.context.only.is_some_and(|only| !only.iter().any(wanted)) {
                return json!([]);
            }
            json!(workspace.actions(&params.text_document.uri, params.range))
        }),
        request::DocumentSymbolRequest::METHOD => {
            answer(request, |params: lsp_types::DocumentSymbolParams| {
                json!(workspace.symbols(&params.text_document.uri))
            })
        }
        _ => {
            let message = format!("{} is not offered", request.method);
            Response::new_err(request.id, ErrorCode::MethodNotFound as i32, message)
        }
    }
}

fn answer<P: DeserializeOwned>(request: Request, act: impl FnOnce(P) -> Value) -> Response {
    match params(request.params) {
        Ok(params) => Response::new_ok(request.id, act(params)),
        Err(error) => Response::new_err(request.id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}
