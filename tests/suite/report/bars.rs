//! What a run shows in a terminal: a bar for the whole and rows for machines.

use failback::event::RunEventKind;
use failback::id::IdempotencyKey;
use failback::id::StepId;
use failback::report::Look;
use indicatif::InMemoryTerm;
use insta::assert_snapshot;

use crate::report::play::Play;
use crate::report::play::an_eventful_run;
use crate::report::play::names;

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
    assert_snapshot!(terminal.contents(), @r#"
    1h19m  failover/w2 failed: The VM could not be started (78051)
    1h19m  6 steps of w2 are not done, since failover/w2 failed
    1h25m  approve_commit/w1 asks [dr-lead]: Commit w1?
    1h27m  approve_commit/w1: alice said yes
    1h27m  approve_commit/l1 is left out: retired
    1h27m  l1 was left out
    1h29m  approve_commit/w3 asks [dr-lead]: Commit w3?
 1h30m30s  run r1 is interrupted: waits for an approval
run       r1 of plan classic interrupted after 1h30m30s (2025-06-01T00:00:00Z to 2025-06-01T01:30:30Z)
machines  1 of 4 machines back on-premises; 1 with failures: w2; 1 left out: l1; 2 not finished (1 of them bac
k): w1, w3
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
"#);
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
fn the_whole_is_not_shown_as_done_while_its_last_step_runs() {
    let mut play = Play::estate(&["w1".to_owned()]);
    let last = play.state.graph().find(&StepId::new("await_protected/w1")).expect("it is there") as usize;
    let mut weights = vec![0.0; play.state.graph().steps().len()];
    weights[last] = 60.0;
    let terminal = play.bar_of(20, 100, weights, Look::default());
    play.start();
    play.go(&["reprotect"]);
    play.done("reprotect/w1");
    play.go(&["await_protected"]);
    play.tick(&[play.progress("await_protected/w1", 1.0, "w1 has no recovery point yet")]);
    let text = terminal.contents();
    assert!(text.starts_with(" 99%"), "{text}");
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
fn bars_go_on_above_a_question_that_stands_below_them() {
    let mut play = Play::classic();
    let (terminal, prompt) = play.bar_with_prompt(30, 100);
    play.start();
    play.go(&["reprotect"]);
    play.tick(&[]);
    play.pause(true);
    prompt.ask(vec![String::new(), "Commit w4 (approve_commit/w4)".into()]);
    prompt.show("yes or no? ye");
    play.fails("reprotect/w1", "The disk is locked");
    play.pass(90);
    play.tick(&[]);
    let text = terminal.contents();
    let at =
        |words: &str| text.lines().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{text}"));
    let places =
        ["reprotect/w1 failed", "7m30s gone", "1 failed ·", "  w2 ", "Commit w4", "yes or no? ye"].map(at);
    assert!(places.is_sorted(), "{places:?}\n{text}");
    assert_eq!(places[5] + 1, text.lines().count(), "the question is last: {text}");
    prompt.settle("yes or no? yes").expect("in memory");
    play.pause(false);
    play.tick(&[]);
    let text = terminal.contents();
    let at =
        |words: &str| text.lines().position(|line| line.contains(words)).unwrap_or_else(|| panic!("{text}"));
    let places =
        ["reprotect/w1 failed", "Commit w4", "yes or no? yes", "gone", "1 failed ·", "  w2 "].map(at);
    assert!(places.is_sorted(), "what was asked and answered stays above the bars: {text}");
    assert_eq!(text.matches("yes or no?").count(), 1, "{text}");
}

#[test]
fn a_question_is_seen_on_a_low_terminal() {
    let mut play = Play::estate(&names(30));
    let (terminal, prompt) = play.bar_with_prompt(12, 60);
    play.start();
    play.go(&["reprotect"]);
    play.pause(true);
    let question =
        "Commit w1, whose copy in Azure is deleted by that, and nothing brings it back (approve_commit/w1)";
    prompt.ask(vec![String::new(), question.into(), "for: dr-lead".into()]);
    prompt.show("yes or no? ");
    play.tick(&[]);
    let text = terminal.contents();
    let flat = text.lines().map(str::trim_end).collect::<String>();
    for words in ["gone", "0 of 30 machines done", "more running", "nothing brings", "dr-lead", "yes or no?"]
    {
        assert!(flat.contains(words), "no {words}: {text}");
    }
}

#[test]
fn a_question_ends_with_the_bars() {
    let mut play = Play::classic();
    let (terminal, prompt) = play.bar_with_prompt(30, 100);
    play.start();
    play.go(&["reprotect"]);
    play.pause(true);
    prompt.ask(vec!["Commit w4 (approve_commit/w4)".into()]);
    prompt.show("yes or no? ");
    play.tick(&[]);
    play.say(RunEventKind::Interrupted { reason: "asked to stop".into() });
    assert!(prompt.is_closed());
    prompt.show("yes or no? y");
    let text = terminal.contents();
    assert!(!text.contains("yes or no?") && !text.contains("gone"), "{text}");
    assert_eq!(text.matches("Commit w4").count(), 1, "what was asked is not lost: {text}");
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
