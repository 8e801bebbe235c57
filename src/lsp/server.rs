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
    /// Whether the editor tells of files that change on disk, if it is asked to.
    watches: bool,
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
    let mut server = Server {
        out,
        workspace: Workspace::new(settings, Encoding::default()),
        phase: Phase::Waiting,
        watches: false,
    };
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
            transport::notify(&mut self.out, notification::PublishDiagnostics::METHOD, &params)?;
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
        let folders = params.get("workspaceFolders").and_then(Value::as_array).into_iter().flatten();
        let folders: Vec<&Value> = folders.filter_map(|folder| folder.get("uri")).collect();
        let roots = if folders.is_empty() { params.get("rootUri").into_iter().collect() } else { folders };
        self.workspace.set_roots(roots.into_iter().filter_map(|uri| Some(uri.as_str()?.to_owned())));
        let watches = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";
        self.watches = params.pointer(watches) == Some(&Value::Bool(true));
        json!({
            "capabilities": {
                "positionEncoding": if bytes { "utf-8" } else { "utf-16" },
                "textDocumentSync": {"openClose": true, "change": 2, "save": true},
                "hoverProvider": true,
                "completionProvider": {"triggerCharacters": [":", " ", "-", "[", "{", ",", "\""]},
                "definitionProvider": true,
                "codeActionProvider": {"codeActionKinds": ["quickfix", "source.fixAll"]},
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
            notification::Initialized::METHOD if self.watches => {
                let watchers = json!([{"globPattern": "**/*.{yaml,yml,YAML,YML}"}]);
                let registration = json!({
                    "id": "files",
                    "method": notification::DidChangeWatchedFiles::METHOD,
                    "registerOptions": {"watchers": watchers},
                });
                let params = json!({"registrations": [registration]});
                let method = request::RegisterCapability::METHOD.to_owned();
                let asked = Request { id: "watch".to_owned().into(), method, params };
                return Message::Request(asked).write(&mut self.out);
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
            let only = params.context.only.as_deref();
            let mut actions = Vec::new();
            if is_wanted(only, &CodeActionKind::QUICKFIX) {
                actions.extend(workspace.actions(&params.text_document.uri, params.range));
            }
            if is_wanted(only, &CodeActionKind::SOURCE_FIX_ALL) {
                actions.extend(workspace.fix_all(&params.text_document.uri));
            }
            json!(actions)
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

/// Returns whether actions of a kind were asked for: all are, if none is named; a name stands for what begins with it.
fn is_wanted(only: Option<&[CodeActionKind]>, kind: &CodeActionKind) -> bool {
    let stands_for = |name: &CodeActionKind| {
        let rest = kind.as_str().strip_prefix(name.as_str());
        rest.is_some_and(|rest| name.as_str().is_empty() || rest.is_empty() || rest.starts_with('.'))
    };
    only.is_none_or(|only| only.iter().any(stands_for))
}

fn answer<P: DeserializeOwned>(request: Request, act: impl FnOnce(P) -> Value) -> Response {
    match params(request.params) {
        Ok(params) => Response::new_ok(request.id, act(params)),
        Err(error) => Response::new_err(request.id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}
