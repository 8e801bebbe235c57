//! The second reading: what the emulated service makes of a run that no guard stops.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use failback::event::GuardFinding;
use failback::event::Journal;
use failback::event::JournalError;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::graph::Graph;
use failback::id::RunId;
use failback::model::Model;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::World as EmulatedWorld;
use failback::run::End;
use failback::run::Recorder;
use failback::run::SetClock;
use failback::run::Simulation;
use failback::source::Sources;
use failback::source::Spanned;
use jiff::Timestamp;

use super::compare::options;
use super::generate::World;

/// What became of the steps of a run.
#[derive(Default)]
pub struct Steps {
    /// Steps that were done, or whose result was there.
    pub good: BTreeSet<String>,
    /// Codes and messages of steps that failed.
    pub failed: BTreeMap<String, (String, String)>,
    /// Reasons of steps that were not begun.
    pub blocked: BTreeMap<String, String>,
    /// What each step waited for last.
    pub waits: BTreeMap<String, String>,
    /// What the guard of a step found last.
    pub guards: BTreeMap<String, Vec<GuardFinding>>,
    /// When it was looked at.
    pub guarded_at: BTreeMap<String, Vec<Timestamp>>,
    /// When steps failed.
    pub failed_at: BTreeMap<String, Timestamp>,
}

impl Journal for &mut Steps {
    fn append(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        let Some(step) = event.kind.step().map(ToString::to_string) else { return Ok(()) };
        match &event.kind {
            // A step that goes on without a member that failed is not done for it.
            RunEventKind::StepSucceeded { .. } if self.failed.contains_key(&step) => {}
            RunEventKind::StepSucceeded { .. } | RunEventKind::StepAdopted { .. } => {
                self.good.insert(step);
            }
            RunEventKind::StepFailed { code, message, .. } => {
                self.failed_at.insert(step.clone(), event.at);
                self.failed.insert(step, (code.clone(), message.clone()));
            }
            RunEventKind::MemberFailed { machine, code, message, .. } => {
                self.failed_at.insert(step.clone(), event.at);
                let told = format!("{machine}: {message} ({code})");
                let (_, all) = self.failed.entry(step).or_insert_with(|| ("partial".into(), String::new()));
                *all = if all.is_empty() { told } else { format!("{all}; {told}") };
            }
            RunEventKind::StepBlocked { reason, .. } => {
                self.blocked.insert(step, reason.clone());
            }
            RunEventKind::StepWaiting { reason, .. } => {
                self.waits.insert(step, reason.clone());
            }
            RunEventKind::GuardEvaluated { findings, .. } => {
                self.guarded_at.entry(step.clone()).or_default().push(event.at);
                self.guards.insert(step, findings.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        Ok(())
    }

    fn keeps(&self) -> bool {
        false
    }
}

/// Returns what goes wrong in a world while the run goes on.
fn scenario(world: &World) -> Scenario {
    if world.faults.is_empty() {
        return Scenario::default();
    }
    let faults = serde_yaml::to_string(&world.faults).expect("faults have a text");
    let mut sources = Sources::new();
    let text = format!("kind: Scenario\nversion: 1\nname: faults\nfaults:\n{faults}");
    let index = sources.add("scenario.yaml", text).expect("it is short");
    let mut diagnostics = Vec::new();
    let scenario = Scenario::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    scenario.expect("it has no mistakes")
}

/// Runs a plan on the emulated service, without the engine's guards.
pub fn run(world: &World, graph: &Arc<Graph>, model: Model) -> (Option<Outcome>, Steps) {
    let baseline = model.baseline();
    let scenario = Scenario { baseline: Some(Spanned::bare(baseline)), ..scenario(world) };
    let clock = Arc::new(SetClock::new(world.now()));
    let site = EmulatedWorld::new(model.inventory.clone(), scenario, world.now());
    let mut steps = Steps::default();
    let mut journal = &mut steps;
    let state = RunState::new(Arc::clone(graph));
    let mut recorder = Recorder::new(RunId::new("r1"), clock.clone(), &mut journal, Vec::new(), state);
    let started = RunEventKind::RunStarted {
        plan: model.plan.name.value.clone(),
        plan_digest: String::new(),
        facts_digest: String::new(),
        provider: "emulator".into(),
        program: "test".into(),
        machines: 0,
        steps: 0,
        simulated_actions: true,
        author: None,
        ordered_by: None,
        people: Vec::new(),
    };
    recorder.record(started).expect("the first event is lawful");
    let end = Simulation::new(recorder, model, site, clock, options(world)).without_guards().run();
    let outcome = match end.expect("a journal in memory can be kept") {
        End::Finished(outcome) => Some(outcome),
        End::Interrupted | End::WaitsForApproval => None,
    };
    (outcome, steps)
}
