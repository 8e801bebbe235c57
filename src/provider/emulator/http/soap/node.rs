//! A request's XML, read for what the server needs: names without prefixes, the two kinds of `type`, texts.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;
use quick_xml::events::Event;

/// An element of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    /// Its type: of the object that is referred to, or of the value.
    pub(super) kind: Option<String>,
    pub(super) text: String,
    pub(super) inside: Vec<Self>,
}

impl Node {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.inside.iter().find(|node| node.name == name)
    }

    pub(super) fn each<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Self> {
        self.inside.iter().filter(move |node| node.name == name)
    }

    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.get(name).map(|node| node.text.as_str())
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.word(name), Some("true" | "1"))
    }
}

/// Reads a request.
pub(super) fn read(text: &str) -> Result<Node, String> {
    let mut reader = Reader::from_str(text);
    let mut path = vec![Node::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) if path.len() < 64 => path.push(begin(&start)?),
            Event::Start(_) => return Err("it is nested too deep".into()),
            Event::Empty(start) => {
                let node = begin(&start)?;
                if let Some(parent) = path.last_mut() {
                    parent.inside.push(node);
                }
            }
            Event::End(_) => {
                if let Some(node) = path.pop()
                    && let Some(parent) = path.last_mut()
                {
                    parent.inside.push(node);
                }
            }
            Event::Text(text) => add(&mut path, &text.xml10_content()),
            Event::CData(text) => add(&mut path, &text.xml10_content()),
            Event::GeneralRef(name) => {
                let written = format!("&{};", name.xml10_content());
                add(&mut path, &unescape(&written).map_err(|error| error.to_string())?);
            }
            Event::DocType(_) => return Err("a doctype is not taken".into()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match (path.pop(), path.is_empty()) {
        (Some(document), true) => document.inside.into_iter().next().ok_or_else(|| "it is empty".into()),
        _ => Err("it is not whole".into()),
    }
}

fn add(path: &mut [Node], text: &str) {
    if let Some(node) = path.last_mut()
        && (node.inside.is_empty() || !text.trim().is_empty())
    {
        node.text.push_str(text);
    }
}

fn begin(start: &BytesStart<'_>) -> Result<Node, String> {
    let mut node = Node { name: start.local_name().into_inner().to_owned(), ..Node::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.local_name().into_inner() == "type" {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            let value = value.map_err(|error| error.to_string())?;
            let plain = attribute.key.prefix().is_none();
            // The type of an object that is referred to outweighs that it is a reference.
            if plain || node.kind.is_none() {
                node.kind = Some(value.rsplit(':').next().unwrap_or(&value).to_owned());
            }
        }
    }
    Ok(node)
}
