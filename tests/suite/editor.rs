//! An editor in a session with the language server: the built program at the other end of a pair of pipes.

use std::io::BufReader;
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

/// Longer than any answer takes on any machine: a server that says nothing must not stop the tests for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// An editor and the server that it started.
pub struct Editor {
    server: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    asked: i32,
}

impl Editor {
    /// Starts a server and says nothing to it.
    pub fn silent() -> Self {
        Self::started(&[])
    }

    /// Starts a server with flags and says nothing to it.
    fn started(flags: &[&str]) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_failback"))
            .args(["lsp", "--stdio", "--now", "2025-06-01T00:00:00Z"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program was built");
        let mut output = BufReader::new(server.stdout.take().expect("it is piped"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { input: server.stdin.take(), server, messages, asked: 0 }
    }

    /// Starts a session; `encodings` are what columns of positions may count.
    pub fn with_encodings(encodings: &[&str]) -> (Self, Value) {
        let mut editor = Self::silent();
        let capabilities = json!({"general": {"positionEncodings": encodings}});
        let begun = editor
            .ask("initialize", json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
        editor.tell("initialized", json!({}));
        (editor, begun["result"].clone())
    }

    /// Starts a session about a folder, with flags of the server; the editor tells of files that change on disk.
    pub fn of_folder(folder: &Path, flags: &[&str]) -> Self {
        let mut editor = Self::started(flags);
        let folders = json!([{"uri": uri_of(folder), "name": "repository"}]);
        let capabilities = json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}});
        editor.ask(
            "initialize",
            json!({"processId": null, "workspaceFolders": folders, "capabilities": capabilities}),
        );
        editor.tell("initialized", json!({}));
        let asked = editor.until(|message| message["method"] == "client/registerCapability");
        editor.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": null}));
        editor
    }

    /// Starts a session.
    pub fn new() -> Self {
        Self::with_encodings(&["utf-16"]).0
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().expect("the session goes on");
        input.write_all(bytes).and_then(|()| input.flush()).expect("the server reads");
    }

    /// Sends a message.
    pub fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    /// Says something that needs no answer.
    pub fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Asks, and returns the whole answer.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.until(|message| message["id"] == id)
    }

    /// Asks about a place, and returns the result.
    pub fn ask_at(&mut self, method: &str, uri: &str, (line, character): (usize, usize)) -> Value {
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}});
        let answer = self.ask(method, place);
        assert!(answer["error"].is_null(), "{answer}");
        answer["result"].clone()
    }

    /// Opens a document.
    pub fn open(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Replaces a range of a document; all of it without one.
    pub fn change(&mut self, uri: &str, version: i32, range: Option<Value>, text: &str) {
        let mut change = json!({"text": text});
        if let Some(range) = range {
            change["range"] = range;
        }
        let document = json!({"uri": uri, "version": version});
        self.tell("textDocument/didChange", json!({"textDocument": document, "contentChanges": [change]}));
    }

    /// Reads until a message is the wanted one.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).expect("the server goes on and answers");
            if wanted(&message) {
                return message;
            }
        }
    }

    /// Reads until the server says what is wrong with a version of a document.
    pub fn diagnostics(&mut self, uri: &str, version: i32) -> Vec<Value> {
        let told = self.until(|message| {
            let params = &message["params"];
            message["method"] == "textDocument/publishDiagnostics"
                && params["uri"] == uri
                && params["version"] == version
        });
        told["params"]["diagnostics"].as_array().expect("a list").clone()
    }

    /// Ends the session as `end` says, and returns the exit code.
    pub fn end(mut self, end: impl FnOnce(&mut Self)) -> Option<i32> {
        end(&mut self);
        drop(self.input.take());
        self.server.wait().expect("the server ends").code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        drop(self.input.take());
        // A server that ended is no error.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn read(output: &mut impl std::io::BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => {
                length =
                    line.strip_prefix("Content-Length: ").and_then(|length| length.parse().ok()).or(length)
            }
        }
    }
    let mut body = vec![0; length?];
    output.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// Returns the URI of a file, every letter of it escaped that has to be.
pub fn uri_of(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.to_str().expect("a path of a test is text").bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// Returns a text without its `§`, and where that stood: its line, and its column in 16-bit units.
pub fn cursor(marked: &str) -> (String, (usize, usize)) {
    let at = marked.find('§').expect("a mark");
    let before = &marked[..at];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().expect("a line").encode_utf16().count();
    (marked.replacen('§', "", 1), (line, column))
}

/// Returns a text with the edits of a code action made.
pub fn edited(text: &str, edits: &Value) -> String {
    let mut edits: Vec<&Value> = edits.as_array().expect("a list").iter().collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(offset(text, &edit["range"]["start"])));
    let mut text = text.to_owned();
    for edit in edits {
        let (start, end) = (offset(&text, &edit["range"]["start"]), offset(&text, &edit["range"]["end"]));
        text.replace_range(start..end, edit["newText"].as_str().expect("a text"));
    }
    text
}

/// Returns the byte at a position that counts 16-bit units.
pub fn offset(text: &str, position: &Value) -> usize {
    let number = |key: &str| usize::try_from(position[key].as_u64().expect("a number")).expect("it fits");
    let start: usize = text.split_inclusive('\n').take(number("line")).map(str::len).sum();
    let mut units = 0;
    let line = &text[start..];
    let reached = line.char_indices().find(|(_, letter)| {
        let is_there = units >= number("character");
        units += letter.len_utf16();
        is_there
    });
    start + reached.map_or(line.len(), |(at, _)| at)
}
