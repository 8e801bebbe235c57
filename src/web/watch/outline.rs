//! What does not change while a run goes on, as JSON: its machines, and its steps in few characters each.

use serde_json::Value;
use serde_json::json;

use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepSubject;
use crate::web::desk::Kept;

/// Steps up to which the graph is small enough to be drawn.
const DRAWN: usize = 400;

/// Returns the outline of a run.
pub(super) fn of(kept: &Kept) -> Value {
    let (graph, record, forecast) = (&kept.graph, &kept.record, &kept.forecast);
    let model = graph.model();
    let machines: Vec<&str> = model.machines().map(|machine| machine.name().value.as_str()).collect();
    let steps: Vec<Value> =
        (0..).take(graph.steps().len()).map(|index| of_step(graph, kept, index)).collect();
    let edges: Option<Vec<[StepIndex; 2]>> = (graph.steps().len() <= DRAWN).then(|| {
        let indexes = (0..).take(graph.steps().len());
        indexes.flat_map(|step| graph.before(step).iter().map(move |before| [*before, step])).collect()
    });
    let path: Vec<StepIndex> = forecast.critical_path.iter().filter_map(|step| graph.find(step)).collect();
    json!({
        "version": 1,
        "run": record.id,
        "plan": record.plan,
        "plan_path": record.plan_path,
        "plan_digest": record.plan_digest,
        "facts_digest": record.facts_digest,
        "provider": record.provider,
        "created_at": record.created_at,
        "git_commit": record.git_commit,
        "program": record.program,
        "experience": graph.experience(),
        "waves": graph.waves().count,
        "machines": machines,
        "forecast": {"low_s": forecast.low_s, "high_s": forecast.high_s, "rto": forecast.rto, "rpo": forecast.rpo},
        "critical_path": path,
        "steps": steps,
        "edges": edges,
    })
}

/// Returns a step: its id, kind, machines, wave, level, whether a person is asked, whether it can't be taken back, and how long
/// it is expected to take.
fn of_step(graph: &Graph, kept: &Kept, index: StepIndex) -> Value {
    let step = graph.step(index);
    let about: Vec<usize> = match step.subject {
        StepSubject::Machine(machine) => vec![machine],
        StepSubject::Group(_) => graph.indexes_of(index).collect(),
        StepSubject::Plan | StepSubject::Wave(_) | StepSubject::BootGroup(_) | StepSubject::Action(_) => {
            Vec::new()
        }
    };
    let flags = u8::from(graph.needs_approval(index)) + 2 * u8::from(graph.is_irreversible(index));
    let expected = kept.forecast.steps[index as usize];
    json!([step.id, step.kind, about, step.wave, step.level, flags, expected.low_s, expected.high_s])
}
