//! Guards, judged again: the rules on the facts that were observed, without the word of whoever judged them first.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use jiff::Timestamp;

use crate::diagnostic::Severity;
use crate::event::GuardFinding;
use crate::event::RunEvent;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::evidence::check::finding::Findings;
use crate::evidence::check::finding::Matter;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::model::Model;
use crate::model::judged;
use crate::model::judged::Unjudgeable;
use crate::model::resolve;
use crate::provider::Request;
use crate::rules;
use crate::rules::Finding;
use crate::rules::Guard;
use crate::rules::Options;
use crate::rules::OriginFilter;
use crate::rules::Policies;
use crate::rules::State;
use crate::run::guard;
use crate::run::step;

/// Judges the guards of a run.
pub struct Guards<'g> {
    /// Plan and facts; the facts are replaced by those that each guard judged.
    model: Model,
    facts: &'g BTreeMap<String, String>,
    policies: &'g Policies,
    options: Options,
    /// Whether the program that ran is this one, so that its words are these.
    same_program: bool,
    /// Whether each step's last guard since it last asked for something let it pass.
    passed: HashMap<StepIndex, bool>,
    /// How many were judged again.
    pub judged: usize,
    /// How many can't be, because what they judged was not kept.
    pub unrecorded: usize,
}

impl<'g> Guards<'g> {
    /// Returns the judge of the guards of a run in its first state.
    #[must_use]
    pub fn new(
        state: &RunState,
        facts: &'g BTreeMap<String, String>,
        policies: &'g Policies,
        options: Options,
        same_program: bool,
    ) -> Self {
        let model = state.graph().model();
        let mut model = resolve(model.plan.clone(), model.inventory.clone());
        step::remember_placements(&mut model);
        let passed = HashMap::new();
        Self { model, facts, policies, options, same_program, passed, judged: 0, unrecorded: 0 }
    }

    /// Takes the next event, before the state takes it, and writes what it breaks.
    pub fn take(&mut self, state: &RunState, event: &RunEvent, findings: &mut Findings) {
        let Some(step) = event.kind.step().and_then(|id| state.graph().find(id)) else { return };
        match &event.kind {
            RunEventKind::StepStarted { .. } => {
                self.passed.remove(&step);
            }
            RunEventKind::GuardEvaluated {
                guard, facts_digest, judged_at, findings: told, passed, ..
            } => {
                let kind = state.graph().step(step).kind;
                if moment(kind) != Some(*guard) {
                    findings
                        .refuted(Matter::Guard, "it judged the rules of another moment than its own")
                        .at(event);
                }
                let again = match judged_at {
                    Some(at) => self.judge(state, step, (*guard, facts_digest, *at), event, findings),
                    None => {
                        self.unrecorded += 1;
                        let message = "what it judged was not recorded";
                        match self.same_program {
                            true => findings.refuted(Matter::Guard, message).at(event),
                            false => findings.open(Matter::Guard, message).at(event),
                        };
                        None
                    }
                };
                if let Some((found, holds)) = again {
                    self.judged += 1;
                    self.compare(event, (told, *passed), (&found, holds), findings);
                    self.passed.insert(step, holds);
                } else {
                    self.passed.insert(step, *passed);
                }
            }
            RunEventKind::IntentRecorded { request, .. } => {
                let passed = self.passed.remove(&step);
                let takes_back = matches!(request, Request::CancelFailover { .. });
                let is_guarded = step::guard_of(state.graph().step(step).kind).is_some() && !takes_back;
                self.needs(is_guarded, passed, "asked the site for what its guard", event, findings);
            }
            RunEventKind::StepSucceeded { .. } => {
                let kind = state.graph().step(step).kind;
                let is_guard = matches!(kind, StepKind::Recheck | StepKind::Barrier | StepKind::Preflight);
                let passed = self.passed.remove(&step);
                self.needs(is_guard, passed, "was done, and its guard", event, findings);
            }
            RunEventKind::ServerPlaced { datastore, .. } => {
                let machine = state.graph().indexes_of(step).next();
                let name = machine.map(|machine| self.model.machine(machine).name().value.clone());
                if let Some(name) = name {
                    self.model.remember_placement(&name, datastore);
                }
            }
            _ => {}
        }
    }

    fn needs(
        &self,
        is_guarded: bool,
        passed: Option<bool>,
        what: &str,
        event: &RunEvent,
        findings: &mut Findings,
    ) {
        let how = match passed {
            _ if !is_guarded => return,
            Some(true) => return,
            Some(false) => "did not let pass",
            None => "did not judge before",
        };
        findings.refuted(Matter::Guard, format!("it {what} {how}")).at(event);
    }

    /// Judges a guard again; `None` if it can't be.
    fn judge(
        &mut self,
        state: &RunState,
        step: StepIndex,
        (guard, digest, at): (Guard, &str, Timestamp),
        event: &RunEvent,
        findings: &mut Findings,
    ) -> Option<(Vec<GuardFinding>, bool)> {
        if at > event.at {
            findings.refuted(Matter::Guard, "it was judged after it was recorded").at(event);
        }
        // A clock that was set back is not known from times that were made up.
        if state.step(step).started_at.is_none_or(|began| at < began) {
            findings.open(Matter::Guard, "it was judged before its step began").at(event);
        }
        let mut machines = guard::concerned(state, step);
        let known: BTreeSet<usize> =
            machines.iter().copied().filter(|machine| self.model.machine(*machine).facts().is_ok()).collect();
        let judged = match judged::restore(&mut self.model, digest, |digest| {
            self.facts.get(digest).map(String::as_str)
        }) {
            Ok(judged) => judged,
            Err(error @ (Unjudgeable::Missing { .. } | Unjudgeable::Unreadable { .. })) => {
                findings
                    .refuted(Matter::Guard, format!("what it judged can't be judged again: {error}"))
                    .at(event);
                return None;
            }
        };
        let read = rules::reads(&self.model, &machines, guard);
        let names = read.iter().map(|machine| &self.model.machine(*machine).name().value);
        if !names.clone().eq(names.clone().filter(|name| judged.machines.contains_key(*name)))
            || judged.machines.len() != names.count()
        {
            findings.refuted(Matter::Guard, "it judged other machines than those that it guards").at(event);
        }
        let mut known = known.iter().map(|machine| &self.model.machine(*machine).name().value);
        let is_forgotten =
            |name: &&String| judged.machines.get(*name).is_some_and(|machine| machine.facts.is_none());
        if let Some(name) = known.find(is_forgotten) {
            findings
                .refuted(Matter::Guard, format!("it judged nothing about {name}, which was known"))
                .at(event);
        }
        if judged.observed_at.is_none_or(|seen| state.started_at().is_some_and(|began| seen < began)) {
            findings
                .open(
                    Matter::Guard,
                    "when the facts were observed that it judged is not known, or was before the run",
                )
                .at(event);
        }
        match guard {
            Guard::Failover => {
                machines.retain(|machine| !step::is_done(StepKind::Failover, self.model.machine(*machine)))
            }
            Guard::Commit => {
                machines.retain(|machine| !step::is_done(StepKind::Commit, self.model.machine(*machine)));
            }
            Guard::Reprotect | Guard::Forward => {}
        }
        let options = Options { origin: OriginFilter::All, now: at, ..self.options };
        if state.graph().step(step).kind == StepKind::Preflight {
            let all = rules::evaluate_all(&self.model, self.policies, &options);
            let blocking: Vec<Finding> = all
                .into_iter()
                .filter(|finding| {
                    let is_asked_again =
                        rules::find(&finding.rule).is_some_and(|rule| !rule.when.guards.is_empty());
                    blocks(finding)
                        && !finding.awaited
                        && (finding.state == State::Violated || !is_asked_again)
                })
                .collect();
            return Some((told(&blocking), blocking.is_empty()));
        }
        let found = rules::check_guard(&self.model, &machines, guard, &options);
        Some((told(&found), !found.iter().any(blocks)))
    }

    fn compare(
        &self,
        event: &RunEvent,
        (told, passed): (&[GuardFinding], bool),
        (found, holds): (&[GuardFinding], bool),
        findings: &mut Findings,
    ) {
        if passed != holds {
            let first = found
                .first()
                .map_or_else(String::new, |first| format!(": {} ({})", first.message, first.rule));
            let message = match holds {
                true => "it is said to have stopped its step, and the facts that it judged break no rule"
                    .to_owned(),
                false => format!(
                    "it is said to have let its step pass, and the facts that it judged do not{first}"
                ),
            };
            findings.refuted(Matter::Guard, message).at(event);
            return;
        }
        let words = |finding: &GuardFinding| {
            let message = if self.same_program { finding.message.as_str() } else { "" };
            [&finding.rule, &finding.state, &finding.severity, &finding.subject, message].map(str::to_owned)
        };
        let (told, found): (BTreeSet<_>, BTreeSet<_>) =
            (told.iter().map(words).collect(), found.iter().map(words).collect());
        let sentence = |[rule, state, _, subject, message]: &[String; 5]| {
            format!("{rule} {state} of {subject}: {message}")
        };
        if let Some(invented) = told.difference(&found).next() {
            let message =
                format!("it is said to have found what its facts do not show: {}", sentence(invented));
            findings.refuted(Matter::Guard, message).at(event);
        } else if let Some(hidden) = found.difference(&told).next() {
            let message = format!("it is not said to have found what its facts show: {}", sentence(hidden));
            findings.refuted(Matter::Guard, message).at(event);
        }
    }
}

/// Returns the moment whose rules a kind of step judges.
const fn moment(kind: StepKind) -> Option<Guard> {
    match kind {
        // The preflight looks at every rule, before what changes the site first.
        StepKind::Preflight => Some(Guard::Reprotect),
        // The barrier is the guard of all its machines together.
        StepKind::Barrier => Some(Guard::Failover),
        _ => step::guard_of(kind),
    }
}

/// An error that is violated stops a step, and so does one that nobody can decide.
fn blocks(finding: &Finding) -> bool {
    finding.severity == Severity::Error && matches!(finding.state, State::Violated | State::Indeterminate)
}

fn told(found: &[Finding]) -> Vec<GuardFinding> {
    found
        .iter()
        .map(|finding| GuardFinding {
            rule: finding.rule.clone().into_owned(),
            state: finding.state.as_str().to_owned(),
            severity: finding.severity.as_str().to_owned(),
            subject: finding.subject.name.clone(),
            message: finding.message.clone(),
        })
        .collect()
}
