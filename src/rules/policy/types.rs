//! What expressions may speak of: the keys of the documents with their types, from the declarations that read them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::model::LocationMode;
use crate::quantity::Bytes;
use crate::quantity::Seconds;
use crate::syntax::decode::Decode;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::schema;
use crate::syntax::schema::Schema;

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    /// Whatever a document holds in a place that takes anything.
    Any,
    Null,
    Bool,
    Int,
    Double,
    Text,
    /// Text that is one of a closed set of words.
    Words(Arc<[String]>),
    Time,
    Duration,
    List(Arc<Type>),
    /// Keys that the user chose.
    Map(Arc<Type>),
    /// A block of the language, by its name in [`Language`].
    Block(Arc<str>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any value",
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a number with a fraction",
            Self::Text | Self::Words(_) => "text",
            Self::Time => "a time",
            Self::Duration => "a duration",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Block(_) => "a block",
        })
    }
}

impl Type {
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    pub fn block(name: &str) -> Self {
        Self::Block(name.into())
    }

    /// Returns whether a value may be both of this type and of another.
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any | Self::Null, _) | (_, Self::Any | Self::Null) => true,
            (Self::Text | Self::Words(_), Self::Text | Self::Words(_)) => true,
            (Self::Int | Self::Double, Self::Int | Self::Double) => true,
            (Self::List(one), Self::List(other)) | (Self::Map(one), Self::Map(other)) => one.meets(other),
            (one, other) => one == other,
        }
    }

    /// Returns the type of a value that is of this type or of another.
    pub fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one.clone(),
            (Self::Null, known) | (known, Self::Null) => known.clone(),
            (Self::Text | Self::Words(_), Self::Text | Self::Words(_)) => Self::Text,
            _ => Self::Any,
        }
    }
}

/// What a key means where it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absent {
    /// Nobody knows: a fact.
    Unknown,
    /// There is none.
    Null,
    /// There are none.
    Empty,
    /// It may not be left out.
    Mistake,
}

/// A key of a block.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: Arc<str>,
    pub ty: Type,
    pub absent: Absent,
}

pub(super) type Block = BTreeMap<String, Field>;

/// Every block that expressions may speak of.
#[derive(Debug)]
pub(super) struct Language {
    blocks: BTreeMap<String, Block>,
}

impl Language {
    /// Returns the language, made once.
    pub fn get() -> &'static Self {
        static LANGUAGE: OnceLock<Language> = OnceLock::new();
        LANGUAGE.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut language = Self { blocks: BTreeMap::new() };
        language.add("plan", &schema::of::<RecoveryPlan>("", ""), Absent::Null);
        language.add("inventory", &schema::of::<Inventory>("", ""), Absent::Unknown);
        // A group that is written has all its members.
        language.set_absent("inventory/ReplicationGroup", "members", Absent::Empty);
        language.add_settings();
        language.add_machine();
        let mut group = language.blocks.get("plan/ReplicationGroup").cloned().unwrap_or_default();
        insert(&mut group, "members", Type::list(Type::block("machine")), Absent::Mistake);
        language.blocks.insert("group".to_owned(), group);
        language
    }

    /// Returns a block.
    pub fn block(&self, name: &str) -> Option<&Block> {
        self.blocks.get(name)
    }

    /// Returns the type of a block's key; anything, if there is no such block.
    pub fn field(&self, block: &str, key: &str) -> Option<&Field> {
        self.blocks.get(block)?.get(key)
    }

    fn add(&mut self, space: &str, document: &Json, absent: Absent) {
        let blocks = document["$defs"].as_object().into_iter().flatten();
        for (name, definition) in blocks {
            let mut block = Block::new();
            let keys = definition["properties"].as_object().into_iter().flatten();
            for (key, value) in keys {
                let ty = type_of(value, space);
                let absent = match (&ty, absent) {
                    (Type::List(_), Absent::Null) => Absent::Empty,
                    _ => absent,
                };
                insert(&mut block, key, ty, absent);
            }
            self.blocks.insert(format!("{space}/{name}"), block);
        }
    }

    fn set_absent(&mut self, block: &str, key: &str, absent: Absent) {
        if let Some(field) = self.blocks.get_mut(block).and_then(|block| block.get_mut(key)) {
            field.absent = absent;
        }
    }

    /// Adds the settings of a machine, defaults merged: the keys of the plan's blocks, those of `target` beside the others.
    fn add_settings(&mut self) {
        let of = |language: &Self, block: &str| language.blocks.get(block).cloned().unwrap_or_default();
        let mut failback = of(self, "plan/Failback");
        failback.remove("target");
        failback.extend(of(self, "plan/Target"));
        let mut settings = Block::new();
        for key in ["failover", "commit", "final_state", "recovery_point"] {
            let field = self.field("plan/Machine", key).cloned();
            settings.extend(field.map(|field| (key.to_owned(), field)));
        }
        insert(&mut settings, "failback", Type::block("settings/failback"), Absent::Null);
        insert(&mut settings, "forward", Type::block("settings/forward"), Absent::Null);
        self.blocks.insert("settings/forward".to_owned(), of(self, "plan/Forward"));
        self.blocks.insert("settings/failback".to_owned(), failback);
        self.blocks.insert("settings".to_owned(), settings);
    }

    /// Adds a machine of the plan: its facts, and what follows from the plan.
    fn add_machine(&mut self) {
        let mut machine = self.blocks.get("inventory/Machine").cloned().unwrap_or_default();
        let modes = [LocationMode::Original, LocationMode::Alternate].map(|mode| mode.as_str().to_owned());
        for (key, ty) in [
            ("settings", Type::block("settings")),
            ("location_mode", Type::Words(modes.into())),
            ("group", Type::Text),
            ("boot_group", Type::Text),
            ("depends_on", Type::list(Type::Text)),
            ("verify", Type::list(Type::block("plan/Probe"))),
        ] {
            insert(&mut machine, key, ty, Absent::Null);
        }
        self.blocks.insert("machine".to_owned(), machine);
    }
}

fn insert(block: &mut Block, key: &str, ty: Type, absent: Absent) {
    block.insert(key.to_owned(), Field { name: key.into(), ty, absent });
}

/// Returns the type that the schema of a key's value stands for.
fn type_of(schema: &Json, space: &str) -> Type {
    let is = |other: Json, key: &str| schema.get(key).is_some_and(|found| *found == other[key]);
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return Type::block(&format!("{space}/{name}"));
    }
    if let Some(words) = schema["oneOf"].as_array() {
        let words: Vec<String> =
            words.iter().filter_map(|word| Some(word["const"].as_str()?.to_owned())).collect();
        return Type::Words(words.into());
    }
    if let Some(forms) = schema["anyOf"].as_array() {
        if is(Bytes::schema(&mut Schema::default()), "anyOf") {
            return Type::Double;
        }
        let mut forms = forms.iter().filter(|form| form["type"] != "null");
        let blocks = forms.clone().find(|form| form.get("$ref").is_some());
        return match (blocks, forms.next(), forms.next()) {
            // A block that may be written as its name alone, a value that may be null.
            (Some(form), _, _) | (None, Some(form), None) => type_of(form, space),
            (None, _, _) => Type::Any,
        };
    }
    match schema["type"].as_str() {
        Some("string") if is(Timestamp::schema(&mut Schema::default()), "format") => Type::Time,
        Some("string") if is(Seconds::schema(&mut Schema::default()), "pattern") => Type::Duration,
        Some("string") => Type::Text,
        Some("integer") => Type::Int,
        Some("number") => Type::Double,
        Some("boolean") => Type::Bool,
        Some("array") => Type::list(type_of(&schema["items"], space)),
        Some("object") => Type::Map(Arc::new(type_of(&schema["additionalProperties"], space))),
        _ if schema.get("const").is_some() => Type::Int,
        _ => Type::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(block: &str, key: &str) -> Type {
        Language::get().field(block, key).unwrap_or_else(|| panic!("{block}.{key}")).ty.clone()
    }

    #[test]
    fn keys_have_the_types_of_their_declarations() {
        assert_eq!(ty("machine", "memory_gb"), Type::Double);
        assert_eq!(ty("machine", "asr"), Type::block("inventory/Asr"));
        assert_eq!(
            ty("inventory/Inventory", "configuration_server"),
            Type::block("inventory/ConfigurationServer")
        );
        assert_eq!(ty("inventory/ConfigurationServer", "last_backup_at"), Type::Time);
        assert_eq!(ty("plan/Objectives", "rto"), Type::Duration);
        assert_eq!(ty("plan/RecoveryPlan", "machines"), Type::list(Type::block("plan/Machine")));
        assert_eq!(ty("inventory/Datastore", "vcenter"), Type::Text);
        assert_eq!(ty("settings/failback", "host"), Type::Text);
        assert!(matches!(ty("settings", "commit"), Type::Words(words) if words.len() == 3));
    }

    #[test]
    fn settings_have_the_keys_that_a_resolved_plan_has() {
        let merged = crate::model::settings::Settings {
            forward: Some(crate::model::settings::ForwardSettings::default()),
            ..crate::model::settings::merge(&plan(), None, None, None)
        };
        let written = serde_json::to_value(&merged).expect("settings can be written");
        let keys = |value: &Json| value.as_object().expect("a block").keys().cloned().collect::<Vec<_>>();
        let known =
            |block: &str| Language::get().block(block).expect("there").keys().cloned().collect::<Vec<_>>();
        let sorted = |mut keys: Vec<String>| {
            keys.sort();
            keys
        };
        assert_eq!(sorted(keys(&written)), known("settings"));
        assert_eq!(sorted(keys(&written["failback"])), known("settings/failback"));
        assert_eq!(sorted(keys(&written["forward"])), known("settings/forward"));
    }

    fn plan() -> RecoveryPlan {
        let mut sources = crate::source::Sources::new();
        let text = "{kind: RecoveryPlan, version: 1, name: p, machines: [a]}".to_owned();
        let index = sources.add("p", text).expect("fits");
        match crate::syntax::parse(sources.get(index), &mut Vec::new()).remove(0) {
            crate::syntax::Document::Plan(plan) => *plan,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_block_that_a_key_leads_to_is_known() {
        for (name, block) in &Language::get().blocks {
            for (key, field) in block {
                let mut ty = &field.ty;
                while let Type::List(inner) | Type::Map(inner) = ty {
                    ty = inner;
                }
                if let Type::Block(to) = ty {
                    assert!(Language::get().block(to).is_some(), "{name}.{key} leads to {to}");
                }
            }
        }
    }
}
