//! FB524: the steps can be put in an order.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::model::order::Edge;
use crate::model::order::Point;
use crate::model::order::Reason;
use crate::model::order::Subject;
use crate::model::order::edges;
use crate::model::order::shortest_cycle;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;

pub(crate) static RULE: Rule = Rule {
    id: "FB524",
    name: "dependency-cycle",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Product,
    when: When::STATIC,
    awaited: false,
    summary: "the steps can't be ordered",
    docs: "\
### What it checks
Whether the order that `depends_on`, `boot_groups` and `actions` ask for, together with the life cycle of each
machine, has a cycle. The shortest one is shown, with the line of each step of it: first those of the plan, then the life
cycles. A machine's life cycle is fixed; members of a replication group fail over and commit together.

### Why
Steps that wait for each other never begin.

### What to do
Take one of the lines away, or turn it round.
",
    help: "take one of these lines away, or turn it round",
    article: "the language of plans: steps are ordered before a run",
    fixture: include_str!("../../../tests/rules/dependency-cycle.yaml"),
    facts: &[],
    check: Check::Plan(check),
};

/// Points of the cycle that the message shows; a longer one is cut in the middle.
const SHOWN: usize = 16;

/// Edges of the cycle that have a label. Nobody reads more; they keep the finding of a chain of thousands of machines small.
const LABELS: usize = 500;

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let Some(cycle) = shortest_cycle(&edges(model)) else { return Ok(()) };
    let Some(first) = cycle.first() else { return Ok(()) };
    let mut points: Vec<String> = cycle.iter().map(|edge| words(model, edge.from)).collect();
    points.push(words(model, first.from));
    if points.len() > SHOWN {
        let cut = format!("({} more)", points.len() - SHOWN);
        points.splice(SHOWN / 2..points.len() - SHOWN / 2, [cut]);
    }
    let finding = findings.at(first.span, format!("the steps can't be ordered: {}", points.join(" -> ")));
    // First the lines of the document, which can be changed; a life cycle can't.
    let of_life_cycle = |edge: &&Edge| edge.reason == Reason::LifeCycle;
    let lines = cycle.iter().filter(|edge| !of_life_cycle(edge));
    let mut edges = lines.chain(cycle.iter().filter(of_life_cycle));
    for edge in edges.by_ref().take(LABELS) {
        finding.also(edge.span, why(model, edge));
    }
    if let Some(next) = edges.next() {
        finding.also(next.span, format!("and {} more", edges.count() + 1));
    }
    Ok(())
}

/// Returns what a label says about one thing that comes before another.
fn why(model: &Model, edge: &Edge) -> String {
    let reason = match edge.reason {
        Reason::LifeCycle => "life cycle",
        Reason::DependsOn => "`depends_on`",
        Reason::BootGroup => "`boot_groups`",
        Reason::Action => "`actions`",
    };
    format!("{} waits for {} ({reason})", words(model, edge.to), words(model, edge.from))
}

/// Returns the words for a point in the order of a run.
fn words(model: &Model, point: Point) -> String {
    match point {
        Point::Phase(phase, Subject::Machine(index)) => {
            format!("{phase} of {}", model.machine(index).name())
        }
        Point::Phase(phase, Subject::Group(index)) => {
            let name = model.group(index).map_or("", |group| group.name().value.as_str());
            format!("{phase} of {name}")
        }
        Point::BootGroupDone(index) => {
            format!("end of boot group {}", model.plan.boot_groups[index].name)
        }
        Point::Barrier => "protection of all machines".to_owned(),
        Point::Action(index) => format!("action {}", model.plan.actions[index].name),
    }
}
