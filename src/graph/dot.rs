//! A graph as Graphviz text.

use std::fmt::Write as _;

use crate::escape;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepSubject;

/// Returns the graph in the DOT language: a cluster for each machine, approvals and irreversible steps marked.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let mut text = String::new();
    let name = &graph.model().plan.name.value;
    // Writing to a string can't fail.
    let _ = writeln!(text, "digraph {} {{", quoted(name));
    let _ = writeln!(text, "  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];");
    let mut clusters: std::collections::BTreeMap<String, Vec<StepIndex>> = std::collections::BTreeMap::new();
    for step in indexes(graph) {
        let cluster = match graph.step(step).subject {
            StepSubject::Machine(_) | StepSubject::Group(_) => graph.subject_name(step),
            StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => {
                let _ = writeln!(text, "  {}", node(graph, step));
                continue;
            }
        };
        clusters.entry(cluster).or_default().push(step);
    }
    for (at, (cluster, steps)) in clusters.iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{at} {{\n    label={};", quoted(cluster));
        for step in steps {
            let _ = writeln!(text, "    {}", node(graph, *step));
        }
        let _ = writeln!(text, "  }}");
    }
    for step in indexes(graph) {
        for next in graph.after(step) {
            let (from, to) = (&graph.step(step).id, &graph.step(*next).id);
            let _ = writeln!(text, "  {} -> {};", quoted(from.as_str()), quoted(to.as_str()));
        }
    }
    text.push_str("}\n");
    text
}

fn indexes(graph: &Graph) -> impl Iterator<Item = StepIndex> {
    (0..).zip(graph.steps()).map(|(index, _)| index)
}

fn node(graph: &Graph, index: StepIndex) -> String {
    let step = graph.step(index);
    let mut attributes = vec![format!("label={}", quoted(step.kind.as_str()))];
    match step.subject {
        StepSubject::Machine(_) | StepSubject::Group(_) => {}
        StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => {
            attributes[0] = format!("label={}", quoted(step.id.as_str()));
        }
    }
    if graph.needs_approval(index) {
        attributes.push("shape=diamond".into());
    }
    if graph.is_irreversible(index) {
        attributes.push("color=red, penwidth=2".into());
    }
    if step.adopted {
        attributes.push("style=\"rounded,dashed\"".into());
    }
    format!("{} [{}];", quoted(step.id.as_str()), attributes.join(", "))
}

/// Returns text as a string of the DOT language; what would steer a terminal is shown, not sent on.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in escape::line(text).chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}
