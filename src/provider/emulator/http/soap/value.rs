//! Values of vSphere's types, and how they stand in an answer.

use std::fmt::Write as _;

use jiff::Timestamp;
use quick_xml::escape::escape;

/// A reference to a managed object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) kind: String,
    pub(super) id: String,
}

impl Reference {
    pub(super) fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.into() }
    }
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A simple value: its type (`xsd:string`, or the name of an enumeration) and its text.
    Simple(&'static str, String),
    /// A reference.
    Reference(Reference),
    /// A data object: its type and its properties; those that are unset are left out.
    Data(&'static str, Vec<(&'static str, Self)>),
    /// A list: the type of its entries, and these.
    List(&'static str, Vec<Self>),
    /// A value where any may stand: it says of which type it is.
    Typed(Box<Self>),
    /// What stands inside an element, as it was written before.
    Written(String),
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Simple("xsd:string", text.into())
    }

    pub(super) fn truth(truth: bool) -> Self {
        Self::Simple("xsd:boolean", truth.to_string())
    }

    pub(super) fn int(number: impl Into<i64>) -> Self {
        Self::Simple("xsd:int", number.into().to_string())
    }

    pub(super) fn long(number: u64) -> Self {
        Self::Simple("xsd:long", number.to_string())
    }

    pub(super) fn short(number: i16) -> Self {
        Self::Simple("xsd:short", number.to_string())
    }

    pub(super) fn time(at: Timestamp) -> Self {
        Self::Simple("xsd:dateTime", at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
    }

    pub(super) fn word(kind: &'static str, word: &str) -> Self {
        Self::Simple(kind, word.to_owned())
    }

    pub(super) fn references(list: impl IntoIterator<Item = Reference>) -> Self {
        Self::List("ManagedObjectReference", list.into_iter().map(Self::Reference).collect())
    }

    /// Returns what a path leads to; `None` if that is unset.
    pub(super) fn at(&self, path: &str) -> Option<&Self> {
        let mut value = self;
        for part in path.split('.') {
            let Self::Data(_, fields) = value else { return None };
            value = fields.iter().find(|(name, _)| *name == part).map(|(_, value)| value)?;
        }
        Some(value)
    }

    /// Writes the value as an element, or as several if it is a list.
    pub(super) fn write(&self, out: &mut String, name: &str) {
        match self {
            Self::List(_, entries) => entries.iter().for_each(|entry| entry.element(out, name, false)),
            Self::Typed(value) => value.element(out, name, true),
            other => other.element(out, name, false),
        }
    }

    /// Writes the value as an element that says of which type it is.
    pub(super) fn write_typed(&self, out: &mut String, name: &str) {
        self.element(out, name, true);
    }

    fn element(&self, out: &mut String, name: &str, typed: bool) {
        // Writing to a text can't fail.
        let _ = match self {
            Self::Simple(kind, text) if typed => {
                write!(out, "<{name} xsi:type=\"{kind}\">{}</{name}>", escape(text))
            }
            Self::Simple(_, text) => write!(out, "<{name}>{}</{name}>", escape(text)),
            Self::Typed(value) => {
                value.element(out, name, true);
                Ok(())
            }
            Self::Written(inside) => write!(out, "<{name}>{inside}</{name}>"),
            Self::Reference(Reference { kind, id }) => {
                let of = if typed { " xsi:type=\"ManagedObjectReference\"" } else { "" };
                write!(out, "<{name} type=\"{}\"{of}>{}</{name}>", escape(kind), escape(id))
            }
            Self::Data(kind, fields) => {
                let _ = write!(out, "<{name} xsi:type=\"{kind}\">");
                for (name, value) in fields {
                    value.write(out, name);
                }
                write!(out, "</{name}>")
            }
            Self::List(kind, entries) => {
                let entry = kind.strip_prefix("xsd:").unwrap_or(kind);
                let of: String = entry[..1].to_uppercase() + &entry[1..];
                let _ = write!(out, "<{name} xsi:type=\"ArrayOf{of}\">");
                for value in entries {
                    value.element(out, entry, true);
                }
                write!(out, "</{name}>")
            }
        };
    }
}

/// Properties of a data object, of which some may be unset.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(&'static str, Value)>);

impl Fields {
    pub(super) fn set(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }

    pub(super) fn maybe(self, name: &'static str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    pub(super) fn data(self, kind: &'static str) -> Value {
        Value::Data(kind, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_of_which_type_it_is_where_that_is_open() {
        let host = Value::Reference(Reference::new("HostSystem", "host-<1>"));
        let mut out = String::new();
        host.write_typed(&mut out, "val");
        assert_eq!(out, "<val type=\"HostSystem\" xsi:type=\"ManagedObjectReference\">host-&lt;1&gt;</val>");
        let list = Value::List("xsd:string", vec![Value::text("a&b")]);
        out.clear();
        list.write_typed(&mut out, "val");
        assert_eq!(
            out,
            "<val xsi:type=\"ArrayOfString\"><string xsi:type=\"xsd:string\">a&amp;b</string></val>"
        );
        let data = Fields::default().set("vm", Value::references([])).set("name", list).data("Thing");
        out.clear();
        data.write(&mut out, "returnval");
        assert_eq!(out, "<returnval xsi:type=\"Thing\"><name>a&amp;b</name></returnval>");
    }

    #[test]
    fn a_path_leads_into_data_and_no_further() {
        let inner = Fields::default().set("uuid", Value::text("u")).data("Config");
        let data = Fields::default().set("config", inner).data("VirtualMachine");
        assert_eq!(data.at("config.uuid"), Some(&Value::text("u")));
        assert_eq!(data.at("config.uuid.x"), None);
        assert_eq!(data.at("config.name"), None);
    }
}
