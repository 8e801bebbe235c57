//! A language server as an editor drives it: keystrokes, and how long each takes to be answered.

use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::process;

/// How a server answered.
pub struct Typed {
    /// Milliseconds from a keystroke to what is shown: half of them were faster.
    pub median: f64,
    /// The slowest but one of twenty.
    pub slow: f64,
    /// CPU milliseconds for a keystroke.
    pub cpu: f64,
    /// Most memory, in MB.
    pub peak: f64,
}

struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Opens a document, and types and deletes a letter at a place (line and column, from 0), so many times.
pub fn typed(
    mut command: Command,
    document: &Path,
    (line, column): (usize, usize),
    strokes: usize,
) -> Option<Typed> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
    let mut server = Server { child, input, output };
    let folder = format!("file://{}", document.parent()?.display());
    let uri = format!("file://{}", document.display());
    server.send(json!({"id": 1, "method": "initialize", "params": {
        "processId": null, "rootUri": folder, "workspaceFolders": [{"uri": folder, "name": "plans"}],
        "capabilities": {
            "workspace": {"configuration": true},
            "textDocument": {"publishDiagnostics": {"versionSupport": true}},
        },
    }}));
    server.until(|message| message["id"] == 1)?;
    server.send(json!({"method": "initialized", "params": {}}));
    let text = std::fs::read_to_string(document).ok()?;
    server.send(json!({"method": "textDocument/didOpen", "params": {
        "textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text},
    }}));
    server.shown(&uri)?;
    let mut version = 1;
    let mut stroke = |server: &mut Server, letters: usize, text: &str| {
        version += 1;
        let began = Instant::now();
        server.send(json!({"method": "textDocument/didChange", "params": {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": [{
                "range": {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + letters}},
                "text": text,
            }],
        }}));
        server.shown(&uri)?;
        Some(began.elapsed().as_secs_f64() * 1e3)
    };
    // The first ones find caches empty.
    for _ in 0..3 {
        stroke(&mut server, 0, "x")?;
        stroke(&mut server, 1, "")?;
    }
    let before = process::cpu_of(&server.child);
    let mut took = Vec::new();
    for _ in 0..strokes / 2 {
        took.push(stroke(&mut server, 0, "x")?);
        took.push(stroke(&mut server, 1, "")?);
    }
    #[expect(clippy::cast_precision_loss, reason = "strokes are few")]
    let cpu = (process::cpu_of(&server.child) - before) * 1e3 / took.len() as f64;
    let peak = process::most_memory(server.child.id());
    took.sort_by(f64::total_cmp);
    Some(Typed { median: took[took.len() / 2], slow: took[took.len() * 19 / 20], cpu, peak })
}

impl Server {
    fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("the server listens");
        self.input.flush().expect("the server listens");
    }

    fn next(&mut self) -> Option<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                header => {
                    length = header
                        .strip_prefix("Content-Length: ")
                        .map_or(Some(length), |length| length.parse().ok())?
                }
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).ok()?;
        serde_json::from_slice(&body).ok()
    }

    /// Reads until a message is the one that is waited for; what the server asks is answered.
    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Option<Value> {
        loop {
            let message = self.next()?;
            let asked = message.get("id").filter(|_| message.get("method").is_some());
            if let Some(id) = asked {
                let result = match message["params"]["items"].as_array() {
                    Some(items) => items.iter().map(setting).collect(),
                    None => Value::Null,
                };
                self.send(json!({"id": id, "result": result}));
            } else if is_it(&message) {
                return Some(message);
            }
        }
    }

    /// Waits until a document's diagnostics are shown.
    fn shown(&mut self, uri: &str) -> Option<Value> {
        self.until(|message| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == uri
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns what the editor is set to: no schema is fetched from anywhere.
fn setting(item: &Value) -> Value {
    match item["section"].as_str() {
        Some("yaml") => json!({"validate": true, "schemaStore": {"enable": false, "url": ""}}),
        _ => Value::Null,
    }
}
