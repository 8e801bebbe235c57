//! The graph of a plan as Mermaid text, which wikis and pull requests draw.

use std::fmt::Write as _;

use crate::escape;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::report::drawing::summed;

/// Returns the graph of a plan as a Mermaid flowchart. Of a thousand steps and more, those of a kind and a wave count as one.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart LR\n");
    // Writing to a string can't fail.
    let _ = writeln!(text, "  accTitle: Steps of the plan {}", plain(&graph.model().plan.name.value));
    if graph.steps().len() > summed::STEPS {
        sums(&mut text, graph)
    } else {
        steps(&mut text, graph)
    }
    text.push_str("  classDef irreversible stroke:#c5221f,stroke-width:2px\n");
    text.push_str("  classDef adopted stroke-dasharray:4 3\n");
    text
}

fn steps(text: &mut String, graph: &Graph) {
    let model = graph.model();
    let all: Vec<StepIndex> = (0..).take(graph.steps().len()).collect();
    for step in all.iter().copied() {
        match graph.step(step).subject {
            StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => {
                let _ = writeln!(text, "  {}", node(graph, step, graph.step(step).id.as_str()));
            }
            StepSubject::Machine(_) | StepSubject::Group(_) => {}
        }
    }
    let machine = |text: &mut String, indent: &str, at: usize| {
        let name = &model.machine(at).name().value;
        let _ = writeln!(text, "{indent}subgraph m{at} [{}]", quoted(name));
        for step in graph.steps_about(StepSubject::Machine(at)) {
            let _ = writeln!(text, "{indent}  {}", node(graph, *step, graph.step(*step).kind.as_str()));
        }
        let _ = writeln!(text, "{indent}end");
    };
    for group in model.groups() {
        let at = group.index();
        let _ = writeln!(text, "  subgraph g{at} [{}]", quoted(&group.name().value));
        for step in graph.steps_about(StepSubject::Group(at)) {
            let _ = writeln!(text, "    {}", node(graph, *step, graph.step(*step).kind.as_str()));
        }
        for member in group.members() {
            machine(text, "    ", member.index());
        }
        let _ = writeln!(text, "  end");
    }
    for alone in model.machines().filter(|machine| machine.group().is_none()) {
        machine(text, "  ", alone.index());
    }
    for step in all {
        for next in graph.after(step) {
            let _ = writeln!(text, "  s{step} --> s{next}");
        }
    }
}

fn sums(text: &mut String, graph: &Graph) {
    let sums = summed::summed(graph);
    for wave in 0..=graph.waves().count {
        if wave > 0 {
            let _ = writeln!(text, "  subgraph w{wave} [\"wave {wave}\"]");
        }
        for (at, sum) in sums.nodes.iter().enumerate().filter(|(_, sum)| sum.wave == wave) {
            let irreversible = sum.steps.iter().any(|step| graph.is_irreversible(*step));
            let class = if irreversible { ":::irreversible" } else { "" };
            let _ = writeln!(text, "  n{at}[{}]{class}", quoted(&sum.text()));
        }
        if wave > 0 {
            let _ = writeln!(text, "  end");
        }
    }
    for ((from, to), count) in &sums.edges {
        let _ = writeln!(text, "  n{from} -->|{count}| n{to}");
    }
}

fn node(graph: &Graph, index: StepIndex, label: &str) -> String {
    let step = graph.step(index);
    let label = quoted(label);
    let shape = if graph.needs_approval(index) { format!("{{{{{label}}}}}") } else { format!("[{label}]") };
    let class = match (graph.is_irreversible(index), step.adopted) {
        (_, true) => ":::adopted",
        (true, false) => ":::irreversible",
        (false, false) => "",
    };
    format!("s{index}{shape}{class}")
}

/// Returns text as a string of Mermaid, whose markup and HTML are written as its own entities.
fn quoted(text: &str) -> String {
    format!("\"{}\"", plain(text))
}

fn plain(text: &str) -> String {
    let mut safe = String::new();
    for letter in escape::line(text).chars() {
        match letter {
            // Words, and what names of steps are made of; all else by its number.
            letter if letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.' | '/' | '×') => {
                safe.push(letter);
            }
            letter => {
                let _ = write!(safe, "#{};", u32::from(letter));
            }
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_t_end_its_label_or_hold_markup() {
        assert_eq!(quoted("erp-db"), "\"erp-db\"");
        let hostile = quoted("\"] --> x; <script>`%%{init}`\n");
        assert!(
            !hostile[1..hostile.len() - 1].contains(['"', '<', '>', '[', ']', '%', '`', '\n', '{']),
            "{hostile}"
        );
    }
}
