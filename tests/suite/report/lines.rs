//! What a run says line by line, for persons and for programs.

use std::sync::Arc;

use failback::event::KnownAs;
use failback::event::Order;
use failback::event::Outcome;
use failback::event::Reporter;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::RunStatus;
use failback::event::StepStatus;
use failback::id::MachineName;
use failback::id::StepId;
use failback::provider::emulator::Scenario;
use failback::report::Bar;
use failback::report::JsonLines;
use failback::report::Lines;
use failback::report::Look;
use failback::report::Verbosity;
use indicatif::InMemoryTerm;
use indicatif::ProgressDrawTarget;
use insta::assert_snapshot;

use crate::report::play::Play;
use crate::report::play::Sink;
use crate::report::play::an_eventful_run;
use crate::report::play::names;
use crate::run::CLASSIC;
use crate::run::run;
use crate::run::world;

#[test]
fn lines_say_what_matters_and_when() {
    let mut play = Play::classic();
    let sink = play.lines(Verbosity::Normal);
    an_eventful_run(&mut play);
    play.asks("approve_commit/w3", "Commit w3?");
    play.say(RunEventKind::Interrupted { reason: "waits for an approval".into() });
    assert_snapshot!(sink.text(), @r#"
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
machines  1 of 4 machines back on-premises; 1 with failures: w2; 1 left out: l1; 2 not finished (1 of them back): w1, w3
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
"#);
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
    assert_snapshot!(sink.text(), @r#"
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
machines  2 of 4 machines back on-premises; 2 with failures (1 of them back): w1, w2; 1 left out: l1
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
"#);
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
        sent_at: None,
        withdrawn: false,
        signed: None,
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
