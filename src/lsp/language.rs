//! What the language knows about a place in a document: its keys, words and documentation, from the schemas.

use std::sync::OnceLock;

use serde_json::Value;

use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::policy::Policy;
use crate::syntax::schema;
use crate::syntax::settings::Settings;

use super::sketch::Sketch;
use super::sketch::Step;
use super::sketch::plain;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Document {
    Plan,
    Inventory,
    Policy,
    Settings,
}

impl Document {
    /// Every kind, with the word for it.
    const ALL: [(Self, &'static str); 4] = [
        (Self::Plan, "RecoveryPlan"),
        (Self::Inventory, "Inventory"),
        (Self::Policy, "Policy"),
        (Self::Settings, "Settings"),
    ];

    /// Returns the words for kinds of documents, and what each is.
    pub(super) fn words() -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::ALL.iter().map(|(kind, word)| match kind {
            Self::Plan => (*word, "which machines come back from Azure, and how"),
            Self::Inventory => (*word, "the facts about the vault, the site and its machines"),
            Self::Policy => (*word, "rules of an organisation's own"),
            Self::Settings => (*word, "what `failback serve` is told"),
        })
    }

    /// Returns what kind a document says it is; if it does not, what the name of its file says.
    pub(super) fn of(sketch: &Sketch, text: &str, document: usize, file: &str) -> Option<Self> {
        let written = sketch.key(text, document, "kind").and_then(|kind| sketch.item(kind).value.clone());
        match written {
            Some(value) => {
                let word = plain(&text[value]);
                Self::ALL.iter().find(|(_, kind)| *kind == word).map(|(kind, _)| *kind)
            }
            None => Self::of_file(file),
        }
    }

    /// Returns what kind of document a file holds by its name.
    pub(super) fn of_file(file: &str) -> Option<Self> {
        let file = file.to_lowercase();
        let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml"))?;
        match stem.rsplit(['.', '/']).next()? {
            "plan" => Some(Self::Plan),
            "inventory" => Some(Self::Inventory),
            "policy" => Some(Self::Policy),
            "failback" => Some(Self::Settings),
            _ => None,
        }
    }

    /// Returns what the language says about such documents.
    pub(super) fn language(self) -> &'static Language {
        static PLAN: OnceLock<Language> = OnceLock::new();
        static INVENTORY: OnceLock<Language> = OnceLock::new();
        static POLICY: OnceLock<Language> = OnceLock::new();
        static SETTINGS: OnceLock<Language> = OnceLock::new();
        match self {
            Self::Plan => PLAN.get_or_init(|| Language(schema::of::<RecoveryPlan>("", ""))),
            Self::Inventory => INVENTORY.get_or_init(|| Language(schema::of::<Inventory>("", ""))),
            Self::Policy => POLICY.get_or_init(|| Language(schema::of::<Policy>("", ""))),
            Self::Settings => SETTINGS.get_or_init(|| Language(schema::of::<Settings>("", ""))),
        }
    }
}

/// The schema of a kind of document.
#[derive(Debug)]
pub(super) struct Language(Value);

/// One of the forms that a value may have.
#[derive(Clone, Copy, Debug)]
struct Form<'l> {
    schema: &'l Value,
    /// The block that it is.
    block: Option<&'l str>,
}

/// What the language knows about a place.
#[derive(Clone, Debug)]
pub(super) struct Place<'l> {
    /// The schema as the key has it, with its description.
    schema: &'l Value,
    forms: Vec<Form<'l>>,
    /// The block that has the key which leads here.
    pub block: &'l str,
    /// That key.
    pub key: &'l str,
    /// Whether the place is an item of a list that is the key's value.
    pub in_list: bool,
    /// Whether the block can't do without the key.
    pub required: bool,
}

/// A word that a value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub word: String,
    pub description: String,
}

impl Language {
    fn forms<'l>(&'l self, schema: &'l Value, block: Option<&'l str>, found: &mut Vec<Form<'l>>) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            return self.forms(&self.0["$defs"][name], Some(name), found);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            return any.iter().for_each(|one| self.forms(one, block, found));
        }
        found.push(Form { schema, block });
    }

    fn place<'l>(&'l self, schema: &'l Value, outer: Option<(&'l str, &'l str)>) -> Place<'l> {
        let mut forms = Vec::new();
        self.forms(schema, None, &mut forms);
        let (block, key) = outer.unwrap_or_default();
        Place { schema, forms, block, key, in_list: false, required: false }
    }

    /// Returns what is known about the place that steps lead to.
    pub(super) fn at(&self, path: &[Step<'_>]) -> Option<Place<'_>> {
        let mut place = self.place(&self.0, None);
        for step in path {
            place = match step {
                Step::Key(key) => {
                    self.keys(&place).into_iter().find(|next| next.key == *key).or_else(|| {
                        // A mapping whose keys are names: what its values are.
                        let form = place
                            .forms
                            .iter()
                            .find(|form| form.schema["additionalProperties"].is_object())?;
                        let mut next =
                            self.place(&form.schema["additionalProperties"], Some((place.block, place.key)));
                        next.in_list = place.in_list;
                        Some(next)
                    })?
                }
                Step::Element => {
                    let form = place.forms.iter().find(|form| form.schema["items"].is_object())?;
                    let mut next = self.place(&form.schema["items"], Some((place.block, place.key)));
                    next.in_list = true;
                    next
                }
            };
        }
        Some(place)
    }

    /// Returns the keys of the mapping that a place may be.
    pub(super) fn keys<'l>(&'l self, place: &Place<'l>) -> Vec<Place<'l>> {
        let mut keys = Vec::new();
        for form in &place.forms {
            let Some(properties) = form.schema["properties"].as_object() else { continue };
            let required = form.schema["required"].as_array();
            for (key, schema) in properties {
                let mut next = self.place(schema, Some((form.block.unwrap_or(""), key)));
                next.required = required.is_some_and(|all| all.iter().any(|one| one == key));
                keys.push(next);
            }
        }
        keys
    }
}

impl Place<'_> {
    /// Returns what the documentation says about the key.
    pub(super) fn description(&self) -> &str {
        self.schema["description"].as_str().unwrap_or("")
    }

    /// Returns the words that the value may be.
    pub(super) fn words(&self) -> Vec<Word> {
        let mut words = Vec::new();
        for form in &self.forms {
            let one = std::slice::from_ref(form.schema);
            for choice in form.schema["oneOf"].as_array().map_or(one, Vec::as_slice) {
                let description = choice["description"].as_str().unwrap_or("").to_owned();
                match &choice["const"] {
                    Value::Null => {}
                    Value::String(word) => words.push(Word { word: word.clone(), description }),
                    other => words.push(Word { word: other.to_string(), description: String::new() }),
                }
            }
            if form.schema["type"] == "boolean" {
                words.extend(
                    ["true", "false"].map(|word| Word { word: word.into(), description: String::new() }),
                );
            }
            if form.schema["type"] == "null" {
                words.push(Word { word: "null".into(), description: "there is none".into() });
            }
        }
        words
    }

    /// Returns whether the value may be a mapping or a list, which begins in a line of its own.
    pub(super) fn is_collection(&self) -> bool {
        self.forms.iter().all(|form| form.schema["type"] == "object" || form.schema["type"] == "array")
    }

    /// Returns the value to show in documentation, as YAML.
    pub(super) fn example(&self) -> Option<String> {
        let example = &self.schema["examples"][0];
        if example.is_null() || self.key.is_empty() {
            return None;
        }
        serde_yaml::to_string(&serde_json::json!({ self.key: example })).ok()
    }

    /// Returns in a few words what a value may be.
    pub(super) fn kind(&self) -> String {
        let mut kinds: Vec<&str> = Vec::new();
        for form in &self.forms {
            let kind = match form.schema["type"].as_str() {
                _ if form.schema["oneOf"].is_array() || !form.schema["const"].is_null() => {
                    "one of the words below"
                }
                Some("string") => "text",
                Some("integer" | "number") => "a number",
                Some("boolean") => "`true` or `false`",
                Some("null") => "`null`",
                Some("array") => "a list",
                Some("object") => "a mapping",
                _ => "any value",
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_through_references_lists_and_either_forms() {
        let language = Document::Plan.language();
        let path = [Step::Key("machines"), Step::Element, Step::Key("failback"), Step::Key("location")];
        let place = language.at(&path).expect("known");
        assert_eq!((place.block, place.key, place.in_list), ("Failback", "location", false));
        let words: Vec<String> = place.words().into_iter().map(|word| word.word).collect();
        assert_eq!(words, ["auto", "original", "alternate"]);
        assert!(place.description().contains("Default: `auto`"));
        let machine = language.at(&path[..2]).expect("known");
        assert_eq!((machine.block, machine.key, machine.in_list), ("RecoveryPlan", "machines", true));
        assert!(language.keys(&machine).iter().any(|key| key.key == "depends_on" && key.is_collection()));
        assert!(language.keys(&machine).iter().any(|key| key.key == "name" && key.required));
        assert!(language.at(&[Step::Key("machnes")]).is_none());
    }

    #[test]
    fn a_mapping_of_names_has_values_and_no_keys() {
        let path = [Step::Key("datastores"), Step::Element, Step::Key("access"), Step::Key("esx1")];
        let place = Document::Inventory.language().at(&path).expect("known");
        assert_eq!(place.words()[0].word, "rw");
    }

    #[test]
    fn a_document_is_what_it_says_or_what_its_file_says() {
        let of = |text: &str, file: &str| {
            let sketch = Sketch::of(text);
            Document::of(&sketch, text, sketch.documents().next().expect("one"), file)
        };
        assert_eq!(of("kind: Inventory\n", "a.plan.yaml"), Some(Document::Inventory));
        assert_eq!(of("kind: Deployment\n", "a.plan.yaml"), None);
        assert_eq!(of("kin", "/x/a.plan.yaml"), Some(Document::Plan));
        assert_eq!(of("name: x\n", "values.yaml"), None);
    }
}
