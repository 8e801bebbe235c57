//! Binds the names of an expression and finds its types, so that a slip is a mistake before anything is evaluated.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::did_you_mean;
use crate::rules::policy::functions;
use crate::rules::policy::functions::Form;
use crate::rules::policy::program::Each;
use crate::rules::policy::program::Function;
use crate::rules::policy::program::Node;
use crate::rules::policy::program::NodeKind;
use crate::rules::policy::program::Root;
use crate::rules::policy::read::Key;
use crate::rules::policy::tree::Literal;
use crate::rules::policy::tree::Mistake;
use crate::rules::policy::tree::Raw;
use crate::rules::policy::tree::RawKind;
use crate::rules::policy::types::Absent;
use crate::rules::policy::types::Field;
use crate::rules::policy::types::Language;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Value;
use crate::syntax::policy::Scope;

/// Bytes of a regular expression's program: more is not needed to tell names apart.
const PATTERN_BYTES: usize = 1 << 20;

/// A part of an expression, and what is known about it.
pub(super) struct Typed {
    pub node: Node,
    pub ty: Type,
    /// Where the value stands in the inventory, such as `onprem_vm.disks`; empty for a machine and for the whole.
    pub(super) path: Option<Arc<str>>,
}

/// Compiles an expression of a rule of some scope.
///
/// # Errors
///
/// The first mistake of it.
pub(super) fn compile(raw: &Raw, scope: Scope) -> Result<Typed, Mistake> {
    Compiler { scope, variables: Vec::new() }.part(raw)
}

pub(super) struct Compiler {
    scope: Scope,
    /// Names that macros give, the innermost last.
    variables: Vec<(String, Type, Option<Arc<str>>)>,
}

pub(super) fn wrong(at: &Range<usize>, message: impl Into<String>) -> Mistake {
    Mistake::new("wrong-type", at.clone(), message)
}

impl Typed {
    pub(super) fn new(raw: &Raw, kind: NodeKind, ty: Type) -> Self {
        Self { node: Node { at: raw.at.clone(), begin: raw.begin, kind }, ty, path: None }
    }
}

impl Compiler {
    pub(super) fn part(&mut self, raw: &Raw) -> Result<Typed, Mistake> {
        match &raw.kind {
            RawKind::Literal(literal) => {
                let (value, ty) = match literal {
                    Literal::Null => (Value::Null, Type::Null),
                    Literal::Bool(value) => (Value::Bool(*value), Type::Bool),
                    Literal::Int(value) => (Value::Int(*value), Type::Int),
                    Literal::Double(value) => (Value::Double(*value), Type::Double),
                    Literal::Text(value) => (Value::text(value), Type::Text),
                };
                Ok(Typed::new(raw, NodeKind::Constant(value), ty))
            }
            RawKind::Name(name) => self.name(raw, name),
            RawKind::Select { operand, field } => {
                let base = self.part(operand)?;
                select(raw, base, field)
            }
            RawKind::Operator { operator, operands } => self.operator(raw, *operator, operands),
            RawKind::Call { name, target, arguments } => self.call(raw, name, target.as_deref(), arguments),
            RawKind::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                let mut ty: Option<Type> = None;
                for item in items {
                    let item = self.part(item)?;
                    ty = Some(ty.map_or_else(|| item.ty.clone(), |ty| ty.or(&item.ty)));
                    nodes.push(item.node);
                }
                Ok(Typed::new(raw, NodeKind::List(nodes), Type::list(ty.unwrap_or(Type::Any))))
            }
            RawKind::Map(entries) => {
                let mut nodes = Vec::with_capacity(entries.len());
                let mut ty: Option<Type> = None;
                for (key, value) in entries {
                    let RawKind::Literal(Literal::Text(_)) = key.kind else {
                        return Err(wrong(&key.at, "a key of a map is text in quotes"));
                    };
                    let value = self.part(value)?;
                    ty = Some(ty.map_or_else(|| value.ty.clone(), |ty| ty.or(&value.ty)));
                    nodes.push((self.part(key)?.node, value.node));
                }
                Ok(Typed::new(raw, NodeKind::Map(nodes), Type::Map(Arc::new(ty.unwrap_or(Type::Any)))))
            }
        }
    }

    fn name(&self, raw: &Raw, name: &str) -> Result<Typed, Mistake> {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let Some(index) = self.variables.iter().rposition(|(known, _, _)| known == name) {
            let (_, ty, path) = &self.variables[index];
            let node = Node { at: raw.at.clone(), begin: raw.begin, kind: NodeKind::Variable(index) };
            return Ok(Typed { node, ty: ty.clone(), path: path.clone() });
        }
        let facts = Some(Arc::from(""));
        let (root, ty, path) = match (name, self.scope) {
            ("plan", _) => (Root::Plan, Type::block("plan/RecoveryPlan"), None),
            ("inventory", _) => (Root::Inventory, Type::block("inventory/Inventory"), facts),
            ("machine", Scope::Machine) => (Root::Machine, Type::block("machine"), facts),
            ("group", Scope::Group) => (Root::Group, Type::block("group"), None),
            ("machines", _) => (Root::Machines, Type::list(Type::block("machine")), facts),
            ("groups", _) => (Root::Groups, Type::list(Type::block("group")), None),
            ("now", _) => (Root::Now, Type::Time, None),
            _ => return Err(self.unknown_name(raw, name)),
        };
        let node = Node { at: raw.at.clone(), begin: raw.begin, kind: NodeKind::Root(root) };
        Ok(Typed { node, ty, path })
    }

    fn unknown_name(&self, raw: &Raw, name: &str) -> Mistake {
        let scope = self.scope;
        let mistake = Mistake::new("unknown-name", raw.at.clone(), format!("there is no `{name}` here"));
        let subject = match scope {
            Scope::Machine => Some("machine"),
            Scope::Group => Some("group"),
            Scope::Plan => None,
        };
        match (name, scope) {
            ("machine", Scope::Group) => {
                return mistake.help("a rule of `scope: group` asks `group.members.all(m, …)`");
            }
            ("machine", Scope::Plan) => {
                return mistake.help("a rule of `scope: plan` asks `machines.all(m, …)`");
            }
            ("group", Scope::Machine) => {
                return mistake.help("`machine.group` is the name of the machine's replication group");
            }
            ("group", Scope::Plan) => return mistake.help("a rule of `scope: plan` asks `groups.all(g, …)`"),
            _ => {}
        }
        let known: Vec<&str> = self
            .variables
            .iter()
            .map(|(name, _, _)| name.as_str())
            .chain(subject)
            .chain(["plan", "inventory", "machines", "groups", "now"])
            .collect();
        // A word that stands alone is most often text whose quotes were forgotten.
        match did_you_mean(name, known.iter().copied()) {
            Some(near) => mistake.help(near),
            None => mistake.help(format!("known names: {}; text is written in quotes", known.join(", "))),
        }
    }

    fn call(
        &mut self,
        raw: &Raw,
        name: &str,
        target: Option<&Raw>,
        arguments: &[Raw],
    ) -> Result<Typed, Mistake> {
        match (name, target) {
            ("has", None) => return self.has(raw, arguments),
            ("matches", _) => return self.matches(raw, target, arguments),
            _ => {}
        }
        if let (Some(what), Some(target)) = (functions::each(name), target) {
            return self.each(raw, what, target, arguments);
        }
        let Some(signature) = functions::signature(name) else {
            let mistake =
                Mistake::new("unknown-name", raw.at.clone(), format!("there is no function `{name}`"));
            let near = did_you_mean(name, functions::NAMES);
            return Err(
                mistake.help(near.unwrap_or_else(|| format!("known: {}", functions::NAMES.join(", "))))
            );
        };
        let form = match (signature.form, target) {
            (Form::Plain, Some(_)) => Some(format!("write `{name}(…)`")),
            (Form::Of, None) => Some(format!("write `….{name}(…)`")),
            (Form::Plain | Form::Both, None) | (Form::Of | Form::Both, Some(_)) => None,
        };
        if let Some(form) = form {
            return Err(wrong(&raw.at, format!("`{name}` is not called like this")).help(form));
        }
        let given: Vec<&Raw> = target.into_iter().chain(arguments).collect();
        if given.len() != signature.takes.len() {
            let wanted = signature.takes.len() - usize::from(target.is_some());
            return Err(wrong(
                &raw.at,
                format!("`{name}` takes {wanted} arguments, not {}", arguments.len()),
            ));
        }
        let mut nodes = Vec::with_capacity(given.len());
        for (raw, kinds) in given.into_iter().zip(signature.takes) {
            let argument = self.part(raw)?;
            if !kinds.iter().any(|kind| kind.takes(&argument.ty)) {
                let wanted: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                let message = format!("`{name}` takes {}, not {}", wanted.join(" or "), argument.ty);
                return Err(wrong(&(raw.begin..raw.at.end), message));
            }
            nodes.push(argument.node);
        }
        finished(raw, signature.function, nodes, signature.gives)
    }

    fn has(&mut self, raw: &Raw, arguments: &[Raw]) -> Result<Typed, Mistake> {
        let [argument] = arguments else {
            return Err(wrong(&raw.at, "`has` takes one key, such as `has(machine.churn.gb_per_day)`"));
        };
        let argument = self.part(argument)?;
        let NodeKind::Read { base, keys, ty } = argument.node.kind else {
            let at = argument.node.begin..argument.node.at.end;
            return Err(wrong(&at, "`has` asks for a key, such as `has(machine.churn.gb_per_day)`"));
        };
        Ok(Typed::new(raw, NodeKind::Has { base, keys, ty }, Type::Bool))
    }

    fn matches(&mut self, raw: &Raw, target: Option<&Raw>, arguments: &[Raw]) -> Result<Typed, Mistake> {
        let given: Vec<&Raw> = target.into_iter().chain(arguments).collect();
        let [text, pattern] = given[..] else {
            return Err(wrong(&raw.at, "`matches` takes a text and a pattern"));
        };
        let RawKind::Literal(Literal::Text(written)) = &pattern.kind else {
            return Err(wrong(
                &(pattern.begin..pattern.at.end),
                "the pattern of `matches` is text in quotes",
            ));
        };
        let pattern = regex::RegexBuilder::new(written)
            .size_limit(PATTERN_BYTES)
            .nest_limit(50)
            .build()
            .map_err(|error| {
                let told = error.to_string();
                let last = told.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                wrong(&pattern.at, format!("the pattern can't be used: {last}"))
            })?;
        let subject = self.part(text)?;
        if !subject.ty.meets(&Type::Text) {
            let at = text.begin..text.at.end;
            return Err(wrong(&at, format!("`matches` takes text, not {}", subject.ty)));
        }
        Ok(Typed::new(raw, NodeKind::Matches { text: Box::new(subject.node), pattern }, Type::Bool))
    }

    /// Compiles a macro over the items of a list, or the keys of a map.
    fn each(&mut self, raw: &Raw, what: Each, target: &Raw, arguments: &[Raw]) -> Result<Typed, Mistake> {
        let list = self.part(target)?;
        let (item, path) = match &list.ty {
            Type::List(item) => ((**item).clone(), list.path.clone()),
            Type::Map(_) => (Type::Text, None),
            Type::Any => (Type::Any, None),
            Type::Null
            | Type::Bool
            | Type::Int
            | Type::Double
            | Type::Text
            | Type::Words(_)
            | Type::Time
            | Type::Duration
            | Type::Block(_) => {
                let at = target.begin..target.at.end;
                return Err(wrong(
                    &at,
                    format!("this asks about the items of a list, and not of {}", list.ty),
                ));
            }
        };
        let (name, kept, body) = match (what, arguments) {
            (_, [name, body]) => (name, None, body),
            (Each::Map, [name, kept, body]) => (name, Some(kept), body),
            _ => {
                let message =
                    "this takes a name and an expression about it, such as `all(m, m.name != \"x\")`";
                return Err(wrong(&raw.at, message));
            }
        };
        let RawKind::Name(variable) = &name.kind else {
            return Err(wrong(&name.at, "a name for the items is needed here"));
        };
        self.variables.push((variable.clone(), item, path.clone()));
        let compiled = kept.map(|kept| self.truth(kept)).transpose().and_then(|kept| {
            let body = if what == Each::Map { self.part(body)? } else { self.truth(body)? };
            Ok((kept, body))
        });
        self.variables.pop();
        let (kept, body) = compiled?;
        let ty = match what {
            Each::All | Each::Exists | Each::ExistsOne => Type::Bool,
            Each::Map => Type::list(body.ty.clone()),
            Each::Filter => list.ty.clone(),
        };
        let kept = kept.map(|kept| Box::new(kept.node));
        let kind = NodeKind::Each { what, list: Box::new(list.node), body: Box::new(body.node), kept };
        let node = Node { at: raw.at.clone(), begin: raw.begin, kind };
        Ok(Typed { node, ty, path: if what == Each::Filter { path } else { None } })
    }

    /// Compiles what must be true or false.
    pub(super) fn truth(&mut self, raw: &Raw) -> Result<Typed, Mistake> {
        let found = self.part(raw)?;
        if found.ty.meets(&Type::Bool) {
            return Ok(found);
        }
        let at = raw.begin..raw.at.end;
        Err(wrong(&at, format!("this is {}, and must be true or false", found.ty)))
    }
}

/// Calls a function whose arguments are written at once, so that a wrong time is a mistake here.
fn finished(raw: &Raw, function: Function, nodes: Vec<Node>, ty: Type) -> Result<Typed, Mistake> {
    let written = |node: &Node| match &node.kind {
        NodeKind::Constant(value) => Some(value.clone()),
        _ => None,
    };
    let values: Option<Vec<Value<'static>>> = nodes.iter().map(written).collect();
    match values {
        Some(values) if function.section().is_none() => match functions::call(function, &values, None) {
            Ok(value) => Ok(Typed::new(raw, NodeKind::Constant(value), ty)),
            Err(functions::Failure::Wrong(message)) => Err(wrong(&raw.at, message)),
            Err(functions::Failure::Unknown(unknown)) => Err(wrong(&raw.at, unknown.field)),
        },
        _ => {
            let path = function.section().map(Arc::from);
            Ok(Typed { path, ..Typed::new(raw, NodeKind::Call { function, arguments: nodes }, ty) })
        }
    }
}

/// Adds a key to what it is asked of.
fn select(raw: &Raw, base: Typed, field: &str) -> Result<Typed, Mistake> {
    let (found, ty) = match &base.ty {
        Type::Block(block) => {
            let field = Language::get().field(block, field).ok_or_else(|| unknown_key(raw, block, field))?;
            (field.clone(), field.ty.clone())
        }
        Type::Map(ty) => {
            let found = Field { name: field.into(), ty: Type::Any, absent: Absent::Null };
            (found, (**ty).clone())
        }
        Type::Any => {
            let found = Field { name: field.into(), ty: Type::Any, absent: Absent::Mistake };
            (found, Type::Any)
        }
        Type::Null
        | Type::Bool
        | Type::Int
        | Type::Double
        | Type::Text
        | Type::Words(_)
        | Type::Time
        | Type::Duration
        | Type::List(_) => {
            let mistake = wrong(&raw.at, format!("{} has no keys, and so no `{field}`", base.ty));
            return Err(match &base.ty {
                Type::List(_) => mistake.help(format!("ask about its items: `.all(item, item.{field} …)`")),
                _ => mistake,
            });
        }
    };
    let path: Option<Arc<str>> = base.path.map(|path| match &*path {
        // What the inventory says about machines is named without the list that they stand in.
        "" | "machines" => Arc::clone(&found.name),
        path => format!("{path}.{field}").into(),
    });
    let key = Key { name: found.name, absent: found.absent, fact: path.clone().unwrap_or_default() };
    let kind = match base.node.kind {
        NodeKind::Read { base, mut keys, .. } => {
            keys.push(key);
            NodeKind::Read { base, keys, ty: ty.clone() }
        }
        kind => {
            let base = Node { at: base.node.at, begin: base.node.begin, kind };
            NodeKind::Read { base: Box::new(base), keys: vec![key], ty: ty.clone() }
        }
    };
    Ok(Typed { node: Node { at: raw.at.clone(), begin: raw.begin, kind }, ty, path })
}

fn unknown_key(raw: &Raw, block: &str, field: &str) -> Mistake {
    let known: Vec<&str> =
        Language::get().block(block).into_iter().flat_map(|block| block.keys()).map(String::as_str).collect();
    let help = did_you_mean(field, known.iter().copied())
        .unwrap_or_else(|| format!("known keys here: {}", known.join(", ")));
    Mistake::new("unknown-name", raw.at.clone(), format!("there is no key `{field}` here")).help(help)
}
