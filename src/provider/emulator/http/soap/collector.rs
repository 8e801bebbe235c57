//! The property collector: which objects a specification leads to, and which of their properties are asked for.

use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt::Write as _;

use quick_xml::escape::escape;

use crate::provider::emulator::http::soap::envelope::Call;
use crate::provider::emulator::http::soap::envelope::Fault;
use crate::provider::emulator::http::soap::envelope::reference;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::node::Node;
use crate::provider::emulator::http::soap::state::State;
use crate::provider::emulator::http::soap::state::View;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;

/// Returns the view that a call asks for.
pub(super) fn view(estate: &Estate<'_>, call: &Call) -> Result<View, Fault> {
    let container = call.argument("container").map(reference);
    let container = container.filter(|container| estate.below(container).is_some());
    let container = container.ok_or_else(|| Fault::invalid_argument("container"))?;
    let kinds = call.arguments("type").map(|node| node.text.clone()).collect();
    Ok(View { container, kinds })
}

/// Returns the objects that a view shows now.
fn shown(estate: &Estate<'_>, view: &View) -> Vec<Reference> {
    let below = estate.below(&view.container).unwrap_or_default().into_iter();
    below.filter(|object| view.kinds.is_empty() || view.kinds.iter().any(|kind| is_a(object, kind))).collect()
}

/// Returns whether an object is of a type, or of one that is made from it.
fn is_a(object: &Reference, kind: &str) -> bool {
    match kind {
        "ManagedEntity" => matches!(
            object.kind.as_str(),
            "Folder"
                | "Datacenter"
                | "ClusterComputeResource"
                | "ComputeResource"
                | "ResourcePool"
                | "HostSystem"
                | "Datastore"
                | "VirtualMachine"
        ),
        "ComputeResource" => matches!(object.kind.as_str(), "ComputeResource" | "ClusterComputeResource"),
        "View" | "ManagedObjectView" => object.kind == "ContainerView",
        "ManagedObject" | "ExtensibleManagedObject" => true,
        _ => object.kind == kind,
    }
}

/// Returns a single property, as clients of Python ask for it.
pub(super) fn fetch(estate: &Estate<'_>, call: &Call) -> Result<Vec<(&'static str, Value)>, Fault> {
    let name = call.argument("prop").map(|node| node.text.as_str()).unwrap_or_default();
    let properties = estate.properties(&call.this).ok_or_else(|| Fault::not_found(&call.this))?;
    Ok(properties.at(name).map(|value| ("returnval", value.clone())).into_iter().collect())
}

/// Answers `RetrievePropertiesEx`, `RetrieveProperties` and what follows them.
pub(super) fn collect(
    estate: &Estate<'_>,
    call: &Call,
    session: &str,
    state: &mut State,
) -> Result<Vec<(&'static str, Value)>, Fault> {
    let page = estate.visit.shared.options.page.max(1);
    let token = call.argument("token").map(|node| node.text.trim().to_owned());
    let (objects, page) = match (call.name.as_str(), token) {
        ("CancelRetrievePropertiesEx", token) => {
            state
                .take_page(session, &token.unwrap_or_default())
                .ok_or_else(|| Fault::invalid_argument("token"))?;
            return Ok(Vec::new());
        }
        ("ContinueRetrievePropertiesEx", token) => {
            let left = state.take_page(session, &token.unwrap_or_default());
            (left.ok_or_else(|| Fault::invalid_argument("token"))?, page)
        }
        (name, _) => {
            let mut all = Vec::new();
            for spec in call.arguments("specSet") {
                for found in found(estate, spec, session, state)? {
                    all.push(object(&found));
                }
            }
            // The older call has no pages.
            if name == "RetrieveProperties" {
                return Ok(all.into_iter().map(|object| ("returnval", Value::Written(object))).collect());
            }
            let most = call
                .argument("options")
                .and_then(|options| options.word("maxObjects")?.parse::<usize>().ok());
            (all, most.filter(|most| *most > 0).map_or(page, |most| most.min(page)))
        }
    };
    // A result without objects is no result.
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let mut objects = objects;
    let left = objects.split_off(page.min(objects.len()));
    let mut fields = Vec::new();
    if !left.is_empty() {
        fields.push(("token", Value::text(state.add_page(session, left))));
    }
    let objects = objects.into_iter().map(Value::Written).collect();
    fields.push(("objects", Value::List("ObjectContent", objects)));
    Ok(vec![("returnval", Value::Data("RetrieveResult", fields))])
}

/// An object with those properties that were asked for and are set.
pub(super) struct Found {
    pub(super) reference: Reference,
    pub(super) properties: Vec<(String, Value)>,
}

/// Returns what a specification leads to.
pub(super) fn found(
    estate: &Estate<'_>,
    spec: &Node,
    session: &str,
    state: &State,
) -> Result<Vec<Found>, Fault> {
    let missing_is_fine = spec.is_true("reportMissingObjectsInResults");
    let mut walk = Walk {
        estate,
        session,
        state,
        named: HashMap::new(),
        seen: HashSet::new(),
        listed: HashSet::new(),
        found: Vec::new(),
    };
    for set in spec.each("objectSet") {
        walk.name(set);
        let start = set.get("obj").map(reference).ok_or_else(|| Fault::invalid_argument("objectSet"))?;
        if walk.properties(&start).is_none() {
            if missing_is_fine {
                continue;
            }
            return Err(Fault::not_found(&start));
        }
        walk.visit(&start, set.is_true("skip"), set);
    }
    let mut all = Vec::new();
    for object in walk.found {
        let sets: Vec<&Node> =
            spec.each("propSet").filter(|set| is_a(&object, set.word("type").unwrap_or_default())).collect();
        if sets.is_empty() {
            continue;
        }
        let Some(values) = estate.properties(&object) else { continue };
        let mut properties: Vec<(String, Value)> = Vec::new();
        for set in sets {
            if set.is_true("all")
                && let Value::Data(_, fields) = &values
            {
                properties.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
            }
            for path in set.each("pathSet").map(|node| node.text.trim()) {
                if path.is_empty() || path.contains(char::is_whitespace) {
                    return Err(Fault::invalid_property(path));
                }
                if let Some(value) = values.at(path) {
                    properties.push((path.to_owned(), value.clone()));
                }
            }
        }
        all.push(Found { reference: object, properties });
    }
    Ok(all)
}

/// A walk from object to object.
struct Walk<'w> {
    estate: &'w Estate<'w>,
    session: &'w str,
    state: &'w State,
    named: HashMap<String, &'w Node>,
    seen: HashSet<(Reference, String)>,
    listed: HashSet<Reference>,
    found: Vec<Reference>,
}

impl<'w> Walk<'w> {
    /// Remembers the names of steps, by which others lead to them.
    fn name(&mut self, node: &'w Node) {
        for set in node.each("selectSet") {
            if let Some(name) = set.word("name")
                && set.get("path").is_some()
            {
                self.named.insert(name.to_owned(), set);
            }
            self.name(set);
        }
    }

    fn properties(&self, object: &Reference) -> Option<Value> {
        if object.kind == "ContainerView" {
            let view = self.state.view(self.session, &object.id)?;
            let list = ("view", Value::references(shown(self.estate, view)));
            return Some(Value::Data("ContainerView", vec![list]));
        }
        self.estate.properties(object)
    }

    fn visit(&mut self, object: &Reference, skip: bool, steps: &'w Node) {
        if !skip && self.listed.insert(object.clone()) {
            self.found.push(object.clone());
        }
        for step in steps.each("selectSet") {
            let step = match (step.get("path"), step.word("name")) {
                (Some(_), _) => step,
                (None, Some(name)) => match self.named.get(name) {
                    Some(step) => step,
                    None => continue,
                },
                (None, None) => continue,
            };
            self.follow(object, step);
        }
    }

    fn follow(&mut self, object: &Reference, step: &'w Node) {
        let path = step.word("path").unwrap_or_default();
        if !is_a(object, step.word("type").unwrap_or_default())
            || !self
                .seen
                .insert((object.clone(), format!("{} {path}", step.word("name").unwrap_or_default())))
        {
            return;
        }
        let next: Vec<Reference> = match self.properties(object).as_ref().and_then(|all| all.at(path)) {
            Some(Value::Reference(one)) => vec![one.clone()],
            Some(Value::List(_, list)) => list
                .iter()
                .filter_map(|value| match value {
                    Value::Reference(one) => Some(one.clone()),
                    Value::Simple(..)
                    | Value::Data(..)
                    | Value::List(..)
                    | Value::Typed(_)
                    | Value::Written(_) => None,
                })
                .collect(),
            Some(Value::Simple(..) | Value::Data(..) | Value::Typed(_) | Value::Written(_)) | None => {
                Vec::new()
            }
        };
        for one in next {
            self.visit(&one, step.is_true("skip"), step);
        }
    }
}

/// Returns an object as it is written inside its element.
fn object(found: &Found) -> String {
    let mut out = String::new();
    Value::Reference(found.reference.clone()).write(&mut out, "obj");
    for (name, value) in &found.properties {
        let _ = write!(out, "<propSet><name>{}</name>", escape(name));
        value.write_typed(&mut out, "val");
        out.push_str("</propSet>");
    }
    out
}
