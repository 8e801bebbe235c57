//! What follows from a run's plan and events: the shape of its graph, and when everything happened.

use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;

use crate::event::IllegalEvent;
use crate::event::RunEvent;
use crate::graph::Graph;
use crate::model::digest;
use crate::report::timeline::timeline;

/// What follows from a run's plan and events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// How many steps the plan has.
    pub steps: usize,
    /// Digest of the steps and of what each waits for.
    pub graph: String,
    /// When everything happened, and what that says of the objectives.
    pub timeline: Value,
}

/// Returns the digest of a graph: its steps, and what each waits for.
#[must_use]
pub fn graph_digest(graph: &Graph) -> String {
    let id = |step| graph.step(step).id.as_str();
    let steps: Vec<(&str, Vec<&str>)> = (0..)
        .take(graph.steps().len())
        .map(|step| {
            let mut before: Vec<&str> = graph.before(step).iter().map(|before| id(*before)).collect();
            before.sort_unstable();
            (id(step), before)
        })
        .collect();
    digest::of(&steps)
}

/// Returns what follows from a plan and the events of a run of it.
///
/// # Errors
///
/// [`IllegalEvent`] if the events are not those of a run of this plan.
///
/// # Panics
///
/// If a timeline has no JSON form, which times and numbers have.
pub fn figures(graph: &Arc<Graph>, events: &[RunEvent]) -> Result<Figures, IllegalEvent> {
    let timeline = timeline(graph, events)?;
    let timeline = serde_json::to_value(timeline).expect("times and numbers have a JSON form");
    Ok(Figures { steps: graph.steps().len(), graph: graph_digest(graph), timeline })
}

/// Returns the path of the first value that two JSON values don't have in common, with both values.
#[must_use]
pub fn difference(one: &Value, other: &Value) -> Option<String> {
    fn walk(path: &mut String, one: &Value, other: &Value) -> Option<String> {
        let before = path.len();
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                let keys = one.keys().chain(other.keys().filter(|key| !one.contains_key(*key)));
                for key in keys {
                    path.push_str(&format!(".{key}"));
                    let null = Value::Null;
                    let found = walk(path, one.get(key).unwrap_or(&null), other.get(key).unwrap_or(&null));
                    if found.is_some() {
                        return found;
                    }
                    path.truncate(before);
                }
                None
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                for (at, (one, other)) in one.iter().zip(other).enumerate() {
                    path.push_str(&format!("[{at}]"));
                    let found = walk(path, one, other);
                    if found.is_some() {
                        return found;
                    }
                    path.truncate(before);
                }
                None
            }
            (one, other) if one == other => None,
            (Value::Array(one), Value::Array(other)) => Some(format!(
                "{}: {} entries and not {}",
                path.trim_start_matches('.'),
                other.len(),
                one.len()
            )),
            (one, other) => Some(format!("{}: {other} and not {one}", path.trim_start_matches('.'))),
        }
    }
    walk(&mut String::new(), one, other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let one = json!({"plan": {"rto_s": 60}, "machines": [{"name": "w1"}, {"name": "w2"}]});
        assert_eq!(difference(&one, &one), None);
        let mut other = one.clone();
        other["plan"]["rto_s"] = json!(61);
        assert_eq!(difference(&one, &other).as_deref(), Some("plan.rto_s: 61 and not 60"));
        let mut other = one.clone();
        other["machines"][1]["name"] = json!("w3");
        assert_eq!(difference(&one, &other).as_deref(), Some("machines[1].name: \"w3\" and not \"w2\""));
        let other = json!({"plan": {"rto_s": 60}, "machines": []});
        assert_eq!(difference(&one, &other).as_deref(), Some("machines: 0 entries and not 2"));
    }
}
