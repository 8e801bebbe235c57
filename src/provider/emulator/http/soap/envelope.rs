//! SOAP: calls as they come in, responses and faults as they go out.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::soap::node;
use crate::provider::emulator::http::soap::node::Node;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soapenv:Envelope \
    xmlns:soapenc=\"http://schemas.xmlsoap.org/soap/encoding/\" xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n<soapenv:Body>\n";
const CLOSING: &str = "\n</soapenv:Body>\n</soapenv:Envelope>";
const TYPE: &str = "text/xml; charset=utf-8";

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    /// Its name.
    pub(super) name: String,
    /// The object that is called.
    pub(super) this: Reference,
    arguments: Vec<Node>,
}

impl Call {
    /// Returns an argument.
    pub(super) fn argument(&self, name: &str) -> Option<&Node> {
        self.arguments.iter().find(|node| node.name == name)
    }

    /// Returns an argument that may come several times.
    pub(super) fn arguments<'c>(&'c self, name: &'c str) -> impl Iterator<Item = &'c Node> {
        self.arguments.iter().filter(move |node| node.name == name)
    }
}

/// Returns what a node refers to.
pub(super) fn reference(node: &Node) -> Reference {
    Reference::new(node.kind.as_deref().unwrap_or("ManagedObject"), node.text.trim())
}

/// Reads a request.
pub(super) fn read(body: &[u8]) -> Result<Call, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the request is not UTF-8")?;
    let envelope = node::read(text)?;
    if envelope.name != "Envelope" {
        return Err("the request is no SOAP envelope".into());
    }
    let call = envelope.inside.into_iter().find(|node| node.name == "Body").map(|body| body.inside);
    let call = call.and_then(|calls| calls.into_iter().next()).ok_or("the request has an empty body")?;
    let this = call.get("_this").map(reference).ok_or("the request names no object")?;
    Ok(Call { name: call.name, this, arguments: call.inside })
}

/// Returns the answer with a response.
pub(super) fn response(name: &str, content: &[(&'static str, Value)]) -> Answer {
    let mut out = format!("{OPENING}<{name}Response xmlns=\"urn:vim25\">");
    for (name, value) in content {
        value.write(&mut out, name);
    }
    let _ = write!(out, "</{name}Response>{CLOSING}");
    Answer::raw(200, TYPE, out)
}

/// A fault.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    kind: &'static str,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Fault {
    fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.fields.push((name, value));
        self
    }

    pub(super) fn not_authenticated() -> Self {
        Self::new("NotAuthenticated", "The session is not authenticated.")
            .with("object", Value::Reference(Reference::new("Folder", "group-d1")))
            .with("privilegeId", Value::text("System.View"))
    }

    pub(super) fn invalid_login() -> Self {
        Self::new("InvalidLogin", "Cannot complete login due to an incorrect user name or password.")
    }

    pub(super) fn not_found(object: &Reference) -> Self {
        let message = format!(
            "The object 'vim.{}:{}' has already been deleted or has not been completely created",
            object.kind, object.id
        );
        Self::new("ManagedObjectNotFound", message).with("obj", Value::Reference(object.clone()))
    }

    pub(super) fn invalid_property(name: &str) -> Self {
        Self::new("InvalidProperty", "").with("name", Value::text(name))
    }

    pub(super) fn invalid_argument(name: &str) -> Self {
        Self::new("InvalidArgument", format!("A specified parameter was not correct: {name}"))
            .with("invalidProperty", Value::text(name))
    }

    pub(super) fn invalid_request(why: &str) -> Self {
        Self::new("InvalidRequest", why)
    }

    /// The emulator has what it takes to look, and nothing else.
    pub(super) fn not_supported(call: &str) -> Self {
        Self::new("NotSupported", format!("The operation is not supported on the object: {call}."))
    }
}

/// Returns the answer with a fault, which comes as an error of the server.
pub(super) fn fault(fault: &Fault) -> Answer {
    let mut out = format!(
        "{OPENING}<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{}</faultstring><detail>\
         <{kind}Fault xmlns=\"urn:vim25\" xsi:type=\"{kind}\">",
        escape(&fault.message),
        kind = fault.kind
    );
    for (name, value) in &fault.fields {
        value.write(&mut out, name);
    }
    let _ = write!(out, "</{}Fault></detail></soapenv:Fault>{CLOSING}", fault.kind);
    Answer::raw(500, TYPE, out)
}
