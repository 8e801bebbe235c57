//! The description of the API for programs, OpenAPI 3.1: made from the table of routes and the shapes beside this file.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::web::access::Needs;
use crate::web::routes::API;
use crate::web::routes::Route;

/// The shapes that routes name.
const SHAPES: &str = include_str!("openapi.schemas.json");

/// Returns the description.
pub(super) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in API {
        let entry = paths.entry(route.path).or_insert_with(|| json!({}));
        entry[route.method] = operation(route);
    }
    let shapes: Value = serde_json::from_str(SHAPES).expect("a test reads it");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "failback",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Runs, plans and drills, in the shapes that the command line prints. Send `Authorization: Bearer TOKEN`.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": shapes,
        },
    })
}

fn operation(route: &Route) -> Value {
    let Some(about) = &route.about else { return json!({}) };
    let shape = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let named = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = named
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    parameters.extend(about.query.iter().map(|field| {
        let schema = match field.words {
            [] => json!({"type": "integer", "minimum": 0}),
            words => json!({"type": "string", "enum": words}),
        };
        let (name, text) = (field.name, field.summary);
        json!({"name": name, "in": "query", "required": false, "description": text, "schema": schema})
    }));
    let (media, gives) = about.gives;
    let status = if route.method == "get" { "200" } else { "202" };
    let problem = json!({
        "description": "It was refused; the sentence says why.",
        "content": {"application/json": {"schema": shape("Error")}},
    });
    let role = match route.needs {
        Needs::Nobody => "anybody",
        Needs::Viewer => "any user",
        Needs::Operator => "operator",
        Needs::Answerer => "operator, approver, or a role that the question names",
    };
    let mut operation = json!({
        "operationId": about.id,
        "summary": about.summary,
        "description": format!("For: {role}."),
        "parameters": parameters,
        "responses": {
            status: {"description": "As asked for.", "content": {media: {"schema": shape(gives)}}},
            "4XX": problem,
            "5XX": problem,
        },
    });
    if let Some(takes) = about.takes {
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": shape(takes)}}});
    }
    operation
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_of_the_api_is_described_and_nothing_else() {
        let document = document();
        let paths = document["paths"].as_object().expect("paths");
        let described: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().expect("methods").keys();
                methods.map(move |method| (method.clone(), path.clone()))
            })
            .collect();
        let routes: BTreeSet<(String, String)> =
            API.iter().map(|route| (route.method.to_owned(), route.path.to_owned())).collect();
        assert_eq!((described.len(), &described), (API.len(), &routes), "no route stands in the table twice");
        let ids: BTreeSet<&str> = API.iter().filter_map(|route| Some(route.about.as_ref()?.id)).collect();
        assert_eq!(ids.len(), API.len(), "each has a name of its own, and is described");
    }

    #[test]
    fn every_shape_that_is_named_is_there_and_every_one_there_is_named() {
        let text = document().to_string();
        let mark = "#/components/schemas/";
        let named: BTreeSet<&str> = text
            .match_indices(mark)
            .filter_map(|(at, _)| text[at + mark.len()..].split('"').next())
            .collect();
        let shapes: Value = serde_json::from_str(SHAPES).expect("JSON");
        let there: BTreeSet<&str> = shapes.as_object().expect("shapes").keys().map(String::as_str).collect();
        assert_eq!(named, there);
    }
}
