//! Runs sagas whose actions do nothing: so many sagas at once, of so many actions one after the other, with steno's store in memory.

use std::sync::Arc;

use steno::ActionContext;
use steno::ActionError;
use steno::ActionRegistry;
use steno::DagBuilder;
use steno::Node;
use steno::SagaDag;
use steno::SagaId;
use steno::SagaName;
use steno::SagaType;

#[derive(Debug)]
struct Nothing;

impl SagaType for Nothing {
    type ExecContextType = ();
}

async fn nothing(_: ActionContext<Nothing>) -> Result<(), ActionError> {
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let numbers: Vec<usize> =
        std::env::args().skip(1).map(|text| text.parse().expect("a number")).collect();
    let [sagas, actions] = numbers[..] else { panic!("how many sagas, of how many actions?") };
    let log = slog::Logger::root(slog::Discard, slog::o!());
    let sec = steno::sec(log, Arc::new(steno::InMemorySecStore::new()));
    let action = steno::new_action_noop_undo("nothing", nothing);
    let mut registry = ActionRegistry::new();
    registry.register(Arc::clone(&action));
    let registry = Arc::new(registry);
    let mut running = Vec::new();
    for _ in 0..sagas {
        let mut builder = DagBuilder::new(SagaName::new("steps"));
        for number in 0..actions {
            builder.append(Node::action(format!("a{number}"), "nothing", action.as_ref()));
        }
        let dag = SagaDag::new(builder.build().expect("a chain is a graph"), serde_json::Value::Null);
        let id = SagaId::new_v4();
        let saga = sec.saga_create(id, Arc::new(()), Arc::new(dag), Arc::clone(&registry)).await;
        running.push(saga.expect("it can be created"));
        sec.saga_start(id).await.expect("it can be started");
    }
    for saga in running {
        saga.await.kind.expect("nothing fails");
    }
}
