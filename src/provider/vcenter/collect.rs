//! What the property collector returns: objects with some of their properties, page by page.

use std::collections::BTreeMap;
use std::collections::HashSet;

use crate::provider::vcenter::xml::Element;
use crate::provider::words::words;

/// A reference to an object of a vCenter. Its value may hold any letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) kind: String,
    pub(super) value: String,
}

impl Reference {
    pub(super) fn of(element: &Element) -> Option<Self> {
        let kind = element.reference_type()?.to_owned();
        Some(Self { kind, value: element.text.trim().to_owned() })
            .filter(|reference| !reference.value.is_empty())
    }
}

/// A property that could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) path: String,
    /// The privilege that is missing, if that is the reason.
    pub(super) privilege: Option<String>,
    /// The type of the fault.
    pub(super) fault: String,
}

/// An object with those of its properties that are set.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) reference: Reference,
    properties: BTreeMap<String, Element>,
    pub(super) missing: Vec<Missing>,
}

impl Object {
    /// Returns a property; `None` if it is unset or could not be had.
    pub(super) fn property(&self, path: &str) -> Option<&Element> {
        self.properties.get(path)
    }

    /// Returns the text of a property.
    pub(super) fn word(&self, path: &str) -> Option<&str> {
        self.property(path).map(|value| value.text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns whether a property was read, be it set or not.
    pub(super) fn was_read(&self, path: &str) -> bool {
        !self.missing.iter().any(|missing| is_inside(path, &missing.path) || is_inside(&missing.path, path))
    }
}

fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// A part of a result, with the token of what follows.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    pub(super) token: Option<String>,
}

/// Reads an answer of the property collector. An answer without a value is an empty page.
///
/// # Errors
///
/// A few words about what is wrong with it.
pub(super) fn page(response: &Element) -> Result<Page, String> {
    let Some(result) = response.child("returnval") else {
        return Ok(Page { objects: Vec::new(), token: None });
    };
    let objects = result.all("objects").map(object).collect::<Result<_, _>>()?;
    Ok(Page { objects, token: result.word("token").map(str::to_owned) })
}

fn object(element: &Element) -> Result<Object, String> {
    let reference = element.child("obj").and_then(Reference::of).ok_or("an object has no reference")?;
    let mut properties = BTreeMap::new();
    for set in element.all("propSet") {
        let (Some(name), Some(value)) = (set.word("name"), set.child("val")) else {
            return Err(format!("a property of {} has no name or no value", reference.value));
        };
        properties.insert(name.to_owned(), value.clone());
    }
    let missing = element.all("missingSet").map(missing).collect();
    Ok(Object { reference, properties, missing })
}

fn missing(element: &Element) -> Missing {
    let fault = element.at(&["fault", "fault"]);
    Missing {
        path: element.word("path").unwrap_or_default().to_owned(),
        privilege: fault.and_then(|fault| fault.word("privilegeId")).map(words),
        fault: words(fault.and_then(Element::value_type).unwrap_or("a fault without a type")),
    }
}

/// Gathers pages, and notices when they lead nowhere.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) objects: Vec<Object>,
    seen: HashSet<Reference>,
    pages: u32,
}

impl Gathered {
    /// Adds a page, and returns the token of the next one.
    ///
    /// # Errors
    ///
    /// A few words, if there are too many pages, or one brings nothing new and still promises more.
    pub(super) fn add(&mut self, page: Page, most: u32) -> Result<Option<String>, String> {
        self.pages += 1;
        let before = self.objects.len();
        for object in page.objects {
            if self.seen.insert(object.reference.clone()) {
                self.objects.push(object);
            }
        }
        if page.token.is_some() && self.objects.len() == before {
            return Err(format!("page {} of its objects brings nothing new and promises more", self.pages));
        }
        if page.token.is_some() && self.pages >= most {
            return Err(format!("its objects have more than {most} pages"));
        }
        Ok(page.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::vcenter::xml::parse;

    const PAGE: &str = r#"<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval><token>t&amp;1</token>
        <objects><obj type="VirtualMachine">vm-1</obj>
          <propSet><name>name</name><val xsi:type="xsd:string">w1</val></propSet>
          <propSet><name>runtime.host</name><val xsi:type="ManagedObjectReference" type="HostSystem">host-1</val></propSet>
          <missingSet><path>config.hardware</path><fault><fault xsi:type="NoPermission"><object type="VirtualMachine">vm-1</object>
            <privilegeId>System.Read</privilegeId></fault><localizedMessage/></fault></missingSet>
        </objects></returnval></RetrievePropertiesExResponse>"#;

    #[test]
    fn a_property_that_may_not_be_read_is_told_from_one_that_is_unset() {
        let page = page(&parse(PAGE).unwrap()).unwrap();
        assert_eq!(page.token.as_deref(), Some("t&1"));
        let [object] = &page.objects[..] else { panic!("one object") };
        assert_eq!(object.word("name"), Some("w1"));
        assert_eq!(
            object.property("runtime.host").and_then(Reference::of),
            Some(Reference { kind: "HostSystem".into(), value: "host-1".into() })
        );
        assert!(object.was_read("snapshot"));
        assert!(!object.was_read("config.hardware.device"), "inside what is missing");
        assert!(!object.was_read("config"), "around what is missing");
        assert!(object.was_read("config.hardwareVersion"));
        assert_eq!(object.missing[0].privilege.as_deref(), Some("System.Read"));
    }

    #[test]
    fn an_answer_without_objects_is_an_empty_page() {
        let page = page(&parse("<RetrievePropertiesExResponse/>").unwrap()).unwrap();
        assert!(page.objects.is_empty() && page.token.is_none());
    }

    #[test]
    fn pages_that_go_round_end() {
        let read = || page(&parse(PAGE).unwrap()).unwrap();
        let mut gathered = Gathered::default();
        assert_eq!(gathered.add(read(), 9).unwrap().as_deref(), Some("t&1"));
        assert!(gathered.add(read(), 9).unwrap_err().contains("nothing new"));
        assert!(Gathered::default().add(read(), 1).unwrap_err().contains("more than 1 pages"));
    }
}
