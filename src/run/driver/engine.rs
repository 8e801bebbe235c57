//! What every driver does: begins steps, decides what has to be asked, and turns answers into events. It asks nobody by itself:
//! what is to be asked waits in a queue for whoever drives.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::event::RunEventKind;
use crate::event::RunStatus;
use crate::event::StepProgress;
use crate::event::StepStatus;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::id::IdMap;
use crate::model::Model;
use crate::provider::Freshness;
use crate::provider::MemberOutcome;
use crate::rules::Options;
use crate::rules::Policies;
use crate::run::claims::Claims;
use crate::run::driver::End;
use crate::run::driver::inquiry::Answer;
use crate::run::driver::inquiry::Inquiry;
use crate::run::driver::inquiry::Purpose;
use crate::run::driver::judged::Judged;
use crate::run::driver::marks::Marks;
use crate::run::driver::wakes::Wakes;
use crate::run::machine;
use crate::run::machine::Next;
use crate::run::recorder::Recorder;
use crate::run::recorder::RunError;
use crate::run::retry;
use crate::run::step;
use crate::run::verified;

/// How the time of a drive passes.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// Whether waiting takes no real time.
    pub immediate: bool,
    /// Whether questions are asked at the terminal that shows the run.
    pub at_terminal: bool,
    /// Whether the site tells by itself when something changes, so that nothing has to be looked at again and again.
    pub told: bool,
    /// Who answers there, if that is known.
    pub person: Option<String>,
    /// Whether somebody orders that the failovers are taken back, once nothing but commits is left.
    pub is_taken_back: bool,
}

/// Tells observations of the servers apart: the site's mark, and when it was.
pub(super) type ServersStamp = (Option<u64>, Option<Timestamp>);

/// One run, and what is kept about its steps while they run.
pub(super) struct Engine<'r> {
    pub recorder: Recorder<'r>,
    /// Plan and facts; the facts are replaced by what is observed.
    pub model: Model,
    pub graph: Arc<Graph>,
    pub clock: Arc<dyn Clock>,
    pub options: Options,
    pub manner: Manner,
    pub policy: retry::Policy,
    /// An organisation's own rules, which the preflight asks too.
    pub policies: Arc<Policies>,
    /// Whether guards and the preflight stop anything; see [`Simulation::without_guards`](super::Simulation::without_guards).
    pub is_guarded: bool,
    /// What is to be asked, in the order in which it came up.
    pub inquiries: VecDeque<(StepIndex, Inquiry)>,
    /// Steps that an answer is awaited for.
    pub asked: Marks,
    /// Steps whose question is before a person.
    pub people: Marks,
    /// Actions of which nothing runs any more that an earlier process began.
    pub alone: Marks,
    /// Steps whose question is for others than the person before whom this process shows the run: it waits for an order.
    pub others: Marks,
    /// Steps whose question was asked since this process has the run.
    pub questions: Marks,
    /// When steps that wait for a person look whether it is done already. These looks alone keep no run going.
    pub glances: BTreeMap<StepIndex, Timestamp>,
    /// Steps that want to send and found no place free.
    claims: Claims,
    /// Guards that have just found nothing.
    pub judged: Judged,
    /// Digest of the facts about all servers, and the observation that it is of.
    pub servers: Option<(ServersStamp, String)>,
    /// Digests of the facts that this process has kept.
    pub kept: HashSet<String, foldhash::fast::RandomState>,
    /// Attempts that failed and are settled by what is seen next.
    pub unsettled: IdMap<StepIndex, Vec<MemberOutcome>>,
    /// When steps look again.
    wakes: Wakes,
    pub progress: BTreeMap<StepIndex, StepProgress>,
    /// Findings that block a step's guard, as they were last recorded.
    pub blocked: IdMap<StepIndex, Vec<String>>,
    /// When a request's search began.
    pub searched_since: IdMap<StepIndex, Timestamp>,
    /// Lost requests that a person wants to be sent again, once nothing holds them back.
    pub resends: Marks,
    /// Since when the site puts a step's request off, and how often it did.
    pub put_off: IdMap<StepIndex, (Timestamp, u32)>,
    /// What each step was last recorded to wait for.
    pub waits: IdMap<StepIndex, String>,
    /// Whether this process took the run over and has not looked at every machine yet: guards read facts about others, too.
    pub unseen: bool,
    /// Mark of the site's servers as they were last observed.
    pub seen: Option<u64>,
    /// Since when the site gives no answer, and whether that was told.
    pub silence: Option<(Timestamp, bool)>,
    /// Room for names that are put together, used again for each.
    pub text: String,
    /// Room for the machines that a guard is about, used again for each.
    pub machines: Vec<usize>,
    /// Steps that began and were not worked on yet.
    fresh: Vec<StepIndex>,
    /// Place of the last event after which the run itself makes none; what it makes depends on events and claims alone.
    quiet_after: Option<u64>,
}

impl<'r> Engine<'r> {
    pub(super) fn new(
        recorder: Recorder<'r>,
        mut model: Model,
        clock: Arc<dyn Clock>,
        options: Options,
        manner: Manner,
    ) -> Self {
        let graph = Arc::clone(recorder.state().graph());
        let is_taken_over = recorder.state().seq() > 1;
        let policy = retry::Policy::of(&graph.model().plan);
        step::remember_placements(&mut model);
        for (step, datastore) in recorder.state().placements() {
            if let Some(machine) = graph.indexes_of(step).next() {
                let name = model.machine(machine).name().value.clone();
                model.remember_placement(&name, datastore);
            }
        }
        // A run that is taken over goes on with what was under way.
        let fresh = recorder.state().active().collect();
        let (steps, machines) = (graph.steps().len(), model.machines().len());
        Self {
            recorder,
            model,
            graph,
            clock,
            options,
            manner,
            policies: Arc::default(),
            policy,
            is_guarded: true,
            inquiries: VecDeque::new(),
            asked: Marks::new(steps),
            people: Marks::new(steps),
            alone: Marks::new(steps),
            others: Marks::new(steps),
            questions: Marks::new(steps),
            glances: BTreeMap::new(),
            unsettled: IdMap::default(),
            claims: Claims::default(),
            judged: Judged::new(machines),
            servers: None,
            kept: HashSet::default(),
            wakes: Wakes::new(steps),
            progress: BTreeMap::new(),
            blocked: IdMap::default(),
            searched_since: IdMap::default(),
            resends: Marks::new(steps),
            put_off: IdMap::default(),
            waits: IdMap::default(),
            unseen: is_taken_over,
            seen: None,
            silence: None,
            text: String::new(),
            machines: Vec::new(),
            fresh,
            quiet_after: None,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Begins the steps that may begin, and works on them and on those whose time to look again has come.
    pub(super) fn go_on(&mut self) -> Result<(), RunError> {
        if !self.claims.is_empty() {
            let called = self.claims.call(self.recorder.state());
            self.fresh.extend(called);
        }
        while let Some(Next { step, kind }) = self.next_event() {
            if matches!(kind, RunEventKind::StepStarted { .. }) {
                self.fresh.extend(step);
            }
            match step {
                Some(step) => self.recorder.record_of(step, kind)?,
                None => self.recorder.record(kind)?,
            }
        }
        self.take_due();
        if self.fresh.is_empty() {
            return Ok(());
        }
        let mut steps = std::mem::take(&mut self.fresh);
        for step in steps.drain(..) {
            self.work(step)?;
        }
        // Its room serves the steps that begin next.
        if self.fresh.is_empty() {
            self.fresh = steps;
        }
        Ok(())
    }

    /// Returns the event that the run itself makes next.
    fn next_event(&mut self) -> Option<Next> {
        let seq = self.recorder.state().seq();
        if self.quiet_after == Some(seq) {
            return None;
        }
        let next = machine::next_beside(self.recorder.state(), &self.claims);
        if next.is_none() {
            self.quiet_after = Some(seq);
        }
        next
    }

    /// Notes that a step wants to send when a place is free.
    pub(super) fn claim(&mut self, step: StepIndex) {
        self.quiet_after = None;
        self.claims.add(self.recorder.state(), step);
    }

    /// Forgets that a step wants to send.
    pub(super) fn gives_up_claim(&mut self, step: StepIndex) {
        if self.claims.remove(self.recorder.state(), step) {
            self.quiet_after = None;
        }
    }

    /// Returns how the drive ends, if the run has ended or nothing more can happen now.
    pub(super) fn ended(&mut self, stopping: bool) -> Result<Option<End>, RunError> {
        if let RunStatus::Finished(outcome) = self.recorder.state().status() {
            return Ok(Some(End::Finished(outcome)));
        }
        // A step that needed nobody's answer may have let others begin, or have been the last.
        if !stopping && self.goes_on() {
            return Ok(None);
        }
        if stopping && self.asked.is_empty() {
            self.recorder.record(RunEventKind::Interrupted { reason: "asked to stop".into() })?;
            self.recorder.sync()?;
            return Ok(Some(End::Interrupted));
        }
        let waits = !self.people.is_empty() || !self.others.is_empty();
        let is_taken_back = self.manner.is_taken_back && verified::only_commits_wait(self.recorder.state());
        let idle = self.asked.is_empty() && !waits && self.wakes.is_empty() && !is_taken_back;
        if !stopping && idle {
            self.recorder.record(RunEventKind::Interrupted { reason: "waits for an approval".into() })?;
            self.recorder.sync()?;
            return Ok(Some(End::WaitsForApproval));
        }
        Ok(None)
    }

    /// Returns whether the run goes on by itself: a step that needed nobody's answer may have let others begin.
    pub(super) fn goes_on(&mut self) -> bool {
        self.next_event().is_some()
    }

    /// Returns the next moment at which a step looks again.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let glance = self.glances.values().min().copied();
        self.wakes.next().into_iter().chain(glance).min()
    }

    /// Adds the steps whose time to look again has come.
    fn take_due(&mut self) {
        if self.wakes.is_empty() && self.glances.is_empty() {
            return;
        }
        let now = self.now();
        while let Some(step) = self.wakes.pop(now) {
            self.fresh.push(step);
        }
        if !self.glances.is_empty() {
            self.fresh.extend(self.glances.extract_if(.., |_, at| *at <= now).map(|(step, _)| step));
        }
    }

    pub(super) fn wake(&mut self, step: StepIndex, at: Timestamp) {
        self.wakes.set(step, at);
    }

    /// Does the next thing about a step: asks whatever has to be known before it can go on.
    fn work(&mut self, step: StepIndex) -> Result<(), RunError> {
        let state = self.recorder.state().step(step);
        if state.status == StepStatus::Asked && self.question_ends(step).is_some_and(|end| end <= self.now())
        {
            return self.unanswered(step);
        }
        if self.asked.contains(step) {
            return Ok(());
        }
        match state.status {
            // A person may have done it by other means meanwhile. A question about a lost request is asked as it was.
            StepStatus::Asked if state.intent.is_none() && step::looks(&self.graph, step) => {
                self.inquire(step, Inquiry::Look(Purpose::Decide));
            }
            StepStatus::Asked => self.repeat_question(step),
            StepStatus::Running => {
                if let Some(operation) = state.operation.clone() {
                    self.inquire(step, Inquiry::Poll(operation));
                } else if let Some(key) = state.intent.as_deref().map(|(key, _)| key.clone()) {
                    self.inquire(step, Inquiry::Find(key, Purpose::Decide));
                } else if let Some(retry_at) = state.retry_at.filter(|retry_at| *retry_at > self.now()) {
                    self.wake(step, retry_at);
                } else if step::looks(&self.graph, step) {
                    self.inquire(step, Inquiry::Look(Purpose::Decide));
                } else {
                    let decision = self.decide(step, &[]);
                    self.carry_out(step, decision)?;
                }
            }
            StepStatus::Waiting
            | StepStatus::Ready
            | StepStatus::Succeeded
            | StepStatus::Adopted
            | StepStatus::Skipped
            | StepStatus::Failed
            | StepStatus::Blocked => {}
        }
        Ok(())
    }

    /// Returns how fresh what a step is about to see has to be: a step that only waits begins nothing by it, and an attempt that
    /// failed is settled by what is there now.
    pub(super) fn freshness(&self, step: StepIndex) -> Freshness {
        let is_settling = self.unsettled.contains_key(&step) || self.unseen;
        let kind = self.graph.kind(step);
        if is_settling {
            Freshness::Now
        } else if step::only_waits(kind) {
            Freshness::Lately
        } else if step::goes_by_states(kind) {
            Freshness::Listed
        } else {
            Freshness::Now
        }
    }

    /// Puts something to be asked into the queue.
    pub(super) fn inquire(&mut self, step: StepIndex, inquiry: Inquiry) {
        self.asked.insert(step);
        self.inquiries.push_back((step, inquiry));
    }

    /// Takes an answer; see [`Engine::take`].
    pub(super) fn answered(
        &mut self,
        step: StepIndex,
        answer: Answer,
        stopping: bool,
    ) -> Result<(), RunError> {
        if matches!(answer, Answer::Replied(..)) {
            self.people.remove(step);
        } else {
            self.asked.remove(step);
            if answer.is_there() {
                self.silence = None;
            }
        }
        self.take(step, answer, stopping)
    }
}
