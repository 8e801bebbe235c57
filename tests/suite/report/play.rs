//! A run that is played by hand, and what reporters made of it.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use failback::event::GuardFinding;
use failback::event::KnownAs;
use failback::event::Reporter;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::StepProgress;
use failback::graph::Graph;
use failback::graph::StepIndex;
use failback::id::IdempotencyKey;
use failback::id::RunId;
use failback::id::StepId;
use failback::provider::Request;
use failback::report::Bar;
use failback::report::Lines;
use failback::report::Look;
use failback::report::Prompt;
use failback::report::Verbosity;
use failback::rules::Guard;
use failback::run::machine;
use indicatif::InMemoryTerm;
use indicatif::ProgressDrawTarget;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::run::CLASSIC;
use crate::run::world;

/// An output that can be read while a reporter has it.
#[derive(Clone, Default)]
pub struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("outputs are text")
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A run that is played by hand.
pub struct Play {
    pub state: RunState,
    pub now: Timestamp,
    pub reporters: Vec<Box<dyn Reporter>>,
    pub events: Vec<RunEvent>,
}

impl Play {
    pub fn of(graph: Arc<Graph>) -> Self {
        let state = RunState::new(graph);
        let now = "2025-06-01T00:00:00Z".parse().expect("a time");
        Self { state, now, reporters: Vec::new(), events: Vec::new() }
    }

    pub fn classic() -> Self {
        Self::of(world(CLASSIC.0, CLASSIC.1).graph)
    }

    /// As many machines as asked for, all like the first.
    pub fn estate(names: &[String]) -> Self {
        Self::planned("", names)
    }

    pub fn planned(keys: &str, names: &[String]) -> Self {
        let (plan_head, _) = CLASSIC.0.split_once("machines:").expect("the plan lists its machines last");
        let (inventory_head, first) = CLASSIC.1.split_once("\nmachines:\n").expect("so does the inventory");
        let (first, _) = first.split_once("  - {<<: *w1").expect("the first is written out");
        let disks = "attached_disks: 3";
        let mut inventory = inventory_head.replace(disks, "attached_disks: 1") + "\nmachines:\n";
        inventory = inventory.replace("free_gb: 10240", "free_gb: 1000000");
        let mut plan = format!("{plan_head}{keys}\nmachines:\n");
        for (number, name) in names.iter().enumerate() {
            let anchor = if number == 0 { "&w1" } else { "" };
            let entry = first
                .replace("&w1", anchor)
                .replace("name: w1", &format!("name: {name}"))
                .replace("-000000000001", &format!("-{number:012}"));
            // A machine of one disk takes one slot.
            let second = |line: &&str| !line.contains("id: disk1");
            inventory.push_str(&entry.lines().filter(second).collect::<Vec<_>>().join("\n"));
            inventory.push('\n');
            writeln!(plan, "  - name: {name}").expect("text takes text");
        }
        Self::of(world(&plan, &inventory).graph)
    }

    pub fn lines(&mut self, verbosity: Verbosity) -> Sink {
        let sink = Sink::default();
        self.reporters.push(Box::new(Lines::new(sink.clone(), &self.state, verbosity)));
        sink
    }

    pub fn bar(&mut self, rows: u16, columns: u16) -> InMemoryTerm {
        self.bar_of(rows, columns, Vec::new(), Look::default())
    }

    pub fn bar_of(&mut self, rows: u16, columns: u16, weights: Vec<f64>, look: Look) -> InMemoryTerm {
        let terminal = InMemoryTerm::new(rows, columns);
        // Without a rate, so that what is drawn does not depend on how fast the test is.
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        self.reporters.push(Box::new(Bar::new(&self.state, weights, look, target)));
        terminal
    }

    /// Bars above which nobody is asked: the question stands below them.
    pub fn bar_with_prompt(&mut self, rows: u16, columns: u16) -> (InMemoryTerm, Prompt) {
        let terminal = InMemoryTerm::new(rows, columns);
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let look = Look { asks_here: true, ..Look::default() };
        let mut bar = Bar::new(&self.state, Vec::new(), look, target).sized(rows, columns);
        let prompt = bar.prompt();
        self.reporters.push(Box::new(bar));
        (terminal, prompt)
    }

    pub fn say(&mut self, kind: RunEventKind) {
        let event = RunEvent { run: RunId::new("r1"), seq: self.state.seq() + 1, at: self.now, kind };
        let legal = self.state.check(&event).unwrap_or_else(|error| panic!("{error}: {event:?}"));
        self.state.apply(&event, legal);
        for reporter in &mut self.reporters {
            reporter.event(&event, &self.state).expect("the output is in memory");
        }
        self.events.push(event);
    }

    pub fn start(&mut self) {
        let (machines, steps) =
            (self.state.graph().model().machines().len(), self.state.graph().steps().len());
        self.say(RunEventKind::RunStarted {
            plan: self.state.graph().model().plan.name.value.clone(),
            plan_digest: String::new(),
            facts_digest: String::new(),
            provider: "emulator".into(),
            program: "test".into(),
            machines: u32::try_from(machines).expect("few"),
            steps: u32::try_from(steps).expect("few"),
            simulated_actions: true,
            author: None,
            ordered_by: None,
            people: Vec::new(),
        });
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub fn tick(&mut self, progress: &[StepProgress]) {
        for reporter in &mut self.reporters {
            reporter.tick(self.now, &self.state, progress).expect("the output is in memory");
        }
    }

    pub fn pause(&mut self, paused: bool) {
        for reporter in &mut self.reporters {
            reporter.pause(paused);
        }
    }

    pub fn index(&self, step: &str) -> StepIndex {
        self.state.graph().find(&StepId::new(step)).unwrap_or_else(|| panic!("there is no step {step}"))
    }

    pub fn progress(&self, step: &str, done: f64, text: &str) -> StepProgress {
        StepProgress { step: self.index(step), done, text: text.into() }
    }

    /// Begins all that may begin, and does it, each step in a minute, except steps of these kinds or names.
    pub fn go(&mut self, held: &[&str]) {
        loop {
            while let Some(kind) = machine::next(&self.state) {
                self.say(kind);
            }
            let graph = Arc::clone(self.state.graph());
            let may_end = |step: &StepIndex| {
                let step = graph.step(*step);
                !held.iter().any(|held| *held == step.kind.as_str() || *held == step.id.as_str())
            };
            let Some(step) = self.state.active().find(may_end) else { return };
            self.pass(60);
            self.done(graph.step(step).id.as_str());
        }
    }

    pub fn done(&mut self, step: &str) {
        self.say(RunEventKind::StepSucceeded { step: StepId::new(step), note: None });
    }

    pub fn fails(&mut self, step: &str, message: &str) {
        let (step, message) = (StepId::new(step), message.into());
        self.say(RunEventKind::StepFailed { step, code: "78051".into(), message });
    }

    pub fn asks(&mut self, step: &str, prompt: &str) {
        let (step, prompt) = (StepId::new(step), prompt.into());
        self.say(RunEventKind::ApprovalAsked {
            step,
            prompt,
            roles: vec!["dr-lead".into()],
            deadline: None,
            on_timeout: None,
        });
    }

    pub fn answers(&mut self, step: &str) {
        self.say(RunEventKind::ApprovalGiven {
            step: StepId::new(step),
            by: "alice".into(),
            known_as: KnownAs::OsUser,
            roles: Vec::new(),
            unproven_roles: Vec::new(),
            question: None,
            reason: None,
        });
    }

    pub fn attempt_fails(&mut self, step: &str, attempt: u32, message: &str) {
        let (id, key) = (StepId::new(step), IdempotencyKey::new(format!("r1/{step}/{attempt}")));
        let request = self.request();
        self.say(RunEventKind::IntentRecorded { step: id.clone(), attempt, key, request });
        let retry_at = self.now + SignedDuration::from_mins(5);
        let (code, message) = ("95216".into(), message.into());
        self.say(RunEventKind::AttemptFailed { step: id, attempt, code, message, retry_at });
    }

    pub fn request(&self) -> Request {
        let machine = self.state.graph().model().machines().next().expect("there is one");
        Request::CancelFailover { machine: failback::id::MachineName::new(machine.name().value.as_str()) }
    }

    pub fn is_held_back(&mut self, step: &str, passed: bool) {
        let finding = |rule: &str, state: &str, message: &str| GuardFinding {
            rule: rule.into(),
            state: state.into(),
            severity: "error".into(),
            subject: "w1".into(),
            message: message.into(),
        };
        let findings = vec![
            finding("FB610", "waived", "it loses data"),
            finding("FB305", "violated", "vCenter vc1 is not connected"),
            finding("FB311", "violated", "the configuration server is not connected"),
        ];
        let (step, facts_digest) = (StepId::new(step), String::new());
        self.say(RunEventKind::GuardEvaluated {
            step,
            guard: Guard::Failover,
            facts_digest,
            judged_at: None,
            findings,
            passed,
        });
    }
}

pub fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("vm{number:02}")).collect()
}

/// What happens to the classic estate in several tests.
pub fn an_eventful_run(play: &mut Play) {
    play.start();
    play.go(&["reprotect/w1", "barrier"]);
    play.attempt_fails("reprotect/w1", 1, "The mobility agent\u{1b}[2J did not answer");
    play.tick(&[]);
    play.pass(300);
    play.attempt_fails("reprotect/w1", 2, "It did not answer again");
    play.pass(300);
    play.done("reprotect/w1");
    play.go(&["await_protected/w1"]);
    play.say(RunEventKind::StepWaiting {
        step: StepId::new("await_protected/w1"),
        reason: "w1 has no recovery point yet".into(),
        deadline: Some(play.now + SignedDuration::from_hours(48)),
    });
    play.pass(3000);
    play.done("await_protected/w1");
    play.go(&["failover", "recheck/w1", "approve_commit", "approve_failover"]);
    for machine in ["w1", "w2", "w3", "l1"] {
        let step = format!("approve_failover/{machine}");
        if play.state.graph().find(&StepId::new(step.as_str())).is_some() {
            play.answers_to(&step, "Fail over?");
        }
    }
    play.go(&["failover", "recheck/w1", "approve_commit"]);
    play.is_held_back("recheck/w1", false);
    play.say(RunEventKind::StepWaiting {
        step: StepId::new("recheck/w1"),
        reason: "FB305: vCenter vc1 is not connected".into(),
        deadline: None,
    });
    play.pass(30);
    play.is_held_back("recheck/w1", true);
    play.go(&["failover", "approve_commit"]);
    play.pass(90);
    play.fails("failover/w2", "The VM could not be started");
    play.go(&["approve_commit"]);
    play.answers_to("approve_commit/w1", "Commit w1?");
    play.say(RunEventKind::StepSkipped { step: StepId::new("approve_commit/l1"), reason: "retired".into() });
    for step in ["commit/l1", "await_agent/l1", "forward/l1", "await_forward/l1"] {
        play.say(RunEventKind::StepSkipped { step: StepId::new(step), reason: "retired".into() });
    }
    play.go(&["approve_commit", "forward/w1"]);
}

impl Play {
    pub fn answers_to(&mut self, step: &str, prompt: &str) {
        self.asks(step, prompt);
        self.pass(120);
        self.answers(step);
        self.done(step);
    }
}
