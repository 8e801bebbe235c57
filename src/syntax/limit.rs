//! What a value must be beside its type, so that no value of the language means nothing.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use serde_json::Value;
use serde_json::json;

use crate::diagnostic::Diagnostic;
use crate::quantity::Seconds;
use crate::syntax::address::refusal;
use crate::syntax::decode::Reader;
use crate::syntax::decode::quoted;
use crate::syntax::scalar::Plain;
use crate::syntax::tree::Kind;
use crate::syntax::tree::NodeId;

/// A limit of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// A number or a duration that is more than nothing.
    Positive,
    /// The number of a port.
    Port,
    /// A status of HTTP.
    HttpStatus,
    /// A list that has an item where it is written.
    NotEmpty,
    /// A list that must be written, and has an item.
    Needed,
    /// A list in which nothing stands twice.
    Distinct,
    /// A name on one line.
    Name,
    /// An address that begins with `http://` or `https://` and names a host.
    Url,
    /// A host name or address.
    Host,
    /// A path, an address or another text that machines read and that may be long.
    Long,
    /// A text that people read, or that is sent on as it is.
    Prose,
}

/// Characters of a text whose key sets no other limit: a name, an id, a word.
pub(crate) const LONGEST_NAME: usize = 256;

/// Characters of a path or an address: what Linux takes for a path.
const LONGEST_LINE: usize = 4096;

/// Characters of a text that people read, or that is sent on.
const LONGEST_PROSE: usize = 65_536;

/// Statuses that a server may answer with.
const STATUSES: RangeInclusive<i128> = 100..=599;

/// Ports that something may listen on.
const PORTS: RangeInclusive<i128> = 1..=65535;

/// The pattern of a name: something to see, and no control characters.
const NAME: &str =
    r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";

/// The pattern of an address; what the parser refuses beyond it is rare.
const URL: &str = r"^[hH][tT][tT][pP][sS]?://[^\s/?#:]";

/// The pattern of a host.
const HOST: &str = r"^[^\s/]+$";

impl Limit {
    /// Returns whether a key with these limits must be written.
    pub(crate) fn is_needed(limits: &[Self]) -> bool {
        limits.contains(&Self::Needed)
    }

    /// Adds the limit to the schema of a value.
    pub(crate) fn narrow(self, schema: &mut Value) {
        let is_of = |name: &str| schema["type"] == name;
        match self {
            Self::Positive if is_of("integer") => schema["minimum"] = json!(1),
            Self::Positive if is_of("number") => schema["exclusiveMinimum"] = json!(0),
            // The pattern tells readers of the schema that the text is a duration.
            Self::Positive => schema["not"] = json!({"pattern": "^[0dhms]+$"}),
            Self::Port => schema["minimum"] = json!(1),
            Self::HttpStatus => {
                schema["minimum"] = json!(i64::try_from(*STATUSES.start()).unwrap_or(0));
                schema["maximum"] = json!(i64::try_from(*STATUSES.end()).unwrap_or(0));
            }
            Self::NotEmpty | Self::Needed => schema["minItems"] = json!(1),
            Self::Distinct => schema["uniqueItems"] = json!(true),
            Self::Name => schema["pattern"] = json!(NAME),
            Self::Url => {
                schema["pattern"] = json!(URL);
                lengthen(schema, LONGEST_LINE);
            }
            Self::Host => schema["pattern"] = json!(HOST),
            Self::Long => lengthen(schema, LONGEST_LINE),
            Self::Prose => lengthen(schema, LONGEST_PROSE),
        }
    }

    /// Reports a value that could be read and is beyond the limit.
    pub(crate) fn check(self, reader: &mut Reader<'_, '_>, node: NodeId) {
        let tree = reader.tree();
        let span = reader.span(node);
        let diagnostic = match (&tree.node(node).kind, self) {
            (Kind::Sequence(items), Self::NotEmpty | Self::Needed)
                if items.is_empty() && !tree.is_cut(node) =>
            {
                let help = match self {
                    Self::Needed => "name at least one",
                    _ => "name at least one, or delete the key",
                };
                Some(Diagnostic::error("empty", span, "the list is empty").help(help))
            }
            (Kind::Sequence(items), Self::Distinct) => return distinct(reader, items),
            (Kind::Scalar { text, .. }, _) => self
                .problem(text)
                .map(|problem| Diagnostic::error(problem.code, span, problem.message).help(problem.help)),
            (Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_), _) => None,
        };
        if let Some(diagnostic) = diagnostic {
            reader.report(diagnostic);
        }
    }

    /// Says what is wrong with a scalar.
    fn problem(self, text: &str) -> Option<Problem> {
        match self {
            Self::Positive => {
                let is_nothing = match Plain::of(text) {
                    Plain::Integer(value) => value <= 0,
                    Plain::Float(value) => value <= 0.0,
                    Plain::Null | Plain::Boolean(_) => false,
                    Plain::Text => Seconds::parse(text).is_ok_and(|value| value.0 == 0),
                };
                is_nothing.then(|| {
                    Problem::new("out-of-range", format!("{text} is out of range"), "write more than nothing")
                })
            }
            Self::Name => {
                let control = text.chars().find(|letter| letter.is_control())?;
                let message = format!("a name can't hold the control character U+{:04X}", u32::from(control));
                Some(Problem::new(
                    "bad-name",
                    message,
                    "write the name on one line, without control characters",
                ))
            }
            Self::Url => match host_of_url(text) {
                Ok(host) => forbidden(host),
                Err(what) => {
                    let message = format!("{} {what}", quoted(text));
                    Some(Problem::new("bad-url", message, "write it as https://host.example/path"))
                }
            },
            Self::Host => {
                let help = "write a host name or an address alone: app1.corp.example";
                let odd = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '/';
                text.contains(odd)
                    .then(|| Problem::new("bad-host", format!("{} is not a host", quoted(text)), help))
                    .or_else(|| forbidden(text))
            }
            // A number outside its range is not read at all, nor is a text that is too long.
            Self::NotEmpty
            | Self::Needed
            | Self::Distinct
            | Self::Port
            | Self::HttpStatus
            | Self::Long
            | Self::Prose => None,
        }
    }

    /// Returns the range of a whole number.
    const fn range(self) -> Option<RangeInclusive<i128>> {
        match self {
            Self::Port => Some(PORTS),
            Self::HttpStatus => Some(STATUSES),
            Self::Positive => Some(1..=i128::MAX),
            Self::NotEmpty
            | Self::Needed
            | Self::Distinct
            | Self::Name
            | Self::Url
            | Self::Host
            | Self::Long
            | Self::Prose => None,
        }
    }

    /// Returns how many characters a text with these limits may have.
    pub(crate) fn longest_of(limits: &[Self]) -> usize {
        let longest = |limit: &Self| match limit {
            Self::Url | Self::Long => LONGEST_LINE,
            Self::Prose => LONGEST_PROSE,
            Self::Positive
            | Self::Port
            | Self::HttpStatus
            | Self::NotEmpty
            | Self::Needed
            | Self::Distinct
            | Self::Name
            | Self::Host => LONGEST_NAME,
        };
        limits.iter().map(longest).max().unwrap_or(LONGEST_NAME)
    }

    /// Returns the range in which these limits hold a whole number.
    pub(crate) fn range_of(limits: &[Self]) -> Option<RangeInclusive<i128>> {
        limits.iter().find_map(|limit| limit.range())
    }
}

/// Lets every text of a schema be longer than a name, whether it stands alone or in lists.
fn lengthen(schema: &mut Value, longest: usize) {
    if let Some(length) = schema.get_mut("maxLength") {
        *length = json!(longest);
    }
    if let Some(items) = schema.get_mut("items") {
        lengthen(items, longest);
    }
}

/// What is wrong with a scalar.
struct Problem {
    code: &'static str,
    message: String,
    help: &'static str,
}

impl Problem {
    const fn new(code: &'static str, message: String, help: &'static str) -> Self {
        Self { code, message, help }
    }
}

/// Refuses an address that a run would never ask; what a name stands for is known only then.
fn forbidden(host: &str) -> Option<Problem> {
    let why = refusal(host.parse().ok()?)?;
    let help =
        "name the service itself: credentials of this machine and links to its neighbours are not for plans";
    Some(Problem::new("forbidden-address", why, help))
}

/// Returns the host of a request's address, or says what is wrong with that.
fn host_of_url(text: &str) -> Result<&str, &'static str> {
    let Some((scheme, rest)) = text.split_once("://") else { return Err("is not a URL") };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err("begins with neither http:// nor https://");
    }
    if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err("has a blank in it");
    }
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, after)| after);
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, after)) if address.parse::<std::net::Ipv6Addr>().is_ok() => {
                (address, after.strip_prefix(':').or((!after.is_empty()).then_some("?")))
            }
            Some(_) | None => return Err("has an address that is none"),
        },
        None => match host_and_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        },
    };
    if host.is_empty() {
        return Err("names no host");
    }
    if port.is_some_and(|port| !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Err("has a port that is none");
    }
    Ok(host)
}

/// Reports the items of a list that stand in it already.
fn distinct(reader: &mut Reader<'_, '_>, items: &[NodeId]) {
    let tree = reader.tree();
    let mut seen: HashMap<&str, NodeId> = HashMap::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut node = *item;
        while let Kind::Alias(target) = tree.node(node).kind {
            node = target;
        }
        let Some(text) = tree.text(node).filter(|text| !text.is_empty()) else { continue };
        if let Some(first) = seen.get(text) {
            let first = reader.span(*first);
            let message = format!("{} stands in the list twice", quoted(text));
            let diagnostic = Diagnostic::error("duplicate-item", reader.span(*item), message)
                .label(first, "the first one is here")
                .help("keep one of them");
            reader.report_item(index, diagnostic);
        } else {
            seen.insert(text, *item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_a_scheme_a_host_and_a_port_that_there_is() {
        for good in [
            "https://hooks.corp.example/dr",
            "HTTP://host",
            "https://host:8443/a?b#c",
            "https://user@host/",
            "http://[2001:db8::1]:80/",
            "http://10.0.0.1",
            "https://서울.example/",
        ] {
            assert!(host_of_url(good).is_ok_and(|host| forbidden(host).is_none()), "{good}");
        }
        for bad in [
            "hooks.corp.example",
            "ftp://host/",
            "https://",
            "https:///path",
            "https://?a",
            "https://:443/",
            "https://user@/",
            "https://host:0/",
            "https://host:70000/",
            "https://host:http/",
            "https://[::g]/",
            "https://[::1]x/",
            "https://a b/",
            "javascript://host",
        ] {
            assert!(host_of_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_that_is_never_asked_is_known_from_its_text() {
        for bad in [
            "http://169.254.169.254/latest",
            "https://u@168.63.129.16:80",
            "http://[fe80::1]/",
            "http://0.0.0.0",
        ] {
            let host = host_of_url(bad).expect("it is well written");
            assert_eq!(forbidden(host).map(|problem| problem.code), Some("forbidden-address"), "{bad}");
        }
        assert!(
            Limit::Host.problem("169.254.169.254").is_some() && Limit::Host.problem("10.0.0.1").is_none()
        );
    }
}
