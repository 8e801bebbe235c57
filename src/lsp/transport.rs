//! Messages over a stream: read whole or answered with what is wrong with them, never a reason to stop.

use std::io;
use std::io::BufRead;
use std::io::Read as _;
use std::io::Write;

use lsp_server::ErrorCode;
use lsp_server::Message;
use lsp_server::Notification;
use lsp_server::Request;
use lsp_server::RequestId;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

/// Bytes of the longest message: the longest document that is read, in the worst escapes.
const LONGEST: u64 = 1 << 30;
/// Bytes of the longest line of a header.
const LONGEST_LINE: u64 = 8192;
/// Headers in a row that can't be understood before the stream is given up: nothing says where a message begins.
const MOST_BAD: usize = 64;

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// Something to act on.
    Message(Message),
    /// Something to answer with an error; an id, if it has one.
    Bad { id: Value, code: ErrorCode, message: String },
}

/// Reads messages until the stream ends or `take` wants no more.
pub(super) fn read_all(input: &mut impl BufRead, mut take: impl FnMut(Incoming) -> bool) -> io::Result<()> {
    let mut bad = 0;
    loop {
        let incoming = match header(input)? {
            None => return Ok(()),
            Some(Ok(length)) if length <= LONGEST => {
                bad = 0;
                let mut body = Vec::new();
                if input.take(length).read_to_end(&mut body)? as u64 != length {
                    return Ok(());
                }
                message(&body)
            }
            Some(Ok(length)) => {
                io::copy(&mut input.take(length), &mut io::sink())?;
                malformed(ErrorCode::InvalidRequest, format!("a message of {length} bytes is too long"))
            }
            Some(Err(error)) => {
                bad += 1;
                malformed(ErrorCode::ParseError, error)
            }
        };
        if !take(incoming) || bad > MOST_BAD {
            return Ok(());
        }
    }
}

fn malformed(code: ErrorCode, message: String) -> Incoming {
    Incoming::Bad { id: Value::Null, code, message }
}

/// Reads a header; returns the length of the body, `None` at the end of the stream.
fn header(input: &mut impl BufRead) -> io::Result<Option<Result<u64, String>>> {
    let mut length = Err("a header without Content-Length".to_owned());
    loop {
        let mut line = Vec::new();
        if input.take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            return Ok(Some(length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().map_err(|_| format!("`{}` is no length", value.trim()));
        }
    }
}

/// Returns what a body says.
fn message(body: &[u8]) -> Incoming {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return malformed(ErrorCode::ParseError, format!("no JSON: {error}")),
    };
    let Value::Object(mut value) = value else {
        return malformed(ErrorCode::InvalidRequest, "a message is an object".to_owned());
    };
    let mut take = |key: &str| value.remove(key).unwrap_or_default();
    let (id, params, method) = (take("id"), take("params"), take("method"));
    let Value::String(method) = method else {
        if value.contains_key("result") || value.contains_key("error") {
            // What the editor answers is of no consequence here.
            let answered = Notification::new("$/answered".to_owned(), Value::Null);
            return Incoming::Message(answered.into());
        }
        return Incoming::Bad {
            id,
            code: ErrorCode::InvalidRequest,
            message: "a message without a method".into(),
        };
    };
    if id.is_null() {
        return Incoming::Message(Notification { method, params }.into());
    }
    match serde_json::from_value::<RequestId>(id) {
        Ok(id) => Incoming::Message(Request { id, method, params }.into()),
        Err(_) => malformed(ErrorCode::InvalidRequest, "an id is a text or a number of 32 bits".to_owned()),
    }
}

/// Writes an error about something that can't be answered by its id.
pub(super) fn write_error(out: &mut dyn Write, id: &Value, code: ErrorCode, message: &str) -> io::Result<()> {
    let body =
        json!({"jsonrpc": "2.0", "id": id, "error": {"code": code as i32, "message": message}}).to_string();
    write!(out, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    out.flush()
}

/// Writes a notification as it is: through a tree of values, as `lsp_server` has it, the findings of a large plan take a fifth of
/// the time of a keystroke.
pub(super) fn notify(out: &mut dyn Write, method: &str, params: &impl Serialize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Told<'t, P> {
        jsonrpc: &'static str,
        method: &'t str,
        params: &'t P,
    }
    let body = serde_json::to_vec(&Told { jsonrpc: "2.0", method, params })?;
    write!(out, "Content-Length: {}\r\n\r\n", body.len())?;
    out.write_all(&body)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        let ended = read_all(&mut text.as_bytes(), |incoming| {
            all.push(match incoming {
                Incoming::Message(Message::Request(request)) => format!("{}?", request.method),
                Incoming::Message(Message::Notification(notification)) => notification.method,
                Incoming::Message(Message::Response(_)) => "answer".to_owned(),
                Incoming::Bad { id, code, .. } => format!("{id} {code:?}"),
            });
            true
        });
        assert!(ended.is_ok());
        all
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn what_is_wrong_with_a_message_does_not_end_the_stream() {
        let good = framed(r#"{"jsonrpc":"2.0","method":"초기화"}"#);
        for (bad, told) in [
            (framed("{"), "null ParseError"),
            (framed("\u{0}"), "null ParseError"),
            (framed("[]"), "null InvalidRequest"),
            (framed("3"), "null InvalidRequest"),
            (framed(r#"{"id":7}"#), "7 InvalidRequest"),
            (framed(r#"{"id":9999999999,"method":"x"}"#), "null InvalidRequest"),
            (framed(r#"{"id":[1],"method":"x"}"#), "null InvalidRequest"),
            ("Content-Length: many\r\n\r\n".to_owned(), "null ParseError"),
            ("Content-Type: x\r\n\r\n".to_owned(), "null ParseError"),
            (framed(&"[".repeat(100_000)), "null ParseError"),
        ] {
            assert_eq!(read(&format!("{bad}{good}")), [told, "초기화"], "{bad:.60}");
        }
        assert_eq!(read(&framed(r#"{"id":"a","method":"x"}"#)), ["x?"]);
        assert_eq!(read(&framed(r#"{"id":1,"result":null}"#)), ["$/answered"]);
    }

    #[test]
    fn a_stream_that_ends_or_makes_no_sense_is_left() {
        assert!(read("Content-Length: 99999999999999999\r\n\r\n{}").len() <= 1);
        assert!(read("Content-Length: 10\r\n\r\n{").is_empty());
        assert!(read("Content-Le").is_empty());
        assert_eq!(read(&"x\n\n".repeat(1000)).len(), MOST_BAD + 1);
    }
}
