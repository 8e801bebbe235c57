//! One recorded exchange, as its file holds it.

use std::path::Path;

use serde_json::Value;

/// A request with its answer.
pub struct Exchange {
    pub file: String,
    /// `recorded`, `spec` or `inferred`.
    pub mark: String,
    pub method: String,
    pub url: String,
    pub sent: Option<Value>,
    pub status: u16,
    pub headers: Vec<String>,
    pub body: Value,
}

impl Exchange {
    /// Reads a file of the folder.
    pub fn read(folder: &Path, file: &str) -> Self {
        let text =
            std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (request, response) = (&value["request"], &value["response"]);
        let headers = response["headers"].as_object();
        Self {
            file: file.to_owned(),
            mark: words(&value["source"]["kind"]),
            method: words(&request["method"]),
            url: words(&request["url"]),
            sent: Some(request["body"].clone()).filter(|body| !body.is_null()),
            status: u16::try_from(response["status"].as_u64().unwrap_or_default()).unwrap_or_default(),
            headers: headers.map(|headers| headers.keys().cloned().collect()).unwrap_or_default(),
            body: response["body"].clone(),
        }
    }

    /// Returns what was asked for: the method, and the path with `*` for names.
    pub fn operation(&self) -> String {
        let path = self.url.split('?').next().unwrap_or_default();
        let after = path.split("/providers/").nth(1).unwrap_or(path);
        let mut parts: Vec<&str> = after.split('/').skip(1).collect();
        if parts.first() == Some(&"vaults") && parts.len() > 2 {
            parts.drain(..2);
        }
        let shown: Vec<&str> =
            parts.iter().enumerate().map(|(at, part)| if at % 2 == 1 { "*" } else { part }).collect();
        format!("{} {}", self.method, shown.join("/"))
    }
}

/// Returns the recorded body with what is called otherwise here: the values of these members.
pub fn renamed(body: &Value, names: &[(&str, Value)]) -> Value {
    match body {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let other = names.iter().find(|(member, _)| member.eq_ignore_ascii_case(name));
                let value = other.map_or_else(|| renamed(value, names), |(_, value)| value.clone());
                (name.clone(), value)
            })
            .collect(),
        Value::Array(entries) => entries.iter().map(|entry| renamed(entry, names)).collect(),
        other => other.clone(),
    }
}
