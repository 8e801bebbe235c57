//! The functions of expressions: what they take and give.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::model::Model;
use crate::model::Unknown;
use crate::quantity::Seconds;
use crate::rules::policy::object::Object;
use crate::rules::policy::program::Each;
use crate::rules::policy::program::Function;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Value;

/// Names of all functions and macros.
pub(super) const NAMES: [&str; 24] = [
    "all",
    "appliance",
    "contains",
    "datastore",
    "double",
    "duration",
    "endsWith",
    "exists",
    "exists_one",
    "filter",
    "has",
    "host",
    "int",
    "lowerAscii",
    "map",
    "master_target",
    "matches",
    "process_server",
    "size",
    "startsWith",
    "string",
    "timestamp",
    "upperAscii",
    "vcenter",
];

/// Returns the macro of a name.
pub(super) fn each(name: &str) -> Option<Each> {
    Some(match name {
        "all" => Each::All,
        "exists" => Each::Exists,
        "exists_one" => Each::ExistsOne,
        "map" => Each::Map,
        "filter" => Each::Filter,
        _ => return None,
    })
}

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `f(x)`.
    Plain,
    /// `x.f()`.
    Of,
    /// Either.
    Both,
}

/// What a function takes and gives.
pub(super) struct Signature {
    pub function: Function,
    pub form: Form,
    /// Types of the arguments; that of `x.f()` first. Each takes one of several.
    pub takes: &'static [&'static [Kind]],
    pub gives: Type,
}

/// Types, as signatures name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Double,
    Text,
    Time,
    Duration,
    List,
    Map,
}

impl Kind {
    /// Returns whether a value of a type may be of this kind.
    pub const fn takes(self, ty: &Type) -> bool {
        match ty {
            Type::Any | Type::Null => true,
            Type::Bool => matches!(self, Self::Bool),
            Type::Int => matches!(self, Self::Int),
            Type::Double => matches!(self, Self::Double),
            Type::Text | Type::Words(_) => matches!(self, Self::Text),
            Type::Time => matches!(self, Self::Time),
            Type::Duration => matches!(self, Self::Duration),
            Type::List(_) => matches!(self, Self::List),
            Type::Map(_) => matches!(self, Self::Map),
            Type::Block(_) => false,
        }
    }

    /// Returns the kind in the words of a message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::Text => "text",
            Self::Time => "a time",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }
}

const TEXT: &[Kind] = &[Kind::Text];

/// Returns what the function of a name takes and gives.
pub(super) fn signature(name: &str) -> Option<Signature> {
    let block = |name: &str| Type::block(&format!("inventory/{name}"));
    let (function, form, takes, gives): (_, _, &'static [&'static [Kind]], _) = match name {
        "size" => (Function::Size, Form::Both, &[&[Kind::Text, Kind::List, Kind::Map]], Type::Int),
        "contains" => (Function::Contains, Form::Of, &[TEXT, TEXT], Type::Bool),
        "startsWith" => (Function::StartsWith, Form::Of, &[TEXT, TEXT], Type::Bool),
        "endsWith" => (Function::EndsWith, Form::Of, &[TEXT, TEXT], Type::Bool),
        "lowerAscii" => (Function::LowerAscii, Form::Of, &[TEXT], Type::Text),
        "upperAscii" => (Function::UpperAscii, Form::Of, &[TEXT], Type::Text),
        "int" => (Function::Int, Form::Plain, &[&[Kind::Int, Kind::Double, Kind::Text]], Type::Int),
        "double" => (Function::Double, Form::Plain, &[&[Kind::Int, Kind::Double, Kind::Text]], Type::Double),
        "string" => (
            Function::String,
            Form::Plain,
            &[&[Kind::Bool, Kind::Int, Kind::Double, Kind::Text, Kind::Time, Kind::Duration]],
            Type::Text,
        ),
        "timestamp" => (Function::Timestamp, Form::Plain, &[&[Kind::Text, Kind::Time]], Type::Time),
        "duration" => (Function::Duration, Form::Plain, &[&[Kind::Text, Kind::Duration]], Type::Duration),
        "vcenter" => (Function::Vcenter, Form::Plain, &[TEXT], block("Vcenter")),
        "host" => (Function::Host, Form::Plain, &[TEXT], block("Host")),
        "datastore" => (Function::Datastore, Form::Plain, &[TEXT], block("Datastore")),
        "master_target" => (Function::MasterTarget, Form::Plain, &[TEXT], block("MasterTarget")),
        "process_server" => (Function::ProcessServer, Form::Plain, &[TEXT], block("ProcessServer")),
        "appliance" => (Function::Appliance, Form::Plain, &[TEXT], block("Appliance")),
        _ => return None,
    };
    Some(Signature { function, form, takes, gives })
}

impl Function {
    /// Returns the section of the inventory that the function looks into.
    pub const fn section(self) -> Option<&'static str> {
        Some(match self {
            Self::Vcenter => "vcenters",
            Self::Host => "hosts",
            Self::Datastore => "datastores",
            Self::MasterTarget => "master_targets",
            Self::ProcessServer => "process_servers",
            Self::Appliance => "appliances",
            Self::Size
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith
            | Self::LowerAscii
            | Self::UpperAscii
            | Self::Int
            | Self::Double
            | Self::String
            | Self::Timestamp
            | Self::Duration => return None,
        })
    }
}

/// Why a call has no value.
#[derive(Debug)]
pub(super) enum Failure {
    Unknown(Unknown),
    Wrong(String),
}

/// Calls a function.
pub(super) fn call<'m>(
    function: Function,
    arguments: &[Value<'m>],
    model: Option<&'m Model>,
) -> Result<Value<'m>, Failure> {
    let wrong = |message: String| Err(Failure::Wrong(message));
    Ok(match (function, arguments) {
        // A server that the plan does not name is none.
        (function, [Value::Null]) if function.section().is_some() => Value::Null,
        (function, [Value::Text(name)]) if function.section().is_some() => {
            return looked_up(function, name, model);
        }
        (Function::Size, [Value::Text(text)]) => int(text.chars().count()),
        (Function::Size, [Value::List(items)]) => int(items.len()),
        (Function::Size, [Value::Map(map)]) => int(map.entries.len()),
        (Function::Contains, [Value::Text(text), Value::Text(part)]) => Value::Bool(text.contains(&**part)),
        (Function::StartsWith, [Value::Text(text), Value::Text(part)]) => {
            Value::Bool(text.starts_with(&**part))
        }
        (Function::EndsWith, [Value::Text(text), Value::Text(part)]) => Value::Bool(text.ends_with(&**part)),
        (Function::LowerAscii, [Value::Text(text)]) => Value::text(&text.to_ascii_lowercase()),
        (Function::UpperAscii, [Value::Text(text)]) => Value::text(&text.to_ascii_uppercase()),
        (Function::Int, [Value::Int(value)]) => Value::Int(*value),
        (Function::Int, [Value::Double(value)]) => {
            if !value.is_finite() || value.abs() >= 9.2e18 {
                return wrong(format!("{value} is no whole number"));
            }
            #[expect(clippy::cast_possible_truncation, reason = "the range was looked at")]
            Value::Int(value.trunc() as i64)
        }
        (Function::Int, [Value::Text(text)]) => match text.parse() {
            Ok(value) => Value::Int(value),
            Err(_) => return wrong(format!("`{}` is no whole number", shown(text))),
        },
        #[expect(clippy::cast_precision_loss, reason = "CEL rounds too")]
        (Function::Double, [Value::Int(value)]) => Value::Double(*value as f64),
        (Function::Double, [Value::Double(value)]) => Value::Double(*value),
        (Function::Double, [Value::Text(text)]) => match text.parse() {
            Ok(value) => Value::Double(value),
            Err(_) => return wrong(format!("`{}` is no number", shown(text))),
        },
        (Function::String, [Value::Text(text)]) => Value::Text(Arc::clone(text)),
        (
            Function::String,
            [
                value @ (Value::Bool(_)
                | Value::Int(_)
                | Value::Double(_)
                | Value::Time(_)
                | Value::Duration(_)),
            ],
        ) => Value::text(&value.to_string()),
        (Function::Timestamp, [Value::Time(value)]) => Value::Time(*value),
        (Function::Timestamp, [Value::Text(text)]) => match text.parse() {
            Ok(value) => Value::Time(value),
            Err(_) => {
                let example = "write it as 2026-11-22T21:04:00Z";
                return wrong(format!("`{}` is not a time; {example}", shown(text)));
            }
        },
        (Function::Duration, [Value::Duration(value)]) => Value::Duration(*value),
        (Function::Duration, [Value::Text(text)]) => Value::Duration(duration(text).map_err(Failure::Wrong)?),
        (_, arguments) => {
            let found: Vec<&str> = arguments.iter().map(Value::describe).collect();
            return wrong(format!("this function does not take {}", found.join(" and ")));
        }
    })
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

fn int(count: usize) -> Value<'static> {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let seconds =
        Seconds::parse(digits).map_err(|message| format!("{message}; write it as 90s, 15m or 1h30m"))?;
    Ok(SignedDuration::from_secs(sign * i64::try_from(seconds.0).unwrap_or(i64::MAX)))
}

/// Returns a server of the inventory; one that it does not have is unknown.
fn looked_up<'m>(function: Function, name: &str, model: Option<&'m Model>) -> Result<Value<'m>, Failure> {
    let Some(model) = model else { return Err(Failure::Wrong("there is no inventory here".to_owned())) };
    let lacks = || Unknown::of(function.section().unwrap_or("inventory"), name);
    let object = match function {
        Function::Vcenter => model.vcenter(name).map(Object::Vcenter),
        Function::Host => model.host(name).map(Object::Host),
        Function::Datastore => model.datastore(name).map(Object::Datastore),
        Function::ProcessServer => model.process_server(name).map(Object::ProcessServer),
        Function::MasterTarget => {
            model.master_target_named(name).map(|found| Object::MasterTarget(found.facts)).ok_or_else(lacks)
        }
        Function::Appliance => {
            model.appliance_named(name).map(|found| Object::Appliance(found.facts)).ok_or_else(lacks)
        }
        Function::Size
        | Function::Contains
        | Function::StartsWith
        | Function::EndsWith
        | Function::LowerAscii
        | Function::UpperAscii
        | Function::Int
        | Function::Double
        | Function::String
        | Function::Timestamp
        | Function::Duration => Err(lacks()),
    };
    object.map(Value::Object).map_err(Failure::Unknown)
}
