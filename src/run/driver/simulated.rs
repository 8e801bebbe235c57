//! The driver of simulations: an emulated world in the same thread, on a clock that jumps to the next thing that happens.
//!
//! It asks nobody and waits for nothing: it looks at the world in place, and the world tells what changed, so that no machine is
//! looked at again and again. Actions and probes are simulated and every question is approved, at once or after a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::id::IdMap;
use crate::id::OperationId;
use crate::model::Model;
use crate::provider::Item;
use crate::provider::OperationStatus;
use crate::provider::ProviderError;
use crate::provider::emulator::Seen;
use crate::provider::emulator::Told;
use crate::provider::emulator::World;
use crate::rules::Options;
use crate::run::approver;
use crate::run::approver::Question;
use crate::run::driver::End;
use crate::run::driver::engine::Engine;
use crate::run::driver::engine::Manner;
use crate::run::driver::inquiry::Answer;
use crate::run::driver::inquiry::Inquiry;
use crate::run::driver::inquiry::Purpose;
use crate::run::hook::Left;
use crate::run::recorder::Recorder;
use crate::run::recorder::RunError;

/// A clock that is set, from one thread at a time.
#[derive(Debug)]
pub struct SetClock {
    seconds: AtomicI64,
    nanoseconds: AtomicI32,
}

impl SetClock {
    /// Returns a clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { seconds: now.as_second().into(), nanoseconds: now.subsec_nanosecond().into() }
    }

    fn set(&self, now: Timestamp) {
        self.seconds.store(now.as_second(), Ordering::Relaxed);
        self.nanoseconds.store(now.subsec_nanosecond(), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        let (seconds, nanoseconds) =
            (self.seconds.load(Ordering::Relaxed), self.nanoseconds.load(Ordering::Relaxed));
        Timestamp::new(seconds, nanoseconds).expect("both are of one time")
    }
}

/// A machine of the plan in the world.
#[derive(Debug, Default)]
struct Watched {
    /// Its place; `None` if the world does not know it.
    place: Option<usize>,
    /// What was seen of it.
    seen: Seen,
}

/// Says how long a person takes to answer a question.
pub type Thinking<'r> = Box<dyn FnMut(&Question) -> SignedDuration + 'r>;

/// Simulates one run.
pub struct Simulation<'r> {
    engine: Engine<'r>,
    world: World,
    clock: Arc<SetClock>,
    /// The plan's machines, by index.
    machines: Vec<Watched>,
    /// Steps that run about the machine of a place.
    concerned: Vec<Vec<StepIndex>>,
    /// The step that waits for each operation.
    operations: IdMap<OperationId, StepIndex>,
    /// Steps that something happened to.
    due: Vec<StepIndex>,
    /// What the world told last; its room is used again.
    told: Told,
    /// How long persons take to answer; they answer at once if nothing says.
    thinking: Option<Thinking<'r>>,
    /// Questions that persons think about, by when they answer.
    questions: BTreeMap<(Timestamp, StepIndex), Question>,
}

impl<'r> Simulation<'r> {
    /// Returns a simulation of the run that `recorder` keeps, in a world that nobody else changes. The recorder's clock is
    /// `clock`.
    #[must_use]
    pub fn new(
        recorder: Recorder<'r>,
        model: Model,
        mut world: World,
        clock: Arc<SetClock>,
        options: Options,
    ) -> Self {
        let manner =
            Manner { immediate: true, at_terminal: false, told: true, person: None, is_taken_back: false };
        world.tell(clock.now(), &mut Told::default());
        let machines = model
            .machines()
            .map(|machine| {
                let name = crate::id::MachineName::new(machine.name().value.as_str());
                Watched { place: world.place_of(&name), seen: Seen::default() }
            })
            .collect();
        let engine = Engine::new(recorder, model, Arc::clone(&clock) as Arc<dyn Clock>, options, manner);
        Self {
            engine,
            world,
            clock,
            machines,
            concerned: Vec::new(),
            operations: IdMap::default(),
            due: Vec::new(),
            told: Told::default(),
            thinking: None,
            questions: BTreeMap::new(),
        }
    }

    /// Returns the simulation of a run whose questions are answered after a while each.
    #[must_use]
    pub fn answered_after(mut self, thinking: Thinking<'r>) -> Self {
        self.thinking = Some(thinking);
        self
    }

    /// Returns the simulation of a run that no guard stops: what guards find is recorded, and they pass whatever it is; the
    /// preflight is not evaluated.
    ///
    /// The emulated service enforces its rules by itself. Where the engine stops first, nobody learns whether the service would
    /// have refused too; the test that compares the rules with the service therefore runs without the engine's guards. Nothing
    /// else has a reason to.
    #[must_use]
    pub const fn without_guards(mut self) -> Self {
        self.engine.is_guarded = false;
        self
    }

    /// Simulates the run to its end.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the journal can't be kept.
    pub fn run(self) -> Result<End, RunError> {
        let (end, _) = self.run_until(Timestamp::MAX)?;
        Ok(end.expect("nothing happens after the end of time"))
    }

    /// Simulates the run to its end, which is none if it has not ended by `limit`, and returns the world as it is then.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the journal can't be kept.
    pub fn run_until(mut self, limit: Timestamp) -> Result<(Option<End>, World), RunError> {
        let end = self.go_on_until(limit)?;
        Ok((end, self.world))
    }

    /// Simulates the run to its end, which is none if it has not ended by `limit`, and keeps what is known of it then.
    ///
    /// # Errors
    ///
    /// [`RunError`] if the journal can't be kept.
    pub fn go_on_until(&mut self, limit: Timestamp) -> Result<Option<End>, RunError> {
        loop {
            self.engine.go_on()?;
            if let Some((step, inquiry)) = self.engine.inquiries.pop_front() {
                self.answer(step, inquiry)?;
                continue;
            }
            self.engine.recorder.sync()?;
            if self.engine.goes_on() {
                continue;
            }
            // Whatever the world still does by itself may let a step end.
            let answered = self.questions.keys().next().map(|(at, _)| *at);
            let own = [self.engine.next_wake(), answered].into_iter().flatten().min();
            let next = self.world.next_change().into_iter().chain(own).min();
            let active = self.engine.recorder.state().active().next().is_some();
            match next.filter(|_| active) {
                Some(next) if next > limit => return Ok(None),
                Some(next) => {
                    self.pass(next, own.map_or(limit, |own| own.min(limit)));
                    self.answer_questions()?;
                }
                None => {
                    if let Some(end) = self.engine.ended(false)? {
                        return Ok(Some(end));
                    }
                }
            }
        }
    }

    /// Lets time pass until `next`, and on to what the world does by itself until `last`, as long as that concerns no step.
    fn pass(&mut self, next: Timestamp, last: Timestamp) {
        let mut now = next.max(self.clock.now());
        let mut told = std::mem::take(&mut self.told);
        loop {
            self.world.tell(now, &mut told);
            if self.lets_look(&told, now) {
                break;
            }
            match self.world.next_change().filter(|next| *next <= last) {
                Some(next) => now = next.max(now),
                None => break,
            }
        }
        self.told = told;
        self.clock.set(now);
    }

    /// Lets the steps look that something happened to, and returns whether there are any.
    fn lets_look(&mut self, told: &Told, now: Timestamp) -> bool {
        if told.servers {
            let active: Vec<StepIndex> = self.engine.recorder.state().active().collect();
            for step in active {
                self.engine.wake(step, now);
            }
            return true;
        }
        let mut any = false;
        for operation in &told.operations {
            if let Some(step) = self.operations.get(operation) {
                self.engine.wake(*step, now);
                any = true;
            }
        }
        for place in &told.machines {
            let Some(steps) = self.concerned.get_mut(*place) else { continue };
            let state = self.engine.recorder.state();
            steps.retain(|step| !state.step(*step).status.is_settled());
            for step in steps.iter().copied() {
                let state = state.step(step);
                // Steps with an operation look at that, and those that have a time of their own come at that time.
                if state.status == StepStatus::Running && state.operation.is_none() {
                    self.due.push(step);
                }
            }
        }
        any |= !self.due.is_empty();
        for step in self.due.drain(..) {
            self.engine.wake(step, now);
        }
        any
    }

    fn answer(&mut self, step: StepIndex, inquiry: Inquiry) -> Result<(), RunError> {
        let now = self.clock.now();
        let answer = match inquiry {
            Inquiry::Look(purpose) => {
                self.engine.asked.remove(step);
                let seen = self.look(step, now).map(|()| self.items(step));
                return self.engine.seen_in_place(step, seen, purpose);
            }
            Inquiry::Poll(operation) => {
                let polled = self.world.poll(now, &operation);
                if matches!(
                    polled,
                    Ok(OperationStatus::Running(_) | OperationStatus::Unknown { .. }) | Err(_)
                ) {
                    self.operations.insert(operation, step);
                }
                Answer::Polled(polled)
            }
            Inquiry::Find(key, Purpose::Decide) => Answer::Found(self.world.find(now, &key)),
            Inquiry::Find(key, Purpose::MakeSure) => Answer::Confirmed(self.world.find(now, &key)),
            Inquiry::Begin(intent) => {
                self.engine.recorder.sync()?;
                let (key, request) = &*intent;
                Answer::Began(self.world.begin(now, request, key))
            }
            Inquiry::Person(question) => {
                let takes =
                    self.thinking.as_mut().map_or(SignedDuration::ZERO, |thinking| thinking(&question));
                if takes.is_positive() {
                    let at = now.saturating_add(takes).unwrap_or(Timestamp::MAX);
                    self.questions.insert((at, step), *question);
                    return Ok(());
                }
                self.say_yes(&question)
            }
            Inquiry::Approved(question) => {
                self.do_by_hand(&question);
                return Ok(());
            }
            Inquiry::Withdraw(_) => return Ok(()),
            Inquiry::Leftover(_) => Answer::LeftRunning(Left::Nothing),
            Inquiry::LeftoverEnds(_) => Answer::NothingRuns,
            Inquiry::Act(_) => Answer::Acted(Ok("simulated".into())),
            Inquiry::Probe(probes) => {
                let seen: Vec<String> =
                    probes.iter().map(|probe| format!("{}: simulated", probe.name)).collect();
                Answer::Probed(Ok(seen.join(", ")))
            }
        };
        self.engine.answered(step, answer, false)
    }

    /// Answers the questions that persons have thought about long enough.
    fn answer_questions(&mut self) -> Result<(), RunError> {
        while let Some(first) = self.questions.first_entry().filter(|first| first.key().0 <= self.clock.now())
        {
            let ((_, step), question) = first.remove_entry();
            let answer = self.say_yes(&question);
            self.engine.answered(step, answer, false)?;
        }
        Ok(())
    }

    /// Does what a person does who says yes.
    fn say_yes(&mut self, question: &Question) -> Answer {
        self.do_by_hand(question);
        Answer::Replied(question.number, approver::automatic(question))
    }

    fn do_by_hand(&mut self, question: &Question) {
        for deed in approver::deeds(question) {
            // A machine that the world does not know is missed by the step, which looks.
            let _unknown = self.world.by_hand(self.clock.now(), &deed);
        }
    }

    /// Brings the facts about a step's machines, and about the servers, to the present moment.
    fn look(&mut self, step: StepIndex, now: Timestamp) -> Result<(), ProviderError> {
        self.world.look(now)?;
        self.world.refresh_servers(self.engine.seen, &mut self.engine.model);
        self.engine.seen = Some(self.world.mark());
        let is_preflight = self.engine.graph.kind(step) == StepKind::Preflight;
        if is_preflight || std::mem::take(&mut self.engine.unseen) {
            for index in 0..self.machines.len() {
                self.refresh(index);
            }
        }
        if is_preflight {
            return Ok(());
        }
        let graph = Arc::clone(&self.engine.graph);
        for index in graph.indexes_of(step) {
            self.refresh(index);
            let Some(place) = self.machines[index].place else { continue };
            if self.concerned.len() <= place {
                self.concerned.resize_with(place + 1, Vec::new);
            }
            if !self.concerned[place].contains(&step) {
                self.concerned[place].push(step);
            }
        }
        Ok(())
    }

    /// Returns what the service says about machines that are looked at to be verified, if it says of one which point it came home to
    /// and the run does not know that yet; everything else is told by the facts.
    fn items(&self, step: StepIndex) -> Vec<Item> {
        if self.engine.graph.kind(step) != StepKind::Verify {
            return Vec::new();
        }
        let state = self.engine.recorder.state();
        let machines = self.engine.graph.indexes_of(step);
        let places = machines.filter_map(|index| Some((index, self.machines[index].place?)));
        let news = places.filter(|(index, place)| self.world.reached_at(*place) != state.point(*index));
        news.map(|(_, place)| self.world.shown_at(place)).collect()
    }

    fn refresh(&mut self, index: usize) {
        let watched = &mut self.machines[index];
        if watched.place.is_some_and(|place| self.world.is_as_seen(place, &watched.seen)) {
            return;
        }
        if let (Some(place), Some(facts)) = (watched.place, self.engine.model.facts_mut(index)) {
            self.world.refresh(place, &mut watched.seen, facts);
        }
    }
}
