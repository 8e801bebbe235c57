//! How a run is shown: lines, JSON lines, bars, the time that is left, and the summary.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use failback::event::GuardFinding;
use failback::event::KnownAs;
use failback::event::Order;
use failback::event::Outcome;
use failback::event::Reporter;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::RunStatus;
use failback::event::StepProgress;
use failback::event::StepStatus;
use failback::graph::Graph;
use failback::graph::StepIndex;
use failback::graph::StepKind;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::id::RunId;
use failback::id::StepId;
use failback::provider::Request;
use failback::provider::emulator::Scenario;
use failback::report::Bar;
use failback::report::JsonLines;
use failback::report::Lines;
use failback::report::Look;
use failback::report::Verbosity;
use failback::report::eta;
use failback::report::phase::Phase;
use failback::report::summary;
use failback::rules::Guard;
use failback::run::machine;
use indicatif::InMemoryTerm;
use indicatif::ProgressDrawTarget;
use indicatif::TermLike as _;
use insta::assert_snapshot;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::run::CLASSIC;
use crate::run::run;
use crate::run::world;

/// An output that can be read while a reporter has it.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
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
struct Play {
    state: RunState,
    now: Timestamp,
    reporters: Vec<Box<dyn Reporter>>,
    events: Vec<RunEvent>,
}

impl Play {
    fn of(graph: Arc<Graph>) -> Self {
        let state = RunState::new(graph);
        let now = "2025-06-01T00:00:00Z".parse().expect("a time");
        Self { state, now, reporters: Vec::new(), events: Vec::new() }
    }

    fn classic() -> Self {
        Self::of(world(CLASSIC.0, CLASSIC.1).graph)
    }

    /// As many machines as asked for, all like the first.
    fn estate(names: &[String]) -> Self {
        Self::planned("", names)
    }

    fn planned(keys: &str, names: &[String]) -> Self {
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

    fn lines(&mut self, verbosity: Verbosity) -> Sink {
        let sink = Sink::default();
        self.reporters.push(Box::new(Lines::new(sink.clone(), &self.state, verbosity)));
        sink
    }

    fn bar(&mut self, rows: u16, columns: u16) -> InMemoryTerm {
        self.bar_of(rows, columns, Vec::new(), Look::default())
    }

    fn bar_of(&mut self, rows: u16, columns: u16, weights: Vec<f64>, look: Look) -> InMemoryTerm {
        let terminal = InMemoryTerm::new(rows, columns);
        // Without a rate, so that what is drawn does not depend on how fast the test is.
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        self.reporters.push(Box::new(Bar::new(&self.state, weights, look, target)));
        terminal
    }

    fn say(&mut self, kind: RunEventKind) {
        let event = RunEvent { run: RunId::new("r1"), seq: self.state.seq() + 1, at: self.now, kind };
        let legal = self.state.check(&event).unwrap_or_else(|error| panic!("{error}: {event:?}"));
        self.state.apply(&event, legal);
        for reporter in &mut self.reporters {
            reporter.event(&event, &self.state).expect("the output is in memory");
        }
        self.events.push(event);
    }

    fn start(&mut self) {
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
        });
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn tick(&mut self, progress: &[StepProgress]) {
        for reporter in &mut self.reporters {
            reporter.tick(self.now, &self.state, progress).expect("the output is in memory");
        }
    }

    fn pause(&mut self, paused: bool) {
        for reporter in &mut self.reporters {
            reporter.pause(paused);
        }
    }

    fn index(&self, step: &str) -> StepIndex {
        self.state.graph().find(&StepId::new(step)).unwrap_or_else(|| panic!("there is no step {step}"))
    }

    fn progress(&self, step: &str, done: f64, text: &str) -> StepProgress {
        StepProgress { step: self.index(step), done, text: text.into() }
    }

    /// Begins all that may begin, and does it, each step in a minute, except steps of these kinds or names.
    fn go(&mut self, held: &[&str]) {
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

    fn done(&mut self, step: &str) {
        self.say(RunEventKind::StepSucceeded { step: StepId::new(step), note: None });
    }

    fn fails(&mut self, step: &str, message: &str) {
        let (step, message) = (StepId::new(step), message.into());
        self.say(RunEventKind::StepFailed { step, code: "78051".into(), message });
    }

    fn asks(&mut self, step: &str, prompt: &str) {
        let (step, prompt) = (StepId::new(step), prompt.into());
        self.say(RunEventKind::ApprovalAsked {
            step,
            prompt,
            roles: vec!["dr-lead".into()],
            deadline: None,
            on_timeout: None,
        });
    }

    fn answers(&mut self, step: &str) {
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

    fn attempt_fails(&mut self, step: &str, attempt: u32, message: &str) {
        let (id, key) = (StepId::new(step), IdempotencyKey::new(format!("r1/{step}/{attempt}")));
        let request = self.request();
        self.say(RunEventKind::IntentRecorded { step: id.clone(), attempt, key, request });
        let retry_at = self.now + SignedDuration::from_mins(5);
        let (code, message) = ("95216".into(), message.into());
        self.say(RunEventKind::AttemptFailed { step: id, attempt, code, message, retry_at });
    }

    fn request(&self) -> Request {
        let machine = self.state.graph().model().machines().next().expect("there is one");
        Request::CancelFailover { machine: failback::id::MachineName::new(machine.name().value.as_str()) }
    }

    fn is_held_back(&mut self, step: &str, passed: bool) {
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

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("vm{number:02}")).collect()
}

/// What happens to the classic estate in several tests.
fn an_eventful_run(play: &mut Play) {
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
    fn answers_to(&mut self, step: &str, prompt: &str) {
        self.asks(step, prompt);
        self.pass(120);
        self.answers(step);
        self.done(step);
    }
}

#[test]
fn lines_say_what_matters_and_when() {
    let mut play = Play::classic();
    let sink = play.lines(Verbosity::Normal);
    an_eventful_run(&mut play);
    play.asks("approve_commit/w3", "Commit w3?");
    play.say(RunEventKind::Interrupted { reason: "waits for an approval".into() });
    assert_snapshot!(sink.text(), @r"
    2025-06-01T00:00:00Z        0s  run r1 of plan classic begins on emulator: 4 machines in 47 steps; actions and probes are simulated
    2025-06-01T00:01:00Z        1m  preflight is done after 1m
    2025-06-01T00:01:00Z        1m  prepare begins
    2025-06-01T00:02:00Z        2m  prepare is done after 1m
    2025-06-01T00:02:00Z        2m  await_azure_agent/w1 begins
    2025-06-01T00:02:00Z        2m  await_azure_agent/w2 begins
    2025-06-01T00:02:00Z        2m  await_azure_agent/w3 begins
    2025-06-01T00:02:00Z        2m  await_azure_agent/l1 begins
    2025-06-01T00:03:00Z        3m  await_azure_agent/w1 is done after 1m
    2025-06-01T00:03:00Z        3m  reprotect/w1 begins
    2025-06-01T00:04:00Z        4m  await_azure_agent/w2 is done after 2m
    2025-06-01T00:04:00Z        4m  reprotect/w2 begins
    2025-06-01T00:05:00Z        5m  reprotect/w2 is done after 1m
    2025-06-01T00:05:00Z        5m  await_protected/w2 begins
    2025-06-01T00:06:00Z        6m  await_protected/w2 is done after 1m
    2025-06-01T00:07:00Z        7m  await_azure_agent/w3 is done after 5m
    2025-06-01T00:07:00Z        7m  reprotect/w3 begins
    2025-06-01T00:08:00Z        8m  reprotect/w3 is done after 1m
    2025-06-01T00:08:00Z        8m  await_protected/w3 begins
    2025-06-01T00:09:00Z        9m  await_protected/w3 is done after 1m
    2025-06-01T00:10:00Z       10m  await_azure_agent/l1 is done after 8m
    2025-06-01T00:10:00Z       10m  reprotect/l1 begins
    2025-06-01T00:11:00Z       11m  reprotect/l1 is done after 1m
    2025-06-01T00:11:00Z       11m  await_protected/l1 begins
    2025-06-01T00:12:00Z       12m  await_protected/l1 is done after 1m
    2025-06-01T00:12:00Z       12m  reprotect/w1: attempt 1 failed: The mobility agent␛[2J did not answer (95216); the next is at 2025-06-01T00:17:00Z
    2025-06-01T00:17:00Z       17m  reprotect/w1: attempt 2
    2025-06-01T00:17:00Z       17m  reprotect/w1: attempt 2 failed: It did not answer again (95216); the next is at 2025-06-01T00:22:00Z
    2025-06-01T00:22:00Z       22m  reprotect/w1 is done after 19m
    2025-06-01T00:22:00Z       22m  await_protected/w1 begins
    2025-06-01T00:22:00Z       22m  await_protected/w1 waits: w1 has no recovery point yet, at most until 2025-06-03T00:22:00Z
    2025-06-01T01:12:00Z     1h12m  await_protected/w1 is done after 50m
    2025-06-01T01:13:00Z     1h13m  barrier/1 is done after 1m
    2025-06-01T01:14:00Z     1h14m  recheck/w2 is done after 1m
    2025-06-01T01:14:00Z     1h14m  failover/w2 begins
    2025-06-01T01:15:00Z     1h15m  recheck/w3 is done after 2m
    2025-06-01T01:15:00Z     1h15m  failover/w3 begins
    2025-06-01T01:16:00Z     1h16m  recheck/l1 is done after 3m
    2025-06-01T01:16:00Z     1h16m  failover/l1 begins
    2025-06-01T01:16:00Z     1h16m  recheck/w1 is held back by FB305: vCenter vc1 is not connected (and 1 more)
    2025-06-01T01:17:30Z  1h17m30s  recheck/w1 is done after 4m30s
    2025-06-01T01:17:30Z  1h17m30s  failover/w1 begins
    2025-06-01T01:19:00Z     1h19m  failover/w2 failed: The VM could not be started (78051)
    2025-06-01T01:19:00Z     1h19m  6 steps of w2 are not done, since failover/w2 failed
    2025-06-01T01:20:00Z     1h20m  failover/w1 is done after 2m30s
    2025-06-01T01:20:00Z     1h20m  verify/w1 begins
    2025-06-01T01:21:00Z     1h21m  verify/w1 is done after 1m
    2025-06-01T01:22:00Z     1h22m  failover/w3 is done after 7m
    2025-06-01T01:22:00Z     1h22m  verify/w3 begins
    2025-06-01T01:23:00Z     1h23m  verify/w3 is done after 1m
    2025-06-01T01:24:00Z     1h24m  failover/l1 is done after 8m
    2025-06-01T01:24:00Z     1h24m  verify/l1 begins
    2025-06-01T01:25:00Z     1h25m  verify/l1 is done after 1m
    2025-06-01T01:25:00Z     1h25m  approve_commit/w1 asks [dr-lead]: Commit w1?
    2025-06-01T01:27:00Z     1h27m  approve_commit/w1: alice said yes
    2025-06-01T01:27:00Z     1h27m  approve_commit/l1 is left out: retired
    2025-06-01T01:27:00Z     1h27m  l1 was left out
    2025-06-01T01:27:00Z     1h27m  commit/w1 begins
    2025-06-01T01:28:00Z     1h28m  commit/w1 is done after 1m
    2025-06-01T01:28:00Z     1h28m  await_agent/w1 begins
    2025-06-01T01:29:00Z     1h29m  await_agent/w1 is done after 1m
    2025-06-01T01:29:00Z     1h29m  forward/w1 begins
    2025-06-01T01:29:00Z     1h29m  approve_commit/w3 asks [dr-lead]: Commit w3?
    2025-06-01T01:29:00Z     1h29m  run r1 is interrupted: waits for an approval
    run       r1 of plan classic interrupted after 1h29m (2025-06-01T00:00:00Z to 2025-06-01T01:29:00Z)
    machines  1 of 4 machines back on-premises; 1 with failures: w2; 1 left out: l1; 2 not finished: w1, w3
    failed    failover/w2: The VM could not be started (78051)
    phases    prepare           2m, longest preflight 1m
              reprotect      1h10m, longest await_protected/w1 50m
              failover         11m, longest failover/l1 8m
              verify            5m, longest verify/w1 1m
              commit            1m, longest commit/w1 1m
              forward           1m, longest await_agent/w1 1m
              approvals         8m, longest approve_commit/w1 6m
    approvals approve_commit/w1: yes by alice after 6m
    retries   1 attempt
    next      failback approve r1 approve_commit/w3
              failback resume r1
    ");
}

#[test]
fn a_quiet_run_says_failures_approvals_and_the_end() {
    let mut play = Play::classic();
    let sink = play.lines(Verbosity::Quiet);
    an_eventful_run(&mut play);
    play.answers_to("approve_commit/w3", "Commit w3?");
    play.go(&["forward/w1"]);
    play.fails("forward/w1", "The agent is not installed");
    play.go(&[]);
    assert_eq!(play.state.status(), RunStatus::Finished(Outcome::Failed));
    assert_snapshot!(sink.text(), @r"
    2025-06-01T01:19:00Z     1h19m  failover/w2 failed: The VM could not be started (78051)
    2025-06-01T01:19:00Z     1h19m  6 steps of w2 are not done, since failover/w2 failed
    2025-06-01T01:25:00Z     1h25m  approve_commit/w1 asks [dr-lead]: Commit w1?
    2025-06-01T01:27:00Z     1h27m  approve_commit/w1: alice said yes
    2025-06-01T01:29:00Z     1h29m  approve_commit/w3 asks [dr-lead]: Commit w3?
    2025-06-01T01:31:00Z     1h31m  approve_commit/w3: alice said yes
    2025-06-01T01:35:00Z     1h35m  forward/w1 failed: The agent is not installed (78051)
    2025-06-01T01:35:00Z     1h35m  1 step of w1 is not done, since forward/w1 failed
    2025-06-01T01:35:00Z     1h35m  w1 is back on-premises after 1h33m, but forward/w1 failed
    2025-06-01T01:35:00Z     1h35m  run r1 failed
    run       r1 of plan classic failed after 1h35m (2025-06-01T00:00:00Z to 2025-06-01T01:35:00Z)
    machines  2 of 4 machines back on-premises; 2 with failures: w1, w2; 1 left out: l1
    failed    forward/w1: The agent is not installed (78051)
              failover/w2: The VM could not be started (78051)
    where     in Azure, replicating to on-premises: w2
              on-premises, not committed: l1
              on-premises, committed: w1, w3
    phases    prepare           2m, longest preflight 1m
              reprotect      1h10m, longest await_protected/w1 50m
              failover         11m, longest failover/l1 8m
              verify            5m, longest verify/w1 1m
              commit            5m, longest commit/w1 1m
              forward           7m, longest forward/w1 6m
              approvals        10m, longest approve_commit/w3 8m
    approvals approve_commit/w1: yes by alice after 6m
              approve_commit/w3: yes by alice after 8m
    retries   1 attempt
    next      failback show r1
              put right what failed, then: failback retry r1 forward/w1 --downstream
              and then: failback resume r1
    ");
}

#[test]
fn a_verbose_run_has_a_line_for_every_event() {
    let mut play = Play::classic();
    let sink = play.lines(Verbosity::Verbose);
    an_eventful_run(&mut play);
    play.tick(&[]);
    let text = sink.text();
    // Failures and machines that are back have a line of their own besides.
    assert!(text.lines().count() >= play.events.len(), "{text}");
    assert!(text.contains("reprotect/w1 takes 2 slots on mtw"), "{text}");
    assert!(text.contains("recheck/w1: its guard is open, 3 noted"), "{text}");
}

#[test]
fn a_terminal_is_not_steered_by_what_a_service_says() {
    let mut play = Play::classic();
    let (lines, terminal) = (play.lines(Verbosity::Verbose), play.bar(40, 160));
    an_eventful_run(&mut play);
    play.tick(&[play.progress("forward/w1", 0.5, "\u{1b}[31mred\r\n")]);
    assert!(!lines.text().contains('\u{1b}'));
    assert!(lines.text().contains("agent␛[2J did not answer"));
    assert!(terminal.contents().contains("␛[31mred␍␊"), "{}", terminal.contents());
}

#[test]
fn json_lines_are_the_journals_own_events() {
    let mut play = Play::classic();
    let sink = Sink::default();
    play.reporters.push(Box::new(JsonLines::new(sink.clone())));
    an_eventful_run(&mut play);
    let read: Vec<RunEvent> =
        sink.text().lines().map(|line| serde_json::from_str(line).expect("each line is an event")).collect();
    assert_eq!(read, play.events);
}

#[test]
fn a_run_that_stops_says_once_what_it_did_not_begin() {
    let mut play = Play::planned("execution: {on_failure: stop}", &names(5));
    let sink = play.lines(Verbosity::Normal);
    play.start();
    play.go(&["await_azure_agent"]);
    play.fails("await_azure_agent/vm02", "it never registered");
    play.go(&[]);
    let text = sink.text();
    let told: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(", since ") || line.contains("not begun:"))
        .map(|line| line[31..].trim())
        .collect();
    assert_snapshot!(told.join("\n"), @r"
    43 steps of vm00, vm01, vm02, vm03, vm04 are not done, since await_azure_agent/vm02 failed
    8 steps not begun: the run stops at its first failure
    ");
    let refused = |event: &&RunEvent| matches!(event.kind, RunEventKind::StepBlocked { .. });
    assert!(play.events.iter().filter(refused).count() > 1, "{text}");
}

#[test]
fn events_that_are_shown_together_count_once() {
    // A recorder shows the events of a batch with the state after the last of them.
    let mut play = Play::classic();
    an_eventful_run(&mut play);
    play.answers_to("approve_commit/w3", "Commit w3?");
    play.go(&[]);
    let fresh = RunState::new(Arc::clone(play.state.graph()));
    let sink = Sink::default();
    let mut lines = Lines::new(sink.clone(), &fresh, Verbosity::Normal);
    for event in &play.events {
        lines.event(event, &play.state).expect("the output is in memory");
    }
    for back in ["w1 is back on-premises", "w3 is back on-premises", "l1 was left out", "failover/w2 failed:"]
    {
        assert_eq!(sink.text().matches(back).count(), 1, "{back}\n{}", sink.text());
    }
}

#[test]
fn bars_show_the_whole_and_what_runs() {
    let mut play = Play::classic();
    let terminal = play.bar(30, 110);
    an_eventful_run(&mut play);
    play.asks("approve_commit/w3", "Commit w3?");
    play.pass(90);
    play.tick(&[play.progress("forward/w1", 0.42, "Enabling protection")]);
    assert_snapshot!(terminal.contents(), @r"
        1h19m  failover/w2 failed: The VM could not be started (78051)
        1h19m  6 steps of w2 are not done, since failover/w2 failed
        1h25m  approve_commit/w1 asks [dr-lead]: Commit w1?
        1h27m  approve_commit/w1: alice said yes
        1h27m  approve_commit/l1 is left out: retired
        1h27m  l1 was left out
        1h29m  approve_commit/w3 asks [dr-lead]: Commit w3?
     86% 1h30m gone                       ━━━━━━━━━━━━━━━━━━━━━━━━━━━─────
    0 of 4 machines done · 1 failed · 1 left out · 3 with no way back · 1 waiting for a person · 1 running
      w3            approve_commit                 7m30s  asks: Commit w3?
      w1        42% forward           ━━━━──────   1m30s  Enabling protection
    ");
    // At the end the bars are gone, and what was printed stays.
    play.say(RunEventKind::Interrupted { reason: "waits for an approval".into() });
    assert_snapshot!(terminal.contents(), @r"
        1h19m  failover/w2 failed: The VM could not be started (78051)
        1h19m  6 steps of w2 are not done, since failover/w2 failed
        1h25m  approve_commit/w1 asks [dr-lead]: Commit w1?
        1h27m  approve_commit/w1: alice said yes
        1h27m  approve_commit/l1 is left out: retired
        1h27m  l1 was left out
        1h29m  approve_commit/w3 asks [dr-lead]: Commit w3?
     1h30m30s  run r1 is interrupted: waits for an approval
    run       r1 of plan classic interrupted after 1h30m30s (2025-06-01T00:00:00Z to 2025-06-01T01:30:30Z)
    machines  1 of 4 machines back on-premises; 1 with failures: w2; 1 left out: l1; 2 not finished: w1, w3
    failed    failover/w2: The VM could not be started (78051)
    phases    prepare           2m, longest preflight 1m
              reprotect      1h10m, longest await_protected/w1 50m
              failover         11m, longest failover/l1 8m
              verify            5m, longest verify/w1 1m
              commit            1m, longest commit/w1 1m
              forward        2m30s, longest forward/w1 1m30s
              approvals      9m30s, longest approve_commit/w3 7m30s
    approvals approve_commit/w1: yes by alice after 6m
    retries   1 attempt
    next      failback approve r1 approve_commit/w3
              failback resume r1
    ");
}

#[test]
fn bars_fit_a_narrow_terminal() {
    let mut play = Play::estate(&["데이터베이스-01".to_owned(), "web".to_owned()]);
    let terminal = play.bar(20, 38);
    play.start();
    play.go(&["reprotect"]);
    play.pass(3700);
    play.tick(&[
        play.progress("reprotect/데이터베이스-01", 0.25, "Initial replication of everything there is"),
        play.progress("reprotect/web", 0.995, "Finalizing"),
    ]);
    let text = terminal.contents();
    assert_eq!(text.lines().count(), 4, "no line is broken:\n{text}");
    assert_snapshot!(text, @r"
     20% 1h5m gone
    0 of 2 machines done · 2 running
      데이터베이스-01  25% reprotect
      web              99% reprotect
    ");
}

#[test]
fn what_waits_for_its_first_recovery_point_is_not_shown_as_done() {
    let mut play = Play::estate(&["w1".to_owned()]);
    let terminal = play.bar(20, 100);
    play.start();
    play.go(&["reprotect"]);
    play.done("reprotect/w1");
    play.go(&["await_protected"]);
    play.tick(&[play.progress("await_protected/w1", 1.0, "w1 has no recovery point yet")]);
    let text = terminal.contents();
    assert!(text.contains("99% await_protected"), "{text}");
    assert!(text.contains("━━━━━━━━━─ "), "{text}");
}

#[test]
fn at_most_twelve_machines_are_shown_and_they_keep_their_places() {
    let mut play = Play::planned("execution: {max_parallel: 100}", &names(30));
    let terminal = play.bar(40, 100);
    play.start();
    play.go(&["reprotect"]);
    let shown = |terminal: &InMemoryTerm| -> Vec<String> {
        let text = terminal.contents();
        let rows = text.lines().filter(|line| line.contains(" reprotect "));
        rows.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
    };
    play.tick(&[]);
    let first = shown(&terminal);
    assert_eq!(first.len(), 12);
    assert!(terminal.contents().ends_with("… and 18 more running"), "{}", terminal.contents());
    // One that is shown ends: the others stay where they are, and one more comes.
    play.done(&format!("reprotect/{}", first[3]));
    play.go(&["reprotect"]);
    play.tick(&[]);
    let second = shown(&terminal);
    assert_eq!(second[..3], first[..3]);
    assert_eq!(second[3..11], first[4..12]);
    // One that was not shown fails an attempt: it comes first.
    let hidden = names(30).into_iter().find(|name| !first.contains(name) && !second.contains(name));
    let hidden = hidden.expect("most are not shown");
    play.attempt_fails(&format!("reprotect/{hidden}"), 1, "the agent did not answer");
    play.tick(&[]);
    assert_eq!(shown(&terminal)[0], hidden);
    assert!(terminal.contents().contains("again in 5m: the agent did not answer"), "{}", terminal.contents());
    assert_eq!(shown(&terminal).len(), 12);
}

#[test]
fn machines_that_have_no_way_back_are_marked_and_counted() {
    let mut play = Play::estate(&names(2));
    let terminal = play.bar(30, 140);
    play.start();
    play.go(&["failover"]);
    play.tick(&[]);
    assert!(!terminal.contents().contains("no way back"), "{}", terminal.contents());
    let (step, request) = (StepId::new("failover/vm00"), play.request());
    let key = IdempotencyKey::new("r/failover/vm00/1");
    play.say(RunEventKind::IntentRecorded { step, attempt: 1, key, request });
    play.tick(&[]);
    let shown = terminal.contents();
    assert!(shown.contains("1 with no way back"), "{shown}");
    let row = |name: &str| shown.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(row("vm00").contains("no way back") && !row("vm01").contains("no way back"), "{shown}");
}

#[test]
fn rows_that_are_not_needed_take_no_lines() {
    let mut play = Play::estate(&names(4));
    let terminal = play.bar(30, 100);
    play.start();
    play.go(&["reprotect"]);
    play.tick(&[]);
    assert_eq!(terminal.contents().lines().count(), 2 + 4);
    for name in ["vm00", "vm02"] {
        play.done(&format!("reprotect/{name}"));
    }
    play.go(&["reprotect"]);
    play.tick(&[]);
    assert_eq!(terminal.contents().lines().count(), 2 + 2, "{}", terminal.contents());
}

#[test]
fn bars_stand_back_while_persons_are_asked() {
    let mut play = Play::classic();
    let terminal = play.bar(30, 100);
    play.start();
    play.go(&["reprotect"]);
    play.tick(&[]);
    assert!(terminal.contents().contains("reprotect"));
    play.pause(true);
    play.pause(true);
    play.fails("reprotect/w1", "The disk is locked");
    play.tick(&[]);
    assert_eq!(terminal.contents(), "", "nothing is written over a question");
    play.pause(false);
    play.tick(&[]);
    assert_eq!(terminal.contents(), "", "a second person is still asked");
    play.pause(false);
    play.tick(&[]);
    let text = terminal.contents();
    assert!(text.contains("reprotect/w1 failed: The disk is locked (78051)"), "{text}");
    assert!(text.contains("1 failed"), "{text}");
}

#[test]
fn colours_are_written_only_where_they_are_wanted() {
    for color in [false, true] {
        let mut play = Play::classic();
        let look = Look { color, ..Look::default() };
        let terminal = play.bar_of(30, 100, Vec::new(), look);
        play.start();
        play.go(&["reprotect"]);
        play.fails("reprotect/w1", "The disk is locked");
        play.tick(&[]);
        let bytes = terminal.contents_formatted();
        let red = bytes.windows(4).any(|code| code == b"[91m" || code == b";91m");
        assert_eq!(red, color, "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_time_left_is_the_longest_way() {
    let mut play = Play::classic();
    play.start();
    let graph = Arc::clone(play.state.graph());
    let weights: Vec<f64> = graph
        .steps()
        .iter()
        .map(|step| match (step.kind, step.id.as_str()) {
            (_, "await_protected/w3") => 7200.0,
            (StepKind::AwaitProtected, _) => 3600.0,
            (StepKind::Failover, _) => 600.0,
            (_, "verify/w1") => 900.0,
            _ => 0.0,
        })
        .collect();
    let left = |play: &Play, done: &[(&str, f64)]| {
        let done: HashMap<StepIndex, f64> =
            done.iter().map(|(step, done)| (play.index(step), *done)).collect();
        eta::remaining(&play.state, &weights, play.now, &done)
    };
    let close = |left: f64, expected: f64| assert!((left - expected).abs() < 1.0, "{left} is not {expected}");
    // The slowest protection, then the barrier, a failover, and the longest verification: all machines fail over after the barrier.
    close(left(&play, &[]), 7200.0 + 600.0 + 900.0);
    play.go(&["await_protected"]);
    let began = |play: &Play| play.state.step(play.index("await_protected/w3")).started_at.expect("it runs");
    play.now = began(&play) + SignedDuration::from_mins(30);
    // Without a word of how far it is, time passes.
    close(left(&play, &[]), 5400.0 + 1500.0);
    // A step that is faster than was thought moves the end: half done in 30 minutes, so 30 to 90 minutes are left.
    let half = left(&play, &[("await_protected/w3", 0.5)]);
    close(half, f64::midpoint(1800.0, 5400.0) + 1500.0);
    // Machines that share a line are slow at first, and what is left grows less all the same.
    let mut before = f64::INFINITY;
    for (minutes, done) in [(15, 0.05), (30, 0.1), (60, 0.3), (90, 0.6), (110, 0.9)] {
        play.now = began(&play) + SignedDuration::from_mins(minutes);
        let after = left(&play, &[("await_protected/w3", done)]);
        assert!(after < before, "{after} s are left after {minutes} minutes, {before} s before");
        before = after;
    }
    play.now = began(&play) + SignedDuration::from_mins(30);
    play.done("await_protected/w3");
    // Now the protection that began last is the slowest; some of its hour has passed.
    let l1 = play.state.step(play.index("await_protected/l1")).started_at.expect("it runs");
    let passed = (play.now.duration_since(l1)).as_secs_f64();
    close(left(&play, &[]), 3600.0 - passed + 1500.0);
    play.go(&[]);
    close(left(&play, &[]), 0.0);
}

#[test]
fn so_many_operations_take_their_time_however_short_the_longest_way() {
    let mut play = Play::planned("execution: {max_parallel: 2}", &names(10));
    play.start();
    let kind = |step: &failback::graph::Step| if step.kind == StepKind::Failover { 600.0 } else { 0.0 };
    let weights: Vec<f64> = play.state.graph().steps().iter().map(kind).collect();
    let left = eta::remaining(&play.state, &weights, play.now, &HashMap::new());
    assert!((left - 10.0 * 600.0 / 2.0).abs() < 1.0, "{left}");
}

#[test]
fn the_bar_counts_weights_and_says_what_is_left() {
    let mut play = Play::classic();
    let weights: Vec<f64> = play
        .state
        .graph()
        .steps()
        .iter()
        .map(|step| if step.kind == StepKind::AwaitProtected { 3600.0 } else { 0.0 })
        .collect();
    let terminal = play.bar_of(30, 100, weights, Look::default());
    play.start();
    play.go(&["await_protected"]);
    for machine in ["w1", "w2"] {
        play.done(&format!("await_protected/{machine}"));
    }
    play.now = play.state.step(play.index("await_protected/l1")).started_at.expect("it runs");
    play.now += SignedDuration::from_mins(30);
    play.tick(&[play.progress("await_protected/l1", 0.5, "")]);
    let text = terminal.contents();
    let whole = text.lines().find(|line| line.contains('━')).expect("the whole has a bar");
    // Two of four, and half of one, are 62.5 %.
    assert!(whole.starts_with(" 62% ") && whole.ends_with("━━━━━━━━━━━━━━━━━━━━────────────"), "{text}");
    assert!(whole.contains(" gone, about ") && whole.contains(" left "), "{text}");
}

#[test]
fn a_run_that_is_interrupted_at_a_question_goes_on_below_it() {
    let mut play = Play::classic();
    let look = Look { asks_here: true, ..Look::default() };
    let terminal = play.bar_of(40, 120, Vec::new(), look);
    play.start();
    play.go(&["approve_commit/w1", "approve_commit/w2"]);
    play.tick(&[]);
    assert!(terminal.contents().contains('━'), "{}", terminal.contents());
    play.say(RunEventKind::ApprovalAsked {
        step: StepId::new("approve_commit/w1"),
        prompt: "Commit w1?".into(),
        roles: Vec::new(),
        deadline: None,
        on_timeout: None,
    });
    play.pause(true);
    assert!(!terminal.contents().contains("Commit w1?"), "who asks says so: {}", terminal.contents());
    terminal.write_str("yes or no? ^C").expect("written");
    play.say(RunEventKind::Interrupted { reason: "asked to stop".into() });
    let text = terminal.contents();
    assert!(text.lines().any(|line| line == "yes or no? ^C"), "{text}");
    assert!(text.lines().any(|line| line == "next      failback approve r1 approve_commit/w1"), "{text}");
    assert!(!text.contains('━'), "what was true before is taken away: {text}");
}

#[test]
fn what_is_to_be_typed_next_has_the_flags_that_it_needs() {
    let mut play = Play::classic();
    play.start();
    play.go(&["reprotect"]);
    play.say(RunEventKind::Interrupted { reason: "asked to stop".into() });
    let ended = summary(&RunId::new("r1"), &play.state).typed_with(" --state-dir /srv/runs");
    assert_eq!(ended.next(), ["failback resume r1 --state-dir /srv/runs"]);
}

#[test]
fn a_summary_tells_what_came_back_and_what_to_do_next() {
    let mut play = Play::classic();
    an_eventful_run(&mut play);
    let run = RunId::new("r1");
    let going = summary(&run, &play.state);
    assert!(going.next().is_empty(), "a run that goes on needs nothing");
    assert_eq!((going.back, going.open.len()), (1, 2));
    play.answers_to("approve_commit/w3", "Commit w3?");
    play.go(&[]);
    let ended = summary(&run, &play.state);
    assert_eq!((ended.machines, ended.back), (4, 2));
    assert_eq!((ended.failed, ended.left_out), (vec!["w2".to_owned()], vec!["l1".to_owned()]));
    assert_eq!(ended.retries, 1);
    assert!(
        ended
            .approvals
            .iter()
            .all(|approval| approval.approved && approval.by == "alice" && approval.waited.0 >= 120)
    );
    let reprotect = ended.phases.iter().find(|phase| phase.phase == Phase::Reprotect).expect("it took time");
    assert_eq!(reprotect.longest.as_str(), "await_protected/w1");
}

#[test]
fn a_long_run_is_shown_without_looking_at_everything_each_time() {
    // Ticks are many more than steps that may be looked at in a reasonable time: the display skips, and is right at the end.
    let mut play = Play::planned("execution: {max_parallel: 1000}", &names(50));
    let terminal = play.bar(60, 100);
    play.start();
    play.go(&["await_protected/vm49"]);
    for _ in 0..100 {
        play.tick(&[play.progress("await_protected/vm49", 0.5, "")]);
    }
    assert!(terminal.contents().contains("vm49"), "{}", terminal.contents());
    play.go(&[]);
    assert_eq!(play.state.status(), RunStatus::Finished(Outcome::Succeeded));
    let text = terminal.contents();
    assert!(text.contains("50 of 50 machines back on-premises"), "{text}");
    assert!(!text.contains('━'), "{text}");
}

#[test]
fn a_run_of_the_emulator_is_told_from_begin_to_end() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let ran = run(&world, Scenario::default());
    let mut state = RunState::new(Arc::clone(&world.graph));
    let (sink, terminal) = (Sink::default(), InMemoryTerm::new(60, 120));
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let mut lines = Lines::new(sink.clone(), &state, Verbosity::Normal);
    let mut bar = Bar::new(&state, Vec::new(), Look::default(), target);
    for event in &ran.events {
        let legal = state.check(event).expect("a run makes lawful events");
        state.apply(event, legal);
        lines.event(event, &state).expect("the output is in memory");
        bar.event(event, &state).expect("the output is in memory");
        bar.tick(event.at, &state, &[]).expect("the output is in memory");
    }
    assert!((0..).take(world.graph.steps().len()).all(|step| state.step(step).status != StepStatus::Blocked));
    for text in [sink.text(), terminal.contents()] {
        assert!(text.contains("4 of 4 machines back on-premises\n"), "{text}");
        assert!(text.contains("failback show r1"), "{text}");
        assert_eq!(text.matches(" is back on-premises after ").count(), 4, "{text}");
    }
}

#[test]
fn orders_and_alarms_are_told_even_when_little_is() {
    let sink = Sink::default();
    let mut play = Play::classic();
    let fresh = RunState::new(Arc::clone(play.state.graph()));
    play.start();
    play.go(&["verify/w1"]);
    let taken = |letter, order: Order, refused: Option<&str>| RunEventKind::OrderTaken {
        letter,
        by: "bob".into(),
        known_as: KnownAs::OsUser,
        roles: Vec::new(),
        order,
        refused: refused.map(str::to_owned),
        withdrawn: false,
    };
    let skip = Order::SkipMachine {
        machine: MachineName::new("w1"),
        reason: "late".into(),
        release_dependents: false,
    };
    play.say(taken(1, skip, Some("w1 has failed over")));
    play.say(RunEventKind::Alarm {
        step: StepId::new("verify/w1"),
        code: "both-sides-run".into(),
        message: "w1 runs on both sides".into(),
    });
    let cancel = Order::Cancel { reason: Some("enough".into()), failovers: false };
    play.say(taken(2, cancel, None));
    play.say(RunEventKind::Cancelling { by: "bob".into(), reason: Some("enough".into()), failovers: false });
    let mut lines = Lines::new(sink.clone(), &fresh, Verbosity::Quiet);
    for event in &play.events {
        lines.event(event, &play.state).expect("the output is in memory");
    }
    let told: Vec<String> =
        sink.text().lines().filter_map(|line| Some(line.split_once("  ")?.1.trim().to_owned())).collect();
    let told: Vec<&str> =
        told.iter().map(|line| line.split_once("  ").map_or(line.as_str(), |parts| parts.1)).collect();
    assert_eq!(
        told,
        [
            "bob orders w1 to be taken out (late), and is refused: w1 has failed over",
            "ALARM at verify/w1: w1 runs on both sides (both-sides-run)",
            "run r1 is cancelled by bob (enough): nothing more is begun",
        ]
    );
}
