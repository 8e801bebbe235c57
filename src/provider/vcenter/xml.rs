//! XML as a plain tree: what vCenter answers is small enough to be held, and read by name.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::BytesStart;
use quick_xml::events::Event;

/// How deep an answer may be nested: a snapshot tree, the deepest that vSphere has, ends at 32 below its property.
const DEPTH: usize = 128;

/// An element with what is in it; prefixes of names are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    /// Attributes without a prefix.
    plain: Vec<(String, String)>,
    /// Attributes with any prefix: vCenter writes `xsi:type`, others another prefix.
    prefixed: Vec<(String, String)>,
    pub(super) children: Vec<Self>,
    pub(super) text: String,
}

impl Element {
    /// Returns the first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the children of a name.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns what a path of names leads to.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// Returns the text of a child, if it is there and not empty.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }

    /// Returns the type of the value: the attribute `type` with a prefix.
    pub(super) fn value_type(&self) -> Option<&str> {
        let (_, value) = self.prefixed.iter().find(|(name, _)| name == "type")?;
        Some(value.rsplit(':').next().unwrap_or(value))
    }

    /// Returns the kind of the object that is referred to: the attribute `type` without a prefix.
    pub(super) fn reference_type(&self) -> Option<&str> {
        self.plain.iter().find(|(name, _)| name == "type").map(|(_, value)| value.as_str())
    }
}

/// Reads a document.
///
/// # Errors
///
/// A few words about what is wrong with it. A document with a doctype is refused: no answer of vCenter has one, and its
/// entities could grow without end.
pub(super) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEPTH {
                    return Err(format!("it is nested more than {DEPTH} deep"));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => close(element(&start)?, &mut open, &mut root)?,
            Event::End(_) => {
                let ended = open.pop().ok_or("an element ends that did not begin")?;
                close(ended, &mut open, &mut root)?;
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(text) => append(&mut open, &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                if let Some(letter) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    append(&mut open, letter.encode_utf8(&mut [0; 4]))?;
                } else {
                    let entity = resolve_predefined_entity(&reference);
                    append(&mut open, entity.ok_or("it has an entity of its own")?)?;
                }
            }
            Event::DocType(_) => return Err("it has a doctype".into()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err("it ends in the middle".into());
    }
    root.ok_or_else(|| "it is empty".into())
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element { name: start.local_name().into_inner().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?;
        let name = attribute.key.local_name().into_inner().to_owned();
        let list = if attribute.key.prefix().is_some() { &mut element.prefixed } else { &mut element.plain };
        list.push((name, value.into_owned()));
    }
    Ok(element)
}

fn close(ended: Element, open: &mut [Element], root: &mut Option<Element>) -> Result<(), String> {
    match open.last_mut() {
        Some(parent) => parent.children.push(ended),
        None if root.is_none() => *root = Some(ended),
        None => return Err("it has two roots".into()),
    }
    Ok(())
}

fn append(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        // White space between elements says nothing, and a text with children is no value.
        Some(element) if element.children.is_empty() || !text.trim().is_empty() => {
            element.text.push_str(text)
        }
        None if !text.trim().is_empty() => return Err("it has text outside its root".into()),
        Some(_) | None => {}
    }
    Ok(())
}

/// Returns a text as it may stand between tags and in attributes.
pub(super) fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_any_prefix_and_a_reference_by_none() {
        let root = parse(
            r#"<r><a xmlns:i="x" i:type="ManagedObjectReference" type="HostSystem">host-1</a>
               <b XMLSchema-instance:type="xsd:string">w1 &amp; w2 &#x41;<![CDATA[<]]></b></r>"#,
        )
        .unwrap();
        let reference = root.child("a").unwrap();
        assert_eq!(reference.value_type(), Some("ManagedObjectReference"));
        assert_eq!(reference.reference_type(), Some("HostSystem"));
        let name = root.child("b").unwrap();
        assert_eq!((name.value_type(), name.reference_type()), (Some("string"), None));
        assert_eq!(name.text, "w1 & w2 A<");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for (text, why) in [
            ("", "it is empty"),
            ("<a><b></b>", "it ends in the middle"),
            ("<a/><b/>", "it has two roots"),
            ("<a/>x", "it has text outside its root"),
            ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "it has a doctype"),
            ("<a>&x;</a>", "it has an entity of its own"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
        assert!(parse("<a></b>").is_err());
        assert!(parse(&"<a>".repeat(200)).unwrap_err().contains("deep"));
    }

    #[test]
    fn a_word_with_letters_of_its_own_comes_through_both_ways() {
        let word = "[ds] a<b>&\"c\"/ö";
        let root = parse(&format!("<a><b>{}</b></a>", escaped(word))).unwrap();
        assert_eq!(root.word("b"), Some(word));
    }
}
